"""Compare: what changed between a published release and the tables about to be published, and the version that makes.

Records are matched by the key of their table and compared over the columns both sides have. DuckDB joins them and
spills to disk, so the size of a release is bounded by the disk. Nothing is ever written here.
"""

from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

import schemas
from flows.parquet import database, files, no_rows, stored
from flows.release.provenance import facts

FIRST = "1.0.0"

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
    return list(_types(folder, table))


def differing(old: Path | None, tables: Path, table: str) -> str:
    """SQL for the records that differ: the columns of their key, and `what` happened to them."""
    had, have = (_types(folder, table) for folder in (old, tables))
    key = schemas.table(table).KEY
    shared = [c for c in have if c not in key and (c in had or not had)]
    # DuckDB's hash takes an empty list for null, and other types for other values.
    plain = {c for c in shared if have[c] == had.get(c) and not pa.types.is_nested(have[c])}
    said = {c: f'"{c}"' if c in plain else f'CAST(to_json("{c}") AS VARCHAR)' for c in shared}
    sides = [_side(folder, table, said) for folder in (old, tables)]
    keys = ", ".join(f'COALESCE(o."{c}", n."{c}") AS "{c}"' for c in key)
    return f"""
        SELECT {keys}, CASE WHEN o.rest IS NULL THEN 'added' WHEN n.rest IS NULL THEN 'removed'
                            WHEN o.rest <> n.rest THEN 'changed' ELSE 'moved' END AS what
        FROM ({sides[0]}) AS o FULL JOIN ({sides[1]}) AS n ON {same_key(table, "o", "n")}
        WHERE o.rest IS DISTINCT FROM n.rest OR o.side IS DISTINCT FROM n.side"""


def key_of(table: str) -> str:
    """SQL for the key of a record as JSON text."""
    names = ", ".join(f'"{c}"' for c in schemas.table(table).KEY)
    return f"CAST(json_array({names}) AS VARCHAR)"


def same_key(table: str, one: str, other: str) -> str:
    """SQL for whether rows of `one` and `other` have the same key, in which columns may be null."""
    return " AND ".join(f'{one}."{c}" IS NOT DISTINCT FROM {other}."{c}"' for c in schemas.table(table).KEY)


def _types(folder: Path | None, table: str) -> dict[str, pa.DataType]:
    found = files(folder, table) if folder else []
    return {field.name: field.type for field in pq.read_schema(found[0])} if found else {}


def _side(folder: Path | None, table: str, said: dict[str, str]) -> str:
    """SQL for the key of each record, a hash of the rest of it, and the split. said: by column, SQL for what is compared of it."""
    key = ", ".join(f'"{c}"' for c in schemas.table(table).KEY)
    rest = ", ".join(["0", *(words for column, words in said.items() if column != "split")])
    side = said.get("split", "''")
    return f"SELECT {key}, hash({rest}) AS rest, {side} AS side FROM {stored(folder, table) if folder else no_rows(table)}"
