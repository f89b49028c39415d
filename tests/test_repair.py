"""Repair: what was damaged comes back, what was not stays, and every edit says how surely."""

import json
import math
import re
import sys
import time
from pathlib import Path

import ftfy
import pytest
from ftfy.badness import MOJIBAKE_CATEGORIES
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.stages.repair import repair
from flows.stages.repair_chances import MODEL, log_chance, model
from flows.stages.repair_ftfy import CONFIG, by_ftfy
from flows.traced import Traced, replay

CASES = json.loads(Path(__file__).with_name("cases").joinpath("repair.json").read_text(encoding="utf-8"))
CODECS = ["gb18030", "gbk", "cp1252", "cp1254", "cp1251", "cp1250", "mac_roman", "koi8-r", "cp437", "latin-1"]
SENTENCE = "It’s the mayor’s café, naïve as ever, said Zoë Müller of Zürich—déjà vu"


def traced(text: str) -> Traced:
    return Traced.decoded(text.encode("utf-8"), "utf-8")


def repaired(text: str) -> str:
    return repair(traced(text)).text


def damaged(text: str, codec: str, errors: str) -> str:
    return text.encode("utf-8").decode(codec, errors)


def by_label(name: str) -> list:
    return [pytest.param(case, id=case["label"]) for case in CASES[name]]


@pytest.mark.parametrize("case", by_label("damaged"))
def test_damage_is_undone(case):
    assert repaired(case["original"]) == case["repaired"]


@pytest.mark.parametrize("case", by_label("unchanged"))
def test_what_is_not_damaged_stays(case):
    assert repair(traced(case["text"])).edits == ()


@pytest.mark.parametrize("case", by_label("known_failures"))
@pytest.mark.xfail(strict=True, reason="see the case")
def test_known_failure(case):
    assert repaired(case["original"]) == case["repaired"]


@pytest.mark.parametrize("context", ["", "e", " t", "th", " é", "été", "при"])
def test_the_chances_of_what_follows_add_up_to_one(context):
    # A little less where rare n-grams were left out, a little more by what characters count that were never met. (Of what follows
    # three plain letters only what is not plain is held.)
    assert 0.95 < sum(math.exp(log_chance(context + c)) for c in model().letters) < 1.01


@pytest.mark.parametrize("codec", CODECS)
def test_every_codec(codec):
    assert repaired(damaged(SENTENCE, codec, "replace")) == SENTENCE


@pytest.mark.parametrize("case", by_label("damaged"))
def test_repair_twice_is_repair_once(case):
    once = repaired(case["original"])
    assert repaired(once) == once


def test_edits_are_the_damaged_runs_and_nothing_else():
    text = repair(traced("plain words, then caf茅, and the 新华网鈥檚 plain end"))
    assert [(text.before(e), text.text[e.start : e.end], e.kind, e.confidence) for e in text.edits] == [
        ("茅", "é", "exact", 1.0),
        ("鈥檚", "’s", "exact", 1.0),
    ]
    assert {r for e in text.edits for r in e.rules} == {"utf8_read_as_gb18030"}


def test_a_choice_says_so():
    text = repair(traced(damaged("The ministers’ answer", "gbk", "ignore")))
    (edit,) = text.edits
    assert (text.text, edit.kind) == ("The ministers’ answer", "inferred")
    assert 0.5 < edit.confidence < 1


def test_machinery_is_removed_under_its_rule():
    edits = repair(traced("a\u202eb\ufeffc\x00e\r\n" + "mu\u00adni\u200bci " * 8)).edits
    assert [(e.rules, e.kind) for e in edits[:6]] == [
        (("bidi_control",), "removed"),
        (("byte_order_mark",), "removed"),
        (("control_character",), "removed"),
        (("line_ends",), "normalized"),
        (("soft_hyphen",), "removed"),
        (("zero_width",), "removed"),
    ]
    assert len(edits) == 20


def test_other_lines_say_what_a_lone_run_may_be():
    alone = "Cost: 拢5"
    among = damaged("It’s the mayor’s “last” word\nWe’d call it Zoë’s café\nThey’re naïve—again\n", "gb18030", "ignore")
    assert repaired(alone) == alone
    assert repaired(among + alone).endswith("Cost: £5")


def test_provenance_survives_an_earlier_edit():
    start = Traced.decoded("It鈥檚 a &amp; b\r\n".encode("gb18030"), "gb18030")
    text = repair(start)
    edits = [(e.byte_start, e.byte_end, text.text[e.start : e.end]) for e in text.edits]
    assert replay(text.data, text.encoding, edits) == text.text == "It’s a & b\n"


def test_a_word_without_end_is_read_in_linear_time():
    text = traced("e\u0301 " + "x" * 1_000_000 + " \u202b \u00ad")
    begin = time.process_time()
    repair(text)
    assert time.process_time() - begin < 2


def test_a_line_without_end_is_repaired_in_linear_time():
    unit = damaged("It’s “late,” he said. ", "gbk", "ignore")
    seconds = []
    for n in (4_000, 32_000):  # less than a tenth of a second says nothing
        text = traced(unit * n)
        begin = time.process_time()
        assert repair(text).text.count("“late,”") == n
        seconds.append(time.process_time() - begin)
    assert seconds[1] < 30 * seconds[0]


# Units that a text is made of, with nothing to stop at or everything to look at.
HOSTILE = [
    "鈥檚",
    "鈥a",
    "鈥?",
    "鈥\ufffd",
    "Ã©",
    "Ã ",
    "â€™ ",
    "é",
    "éa",
    "中a",
    "中文",
    "\x85",
    "\u200d",
    "\u202ea\n",
    "a\xad",
    "e\u0301é ",
    "&amp;",
    "<a",
    "\r",
]


@pytest.mark.parametrize("unit", HOSTILE, ids=ascii)
def test_work_grows_no_faster_than_the_text(unit):
    """Counted in calls, which no clock disturbs. 8000 characters are as much of a line as is looked at together."""
    few, many = (calls(traced((unit * 32_000)[:size])) for size in (8_000, 32_000))
    assert many < 4.5 * few + 1000


def calls(text: Traced) -> int:
    count = 0

    def event(frame, kind, argument):
        nonlocal count
        count += kind.endswith("call")

    before = sys.getprofile()
    sys.setprofile(event)
    try:
        repair(text)
    finally:
        sys.setprofile(before)
    return count


def test_a_reference_escaped_without_end_is_read_in_linear_time():
    text = traced("&" + "amp;" * 250_000 + "lt; &" + "amp;" * 250_000)
    begin = time.process_time()
    assert repaired(text.text) == "< &"
    assert time.process_time() - begin < 2


def test_clean_text_costs_next_to_nothing():
    text = "The mayor said so again, and nobody’s word was “final” – yet.\n" * 4000
    begin = time.process_time()
    repair(traced(text))
    ours = time.process_time() - begin
    begin = time.process_time()
    ftfy.fix_text(text)
    assert ours * 10 < time.process_time() - begin


def test_the_model_is_small():
    assert MODEL.stat().st_size < 3_000_000


# What ftfy's rules name, and what stands beside it.
NAMED = st.sampled_from(
    sorted({c for c in map(chr, range(0x80, 0x3000)) if any(re.match(f"[{x}]", c) for x in MOJIBAKE_CATEGORIES.values())})
    + list("ГўвЂВ.žaZ ,×³")
)


@settings(deadline=None, max_examples=500)
@given(st.text(NAMED, max_size=8))
def test_ftfy_is_spared_only_what_it_leaves_alone(text):
    assert by_ftfy(text) or ftfy.fix_encoding_and_explain(text, CONFIG).text == text


ODD = st.sampled_from("鈥檚攖濃擫锛\ufffd?Ã©â€™œ��谢褋 &;amp#8217\r\n\x00\x85\x9d\u200b\u200d\u202eé\u0301“”’–a ß中文猫ÑÐÂ╨\U0001f600")
TEXT = st.text(ODD | st.characters(codec="utf-8"), max_size=80)


@settings(deadline=None, max_examples=150)
@given(TEXT)
def test_never_raises_replays_and_settles(text):
    once = repair(traced(text))
    edits = [(e.byte_start, e.byte_end, once.text[e.start : e.end]) for e in once.edits]
    assert replay(once.data, once.encoding, edits) == once.text
    assert all(0 <= e.confidence <= 1 for e in once.edits)
    assert repaired(once.text) == once.text


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.text("The mayor’s café, “Zoë” – Müller. İşıkğ это 新闻\n", max_size=30), max_size=4),
    st.lists(st.tuples(st.sampled_from(CODECS), st.sampled_from(["replace", "ignore"])), max_size=2),
)
def test_any_damage_replays_and_settles(pieces, ways):
    text = "It’s Zoë’s “last” word. ".join(pieces)
    for codec, errors in ways:
        text = damaged(text, codec, errors)
    once = repair(traced(text))
    edits = [(e.byte_start, e.byte_end, once.text[e.start : e.end]) for e in once.edits]
    assert replay(once.data, once.encoding, edits) == once.text
    assert repaired(once.text) == once.text


@settings(deadline=None, max_examples=60)
@given(st.text("The mayor’s café, Zoë – Müller. İşıkğ", max_size=60), st.sampled_from(CODECS), st.sampled_from(["replace", "ignore"]))
def test_exact_edits_are_right(clean, codec, errors):
    clean = f"Nobody’s naïve café, {clean} and Zoë’s"
    text = repair(traced(damaged(clean, codec, errors)))
    if len(text.text) == len(clean):
        for e in text.edits:
            if e.kind == "exact" and len(text.text[e.start : e.end]) < 3:
                assert text.text[e.start : e.end] == clean[e.start : e.end]
