"""Compare: what changed between a published release and the tables about to be published, and the version that makes.

Records are matched by the key of their table and compared over the columns both sides have. DuckDB joins them and
spills to disk, so the size of a release is bounded by the disk. Nothing is ever written here.
"""

import glob
import hashlib
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import schemas

FIRST = "1.0.0"

# What a join may hold in memory before it spills. Half of what `araxes verify` and `araxes diff` may use.
MEMORY = "1GB"

# Rows read at a time: some 100 MB of documents, some 5 MB of segments.
ROWS = 16_384


# What can have happened to a record; one that only went to another split is `moved`.
KINDS = ("added", "removed", "changed", "moved")


class Records(NamedTuple):
    """What happened to one table: how many records were added, removed, changed or moved, and the columns that came and
    went (of tables that both sides have)."""

    counts: dict[str, int]
    columns_added: list[str]
    columns_removed: list[str]


class Changes(NamedTuple):
    """What is new against the release `previous` (a version, or None) by table, and the `version` that it makes: None
    where nothing changed, so that nothing is published."""

    previous: str | None
    version: str | None
    tables: dict[str, Records]


def compare(old: Path | None, tables: Path) -> Changes:
    """What changed from the release `old` to the Parquet files in `tables`, one a table.

    The version follows Croissant 1.1 (https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html, version):
    records, columns or tables added only are MINOR; anything removed, changed or moved is MAJOR.
    """
    with database() as db:
        found = {name: _records(db, old, tables, name) for name in schemas.TABLES}
    if old is None:
        return Changes(None, FIRST, found)
    previous = facts(old)["version"]
    return Changes(previous, _next(previous, list(found.values())), found)


def facts(release: Path) -> dict:
    """What build.json of a release says. Raises ValueError with one clear line where it cannot be read."""
    try:
        found = json.loads((release / "build.json").read_text("utf-8"))
        if isinstance(found, dict) and isinstance(found.get("version"), str):
            return found
        why = "it is no build record"
    except (OSError, ValueError) as error:
        why = str(error.strerror) if isinstance(error, OSError) else "it is no JSON"
    raise ValueError(f"{release / 'build.json'}: {why}; name the folder of one version, as dist/NAME/1.0.0")


def files(folder: Path, table: str) -> list[Path]:
    """The Parquet files of a table, in order: of a release, or of a folder with one file a table. Empty where it has none."""
    alone = folder / f"{table}.parquet"
    return [alone] if alone.is_file() else sorted((folder / "data" / table).glob("*.parquet"))


@contextmanager
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB in memory that spills to a temporary folder and changes nothing else."""
    with (
        tempfile.TemporaryDirectory(prefix="araxes-") as spill,
        duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": spill}) as db,
    ):
        yield db


def relation(found: list[Path]) -> str:
    """SQL that reads these Parquet files, in order, whatever characters stand in their paths."""
    return "read_parquet([" + ", ".join("'" + glob.escape(str(path)).replace("'", "''") + "'" for path in found) + "])"


def stored(folder: Path, table: str) -> str:
    """SQL that reads a table of a release; no rows where it has none, since an empty table is not written."""
    if found := files(folder, table):
        return relation(found)
    nulls = ", ".join(f'NULL::VARCHAR AS "{c}"' for c in schemas.table(table).SCHEMA.names)
    return f"(SELECT {nulls} WHERE false)"


def write_rows(db: duckdb.DuckDBPyConnection, name: str, query: str, schema: pa.Schema, tables: Path) -> None:
    """Write what `query` gives as the table `name` into `tables`, in its order and in the types of `schema`."""
    columns = ", ".join(f'"{c}"' for c in schema.names)
    rows = db.sql(f"SELECT {columns} FROM ({query}) ORDER BY {schemas.table(name).ORDER}").to_arrow_reader(ROWS)
    with pq.ParquetWriter(tables / f"{name}.parquet", schema, compression="zstd") as writer:
        for batch in rows:
            arrays = [c.cast(t) for c, t in zip(batch.columns, schema.types, strict=True)]
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))


def digest(found: list[Path]) -> str:
    """SHA-256 of the values in Parquet files, whatever their row groups, compression and the library that wrote them.

    Every column feeds streams of its own (which values are null; lengths; values, little-endian or in UTF-8), so that
    only names, values and their order count.
    """
    streams: dict[str, hashlib._Hash] = defaultdict(hashlib.sha256)
    for path in found:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(ROWS):
                for name, column in zip(batch.schema.names, batch.columns, strict=True):
                    _feed(streams, name, column)
    return hashlib.sha256("".join(f"{name} {streams[name].hexdigest()}\n" for name in sorted(streams)).encode()).hexdigest()


def _feed(streams: dict, name: str, values: pa.Array) -> None:
    streams[f"{name}/null"].update(values.is_null().cast(pa.uint8()).to_numpy(zero_copy_only=False))
    if pa.types.is_list(values.type):
        streams[f"{name}/length"].update(_whole(pc.list_value_length(values)))
        _feed(streams, f"{name}/item", values.flatten())
    elif pa.types.is_struct(values.type):
        for field, child in zip(values.type, values.flatten(), strict=True):
            _feed(streams, f"{name}/{field.name}", child)
    elif pa.types.is_string(values.type):
        streams[f"{name}/length"].update(_whole(pc.binary_length(values)))
        streams[f"{name}/value"].update(_bytes(values.drop_null()))
    elif pa.types.is_floating(values.type):
        streams[f"{name}/value"].update(values.fill_null(0.0).to_numpy(zero_copy_only=False).astype("<f8"))
    else:
        streams[f"{name}/value"].update(_whole(values))


def _bytes(values: pa.StringArray) -> memoryview | bytes:
    """The strings one behind the other in UTF-8, none of which is null, as they lie in memory."""
    if not len(values):
        return b""
    _, offsets, data = values.buffers()
    first, last = np.frombuffer(offsets, np.int32)[[values.offset, values.offset + len(values)]]
    return memoryview(data)[first:last] if data else b""


def _whole(values: pa.Array) -> np.ndarray:
    return values.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False).astype("<i8")


def _next(previous: str, tables: list[Records]) -> str | None:
    major, minor, _ = map(int, previous.split("."))
    if any(t.counts.keys() - {"added"} or t.columns_removed for t in tables):
        return f"{major + 1}.0.0"
    if any(t.counts or t.columns_added for t in tables):
        return f"{major}.{minor + 1}.0"
    return None


def _records(db: duckdb.DuckDBPyConnection, old: Path | None, tables: Path, table: str) -> Records:
    before, after = columns(old, table), columns(tables, table)
    if not before:
        rows = sum(pq.read_metadata(path).num_rows for path in files(tables, table))
        return Records({"added": rows} if rows else {}, [], [])
    found = db.execute(f"SELECT what, COUNT(*) FROM ({differing(old, tables, table)}) GROUP BY what").fetchall()
    found.sort(key=lambda row: KINDS.index(row[0]))
    both = before and after
    return Records(
        dict(found),
        [c for c in after if both and c not in before],
        [c for c in before if both and c not in after],
    )


def columns(folder: Path | None, table: str) -> list[str]:
    """The columns of a table as it stands in a release or a folder of tables; none where it has no such table."""
    found = files(folder, table) if folder else []
    return pq.read_schema(found[0]).names if found else []


def differing(old: Path | None, tables: Path, table: str) -> str:
    """SQL for (key, what) of the records that differ; a key is a JSON array of the values of the key columns."""
    before, after = columns(old, table), columns(tables, table)
    key = schemas.table(table).KEY
    shared = [c for c in after if c not in key and (c in before or not before)]
    sides = [_side(files(folder, table) if folder else [], key_of(table), shared) for folder in (old, tables)]
    return f"""
        SELECT key, CASE WHEN o.rest IS NULL THEN 'added' WHEN n.rest IS NULL THEN 'removed'
                         WHEN o.rest <> n.rest THEN 'changed' ELSE 'moved' END AS what
        FROM ({sides[0]}) AS o FULL JOIN ({sides[1]}) AS n USING (key)
        WHERE o.rest IS DISTINCT FROM n.rest OR o.split IS DISTINCT FROM n.split"""


def key_of(table: str) -> str:
    """SQL for the key of a record as JSON text."""
    names = ", ".join(f'"{c}"' for c in schemas.table(table).KEY)
    return f"CAST(json_array({names}) AS VARCHAR)"


def _side(found: list[Path], key: str, columns: list[str]) -> str:
    """SQL for the key of each record as JSON, a hash of the rest of it, and its split."""
    if not found:
        return "SELECT '' AS key, 0::UHUGEINT AS rest, '' AS split WHERE false"
    rest = ", ".join(f'"{c}"' for c in columns if c != "split")
    split = '"split"' if "split" in columns else "''"
    return f"""
        SELECT {key} AS key, md5_number(CAST(json_array({rest}) AS VARCHAR)) AS rest, {split} AS split
        FROM {relation(found)}"""
