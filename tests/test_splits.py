"""Splits: what belongs together is never parted, and what was assigned once stands."""

import hashlib
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import duckdb
import polars as pl

from flows.corpus.splits import NO_DAY, NO_OUTLET, assign
from tests.corpora import build, corpus


class Document(NamedTuple):
    doc_id: str
    group: str | None = None
    outlet: str | None = None
    date_published: str | None = None


def schemes_of(documents: list[Document], previous: dict[str, dict[str, str]]) -> dict[str, list[dict]]:
    """The rows of every scheme by doc_id; previous: by scheme, the split of each document of the last release."""
    with duckdb.connect() as db:
        db.execute('CREATE TABLE grouped (doc_id VARCHAR, "group" VARCHAR, outlet VARCHAR, date_published VARCHAR)')
        db.execute("CREATE TABLE standing (scheme VARCHAR, doc_id VARCHAR, split VARCHAR)")
        db.executemany("INSERT INTO grouped VALUES (?, ?, ?, ?)", documents)
        if standing := [(scheme, *row) for scheme, splits in previous.items() for row in splits.items()]:
            db.executemany("INSERT INTO standing VALUES (?, ?, ?)", standing)
        rows = db.execute(f"FROM ({assign(db)}) ORDER BY scheme, doc_id").to_arrow_table().to_pylist()
    return {scheme: list(found) for scheme, found in groupby(rows, itemgetter("scheme"))}


def assigned(scheme: str, documents: list[Document], previous: dict[str, str] | None = None) -> dict[str, dict]:
    return {row["doc_id"]: row for row in schemes_of(documents, {scheme: previous or {}})[scheme]}


def sides(rows: dict[str, dict]) -> dict[str, str]:
    return {doc_id: row["split"] for doc_id, row in rows.items()}


def grouped(**groups: str) -> list[Document]:
    return [Document(doc_id, group) for doc_id, group in groups.items()]


def test_a_group_is_never_parted_and_the_order_does_not_matter():
    documents = [Document(f"{n:020x}", f"{n - n % 3:020x}", f"outlet {n % 17}", f"2025-0{1 + n % 9}-1{n % 7}") for n in range(400)]
    schemes = schemes_of(documents, {})
    assert schemes == schemes_of(documents[::-1], {}) and len(schemes) == 4
    for rows in schemes.values():
        by_group: dict[str, set[str]] = {}
        for row in rows:
            by_group.setdefault(row["group_id"], set()).add(row["split"])
        assert all(len(splits) == 1 for splits in by_group.values())
        share = sum(r["split"] == "validation" for r in rows) / len(rows)
        assert 0.03 < share < 0.2 and {r["split"] for r in rows} == {"train", "validation"}
        again = schemes_of(documents, {rows[0]["scheme"]: {r["doc_id"]: r["split"] for r in rows}})[rows[0]["scheme"]]
        assert again == rows


def test_an_assignment_stands_and_a_newcomer_that_joins_two_sides_is_excluded():
    rows = assigned("story", grouped(a="a", b="a", c="a", d="d"), {"a": "train", "b": "validation"})
    assert rows["a"]["split"] == "train" and rows["b"]["split"] == "validation"
    assert rows["c"]["split"] == "excluded" and rows["c"]["reason"] == "joins documents of train and validation"
    again = assigned("story", grouped(b="b", c="b"), {"b": "validation", "c": "excluded"})
    assert again["c"]["split"] == "excluded" and again["c"]["reason"] == "excluded in an earlier release"


def test_a_newcomer_follows_the_group_it_joins():
    assert sides(assigned("story", grouped(a="a", n="a"), {"a": "validation"}))["n"] == "validation"


def test_the_latest_days_are_validation_and_the_day_between_stands():
    first = [Document(f"d{n:02}", None, None, f"2025-01-{n + 1:02}") for n in range(20)] + [
        Document("x", None, None, "2025-01"),
        Document("y"),
    ]
    found = assigned("time", first)
    assert [doc for doc, side in sides(found).items() if side == "validation"] == ["d18", "d19"]
    assert found["x"]["split"] == found["y"]["split"] == "excluded" and found["x"]["reason"] == NO_DAY
    later = [
        Document("p", None, None, "2025-01-18"),
        Document("q", None, None, "2025-01-19T08:00"),
        Document("r", None, None, "2025-03-01"),
    ]
    again = sides(assigned("time", [*first[:-1], Document("y", None, None, "2024-12-31"), *later], sides(found)))
    assert [again[d] for d in ("p", "q", "r", "x", "y")] == ["train", "validation", "validation", "excluded", "train"]
    assert {d: again[d] for d in sides(found) if d not in "xy"} == {d: s for d, s in sides(found).items() if d not in "xy"}


def test_one_day_alone_is_training_and_the_next_is_validation():
    first = [Document(f"d{n}", None, None, "2025-01-01") for n in range(20)]
    assert set(sides(assigned("time", first)).values()) == {"train"}
    again = sides(assigned("time", [*first, Document("n", None, None, "2025-01-02")], sides(assigned("time", first))))
    assert again["n"] == "validation" and again["d0"] == "train"


def test_outlets_are_held_out_whole():
    documents = [Document(f"{n:03}", None, f"outlet {n % 12}") for n in range(120)] + [Document("x")]
    found = assigned("outlet", documents)
    assert {found[f"{n:03}"]["split"] for n in range(120) if found[f"{n:03}"]["split"] == "validation"} == {"validation"}
    by_outlet = {n % 12: found[f"{n:03}"]["split"] for n in range(120)}
    assert all(found[f"{n:03}"]["split"] == by_outlet[n % 12] for n in range(120)) and list(by_outlet.values()).count("validation") in (
        1,
        2,
    )
    assert (found["x"]["split"], found["x"]["reason"]) == ("excluded", NO_OUTLET)
    held = next(n for n, side in by_outlet.items() if side == "validation")
    again = sides(assigned("outlet", [*documents, Document("y", None, f"outlet {held}"), Document("z", None, "a new one")], sides(found)))
    assert again["y"] == "validation" and again["z"] == "train"


def test_what_was_linked_and_assigned_in_one_release_stands_in_the_next(tmp_path):
    corpus(tmp_path / "c", 6)
    text = (tmp_path / "c" / "00.txt").read_text(encoding="utf-8")
    (tmp_path / "c" / "copy.txt").write_text(text.replace("eleven million", "twelve million"), encoding="utf-8")
    assert build(tmp_path / "c", tmp_path / "dist") == 0
    first, second = (tmp_path / "dist" / "c" / version for version in ("1.0.0", "1.1.0"))
    before = pl.read_parquet(first / "data" / "documents" / "*.parquet")
    (name,) = before["duplicate_cluster"].drop_nulls().unique()
    n = next(n for n in range(1000) if hashlib.sha256(f"{text}\n\nNumber {n} in the series.\n".encode()).hexdigest() < name)
    (tmp_path / "c" / "another copy.txt").write_text(f"{text}\n\nNumber {n} in the series.\n", encoding="utf-8")
    assert build(tmp_path / "c", tmp_path / "dist") == 0
    found = pl.read_parquet(second / "data" / "documents" / "*.parquet")
    assert found.filter(pl.col("doc_id").is_in(before["doc_id"].implode())).equals(before)
    (new,) = found.filter(~pl.col("doc_id").is_in(before["doc_id"].implode())).iter_rows(named=True)
    assert new["doc_id"] < name and new["duplicate_of"] == new["duplicate_cluster"] == new["story_cluster"] == name
    splits, old = (pl.read_parquet(r / "data" / "splits" / "*.parquet") for r in (second, first))
    assert (
        splits.filter(pl.col("doc_id") != new["doc_id"]).select("scheme", "doc_id", "split").equals(old.select("scheme", "doc_id", "split"))
    )
    assert splits.filter(scheme="story", group_id=splits.filter(scheme="story", doc_id=name)["group_id"][0])["split"].n_unique() == 1
