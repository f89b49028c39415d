"""Near-duplicates: documents that carry the same text with small changes, as a wire story in two outlets.

Candidates come from the keys of `stages/fingerprint.py`; each is then verified word by word. Whether two documents are linked
depends on these two alone (in buckets of more than NEIGHBOURS, on a chain of such links), so a cluster only ever grows as the corpus
does, and it keeps its name. Linked, never removed; no text is changed here.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryFile

import duckdb
import numpy as np
import pyarrow as pa
from rapidfuzz.distance import Indel

from flows.stages.fingerprint import BANDS, COMPARED, KEY, words

# Bands that agree before a pair is looked at: see BANDS.
AGREEING = 2
# Share of words in common order (twice the longest common subsequence over both lengths). 40 English articles and the
# example corpus: .57 to .68 with 30 % of the words replaced, a tenth of the sentences cut and a paragraph added; .24
# where another article quotes a fifth of it (median); below .2 where they have nothing to do with each other.
MIN_IN_ORDER = 0.5
# Share of pairs of neighbouring words (Jaccard) that makes a copy whatever the order: paragraphs were moved.
MIN_NEIGHBOURS = 0.4
# Documents of a bucket are compared with the next so many in it: buckets of strangers are smaller than this, and large
# ones, of one text in many outlets, are joined as a chain. Keeps the work linear in the number of documents.
NEIGHBOURS = 16
BATCH = 1_000
# Keys laid out at a time, by document: some 20 MB. Meetings written at a time: some 10 MB.
LAID_OUT, MEETINGS = 10_000, 1_000_000
# A key and a document's number behind it in 64 bits differ by less where the keys are the same.
SAME = np.uint64(1 << 32)

Pair = tuple[str, str]


def near_duplicates(db: duckdb.DuckDBPyConnection, spill: Path) -> list[Pair]:
    """Pairs (smaller doc_id, larger doc_id) of near-duplicates among the view `documents` (doc_id, text), sorted.

    Reads the view `fingerprints` (doc_id, copies). spill: a folder for what does not fit into memory.
    """
    db.execute(
        """
        CREATE OR REPLACE TABLE numbered AS
        SELECT (ROW_NUMBER() OVER (ORDER BY doc_id) - 1)::INTEGER AS doc, doc_id FROM documents WHERE text IS NOT NULL
        """
    )
    keys = "SELECT n.doc, f.copies AS keys FROM fingerprints f JOIN numbered n USING (doc_id) WHERE f.copies IS NOT NULL"
    with as_written(db):
        candidates(db, keys, BANDS, AGREEING, spill)
        return sorted((a, b) for a, b, text, other in compared(db, "documents", f"LEFT(text, {COMPARED})") if is_copy(text, other))


def is_copy(text: str, other: str) -> bool:
    """Whether the one is the other with changes: most words in common order, or many neighbours where the order was changed."""
    one, two = words(text), words(other)
    if round(Indel.normalized_similarity(one, two, score_cutoff=MIN_IN_ORDER), 6) >= MIN_IN_ORDER:
        return True
    pairs, others = set(pairwise(one)), set(pairwise(two))
    return round(len(pairs & others) / max(1, len(pairs | others)), 6) >= MIN_NEIGHBOURS


def candidates(
    db: duckdb.DuckDBPyConnection, keys: str, bands: int, agreeing: int, spill: Path, days: np.ndarray | None = None, window: int = 0
) -> None:
    """Make the table `candidates` (first, second): pairs first < second of documents at least `agreeing` of whose keys are equal.

    keys: SQL for (doc, keys), a document's number from 0 and its `bands` keys. Documents that share a key are a bucket, in which
    neighbours by number are paired. days: by number, in ascending order; only documents with at most `window` days between them are paired.
    """
    db.execute("CREATE OR REPLACE TABLE meetings (first UINTEGER, second UINTEGER)")
    with TemporaryFile(dir=spill) as file:
        docs, waiting = _laid_out(db, keys, bands, file.fileno()), []
        for band in range(bands):
            met = _neighbours(np.fromfile(file, KEY, len(docs)), docs)
            waiting.append(met if days is None else met[:, days[met[1]] - days[met[0]] <= window])
            if sum(met.shape[1] for met in waiting) > MEETINGS or band == bands - 1:
                first, second = np.concatenate(waiting, axis=1)
                insert(db, "meetings", pa.table({"first": first, "second": second}))
                waiting = []
    often = "SELECT first, second FROM meetings GROUP BY first, second HAVING COUNT(*) >= $1"
    db.execute(f"CREATE OR REPLACE TABLE candidates AS {often}", [agreeing])
    db.execute("DROP TABLE meetings")


def compared(db: duckdb.DuckDBPyConnection, source: str, what: str) -> Iterator[tuple]:
    """(doc_id, doc_id, what, what) of all `candidates`, those of one first document together. what: SQL for a column of `source`."""
    db.execute(
        f"""
        CREATE OR REPLACE TABLE told AS SELECT n.doc, n.doc_id, {what} AS what FROM {source} s JOIN (
            FROM numbered SEMI JOIN (SELECT first AS doc FROM candidates UNION SELECT second FROM candidates) USING (doc)
        ) n USING (doc_id)
        """
    )
    pairs = """
        SELECT a.doc_id, b.doc_id, a.what, b.what FROM (FROM candidates ORDER BY first, second) c
        JOIN told a ON a.doc = c.first JOIN told b ON b.doc = c.second
    """
    yield from fetched(db.cursor().execute(pairs))


@contextmanager
def as_written(db: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Joins hold their right side in memory while the left, with its keys or words, streams past. DuckDB by itself holds the side with
    fewer rows, however long they are."""
    db.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
    yield
    db.execute("RESET disabled_optimizers")


def _laid_out(db: duckdb.DuckDBPyConnection, keys: str, bands: int, file: int) -> np.ndarray:
    """Write the keys into a file, band after band, and return the numbers of the documents in the order in which they stand there."""
    found = db.execute(f"SELECT COUNT(*) FROM ({keys})").fetchone()
    n, at = found[0] if found else 0, 0
    docs = np.empty(n, np.uint32)
    for batch in db.sql(keys).to_arrow_reader(LAID_OUT):
        docs[at : at + len(batch)] = batch["doc"].to_numpy()
        by_band = np.frombuffer(b"".join(batch["keys"].to_pylist()), KEY).reshape(-1, bands).T
        for band, row in enumerate(np.ascontiguousarray(by_band)):
            os.pwrite(file, row, (band * n + at) * KEY.itemsize)
        at += len(batch)
    return docs


def _neighbours(keys: np.ndarray, docs: np.ndarray) -> np.ndarray:
    """Pairs, (2, n), of documents that share a key and of which the second is among the next NEIGHBOURS that do."""
    placed = np.sort(keys.astype(np.uint64) << np.uint64(32) | docs)
    first, found = np.flatnonzero(placed[:-1] ^ placed[1:] < SAME), [np.empty((2, 0), np.uint32)]
    for step in range(1, NEIGHBOURS + 1):
        found.append(np.stack([placed[first], placed[first + step]]).astype(np.uint32))
        first = first[first + step + 1 < len(placed)]
        first = first[placed[first] ^ placed[first + step + 1] < SAME]
    return np.concatenate(found, axis=1)


def clusters(pairs: Iterable[Pair], standing: Mapping[str, str | None] | None = None) -> dict[str, str]:
    """doc_id -> the name of its cluster, for every document in a pair; clusters are what the pairs connect.

    A cluster is named after one of its documents: that which named it in the last release, or else one that stood in that
    release, or else any; where several qualify, the smallest doc_id. `standing` has the cluster of each document of the last
    release, None for one that was alone.
    """
    standing = standing or {}
    held = set(standing.values())
    first: dict[str, str] = {}

    def root(doc: str) -> str:
        while first.setdefault(doc, doc) != doc:
            first[doc] = first[first[doc]]
            doc = first[doc]
        return doc

    for pair in pairs:
        low, high = sorted(map(root, pair), key=lambda doc: (doc not in held, doc not in standing, doc))
        first[high] = low
    return {doc: root(doc) for doc in sorted(first)}


def fetched(cursor: duckdb.DuckDBPyConnection) -> Iterator[tuple]:
    """The rows of a query, a bounded number in memory."""
    while rows := cursor.fetchmany(BATCH):
        yield from rows


def insert(db: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    db.register("arriving", rows)
    db.execute(f"INSERT INTO {table} FROM arriving")
    db.unregister("arriving")
