"""Answers: the tables of what was found, voted and decided.

They are entities, attributions, claims, stances, annotations, labels, coverage and those a model trains on.

Votes of the corpus folder are carried over to the documents at hand; those that see an item where the rules saw none make it. A label
that only a rule stands behind is made of its vote as it is; wherever anybody else voted, `labels` decides.
"""

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

import schemas
from flows.corpus.items import Source, items, sources_of
from flows.corpus.labels import labels
from flows.corpus.tables import database, shard_views
from flows.corpus.votes import ITEM_ID, Refused, carried_votes, read_votes
from flows.parquet import stored, views, write_rows
from schemas import Row
from schemas.annotations import QUOTED
from schemas.training import asked, query

ITEMS = {"attributions": "attribution_id", "claims": "claim_id", "stances": "stance_id"}
IN_SHARDS = ("documents", "segments", "edits", "mentions", "annotations", "coverage")

# Of items on which nobody but the rules voted.
WEAK = """
    SELECT item_id, layer, value, 'weak' AS tier, 'single' AS method, [{'value': value, 'count': 1}] AS vote_counts, 1.0 AS agreement,
        guideline_version
    FROM shard_annotations WHERE (item_id, layer) NOT IN (SELECT (item_id, layer) FROM own_labels)
"""
ENTITIES = """
    FROM known_entities WHERE is_own OR entity_id IN (
        SELECT entity_id FROM shard_mentions
        UNION SELECT holder_entity_id FROM shard_attributions
        UNION SELECT holder_entity_id FROM shard_claims
        UNION SELECT holder_entity_id FROM shard_stances
        UNION SELECT holder_entity_id FROM made_stances
    )
"""
COVERAGE = """
    FROM shard_coverage UNION
    SELECT DISTINCT item_id[:20] AS doc_id, layer, annotator_id AS labeller, 'run' AS status FROM own_annotations
    WHERE carried <> 'orphaned' AND item_id[:20] IN (SELECT doc_id FROM shard_documents)
"""
QUERIES = {
    "entities": ENTITIES,
    "annotations": QUOTED.format(annotations="(FROM shard_annotations UNION ALL BY NAME FROM own_annotations)"),
    "labels": f"FROM own_labels UNION ALL BY NAME {WEAK}",
    "coverage": COVERAGE,
}
# One target in five is kept for validation under `cross_target`, drawn by its id, so that it never moves. Gold in documents kept for
# validation is the test under `story`, item by item.
ITEM_SPLITS = """
    FROM document_splits UNION ALL BY NAME
    SELECT 'cross_target' AS scheme, 'stance' AS layer, stance_id AS item_id, target_id AS group_id,
        CASE WHEN ('0x' || sha256('target ' || target_id)[:8])::UINTEGER < 4294967296 // 5 THEN 'validation' ELSE 'train' END AS split
    FROM stances
    UNION ALL BY NAME
    SELECT 'story' AS scheme, l.layer, l.item_id, p.group_id,
        CASE WHEN p.split = 'validation' THEN 'test' ELSE p.split END AS split, p.reason
    FROM labels l JOIN document_splits p ON p.scheme = 'story' AND p.layer = 'document' AND p.doc_id = l.item_id[:20] WHERE l.tier = 'gold'
"""


def write_answers(
    shards: list[Path],
    tables: Path,
    annotations: Path,
    entities: list[Row],
    targets: list[Row],
    spill: Path,
    aggregate: str = "majority",
) -> Path:
    """Write the tables of answers into `tables`, where documents, segments, edits, rejections and splits stand, and return it.

    annotations: the folder of the votes; lines that are none become rejections. entities: rows of `entities`, with `is_own` for those of
    the corpus. targets: target_id, wording. spill: a folder DuckDB may use for what does not fit into memory. aggregate: of `labels`.
    """
    with database(spill) as db:
        shard_views(db, shards, (*IN_SHARDS, *ITEMS))
        votes, _ = read_votes(annotations)
        made = items(votes, _known(db, votes), _sources(db, votes), (e["entity_id"] for e in entities))
        for name in ITEMS:
            _load(db, f"made_{name}", made[name], schemas.table(name).SCHEMA)
            write_rows(db, name, f"FROM shard_{name} UNION ALL BY NAME FROM made_{name}", tables)
        _load(db, "known_entities", entities, schemas.table("entities").SCHEMA.append(pa.field("is_own", pa.bool_())))
        carried, refused = carried_votes(annotations, tables)
        own = [c.vote for c in carried]
        _load(db, "own_annotations", own, schemas.table("annotations").SCHEMA)
        _load(db, "own_labels", _decided(db, own, aggregate), schemas.table("labels").SCHEMA)
        views(db, tables, ("documents", "segments", "edits", *ITEMS))
        for name, made_of in QUERIES.items():
            write_rows(db, name, made_of, tables)
        _reject(db, refused, tables)
        _split_items(db, tables)
        _training(db, tables, targets)
    return tables


def _reject(db: duckdb.DuckDBPyConnection, refused: list[Refused], tables: Path) -> None:
    of = {"capture_id": None, "table": "annotations", "stage": "group"}
    rows = [{**of, "row_id": r.where, "reason": r.reason, "detail": r.detail} for r in refused]
    _load(db, "refused", rows, schemas.table("rejections").SCHEMA)
    db.execute(f"CREATE TEMP TABLE every_rejection AS FROM {stored(tables, 'rejections')} UNION ALL BY NAME FROM refused")
    write_rows(db, "rejections", "FROM every_rejection", tables)


def _split_items(db: duckdb.DuckDBPyConnection, tables: Path) -> None:
    db.execute(f"CREATE TEMP TABLE document_splits AS FROM {stored(tables, 'splits')}")
    views(db, tables, ("labels",))
    write_rows(db, "splits", ITEM_SPLITS, tables)


def _known(db: duckdb.DuckDBPyConnection, votes: list[Row]) -> set[str]:
    wanted = sorted({v["item_id"] for v in votes})
    every = " UNION ALL ".join(f"SELECT {key} AS id FROM shard_{name}" for name, key in ITEMS.items())
    return {i for (i,) in db.execute(f"SELECT id FROM ({every}) WHERE id IN (SELECT unnest($1::VARCHAR[]))", [wanted]).fetchall()}


def _sources(db: duckdb.DuckDBPyConnection, votes: list[Row]) -> dict[str, Source]:
    wanted = sorted({v["item_id"][:20] for v in votes if ITEM_ID.fullmatch(v["item_id"])})
    rows = {}
    for name in ("documents", "edits", "segments"):
        found = db.execute(f"FROM shard_{name} WHERE doc_id IN (SELECT unnest($1::VARCHAR[])) ORDER BY doc_id", [wanted])
        rows[name] = found.to_arrow_table().to_pylist()
    return sources_of(**rows)


def _decided(db: duckdb.DuckDBPyConnection, own: list[Row], aggregate: str) -> list[Row]:
    """Labels of the items on which somebody voted, the rules' votes on them included."""
    wanted = sorted({v["item_id"] for v in own})
    of_rules = db.execute("FROM shard_annotations WHERE item_id IN (SELECT unnest($1::VARCHAR[]))", [wanted]).to_arrow_table().to_pylist()
    asked = {(v["item_id"], v["layer"]) for v in own}
    rules = [v for v in of_rules if (v["item_id"], v["layer"]) in asked]
    languages = dict(
        db.execute(
            "SELECT w, COALESCE(language, '') FROM (SELECT unnest($1::VARCHAR[]) AS w) JOIN shard_documents ON doc_id = w[:20]", [wanted]
        ).fetchall()
    )
    found, _ = labels(own + rules, languages, aggregate)
    return found


def _training(db: duckdb.DuckDBPyConnection, tables: Path, targets: list[Row]) -> None:
    views(db, tables, ("entities", "splits"))
    _load(db, "targets", targets, pa.schema([("target_id", pa.string()), ("wording", pa.string())]))
    there = db.execute("SELECT DISTINCT layer, tier FROM labels WHERE value IS NOT NULL").fetchall()
    for name in (n for n in schemas.VIEWS if asked(n) in there):
        write_rows(db, name, query(name), tables)
        if not pq.read_metadata(tables / f"{name}.parquet").num_rows:
            (tables / f"{name}.parquet").unlink()


def _load(db: duckdb.DuckDBPyConnection, name: str, rows: list[Row], schema: pa.Schema) -> None:
    found = pa.Table.from_pylist(rows, schema=schema)
    db.register("rows_at_hand", found)
    db.execute(f"CREATE TEMP TABLE {name} AS FROM rows_at_hand")
    db.unregister("rows_at_hand")
