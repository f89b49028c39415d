"""Claims: one proposition each, whose it is, how it is put; and none where there is none."""

import json
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.drafts import Heard
from flows.stages.attribute_claims import claims
from flows.stages.attribute_rules import LANGUAGES, rules
from flows.stages.segment import sentences
from schemas.claims import COMMITMENTS, HOLDERS, MODALITIES

CASES = json.loads(Path(__file__).with_name("cases").joinpath("claims.json").read_text(encoding="utf-8"))


class Report(NamedTuple):
    parent: int | None
    source: tuple[tuple[int, int], ...]
    cue: tuple[tuple[int, int], ...]
    content: tuple[tuple[int, int], ...]
    type: str
    holder_name: str | None
    cue_class: str | None
    direction: str | None


def pieces(text: str, unit: str = "paragraph", language: str | None = "en", repeat_of: int | None = None, defects=()) -> list[Heard]:
    block = Heard(0, len(text), unit, None, language, repeat_of, tuple(defects))
    if unit in ("title", "heading", "byline"):
        return [block]
    return [block, *(Heard(a, b, "sentence", 0, language, repeat_of, tuple(defects)) for a, b in sentences(text, language))]


def span(text: str, words: str | None) -> tuple[tuple[int, int], ...]:
    return () if words is None else ((text.index(words), text.index(words) + len(words)),)


def reports(text: str, given: list[dict]) -> list[Report]:
    return [
        Report(
            each.get("parent"),
            span(text, each["source"]),
            span(text, each["cue"]),
            tuple(s for words in each["content"] for s in span(text, words)),
            each.get("type", "indirect"),
            each.get("name"),
            "neutral",
            each.get("direction"),
        )
        for each in given
    ]


def found(case: dict) -> list[list[str]]:
    text = case["text"]
    segments = pieces(text, **{name: case[name] for name in ("unit", "language", "repeat_of", "defects") if name in case})
    out = []
    for claim in claims(text, segments, reports(text, case.get("attributions", [])), []):
        stretches = [text[a:b] for a, b in claim.spans]
        out.append([" … ".join(stretches), claim.holder_type, claim.modality, claim.author_commitment])
    return out


@pytest.mark.parametrize("case", CASES["claims"], ids=lambda case: case["text"][:40])
def test_found(case):
    assert found(case) == case["claims"]


@pytest.mark.parametrize("case", CASES["none"], ids=lambda case: case["text"][:40])
def test_none(case):
    assert found(case) == []


@pytest.mark.xfail(strict=True)
@pytest.mark.parametrize("case", CASES["missed"], ids=lambda case: case["why"])
def test_missed(case):
    assert found(case) == case["claims"]


def test_a_claim_names_its_attribution():
    text = "“We will pay,” the mayor said. The lock is shut."
    given = [{"source": "the mayor", "cue": "said", "content": ["“We will pay,”"], "type": "direct"}]
    got = claims(text, pieces(text), reports(text, given), [])
    assert [(c.segment, c.holder_type, c.attribution) for c in got] == [(1, "entity", 0), (2, "author", None)]


def test_every_language_has_the_same_lists():
    assert len({frozenset(rules(language).words) for language in LANGUAGES}) == 1


WORDS = (
    *("the", "mayor", "said", "that", "will", "not", "may", "if", "should", "it", "is", "и", "что", "она", "сказала,"),
    *("köprü", "açıldı,", "körpü", "açılıb;", "–", "“quoted”", "?", "!", ":", "(", ")", "İ", "‘", "\n"),
)


@st.composite
def documents(draw):
    """(text, language, unit, attributions): any words, and ranges of them given to reports."""
    text = draw(st.one_of(st.text(max_size=80), st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join)))
    edge = st.integers(0, len(text))
    stretch = st.tuples(edge, edge).map(lambda r: (min(r), max(r))).filter(lambda r: r[0] < r[1])
    ranges = st.lists(stretch, max_size=3).map(lambda found: tuple(sorted(found)))
    parent, name = st.one_of(st.none(), st.integers(0, 3)), st.sampled_from([None, "Ada", ""])
    kinds = st.sampled_from(["direct", "indirect", "mixed"])
    report = st.builds(Report, parent, ranges, ranges, ranges, kinds, name, st.none(), st.sampled_from([None, "against"]))
    return (
        text,
        draw(st.sampled_from([*LANGUAGES, "fr", None])),
        draw(st.sampled_from(["paragraph", "title"])),
        draw(st.lists(report, max_size=4)),
    )


@given(documents())
def test_any_text_has_claims_inside_its_sentences(given_document):
    text, language, unit, given_reports = given_document
    segments = pieces(text, unit, language)
    given_reports = [r._replace(parent=r.parent if r.parent is not None and r.parent < len(given_reports) else None) for r in given_reports]
    for claim in claims(text, segments, given_reports, []):
        place = segments[claim.segment]
        assert claim.spans == tuple(sorted(claim.spans))
        assert all(place.start <= a < b <= place.end and text[a:b].strip() == text[a:b] for a, b in claim.spans)
        assert claim.holder_type in HOLDERS and claim.modality in MODALITIES and claim.author_commitment in COMMITMENTS
        assert (claim.holder_type == "author") == (claim.attribution is None)
