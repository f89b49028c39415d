"""Verify, the captures: promises 1 and 2 with the files at hand: every one is there, its bytes replayed through the edits give the text,
and every span's bytes its words."""

import hashlib
import os
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from flows.release.provenance import sha256
from flows.release.verify_records import PLACE, Capture, Edit, Item, Segment, Whole, one_line, rows
from flows.traced import Edit as TracedEdit
from flows.traced import Traced, replay
from schemas.captures import path_bytes

# The bytes of a capture; ValueError or OSError where they are not there as they were.
Read = Callable[[Capture], bytes]


def broken_promises(whole: Whole, read: Read) -> Iterator[str]:
    """Promises 1 and 2 on one document: its capture's bytes, replayed, are its text, and each span's bytes its words."""
    document, capture, segments, edits, items = whole
    encoded, text = document.encoding, document.text
    if text is None:
        return
    try:
        data = read(capture)
        replayed = replay(data, encoded, [(e.byte_start, e.byte_end, e.after or "") for e in edits])
    except (OSError, ValueError, LookupError) as error:
        yield f"captures {capture.capture_id}: {capture.path}: {one_line(error)}"
        return
    if replayed != text:
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
    made = (TracedEdit(e.byte_start, e.byte_end, e.start, e.end, tuple(e.rules), (), e.kind, 1.0) for e in edits)
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
            yield f"segments {s.segment_id}: its bytes do not replay ({one_line(error)})"
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


def others(release: Path, read: Read) -> Iterator[str]:
    """Captures that became no document of their own and are not in the folder as they were."""
    for capture in rows(release, "captures", Capture):
        try:
            if capture.outcome != "document" and capture.path is not None:
                read(capture)
        except (OSError, ValueError) as error:
            yield f"captures {capture.capture_id}: {capture.path}: {one_line(error)}"


def reader(folder: Path, payload: Callable[[Path, str, int], bytes | None] | None) -> Read:
    """A function that reads captures below `folder`, and the hash of each container once."""
    sha256_of = cache(lambda path: sha256(Path(path)))

    def read(capture: Capture) -> bytes:
        if capture.path is None:
            raise ValueError("its path is withheld, so that it cannot be found among the captures")
        name = path_bytes(capture.path)
        if name.startswith(b"/") or b".." in name.split(b"/"):
            raise ValueError("the path leaves the captures folder")
        path = os.fsdecode(os.path.join(os.fsencode(folder), name))
        if not os.path.lexists(path):
            raise FileNotFoundError("no such file in the captures folder")
        if capture.container_sha256 and sha256_of(path) != capture.container_sha256:
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
