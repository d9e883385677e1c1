"""
Asks whether any deployed version has a known vulnerability.

Fails closed: where the advisory data can be reached, a package that could not be audited is a failure, and so is a
pip-audit that stops for another reason. Where the data is out of reach, that is said loudly and is no finding.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

REQUIREMENTS = Path(__file__).parents[2] / "requirements.txt"
SECONDS = 300
OUT_OF_REACH = re.compile(r"connect|resolv|network is unreachable|timed? ?out|proxy", re.IGNORECASE)


def main() -> int:
    """Print what is known; 1 when something is vulnerable or could not be audited."""
    options = ("--requirement", str(REQUIREMENTS), "--no-deps", "--disable-pip", "--progress-spinner", "off")
    command = [str(Path(sys.executable).with_name("pip-audit")), *options, "--format", "json"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        printed, complaints = result.stdout, result.stderr
    except subprocess.TimeoutExpired:
        printed, complaints = "", f"timed out after {SECONDS} seconds"
    lines, failed = verdict(printed, complaints)
    print("\n".join(lines))
    return int(failed)


def verdict(printed: str, complaints: str) -> tuple[list[str], bool]:
    """What pip-audit printed, as JSON, and complained of → what to print, and whether that is a failure."""
    try:
        found: list[dict[str, Any]] = json.loads(printed)["dependencies"]
    except (ValueError, KeyError, TypeError):
        reason = complaints.strip().splitlines()[-1] if complaints.strip() else "it printed nothing"
        if OUT_OF_REACH.search(reason):
            return [f"!!! NOT AUDITED: the advisory data is out of reach from here ({reason})"], False
        return [f"pip-audit failed: {reason}"], True
    skipped = [one["name"] for one in found if "skip_reason" in one]
    if skipped and len(skipped) == len(found):
        return [f"!!! NOT AUDITED: the advisory data is out of reach from here ({found[0]['skip_reason']})"], False
    lines = [
        f"{one['name']} {one['version']}: {each['id']}, fixed in {', '.join(each['fix_versions']) or 'no version'}"
        for one in found
        for each in one.get("vulns", [])
    ]
    summary = f"{len(found) - len(skipped)} of {len(found)} packages audited, {len(lines)} findings"
    not_audited = [f"not audited, although others were: {', '.join(skipped)}"] if skipped else []
    return [*lines, *not_audited, summary], bool(lines or skipped or not found)


if __name__ == "__main__":
    sys.exit(main())
