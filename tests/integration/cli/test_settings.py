"""
`settings`: what there is to set, and how a person who misspells finds it.
"""

from cos_sweeper.cli.commands.settings import FILE
from tests.command import Command
from tests.emulator.public import Cloud
from tests.function import PHOTOS


def test_settings_shows_values_and_origins_and_sends_nothing(cloud: Cloud, command: Command) -> None:
    (command.folder / "cos-sweeper.toml").write_text("\n".join(FILE))
    mark = cloud.mark()

    ran = command("settings", "--json", "--set", "workers=4", HTTP_TOKEN="s3cret-s3cret-s3cret")

    shown = {name: (one["value"], one["from"]) for name, one in ran.json.items()}
    assert shown["WORKERS"] == ("4", "--set")
    assert shown["MIN_AGE_HOURS"] == ("72", "environment")
    assert shown["REPORT"] == ("logs-1250000000@ap-beijing/cos-sweeper", "cos-sweeper.toml")
    assert shown["VERIFY"] == (None, "default")
    assert "s3cret" not in ran.stdout
    assert (ran.exit_code, cloud.requests(mark)) == (0, [])


def test_setting_that_is_misspelled_or_wrong_leads_to_the_list(command: Command) -> None:
    for text in ("FOO=1", "MIN_AGE_HOURS=7d"):
        assert "`cos-sweeper settings" in command("inventory", "--bucket", PHOTOS, "--set", text).stderr
    ran = command("settings", "--set", "MIN_AGE_HOURS=7d")
    assert (ran.exit_code, "MIN_AGE_HOURS" in ran.stderr) == (2, True)
