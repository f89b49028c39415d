"""Stances: instances wherever a target is named, an answer only where a word next to it gives one."""

import json
import re
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.stages.attribute_claims import claims
from flows.stages.attribute_mentions import Mention
from flows.stages.attribute_rules import LANGUAGES
from flows.stages.attribute_stances import stances
from schemas.annotations import ANSWERS
from schemas.claims import HOLDERS
from tests.test_claims import WORDS, documents, pieces, reports

CASES = json.loads(Path(__file__).with_name("cases").joinpath("stances.json").read_text(encoding="utf-8"))


class Target(NamedTuple):
    target_id: str
    type: str
    entity_ids: tuple[str, ...]
    terms: tuple[str, ...]


TARGETS = [Target(each["target_id"], each["type"], tuple(each["entity_ids"]), tuple(each["terms"])) for each in CASES["targets"]]


def named(text: str) -> list[Mention]:
    forms = [(*pair, "name") for pair in CASES["entities"].items()] + [(*pair, "demonym") for pair in CASES["demonyms"].items()]
    found = [Mention(m.start(), m.end(), 0, entity, kind, form) for form, entity, kind in forms for m in re.finditer(rf"\b{form}\b", text)]
    return sorted(found)


def found(case: dict) -> list:
    text = case["text"]
    segments = pieces(text, **{name: case[name] for name in ("unit", "language", "repeat_of", "defects") if name in case})
    given_reports = reports(text, case.get("attributions", []))
    told = claims(text, segments, given_reports, [])
    return stances(text, segments, given_reports, named(text), told, TARGETS)


def votes(case: dict) -> list[list]:
    shown = []
    for s in found(case):
        if s.answer is not None:
            words, at = "", None
            for a, b in s.evidence:
                between = "" if at is None else " " if not case["text"][at:a].strip() else " … "
                words, at = words + between + case["text"][a:b], b
            shown.append([s.holder_type, s.holder_entity_id, s.target_id, s.answer, words])
    return shown


@pytest.mark.parametrize("case", CASES["votes"], ids=lambda case: case["text"][:40])
def test_votes(case):
    assert votes(case) == case["votes"]


@pytest.mark.parametrize("case", CASES["none"], ids=lambda case: case["text"][:40])
def test_instances_without_an_answer(case):
    assert [[s.holder_type, s.holder_entity_id, s.target_id] for s in found(case)] == case["instances"]
    assert votes(case) == []


@pytest.mark.xfail(strict=True)
@pytest.mark.parametrize("case", CASES["missed"], ids=lambda case: case["why"])
def test_missed(case):
    assert votes(case) == case["votes"]


REPORTED = {
    "text": "The mayor said the dam was a disgrace.",
    "attributions": [{"source": "The mayor", "cue": "said", "content": ["the dam was a disgrace"]}],
}


def test_who_passes_it_on_does_not_share_it():
    assert {(s.holder_type, s.answer) for s in found(REPORTED)} == {("author", None), ("entity", "against")}


def test_a_stance_names_its_claim_and_attribution():
    assert [(s.attribution, s.claim) for s in found(REPORTED) if s.answer] == [(0, 0)]


TARGET_WORDS = (
    *WORDS,
    *("Orin", "Orinese", "dam", "opposes", "condemned", "was", "a", "disgrace", "built", "Сельма", "осудила", "плотину"),
)


@st.composite
def named_documents(draw):
    text, language, unit, given_reports = draw(documents())
    text = draw(st.one_of(st.just(text), st.lists(st.sampled_from(TARGET_WORDS), min_size=len(text) // 4, max_size=60).map(" ".join)))
    kept = [r for r in given_reports if all(b <= len(text) for spans in (r.source, r.cue, r.content) for _, b in spans)]
    return text, language, unit, [r._replace(parent=None) for r in kept]


@given(named_documents())
def test_any_text_has_stances_inside_its_sentences(document):
    text, language, unit, given_reports = document
    segments = pieces(text, unit, language)
    told = claims(text, segments, given_reports, [])
    keys = set()
    for s in stances(text, segments, given_reports, named(text), told, TARGETS):
        place = segments[s.segment]
        assert all(a < b for a, b in s.evidence)
        assert all(a >= 0 and b <= len(text) for a, b in s.evidence)
        assert s.holder_type in HOLDERS and (s.answer is None or s.answer in ANSWERS["stance"])
        assert (s.answer is None) == (not s.evidence)
        assert s.answer is None or language in LANGUAGES
        assert s.holder_type == "entity" or s.holder_entity_id is None
        assert s.holder_type != "author" or s.attribution is None
        assert s.claim is None or told[s.claim].segment == s.segment
        assert place.unit in ("sentence", "paragraph", "title")
        key = s.segment, s.holder_type, s.holder_entity_id, s.attribution, s.target_id
        assert key not in keys
        keys.add(key)
