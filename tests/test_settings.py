"""
The environment, right and wrong.
"""

from datetime import timedelta

import pytest

from cos_sweeper.errors import BadSettings, MissingCredentials
from cos_sweeper.model import Bucket
from cos_sweeper.settings import ReportPlace, credentials, load

PHOTOS = "photos-1250000000@ap-guangzhou"


def test_the_defaults_are_those_of_the_readme() -> None:
    settings = load({"BUCKETS": PHOTOS})

    assert settings.buckets == (Bucket("photos-1250000000", "ap-guangzhou"),)
    assert (settings.min_age, settings.min_idle) == (timedelta(hours=168), timedelta(hours=72))
    assert (settings.event_min_idle, settings.dry_run, settings.max_aborts) == (timedelta(0), True, None)
    assert (settings.prefixes, settings.spare_prefixes, settings.workers) == ((), (), 32)
    assert (settings.report, settings.http_platform_auth, settings.http_token) == (None, False, None)


def test_everything_that_can_be_set_is_read() -> None:
    settings = load(
        {
            "BUCKETS": f" {PHOTOS} , logs-1250000000@ap-beijing-1,",
            "MIN_AGE_HOURS": "1.5",
            "MIN_IDLE_HOURS": "1",
            "EVENT_MIN_IDLE_MINUTES": "30",
            "PREFIXES": "raw/, logs/",
            "SPARE_PREFIXES": '["a,b", " c"]',
            "DRY_RUN": "False",
            "MAX_ABORTS": "100",
            "WORKERS": "8",
            "REPORT": f"{PHOTOS}/reports/sweeper",
            "HTTP_AUTH": "platform",
            "HTTP_TOKEN": "0123456789abcdef",
            "COS_ENDPOINT": "http://127.0.0.1:9000",
            "SOMETHING_ELSE": "of somebody else's",
        }
    )

    assert [str(bucket) for bucket in settings.buckets or ()] == [PHOTOS, "logs-1250000000@ap-beijing-1"]
    assert settings.min_age == timedelta(minutes=90)
    assert settings.event_min_idle == timedelta(minutes=30)
    assert (settings.prefixes, settings.spare_prefixes) == (("raw/", "logs/"), ("a,b", " c"))
    assert (settings.dry_run, settings.max_aborts, settings.workers) == (False, 100, 8)
    assert settings.report == ReportPlace(Bucket("photos-1250000000", "ap-guangzhou"), "reports/sweeper/")
    assert (settings.http_platform_auth, settings.http_token) == (True, "0123456789abcdef")
    assert settings.cos_port == 9000


@pytest.mark.parametrize("text", ["", "  ", "TRUE", "1"])
def test_dry_run_is_on_until_it_is_switched_off(text: str) -> None:
    assert load({"BUCKETS": PHOTOS, "DRY_RUN": text}).dry_run


def test_a_star_means_every_bucket() -> None:
    assert load({"BUCKETS": "*"}).buckets is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BUCKETS", "photos@ap-guangzhou"),
        ("BUCKETS", "photos-1250000000"),
        ("BUCKETS", "photos-1250000000@evil.com"),
        ("BUCKETS", "photos-1250000000.evil.com@ap-guangzhou"),
        ("BUCKETS", "Photos-1250000000@ap-guangzhou"),
        ("BUCKETS", "p" * 60 + "-1250000000@ap-guangzhou"),
        ("BUCKETS", f"*,{PHOTOS}"),
        ("BUCKETS", f"{PHOTOS},photos-1250000000@ap-beijing"),
        ("BUCKETS", ","),
        ("MIN_AGE_HOURS", "0.9"),
        ("MIN_AGE_HOURS", "-72"),
        ("MIN_AGE_HOURS", "nan"),
        ("MIN_AGE_HOURS", "inf"),
        ("MIN_AGE_HOURS", "72h"),
        ("MIN_IDLE_HOURS", "0"),
        ("EVENT_MIN_IDLE_MINUTES", "-1"),
        ("PREFIXES", "/raw"),
        ("SPARE_PREFIXES", "\\raw"),
        ("SPARE_PREFIXES", '["unfinished'),
        ("SPARE_PREFIXES", '[{"a": 1}]'),
        ("DRY_RUN", "yes please"),
        ("MAX_ABORTS", "0"),
        ("MAX_ABORTS", "1.5"),
        ("WORKERS", "0"),
        ("WORKERS", "257"),
        ("REPORT", "photos-1250000000"),
        ("REPORT", f"{PHOTOS}/"),
        ("REPORT", f"{PHOTOS}//x"),
        ("HTTP_AUTH", "none"),
        ("HTTP_TOKEN", "short"),
        ("HTTP_TOKEN", "with a space in it, and long"),
        ("COS_ENDPOINT", "http://10.0.0.1:9000"),
        ("COS_ENDPOINT", "http://127.0.0.1:99999"),
        ("COS_ENDPOINT", "http://127.0.0.1:9000/x"),
    ],
)
def test_a_wrong_value_is_named_and_nothing_else_is(name: str, value: str) -> None:
    with pytest.raises(BadSettings) as caught:
        load({"BUCKETS": PHOTOS, name: value})

    (problem,) = caught.value.problems
    assert problem.startswith(f"{name}: ")


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(BadSettings) as caught:
        load({"MIN_AGE_HOURS": "x", "DRY_RUN": "x", "REPORT": "x"})

    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "BUCKETS",
        "MIN_AGE_HOURS",
        "DRY_RUN",
        "REPORT",
    ]
    assert all(problem in str(caught.value) for problem in caught.value.problems)


def test_no_secret_shows() -> None:
    settings = load({"BUCKETS": PHOTOS, "HTTP_TOKEN": "a-secret-token-for-http"})
    role = credentials(
        dict.fromkeys(("TENCENTCLOUD_SECRETID", "TENCENTCLOUD_SECRETKEY", "TENCENTCLOUD_SESSIONTOKEN"), "s3")
    )
    with pytest.raises(BadSettings) as caught:
        load({"BUCKETS": PHOTOS, "HTTP_TOKEN": "a secret"})

    assert "a-secret-token" not in repr(settings)
    assert "s3" not in repr(role)
    assert "a secret" not in str(caught.value)


def test_credentials_are_all_three_or_an_error_that_names_what_is_missing() -> None:
    with pytest.raises(MissingCredentials) as caught:
        credentials({"TENCENTCLOUD_SECRETID": "AKID", "TENCENTCLOUD_SECRETKEY": " "})

    assert caught.value.missing == ("TENCENTCLOUD_SECRETKEY", "TENCENTCLOUD_SESSIONTOKEN")
