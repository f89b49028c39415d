"""Attributions: source, cue and content of made-up sentences; spans in order, inside the text; time linear in its length."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.labellers.rules import segments_of
from flows.stages.attribute_speech import Attribution, attributions
from flows.stages.attribute_words import lists
from flows.stages.segment import Segment
from tests.benchmarks.scorers import attribution_spans

CASES = json.loads(Path(__file__).with_name("cases").joinpath("speech.json").read_text(encoding="utf-8"))
FOUND = [(language, case) for language, cases in CASES["found"].items() for case in cases]
CLASSES = {None, "neutral", "factive", "doubting", "accusing", "praising"}
# Words of every kind the rules look at, and what can confuse them.
PIECES = st.sampled_from(
    [
        *[
            "said",
            "that",
            "told",
            "according to",
            "Lund",
            "the",
            "his claim",
            "was accused of",
            "by",
            "and",
            "but",
            "who",
            "to",
            "seems",
            "not",
        ],
        *[",", ".", "“", "”", '"', "'", "''", ":", ";", "—", "(", ")", "\n", "\n\n", "İ", "ə", "“We", "she's", "U.S.", "Mr."],
        *["dedi", "ki", "diye", "görə", "что", "сказал", "по словам", "как", "«", "»"],
    ]
) | st.text(max_size=4)
TEXTS = st.lists(PIECES, max_size=60).map(" ".join)


def read(text: str, language: str) -> list[Attribution]:
    segments = [s._replace(language=language) for s in segments_of(text)]
    return attributions(text, segments, language)


def told(text: str, found: Attribution, keys: set[str]) -> dict:
    def words(spans):
        return [text[a:b] for a, b in spans]

    shown = {
        "source": next(iter(words(found.source)), None),
        "cue": next(iter(words(found.cue)), None),
        "content": words(found.content),
        "type": found.type,
        "holder": found.holder_name,
        "parent": found.parent,
        "cue_class": found.cue_class,
        "direction": found.direction,
    }
    return {k: v for k, v in shown.items() if k in keys}


def check(case: dict, language: str) -> None:
    found = read(case["text"], language)
    want = case["want"]
    assert len(found) == len(want), [told(case["text"], f, {"source", "cue", "content"}) for f in found]
    assert [told(case["text"], f, set(w)) for f, w in zip(found, want, strict=True)] == want


@pytest.mark.parametrize(("language", "case"), FOUND, ids=lambda v: v["label"] if isinstance(v, dict) else v)
def test_source_cue_and_content(language, case):
    check(case, language)


@pytest.mark.parametrize(("language", "text"), [(code, text) for code, texts in CASES["nothing"].items() for text in texts])
def test_nothing_is_attributed(language, text):
    assert read(text, language) == []


@pytest.mark.xfail(strict=True)
@pytest.mark.parametrize("case", CASES["known_failures"], ids=lambda c: c["label"])
def test_known_failures(case):
    check(case, case.get("language", "en"))


@given(TEXTS, st.sampled_from(["en", "ru", "tr", "az", "fr", None]))
def test_spans_stay_in_the_text_in_order_and_parents_hold_their_children(text, language):
    segments = [s._replace(language=language) for s in segments_of(text)]
    found = attributions(text, segments, language)
    for attribution in found:
        assert attribution.content and attribution.type in ("direct", "indirect", "mixed")
        for spans in attribution[2:5]:
            edges = [edge for span in spans for edge in span]
            assert edges == sorted(edges) and len(set(edges)) == len(edges)
            assert not edges or (edges[0] >= 0 and edges[-1] <= len(text))
        assert attribution.segments == tuple(sorted(set(attribution.segments)))
        assert all(0 <= s < len(segments) for s in attribution.segments) and attribution.segments
        if attribution.parent is not None:
            [(start, end)] = attribution.cue or attribution.content[:1]
            assert any(a <= start and end <= b for a, b in found[attribution.parent].content)
    assert attributions(text, segments, language) == found


@given(TEXTS)
def test_parents_lead_to_the_top(text):
    found = read(text, "en")
    for attribution in found:
        steps = 0
        while attribution.parent is not None:
            attribution, steps = found[attribution.parent], steps + 1
            assert steps <= len(found)


def test_where_words_are_missing_only_quotation_marks_are_read():
    class Flagged(Segment):
        defects = ("elided_links",)

    text = "Lund said the roof leaks. “Nobody has mended it for years,” she said."
    segments = [Flagged(*s) for s in segments_of(text)]
    found = attributions(text, segments, "en")
    assert [(a.source, a.cue, a.content) for a in found] == [((), (), ((text.index("“"), text.index("”") + 1),))]


def test_segments_are_the_places_of_sentences():
    text = "It rained.\n“The locks are old,” Lund said. “They leak.”"
    segments = segments_of(text)
    [found] = attributions(text, segments, "en")
    assert [text[segments[i].start : segments[i].end] for i in found.segments] == ["“The locks are old,” Lund said.", "“They leak.”"]


@pytest.mark.parametrize(
    ("unit", "language", "length"),
    [
        *[("“", "en", 1_000_000), ('" ', "en", 200_000), ("« ", "ru", 200_000), ("“a” ", "en", 200_000)],
        *[("said that ", "en", 50_000), ("A “b” said ", "en", 15_000), ("dedi ", "tr", 50_000), ("сказал, что ", "ru", 50_000)],
    ],
)
def test_time_is_linear(unit, language, length):
    """Of text that has no end anywhere: were the time quadratic, these would take minutes."""
    text = unit * (length // len(unit))
    segments = [Segment(0, len(text), "paragraph", None, language, None), Segment(0, len(text), "sentence", 0, language, None)]
    begun = time.process_time()
    attributions(text, segments, language)
    assert time.process_time() - begun < 15


def test_the_lists_are_whole():
    kinds = {"verbs", "nouns", "adjectives", "adverbials"}
    for kind in kinds:
        for group in lists("en")[kind]:
            assert group["class"] in CLASSES and group["direction"] in (None, "favor", "against") and group["words"]


def test_the_scorers_view():
    assert attribution_spans("Lund said the roof leaked.") == [(10, 25)]
