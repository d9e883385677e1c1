"""
Where credentials come from: the environment, the SDK's profile file, or tccli's. Never from an option.

The first place that has them wins. What half of a place has is an error, so that no other identity takes its place.
"""

import configparser
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cos_sweeper.cli.problems import Misused
from cos_sweeper.cli.words import t
from cos_sweeper.core.settings import CREDENTIALS, Credentials

# The variables of Tencent Cloud's own tools. The token is needed for temporary credentials alone.
USUAL = ("TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY", "TENCENTCLOUD_TOKEN")
TOKENS = ("TENCENTCLOUD_TOKEN", "TENCENTCLOUD_SESSION_TOKEN")
SECRET_NAMES = tuple(dict.fromkeys((*USUAL, *TOKENS, *CREDENTIALS)))
DEFAULT_PROFILE = "default"


@dataclass(frozen=True, slots=True)
class Found:
    """origin: where they are from, for people."""

    credentials: Credentials
    origin: str


def find(
    environ: Mapping[str, str], profile: str | None = None, home: Path | None = None, file_profile: str | None = None
) -> Found:
    """
    The credentials to use. home: of the user. Raises Misused.

    profile: that an option names: only this one of the files is read. file_profile: that the file of settings names:
    it is read where the environment has no credentials.
    """
    found: Found | None
    for found in _places(environ, profile, file_profile, home or _home(environ)):
        if found is not None:
            return found
    profile = profile or file_profile
    if profile:
        raise Misused(
            t("No profile `{profile}` in ~/.tencentcloud/credentials or ~/.tccli.", profile=profile),
            t("Create it with `tccli configure --profile {profile}`.", profile=profile),
        )
    raise Misused(
        t("There are no credentials."),
        t("Set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY, or run `tccli configure`."),
    )


def _usual(environ: Mapping[str, str]) -> Found | None:
    secret_id, secret_key, _ = (environ.get(name, "").strip() for name in USUAL)
    token = next((environ[name].strip() for name in TOKENS if environ.get(name, "").strip()), "")
    if not secret_id and not secret_key:
        return None
    _check_whole(secret_id, secret_key, " / ".join(USUAL[:2]))
    return Found(Credentials(secret_id, secret_key, token), t("the environment: {names}", names=USUAL[0]))


def _of_function(environ: Mapping[str, str]) -> Found | None:
    secret_id, secret_key, token = (environ.get(name, "").strip() for name in CREDENTIALS)
    if not secret_id and not secret_key:
        return None
    _check_whole(secret_id, secret_key, " / ".join(CREDENTIALS[:2]))
    return Found(Credentials(secret_id, secret_key, token), t("the environment: {names}", names=CREDENTIALS[0]))


def _places(
    environ: Mapping[str, str], profile: str | None, file_profile: str | None, home: Path | None
) -> Iterator[Found | None]:
    if not profile:
        yield _usual(environ)
        yield _of_function(environ)
    profile = profile or file_profile or DEFAULT_PROFILE
    if home is not None:
        yield _sdk_profile(home / ".tencentcloud" / "credentials", profile)
    yield _sdk_profile(Path("/etc/tencentcloud/credentials"), profile)
    if home is not None:
        yield _tccli_profile(home / ".tccli" / f"{profile}.credential")


def _sdk_profile(path: Path, profile: str) -> Found | None:
    text = _text(path)
    if text is None:
        return None
    # No interpolation: a key may contain a percent sign. No error of the parser is shown, because it quotes the file.
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error:
        raise Misused(t("{path} cannot be read as a credentials file.", path=path)) from None
    if not parser.has_section(profile):
        return None
    section = {name: value.strip().strip("\"'") for name, value in parser[profile].items()}
    return _of_file(section.get("secret_id"), section.get("secret_key"), section.get("token"), path, profile)


def _tccli_profile(path: Path) -> Found | None:
    text = _text(path)
    if text is None:
        return None
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise Misused(t("{path} cannot be read as a credentials file.", path=path)) from None
    return _of_file(given.get("secretId"), given.get("secretKey"), given.get("token"), path, path.stem)


def _of_file(secret_id: object, secret_key: object, token: object, path: Path, profile: str) -> Found | None:
    texts = [value.strip() if isinstance(value, str) else "" for value in (secret_id, secret_key, token)]
    if not texts[0] and not texts[1]:
        return None
    _check_whole(texts[0], texts[1], f"{path} [{profile}]")
    return Found(Credentials(*texts), t("{path}, profile {profile}", path=path, profile=profile))


def _check_whole(secret_id: str, secret_key: str, place: str) -> None:
    if not secret_id or not secret_key:
        raise Misused(t("Only half of the credentials is set: {place}.", place=place), t("Set both, or neither."))


def _text(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError):
        raise Misused(t("{path} cannot be read.", path=path)) from None


def _home(environ: Mapping[str, str]) -> Path | None:
    """None: this user has none."""
    given = environ.get("HOME") or environ.get("USERPROFILE")
    try:
        return Path(given) if given else Path.home()
    except RuntimeError:
        return None
