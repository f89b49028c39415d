"""Verify, the tables: whether rows keep to their schema, stand once and in order, and lead to rows of other tables where they say so."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb
import pandera.polars as pap
import polars as pl
from pandera.errors import SchemaErrors

import schemas
from flows.parquet import fetched, files, orphans
from flows.release.publish import batches
from flows.release.verify_records import told

# What else holds between tables: (table, what is wrong, SQL for the rows where it is).
BETWEEN = (
    (
        "captures", "rejected without a row in rejections",
        """SELECT capture_id FROM captures ANTI JOIN rejections ON row_id = captures.capture_id AND "table" = 'captures'
           WHERE outcome = 'rejected'""",
    ),
    (
        "captures", "its id is not of its hash",
        """SELECT capture_id FROM captures WHERE NOT regexp_full_match(capture_id, capture_sha256[:20] || '-[0-9]+')
           OR doc_id <> capture_sha256[:20]""",
    ),
    (
        "captures", "not one capture with the outcome document for it",
        """SELECT doc_id FROM captures WHERE doc_id IS NOT NULL GROUP BY doc_id
           HAVING COUNT(*) FILTER (outcome = 'document') <> 1""",
    ),
    (
        "documents", "its capture is not in captures as the one it was made of",
        """SELECT doc_id FROM documents AS d ANTI JOIN captures AS c
           ON d.capture_id = c.capture_id AND d.doc_id = c.doc_id AND c.outcome = 'document'""",
    ),
    (
        "documents", "duplicate_of is no other document of its cluster",
        """SELECT d.doc_id FROM documents AS d ANTI JOIN documents AS o ON d.duplicate_of = o.doc_id AND d.doc_id <> o.doc_id
           AND d.duplicate_cluster = o.duplicate_cluster WHERE d.duplicate_of IS NOT NULL""",
    ),
    ("documents", "supersedes is the document itself", "SELECT doc_id FROM documents WHERE supersedes = doc_id"),
    *(
        (name, "its item is no segment, removal, attribution, claim or stance", f"""SELECT item_id FROM {name} ANTI JOIN (
            SELECT segment_id AS item_id FROM segments UNION ALL SELECT edit_id FROM edits UNION ALL SELECT attribution_id FROM attributions
            UNION ALL SELECT claim_id FROM claims UNION ALL SELECT stance_id FROM stances) AS i USING (item_id) WHERE {which}""")
        for name, which in (("annotations", "carried <> 'orphaned'"), ("labels", "true"), *((view, "true") for view in schemas.VIEWS))
    ),
    ("labels", "nobody voted for it", "SELECT item_id FROM labels ANTI JOIN annotations USING (item_id, layer)"),
    *(
        (
            "rejections", f"rejected and yet in {name}",
            f"SELECT row_id FROM rejections JOIN {name} ON row_id = {name}.{key} WHERE \"table\" = '{name}'",
        )
        for name, key in (("documents", "doc_id"), ("segments", "segment_id"), ("edits", "edit_id"))
    ),
    (
        "splits", "documents of one group in several splits",
        "SELECT group_id FROM splits WHERE split <> 'excluded' GROUP BY scheme, layer, group_id HAVING COUNT(DISTINCT split) > 1",
    ),
    (
        "splits", "test without gold labels",
        """SELECT COALESCE(doc_id, splits.item_id) FROM splits
           ANTI JOIN labels ON labels.item_id = splits.item_id AND labels.layer = splits.layer AND tier = 'gold' WHERE split = 'test'""",
    ),
)  # fmt: skip


def refused_values(release: Path, table: str) -> Iterator[str]:
    """Values the pandera checks of the schema refuse."""
    module = schemas.table(table)
    checks = {name: getattr(pap.Check, check)(*values) for name, (check, *values) in module.CHECKS.items()}
    model = pap.DataFrameSchema({name: pap.Column(checks=check, nullable=True) for name, check in checks.items()})
    for path in files(release, table):
        for frame in map(pl.DataFrame, batches(path)):
            try:
                model.validate(frame, lazy=True)
            except SchemaErrors as error:
                for case in error.failure_cases.iter_rows(named=True):
                    row = frame.row(case["index"], named=True) if case["index"] is not None else {}
                    key = [row.get(c) for c in module.KEY]
                    yield f"{table} {_key(key)}: {case['column']} {str(case['failure_case'])[:80]!r} fails {case['check']}"


def _key(values: Iterable) -> str:
    return " ".join(str(v) for v in values if v is not None)


def unordered(db: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Rows that do not stand in the order of their table."""
    for name in schemas.TABLES:
        table = schemas.table(name)
        key = ", ".join(f'"{c}"' for c in table.KEY)
        # A window without an order runs over the rows as they stand in the file.
        sql = f"SELECT {key}, row({table.ORDER}) AS here, LAG(row({table.ORDER})) OVER () AS before FROM {name}"
        yield from told(f"{name} {_key(row)}: out of order" for row in _found(db, f"SELECT {key} FROM ({sql}) WHERE here < before"))


def relations(db: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Keys that stand twice, rows that break a rule of their schema, references that lead nowhere."""
    for name in schemas.TABLES:
        module = schemas.table(name)
        key = ", ".join(f'"{c}"' for c in module.KEY)
        twice = _found(db, f"SELECT {key} FROM {name} GROUP BY ALL HAVING COUNT(*) > 1")
        yield from told(f"{name} {_key(row)}: the key stands twice" for row in twice)
        for rule, sql in module.ROW_CHECKS.items():
            broken = _found(db, f"SELECT {key} FROM {name} WHERE ({sql}) IS NOT TRUE")
            yield from told(f"{name} {_key(row)}: fails {rule}" for row in broken)
        for column, target in module.REFERENCES.items():
            lost = _found(db, f"SELECT {key} {orphans(name, column)}")
            yield from told(f"{name} {_key(row)}: its {column} is no row of {target}" for row in lost)
    for name, what, sql in BETWEEN:
        yield from told(f"{name} {row[0]}: {what}" for row in _found(db, sql))


def _found(db: duckdb.DuckDBPyConnection, sql: str) -> Iterator[tuple]:
    return fetched(db.execute(sql))
