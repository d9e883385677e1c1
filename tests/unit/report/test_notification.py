"""
What a message says, when it is due, and the form of each service.
"""

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cos_sweeper.core.webhook import Service
from cos_sweeper.report.notification import MAX_TEXT_BYTES, error_code, is_due, message, text
from tests.unit.report.reports import RUN_ID, failure, measure, report

PLACE = f"photos-1250000000@ap-guangzhou/reports/{RUN_ID}/report.html"
SECRET = "SEC-an-example-secret"
GIB = 1 << 30
USD = {"currency": "USD", "per_gb_month": {"*": 0.024}}
HOSTS = {
    Service.WECOM: "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=0f3b2a6c-5d7e-4a19",
    Service.FEISHU: "https://open.feishu.cn/open-apis/bot/v2/hook/0f3b2a6c-5d7e-4a19",
    Service.DINGTALK: "https://oapi.dingtalk.com/robot/send?access_token=0f3b2a6c5d7e4a19",
    Service.SLACK: "https://hooks.slack.com/services/T0EXAMPLE/B0EXAMPLE/anexamplehook",
    Service.PLAIN: "https://alerts.example.com/hook",
}


def body_for(service: Service, told: dict[str, Any], secret: str | None = None) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(message(told, PLACE, HOSTS[service], secret, 1.5).body)
    return body


def headline(**changes: Any) -> str:
    return text(report(**changes), PLACE).splitlines()[0]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({}, "COS Sweeper found no abandoned upload."),
        (
            {"found": measure(1, 5), "freed": measure(1, 5)},
            "COS Sweeper found 1 abandoned upload (5 B): 1 freed (5 B).",
        ),
        (
            {
                "found": measure(1234, 8192 * GIB, per_month=196.608),
                "freed": measure(1200, 8000 * GIB),
                "left": measure(30, 191 * GIB),
                "failed": measure(4, 1 * GIB),
                "price": USD,
            },
            "COS Sweeper found 1,234 abandoned uploads (8.0 TiB, USD 196.61 per month): "
            "1,200 freed (7.8 TiB), 30 left (191.0 GiB), 4 failed (1.0 GiB).",
        ),
        (
            {"found": measure(2, GIB, size_unknown=1), "freed": measure(2, GIB, size_unknown=1), "price": USD},
            "COS Sweeper found 2 abandoned uploads (at least 1.0 GiB): 2 freed (at least 1.0 GiB).",
        ),
        (
            {"found": measure(2, GIB), "left": measure(2, GIB), "dry_run": True},
            "COS Sweeper found 2 abandoned uploads (1.0 GiB). It was a dry run: nothing was aborted.",
        ),
        (
            {"kind": "inventory", "open": measure(9, 2 * GIB), "found": measure(1, GIB), "left": measure(1, GIB)},
            "COS Sweeper counted 9 open uploads (2.0 GiB), with 1 abandoned upload (1.0 GiB) among them.",
        ),
        (
            {"kind": "inventory", "open": measure(1, 1023)},
            "COS Sweeper counted 1 open upload (1023 B), with no abandoned upload among them.",
        ),
        (
            {"found": measure(1, GIB - 1), "freed": measure(1, 1024)},
            "COS Sweeper found 1 abandoned upload (1.0 GiB): 1 freed (1.0 KiB).",
        ),
    ],
)
def test_headline_says_what_was_found_freed_left_and_failed(told: dict[str, Any], said: str) -> None:
    assert headline(**told) == said


PROBLEMS = [
    ({"failures": [failure("AccessDenied", 3)], "failed": measure(3)}, "3 failed uploads (AccessDenied ×3)"),
    ({"failures": [failure("AccessDenied")]}, "failures (AccessDenied ×1)"),
    ({"failures": [failure("a key, not a code")]}, "failures"),
    ({"left": measure(1)}, "1 abandoned upload left"),
    ({"shards": {"count": 4, "finished": 3, "missing": ["2/4"]}}, "1 of 4 shards missing"),
    ({"stopped_because": "the limit of aborts is reached"}, "stopped: the limit of aborts is reached"),
    ({"not_swept": ["photos-1250000000@ap-guangzhou/raw/", "x"]}, "2 listings not swept"),
    ({"warnings": [{"event": "page.in_doubt"}]}, "1 warning"),
]


@pytest.mark.parametrize(("told", "said"), PROBLEMS)
def test_problem_is_told_in_either_mode(told: dict[str, Any], said: str) -> None:
    made = report(**told)

    assert f"\nProblems: {said}.\n" in text(made, PLACE)
    assert is_due(made, "problems")
    assert is_due(made, "always")


@pytest.mark.parametrize("status", ["partial", "failed", "rejected"])
def test_status_other_than_complete_is_a_problem(status: str) -> None:
    assert is_due(report(status=status), "problems")


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"found": measure(1), "freed": measure(1)},
        {"found": measure(1), "left": measure(1), "dry_run": True},
        {"found": measure(1), "left": measure(1), "kind": "inventory"},
        {"kept": measure(5)},
    ],
)
def test_report_without_problems_is_told_only_always(told: dict[str, Any]) -> None:
    assert not is_due(report(**told), "problems")
    assert is_due(report(**told), "always")


def test_message_names_run_buckets_and_report() -> None:
    names = [f"bucket-{number}-1250000000@ap-guangzhou" for number in range(7)]

    lines = text(report(buckets=[{"bucket": name} for name in names]), PLACE).splitlines()

    assert lines[1:] == [
        f"Status: complete. Run: {RUN_ID}.",
        f"Buckets: {', '.join(names[:5])} and 2 more.",
        f"Report: {PLACE}",
    ]


words = st.text(min_size=1, max_size=400)
KEY = "ключ/private/cat.mp4"


@given(name=words, place=words, stopped=words, service=st.sampled_from(list(Service)), codes=st.lists(words))
def test_message_is_bounded_and_holds_no_key(
    name: str, place: str, stopped: str, service: Service, codes: list[str]
) -> None:
    record = {"key": KEY, "upload_id": KEY, "bucket": name}
    made = report(
        buckets=[{"bucket": name, "region": KEY}] * 9,
        stopped_because=stopped,
        failures=[failure(code, 1, key=KEY) for code in codes],
        not_swept=[f"{name}/{KEY}"],
        warnings=[{"event": "x", "reason": KEY}],
        largest=[record],
        prefixes={"tree": [{"name": KEY, "prefix": KEY}]},
        price={"currency": name, "per_gb_month": {}},
        found=measure(10**12, 10**24, per_month=10.0**15),
        freed=measure(10**12, 10**24),
    )

    said = text(made, place)

    assert len(said.encode()) <= MAX_TEXT_BYTES
    assert "private" not in json.dumps(body_for(service, made), ensure_ascii=False)
    assert len(said.splitlines()) <= 5 or "\n" in place or not place.isprintable()


@pytest.mark.parametrize("service", [Service.WECOM, Service.DINGTALK])
def test_message_for_wecom_and_dingtalk_is_a_text(service: Service) -> None:
    assert body_for(service, report()) == {"msgtype": "text", "text": {"content": text(report(), PLACE)}}


def test_message_for_feishu_is_a_text() -> None:
    assert body_for(Service.FEISHU, report()) == {"msg_type": "text", "content": {"text": text(report(), PLACE)}}


def test_message_for_slack_escapes_its_markup() -> None:
    body = body_for(Service.SLACK, report(stopped_because="<!channel> & <http://a|b>"))

    assert body["mrkdwn"] is False
    assert "stopped: &lt;!channel&gt; &amp; &lt;http://a|b&gt;." in body["text"]


def test_message_for_others_has_the_figures_as_fields() -> None:
    made = report(found=measure(2, GIB, per_month=0.02), freed=measure(2, GIB), price=USD)

    body = body_for(Service.PLAIN, made)

    assert body["text"] == text(made, PLACE)
    assert body["totals"]["found"] == {"uploads": 2, "bytes": GIB, "size_unknown": 0, "per_month": 0.02}
    assert sorted(body["totals"]) == ["failed", "found", "freed", "left"]
    assert (body["schema"], body["status"], body["run_id"], body["report"]) == (1, "complete", RUN_ID, PLACE)
    assert (body["currency"], body["buckets"]) == ("USD", ["photos-1250000000@ap-guangzhou"])


@pytest.mark.parametrize("url", [HOSTS[Service.DINGTALK], "https://oapi.dingtalk.com/robot/send"])
def test_dingtalk_gets_time_and_signature_in_the_query(url: str) -> None:
    made = message(report(), PLACE, url, SECRET, 1795348800.25)

    assert made.url.startswith(url)
    query = parse_qs(urlsplit(made.url).query)
    assert query["timestamp"] == ["1795348800250"]
    expected = hmac.new(SECRET.encode(), f"1795348800250\n{SECRET}".encode(), hashlib.sha256).digest()
    assert [base64.b64decode(sign) for sign in query["sign"]] == [expected]
    assert made.url.count("?") == 1


def test_feishu_gets_time_and_signature_in_the_body() -> None:
    body = body_for(Service.FEISHU, report(), SECRET)

    expected = hmac.new(f"1\n{SECRET}".encode(), b"", hashlib.sha256).digest()
    assert (body["timestamp"], base64.b64decode(body["sign"])) == ("1", expected)


def test_other_receivers_get_time_and_signature_in_headers() -> None:
    made = message(report(), PLACE, HOSTS[Service.PLAIN], SECRET, 1.5)

    expected = hmac.new(SECRET.encode(), b"1." + made.body, hashlib.sha256).hexdigest()
    assert made.headers["X-Cos-Sweeper-Timestamp"] == "1"
    assert made.headers["X-Cos-Sweeper-Signature"] == f"sha256={expected}"


@pytest.mark.parametrize("service", list(Service))
def test_message_without_secret_carries_no_signature(service: Service) -> None:
    made = message(report(), PLACE, HOSTS[service], None, 1.5)

    assert made.url == HOSTS[service]
    assert sorted(made.headers) == ["Content-Type", "User-Agent"]
    assert b"sign" not in made.body


ANSWERS = [
    (b'{"errcode":0,"errmsg":"ok"}', ""),
    (b'{"errcode":310000,"errmsg":"sign not match"}', "310000"),
    (b'{"errcode":true}', "Unreadable"),
    (b'{"errcode":"0"}', "Unreadable"),
    (b"ok", "Unreadable"),
    (b"", "Unreadable"),
    (b"[]", "Unreadable"),
    (b"\xff", "Unreadable"),
    (b"[" * 100_000, "Unreadable"),
    (b'{"errcode":' + b"9" * 5000 + b"}", "Unreadable"),
]


@pytest.mark.parametrize(("content", "code"), ANSWERS)
def test_code_in_the_answer_of_a_service_is_judged(content: bytes, code: str) -> None:
    assert error_code(Service.WECOM, content) == error_code(Service.DINGTALK, content) == code
    feishu = (content.replace(b"errcode", b"code"), content.replace(b"errcode", b"StatusCode"))
    assert {error_code(Service.FEISHU, each) for each in feishu} == {code}
    assert error_code(Service.SLACK, content) == error_code(Service.PLAIN, content) == ""
