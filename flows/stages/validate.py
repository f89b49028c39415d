"""Validate: the rows of a shard against their schemas; what fails becomes rows of `rejections`, children with parents.

The stage never mends a value. A row that fails is taken out whole; an edit that fails takes its document along, since
without it the document's bytes would not be accounted for.
"""

from collections.abc import Callable, Iterable

import polars as pl
import pyarrow as pa

import schemas
from schemas import Row


def validate(tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
    """The same rows less those that fail, and those that refer to one that failed (REFERENCES of their schemas, or `item_id`);
    `rejections` more by as many. tables: each behind those it refers to."""
    failed = {name: _failures(name, table) for name, table in tables.items() if name != "rejections"}
    if not any(failed.values()):
        return tables
    kept = _kept({name: table.to_pylist() for name, table in tables.items()}, failed)
    return {name: pa.Table.from_pylist(found, schema=schemas.table(name).SCHEMA) for name, found in kept.items()}


def _kept(rows: dict[str, list[Row]], failed: dict[str, dict[int, str]]) -> dict[str, list[Row]]:
    capture = {d["doc_id"]: d["capture_id"] for d in rows["documents"]}
    documents = {d["doc_id"]: why for d, why in _paired(rows["documents"], failed["documents"])}
    for e, why in _paired(rows["edits"], failed["edits"]):
        documents.setdefault(e["doc_id"], f"edit {e['edit_id']}: {why}")
    segments = {s["segment_id"]: why for s, why in _paired(rows["segments"], failed["segments"])}
    orphans = {
        s["segment_id"] for s in rows["segments"] if s["doc_id"] in documents or s["parent_id"] in segments or s["repeat_of"] in segments
    }

    rejections = [_rejection(capture[key], "documents", key, "schema", why) for key, why in documents.items()]
    rejections += [_rejection(capture[key], "captures", capture[key], "schema", why) for key, why in documents.items()]
    for s in rows["segments"]:
        if s["segment_id"] in orphans:
            rejections.append(_rejection(capture[s["doc_id"]], "segments", s["segment_id"], "parent_rejected", None))
        elif s["segment_id"] in segments:
            rejections.append(_rejection(capture[s["doc_id"]], "segments", s["segment_id"], "schema", segments[s["segment_id"]]))
    rejections += [
        _rejection(capture[e["doc_id"]], "edits", e["edit_id"], "parent_rejected", None) for e in rows["edits"] if e["doc_id"] in documents
    ]
    kept = {
        "documents": [d for d in rows["documents"] if d["doc_id"] not in documents],
        "segments": [s for s in rows["segments"] if s["segment_id"] not in segments and s["segment_id"] not in orphans],
        "edits": [e for e in rows["edits"] if e["doc_id"] not in documents],
    }
    gone = {*documents, *segments, *orphans}
    for name in (n for n in rows if n not in kept and n != "rejections"):
        kept[name], refused = _sifted(name, rows[name], failed[name], gone)
        rejections += [_rejection(capture[_document(row)], name, _key(name, row), reason, why) for row, reason, why in refused]
    return kept | {"rejections": rows["rejections"] + rejections}


def _sifted(name: str, rows: list[Row], failed: dict[int, str], gone: set[str]) -> tuple[list[Row], list[tuple[Row, str, str | None]]]:
    """Rows that stay, and those that fail or whose parents went, with reason and detail; the keys of these join `gone`."""
    refused: dict[int, tuple[Row, str, str | None]] = {i: (rows[i], "schema", why) for i, why in failed.items()}
    gone.update(_key(name, rows[i]) for i in failed)
    while gone and (orphans := [i for i, row in enumerate(rows) if i not in refused and _hangs_on(name, row, gone)]):
        refused |= {i: (rows[i], "parent_rejected", None) for i in orphans}
        gone.update(_key(name, rows[i]) for i in orphans)
    return [row for i, row in enumerate(rows) if i not in refused], [refused[i] for i in sorted(refused)]


def _hangs_on(name: str, row: Row, gone: set[str]) -> bool:
    values = (row[column] for column in (*schemas.table(name).REFERENCES, "item_id") if column in row)
    return any(key in gone for value in values for key in (value if isinstance(value, list) else [value]))


def _document(row: Row) -> str:
    return (row.get("doc_id") or row["item_id"])[:20]


def _key(name: str, row: Row) -> str:
    return " ".join(str(row[column]) for column in schemas.table(name).KEY)


# Of pandera's checks, as the schemas name them, what they ask of a column.
ASKED: dict[str, Callable[..., pl.Expr]] = {
    "isin": pl.Expr.is_in,
    "ge": pl.Expr.ge,
    "in_range": pl.Expr.is_between,
    "str_matches": lambda column, pattern: column.str.contains(pattern),
}


def is_sound(name: str, table: pa.Table) -> bool:
    """Whether no row of a table can fail: its types, nulls and checks, asked all at once. pandera, which says what fails and why, takes
    a tenth of a second for the tables of a shard in which nothing does."""
    told = schemas.table(name)
    if table.schema != told.SCHEMA or any(table[f.name].null_count and not f.nullable for f in told.SCHEMA):
        return False
    columns = [ASKED[check](pl.col(column), *values).fill_null(True) for column, (check, *values) in told.CHECKS.items()]
    across = [pl.sql_expr(rule).fill_null(False) for rule in told.ROW_CHECKS.values()]
    holds = pl.all_horizontal(pl.lit(True), *columns, *across)
    return pl.DataFrame(table).select(holds.all()).item()


def _failures(name: str, table: pa.Table) -> dict[int, str]:
    """Why rows fail, by their place: the names of the checks."""
    if not table.num_rows or is_sound(name, table):
        return {}
    # Imported here because pandera takes longer than most shards do.
    from flows.stages.validate_model import failures

    return failures(name, table)


def _paired(rows: list[Row], failed: dict[int, str]) -> Iterable[tuple[Row, str]]:
    return ((rows[place], why) for place, why in sorted(failed.items()))


def _rejection(capture_id: str, table: str, row_id: str, reason: str, detail: str | None) -> Row:
    return {"capture_id": capture_id, "table": table, "row_id": row_id, "stage": "validate", "reason": reason, "detail": detail}
