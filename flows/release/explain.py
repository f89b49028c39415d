"""Explain: one document in the terminal, from bytes to rows: what was kept, removed and repaired, and what was found in it."""

from collections.abc import Iterator
from pathlib import Path

import duckdb

from flows.parquet import database, dicts, views
from flows.release.provenance import facts
from flows.release.report import visible
from schemas.rejections import REASONS

# How edits are marked where there is no colour; removed words stand in [-…-], repairs as {before|after}.
REMOVED, REPAIRED = "[-{}-]", "{{{}|{}}}"
# Colours of a terminal: removed, exact, inferred, any other edit.
COLOURS = {"removed": "31;9", "exact": "32", "inferred": "33;1"}
OTHER = "36"


def explain(release: Path, name: str, colour: bool = False) -> Iterator[str]:
    """Lines about the document, or the capture, that `name` means: an id or the beginning of one, or a path of a capture.

    Raises ValueError where it means none or several.
    """
    facts(release)
    with database() as db:
        views(db, release)
        captures = dicts(db, "FROM captures WHERE starts_with(capture_id, $1) OR path = $1 ORDER BY capture_id", [name])
        docs = sorted({c["doc_id"] for c in captures if c["doc_id"]})
        if not captures or len(docs) > 1:
            what = "no document or capture" if not captures else f"{len(docs)} documents"
            raise ValueError(f"{release}: {name!r} means {what}; give a doc_id, the beginning of one, or the path of a capture")
        for capture in captures:
            path = visible(capture["path"]) or "(path withheld)"
            yield f"capture    {path}: {capture['bytes'] or 0:,} bytes, {capture['media_type']}, {capture['outcome']}"
        if not docs:
            for row in dicts(db, "FROM rejections WHERE capture_id = $1", [captures[0]["capture_id"]]):
                yield f"rejected   by {row['stage']}: {row['reason']}{': ' + visible(row['detail']) if row['detail'] else ''}"
                yield f"to do      {REASONS.get(row['reason'], 'not known to this version')}"
            return
        document = dicts(db, "FROM documents WHERE doc_id = $1", docs)[0]
        yield from _head(document)
        edits = dicts(db, "FROM edits WHERE doc_id = $1 ORDER BY byte_start, byte_end", docs)
        yield from _counts(edits, document)
        yield ""
        yield from _body(document["text"], edits, colour)
        segments = dicts(db, "FROM segments WHERE doc_id = $1 ORDER BY position", docs)
        yield from _found(db, document, segments)


def _head(document: dict) -> Iterator[str]:
    date = document["date_published"]
    told = {
        "document": document["doc_id"],
        "title": document["title"],
        "authors": ", ".join(document["authors"]) or None,
        "outlet": document["outlet"],
        "published": f"{date} ({document['date_precision']}, from {document['date_source']})" if date else None,
        "language": document["language"],
        "decoded": f"{document['encoding']} ({document['encoding_source']})",
        "damage": ", ".join(document["text_defects"]) or "none found",
        "repeats": document["duplicate_of"] or "no other document",
        "licence": document["license"],
    }
    yield from (f"{name:<10} {visible(str(value)) if value is not None else 'not known'}" for name, value in told.items())


def _counts(edits: list[dict], document: dict) -> Iterator[str]:
    rules: dict[tuple[str, str], list[int]] = {}
    for e in edits:
        rules.setdefault((e["kind"], e["rules"][-1]), []).append(e["byte_end"] - e["byte_start"])
    yield f"kept       {_many(document['n_chars'], 'character')}, {_many(document['n_sentences'], 'sentence')}"
    for (kind, rule), sizes in sorted(rules.items(), key=lambda item: (item[0][0], -sum(item[1]), item[0][1])):
        yield f"{kind:<10} {rule}: {_many(len(sizes), 'edit')}, {_many(sum(sizes), 'byte')}"


def _body(text: str | None, edits: list[dict], colour: bool) -> Iterator[str]:
    if text is None:
        yield "The text is withheld; araxes hydrate puts it back from the capture."
        return
    parts, at = [], 0
    for e in edits:
        before = "markup" if e["before"] is None else visible(e["before"])
        parts += [visible(text[at : e["start"]]), _marked(e["kind"], before, visible(e["after"]), colour)]
        at = e["end"]
    yield from "".join([*parts, visible(text[at:])]).split("\n")


def _marked(kind: str, before: str, after: str, colour: bool) -> str:
    if colour:
        code = COLOURS.get(kind, OTHER)
        shown = before if kind == "removed" else after or before
        # A colour ends with its line, so that a pager that shows a part of the text is not left in it.
        return "\n".join(f"\033[{code}m{line}\033[0m" if line else "" for line in shown.split("\n"))
    return REMOVED.format(before) if kind == "removed" else REPAIRED.format(before, after)


def _found(db: duckdb.DuckDBPyConnection, document: dict, segments: list[dict]) -> Iterator[str]:
    text, own = document["text"], [document["doc_id"]]
    units: dict[str, int] = {}
    for s in segments:
        units[s["unit"]] = units.get(s["unit"], 0) + 1
    yield ""
    yield "segments   " + ", ".join(_many(n, unit) for unit, n in sorted(units.items(), key=lambda item: (-item[1], item[0])))
    for a in dicts(db, "FROM attributions WHERE doc_id = $1 ORDER BY byte_start, attribution_id", own):
        who = a["holder_entity_id"] or _words(text, a["source_spans"]) or "unnamed"
        yield f"says       {who}: {_words(text, a['content_spans'])} ({a['type']})"
    for c in dicts(db, "FROM claims WHERE doc_id = $1 ORDER BY byte_start, claim_id", own):
        yield f"claim      {_words(text, c['spans'])} ({c['holder_entity_id'] or c['holder_type']}, {c['modality']}, {c['origin']})"
    stances = """SELECT s.*, l.value, l.tier FROM stances s LEFT JOIN labels l ON l.item_id = s.stance_id AND l.layer = 'stance'
        WHERE doc_id = $1 ORDER BY byte_start, stance_id"""
    for s in dicts(db, stances, own):
        answer = f"{s['value']} ({s['tier']})" if s["value"] else "not answered"
        yield f"stance     {s['holder_entity_id'] or s['holder_type']} on {s['target_id']}: {answer}"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _words(text: str | None, spans: list[dict]) -> str:
    if text is None:
        return "characters " + ", ".join(f"{s['start']} to {s['end']}" for s in spans) if spans else ""
    return visible(" … ".join(" ".join(text[s["start"] : s["end"]].split()) for s in spans))
