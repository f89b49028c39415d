"""Votes: the stand-off annotations of a corpus folder, read, checked and carried over to the release at hand.

A vote names its item by id; where that id is gone, the item is looked for by position and by quotation (exact words
with what stands before and after, as the TextQuoteSelector of the W3C Web Annotation Data Model). Files are never
changed, a vote never gets another answer, and one that finds no place is kept as `orphaned`, with the reason.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rapidfuzz import fuzz

from flows.parquet import database, views
from flows.traced import Rejected
from schemas import Row
from schemas.annotations import ANNOTATOR_TYPES, ANSWERS, CONTEXT, FACTS, LAYERS, SCHEMA, WORDS
from schemas.edits import STRIPPED

# How alike, from 0 to 100, the words of an item must be to the words voted on to be taken for the same item. Of the 6,931 pairs of
# different sentences of one specimen three reach it, repeats that differ in a word; no other pair is above 73.
MIN_LIKENESS = 90
# Items of a document that are compared with a quotation, the nearest ones: bounds the work where a document is a book.
MOST_COMPARED = 2_000
REQUIRED = ("item_id", "layer", "value", "annotator_id", "annotator_type", "text_sha256")
ITEM_ID = re.compile(r"(?P<doc>[0-9a-f]{20})-(?P<kind>[a-z])(?P<start>\d{1,15})-(?P<end>\d{1,15})(?P<about>-.*?)?(?:\.\d+)?", re.DOTALL)
# The tables whose rows are voted on, and the key of each.
KEYS = {
    "segments": "segment_id",
    "edits": "edit_id",
    "attributions": "attribution_id",
    "claims": "claim_id",
    "stances": "stance_id",
}
# The columns with the spans of claims and attributions.
PARTS = ("spans", "source_spans", "cue_spans", "content_spans")
# What the batch of a decision begins with.
ADJUDICATION = "adjudication-"
# People stand in the tables under a pseudonym: no name, no address.
PSEUDONYM = re.compile(r"[a-z]{1,12}[0-9]{1,6}")
TERM = re.compile(r"[a-z][a-z0-9_]*")
SURROGATE = re.compile(r"[\ud800-\udfff]")


class Refused(NamedTuple):
    """A vote that could not be taken, where it stands and why; `reason` is a fixed term."""

    where: str
    reason: str
    detail: str


class Item(NamedTuple):
    """What is voted on: characters [start, end) of a document's text, their bytes in its capture, their words. Of a stretch that was
    removed: where it stood, and what it said."""

    item_id: str
    doc_id: str
    start: int
    end: int
    byte_start: int
    byte_end: int
    text: str


class Carried(NamedTuple):
    """A vote in this release. reason: why it is not `unchanged`. place: where in the text of document `doc_id` the words of
    an orphan stand, if they do."""

    vote: Row
    reason: str | None = None
    doc_id: str | None = None
    place: tuple[int, int] | None = None


def read_votes(folder: Path) -> tuple[list[Row], list[Refused]]:
    """The votes of `folder`/*.jsonl, with all columns of `annotations`, by id; and the lines that are no votes."""
    found: dict[str, Row] = {}
    refused = []
    for path in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
            if not line.strip():
                continue
            where = f"{path.name} line {number}"
            try:
                row = vote(json.loads(line))
                if row["annotation_id"] in found:
                    raise Rejected("duplicate", "a vote with this annotation_id was read before")
                found[row["annotation_id"]] = row
            except (ValueError, RecursionError) as error:
                refused.append(Refused(where, "broken_line", f"not readable as JSON: {error}"[:200]))
            except Rejected as why:
                refused.append(Refused(where, why.reason, why.detail))
    return [found[key] for key in sorted(found)], refused


def carried_votes(folder: Path, tables: Path) -> tuple[list[Carried], list[Refused]]:
    """The votes of `folder`/*.jsonl in a release, or in a folder of its tables; and the lines that are no votes."""
    votes, refused = read_votes(folder)
    with database() as db:
        views(db, tables, ("documents", *KEYS))
        successor = dict(db.execute("SELECT supersedes, doc_id FROM documents WHERE supersedes IS NOT NULL ORDER BY ALL").fetchall())
        wanted = {row["item_id"][:20] for row in votes}
        while later := {successor[doc_id] for doc_id in wanted if doc_id in successor} - wanted:
            wanted |= later
        chosen = "doc_id IN (SELECT unnest($1::VARCHAR[]))"
        texts = dict(db.execute(f"SELECT doc_id, text FROM documents WHERE {chosen} AND text IS NOT NULL", [sorted(wanted)]).fetchall())
        items: list[Item] = []
        segments: dict[str, Row] = {}
        for name, key in KEYS.items():
            which = f"{chosen} AND {STRIPPED}" if name == "edits" else chosen
            rows = db.execute(f"FROM {name} WHERE {which}", [sorted(texts)]).to_arrow_table().to_pylist()
            if name == "segments":
                segments = {row[key]: row for row in rows}
            items += [_item_of(row, key, segments, texts[row["doc_id"]]) for row in rows]
    return carry(votes, items, texts, successor), refused


def _item_of(row: Row, key: str, segments: Mapping[str, Row], text: str) -> Item:
    start, end = extent(row, segments)
    words = words_of(row, text[start:end])
    return Item(row[key], row["doc_id"], start, end, row["byte_start"], row["byte_end"], words)


def words_of(row: Row, kept: str) -> str:
    """An item's words: `kept`, or what the page said where they were removed."""
    return row.get("before", kept)


def extent(row: Row, segments: Mapping[str, Row]) -> tuple[int, int]:
    """Characters of an item's words, from its first span to its last; those of a stance are its sentence. segments: by id."""
    if "start" in row:
        return row["start"], row["end"]
    spans = [span for name in PARTS if name in row for span in row[name] or ()]
    spans = spans or [segments[i] for i in row.get("segment_ids") or [row["segment_id"]]]
    return min(span["start"] for span in spans), max(span["end"] for span in spans)


def vote(told: Any) -> Row:
    """A vote as a row of `annotations`: every column, the value in canonical form, an id where it has none. Raises Rejected."""
    if not isinstance(told, dict):
        raise Rejected("broken_line", "a vote is a JSON object")
    if unknown := sorted(set(told) - set(SCHEMA.names)):
        raise Rejected("unknown_key", f"{unknown[0]!r} is no column of annotations")
    row: Row = {name: told.get(name) for name in SCHEMA.names} | {"carried": None}
    if missing := [name for name in REQUIRED if not isinstance(row[name], str) or not row[name]]:
        raise Rejected("missing", f"{missing[0]} is no text")
    for name in ("annotation_id", "guideline_version", "made_on_release", "exact", "prefix", "suffix", "batch"):
        if not isinstance(row[name], str | None):
            raise Rejected("wrong_type", f"{name} is no text")
    if any(SURROGATE.search(v) for v in row.values() if isinstance(v, str)):
        raise Rejected("wrong_type", "half of a surrogate pair is no character")
    _check(row)
    row["value"] = canonical(row["layer"], row["value"])
    if not row["annotation_id"]:
        # No hash of the words, which somebody could guess where they are withheld.
        said = json.dumps({k: v for k, v in row.items() if v is not None and k not in (*WORDS, "text_sha256")}, sort_keys=True)
        row["annotation_id"] = sha256(said)[:20]
    return row


def _check(row: Row) -> None:
    if row["layer"] not in LAYERS:
        raise Rejected("unknown_layer", f"known are {', '.join(LAYERS)}")
    if row["annotator_type"] not in ANNOTATOR_TYPES:
        raise Rejected("unknown_annotator_type", f"known are {', '.join(ANNOTATOR_TYPES)}")
    if row["annotator_type"] == "human" and not PSEUDONYM.fullmatch(row["annotator_id"]):
        raise Rejected("no_pseudonym", "people vote under letters and a number, such as a1")
    if not re.fullmatch("[0-9a-f]{64}", row["text_sha256"]):
        raise Rejected("wrong_type", "text_sha256 is no SHA-256")
    if row["exact"] is not None and sha256(row["exact"]) != row["text_sha256"]:
        raise Rejected("not_its_words", "text_sha256 is not that of `exact`")
    sure = row["confidence"]
    if sure is not None and (isinstance(sure, bool) or not isinstance(sure, int | float) or not 0 <= sure <= 1):
        raise Rejected("wrong_type", "confidence is no number from 0 to 1")
    if not isinstance(row["saw_prelabel"], bool | None):
        raise Rejected("wrong_type", "saw_prelabel is neither true nor false")


def canonical(layer: str, value: str) -> str:
    """The one spelling of an answer: a term, or a JSON object with sorted keys and sorted ranges. Raises Rejected."""
    facts, known = parts(value), ANSWERS.get(layer)
    answer = plain_answer(layer, value)
    if not isinstance(answer, str) or not (answer in known if known else TERM.fullmatch(answer)):
        raise Rejected("unknown_answer", f"known for {layer} are {', '.join(known)}" if known else f"{layer} takes a unit or a rule")
    if facts is None:
        return value
    if any(not isinstance(fact, str) and not _is_ranges(fact) for fact in facts.values()):
        raise Rejected("unknown_answer", "a fact is a text or a list of byte ranges")
    facts = {name: fact if isinstance(fact, str) else sorted(fact) for name, fact in facts.items()}
    return json.dumps(facts, sort_keys=True, ensure_ascii=False, separators=(", ", ": "))


def parts(value: str) -> dict[str, Any] | None:
    """The facts and byte ranges of an answer that is a JSON object; None for a plain one."""
    if not value.startswith("{"):
        return None
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def plain_answer(layer: str, value: str) -> str | None:
    """The answer without the parts and facts that were marked with it."""
    facts = parts(value)
    if facts is None:
        return value
    return facts.get(FACTS[layer]) if layer in FACTS else None


def _is_ranges(fact: Any) -> bool:
    return isinstance(fact, list) and all(
        isinstance(r, list) and len(r) == 2 and all(type(n) is int for n in r) and 0 <= r[0] < r[1] for r in fact
    )


def sha256(text: str) -> str:
    """Of the text in UTF-8, in hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def is_adjudication(row: Row) -> bool:
    """Whether a vote is the decision of a disagreement between others."""
    return (row["batch"] or "").startswith(ADJUDICATION)


def turn(name: str | None) -> tuple:
    """A key that puts names of batches and versions in order, the numbers in them by their value."""
    pieces = re.findall(r"[0-9]{1,18}|[^0-9]+", name or "")
    return tuple((1, int(p), "") if p.isdecimal() else (0, 0, p) for p in pieces)


def quotation(text: str, start: int, end: int) -> dict[str, str]:
    """The columns by which characters [start, end) of a document's text are found again."""
    exact = text[start:end]
    around = {"prefix": text[max(0, start - CONTEXT) : start], "suffix": text[end : end + CONTEXT]}
    return {"text_sha256": sha256(exact), "exact": exact, **around}


def quoted(row: Row, segments: Mapping[str, Row], text: str) -> dict[str, str]:
    """The same columns for an item's row. segments: by id."""
    start, end = extent(row, segments)
    told = quotation(text, start, end)
    exact = words_of(row, told["exact"])
    return told | {"text_sha256": sha256(exact), "exact": exact}


def carry(votes: Iterable[Row], items: Iterable[Item], texts: Mapping[str, str], successor: Mapping[str, str]) -> list[Carried]:
    """Each vote with its place in this release, in the order given.

    items: those of this release, of all documents voted on and their successors. texts: of these documents, by doc_id.
    successor: doc_id of a page -> doc_id of its later save. By id first; else among the items of the same kind (and, for
    stances, of the same holder and target): the same words, then words at least MIN_LIKENESS alike. Where several are, those at
    the same bytes count first, then what stands around them, then the distance.
    """
    known: dict[str, Item] = {}
    by_kind: dict[tuple, dict[str, list[Item]]] = {}
    for item in items:
        known[item.item_id] = item
        if name := ITEM_ID.fullmatch(item.item_id):
            by_kind.setdefault((item.doc_id, name["kind"], name["about"]), {}).setdefault(sha256(item.text), []).append(item)
    return [_carried(row, known, by_kind, texts, successor) for row in votes]


def _carried(row: Row, known: Mapping[str, Item], by_kind: Mapping, texts: Mapping[str, str], successor: Mapping[str, str]) -> Carried:
    """by_kind: (doc_id, kind, holder and target) -> SHA-256 of the words -> items."""
    item, doc_id = known.get(row["item_id"]), None
    try:
        if item is None:
            name = ITEM_ID.fullmatch(row["item_id"])
            if name is None:
                raise Rejected("unknown_item", "its id is not made of a document and a byte range")
            doc_id = _current(name["doc"], texts, successor)
            at = (int(name["start"]), int(name["end"])) if doc_id == name["doc"] else None
            if at is None and any(isinstance(fact, list) for fact in (parts(row["value"]) or {}).values()):
                raise Rejected("other_capture", "its byte ranges are those of an earlier save of the page")
            item = _likest(row, by_kind.get((doc_id, name["kind"], name["about"]), {}), at, texts[doc_id])
    except Rejected as why:
        place = _place(texts[doc_id], row) if doc_id else None
        return Carried(row | {"carried": "orphaned"}, f"{why.reason}: {why.detail}", doc_id, place)
    if sha256(item.text) != row["text_sha256"]:
        return Carried(row | {"carried": "text_changed", "item_id": item.item_id}, "its words are others now", item.doc_id)
    if item.item_id != row["item_id"]:
        return Carried(row | {"carried": "moved", "item_id": item.item_id}, "the same words under another id", item.doc_id)
    return Carried(row | {"carried": "unchanged"}, None, item.doc_id)


def _current(doc_id: str, texts: Mapping[str, str], successor: Mapping[str, str]) -> str:
    seen = set()
    while doc_id not in texts:
        if doc_id not in successor or doc_id in seen:
            raise Rejected("document_gone", "neither its document nor a later save of it is in this release")
        seen.add(doc_id)
        doc_id = successor[doc_id]
    return doc_id


def _likest(row: Row, items: Mapping[str, list[Item]], at: tuple[int, int] | None, text: str) -> Item:
    """The item of the same kind that the vote is about. items: by SHA-256 of the words. at: its bytes, where the capture is the same."""
    likeness = dict.fromkeys(items.get(row["text_sha256"], ()), 100.0)
    if not likeness and row["exact"] is None:
        raise Rejected("no_quotation", "no item has its words, and they are withheld")
    if not likeness:
        near = sorted((i for same in items.values() for i in same), key=lambda i: (abs(i.byte_start - at[0]) if at else 0, i.byte_start))
        alike = {item: round(fuzz.ratio(row["exact"], item.text), 3) for item in near[:MOST_COMPARED]}
        likeness = {item: score for item, score in alike.items() if score >= MIN_LIKENESS}
        if not likeness:
            best = max(alike.values(), default=0.0)
            raise Rejected("no_such_item", f"no item of its kind has words like these; the most alike has {best:.0f} of {MIN_LIKENESS}")
    ranked = sorted(((_rank(row, item, score, at, text), item) for item, score in likeness.items()), key=lambda r: r[0], reverse=True)
    if len(ranked) > 1 and ranked[0][0] == ranked[1][0]:
        raise Rejected("ambiguous", "several items have these words, and nothing tells them apart")
    return ranked[0][1]


def _rank(row: Row, item: Item, score: float, at: tuple[int, int] | None, text: str) -> tuple:
    shared = max(0, min(item.byte_end, at[1]) - max(item.byte_start, at[0])) if at else 0
    distance = abs(item.byte_start - at[0]) if at else 0
    return (shared > 0, score, _context(text, item.start, item.end, row["prefix"], row["suffix"]), -distance)


def _context(text: str, start: int, end: int, prefix: str | None, suffix: str | None) -> float:
    """How alike what stands around characters [start, end) is to what stood around a quotation, 0 to 200."""
    before = fuzz.ratio(prefix, text[max(0, start - len(prefix)) : start]) if prefix else 0.0
    after = fuzz.ratio(suffix, text[end : end + len(suffix)]) if suffix else 0.0
    return round(before + after, 3)


def _place(text: str, row: Row) -> tuple[int, int] | None:
    try:
        return anchor(text, row["exact"] or "", row["prefix"], row["suffix"])
    except Rejected:
        return None


def anchor(text: str, exact: str, prefix: str | None = None, suffix: str | None = None) -> tuple[int, int]:
    """Where in `text` the words `exact` stand, whatever their white space and Unicode normal form, without white space at the ends.

    Of several places the one with the likest surroundings. Raises Rejected where there is none, or no one likest.
    """
    found = [(_context(text, start, end, prefix, suffix), -start, end) for start, end in _occurrences(text, exact)]
    if not found:
        raise Rejected("words_not_found", "its words do not stand in the text")
    found.sort(reverse=True)
    if len(found) > 1 and found[0][0] == found[1][0]:
        raise Rejected("ambiguous", "its words stand in the text more than once, and nothing tells the places apart")
    _, start, end = found[0]
    return -start, end


def _occurrences(text: str, exact: str) -> Iterator[tuple[int, int]]:
    """As they are written; where they nowhere are, in any other white space and normal form."""
    plain, wanted = text, exact.strip()
    places: Sequence[int] = range(len(text))
    if not wanted or wanted not in text:
        (plain, places), (wanted, _) = squashed(text), squashed(exact)
    at = plain.find(wanted) if wanted else -1
    for _ in range(MOST_COMPARED):
        if at < 0:
            return
        yield places[at], places[at + len(wanted) - 1] + 1
        at = plain.find(wanted, at + 1)


def squashed(text: str) -> tuple[str, list[int]]:
    """The text without white space and in decomposed form, and for each of its characters the place it had."""
    if text.isascii():
        kept = [(c, i) for i, c in enumerate(text) if not c.isspace()]
    else:
        kept = [(d, i) for i, c in enumerate(text) for d in unicodedata.normalize("NFD", c) if not d.isspace()]
    return "".join(c for c, _ in kept), [i for _, i in kept]
