"""HTML as a reader sees it: lines, facts, declared encodings, and that no page can break the reader."""

import json
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.readers.html import declared_encoding, render
from flows.readers.html_facts import MAX_FACTS
from flows.readers.html_tokens import unescape
from flows.traced import Traced, replay

CASES = json.loads((Path(__file__).parent / "cases" / "html.json").read_text(encoding="utf-8"))


def page(html: str):
    return render(Traced.decoded(html.encode("utf-8"), "utf-8"))


def lines(html: str) -> list[str]:
    rendered = page(html)
    return [rendered.text.text[e.start : e.end] for e in rendered.elements]


@pytest.mark.parametrize("case", CASES["lines"], ids=lambda case: case["name"])
def test_lines(case):
    assert lines(case["html"]) == case["lines"]


@pytest.mark.xfail(strict=True)
@pytest.mark.parametrize("case", CASES["known_failures"], ids=lambda case: case["name"])
def test_known_failures(case):
    assert lines(case["html"]) == case["lines"]


@pytest.mark.parametrize("case", CASES["facts"], ids=lambda case: case["facts"][0][0])
def test_facts(case):
    found = page(case["html"]).facts
    assert [[f.source, f.key, f.value] for f in found] == case["facts"]
    for f in found:
        assert case["html"][f.start : f.end]


@pytest.mark.parametrize("case", CASES["declared"], ids=lambda case: str(case["encoding"]))
def test_declared_encoding(case):
    assert declared_encoding(case["head"].encode("ascii")) == case["encoding"]


def test_what_the_lines_know():
    html = "<article><h1>A</h1><p class=x>one <a href=/>two</a> <b>three</b><br>four<p hidden>five"
    rendered = page(html)
    title, first, second, _ = rendered.elements
    nodes = rendered.nodes
    assert [nodes.tags[e.node] for e in rendered.elements] == ["h1", "p", "p", "p"]
    assert nodes.tags[nodes.parents[title.node]] == "article"
    assert (first.linked, first.links, first.bold) == (3, 1, 5)
    assert (first.broken, second.broken) == ("block", "br")
    assert [e.hidden for e in rendered.elements] == [False, False, False, True]


def test_each_rule_says_what_it_took():
    html = "<p>a&amp;b</p>\n<script>x</script><!-- c --><p>d  e</p>"
    text = page(html).text
    told = [(e.kind, e.rules, text.before(e), text.text[e.start : e.end]) for e in text.edits]
    assert told == [
        ("removed", ("markup",), "<p>", ""),
        ("exact", ("entity",), "&amp;", "&"),
        ("normalized", ("markup",), "</p>\n", "\n"),
        ("removed", ("script",), "<script>x</script>", ""),
        ("removed", ("comment",), "<!-- c -->", ""),
        ("removed", ("markup",), "<p>", ""),
        ("normalized", ("white_space",), "  ", " "),
        ("removed", ("markup",), "</p>", ""),
    ]


def test_a_character_traces_to_its_bytes():
    html = "<p>Gr&uuml;n <b>wächst</b></p>"
    text = page(html).text
    span = text.span(2, 3)
    assert text.data[span.byte_start : span.byte_end] == b"&uuml;"
    at = text.text.index("ä")
    span = text.span(at, at + 1)
    assert text.data[span.byte_start : span.byte_end] == "ä".encode()


def check(source: Traced):
    """What holds for every page: the bytes replay to the text, the lines cover all of it that is not white space."""
    rendered = render(source)
    text, edits = rendered.text.text, rendered.text.edits
    assert replay(source.data, source.encoding, [(e.byte_start, e.byte_end, text[e.start : e.end]) for e in edits]) == text
    assert all(a.byte_end <= b.byte_start for a, b in pairwise(edits))
    at = 0
    for e in rendered.elements:
        assert not text[at : e.start].strip(" \t\n\f\r") and e.start < e.end
        at = e.end
    assert not text[at:].strip(" \t\n\f\r")
    return rendered


PIECES = st.sampled_from(CASES["soup"])


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=40), st.sampled_from(["", " "]))
def test_any_soup(pieces, between):
    check(Traced.decoded(between.join(pieces).encode("utf-8"), "utf-8"))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.text(max_size=200))
def test_any_bytes(data, text):
    check(Traced.decoded(data, "latin-1"))
    check(Traced.decoded(text.encode("utf-16-le"), "utf-16-le"))


@given(st.text(alphabet="&#xX;0123456789abcdefAMPlt \n", max_size=40))
def test_any_reference(text):
    unescape(text).encode("utf-8")


HOSTILE = {
    "nested elements": "<div>" * 100_000 + "x",
    "nested inline elements": "<b>" * 100_000 + "</i></div>" * 1000 + "x",
    "nested and closed": "<div>" * 50_000 + "x" + "</div>" * 50_000,
    "a long attribute": "<p class='" + "a " * 2_000_000 + "'>x",
    "an attribute of 50 MB": "<p class='" + "a b" * 17_000_000 + "'>x",
    "a long attribute without an end": "<p class='" + "a " * 2_000_000,
    "tags without end": "<a " * 200_000,
    "attributes without end": "<a b='" * 100_000 + '<a b="' * 100_000,
    "less-than signs": "<" * 500_000,
    "comments without end": "<!--" * 200_000,
    "dashes": "<!--" + "-" * 500_000,
    "scripts without end": "<script>" * 100_000,
    "script that looks like text": "<script>" + "</scrip" * 200_000,
    "drawings without end": "<svg>" * 50_000 + "<svg><path>" * 50_000,
    "drawings with text": "<svg><path/>x<p>y" * 30_000,
    "as many tags as elements": "".join(f"<t{i}>" for i in range(100_000)),
    "nothing closed": "<table><tr><td><ul><li><p><a href=x><b>x" * 5_000,
    "references without end": "&#" + "1" * 500_000 + "&#x" * 100_000 + "&" * 100_000 + "&a" * 100_000,
    "white space": " \n" * 500_000,
    "white space as references": "&#13;" * 200_000,
    "preformatted white space": "<pre>" + " " * 500_000 + "\n" * 100_000,
    "list items in list items": "<li><ul>" * 20_000 + "<li>" * 20_000,
    "tables in tables": "<table><tr><td>x" * 5_000,
    "end tags in cells": "<div><table><tr><td>" + "<b>" * 10_000 + "</div>" * 10_000,
    "nested JSON": "<script type=ld+json>" + '{"a":[' * 50_000 + "1," * 50_000,
    "properties in properties": "<i itemprop=a>" * 50_000 + "x",
    "null bytes": "\x00" * 500_000 + "<\x00p>" * 50_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pages_end_in_linear_time(name):
    started = time.process_time()
    rendered = check(Traced.decoded(HOSTILE[name].encode("utf-8"), "utf-8"))
    assert len(rendered.facts) <= MAX_FACTS
    assert time.process_time() - started < 5
