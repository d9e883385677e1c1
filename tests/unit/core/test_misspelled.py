"""
Names of variables that come close to a setting's, and those that only look like it.
"""

import pytest

from cos_sweeper.core.errors import BadSettings
from cos_sweeper.core.misspelled import intended
from cos_sweeper.core.settings import load

PHOTOS = "photos-1250000000@ap-guangzhou"
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
    "LIFECYCLE_COVERAGE": ["LIFECYCLE_COVERGE", "LIFECYCLECOVERAGE", "CHECK_LIFECYCLE", "LIFECYCLE_RULES"],
    "REPORT": ["REPORTS", "REPORT_BUCKET"],
    "HTTP_TOKEN": ["HTTP_TOKENS", "HTTPTOKEN"],
    "FAN_OUT": ["FANOUT"],
    "WORKERS": ["WORKER"],
    "NOTIFY_URL": ["NOTIFY_URI", "NOTIFICATION_URL", "NOTIFY_WEBHOOK", "NOTIFY_WEBHOOK_URL", "ALERT_URL"],
    "NOTIFY_SECRET": ["NOTIFY_SECRETS", "notify_secret"],
    "NOTIFY": ["NOTIFIY", "NOTFIY"],
    "RECORD_KEYS": ["RECORD_KEY", "RECORDS_KEYS", "HASH_KEYS", "RECORD_KEYS_HASH", "RECORD_HASH"],
    "RECORD_KEYS_SECRET": ["RECORD_KEY_SECRET", "RECORD_KEYS_SALT"],
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
