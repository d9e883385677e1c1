r"""
Completion in a shell: the script that a shell reads, and the answers that the script asks for.

All shells ask alike: ASKED says which shell it is, LINE has the command line up to the cursor. An answer is a line
`kind\tvalue\thelp`; kind is `plain` for a whole word, `file` or `dir` where the shell completes itself, with what
stands before the name, such as `--html=`, in place of a help. There is never an error message, and never a hang:
whatever goes wrong, there is no answer.
"""

import io
import os
import sys
from collections.abc import Iterator, Mapping
from typing import NoReturn

import click
from click.shell_completion import CompletionItem, ShellComplete, split_arg_string

from cos_sweeper.cli.framework import ASKED, NAME
from cos_sweeper.cli.words import t

LINE, BREAKS = "_COS_SWEEPER_LINE", "_COS_SWEEPER_BREAKS"

# bash replaces what follows the last of its break characters, such as the @ of a bucket.
BASH = rf"""
_cos_sweeper() {{
    local kind value help
    COMPREPLY=()
    while IFS=$'\t' read -r kind value help; do
        case "$kind" in
            plain)
                COMPREPLY+=("$(printf %q "$value")")
                [[ $value != *[=/@] ]] || compopt -o nospace 2>/dev/null
                ;;
            file) compopt -o default 2>/dev/null ;;
            dir) compopt -o plusdirs -o filenames 2>/dev/null ;;
        esac
    done < <(
        {ASKED}=bash {LINE}="${{COMP_LINE:0:COMP_POINT}}" {BREAKS}="$COMP_WORDBREAKS" "$1" 2>/dev/null </dev/null
    )
}}
complete -o nosort -F _cos_sweeper {NAME} 2>/dev/null || complete -F _cos_sweeper {NAME}
"""
ZSH = rf"""
#compdef {NAME}
_cos_sweeper() {{
    local kind value help files
    local -a whole open
    while IFS=$'\t' read -r kind value help; do
        case "$kind" in
            plain)
                value="${{value//:/\\:}}${{help:+:$help}}"
                if [[ ${{value%%:*}} == *[=/@] ]]; then open+=("$value"); else whole+=("$value"); fi
                ;;
            file) files=_files ;;
            dir) files=_directories ;;
        esac
    done < <({ASKED}=zsh {LINE}="${{(j: :)words[1,CURRENT-1]}} $PREFIX" "${{words[1]}}" 2>/dev/null </dev/null)
    (( $#whole )) && _describe -V values whole
    (( $#open )) && _describe -V values open -S ''
    if [[ -n $files ]]; then
        [[ $PREFIX == --*=* ]] && compset -P '--*='
        $files
    fi
}}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _cos_sweeper "$@"
else
    (( $+functions[compdef] )) || {{ autoload -Uz compinit && compinit -i }}
    compdef _cos_sweeper {NAME}
fi
"""
FISH = rf"""
function __cos_sweeper
    set --local line (commandline --current-process --cut-at-cursor | string collect)
    set --local name (commandline --current-process --tokenize)[1]
    for answer in (env {ASKED}=fish {LINE}="$line" $name 2>/dev/null </dev/null)
        set --local parts (string split --max 2 \t -- $answer)
        switch $parts[1]
            case plain
                string join \t -- $parts[2..]
            case file
                string replace --regex '^' -- $parts[3] (__fish_complete_path $parts[2])
            case dir
                string replace --regex '^' -- $parts[3] (__fish_complete_directories $parts[2])
        end
    end
end
complete --command {NAME} --no-files --keep-order --arguments '(__cos_sweeper)'
"""
SCRIPTS: Mapping[str, str] = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def answer(cli: click.Command, environ: Mapping[str, str]) -> NoReturn:
    """Answer a shell, and end: a look-up of a name that takes long must not hold the terminal."""
    try:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")
        for line in lines(cli, environ):
            sys.stdout.write(line + "\n")
        sys.stdout.flush()
    finally:
        os._exit(0)


def lines(cli: click.Command, environ: Mapping[str, str]) -> Iterator[str]:
    """The answers to what a shell asks."""
    line = environ.get(LINE, "")
    words = split_arg_string(line)
    incomplete = "" if not line or line[-1].isspace() else words.pop()
    option = incomplete.partition("=")[0] + "=" if incomplete.startswith("--") and "=" in incomplete else ""
    begin = max((incomplete.rfind(one) + 1 for one in environ.get(BREAKS, "")), default=0)
    for item in ShellComplete(cli, {}, NAME, ASKED).get_completions(words[1:], incomplete):
        yield _line(item, option, begin)


def _line(item: CompletionItem[str], option: str, begin: int) -> str:
    """option: what the shell takes for the first part of the word; begin: how much of the word it keeps."""
    if item.type != "plain":
        return "\t".join((item.type, str(item.value), option))
    return "\t".join(("plain", f"{option}{item.value}"[begin:], t(item.help or "").replace("\n", " ")))
