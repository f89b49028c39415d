"""Votes: read from files, checked, and carried over to a release whose items have other ids or words."""

import hashlib
import json
import unicodedata
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from pandera.errors import SchemaError

import schemas
from flows.corpus.votes import MIN_LIKENESS, Item, anchor, canonical, carried_votes, carry, quotation, read_votes, vote
from flows.stages.validate_model import model
from flows.traced import Rejected

CASES = json.loads((Path(__file__).parent / "cases" / "annotations.json").read_text(encoding="utf-8"))
OLD, NEW, GONE = "9f86d081884c7d659a2f", "60303ae22b998861bce3", "fd61a03af4f77d870fc2"


@pytest.mark.parametrize("name", ["annotations", "labels", "coverage"])
def test_the_tables_hold_together(name, tmp_path):
    table = schemas.table(name)
    rows = pa.Table.from_pylist([table.EXAMPLE], schema=table.SCHEMA)
    model(name).validate(pl.DataFrame(rows), lazy=True)
    assert "one row per" in table.__doc__ and "Invariants:" in table.__doc__
    assert all(f.metadata[b"description"] for f in table.SCHEMA)
    assert set(table.KEY) | set(table.CHECKS) <= set(table.SCHEMA.names)
    pq.write_table(rows, tmp_path / "t.parquet")
    assert Dataset.from_parquet(str(tmp_path / "t.parquet"), cache_dir=str(tmp_path))[0] == table.EXAMPLE


@pytest.mark.parametrize("change", [{"value": "for"}, {"layer": "mood"}, {"carried": "lost"}, {"confidence": 2.0}, {"text_sha256": "0"}])
def test_the_table_of_annotations_refuses(change):
    table = schemas.table("annotations")
    frame = pl.DataFrame(pa.Table.from_pylist([{**table.EXAMPLE, **change}], schema=table.SCHEMA))
    with pytest.raises(SchemaError):
        model("annotations").validate(frame)


@pytest.mark.parametrize("case", CASES["canonical"], ids=lambda c: c["value"][:30])
def test_an_answer_has_one_spelling(case):
    assert canonical(case["layer"], case["value"]) == canonical(case["layer"], case["canonical"]) == case["canonical"]


@pytest.mark.parametrize(("layer", "value"), CASES["no_answer"])
def test_what_is_no_answer_is_refused(layer, value):
    with pytest.raises(Rejected) as why:
        canonical(layer, value)
    assert why.value.reason == "unknown_answer"


@pytest.mark.parametrize("case", CASES["no_votes"], ids=lambda c: repr(c["change"]))
def test_what_is_no_vote_is_refused(case):
    with pytest.raises(Rejected) as why:
        vote(CASES["vote"] | case["change"])
    assert why.value.reason == case["reason"]


@settings(deadline=None)
@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x), max_leaves=8)
)
def test_no_value_is_more_than_refused(told):
    for changed in (told, *(CASES["vote"] | {name: told} for name in ("value", "layer", "annotator_id", "confidence", "exact", "item_id"))):
        try:
            vote(changed)
        except Rejected as why:
            assert why.reason


def test_an_id_tells_nothing_of_the_words_and_a_row_holds_without_them():
    told = CASES["vote"] | quotation("The ferry sails.", 0, 16)
    other = CASES["vote"] | quotation("The ferry sinks.", 0, 16)
    assert vote(told)["annotation_id"] == vote(other)["annotation_id"] != vote(told | {"value": "no"})["annotation_id"]
    withheld = dict.fromkeys(("text_sha256", "exact", "prefix", "suffix"))
    row = pa.Table.from_pylist([vote(told) | withheld | {"carried": "unchanged"}], schema=schemas.table("annotations").SCHEMA)
    model("annotations").validate(pl.DataFrame(row), lazy=True)


def test_files_are_read_line_by_line_and_never_changed(tmp_path):
    lines = [
        json.dumps(CASES["vote"]), "", '{"item_id": "x"', json.dumps(CASES["vote"]), json.dumps(CASES["vote"] | {"annotator_id": "a2"}),
        json.dumps(CASES["vote"] | {"annotator_id": "a3", "annotation_id": "mine"}), json.dumps(CASES["vote"] | {"layer": "mood"}),
    ]  # fmt: skip
    path = tmp_path / "b.jsonl"
    path.write_text("\n".join(lines))
    (tmp_path / "GUIDELINE.md").write_text("# Guideline")
    before = path.read_bytes()
    votes, refused = read_votes(tmp_path)
    assert [v["annotator_id"] for v in sorted(votes, key=lambda v: v["annotator_id"])] == ["a1", "a2", "a3"]
    assert [(r.where, r.reason) for r in refused] == [
        ("b.jsonl line 3", "broken_line"),
        ("b.jsonl line 4", "duplicate"),
        ("b.jsonl line 7", "unknown_layer"),
    ]
    assert "mine" in {v["annotation_id"] for v in votes} and path.read_bytes() == before
    path.rename(tmp_path / "a.jsonl")
    assert read_votes(tmp_path)[0] == votes
    assert read_votes(tmp_path / "nowhere") == ([], [])


@pytest.mark.parametrize("case", CASES["anchor"], ids=lambda c: c["exact"])
def test_words_are_found_by_their_surroundings(case):
    told = (case["text"], case["exact"], case.get("prefix"), case.get("suffix"))
    if "reason" in case:
        with pytest.raises(Rejected) as why:
            anchor(*told)
        assert why.value.reason == case["reason"]
    else:
        assert anchor(*told) == tuple(case["place"])


@settings(deadline=None)
@given(st.text(max_size=60), st.text(max_size=8), st.none() | st.text(max_size=8))
def test_what_is_found_has_the_words(text, exact, around):
    try:
        start, end = anchor(text, exact, around, around)
    except Rejected:
        return
    squash = str.maketrans("", "", "".join(c for c in text + exact if c.isspace()))
    assert unicodedata.normalize("NFD", exact).translate(squash) in unicodedata.normalize("NFD", text[start:end]).translate(squash)


FERRY = "The ferry sails at dawn from the old harbour. "
TEXT = f"{FERRY}Dues rise in May, said Orla Venn. {FERRY}Nobody asked the owners of small boats."


def item(doc_id: str, text: str, words: str, nth: int = 0, bytes_: tuple[int, int] | None = None, kind: str = "s", about: str = "") -> Item:
    start = -1
    for _ in range(nth + 1):
        start = text.index(words, start + 1)
    at = bytes_ or (start, start + len(words))
    return Item(f"{doc_id}-{kind}{at[0]}-{at[1]}{about}", doc_id, start, start + len(words), *at, words)


def voted(on: Item, text: str, **changes) -> dict:
    told = CASES["vote"] | {"item_id": on.item_id, **quotation(text, on.start, on.end)} | changes
    return vote(told)


DUES = item(OLD, TEXT, "Dues rise in May, said Orla Venn.")
SECOND = item(OLD, TEXT, FERRY.strip(), nth=1)


def carried(row: dict, items: list[Item], texts: dict[str, str] | None = None, successor: dict[str, str] | None = None) -> tuple:
    (found,) = carry([row], items, {OLD: TEXT} if texts is None else texts, successor or {})
    assert set(found.vote) == set(row) and {k: v for k, v in found.vote.items() if k not in ("carried", "item_id")} == {
        k: v for k, v in row.items() if k not in ("carried", "item_id")
    }
    return found.vote["carried"], found.vote["item_id"], (found.reason or "").split(":")[0]


def test_a_vote_on_an_item_that_is_still_there():
    assert carried(voted(DUES, TEXT), [DUES]) == ("unchanged", DUES.item_id, "")
    repaired = DUES._replace(text="Dues rise in May, said Órla Venn.")
    assert carried(voted(DUES, TEXT), [repaired])[:2] == ("text_changed", DUES.item_id)


def test_the_same_words_under_another_id():
    moved = DUES._replace(item_id=f"{OLD}-s44-80", byte_start=44, byte_end=80)
    assert carried(voted(DUES, TEXT), [moved])[:2] == ("moved", moved.item_id)
    assert carried(voted(DUES, TEXT, exact=None, prefix=None, suffix=None), [moved])[:2] == ("moved", moved.item_id)


def test_of_items_with_the_same_words_place_and_surroundings_decide():
    shifted = [item(OLD, TEXT, FERRY.strip(), nth=n, bytes_=(at, at + 46)) for n, at in ((0, 1), (1, 81))]
    assert carried(voted(SECOND, TEXT), shifted)[:2] == ("moved", shifted[1].item_id)
    # In a later save of the page, bytes say nothing, but what stands around the words does.
    later = [item(NEW, TEXT, FERRY.strip(), nth=n) for n in (0, 1)]
    save = ({NEW: TEXT}, {OLD: NEW})
    assert carried(voted(SECOND, TEXT), later, *save)[:2] == ("moved", later[1].item_id)
    assert carried(voted(SECOND, TEXT, prefix=None, suffix=None), later, *save)[::2] == ("orphaned", "ambiguous")


def test_like_words_are_text_changed_and_others_are_not_taken():
    changed = TEXT.replace("Dues rise", "Dues will rise")
    near = item(OLD, changed, "Dues will rise in May, said Orla Venn.")
    assert carried(voted(DUES, TEXT), [near], {OLD: changed})[:2] == ("text_changed", near.item_id)
    halves = [item(OLD, TEXT, "Dues rise in May,"), item(OLD, TEXT, "said Orla Venn.")]
    assert carried(voted(DUES, TEXT), halves)[::2] == ("orphaned", "no_such_item")
    assert carried(voted(DUES, TEXT, exact=None), [near], {OLD: changed})[::2] == ("orphaned", "no_quotation")
    assert MIN_LIKENESS == 90


def test_an_orphan_says_why_and_where_its_words_stand():
    (found,) = carry([voted(DUES, TEXT)], [], {OLD: TEXT}, {})
    assert found.vote["carried"] == "orphaned" and found.vote["item_id"] == DUES.item_id
    assert found.reason.startswith("no_such_item") and (found.doc_id, found.place) == (OLD, (DUES.start, DUES.end))
    assert carried(voted(DUES, TEXT), [], {}) == ("orphaned", DUES.item_id, "document_gone")
    assert carried(voted(DUES, TEXT), [], {}, {OLD: GONE, GONE: OLD})[2] == "document_gone"
    assert carried(voted(DUES, TEXT, item_id="what"), [DUES])[::2] == ("orphaned", "unknown_item")


def test_a_stance_keeps_its_holder_and_target_and_marks_their_capture():
    about = "-author-harbour"
    stance = item(OLD, TEXT, "Dues rise in May", kind="t", about=about)
    others = [item(OLD, TEXT, "Dues rise in May", bytes_=(45, 63), kind=k, about=a) for k, a in (("t", "-author-boats"), ("c", about))]
    row = voted(stance, TEXT, layer="stance", value="against")
    assert carried(row, others)[::2] == ("orphaned", "no_such_item")
    right = item(OLD, TEXT, "Dues rise in May", bytes_=(45, 63), kind="t", about=about + ".1")
    assert carried(row, [*others, right])[:2] == ("moved", right.item_id)
    claim = item(OLD, TEXT, "Dues rise in May", kind="c")
    marked = voted(claim, TEXT, layer="claim", value='{"modality": "asserted", "spans": [[46, 62]]}')
    later = item(NEW, TEXT, "Dues rise in May", kind="c")
    assert carried(marked, [later], {NEW: TEXT}, {OLD: NEW})[::2] == ("orphaned", "other_capture")
    assert carried(voted(claim, TEXT, layer="claim", value="asserted"), [later], {NEW: TEXT}, {OLD: NEW})[:2] == ("moved", later.item_id)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["Rain. ", "Rain! ", "Nobody came to the quay at noon. ", "Fog\u0301. "]), min_size=1, max_size=8), st.data()
)
def test_every_vote_is_carried_moved_or_refused_with_a_reason(sentences, data):
    text = "".join(sentences)
    ends = [sum(map(len, sentences[: i + 1])) for i in range(len(sentences))]
    items = [
        Item(f"{OLD}-s{e - len(s)}-{e - 1}", OLD, e - len(s), e - 1, e - len(s), e - 1, s[:-1])
        for s, e in zip(sentences, ends, strict=True)
    ]
    row = voted(data.draw(st.sampled_from(items)), text)
    kept = data.draw(st.lists(st.sampled_from(items), unique=True))
    (found,) = carry([row], kept, {OLD: text}, {})
    same = [i for i in kept if hashlib.sha256(i.text.encode()).hexdigest() == row["text_sha256"]]
    if found.vote["carried"] == "orphaned":
        assert found.reason and not any(i.item_id == row["item_id"] for i in kept)
    elif found.vote["carried"] != "text_changed":
        assert found.vote["item_id"] in {i.item_id for i in same}


def test_votes_are_carried_to_tables_of_files(tmp_path):
    segment = schemas.table("segments").EXAMPLE
    document = schemas.table("documents").EXAMPLE
    for name, row in (("segments", segment), ("documents", document | {"doc_id": segment["doc_id"], "text": " " * 20 + segment["text"]})):
        pq.write_table(pa.Table.from_pylist([row], schema=schemas.table(name).SCHEMA), tmp_path / f"{name}.parquet")
    told = CASES["vote"] | {"item_id": segment["segment_id"], **quotation(segment["text"], 0, 18)}
    lost = CASES["vote"] | {"item_id": f"{GONE}-s1-2"}
    (tmp_path / "v.jsonl").write_text("\n".join(map(json.dumps, (told, lost, 7))))
    found, refused = carried_votes(tmp_path, tmp_path)
    assert sorted((c.vote["item_id"], c.vote["carried"]) for c in found) == [
        (segment["segment_id"], "unchanged"),
        (f"{GONE}-s1-2", "orphaned"),
    ]
    assert [r.reason for r in refused] == ["broken_line"]
    rows = pa.Table.from_pylist([c.vote for c in found], schema=schemas.table("annotations").SCHEMA)
    model("annotations").validate(pl.DataFrame(rows), lazy=True)
