"""
`completion`: what a shell reads so that the Tab key completes commands, options, buckets, regions and runs.
"""

from typing import Any

import click

from cos_sweeper.cli import exits
from cos_sweeper.cli.framework import LANG, Argument, Command


def _print(shell: str, **_: Any) -> int:
    from cos_sweeper.cli.completing import SCRIPTS

    click.echo(SCRIPTS[shell].strip())
    return exits.COMPLETE


# It has no session: no setting is read, so none can be wrong.
command = Command(
    "completion",
    "The script with which a shell completes commands, options, buckets, regions and runs.",
    (
        "Switch it on with one of the examples, in ~/.bashrc, in ~/.zshrc, or once for fish. Buckets and runs come "
        "from the settings and directories, or are asked of COS for two seconds at most."
    ),
    (
        'eval "$(cos-sweeper completion bash)"',
        'eval "$(cos-sweeper completion zsh)"',
        "cos-sweeper completion fish > ~/.config/fish/completions/cos-sweeper.fish",
    ),
    params=[Argument("shell", "bash, zsh or fish", type=click.Choice(("bash", "zsh", "fish"))), LANG],
    callback=_print,
)
