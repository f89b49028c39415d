"""Agreement: how far independent people give the same answers, and what can be said of an answer when they do not.

Krippendorff's alpha with a bootstrap interval, one measure for marked spans, and the estimator of Dawid and Skene. Only votes
of people are ever compared: that two machines agree says nothing about the task.
"""

import random
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from flows.corpus.votes import is_adjudication, parts, turn
from schemas import Row
from schemas.annotations import FACTS

# Resamples of an interval, and the share of them it holds. A thousand settle the second decimal.
DRAWS = 1_000
COVERAGE = 0.95
# Expectation maximisation stops where no probability moves by more than this; it never takes more rounds than that.
SETTLED = 1e-8
MOST_ROUNDS = 1_000
# Probabilities nearer to each other than this are a tie.
TIE_DIGITS = 6
TINY = float(np.finfo(float).tiny)

Ranges = Sequence[Sequence[int]]


class Agreement(NamedTuple):
    """One measure of one layer (or one fact or part of it) under one guideline. value and interval are null where there is nothing to
    compare, or no two different answers."""

    layer: str
    fact: str | None
    guideline_version: str | None
    measure: str
    value: float | None
    low: float | None
    high: float | None
    n_items: int
    n_annotators: int


class DawidSkene(NamedTuple):
    """classes: sorted. marginals: (classes,), how frequent each class is. error_rates: annotator -> (true class, answer).
    posteriors: item -> (classes,), the probability of each class."""

    classes: list[str]
    marginals: np.ndarray
    error_rates: dict[Hashable, np.ndarray]
    posteriors: dict[Hashable, np.ndarray]


def alpha(units: Iterable[Sequence[Any]]) -> float | None:
    """Krippendorff's alpha, nominal. Source: Krippendorff, "Computing Krippendorff's Alpha-Reliability", 2011.

    units: per unit the answers it got, in any number. None where no unit has two answers or all answers are one.
    """
    units = [list(u) for u in units]
    known = sorted({v for u in units for v in u})
    return _alpha(sum((_coincidences(u, known) for u in units), np.zeros((len(known), len(known)))))


def alpha_interval(groups: Iterable[Iterable[Sequence[Any]]], seed: int = 0) -> tuple[float, float] | None:
    """Bootstrap percentile interval of alpha (Efron 1979): whole groups of units, such as documents, are drawn again, since the units of a
    group are not independent."""
    groups = [[list(u) for u in g] for g in groups]
    known = sorted({v for g in groups for u in g for v in u})
    sums = [sum((_coincidences(u, known) for u in g), np.zeros((len(known), len(known)))) for g in groups]
    return bootstrap(sums, _alpha, seed)


def span_f1(pairs: Iterable[tuple[Ranges, Ranges]]) -> float | None:
    """How far pairs of annotators marked the same positions: F1 over all pairs, 2|A∩B| / (|A|+|B|), 0 to 1; None where nobody marked any.

    It is the positive specific agreement, to which kappa tends as the unmarked part of the text grows. Source: Hripcsak and
    Rothschild, "Agreement, the F-measure, and reliability in information retrieval", JAMIA 12(3), 2005.
    """
    return f1(sum((_overlap(a, b) for a, b in pairs), np.zeros(2)))


def dawid_skene(votes: Iterable[tuple[Hashable, Hashable, str]]) -> DawidSkene:
    """The most probable classes and error rates behind votes (item, annotator, answer), by expectation maximisation from vote shares.

    An annotator may vote on an item more than once. Source: Dawid and Skene, "Maximum likelihood estimation of observer
    error-rates using the EM algorithm", Applied Statistics 28(1), 1979.
    """
    votes = sorted(votes, key=repr)
    items, annotators = (sorted({v[i] for v in votes}, key=repr) for i in range(2))
    classes = sorted({answer for _, _, answer in votes}, key=repr)
    n = np.zeros((len(items), len(annotators), len(classes)))
    places = [{name: i for i, name in enumerate(names)} for names in (items, annotators, classes)]
    for found in votes:
        n[tuple(place[name] for place, name in zip(places, found, strict=True))] += 1
    true = n.sum(axis=1) / n.sum(axis=(1, 2))[:, None]
    for _ in range(MOST_ROUNDS):
        marginals = true.mean(axis=0)
        rates = np.einsum("ij,ikl->kjl", true, n)
        rates /= np.maximum(rates.sum(axis=2, keepdims=True), TINY)
        log = np.log(np.maximum(marginals, TINY)) + np.einsum("ikl,kjl->ij", n, np.log(np.maximum(rates, TINY)))
        before, true = true, np.exp(log - log.max(axis=1, keepdims=True))
        true /= true.sum(axis=1, keepdims=True)
        if np.abs(true - before).max(initial=0.0) < SETTLED:
            break
    return DawidSkene(classes, marginals, dict(zip(annotators, rates, strict=True)), dict(zip(items, true, strict=True)))


def likeliest(classes: Sequence[str], probabilities: np.ndarray) -> str | None:
    """The most probable class; None where two are."""
    rounded = np.round(probabilities, TIE_DIGITS)
    best = [c for c, p in zip(classes, rounded, strict=True) if p == rounded.max()]
    return best[0] if len(best) == 1 else None


def agreements(votes: Iterable[Row], seed: int = 0) -> list[Agreement]:
    """Agreement between people by layer, fact and guideline, on rows of `annotations`.

    Counted are votes on the same words, without a proposed answer, that are no adjudications; of one annotator the last.
    """
    asked: dict[tuple, dict[tuple, dict[str, str]]] = {}
    for row in sorted(votes, key=lambda row: (turn(row["batch"]), row["annotation_id"])):
        # Where the hash is withheld, votes on words that have changed cannot be told apart.
        is_known = row["text_sha256"] is not None or row["carried"] in ("unchanged", "moved")
        if row["annotator_type"] == "human" and row["saw_prelabel"] is False and not is_adjudication(row) and is_known:
            unit = asked.setdefault((row["layer"], row["guideline_version"]), {}).setdefault((row["item_id"], row["text_sha256"]), {})
            unit[row["annotator_id"]] = row["value"]
    found = []
    for (layer, guideline), units in sorted(asked.items(), key=repr):
        compared = {key: given for key, given in units.items() if len(given) > 1}
        n_annotators = len({name for given in compared.values() for name in given})
        for fact, measure, value, interval in _measured(layer, compared, seed):
            low, high = interval or (None, None)
            found.append(Agreement(layer, fact, guideline, measure, value, low, high, len(compared), n_annotators))
    return found


def _measured(layer: str, units: dict[tuple, dict[str, str]], seed: int) -> Iterable[tuple]:
    """(fact, measure, value, interval): the answer, then every fact and part that was marked too. Drawn by document."""
    split = {key: [_facts(layer, value) for _, value in sorted(given.items())] for key, given in units.items()}
    found = {name for given in split.values() for facts in given for name in facts}
    names = sorted(found, key=lambda name: (name != FACTS.get(layer), name or ""))
    for name in names:
        by_document: dict[str, list] = {}
        for (item_id, _), given in sorted(split.items()):
            by_document.setdefault(item_id[:20], []).append([facts.get(name) for facts in given])
        groups = list(by_document.values())
        if any(isinstance(fact, list) for group in groups for unit in group for fact in unit):
            paired = [[(a or (), b or ()) for unit in group for a, b in combinations(unit, 2)] for group in groups]
            sums = [sum((_overlap(a, b) for a, b in group), np.zeros(2)) for group in paired]
            yield name, "pairwise F1 of marked bytes", _rounded(span_f1(p for group in paired for p in group)), bootstrap(sums, f1, seed)
        else:
            answers = [[[fact for fact in unit if fact is not None] for unit in group] for group in groups]
            yield name, "Krippendorff's alpha, nominal", _rounded(alpha(u for g in answers for u in g)), alpha_interval(answers, seed=seed)


def _facts(layer: str, value: str) -> dict[str | None, Any]:
    """What an answer says, by fact; under None the answer of a layer that has no facts."""
    named = parts(value)
    return dict(named.items()) if named else {FACTS.get(layer): value}


def _coincidences(unit: Sequence[Any], known: Sequence[Any]) -> np.ndarray:
    """(answers, answers): the pairs of answers a unit got, each answer counting once in all."""
    counts = np.array([unit.count(v) for v in known], dtype=float)
    if len(unit) < 2:
        return np.zeros((len(known), len(known)))
    return (np.outer(counts, counts) - np.diag(counts)) / (len(unit) - 1)


def _alpha(observed: np.ndarray) -> float | None:
    n_v = observed.sum(axis=1)
    expected = n_v.sum() ** 2 - (n_v**2).sum()
    return 1 - (n_v.sum() - 1) * (observed.sum() - np.trace(observed)) / expected if expected else None


def _overlap(a: Ranges, b: Ranges) -> np.ndarray:
    """Positions marked by both, twice, and by either, added."""
    both = sum(max(0, min(end, stop) - max(start, begin)) for start, end in _merged(a) for begin, stop in _merged(b))
    return np.array([2 * both, sum(end - start for r in (a, b) for start, end in _merged(r))], dtype=float)


def f1(sums: np.ndarray) -> float | None:
    """Of (twice what both have, what either has): their share; None where neither has anything."""
    return float(sums[0] / sums[1]) if sums[1] else None


def _merged(ranges: Ranges) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for start, end in sorted((r[0], r[1]) for r in ranges):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def bootstrap(sums: list[np.ndarray], statistic: Callable[[np.ndarray], float | None], seed: int) -> tuple[float, float] | None:
    """Percentile interval of a statistic of the sum over groups. None for fewer than two groups, or where too many draws have no value."""
    if len(sums) < 2:
        return None
    draw, stacked, drawn = random.Random(seed), np.stack(sums), []
    for _ in range(DRAWS):
        weights = np.bincount(draw.choices(range(len(sums)), k=len(sums)), minlength=len(sums))
        drawn.append(statistic(np.tensordot(weights, stacked, 1)))
    return percentiles(drawn)


def percentiles(drawn: Iterable[float | None]) -> tuple[float, float] | None:
    """The interval of COVERAGE of DRAWS values; None where too many draws have none."""
    found = sorted(value for value in drawn if value is not None)
    if len(found) < DRAWS * COVERAGE:
        return None
    edge = round(len(found) * (1 - COVERAGE) / 2)
    return round(found[edge], 4), round(found[-1 - edge], 4)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)
