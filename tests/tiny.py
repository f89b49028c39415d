"""A tiny build for the tests of flows/release: a few invented captures, and the tables that follow from them."""

import hashlib
import os
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import schemas
from flows.release.compare import compare
from flows.release.publish import publish, write
from flows.traced import Change, Traced
from schemas.captures import path_bytes

FERRY = (
    "Ferry Talks Resume\r\n\r\nShare this page | Print\r\n\r\nThe ministers met in Orbel\u00e2n. Nobody signed "
    "anything &amp; nobody left.\r\n\r\nThe next round is in May.\r\n"
)
BRIDGE = (
    "Мост закрыли на ремонт\n\nShare this page | Print\n\nДвижение остановлено до осени. Паром ходит дважды "
    "в день.\n\nShare this page | Print\n\nДвижение остановлено до осени.\n"
)
HARBOUR = "Harbour dues to rise\n\nOwners of sma\u0301ll boats pay more. They were no\ufffdt asked.\n"

CAPTURES = {
    "a/ferry.txt": (FERRY.encode(), "utf-8"),
    "a/ferry copy.txt": (FERRY.encode(), "utf-8"),
    "b/bridge.txt": (BRIDGE.encode("cp1251"), "cp1251"),
    "b/harbour\\xe9.txt": (b"\xff\xfe" + HARBOUR.encode("utf-16-le"), "utf-16-le"),
    "empty.txt": (b"", None),
}
ENVIRONMENT = ["pyarrow==26.0.1", "duckdb==2.0.0"]
BUILD = {"code": "0.1.0", "configuration": "0" * 64, "captures": "1" * 64, "environment": ENVIRONMENT}
DATASET = {"name": "tiny", "title": "Tiny Harbour Papers", "license": "CC-BY-4.0", "creators": ["R. Vance"], "purpose": "To test."}
ORDER = {
    "captures": ["capture_id"],
    "documents": ["doc_id"],
    "segments": ["doc_id", "position"],
    "edits": ["doc_id", "byte_start", "byte_end", "edit_id"],
    "rejections": ["table", "row_id", "stage", "reason"],
    "splits": ["scheme", "layer", "doc_id"],
    "entities": ["entity_id"],
    "mentions": ["mention_id"],
    "attributions": ["attribution_id"],
    "claims": ["claim_id"],
    "stances": ["stance_id"],
    "annotations": ["item_id"],
    "labels": ["item_id"],
    "coverage": ["doc_id"],
    "stances_weak": ["item_id"],
}
TABLES = tuple(ORDER)


def rows(captures: dict = CAPTURES) -> dict[str, list[dict]]:
    """Rows by table for captures {path: (bytes, encoding)}; one without encoding is rejected."""
    made: dict[str, list[dict]] = {name: [] for name in TABLES}
    seen: dict[str, int] = {}
    for path, (data, encoding) in sorted(captures.items()):
        sha = hashlib.sha256(data).hexdigest()
        ordinal = seen[sha] = seen.get(sha, -1) + 1
        capture_id, doc_id = f"{sha[:20]}-{ordinal}", sha[:20] if encoding else None
        outcome = "rejected" if not encoding else "duplicate" if ordinal else "document"
        made["captures"].append(
            _row(
                "captures",
                capture_id=capture_id,
                capture_sha256=sha,
                path=path,
                media_type="text/plain",
                bytes=len(data),
                outcome=outcome,
                doc_id=doc_id,
            )
        )
        if outcome == "rejected":
            made["rejections"].append(
                _row("rejections", capture_id=capture_id, table="captures", row_id=capture_id, stage="read", reason="empty")
            )
        elif outcome == "document":
            _document(made, Traced.decoded(data, encoding, _bom(data)), capture_id)
    return {name: sorted(found, key=lambda row: [row[c] for c in ORDER[name]]) for name, found in made.items()}


def tables(folder: Path, made: dict[str, list[dict]] | None = None) -> Path:
    """A folder with one Parquet file a table."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, found in (made or rows()).items():
        pq.write_table(pa.Table.from_pylist(found, schema=schemas.table(name).SCHEMA), folder / f"{name}.parquet", row_group_size=2)
    return folder


def release(dist: Path, made: dict[str, list[dict]] | None = None, old: Path | None = None, build: dict | None = None) -> Path:
    """A release of the rows, published in `dist`."""
    prepared = tables(dist.parent / f"{dist.name}-tables", made)
    changes = compare(old, prepared)
    staging = dist / ".staging"
    staging.mkdir(parents=True)
    write(prepared, staging, DATASET, changes.version, BUILD | (build or {}), old)
    return publish(staging, dist, changes.version)


def corpus(folder: Path, captures: dict = CAPTURES) -> Path:
    """The captures as files."""
    for path, (data, _) in captures.items():
        target = Path(folder, os.fsdecode(path_bytes(path)))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return folder


def _row(table: str, /, **values) -> dict:
    return dict.fromkeys(schemas.table(table).SCHEMA.names) | values


def _bom(data: bytes) -> list[Change]:
    return [Change(0, 2, "", "bom", "removed")] if data.startswith(b"\xff\xfe") else []


def _document(made: dict, text: Traced, capture_id: str) -> None:
    text = _cleaned(text)
    doc_id = hashlib.sha256(text.data).hexdigest()[:20]
    first = len(made["segments"])
    for block in re.finditer(r"[^\n]+", text.text):
        parent = _segment(made, text, doc_id, "paragraph" if block.start() else "title", block.span(), None, first)
        for sentence in re.finditer(r"\S.*?(?:[.](?= |$)|$)", block[0]):
            at = block.start()
            _segment(made, text, doc_id, "sentence", (at + sentence.start(), at + sentence.end()), parent, first)
    units = [s["unit"] for s in made["segments"][first:]]
    made["edits"] += [_edit(text, doc_id, e) for e in text.edits]
    made["documents"].append(_row(
        "documents", doc_id=doc_id, capture_id=capture_id, encoding=text.encoding, encoding_source="detected", authors=[], language="en",
        language_confidence=0.9, date_candidates=[], title=text.text.split("\n")[0], text=text.text, text_sha256=_sha(text.text),
        n_chars=len(text.text), n_sentences=units.count("sentence"), text_defects=[], text_availability="full",
    ))  # fmt: skip
    made["splits"].append(_row("splits", scheme="story", layer="document", doc_id=doc_id, split="train", group_id=doc_id))
    for sentence in [s for s in made["segments"][first:] if s["unit"] == "sentence"][:1]:
        _answers(made, text, doc_id, sentence)


def _answers(made: dict, text: Traced, doc_id: str, sentence: dict) -> None:
    """One of each of what is found in a document, about the first word of its first sentence."""
    start = sentence["start"]
    end = start + len(sentence["text"].split()[0])
    place, whole = text.span(start, end)._asdict(), {name: sentence[name] for name in ("byte_start", "byte_end", "trim_start", "trim_end")}
    span, key = {"start": start, "end": end, **place}, f"{place['byte_start']}-{place['byte_end']}"
    known = {"doc_id": doc_id, "segment_id": sentence["segment_id"]}
    stance = f"{doc_id}-t{whole['byte_start']}-{whole['byte_end']}-author-ferry"
    entity = _row("entities", entity_id="ferry_board", name="The ferry board", type="organization", public_figure=False)
    made["entities"] = [entity]
    made["mentions"].append(_row(
        "mentions", mention_id=f"{doc_id}-m{key}", start=start, end=end, entity_id="ferry_board", mention_type="name", **known, **place,
    ))  # fmt: skip
    made["attributions"].append(_row(
        "attributions", attribution_id=f"{doc_id}-a{key}", doc_id=doc_id, segment_ids=[sentence["segment_id"]],
        source_spans=[], cue_spans=[], content_spans=[span], type="direct", holder_name="Nobody", **place,
    ))  # fmt: skip
    made["claims"].append(_row(
        "claims", claim_id=f"{doc_id}-c{key}", spans=[span], holder_type="author", modality="asserted",
        author_commitment="unmarked", origin="rule", **known, **place,
    ))  # fmt: skip
    made["stances"].append(_row(
        "stances", stance_id=stance, holder_type="author", target_id="ferry", explicit=True,
        evidence_spans=[], origin="rule", **known, **whole,
    ))  # fmt: skip
    made["annotations"].append(_row(
        "annotations", annotation_id=_sha(stance)[:20], item_id=stance, layer="stance", value="none",
        annotator_id="rules", annotator_type="rule",
        text_sha256=sentence["text_sha256"], exact=sentence["text"], prefix="", suffix="", carried="unchanged", saw_prelabel=False,
    ))  # fmt: skip
    made["labels"].append(_row(
        "labels", item_id=stance, layer="stance", value="none", tier="weak", method="single",
        vote_counts=[{"value": "none", "count": 1}], agreement=1.0,
    ))  # fmt: skip
    made["coverage"].append(_row("coverage", doc_id=doc_id, layer="stance", labeller="rules", status="run"))
    made["stances_weak"].append(_row(
        "stances_weak", item_id=stance, text=sentence["text"], context=sentence["text"],
        holder="author", target="The ferry", weak_label="none", split="train",
    ))  # fmt: skip


def _cleaned(text: Traced) -> Traced:
    found = [Change(m.start(), m.end(), "\n", "line_end", "normalized") for m in re.finditer("\r\n", text.text)]
    text = text.apply("repair", found)
    text = text.apply("repair", [Change(m.start(), m.end(), "&", "entity", "exact") for m in re.finditer("&amp;", text.text)])
    return text.apply("strip", [Change(m.start(), m.end(), "", "share", "removed") for m in re.finditer("Share[^\n]+\n\n|\n$", text.text)])


def _segment(made: dict, text: Traced, doc_id: str, unit: str, span: tuple[int, int], parent: str | None, first: int) -> str:
    place = text.span(*span)
    letter = "b" if parent is None else "s"
    key = f"{doc_id}-{letter}{place.byte_start}-{place.byte_end}"
    words = text.text[slice(*span)]
    made["segments"].append(_row(
        "segments", segment_id=key, doc_id=doc_id, parent_id=parent, unit=unit,
        position=len(made["segments"]) - first, start=span[0], end=span[1],
        defects=[], has_inferred=False, text=words, text_sha256=_sha(words), **place._asdict(),
    ))  # fmt: skip
    return key


def _edit(text: Traced, doc_id: str, edit) -> dict:
    return _row(
        "edits", edit_id=f"{doc_id}-e{edit.byte_start}-{edit.byte_end}", doc_id=doc_id, stages=list(edit.stages), rules=list(edit.rules),
        kind=edit.kind,
        start=edit.start, end=edit.end, before=text.before(edit), after=text.text[edit.start : edit.end], confidence=edit.confidence,
        byte_start=edit.byte_start, byte_end=edit.byte_end,
    )  # fmt: skip


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
