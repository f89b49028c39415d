"""Each defect is found where it is, and sound text has none."""

import json
from pathlib import Path
from typing import NamedTuple

import pytest
from ftfy.badness import is_bad
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.stages.defects import _MAY_BE_BAD, defects
from flows.traced import Change, Traced

CASES = json.loads(Path(__file__).with_name("cases").joinpath("defects.json").read_text(encoding="utf-8"))
NAMES = {"elided_links", "foreign_script", "third_party_copy", "undecided_mojibake", "replacement_characters", "truncated"}
SOUND = "The ferry was cancelled again because the harbour is frozen. Nobody knows when it will sail."


class Piece(NamedTuple):
    start: int
    end: int
    unit: str
    parent: int | None


def pieces(text: str, unit: str = "paragraph") -> list[Piece]:
    found, at = [], 0
    for line in text.split("\n"):
        if line:
            found.append(Piece(at, at + len(line), unit, None))
        at += len(line) + 1
    return found


def traced(text: str) -> Traced:
    return Traced.decoded(text.encode("utf-8", "surrogatepass"), "utf-8")


def found(text: str, language: str | None = "en", unit: str = "paragraph") -> list[tuple[str, ...]]:
    return defects(traced(text), pieces(text, unit), language).of_segments


@pytest.mark.parametrize("name", ["elided_links", "foreign_script", "undecided_mojibake"])
def test_found(name):
    for text in CASES[name]:
        assert name in found(f"{SOUND}\n{text}")[1], text


@pytest.mark.parametrize("cases", ["sound", "no_foreign_script", "no_mojibake"])
def test_sound_text_has_none(cases):
    for text in CASES[cases]:
        names = {n for each in found(f"{SOUND}\n{text}") for n in each}
        assert not names - ({"foreign_script"} if cases == "no_mojibake" else set()), text


@pytest.mark.xfail(strict=True)
@pytest.mark.parametrize("text", CASES["elided_links_missed"])
def test_elided_links_missed(text):
    assert found(text) == [("elided_links",)]


def test_lexical_patterns_are_for_english_and_prose():
    text = "He read about it in a of the paper."
    assert found(text, "sv") == found(text, None) == found(text, "en", "heading") == [()]
    assert found("Han läste det, , i tidningen.", "sv") == [("elided_links",)]


def test_a_habit_of_spaces_before_marks_is_no_defect():
    assert found("\n".join(["The ferry , again , was cancelled , they say ."] * 3)) == [()] * 3
    assert found("After , it sailed.\n" + "\n".join([SOUND] * 3))[0] == ("elided_links",)


def test_a_block_has_the_defects_of_its_sentences():
    text = f"{SOUND} A published by the ministry says so."
    whole = pieces(text)
    cut = text.index("A published")
    parts = [Piece(0, cut - 1, "sentence", 0), Piece(cut, len(text), "sentence", 0)]
    assert defects(traced(text), whole + parts, "en").of_segments == [("elided_links",), (), ("elided_links",)]


def test_a_language_at_home_is_not_foreign():
    assert found(f"{SOUND}\nМы сидим здесь третий день, и никто ничего не говорит.\nОн сказал: нет.") == [(), (), ()]


PASTED = "The oldest programme is at the Harlan 海洋新闻 Centre in the north of the town."
GENITIVE = "The 海洋新闻’s work on the islands is known to all who live there."


def test_third_party_copy_takes_two_places():
    assert [("third_party_copy" in names) for names in found(f"{PASTED}\n{GENITIVE}\n{SOUND}")] == [True, True, False]
    assert not any("third_party_copy" in names for names in found(f"{PASTED}\n{SOUND}"))


def test_third_party_copy_in_what_was_removed():
    text = traced(f"{SOUND}\n{PASTED}\n{GENITIVE}")
    kept = text.apply("strip", [Change(len(SOUND), len(text.text), "", "footer", "removed")])
    assert defects(kept, pieces(SOUND), "en") == ([()], ("foreign_script", "third_party_copy"))


def test_a_menu_of_languages_is_no_copy():
    menu = "English 中文 Deutsch Русский Türkçe"
    assert defects(traced(f"{menu}\n{SOUND}\n{menu}"), [], "en").of_document == ()


def test_replacement_characters():
    assert found(f"{SOUND}\nThe caf\ufffd was closed.") == [(), ("replacement_characters",)]


@pytest.mark.parametrize(
    ("last", "is_truncated"),
    [
        ("The school takes them in. Two hundred passengers spend their nights in the gymn", True),
        ("Two hundred passengers spend their nights in the", True),
        ("The school takes them in. Two hundred spend their nights there.", False),
        ("The school takes them in. “Two hundred spend their nights there.”", False),
        ("The school takes them in. More at www.example.org/ferry", False),
        ("The school takes them in. Ada Lind", False),
    ],
)
def test_truncated(last, is_truncated):
    text = "\n".join([SOUND] * 4 + [last])
    assert found(text)[-1] == (("truncated",) if is_truncated else ())


def test_a_page_that_never_ends_its_lines_is_not_truncated():
    assert found("\n".join(["The ferry was cancelled. The harbour is frozen this winter"] * 4)) == [()] * 4


def test_a_character_cut_in_two_at_the_end_is_truncated():
    data = f"{SOUND} Caf".encode() + b"\xc3"
    text = Traced.decoded(data, "utf-8", [Change(len(data) - 1, len(data), "", "truncated_character", "removed")])
    assert defects(text, pieces(text.text), "en") == ([("truncated",)], ("truncated",))


# One of each kind of character that ftfy tells apart, and of those that stand beside it.
ODD = st.sampled_from("aZ .àéñÀØşŁəıƒªαВЂв£€“”»°²†‡╔ÂÃœ√Ґあ中ﬁ\xa0\x85\ufffd")


@settings(deadline=None)
@given(st.text(ODD, max_size=6))
def test_what_is_looked_for_first_is_in_all_that_ftfy_calls_bad(text):
    assert _MAY_BE_BAD.search(text) or not is_bad(text)


PIECES = st.sampled_from(["a ", "the ", ", ", ",", "“", ".”", "浪花", "’s", "(", " )", "\ufffd", "\n", "鈥", "In May, ", "of "])


@settings(deadline=None)
@given(st.text(max_size=80) | st.lists(PIECES).map("".join))
def test_never_raises_and_names_are_known_and_sorted(text):
    for language in ("en", "az", None):
        for names in found(text, language):
            assert set(names) <= NAMES and list(names) == sorted(set(names))
