"""
Where credentials come from, in which order, and that nothing shows them.
"""

import json
from pathlib import Path
from unittest import mock

import pytest

from cos_sweeper.cli import credentials
from cos_sweeper.cli.problems import Misused

USUAL = {"TENCENTCLOUD_SECRET_ID": "usual-id", "TENCENTCLOUD_SECRET_KEY": "usual-key"}
OF_FUNCTION = {
    "TENCENTCLOUD_SECRETID": "function-id",
    "TENCENTCLOUD_SECRETKEY": "function-key",
    "TENCENTCLOUD_SESSIONTOKEN": "function-token",
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".tencentcloud").mkdir()
    (tmp_path / ".tccli").mkdir()
    return tmp_path


def write_sdk(home: Path, profile: str = "default") -> None:
    text = f'[{profile}]\nsecret_id = "sdk-id"\nsecret_key = sdk%key\n'
    (home / ".tencentcloud" / "credentials").write_text(text)


def write_tccli(home: Path, profile: str = "default", **more: str) -> None:
    text = json.dumps({"secretId": "tccli-id", "secretKey": "tccli-key", **more})
    (home / ".tccli" / f"{profile}.credential").write_text(text)


def test_first_place_that_has_credentials_wins(home: Path) -> None:
    write_sdk(home)
    write_tccli(home)
    ids = [
        credentials.find(environ, home=home).credentials.secret_id for environ in (USUAL | OF_FUNCTION, OF_FUNCTION, {})
    ]
    (home / ".tencentcloud" / "credentials").unlink()

    last = credentials.find({}, home=home)

    assert [*ids, last.credentials.secret_id] == ["usual-id", "function-id", "sdk-id", "tccli-id"]
    assert str(home / ".tccli") in last.origin


def test_profile_of_the_file_of_settings_is_read_where_the_environment_has_no_credentials(home: Path) -> None:
    write_sdk(home)
    write_tccli(home, "prod")

    found = [
        credentials.find(environ, profile, home, "prod").credentials.secret_id
        for environ, profile in ((USUAL, None), (OF_FUNCTION, None), ({}, None), (USUAL, "default"))
    ]

    assert found == ["usual-id", "function-id", "tccli-id", "sdk-id"]


def test_user_without_a_home_has_the_environment_alone() -> None:
    nobody = mock.patch("pathlib.Path.home", side_effect=RuntimeError)
    with nobody, pytest.raises(Misused, match="There are no credentials"):
        credentials.find({})
    with nobody:
        assert credentials.find(USUAL).credentials.secret_id == "usual-id"


@pytest.mark.parametrize("name", ["TENCENTCLOUD_TOKEN", "TENCENTCLOUD_SESSION_TOKEN"])
def test_token_is_taken_where_there_is_one(name: str, home: Path) -> None:
    write_tccli(home, token="tccli-token")

    assert credentials.find({**USUAL, name: "a-token"}).credentials.token == "a-token"
    assert credentials.find(USUAL).credentials.token == ""
    assert credentials.find({}, home=home).credentials.token == "tccli-token"


def test_token_of_another_place_is_not_mixed_in(home: Path) -> None:
    assert credentials.find({**USUAL, "TENCENTCLOUD_SESSIONTOKEN": "function-token"}, home=home).credentials.token == ""


def test_profile_is_read_from_the_files_alone(home: Path) -> None:
    write_sdk(home, "prod")
    write_tccli(home, "test")

    assert credentials.find(USUAL, "prod", home).credentials.secret_key == "sdk%key"
    assert credentials.find(USUAL, "test", home).credentials.secret_id == "tccli-id"
    with pytest.raises(Misused, match="No profile `other`"):
        credentials.find(USUAL, "other", home)


@pytest.mark.parametrize("environ", [{"TENCENTCLOUD_SECRET_ID": "x"}, {"TENCENTCLOUD_SECRETKEY": "x"}], ids=str)
def test_half_of_the_credentials_is_not_replaced_by_another_identity(environ: dict[str, str], home: Path) -> None:
    write_tccli(home)

    with pytest.raises(Misused, match="Only half"):
        credentials.find(environ, home=home)


@pytest.mark.parametrize("text", ["[default\nsecret_id = s3cret", "secret_id = s3cret"])
def test_file_that_cannot_be_read_is_not_quoted(text: str, home: Path) -> None:
    (home / ".tencentcloud" / "credentials").write_text(text)

    with pytest.raises(Misused, match="cannot be read") as caught:
        credentials.find({}, home=home)

    assert "s3cret" not in str(caught.value) + str(caught.value.__cause__)


def test_no_credentials_anywhere_says_how_to_set_them(home: Path) -> None:
    with pytest.raises(Misused, match="There are no credentials") as caught:
        credentials.find({}, home=home)

    assert "TENCENTCLOUD_SECRET_ID" in caught.value.next_step


def test_repr_shows_no_secret(home: Path) -> None:
    write_tccli(home, token="tccli-token")

    assert "tccli-id" not in repr(credentials.find({}, home=home))
    assert "tccli-token" not in repr(credentials.find({}, home=home))
