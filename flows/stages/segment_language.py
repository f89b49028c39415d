"""The language of a text or of stretches of it.

Part of the segment stage. py3langid's model (Lui & Baldwin 2012), corrected by letters that one of two close languages does
not have. The model is asked for all stretches of a document at once: py3langid's own loop takes a third of a second for a
megabyte of short stretches, this one a twentieth of that, with the same answers.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple
from unicodedata import normalize

import numpy as np

# Languages news is written in, as py3langid names them: without the others one short sentence is told more surely.
_LANGUAGES = (
    "af am ar as az be bg bn bs ca cs da de el en es et eu fa fi fr gl gu he hi hr hu hy id is it ja ka kk km kn ko ky lo lt lv "
    "mk ml mn mr ms my ne nl no or pa pl ps pt ro ru si sk sl sq sr sv sw ta te tg th tk tr ug uk ur uz vi zh"
)
# Letters below which nothing is said; the model sees no more than a window, as it gets no surer beyond that.
MIN_LETTERS = 4
LANGUAGE_WINDOW = 2000
SEGMENT_WINDOW = 400
# What a block or sentence must have to be given another language than its document's: so chosen, none of 10,032 segments of
# 133 published articles in 17 languages is.
MIN_LETTERS_SEGMENT = 40
MIN_CONFIDENCE_SEGMENT = 0.9
# Azerbaijani writes ə in about one letter of twelve; a name or two in another language stay below this share.
SCHWA_SHARE = 0.02
_LATIN = re.compile(r"[A-Za-z\u00aa-\u024f\u0259\u1e00-\u1eff]+")
_NOT_LATIN = re.compile(r"[^\W\d_\u0000-\u024f\u0259\u1e00-\u1eff]+")
# In scripts without spaces a letter says as much as two or three Latin ones.
LATIN_PER_OTHER = 1.5
# Turkish has no x and no q but in foreign words, which a longer text may well have; and its "plays" ends otherwise than oynayır.
_AZERBAIJANI = re.compile(r"\b[^\W\d_A-Z]*[xq]|\b[^\W\d_]{3,}[aıou]y[ıu]r(?:lar|am|san|ıq|uq)?\b")
MAX_LETTERS_AZERBAIJANI = 120
_RUSSIAN = re.compile(r"[ыэё]")
_UKRAINIAN = re.compile(r"[іїєґ]")


class Letters(NamedTuple):
    """How many letters of a text stand before each place, Latin ones and those of other scripts; one more than characters."""

    latin: np.ndarray
    other: np.ndarray


def letters(text: str) -> Letters:
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
    kinds = _kinds().take(codes)
    counts = np.zeros((2, len(codes) + 1), np.int32)
    np.cumsum(kinds == 1, out=counts[0, 1:])
    np.cumsum(kinds == 2, out=counts[1, 1:])
    return Letters(*counts)


@cache
def _kinds() -> np.ndarray:
    """Of each code point whether it is a Latin letter (1), one of another script (2), or none (0)."""
    characters = np.arange(0x110000, dtype="<u4").tobytes().decode("utf-32-le", "surrogatepass")
    kinds = np.zeros(len(characters), np.uint8)
    for kind, pattern in ((1, _LATIN), (2, _NOT_LATIN)):
        for run in pattern.finditer(characters):
            kinds[run.start() : run.end()] = kind
    return kinds


def counted(found: Letters, start: int, end: int) -> tuple[int, int]:
    """How many letters [start, end) has that are Latin, and how many of other scripts."""
    return int(found.latin[end] - found.latin[start]), int(found.other[end] - found.other[start])


def is_latin(latin: int, other: int) -> bool:
    return latin > LATIN_PER_OTHER * other


def language(text: str) -> tuple[str | None, float]:
    """The language of `text` as ISO 639-1 and how sure that is, 0 to 1; (None, 0.0) for less than a word or two."""
    text = text[:LANGUAGE_WINDOW]
    return next(_told(text, letters(text), [(0, len(text))]))


def languages(text: str, found: Letters, spans: Sequence[tuple[int, int]]) -> tuple[str | None, float, list[str | None]]:
    """The language of `text` and how sure that is, as `language` has it, and that of each stretch of the text."""
    whole, *told = _told(text, found, [(0, min(len(text), LANGUAGE_WINDOW)), *_windows(found, spans)])
    return *whole, _own(told, [whole[0]] * len(spans))


def own_languages(text: str, found: Letters, spans: Sequence[tuple[int, int]], expected: Sequence[str | None]) -> list[str | None]:
    """The language of each stretch of `text`: the expected one, unless it surely is another."""
    return _own(_told(text, found, _windows(found, spans)), expected)


def _windows(found: Letters, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """What the model is shown of each stretch: nothing of one that is too short to be sure."""
    return [(a, min(b, a + SEGMENT_WINDOW) if sum(counted(found, a, b)) >= MIN_LETTERS_SEGMENT else a) for a, b in spans]


def _own(told: Iterable[tuple[str | None, float]], expected: Sequence[str | None]) -> list[str | None]:
    return [code if sure >= MIN_CONFIDENCE_SEGMENT else other for (code, sure), other in zip(told, expected, strict=True)]


def _told(text: str, found: Letters, windows: Sequence[tuple[int, int]]) -> Iterator[tuple[str | None, float]]:
    counts = [counted(found, *window) for window in windows]
    shown = [_seen(text[a:b], *count) for (a, b), count in zip(windows, counts, strict=True) if sum(count) >= MIN_LETTERS]
    answers = zip(shown, _identified(shown), strict=True)
    for count in counts:
        if sum(count) < MIN_LETTERS:
            yield None, 0.0
        else:
            seen, (code, confidence) = next(answers)
            corrected = _corrected(seen, code, sum(count))
            yield (corrected, 1.0) if corrected != code else (code, round(confidence, 3))


def _seen(text: str, latin: int, other: int) -> str:
    """What the model is shown: a quotation in another script would sway it, as it reads bytes, by more than its share."""
    if latin and other:
        return (_NOT_LATIN if is_latin(latin, other) else _LATIN).sub(" ", text)
    return text


def _corrected(text: str, code: str, n_letters: int) -> str:
    lower = text.lower()
    short = n_letters < MAX_LETTERS_AZERBAIJANI
    if (code != "az" and lower.count("ə") > SCHWA_SHARE * n_letters) or (code == "tr" and short and _AZERBAIJANI.search(text)):
        return "az"
    if code in ("bg", "mk", "sr", "uk") and _RUSSIAN.search(lower) and not _UKRAINIAN.search(lower):
        return "ru"
    return code


# ---------------------------------------------------------------- the model


class _Model(NamedTuple):
    """py3langid's: an automaton over bytes (the row of each state, the state each row leads to by a byte; the feature each state
    stands for, -1 for none), and what each feature says for each column. A language has a column for each script it is written in;
    `firsts` are the first columns of `codes`."""

    rows: np.ndarray
    moves: np.ndarray
    features: np.ndarray
    weights: np.ndarray
    prior: np.ndarray
    firsts: np.ndarray
    codes: list[str]


# The automaton is walked for many places at once, a lane each. What state it is in depends on the last bytes only: no feature is
# longer than six, so a lane that begins in the middle of a text is right after as many. 0xFF is in no feature and leads back to
# the beginning. (Both are held by a test against py3langid's own answers.) Of lanes of 4 to 48 bytes these take least for a short
# page, half of what 48 take, and no more for a book.
_LANE = 12
_WARM_UP = 8
_BETWEEN = b"\xff"
# Texts looked at together: enough to fill the lanes, few enough for a book to stay in memory.
_TOGETHER = 256


@cache
def _model() -> _Model:
    # Imported here because it takes longer than most documents do.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    told = LanguageIdentifier.from_model_file(MODEL_FILE)
    told.set_languages(_LANGUAGES.split())
    columns = np.argsort(told.nb_classes, kind="stable")
    codes, firsts = np.unique(np.array(told.nb_classes)[columns], return_index=True)
    return _Model(
        rows=np.array(told.tk_row, np.uint32) << 8,
        moves=np.array(told.tk_nextmove, np.uint32),
        features=np.array(told.tk_output),
        weights=told.nb_ptc[:, columns].astype(np.float32, order="C"),  # read by rows, a few hundred at a time
        prior=told.nb_pc[columns].astype(float),
        firsts=firsts,
        codes=codes.tolist(),
    )


def _identified(texts: Sequence[str]) -> Iterator[tuple[str, float]]:
    """As py3langid has it: naive Bayes over the logarithms of counts, made milder by the length of the text."""
    model = _model()
    for first in range(0, len(texts), _TOGETHER):
        together = [_bytes(text) for text in texts[first : first + _TOGETHER]]
        scores = _scores(model, together) / np.sqrt([[max(1, len(data))] for data in together])
        shares = np.exp(scores - scores.max(1, keepdims=True))
        shares = np.add.reduceat(shares / shares.sum(1, keepdims=True), model.firsts, 1)
        best = shares.argmax(1)
        yield from ((model.codes[i], share) for i, share in zip(best.tolist(), shares.max(1).tolist(), strict=True))


def _bytes(text: str) -> bytes:
    return normalize("NFC", text.lower() if text.isupper() else text).encode("utf-8", "surrogatepass")


def _scores(model: _Model, texts: Sequence[bytes]) -> np.ndarray:
    """What speaks for each column, a row for each text; all alike where a text has no feature."""
    owners, features = _visited(model, texts)
    size = len(model.weights)
    found, counts = np.unique(owners * size + features, return_counts=True)
    edges = np.searchsorted(found, np.arange(len(texts) + 1) * size).tolist()
    found, logs = found % size, np.log1p(counts)
    scores = np.zeros((len(texts), len(model.prior)))
    for i, (a, b) in enumerate(pairwise(edges)):
        if a < b:
            scores[i] = logs[a:b] @ model.weights.take(found[a:b], axis=0).astype(float) + model.prior
    return scores


def _visited(model: _Model, texts: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """The features of the texts, one for each time one is met, and the number of the text each is met in."""
    joined = _BETWEEN * (_WARM_UP + 1) + _BETWEEN.join(texts)
    lanes = -(-(len(joined) - _WARM_UP) // _LANE)
    letters = np.frombuffer(joined.ljust(_WARM_UP + lanes * _LANE, _BETWEEN), np.uint8)
    steps = np.lib.stride_tricks.sliding_window_view(letters, _WARM_UP + _LANE)[::_LANE].T.astype(np.uint32, order="C")
    state = np.zeros(lanes, np.uint32)
    states = np.empty_like(steps)
    for i, step in enumerate(steps):
        state = states[i] = model.moves.take(model.rows.take(state) + step)
    features = model.features.take(states[_WARM_UP:].T.ravel())
    owners = np.cumsum(letters[_WARM_UP:] == _BETWEEN[0]) - 1
    met = features >= 0
    return owners[met], features[met]
