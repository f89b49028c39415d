"""The changes between two releases: their reasons, and that the old release with them is the new one."""

import json
from copy import deepcopy
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import schemas
from flows.release.changes import changes, replay, summary
from flows.release.compare import compare
from flows.release.public import is_long
from tests import tiny

MADE = tiny.rows()
RESAVED = {path: known for path, known in tiny.CAPTURES.items() if "copy" not in path} | {
    "a/ferry.txt": (b"Saved again.\n", tiny.CAPTURES["a/ferry.txt"][1])
}
FERRY = next(d["doc_id"] for d in MADE["documents"] if d["title"] == "Ferry Talks Resume")


def edited(table: str, row: int, **values) -> dict:
    made = deepcopy(MADE)
    made[table][row].update(values)
    return made


def withdrawn(tables: dict, doc_id: str) -> dict:
    made = {
        name: [r for r in rows if doc_id not in (r.get("doc_id"), (r.get("item_id") or "")[:20]) or name == "captures"]
        for name, rows in deepcopy(tables).items()
    }
    for capture in (c for c in made["captures"] if c["doc_id"] == doc_id):
        capture |= {"outcome": "rejected", "doc_id": None}
        row = dict.fromkeys(schemas.table("rejections").SCHEMA.names)
        key = capture["capture_id"]
        made["rejections"].append(row | {"capture_id": key, "table": "captures", "row_id": key, "stage": "read", "reason": "withdrawn"})
    return made


STORY = {
    "nothing": (MADE, {}, set()),
    "a new capture": (
        tiny.rows(tiny.CAPTURES | {"c/new.txt": (b"A new pier\n", "utf-8")}), {"captures": "2" * 64}, {("added", "corpus changed")},
    ),
    "a better rule": (edited("segments", 0, unit="note"), {"code": "0.2.0"}, {("changed", "code changed")}),
    "an outlet named": (
        edited("documents", 0, outlet="Tiny"), {"configuration": "2" * 64}, {("changed", "configuration changed")},
    ),
    "both": (edited("documents", 0, title=None), {"code": "2", "configuration": "2"}, {("changed", "code and configuration changed")}),
    "a licence": (edited("documents", 1, license="CC0-1.0"), {"configuration": "2"}, {("changed", "rights changed")}),
    "a twin elsewhere": (edited("documents", 1, story_cluster=FERRY), {}, {("changed", "corpus changed")}),
    "another split": (edited("splits", 1, split="validation"), {}, {("moved", "corpus changed")}),
    "a page saved again": (tiny.rows(RESAVED), {}, {("added", "capture changed"), ("removed", "capture changed")}),
    "a withdrawal": (withdrawn(MADE, FERRY), {}, {("removed", "withdrawn"), ("changed", "withdrawn"), ("added", "withdrawn")}),
}  # fmt: skip


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    return tiny.release(tmp_path_factory.mktemp("old") / "dist", MADE)


def listed(old, new) -> list[dict]:
    return list(changes(old, new, *(json.loads((r / "build.json").read_text()) for r in (old, new))))


@pytest.mark.parametrize("name", STORY)
def test_every_change_has_its_reason_and_the_old_release_with_them_is_the_new_one(old, tmp_path, name):
    made, build, reasons = STORY[name]
    new = tiny.release(tmp_path / "dist", made, old, build) if reasons else old
    told = listed(old, new)
    assert {(c["what"], c["reason"]) for c in told} == reasons
    for table in tiny.TABLES:
        rows = [pq.read_table(next((r / "data" / table).glob("*"))).to_pylist() for r in (old, new)]
        order = schemas.table(table).KEY
        key = lambda row, order=order: json.dumps([row[c] for c in order])  # noqa: E731
        assert sorted(replay(rows[0], table, told), key=key) == sorted(rows[1], key=key)


def test_a_release_carries_its_changes_for_programs_and_for_people(old, tmp_path):
    made, build, _ = STORY["a better rule"]
    new = tiny.release(tmp_path / "dist", made, old, build)
    told = [json.loads(line) for line in (new / "changes.jsonl").read_text("utf-8").splitlines()]
    assert told == listed(old, new)
    segment = MADE["segments"][0]["segment_id"]
    old_unit = MADE["segments"][0]["unit"]
    assert told == [
        {"table": "segments", "id": [segment], "what": "changed", "field": "unit", "old": old_unit, "new": "note", "reason": "code changed"}
    ]
    assert (new / "CHANGES.md").read_text() == (
        f"# 2.0.0\n\nAgainst 1.0.0:\n\n## segments\n\n- changed `unit`: 1, code changed (`{segment}`)\n"
    )
    assert not (old / "changes.jsonl").exists()


def test_a_page_saved_again_is_known_by_its_address_where_its_path_is_withheld(tmp_path):
    versions = []
    for captures in (tiny.CAPTURES, RESAVED):
        made = tiny.rows(captures)
        for capture in made["captures"]:
            ferry = capture["path"] == "a/ferry.txt"
            capture |= {"path": None, "url": "https://tiny.example/ferry" if ferry else None}
        versions.append(tiny.release(tmp_path / "dist", made, versions[-1] if versions else None))
    told = {(c["what"], c["reason"]) for c in listed(*versions) if c["table"] == "documents"}
    assert told == {("added", "capture changed"), ("removed", "capture changed")}


def test_words_once_published_are_told_by_their_hash(old, tmp_path):
    made = edited("documents", 0, text=None, text_availability="withheld", text_sha256=None)
    told = {c["field"]: c for c in listed(old, tiny.release(tmp_path / "dist", made, old))}
    assert told["text"].keys() == {"table", "id", "what", "field", "old_sha256", "new", "reason"}
    assert told["text"]["reason"] == told["text_availability"]["reason"] == "rights changed"


def test_a_hash_that_would_tell_a_few_words_is_not_told_once_they_are_withheld(old, tmp_path):
    at, long = (next(i for i, s in enumerate(MADE["segments"]) if is_long(s["text"]) is wanted) for wanted in (False, True))
    made = edited("segments", at, text=None, text_sha256=None)
    made["segments"][long] |= {"text": None}
    told = {(c["id"][0], c["field"]): c for c in listed(old, tiny.release(tmp_path / "dist", made, old))}
    few, many = (MADE["segments"][i]["segment_id"] for i in (at, long))
    assert told[few, "text"]["old_sha256"] is told[few, "text_sha256"]["old_sha256"] is None
    assert "old" not in told[few, "text"] | told[few, "text_sha256"] and len(told[many, "text"]["old_sha256"]) == 64


def test_a_column_that_comes_is_told_with_its_values(old, tmp_path):
    new = tiny.tables(tmp_path, MADE)
    captures = pq.read_table(new / "captures.parquet")
    notes = pa.array(["seen", *[None] * (len(captures) - 1)])
    pq.write_table(captures.append_column("note", notes).drop_columns(["archive_url"]), new / "captures.parquet")
    told = list(changes(old, new, {}, {"code": "new"}))
    assert [(c["what"], c["field"], c.get("new")) for c in told] == [
        ("column_removed", "archive_url", None), ("column_added", "note", None), ("added", "note", "seen"),
    ]  # fmt: skip
    rows = replay(pq.read_table(next((old / "data" / "captures").glob("*"))).to_pylist(), "captures", told)
    assert rows == pq.read_table(new / "captures.parquet").to_pylist()
    assert summary("1.1.0", "1.0.0", told).splitlines()[4:8] == [
        "## captures", "", "- column removed: `archive_url` (code changed)", "- column added: `note` (code changed)",
    ]  # fmt: skip


def test_the_story_of_a_dataset(tmp_path, monkeypatch):
    """A capture comes, a rule is repaired, a column comes, nothing changes, a document is withdrawn: each as somebody reads it."""
    dist, code = tmp_path / "dist", {"code": "0.2.0"}
    first = tiny.release(dist, MADE)

    more = tiny.rows(tiny.CAPTURES | {"c/new.txt": (b"A new pier\n\nIt opened.\n", "utf-8")})
    pier = next(d["doc_id"] for d in more["documents"] if d["doc_id"] not in {d["doc_id"] for d in MADE["documents"]})
    second = tiny.release(dist, more, first, {"captures": "2" * 64})
    assert told_and_replayed(first, second, "1.1.0", {"corpus changed"}) == {"added"}
    assert f"## documents\n\n- added: 1, corpus changed (`{pier}`)" in (second / "CHANGES.md").read_text("utf-8")

    better = deepcopy(more)
    damaged = [s["segment_id"] for s in better["segments"] if s["unit"] == "sentence"][:2]
    for segment in (s for s in better["segments"] if s["segment_id"] in damaged):
        segment["defects"] = ["truncated"]
    third = tiny.release(dist, better, second, {"captures": "2" * 64, **code})
    assert told_and_replayed(second, third, "2.0.0", {"code changed"}) == {"changed"}
    of_records = [json.loads(line) for line in (third / "changes.jsonl").open(encoding="utf-8")]
    found = sorted((c["id"][0], c["field"], c["old"], c["new"]) for c in of_records)
    assert found == [(d, "defects", [], ["truncated"]) for d in sorted(damaged)]
    assert "## segments\n\n- changed `defects`: 2, code changed (" in (third / "CHANGES.md").read_text("utf-8")

    documents = schemas.table("documents")
    section = schemas.column("section", schemas.TEXT, "Where it stood.", nullable=True)
    monkeypatch.setattr(documents, "SCHEMA", documents.SCHEMA.append(section))
    wider = deepcopy(better)
    for row in wider["documents"]:
        row["section"] = "ports" if row["doc_id"] == pier else None
    fourth = tiny.release(dist, wider, third, {"captures": "2" * 64, "code": "0.3.0"})
    assert told_and_replayed(third, fourth, "2.1.0", {"code changed"}) == {"column_added", "added"}
    assert "- column added: `section` (code changed)\n- added column `section`: 1" in (fourth / "CHANGES.md").read_text("utf-8")

    assert compare(fourth, tiny.tables(tmp_path / "again", wider)).version is None

    fifth = tiny.release(dist, withdrawn(wider, pier), fourth, {"captures": "2" * 64, "code": "0.3.0"})
    assert told_and_replayed(fourth, fifth, "3.0.0", {"withdrawn"}) == {"removed", "changed", "added"}
    assert f"- removed: 1, withdrawn (`{pier}`)" in (fifth / "CHANGES.md").read_text("utf-8")
    assert [r["reason"] for r in rows_of(fifth, "rejections") if r["capture_id"][:20] == pier] == ["withdrawn"]


def ordered(rows: list[dict], table: str) -> list[dict]:
    return sorted(rows, key=lambda row: json.dumps([row[c] for c in schemas.table(table).KEY]))


def told_and_replayed(old: Path, new: Path, version: str, reasons: set[str]) -> set[str]:
    """What kinds of change there are in a release whose version, reasons and files agree: its changes.jsonl over the old rows gives the
    new."""
    told = [json.loads(line) for line in (new / "changes.jsonl").open(encoding="utf-8")]
    assert new.name == version and {c["reason"] for c in told} == reasons
    assert (new / "CHANGES.md").read_text("utf-8").startswith(f"# {version}\n\nAgainst {old.name}:\n")
    for table in tiny.TABLES:
        assert ordered(replay(rows_of(old, table), table, told), table) == ordered(rows_of(new, table), table), table
    return {c["what"] for c in told}


def rows_of(release: Path, table: str) -> list[dict]:
    return [row for path in sorted((release / "data" / table).glob("*")) for row in pq.read_table(path).to_pylist()]
