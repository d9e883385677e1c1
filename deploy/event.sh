#!/bin/sh
# Writes the event in the variable EVENT, which is JSON or the name of a file with JSON, into the file that is named.
set -eu

if [ -z "${EVENT:-}" ]; then
    echo "error: there is no event." >&2
    echo "→ make invoke EVENT='{\"inventory\": true}', or the name of a file" >&2
    exit 2
fi
mkdir -p "$(dirname "$1")"
if [ -f "$EVENT" ]; then cat "$EVENT"; else printf '%s\n' "$EVENT"; fi > "$1"
python3 -m json.tool "$1" >/dev/null 2>&1 || {
    case $EVENT in
    *[{[]*) echo "error: EVENT is no JSON: $EVENT" >&2 ;;
    *) echo "error: there is no file $EVENT with JSON in it." >&2 ;;
    esac
    echo "→ Put JSON in single quotes: make invoke EVENT='{\"inventory\": true}'" >&2
    exit 2
}
