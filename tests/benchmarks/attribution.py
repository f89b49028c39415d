"""Scores attribution on a folder in PolNeAR's layout: content, source given the content, and speed.

    python -m tests.benchmarks.attribution FOLDER [--every N]

FOLDER holds `text/*.txt` and `attributions/*.ann` (brat; of several annotators' files the first by name). Printed are
F1 of the characters of letters and digits inside content; F1 of sentences that hold some (30 % or 40 characters, as
the bench counts them); source head match; and millions of characters a second, segmenting not counted.

Source head match: over gold attributions with a source whose content some found attribution shares (Dice coefficient
of characters at least one half; the best counts), the share whose head words are the same word of the text. A head is
the last word before the first preposition, relative pronoun or punctuation mark of the span.
"""

import argparse
import re
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from flows.labellers.rules import segments_of
from flows.stages.attribute_sources import head
from flows.stages.attribute_speech import Attribution, attributions
from flows.stages.attribute_words import words

Range = tuple[int, int]
SAME_CONTENT = 0.5
_SENTENCE_GAP = re.compile(r"(?<=[.!?])[\"\u201d\u2019')]*\s+(?=[\"\u201c\u2018'(]*[A-Z])|\n+")


class Gold(NamedTuple):
    source: list[Range]
    cue: list[Range]
    content: list[Range]


def gold(folder: Path) -> Iterator[tuple[str, str, list[Gold]]]:
    """(name, text, attributions) of every document that has annotations."""
    for path in sorted(folder.joinpath("text").glob("*.txt")):
        files = sorted(folder.joinpath("attributions").glob(path.stem + "*.ann"))
        if files:
            yield path.stem, path.read_text(encoding="utf-8"), _brat(files[0].read_text(encoding="utf-8"))


def _brat(lines: str) -> list[Gold]:
    spans, found = {}, []
    for line in lines.split("\n"):
        if match := re.match(r"(T\d+)\t\S+ ([\d ;]+)\t", line):
            spans[match[1]] = [(int(a), int(b)) for a, b in (part.split() for part in match[2].split(";"))]
    for line in lines.split("\n"):
        if line.startswith("E"):
            parts: dict[str, list[Range]] = {"Source": [], "Cue": [], "Content": []}
            for role, ref in (pair.split(":") for pair in line.split("\t")[1].split()):
                parts.get(role.rstrip("0123456789"), []).extend(spans.get(ref, []))
            found.append(Gold(*(sorted(parts[k]) for k in ("Source", "Cue", "Content"))))
    return found


def mask(length: int, spans: list[Range]) -> np.ndarray:
    out = np.zeros(length, bool)
    for start, end in spans:
        out[start:end] = True
    return out


def sentences(text: str) -> list[Range]:
    edges = [0, *(m.end() for m in _SENTENCE_GAP.finditer(text)), len(text)]
    return [(a, b) for a, b in pairwise(edges) if text[a:b].strip()]


def dice(a: list[Range], b: list[Range] | tuple[Range, ...]) -> float:
    shared = sum(max(0, min(x[1], y[1]) - max(x[0], y[0])) for x in a for y in b)
    return 2 * shared / max(1, sum(e - s for s, e in [*a, *b]))


def head_word(text: str, span: Range) -> int:
    """Where the head of a source begins."""
    tokens = words(text, *span)
    return tokens.starts[head(tokens, (0, len(tokens.starts)))] if tokens.starts else span[0]


def source_match(text: str, wanted: list[Gold], found: list[Attribution]) -> tuple[int, int, int]:
    """Counts: gold attributions with a source, those whose content was found, those of them with the same source head."""
    total = shared = same = 0
    for want in wanted:
        if not (want.source and want.content):
            continue
        total += 1
        best = max(found, key=lambda a: round(dice(want.content, a.content), 6), default=None)
        if best and dice(want.content, best.content) >= SAME_CONTENT:
            shared += 1
            same += bool(best.source) and head_word(text, want.source[0]) == head_word(text, best.source[0])
    return total, shared, same


def f1(tp: int, fp: int, fn: int) -> str:
    precision, recall = tp / max(1, tp + fp), tp / max(1, tp + fn)
    return f"precision {precision:.3f}  recall {recall:.3f}  F1 {2 * precision * recall / max(1e-9, precision + recall):.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=int, default=1, help="score every Nth document")
    given = parser.parse_args()
    characters, held, sources = np.zeros(3, int), np.zeros(3, int), np.zeros(3, int)
    seconds = length = 0.0
    for _, text, wanted in list(gold(given.folder))[:: given.every]:
        segments = segments_of(text)
        begun = time.process_time()
        found = attributions(text, segments, "en")
        seconds, length = seconds + time.process_time() - begun, length + len(text)
        want = mask(len(text), [s for a in wanted for s in a.content])
        got = mask(len(text), [s for a in found for s in a.content])
        letters = np.array([c.isalnum() for c in text], bool)
        characters += [(want & got & letters).sum(), (got & ~want & letters).sum(), (want & ~got & letters).sum()]
        for a, b in sentences(text):
            w, g = (m[a:b].mean() >= 0.3 or m[a:b].sum() >= 40 for m in (want, got))
            held += [w and g, g and not w, w and not g]
        sources += source_match(text, wanted, found)
    print(f"content characters  {f1(*characters)}")
    print(f"sentences           {f1(*held)}")
    total, shared, same = sources
    print(f"source head match   {same / max(1, shared):.3f} of {shared} with their content found ({total} in all)")
    print(f"throughput          {length / seconds / 1e6:.2f} Mchar/s")


if __name__ == "__main__":
    main()
