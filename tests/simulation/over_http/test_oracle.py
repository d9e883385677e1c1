"""
The oracle itself, case by case: what the texts say of uploads that may be aborted and of those that must be gone.
"""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from tests.simulation.over_http.oracle import (
    HOUR,
    MINUTE,
    SECOND,
    Arrival,
    Completed,
    Event,
    Mention,
    Moment,
    Nothing,
    PartsPage,
    Reported,
    Rules,
    Sweep,
    Target,
    Upload,
    UploadTarget,
    completed_floor,
    is_complete,
    judged_start,
    longest_pause,
    may_abort,
    must_be_gone,
    read_rules,
    readings,
    start_readings,
)

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=timezone.utc)
BUCKET = "photos-1250000000"
RULES = Rules(buckets=frozenset((BUCKET,)), dry_run=False)
RIGHT = timedelta(0)


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def upload_id(started: datetime) -> str:
    return f"{int(started.timestamp()):010d}" + "ab" * 32


def an_upload(hours: float = 300, *part_hours: float, key: str = "raw/cat.mov", **more: object) -> Upload:
    started = NOW - hours * HOUR
    arrivals = tuple(Arrival(number, 5, NOW - each * HOUR) for number, each in enumerate(part_hours, start=1))
    return replace(Upload(BUCKET, key, upload_id(started), started, arrivals), **more)  # type: ignore[arg-type]


def all_reported(
    upload: Upload,
    *,
    initiated: str | None = None,
    difference: timedelta | None = RIGHT,
    looked: timedelta = SECOND,
    parts: tuple[tuple[int, str], ...] | None = None,
) -> Reported:
    """What a careful function was told of an upload: it was listed, and looked at so long ago."""
    shown = tuple((each.number, iso(each.at)) for each in upload.arrivals) if parts is None else parts
    page = PartsPage(NOW - looked, NOW - looked, 0, None, shown, difference)
    return Reported(NOW, (Mention(NOW - MINUTE, initiated or iso(upload.started), difference),), (page,))


def reasons(
    upload: Upload,
    event: Event | None = None,
    rules: Rules = RULES,
    reported: Reported | None = None,
    aborted_before: int = 0,
) -> tuple[str, ...]:
    moment = Moment(NOW, RIGHT, aborted_before)
    return may_abort(upload, event or Sweep(), [rules], reported or all_reported(upload), moment)


def named(*uploads: Upload) -> UploadTarget:
    return UploadTarget(tuple(Target(each.bucket, each.key, each.upload_id) for each in uploads))


OLD = an_upload(300, 200, 100)

MAY = {
    "old and idle": reasons(OLD),
    "without parts": reasons(an_upload(169)),
    "just beyond both limits": reasons(an_upload(168.01, 72.01)),
    "zone-less in UTC+8, old by the later reading": reasons(
        an_upload(180), reported=all_reported(an_upload(180), initiated="Thu Nov 18 08:00:00 2026")
    ),
    "a part arrived while the DELETE was under way": reasons(
        replace(OLD, arrivals=(*OLD.arrivals, Arrival(3, 5, NOW - 4 * SECOND))), reported=all_reported(OLD)
    ),
    "another bucket is excluded": reasons(OLD, rules=replace(RULES, exclude_buckets=frozenset(("logs-1250000000",)))),
    "committers are included": reasons(
        an_upload(300, key="out/_temporary/x"), rules=replace(RULES, include_committers=True)
    ),
    "named at once": reasons(an_upload(0.1, 0.01), named(an_upload(0.1, 0.01)), reported=Reported(NOW)),
    "named and idle": reasons(an_upload(2, 1), named(an_upload(2, 1)), replace(RULES, event_min_idle=30 * MINUTE)),
    "leftover": reasons(
        an_upload(50, 49.9, 49.8, 49.7), Completed(BUCKET, "raw/cat.mov", NOW), replace(RULES, min_idle=72 * HOUR)
    ),
    "id half an hour younger": reasons(an_upload(300, upload_id=upload_id(NOW - 299.5 * HOUR))),
    "no time in the id": reasons(an_upload(300, upload_id="abc")),
}

MAY_NOT = {
    "dry run": (reasons(OLD, rules=replace(RULES, dry_run=True)), "DRY_RUN"),
    "dry run of the sweep": (reasons(OLD, Sweep(dry_run=True)), "dry run"),
    "nothing asked": (reasons(OLD, Nothing()), "nothing was asked"),
    "too young": (reasons(an_upload(167.9, 100)), "too young"),
    "too young by the later reading": (
        reasons(an_upload(170), reported=all_reported(an_upload(170), initiated="Wed Nov 18 18:00:00 2026")),
        "too young",
    ),
    "Initiated is empty": (reasons(OLD, reported=all_reported(OLD, initiated="yesterday")), "start is in doubt"),
    "id three hours off": (reasons(replace(OLD, upload_id=upload_id(NOW - 297 * HOUR))), "start is in doubt"),
    "id makes it younger": (
        reasons(an_upload(168.3, 100, upload_id=upload_id(NOW - 167.8 * HOUR))),
        "too young",
    ),
    "a part arrived recently": (reasons(an_upload(300, 71.9)), "recently"),
    "no part, and started within the idle time": (
        reasons(an_upload(100), rules=replace(RULES, min_age=24 * HOUR, min_idle=120 * HOUR)),
        "started recently",
    ),
    "a part arrived six seconds ago": (
        reasons(replace(OLD, arrivals=(*OLD.arrivals, Arrival(3, 5, NOW - 6 * SECOND))), reported=all_reported(OLD)),
        "a part arrived recently",
    ),
    "a look showed the new part": (
        reasons(
            replace(OLD, arrivals=(*OLD.arrivals, Arrival(3, 5, NOW - 2 * SECOND))),
            reported=all_reported(OLD, parts=((3, iso(NOW - 2 * SECOND)),)),
        ),
        "showed a recent part",
    ),
    "a part's time has six digits": (
        reasons(OLD, reported=all_reported(OLD, parts=((1, "2026-01-01T00:00:00.000000Z"),))),
        "documented form",
    ),
    "the look is old": (reasons(OLD, reported=all_reported(OLD, looked=6 * SECOND)), "no complete look"),
    "no look": (reasons(OLD, reported=replace(all_reported(OLD), pages=())), "no complete look"),
    "no Date": (reasons(OLD, reported=all_reported(OLD, difference=None)), "no Date"),
    "clocks six minutes apart": (reasons(OLD, reported=all_reported(OLD, difference=-6 * MINUTE)), "clocks disagreed"),
    "never listed": (reasons(OLD, reported=replace(all_reported(OLD), mentions=())), "no listing"),
    "another bucket": (reasons(OLD, rules=replace(RULES, buckets=frozenset())), "BUCKETS"),
    "excluded bucket": (reasons(OLD, rules=replace(RULES, exclude_buckets=frozenset((BUCKET,)))), "EXCLUDE_BUCKETS"),
    "outside PREFIXES": (reasons(OLD, rules=replace(RULES, prefixes=("tmp/",))), "PREFIXES"),
    "excluded prefix": (reasons(OLD, rules=replace(RULES, exclude_prefixes=("raw",))), "EXCLUDE_PREFIXES"),
    "excluded prefix in NFC, key in NFD": (
        reasons(an_upload(300, key="cafe\u0301/x"), rules=replace(RULES, exclude_prefixes=("caf\u00e9/",))),
        "EXCLUDE_PREFIXES",
    ),
    "committer": (reasons(an_upload(300, key="out/_temporary/x")), "committer"),
    "outside the sweep": (reasons(OLD, Sweep(prefixes=("tmp/",))), "no prefix of the sweep"),
    "the sweep is stricter": (reasons(OLD, Sweep(min_age=301 * HOUR)), "too young"),
    "the sweep is wider": (reasons(OLD, Sweep(min_age=HOUR)), "more than the settings allow"),
    "limit": (reasons(OLD, rules=replace(RULES, max_aborts=3), aborted_before=3), "MAX_ABORTS"),
    "limit of the sweep": (reasons(OLD, Sweep(max_aborts=2), aborted_before=2), "MAX_ABORTS"),
    "not named": (reasons(an_upload(1), named(an_upload(2))), "does not name it"),
    "named beyond the limit": (
        reasons(an_upload(1), named(an_upload(2), an_upload(1)), replace(RULES, max_aborts=1)),
        "beyond the first",
    ),
    "named, and still receiving": (
        reasons(an_upload(2, 0.3), named(an_upload(2, 0.3)), replace(RULES, event_min_idle=30 * MINUTE)),
        "recently",
    ),
    "named without parts, not listed": (
        reasons(
            an_upload(2),
            named(an_upload(2)),
            replace(RULES, event_min_idle=30 * MINUTE),
            replace(all_reported(an_upload(2)), mentions=()),
        ),
        "no listing",
    ),
    "named under another reading that is excluded": (
        reasons(
            an_upload(2, key="keep/a"),
            UploadTarget((Target(BUCKET, "keep%2Fa", an_upload(2).upload_id),)),
            replace(RULES, exclude_prefixes=("keep/",)),
        ),
        "EXCLUDE_PREFIXES",
    ),
    "leftover of another key": (reasons(an_upload(300), Completed(BUCKET, "raw/cat", NOW)), "another key"),
    "leftover that started later": (
        reasons(an_upload(300), Completed(BUCKET, "raw/cat.mov", NOW - 301 * HOUR)),
        "did not start before",
    ),
    "leftover with few parts": (reasons(an_upload(50, 49), Completed(BUCKET, "raw/cat.mov", NOW)), "recently"),
    "leftover that is slow": (
        reasons(an_upload(10, 9, 8, 7, 3.9), Completed(BUCKET, "raw/cat.mov", NOW)),
        "recently",
    ),
}


@pytest.mark.parametrize("found", MAY.values(), ids=MAY)
def test_oracle_allows_an_abort(found: tuple[str, ...]) -> None:
    assert found == ()


@pytest.mark.parametrize(("found", "expected"), MAY_NOT.values(), ids=MAY_NOT)
def test_oracle_forbids_an_abort(found: tuple[str, ...], expected: str) -> None:
    assert any(expected in reason for reason in found), found


def test_rules_of_both_sets_bind() -> None:
    stricter = replace(RULES, min_age=400 * HOUR)

    assert may_abort(OLD, Sweep(), [RULES, stricter], all_reported(OLD), Moment(NOW))
    assert may_abort(OLD, Sweep(), [stricter, RULES], all_reported(OLD), Moment(NOW))


MUST = {
    "old and idle": (OLD, Sweep(), RULES, 0, True),
    "half a minute beyond the limit": (an_upload(168.008), Sweep(), RULES, 0, False),
    "two minutes beyond the limit": (an_upload(168.034), Sweep(), RULES, 0, True),
    "idle time a minute too short": (an_upload(300, 71.99), Sweep(), RULES, 0, False),
    "a Complete under way": (replace(OLD, completing=True), Sweep(), RULES, 0, False),
    "limit reached": (OLD, Sweep(), replace(RULES, max_aborts=1), 1, False),
    "limit not reached": (OLD, Sweep(), replace(RULES, max_aborts=2), 1, True),
    "named": (an_upload(0.1, 0.05), named(an_upload(0.1, 0.05)), RULES, 0, True),
    "dry run": (OLD, Sweep(), replace(RULES, dry_run=True), 0, False),
}


@pytest.mark.parametrize(("upload", "event", "rules", "aborted", "must"), MUST.values(), ids=MUST)
def test_oracle_says_what_must_be_gone(upload: Upload, event: Event, rules: Rules, aborted: int, *, must: bool) -> None:
    reported = replace(all_reported(upload), pages=())

    excuses = must_be_gone(upload, event, [rules], reported, aborted)

    assert (not excuses) == must, excuses


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("2026-03-04T10:01:33.000Z", 1),
        ("2026-03-04T10:01:33.123456Z", 1),
        ("2026-03-04T18:01:33+08:00", 1),
        ("2026-03-04T10:01:33", 2),
        ("Wed Mar  4 10:01:33 2026", 2),
        ("2026-03-04T10:01:33+8", 0),
        ("2026-02-30T10:01:33.000Z", 0),
        ("1772618493", 0),
        ("", 0),
        ("yesterday", 0),
    ],
)
def test_start_has_as_many_readings_as_its_text(text: str, count: int) -> None:
    assert len(start_readings(text)) == count


def test_zone_is_respected() -> None:
    assert start_readings("2026-03-04T18:01:33+08:00") == start_readings("2026-03-04T10:01:33.000Z")


def test_zoneless_start_is_the_later_reading_whatever_the_id_says() -> None:
    later = datetime(2026, 3, 4, 10, 1, 33, tzinfo=timezone.utc)

    assert judged_start("2026-03-04T10:01:33", upload_id(later - 8 * HOUR)) == later
    assert judged_start("2026-03-04T10:01:33", upload_id(later)) == later
    assert judged_start("2026-03-04T10:01:33", upload_id(later - 4 * HOUR)) is None
    assert judged_start("2026-03-04T10:01:33", upload_id(later + MINUTE)) == later + MINUTE


def test_pause_before_the_first_part_counts() -> None:
    parts = an_upload(50, 40, 39.9, 39.8).arrivals

    assert longest_pause(NOW - 50 * HOUR, parts) == 10 * HOUR


def test_leftover_with_three_parts_has_a_floor_of_four_pauses_or_an_hour() -> None:
    quick, slow = an_upload(50, 49.9, 49.8, 49.7), an_upload(50, 48, 46, 44)

    assert completed_floor(quick, RULES, all_reported(quick)) == HOUR
    assert completed_floor(slow, RULES, all_reported(slow)) == 8 * HOUR
    assert completed_floor(quick, replace(RULES, event_min_idle=3 * HOUR), all_reported(quick)) == 3 * HOUR


def page(marker: int, following: int | None) -> PartsPage:
    return PartsPage(NOW, NOW, marker, following, (), RIGHT)


@pytest.mark.parametrize(
    ("pages", "complete"),
    [
        ([page(0, None)], True),
        ([page(0, 1000), page(1000, None)], True),
        ([page(1000, None), page(0, 1000)], True),
        ([page(0, 1000)], False),
        ([page(1000, None)], False),
        ([], False),
    ],
)
def test_look_is_complete_with_all_its_pages(pages: list[PartsPage], *, complete: bool) -> None:
    assert is_complete(pages) == complete


def test_key_of_an_event_has_several_readings() -> None:
    assert readings("/a%2Bb+c") == ("a%2Bb+c", "a+b+c", "a%2Bb c", "a+b c")


def test_unset_settings_have_their_defaults() -> None:
    assert read_rules({"BUCKETS": "*"}) == Rules()
    assert read_rules({"BUCKETS": "*", "DRY_RUN": "false", "MAX_ABORTS": "none", "MIN_AGE_HOURS": "24"}) == Rules(
        dry_run=False, max_aborts=None, min_age=24 * HOUR
    )
