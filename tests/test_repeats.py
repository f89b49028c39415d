"""Lines that repeat on an outlet's pages, and the rules proposed for them."""

import csv
import hashlib
import io
import re
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import schemas
from flows.corpus.repeats import PAGES, Proposal, proposals, rule
from flows.readers.folder import open_corpus
from tests.corpora import build, corpus

DOCUMENTS = [("a", "Gazette"), ("b", "Gazette"), ("c", "Gazette"), ("d", "Gazette"), ("x", "Courier"), ("y", None)]


def written(folder: Path, name: str, rows: list[dict]) -> None:
    """A table of a release, null where nothing is told."""
    schema = pa.schema([field.with_nullable(True) for field in schemas.table(name).SCHEMA])
    (folder / "data" / name).mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / "data" / name / "train-00000-of-00001.parquet")


def release(folder: Path, kept: list[tuple[str, str]], removed: list[tuple[str, str]], documents: list[dict] | None = None) -> Path:
    written(folder, "documents", documents or [{"doc_id": d, "outlet": o} for d, o in DOCUMENTS])
    written(folder, "segments", [{"doc_id": d, "text": text} for d, text in kept])
    written(folder, "edits", [{"doc_id": d, "kind": "removed", "before": text} for d, text in removed])
    return folder


def test_lines_on_three_articles_of_an_outlet_are_proposed(tmp_path):
    kept = [(d, "Read 12 comments") for d in "ab"] + [(d, "A sentence about ferries.") for d in "ab"] + [("c", "Unlike anything.")]
    removed = [("c", "Menu\r\n\r\n Read 7 comments \n"), ("a", "Menu\n"), ("b", "\nMenu"), ("y", "Menu"), ("x", "Menu"), ("d", "— 12 —\n")]
    assert proposals(release(tmp_path, kept, removed)) == [
        Proposal("Gazette", r"Read \d+ comments", "Read 12 comments", 3, 2),
        Proposal("Gazette", "Menu", "Menu", 3, 0),
    ]


def test_saves_and_copies_of_one_article_are_one(tmp_path):
    same = [{"duplicate_cluster": "a"}, {"duplicate_cluster": "a"}, {"story_cluster": "a"}, {"url": "u"}, {"url": "u"}]
    documents = [{"doc_id": d, "outlet": "Gazette"} | more for d, more in zip("abcde", same, strict=True)]
    kept = [(d, "A sentence about ferries.") for d in "abcde"]
    assert proposals(release(tmp_path / "1", kept, [], documents)) == []
    assert [p.pages for p in proposals(release(tmp_path / "2", kept, [], [*documents[:4], {"doc_id": "e", "outlet": "Gazette"}]))] == [5]


def test_long_lines_and_what_could_not_be_read_propose_nothing(tmp_path):
    kept = [(d, text) for d in "abc" for text in ("ferry " * 80, "Lin\ufffde", "2024", "")]
    assert proposals(release(tmp_path, kept, [])) == []
    assert proposals(tmp_path / "nothing here") == []


def test_a_proposal_can_be_put_into_outlets_csv_as_it_is(tmp_path):
    lines = ['Share: "now"; or later?', "Follow us;; today", "; (c) 2024 The Gazette*", "Weather: 12\u00b0C, 7 m/s;"]
    (tmp_path / "captures").mkdir()
    with open(tmp_path / "outlets.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("outlet", "remove"), ("gazette", ";;".join(rule(line) for line in lines))])
    rules = open_corpus(tmp_path).outlets["gazette"].remove
    assert [re.fullmatch(r, line) is not None for r, line in zip(rules, lines, strict=True)] == [True] * 4
    assert re.fullmatch(rules[3], lines[3].replace("12", "-3")) is None and re.fullmatch(rules[3], lines[3].replace("12", "103"))


@given(st.text(min_size=1, max_size=80).map(str.strip).filter(lambda line: line and not re.search(r"[\r\n]", line)))
def test_a_rule_matches_its_line_and_survives_the_csv(line):
    written, file = rule(line), io.StringIO(newline="")
    assert re.fullmatch(written, line) and ";;" not in f"x{written}x"
    csv.writer(file).writerow(["gazette", written])
    file.seek(0)
    assert next(csv.reader(file))[1] == written


@pytest.mark.parametrize("order", [1, -1])
def test_pages_are_counted_by_outlet(order):
    rows = [("a", "Menu"), ("a", "Menu"), ("b", "Menu"), ("x", "Menu"), ("y", "Menu"), ("b", "Home")][::order]
    with duckdb.connect() as db:
        db.execute("CREATE TABLE shard_documents (doc_id VARCHAR, outlet VARCHAR)")
        db.execute("CREATE TABLE shard_segments (doc_id VARCHAR, text_sha256 VARCHAR)")
        db.executemany("INSERT INTO shard_documents VALUES (?, ?)", DOCUMENTS[::order])
        db.executemany("INSERT INTO shard_segments VALUES (?, ?)", [(d, hashlib.sha256(t.encode()).hexdigest()) for d, t in rows])
        found = db.execute(PAGES).fetchall()
    menu, home = (hashlib.sha256(t.encode()).hexdigest() for t in ("Menu", "Home"))
    assert sorted(found) == sorted([("Gazette", menu, 2), ("Gazette", home, 1), ("Courier", menu, 1)])


def test_a_build_counts_them(tmp_path):
    corpus(tmp_path / "c" / "captures", 3)
    (tmp_path / "c" / "captures.csv").write_text("path,outlet\n00.txt,g\n01.txt,g\n02.txt,\n", encoding="utf-8")
    (tmp_path / "c" / "outlets.csv").write_text("outlet,name\ng,Gazette\n", encoding="utf-8")
    assert build(tmp_path / "c", tmp_path / "dist") == 0
    data = tmp_path / "dist" / "c" / "1.0.0" / "data"
    segments = pl.read_parquet(data / "segments" / "*.parquet").join(pl.read_parquet(data / "documents" / "*.parquet"), on="doc_id")
    counted = segments.filter(pl.col("text").str.starts_with("Two companies")).select("outlet", "n_outlet_pages").unique()
    assert sorted(counted.rows(), key=str) == [("Gazette", 2), (None, None)]
