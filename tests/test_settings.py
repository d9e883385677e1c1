"""
The environment, right and wrong.
"""

import json
from datetime import timedelta

import pytest

from cos_sweeper.core.errors import BadSettings, MissingCredentials
from cos_sweeper.core.misspelled import intended
from cos_sweeper.core.model import Bucket
from cos_sweeper.core.settings import ReportLocation, credentials, load

PHOTOS = "photos-1250000000@ap-guangzhou"


def test_the_defaults_are_those_of_the_readme() -> None:
    settings = load({"BUCKETS": PHOTOS})

    assert settings.buckets == (Bucket("photos-1250000000", "ap-guangzhou"),)
    assert (settings.min_age, settings.min_idle) == (timedelta(hours=168), timedelta(hours=72))
    assert (settings.event_min_idle, settings.dry_run, settings.max_aborts) == (timedelta(0), True, 10_000)
    assert (settings.exclude_buckets, settings.include_committers, settings.verify) == ((), False, "recent")
    assert settings.chain_max == timedelta(hours=23)
    assert (settings.prefixes, settings.exclude_prefixes, settings.workers) == ((), (), 32)
    assert (settings.report, settings.http_platform_auth, settings.http_token) == (None, False, None)


def test_everything_that_can_be_set_is_read() -> None:
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
        ("CHAIN_MAX_HOURS", "0.9"),
        ("CHAIN_MAX_HOURS", "168.1"),
        ("CHAIN_MAX_HOURS", "none"),
        ("WORKERS", "0"),
        ("WORKERS", "257"),
        ("REPORT", "photos-1250000000"),
        ("REPORT", PHOTOS),
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


PATTERNS = [
    *("backup/*", "*", "backup/**", "*.tmp", "back?p/", "backup/[0-9]/", "[0-9]/", "{a,b}/", "backup/%", "^backup/"),
    *("backup/$", "(a|b)/", "backup/.*", "!backup/", r"backup/\d", "raw/,backup/*", "backup/%2F", "cos://backup/"),
    *('"backup/"', "'backup/'", "backup/;raw/", "backup/\nraw/"),
]


@pytest.mark.parametrize("name", ["PREFIXES", "EXCLUDE_PREFIXES"])
@pytest.mark.parametrize("value", PATTERNS)
def test_pattern_where_a_prefix_is_wanted_is_refused_with_the_way_out(name: str, value: str) -> None:
    with pytest.raises(BadSettings) as caught:
        load({"BUCKETS": PHOTOS, name: value})

    (problem,) = caught.value.problems
    assert problem.startswith(f"{name}: ")
    assert "JSON list" in problem


def test_refused_pattern_says_that_a_prefix_matches_everything_below_it() -> None:
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


# Names that are none


MEANT = {
    "DRY_RUN": ["dry_run", "Dry_Run", "DRYRUN", "DRY-RUN", "DRY_RUNS", "DRY_RUM", "IS_DRY_RUN", "COS_SWEEPER_DRY_RUN"],
    "MIN_AGE_HOURS": ["MIN_AGE", "MIN_AGE_HOUR", "MIN_AGE_DAYS", "MIN_AGE_HORUS", "min_age_hours", "MINIMUM_AGE_HOURS"],
    "MIN_IDLE_HOURS": ["MIN_IDLE", "MIN_IDLE_HOUR", "MIN_IDLE_MINUTES", "MIN_IDEL_HOURS", "IDLE_HOURS"],
    "EVENT_MIN_IDLE_MINUTES": ["EVENT_MIN_IDLE", "EVENT_MIN_IDLE_HOURS", "EVENTS_MIN_IDLE_MINUTES"],
    "EXCLUDE_PREFIXES": ["EXCLUDE", "EXCLUDES", "EXCLUDED_KEYS", "EXCLUDE_PREFIX", "EXCLUDE_PREFIXS", "IGNORE_KEYS"],
    "EXCLUDE_BUCKETS": ["EXCLUDE_BUCKET", "EXCLUDED_BUCKETS", "SKIP_BUCKETS", "SPARE_BUCKETS"],
    "PREFIXES": ["PREFIX", "PREFIXS", "prefixes", "ONLY_PREFIXES"],
    "BUCKETS": ["BUCKET", "BUCKETS_", "ALLOWED_BUCKETS"],
    "MAX_ABORTS": ["MAX_ABORT", "MAXABORTS", "MAX_DELETES", "ABORT_LIMIT"],
    "INCLUDE_COMMITTERS": ["INCLUDE_COMMITTER", "INCLUDE_COMITTERS", "EXCLUDE_COMMITTERS"],
    "VERIFY": ["VERIFIY", "VERFY", "VERIFY_ABORTS"],
    "CHAIN_MAX_HOURS": ["CHAIN_MAX", "MAX_CHAIN_HOURS", "CHAIN_MAX_HOUR"],
    "REPORT": ["REPORTS", "REPORT_BUCKET"],
    "HTTP_TOKEN": ["HTTP_TOKENS", "HTTPTOKEN"],
    "FAN_OUT": ["FANOUT"],
    "WORKERS": ["WORKER"],
}


@pytest.mark.parametrize(("meant", "name"), [(meant, name) for meant, names in MEANT.items() for name in names])
def test_name_that_comes_close_to_a_setting_stops_the_run(meant: str, name: str) -> None:
    with pytest.raises(BadSettings) as caught:
        load({"BUCKETS": PHOTOS, name: "a-value-of-somebody"})

    (problem,) = caught.value.problems
    assert problem == f"{name}: no setting has this name. Did you mean {meant}? Rename or remove it"


@pytest.mark.parametrize("name", ["SPARE_PREFIXES", "spare_prefixes", "SPARE_PREFIX"])
def test_former_name_of_a_setting_stops_the_run_and_the_new_one_is_named(name: str) -> None:
    with pytest.raises(BadSettings) as caught:
        load({"BUCKETS": PHOTOS, name: "backup/"})

    assert caught.value.problems == (f"{name}: the setting SPARE_PREFIXES is now called EXCLUDE_PREFIXES: rename it",)


def test_misspelt_name_without_a_value_is_an_unset_setting() -> None:
    assert load({"BUCKETS": PHOTOS, "SPARE_PREFIXES": "", "DRYRUN": " "}).exclude_prefixes == ()


# As SCF documents it; the values are examples.
DOCUMENTED = {
    "TENCENTCLOUD_SESSIONTOKEN": "token",
    "TENCENTCLOUD_SECRETID": "id",
    "TENCENTCLOUD_SECRETKEY": "key",
    "_SCF_SERVER_PORT": "28902",
    "TENCENTCLOUD_RUNENV": "SCF",
    "USER_CODE_ROOT": "/var/user/",
    "TRIGGER_SRC": "timer",
    "PYTHONDONTWRITEBYTECODE": "x",
    "PYTHONPATH": "/var/user:/opt",
    "CLASSPATH": "/var/runtime/java8:/var/runtime/java8/lib/*:/opt",
    "NODE_PATH": "/var/user:/var/user/node_modules:/opt",
    "PHP_INI_SCAN_DIR": "/var/user/php_extension:/opt/php_extension",
    "_": "/var/lang/python3/bin/python3",
    "PWD": "/var/user",
    "LOGNAME": "qcloud",
    "LANG": "en_US.UTF8",
    "LC_ALL": "en_US.UTF8",
    "USER": "qcloud",
    "HOME": "/home/qcloud",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "SHELL": "/bin/bash",
    "SHLVL": "3",
    "LD_LIBRARY_PATH": "/var/runtime/java8:/var/user:/opt",
    "HOSTNAME": "host",
    "SCF_RUNTIME": "Python3.10",
    "SCF_FUNCTIONNAME": "cos-sweeper",
    "SCF_FUNCTIONVERSION": "$LATEST",
    "SCF_NAMESPACE": "default",
    "TENCENTCLOUD_REGION": "ap-guangzhou",
    "TENCENTCLOUD_APPID": "1250000000",
    "TENCENTCLOUD_UIN": "100000000001",
    "TENCENTCLOUD_TZ": "UTC",
    "TZ": "UTC",
}
USUAL = [
    *("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "HTTP_HOST"),
    *("HTTP_PORT", "HOST", "PORT", "PORTS", "REGION", "TOKEN", "VERSION", "VERBOSE", "VERIFY_SSL", "DEBUG", "DRY"),
    *("AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_PROFILE", "S3_BUCKET", "S3_ENDPOINT"),
    *("OSS_ENDPOINT", "COS_BUCKET", "COS_REGION", "COS_SECRET_ID", "BUCKET_NAME", "KEY_PREFIX", "DATABASE_URL"),
    *("INCLUDE", "INCLUDE_PATH", "CC", "CFLAGS", "PKG_CONFIG_PATH", "NPM_CONFIG_PREFIX", "CONDA_PREFIX", "NVM_DIR"),
    *("MAX_WORKERS", "NUM_WORKERS", "WEB_CONCURRENCY", "MAX_IDLE_CONNS", "MAX_UPLOAD_SIZE", "NODE_ENV", "NODE_OPTIONS"),
    *("GITHUB_TOKEN", "GITHUB_ACTIONS", "GIT_SSL_CAINFO", "GOPATH", "JAVA_HOME", "KUBECONFIG", "DOCKER_HOST"),
    *("BASH_ENV", "BROWSER", "COLORTERM", "COLUMNS", "DISPLAY", "EDITOR", "EMAIL", "HISTSIZE", "INPUTRC", "LANGUAGE"),
    *("LC_CTYPE", "LC_TIME", "LD_PRELOAD", "LESS", "LINES", "LS_COLORS", "MAIL", "MAKEFLAGS", "MANPATH", "OLDPWD"),
    *("PAGER", "PIP_INDEX_URL", "PS1", "PYENV_ROOT", "PYTEST_CURRENT_TEST", "PYTHONHASHSEED", "PYTHONHOME"),
    *("PYTHONUNBUFFERED", "REQUESTS_CA_BUNDLE", "SERVERLESS_PLATFORM_VENDOR", "SSH_AUTH_SOCK", "SSL_CERT_FILE"),
    *("SUDO_USER", "TEMP", "TERM", "TERM_PROGRAM", "TMP", "TMPDIR", "TMUX", "UID", "USERNAME", "USERPROFILE"),
    *("VIRTUAL_ENV", "VISUAL", "VSCODE_PID", "WORKDIR", "WORKSPACE", "XAUTHORITY", "XDG_RUNTIME_DIR"),
]


def test_environment_of_the_platform_stops_nothing() -> None:
    assert load({**DOCUMENTED, "BUCKETS": PHOTOS}) == load({"BUCKETS": PHOTOS})


@pytest.mark.parametrize("name", ["SCF_DRY_RUN", "_SCF_DRY_RUN", "QCLOUD_DRY_RUN", "TENCENTCLOUD_DRY_RUN", "HOSTNAME"])
def test_name_that_the_platform_keeps_for_itself_is_never_a_misspelt_setting(name: str) -> None:
    settings = frozenset({f"{name}S"})

    assert intended(name, settings) is None
    assert intended(f"X{name}", settings) == f"{name}S"


def test_environment_of_a_developers_shell_stops_nothing() -> None:
    assert load({**dict.fromkeys(USUAL, "x"), "BUCKETS": PHOTOS}) == load({"BUCKETS": PHOTOS})


def test_all_problems_are_told_at_once() -> None:
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


def test_no_secret_shows() -> None:
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
def test_report_without_a_prefix_is_refused_with_an_explanation(value: str) -> None:
    with pytest.raises(
        BadSettings, match=r"names no prefix; give `name-appid@region/prefix`\. .* does not start another run"
    ):
        load({"BUCKETS": PHOTOS, "REPORT": value})
