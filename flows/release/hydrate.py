"""Hydrate: put the words back into a public release, from the captures that somebody else holds.

A capture with the same bytes gives the same document, and all its words return (`exact`). Where a page was saved again, its
sentences are matched by hash, and those too short for a hash by their place between matched ones (`segment`, or `fuzzy` where most
were matched by place); then the document's own text stays withheld. Nothing but words changes: ids, ranges, facts, links and
splits are those of the release.
"""

import json
import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path
from typing import NamedTuple

import duckdb
from anyascii import anyascii

import schemas
from flows.parquet import database, files, relation, stored, views, write_rows
from flows.release.provenance import facts
from flows.release.public import HOLDERS, STANCES, pseudonym
from schemas.annotations import QUOTED

# Below this share of a document's characters its labels say too much of what is not there.
MIN_COVERAGE = 0.5
# Words of a name, or of what stands for one.
LONGEST_NAME = 6
# Sentences that two saves of one page share by chance (a byline, a standing line) are fewer.
MIN_SHARED = 3


class Match(NamedTuple):
    """How a document of the release was found: `made_of` is the document of the captures at hand, coverage a share of characters."""

    doc_id: str
    level: str
    coverage: float
    made_of: str | None


def hydrate(release: Path, own: Path, tables: Path) -> list[Match]:
    """Write the tables of `release` with the words of `own`, the tables of the captures at hand, into `tables`; how each document
    whose words were withheld was matched."""
    tables.mkdir(parents=True)
    with database() as db:
        views(db, own, prefix="own_")
        views(db, release)
        matches = _matches(db)
        _fill_in(db, matches)
        _resolve(db, matches)
        for name in schemas.TABLES:
            named = _resolved(name, schemas.table(name).SCHEMA.names, f"FROM {stored(release, name)}")
            db.execute(f"CREATE OR REPLACE VIEW {name} AS {named}")
        for name in (n for n in schemas.TABLES if files(release, n)):
            _write(db, name, tables)
    return matches


def _matches(db: duckdb.DuckDBPyConnection) -> list[Match]:
    withheld = """SELECT doc_id, doc_id IN (SELECT doc_id FROM own_documents) FROM documents
        WHERE text_availability <> 'full' ORDER BY doc_id"""
    same = dict(db.execute(withheld).fetchall())
    exact = {d for (d,) in db.execute(EXACT).fetchall()}
    near = _near(db)
    db.execute("CREATE TABLE filled (segment_id VARCHAR, text VARCHAR)")
    found = []
    for doc_id, there in same.items():
        if doc_id in exact:
            found.append(Match(doc_id, "exact", 1.0, doc_id))
        else:
            other = doc_id if there else near.get(doc_id)
            found.append(_aligned(db, doc_id, other) if other else Match(doc_id, "none", 0.0, None))
    return found


# Segments that only one side has, of documents that both have.
DIFFERENT = """
    SELECT COALESCE(s.doc_id, o.doc_id) AS doc_id
    FROM segments s FULL JOIN (FROM own_segments SEMI JOIN documents USING (doc_id)) o USING (segment_id)
    WHERE s.segment_id IS NULL OR o.segment_id IS NULL OR s.text_sha256 <> o.text_sha256
"""
EXACT = f"""
    SELECT d.doc_id FROM documents d JOIN own_documents o USING (doc_id)
    WHERE d.n_chars = o.n_chars AND COALESCE(d.text_sha256 = o.text_sha256, true)
        AND NOT EXISTS (SELECT 1 FROM ({DIFFERENT}) x WHERE x.doc_id = d.doc_id)
"""
# Documents at hand that share sentences with one whose capture is not there, those that share most first.
NEAR = f"""
    SELECT s.doc_id, o.doc_id
    FROM segments s JOIN own_segments o ON s.text_sha256 = o.text_sha256 AND s.unit = o.unit AND s.unit = 'sentence'
    WHERE o.doc_id NOT IN (SELECT doc_id FROM documents) AND s.doc_id NOT IN (SELECT doc_id FROM own_documents)
    GROUP BY ALL HAVING COUNT(DISTINCT s.text_sha256) >= {MIN_SHARED} ORDER BY -COUNT(DISTINCT s.text_sha256), s.doc_id, o.doc_id
"""


def _near(db: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """By document of the release, the one at hand that is another save of it; none serves twice."""
    chosen: dict[str, str] = {}
    taken: set[str] = set()
    for wanted, other in db.execute(NEAR).fetchall():
        if wanted not in chosen and other not in taken:
            chosen[wanted] = other
            taken.add(other)
    return chosen


PSEUDONYMS = """
    SELECT split_part(stance_id, '-', 4) FROM stances WHERE stance_id LIKE '%-person_%'
    UNION SELECT entity_id FROM entities WHERE entity_id LIKE 'person_%'
"""


def _resolve(db: duckdb.DuckDBPyConnection, matches: list[Match]) -> None:
    """The table `resolved`: whom pseudonyms stand for, as far as the words at hand name them."""
    db.execute("CREATE TABLE resolved (pseudonym VARCHAR, id VARCHAR, name VARCHAR)")
    pseudonyms = {p for (p,) in db.execute(PSEUDONYMS).fetchall()}
    exact = [m.doc_id for m in matches if m.level == "exact"] if pseudonyms else []
    found: dict[str, tuple[str, str]] = {}
    rows = db.execute("SELECT text FROM own_documents WHERE doc_id IN (SELECT unnest($1::VARCHAR[])) ORDER BY doc_id", [exact])
    while row := rows.fetchone():
        for name in _phrases(row[0]):
            key = slug(name)
            if (told := pseudonym(key)) in pseudonyms:
                found.setdefault(told, (key, name))
    db.executemany("INSERT INTO resolved VALUES (?, ?, ?)", [["", "", ""], *([told, *whom] for told, whom in found.items())])


def _phrases(text: str) -> Iterator[str]:
    """Every run of up to LONGEST_NAME words."""
    places = [m.span() for m in re.finditer(r"[^\W_]+(?:['’.-][^\W_]+)*", text)]
    for i, (start, _) in enumerate(places):
        yield from (text[start:end] for _, end in places[i : i + LONGEST_NAME])


def slug(name: str) -> str:
    """A name as an id: in Latin letters, small, words parted by underscores."""
    return "_".join(re.findall(r"[a-z0-9]+", re.sub("['’]", "", anyascii(name)).lower()))


def _resolved(table: str, columns: list[str], query: str) -> str:
    """SQL for a table with the pseudonyms resolved that can be."""
    replaced = []
    for name in columns:
        if name in HOLDERS:
            replaced.append(f'COALESCE((SELECT id FROM resolved WHERE pseudonym = "{name}"), "{name}") AS "{name}"')
        elif name in STANCES:
            held = f"resolved WHERE pseudonym = split_part(\"{name}\", '-', 4)"
            replaced.append(f'COALESCE((SELECT replace("{name}", pseudonym, id) FROM {held}), "{name}") AS "{name}"')
        elif (table, name) == ("entities", "name") or (table in schemas.VIEWS and name == "holder"):
            replaced.append(f'COALESCE((SELECT r.name FROM resolved r WHERE pseudonym = t."{name}"), "{name}") AS "{name}"')
    return f"SELECT * REPLACE ({', '.join(replaced)}) FROM ({query}) t" if replaced else query


def _aligned(db: duckdb.DuckDBPyConnection, doc_id: str, other: str) -> Match:
    """Match the segments of two documents in order, and keep the words of those that agree."""
    segments = "SELECT {} FROM {} WHERE doc_id = $1 ORDER BY position"
    ours = db.execute(segments.format('segment_id, unit, "end" - start, text_sha256', "segments"), [doc_id]).fetchall()
    theirs = db.execute(segments.format("unit, LENGTH(text), text_sha256, text", "own_segments"), [other]).fetchall()
    hashed = {sha for *_, sha in ours if sha}
    keys = [sha or (unit, length) for _, unit, length, sha in ours]
    told = [sha if sha in hashed else (unit, length) for unit, length, sha, _ in theirs]
    blocks = SequenceMatcher(None, keys, told, autojunk=False).get_matching_blocks()
    pairs = [(ours[a + i], theirs[b + i]) for a, b, n in blocks for i in range(n)]
    if pairs:
        words = [[o[0] for o, _ in pairs], [t[3] for _, t in pairs]]
        db.execute("INSERT INTO filled SELECT unnest($1::VARCHAR[]), unnest($2::VARCHAR[])", words)
    whole = sum(length for _, unit, length, _ in ours if unit == "sentence") or 1
    matched = sum(o[2] for o, _ in pairs if o[1] == "sentence")
    sure = sum(o[2] for o, _ in pairs if o[1] == "sentence" and o[3])
    level = "none" if not matched else "segment" if 2 * sure >= matched else "fuzzy"
    return Match(doc_id, level, round(matched / whole, 4), other)


def _fill_in(db: duckdb.DuckDBPyConnection, matches: list[Match]) -> None:
    """Tables `exact` and `partial` (documents by how they matched) and `thin` (those too little of which came back)."""
    chosen = {
        "exact": [m.doc_id for m in matches if m.level == "exact"],
        "partial": [m.doc_id for m in matches if m.level in ("segment", "fuzzy")],
        "thin": [m.doc_id for m in matches if m.coverage < MIN_COVERAGE],
    }
    for name, ids in chosen.items():
        db.execute(f"CREATE TABLE {name} AS SELECT unnest($1::VARCHAR[]) AS doc_id", [ids])


# The words of a training table are those of the others; its other columns stay as they were published.
TRAINING = """
    SELECT v.* REPLACE (COALESCE(v.text, {text}) AS text, COALESCE(v.context, b.text) AS context)
    FROM {name} v JOIN {items} i ON i.{key} = v.item_id JOIN documents d ON d.doc_id = i.doc_id
    JOIN segments g ON g.segment_id = i.segment_id JOIN segments b ON b.segment_id = COALESCE(g.parent_id, g.segment_id)
"""
WORDS = {
    "claims": ("claim_id", """substring(d.text, list_min([s.start FOR s IN i.spans]) + 1,
        list_max([s."end" FOR s IN i.spans]) - list_min([s.start FOR s IN i.spans]))"""),
    "stances": ("stance_id", "g.text"),
}  # fmt: skip
# A withheld value returns where the same row was made again of the same bytes.
QUERIES = {
    "documents": """SELECT d.* REPLACE (COALESCE(d.text, o.text) AS text, COALESCE(d.text_sha256, o.text_sha256) AS text_sha256,
            CASE WHEN d.text IS NOT NULL OR o.text IS NOT NULL THEN 'full' WHEN d.doc_id IN (FROM partial) THEN 'partial'
                 ELSE d.text_availability END AS text_availability)
        FROM documents d LEFT JOIN (FROM own_documents SEMI JOIN exact USING (doc_id)) o USING (doc_id)""",
    "segments": """SELECT s.* REPLACE (COALESCE(s.text, o.text, f.text) AS text,
            COALESCE(s.text_sha256, o.text_sha256, sha256(f.text)) AS text_sha256)
        FROM segments s LEFT JOIN (FROM own_segments SEMI JOIN exact USING (doc_id)) o USING (segment_id)
        LEFT JOIN filled f USING (segment_id)""",
    "edits": """SELECT e.* REPLACE (COALESCE(e.before, o.before) AS before, COALESCE(e.after, o.after) AS after)
        FROM edits e LEFT JOIN (FROM own_edits SEMI JOIN exact USING (doc_id)) o USING (edit_id)""",
    "captures": """SELECT c.* REPLACE (COALESCE(c.path, o.path) AS path) FROM captures c LEFT JOIN own_captures o USING (capture_id)""",
    "attributions": """SELECT a.* REPLACE (COALESCE(a.holder_name, o.holder_name) AS holder_name)
        FROM attributions a LEFT JOIN own_attributions o USING (attribution_id)""",
    "rejections": """SELECT r.* REPLACE (COALESCE(r.detail, o.detail) AS detail)
        FROM rejections r LEFT JOIN own_rejections o USING (capture_id, "table", row_id, stage, reason)""",
}

QUERIES |= {"annotations": QUOTED.format(annotations="annotations")}
for _view in schemas.VIEWS:
    _items = _view.partition("_")[0]
    QUERIES[_view] = TRAINING.format(name=_view, items=_items, key=WORDS[_items][0], text=WORDS[_items][1])


def _write(db: duckdb.DuckDBPyConnection, name: str, tables: Path) -> None:
    schema, query = schemas.table(name).SCHEMA, QUERIES.get(name, f"FROM {name}")
    if "item_id" in schema.names:
        query = f"FROM ({query}) WHERE item_id IS NULL OR item_id[:20] NOT IN (FROM thin)"
    write_rows(db, name, query, tables, schema)
    db.execute(f"CREATE OR REPLACE VIEW {name} AS FROM {relation([tables / f'{name}.parquet'])}")


def known(release: Path) -> dict[str, dict[str, str]]:
    """What the release says of its captures, by SHA-256, as captures.csv would."""
    own = facts(release)["settings"]["told"]
    with database() as db:
        sql = f"""SELECT c.capture_sha256, c.url, c.archive_url, c.date_retrieved, d.license, d.rights_basis
            FROM {stored(release, "captures")} c LEFT JOIN {stored(release, "documents")} d USING (doc_id)
            WHERE c.capture_sha256 IS NOT NULL"""
        rows = db.execute(sql).fetchall()
    names = ("url", "archive_url", "date_retrieved", "license", "rights_basis")
    told = {sha: {k: v for k, v in zip(names, values, strict=True) if v} for sha, *values in rows}
    return {sha: facts_of | own.get(sha, {}) | {"sha256": sha, "line": "0"} for sha, facts_of in told.items()}


def sought(release: Path) -> dict[str, str]:
    """By document of the release, what tells its capture: its SHA-256, and the address where it was or is archived."""
    with database() as db:
        sql = f"""SELECT doc_id, capture_sha256, COALESCE(archive_url, url) FROM {stored(release, "captures")}
            WHERE outcome = 'document' ORDER BY capture_id DESC"""
        rows = db.execute(sql).fetchall()
    return {doc_id: f"SHA-256 {sha256}{f', saved from {address}' if address else ''}" for doc_id, sha256, address in rows}


def lines(matches: list[Match]) -> Iterator[str]:
    """hydration.jsonl."""
    yield from (json.dumps(m._asdict()) + "\n" for m in matches)
