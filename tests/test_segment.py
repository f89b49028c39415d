"""Sentences tile their block, wrapped lines are one paragraph, repeats point at their source, languages are told apart."""

import json
import textwrap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from flows.stages import segment_language
from flows.stages.segment import PROSE, Segment, language, segment, sentences
from flows.traced import Block, Traced

CASES = json.loads(Path(__file__).with_name("cases").joinpath("segment.json").read_text(encoding="utf-8"))
UNITS = st.sampled_from(["title", "standfirst", "byline", "heading", "paragraph", "list_item", "quote", "caption", "note", "table"])
# Everything that can confuse a splitter, and then some.
PIECES = st.sampled_from(
    [
        "Mr.",
        "U.S.",
        "A",
        "e.g.",
        "3.",
        "1)",
        " ",
        "\xa0",
        "\n",
        "\n\n",
        "\r\n",
        ". . .",
        "…",
        "?!",
        "。",
        "「",
        "」",
        '"',
        "“",
        "”",
        "»",
        "’s",
        ":)",
        "👍",
        "•",
        "said",
        "Он",
        "г.",
        "ə",
        "\u2028",
        "\x85",
    ]
) | st.text(max_size=4)
TEXTS = st.lists(PIECES, max_size=40).map("".join)


def split(case: dict) -> tuple[list[str], list[str]]:
    text = case.get("text") or case.get("separator", " ").join(case["want"])
    return [text[a:b] for a, b in sentences(text, case["language"])], case.get("split", case["want"])


def lay_out(*blocks: tuple[str, str], between: str = "\n") -> tuple[Traced, list[Block]]:
    kept, at = [], 0
    for unit, block in blocks:
        kept.append(Block(at, at + len(block), unit))
        at += len(block) + len(between)
    return Traced.decoded(between.join(b for _, b in blocks).encode("utf-8", "surrogatepass"), "utf-8"), kept


@pytest.mark.parametrize("case", CASES["sentences"], ids=lambda c: c["label"])
def test_sentences(case):
    got, want = split(case)
    assert got == want


@pytest.mark.parametrize(("code", "text"), CASES["whole"], ids=lambda v: str(v)[:20])
def test_one_sentence_stays_whole(code, text):
    assert sentences(text, code) == [(0, len(text))]


@pytest.mark.xfail(strict=True)
@pytest.mark.parametrize("case", CASES["known_failures"], ids=lambda c: c["label"])
def test_known_failures(case):
    got, want = split(case)
    assert got == want


@settings(deadline=None)
@given(TEXTS, st.sampled_from(["en", "de", "ru", "az", "tr", "fa", "ja", None, "xx"]))
def test_sentences_tile_the_text(text, code):
    at = 0
    for start, end in sentences(text, code):
        assert at <= start < end
        assert not text[at:start].strip() and text[start:end] == text[start:end].strip()
        at = end
    assert not text[at:].strip()


@pytest.mark.parametrize(("code", "text"), CASES["languages"], ids=lambda v: str(v)[:20])
def test_language(code, text):
    got, confidence = language(text)
    assert got == code and 0 <= confidence <= 1 and (confidence > 0) == (code is not None)


def test_azerbaijani_is_told_from_turkish_in_one_short_sentence():
    cases = json.loads(Path(__file__).with_name("cases").joinpath("turkic.json").read_text(encoding="utf-8"))
    for code in ("az", "az_shared_letters", "tr"):
        assert [text for text in cases[code] if language(text)[0] != code[:2]] == []


def test_the_model_answers_as_py3langid_does():
    told = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    told.set_languages(segment_language._LANGUAGES.split())
    texts = [text for _, text in CASES["languages"]] + [
        "\n".join(text for _, text in CASES["languages"]),
        "NOBODY VOTED",
        "e\u0301t\u00e9",
        "\U0001f300",
    ]
    got = list(segment_language._identified(texts * 20))  # more than are looked at together
    want = [told.classify(text) for text in texts] * 20
    for (code, share), (code_there, share_there) in zip(got, want, strict=True):
        assert code == code_there and share == pytest.approx(share_there, abs=1e-3)


def segmented(text: Traced, kept: list[Block]) -> list[Segment]:
    return segment(text, kept).segments


PARAGRAPH = (
    "The ferry to the northern islands was cancelled for the third day in a row because the harbour is frozen over. "
    "Some two hundred passengers spend their nights in the gymnasium of the village school, where volunteers cook for them."
)


@pytest.mark.parametrize("width", [50, 66, 72, 80, 100])
def test_hard_wrapped_paragraphs_are_joined(width):
    wrapped = textwrap.wrap(PARAGRAPH, width)
    text, kept = lay_out(("heading", "Ice"), *[("paragraph", line) for line in wrapped], ("heading", "Next"))
    blocks = [s for s in segmented(text, kept) if s.parent is None]
    assert [text.text[s.start : s.end].replace("\n", " ") for s in blocks] == ["Ice", PARAGRAPH, "Next"]


def test_the_last_line_of_a_wrapped_paragraph_is_no_heading():
    *wrapped, last = textwrap.wrap(PARAGRAPH + " Whether the ice gives way before the end of the month nobody knows", 60)
    text, kept = lay_out(*[("paragraph", line) for line in wrapped], ("heading", last), ("heading", "Next"))
    assert [s.unit for s in segmented(text, kept) if s.parent is None] == ["paragraph", "heading"]


@pytest.mark.parametrize(
    "lines",
    [
        ["The harbour is frozen over.", "The school takes in the passengers.", "Volunteers cook for all of them."],
        [PARAGRAPH, PARAGRAPH[::-1], PARAGRAPH.upper()],
        ["bread and some butter", "milk", "two or three eggs", "a pound of sugar for the cake"],
    ],
    ids=["one sentence a line", "long lines", "a list"],
)
def test_lines_that_are_paragraphs_stay_apart(lines):
    text, kept = lay_out(*[("paragraph", line) for line in lines])
    assert sum(s.parent is None for s in segmented(text, kept)) == len(lines)


def test_a_blank_line_ends_a_wrapped_paragraph():
    wrapped = textwrap.wrap(PARAGRAPH, 60)
    text, kept = lay_out(*[("paragraph", line) for line in wrapped], between="\n\n")
    assert sum(s.parent is None for s in segmented(text, kept)) == len(wrapped)


QUOTE = "Two hundred passengers spend their nights in the gymnasium"
SENTENCES = ("paragraph", PARAGRAPH)


@pytest.mark.parametrize(
    ("blocks", "repeat", "source"),
    [
        ([SENTENCES, ("quote", QUOTE)], 1, 0),
        ([("quote", QUOTE), SENTENCES], 0, 1),
        ([("quote", QUOTE.replace("nights", "night").upper()), SENTENCES], 0, 1),
        ([("standfirst", QUOTE), SENTENCES, ("standfirst", f"“{QUOTE}.”")], 2, 0),
        ([SENTENCES, ("heading", "Ice"), SENTENCES], 2, 0),
    ],
    ids=["quote below", "quote above", "quote reworded", "doubled standfirst", "doubled paragraph"],
)
def test_repeats(blocks, repeat, source):
    text, kept = lay_out(*blocks)
    found = segmented(text, kept)
    places = [i for i, s in enumerate(found) if s.parent is None]
    assert {i: s.repeat_of for i, s in enumerate(found) if s.parent is None and s.repeat_of is not None} == {places[repeat]: places[source]}


def test_sentences_of_a_repeated_block_repeat_its_sentences():
    text, kept = lay_out(SENTENCES, ("heading", "Ice"), SENTENCES)
    assert [s.repeat_of for s in segmented(text, kept)] == [None, None, None, None, 0, 1, 2]


def test_short_words_and_different_quotes_are_no_repeats():
    quote = "Nobody had ever seen such a winter here"
    text, kept = lay_out(("heading", "Read more"), SENTENCES, ("heading", "Read more"), ("quote", quote))
    assert not [s for s in segmented(text, kept) if s.repeat_of is not None]


def test_a_quotation_in_another_language_has_its_own():
    russian = "Мы сидим здесь третий день, и никто не говорит нам, когда пойдёт следующий паром на острова."
    text, kept = lay_out(SENTENCES, ("quote", russian), ("paragraph", PARAGRAPH + " “" + russian + "”"), ("byline", "Ольга Б."))
    found = segmented(text, kept)
    assert [s.language for s in found if s.parent is None] == ["en", "ru", "en", "en"]
    assert found[-2].language == "ru" and found[-2].unit == "sentence"


def test_a_sentence_repeats_the_title_and_not_the_other_way_round():
    text, kept = lay_out(("title", QUOTE), ("paragraph", f"{QUOTE}. Volunteers cook."))
    assert [s.repeat_of for s in segmented(text, kept)] == [None, None, 0, None]


@settings(deadline=None)
@given(st.lists(st.tuples(UNITS, st.sampled_from([QUOTE, f"{QUOTE}. {QUOTE}!", PARAGRAPH]))))
def test_repeats_lead_to_what_is_no_repeat(blocks):
    text, kept = lay_out(*blocks)
    repeats = [s.repeat_of for s in segmented(text, kept)]
    for at in range(len(repeats)):
        for _ in repeats:
            at = at if repeats[at] is None else repeats[at]
        assert repeats[at] is None


@settings(deadline=None)
@given(st.lists(st.tuples(UNITS, TEXTS.map(str.strip).filter(bool)), max_size=8))
def test_segments_stand_in_order_and_tile_their_blocks(blocks):
    text, kept = lay_out(*blocks)
    found = segmented(text, kept)
    parents = [i for i, s in enumerate(found) if s.parent is None]
    assert [found[i].start for i in parents] == sorted(found[i].start for i in parents)
    for i, s in enumerate(found):
        assert 0 <= s.start < s.end <= len(text.text) and s.repeat_of != i
        inside = [c for c in found if c.parent == i]
        assert bool(inside) == (s.unit in PROSE)
        gaps = [s.start, *[at for c in inside for at in (c.start, c.end)], s.end]
        assert not inside or not any(text.text[a:b].strip() for a, b in zip(gaps[::2], gaps[1::2], strict=True))
