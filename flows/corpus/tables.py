"""Group: what needs all documents, on DuckDB: the tables of a release out of the tables of its shards.

It links and counts; no document's text, segments or facts change here. What was found in them and voted on is `answers`.
"""

from collections.abc import Iterable
from glob import escape
from pathlib import Path

import duckdb
import pyarrow as pa

from flows.corpus.duplicates import Pair, clusters, insert, near_duplicates
from flows.corpus.repeats import PAGES
from flows.corpus.splits import assign
from flows.corpus.stories import same_story
from flows.drafts import AS_FOUND, FINGERPRINTS
from flows.parquet import stored, write_rows

# Beyond this DuckDB spills to disk; left alone it would take four fifths of the machine.
MEMORY = "2GB"
# A capture whose twin became a document is a duplicate; where the twin was refused, so is it, for the same reason. The CASE, since a
# condition on the left side of a left join makes DuckDB hold every row against every other.
CAPTURES = """
    SELECT l.capture_id, l.sha256 AS capture_sha256, l.path, l.container_sha256, l.record_offset,
        l.media_type, l.bytes, l.url, l.archive_url, l.date_retrieved,
        CASE WHEN d.doc_id IS NULL THEN 'rejected' WHEN d.capture_id = l.capture_id THEN 'document' ELSE 'duplicate' END AS outcome,
        d.doc_id
    FROM listed l LEFT JOIN shard_documents d ON d.doc_id = CASE WHEN l.reason IS NULL THEN l.sha256[:20] END
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
        l.story_cluster AS story_cluster,
        s.supersedes AS supersedes)
    FROM shard_documents d LEFT JOIN linked l USING (doc_id) LEFT JOIN saves s USING (doc_id)
"""
# Saves of one address follow each other by the day they were made; without that day their order is not known.
SAVES = """
    SELECT doc_id, LAG(doc_id) OVER (PARTITION BY url ORDER BY date_retrieved, doc_id) AS supersedes
    FROM captures WHERE outcome = 'document' AND url IS NOT NULL AND date_retrieved IS NOT NULL
"""
SEGMENTS = f"""
    SELECT s.* REPLACE (p.pages AS n_outlet_pages)
    FROM shard_segments s
    JOIN shard_documents d USING (doc_id)
    LEFT JOIN ({PAGES}) p ON p.outlet = d.outlet AND p.text_sha256 = s.text_sha256
"""
# What must not be parted, beside the clusters: the saves of one page.
LINKS = """
    SELECT doc_id, duplicate_cluster FROM linked WHERE duplicate_cluster IS NOT NULL
    UNION ALL SELECT doc_id, story_cluster FROM linked
    UNION ALL SELECT doc_id, supersedes FROM saves WHERE supersedes IS NOT NULL
"""


def write_tables(listed: Path, shards: list[Path], previous: Path | None, tables: Path, spill: Path) -> Path:
    """Write one sorted Parquet file per table into `tables` and return it.

    listed: Parquet of every capture that was listed. previous: the last
    release, whose splits and names of clusters stand. spill: a folder DuckDB may use for what does not fit into memory.
    """
    tables.mkdir(parents=True)
    with database(spill) as db:
        db.read_parquet(escape(str(listed))).create_view("listed")
        shard_views(db, shards, ("documents", "segments", "rejections", FINGERPRINTS, *AS_FOUND))
        db.sql(CAPTURES).create_view("captures")
        db.execute(f"CREATE TEMP TABLE saves AS {SAVES}")
        _link(db, previous, spill)
        queries = {
            "captures": CAPTURES,
            "documents": DOCUMENTS,
            "segments": SEGMENTS,
            "rejections": REJECTIONS,
            **{name: f"FROM shard_{name}" for name in AS_FOUND},
        }
        for name, query in queries.items():
            write_rows(db, name, query, tables)
        _split(db, previous, tables)
    return tables


def database(spill: Path) -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory that spills into the folder `spill`."""
    return duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(spill)})


def shard_views(db: duckdb.DuckDBPyConnection, shards: list[Path], names: Iterable[str]) -> None:
    """Make the views shard_<name> of tables as the shards have them."""
    for name in names:
        # A path is a pattern to DuckDB, hence the escapes.
        db.read_parquet([escape(str(s / f"{name}.parquet")) for s in shards]).create_view(f"shard_{name}")


def _link(db: duckdb.DuckDBPyConnection, previous: Path | None, spill: Path) -> None:
    """The temporary table `linked`: the clusters of every document that has near-duplicates or shares its story."""
    db.execute("CREATE VIEW documents AS SELECT doc_id, text, date_published, date_not_before FROM shard_documents")
    db.execute(f"CREATE VIEW fingerprints AS FROM shard_{FINGERPRINTS}")
    copies = near_duplicates(db, spill)
    pairs = copies + same_story(db, spill)
    standing = _standing(db, previous, pairs)
    same_text = clusters(copies, {doc_id: cluster for doc_id, cluster, _ in standing})
    stories = clusters(pairs, {doc_id: cluster for doc_id, _, cluster in standing})
    db.execute("CREATE TEMP TABLE linked (doc_id VARCHAR, duplicate_cluster VARCHAR, story_cluster VARCHAR)")
    columns = (list(stories), [same_text.get(doc_id) for doc_id in stories], list(stories.values()))
    insert(db, "linked", pa.table([pa.array(c, pa.string()) for c in columns], names=["doc_id", "duplicate_cluster", "story_cluster"]))


def _standing(db: duckdb.DuckDBPyConnection, previous: Path | None, pairs: list[Pair]) -> list[tuple]:
    """doc_id, duplicate_cluster and story_cluster in the last release, of documents that were in a cluster or are in one of `pairs`."""
    paired = pa.table({"doc_id": pa.array(sorted({doc_id for pair in pairs for doc_id in pair}), pa.string())})
    db.execute("CREATE TEMP TABLE paired (doc_id VARCHAR)")
    insert(db, "paired", paired)
    return db.execute(
        f"""SELECT doc_id, duplicate_cluster, story_cluster FROM {stored(previous, "documents")}
            WHERE COALESCE(duplicate_cluster, story_cluster) IS NOT NULL OR doc_id IN (FROM paired)"""
    ).fetchall()


def _split(db: duckdb.DuckDBPyConnection, previous: Path | None, tables: Path) -> None:
    db.execute("CREATE TEMP TABLE groups (doc_id VARCHAR, name VARCHAR)")
    groups = clusters(db.execute(LINKS).fetchall())
    insert(db, "groups", pa.table([pa.array(c, pa.string()) for c in (list(groups), list(groups.values()))], names=["doc_id", "name"]))
    db.execute(
        """CREATE TEMP TABLE grouped AS SELECT doc_id, name AS "group", outlet, date_published
           FROM shard_documents LEFT JOIN groups USING (doc_id)"""
    )
    standing = f"SELECT scheme, doc_id, split FROM {stored(previous, 'splits')} WHERE doc_id IS NOT NULL"
    db.execute(f"CREATE TEMP TABLE standing AS {standing}")
    write_rows(db, "splits", assign(db), tables)
