"""
The environment, right and wrong.
"""

import json
from dataclasses import fields
from datetime import timedelta

import pytest

from cos_sweeper.core.errors import BadSettings, MissingCredentials
from cos_sweeper.core.key_mask import KeyMask
from cos_sweeper.core.model import Bucket
from cos_sweeper.core.settings import CREDENTIALS, READERS, SECRETS, ReportLocation, Settings, credentials, load

PHOTOS = "photos-1250000000@ap-guangzhou"


def test_defaults_are_the_documented_ones() -> None:
    settings = load({"BUCKETS": PHOTOS})

    assert settings.buckets == (Bucket("photos-1250000000", "ap-guangzhou"),)
    assert (settings.min_age, settings.min_idle) == (timedelta(hours=168), timedelta(hours=72))
    assert (settings.event_min_idle, settings.dry_run, settings.max_aborts) == (timedelta(0), True, 10_000)
    assert (settings.exclude_buckets, settings.include_committers, settings.verify) == ((), False, "recent")
    assert settings.chain_max == timedelta(hours=23)
    assert (settings.prefixes, settings.exclude_prefixes, settings.workers) == ((), (), 32)
    assert (settings.report, settings.http_platform_auth, settings.http_token) == (None, False, None)
    assert (settings.price_per_gb_month, settings.currency) == (None, "")
    assert settings.lifecycle_coverage is None


@pytest.mark.parametrize(
    ("report", "coverage", "is_read"),
    [("", "", False), ("", "true", False), ("/r", "", True), ("/r", "TRUE", True), ("/r", "false", False)],
)
def test_lifecycle_coverage_is_read_for_a_report_unless_it_is_off(report: str, coverage: str, *, is_read: bool) -> None:
    environ = {"BUCKETS": PHOTOS, "REPORT": report and PHOTOS + report, "LIFECYCLE_COVERAGE": coverage}

    assert load(environ).reads_coverage is is_read


def test_settings_are_all_read() -> None:
    settings = load(
        {
            "BUCKETS": f" {PHOTOS} , logs-1250000000@ap-beijing-1,",
            "EXCLUDE_BUCKETS": "old-1250000000@ap-beijing, older-1250000000,",
            "MIN_AGE_HOURS": "1.5",
            "MIN_IDLE_HOURS": "1",
            "EVENT_MIN_IDLE_MINUTES": "30",
            "PREFIXES": "raw/, logs/",
            "EXCLUDE_PREFIXES": '["a,b", " c"]',
            "DRY_RUN": "False",
            "INCLUDE_COMMITTERS": "true",
            "MAX_ABORTS": "100",
            "VERIFY": "all",
            "CHAIN_MAX_HOURS": "5.5",
            "WORKERS": "8",
            "REPORT": f"{PHOTOS}/reports/sweeper",
            "PRICE_PER_GB_MONTH": '{"Standard": 0.024, "*": 1}',
            "CURRENCY": "USD",
            "HTTP_AUTH": "platform",
            "HTTP_TOKEN": "0123456789abcdef",
            "COS_ENDPOINT": "http://127.0.0.1:9000",
            "SOMETHING_ELSE": "of somebody else's",
        }
    )

    assert [str(bucket) for bucket in settings.buckets or ()] == [PHOTOS, "logs-1250000000@ap-beijing-1"]
    assert settings.min_age == timedelta(minutes=90)
    assert settings.event_min_idle == timedelta(minutes=30)
    assert (settings.prefixes, settings.exclude_prefixes) == (("raw/", "logs/"), ("a,b", " c"))
    assert (settings.dry_run, settings.max_aborts, settings.workers) == (False, 100, 8)
    assert settings.exclude_buckets == ("old-1250000000", "older-1250000000")
    assert (settings.include_committers, settings.verify, settings.chain_max) == (True, "all", timedelta(hours=5.5))
    assert settings.report == ReportLocation(Bucket("photos-1250000000", "ap-guangzhou"), "reports/sweeper/")
    assert (settings.http_platform_auth, settings.http_token) == (True, "0123456789abcdef")
    assert settings.cos_port == 9000
    assert (settings.price_per_gb_month, settings.currency) == ((("*", 1), ("STANDARD", 0.024)), "USD")


@pytest.mark.parametrize("text", ["", "  ", "TRUE", "1"])
def test_dry_run_is_on_until_it_is_switched_off(text: str) -> None:
    assert load({"BUCKETS": PHOTOS, "DRY_RUN": text}).dry_run


def test_price_without_a_currency_is_rejected() -> None:
    with pytest.raises(BadSettings, match="CURRENCY: not set"):
        load({"BUCKETS": PHOTOS, "PRICE_PER_GB_MONTH": "0.024"})


def test_star_means_every_bucket() -> None:
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
        ("EXCLUDE_BUCKETS", "*"),
        ("EXCLUDE_BUCKETS", "photos-*"),
        ("EXCLUDE_BUCKETS", "photos"),
        ("EXCLUDE_BUCKETS", f"{PHOTOS}/raw"),
        ("EXCLUDE_BUCKETS", "photos-1250000000@"),
        ("EXCLUDE_BUCKETS", "PHOTOS-1250000000"),
        ("EXCLUDE_BUCKETS", '["photos-1250000000"]'),
        ("EXCLUDE_BUCKETS", ","),
        ("MIN_AGE_HOURS", "0.9"),
        ("MIN_AGE_HOURS", "-72"),
        ("MIN_AGE_HOURS", "nan"),
        ("MIN_AGE_HOURS", "inf"),
        ("MIN_AGE_HOURS", "72h"),
        ("MIN_IDLE_HOURS", "0"),
        ("EVENT_MIN_IDLE_MINUTES", "-1"),
        ("PREFIXES", "/raw"),
        ("EXCLUDE_PREFIXES", "\\raw"),
        ("EXCLUDE_PREFIXES", '["unfinished'),
        ("EXCLUDE_PREFIXES", '[{"a": 1}]'),
        ("PREFIXES", "[" * 3000),
        ("EXCLUDE_PREFIXES", ","),
        ("EXCLUDE_PREFIXES", "[]"),
        ("PREFIXES", '["raw/", ""]'),
        ("DRY_RUN", "yes please"),
        ("INCLUDE_COMMITTERS", "yes"),
        ("MAX_ABORTS", "0"),
        ("MAX_ABORTS", "1.5"),
        ("MAX_ABORTS", "unlimited"),
        ("VERIFY", "some"),
        ("VERIFY", "true"),
        ("NOTIFY", "never"),
        ("NOTIFY_URL", "http://alerts.example.com/hook"),
        ("NOTIFY_SECRET", "0123456789abcde"),
        ("RECORD_KEYS", "md5"),
        ("RECORD_KEYS_SECRET", "0123456789 abcdef"),
        ("CHAIN_MAX_HOURS", "0.9"),
        ("CHAIN_MAX_HOURS", "168.1"),
        ("CHAIN_MAX_HOURS", "none"),
        ("WORKERS", "0"),
        ("WORKERS", "257"),
        ("REPORT", "photos-1250000000"),
        ("REPORT", PHOTOS),
        ("REPORT", f"{PHOTOS}/"),
        ("REPORT", f"{PHOTOS}//x"),
        ("PRICE_PER_GB_MONTH", "-1"),
        ("PRICE_PER_GB_MONTH", "{}"),
        ("CURRENCY", "dollars"),
        ("HTTP_AUTH", "none"),
        ("HTTP_TOKEN", "short"),
        ("HTTP_TOKEN", "with a space in it, and long"),
        ("COS_ENDPOINT", "http://10.0.0.1:9000"),
        ("COS_ENDPOINT", "http://127.0.0.1:99999"),
        ("COS_ENDPOINT", "http://127.0.0.1:9000/x"),
    ],
)
def test_wrong_value_is_named_and_nothing_else(name: str, value: str) -> None:
    with pytest.raises(BadSettings) as caught:
        load({"BUCKETS": PHOTOS, name: value})

    (problem,) = caught.value.problems
    assert problem.startswith(f"{name}: ")


PATTERNS = [
    *("backup/*", "*", "backup/**", "*.tmp", "back?p/", "backup/[0-9]/", "[0-9]/", "{a,b}/", "backup/%", "^backup/"),
    *("backup/$", "(a|b)/", "backup/.*", "!backup/", r"backup/\d", "raw/,backup/*", "backup/%2F", "cos://backup/"),
    *('"backup/"', "'backup/'", "backup/;raw/", "backup/\nraw/"),
]


@pytest.mark.parametrize("name", ["PREFIXES", "EXCLUDE_PREFIXES"])
@pytest.mark.parametrize("value", PATTERNS)
def test_pattern_in_place_of_a_prefix_is_rejected_with_the_remedy(name: str, value: str) -> None:
    with pytest.raises(BadSettings) as caught:
        load({"BUCKETS": PHOTOS, name: value})

    (problem,) = caught.value.problems
    assert problem.startswith(f"{name}: ")
    assert "JSON list" in problem


def test_rejected_pattern_explains_that_a_prefix_matches_everything_below_it() -> None:
    with pytest.raises(BadSettings) as caught:
        load({"BUCKETS": PHOTOS, "EXCLUDE_PREFIXES": "猫/*"})

    assert "A plain prefix matches every key that begins with it" in str(caught.value)
    assert '["猫/*"]' in str(caught.value)


@pytest.mark.parametrize("prefix", [*PATTERNS, "a,b", " c", "[0]"])
def test_json_list_takes_every_character_literally(prefix: str) -> None:
    settings = load({"BUCKETS": PHOTOS, "PREFIXES": json.dumps([prefix]), "EXCLUDE_PREFIXES": json.dumps([prefix])})

    assert (settings.prefixes, settings.exclude_prefixes) == ((prefix,), (prefix,))


@pytest.mark.parametrize("prefix", ["100%/", "a b (1)/", "a+b/", "$a/", "a^b!", "猫/", "a'b/", "_temporary/", "a:b@c/"])
def test_ordinary_characters_of_a_key_need_no_json_list(prefix: str) -> None:
    assert load({"BUCKETS": PHOTOS, "EXCLUDE_PREFIXES": prefix}).exclude_prefixes == (prefix,)


@pytest.mark.parametrize("text", ["none", " NONE "])
def test_max_aborts_none_lifts_the_limit(text: str) -> None:
    assert load({"BUCKETS": PHOTOS, "MAX_ABORTS": text}).max_aborts is None


def test_problems_are_all_reported_at_once() -> None:
    with pytest.raises(BadSettings) as caught:
        load({"MIN_AGE_HOURS": "x", "DRY_RUN": "x", "REPORT": "x", "BUCKET": "x"})

    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "BUCKETS",
        "MIN_AGE_HOURS",
        "DRY_RUN",
        "REPORT",
        "BUCKET",
    ]
    assert all(problem in str(caught.value) for problem in caught.value.problems)


def test_secrets_do_not_show_in_settings_credentials_and_errors() -> None:
    settings = load({"BUCKETS": PHOTOS, "HTTP_TOKEN": "a-secret-token-for-http"})
    role = credentials(
        dict.fromkeys(("TENCENTCLOUD_SECRETID", "TENCENTCLOUD_SECRETKEY", "TENCENTCLOUD_SESSIONTOKEN"), "s3")
    )
    with pytest.raises(BadSettings) as caught:
        load({"BUCKETS": PHOTOS, "HTTP_TOKEN": "a secret", "HTTP_TOKENS": "a secret"})

    assert "a-secret-token" not in repr(settings)
    assert "s3" not in repr(role)
    assert "a secret" not in str(caught.value)


def test_credentials_are_all_three_or_an_error_that_names_what_is_missing() -> None:
    with pytest.raises(MissingCredentials) as caught:
        credentials({"TENCENTCLOUD_SECRETID": "AKID", "TENCENTCLOUD_SECRETKEY": " "})

    assert caught.value.missing == ("TENCENTCLOUD_SECRETKEY", "TENCENTCLOUD_SESSIONTOKEN")


@pytest.mark.parametrize("value", [PHOTOS, f"{PHOTOS}/"])
def test_report_without_a_prefix_is_rejected_with_an_explanation(value: str) -> None:
    with pytest.raises(
        BadSettings, match=r"names no prefix; give `name-appid@region/prefix`\. .* does not start another run"
    ):
        load({"BUCKETS": PHOTOS, "REPORT": value})


HOOK = "https://oapi.dingtalk.com/robot/send?access_token=0f3b2a6c5d7e4a19"
SECRET = "0123456789abcdef"


def test_settings_of_outputs_are_read() -> None:
    settings = load(
        {
            "BUCKETS": PHOTOS,
            "REPORT": f"{PHOTOS}/reports",
            "NOTIFY_URL": f" {HOOK}\n",
            "NOTIFY": "Always",
            "NOTIFY_SECRET": SECRET,
            "RECORD_KEYS": "Hash",
            "RECORD_KEYS_SECRET": SECRET,
        }
    )

    assert (settings.notify_url, settings.notify, settings.notify_secret) == (HOOK, "always", SECRET)
    assert (settings.record_keys, settings.record_keys_secret, settings.key_mask.is_on) == ("hash", SECRET, True)
    assert settings.key_mask.key("a/b") == KeyMask(SECRET).key("a/b")


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({"NOTIFY_URL": HOOK}, "NOTIFY_URL: needs REPORT"),
        (
            {"NOTIFY_URL": "http://127.0.0.1:9000/hook", "REPORT": f"{PHOTOS}/r"},
            "NOTIFY_URL: must begin with `https://`",
        ),
        (
            {"NOTIFY_URL": "https://hooks.slack.com/services/T0", "REPORT": f"{PHOTOS}/r", "NOTIFY_SECRET": SECRET},
            "NOTIFY_SECRET: the service of NOTIFY_URL takes no signature",
        ),
        ({"RECORD_KEYS": "hash"}, "RECORD_KEYS_SECRET: not set"),
        ({"RECORD_KEYS_SECRET": SECRET}, "RECORD_KEYS: not set"),
    ],
)
def test_settings_that_contradict_each_other_stop_the_run(environ: dict[str, str], problem: str) -> None:
    with pytest.raises(BadSettings) as caught:
        load({"BUCKETS": PHOTOS, **environ})

    (said,) = caught.value.problems
    assert said.startswith(problem)


def test_webhook_of_this_machine_is_for_a_local_endpoint() -> None:
    url = "http://127.0.0.1:9000/hook"

    settings = load(
        {"BUCKETS": PHOTOS, "REPORT": f"{PHOTOS}/r", "NOTIFY_URL": url, "COS_ENDPOINT": "http://127.0.0.1:9001"}
    )

    assert settings.notify_url == url


def test_every_secret_setting_is_in_no_repr_and_in_no_error() -> None:
    environ = {name: f"\x01not accepted {name}" for name in SECRETS}

    with pytest.raises(BadSettings) as caught:
        load({"BUCKETS": PHOTOS, **environ})

    assert sorted(SECRETS) == sorted([*CREDENTIALS, "HTTP_TOKEN", "NOTIFY_URL", "NOTIFY_SECRET", "RECORD_KEYS_SECRET"])
    assert "not accepted" not in str(caught.value)
    secret = {READERS[name][0] for name in SECRETS if name in READERS}
    assert {each.name for each in fields(Settings) if each.repr} & secret == set()


@pytest.mark.parametrize("prefix", ["a/../b", "./a", "a//b", "a/./b", ".."])
def test_report_prefix_that_would_address_another_object_is_a_problem(prefix: str) -> None:
    with pytest.raises(BadSettings, match="would address another object"):
        load({"BUCKETS": PHOTOS, "REPORT": f"{PHOTOS}/{prefix}"})
