"""Labels on the lines of HTML pages: the article of a page written for this project, and that no page breaks the labeller."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.readers.html import render
from flows.stages.strip_forest import CHUNK
from flows.stages.strip_html import BODY, confidence, label, model
from flows.stages.strip_html_features import RULES
from flows.traced import Block, Traced

CASES = json.loads((Path(__file__).parent / "cases" / "html.json").read_text(encoding="utf-8"))
PAGE = "\n".join(CASES["page"])


def labelled(html: str | bytes, encoding: str = "utf-8") -> list[tuple[str, Block]]:
    page = render(Traced.decoded(html.encode(encoding) if isinstance(html, str) else html, encoding))
    blocks = label(page.text, page.elements, page.nodes, page.facts)
    assert [(b.start, b.end) for b in blocks] == [(e.start, e.end) for e in page.elements]
    assert all((b.unit is None) != (b.rule is None) and 0 <= b.confidence <= 1 for b in blocks)
    return [(page.text.text[b.start : b.end], b) for b in blocks]


@pytest.fixture(scope="module")
def page() -> dict[str, tuple[str | None, str | None]]:
    return {text: (block.unit, block.rule) for text, block in labelled(PAGE)}


@pytest.mark.parametrize(
    ("line", "unit"),
    [
        ("Harbour to reopen in spring", "title"),
        ("After two years of dredging", "standfirst"),
        ("By Ida Strand", "byline"),
        ("The harbour at Lower Quay", "paragraph"),
        ("A dredger at work", "caption"),
        ("What it cost", "heading"),
        ("Dredging of the channel", "list_item"),
        ("Tickets for the first", "paragraph"),
    ],
)
def test_kept(page, line, unit):
    assert [kept for text, (kept, _) in page.items() if text.startswith(line)] == [unit]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("Sport", "navigation"),
        ("Advertisement", "advertisement"),
        ("Ferry fares to rise again", "related"),
        ("Log in to go on reading", "hidden"),
        ("© 2024 The Quay", "footer"),
    ],
)
def test_removed(page, line, rule):
    assert [removed for text, (_, removed) in page.items() if text.startswith(line)] == [rule]


def test_a_page_of_links_has_no_article():
    html = "<nav><ul>" + "".join(f"<li><a href=/{i}>Section {i}</a></li>" for i in range(40)) + "</ul></nav>"
    assert not [text for text, block in labelled(html) if block.unit in BODY]


def test_no_lines_no_blocks():
    assert labelled("") == labelled("<p></p>") == []


def test_same_page_same_labels():
    assert labelled(PAGE) == labelled(PAGE)


def test_a_page_longer_than_a_chunk_is_labelled_line_by_line():
    assert len(labelled("<p>One short line.</p>" * (CHUNK + 10))) == CHUNK + 10


def test_the_rules_are_known():
    assert {block.rule for _, block in labelled(PAGE)} <= {None, "hidden", *RULES}


def test_every_byte_of_answers_leads_to_a_leaf():
    for forest in model():
        assert len(forest.feature) == len(forest.threshold) == len(forest.table) // 256 * 8
        assert np.isfinite(forest.table).all() and (forest.feature >= 0).all()


def test_confidence_falls_with_doubt_about_what_is_kept_and_what_is_missed():
    sure, doubtful = Block(0, 900, "paragraph", None, 0.99), Block(0, 900, "paragraph", None, 0.62)
    aside, missed = Block(901, 1200, None, "widget", 0.99), Block(901, 1200, None, "widget", 0.55)
    assert confidence([sure, aside]) > 0.9 > confidence([sure, missed]) > confidence([doubtful, missed])
    assert confidence([]) == confidence([aside]) == 0
    assert confidence([block for _, block in labelled(PAGE)]) > 0.5


PIECES = st.sampled_from(CASES["soup"])
HOSTILE = {
    "deep": "<div class='a b'>x" * 20_000,
    "long line": "<p>" + "word, " * 300_000,
    "long attribute": "<i class='" + "ad " * 300_000 + "'>x",
    "lists": "<ul><li>" * 10_000 + "x",
    "nested elements": "<div>" * 100_000 + "x",
    "script that looks like text": "<script>" + "<p>It looks so.</p>" * 20_000 + "</script><p>This is text.",
    "a body said again and again": "<script type=ld+json>" + '{"articleBody": "a b c"},' * 20_000 + "</script>" + "<p>x" * 50,
    "long words": "<p>" + "a" * 500_000 + "</p><p>" + "&#1;" * 50_000,
    "null bytes": "<p>\x00\x00 \x00</p>" * 5_000,
}


@settings(max_examples=120, deadline=None)
@given(st.lists(PIECES, max_size=30), st.sampled_from(["", " "]))
def test_any_soup(pieces, between):
    labelled(between.join(pieces))


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200), st.text(max_size=100))
def test_any_bytes(data, text):
    labelled(data, "latin-1")
    labelled(f"<p>{text}</p><p>".encode("utf-16-le", "surrogatepass"), "utf-16-le")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pages_are_labelled(name):
    started = time.process_time()
    assert labelled(HOSTILE[name])
    assert time.process_time() - started < 5
