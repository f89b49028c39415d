"""The line: what each stage takes from a document's draft and what it gives back, and one shard's way through all.

    read -> decode -> repair -> strip -> segment -> describe -> attribute -> fingerprint -> validate

The stages themselves are pure functions in `flows/stages`; this file hands them their input. A shard is a folder:
`captures.parquet` goes in, one Parquet file per table comes out. Documents stay in memory in between.
What fails while rows are made, after the last stage, stands in `rejections` under `rows`.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from itertools import accumulate, chain
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

import schemas
from flows.drafts import FINGERPRINT, FINGERPRINTS, SHARD_FILES, SHARD_TABLES, Capture, Draft, Heard, columns
from flows.readers import files, html
from flows.readers.knowledge import Knowledge, from_json
from flows.readers.shards import KNOWLEDGE
from flows.stages import (
    attribute,
    attribute_lexicon,
    decode,
    defects,
    describe,
    describe_html,
    fingerprint,
    repair,
    segment,
    strip,
    strip_html,
    validate,
)
from flows.traced import Rejected, Span, Traced

DONE = "done.json"
Call = Callable[..., Any]
Watch = Callable[[str, int, int], None]
Refusals = Mapping[int, tuple[str, Rejected]]
NOTHING: Refusals = MappingProxyType({})


def directly(name: str, function: Callable[..., Any], *values: Any) -> Any:
    """How a stage is called where nothing watches it; Prefect has `build._task`."""
    return function(*values)


def unwatched(stage: str, number: int, size: int) -> None:
    pass


def run_shard(shard: Path, captures: Path, call: Call = directly, watch: Watch = unwatched, refused: Refusals = NOTHING) -> Path:
    """Take the captures listed in `shard` through every stage and write its tables.

    `call(name, function, *values)` calls a stage. `watch(stage, number, size)` is told before a stage takes a capture: its number in the
    shard and its bytes. `refused` are captures not to be taken, by number: the stage and why. Nothing is left half written: the shard is
    done when DONE is there, with the hashes of its tables.
    """
    listed = [Capture(**row) for row in pq.read_table(shard / "captures.parquet").to_pylist()]
    known = from_json((shard / KNOWLEDGE).read_text("utf-8"))
    drafts = [Draft(c).rejected(*refused[i]) if i in refused else Draft(c) for i, c in enumerate(listed)]
    for name, work in {"read": lambda draft: _read(draft, captures), **stages(known)}.items():
        drafts = call(name, _each, name, work, drafts, watch)
    made = _collected(drafts, watch)
    fingerprints = made.pop(FINGERPRINTS)
    found = call("validate", validate.validate, made)
    for name, table in {**found, FINGERPRINTS: fingerprints}.items():
        _write(shard / f"{name}.parquet", table)
    seal(shard)
    return shard


def seal(shard: Path) -> None:
    """Mark the tables of a shard as whole and done."""
    _replace(shard / DONE, json.dumps(_sums(shard)).encode())


def is_done(shard: Path) -> bool:
    """Whether a shard's tables are there, whole and as they were written."""
    try:
        return json.loads((shard / DONE).read_bytes()) == _sums(shard)
    except (OSError, ValueError):
        return False


def _sums(shard: Path) -> dict[str, str]:
    return {name: _sha256(shard / f"{name}.parquet") for name in SHARD_FILES}


def _each(name: str, work: Callable[[Draft], Draft], drafts: list[Draft], watch: Watch) -> list[Draft]:
    return [draft if draft.rejection else _tried(name, work, draft, watch, number) for number, draft in enumerate(drafts)]


def _tried(name: str, work: Callable[[Draft], Draft], draft: Draft, watch: Watch, number: int) -> Draft:
    watch(name, number, draft.capture.bytes)
    try:
        return work(draft)
    except Rejected as why:
        return draft.rejected(name, why)
    except Exception as error:  # one capture that breaks a stage must not take the others with it
        return draft.rejected(name, _internal(error))


def _internal(error: Exception) -> Rejected:
    if isinstance(error, MemoryError):
        return Rejected("too_much_memory", "it takes more memory than there is for its size")
    return Rejected("internal_error", f"{type(error).__name__}: {error}"[:200])


def _read(draft: Draft, captures: Path) -> Draft:
    capture = draft.capture
    return draft._replace(data=files.read(captures, capture.path, capture.sha256, capture.record_offset))


def _decode(draft: Draft) -> Draft:
    declared = [(name, source) for name, source in ((draft.capture.encoding, "captures.csv"), (draft.capture.charset, "http")) if name]
    if _is_html(draft) and (named := html.declared_encoding(draft.data)):
        declared.append((named, "meta"))
    got = decode.decode(draft.data, declared)
    return draft._replace(data=b"", text=got.text, encoding_source=got.encoding_source)


def _repair(draft: Draft) -> Draft:
    return draft._replace(text=repair.repair(draft.text))


def _strip(draft: Draft) -> Draft:
    page, markup, blocks = draft.text, None, None
    if _is_html(draft):  # rendered after repair, so that what is known of each line holds for the text at hand
        markup = html.render(draft.text)
        page = markup.text
        blocks = strip_html.label(page, markup.elements, markup.nodes, markup.facts)
    got = strip.strip(page, draft.capture.keep, draft.capture.remove, blocks)
    if not got.kept:
        raise Rejected("no_body", "nothing on the page reads like an article")
    # The text before rendering is kept too: what the markup says has its place there.
    return draft._replace(text=got.text, page=page, source=draft.text, markup=markup, blocks=tuple(got.blocks), kept=tuple(got.kept))


def _segment(draft: Draft) -> Draft:
    got = segment.segment(draft.text, draft.kept)
    confidence = round(got.confidence, 4) if got.language else None
    return draft._replace(segments=tuple(got.segments), language=got.language, language_confidence=confidence)


def _describe(draft: Draft) -> Draft:
    known, page = draft.capture, draft.page
    facts = describe.Facts(known.url, known.outlet_name, known.date_retrieved, known.language)
    told = describe.describe(page, draft.blocks, facts, draft.language)
    dates = [(c, _place(page, c)) for c in told.date_candidates]
    if draft.markup:
        shown = describe_html.headings(page.text, draft.markup.elements, draft.markup.nodes)
        said = describe_html.told(draft.markup.facts, shown, told.authors, told.byline, known.url, known.date_retrieved)
        told = describe_html.merged(told, said)
        dates = list(dict.fromkeys([*((c, _place(draft.source, c)) for c in said.dates), *dates]))  # both know the address
    found = defects.defects(draft.text, draft.segments, draft.language)
    return draft._replace(
        description=told,
        dates=tuple(dates),
        defects=tuple(found.of_segments),
        text_defects=tuple(sorted({*found.of_document, *told.disputed})),
    )


def _attribute(draft: Draft, lexicon: attribute_lexicon.Lexicon, targets: tuple) -> Draft:
    heard = [
        Heard(s.start, s.end, s.unit, s.parent, s.language, s.repeat_of, found)
        for s, found in zip(draft.segments, draft.defects, strict=True)
    ]
    told = draft.description.date_published
    return draft._replace(attributed=attribute.attribute(draft.text.text, heard, draft.language, lexicon, targets, told))


def _fingerprint(draft: Draft) -> Draft:
    return draft._replace(fingerprint=fingerprint.fingerprint(draft.text.text, draft.language))


def entities(known: Knowledge) -> list[dict]:
    """Rows of `entities` for all that a text can name; `is_own` for those of the corpus folder."""
    own = {e.entity_id for e in known.entities}
    names = schemas.table("entities").SCHEMA.names
    return [
        {name: getattr(entity, name) for name in names} | {"is_own": entity.entity_id in own}
        for entity in attribute_lexicon.lexicon(known.entities).entities.values()
    ]


def _is_html(draft: Draft) -> bool:
    return draft.capture.media_type == "text/html"


def _place(text: Traced, candidate: describe.DateCandidate) -> Span | None:
    return None if candidate.start is None or candidate.end is None else text.span(candidate.start, candidate.end)


def stages(known: Knowledge) -> dict[str, Callable[[Draft], Draft]]:
    """What each stage after `read` does with a draft, in the order of the line."""
    lexicon = attribute_lexicon.lexicon(known.entities)
    return {
        "decode": _decode,
        "repair": _repair,
        "strip": _strip,
        "segment": _segment,
        "describe": _describe,
        "attribute": lambda draft: _attribute(draft, lexicon, known.targets),
        "fingerprint": _fingerprint,
    }


def _collected(drafts: list[Draft], watch: Watch) -> dict[str, pa.Table]:
    """The rows of all drafts, a table each, and their fingerprints."""
    kinds = {name: schemas.table(name).SCHEMA for name in SHARD_TABLES} | {FINGERPRINTS: FINGERPRINT}
    collected: dict[str, dict[str, list]] = {name: {column: [] for column in kind.names} for name, kind in kinds.items()}
    for number, draft in enumerate(drafts):
        watch("rows", number, draft.capture.bytes)
        try:
            made = columns(draft)
        except Exception as error:  # as in a stage: it must not take the others with it
            made = columns(draft.rejected("rows", _internal(error)))
        for name, found in made.items():
            for column, values in found.items():
                collected[name][column] += values
    return {name: _table(found, kinds[name]) for name, found in collected.items()}


def _table(found: dict[str, list], schema: pa.Schema) -> pa.Table:
    arrays = [_spans(found[f.name], f.type) if f.type == schemas.SPANS else pa.array(found[f.name], f.type) for f in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def _spans(values: list[list[tuple[int, ...]]], kind: pa.ListType) -> pa.Array:
    """A column of spans, field by field: made of dictionaries it takes ten times as long."""
    fields = list(kind.value_type)
    flat = list(zip(*chain.from_iterable(values), strict=True)) or [()] * len(fields)
    spans = pa.StructArray.from_arrays([pa.array(v, f.type) for v, f in zip(flat, fields, strict=True)], fields=fields)
    return pa.ListArray.from_arrays(pa.array([0, *accumulate(map(len, values))], pa.int32()), spans, type=kind)


def _write(path: Path, table: pa.Table) -> None:
    file = pa.BufferOutputStream()
    pq.write_table(table, file, compression="zstd")
    _replace(path, file.getvalue().to_pybytes())


def _replace(path: Path, data: bytes) -> None:
    """Write a file so that it is whole once it has its name, even after a power cut."""
    part = path.with_name(f".{path.name}")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
