"""Probes: how far one gets on a training table without reading what the task is about.

A model that does not see the target (or the holder, or the words) should do no better than the commonest answer. Where it does, the
labels can be told without the task, and a figure on this table is worth that much less. Needs the extra `calibrate`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from itertools import pairwise
from typing import Any

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from flows.labellers.score import FOLDS, MIN_TEXTS, answered, commonest
from schemas import Row

_WORD = re.compile(r"\w+")
# What each probe sees of a row.
PROBES = {
    "TF-IDF": ("text", "holder", "target"),
    "probe: target-blind": ("text", "holder"),
    "probe: holder-blind": ("text", "target"),
    "probe: words-blind": ("holder", "target"),
}


def probed(layer: str, data: str, rows: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Macro F1 and accuracy of the probes on a training table: on `test` or `validation`, or across documents where these are small."""
    told = [(r, r.get("label") or r.get("weak_label")) for r in rows if r["text"] is not None]
    told = [(r, answer) for r, answer in told if answer]
    held = next((s for s in ("test", "validation") if sum(r["split"] == s for r, _ in told) >= MIN_TEXTS), None)
    if held:
        parts = [([p for p in told if p[0]["split"] == "train"], [p for p in told if p[0]["split"] == held])]
    else:
        parts = [([p for p in told if _fold(p[0]) != k], [p for p in told if _fold(p[0]) == k]) for k in range(FOLDS)]
    parts = [(learnt, asked) for learnt, asked in parts if learnt and asked]
    name = f"{data}, {held or 'across documents'}"
    found = []
    for probe, sees in {"baseline: majority": (), **PROBES}.items():
        if probe == "probe: target-blind" and not any(r.get("target") for r, _ in told):
            continue
        given = [g for learnt, asked in parts for g in _answers(learnt, asked, sees)]
        found += answered(layer, name, probe, given) if given else []
    return found


def _fold(row: Mapping[str, Any]) -> int:
    return int(sha256(row["item_id"][:20].encode()).hexdigest(), 16) % FOLDS


def _answers(learnt: Sequence[tuple], asked: Sequence[tuple], sees: Sequence[str]) -> Iterable[tuple[str, str, str]]:
    """(document, wanted, answered) of a linear model that sees some columns, or of the commonest answer where it sees none."""
    answers = [answer for _, answer in learnt]
    if not sees or len(set(answers)) < 2:
        return [(r["item_id"][:20], answer, commonest(answers)) for r, answer in asked]
    seen = lambda row: _features(row, sees)  # noqa: E731
    model = make_pipeline(
        TfidfVectorizer(analyzer=seen, sublinear_tf=True), LogisticRegression(C=3, class_weight="balanced", max_iter=1000)
    )
    model.fit([r for r, _ in learnt], answers)
    got = model.predict([r for r, _ in asked])
    return [(r["item_id"][:20], answer, str(a)) for (r, answer), a in zip(asked, got, strict=True)]


def _features(row: Mapping[str, Any], sees: Sequence[str]) -> list[str]:
    """Words, pairs of them, who and what it is about, and each word together with these."""
    words = [w.lower() for w in _WORD.findall(row["text"])] if "text" in sees else []
    about = [f"{name}={row.get(name)}" for name in ("holder", "target") if name in sees]
    return [*words, *map(" ".join, pairwise(words)), *about, *(f"{w} {a}" for w in words for a in about)]
