"""
Asks whether any deployed version has a known vulnerability.

Where the data cannot be reached that is said loudly, and is no failure: it is no finding either.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

REQUIREMENTS = Path(__file__).parents[2] / "requirements.txt"
SECONDS = 300


def main() -> int:
    """Print what is known; 1 when a vulnerability is."""
    options = ("--requirement", str(REQUIREMENTS), "--no-deps", "--disable-pip", "--progress-spinner", "off")
    command = [str(Path(sys.executable).with_name("pip-audit")), *options, "--format", "json"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
        found = json.loads(result.stdout)["dependencies"]
    except (OSError, ValueError, KeyError, subprocess.TimeoutExpired) as exc:
        print(f"!!! NOT AUDITED: pip-audit said nothing ({type(exc).__name__}); its data is out of reach from here")
        return 0
    lines, failed = verdict(found)
    print("\n".join(lines))
    return int(failed)


def verdict(found: list[dict[str, Any]]) -> tuple[list[str], bool]:
    """pip-audit's word on each package → what to print, and whether anything is vulnerable."""
    skipped = [one["name"] for one in found if "skip_reason" in one]
    lines = [
        f"{one['name']} {one['version']}: {each['id']}, fixed in {', '.join(each['fix_versions']) or 'no version'}"
        for one in found
        for each in one.get("vulns", [])
    ]
    failed = bool(lines)
    if skipped:
        lines.append(f"!!! NOT AUDITED, their data is out of reach from here: {', '.join(skipped)}")
    lines.append(f"{len(found) - len(skipped)} of {len(found)} packages audited, {len(lines) - bool(skipped)} findings")
    return lines, failed


if __name__ == "__main__":
    sys.exit(main())
