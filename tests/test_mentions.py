"""Names are found whole, in the forms of their language; who acts is told from where; what is in doubt stays null."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.drafts import Heard
from flows.readers.entities import OwnEntity, read_entities
from flows.readers.folder import CorpusError
from flows.stages.attribute_lexicon import lexicon
from flows.stages.attribute_mentions import Mention, mentions
from schemas import entities as entities_table
from schemas import mentions as mentions_table

CASES = json.loads(Path(__file__).with_name("cases").joinpath("mentions.json").read_text(encoding="utf-8"))
OWN = OwnEntity(
    "tornvik", "Tornvik", "place", False, None, None, "azerbaijan_government", None, None,
    aliases=(("ru", "Торнвик"), ("en", "Georgia")), demonyms=(("ru", "торнвикский"),),
)  # fmt: skip


def cut(text: str, language: str | None, unit: str = "paragraph", defects: tuple[str, ...] = ()) -> list[Heard]:
    """One block; a paragraph has the sentences that end in a full stop and a space."""
    block = Heard(0, len(text), unit, None, language, None, defects)
    if unit != "paragraph":
        return [block]
    spans = [m.span() for m in re.finditer(r"\S(?:.*?[^.A-Z][.!?](?=\s)|.*)", text, re.S)]
    return [block, *(Heard(a, b, "sentence", 0, language, None, defects) for a, b in spans)]


def found(case: dict, own: tuple = ()) -> list[Mention]:
    segments = cut(case["text"], case["language"], case.get("unit", "paragraph"), tuple(case.get("defects", ())))
    return mentions(case["text"], segments, lexicon(own), case.get("date"))


def check(case: dict, own: tuple = ()) -> None:
    got, want = found(case, own), case["want"]
    assert [(case["text"][m.start : m.end], m.mention_type, m.entity_id) for m in got] == [tuple(w[:3]) for w in want]
    for mention, row in zip(got, want, strict=True):
        if mention.entity_id is None:
            assert mention.name == (row[3] if len(row) > 3 else row[0])


@pytest.mark.parametrize("case", CASES["found"], ids=lambda c: c["about"])
def test_mentions(case):
    check(case)


@pytest.mark.parametrize("case", CASES["own"], ids=lambda c: c["about"])
def test_own_entities(case):
    check(case, (OWN,))


@pytest.mark.parametrize("case", CASES["known_failures"], ids=lambda c: c["about"])
@pytest.mark.xfail(strict=True)
def test_known_failures(case):
    check(case)


WORDS = st.sampled_from(
    """Baku Iran IRAN U.S. İran ı Путин Москва заявила said Mr Igor Putin Jordan Aliyev ' ’s - . , in \u0307 \u200f إيران van der Minister (
    https://Iran.example ﬁ ẞ Georgia Cuban Mark""".split()
)
SPACES = st.sampled_from([" ", "\n", "\ud800", "\x00", "\u200c", ""])
TEXTS = st.lists(WORDS | st.text(max_size=3), max_size=40).map(" ".join) | st.lists(WORDS | SPACES, max_size=40).map("".join)
LISTED = ("az", "de", "en", "es", "fa", "fr", "ru", "tr")
for language in (*LISTED, None):  # made once, so that no example waits for them
    lexicon().forms(language), lexicon((OWN,)).forms(language)
LANGUAGES = st.sampled_from([*LISTED, "xx", None])
UNITS = st.sampled_from(["paragraph", "title", "byline", "heading"])


@given(TEXTS, LANGUAGES, UNITS, st.none() | st.sampled_from(["2020", "1999-01", "2003-10-31"]))
def test_ranges_lie_in_their_segment_in_order_and_hold_whole_words(text, language, unit, date):
    segments, last = cut(text, language, unit), 0
    for m in mentions(text, segments, lexicon((OWN,)), date):
        segment = segments[m.segment]
        assert max(last, segment.start) <= m.start < m.end <= segment.end
        assert not any(s.parent == m.segment for s in segments)
        assert not (text[m.start - 1 : m.start] or " ").isalnum() and not (text[m.end : m.end + 1] or " ").isalnum()
        assert m.mention_type in mentions_table.TYPES and m.name
        assert m.entity_id is None or m.entity_id in lexicon((OWN,)).entities
        last = m.end


@given(TEXTS, LANGUAGES)
def test_what_follows_in_another_paragraph_changes_no_lexicon_name(text, language):
    """Only a person's name, and what is in doubt, is settled by the rest of the document."""
    alone = {(m.start, m.end) for m in mentions(text, cut(text, language), lexicon())}
    both = text + "\n\nBaku."
    segments = [*cut(text, language), Heard(len(text) + 2, len(both), "heading", None, language, None, ())]
    assert alone == {(m.start, m.end) for m in mentions(both, segments, lexicon()) if m.end <= len(text)}


def test_one_long_line_is_read_to_its_end():
    text = "Iran and Baku. " * 20_000
    found = mentions(text, [Heard(0, len(text), "table", None, "en", None, ())], lexicon())
    assert len(found) == 40_000 and found[-1].end == len(text) - 2


def test_the_lexicon_is_built_once_and_cannot_be_changed():
    assert lexicon() is lexicon() and lexicon((OWN,)) is lexicon((OWN,))
    with pytest.raises(TypeError):
        lexicon().entities["x"] = None


def test_every_entity_fits_its_table():
    known = lexicon((OWN,)).entities
    columns = entities_table.SCHEMA.names
    for entity in known.values():
        row = {name: getattr(entity, name) for name in columns}
        for name, (check_name, wanted) in entities_table.CHECKS.items():
            value = row[name]
            assert value is None or (value in wanted if check_name == "isin" else re.fullmatch(wanted, value)), (entity.entity_id, name)
        assert entity.stands_for is None or entity.stands_for in known
        assert all(near in known for near in entity.near)
        assert row["iso_3166"] is None or entity.type == "state"
    states = [e for e in known.values() if e.iso_3166]
    assert len(states) == 197 and len({e.wikidata_id for e in known.values() if e.wikidata_id}) == sum(
        bool(e.wikidata_id) for e in known.values()
    )


HEAD = "entity_id,name,type,public_figure,language,script,aliases,stands_for\n"


def test_entities_csv_is_read(tmp_path):
    path = tmp_path / "entities.csv"
    path.write_text(
        HEAD + "nina_orbeli,Nina Orbeli,person,yes,,,N. Orbeli,\nnina_orbeli,,,,ru,Cyrl,Нина Орбели;;Орбели,\n", encoding="utf-8"
    )
    (entity,) = read_entities(path)
    assert entity.public_figure and entity.aliases == ((None, "N. Orbeli"), ("ru", "Нина Орбели"), ("ru", "Орбели"))
    text = "С Ниной Орбели спорили."
    assert [m.entity_id for m in mentions(text, cut(text, "ru"), lexicon((entity,)))] == ["nina_orbeli"]
    assert read_entities(tmp_path / "none.csv") == ()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (",Nina,person,,,,,", "line 2: no entity_id"),
        ("Nina,Nina,person,,,,,", "line 2: entity_id is 'Nina'; write lower-case"),
        ("nina,Nina,human,,,,,", "line 2: type is 'human'; write one of state"),
        ("nina,,person,,,,,", "line 2: 'nina' has no name"),
        ("nina,Nina,place,yes,,,,", "line 2: 'nina' is a place and public_figure"),
        ("nina,Nina,person,,ru,Cyrl,Hина,", "line 2: 'H' in 'Hина' is no letter of Cyrl"),
        ("nina,Nina,person,,ru,Abcd,Нина,", "line 2: script 'Abcd' is not known"),
        ("nina,Nina,person,,,,,\nnina,Nino,person,,,,,", "line 3: name of 'nina' is 'Nina' above and 'Nino' here"),
        ("nina,Nina,person,,,", "line 2: not as many values"),
    ],
)
def test_a_wrong_entities_csv_is_told_in_one_line(tmp_path, row, message):
    path = tmp_path / "entities.csv"
    path.write_text(HEAD + row + "\n", encoding="utf-8")
    with pytest.raises(CorpusError) as error:
        read_entities(path)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_the_entities_of_the_specimens_are_read():
    path = Path(__file__).parents[1] / "seeds" / "entities.csv"
    own = read_entities(path)
    assert {e.entity_id for e in own} <= set(lexicon(own).entities)
