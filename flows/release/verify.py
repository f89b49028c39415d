"""Verify: whether a release is what it says it is.

Without the captures: checksums, schemas, keys, references, the invariants of the schemas, the record digests of
build.json, and that texts, segments, edits and ids agree, down to rebuilding a capture's bytes from its document where
the edits tell them all. With the captures also promises 1 and 2: every file is there, its bytes replayed through the
edits give the text, and every span's bytes give its words. Documents are read one after the other, and DuckDB joins what
is joined, so memory does not grow with the release. Nothing is ever changed.
"""

import hashlib
import io
import json
import os
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import groupby, islice, zip_longest
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple, TypeVar

import duckdb
import pandera.polars as pap
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pandera.errors import SchemaErrors

import schemas
from flows.parquet import ROWS, database, digest, files, relation
from flows.release.publish import SUMS, batches, json_lines, listed
from flows.traced import Edit as Made
from flows.traced import Traced, replay
from schemas.captures import path_bytes

# Problems told per check: the first ones say what is wrong, the count how much.
TOLD = 10

# What holds between tables: (table, what is wrong, SQL for the rows where it is).
REFERENCES = (
    (
        "captures", "its doc_id is no document",
        "SELECT capture_id FROM captures ANTI JOIN documents USING (doc_id) WHERE doc_id IS NOT NULL",
    ),
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
    (
        "documents", "supersedes is no other document",
        """SELECT d.doc_id FROM documents AS d ANTI JOIN documents AS o ON d.supersedes = o.doc_id AND d.doc_id <> o.doc_id
           WHERE d.supersedes IS NOT NULL""",
    ),
    ("segments", "its doc_id is no document", "SELECT segment_id FROM segments ANTI JOIN documents USING (doc_id)"),
    ("edits", "its doc_id is no document", "SELECT edit_id FROM edits ANTI JOIN documents USING (doc_id)"),
    (
        "rejections", "its capture_id is no capture",
        "SELECT row_id FROM rejections ANTI JOIN captures USING (capture_id) WHERE capture_id IS NOT NULL",
    ),
    *(
        (
            name, f"its {column} is no row of {target}",
            f"SELECT {key} FROM {name} AS c ANTI JOIN {target} AS p ON c.{column} = p.{target_key} WHERE c.{column} IS NOT NULL",
        )
        for name, key, column, target, target_key in (
            ("mentions", "mention_id", "doc_id", "documents", "doc_id"),
            ("mentions", "mention_id", "segment_id", "segments", "segment_id"),
            ("mentions", "mention_id", "entity_id", "entities", "entity_id"),
            ("attributions", "attribution_id", "doc_id", "documents", "doc_id"),
            ("attributions", "attribution_id", "parent_id", "attributions", "attribution_id"),
            ("attributions", "attribution_id", "holder_entity_id", "entities", "entity_id"),
            ("claims", "claim_id", "doc_id", "documents", "doc_id"),
            ("claims", "claim_id", "segment_id", "segments", "segment_id"),
            ("claims", "claim_id", "attribution_id", "attributions", "attribution_id"),
            ("claims", "claim_id", "holder_entity_id", "entities", "entity_id"),
            ("stances", "stance_id", "doc_id", "documents", "doc_id"),
            ("stances", "stance_id", "segment_id", "segments", "segment_id"),
            ("stances", "stance_id", "attribution_id", "attributions", "attribution_id"),
            ("stances", "stance_id", "claim_id", "claims", "claim_id"),
            ("stances", "stance_id", "holder_entity_id", "entities", "entity_id"),
            ("coverage", "doc_id", "doc_id", "documents", "doc_id"),
        )
    ),
    (
        "attributions", "a segment it touches is not there",
        """SELECT attribution_id FROM (SELECT attribution_id, unnest(segment_ids) AS s FROM attributions) AS a
           ANTI JOIN segments ON segment_id = a.s""",
    ),
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
        "splits", "its doc_id is no document",
        "SELECT splits.doc_id FROM splits ANTI JOIN documents USING (doc_id) WHERE splits.doc_id IS NOT NULL",
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


class Capture(NamedTuple):
    doc_id: str | None
    capture_id: str
    capture_sha256: str | None
    path: str | None
    container_sha256: str | None
    record_offset: int | None
    bytes: int | None
    outcome: str


class Document(NamedTuple):
    doc_id: str
    capture_id: str
    encoding: str
    text: str | None
    text_sha256: str | None
    n_chars: int
    n_sentences: int


class Segment(NamedTuple):
    doc_id: str
    segment_id: str
    parent_id: str | None
    unit: str
    position: int
    start: int
    end: int
    repeat_of: str | None
    has_inferred: bool
    text: str | None
    text_sha256: str | None
    byte_start: int
    byte_end: int
    trim_start: int
    trim_end: int


class Item(NamedTuple):
    """A mention, attribution, claim or stance: its hull, and the spans of it that have bytes of their own."""

    doc_id: str
    table: str
    key: str
    hull: tuple[int, int, int, int]
    spans: list[dict]


# Where the spans of each table stand; a mention is one span itself.
SPANS = {
    "mentions": ("mention_id",),
    "attributions": ("attribution_id", "source_spans", "cue_spans", "content_spans"),
    "claims": ("claim_id", "spans"),
    "stances": ("stance_id", "evidence_spans"),
}
PLACE = ("byte_start", "byte_end", "trim_start", "trim_end")


class Edit(NamedTuple):
    doc_id: str
    edit_id: str
    rules: list[str]
    kind: str
    start: int
    end: int
    before: str | None
    after: str | None
    byte_start: int
    byte_end: int


# The bytes of a capture; ValueError or OSError where they are not there as they were.
Read = Callable[[Capture], bytes]
Kind = TypeVar("Kind", bound=NamedTuple)


def verify(release: Path, captures: Path | None = None, payload: Callable[[Path, str, int], bytes | None] | None = None) -> list[str]:
    """What is wrong with `release`, a line a problem that names file, table and row; empty where all holds.

    captures: the folder the captures' paths start from. payload: gives, of such a folder, the bytes of the record of a
    container by path and offset, None where there is none; without it records cannot be verified.
    """
    if not (release / SUMS).is_file():
        return [f"{release}: no release, it has no {SUMS}; give a folder dist/<dataset>/<version>"]
    problems = [*_sums(release)]
    # Tables that are not as they were published are not opened: what reads them does not expect broken files.
    if not any(problem.startswith(("data/", "jsonl/")) for problem in problems):
        try:
            problems += [*_told(_shapes(release))] or _contents(release, _reader(captures, payload) if captures else None)
        except (pa.ArrowException, duckdb.Error, pl.exceptions.PolarsError, OSError, ValueError) as error:
            problems.append(f"data: the tables cannot be read to their end ({_line(error)})")
    return problems


def unlisted(release: Path, names: Iterable[str]) -> list[str]:
    """A line for each file of the captures folder (`names`, as paths in the table) that has no row in captures."""
    known = {path for file in files(release, "captures") for path in pq.read_table(file, columns=["path"])["path"].to_pylist()}
    if None in known:  # a public release: its paths are withheld
        return []
    return [*_told(f"{name}: in the captures folder, and without a row in captures" for name in names if name not in known)]


def _contents(release: Path, read: Read | None) -> list[str]:
    problems = [*_digests(release)]
    for name in schemas.TABLES:
        problems += _told(_json(release, name))
        problems += _told(_columns(release, name))
    with database() as db:
        for name in schemas.TABLES:
            if found := files(release, name):
                db.execute(f"CREATE VIEW {name} AS FROM {relation(found)}")
            else:
                db.register(name, schemas.table(name).SCHEMA.empty_table())
        unordered = [*_unordered(db)]
        problems += [*unordered, *_relations(db)]
        holes = {row[0] for row in _found(db, "SELECT DISTINCT capture_id FROM rejections WHERE \"table\" = 'segments'")}
    if not unordered:
        problems += _told(_documents(release, read, holes))
    if read:
        problems += _told(_others(release, read))
    return problems


def _told(problems: Iterable[str]) -> Iterator[str]:
    """The first problems of a check, and how many more there are."""
    problems = iter(problems)
    yield from islice(problems, TOLD)
    if more := sum(1 for _ in problems):
        yield f"... and {more:,} more problems of this kind"


def _sums(release: Path) -> Iterator[str]:
    wanted = {}
    for number, line in enumerate((release / SUMS).read_text("utf-8", "replace").splitlines(), 1):
        sha256, _, name = line.partition("  ")
        if not re.fullmatch("[0-9a-f]{64}", sha256) or not name or name in wanted:
            yield f"{SUMS}: line {number} is not a hash and the path of one file"
        wanted[name] = sha256
    there = listed(release)
    for name in sorted(wanted.keys() | there):
        path = release / name
        if name not in wanted:
            yield f"{name}: not listed in {SUMS}"
        elif name not in there:
            yield f"{name}: listed in {SUMS} and missing"
        elif path.is_symlink() or not path.is_file():
            yield f"{name}: not a plain file"
        elif _sha256(path) != wanted[name]:
            yield f"{name}: its SHA-256 is not the one in {SUMS}"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _shapes(release: Path) -> Iterator[str]:
    """Files of tables that cannot be read as their schema says, so that no later check makes sense."""
    stems = {}
    for top, ending in (("data", ".parquet"), ("jsonl", ".jsonl")):
        found = [name for name in listed(release) if name.startswith(f"{top}/")]
        for name in found:
            if name.split("/")[1] not in schemas.TABLES or not name.endswith(ending) or name.count("/") != 2:
                yield f"{name}: not a file of a table"
        stems[top] = {name.removeprefix(f"{top}/").removesuffix(ending) for name in found}
    for stem in sorted(stems["data"] ^ stems["jsonl"]):
        yield f"{stem}: in only one of data/ and jsonl/"
    for name in schemas.TABLES:
        for path in files(release, name):
            try:
                same = pq.read_schema(path).equals(schemas.table(name).SCHEMA)
            except (pa.ArrowException, OSError) as error:
                yield f"{path.relative_to(release)}: not readable as Parquet ({_line(error)})"
                continue
            if not same:
                yield f"{path.relative_to(release)}: its columns are not those of schemas/{name}.py"


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _digests(release: Path) -> Iterator[str]:
    try:
        build = json.loads((release / "build.json").read_text("utf-8"))
        wanted = {name: (build["rows"].get(name), build["digests"].get(name)) for name in schemas.TABLES}
    except (OSError, ValueError, KeyError, AttributeError) as error:
        yield f"build.json: no rows and digests by table in it ({_line(error)})"
        return
    for name in schemas.TABLES:
        found = files(release, name)
        rows = sum(pq.read_metadata(path).num_rows for path in found) if found else None
        if wanted[name][0] != rows:
            yield f"{name}: {rows} rows where build.json says {wanted[name][0]}"
        if wanted[name][1] != (digest(found) if found else None):
            yield f"{name}: its record digest is not the one in build.json"


def _json(release: Path, table: str) -> Iterator[str]:
    """Rows of the JSON Lines that are not those of the Parquet."""
    for path in files(release, table):
        name = f"jsonl/{table}/{path.stem}.jsonl"
        with (release / name).open("rb") as lines:
            row = 0
            for frame in batches(path):
                made = io.BytesIO()
                json_lines(frame, made)
                wanted, begin = made.getbuffer(), lines.tell()
                # Other versions may write a number otherwise: the bytes being equal is the fast way only.
                if lines.read(len(wanted)) != wanted:
                    lines.seek(begin)
                    pairs = zip_longest(islice(lines, frame.num_rows), bytes(wanted).splitlines())
                    unlike = (row + i for i, pair in enumerate(pairs, 1) if not _same(*pair))
                    yield from (f"{name}: line {i} is not row {i} of the Parquet" for i in unlike)
                row += frame.num_rows
            yield from (f"{name}: line {row + i} has no row in the Parquet" for i, _ in enumerate(lines, 1))


def _same(line: bytes | None, wanted: bytes) -> bool:
    try:
        return line is not None and line.endswith(b"\n") and list(json.loads(line).items()) == list(json.loads(wanted).items())
    except (ValueError, AttributeError):
        return False


def _columns(release: Path, table: str) -> Iterator[str]:
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


def _unordered(db: duckdb.DuckDBPyConnection) -> Iterator[str]:
    for name in schemas.TABLES:
        table = schemas.table(name)
        key = ", ".join(f'"{c}"' for c in table.KEY)
        # A window without an order runs over the rows as they stand in the file.
        sql = f"SELECT {key}, row({table.ORDER}) AS here, LAG(row({table.ORDER})) OVER () AS before FROM {name}"
        yield from _told(f"{name} {_key(row)}: out of order" for row in _found(db, f"SELECT {key} FROM ({sql}) WHERE here < before"))


def _relations(db: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Keys that stand twice, rows that break a rule of their schema, references that lead nowhere."""
    for name in schemas.TABLES:
        module = schemas.table(name)
        key = ", ".join(f'"{c}"' for c in module.KEY)
        twice = _found(db, f"SELECT {key} FROM {name} GROUP BY ALL HAVING COUNT(*) > 1")
        yield from _told(f"{name} {_key(row)}: the key stands twice" for row in twice)
        for rule, sql in module.ROW_CHECKS.items():
            broken = _found(db, f"SELECT {key} FROM {name} WHERE ({sql}) IS NOT TRUE")
            yield from _told(f"{name} {_key(row)}: fails {rule}" for row in broken)
    for name, what, sql in REFERENCES:
        yield from _told(f"{name} {row[0]}: {what}" for row in _found(db, sql))


def _found(db: duckdb.DuckDBPyConnection, sql: str) -> Iterator[tuple]:
    rows = db.execute(sql)
    while batch := rows.fetchmany(ROWS):
        yield from batch


def _documents(release: Path, read: Read | None, holes: set[str]) -> Iterator[str]:
    """What is wrong inside documents. `holes` are the captures of which segments were rejected."""
    kinds = {"captures": Capture, "segments": Segment, "edits": Edit}
    captures_of, segments_of, edits_of = (_following(_rows(release, name, kind)) for name, kind in kinds.items())
    items_of = [_following(_items(release, name)) for name in SPANS] if read else []
    for document in _rows(release, "documents", Document):
        segments, edits = segments_of(document.doc_id), edits_of(document.doc_id)
        capture = next((c for c in captures_of(document.doc_id) if c.outcome == "document"), None)
        if capture is None:
            continue  # said among the references
        problems = [*_segments(document, segments, edits), *_edits(document, edits, capture)]
        if document.capture_id not in holes:
            problems += _tiles(document, segments)
        if read:
            items = [item for of in items_of for item in of(document.doc_id)]
            problems += _from_capture(document, segments, edits, items, capture, read)
        yield from problems


def _following(found: Iterable) -> Callable[[str], list]:
    """A function that gives a document's rows; documents have to be asked for in order."""
    groups = ((doc_id, list(rows)) for doc_id, rows in groupby(found, attrgetter("doc_id")) if doc_id is not None)
    head = next(groups, None)

    def rows_of(doc_id: str) -> list:
        nonlocal head
        while head and head[0] < doc_id:
            head = next(groups, None)
        return head[1] if head and head[0] == doc_id else []

    return rows_of


def _rows(release: Path, table: str, kind: type[Kind]) -> Iterator[Kind]:
    for path in files(release, table):
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(ROWS, columns=list(kind._fields)):
                yield from map(kind._make, zip(*(batch.column(name).to_pylist() for name in kind._fields), strict=True))


def _items(release: Path, table: str) -> Iterator[Item]:
    key, *spans = SPANS[table]
    own = ["start", "end"] if table == "mentions" else []
    for path in files(release, table):
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(ROWS, columns=["doc_id", key, *own, *spans, *PLACE]):
                for row in batch.to_pylist():
                    pieces = [row] if own else [span for name in spans for span in row[name]]
                    yield Item(row["doc_id"], table, row[key], tuple(row[name] for name in PLACE), pieces)


def _segments(document: Document, segments: list[Segment], edits: list[Edit]) -> Iterator[str]:
    """Segments whose words, ids or places do not agree with their document's."""
    known = {s.segment_id: s for s in segments}
    guessed = [e for e in edits if e.kind == "inferred"]
    guess_starts, guess_ends = [e.start for e in guessed], [e.end for e in guessed]
    for s in segments:
        at = f"segments {s.segment_id}:"
        letter = "b" if s.parent_id is None else "s"
        if not _is_id(s.segment_id, f"{s.doc_id}-{letter}{s.byte_start}-{s.byte_end}"):
            yield f"{at} its id is not made of its document and bytes"
        if s.end > document.n_chars:
            yield f"{at} it leaves the document's text"
        if document.text is not None and s.text != document.text[s.start : s.end]:
            yield f"{at} its text is not the document's from {s.start} to {s.end}"
        if s.text is not None and s.text_sha256 != hashlib.sha256(s.text.encode()).hexdigest():
            yield f"{at} text_sha256 is not its text's"
        if s.repeat_of is not None and (s.repeat_of == s.segment_id or s.repeat_of not in known):
            yield f"{at} repeat_of is no other segment of its document"
        if not s.has_inferred and bisect_right(guess_ends, s.start) < bisect_left(guess_starts, s.end):
            yield f"{at} an inferred edit lies in it and has_inferred is false"
        if s.parent_id is not None:
            parent = known.get(s.parent_id)
            if parent is None or parent.parent_id is not None:
                yield f"{at} its parent is no block of its document"
            elif not (parent.start <= s.start and s.end <= parent.end):
                yield f"{at} it lies outside its parent"
            elif not (parent.byte_start <= s.byte_start and s.byte_end <= parent.byte_end):
                yield f"{at} its bytes lie outside its parent's"


def _is_id(key: str, made: str) -> bool:
    """Whether a key is the one made, with an ordinal behind it where another row had it first."""
    return key == made or (key.startswith(f"{made}.") and key[len(made) + 1 :].isdecimal())


def _tiles(document: Document, segments: list[Segment]) -> Iterator[str]:
    """Segments out of order, or with anything but white space between the sentences of a block."""
    if document.n_sentences != sum(s.unit == "sentence" for s in segments):
        yield f"documents {document.doc_id}: n_sentences is not the number of its sentences"
    sentences: dict[str, list[Segment]] = {}
    block_end = 0
    for i, s in enumerate(segments):
        if s.position != i:
            yield f"segments {s.segment_id}: its position is not {i}"
        if s.parent_id is None:
            if s.start < block_end:
                yield f"segments {s.segment_id}: it overlaps the block before it"
            block_end = s.end
        else:
            sentences.setdefault(s.parent_id, []).append(s)
    if document.text is None:
        return
    for block in segments:
        at = block.start
        for s in sentences.get(block.segment_id, ()):
            if s.start < at or document.text[at : s.start].strip():
                yield f"segments {s.segment_id}: it overlaps the sentence before it, or words lie between them"
            at = s.end
        if block.segment_id in sentences and document.text[at : block.end].strip():
            yield f"segments {block.segment_id}: words lie after its last sentence"


def _edits(document: Document, edits: list[Edit], capture: Capture) -> Iterator[str]:
    """Edits that do not part the capture's bytes and the document's text between them."""
    text, size = document.text, capture.bytes or 0
    if text is not None and hashlib.sha256(text.encode()).hexdigest() != document.text_sha256:
        yield f"documents {document.doc_id}: text_sha256 is not its text's"
    at = chars = 0
    for before, e in zip([None, *edits], edits, strict=False):
        name = f"edits {e.edit_id}:"
        if e.byte_start < at or e.start < chars or e.end > document.n_chars or e.byte_end > size:
            yield f"{name} it overlaps the edit before it or leaves the capture"
            return
        if not _is_id(e.edit_id, f"{e.doc_id}-e{e.byte_start}-{e.byte_end}"):
            yield f"{name} its id is not made of its document and bytes"
        if text is not None and e.after != text[e.start : e.end]:
            yield f"{name} `after` is not the document's text from {e.start} to {e.end}"
        if before and before.kind == e.kind == "removed" and before.byte_end == e.byte_start and before.rules[-1:] == e.rules[-1:]:
            yield f"{name} the neighbouring removals by one rule are not one edit"
        if text is not None and _encoded(text[chars : e.start], document.encoding) != e.byte_start - at:
            yield f"{name} the text before it does not fill the bytes before it"
        at, chars = e.byte_end, e.end
    if text is not None and _encoded(text[chars:], document.encoding) != size - at:
        yield f"documents {document.doc_id}: the text after its last edit does not fill the bytes of the capture"
        return
    data = _rebuilt(document, edits)
    if data is not None and hashlib.sha256(data).hexdigest() != capture.capture_sha256:
        yield f"documents {document.doc_id}: its text and edits give other bytes than the capture had"


def _encoded(text: str, encoding: str) -> int | None:
    """Bytes the text takes; None where it has no bytes in the encoding."""
    try:
        return len(text.encode(encoding))
    except (UnicodeEncodeError, LookupError):
        return None


def _rebuilt(document: Document, edits: list[Edit]) -> bytes | None:
    """The bytes of the capture; None where document and edits do not tell them all, as with markup or broken bytes."""
    if document.text is None or not _one_to_one(document.encoding):
        return None
    parts, at = [], 0
    for e in edits:
        if e.before is None or "\ufffd" in e.before:
            return None
        parts += [document.text[at : e.start], e.before]
        at = e.end
    return "".join([*parts, document.text[at:]]).encode(document.encoding, "replace")


@cache
def _one_to_one(encoding: str) -> bool:
    """Whether no two byte sequences are the same text: in Unicode encodings, and where a byte is a character."""
    if re.fullmatch(r"utf[-_]?(8|(16|32)[-_]?(le|be))", encoding.lower()):
        return True
    text = bytes(range(256)).decode(encoding, "replace")
    return len(text) == 256 and len(set(text)) + max(0, text.count("\ufffd") - 1) == 256


def _from_capture(
    document: Document, segments: list[Segment], edits: list[Edit], items: list[Item], capture: Capture, read: Read
) -> Iterator[str]:
    """Promises 1 and 2 on one document: its capture's bytes, replayed, are its text, and each span's bytes its words."""
    encoded, text = document.encoding, document.text
    if text is None:
        return
    try:
        data = read(capture)
        whole = replay(data, encoded, [(e.byte_start, e.byte_end, e.after or "") for e in edits])
    except (OSError, ValueError, LookupError) as error:
        yield f"captures {capture.capture_id}: {capture.path}: {_line(error)}"
        return
    if whole != text:
        yield f"documents {document.doc_id}: its capture replayed through its edits is not its text"
        return
    at = chars = 0
    for e in [*edits, None]:
        start, byte_start = (e.start, e.byte_start) if e else (len(text), len(data))
        if text[chars:start].encode(encoded, "replace") != data[at:byte_start]:
            yield f"documents {document.doc_id}: bytes {at} to {byte_start} do not decode one to one"
            return
        if e and e.before is not None and e.before != data[e.byte_start : e.byte_end].decode(encoded, "replace"):
            yield f"edits {e.edit_id}: `before` is not what its bytes say"
        at, chars = (e.byte_end, e.end) if e else (at, chars)
    made = (Made(e.byte_start, e.byte_end, e.start, e.end, tuple(e.rules), (), e.kind, 1.0) for e in edits)
    traced = Traced(data, encoded, text, tuple(made))
    yield from _spans(traced, edits, segments)
    yield from _places(traced, items)


def _spans(traced: Traced, edits: list[Edit], segments: list[Segment]) -> Iterator[str]:
    """Segments whose bytes, replayed, are not their text, or are not where their characters come from."""
    pieces = [(e.byte_start, e.byte_end, e.after or "") for e in edits]
    starts, ends = [e.byte_start for e in edits], [e.byte_end for e in edits]
    for s in segments:
        inside = pieces[bisect_left(starts, s.byte_start) : bisect_right(ends, s.byte_end)]
        try:
            words = replay(traced.data, traced.encoding, inside, s.byte_start, s.byte_end)
            place = traced.span(s.start, s.end)
        except ValueError as error:
            yield f"segments {s.segment_id}: its bytes do not replay ({_line(error)})"
            continue
        if words[s.trim_start : len(words) - s.trim_end] != s.text:
            yield f"segments {s.segment_id}: its bytes replayed are not its text"
        elif place != (s.byte_start, s.byte_end, s.trim_start, s.trim_end):
            yield f"segments {s.segment_id}: its bytes are not where its characters come from"


def _places(traced: Traced, items: list[Item]) -> Iterator[str]:
    """Mentions, attributions, claims and stances whose bytes are not where their characters come from."""
    for item in items:
        try:
            wrong = next((s for s in item.spans if traced.span(s["start"], s["end"]) != tuple(s[name] for name in PLACE)), None)
        except (ValueError, IndexError):
            yield f"{item.table} {item.key}: a span leaves the document's text"
            continue
        inside = all(item.hull[0] <= s["byte_start"] and s["byte_end"] <= item.hull[1] for s in item.spans)
        if wrong or not inside:
            yield f"{item.table} {item.key}: its bytes are not where its characters come from"


def _others(release: Path, read: Read) -> Iterator[str]:
    """Captures that became no document of their own and are not in the folder as they were."""
    for capture in _rows(release, "captures", Capture):
        try:
            if capture.outcome != "document" and capture.path is not None:
                read(capture)
        except (OSError, ValueError) as error:
            yield f"captures {capture.capture_id}: {capture.path}: {_line(error)}"


def _reader(folder: Path, payload: Callable[[Path, str, int], bytes | None] | None) -> Read:
    """A function that reads captures below `folder`, and the hash of each container once."""
    sha256 = cache(lambda path: _sha256(Path(path)))

    def read(capture: Capture) -> bytes:
        if capture.path is None:
            raise ValueError("its path is withheld, so that it cannot be found among the captures")
        name = path_bytes(capture.path)
        if name.startswith(b"/") or b".." in name.split(b"/"):
            raise ValueError("the path leaves the captures folder")
        path = os.fsdecode(os.path.join(os.fsencode(folder), name))
        if not os.path.lexists(path):
            raise FileNotFoundError("no such file in the captures folder")
        if capture.container_sha256 and sha256(path) != capture.container_sha256:
            raise ValueError("the file is not the one the capture was read from: its SHA-256 differs")
        if capture.capture_sha256 is None:
            return b""
        data: bytes | None = None
        if capture.record_offset is None:
            data = Path(path).read_bytes()
        elif payload:
            data = payload(folder, capture.path, capture.record_offset)
        if data is None or hashlib.sha256(data).hexdigest() != capture.capture_sha256 or len(data) != capture.bytes:
            raise ValueError("the file is not the capture that was read: its SHA-256 or length differs")
        return data

    return read
