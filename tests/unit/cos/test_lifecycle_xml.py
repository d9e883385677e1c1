"""
Lifecycle rules and Object Lock configurations in documented and other forms: what is not documented is doubted.
"""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cos_sweeper.core.coverage import LifecycleRule, State, evaluate
from cos_sweeper.cos.lifecycle_xml import lifecycle_rules, object_lock
from cos_sweeper.cos.xml import Unreadable
from tests.fixtures import PHOTOS
from tests.profiles import examples

SEVEN = "<DaysAfterInitiation>7</DaysAfterInitiation>"
ENABLED = "<Status>Enabled</Status>"


def configuration(*rules: str, attributes: str = "") -> bytes:
    inner = "".join(f"<Rule>{rule}</Rule>" for rule in rules)
    return f'<?xml version="1.0"?><LifecycleConfiguration{attributes}>{inner}</LifecycleConfiguration>'.encode()


def abort(inner: str = SEVEN) -> str:
    return f"<AbortIncompleteMultipartUpload>{inner}</AbortIncompleteMultipartUpload>"


def rule(inner: str, **more: str) -> LifecycleRule:
    (read,) = lifecycle_rules(configuration(inner, **more))
    return read


@pytest.mark.parametrize(
    ("scope", "prefix"),
    [
        ("<Filter></Filter>", ""),
        ("<Filter/>", ""),
        ("<Filter>\n  </Filter>", ""),
        ("<Filter><Prefix/></Filter>", ""),
        ("<Filter>\n<Prefix>logs/</Prefix>\n</Filter>", "logs/"),
        ("<Filter><Prefix> a&amp;b<!-- x -->c</Prefix></Filter>", " a&bc"),
        ("<Filter><And><Prefix>logs/</Prefix></And></Filter>", "logs/"),
        ("<Prefix>logs/</Prefix>", "logs/"),
        ("<Prefix></Prefix>", ""),
    ],
)
def test_scope_in_a_known_form_is_read(scope: str, prefix: str) -> None:
    others = "<Expiration><Days>3</Days></Expiration><Transition/><NoncurrentVersionExpiration/>"

    read = rule(f"<ID>a</ID>{scope}{ENABLED}{others}{abort()}")

    assert read == LifecycleRule("a", "Enabled", aborts=True, days=7, prefix=prefix)


@pytest.mark.parametrize(
    ("inner", "doubt"),
    [
        (abort(), "it has no filter"),
        (f"<Filter/><Filter/>{abort()}", "it has more than one filter"),
        (f"<Filter/><Prefix/>{abort()}", "it has more than one filter"),
        (f"<Filter>logs/</Filter>{abort()}", "its filter has a text"),
        (f"<Filter><Prefix/>logs/</Filter>{abort()}", "its filter has a text"),
        (f"<Filter><And>x<Prefix/></And></Filter>{abort()}", "its filter has a text"),
        (f"<Filter><And/></Filter>{abort()}", "its filter has <And>"),
        (f"<Filter><And><And><Prefix/></And></And></Filter>{abort()}", "its filter has <And>"),
        (f"<Filter><And><Prefix/></And><Prefix>a</Prefix></Filter>{abort()}", "its filter has <And>"),
        (
            f"<Filter><And><Prefix>a</Prefix><PrefixNotEquals>ab</PrefixNotEquals></And></Filter>{abort()}",
            "its filter has <PrefixNotEquals>",
        ),
        (
            f"<Filter><ObjectSizeLessThan>9</ObjectSizeLessThan></Filter>{abort()}",
            "its filter has <ObjectSizeLessThan>",
        ),
        (f"<Filter><prefix>a</prefix></Filter>{abort()}", "its filter has <prefix>"),
        (f"<Filter><Prefix>a</Prefix><Prefix>b</Prefix></Filter>{abort()}", "its prefix cannot be read"),
        (f"<Filter><Prefix>a<b/>c</Prefix></Filter>{abort()}", "its prefix cannot be read"),
        (f"<Filter><Prefix>a\x00b</Prefix></Filter>{abort()}", "its prefix cannot be read"),
        (f"<Filter/><Until>tomorrow</Until>{abort()}", "it has an unknown element, <Until>"),
        (f'<Filter not="true"/>{abort()}', "it has attributes"),
        *(
            (f"<Filter/>{action}", "its action is not one number of days after the start of an upload")
            for action in (
                abort("<Days>7</Days>"),
                abort("<Date>2030-01-01T00:00:00.000Z</Date>"),
                abort(SEVEN + "<Date>2030-01-01T00:00:00.000Z</Date>"),
                abort(SEVEN + SEVEN),
                abort("7"),
                abort(""),
                abort() + abort(),
                *(
                    abort(SEVEN.replace("7", text))
                    for text in ("", "0", "-7", "+7", "7.0", "７", "²", "1_0", "7d", "9" * 6, "9" * 5000, "<b>7</b>")
                ),
            )
        ),
    ],
)
def test_rule_in_another_form_is_doubted(inner: str, doubt: str) -> None:
    read = rule(ENABLED + inner)

    assert (read.aborts, read.doubt) == (True, doubt)
    assert evaluate(PHOTOS, [read], object_lock=False).state is State.UNREADABLE


@pytest.mark.parametrize(
    "scope",
    [
        "<Filter><Tag><Key>a</Key><Value>b</Value></Tag></Filter>",
        "<Filter><And><Prefix>a/</Prefix><Tag><Key>a</Key><Value>b</Value></Tag></And></Filter>",
        "<Filter><Prefix>a/</Prefix><Tag><Key>a</Key><Value>b</Value></Tag></Filter>",
        "<Filter><And><Tag/><Tag/></And></Filter>",
    ],
)
def test_rule_with_a_tag_filter_is_told_apart(scope: str) -> None:
    assert rule(f"{scope}{ENABLED}{abort()}").has_tags


def test_rule_without_the_action_is_no_rule_for_uploads() -> None:
    assert rule(f"<ID>a</ID><Filter/>{ENABLED}<Expiration><Days>3</Days></Expiration>") == LifecycleRule("a", "Enabled")


@pytest.mark.parametrize("namespace", ["http://www.qcloud.com/document/product/436", "http://s3.amazonaws.com/doc/"])
def test_namespace_of_lifecycle_rules_is_ignored(namespace: str) -> None:
    read = rule(f"<Filter/>{ENABLED}{abort()}", attributes=f' xmlns="{namespace}"')

    assert (read.days, read.doubt) == (7, "")


def test_status_is_kept_as_it_is() -> None:
    assert rule(f"<Filter/><Status> disabled\n</Status>{abort()}").status == "disabled"
    assert rule(f"<Filter/>{ENABLED}{ENABLED}{abort()}").status == ""


def test_rules_beyond_the_documented_maximum_are_read() -> None:
    one = f"<Filter><Prefix>a</Prefix></Filter>{ENABLED}{abort()}"

    assert len(lifecycle_rules(configuration(*[one] * 2000))) == 2000
    assert lifecycle_rules(configuration()) == ()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not XML",
        b"<Error><Code>x</Code></Error>",
        b"<LifecycleConfiguration><Rule></LifecycleConfiguration>",
        b"<LifecycleConfiguration><Rules><Rule/></Rules></LifecycleConfiguration>",
        b'<!DOCTYPE l [<!ENTITY a "b">]><LifecycleConfiguration><Rule><ID>&a;</ID></Rule></LifecycleConfiguration>',
        configuration(*["<ID/>"] * 100_000),
        "<?xml version='1.0' encoding='utf-16'?><LifecycleConfiguration/>".encode("utf-16"),
    ],
    ids=["empty", "text", "other_root", "open", "no_rules", "doctype", "huge", "utf_16"],
)
def test_document_that_is_no_lifecycle_configuration_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        lifecycle_rules(body)


def test_deeply_nested_rule_is_doubted() -> None:
    depth = 90_000

    assert rule(f"<Filter>{'<And>' * depth}{'</And>' * depth}</Filter>{ENABLED}{abort()}").doubt


FRAGMENTS = (
    "<Rule> </Rule> <Filter> </Filter> <Prefix> </Prefix> <Prefix/> <And> </And> <Tag/> <Status> </Status> <?a?>"
)
FRAGMENTS += " \x00 &#0; &lt; ]]> <!-- -->"
fragments = st.sampled_from([*FRAGMENTS.split(" "), ENABLED, SEVEN, abort(), abort("")])


@settings(max_examples=examples(300))
@given(st.lists(st.one_of(fragments, st.text(max_size=3)), max_size=12).map("".join))
def test_hostile_document_raises_nothing_but_unreadable(inner: str) -> None:
    body = f"<LifecycleConfiguration>{inner}</LifecycleConfiguration>".encode("utf-8", "surrogatepass")

    with contextlib.suppress(Unreadable):
        evaluate(PHOTOS, lifecycle_rules(body), object_lock=False).as_json()


@pytest.mark.parametrize(
    ("inner", "is_enabled"),
    [
        ("<ObjectLockEnabled>Enabled</ObjectLockEnabled>", True),
        ("<ObjectLockEnabled> ENABLED </ObjectLockEnabled><Rule/>", True),
        ("<ObjectLockEnabled>Disabled</ObjectLockEnabled>", False),
        ("<ObjectLockEnabled/>", False),
        ("", False),
        ("<ObjectLockEnabled>perhaps</ObjectLockEnabled>", None),
    ],
)
def test_object_lock_is_enabled_as_its_configuration_says(inner: str, is_enabled: bool | None) -> None:  # noqa: FBT001
    body = f"<ObjectLockConfiguration>{inner}</ObjectLockConfiguration>".encode()

    if is_enabled is None:
        with pytest.raises(Unreadable):
            object_lock(body)
    else:
        assert object_lock(body) is is_enabled
