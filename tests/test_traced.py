"""Promises 1 and 2 on the central type: bytes are partitioned, and every span's slice replays to its text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.traced import Change, Traced, replay

ENCODINGS = st.sampled_from(["utf-8", "utf-16-le", "utf-32-be", "cp1251", "gb18030", "shift_jis", "shift_jis_2004"])
ALPHABET = st.characters(codec="utf-8", exclude_categories=["Cs"]) | st.sampled_from("aé—z̄\U0001f600\r\n 浪")


def published(text: Traced) -> list[tuple[int, int, str]]:
    return [(e.byte_start, e.byte_end, text.text[e.start : e.end]) for e in text.edits]


@st.composite
def changes(draw, length: int) -> list[Change]:
    cuts = sorted(draw(st.lists(st.integers(0, length), max_size=12)))
    found = []
    for start, end in zip(cuts[::2], cuts[1::2], strict=False):
        after = draw(st.text(ALPHABET, max_size=3))
        if start == end and (not after or (found and found[-1].end == start)):
            continue
        kind = "removed" if not after else draw(st.sampled_from(["exact", "inferred", "normalized"]))
        found.append(Change(start, end, after, draw(st.sampled_from(["a", "b"])), kind, draw(st.sampled_from([0.5, 1.0]))))
    return found


@st.composite
def traced(draw) -> Traced:
    encoding = draw(ENCODINGS)
    source = draw(st.text(ALPHABET, max_size=40)).encode(encoding, "ignore")
    text = Traced.decoded(source, encoding)
    for stage in ("one", "two", "three"):
        wished = draw(changes(len(text.text)))
        expected = _edited(text.text, wished)
        text = text.apply(stage, wished)
        assert text.text == expected
    return text


def _edited(text: str, wished: list[Change]) -> str:
    for c in reversed(wished):
        text = text[: c.start] + c.after + text[c.end :]
    return text


@given(traced())
def test_edits_partition_the_bytes_and_replay_to_the_text(text):
    at = chars = 0
    for e in text.edits:
        assert at <= e.byte_start <= e.byte_end and chars <= e.start <= e.end
        assert (e.kind == "removed") == (e.start == e.end)
        copied = text.data[at : e.byte_start].decode(text.encoding)
        assert copied == text.text[chars : e.start]
        at, chars = e.byte_end, e.end
    assert text.data[at:].decode(text.encoding) == text.text[chars:]
    assert replay(text.data, text.encoding, published(text)) == text.text


@given(traced(), st.data())
def test_every_span_replays_from_its_bytes(text, data):
    if not text.text:
        return
    start = data.draw(st.integers(0, len(text.text) - 1))
    end = data.draw(st.integers(start + 1, len(text.text)))
    span = text.span(start, end)
    again = replay(text.data, text.encoding, published(text), span.byte_start, span.byte_end)
    assert again[span.trim_start : len(again) - span.trim_end] == text.text[start:end]


@given(traced(), st.data())
def test_many_spans_at_once_are_those_one_by_one(text, data):
    places = st.integers(0, len(text.text))
    asked = {(a, b) for a, b in data.draw(st.lists(st.tuples(places, places), max_size=20)) if a < b}
    assert text.spans(asked) == {place: text.span(*place) for place in asked}


@given(traced())
def test_neighbouring_removals_by_one_rule_are_one_edit(text):
    for a, b in zip(text.edits, text.edits[1:], strict=False):
        joined = a.kind == b.kind == "removed" and a.byte_end == b.byte_start
        assert not (joined and a.rules[-1] == b.rules[-1])


def test_a_span_that_begins_inside_a_cluster_says_how_far():
    text = Traced.decoded(b"a&mdash;z", "utf-8").apply("repair", [Change(1, 8, " — ", "entity", "exact")])
    assert text.text == "a — z"
    assert text.span(2, 4) == (1, 8, 1, 0)
    assert text.before(text.edits[0]) == "&mdash;"


def test_a_removal_swallows_the_repairs_inside_it_and_names_them():
    text = Traced.decoded("x Ã© y".encode(), "utf-8").apply("repair", [Change(2, 4, "é", "mojibake", "inferred", 0.7)])
    text = text.apply("strip", [Change(0, 5, "", "footer", "removed")])
    (edit,) = text.edits
    assert edit.rules == ("mojibake", "footer") and edit.stages == ("repair", "strip")
    assert edit.kind == "removed" and edit.confidence == 0.7 and text.before(edit) == "x Ã© y"


@pytest.mark.parametrize("wished", [[(0, 2), (1, 3)], [(2, 3), (0, 1)], [(2, 9)], [(3, 2)]])
def test_changes_that_overlap_or_leave_the_text_are_refused(wished):
    with pytest.raises(ValueError, match="overlaps another or leaves the text"):
        Traced.decoded(b"abcd", "utf-8").apply("repair", [Change(a, b, "", "r", "removed") for a, b in wished])


def test_bytes_that_do_not_decode_one_to_one_are_refused():
    with pytest.raises(ValueError, match="one to one"):
        Traced.decoded("日本".encode("iso2022_jp") + b"\x1b(B", "iso2022_jp")


@pytest.mark.parametrize("start,end", [(1, 1), (-1, 2), (0, 9)])
def test_empty_and_outside_spans_are_refused(start, end):
    with pytest.raises(ValueError, match="empty or outside"):
        Traced.decoded(b"abcd", "utf-8").span(start, end)
