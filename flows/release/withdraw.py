"""Withdraw: take a withdrawn document out of the versions that were published before.

The one case in which a published release changes. What stays of the document is a tombstone: its row in `captures`, and
one in `rejections` with the reason `withdrawn`; build.json names it. Every other record stays as it was, but for links to the
document that is gone.
"""

import os
import shutil
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

import schemas
from flows.parquet import ROWS, database, files, stored, write_rows
from flows.release.provenance import facts
from flows.release.publish import QUALITY, versions, write
from flows.release.staging import STAGING

# What a purged version waits under until the old one has made room for it.
READY = ".withdrawn-"

# The smallest document left of a cluster stands for it, as `group` would have it.
DOCUMENTS = """
    SELECT * REPLACE (
        CASE WHEN supersedes NOT IN (FROM gone) THEN supersedes END AS supersedes,
        CASE WHEN COUNT(*) OVER twins > 1 THEN MIN(doc_id) OVER twins END AS duplicate_cluster,
        CASE WHEN COUNT(*) OVER twins > 1 AND doc_id <> MIN(doc_id) OVER twins THEN MIN(doc_id) OVER twins END AS duplicate_of,
        CASE WHEN COUNT(*) OVER stories > 1 THEN MIN(doc_id) OVER stories END AS story_cluster)
    FROM {table} WHERE doc_id NOT IN (FROM gone)
    WINDOW twins AS (PARTITION BY COALESCE(duplicate_cluster, doc_id)), stories AS (PARTITION BY COALESCE(story_cluster, doc_id))
"""
CAPTURES = """
    SELECT * REPLACE (CASE WHEN capture_id[:20] IN (FROM gone) THEN 'rejected' ELSE outcome END AS outcome,
        CASE WHEN doc_id NOT IN (FROM gone) THEN doc_id END AS doc_id)
    FROM {table}
"""
REJECTIONS = """
    SELECT * FROM {table} WHERE COALESCE(capture_id[:20], '') NOT IN (FROM gone)
    UNION ALL BY NAME
    SELECT capture_id, 'captures' AS "table", capture_id AS row_id, 'read' AS stage, 'withdrawn' AS reason, why AS detail
    FROM {captures} JOIN reasons ON doc = capture_id[:20]
"""
SPLITS = """
    SELECT * REPLACE (CASE WHEN group_id IN (FROM gone) THEN MIN(COALESCE(doc_id, item_id)) OVER (PARTITION BY scheme, layer, group_id)
        ELSE group_id END AS group_id)
    FROM {table} WHERE COALESCE(doc_id, item_id)[:20] NOT IN (FROM gone)
"""
QUERIES = {"documents": DOCUMENTS, "captures": CAPTURES, "rejections": REJECTIONS, "splits": SPLITS}


def purge(dataset_dir: Path, withdrawn: dict[str, str]) -> list[Path]:
    """Take documents {doc_id: why} out of every version in `dataset_dir` that holds them; the versions that changed.

    A version is made anew beside its place; a purge that was killed between the two renames is finished by the next.
    """
    _finish(dataset_dir)
    return [_without(release, found) for release in versions(dataset_dir) if (found := _held(release, withdrawn))]


def _held(release: Path, withdrawn: dict[str, str]) -> dict[str, str]:
    held: set[str] = set()
    for path in files(release, "documents"):
        for batch in pq.ParquetFile(path).iter_batches(ROWS, columns=["doc_id"]):
            held |= withdrawn.keys() & set(batch.column(0).to_pylist())
    return {doc_id: withdrawn[doc_id] for doc_id in sorted(held)}


def _without(release: Path, gone: dict[str, str]) -> Path:
    work = release.parent / STAGING / "withdraw"
    shutil.rmtree(work, ignore_errors=True)
    tables, made = work / "tables", work / release.name
    tables.mkdir(parents=True)
    made.mkdir()
    with database() as db:
        reasons = "CREATE TABLE reasons AS SELECT unnest($1::VARCHAR[]) AS doc, unnest($2::VARCHAR[]) AS why"
        db.execute(reasons, [list(gone), list(gone.values())])
        db.execute("CREATE VIEW gone AS SELECT doc FROM reasons")
        for name in schemas.TABLES:
            _table(db, release, name, tables)
    record = facts(release)
    build = {**record, "environment": (release / "environment.txt").read_text("utf-8").splitlines()}
    build["withdrawn"] = sorted({*record.get("withdrawn", ()), *gone})
    previous = record["previous"] and release.parent / record["previous"]
    write(tables, made, record["dataset"], record["version"], build, previous if previous and previous.is_dir() else None)
    if (release / QUALITY).is_dir():
        shutil.copytree(release / QUALITY, made / QUALITY)
    os.rename(made, release.parent / f"{READY}{release.name}")
    _finish(release.parent)
    return release


def _finish(dataset_dir: Path) -> None:
    """Put versions that are ready in the place of the old ones."""
    for ready in dataset_dir.glob(f"{READY}*"):
        shutil.rmtree(dataset_dir / ready.name.removeprefix(READY), ignore_errors=True)
        os.rename(ready, dataset_dir / ready.name.removeprefix(READY))


def _table(db: duckdb.DuckDBPyConnection, release: Path, name: str, tables: Path) -> None:
    found = files(release, name)
    if not found and name != "rejections":
        return
    schema = pq.read_schema(found[0]) if found else schemas.table(name).SCHEMA
    key = next((c for c in ("doc_id", "item_id") if c in schema.names), None)
    plain = f"SELECT * FROM {{table}} WHERE {key}[:20] NOT IN (FROM gone)" if key else "FROM {table}"
    query = QUERIES.get(name, plain).format(table=stored(release, name), captures=stored(release, "captures"))
    write_rows(db, name, query, tables, schema)
