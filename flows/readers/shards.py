"""Shards: the captures of a corpus, packed by bytes into folders that one task can take through the line.

A capture's shard follows from its hash alone, so that a new capture changes one shard and no worker count, order or
path changes any.
"""

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from flows.drafts import Capture
from flows.readers.folder import Corpus, Listed, Outlet, ordinals

# Bytes a shard aims at: some ten seconds of work, and some hundred megabytes of memory on the way.
SHARD_BYTES = 8_000_000
MAX_SHARDS = 4096

TOLD = ("url", "archive_url", "outlet", "date_retrieved", "language", "encoding", "license", "rights_basis")
UNKNOWN = Outlet("", None, (), ())


def pack(corpus: Corpus, listed: list[Listed], work: Path) -> tuple[Path, list[Path]]:
    """Write the list of all captures and one folder per shard; each distinct payload goes into one shard, once."""
    rows = [_row(corpus, capture, key) for capture, key in zip(listed, ordinals(listed), strict=True)]
    manifest = work / "listed.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema=LISTED), manifest)
    readable = {row["sha256"]: row for row in reversed(rows) if not row["reason"]}
    bits = _bits(sum(row["bytes"] for row in readable.values()))
    shards: dict[int, list[dict]] = {}
    for sha256, row in sorted(readable.items()):
        shards.setdefault(int(sha256[:8], 16) >> (32 - bits) if bits else 0, []).append(row)
    for found in shards.values():  # records of one container next to each other, so that it is opened once
        found.sort(key=lambda row: (row["path"], row["record_offset"] or 0))
    # A corpus of which nothing can be read goes through the line too: the gate says what is wrong with it.
    return manifest, [_shard(work / "shards" / f"{number:05}", found) for number, found in sorted((shards or {0: []}).items())]


def digest(listed: list[Listed]) -> str:
    """One hash for all captures of a corpus and their paths."""
    places = (c.path if c.record_offset is None else f"{c.path}@{c.record_offset} of {c.container_sha256}" for c in listed)
    lines = "".join(f"{c.sha256} {place}\n" for c, place in zip(listed, places, strict=True))
    return hashlib.sha256(lines.encode()).hexdigest()


TYPES = {"bytes": pa.int64(), "record_offset": pa.int64(), "keep": pa.list_(pa.string()), "remove": pa.list_(pa.string())}
LISTED = pa.schema(
    [(name, TYPES.get(name, pa.string())) for name in (*Capture._fields, "container_sha256", "archive_url", "reason", "detail")]
)


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


def _bits(total: int) -> int:
    """How many leading bits of the hash number the shards: a power of two of them, near SHARD_BYTES each."""
    return (min(-(-total // SHARD_BYTES), MAX_SHARDS) - 1).bit_length()


def _shard(folder: Path, rows: list[dict]) -> Path:
    folder.mkdir(parents=True)
    columns = pa.schema([LISTED.field(name) for name in Capture._fields])
    pq.write_table(pa.Table.from_pylist(rows, schema=columns), folder / "captures.parquet")
    return folder
