"""Verify, the documents: whether texts, segments, edits and ids agree, down to rebuilding a capture's bytes from its document where the
edits tell them all. The captures are not needed for that."""

import hashlib
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from functools import cache

from flows.release.verify_records import Capture, Document, Edit, Segment, Whole


def disagreements(whole: Whole, has_holes: bool) -> Iterator[str]:
    """What is wrong inside a document. has_holes: segments of it were rejected, so that the others do not cover it."""
    document, capture, segments, edits, _ = whole
    yield from _segments(document, segments, edits)
    yield from _edits(document, edits, capture)
    if not has_holes:
        yield from _tiles(document, segments)


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
