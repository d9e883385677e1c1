#!/bin/sh
# Runs the command line of Serverless Cloud Framework with the given arguments.
#
# It is npm's serverless-cloud-framework. PyPI's `scf` installs another command of the same name, and npm's `serverless`
# is another program, too. SCF='…' names a command to use without this check, such as SCF='npx serverless-cloud-framework'.
set -eu

if [ -n "${SCF:-}" ]; then
    command -v "${SCF%% *}" >/dev/null || {
        echo "error: there is no command '${SCF%% *}' here, which SCF names." >&2
        echo "→ make … SCF=/path/to/scf, or leave SCF out" >&2
        exit 1
    }
    exec $SCF "$@"
fi
found=$(command -v scf) || {
    echo "error: there is no command 'scf' here." >&2
    echo "→ Install it: npm install --global serverless-cloud-framework" >&2
    exit 1
}
case $(readlink -f "$found") in
*/serverless-cloud-framework/*) exec "$found" "$@" ;;
esac
echo "error: $found is not the command of npm's serverless-cloud-framework." >&2
echo "→ Install that one: npm install --global serverless-cloud-framework. Or say which to run: make … SCF=/path/to/scf" >&2
exit 1
