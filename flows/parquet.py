"""Tables in Parquet files: where they lie in a release, and how they are read and written by DuckDB, which spills to disk."""

import glob
import hashlib
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import schemas

# What a join may hold in memory before it spills. Half of what `araxes verify` and `araxes diff` may use.
MEMORY = "1GB"

# Rows read at a time: some 100 MB of documents, some 5 MB of segments.
ROWS = 16_384


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


def stored(folder: Path | None, table: str) -> str:
    """SQL that reads a table of a release; no rows where it has none, since an empty table is not written, or where there is no release."""
    found = files(folder, table) if folder else []
    return relation(found) if found else no_rows(table)


@cache
def no_rows(table: str) -> str:
    """SQL for a table of which there is none, with the columns and types of its schema."""
    with duckdb.connect() as db:
        found = db.from_arrow(schemas.table(table).SCHEMA.empty_table())
        nulls = ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in zip(found.columns, found.types, strict=True))
    return f"(SELECT {nulls} WHERE false)"


def views(db: duckdb.DuckDBPyConnection, folder: Path, tables: Iterable[str] = schemas.TABLES, prefix: str = "") -> None:
    """Make views of the tables of a release, named as they are."""
    for table in tables:
        db.execute(f"CREATE VIEW {prefix}{table} AS FROM {stored(folder, table)}")


def orphans(table: str, column: str) -> str:
    """SQL, from FROM on, for the rows of a table in which a column of its REFERENCES names no row of the other; reads `views`."""
    module = schemas.table(table)
    target = module.REFERENCES[column]
    each = f'unnest("{column}")' if pa.types.is_list(module.SCHEMA.field(column).type) else f'"{column}"'
    pointed = f"SELECT *, {each} AS pointed FROM {table}"
    return f'FROM ({pointed}) c ANTI JOIN {target} p ON pointed = p."{schemas.table(target).KEY[0]}" WHERE pointed IS NOT NULL'


def fetched(cursor: duckdb.DuckDBPyConnection) -> Iterator[tuple]:
    """The rows of a query that was executed, a bounded number in memory."""
    while rows := cursor.fetchmany(ROWS):
        yield from rows


def dicts(db: duckdb.DuckDBPyConnection, query: str, values: list | None = None) -> list[dict]:
    """The rows that a query gives, by column."""
    found = db.execute(query, values or [])
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def write_rows(db: duckdb.DuckDBPyConnection, name: str, query: str, tables: Path, schema: pa.Schema | None = None) -> None:
    """Write what `query` gives as the table `name` into `tables`, in its order and in the types of `schema`, or else of the table's own;
    a bounded number of rows at a time."""
    schema = schemas.table(name).SCHEMA if schema is None else schema
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
