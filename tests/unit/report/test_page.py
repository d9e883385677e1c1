"""
report.html, read as a browser's parser reads it.
"""

import base64
import hashlib
import re
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from functools import cache
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cos_sweeper.core import outcomes, policy
from cos_sweeper.core.observation import Observation
from cos_sweeper.core.price import Price
from cos_sweeper.report import page
from cos_sweeper.report.page_parts import words
from tests.fixtures import HANDLER
from tests.laws.accounts import account_of, observations
from tests.page import samples
from tests.page.reporter import MEDIA, Reporter, Upload
from tests.page.samples import SAMPLES
from tests.profiles import examples
from tests.schema import problems

LIMITS = policy.Policy(min_age=timedelta(days=7), min_idle=timedelta(days=3))
VOID = {"meta", "link", "input", "br"}
Attributes = dict[str, str | None]


class Parsed(HTMLParser):
    """A page: its elements, what is unclosed, and its text in each language."""

    def __init__(self, html: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, str]] = []
        self.elements: list[tuple[str, Attributes]] = []
        self.texts: list[tuple[str, str, str]] = []
        self.faults: list[str] = []
        self.feed(html.decode("utf-8"))
        self.faults += [tag for tag, _ in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        language = self.open[-1][1] if self.open else ""
        if tag == "span" and attributes.get("lang") in ("en", "zh"):
            language = attributes["lang"] or ""
        if tag not in VOID:
            self.open.append((tag, language))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop()[0] != tag:
            self.faults.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts.append((self.open[-1][0], self.open[-1][1], data))

    def text(self, language: str = "en") -> str:
        """What a reader of this language sees, without style and script."""
        seen = (data for tag, of, data in self.texts if tag not in ("style", "script") and of in ("", language))
        return " ".join("".join(seen).split())

    def inside(self, tag: str) -> list[str]:
        return [data for one, _, data in self.texts if one == tag]

    def all(self, tag: str) -> list[Attributes]:
        return [attributes for one, attributes in self.elements if one == tag]


def parsed(report: dict[str, Any]) -> Parsed:
    return Parsed(page.render(report))


@cache
def html(name: str) -> bytes:
    return page.render(SAMPLES[name]())


@cache
def sample_page(name: str) -> Parsed:
    return Parsed(html(name))


@pytest.fixture(scope="module", params=SAMPLES)
def shown(request: pytest.FixtureRequest) -> Parsed:
    return sample_page(request.param)


@pytest.mark.parametrize("name", SAMPLES)
def test_sample_is_as_the_schema_of_report_json_says(name: str) -> None:
    assert problems(SAMPLES[name]()) == []


@settings(max_examples=examples(10))
@given(seen=st.lists(observations(), max_size=20), inventory=st.booleans())
def test_page_can_be_made_of_every_account(seen: list[Observation], *, inventory: bool) -> None:
    sums = account_of(seen, inventory=inventory).as_json(LIMITS, Price("USD", (("STANDARD", 0.5),)))
    report = {**samples.nothing_open(), "kind": "inventory" if inventory else "sweep", **sums}

    shown = parsed(report)

    assert problems(report) == []
    assert shown.faults == []


def test_page_is_well_formed(shown: Parsed) -> None:
    ids = Counter(attributes["id"] for _, attributes in shown.elements if "id" in attributes)

    assert shown.faults == []
    assert [one for one, count in ids.items() if count > 1] == []


def test_page_has_one_style_and_one_script_that_its_policy_names_by_hash(shown: Parsed) -> None:
    (content,) = (one["content"] for one in shown.all("meta") if one.get("http-equiv") == "Content-Security-Policy")

    assert content is not None
    for tag in ("style", "script"):
        (text,) = shown.inside(tag)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in content
    assert "default-src 'none'" in content
    assert "unsafe" not in content


def test_page_has_no_handler_no_style_attribute_and_no_address_outside(shown: Parsed) -> None:
    names = {name for _, attributes in shown.elements for name in attributes}
    targets = [
        attributes[name] or "" for _, attributes in shown.elements for name in ("href", "src") if name in attributes
    ]

    assert {name for name in names if name.startswith("on") or name in ("style", "srcset", "action")} == set()
    outside = {target for target in targets if not target.startswith("#")}
    assert {target for target in outside if not re.fullmatch(r"\.\./[\w%.-]+/report\.html", target)} == {"data:,"}


def test_page_has_a_place_for_each_of_its_links_and_labels(shown: Parsed) -> None:
    ids = {attributes["id"] for _, attributes in shown.elements if "id" in attributes}
    wanted = {target[1:] for one in shown.all("a") if (target := one["href"] or "").startswith("#")}
    wanted |= {
        attributes[name] or ""
        for _, attributes in shown.elements
        for name in ("aria-labelledby", "for")
        if name in attributes
    }

    assert wanted - ids == set()


def test_page_says_everything_in_both_languages(shown: Parsed) -> None:
    chinese = re.compile("[\u4e00-\u9fff]")
    languages = [attributes["lang"] for attributes in shown.all("span") if attributes.get("lang") in ("en", "zh")]

    assert languages == ["en", "zh"] * (len(languages) // 2)
    assert not [
        data for _, language, data in shown.texts if language == "en" and chinese.search(data) and data != "中文"
    ]


@pytest.mark.parametrize(
    ("sample", "sentence"),
    [
        (
            "typical",
            "2,012 abandoned uploads held 3.31 TiB. This sweep freed 2.37 TiB; "
            "0.94 TiB is still there and costs 21.85 USD a month.",
        ),
        ("all_freed", "586 abandoned uploads held 875 GiB. This sweep freed all of it, which cost 20.02 USD a month."),
        ("zero", "No abandoned uploads. All 134 open uploads are kept."),
        ("nothing_open", "No open multipart uploads. There is nothing to free."),
        ("one", "1 abandoned upload held 12.4 GiB. This sweep freed all of it, which cost 0.30 USD a month."),
        (
            "dry_run",
            "2,012 abandoned uploads hold at least 3.30 TiB and cost at least 77.49 USD a month. "
            "Nothing was aborted: this is a dry run.",
        ),
        (
            "inventory",
            "3,000 open uploads hold at least 4.84 TiB. "
            "2,012 of them (at least 3.30 TiB) are abandoned and cost at least 77.49 USD a month. "
            "Nothing was aborted: this is an inventory.",
        ),
        (
            "missing_shard",
            "held at least 875 GiB. This sweep freed at least 667 GiB; "
            "at least 208 GiB is still there and costs at least 4.74 USD a month.",
        ),
        ("size_unknown", "397 abandoned uploads held at least 187 GiB."),
        ("no_price", "588 abandoned uploads held 875 GiB. This sweep freed 667 GiB; 208 GiB is still there."),
        ("failed_at_once", "No upload was read. The sweep failed before it could start."),
        ("huge", "100,000 abandoned uploads held 42.9 TiB."),
    ],
    ids=lambda value: value if value in SAMPLES else "",
)
def test_headline_says_what_was_found_and_what_became_of_it(sample: str, sentence: str) -> None:
    assert sentence in sample_page(sample).text()


@pytest.mark.parametrize(
    ("sample", "sentences"),
    [
        (
            "typical",
            [
                "25 % of the abandoned bytes is under uploads/mobile/android/8.15/",
                "app-upload-backend: 37 % of the bytes, 43 % of the uploads.",
                "Sweep again, or raise the limit MAX_ABORTS: frees 0.94 TiB, 508 uploads",
                "this run had 1,500.",
                "Grant the missing permission on media-ingest-1250012345: concerns 228 MiB, 1 upload",
                "Allow name/cos:AbortMultipartUpload on this bucket in the policy of the function's role, or change",
                "Add a lifecycle rule to media-ingest-1250012345 and 1 more: would cover 2.32 TiB, 1,387 uploads",
                "Ask the owner of app-upload-backend to make the client "
                "abort or resume an upload when it fails: left behind 1.24 TiB, 866",
            ],
        ),
        ("dry_run", ["Set DRY_RUN to false if this list is right: frees 3.30 TiB, 2,008 uploads"]),
        ("inventory", ["Start a dry run, then a sweep: frees 3.30 TiB, 2,008 uploads"]),
        ("huge", ["Sweep again, or raise the limit MAX_ABORTS: frees 10.1 TiB, 25,000 uploads"]),
        (
            "missing_shard",
            ["3 of 4 parts of this report are here; missing: 2/4.", "Let the next sweep complete this report"],
        ),
    ],
    ids=["typical", "dry_run", "inventory", "huge", "missing_shard"],
)
def test_answers_name_the_place_the_initiator_and_the_next_step(sample: str, sentences: list[str]) -> None:
    text = sample_page(sample).text()

    assert [one for one in sentences if one not in text] == []


def test_report_without_a_price_mentions_no_money() -> None:
    text = sample_page("no_price").text()

    assert "USD" not in text
    assert "a month" not in text


def test_hostile_names_stay_text() -> None:
    shown = sample_page("hostile")

    assert Counter(tag for tag, _ in shown.elements) & Counter(("img", "b", "i")) == Counter(
        {tag: count for tag, count in Counter(tag for tag, _ in shown.elements).items() if tag in ("b", "i")}
    ) & Counter(("b", "i"))
    assert len(shown.all("script")) == 1
    assert samples.SCRIPT in shown.text()
    assert "<i>a reason that nobody knows</i>" in shown.text().replace("> ", ">").replace("<I>", "<i>")


def test_characters_that_turn_or_hide_text_reach_the_page_only_as_their_numbers() -> None:
    shown = html("hostile").decode()

    assert not re.search("[\u200b\u202a-\u202e\u2066-\u2069\ufeff\x00-\x09\x0b-\x1f]", shown)
    for number in ("U+202E", "U+000A", "U+0000", "U+001B", "U+200B", "U+FEFF"):
        assert f'<span class="chip">{number}</span>' in shown


def test_key_of_850_bytes_is_whole_and_opens() -> None:
    shown = sample_page("hostile")

    assert "x" * 842 in shown.text()
    assert "850 characters" in shown.text()


@pytest.mark.parametrize(
    ("encoding", "sentence"), [("percent", "not UTF-8: written in percent"), ("hmac", "a digest, not the key")]
)
def test_key_that_is_not_written_as_it_is_says_so(encoding: str, sentence: str) -> None:
    uploads = [Upload(MEDIA, f"a/{number}", 1, 20, 20, encoding=encoding) for number in range(2)]

    assert sentence in parsed(Reporter(uploads).report()).text()


def test_young_uploads_whose_parts_were_not_read_are_counted_and_no_policy_is_guessed() -> None:
    text = sample_page("typical").text()

    assert (
        "The parts of 708 uploads were not read, mostly because they are too young to be abandoned. An inventory reads"
        in text
    )
    assert "Not known: this run did not read the parts" in text
    assert "Not known" not in sample_page("inventory").text()


def test_old_uploads_that_still_receive_parts_are_called_out() -> None:
    assert "Old, but still receiving parts: 280 uploads, 1.11 TiB, kept." in sample_page("typical").text()


def test_every_bucket_of_many_has_its_row_and_those_without_a_rule_come_first() -> None:
    report = samples.many_buckets()

    shown = parsed(report)

    rows = re.findall(
        r"tenant-\d{3}-1250012345@ap-(?:beijing|shanghai|singapore)\s*"
        r"(no rule|rule disabled|filtered by tags|not readable|object lock|whole)",
        shown.text(),
    )
    assert len(rows) == len(report["coverage"]) == 144
    assert rows == sorted(
        rows, key=["no rule", "rule disabled", "filtered by tags", "not readable", "object lock", "whole"].index
    )


def test_every_number_of_the_largest_report_fits_into_two_megabytes() -> None:
    assert len(html("huge")) <= page.MAX_BYTES


def test_report_with_long_lists_of_long_names_fits_into_two_megabytes() -> None:
    name = "\U0001f600<>&'\"" * 60
    groups = samples.one()["initiators"]["rows"][0]
    report = samples.one()
    report["initiators"]["rows"] = [{**groups, "id": name, "user": name, "top_prefix": name}] * 800
    report["warnings"] = report["not_swept"] = report["overlapping"] = [name] * 800
    report["coverage"] = [{**samples.COVERAGE[1], "prefixes": [{"prefix": name, "days": 1}] * 50}] * 600
    report["records"] = [{"object": name, "lines": 10_000}] * 2000
    report["totals"]["found"]["uploads"] = 2

    assert len(page.render(report)) <= page.MAX_BYTES


def test_reasons_and_outcomes_all_have_a_name_in_chinese() -> None:
    reasons = {value for name, value in vars(policy).items() if name.isupper() and isinstance(value, str)}

    assert set(words.REASONS) == reasons
    assert set(words.OUTCOMES) == {*outcomes.NAMES.values(), outcomes.UNCHECKED}


def test_module_loads_nothing_of_the_page_before_a_page_is_made() -> None:
    code = (
        "import sys; from cos_sweeper.report import page; sys.exit({'jinja2', 'markupsafe'} & {*sys.modules} != set())"
    )

    assert subprocess.run([sys.executable, "-c", code], cwd=HANDLER, check=False).returncode == 0
