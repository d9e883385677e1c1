"""
The terminal command as a test holds it: options in; exit code, stdout and stderr out. Piped, and in this process.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from click.testing import CliRunner

from cos_sweeper.cli.main import cli
from tests.emulator.public import Cloud, Credentials
from tests.fixtures import ABORTING


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of one command."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """The data on stdout, with `--json`."""
        return json.loads(self.stdout)

    def rows(self, title: str) -> list[list[str]]:
        """The rows of a table, by its title."""
        lines = self.stdout.splitlines()
        start = lines.index(f"# {title}") + 2
        end = next((index for index in range(start, len(lines)) if not lines[index]), len(lines))
        return [line.split("\t") for line in lines[start:end] if not line.startswith("#")]


@dataclass(slots=True)
class Command:
    """
    Runs `cos-sweeper` against the emulator, in a directory of its own.

    settings: variables of its environment, on top of those that a test of the function has, without DRY_RUN.
    """

    cloud: Cloud
    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    credentials: Credentials | None = None

    def __call__(self, *arguments: str, typed: str | None = None, **settings: str) -> Ran:
        """Run it. typed: what a person types, '' for none; None: nobody is there. settings: '' to unset."""
        credentials = self.credentials or self.cloud.owner
        environ = {
            **{name: value for name, value in ABORTING.items() if name != "DRY_RUN"},
            "COS_ENDPOINT": self.cloud.endpoint,
            "TENCENTCLOUD_SECRET_ID": credentials.secret_id,
            "TENCENTCLOUD_SECRET_KEY": credentials.secret_key,
            "TENCENTCLOUD_TOKEN": credentials.token or "",
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            **self.settings,
            **settings,
        }
        with (
            mock.patch.dict("os.environ", environ, clear=True),
            mock.patch("pathlib.Path.cwd", return_value=self.folder),
            mock.patch("cos_sweeper.cli.console.has_person", return_value=typed is not None),
        ):
            result = CliRunner().invoke(cli, arguments, input=typed)
        return Ran(result.exit_code, result.stdout, result.stderr)
