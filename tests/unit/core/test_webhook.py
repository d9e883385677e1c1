"""
The URL of a webhook: which are accepted, whose they are, what of them is secret.
"""

import pytest

from cos_sweeper.core.webhook import Service, secret_parts, service_of, targets, webhook_url

URLS = {
    "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=0f3b2a6c-5d7e-4a19-9c3d-1b2e3f4a5b6c": Service.WECOM,
    "https://open.feishu.cn/open-apis/bot/v2/hook/0f3b2a6c-5d7e-4a19": Service.FEISHU,
    "https://open.larksuite.com/open-apis/bot/v2/hook/0f3b2a6c-5d7e-4a19": Service.FEISHU,
    "https://oapi.dingtalk.com/robot/send?access_token=0f3b2a6c5d7e4a19": Service.DINGTALK,
    "https://hooks.slack.com/services/T0EXAMPLE/B0EXAMPLE/anexamplehookthatisnone": Service.SLACK,
    "HTTPS://HOOKS.SLACK.COM/services/T0EXAMPLE": Service.SLACK,
    "https://alerts.example.com:8443/hook": Service.PLAIN,
    "https://hooks.slack.com.example.com/services": Service.PLAIN,
    "https://nothooks.slack.com/services": Service.PLAIN,
    "https://alerts.example.com/?key=value": Service.PLAIN,
    "http://127.0.0.1:9000/hook": Service.PLAIN,
}


@pytest.mark.parametrize(("url", "service"), URLS.items())
def test_url_belongs_to_the_service_of_its_host(url: str, service: Service) -> None:
    assert service_of(webhook_url(url)) is service


@pytest.mark.parametrize(
    "url",
    [
        "http://alerts.example.com/hook",
        "ftp://alerts.example.com/hook",
        "alerts.example.com/hook",
        "https://alerts.example.com",
        "https://alerts.example.com/",
        "https:///hook",
        "https://alerts/hook",
        "https://user:password@alerts.example.com/hook",
        "https://alerts.example.com/hook#part",
        "https://alerts.example.com/ho ok",
        "https://alerts.example.com/hook\r\nHost: other",
        "https://alerts.example.com/höök",
        "https://alerts.example.com:0/hook",
        "https://alerts.example.com:65536/hook",
        "https://alerts.example.com:/hook",
        "https://[::1]/hook",
        "https://-a.example.com/hook",
        "http://127.0.0.1/hook",
        "http://127.0.0.1:9000",
        "http://127.0.0.1:9000@example.com/hook",
        "http://localhost:9000/hook",
    ],
)
def test_other_urls_are_rejected_without_being_quoted(url: str) -> None:
    with pytest.raises(ValueError, match="not shown") as caught:
        webhook_url(url)

    assert "hook" not in str(caught.value)
    assert "example" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("https://a.example.com/hook?key=12345678", "12345678"),
        ("https://a.example.com/hook?12345678", "12345678"),
        ("https://a.example.com/hook?a=1&key=1234%2B5678", "1234+5678"),
        ("https://a.example.com/hook?a=1&key=1234%2B5678", "1234%2B5678"),
        ("https://a.example.com/hook/0123456789abcdef/send", "0123456789abcdef"),
        ("https://a.example.com/hook?0123456789abcdef=1", "0123456789abcdef"),
    ],
)
def test_secret_parts_of_a_url_are_found(url: str, secret: str) -> None:
    assert secret in set(secret_parts(url))


@pytest.mark.parametrize("target", ["/hook/0123/4567/89ab", "hook/0123/4567/89ab", "/hook/0123/4567/89ab?a=b", "a=b"])
def test_target_of_a_url_is_found_where_it_is_long(target: str) -> None:
    found = set(targets("https://a.example.com/hook/0123/4567/89ab?a=b"))

    assert (target in found) == (len(target) > 3)


def test_ordinary_words_of_a_url_are_no_secret() -> None:
    parts = set(secret_parts("https://hooks.slack.com/services/T0EXAMPLE/B0EXAMPLE/anexamplehookthatisnone?a=raw"))

    assert parts.isdisjoint({"services", "T0EXAMPLE", "hooks.slack.com", ""})
