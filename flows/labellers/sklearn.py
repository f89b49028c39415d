"""A labeller of whole texts, trained on the user's own gold: check-worthiness, stance on a target, or the modality of a claim.

The mean of three linear models that fail differently: logistic regression on words and character n-grams; on stems with digits made
alike, n-grams of characters and what a sentence looks like; and on words weighted by naive Bayes log-count ratios (Wang and
Manning 2012). Chosen from eight by average precision on a fifth of CheckThat! 2024 train.

scikit-learn comes with the extra `calibrate`; importing this file needs it. Nothing trained is ever shipped.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline, make_union

from flows.labellers import Labeller, Passage, Target, on_target, vote
from schemas import Row

# Inverse strength of regularisation. Words alone do better at 3 than at 10, by average precision on a fifth of CheckThat! 2024 train.
C = 3
C_BAYES = 1
# Answers given to fewer training texts than this cannot be learned.
MIN_EXAMPLES = 2
_TOKEN = r"\w+|[^\w\s]"
_WORD = re.compile(r"\w+(?:['’]\w+)?")
_NUMBER = re.compile(r"\d[\d,.]*")
_ENDING = re.compile(r"(?<=\w{3})(?:ing|ed|es|s)\b")
# What sentences that could be checked show, besides numbers: shares and sums, years, the past against intentions, who speaks.
_SIGNS = tuple(
    re.compile(pattern)
    for pattern in (
        "%|percent", r"[$€£]|dollar", r"\b(?:19|20)\d\d\b", "[mbr]illion", r"\?", '["“”]',
        r"\b(?:will|would|should|shall|going to|must|ought)\b",
        r"\b(?:was|were|had|did|has|have been|voted|said|cut|increased)\b", r"\b(?:i|we|you)\b",
    )
)  # fmt: skip


class Model(NamedTuple):
    """classes: sorted answers. parts: (vectorizers, whether looks are features, log-count ratios by class or None, classifier)."""

    classes: tuple[str, ...]
    parts: tuple[tuple, ...]


def looks(texts: Sequence[str]) -> csr_matrix:
    """(texts, features): length, numbers, capitals and signs, each roughly 0 to 1."""
    return csr_matrix(np.array([_look(t) for t in texts]))


def _look(text: str) -> list[float]:
    words, lower, numbers = _WORD.findall(text), text.lower(), _NUMBER.findall(text)
    n = len(words)
    capitals = sum(w[0].isupper() for w in words[1:]) / (n + 1)
    size = [np.log1p(n) / 4, n < 6, n > 15, n > 30, len(text) / max(n, 1) / 10]
    return [float(v) for v in [*size, bool(numbers), np.log1p(len(numbers)) / 2, capitals, *(bool(s.search(lower)) for s in _SIGNS)]]


def plain(text: str) -> str:
    """Lower case, digits made alike."""
    return re.sub(r"\d", "0", text.lower())


def stems(text: str) -> str:
    """The same without the commonest English endings."""
    return _ENDING.sub("", plain(text))


def tfidf(**options: Any) -> TfidfVectorizer:
    return TfidfVectorizer(sublinear_tf=True, **options)


def worded(text: str, target: str | None) -> str:
    """What is learnt from of a text about a target."""
    return f"{target}: {text}" if target else text


def learnable(answers: Iterable[str]) -> list[str]:
    """The answers with enough examples, sorted."""
    return sorted(answer for answer, n in Counter(answers).items() if n >= MIN_EXAMPLES)


def train(texts: Sequence[str], answers: Sequence[str]) -> Model:
    """Raises ValueError where fewer than two answers have MIN_EXAMPLES texts each."""
    enough = learnable(answers)
    if len(enough) < 2:
        raise ValueError(f"nothing to learn from: two answers with at least {MIN_EXAMPLES} texts each are needed")
    kept = [(t, a) for t, a in zip(texts, answers, strict=True) if a in enough]
    texts, y = [t for t, _ in kept], np.array([a for _, a in kept])
    least = 2 if len(texts) > 1000 else 1
    characters = {"analyzer": "char_wb", "ngram_range": (2, 5), "min_df": least + 1, "max_features": 200_000}
    recipes = (
        ([tfidf(ngram_range=(1, 2), min_df=least), tfidf(**characters)], False, False),
        ([tfidf(ngram_range=(1, 2), min_df=least, token_pattern=_TOKEN, preprocessor=stems), tfidf(**characters)], True, False),
        ([tfidf(ngram_range=(1, 3), min_df=least, token_pattern=_TOKEN, preprocessor=plain)], True, True),
    )
    return Model(tuple(enough), tuple(_part(texts, y, *recipe) for recipe in recipes))


def _part(texts: Sequence[str], y: np.ndarray, vectorizers: list, with_looks: bool, bayes: bool) -> tuple:
    x = hstack([v.fit_transform(texts) for v in vectorizers] + ([looks(texts)] if with_looks else [])).tocsr()
    ratios, fitted = {}, {}
    for answer in sorted(set(y)):
        is_it = y == answer
        if bayes:
            yes, no = (1 + np.asarray(x[rows].sum(axis=0)).ravel() for rows in (is_it, ~is_it))
            ratios[answer] = np.log(yes / yes.sum()) - np.log(no / no.sum())
        weighted = csr_matrix(x.multiply(ratios[answer])) if bayes else x
        model = LogisticRegression(C=C_BAYES if bayes else C, class_weight="balanced", solver="liblinear", max_iter=1000, random_state=0)
        fitted[answer] = model.fit(weighted, is_it)
        if len(set(y)) == 2:
            break
    return vectorizers, with_looks, ratios, fitted


def probabilities(model: Model, texts: Sequence[str]) -> np.ndarray:
    """(texts, classes): each row sums to 1."""
    if not texts:
        return np.zeros((0, len(model.classes)))
    margins = [_margins(part, texts, model.classes) for part in model.parts]
    odds = 1 / (1 + np.exp(-np.mean(margins, axis=0)))
    return odds / odds.sum(axis=1, keepdims=True)


def answers_of(model: Model, texts: Sequence[str]) -> list[str]:
    """The likeliest answer to each text; of equal ones the first by name."""
    return [model.classes[i] for i in np.round(probabilities(model, texts), 6).argmax(axis=1)]


def _margins(part: tuple, texts: Sequence[str], classes: Sequence[str]) -> np.ndarray:
    vectorizers, with_looks, ratios, fitted = part
    x = hstack([v.transform(texts) for v in vectorizers] + ([looks(texts)] if with_looks else [])).tocsr()
    found = [m.decision_function(csr_matrix(x.multiply(ratios[a])) if ratios else x) for a, m in fitted.items()]
    return np.stack(found if len(found) == len(classes) else [found[0], -found[0]], axis=1)


def fitted_baseline(texts: Sequence[str], answers: Sequence[str], characters: bool = True) -> Pipeline:
    """What has to be beaten: TF-IDF and logistic regression."""
    seen = [tfidf(ngram_range=(1, 2), min_df=2)]
    if characters:
        seen.append(tfidf(analyzer="char_wb", ngram_range=(2, 5), min_df=3, max_features=200_000))
    model = LogisticRegression(
        C=C, class_weight="balanced", solver="liblinear" if len(set(answers)) == 2 else "lbfgs", max_iter=2000, random_state=0
    )
    return make_pipeline(make_union(*seen), model).fit(texts, answers)


def baseline(texts: Sequence[str], answers: Sequence[str], characters: bool = True) -> Callable[[Sequence[str]], Sequence[str]]:
    """The answers that `fitted_baseline` gives to any texts."""
    return fitted_baseline(texts, answers, characters).predict


def save(model: Model, path: Path) -> None:
    """Write a model where `load` finds it, folders included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    joblib.dump(tuple(model), path, compress=3)


def load(path: Path) -> Model:
    """A model that was saved here. joblib runs what stands in the file: load only what you trained."""
    return Model(*joblib.load(path))


def labeller(model: Model, layer: str, name: str) -> Labeller:
    """Votes of a model on the words of a passage, for stances with the target before them."""

    def label(passage: Passage, targets: Sequence[Target]) -> list[Row] | None:
        items = [on_target(passage, t) for t in targets] if layer == "stance" else [passage]
        texts = [worded(passage.text, t.wording) for t in targets] if layer == "stance" else [passage.text]
        found = []
        for item, odds in zip(items, probabilities(model, texts), strict=True):
            at = int(np.round(odds, 6).argmax())
            found.append(vote(item, layer, model.classes[at], name, "model", odds[at]))
        return found

    return label
