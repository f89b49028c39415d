"""UTF-8 with damage: a character cut at the end, lines and words in a code page, stray bytes.

Part of the decode stage.
"""

import math
import re
from collections import Counter

from flows.stages.decode_detect import HIGH, SAMPLE_BYTES, rank, sampled
from flows.stages.decode_names import decodes
from flows.stages.decode_pieces import runs
from flows.traced import Change

# UTF-8 with damage: the share of its characters among characters and undecodable bytes, over lines that are valid as a whole,
# or over everything. Legacy files of 34 encodings had 0 and at most .40 (a heading of two bytes; .30 in files).
UTF8_LINES = 0.05
UTF8_SHARE = 0.45

# From scores to the confidence of a stretch in a code page: scores are per byte, so a difference says more than it seems. Set on
# mixed files, so that confidence is about the share that is right, and never above what was seen.
SHARPNESS, SUREST = 2.0, 0.99

CUT = re.compile(rb"(?:[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})\Z")
LOST = re.compile("[\udc80-\udcff]")

# A line or word whose only undecodable bytes are those.
STRAY_ONLY = re.compile("[^\udc80-\udcff]*(?:[\udc85\udc91-\udc94\udc96\udc97][^\udc80-\udcff]*)+")

# cp1252's quotation marks, dashes and ellipsis: what a stray byte in UTF-8 most often is.
STRAY = {0x85: "…", 0x91: "‘", 0x92: "’", 0x93: "“", 0x94: "”", 0x96: "–", 0x97: "—"}


def mostly_utf8(sample: bytes) -> bool:
    """Whether the bytes that are not UTF-8 are damage: see UTF8_LINES and UTF8_SHARE."""
    good, bad, whole = 0, 0, 0
    for line in sample.split(b"\n"):
        text = line.decode("utf-8", "surrogateescape")
        high, lost = _counts(text)
        good, bad, whole = good + high, bad + lost, whole + (0 if lost else high)
    if (whole and whole >= UTF8_LINES * (whole + bad)) or (good and good >= UTF8_SHARE * (good + bad)):
        return True
    cut = CUT.search(sample[-3:])
    return bool(cut and bad == len(cut[0]) and (bad > 1 or cut[0] < b"\xe0" or cut[0] == b"\xe2"))


def _counts(text: str) -> tuple[int, int]:
    """Characters above ASCII, and undecoded bytes, of text decoded with surrogateescape."""
    if text.isascii():
        return 0, 0
    lost = len(LOST.findall(text))
    return len(text) - len(text.encode("ascii", "ignore")) - lost, lost


def mended(data: bytes, start: int = 0) -> list[Change]:
    """The pieces for bytes from `start` that are not UTF-8: a character cut at the end, stretches in a code page, stray bytes."""
    cut = CUT.search(data, max(start, len(data) - 3))
    end = cut.start() if cut else len(data)
    units, strays = _damage(data[start:end].decode("utf-8", "surrogateescape"), start)
    pieces = [_stray(data, at) for at in strays]
    if units:
        pieces += _read_units(data, units)
    if cut:
        pieces.append(Change(end, len(data), "", "truncated_character", "removed"))
    return sorted(pieces)


def _damage(text: str, at: int) -> tuple[list[tuple[int, int]], list[int]]:
    """Byte ranges that are in a code page, and single stray bytes, of text decoded with surrogateescape from byte `at`.

    A line that is mostly not UTF-8 is in a code page; of any other line, so is a word that has nothing in UTF-8."""
    units, strays, done = [], [], 0
    while found := LOST.search(text, done):
        start = text.rfind("\n", done, found.start()) + 1 or done
        end = text.find("\n", found.end())
        end = len(text) if end < 0 else end
        at += len(text[done:start].encode("utf-8", "surrogateescape"))
        good, lost = _counts(text[start:end])
        for word in [text[start:end]] if good < lost else re.split(r"(\s+)", text[start:end]):
            high, bad = _counts(word)
            first = at
            at, lone = _positions(word, at) if bad else (at + len(word.encode()), [])
            if bad > high and not STRAY_ONLY.fullmatch(word):
                units.append((first, at))
            else:
                strays += lone
        done = end
    return units, strays


def _positions(word: str, at: int) -> tuple[int, list[int]]:
    """The byte where a word that begins at byte `at` ends, and those of its undecoded bytes."""
    lone, last = [], 0
    for m in LOST.finditer(word):
        at += len(word[last : m.start()].encode("utf-8", "surrogateescape"))
        lone.append(at)
        last = m.start()
    return at + len(word[last:].encode("utf-8", "surrogateescape")), lone


def _stray(data: bytes, at: int) -> Change:
    """A byte that is no UTF-8: a quotation mark or dash of cp1252 beside ASCII, else lost."""
    after = STRAY.get(data[at])
    if after and at and data[at - 1] < 0x80:
        return Change(at, at + 1, after, "stray_cp1252", "inferred", 0.9)
    return Change(at, at + 1, "\ufffd", "undecodable_byte", "inferred", 0.0)


def _read_units(data: bytes, units: list[tuple[int, int]]) -> list[Change]:
    """The pieces for stretches in a code page: one for all where it reads them all, else the best that reads each."""
    pool = b"\n".join(data[a:b] for a, b in units[:2000])[:SAMPLE_BYTES]
    ranked = rank(pool, known=Counter(c for c in sampled(data).decode("utf-8", "ignore").lower() if c > "\x7f"))
    best = ranked[0]
    rivals = sum(math.exp(SHARPNESS * (c.score - best.score)) for c in ranked if c.text != best.text)
    sure = round(min(1 / (1 + rivals), SUREST), 2)
    pieces: list[Change] = []
    for start, end in units:
        stretch = data[start:end]
        fit = next((c for c in ranked if decodes(stretch, c.encoding)), None)
        if fit is None:
            pieces += (_stray(data, start + m.start()) for m in HIGH.finditer(stretch))
            continue
        confidence = sure if fit is best else min(sure, 0.5)
        rule = f"decode_{fit.encoding.replace('-', '_')}"
        pieces += runs(data, start, end, fit.encoding, "utf-8", rule, "inferred", confidence)
    return pieces
