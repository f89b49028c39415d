"""How good labellers are on answers at hand: measures with bootstrap intervals, and the baselines they have to beat.

A row is one measure of one labeller on one set: layer, data, language, holder, labeller, measure, value, low, high, n. `value` is
null where there was nothing to measure. Intervals draw whole documents again (single texts where a set has no documents).
"""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from flows.corpus.agreement import DRAWS, bootstrap, f1, percentiles
from flows.readers.gold import Article, Asked
from flows.stages.attribute_sources import head
from flows.stages.attribute_speech import Attribution
from flows.stages.attribute_words import words
from schemas import Row

Range = tuple[int, int]
Spans = Callable[[str], list[Range]]
# A sentence holds attributed content from this share of its characters, or so many, on.
HOLDS_SHARE, HOLDS = 0.3, 40
# Two lists of spans are the same attribution or claim from this Dice coefficient on.
SAME = 0.5
# Fewer texts than this settle nothing: probes are then tried over all of a table, by document.
MIN_TEXTS = 20
FOLDS = 5
_GAP = re.compile(r"(?<=[.!?])[\"\u201d\u2019')]*\s+(?=[\"\u201c\u2018'(]*[A-Z])|\n+")
_QUOTED = re.compile("\u201c[^\u201c\u201d]{1,1200}\u201d|\"[^\"\n]{1,1200}\"|``(?:(?!'').){1,1200}''", re.S)


def row(
    layer: str,
    data: str,
    labeller: str,
    measure: str,
    value: float | None,
    n: int,
    interval: tuple[float, float] | None = None,
    **more: str,
) -> Row:
    """One measure as a row. n: texts or items it was taken over. more: `language` and `holder`, where not all."""
    low, high = interval or (None, None)
    told = None if value is None else round(float(value), 4)
    facts = {"layer": layer, "data": data, "language": more.get("language", "all"), "holder": more.get("holder", "all")}
    return {**facts, "labeller": labeller, "measure": measure, "value": told, "low": low, "high": high, "n": n}


def ratio(sums: Iterable[ArrayLike], seed: int = 0) -> tuple[float | None, tuple[float, float] | None]:
    """Value and interval of a sum over a sum. sums: per document (numerator, denominator)."""
    stacked = [np.asarray(s, dtype=float) for s in sums]
    return f1(sum(stacked, np.zeros(2))), bootstrap(stacked, f1, seed)


# Attributed content -----------------------------------------------------------------------------------------------------------------


def sentences(text: str) -> list[Range]:
    """Sentences as the published baselines on PolNeAR cut them, so that figures can be compared."""
    edges = [0, *(m.end() for m in _GAP.finditer(text)), len(text)]
    return [(a, b) for a, b in pairwise(edges) if text[a:b].strip()]


def mask(length: int, spans: Iterable[Range]) -> np.ndarray:
    """(length,): whether each position lies in one of the spans."""
    out = np.zeros(length, bool)
    for start, end in spans:
        out[start:end] = True
    return out


def holds(marked: np.ndarray) -> bool:
    """Whether a sentence, by the `mask` of its characters, holds attributed content."""
    return bool(round(float(marked.mean()), 6) >= HOLDS_SHARE or marked.sum() >= HOLDS)


def attributed(articles: Sequence[Article], data: str, systems: Mapping[str, Spans]) -> list[Row]:
    """Characters (letters and digits) inside content, and sentences that hold some: F1, precision and recall of each system."""
    rows = []
    for name, spans in systems.items():
        counts = [_counts(a, spans(a.text)) for a in articles]
        for what, at in (("characters", 0), ("sentences", 1)):
            tp, fp, fn = np.array([c[at] for c in counts]).reshape(-1, 3).T
            for measure, over in (
                ("F1", np.stack([2 * tp, 2 * tp + fp + fn], 1)),
                ("precision", np.stack([tp, tp + fp], 1)),
                ("recall", np.stack([tp, tp + fn], 1)),
            ):
                value, interval = ratio(over)
                rows.append(row("attribution", data, name, f"{what} {measure}", value, len(articles), interval, language="en"))
    return rows


def _counts(article: Article, found: Sequence[Range]) -> tuple[list[int], list[int]]:
    """(tp, fp, fn) of characters and of sentences."""
    text = article.text
    want, got = mask(len(text), (s for a in article.attributions for s in a.content)), mask(len(text), found)
    letters = np.array([c.isalnum() for c in text], bool)
    characters = [int((m & letters).sum()) for m in (want & got, got & ~want, want & ~got)]
    held = Counter((holds(want[a:b]), holds(got[a:b])) for a, b in sentences(text))
    return characters, [held[True, True], held[False, True], held[True, False]]


def quoted(text: str) -> list[Range]:
    """What stands between quotation marks, marks included."""
    return [m.span() for m in _QUOTED.finditer(text)]


def reporting(text: str, is_cue: Callable[[str], bool]) -> list[Range]:
    """The sentences with a quotation or a cue."""
    return [(a, b) for a, b in sentences(text) if _QUOTED.search(text[a:b]) or is_cue(text[a:b])]


def sentence_answers(articles: Iterable[Article]) -> list[Asked]:
    """Every sentence, and whether it holds attributed content."""
    found = []
    for article in articles:
        marked = mask(len(article.text), (s for a in article.attributions for s in a.content))
        found += [Asked(article.text[a:b].strip(), "yes" if holds(marked[a:b]) else "no") for a, b in sentences(article.text)]
    return found


def sources(articles: Sequence[Article], data: str, name: str, find: Callable[[str], Sequence[Attribution]]) -> list[Row]:
    """Source head match: of attributions with a source whose content was found, the share whose source has the same head word."""
    sums = []
    for article in articles:
        found, pair = find(article.text), np.zeros(2)
        for want in (a for a in article.attributions if a.source and a.content):
            best = max(found, key=lambda f: round(dice(want.content, f.content), 6), default=None)
            if best and dice(want.content, best.content) >= SAME:
                pair += [bool(best.source) and _head(article.text, want.source[0]) == _head(article.text, best.source[0]), 1]
        sums.append(pair)
    value, interval = ratio(sums)
    return [row("attribution", data, name, "source head match", value, int(sum(s[1] for s in sums)), interval, language="en")]


def _head(text: str, span: Range) -> int:
    tokens = words(text, *span)
    return tokens.starts[head(tokens, (0, len(tokens.starts)))] if tokens.starts else span[0]


def dice(a: Iterable[Sequence[int]], b: Iterable[Sequence[int]]) -> float:
    """Twice what two lists of ranges share, of what both have: 0 to 1."""
    a, b = list(a), list(b)
    shared = sum(max(0, min(x[1], y[1]) - max(x[0], y[0])) for x in a for y in b)
    return 2 * shared / max(1, sum(end - start for start, end, *_ in [*a, *b]))


# One answer a text ------------------------------------------------------------------------------------------------------------------


def average_precision(positive: np.ndarray, scores: np.ndarray) -> float | None:
    """Mean precision over recall as the threshold goes down, equal scores together; None where nothing is positive."""
    if not positive.any():
        return None
    order = np.argsort(-scores, kind="stable")
    hits, ranked = np.cumsum(positive[order]), scores[order]
    last = np.r_[np.flatnonzero(np.diff(ranked)), len(ranked) - 1]
    return float((hits[last] / (last + 1) * np.diff(np.r_[0, hits[last]])).sum() / hits[-1])


def ranked(asked: Sequence[Asked], data: str, systems: Mapping[str, Callable[[list[str]], Sequence[float]]]) -> list[Row]:
    """Average precision of scores for check-worthiness, over single texts."""
    positive, rows = np.array([a.answer == "yes" for a in asked]), []
    for name, score in systems.items():
        scores = np.round(np.asarray(score([a.text for a in asked]), dtype=float), 9)
        draw, drawn = random.Random(0), []
        for _ in range(DRAWS if len(asked) > 1 else 0):
            some = np.array(draw.choices(range(len(asked)), k=len(asked)))
            drawn.append(average_precision(positive[some], scores[some]))
        rows.append(
            row(
                "check_worthiness",
                data,
                name,
                "average precision",
                average_precision(positive, scores),
                len(asked),
                percentiles(drawn),
                language="en",
            )
        )
    return rows


def without_duplicates(asked: Sequence[Asked], of: Sequence[Asked]) -> list[Asked]:
    """Those whose words, whatever their case and punctuation, are not among those of the others."""
    plain = lambda text: " ".join(re.findall(r"\w+", text.lower()))  # noqa: E731
    seen = {plain(a.text) for a in of}
    return [a for a in asked if plain(a.text) not in seen]


def answered(
    layer: str, data: str, name: str, given: Sequence[tuple[str, str, str | None]], averaged: Sequence[str] | None = None, **more: str
) -> list[Row]:
    """Macro F1 (over `averaged` answers, or all that were wanted) and accuracy. given: (document, wanted, answered or None)."""
    classes = sorted({want for _, want, _ in given} | {got for _, _, got in given if got})
    places = {c: i for i, c in enumerate(classes)}
    groups: dict[str, np.ndarray] = defaultdict(lambda: np.zeros((len(classes), len(classes) + 1)))
    for document, want, got in given:
        groups[document][places[want], places[got] if got else len(classes)] += 1
    counted = [places[c] for c in averaged or sorted({want for _, want, _ in given}) if c in places]
    sums = [groups[d] for d in sorted(groups)]
    total = sum(sums, np.zeros((len(classes), len(classes) + 1)))
    macro = lambda table: _macro(table, counted)  # noqa: E731
    right = [(np.trace(t), t.sum()) for t in sums]
    return [
        row(
            layer,
            data,
            name,
            "macro F1" if averaged is None else f"macro F1 of {' and '.join(averaged)}",
            macro(total),
            len(given),
            bootstrap(sums, macro, 0),
            **more,
        ),
        row(layer, data, name, "accuracy", ratio(right)[0], len(given), ratio(right)[1], **more),
    ]


def _macro(table: np.ndarray, counted: Sequence[int]) -> float | None:
    """Mean F1 of some answers. table: (wanted, answered)."""
    hits, wanted, got = np.diag(table), table.sum(axis=1), table[:, : len(table)].sum(axis=0)
    found = [2 * hits[i] / (wanted[i] + got[i]) if wanted[i] + got[i] else 0.0 for i in counted]
    return float(np.mean(found)) if found else None


def commonest(answers: Iterable[str]) -> str:
    """The answer given most often; of equal ones the first by name."""
    return min(Counter(answers).items(), key=lambda c: (-c[1], c[0]))[0]
