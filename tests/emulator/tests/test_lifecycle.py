"""
Which lifecycle configurations COS takes.
"""

import pytest

from tests.emulator.errors import CosError
from tests.emulator.lifecycle import checked

ABORT = "<AbortIncompleteMultipartUpload><DaysAfterInitiation>{}</DaysAfterInitiation></AbortIncompleteMultipartUpload>"
ENABLED = "<Status>Enabled</Status>"
TAG = "<Tag><Key>k</Key><Value>v</Value></Tag>"
SEVEN = ABORT.format(7)


def document(*rules: str) -> bytes:
    listed = "".join(f"<Rule>{rule}</Rule>" for rule in rules)
    return f"<LifecycleConfiguration>{listed}</LifecycleConfiguration>".encode()


def rejection(body: bytes) -> tuple[int, str]:
    with pytest.raises(CosError) as rejected:
        checked(body)
    return rejected.value.status, rejected.value.code


def expiring(inner: str, action: str = "Expiration") -> str:
    return f"<Filter/>{ENABLED}<{action}>{inner}</{action}>"


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param([f"<ID>a</ID><Filter><Prefix>x/</Prefix></Filter>{ENABLED}{SEVEN}"], id="abort"),
        pytest.param([f"<Status>Disabled</Status>{SEVEN}"], id="no filter, disabled"),
        pytest.param([f"<ID/><Filter/>{ENABLED}{SEVEN}", f"<ID/><Filter/>{ENABLED}{SEVEN}"], id="no ids"),
        pytest.param([f"<Prefix>x</Prefix>{ENABLED}{SEVEN}"], id="prefix of the old form"),
        pytest.param([expiring("<Days>1</Days>").replace("<Filter/>", f"<Filter>{TAG}</Filter>")], id="tag"),
        pytest.param(
            [expiring("<Days>1</Days>").replace("<Filter/>", f"<Filter><And>{TAG}{TAG}</And></Filter>")], id="tags"
        ),
        pytest.param([expiring("<Date>2026-03-04T00:00:00+08:00</Date>")], id="date"),
        pytest.param([expiring("<ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker>")], id="delete markers"),
        pytest.param(
            [expiring("<Days>0</Days><StorageClass>ARCHIVE</StorageClass>", "Transition")], id="transition at once"
        ),
        pytest.param([f"{ENABLED}<New>1</New>"], id="action that is newer than the emulator"),
        pytest.param([expiring("<NoncurrentDays>1</NoncurrentDays>", "NoncurrentVersionExpiration")], id="versions"),
    ],
)
def test_configuration_that_cos_takes_is_kept_as_it_came(rules: list[str]) -> None:
    assert checked(document(*rules)) == document(*rules)


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        pytest.param([], "MalformedXML", id="no rules"),
        pytest.param([f"{ENABLED}{SEVEN}"] * 1001, "MalformedXML", id="1001 rules"),
        pytest.param([""], "MalformedXML", id="empty rule"),
        pytest.param([f"<Filter/>{SEVEN}"], "MalformedXML", id="no status"),
        pytest.param([f"<Status>enabled</Status>{SEVEN}"], "MalformedXML", id="status in another case"),
        pytest.param([f"{ENABLED}{ENABLED}{SEVEN}"], "MalformedXML", id="status twice"),
        pytest.param([f"<Filter/>{ENABLED}"], "MalformedXML", id="no action"),
        pytest.param([f"{ENABLED}{SEVEN}{SEVEN}"], "MalformedXML", id="abort twice"),
        pytest.param([f"{ENABLED}{ABORT.format('x')}"], "MalformedXML", id="days that are no number"),
        pytest.param([f"{ENABLED}{ABORT.format('')}"], "MalformedXML", id="days without a value"),
        pytest.param([f"{ENABLED}{ABORT.format(0)}"], "InvalidArgument", id="0 days"),
        pytest.param([f"{ENABLED}{ABORT.format(-1)}"], "InvalidArgument", id="-1 days"),
        pytest.param([expiring("<Days>0</Days>")], "InvalidArgument", id="expires at once"),
        pytest.param([expiring("")], "MalformedXML", id="expires never"),
        pytest.param([expiring("<Days>1</Days><Date>2026-03-04</Date>")], "MalformedXML", id="days and date"),
        pytest.param([expiring("<Date>soon</Date>")], "MalformedXML", id="no date"),
        pytest.param([expiring("<Days>1</Days>", "Transition")], "MalformedXML", id="transition to nowhere"),
        pytest.param(
            [expiring("<Days>1</Days><StorageClass>STANDARD</StorageClass>", "Transition")],
            "InvalidArgument",
            id="transition to the standard class",
        ),
        pytest.param([f"<ID>a</ID>{ENABLED}{SEVEN}"] * 2, "InvalidArgument", id="id twice"),
        pytest.param([f"<ID>{'a' * 256}</ID>{ENABLED}{SEVEN}"], "InvalidArgument", id="long id"),
        pytest.param([f"<Filter>{TAG}</Filter>{ENABLED}{SEVEN}"], "InvalidRequest", id="tag and abort"),
        pytest.param(
            [f"<Filter><And><Prefix>x</Prefix>{TAG}</And></Filter>{ENABLED}{SEVEN}"],
            "InvalidRequest",
            id="tag among others and abort",
        ),
        pytest.param([f"<Filter><Prefix/>{TAG}</Filter>{ENABLED}{SEVEN}"], "MalformedXML", id="two filters"),
        pytest.param([f"<Filter><Size>1</Size></Filter>{ENABLED}{SEVEN}"], "MalformedXML", id="unknown filter"),
        pytest.param(
            [expiring("<Days>1</Days>").replace("<Filter/>", "<Filter><Tag/></Filter>")], "MalformedXML", id="empty tag"
        ),
    ],
)
def test_configuration_that_cos_does_not_take_is_rejected_with_its_code(rules: list[str], code: str) -> None:
    assert rejection(document(*rules)) == (400, code)


@pytest.mark.parametrize("body", [b"", b"<LifecycleConfiguration>", b"<Other/>"])
def test_body_that_is_no_lifecycle_configuration_is_malformed(body: bytes) -> None:
    assert rejection(body) == (400, "MalformedXML")
