"""The describe stage: dates with their evidence, authors, and that what is no evidence changes nothing."""

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.stages.describe import Facts, describe
from flows.stages.describe_people import name_case, names_in
from flows.stages.describe_stamps import day_order, stamps
from flows.traced import Block, Traced

CASES = json.loads((Path(__file__).parent / "cases" / "describe.json").read_text(encoding="utf-8"))
UNITS = ("title", "standfirst", "byline", "heading", "paragraph", "list_item", "quote", "caption", "note", "table")
FIXED = ("title", "authors", "byline", "date_published", "date_precision", "date_source")
PAGES = [pytest.param(p, id=p["name"]) for p in CASES["pages"]]


def described(lines, language, facts=None):
    blocks, at = [], 0
    for label, line in lines:
        kept = label in UNITS
        blocks.append(Block(at, at + len(line), label if kept else None, None if kept else label))
        at += len(line) + 1
    text = "\n".join(line for _, line in lines)
    return describe(Traced.decoded(text.encode(), "utf-8"), blocks, Facts(**(facts or {})), language), text


def labelled(case):
    return f"{case['language']}: {case['text']}"


@pytest.mark.parametrize("case", CASES["dates"], ids=labelled)
def test_dates_are_read(case):
    order = day_order(case["text"], case["language"], None, None)
    found = stamps(case["text"], case["language"], order)
    assert [s.value for s in found] == case["want"]
    assert all(0 <= s.start < s.end <= len(case["text"]) for s in found)


@pytest.mark.parametrize("case", CASES["day_order"], ids=lambda c: f"{c['text']} {c.get('locale')}")
def test_day_and_month_are_told_apart_or_left_open(case):
    order = day_order(case["text"], case["language"], case.get("locale"), case.get("url"))
    assert [s.value for s in stamps(case["text"], case["language"], order)] == case["want"]


@pytest.mark.parametrize("text", CASES["no_dates"])
def test_what_is_no_date_stays_none(text):
    assert stamps(text, "en", "dm") == []


def test_a_span_is_the_words_of_the_date():
    text = "Signed at noon on 3 October 2021, at last."
    (stamp,) = stamps(text, "en")
    assert text[stamp.start : stamp.end] == "3 October 2021"


@pytest.mark.parametrize("case", CASES["bylines"], ids=lambda c: c["text"])
def test_people_are_told_from_roles_and_organisations(case):
    assert names_in(case["text"]) == case["want"]


@pytest.mark.parametrize(("language", "line", "want"), CASES["byline_lines"], ids=str)
def test_bylines_in_many_languages(language, line, want):
    body = "The ferry that links the two shores of the sound has not sailed since the storms of last winter, and nobody expects it to."
    got, _ = described([("title", "Ferry Talks Resume"), ("byline", line), ("paragraph", body)], language)
    assert got.authors == want


@pytest.mark.parametrize(("name", "language", "want"), CASES["name_case"])
def test_name_case(name, language, want):
    assert name_case(name, language) == want


@pytest.mark.parametrize("page", PAGES)
def test_pages(page):
    got, _ = described(page["blocks"], page["language"], page.get("facts"))
    assert {key: getattr(got, key) for key in page["want"]} == page["want"]


@pytest.mark.parametrize("page", [pytest.param(p, id=p["name"]) for p in CASES["known_failures"]])
@pytest.mark.xfail(strict=True, reason="known failure")
def test_known_failures(page):
    got, _ = described(page["blocks"], page["language"], page.get("facts"))
    assert {key: getattr(got, key) for key in page["want"]} == page["want"]


# Each is (lines above, lines below) that say nothing about the article.
NOISE = {
    "a widget with the day of the visit": ([["widget", "21 °C"], ["widget", "Sunday, 4 March 2029"]], []),
    "a weekday above the title": ([["navigation", "Sunday, March 4, 2029"]], []),
    "a copyright line": ([], [["footer", "© 2031 Harbour Post and Elena Hartwig"]]),
    "a related headline": ([], [["related", "Storm of 3 May 2028 takes the pier"], ["related", "By Elena Hartwig, 3 May 2028"]]),
    "a second name in the footer": ([], [["footer", "Elena Hartwig"], ["footer", "Publisher: Elena Hartwig"]]),
    "a comment": ([], [["comments", "Elena Hartwig"], ["comments", "3 May 2028 at 10:15"], ["comments", "Well said."]]),
    "a widget below": ([], [["widget", "Weather"], ["widget", "Today"], ["widget", "Sunday, 4 March 2029"], ["widget", "21 °C"]]),
}


@pytest.mark.parametrize("noise", NOISE.values(), ids=NOISE)
@pytest.mark.parametrize("page", PAGES)
def test_what_is_no_evidence_changes_nothing(page, noise):
    above, below = noise
    plain, _ = described(page["blocks"], page["language"], page.get("facts"))
    noisy, _ = described(above + page["blocks"] + below, page["language"], page.get("facts"))
    assert [getattr(noisy, key) for key in FIXED] == [getattr(plain, key) for key in FIXED]


def later(value):
    return re.sub(r"(?<!\d)20\d\d(?!\d)", lambda m: str(int(m[0]) + 1), value)


@pytest.mark.parametrize("page", PAGES)
def test_all_dates_a_year_later_give_a_result_a_year_later(page):
    facts = page.get("facts", {})
    now, _ = described(page["blocks"], page["language"], facts)
    then, _ = described([[label, later(line)] for label, line in page["blocks"]], page["language"], {k: later(v) for k, v in facts.items()})
    for key in ("date_published", "date_modified", "date_not_before", "date_not_after"):
        assert getattr(then, key) == (later(getattr(now, key)) if getattr(now, key) else None)
    assert then.authors == now.authors


@pytest.mark.parametrize("page", PAGES)
def test_every_candidate_shows_its_evidence(page):
    got, text = described(page["blocks"], page["language"], page.get("facts"))
    for c in got.date_candidates:
        assert (c.start is None) == (c.source in ("url", "capture"))
        assert c.start is None or c.value[2:4] in text[c.start : c.end]
    if got.date_published:
        assert any(c.role == "published" and c.value.startswith(got.date_published) for c in got.date_candidates)
    spans = [(c.start, c.end) for c in got.date_candidates if c.start is not None]
    assert spans == sorted(spans) and all(a[1] <= b[0] for a, b in pairwise(spans))


@pytest.mark.parametrize("case", CASES["headlines"], ids=lambda c: c["want"])
def test_a_headline_is_told_from_what_stands_before_it(case):
    got, _ = described([[label, line] for label, line in case["blocks"]], "en")
    assert got.title == case["want"]


def test_conflicting_dates_are_all_kept():
    page = next(p for p in CASES["pages"] if p["name"].startswith("name and date"))
    got, _ = described(page["blocks"], "en", {"url": "https://gazette.example/2025/07/05/ferry"})
    assert {c.value for c in got.date_candidates if c.role == "published"} == {"2025-07-05", "2025-07-06"}
    assert (got.date_published, got.date_source) == ("2025-07-05", "url")
    assert got.disputed == []  # a day apart may be one day in two zones


@pytest.mark.parametrize(
    ("path", "disputed"), [("2025/07/06/ferry", []), ("2025/06/01/ferry", ["disputed_date"]), ("2025/06/ferry", ["disputed_date"])]
)
def test_a_conflict_of_dates_is_told(path, disputed):
    page = next(p for p in CASES["pages"] if p["name"].startswith("name and date"))
    got, _ = described(page["blocks"], "en", {"url": f"https://gazette.example/{path}"})
    assert got.disputed == disputed


PIECES = st.sampled_from(
    [
        "By ",
        "Von",
        "Anna Berg",
        " and ",
        "12",
        "/",
        "03",
        ".",
        "2024",
        "-",
        " May ",
        "Published",
        "Updated: ",
        "©",
        "21 °C",
        "\u00a0",
        "İ",
        "기자",
        "(",
    ]
)
LINES = st.lists(
    st.tuples(st.sampled_from([*UNITS, "footer", "related", "widget"]), st.lists(PIECES | st.text(max_size=8), max_size=9)), max_size=12
)


@settings(max_examples=300, deadline=None)
@given(
    LINES,
    st.sampled_from([None, "en", "de", "tr", "fa", "xx"]),
    st.none() | st.text(max_size=30),
    st.sampled_from([None, "2024", "2024-05-06", "2024-05-06T07:08Z", ""]),
)
def test_never_raises_and_stays_inside_the_text(lines, language, url, retrieved):
    lines = [(label, re.sub(r"[\n\ud800-\udfff]", " ", "".join(parts)) or "x") for label, parts in lines]
    got, text = described(lines, language, {"url": url, "date_retrieved": retrieved})
    assert all(c.start is None or 0 <= c.start < c.end <= len(text) for c in got.date_candidates)
    assert all(name and name == name.strip() for name in got.authors)
    assert got.byline is None or got.byline in text


@pytest.mark.parametrize(
    "line", ["1" * 200_000, "a" * 200_000, "1/" * 100_000, "1 May 2024 " * 5_000, "By " * 60_000, "©" * 200_000, "A b " * 50_000]
)
def test_a_long_line_is_read_in_linear_time(line):
    got, _ = described([["title", "A Title"], ["paragraph", line]], "en")
    assert got.authors == []
