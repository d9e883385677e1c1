"""
What a session promises to every command.
"""

from datetime import timedelta
from pathlib import Path

import pytest

from cos_sweeper.cli import config
from cos_sweeper.cli.config import Options
from cos_sweeper.cli.console import Console
from cos_sweeper.cli.local_folder import LocalFolder
from cos_sweeper.cli.problems import Misused
from cos_sweeper.cli.session import Session, place_of
from cos_sweeper.core.model import AbortRequest, Bucket
from cos_sweeper.report.report_folder import ReportFolder
from tests.fixtures import NOW

PHOTOS, LOGS = "photos-1250000000@ap-guangzhou", "logs-1250000000@ap-singapore"


def session(folder: Path, *buckets: str, **environ: str) -> Session:
    found = config.read({"BUCKETS": f"{PHOTOS},{LOGS}", **environ}, Options(buckets=buckets), folder=folder)
    return Session(found, Console(), now=lambda: NOW)


@pytest.mark.parametrize(("dry_run", "is_dry"), [("", False), ("false", False), ("true", True)])
def test_plan_of_any_command_aborts_nothing_where_an_operator_set_dry_run(
    dry_run: str, *, is_dry: bool, tmp_path: Path
) -> None:
    with session(tmp_path, DRY_RUN=dry_run) as one:
        swept = one.run(one.sweep_plan(dry_run=False))
        named = one.run(one.plan(AbortRequest("photos-1250000000", "a", "1"), dry_run=False))

    assert (swept.dry_run, named.dry_run) == (is_dry, is_dry)
    assert swept.limit == (None if is_dry else 10_000)


@pytest.mark.parametrize("earlier", [timedelta(0), timedelta(minutes=1), timedelta(minutes=-1)])
def test_plan_never_judges_by_a_later_moment_than_an_earlier_one(earlier: timedelta, tmp_path: Path) -> None:
    with session(tmp_path) as one:
        plan = one.run(one.sweep_plan(dry_run=False, as_of=NOW - earlier))

    assert plan.as_of == min(NOW, NOW - earlier)


@pytest.mark.parametrize(
    ("buckets", "environ", "names"),
    [
        ((), {}, ["photos", "logs"]),
        ((LOGS,), {}, ["logs"]),
        (("logs-1250000000", LOGS), {}, ["logs"]),
        ((), {"EXCLUDE_BUCKETS": "logs-1250000000"}, ["photos"]),
    ],
    ids=["all", "one", "twice", "excluded"],
)
def test_buckets_are_those_that_are_allowed_and_named(
    buckets: tuple[str, ...], environ: dict[str, str], names: list[str], tmp_path: Path
) -> None:
    with session(tmp_path, *buckets, **environ) as one:
        found = one.run(one.buckets())

    assert [bucket.name.partition("-")[0] for bucket in found] == names


@pytest.mark.parametrize("bucket", ["other-1250000000@ap-guangzhou", "photos-1250000000@ap-singapore", "photos"])
def test_bucket_that_is_not_allowed_is_rejected(bucket: str, tmp_path: Path) -> None:
    with session(tmp_path, bucket) as one, pytest.raises(Misused, match="not among the allowed"):
        one.run(one.buckets())


def test_command_without_a_bucket_that_is_allowed_is_rejected(tmp_path: Path) -> None:
    excluded = "photos-1250000000,logs-1250000000"
    with session(tmp_path, EXCLUDE_BUCKETS=excluded) as one, pytest.raises(Misused, match="no bucket to work on"):
        one.run(one.sweep_plan(dry_run=True))


def test_records_go_to_the_option_else_to_report_else_to_a_directory_where_they_are_needed(tmp_path: Path) -> None:
    with session(tmp_path, REPORT=f"{LOGS}/reports") as one:
        of_option, of_report = one.folder(tmp_path / "x", is_needed=False), one.folder(is_needed=False)
    with session(tmp_path) as one:
        needed, not_needed = one.folder(is_needed=True), one.folder(is_needed=False)

    assert isinstance(of_option, LocalFolder)
    assert isinstance(of_report, ReportFolder)
    assert isinstance(needed, LocalFolder)
    assert not_needed is None
    assert place_of(of_report, "run") == f"{Bucket('logs-1250000000', 'ap-singapore')}/reports/run/"
    assert place_of(needed, "run") == "cos-sweeper-records/run"


def test_log_that_cannot_be_written_stops_the_command_before_it_begins(tmp_path: Path) -> None:
    found = config.read({}, Options(), folder=tmp_path)

    with pytest.raises(Misused, match="cannot be written"), Session(found, Console(), log_file=tmp_path / "no" / "log"):
        pass
