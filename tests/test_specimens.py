"""The example corpus against what its authors expect of it (`cases/specimens.json`), one capture after the other."""

import codecs
import json
import unicodedata
from pathlib import Path

import polars as pl
import pytest

from tests.corpora import SEEDS, build

CASES = json.loads((Path(__file__).parent / "cases" / "specimens.json").read_text(encoding="utf-8"))
FACTS = ("title", "authors", "date_published", "date_modified", "language", "encoding")


def composed(text: str) -> str:
    """Names with combining marks come out in NFC."""
    return unicodedata.normalize("NFC", text)


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> dict[str, pl.DataFrame]:
    out = tmp_path_factory.mktemp("specimens")
    assert build(SEEDS, out) == 0
    return {path.name: pl.read_parquet(path / "*.parquet") for path in out.glob("*/*/data/*")}


@pytest.fixture
def document(tables, case) -> dict:
    capture = tables["captures"].row(by_predicate=pl.col("path") == case["path"], named=True)
    return tables["documents"].row(by_predicate=pl.col("doc_id") == capture["doc_id"], named=True)


def cases(kind: str = "document"):
    return pytest.mark.parametrize("case", [c for c in CASES if c["outcome"] == kind], ids=lambda c: c["path"])


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["path"])
def test_outcome(tables, case):
    capture = tables["captures"].row(by_predicate=pl.col("path") == case["path"], named=True)
    assert capture["outcome"] == case["outcome"]
    if case["outcome"] == "rejected":
        (row,) = tables["rejections"].filter(capture_id=capture["capture_id"]).iter_rows(named=True)
        assert row["reason"] == case["reason"]


def known(name: str, fact: str, case: dict):
    """Expected failures are named in the case, and strict: a mended one has to be taken off the list."""
    marks = [pytest.mark.xfail(strict=True, reason=f"known failure: {fact}")] if fact in case.get("fails", ()) else []
    return pytest.param(case, fact, marks=marks, id=f"{name}-{fact}")


@pytest.mark.parametrize("case,fact", [known(c["path"], f, c) for c in CASES if c["outcome"] == "document" for f in FACTS if f in c])
def test_fact(document, case, fact):
    found, expected = document[fact], case[fact]
    if fact == "encoding":
        found, expected = codecs.lookup(found).name, codecs.lookup(expected).name
    if isinstance(expected, str) and fact.startswith("date"):
        found = (found or "")[: len(expected)]
    assert found == (composed(expected) if isinstance(expected, str) else expected)


@pytest.mark.parametrize("case,fact", [known(c["path"], "kept", c) for c in CASES if c["outcome"] == "document"])
def test_kept(document, case, fact):
    assert [words for words in case["kept"] if composed(words) not in composed(document["text"])] == []


@pytest.mark.parametrize("case,fact", [known(c["path"], "removed", c) for c in CASES if c["outcome"] == "document"])
def test_removed(document, case, fact):
    lines = {line.strip() for line in composed(document["text"]).split("\n")}
    assert [line for line in case["removed"] if composed(line.strip()) in lines] == []


@pytest.mark.parametrize("case,fact", [known(c["path"], "units", c) for c in CASES if c.get("units")])
def test_units(tables, document, case, fact):
    blocks = tables["segments"].filter((pl.col("doc_id") == document["doc_id"]) & pl.col("parent_id").is_null())
    found = {(unit, start) for unit, starts in case["units"].items() for start in starts
             if any(text.startswith(composed(start)) for text in blocks.filter(unit=unit)["text"])}  # fmt: skip
    assert {(unit, start) for unit, starts in case["units"].items() for start in starts} - found == set()


@pytest.mark.parametrize("case", [c for c in CASES if c.get("near_duplicate_of") or c.get("supersedes")], ids=lambda c: c["path"])
def test_links(tables, document, case):
    ids = dict(tables["captures"].select("path", "doc_id").iter_rows())
    if other := case.get("near_duplicate_of"):
        clusters = dict(tables["documents"].select("doc_id", "duplicate_cluster").iter_rows())
        assert clusters[document["doc_id"]] == clusters[ids[other]] is not None
    if other := case.get("supersedes"):
        assert document["supersedes"] == ids[other]
