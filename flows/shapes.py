"""Lines seen from outside: the kinds of characters and words they are made of, and where they stand among other lines.

Pure arithmetic for the labellers, over all lines of a page at once: it knows no language, no list of words and no rule. All
numbers are of single precision or whole; nothing here depends on an order other than that of the lines.
"""

import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import repeat
from typing import NamedTuple

import numpy as np

TOGETHER = 2000  # lines measured at once: more than most pages have, and a text of millions stays within memory
WINDOW = 4000  # characters of a line that are looked at, half at each end: no headline, note or furniture is longer

(UPPER, LOWER, LETTER, UNSPACED, DIGIT, TERMINAL, COMMA, COLON, QUOTE, DASH, BAR, SYMBOL, OTHER, CLOSER, STRAIGHT, SPACE) = range(16)
KINDS = 16
BY_CATEGORY = {
    "Lu": UPPER, "Lt": UPPER, "Ll": LOWER, "Lo": LETTER, "Lm": LETTER, "Mn": LETTER, "Mc": LETTER, "Nd": DIGIT,
    "Zs": SPACE, "Zl": SPACE, "Zp": SPACE, "Cc": SPACE, "Pd": DASH, "Pi": QUOTE, "Pf": CLOSER, "Pe": CLOSER,
    "Sc": SYMBOL, "So": SYMBOL, "Sm": SYMBOL, "Sk": SYMBOL,
}  # fmt: skip
BY_CHARACTER = (
    (".!?…。！？।؟۔", TERMINAL), (",;،、，؛；", COMMA), (":：", COLON),
    ("„“‘«", QUOTE), ("”’»", CLOSER), ("\"'", STRAIGHT), ("|•·●▪◦‣■○›>/→*+#", BAR),
)  # fmt: skip
# Scripts written without spaces, where two characters count as a word.
SCRIPTS_UNSPACED = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF), (0x3400, 0x9FFF), (0xF900, 0xFAFF))
KIND_AT = 24  # bits below which a character's folded form stands in the table


class Lines(NamedTuple):
    """What n lines look like: their words (folded, without punctuation) as a string per line; SHAPES by line, (len(SHAPES), n);
    and of every word, in order, its number (64 bits, the same on every machine; different words share one about never), the line it
    stands in, and its letters."""

    norms: list[str]
    shapes: np.ndarray
    words: np.ndarray
    rows: np.ndarray
    letters: np.ndarray


# Counts, then ends and beginnings (0 or 1), then shares of letters, words or characters.
SHAPES = (
    "chars", "words", "finished", "ends_colon", "begins_bar", "begins_quote", "upper", "capitalised", "numbers", "digits",
    "commas", "bars", "symbols", "quotes", "colons", "letters",
)  # fmt: skip
CHARS, N_WORDS, FINISHED, _, BEGINS_BAR, _, UPPER_SHARE, CAPITALISED, NUMBERS, DIGITS, _, BARS, SYMBOLS = range(13)


def measure(lines: Sequence[str]) -> Lines:
    """Look at each line by itself. Lines hold no line end; of a long one only both ends are seen."""
    if len(lines) > TOGETHER:
        parts = [measure(lines[i : i + TOGETHER]) for i in range(0, len(lines), TOGETHER)]
        norms = [norm for part in parts for norm in part.norms]
        rows = np.concatenate([part.rows + i * TOGETHER for i, part in enumerate(parts)])
        shapes, words, letters = ([getattr(part, name) for part in parts] for name in ("shapes", "words", "letters"))
        return Lines(norms, np.concatenate(shapes, 1), np.concatenate(words), rows, np.concatenate(letters))
    if max(map(len, lines), default=0) > WINDOW:
        lines = [line if len(line) <= WINDOW else f"{line[: WINDOW // 2]} {line[-WINDOW // 2 :]}" for line in lines]
    codes = np.frombuffer("\n".join([*lines, ""]).encode("utf-32-le", "surrogatepass"), np.uint32)
    packed = _table().take(codes, mode="clip")
    kinds = (packed >> KIND_AT).astype(np.uint8)
    packed &= (1 << KIND_AT) - 1
    ends = np.flatnonzero(codes == 10)
    inside = kinds <= DIGIT
    begins, stops = _edges(inside)
    starts = np.zeros(len(ends), np.int64)
    starts[1:] = ends[:-1] + 1
    at = np.arange(len(ends)).repeat(ends - starts + 1)  # the line of each character
    rows, norms = at[begins], _norms(packed, inside, ends)
    return Lines(norms, _shapes(kinds, starts, ends, begins, at), _numbers(packed, begins, stops), rows, stops - begins)


@cache
def _table() -> np.ndarray:
    """Of every character of the Basic Multilingual Plane what `norms` has for it, and above that its kind."""
    categories = map(unicodedata.category, map(chr, range(0x10000)))
    kinds = np.fromiter(map(BY_CATEGORY.get, categories, repeat(OTHER)), np.uint32, 0x10000)
    for first, last in SCRIPTS_UNSPACED:
        stretch = kinds[first : last + 1]
        stretch[stretch <= LETTER] = UNSPACED
    for characters, kind in BY_CHARACTER:
        kinds[[ord(c) for c in characters]] = kind
    folds, cased = np.where(kinds <= DIGIT, np.arange(0x10000, dtype=np.uint32), np.uint32(32)), np.flatnonzero(kinds <= LETTER)
    folds[cased] = list(map(_fold, map(chr, cased.tolist())))
    folds[10] = 10
    return folds | kinds << KIND_AT


def _fold(character: str) -> int:
    """One character for one, so that nothing moves: ß stays, and a dotted capital I is an i."""
    fold = character.casefold()
    return ord(fold) if len(fold) == 1 else ord(character.lower()[0])


def _edges(inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the runs of True begin and stop. The last of `inside` is False."""
    edges = np.flatnonzero(inside[1:] != inside[:-1]) + 1
    if len(inside) and inside[0]:
        edges = np.concatenate(([0], edges))
    return edges[::2], edges[1::2]


def _norms(folds: np.ndarray, inside: np.ndarray, ends: np.ndarray) -> list[str]:
    kept = inside.copy()
    kept[:-1] |= inside[1:]  # of what stands between two words, one
    kept[ends] = True
    text = folds[kept].tobytes().decode("utf-32-le", "surrogatepass")
    return list(map(str.strip, text.split("\n")[:-1]))


BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse modulo 2**64


@lru_cache(maxsize=4)
def _powers(size: int) -> tuple[np.ndarray, np.ndarray]:
    """The powers of BASE and of its inverse."""
    powers, inverses = (np.full(size, base, np.uint64).cumprod() for base in (BASE, pow(BASE, -1, 1 << 64)))
    return powers, inverses


def _numbers(folds: np.ndarray, begins: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """A polynomial hash (Karp & Rabin 1987, modulo 2**64) of each word, which stands in `folds` from its begin to its stop."""
    powers, inverses = _powers(1 << len(folds).bit_length())
    sums = np.zeros(len(folds) + 1, np.uint64)
    np.cumsum(folds * powers[: len(folds)], out=sums[1:])
    found = (sums[stops] - sums[begins]) * inverses[begins]
    found *= np.uint64(BASE)  # once more, so that every bit depends on every letter
    return found ^ found >> np.uint64(32)


def _shapes(kinds: np.ndarray, starts: np.ndarray, ends: np.ndarray, begins: np.ndarray, at: np.ndarray) -> np.ndarray:
    n, cells = len(ends), at * KINDS + kinds
    count = np.bincount(cells, minlength=n * KINDS).reshape(n, KINDS).T.astype(np.float32)
    initial = np.bincount(cells[begins], minlength=n * KINDS).reshape(n, KINDS).T
    last = kinds[_tails(kinds, starts, ends)]
    first = kinds[starts]
    letters = count[:DIGIT].sum(0)
    words = initial[UPPER] + initial[LOWER] + initial[LETTER] + initial[DIGIT] + count[UNSPACED] / 2
    out = np.empty((len(SHAPES), n), np.float32)
    out[:2] = ends - starts, words
    out[2:6] = last == TERMINAL, last == COLON, first == BAR, (first == QUOTE) | (first == STRAIGHT)
    out[6] = count[UPPER] / np.maximum(letters, 1)
    out[7], out[8] = initial[UPPER], initial[DIGIT]
    out[9:15] = count.take((DIGIT, COMMA, BAR, SYMBOL, QUOTE, COLON), 0)
    out[13] += count[CLOSER] + count[STRAIGHT]
    out[15] = letters
    out[9:15] /= np.maximum(out[0], 1)
    some = np.maximum(out[1], 1)
    out[7:9] /= some
    out[15] /= some
    return out


CLOSERS = 4  # closing quotes, brackets and spaces after a sentence's end that are looked past


def _tails(kinds: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """The last character of each line that closes nothing."""
    tails = np.maximum(ends - 1, starts)
    for _ in range(CLOSERS):
        closing = (kinds[tails] >= CLOSER) & (tails > starts)
        if not closing.any():
            break
        tails -= closing
    return tails


# ---------------------------------------------------------------- among other lines


def neighbours(rows: np.ndarray, offsets: Sequence[int]) -> np.ndarray:
    """(offsets, rows, lines): each line's neighbours so many lines on; -1 where there is none."""
    n, far = rows.shape[1], max(map(abs, offsets))
    padded = np.full((len(rows), n + 2 * far), -1, np.float32)
    padded[:, far : far + n] = rows
    out = np.empty((len(offsets), len(rows), n), np.float32)
    for part, k in zip(out, offsets, strict=True):
        part[:] = padded[:, far + k : far + k + n]
    return out


def windows(rows: np.ndarray, limits: Sequence[tuple[int, int]]) -> np.ndarray:
    """(limits, rows, lines): sums over the lines from `first` to `last` before or after each line, both included."""
    n, far = rows.shape[1], max(abs(k) for limit in limits for k in limit) + 1
    sums = np.zeros((len(rows), n + 2 * far))
    sums[:, far : far + n] = rows
    sums.cumsum(1, out=sums)
    out = np.empty((len(limits), len(rows), n), np.float32)
    for part, (first, last) in zip(out, limits, strict=True):
        np.subtract(sums[:, far + last : far + last + n], sums[:, far + first - 1 : far + first - 1 + n], out=part, casting="same_kind")
    return out


def distances(marked: np.ndarray, far: int) -> np.ndarray:
    """(3, rows, lines): lines to the nearest marked line before, to the nearest after (`far` at most), and marked lines up to here."""
    n = marked.shape[1]
    at = np.arange(n)
    out = np.full((3, *marked.shape), far, np.float32)
    before = np.maximum.accumulate(np.where(marked, at, -far), 1)
    after = np.minimum.accumulate(np.where(marked, at, n + far)[:, ::-1], 1)[:, ::-1]
    out[0, :, 1:] = np.minimum(at[1:] - before[:, :-1], far)
    out[1, :, :-1] = np.minimum(after[:, 1:] - at[:-1], far)
    out[2] = marked.cumsum(1)
    return out


def densest(words: np.ndarray, units: Sequence[float]) -> np.ndarray:
    """(units, 2): first line and end of the stretch of lines with the greatest sum of (words - unit); Finn et al. 2001, on lines."""
    sums = np.zeros((len(units), len(words) + 1))
    (words - np.array(units)[:, None]).cumsum(1, out=sums[:, 1:])
    ends = (sums - np.minimum.accumulate(sums, 1)).argmax(1).tolist()
    return np.array([(row[: end + 1].argmin(), end) for row, end in zip(sums, ends, strict=True)])


def placed(stretches: np.ndarray, n: int, far: int) -> np.ndarray:
    """(3, stretches, lines): inside a stretch or not, lines from its start and to its end (`far` at most)."""
    out = np.empty((3, len(stretches), n), np.float32)
    out[1:] = np.arange(n)
    out[1] -= stretches[:, :1]
    np.subtract(stretches[:, 1:], out[2], out=out[2])
    np.minimum(np.maximum(out[1:], -far, out=out[1:]), far, out=out[1:])
    out[0] = (out[1] >= 0) & (out[2] > 0)
    return out
