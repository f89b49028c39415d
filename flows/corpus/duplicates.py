"""Near-duplicates: documents that carry the same text with small changes, as a wire story in two outlets.

Candidates come from MinHash with banding (Broder 1997; Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets",
ch. 3); each is then verified word by word. Whether two documents are linked depends on these two alone (in buckets of more than
NEIGHBOURS, on a chain of such links), so a cluster only ever grows as the corpus does, and it keeps its name. Linked, never
removed; no text is changed here.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

import duckdb
import numpy as np
import pyarrow as pa
from rapidfuzz.distance import Indel
from rensa import RMinHash

# Words in a row that are compared. Of texts in which three words in ten were replaced, 15 to 30 % of these runs are left
# in common (8 % where sentences were cut and added too); of unrelated articles in one language, less than 1 %.
SHINGLE = 3
# 512 bands of two rows, of which two must agree: a pair is looked at with a probability of .84 at 8 % in common, of .995
# at 12 %, and of one in ten thousand at half a per cent. With 256 bands, one copy in fifty of the benchmark is missed.
BANDS, ROWS, AGREEING = 512, 2, 2
# Share of words in common order (twice the longest common subsequence over both lengths). 40 English articles and the
# example corpus: .57 to .68 with 30 % of the words replaced, a tenth of the sentences cut and a paragraph added; .24
# where another article quotes a fifth of it (median); below .2 where they have nothing to do with each other.
MIN_IN_ORDER = 0.5
# Share of pairs of neighbouring words (Jaccard) that makes a copy whatever the order: paragraphs were moved.
MIN_NEIGHBOURS = 0.4
# A page with fewer runs of words than this says too little to be called a copy of another.
MIN_SHINGLES = 20
# Copies are told from the first so many characters, 30,000 words or so: the comparison of two books stays cheap.
COMPARED = 200_000
# Documents of a bucket are compared with the next so many in it: buckets of strangers are smaller than this, and large
# ones, of one text in many outlets, are joined as a chain. Keeps the work linear in the number of documents.
NEIGHBOURS = 16
# Scripts without spaces are compared by character.
SPACELESS = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f"
WORDS = re.compile(rf"[{SPACELESS}]|[^\W{SPACELESS}]+")
BATCH = 1_000
# Bands that are searched for meetings at a time: of a million documents, 64 million rows, which DuckDB holds in its memory.
AT_ONCE = 64

Pair = tuple[str, str]

# How often two documents are neighbours in a bucket.
MEETINGS = """
    WITH shared AS (SELECT bucket FROM {part} GROUP BY bucket HAVING COUNT(*) > 1),
    placed AS (
        SELECT doc, bucket, ROW_NUMBER() OVER (PARTITION BY bucket ORDER BY doc) AS place FROM {part} SEMI JOIN shared USING (bucket)
    )
    SELECT a.doc AS first, b.doc AS second, COUNT(*) FROM placed a
    JOIN placed b ON a.bucket = b.bucket AND b.place > a.place AND b.place <= a.place + $1
    GROUP BY a.doc, b.doc
"""


def near_duplicates(db: duckdb.DuckDBPyConnection) -> list[Pair]:
    """Pairs (smaller doc_id, larger doc_id) of near-duplicates among the view `documents` (doc_id, text), sorted."""
    db.execute(
        """
        CREATE OR REPLACE TABLE numbered AS
        SELECT (ROW_NUMBER() OVER (ORDER BY doc_id))::INTEGER AS doc, doc_id FROM documents WHERE text IS NOT NULL
        """
    )
    texts = db.cursor().execute("SELECT n.doc, LEFT(d.text, $1) FROM documents d JOIN numbered n USING (doc_id)", [COMPARED])
    candidates(db, ((doc, _shingles(text)) for doc, text in fetched(texts)), MIN_SHINGLES, BANDS, ROWS, AGREEING)
    pairs = db.cursor().execute(
        """
        SELECT a.doc_id, b.doc_id, LEFT(x.text, $1), LEFT(y.text, $1) FROM candidates c
        JOIN numbered a ON a.doc = c.first JOIN documents x ON x.doc_id = a.doc_id
        JOIN numbered b ON b.doc = c.second JOIN documents y ON y.doc_id = b.doc_id
        """,
        [COMPARED],
    )
    return sorted((a, b) for a, b, text, other in fetched(pairs) if is_copy(text, other))


def is_copy(text: str, other: str) -> bool:
    """Whether the one is the other with changes: most words in common order, or many neighbours where the order was changed."""
    one, two = _words(text), _words(other)
    if round(Indel.normalized_similarity(one, two, score_cutoff=MIN_IN_ORDER), 6) >= MIN_IN_ORDER:
        return True
    pairs, others = set(pairwise(one)), set(pairwise(two))
    return round(len(pairs & others) / max(1, len(pairs | others)), 6) >= MIN_NEIGHBOURS


def candidates(
    db: duckdb.DuckDBPyConnection, sets: Iterable[tuple[int, list[str]]], least: int, bands: int, rows: int, agreeing: int
) -> None:
    """Make the table `candidates` (first, second): pairs first < second of documents whose sets are likely to be alike.

    sets: a document's number and its sorted set of strings; smaller ones than `least` are left out; neighbours in a bucket are neighbours
    by number. A pair is taken where at least `agreeing` of `bands` bands, of `rows` MinHash values each, are equal.
    """
    parts = {f"buckets_{at}": slice(at, at + AT_ONCE) for at in range(0, bands, AT_ONCE)}
    for part in parts:
        db.execute(f"CREATE OR REPLACE TABLE {part} (doc INTEGER, bucket UBIGINT)")
    for batch in batches(pair for pair in sets if len(pair[1]) >= least):
        docs, members = zip(*batch, strict=True)
        digests = np.array(RMinHash.digests_from_token_sets(members, bands * rows, 1), dtype=np.uint64)
        keys, numbers = _buckets(digests.reshape(len(docs), bands, rows)), np.array(docs, dtype=np.int32)
        for part, of in parts.items():
            insert(db, part, pa.table({"doc": np.repeat(numbers, keys[:, of].shape[1]), "bucket": keys[:, of].ravel()}))
    db.execute("CREATE OR REPLACE TABLE meetings (first INTEGER, second INTEGER, times INTEGER)")
    for part in parts:
        db.execute(f"INSERT INTO meetings {MEETINGS.format(part=part)}", [NEIGHBOURS])
        db.execute(f"DROP TABLE {part}")
    often = "SELECT first, second FROM meetings GROUP BY first, second HAVING SUM(times) >= $1"
    db.execute(f"CREATE OR REPLACE TABLE candidates AS {often}", [agreeing])
    db.execute("DROP TABLE meetings")


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


def differences(db: duckdb.DuckDBPyConnection, one: str, other: str) -> list[tuple[str, str, str]]:
    """What only one of two documents says: (doc_id, segment_id, text) of its sentences, those of `one` first, in reading order.

    Reads the view `segments` of a release. Case, spaces and punctuation make no difference.
    """
    return db.execute(
        r"""
        WITH sentences AS (
            SELECT doc_id, segment_id, position, text, REGEXP_REPLACE(LOWER(text), '[^\p{L}\p{M}\p{N}]+', ' ', 'g') AS words
            FROM segments WHERE unit = 'sentence' AND text IS NOT NULL AND doc_id IN ($1, $2)
        )
        SELECT doc_id, segment_id, text FROM sentences s
        WHERE NOT EXISTS (FROM sentences o WHERE TRIM(o.words) = TRIM(s.words) AND o.doc_id <> s.doc_id) ORDER BY doc_id <> $1, position
        """,
        [one, other],
    ).fetchall()


def fetched(cursor: duckdb.DuckDBPyConnection) -> Iterator[tuple]:
    """The rows of a query, a bounded number in memory."""
    while rows := cursor.fetchmany(BATCH):
        yield from rows


def batches(items: Iterable[tuple]) -> Iterator[list[tuple]]:
    batch = []
    for item in items:
        batch.append(item)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def insert(db: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    db.register("arriving", rows)
    db.execute(f"INSERT INTO {table} FROM arriving")
    db.unregister("arriving")


def _buckets(digests: np.ndarray) -> np.ndarray:
    """One 64-bit key for each document and band, of digests shaped (documents, bands, rows)."""
    keys = np.arange(digests.shape[1], dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)  # the band, so that none meets another
    keys = np.broadcast_to(keys, digests.shape[:2])
    for row in range(digests.shape[2]):
        keys = (keys ^ digests[:, :, row]) * np.uint64(0xD6E8FEB86659FD93)
        keys = keys ^ (keys >> np.uint64(32))
    return keys


@lru_cache(maxsize=8)
def _words(text: str) -> Sequence[str]:
    return WORDS.findall(text.casefold())


def _shingles(text: str) -> list[str]:
    words = _words(text)
    return sorted({" ".join(words[i : i + SHINGLE]) for i in range(len(words) - SHINGLE + 1)})
