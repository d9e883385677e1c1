"""
What a shell suggests for a value: buckets, regions, runs, settings and profiles.

Buckets and runs may be asked of COS, for SECONDS at most. What cannot be read is not suggested.
"""

import asyncio
import configparser
import time
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from cos_sweeper.cli import config, stored_reports
from cos_sweeper.cli.console import Console
from cos_sweeper.cli.local_folder import LocalFolder
from cos_sweeper.cli.session import Session, environment
from cos_sweeper.core.errors import SweeperError
from cos_sweeper.core.model import Bucket
from cos_sweeper.core.settings import BUCKET_NAME, CREDENTIALS, READERS, REGION, SECRETS
from cos_sweeper.net.timeout import finish_by
from cos_sweeper.report import history

SECONDS = 2.0
RECENT = timedelta(days=90)
REGIONS = (
    *("ap-bangkok", "ap-beijing", "ap-beijing-1", "ap-beijing-fsi", "ap-chengdu", "ap-chongqing", "ap-guangzhou"),
    *("ap-hongkong", "ap-jakarta", "ap-mumbai", "ap-nanjing", "ap-seoul", "ap-shanghai", "ap-shanghai-fsi"),
    *("ap-shenzhen-fsi", "ap-singapore", "ap-tokyo", "eu-frankfurt", "na-ashburn", "na-siliconvalley", "sa-saopaulo"),
)


def buckets(ctx: click.Context, incomplete: str, *, has_region: bool = True) -> list[CompletionItem[str]]:
    """Buckets: those that BUCKETS allows, else those that the credentials can list. Behind an `@`, any region."""
    given = {text for text in ctx.params.get("buckets") or () if text}
    found: list[Bucket] = []
    with suppress(SweeperError), _session(ctx) as session:
        settings = session.config.settings_of_all
        found += settings.buckets or ()
        if settings.buckets is None:
            _within(session, _list(session, found))
        found = [one for one in found if one.name not in settings.exclude_buckets]
    known = [str(one) if has_region else one.name for one in found if str(one) not in given]
    fitting = _fitting(known, incomplete)
    name, at, _ = incomplete.partition("@")
    return fitting or (_fitting([f"{name}@{region}" for region in REGIONS], incomplete) if at else [])


def regions(_: click.Context, incomplete: str, suffix: str = "") -> list[CompletionItem[str]]:
    """Regions. suffix: what follows one."""
    return _fitting([region + suffix for region in REGIONS], incomplete)


def runs(ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
    """The newest runs in the directory or under REPORT, and directories."""
    found: list[str] = []
    with suppress(SweeperError), _session(ctx) as session:
        place = stored_reports.find(session, None, ctx.params.get("records"))
        _within(session, _runs(place, found))
    names = [*([stored_reports.LATEST] if found else []), *sorted(set(found), reverse=True)]
    return [*_fitting(names, incomplete), CompletionItem(incomplete, type="dir")]


def settings(_: click.Context, incomplete: str) -> list[CompletionItem[str]]:
    """Names of settings that `--set` takes."""
    names = [f"{name}=" for name in READERS if name not in SECRETS and name not in CREDENTIALS]
    return _fitting(names, incomplete.upper()) if "=" not in incomplete else []


def profiles(_: click.Context, incomplete: str) -> list[CompletionItem[str]]:
    """Profiles of tccli and of the SDK."""
    home, parser = Path(environment().get("HOME") or "/"), configparser.ConfigParser(interpolation=None)
    with suppress(configparser.Error, OSError, UnicodeDecodeError):
        parser.read([home / ".tencentcloud" / "credentials", "/etc/tencentcloud/credentials"], "utf-8")
    of_tccli = (path.stem for path in (home / ".tccli").glob("*.credential"))
    return _fitting(sorted({*parser.sections(), *of_tccli}), incomplete)


def _fitting(values: Iterable[str], incomplete: str) -> list[CompletionItem[str]]:
    # A shell writes it to the terminal as it is.
    return [CompletionItem(value) for value in values if value.startswith(incomplete) and value.isprintable()]


def _session(ctx: click.Context) -> Session:
    environ = environment()
    path = ctx.params.get("config_file")
    read = config.read(environ, config.Options(), Path(path) if path else None)
    return Session(read, Console(environ=environ), profile=ctx.params.get("profile"))


def _within(session: Session, work: Coroutine[Any, Any, None]) -> None:
    """Do this, and no longer than SECONDS. What was found until then counts."""
    with suppress(TimeoutError, asyncio.TimeoutError):
        session.run(finish_by(time.monotonic() + SECONDS, work))


async def _list(session: Session, found: list[Bucket]) -> None:
    marker: str | None = ""
    while marker is not None:
        page = await session.store().buckets(marker)
        found += (one for one in page.buckets if BUCKET_NAME.fullmatch(one.name) and REGION.fullmatch(one.region))
        marker = page.next


async def _runs(place: stored_reports.Place, found: list[str]) -> None:
    """Only names are asked for: a directory may have a record for each of a million uploads."""
    if isinstance(place.folder, LocalFolder):
        names = [path.name for path in place.folder.path.iterdir()]
    else:
        after = f"{datetime.now(timezone.utc) - RECENT:%Y%m%dT%H%M%SZ}"
        listed = await place.folder.names(history.FOLDER, history.FOLDER + after)
        names = [name.removeprefix(history.FOLDER).removesuffix(".json") for name in listed]
    found += [name for name in names if stored_reports.RUN_ID.fullmatch(name)]
