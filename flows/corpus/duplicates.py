"""Near-duplicates: documents that carry the same text with small changes, as a wire story in two outlets.

Candidates come from MinHash with banding (Broder 1997; Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets",
ch. 3), each is then verified exactly. Linked, never removed.
"""

import re
from collections.abc import Iterator

import duckdb
from rensa import RMinHash

# Words in a row that are compared. With three, a text with every tenth word changed still shares two thirds of them.
SHINGLE = 3
# Share of shingles two documents must have in common (Jaccard). A quarter is what is left when about one word in six
# was replaced; unrelated articles on one event stay far below a tenth.
MIN_SIMILARITY = 0.25
# 64 bands of two rows find a pair at a quarter of common shingles with a probability of .98.
BANDS, ROWS = 64, 2
# A page shorter than this says too little to be called a copy of another.
MIN_SHINGLES = 20
# Scripts without spaces are compared by character.
SPACELESS = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f"
WORDS = re.compile(rf"[{SPACELESS}]|[^\W{SPACELESS}]+")
BATCH = 2_000


def near_duplicates(db: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Pairs (smaller doc_id, larger doc_id) of near-duplicates among the view `documents`, sorted."""
    db.execute("CREATE OR REPLACE TEMP TABLE bands (doc_id VARCHAR, band INTEGER, hash UBIGINT)")
    for doc_ids, texts in _batches(db):
        found = [row for doc_id, text in zip(doc_ids, texts, strict=True) for row in _bands(doc_id, text)]
        if found:
            ids, bands, hashes = (list(c) for c in zip(*found, strict=True))
            db.execute("INSERT INTO bands SELECT unnest($1::VARCHAR[]), unnest($2::INTEGER[]), unnest($3::UBIGINT[])", [ids, bands, hashes])
    # One partner, the smallest, for each document of a bucket: enough to join a cluster, and never quadratic.
    candidates = db.execute(
        """
        SELECT DISTINCT first, doc_id FROM (SELECT doc_id, MIN(doc_id) OVER (PARTITION BY band, hash) AS first FROM bands)
        WHERE first < doc_id ORDER BY ALL
        """
    ).fetchall()
    return [pair for pair in candidates if _similarity(*_texts(db, pair)) >= MIN_SIMILARITY]


def clusters(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """doc_id -> the smallest doc_id it is connected with, for every document in a pair."""
    first: dict[str, str] = {}

    def root(doc: str) -> str:
        while first.setdefault(doc, doc) != doc:
            first[doc] = first[first[doc]]
            doc = first[doc]
        return doc

    for a, b in pairs:
        low, high = sorted((root(a), root(b)))
        first[high] = low
    return {doc: root(doc) for doc in sorted(first)}


def _batches(db: duckdb.DuckDBPyConnection) -> Iterator[tuple[list[str], list[str]]]:
    cursor = db.cursor().execute("SELECT doc_id, text FROM documents WHERE text IS NOT NULL")
    while rows := cursor.fetchmany(BATCH):
        yield [r[0] for r in rows], [r[1] for r in rows]


def _texts(db: duckdb.DuckDBPyConnection, pair: tuple[str, str]) -> list[str]:
    return [text for (text,) in db.execute("SELECT text FROM documents WHERE doc_id IN ($1, $2)", list(pair)).fetchall()]


def _shingles(text: str) -> set[str]:
    words = WORDS.findall(text.casefold())
    return {" ".join(words[i : i + SHINGLE]) for i in range(len(words) - SHINGLE + 1)}


def _bands(doc_id: str, text: str) -> Iterator[tuple[str, int, int]]:
    shingles = _shingles(text)
    if len(shingles) < MIN_SHINGLES:
        return
    signature = RMinHash(num_perm=BANDS * ROWS, seed=1)
    signature.update(sorted(shingles))
    digest = signature.digest()
    for band in range(BANDS):
        low, high = digest[band * ROWS : (band + 1) * ROWS]
        yield doc_id, band, low << 32 | high


def _similarity(a: str, b: str) -> float:
    one, other = _shingles(a), _shingles(b)
    return round(len(one & other) / len(one | other), 6)
