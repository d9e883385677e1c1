"""
What the rules of a bucket cover: a table of cases, and the law that nothing is claimed without a rule that does it.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cos_sweeper.core.coverage import (
    LIFECYCLE_ACTION,
    MAX_COVERED_PREFIXES_SHOWN,
    OBJECT_LOCK_ACTION,
    Coverage,
    CoveredPrefix,
    LifecycleRule,
    State,
    Unread,
    evaluate,
    rule_to_add,
)
from cos_sweeper.cos.lifecycle_xml import lifecycle_rules
from tests.fixtures import HOUR, PHOTOS
from tests.profiles import examples

DAY = timedelta(days=1)
WHOLE = LifecycleRule("whole", "Enabled", aborts=True, days=7)
LOGS = replace(WHOLE, rule_id="logs", prefix="logs/")
OFF = replace(WHOLE, rule_id="off", status="Disabled")
TAGGED = replace(WHOLE, rule_id="tagged", has_tags=True)
DOUBTED = replace(WHOLE, rule_id="odd", doubt="it has no filter")
EXPIRES = LifecycleRule("expires", "Enabled")
OFF_SAYS = 'The rule "off" would abort uploads in the whole bucket after 7 days, but it is disabled.'
TAGGED_SAYS = 'The rule "tagged" has a tag filter, and incomplete uploads have no tags.'
DOUBTED_SAYS = 'It is not clear which uploads the rule "odd" aborts: it has no filter.'
OUTSIDE = "Keys outside these prefixes are not covered."


def covered(*rules: LifecycleRule) -> Coverage:
    return evaluate(PHOTOS, rules, object_lock=False)


@pytest.mark.parametrize(
    ("rules", "state", "detail"),
    [
        ([WHOLE], State.WHOLE_BUCKET, ""),
        ([OFF, TAGGED, DOUBTED, EXPIRES, WHOLE], State.WHOLE_BUCKET, ""),
        ([LOGS], State.PREFIXES, OUTSIDE),
        ([OFF, LOGS], State.PREFIXES, f"{OUTSIDE} {OFF_SAYS}"),
        ([LOGS, TAGGED, DOUBTED], State.PREFIXES, f"{OUTSIDE} {DOUBTED_SAYS} {TAGGED_SAYS}"),
        ([OFF], State.DISABLED, OFF_SAYS),
        ([TAGGED, OFF], State.DISABLED, f"{OFF_SAYS} {TAGGED_SAYS}"),
        ([replace(LOGS, status="DISABLED", days=1)], State.DISABLED,
         'The rule "logs" would abort uploads under a prefix after 1 day, but it is disabled.'),
        ([replace(DOUBTED, status="Disabled")], State.DISABLED, 'The rule "odd" is disabled.'),
        ([TAGGED], State.TAG_FILTERED, TAGGED_SAYS),
        ([replace(TAGGED, status="Disabled", doubt="it is odd")], State.TAG_FILTERED, TAGGED_SAYS),
        ([], State.ABSENT, "The bucket has no lifecycle rules."),
        ([EXPIRES, EXPIRES], State.ABSENT, "None of the bucket's 2 lifecycle rules aborts incomplete uploads."),
        ([OFF, TAGGED, DOUBTED], State.UNREADABLE, f"{DOUBTED_SAYS} {OFF_SAYS} {TAGGED_SAYS}"),
        ([replace(WHOLE, rule_id="", status="enabled")], State.UNREADABLE,
         "It is not clear which uploads a rule without an id aborts: its Status is neither Enabled nor Disabled."),
        ([replace(WHOLE, days=0)], State.UNREADABLE,
         'It is not clear which uploads the rule "whole" aborts: its number of days is not known.'),
        ([replace(WHOLE, prefix="/logs/")], State.UNREADABLE,
         'It is not clear which uploads the rule "whole" aborts: no key can begin with its prefix: '
         "keys never start with '/' or '\\'."),
        ([replace(WHOLE, prefix="é" * 426)], State.UNREADABLE,
         'It is not clear which uploads the rule "whole" aborts: no key can begin with its prefix: '
         "keys have at most 850 bytes."),
    ],
)  # fmt: skip
def test_state_is_that_of_the_most_favourable_rule(rules: list[LifecycleRule], state: State, detail: str) -> None:
    found = covered(*rules)

    assert (found.state, found.detail) == (state, detail)
    assert (found.days is not None) == (state is State.WHOLE_BUCKET)
    assert bool(found.prefixes) == (state is State.PREFIXES)


def test_rules_that_add_nothing_are_left_out() -> None:
    prefixes = [("a/", 9), ("a/", 5), ("a/b/", 5), ("a/c/", 6), ("a/d/", 3), ("a/d/e/", 4), ("a/d/f", 2), ("b", 9)]

    found = covered(*(replace(WHOLE, prefix=prefix, days=days) for prefix, days in prefixes))

    left = tuple(CoveredPrefix(*one) for one in [("a/", 5), ("a/d/", 3), ("a/d/f", 2), ("b", 9)])
    assert found.prefixes == left
    assert covered(WHOLE, *(replace(LOGS, prefix=one.prefix, days=one.days) for one in left)) == Coverage(
        PHOTOS, State.WHOLE_BUCKET, 7, left[:3]
    )


def test_object_lock_hides_every_claim() -> None:
    states = [
        evaluate(PHOTOS, rules, object_lock=True) for rules in ([WHOLE], [LOGS], [OFF], [], Unread("SlowDown", 503))
    ]

    assert {(one.state, one.days, one.prefixes) for one in states} == {(State.OBJECT_LOCK, None, ())}
    assert ["not proven" in one.detail for one in states] == [True, True, False, False, False]
    assert states[-1].detail.endswith("The lifecycle rules could not be read (SlowDown).")


@pytest.mark.parametrize(
    ("unread", "says"),
    [
        (Unread("AccessDenied", 403), f"(AccessDenied): the role needs the permission {LIFECYCLE_ACTION}."),
        (Unread("Http403", 403), f"(Http403): the role needs the permission {LIFECYCLE_ACTION}."),
        (Unread("RequestTimeTooSkewed", 403), "(RequestTimeTooSkewed)."),
        (Unread("NoSuchBucket", 404), "(NoSuchBucket)."),
        (Unread("ReadTimeout"), "(ReadTimeout)."),
    ],
)
def test_rules_that_were_not_read_are_unreadable_with_the_reason(unread: Unread, says: str) -> None:
    found = evaluate(PHOTOS, unread, object_lock=unread)

    assert (found.state, found.detail) == (State.UNREADABLE, f"The lifecycle rules could not be read {says}")


def test_unread_object_lock_counts_as_none_and_is_named_where_a_rule_is_missing() -> None:
    unread = Unread("AccessDenied", 403)

    assert evaluate(PHOTOS, [WHOLE], object_lock=unread) == covered(WHOLE)
    absent = evaluate(PHOTOS, [], object_lock=unread)
    assert absent.state is State.ABSENT
    assert absent.detail.endswith(
        f"could not be read (AccessDenied): the role needs the permission {OBJECT_LOCK_ACTION}."
    )


def test_detail_names_few_rules_by_harmless_text_and_shows_no_prefix() -> None:
    odd = replace(OFF, rule_id="\x1b\u202e" + "x" * 500, prefix="secret/")

    detail = covered(*[odd] * 9).detail

    assert "6 more rules are of that kind." in detail
    assert "secret" not in detail
    assert detail.isprintable()
    assert len(detail) < 600


def test_json_is_that_of_the_report() -> None:
    many = covered(*(replace(LOGS, prefix=f"{n:04}/", days=n + 1) for n in range(150))).as_json()

    assert covered(WHOLE, replace(LOGS, days=1)).as_json() == {
        "bucket": "photos-1250000000@ap-guangzhou",
        "state": "whole_bucket",
        "days": 7,
        "prefixes": [{"prefix": "logs/", "days": 1}],
        "detail": "",
    }
    assert len(many["prefixes"]) == MAX_COVERED_PREFIXES_SHOWN
    assert many["detail"] == f"{OUTSIDE} 50 more prefixes are covered."


# The rule to add


def added(min_age: timedelta = 168 * HOUR, **more: tuple[str, ...]) -> Coverage:
    xml = rule_to_add(min_age, **more)
    body = f"<LifecycleConfiguration>{xml}</LifecycleConfiguration>".encode()
    return evaluate(PHOTOS, lifecycle_rules(body), object_lock=False)


@pytest.mark.parametrize(("min_age", "days"), [(HOUR, 30), (30 * DAY, 30), (30 * DAY + HOUR, 31), (365 * DAY, 365)])
def test_rule_to_add_covers_the_whole_bucket_and_never_before_the_sweep(min_age: timedelta, days: int) -> None:
    assert added(min_age) == Coverage(PHOTOS, State.WHOLE_BUCKET, days)


def test_rule_to_add_covers_the_prefixes_and_nothing_that_is_excluded() -> None:
    prefixes = ("a&<b>/", "c/", "d/")

    found = added(prefixes=prefixes, exclude_prefixes=("c/keep/", "d", "elsewhere/"))

    assert found.prefixes == (CoveredPrefix("a&<b>/", 30),)
    assert [one.prefix for one in added(prefixes=prefixes).prefixes] == list(prefixes)
    assert rule_to_add(HOUR, exclude_prefixes=("keep/",)) == ""


# Law

FORMS = {
    "plain": "<Filter><Prefix>{}</Prefix></Filter><Status>Enabled</Status>",
    "and": "<Filter><And><Prefix>{}</Prefix></And></Filter><Status>Enabled</Status>",
    "old": "<Prefix>{}</Prefix><Status>Enabled</Status>",
    "off": "<Filter><Prefix>{}</Prefix></Filter><Status>Disabled</Status>",
    "case": "<Filter><Prefix>{}</Prefix></Filter><Status>ENABLED</Status>",
    "tag": "<Filter><And><Prefix>{}</Prefix><Tag><Key>a</Key></Tag></And></Filter><Status>Enabled</Status>",
    "but": "<Filter><And><Prefix>{0}</Prefix><PrefixNotEquals>{0}a</PrefixNotEquals></And></Filter>"
    "<Status>Enabled</Status>",
    "none": "<ID>{}</ID><Status>Enabled</Status>",
    "two": "<Filter><Prefix>{}</Prefix><Prefix>b</Prefix></Filter><Status>Enabled</Status>",
    "new": "<Filter><Prefix>{}</Prefix></Filter><If>x</If><Status>Enabled</Status>",
}
PROVEN = ("plain", "and", "old")
keys = st.text(alphabet="ab/", max_size=4)


@dataclass(frozen=True, slots=True)
class Written:
    """A rule as an operator wrote it: in which form, for which prefix, after how many days."""

    form: str
    prefix: str
    days: int

    @property
    def xml(self) -> str:
        days = f"<DaysAfterInitiation>{self.days}</DaysAfterInitiation>"
        action = f"<AbortIncompleteMultipartUpload>{days}</AbortIncompleteMultipartUpload>"
        return f"<Rule>{FORMS[self.form].format(self.prefix)}{action}</Rule>"

    def aborts(self, key: str) -> bool:
        return self.form in PROVEN and key.startswith(self.prefix)


written = st.builds(Written, st.sampled_from([*PROVEN, *FORMS]), keys, st.integers(1, 4))


@settings(max_examples=examples(500))
@given(rules=st.lists(written, max_size=6), rest=keys)
def test_claim_holds_for_every_key_and_every_proven_rule_is_claimed(rules: list[Written], rest: str) -> None:
    body = f"<LifecycleConfiguration>{''.join(one.xml for one in rules)}</LifecycleConfiguration>".encode()

    found = evaluate(PHOTOS, lifecycle_rules(body), object_lock=False)

    claims = [*found.prefixes, *([CoveredPrefix("", found.days)] if found.days else [])]
    for claim in claims:
        key = claim.prefix + rest
        assert any(one.aborts(key) and one.days <= claim.days for one in rules), claim
    sent = [one for one in rules if one.form in PROVEN and not one.prefix.startswith("/")]
    for one in sent:
        key = one.prefix + rest
        assert any(key.startswith(claim.prefix) and claim.days <= one.days for claim in claims), one
