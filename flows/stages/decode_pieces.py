"""The traced text of bytes in an encoding, with a piece for all that does not decode one to one.

Part of the decode stage.
"""

import codecs
import re
from collections.abc import Iterator

from flows.stages.decode_names import STATEFUL
from flows.traced import Change, Traced

# A run of characters in another encoding ends here, so that spans in it stay short where no ASCII parts it.
STOPS = ("\n", "\r", " ", "\u3000", "。", "！", "？")

HIGH_RUN = re.compile(rb"[\x80-\xff]+")


def assembled(data: bytes, encoding: str, bom: Change | None = None, pieces: list[Change] | None = None) -> Traced:
    """The traced text. Where characters that are one to one alone are not so together, the file is one piece."""
    base = "ascii" if encoding.startswith(STATEFUL) else encoding
    head, start = ([bom], bom.end) if bom else ([], 0)
    if pieces is None:
        pieces = list(_irregular(data, start, encoding, base))
    try:
        return Traced.decoded(data, base, head + pieces)
    except ValueError:
        text = data[start:].decode(encoding, "replace")
        return Traced.decoded(data, base, [*head, Change(start, len(data), text, f"decode_{encoding.replace('-', '_')}", "exact")])


def _irregular(data: bytes, start: int, encoding: str, base: str) -> Iterator[Change]:
    """The pieces for bytes that are not the one spelling of their text in `base`."""
    rule = f"decode_{encoding.replace('-', '_')}"
    if base != encoding:
        yield from runs(data, start, len(data), encoding, base, rule, "exact", 1.0)
        return
    for a, b in _chunks(data, start, encoding):
        if not _one_to_one(data[a:b], encoding):
            yield from runs(data, a, b, encoding, base, rule, "exact", 1.0)


def _chunks(data: bytes, start: int, encoding: str) -> Iterator[tuple[int, int]]:
    """Stretches that decode on their own: lines, long ones at spaces, which are no part of another character."""
    if encoding.startswith("utf-16") or encoding.startswith("utf-32"):
        high = 1 if encoding.endswith("le") else 0
        while start < len(data):
            end = min(start + 4096, len(data))
            if encoding.startswith("utf-16") and end < len(data) and 0xD8 <= data[end - 2 + high] <= 0xDB:
                end += 2
            yield start, end
            start = end
        return
    while start < len(data):
        end = data.rfind(b"\n", start, start + 4096) + 1 or data.rfind(b" ", start, start + 4096) + 1
        if not end:
            ends = [e for e in (data.find(b"\n", start), data.find(b" ", start)) if e >= 0]
            end = min(ends) + 1 if ends else len(data)
        yield start, end
        start = end


def _one_to_one(stretch: bytes, encoding: str) -> bool:
    try:
        return stretch.decode(encoding).encode(encoding) == stretch
    except UnicodeError:
        return False


def runs(data: bytes, start: int, end: int, encoding: str, base: str, rule: str, kind: str, confidence: float) -> Iterator[Change]:
    """The pieces of data[start:end] read as `encoding`: neighbouring characters that `base` does not spell so are one."""
    if base == "utf-8" and len(data[start:end].decode(encoding, "replace")) == end - start and _one_to_one(data[start:end], encoding):
        for m in HIGH_RUN.finditer(data, start, end):
            yield Change(m.start(), m.end(), m[0].decode(encoding), rule, kind, confidence)
        return
    parts: list[str] = []
    begin = start
    for a, b, text in _characters(data, start, end, encoding):
        lost = text is None or (text == "\ufffd" and not _one_to_one(data[a:b], base))
        plain = text and not lost and _spelt(text, base) == data[a:b]
        if parts and (lost or plain):
            yield Change(begin, a, "".join(parts), rule, kind, confidence)
            parts = []
        if text is None and b == len(data):
            yield Change(a, b, "", "truncated_character", "removed")
        elif text is None or lost:
            yield Change(a, b, "\ufffd", "undecodable_byte", "inferred", 0.0)
        elif not plain:
            begin = begin if parts else a
            parts.append(text)
            if text.endswith(STOPS):
                yield Change(begin, b, "".join(parts), rule, kind, confidence)
                parts = []
    if parts:
        yield Change(begin, end, "".join(parts), rule, kind, confidence)


def _characters(data: bytes, start: int, end: int, encoding: str) -> Iterator[tuple[int, int, str | None]]:
    """(start, end, text) of the smallest stretches that decode. Bytes that cannot are U+FFFD, None where they break off."""
    unit = 2 if encoding.startswith("utf-16") else 4 if encoding.startswith("utf-32") else 1
    decoder = codecs.getincrementaldecoder(encoding)()
    begin = at = start
    while begin < end:
        try:
            text = decoder.decode(data[at : min(at + 1, end)], at >= end)
        except UnicodeError:
            if at >= end:
                yield begin, end, None
                return
            decoder.reset()
            at = min(begin + unit, end)
            yield begin, at, "\ufffd"
            begin = at
            continue
        at += 1
        if text or at > end:
            yield begin, min(at, end), text
            begin = at


def _spelt(text: str, encoding: str) -> bytes | None:
    try:
        return text.encode(encoding)
    except UnicodeError:
        return None
