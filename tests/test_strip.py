"""Stripping text dumps: cases by page, outlets' own rules, and what every page keeps to."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows import shapes
from flows.stages import strip_forest as stage
from flows.stages.segment import segment
from flows.stages.strip import strip
from flows.stages.strip_labels import BODY_UNITS
from flows.traced import Rejected, Traced, replay

CASES = json.loads((Path(__file__).parent / "cases" / "strip.json").read_text(encoding="utf-8"))
UNITS = {"title", "byline", "note", *BODY_UNITS}


def traced(text):
    return Traced.decoded(text.encode(), "utf-8")


def by_name(cases):
    return [pytest.param(case, id=case["name"]) for case in cases]


def labels_of(case):
    """What the stage says of each line that is not blank, next to what it should: a unit, -rule, + (kept) or - (removed)."""
    text = "\n".join(line for _, line in case["lines"])
    wanted = [(label, line.strip()) for label, line in case["lines"] if line.strip()]
    found = strip(traced(text)).blocks
    assert [text[b.start : b.end] for b in found] == [line for _, line in wanted]
    said = [b.unit or f"-{b.rule}" for b in found]
    return [(label, line) for label, line in wanted], [(s[: len(w)] if w in "+-" else s, x) for s, (w, x) in zip(said, wanted, strict=True)]


@pytest.mark.parametrize("case", by_name(CASES["labelled"]))
def test_every_line_gets_its_unit_or_rule(case):
    wanted, found = labels_of(case)
    plus = [(("+" if w == "+" and not f.startswith("-") else f), x) for (w, _), (f, x) in zip(wanted, found, strict=True)]
    assert plus == wanted


@pytest.mark.parametrize("case", by_name(CASES["known_failures"]))
@pytest.mark.xfail(strict=True)
def test_known_failures(case):
    wanted, found = labels_of(case)
    assert found == wanted


@pytest.mark.parametrize("separator", ["\n", "\n\n", "\r\n"])
@pytest.mark.parametrize("case", by_name(CASES["unchanged"]))
def test_an_article_alone_stays_as_it_is(case, separator):
    text = separator.join(case["lines"])
    stripped = strip(traced(text))
    assert stripped.text.text == text
    assert len(stripped.kept) == len(case["lines"])


PARAGRAPHS = CASES["unchanged"][0]["lines"]


def test_line_ends_between_kept_lines_stay_and_white_lines_go():
    text = f"\ufeff\n  {PARAGRAPHS[0]} \u00a0\n\n \u00a0 \n\n\n{PARAGRAPHS[1]}\r\n{PARAGRAPHS[2]}\n \n\u00a0".removeprefix("\ufeff")
    stripped = strip(traced(text))
    assert stripped.text.text == f"{PARAGRAPHS[0]} \u00a0\n\n{PARAGRAPHS[1]}\r\n{PARAGRAPHS[2]}"
    assert [stripped.text.text[b.start : b.end] for b in stripped.kept] == PARAGRAPHS[:3]
    assert {e.rules for e in stripped.text.edits} == {("blank",)}


def test_a_removed_line_takes_its_line_end_and_the_blank_lines_after_it():
    text = "\n\n".join([PARAGRAPHS[0], PARAGRAPHS[1], "- Advertisement -\n", PARAGRAPHS[2]])
    stripped = strip(traced(text))
    assert stripped.text.text == "\n\n".join(PARAGRAPHS[:3])
    (edit,) = stripped.text.edits
    assert (edit.kind, edit.rules, edit.stages) == ("removed", ("advertisement",), ("strip",))


def test_each_item_of_a_list_stays_a_block_of_its_own():
    items = ["• The council of the harbour puts off its vote to June", "• Two mayors leave before the end", "• A report is due"]
    stripped = strip(traced("\n".join([*PARAGRAPHS[:2], *items, *PARAGRAPHS[2:]])))
    found = [stripped.text.text[s.start : s.end] for s in segment(stripped.text, stripped.kept).segments if s.unit == "list_item"]
    assert found == items


def test_a_page_without_a_body_is_removed_as_a_whole():
    stripped = strip(traced("Home\nNews\nSport\n\nLog in\nContact us\n"))
    assert stripped.text.text == "" and stripped.kept == []
    assert len(stripped.blocks) == 5 and all(b.rule and not b.unit for b in stripped.blocks)
    assert strip(traced("")).blocks == [] and strip(traced(" \n\u00a0\n")).text.text == ""


def test_an_outlets_own_patterns_overrule_the_stage():
    text = "\n".join([*PARAGRAPHS, "Contact us", "Ref. 12/2024 of the harbour desk"])
    stripped = strip(traced(text), keep=[r"Ref\. \d+/\d+ .*", "Contact us"], remove=["The operator, .*", "Contact us"])
    said = {text[b.start : b.end][:12]: b.unit or b.rule for b in stripped.blocks}
    assert said["The operator"] == "outlet"
    assert said["Ref. 12/2024"] == said["Contact us"] == "paragraph"


def test_a_pattern_that_never_ends_is_rejected_soon():
    text = "\n".join([*PARAGRAPHS, "a" * 60 + "!"])
    start = time.process_time()
    with pytest.raises(Rejected, match="outlet_pattern_timeout") as why:
        strip(traced(text), remove=[r"(a|aa)+\d"])
    assert time.process_time() - start < 8
    assert "(a|aa)+" in why.value.detail and "61 characters" in why.value.detail


def test_a_hard_pattern_on_a_long_line_ends():
    start = time.process_time()
    try:
        strip(traced("\n".join([*PARAGRAPHS, "a" * 3_000_000 + "!"])), keep=[r"(a+)+$", r"(.*a)*b"])
    except Rejected as why:
        assert why.reason == "outlet_pattern_timeout"
    assert time.process_time() - start < 10


def test_a_pattern_that_is_no_regex_is_rejected():
    with pytest.raises(Rejected, match="outlet_pattern_invalid"):
        strip(traced(PARAGRAPHS[0]), keep=["(unclosed"])


def test_a_page_says_how_surely_it_is_right():
    article = strip(traced("\n".join(PARAGRAPHS))).confidence
    furniture = strip(traced("Home\nNews\nSport\n\nLog in\nContact us\n")).confidence
    assert 0.5 < article <= 1 and furniture < 0.5
    told = strip(traced(PARAGRAPHS[0]), blocks=strip(traced(PARAGRAPHS[0])).blocks)
    assert told.confidence is None


def test_lines_are_measured_as_they_are_read():
    lines = ["“Hi, there. ”", "", "É ß: 12.3 «x»", "日本語テキスト。", "İlk", "| a\ud800b"]
    found = shapes.measure(lines)
    assert found.norms == ["hi there", "", "é ß 12 3 x", "日本語テキスト", "ilk", "a b"]
    assert found.shapes[shapes.N_WORDS].tolist() == [2, 0, 5, 3.5, 1, 2]
    assert found.shapes[shapes.FINISHED].tolist() == [1, 0, 0, 1, 0, 0]
    assert found.rows.tolist() == [0, 0, 2, 2, 2, 2, 2, 3, 4, 5, 5]
    assert found.letters.tolist() == [2, 5, 1, 1, 2, 1, 1, 7, 3, 1, 1]


def test_a_word_has_one_number_wherever_it_stands():
    found = shapes.measure(["The ferry, the FERRY!", "x", "ferry"])
    assert found.words[0] == found.words[2] and found.words[1] == found.words[3] == found.words[5]
    assert len(set(found.words.tolist())) == 3


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cc", "Zl", "Zp"]), max_size=20), max_size=8))
def test_lines_measured_alone_and_together_look_the_same(lines):
    together = shapes.measure(lines)
    for i, line in enumerate(lines):
        alone = shapes.measure([line])
        assert alone.norms[0] == together.norms[i]
        assert (alone.shapes[:, 0] == together.shapes[:, i]).all()
        assert (alone.words == together.words[together.rows == i]).all()


def test_a_window_sums_the_lines_it_spans():
    rows = stage.np.arange(1.0, 6.0)[None]
    assert shapes.windows(rows, [(-1, 1), (1, 9)])[:, 0].tolist() == [[3, 6, 9, 12, 9], [14, 12, 9, 5, 0]]
    assert shapes.neighbours(rows, [-1, 2])[:, 0].tolist() == [[-1, 1, 2, 3, 4], [3, 4, 5, -1, -1]]


def test_distances_and_the_densest_stretch():
    marked = stage.np.array([[0, 1, 0, 0, 1]], bool)
    assert shapes.distances(marked, 9)[:, 0].tolist() == [[9, 9, 1, 2, 3], [1, 3, 2, 1, 9], [0, 1, 1, 1, 2]]
    stretch = shapes.densest(stage.np.array([1.0, 20, 2, 30, 1]), [10.0])
    assert stretch.tolist() == [[1, 4]]
    assert shapes.placed(stretch, 5, 9)[:, 0].tolist() == [[0, 1, 1, 1, 0], [-1, 0, 1, 2, 3], [4, 3, 2, 1, 0]]


@pytest.mark.parametrize("line,unit", [*((x, "note") for x in CASES["notes"]), *((x, "paragraph") for x in CASES["no_notes"])])
def test_notes_of_the_editors_are_told_from_a_last_paragraph(line, unit):
    *_, last = strip(traced("\n".join([*PARAGRAPHS, line]))).blocks
    assert last.unit == unit


def test_lines_told_by_their_markup_are_taken_as_told():
    text = f"Contact us\n\n{PARAGRAPHS[0]}\n{PARAGRAPHS[1]}\n{PARAGRAPHS[2]}"
    told = strip(traced(text)).blocks
    told = [told[0]._replace(unit="title", rule=None), told[1]._replace(unit=None, rule="related"), *told[2:]]
    stripped = strip(traced(text), blocks=told)
    assert stripped.text.text == f"Contact us\n\n{PARAGRAPHS[1]}\n{PARAGRAPHS[2]}"
    assert [b.unit for b in stripped.kept] == ["title", told[2].unit, told[3].unit]


def test_what_is_kept_and_what_is_removed_make_the_whole():
    for case in CASES["labelled"]:
        text = "\n".join(line for _, line in case["lines"])
        check_account(text, strip(traced(text)))


def check_account(text, stripped):
    data, edits = stripped.text.data, [(e.byte_start, e.byte_end, "") for e in stripped.text.edits]
    assert all(e.kind == "removed" and e.start == e.end for e in stripped.text.edits)
    assert replay(data, "utf-8", edits) == stripped.text.text
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    assert [text[b.start : b.end] for b in stripped.blocks] == lines
    assert all((b.unit in UNITS) != bool(b.rule) and 0 <= b.confidence <= 1 for b in stripped.blocks)
    assert [stripped.text.text[b.start : b.end] for b in stripped.kept] == [text[b.start : b.end] for b in stripped.blocks if b.unit]
    assert stripped.text.text == stripped.text.text.strip()


LINES = [line for case in CASES["labelled"] for _, line in case["lines"]]
ODD = ["\u00a0", " ", "\t", "\x1c", "|", "•", "©", "By A", "12.03.2024"]
PIECES = st.one_of(st.sampled_from([*LINES, *ODD]), st.text(st.characters(codec="utf-8"), max_size=30))
ENDS = st.sampled_from(["\n", "\r\n", "\n\n", "\u2028", "\r"])
TEXTS = st.builds(lambda lines, end: end.join(lines), st.lists(PIECES, max_size=30), ENDS)


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_never_raises_and_accounts_for_everything(text):
    check_account(text, strip(traced(text)))


@settings(max_examples=30, deadline=None)
@given(TEXTS)
def test_the_same_text_is_stripped_the_same_way(text):
    assert strip(traced(text)).blocks == strip(traced(text)).blocks


HOSTILE = ["a" * 3_000_000, "word " * 600_000, "Home\n" * 60_000, "\n \u00a0" * 100_000, (". " * 50 + "\n") * 10_000]


@pytest.mark.parametrize("text", HOSTILE, ids=["one word", "one line", "many lines", "white lines", "many dots"])
def test_hostile_sizes_end_in_time(text):
    start = time.process_time()
    check_account(text, strip(traced(text)))
    assert time.process_time() - start < 20


def test_a_forest_reads_its_trees_as_trained():
    """Two comparisons on two features: 1 unless both hold, and the feature equal to its threshold does not pass it."""
    forest = stage.Forest(*stage_arrays())
    rows = stage.np.array([[0, 0], [1, 0], [1, 1], [0.5, 1]], dtype="float32")
    assert stage.probability(forest, rows.T).tolist() == [0.5, 0.5, 0.8808, 0.5]


def stage_arrays():
    np = stage.np
    threshold = np.full(8, np.inf, np.float32)
    threshold[:2] = 0.5
    table = np.zeros(256, np.float32)
    table[0b11000000] = 2.0
    return np.array([0, 1, 0, 0, 0, 0, 0, 0]), threshold, table
