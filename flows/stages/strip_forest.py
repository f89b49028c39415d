"""How likely each line of a dump belongs to the article: what boosted trees see of it and of the lines around it.

Part of the strip stage. The trees were trained by tests/benchmarks/train_strip.py; strip_model.json says on what.
"""

from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from flows import shapes
from flows.shapes import CAPITALISED, FINISHED, N_WORDS
from flows.stages.strip_lines import BLOCK_CAP, BLOCK_UNITS, BUCKETS, LONG, Page, part_of

MODEL = Path(__file__).with_name("strip_model.npz")

# ---------------------------------------------------------------- features

# How far, in lines, neighbours are looked at; the windows summed over; both ends included.
NEIGHBOURS = (-3, -2, -1, 1, 2, 3)
WINDOWS = ((-2, 2), (-5, 5), (-12, 12), (-30, 30), (-20, -1), (1, 20))
FAR = 60  # lines beyond which a distance says no more
GROUPS = ("advertisement", "share", "related", "comments", "author_box", "subscription", "footer", "navigation")
GROUP_OF = {name: i for i, name in enumerate(GROUPS)} | {"cookie": 6, "widget": 7, "player": 7, "language_bar": 7, "blank": 7, None: -1}


def line_features(page: Page, rules: list[str | None]) -> np.ndarray:
    """(features, lines): the shape of the line, of its neighbours and of the page around it."""
    looks, n = page.shapes, len(page.lines)
    words = np.minimum(looks[N_WORDS], BLOCK_CAP)
    long = looks[FINISHED] * (words >= LONG)
    group = np.fromiter(map(GROUP_OF.__getitem__, rules), np.float32, n)
    furniture = group >= 0
    times = Counter(page.norms)
    repeated = np.minimum(np.fromiter(map(times.__getitem__, page.norms), np.float32, n), 9)
    dates = page.dates
    own = np.empty((11, n), np.float32)
    own[0], own[1], own[2] = n, np.count_nonzero(long), np.count_nonzero(furniture) / n
    own[3] = np.arange(n) / n
    own[4], own[5, :-1], own[5, -1] = np.minimum(page.gaps, 4), np.minimum(page.gaps[1:], 4), 2
    own[6] = _share_up_to(long * words)
    inside = np.zeros(n, bool)
    inside[slice(*page.blocks[1].tolist())] = True
    own[7] = shared_words(page, inside)
    own[8], own[9], own[10] = group, repeated, dates
    beside = np.array([repeated, words, long * words, looks[CAPITALISED], looks[FINISHED], furniture])
    marked = np.array([long > 0, furniture, (group >= 2) & (group <= 4), dates > 0])
    around = (
        shapes.neighbours(beside[:4], NEIGHBOURS), shapes.windows(beside[1:], WINDOWS), shapes.distances(marked, FAR),
        shapes.placed(page.blocks, n, FAR),
    )  # fmt: skip
    headed = _headed(group)
    return np.concatenate([looks, page.vocabulary, own, headed, *(part.reshape(-1, n) for part in around)], dtype=np.float32)


def _share_up_to(amounts: np.ndarray) -> np.ndarray:
    sums = amounts.cumsum()
    return sums / max(sums[-1], 1)


def _headed(group: np.ndarray) -> np.ndarray:
    """Which furniture stood last before each line, and which comes next."""
    at = np.arange(len(group))
    before = np.maximum.accumulate(np.where(group >= 0, at, -1))
    after = np.minimum.accumulate(np.where(group >= 0, at, len(group))[::-1])[::-1]
    return np.array([np.where(before >= 0, group[before], -1), np.append(group, -1)[after]])


def shared_words(page: Page, inside: np.ndarray) -> np.ndarray:
    """Share of a line's longer words that stand on other lines too, among the lines inside; -1 for a line that has none."""
    n, marked = len(page.lines), inside[page.rows]
    again = np.bincount(page.words[marked], minlength=BUCKETS)[page.words] > marked
    total = np.bincount(page.rows, minlength=n)
    return np.where(total > 0, np.bincount(page.rows, again, n) / np.maximum(total, 1), -1)


OFFSETS = (-3, -2, -1, 1, 2, 3, 4)
SPREADS = ((-3, 3), (-8, 8), (-20, 20))


def context_features(features: np.ndarray, words: np.ndarray, p: np.ndarray) -> np.ndarray:
    """(features, lines): also what the first forest said of the line and of those around it; p is a probability per line."""
    n = len(p)
    before, mass, sure = p.cumsum(), (p * np.minimum(words, BLOCK_CAP)).cumsum(), (p > 0.8).cumsum()
    own = np.empty((8, n), np.float32)
    own[0], own[1], own[2], own[3] = p, before, before[-1] - before, mass
    own[4], own[5], own[6], own[7] = mass[-1], p.max(), sure, sure[-1]
    block = shapes.densest(p * 2 * BLOCK_UNITS[1], (BLOCK_UNITS[1] * 0.8,))
    around = shapes.neighbours(p[None], OFFSETS), shapes.windows(p[None], SPREADS), shapes.placed(block, n, FAR)
    return np.concatenate([features, own, *(part.reshape(-1, n) for part in around)])


# ---------------------------------------------------------------- model


class Forest(NamedTuple):
    """Gradient-boosted trees of at most nine leaves. A tree's eight comparisons make a byte, and the byte finds the leaf.

    feature and threshold: (8 * trees), comparison by comparison; table: (trees * 256) leaf values."""

    feature: np.ndarray
    threshold: np.ndarray
    table: np.ndarray


@cache
def model() -> dict[str, Forest]:
    """The forests `line`, `page` (lines again, with what the first said of their neighbours) and `title`."""
    with np.load(MODEL) as arrays:
        return {name: Forest(*(arrays[f"{name}_{field}"] for field in Forest._fields)) for name in ("line", "page", "title")}


@cache
def calibration() -> np.ndarray:
    """Weights of `evidence` in the confidence of a page (logistic regression on pages of unseen sites)."""
    with np.load(MODEL) as arrays:
        return arrays["confidence"].astype(np.float64)


CHUNK = 1024  # lines walked through the trees at a time


def probability(forest: Forest, features: np.ndarray) -> np.ndarray:
    """Of each column of features, rounded, so that the last bits of a platform's arithmetic decide nothing."""
    parts = [_scores(forest, features[:, i : i + CHUNK]) for i in range(0, max(features.shape[1], 1), CHUNK)]
    return (1 / (1 + np.exp(-np.concatenate(parts)))).round(4)


def _scores(forest: Forest, features: np.ndarray) -> np.ndarray:
    trees = len(forest.table) // 256
    answers = (features.take(forest.feature, 0) > forest.threshold[:, None]).view(np.uint8).reshape(8, trees, -1)
    leaf = answers[0]
    for answer in answers[1:]:
        leaf += leaf
        leaf += answer
    return forest.table.take(leaf + np.arange(0, trees * 256, 256)[:, None]).sum(0, dtype=np.float64)


PART = 5000  # lines looked at together: no page has more, and a text of millions of lines stays within memory
# Chosen by cross-validation over sites, on the scores of the whole stage; all of them are flat around these values.
DISMISSED = 0.005  # by the first forest, below which the second is not asked


def probabilities(page: Page, rules: list[str | None]) -> tuple[np.ndarray, np.ndarray]:
    """Of each line, to belong to the article's body; and what that was seen by, (features, lines)."""
    if len(rules) > PART:
        each = [probabilities(part_of(page, i, i + PART), rules[i : i + PART]) for i in range(0, len(rules), PART)]
        return np.concatenate([p for p, _ in each]), np.concatenate([around for _, around in each], 1)
    words, features = page.shapes[N_WORDS], line_features(page, rules)
    p = probability(model()["line"], features)
    around = context_features(features, words, p)
    likely = np.flatnonzero(p > DISMISSED)
    p[likely] = probability(model()["page"], around[:, likely])
    return p, around
