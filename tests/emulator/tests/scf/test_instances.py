"""
Instances of a function: reuse, concurrency, variables and the role's credentials.
"""

import json
from typing import Any

from tests.emulator.client import Cloud
from tests.emulator.tests.scf.deployed import Meeting, ended
from tests.emulator.tests.scf.support import ends


def role(answer: Any) -> tuple[str, ...]:
    """The credentials in the answer of an instance."""
    return tuple(answer["environment"][f"TENCENTCLOUD_{name}"] for name in ("SECRETID", "SECRETKEY", "SESSIONTOKEN"))


def test_warm_instance_is_used_again(cloud: Cloud) -> None:
    runs = [cloud.invoke({}, sync=True) for _ in range(3)]

    assert len({run.pid for run in runs}) == 1
    assert [run.cold for run in runs] == [True, False, False]
    assert cloud.scf()["instances"] == [{"pid": runs[0].pid, "busy": False, "request_id": None}]


def test_instance_that_was_used_last_is_used_first(cloud: Cloud, meeting: Meeting) -> None:
    for _ in range(2):
        cloud.invoke(meeting.event)
    first, second = meeting.next(), meeting.next()
    mark = cloud.scf()["next"]
    first.release()
    cloud.invoke({})  # comes after the first is free again, whichever of the two takes it
    second.release()
    assert cloud.wait_idle()
    last = cloud.invocations(mark)[-1].pid

    assert cloud.invoke({}, sync=True).pid == last


def test_instance_handles_one_event_at_a_time(cloud: Cloud, meeting: Meeting) -> None:
    cloud.scf_settings(concurrency=3)
    for _ in range(7):
        cloud.invoke(meeting.event)

    guests = [meeting.next() for _ in range(3)]
    shown = cloud.scf()
    busy = not cloud.wait_idle(0)
    for _ in range(4):
        guests.pop(0).release()
        guests.append(meeting.next())
    for guest in guests:
        guest.release()

    assert busy
    assert (shown["running"], shown["queued"], shown["waiting"]) == (3, 4, 0)
    assert sum(each["busy"] for each in shown["instances"]) == 3
    assert ends(cloud) == {"returned": 7}
    after = cloud.scf()
    assert (after["most_running"], after["running"], after["queued"]) == (3, 0, 0)
    assert len({run.pid for run in cloud.invocations()}) == after["started_instances"] == 3


def test_fewer_instances_are_kept_when_fewer_are_allowed(cloud: Cloud, meeting: Meeting) -> None:
    for _ in range(3):
        cloud.invoke(meeting.event)
    guests = [meeting.next() for _ in range(3)]
    guests[0].release()
    cloud.scf_settings(concurrency=1)
    for guest in guests[1:]:
        guest.release()

    assert ends(cloud) == {"returned": 3}
    assert len(cloud.scf()["instances"]) == 1


def test_new_variables_are_for_new_instances(cloud: Cloud) -> None:
    idle = cloud.invoke({}, sync=True)
    response = cloud.scf_settings(env={"PREFIXES": "raw/", "BUCKETS": None})

    fresh = cloud.invoke({}, sync=True)

    assert response["variables"] == {"PREFIXES": "raw/"}
    assert fresh.pid != idle.pid
    assert ended(idle.pid)
    assert fresh.answer["environment"]["PREFIXES"] == "raw/"
    assert "BUCKETS" not in fresh.answer["environment"]


def test_variables_can_change_between_two_runs(cloud: Cloud) -> None:
    cloud.scf_settings(env={"PREFIXES": "raw/"}, after_runs=2)

    runs = [cloud.invoke({}, sync=True) for _ in range(4)]

    seen = [run.answer["environment"].get("PREFIXES") for run in runs]
    assert seen == [None, None, "raw/", "raw/"]
    assert len({run.pid for run in runs[:2]} & {run.pid for run in runs[2:]}) == 0
    assert json.loads(runs[2].answer["context"]["environment"])["PREFIXES"] == "raw/"


def test_variables_change_for_a_run_that_begins_while_the_first_is_busy(cloud: Cloud, meeting: Meeting) -> None:
    cloud.scf_settings(env={"PREFIXES": "raw/"}, after_runs=1)

    cloud.invoke(meeting.event)
    guest = meeting.next()
    second = cloud.invoke({}, sync=True)
    guest.release()

    assert second.answer["environment"]["PREFIXES"] == "raw/"
    assert ends(cloud) == {"returned": 2}
    assert ended(guest.pid)


def test_reading_settings_leaves_a_change_that_waits_and_a_reset_drops_it(cloud: Cloud) -> None:
    cloud.scf_settings(env={"PREFIXES": "raw/"}, after_runs=1)
    cloud.scf_settings()
    cloud.invoke({}, sync=True)
    changed = cloud.invoke({}, sync=True)
    cloud.scf_settings(env={"PREFIXES": "b/"}, after_runs=1)
    cloud.reset()

    cloud.invoke({}, sync=True)

    assert changed.answer["environment"]["PREFIXES"] == "raw/"
    assert "PREFIXES" not in cloud.invoke({}, sync=True).answer["environment"]


def test_instance_that_is_busy_when_variables_change_is_not_used_again(cloud: Cloud, meeting: Meeting) -> None:
    cloud.invoke(meeting.event)
    guest = meeting.next()
    cloud.scf_settings(env={"PREFIXES": "raw/"})
    guest.release()

    assert ends(cloud) == {"returned": 1}
    assert cloud.invoke({}, sync=True).pid != guest.pid


def test_credentials_are_renewed_in_a_warm_instance_when_half_of_their_time_is_over(cloud: Cloud) -> None:
    cloud.scf_settings(credentials_seconds=3600)
    first = cloud.invoke({}, sync=True)
    cloud.clock(advance_seconds=1700)
    second = cloud.invoke({}, sync=True)
    cloud.clock(advance_seconds=200)
    third = cloud.invoke({}, sync=True)

    assert first.pid == second.pid == third.pid
    assert role(first.answer) == role(second.answer)
    assert not set(role(second.answer)) & set(role(third.answer))


def test_instances_credentials_may_do_what_the_role_may_and_invoke_the_function(cloud: Cloud) -> None:
    secret_id, secret_key, token = role(cloud.invoke({}, sync=True).answer)

    held = {each["secret_id"]: each for each in cloud.credentials_with_policies()}[secret_id]

    resources = [statement["resource"] for statement in held["policy"]["statement"]]
    actions = [statement["action"] for statement in held["policy"]["statement"]]
    assert (held["secret_key"], held["token"]) == (secret_key, token)
    assert actions[-1] == ["scf:InvokeFunction"]
    assert resources[-1] == ["qcs::scf:ap-guangzhou:uin/100000000001:namespace/default/function/cos-sweeper"]


def test_reset_takes_lent_credentials_back(cloud: Cloud) -> None:
    secret_id = role(cloud.invoke({}, sync=True).answer)[0]

    cloud.reset()

    assert secret_id not in {each.secret_id for each in cloud.credentials()}
