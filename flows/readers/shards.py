"""Shards: the captures of a corpus, packed by bytes into folders that one task can take through the line.

A shard is all captures whose hashes begin alike, in as many bits as it takes to bring it down to SHARD_BYTES. So a new capture changes
one shard, or splits it, and no worker count, order or path changes any.
"""

import hashlib
import json
from glob import escape
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from flows.drafts import Capture
from flows.parquet import MEMORY
from flows.readers.folder import Corpus, Listed, Outlet, ordinals
from flows.readers.knowledge import Knowledge, to_json

# Bytes of a shard at most: some ten seconds of work, which is what a new capture costs, and some hundred megabytes of memory on the way.
# Of smaller ones the tables and their checks, a tenth of a second a shard, would be more than a hundredth of the work.
SHARD_BYTES = 4_000_000
# Bits of a hash that are looked at: a terabyte of captures in shards of that size. Each is a folder of a dozen files; beyond that, shards
# grow.
BITS = 17
# What the corpus knows, beside a shard's captures.
KNOWLEDGE = "knowledge.json"
# Rows of the list made at a time.
ROWS = 10_000

TOLD = ("url", "archive_url", "outlet", "date_retrieved", "language", "encoding", "license", "rights_basis")
UNKNOWN = Outlet("", None, (), ())


def pack(corpus: Corpus, known: Knowledge, listed: list[Listed], work: Path, cache: Path, made_by: str) -> tuple[Path, list[Path]]:
    """Write the list of all captures, and one folder per shard into `cache`; each distinct payload goes into one shard, once.

    A shard's folder is named by the hash of what is in it and of `made_by`, all else that its results depend on; so where nothing
    of it has changed since an earlier build, its results are there already.
    """
    manifest, knowledge = work / "listed.parquet", to_json(known)
    _manifest(corpus, listed, manifest)
    with duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(work)}) as db:
        prefix = f"('0x' || sha256[:8])::UINTEGER >> {32 - BITS}"
        db.read_parquet(escape(str(manifest))).filter("reason IS NULL").project(f"*, {prefix} AS prefix").create_view("captures")
        db.register("starts", pa.table({"shard": _starts(db)}))
        # Records of one container stand next to each other, so that it is opened once.
        rows = db.execute(
            f"""SELECT shard, {", ".join(Capture._fields)} FROM captures ASOF JOIN starts ON prefix >= shard
                QUALIFY ROW_NUMBER() OVER (PARTITION BY sha256 ORDER BY position) = 1 ORDER BY shard, path, record_offset"""
        )
        found = iter(rows.fetchone, None)
        shards = [_shard(cache, number, [row[1:] for row in group], knowledge, made_by) for number, group in groupby(found, itemgetter(0))]
    # A corpus of which nothing can be read goes through the line too: the gate says what is wrong with it.
    return manifest, shards or [_shard(cache, 0, [], knowledge, made_by)]


def digest(listed: list[Listed]) -> str:
    """One hash for all captures of a corpus and their paths."""
    told = hashlib.sha256()
    for c in listed:
        place = c.path if c.record_offset is None else f"{c.path}@{c.record_offset} of {c.container_sha256}"
        told.update(f"{c.sha256} {place}\n".encode())
    return told.hexdigest()


TYPES = {
    **dict.fromkeys(("bytes", "position", "record_offset"), pa.int64()),
    **dict.fromkeys(("keep", "remove"), pa.list_(pa.string())),
}
LISTED = pa.schema(
    [(name, TYPES.get(name, pa.string())) for name in (*Capture._fields, "container_sha256", "archive_url", "reason", "detail", "position")]
)


def _manifest(corpus: Corpus, listed: list[Listed], manifest: Path) -> None:
    ids = ordinals(listed)
    with pq.ParquetWriter(manifest, LISTED) as writer:
        for start in range(0, len(listed), ROWS):
            rows = [_row(corpus, c, next(ids)) | {"position": start + i} for i, c in enumerate(listed[start : start + ROWS])]
            writer.write_table(pa.Table.from_pylist(rows, schema=LISTED))


def _row(corpus: Corpus, capture: Listed, capture_id: str) -> dict:
    told = _told(corpus, capture)
    outlet = corpus.outlets.get(told["outlet"] or "", UNKNOWN)
    if not told["license"] and outlet.license:
        told |= {"license": outlet.license, "rights_basis": "licence of the outlet"}
    return {
        **capture._asdict(),
        **told,
        "capture_id": capture_id,
        "outlet_name": outlet.name or told["outlet"],
        "keep": list(outlet.keep),
        "remove": list(outlet.remove),
    }


def _told(corpus: Corpus, capture: Listed) -> dict[str, str | None]:
    """What captures.csv says of a capture, and then its container. What is said of one record goes before what is said of all."""
    keys = (capture.path, capture.sha256) if capture.record_offset is None else (capture.sha256, capture.path)
    sources = [corpus.known.get(key or "", {}) for key in keys] + [capture._asdict()]
    return {name: next((s[name] for s in sources if s.get(name)), None) for name in TOLD}


def _starts(db: duckdb.DuckDBPyConnection) -> np.ndarray:
    """The first BITS of the hash with which each shard begins, sorted, for the view `captures` (sha256, prefix, bytes)."""
    payloads = "SELECT prefix, COALESCE(ANY_VALUE(bytes), 0) AS bytes FROM captures GROUP BY sha256, prefix"
    sizes = db.sql(f"SELECT prefix, SUM(bytes)::BIGINT AS bytes FROM ({payloads}) GROUP BY prefix").fetchnumpy()
    before = np.concatenate([[0], np.cumsum(np.bincount(sizes["prefix"], sizes["bytes"], minlength=1 << BITS))])

    def halves(low: int, high: int) -> list[int]:
        if before[high] - before[low] <= SHARD_BYTES or high - low == 1:
            return [low]
        middle = (low + high) // 2
        return halves(low, middle) + halves(middle, high)

    return np.array(halves(0, 1 << BITS), dtype=np.uint32)


def _shard(cache: Path, number: int, rows: list[tuple], knowledge: str, made_by: str) -> Path:
    key = hashlib.sha256(json.dumps([made_by, knowledge, rows], ensure_ascii=True).encode()).hexdigest()[:20]
    folder = cache / f"{number:06}-{key}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / KNOWLEDGE).write_text(knowledge, "utf-8")
    columns = pa.schema([LISTED.field(name) for name in Capture._fields])
    captures = [dict(zip(Capture._fields, row, strict=True)) for row in rows]
    pq.write_table(pa.Table.from_pylist(captures, schema=columns), folder / "captures.parquet")
    return folder
