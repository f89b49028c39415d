"""Group: what needs all documents, on DuckDB: the tables of a release out of the tables of its shards.

It links and counts; no document's text, segments or facts change here.
"""

from glob import escape
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

import schemas
from flows.corpus.duplicates import clusters, near_duplicates
from flows.corpus.splits import assign

# A capture whose twin became a document is a duplicate; where the twin was refused, so is it, for the same reason.
CAPTURES = """
    SELECT l.capture_id, l.sha256 AS capture_sha256, l.path, l.container_sha256, l.record_offset,
        l.media_type, l.bytes, l.url, l.archive_url, l.date_retrieved,
        CASE WHEN d.doc_id IS NULL THEN 'rejected' WHEN d.capture_id = l.capture_id THEN 'document' ELSE 'duplicate' END AS outcome,
        d.doc_id
    FROM listed l LEFT JOIN shard_documents d ON d.doc_id = l.sha256[:20] AND l.reason IS NULL
"""
REJECTIONS = """
    SELECT * FROM shard_rejections
    UNION ALL
    SELECT capture_id, 'captures', capture_id, 'read', reason, detail FROM listed WHERE reason IS NOT NULL
    UNION ALL
    SELECT twin.capture_id, 'captures', twin.capture_id, r.stage, r.reason, r.detail
    FROM shard_rejections r
    JOIN listed l ON l.capture_id = r.capture_id AND r."table" = 'captures'
    JOIN listed twin ON twin.sha256 = l.sha256 AND twin.capture_id <> l.capture_id AND twin.reason IS NULL
"""
DOCUMENTS = """
    SELECT d.* REPLACE (
        l.duplicate_cluster AS duplicate_cluster,
        CASE WHEN l.duplicate_cluster <> d.doc_id THEN l.duplicate_cluster END AS duplicate_of,
        s.supersedes AS supersedes)
    FROM shard_documents d LEFT JOIN linked l USING (doc_id) LEFT JOIN saves s USING (doc_id)
"""
# Saves of one address follow each other by the day they were made; without that day their order is not known.
SAVES = """
    SELECT doc_id, LAG(doc_id) OVER (PARTITION BY url ORDER BY date_retrieved, doc_id) AS supersedes
    FROM captures WHERE outcome = 'document' AND url IS NOT NULL AND date_retrieved IS NOT NULL
"""
SEGMENTS = """
    SELECT s.* REPLACE (p.pages AS n_outlet_pages)
    FROM shard_segments s
    JOIN shard_documents d USING (doc_id)
    LEFT JOIN (
        SELECT d.outlet, s.text_sha256, COUNT(DISTINCT s.doc_id) AS pages
        FROM shard_segments s JOIN shard_documents d USING (doc_id)
        WHERE d.outlet IS NOT NULL GROUP BY ALL
    ) p ON p.outlet = d.outlet AND p.text_sha256 = s.text_sha256
"""


def write_tables(listed: Path, shards: list[Path], previous: Path | None, tables: Path, spill: Path) -> Path:
    """Write one sorted Parquet file per table into `tables` and return it.

    A path is a pattern to DuckDB, hence the escapes. listed: Parquet of every capture that was listed. previous: the last release, whose splits stand. spill: a folder
    DuckDB may use for what does not fit into memory.
    """
    tables.mkdir(parents=True)
    with duckdb.connect(config={"temp_directory": str(spill)}) as db:
        db.read_parquet(escape(str(listed))).create_view("listed")
        for name in ("documents", "segments", "edits", "rejections"):
            db.read_parquet([escape(str(s / f"{name}.parquet")) for s in shards]).create_view(f"shard_{name}")
        db.sql(CAPTURES).create_view("captures")
        db.execute(f"CREATE TEMP TABLE saves AS {SAVES}")
        _link(db)
        queries = {"captures": CAPTURES, "documents": DOCUMENTS, "segments": SEGMENTS, "edits": "FROM shard_edits", "rejections": REJECTIONS}
        for name, query in queries.items():
            _copy(db, name, query, tables)
        rows = _splits(db, previous)
        pq.write_table(pa.Table.from_pylist(rows, schema=schemas.table("splits").SCHEMA), tables / "splits.parquet")
    return tables


def _link(db: duckdb.DuckDBPyConnection) -> None:
    """The temporary table `linked`: the cluster of every document that has near-duplicates."""
    db.execute("CREATE VIEW documents AS SELECT doc_id, text FROM shard_documents ORDER BY doc_id")
    db.execute("CREATE TEMP TABLE linked (doc_id VARCHAR, duplicate_cluster VARCHAR)")
    if found := clusters(near_duplicates(db)):
        db.execute("INSERT INTO linked SELECT unnest($1::VARCHAR[]), unnest($2::VARCHAR[])", [list(found), list(found.values())])


def _splits(db: duckdb.DuckDBPyConnection, previous: Path | None) -> list[dict]:
    doc_ids = [d for (d,) in db.execute("SELECT doc_id FROM shard_documents ORDER BY doc_id").fetchall()]
    joined = db.execute("FROM linked UNION ALL SELECT doc_id, supersedes FROM saves WHERE supersedes IS NOT NULL ORDER BY ALL").fetchall()
    before: dict[str, str] = {}
    if previous and (files := sorted((previous / "data" / "splits").glob("*.parquet"))):
        rows = db.read_parquet([escape(str(f)) for f in files]).filter("scheme = 'story' AND doc_id IS NOT NULL")
        before = dict(rows.project("doc_id, split").fetchall())
    return assign(doc_ids, clusters([(min(p), max(p)) for p in joined if p[0] != p[1]]), before)


def _copy(db: duckdb.DuckDBPyConnection, name: str, query: str, tables: Path) -> None:
    """Write the rows in the order and types of the schema, a bounded number at a time."""
    table = schemas.table(name)
    schema = table.SCHEMA
    columns = ", ".join(f'"{c}"' for c in schema.names)
    reader = db.sql(f"SELECT {columns} FROM ({query}) ORDER BY {table.ORDER}").to_arrow_reader(10_000)
    with pq.ParquetWriter(tables / f"{name}.parquet", schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(pa.RecordBatch.from_arrays([c.cast(t) for c, t in zip(batch.columns, schema.types, strict=True)], schema=schema))
