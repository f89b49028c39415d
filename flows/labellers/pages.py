"""What the strip stage is worth on pages that people labelled whole: how many lines it put on the wrong side, and how many pages have none.

People say of every block that was kept, and of every stretch that was removed, what it is (layer `strip`). Their answers are held against
what the release at hand keeps of the same bytes, so that pages labelled once measure every later rule. A page counts where everything
on it was asked; markup is never asked, so of HTML pages only what was kept is judged.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from flows.corpus.labels import labels
from flows.corpus.votes import ITEM_ID
from flows.labellers.score import ratio, row
from schemas import Row
from schemas.segments import UNITS

DATA = "pages labelled by people"
KEPT = 0.5  # share of the bytes of what was asked that has to stand in the text for it to count as kept


class Judged(NamedTuple):
    """What people said of bytes [start, end) of a capture, and on how many lines: a stretch is right or wrong with all it has."""

    start: int
    end: int
    answer: str
    lines: int


class Outcome(NamedTuple):
    """Of one page: lines on the wrong side, lines, blocks kept rightly whose unit is right, such blocks, and whether all was asked."""

    wrong: int
    lines: int
    same_unit: int
    units: int
    is_whole: bool


def scored(tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Row]:
    """Rows over all pages and by language. tables: rows of documents, segments, edits and annotations, by table."""
    languages = {d["doc_id"]: d["language"] or "unknown" for d in tables["documents"]}
    blocks, removed = _by_document(tables["segments"], _is_block), _by_document(tables["edits"], _is_asked)
    found = {
        doc_id: _outcome(judged, blocks[doc_id], removed[doc_id])
        for doc_id, judged in sorted(_judged(tables["annotations"]).items())
        if doc_id in languages
    }
    spoken = sorted({languages[doc_id] for doc_id in found})
    rows = []
    for language in ("all", *spoken) if found else ():
        rows += _measures([o for doc_id, o in found.items() if language in ("all", languages[doc_id])], language)
    return rows


def _measures(pages: Sequence[Outcome], language: str) -> list[Row]:
    whole = [o for o in pages if o.is_whole]
    right = sum(o.wrong == 0 for o in whole)
    sums = {
        "lines on the wrong side": [(o.wrong, o.lines) for o in pages],
        "unit right, of blocks kept rightly": [(o.same_unit, o.units) for o in pages],
    }
    rows = [
        row("strip", DATA, "rules", measure, value, int(sum(n for _, n in counts)), interval, language=language)
        for measure, counts in sums.items()
        for value, interval in [ratio(counts)]
    ]
    share = right / len(whole) if whole else None
    return [*rows, row("strip", DATA, "rules", "pages without a fault", share, len(whole), wilson(right, len(whole)), language=language)]


Z = 1.96  # of the normal distribution: an interval of 95 %


def wilson(hits: int, n: int) -> tuple[float, float] | None:
    """The interval of a share (Wilson 1927): unlike one from draws it has some width where all pages are right."""
    if not n:
        return None
    p, spread = hits / n, Z / n * math.sqrt(hits * (n - hits) / n + Z * Z / 4)
    low, high = (round((p + Z * Z / (2 * n) + side * spread) / (1 + Z * Z / n), 4) for side in (-1, 1))
    return low, high


def _judged(votes: Sequence[Mapping[str, Any]]) -> dict[str, list[Judged]]:
    """What people agree on, by document. A vote whose item is gone says still what its bytes are."""
    theirs = [{**v, "carried": "unchanged"} for v in votes if v["layer"] == "strip" and v["annotator_type"] == "human"]
    lines = {v["item_id"]: _n_lines(v["exact"]) for v in theirs}
    found = defaultdict(list)
    for label in labels(theirs, {})[0]:
        name = ITEM_ID.fullmatch(label["item_id"])
        if name and label["value"]:
            found[name["doc"]].append(Judged(int(name["start"]), int(name["end"]), label["value"], lines[label["item_id"]]))
    return found


def _n_lines(words: str | None) -> int:
    return max(1, sum(bool(line.strip()) for line in (words or "").splitlines()))


def _by_document(rows: Sequence[Mapping[str, Any]], which: Any) -> dict[str, list[Mapping[str, Any]]]:
    found = defaultdict(list)
    for r in filter(which, rows):
        found[r["doc_id"]].append(r)
    return found


def _is_block(segment: Mapping[str, Any]) -> bool:
    return segment["parent_id"] is None


def _is_asked(edit: Mapping[str, Any]) -> bool:
    """As schemas.edits.STRIPPED."""
    return edit["kind"] == "removed" and edit["stages"][-1] == "strip" and edit["rules"][-1] != "blank" and edit["before"] is not None


def _outcome(judged: Sequence[Judged], blocks: Sequence[Mapping[str, Any]], removed: Sequence[Mapping[str, Any]]) -> Outcome:
    wrong = units = same_unit = 0
    for asked in judged:
        shared = [(_shared(asked, b), b["unit"]) for b in blocks]
        is_kept = sum(n for n, _ in shared) > KEPT * (asked.end - asked.start)
        if is_kept != (asked.answer in UNITS):
            wrong += asked.lines
        elif is_kept:
            units += 1
            same_unit += max(shared)[1] == asked.answer
    is_whole = all(any(_shared(asked, place) for asked in judged) for place in (*blocks, *removed))
    return Outcome(wrong, sum(asked.lines for asked in judged), same_unit, units, is_whole)


def _shared(asked: Judged, place: Mapping[str, Any]) -> int:
    """Bytes that both have."""
    return max(0, min(asked.end, place["byte_end"]) - max(asked.start, place["byte_start"]))
