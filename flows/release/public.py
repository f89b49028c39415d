"""Public: the tables of a release without the words that may not be passed on, and the gate that looks for any left.

What is published of a document without evidence of an open licence is an allow-list: facts, ids, ranges and hashes of long
stretches stay; every other column is null. `hydrate` puts the words back for whoever holds the same captures.
"""

import hashlib
import html
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow.parquet as pq
from duckdb.func import FunctionNullHandling

import schemas
from flows.parquet import ROWS, database, files, relation, stored, write_rows

# Licences (SPDX) under which a text may be passed on with its name on it; araxes.toml may give others. Those that forbid
# changes (ND) are not among them: a text without its page's clutter is a changed one.
OPEN = (
    "CC0-1.0", "CC-PDDC", "PDDL-1.0", "ODC-By-1.0", "ODbL-1.0", "OGL-UK-2.0", "OGL-UK-3.0", "etalab-2.0",
    *(f"CC-BY{more}-{version}" for more in ("", "-SA", "-NC", "-NC-SA") for version in ("2.0", "2.5", "3.0", "4.0")),
)  # fmt: skip

# What stays of a row whose words are withheld. A column that is not named here is null in such a row.
PUBLISHED = {
    "captures": "capture_id capture_sha256 container_sha256 record_offset media_type bytes url archive_url date_retrieved outcome doc_id",
    "documents": """doc_id capture_id supersedes encoding encoding_source url outlet title authors byline language language_confidence
        date_published date_precision date_source date_modified date_not_before date_not_after date_candidates
        n_chars n_sentences text_defects duplicate_cluster duplicate_of story_cluster license rights_basis""",
    "segments": """segment_id doc_id parent_id unit position start end language repeat_of defects has_inferred n_outlet_pages
        byte_start byte_end trim_start trim_end""",
    "edits": "edit_id doc_id stages rules kind start end confidence byte_start byte_end",
    "rejections": "capture_id table row_id stage reason",
    "entities": "entity_id name type public_figure wikidata_id iso_3166",
    "mentions": "mention_id doc_id segment_id start end entity_id mention_type byte_start byte_end trim_start trim_end",
    "attributions": """attribution_id doc_id segment_ids parent_id source_spans cue_spans content_spans type holder_entity_id
        byte_start byte_end trim_start trim_end""",
    "claims": """claim_id doc_id segment_id spans holder_type holder_entity_id attribution_id modality author_commitment origin
        byte_start byte_end trim_start trim_end""",
    "stances": """stance_id doc_id segment_id holder_type holder_entity_id attribution_id claim_id target_id explicit evidence_spans origin
        byte_start byte_end trim_start trim_end""",
    "annotations": """annotation_id item_id layer value annotator_id annotator_type guideline_version made_on_release carried confidence
        saw_prelabel batch""",
    "labels": "item_id layer value tier method vote_counts agreement guideline_version",
    "coverage": "doc_id layer labeller status",
    "splits": "scheme layer doc_id item_id split group_id reason",
    **{name: f"item_id holder target {'label' if name.endswith('gold') else 'weak_label'} split" for name in schemas.VIEWS},
}

# Holders who are no public figures, by what stands for them: those of entities.csv that are people and not marked so, and those whom
# only an annotator named. A pseudonym is no anonymity: whoever has the page can tell who is meant.
PRIVATE = """
    CREATE TABLE private AS SELECT id, pseudonym_of(id) AS pseudonym FROM (
        SELECT entity_id AS id FROM {entities} WHERE type = 'person' AND NOT public_figure
        UNION SELECT holder FROM (SELECT split_part(stance_id, '-', 4) AS holder FROM {stances})
        WHERE holder NOT IN ('author', 'unnamed') AND holder NOT IN (SELECT entity_id FROM {entities})
    )
"""
NAMED = """
    CREATE TABLE named AS SELECT name, ANY_VALUE(pseudonym) AS pseudonym FROM {entities} JOIN private ON id = entity_id GROUP BY name
"""
# What names a holder, by column: an entity, the id of a stance, or a name.
HOLDERS = ("entity_id", "holder_entity_id")
STANCES = ("stance_id", "item_id")

# A hash of fewer words can be guessed by trying; and as many words in a row are what no file may hold. In scripts without spaces
# between words it is characters.
WORDS = 8
CHARACTERS = 24
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(rf"[{UNSPACED}]|(?:(?![{UNSPACED}])\w)+")
_UNSPACED = re.compile(f"[{UNSPACED}]")

# Grams of withheld text looked for at a time: some hundred megabytes.
GRAMS = 10_000_000


def withhold(tables: Path, out: Path, licenses: Iterable[str] = ()) -> Path:
    """Write the tables for the public into `out`: the same rows, less the words of documents without one of the open licences.

    A document is open where it has such a licence and the basis for it; `licenses` are open ones besides OPEN.
    """
    out.mkdir(parents=True)
    with database() as db:
        db.execute("CREATE TABLE licenses AS SELECT unnest($1::VARCHAR[]) AS license", [[*OPEN, *licenses]])
        db.execute(f"""CREATE TABLE open AS SELECT doc_id FROM {stored(tables, "documents")}
            WHERE license IN (FROM licenses) AND rights_basis IS NOT NULL""")
        db.create_function("pseudonym_of", pseudonym, ["VARCHAR"], "VARCHAR")
        db.execute(PRIVATE.format(entities=stored(tables, "entities"), stances=stored(tables, "stances")))
        db.execute(NAMED.format(entities=stored(tables, "entities")))
        db.create_function("is_long", is_long, ["VARCHAR"], "BOOLEAN", null_handling=FunctionNullHandling.SPECIAL)
        for name in (n for n in schemas.TABLES if files(tables, n)):
            schema = schemas.table(name).SCHEMA
            columns = ", ".join(_column(name, c) for c in schema.names)
            write_rows(db, name, f"SELECT {columns} FROM {relation(files(tables, name))} t", out)
    return out


def pseudonym(key: str) -> str:
    """What stands for a holder whose id is `key`."""
    return f"person_{hashlib.sha256(key.encode()).hexdigest()[:8]}"


def is_long(text: str | None) -> bool:
    """Whether the hash of a text tells nobody what it says."""
    return text is not None and (len(_TOKEN.findall(text)) >= CHARACTERS or len(_TOKEN.findall(_UNSPACED.sub(" ", text))) >= WORDS)


def _column(table: str, name: str) -> str:
    """SQL for a column of the public table."""
    if name in HOLDERS:
        return f'COALESCE((SELECT pseudonym FROM private WHERE id = "{name}"), "{name}") AS "{name}"'
    if name in STANCES:
        held = f"private WHERE id = split_part(\"{name}\", '-', 4)"
        hidden = f"SELECT replace(\"{name}\", '-' || id || '-', '-' || pseudonym || '-') FROM {held}"
        return f'COALESCE(({hidden}), "{name}") AS "{name}"'
    if (table, name) == ("entities", "name") or (table in schemas.VIEWS and name == "holder"):
        return f'COALESCE((SELECT pseudonym FROM named WHERE named.name = t."{name}"), "{name}") AS "{name}"'
    if name in PUBLISHED.get(table, "").split():
        return f'"{name}"'
    otherwise = "NULL"
    if name == "text_availability":
        otherwise = "'withheld'"
    elif name == "text_sha256":
        words = "exact" if table == "annotations" else "text"
        otherwise = f"CASE WHEN is_long({words}) THEN text_sha256 END"
    keys = [c for c in ("doc_id", "item_id", "capture_id") if c in schemas.table(table).SCHEMA.names]
    owner = f"COALESCE({', '.join(keys)}, '')[:20]" if keys else "''"
    return f'CASE WHEN {owner} NOT IN (FROM open) THEN {otherwise} ELSE "{name}" END AS "{name}"'


def leaks(release: Path, tables: Path) -> list[str]:
    """What is withheld and can be read in a file of the release all the same; a line for each file, naming a document.

    tables: the same release with all its words. Titles and bylines are facts; what an open document says too is no leak.
    """
    found: dict[str, str] = {}
    with database() as db:
        closed = f"SELECT doc_id FROM {stored(release, 'documents')} WHERE text_availability <> 'full'"
        documents = f"{stored(tables, 'documents')} WHERE text IS NOT NULL"
        told = f"SELECT doc_id, text FROM {documents} AND doc_id {{}} IN ({closed}) ORDER BY doc_id"
        facts = db.execute(f"SELECT DISTINCT unnest([title, byline]) FROM {stored(tables, 'documents')}").fetchall()
        allowed = _grams([t for (t,) in facts if t])
        rows = db.execute(told.format("NOT"))
        while batch := rows.fetchmany(1000):
            allowed = np.union1d(allowed, _grams([text for _, text in batch]))
        rows = db.execute(told.format(""))
        while batch := _some(rows):
            owners = [_grams([text]) for _, text in batch]
            grams = np.concatenate(owners)
            ids = np.repeat(np.arange(len(batch)), [len(o) for o in owners])
            order = np.argsort(grams, kind="stable")
            grams, ids = grams[order], ids[order]
            kept = ~np.isin(grams, allowed)
            for path in sorted(p for p in release.rglob("*") if p.is_file()):
                if (at := _first(path, grams[kept])) is not None:
                    found.setdefault(str(path.relative_to(release)), batch[ids[kept][at]][0])
    return [f"{name}: {WORDS} words in a row of document {doc_id}, whose text is withheld" for name, doc_id in sorted(found.items())]


def _some(rows: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """The next (doc_id, text), some GRAMS words of them."""
    batch: list[tuple[str, str]] = []
    size = 0
    while size < GRAMS and (row := rows.fetchone()):
        batch.append(row)
        size += len(row[1]) // 4
    return batch


def _first(path: Path, grams: np.ndarray) -> int | None:
    """The place in the sorted `grams` of one that the file holds; None where it holds none."""
    for texts in _texts(path):
        have = _grams(texts)
        at = np.searchsorted(grams, have)
        hit = at[(at < len(grams)) & (grams[np.minimum(at, len(grams) - 1)] == have)] if len(grams) else at[:0]
        if len(hit):
            return int(hit[0])
    return None


def _texts(path: Path) -> Iterator[list[str]]:
    """Everything in a file that can be read, some at a time: as it stands, and out of its quotes, escapes and tags."""
    if path.suffix == ".parquet":
        with pq.ParquetFile(path) as file:
            yield [str(file.schema_arrow.metadata), *(str(f.metadata) for f in file.schema_arrow)]
            for batch in file.iter_batches(ROWS):
                yield list(_strings(batch.to_pylist()))
        return
    with path.open("rb") as file:
        text = file.read().decode("utf-8", "replace")
    yield [str(path), text]
    if path.suffix == ".jsonl":
        yield list(_strings([json.loads(line) for line in text.splitlines() if line.strip()]))
    elif path.suffix == ".json":
        yield list(_strings(json.loads(text)))
    elif path.suffix in (".html", ".md", ".svg"):
        yield [html.unescape(re.sub(r"<[^>]*>", between, text)) for between in ("", " ")]
        yield [piece for script in re.findall(r"<script[^>]*>(.*?)</script>", text, re.S) for piece in _script(script)]


def _script(text: str) -> Iterator[str]:
    try:
        yield from _strings(json.loads(text))
    except ValueError:
        yield re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), text).replace("\\n", "\n")


def _strings(value: Any) -> Iterator[str]:
    """Every key and value in it that is a text."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (s for item in value.items() for s in _strings(item[0]))
        yield from (s for item in value.values() for s in _strings(item))
    elif isinstance(value, list | tuple):
        yield from (s for item in value for s in _strings(item))


def _grams(texts: Iterable[str]) -> np.ndarray:
    """Sorted hashes of every WORDS words in a row of each text, and of every CHARACTERS characters where words have no spaces."""
    parts = []
    for text in texts:
        tokens = _TOKEN.findall(text.casefold())
        unspaced = [bool(_UNSPACED.match(t)) for t in tokens]
        hashes = np.fromiter((hash(t) for t in tokens), dtype=np.int64, count=len(tokens)).astype(np.uint64)
        characters = np.array(unspaced, dtype=bool)
        parts += [_rolled(hashes[~characters], WORDS), _rolled(hashes[characters], CHARACTERS)]
    return np.unique(np.concatenate(parts)) if parts else np.empty(0, np.uint64)


def _rolled(hashes: np.ndarray, n: int) -> np.ndarray:
    if len(hashes) < n:
        return np.empty(0, np.uint64)
    rolled = np.zeros(len(hashes) - n + 1, np.uint64)
    for i in range(n):
        rolled = rolled * np.uint64(0x9E3779B97F4A7C15) + hashes[i : i + len(rolled)]
    return rolled
