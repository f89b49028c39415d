"""Text that knows where each of its characters came from.

A `Traced` holds the bytes of a capture, the text made of them and the edits between the two. Bytes outside edits
decode one to one under the document's encoding, so nothing is stored for them; an edit says which bytes became
which characters, and by which rules. Stages never return a bare string: they `apply` changes to a traced text, and
the map from characters to bytes follows.

    bytes   |  M  |   unchanged    | &amp;  |  unchanged  | removed |
    text    | '—' |   unchanged    |   &    |  unchanged  |
              edit                   edit                   edit

The unit that cannot be divided is the cluster: one copied character, or the whole output of one edit. The bytes of
a span are the hull of the clusters it touches; `trim_start` and `trim_end` say how many characters of the replayed
hull lie outside the span.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

# How far apart, in characters, the byte position is remembered where characters differ in width. Small enough that
# a look-up encodes a line or two, large enough that a book needs only some thousand entries.
ANCHOR_STEP = 512

# A character behind every text.
BEYOND = 1 << 62

# From the surest reading to the least sure: an edit composed of several is as sure as the last of them.
READINGS = ("normalized", "exact", "inferred")


class Rejected(Exception):
    """Raised by a reader or stage that cannot go on with a capture: it becomes a row of `rejections`."""

    def __init__(self, reason: str, detail: str = ""):
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


class Change(NamedTuple):
    """What a stage asks for: characters [start, end) of the text at hand become `after`.

    kind is `exact` (the only reading), `inferred` (chosen among several, `confidence` says how surely), `removed`,
    `inserted`, or `normalized` (another way to write the same thing, such as a line end).
    """

    start: int
    end: int
    after: str
    rule: str
    kind: str
    confidence: float = 1.0


class Edit(NamedTuple):
    """Bytes [byte_start, byte_end) of the capture became characters [start, end) of the text, by `rules`."""

    byte_start: int
    byte_end: int
    start: int
    end: int
    rules: tuple[str, ...]
    stages: tuple[str, ...]
    kind: str
    confidence: float


KIND = Edit._fields.index("kind")


class Span(NamedTuple):
    """Where a character range lies in the capture. Offsets in bytes, trims in characters."""

    byte_start: int
    byte_end: int
    trim_start: int
    trim_end: int


class Block(NamedTuple):
    """A stretch of the text, [start, end) without its line end: kept as `unit`, or removed by `rule`."""

    start: int
    end: int
    unit: str | None
    rule: str | None = None
    confidence: float = 1.0


class Traced:
    """Immutable text with provenance. Build it with `Traced.decoded`, change it with `apply`."""

    def __init__(self, data: bytes, encoding: str, text: str, edits: tuple[Edit, ...]):
        self.data, self.encoding, self.text, self.edits = data, encoding, text, edits

    @classmethod
    def decoded(cls, data: bytes, encoding: str, pieces: Iterable[Change] = ()) -> "Traced":
        """Decode `data`; `pieces` are the changes, in byte offsets, for the bytes that do not decode one to one.

        Raises ValueError where the bytes outside the pieces are not the one spelling of their text in `encoding`:
        a stateful or lossy encoding has to give such bytes as pieces.
        """
        parts: list[str] = []
        edits: list[Edit] = []
        at = length = 0
        for piece in pieces:
            parts.append(_copy(data[at : piece.start], encoding))
            start = length + len(parts[-1])
            length = start + len(piece.after)
            parts.append(piece.after)
            edits.append(_joined("decode", (), [piece], piece.start, piece.end, start, length))
            at = piece.end
        parts.append(_copy(data[at:], encoding))
        return cls(data, encoding, "".join(parts), tuple(_coalesced(edits)))

    def apply(self, stage: str, changes: Sequence[Change]) -> "Traced":
        """The text with `changes` made: disjoint, in order, in characters of this text. Linear in edits and changes.

        A change that touches the output of an earlier edit is joined with it into one edit over both their bytes,
        naming the rules of both. Neighbouring removals by the same rule become one edit.

        Raises ValueError for changes that overlap, run backwards or leave the text.
        """
        quick = self._applied(stage, changes)
        if quick:
            return quick
        parts: list[str] = []
        edits: list[Edit] = []
        at = shift = done = 0
        for start, end, first, last, wishes in self._groups(changes):
            edits += _moved(self.edits[done:first], shift)
            touched, done = self.edits[first:last], last
            after = _replaced(self.text, start, end, wishes)
            parts += [self.text[at:start], after]
            byte_start, byte_end = self._hull(start, end, touched)
            edits.append(_joined(stage, touched, wishes, byte_start, byte_end, start + shift, start + shift + len(after)))
            at, shift = end, shift + len(after) - (end - start)
        edits += _moved(self.edits[done:], shift)
        parts.append(self.text[at:])
        return Traced(self.data, self.encoding, "".join(parts), tuple(_coalesced(edits)))

    def _applied(self, stage: str, changes: Sequence[Change]) -> "Traced | None":
        """`apply` in one walk, if no change cuts into an earlier edit; None otherwise."""
        text, encoding, old, stages, new = self.text, self.encoding, self.edits, (stage,), tuple.__new__
        starts, ends, done, at, shift = self._starts, self._ends, 0, 0, 0
        parts: list[str] = []
        edits: list[Edit] = []
        char = byte = 0  # a character of the copy at hand and its byte
        for start, end, after, rule, kind, confidence in changes:
            if not at <= start <= end <= len(text):
                return None
            first = last = done
            if old:
                first = bisect_right(ends, start, done)
                last = bisect_left(starts, end, first)
            if first < last and (starts[first] < start or ends[last - 1] > end):
                return None
            if done < first:
                edits += _moved(old[done:first], shift)
                char, byte = ends[first - 1], old[first - 1].byte_end
            copied = text[at:start]
            byte_start = byte = byte + len((copied if char == at else text[char:start]).encode(encoding))
            char, done = start, last
            if first < last:
                char, byte = ends[last - 1], old[last - 1].byte_end
            if char < end:
                byte += len(text[char:end].encode(encoding))
            parts += (copied, after)
            begin, at = start + shift, end
            shift = begin + len(after) - end
            if first < last:
                wish = Change(start, end, after, rule, kind, confidence)
                edits.append(_joined(stage, old[first:last], [wish], byte_start, byte, begin, end + shift))
            else:
                if not after:
                    kind = "removed"
                elif byte_start == byte:
                    kind = "inserted"
                elif kind not in READINGS:
                    kind = "normalized"
                # As Edit(...), in half the time.
                edits.append(new(Edit, (byte_start, byte, begin, end + shift, (rule,), stages, kind, confidence)))
            char = end
        edits += _moved(old[done:], shift)
        parts.append(text[at:])
        return Traced(self.data, encoding, "".join(parts), tuple(_coalesced(edits)))

    def span(self, start: int, end: int) -> Span:
        """Where characters [start, end), at least one, lie in the capture.

        `replay` of the bytes, with the edits inside them, gives the characters back after the trims are cut off.
        """
        if not 0 <= start < end <= len(self.text):
            raise ValueError(f"span {start}:{end} is empty or outside a text of {len(self.text)} characters")
        touched = self.edits[bisect_right(self._ends, start) : bisect_left(self._starts, end)]
        head = min(start, touched[0].start) if touched else start
        tail = max(end, touched[-1].end) if touched else end
        byte_start, byte_end = self._hull(head, tail, touched)
        # A replay of the bytes also meets the insertions that stand at their very edges.
        edits, first, last = self.edits, bisect_right(self._ends, head), bisect_left(self._starts, tail)
        while first and edits[first - 1].byte_start == edits[first - 1].byte_end == byte_start:
            first -= 1
            head = edits[first].start
        while last < len(edits) and edits[last].byte_start == edits[last].byte_end == byte_end:
            tail = edits[last].end
            last += 1
        return Span(byte_start, byte_end, start - head, tail - end)

    def spans(self, ranges: Iterable[tuple[int, int]]) -> dict[tuple[int, int], Span]:
        """The `span` of every one of many ranges, found at once; in a fraction of the time."""
        asked = list(dict.fromkeys(ranges))
        size = len(self.text)
        # Between an edit that ends where the text begins and one that begins where it ends, each copy has an edit on both sides.
        places = [(e.start, e.end, e.byte_start, e.byte_end) for e in self.edits]
        begins, ends, byte_begins, byte_ends = np.array([(0, 0, -1, 0), *places, (size, BEYOND, len(self.data), -1)]).T
        widths = np.zeros(size + 1, int)
        _widths(self.text, self.encoding).cumsum(out=widths[1:])
        copied = widths[begins[1:]] - widths[ends[:-1]]
        if not asked or (copied != byte_begins[1:] - byte_ends[:-1]).any():
            return {place: self.span(*place) for place in asked}  # characters that are written otherwise beside each other
        start, end = np.array(asked).T
        if (start < 0).any() or (start >= end).any() or (end > size).any():
            raise ValueError(f"one of {len(asked)} spans is empty or outside a text of {size} characters")
        first, last = ends.searchsorted(start, "right"), begins.searchsorted(end) - 1
        head, tail = np.minimum(begins[first], start), np.maximum(ends[last], end)
        before, after = byte_ends[first - 1] - widths[ends[first - 1]], byte_ends[last] - widths[ends[last]]
        byte_start = np.where(begins[first] <= start, byte_begins[first], before + widths[start])
        byte_end = np.where(ends[last] >= end, byte_ends[last], after + widths[end])
        found = zip(*(a.tolist() for a in (byte_start, byte_end, start - head, tail - end)), strict=True)
        spans = dict(zip(asked, map(Span._make, found), strict=True))
        inserted = byte_begins == byte_ends
        if inserted.any():
            before, after = ends.searchsorted(head, "right") - 1, begins.searchsorted(tail)
            at_edge = (inserted[before] & (byte_ends[before] == byte_start)) | (inserted[after] & (byte_begins[after] == byte_end))
            spans |= {asked[i]: self.span(*asked[i]) for i in np.flatnonzero(at_edge)}
        return spans

    def before(self, edit: Edit) -> str:
        """What the bytes of `edit` say under the document's encoding; bytes that say nothing show as U+FFFD."""
        return self.data[edit.byte_start : edit.byte_end].decode(self.encoding, "replace")

    @cached_property
    def _starts(self) -> list[int]:
        return [e.start for e in self.edits]

    @cached_property
    def _ends(self) -> list[int]:
        return [e.end for e in self.edits]

    def _groups(self, changes: Sequence[Change]):
        """Changes gathered so that no two groups touch the same edit: (start, end, first, last, changes), where
        edits[first:last] are those touched and [start, end) is the hull in characters."""
        group, previous = None, 0
        for c in changes:
            if not previous <= c.start <= c.end <= len(self.text):
                raise ValueError(f"change {c.start}:{c.end} by {c.rule} overlaps another or leaves the text")
            previous = c.end
            first = bisect_right(self._ends, c.start)
            last = max(first, bisect_left(self._starts, c.end))
            start, end = c.start, c.end
            if first < last:
                start, end = min(start, self.edits[first].start), max(end, self.edits[last - 1].end)
            if group and first < group[3]:
                group = (group[0], max(group[1], end), group[2], max(group[3], last), [*group[4], c])
                continue
            if group:
                yield group
            group = (start, end, first, last, [c])
        if group:
            yield group

    def _hull(self, start: int, end: int, touched: Sequence[Edit]) -> tuple[int, int]:
        """Bytes of characters [start, end), whose ends are ends of clusters; `touched` are the edits in them."""
        byte_start = touched[0].byte_start if touched and touched[0].start == start else self._byte_of(start)
        if touched and touched[-1].end == end:
            return byte_start, touched[-1].byte_end
        return byte_start, byte_start if start == end else self._byte_of(end - 1, after=1)

    def _byte_of(self, position: int, after: int = 0) -> int:
        """Byte where the copied character at `position` begins; `after` characters later still, in the same copy."""
        chars, bytes_ = self._anchors
        i = bisect_right(chars, position) - 1
        stretch = self.text[chars[i] : position + after]
        return bytes_[i] + len(stretch.encode(self.encoding))

    @cached_property
    def _copies(self) -> list[tuple[int, int, int, int]]:
        """The stretches between edits: (start, end, byte_start, byte_end). One more than there are edits."""
        ends = [(0, 0), *((e.end, e.byte_end) for e in self.edits)]
        starts = [*((e.start, e.byte_start) for e in self.edits), (len(self.text), len(self.data))]
        return [(a, b, c, d) for (a, c), (b, d) in zip(ends, starts, strict=True)]

    @cached_property
    def _anchors(self) -> tuple[list[int], list[int]]:
        """Characters whose byte is known, and those bytes: the start of every copy and every ANCHOR_STEP after it."""
        chars, bytes_ = [], []
        for start, end, byte_start, byte_end in self._copies:
            narrow = end - start == byte_end - byte_start
            for at in range(start, max(end, start + 1), ANCHOR_STEP):
                chars.append(at)
                bytes_.append(byte_start)
                step = min(ANCHOR_STEP, end - at)
                byte_start += step if narrow else len(self.text[at : at + step].encode(self.encoding))
        return chars, bytes_


def replay(data: bytes, encoding: str, edits: Iterable[tuple[int, int, str]], byte_start: int = 0, byte_end: int | None = None) -> str:
    """The text that bytes [byte_start, byte_end) of a capture become: published `edits` are (byte_start, byte_end,
    after), in order; those that lie inside are made, the bytes between them decoded.

    Raises UnicodeDecodeError where the edits do not belong to these bytes.
    """
    byte_end = len(data) if byte_end is None else byte_end
    parts, at = [], byte_start
    for start, end, after in edits:
        if start >= byte_start and end <= byte_end:
            parts += [data[at:start].decode(encoding), after]
            at = end
    parts.append(data[at:byte_end].decode(encoding))
    return "".join(parts)


def _widths(text: str, encoding: str) -> np.ndarray:
    """How many bytes each character takes by itself."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    if encoding == "utf-8":
        return 1 + (codes > 0x7F) + (codes > 0x7FF) + (codes > 0xFFFF)
    kinds, which = np.unique(codes, return_inverse=True)
    return np.array([len(chr(code).encode(encoding, "ignore")) for code in kinds], int)[which]


def _copy(stretch: bytes, encoding: str) -> str:
    text = stretch.decode(encoding)
    if encoding != "utf-8" and text.encode(encoding) != stretch:  # UTF-8 has one spelling for everything, and refuses others
        raise ValueError(f"{len(stretch)} bytes do not decode one to one under {encoding}")
    return text


def _replaced(text: str, start: int, end: int, changes: list[Change]) -> str:
    parts = []
    for c in changes:
        parts += [text[start : c.start], c.after]
        start = c.end
    return "".join([*parts, text[start:end]])


def _moved(edits: Sequence[Edit], shift: int) -> Sequence[Edit]:
    """The edits with the text before them `shift` characters longer."""
    if not shift:
        return edits
    return [Edit(b, c, start + shift, end + shift, rules, stages, kind, sure) for b, c, start, end, rules, stages, kind, sure in edits]


def _joined(stage: str, touched: Sequence[Edit], changes: list[Change], byte_start: int, byte_end: int, start: int, end: int) -> Edit:
    if not touched and len(changes) == 1:  # most edits, and the quick way to the same
        (c,) = changes
        return Edit(byte_start, byte_end, start, end, (c.rule,), (stage,), _kind(byte_start, byte_end, start, end, [c.kind]), c.confidence)
    # The last mention of a rule or stage counts, so that the deciding one stands last.
    rules = [r for e in touched for r in e.rules] + [c.rule for c in changes]
    stages = [s for e in touched for s in e.stages] + [stage]
    kinds = [e.kind for e in touched] + [c.kind for c in changes]
    return Edit(
        byte_start, byte_end, start, end,
        tuple(dict.fromkeys(reversed(rules)))[::-1],
        tuple(dict.fromkeys(reversed(stages)))[::-1],
        _kind(byte_start, byte_end, start, end, kinds),
        min([e.confidence for e in touched] + [c.confidence for c in changes]),
    )  # fmt: skip


def _kind(byte_start: int, byte_end: int, start: int, end: int, kinds: list[str]) -> str:
    if start == end:
        return "removed"
    if byte_start == byte_end:
        return "inserted"
    # Part of a cluster taken away leaves the rest of it as it was read.
    read = [k for k in kinds if k not in ("removed", "inserted")]
    return max(read, key=READINGS.index) if read else "normalized"


def _coalesced(edits: Iterable[Edit]) -> list[Edit]:
    """The edits with neighbouring removals by one rule as one."""
    found: list[Edit] = []
    end = -1  # byte where the last one ends, if it is a removal
    for e in edits:
        removed = e[KIND] == "removed"
        if removed and end == e[0] and found[-1].rules[-1] == e.rules[-1]:
            last = found[-1]
            e = last._replace(
                byte_end=e.byte_end,
                rules=tuple(dict.fromkeys((*last.rules[:-1], *e.rules))),
                stages=tuple(dict.fromkeys((*last.stages, *e.stages))),
                confidence=min(last.confidence, e.confidence),
            )
            found[-1] = e
        else:
            found.append(e)
        end = e[1] if removed else -1
    return found
