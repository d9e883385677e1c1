"""
Settings of the command: what wins, what narrows, what is refused, and where each value is from.
"""

import os
from pathlib import Path
from unittest import mock

import pytest

from cos_sweeper.cli import config, config_file
from cos_sweeper.cli.config import Config, Given, Options
from cos_sweeper.cli.config_file import DEFAULT_FILE, NAMED_ALONE
from cos_sweeper.cli.problems import Misused
from cos_sweeper.core.errors import BadSettings
from cos_sweeper.core.settings import READERS, SECRETS

PHOTOS, LOGS = "photos-1250000000@ap-guangzhou", "logs-1250000000@ap-singapore"
LIST = f"{PHOTOS},{LOGS}"


def read(folder: Path, environ: dict[str, str] | None = None, file: str = "", **options: object) -> Config:
    if file:
        (folder / DEFAULT_FILE).write_text(file, "utf-8")
    return config.read(environ or {}, Options(**options), folder=folder)  # type: ignore[arg-type]


def test_option_wins_over_environment_over_file_and_each_value_has_its_origin(tmp_path: Path) -> None:
    file = f'buckets = ["{PHOTOS}", "{LOGS}"]\nmin_age_hours = 200\nmin_idle_hours = 100.5\nmax_aborts = 5\n'
    environ = {"MIN_IDLE_HOURS": "90", "MAX_ABORTS": "6", "VERIFY": " "}

    found = read(tmp_path, environ, file, settings=(Given("MAX_ABORTS", "7", "--max-aborts"),))

    assert found.settings.max_aborts == 7
    assert found.settings.min_idle.total_seconds() == 90 * 3600
    assert found.settings.min_age.total_seconds() == 200 * 3600
    origins = {name: found.origin(name) for name in ("MAX_ABORTS", "MIN_IDLE_HOURS", "MIN_AGE_HOURS", "VERIFY")}
    assert origins == {
        "MAX_ABORTS": "--max-aborts",
        "MIN_IDLE_HOURS": "environment",
        "MIN_AGE_HOURS": "cos-sweeper.toml",
        "VERIFY": "default",
    }


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("dry_run = false", "DRY_RUN", "false"),
        ("DRY_RUN = true", "DRY_RUN", "true"),
        ("min-age-hours = 24", "MIN_AGE_HOURS", "24"),
        ('prefixes = ["a*/", "b,"]', "PREFIXES", '["a*/", "b,"]'),
        ('exclude_buckets = ["a-1250000000"]', "EXCLUDE_BUCKETS", "a-1250000000"),
        ('currency = "CNY"', "CURRENCY", "CNY"),
        ("[price_per_gb_month]\nSTANDARD = 0.12", "PRICE_PER_GB_MONTH", '{"STANDARD": 0.12}'),
    ],
)
def test_value_of_the_file_is_what_the_variable_would_be(line: str, name: str, value: str, tmp_path: Path) -> None:
    assert read(tmp_path, file=line).given[name].text == value


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        ("min_age_hour = 1", "did you mean MIN_AGE_HOURS"),
        ("colour = 1", "there is no setting colour"),
        ("buckets = [1]", "a list of texts"),
        ("min_age_hours = 2026-01-01", "write a text"),
        ("x =", "not valid TOML"),
        ('tencentcloud_secretkey = "s3cret-value"', "credentials do not belong"),
        ('exclude-prefixes = ["a"]\nEXCLUDE_PREFIXES = ["b"]', "exclude-prefixes and EXCLUDE_PREFIXES are the same"),
        ("workers = " + "9" * 6000, "a value is too large"),
        ("buckets = " + "[" * 5000, "a value is too large"),
        ("price_per_gb_month." + ".".join("a" * 9000) + " = 1", "write a text|a value is too large"),
        ("# " + "x" * (1 << 20), "cannot be read"),
        *((f'{name} = "s3cret-value"', f"{name} is not read from a file that nobody named") for name in NAMED_ALONE),
    ],
)
def test_file_that_is_wrong_stops_the_command(file: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(Misused, match=problem) as caught:
        read(tmp_path, file=file)

    assert "s3cret-value" not in str(caught.value)


@pytest.mark.parametrize("name", NAMED_ALONE)
def test_file_that_is_named_may_say_where_requests_go(name: str, tmp_path: Path) -> None:
    (tmp_path / "named.toml").write_text(f'{name.lower()} = "http://127.0.0.1:1"')

    found = config.read({}, Options(), tmp_path / "named.toml", tmp_path)

    assert name in {**found.given, **found.of_command}
    assert list(found.of_implicit_file()) == []


def test_implicit_file_that_others_may_write_is_refused(tmp_path: Path) -> None:
    file = tmp_path / DEFAULT_FILE
    file.write_text("verify = 'all'")
    file.chmod(0o666)

    with pytest.raises(Misused, match="another user may have written it"):
        read(tmp_path)
    file.chmod(0o644)
    foreign = mock.patch("os.geteuid", return_value=12345), mock.patch.object(config_file, "ROOT", 54321)
    with foreign[0], foreign[1], pytest.raises(Misused, match="another user may have written it"):
        read(tmp_path)
    assert read(tmp_path).given["VERIFY"].text == "all"


@pytest.mark.parametrize("kind", ["device", "pipe", "directory"])
def test_file_that_never_ends_is_not_read(kind: str, tmp_path: Path) -> None:
    path = Path("/dev/zero") if kind == "device" else tmp_path / "file"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()

    with pytest.raises(Misused, match="cannot be read"):
        config.read({}, Options(), path, tmp_path)


def test_what_an_implicit_file_sets_is_told_with_the_endpoint(tmp_path: Path) -> None:
    file = f'report = "{PHOTOS}/x"\nmin_age_hours = 1\nrecords = "out"\nhttp_token = "s3cret-value-of-16"'

    found = read(tmp_path, {"COS_ENDPOINT": "http://127.0.0.1:1", "MIN_AGE_HOURS": "2"}, file)

    assert list(found.notices()) == [
        f"Settings from ./cos-sweeper.toml: REPORT={PHOTOS}/x, HTTP_TOKEN=(set, not shown), RECORDS=out",
        "Requests go to http://127.0.0.1:1, which COS_ENDPOINT sets (environment), and not to COS.",
    ]


def test_two_options_for_one_setting_are_refused(tmp_path: Path) -> None:
    twice = (Given("MIN_AGE_HOURS", "900", "--set"), Given("MIN_AGE_HOURS", "1", "--min-age-hours"))

    with pytest.raises(Misused, match="--set and --min-age-hours both set MIN_AGE_HOURS"):
        read(tmp_path, settings=twice)


def test_current_directory_that_was_deleted_is_a_sentence() -> None:
    gone = mock.patch("pathlib.Path.cwd", side_effect=FileNotFoundError)
    with gone, pytest.raises(Misused, match="current directory"):
        config.read({}, Options())


def test_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(Misused, match="There is no file"):
        config.read({}, Options(), tmp_path / "other.toml")


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_secret_is_no_option_and_is_never_shown(name: str) -> None:
    with pytest.raises(Misused, match=f"{name} is a secret") as caught:
        config.option(name, "s3cret-value-of-16-or-more", "--set")

    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in Given(name, "s3cret-value-of-16-or-more", "environment").shown


@pytest.mark.parametrize("name", sorted({*READERS} - {*SECRETS}))
def test_every_other_setting_is_an_option(name: str) -> None:
    assert config.option(name, "x", "--set") == Given(name, "x", "--set")


def test_option_that_is_no_setting_is_rejected() -> None:
    with pytest.raises(Misused, match="did you mean VERIFY"):
        config.option("VERIFI", "all", "--set")


# Which buckets


def test_no_bucket_is_in_scope_unless_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misused, match="No bucket is named"):
        _ = read(tmp_path).settings


@pytest.mark.parametrize(
    ("buckets", "allowed"),
    [((PHOTOS,), PHOTOS), ((PHOTOS, LOGS), LIST), (("photos-1250000000",), "*"), ((PHOTOS, "logs-1250000000"), "*")],
    ids=["with_region", "two", "without_region", "one_without"],
)
def test_bucket_option_allows_a_bucket_only_where_the_settings_name_none(
    buckets: tuple[str, ...], allowed: str, tmp_path: Path
) -> None:
    alone, narrowing = read(tmp_path, buckets=buckets), read(tmp_path, {"BUCKETS": LOGS}, buckets=buckets)

    assert (alone.given["BUCKETS"].text, alone.only) == (allowed, buckets)
    assert (narrowing.given["BUCKETS"].text, narrowing.only) == (LOGS, buckets)


def test_all_buckets_never_widens_what_the_settings_allow(tmp_path: Path) -> None:
    assert read(tmp_path, all_buckets=True).settings.buckets is None
    assert read(tmp_path, {"BUCKETS": "*"}, all_buckets=True).settings.buckets is None
    with pytest.raises(Misused, match="allows only"):
        read(tmp_path, {"BUCKETS": PHOTOS}, all_buckets=True)


@pytest.mark.parametrize(
    ("name", "before", "more", "both"),
    [
        ("EXCLUDE_BUCKETS", "a-1250000000, b-1250000000", "c-1250000000", "a-1250000000,b-1250000000,c-1250000000"),
        ("EXCLUDE_PREFIXES", "a/,b/", '["c*"]', '["a/", "b/", "c*"]'),
        ("EXCLUDE_PREFIXES", '["a,b"]', '["c/"]', '["a,b", "c/"]'),
    ],
)
def test_exclusion_of_an_option_adds_to_the_others(
    name: str, before: str, more: str, both: str, tmp_path: Path
) -> None:
    found = read(tmp_path, {name: before}, settings=(Given(name, more, "--exclude"),))

    assert found.given[name] == Given(name, both, "environment + --exclude")


def test_variable_that_looks_like_a_misspelled_setting_stops_the_command(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="Did you mean EXCLUDE_PREFIXES"):
        _ = read(tmp_path, {"BUCKETS": PHOTOS, "EXCLUDE_PREFIX": "keep/"}).settings
