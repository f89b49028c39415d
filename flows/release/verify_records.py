"""What the checks of `verify` share: the rows of a release as they read them, document by document, and how a problem is told.

Tables are read side by side in the order they are published in, which `verify_tables` has checked before, so that memory does not grow
with the release.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, islice
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple, TypeVar

import pyarrow.parquet as pq

from flows.parquet import ROWS, files

# Problems told per check: the first ones say what is wrong, the count how much.
TOLD = 10
# Bytes of a span, as the columns say.
PLACE = ("byte_start", "byte_end", "trim_start", "trim_end")
# Where the spans of each table stand; a mention is one span itself.
SPANS = {
    "mentions": ("mention_id",),
    "attributions": ("attribution_id", "source_spans", "cue_spans", "content_spans"),
    "claims": ("claim_id", "spans"),
    "stances": ("stance_id", "evidence_spans"),
}

Kind = TypeVar("Kind", bound=NamedTuple)


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


class Item(NamedTuple):
    """A mention, attribution, claim or stance: its hull, and the spans of it that have bytes of their own."""

    doc_id: str
    table: str
    key: str
    hull: tuple[int, int, int, int]
    spans: list[dict]


class Whole(NamedTuple):
    """A document with all that stands under its doc_id; `items` only where they were asked for."""

    document: Document
    capture: Capture
    segments: list[Segment]
    edits: list[Edit]
    items: list[Item]


def documents(release: Path, with_items: bool) -> Iterator[Whole]:
    """The documents of a release in the order of their ids; those whose capture is not there, which is said elsewhere, are passed over."""
    kinds = {"captures": Capture, "segments": Segment, "edits": Edit}
    captures_of, segments_of, edits_of = (_following(rows(release, name, kind)) for name, kind in kinds.items())
    items_of = [_following(_items(release, name)) for name in SPANS] if with_items else []
    for document in rows(release, "documents", Document):
        key = document.doc_id
        segments, edits, items = segments_of(key), edits_of(key), [item for of in items_of for item in of(key)]
        if capture := next((c for c in captures_of(key) if c.outcome == "document"), None):
            yield Whole(document, capture, segments, edits, items)


def _following(found: Iterable) -> Callable[[str], list]:
    """A function that gives a document's rows; documents have to be asked for in order."""
    groups = ((doc_id, list(own)) for doc_id, own in groupby(found, attrgetter("doc_id")) if doc_id is not None)
    head = next(groups, None)

    def rows_of(doc_id: str) -> list:
        nonlocal head
        while head and head[0] < doc_id:
            head = next(groups, None)
        return head[1] if head and head[0] == doc_id else []

    return rows_of


def rows(release: Path, table: str, kind: type[Kind]) -> Iterator[Kind]:
    """The rows of a table, of the columns that `kind` names."""
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


def told(problems: Iterable[str]) -> Iterator[str]:
    """The first problems of a check, and how many more there are."""
    problems = iter(problems)
    yield from islice(problems, TOLD)
    if more := sum(1 for _ in problems):
        yield f"... and {more:,} more problems of this kind"


def one_line(error: Exception) -> str:
    """What an error says, on one line and cut where it is long."""
    return " ".join(str(error).split())[:200]
