"""Repair: text that was damaged on its way into the capture.

A wrong decoding (UTF-8 read as GBK, Windows-125x, Mac Roman ...) is undone also where bytes were lost on the way: the
damaged run is parsed back into UTF-8 with a gap for each byte the wrong decoder dropped, and the gap is filled by its
context. A reading that is the only one is `exact`; one chosen among several is `inferred` and says how surely.
What machinery left in the text (line ends, controls, invisible characters, HTML entities) is put right.

Never: straightened quotation marks, changed spelling, width or ligatures; a U+FFFD that nothing explains is kept; East
Asian text is not "repaired" because its bytes happen to be UTF-8. Repairing twice is repairing once.
"""

import gzip
import html
import json
import math
import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from difflib import SequenceMatcher
from functools import cache, lru_cache
from itertools import accumulate, repeat
from pathlib import Path
from typing import NamedTuple

import ftfy

from flows.traced import Change, Traced

MODEL = Path(__file__).with_name("repair_model.json.gz")

# What no step looks at: printable ASCII but "&", tab and line feed. Most text is nothing else, and is left at memory speed.
PLAIN = bytes(b for b in (9, 10, *range(0x20, 0x7F)) if b != 0x26)
ROUNDS = 5  # one repair may uncover the next; no text on record needed more than three

NON_ASCII = re.compile(r"[^\x00-\x7f]+")
TO_SPACE = bytes(0x20 if b < 0x80 else b for b in range(256))
# A question mark stands for a lost byte only where a run goes on or ends with it.
MARKED_RUN = re.compile(r"[^\x00-\x7f]+(?:\?[^\x00-\x7f]+)*\??")
# A line, or 4000 characters of one that has no end, without cutting a run.
LINE = re.compile(r"[^\n]{1,4000}[^\x00-\x7f\n]{0,4000}")


def repair(text: Traced) -> Traced:
    """`text` with its damage repaired, each place an edit. Never raises; linear in the text."""
    for _ in range(ROUNDS):
        before = text
        odd = _odd(text.text)
        if not odd:
            break
        for step, signs in STEPS:
            if not odd.isdisjoint(signs()) and (found := step(text.text, odd)):
                text = text.apply("repair", found)
                odd = _odd(text.text)
        if text is before:
            break
    return text


def _odd(text: str) -> set[str]:
    """The characters of the text that are not plain."""
    return set(text.encode("utf-8", "surrogatepass").translate(None, PLAIN).decode("utf-8", "surrogatepass"))


# ---- model -----------------------------------------------------------------------------------------------------------

ORDER = 5  # characters of an n-gram


class Model(NamedTuple):
    """Counts: n-grams of clean text, punctuation by context, East Asian characters in genuine text."""

    grams: dict[str, int]
    slots: dict[str, dict[str, int]]
    genuine: dict[str, int]
    kinds: dict[str, int]  # how many different characters follow a context
    size: int
    genuine_size: int


@cache
def _model() -> Model:
    raw = json.loads(gzip.decompress(MODEL.read_bytes()))
    size = sum(n for g, n in raw["grams"].items() if len(g) == 1)
    kinds = Counter(g[:-1] for g in raw["grams"])
    return Model(raw["grams"], raw["slots"], raw["genuine"], kinds, size, sum(raw["genuine"].values()))


# Letters and signs that the training data hold little or nothing of, as if seen this often: the Latin letters of Europe,
# Azerbaijani, currencies, combining marks.
KNOWN = {
    **dict.fromkeys("\u0300\u0301\u0302\u0303\u0308\u030a\u030c\u0323\u0327\u0331", 5),
    **dict.fromkeys("≈≤≥≠→←•·№™©®°²³½×", 20),
    **dict.fromkeys("áàâäãåæçéèêëíìîïñóòôöõøúùûüýþðßāąćďđėęěēğģīįıķłļńňņőœřśşťūůűųźżȘșȚț", 50),
    **dict.fromkeys("čšž", 100),
    **dict.fromkeys("ÁÀÂÄÃÅÆÇÉÈÊËÍÌÎÏÑÓÒÔÖÕØÚÙÛÜÝÞČĎĐĞİŁŐŘŚŠŞŤŮŰŻŽёіїєґўјљњћђџ", 20),
    **dict.fromkeys("£€−", 100),
    **dict.fromkeys("əƏ", 200),
}


def _known(c: str) -> bool:
    return c in KNOWN or _model().grams.get(c, 0) > 1


def _extra(c: str) -> float:
    """What a character counts beyond its occurrences: nothing is impossible."""
    if c in KNOWN:
        return KNOWN[c]
    if "\u0080" <= c <= "\u009f" or "\u0250" <= c <= "\u036f":
        return 0.0002
    category = unicodedata.category(c)
    if category in ("Cn", "Co", "Cs"):
        return 0.00001
    return 0.5 if category[0] == "L" and c < "\u2000" else 0.05


@lru_cache(1 << 17)
def _chance(c: str, context: str) -> float:
    """P(c | context), backing off (Witten & Bell 1991) from at most four characters of context to none."""
    m = _model()
    if not context:
        return (m.grams.get(c, 0) + _extra(c)) / m.size
    lower = _chance(c, context[1:])
    seen = m.grams.get(context, 0)
    kinds = m.kinds.get(context, 0) + 1
    return (m.grams.get(context + c, 0) + kinds * lower) / (seen + kinds) if seen else lower


SAME_SCRIPT = 5.0  # nats at most for a letter of the script that is being written: one of some hundred


def _cost(text: str, start: int) -> float:
    """Surprise, in nats, of text[start:] after what stands before it."""
    total = 0.0
    for i in range(start, len(text)):
        c = text[i]
        cost = -math.log(_chance(c, text[max(0, i - ORDER + 1) : i]))
        if c > "\u02ff" and i and ord(c) >> 7 == ord(text[i - 1]) >> 7 and c.isalpha():
            cost = min(cost, SAME_SCRIPT)
        total += cost
    return total


@lru_cache(1 << 15)
def _genuine_cost(c: str) -> float:
    """Surprise of a character in East Asian text, or of any other character on its own."""
    if c < "\u2e80":
        return -math.log(_chance(c, ""))
    m = _model()
    return -math.log((m.genuine.get(c, 0) + _standing(c)) / m.genuine_size)


def _standing(c: str) -> float:
    # The first levels of the national sets hold the characters in daily use, the second level of GB 2312 3008 more.
    for encoding, first, count in (("gb2312", 0xD8, 1.0), ("shift_jis", 0x98, 1.0), ("big5", 0xC9, 1.0), ("gb2312", 0xFF, 0.1)):
        try:
            if c.encode(encoding)[0] < first:
                return count
        except UnicodeEncodeError:
            continue
    return 0.02


# ---- codecs ----------------------------------------------------------------------------------------------------------

WIDE = "gb18030"
NARROW = ("cp1252", "cp1254", "cp1251", "iso8859_2", "cp1250", "mac_roman", "koi8-r", "cp437")
RIVAL = {"cp1250": "iso8859_2", "iso8859_2": "cp1250"}  # one reads the other's mojibake, to other letters
DISTINCT = NARROW[:3]  # what one of these explains whole, no later one explains better
CONTINUATION = bytes(range(0x80, 0xC0))
WIDTH = {**dict.fromkeys(range(0xC2, 0xE0), 2), **dict.fromkeys(range(0xE0, 0xF0), 3), **dict.fromkeys(range(0xF0, 0xF5), 4)}
# One UTF-8 character in bytes shown as Latin-1; U+FFFD is a byte that was lost.
SEQUENCE = re.compile("[\xc2-\xdf][\x80-\xbf\ufffd]|[\xe0-\xef][\x80-\xbf\ufffd]{2}|[\xf0-\xf4][\x80-\xbf\ufffd]{3}")


@cache
def _to_latin(codec: str) -> dict[int, str]:
    """Character to byte, shown as Latin-1, for what is not ASCII. Undefined bytes of Windows may have come through as C1."""
    table = {}
    for b in range(0x80, 0x100):
        table[ord(bytes([b]).decode(codec, "ignore") or chr(b))] = chr(b)
    if codec == "cp1252":  # Latin-1 is read along with it
        for b in range(0x80, 0xA0):
            table.setdefault(b, chr(b))
    table[0xFFFD] = "\ufffd"
    return table


@lru_cache(1 << 12)
def _losable(codec: str, following: int) -> bytes:
    """The continuation bytes a wrong decoder loses when byte `following` (0x0A also for the end) comes next."""
    if codec != WIDE:
        return bytes(b for b in CONTINUATION if not bytes([b]).decode(codec, "ignore"))
    if following < 0x40 or following == 0x7F:
        return CONTINUATION
    return bytes(b for b in CONTINUATION if not _pairs(b, following))


def _pairs(lead: int, trail: int) -> bool:
    try:
        return len(bytes([lead, trail]).decode("gbk")) == 1
    except UnicodeDecodeError:
        return False


class Signs(NamedTuple):
    """How UTF-8 looks when a codec reads it."""

    leads: frozenset[str]  # what a first byte shows as; of a wide codec the first two bytes
    following: frozenset[str]  # what the others show as
    pairs: str  # a pattern for the first two bytes: found in all damage
    whole: str  # a pattern for a character


@cache
def _signs(codec: str) -> Signs:
    if codec == WIDE:
        pairs = "".join(bytes([a, b]).decode("gbk", "ignore")[:1] for a in WIDTH for b in CONTINUATION)
        return Signs(frozenset(pairs), frozenset(pairs), f"[{pairs}]", f"[{pairs}]")
    table = {ord(v): re.escape(chr(k)) for k, v in _to_latin(codec).items()}
    following = "".join(table[b] for b in (*CONTINUATION, 0xFFFD))
    groups = ["".join(table[b] for b in WIDTH if WIDTH[b] == width) for width in (2, 3, 4)]
    whole = "|".join(f"[{leads}][{following}]{{{n}}}" for n, leads in enumerate(groups, 1))
    leads = frozenset(chr(k) for k, v in _to_latin(codec).items() if ord(v) in WIDTH)
    others = frozenset(chr(k) for k, v in _to_latin(codec).items() if ord(v) in (*CONTINUATION, 0xFFFD))
    return Signs(leads, others, f"[{''.join(groups)}][{following}]", whole)


@cache
def _all_signs() -> list[tuple[str, frozenset[str], frozenset[str]]]:
    return [(codec, *_signs(codec)[:2]) for codec in (WIDE, *NARROW)]


@cache
def _all_leads() -> frozenset[str]:
    return FOR_FTFY.union(*(_signs(codec).leads for codec in (WIDE, *NARROW)))


@cache
def _pattern(kind: str, *codecs: str) -> re.Pattern[str]:
    return re.compile("|".join(getattr(_signs(codec), kind) for codec in codecs) or "(?!)")


# ---- parsing a damaged run -------------------------------------------------------------------------------------------


class Gap(str):
    """A character of which a byte was lost: all it may have been, likeliest first."""


class Atom(NamedTuple):
    """Characters [start, end) of a run stand for `symbols`, text and gaps."""

    start: int
    end: int
    symbols: tuple[str, ...]


class Step(NamedTuple):
    cost: float
    back: "Step | None"
    at: int  # characters of the run behind it, or -1 inside one
    symbol: str
    kept: bool


LOST = 3.0  # nats for a byte that left no trace
SWITCH = 9.0  # nats for a change between genuine and damaged inside one run
ASCII = 3.0  # nats for a plain letter


@lru_cache(1 << 14)
def _candidates(sequence: tuple[int | bytes, ...]) -> str:
    """The character a UTF-8 sequence is, or a Gap where an element is several bytes, one of which was lost; '' for none."""
    heads = [b""]
    for b in sequence:
        heads = [h + bytes([x]) for h in heads for x in (b if isinstance(b, bytes) else (b,))]
    found = {c for h in heads if len(c := h.decode("utf-8", "ignore")) == 1 and unicodedata.category(c) not in ("Cn", "Co", "Cc")}
    ordered = sorted(found, key=lambda c: (-_chance(c, ""), c))
    # A character the model never met is kept among the likeliest few only.
    return Gap("".join([c for i, c in enumerate(ordered) if i < 8 or _known(c)])) if len(ordered) > 1 else "".join(ordered)


@lru_cache(1 << 14)
def _symbol_cost(symbol: str) -> float:
    return -math.log(sum(_chance(c, "") for c in symbol))


@lru_cache(1 << 16)
def _narrow_atoms(codec: str, run: str) -> tuple[Atom, ...]:
    """A run as one-byte `codec` shows it: all of it, or nothing."""
    latin = run.translate(_to_latin(codec))
    if "\ufffd" not in latin:
        try:
            return (Atom(0, len(run), (latin.encode("latin-1").decode("utf-8"),)),)
        except UnicodeError:
            return ()
    atoms, at, lost = [], 0, _losable(codec, 0x0A)
    while at < len(run):
        m = SEQUENCE.match(latin, at)
        symbol = m and _candidates(tuple(lost if c == "\ufffd" else ord(c) for c in m[0]))
        if not symbol:
            return ()
        atoms.append(Atom(at, m.end(), (symbol,)))
        at = m.end()
    return _merged(atoms)


DAILY_RUN = 4  # characters in daily use, and nothing else: genuine


@lru_cache(1 << 15)
def _daily(c: str) -> bool:
    """Whether a character is in daily use in East Asia, as hardly one is that comes of damage."""
    return _model().genuine.get(c, 0) > 0 or _standing(c) == 1.0


@lru_cache(1 << 16)
def _wide_atoms(run: str, following: int, gap: str) -> tuple[Atom, ...]:
    """The damaged parts of a run of GB 18030, byte `following` coming next. A lost byte shows as `gap`, or not at all."""
    try:
        return (Atom(0, len(run), (run.encode(WIDE).decode("utf-8"),)),)
    except UnicodeError:
        if len(run) >= DAILY_RUN and all(map(_daily, run)):
            return ()
    units = [b"" if c == gap else c.encode(WIDE, "ignore") for c in run]
    nexts = [u[0] if u else 0x80 for u in units[1:]] + [following]
    states: dict[tuple, Step] = {(): Step(0.0, None, 0, "", True)}
    for i, (c, unit) in enumerate(zip(run, units, strict=True)):
        if c == gap:
            grown = _fed(states, _losable(WIDE, nexts[i]), i + 1)
        else:
            grown = _dropped(states, unit[0], i) if unit and not gap else states
            for k, b in enumerate(unit):
                grown = _fed(grown, b, i + 1 if k + 1 == len(unit) else -1)
            grown = grown if unit else {}
        if () in states:
            whole = states[()]
            _offer(grown, (), Step(whole.cost + _genuine_cost(c) + SWITCH * (not whole.kept), whole, i + 1, "", True))
        states = grown
    if not gap:
        states = _dropped(states, following, len(run))
    return _traced_back(states[()]) if () in states else ()


def _dropped(states: dict, following: int, at: int) -> dict:
    """`states`, and those where one byte, or two, went without a trace before byte `following`."""
    found = dict(states)
    pending = {k: s for k, s in states.items() if k}
    two = _fed(pending, _losable(WIDE, 0x80), at, LOST)
    for more in (_fed(pending, _losable(WIDE, following), at, LOST), _fed(two, _losable(WIDE, following), at, LOST)):
        for key, step in more.items():
            _offer(found, key, step)
    return found


def _fed(states: dict, b: int | bytes, at: int, price: float = 0.0) -> dict:
    """The states after byte `b`, or after one of the bytes `b` where it was lost."""
    new: dict[tuple, Step] = {}
    lost = isinstance(b, bytes)
    for sequence, s in states.items():
        cost = s.cost + price
        if not sequence and not lost:
            if b < 0x80:
                _offer(new, (), Step(cost + ASCII, s, at, chr(b), False))
            elif b in WIDTH:
                _offer(new, (b,), Step(cost + SWITCH * (s.kept and s.at > 0), s, -1, "", False))
        elif sequence and (b if lost else 0x80 <= b < 0xC0):
            longer = (*sequence, b)
            if len(longer) < WIDTH[sequence[0]]:
                _offer(new, longer, Step(cost, s, -1, "", False))
            elif symbol := _candidates(longer):
                _offer(new, (), Step(cost + _symbol_cost(symbol), s, at, symbol, False))
    return new


def _offer(states: dict, key: tuple, step: Step) -> None:
    if key not in states or step.cost < states[key].cost:
        states[key] = step


def _traced_back(step: Step) -> tuple[Atom, ...]:
    steps = []
    while step.back:
        steps.append(step)
        step = step.back
    atoms, symbols, start = [], [], 0
    for s in reversed(steps):
        if s.symbol:
            symbols.append(s.symbol)
        if s.at >= 0 and symbols and not s.kept:
            atoms.append(Atom(start, s.at, tuple(symbols)))
            symbols = []
        if s.at >= 0:
            start = s.at
    return _merged(atoms)


def _merged(atoms: list[Atom]) -> tuple[Atom, ...]:
    """Neighbours without a gap as one atom."""
    merged: list[Atom] = []
    for a in atoms:
        sure = not any(isinstance(s, Gap) for s in a.symbols)
        last = merged[-1] if merged else None
        if sure and last and last.end == a.start and not any(isinstance(s, Gap) for s in last.symbols):
            merged[-1] = Atom(last.start, a.end, ("".join((*last.symbols, *a.symbols)),))
        else:
            merged.append(Atom(a.start, a.end, ("".join(a.symbols),)) if sure else a)
    return tuple(merged)


# ---- deciding what is damaged ----------------------------------------------------------------------------------------

# Nats, chosen so that no word, name in brackets or product name of Chinese and Japanese treebanks is touched (the
# likeliest of 7000 words gains 5.3) and few lines with a single damaged letter are missed.
ALONE = 6.5  # a line must gain where nothing else in the text is damaged
AMONG, AMONG_ONLY = 1.0, -8.0  # where other lines surely are; and none of them holds genuine characters
SURE = 12.0
STRANGER = 6.0  # against a damaged line, for each run of it that is no damage
CLEAR = 4  # characters the model has met; no more proof is wanted for a line that they explain whole
NARROW_ALONE = 12.0  # a line that ftfy leaves alone or cannot finish
NARROW_SINGLE = 40.0  # and one that holds a single character: "√π" may be meant,
CYRILLIC_SINGLE = 18.0  # a Cyrillic letter inside a Latin word hardly


# What was lost is guessed in running text, or among words where several losses bear each other out: a label, a name or a list with a single
# one gives too little to guess by, there U+FFFD is kept. Running text has so many words that do not begin with a capital.
RUNNING = 4
WORD, LETTERS = re.compile(r"(?<!\w)[^\W\d_]"), re.compile(r"[^\W\d_]{3}")


class Found(NamedTuple):
    """Characters [start, end) of a line, as a codec explains them."""

    start: int
    end: int
    atoms: tuple[Atom, ...]
    codec: str


class Reading(NamedTuple):
    """A line: what a codec explains of it, how many runs it does not, by how many nats the repaired line is likelier."""

    found: list[Found]
    strangers: int
    gain: float


NOTHING = Reading([], 0, 0.0)


def _runs(text: str) -> list[str]:
    """The different runs of characters that are not ASCII; in bytes, where splitting is quick."""
    found = set(text.encode("utf-8", "surrogatepass").translate(TO_SPACE).split())
    return [run.decode("utf-8", "surrogatepass") for run in sorted(found)]


def _mojibake(text: str, odd: set[str]) -> list[Change]:
    codecs = [codec for codec, leads, following in _all_signs() if not odd.isdisjoint(leads) and not odd.isdisjoint(following)]
    if not codecs and odd.isdisjoint(FOR_FTFY):
        return []
    # Only a wide codec shows a whole character as one.
    shortest = 1 if WIDE in codecs else 2
    runs = "\n".join(run for run in _runs(text) if len(run) >= shortest) if codecs else ""
    codecs = [codec for codec in codecs if _pattern("pairs", codec).search(runs) and _pattern("whole", codec).search(runs)]
    if not codecs and (odd.isdisjoint(FOR_FTFY) or not LATIN_1.search(text)):
        return []
    gap = _gap(text)
    if gap == "\ufffd" and "ž" not in runs and "Ž" not in runs:
        codecs.sort(key="cp1254".__ne__)  # which loses those two bytes, and all that cp1252 loses
    damage = _pattern("whole", *codecs)
    lines = [(m.start(), m[0]) for m in LINE.finditer(text) if not m[0].isascii() and (damage.search(m[0]) or LATIN_1.search(m[0]))]
    wide = [_read_wide(line, gap) if WIDE in codecs else NOTHING for _, line in lines]
    sure = sum(r.gain > SURE for r in wide)
    # A line that is East Asian as a whole says nothing of the others.
    among = AMONG if any(r.strangers and not _eastern(line) for (_, line), r in zip(lines, wide, strict=True)) else AMONG_ONLY
    accepted = [_accepted(r, line, sure - (r.gain > SURE), among) for (_, line), r in zip(lines, wide, strict=True)]

    def changes(dash: str) -> list[Change]:
        found = []
        for (start, line), damaged in zip(lines, accepted, strict=True):
            found += _line_changes(line, start, damaged, dash) if damaged else _narrow(line, start, codecs, dash)
        return found

    found = changes("")
    if any(c.kind == "inferred" for c in found):
        repaired = _with(text, found)
        losses = text.count("\ufffd")
        few = losses == 1 and sum(not c.isupper() for c in WORD.findall(repaired)) < RUNNING
        small = few or (losses and not LETTERS.search(repaired))
        if custom := "\ufffd" if small else _dash(repaired):
            found = changes(custom)
    return _doubted(text, found)


def _doubted(text: str, changes: list[Change]) -> list[Change]:
    """What was damaged more than once is sure only in lines where the next repair goes on with all of it."""
    if not any(_still_damaged(c.after) for c in changes):
        return changes
    repaired = _with(text, changes)
    goes_on = {i for c in _mojibake(repaired, _odd(repaired)) for i in range(c.start, c.end)}
    ends = list(accumulate(len(line) + 1 for line in text.split("\n")))
    doubted, shift = set(), 0
    for c in changes:
        start, shift = c.start + shift, shift + len(c.after) - (c.end - c.start)
        if _still_damaged(c.after) and any(x > "\x7f" and i not in goes_on for i, x in enumerate(c.after, start)):
            doubted.add(bisect_right(ends, c.start))
    return [_doubtful(c) if bisect_right(ends, c.start) in doubted else c for c in changes]


def _doubtful(c: Change) -> Change:
    return c if c.kind == "normalized" else c._replace(kind="inferred", confidence=min(c.confidence, UNKNOWN))


def _eastern(line: str) -> bool:
    return 2 * sum(c > "\u2e7f" for c in line) > len(line)


def _with(text: str, changes: list[Change]) -> str:
    parts, at = [], 0
    for c in changes:
        parts += [text[at : c.start], c.after]
        at = c.end
    return "".join([*parts, text[at:]])


def _dash(repaired: str) -> str:
    """The dash between spaces that a text keeps to, where its gaps were filled with both kinds."""
    short, long = repaired.count(" \u2013 "), repaired.count(" \u2014 ")
    return "" if not (short and long) else "\u2013" if short > long else "\u2014"


def _gap(text: str) -> str:
    """How a byte that was lost shows in this text: as U+FFFD, as a question mark, or not at all."""
    if "\ufffd" in text:
        return "\ufffd"
    marked = len(re.findall(r"[\u2e80-\U0010ffff]\?", text))
    # U+9225 is the beginning of every curly quotation mark and dash.
    bare = len(re.findall(r"\u9225(?![^\x00-\x7f]|\?)", text))
    return "?" if marked > bare else ""


def _read_wide(line: str, gap: str) -> Reading:
    found, strangers = [], 0
    if not _pattern("pairs", WIDE).search(line):
        return NOTHING
    for m in (MARKED_RUN if gap == "?" else NON_ASCII).finditer(line):
        start, end = m.span()
        following = ord(line[end]) if end < len(line) else 0x0A
        atoms = _wide_atoms(m[0], following, gap)
        if not atoms and gap == "\ufffd":
            atoms = _wide_atoms(m[0], following, "")
        if atoms:
            found.append(Found(start, end, atoms, WIDE))
        elif m[0].strip("\ufffd?"):
            strangers += 1
    return _judged(found, strangers, line)


def _read_narrow(codec: str, line: str) -> Reading:
    found = []
    for m in NON_ASCII.finditer(line):
        atoms = _narrow_atoms(codec, m[0])
        if not atoms or not all(map(_meets, atoms)):
            return NOTHING
        found.append(Found(*m.span(), atoms, codec))
    return _judged(found, 0, line)


def _judged(found: list[Found], strangers: int, line: str) -> Reading:
    atoms = [a for f in found for a in f.atoms]
    # A run that comes again proves nothing more; a hanzi may be meant.
    sizes = {line[f.start : f.end] if f.codec == WIDE else f.start: sum(map(_size, f.atoms)) for f in found}
    if not strangers and sum(sizes.values()) >= CLEAR and all(map(_meets, atoms)):
        if all(f.atoms[0].start == 0 and f.end - f.start == sum(a.end - a.start for a in f.atoms) for f in found):
            return Reading(found, 0, math.inf)
    gains = {line[f.start : f.end]: _gain(f, line) for f in found}
    return Reading(found, strangers, round(sum(gains.values()) - STRANGER * strangers, 6))


@lru_cache(1 << 16)
def _size(atom: Atom) -> int:
    return sum(1 if isinstance(s, Gap) else sum(not c.isascii() for c in s) for s in atom.symbols)


@lru_cache(1 << 16)
def _meets(atom: Atom) -> bool:
    """Whether the model has met the characters."""
    return all(c.isascii() or c == "\ufffd" or _known(c) for s in atom.symbols for c in (s[:1] if isinstance(s, Gap) else s))


def _gain(f: Found, line: str) -> float:
    """By how many nats the repaired run is likelier than the run as it stands."""
    return _run_gain(f.atoms, line[f.start : f.end], line[max(0, f.start - 3) : f.start], line[f.end : f.end + 2])


@lru_cache(1 << 15)
def _run_gain(atoms: tuple[Atom, ...], run: str, left: str, right: str) -> float:
    text, at, cost = left, 0, 0.0
    for a in atoms:
        cost += sum(map(_genuine_cost, run[at : a.start]))
        text += run[at : a.start]
        for symbol in a.symbols:
            if isinstance(symbol, Gap):
                cost += _symbol_cost(symbol)
                text += symbol[0]
                continue
            for c in symbol:
                tail = text[1 - ORDER :]
                # That the language at hand hardly has the character speaks against a hanzi in its place just as much.
                cost += min(_cost(tail + c, len(tail)), _symbol_cost(c) + 1)
                text += c
        at = a.end
    text += run[at:]
    cost += sum(map(_genuine_cost, run[at:])) + _cost(text + right, len(text))
    return _standing_cost(run, left, right) - cost


def _standing_cost(run: str, left: str, right: str) -> float:
    if max(run) < "\u2e80":
        return _cost(left + run + right, len(left))
    # A Latin letter seldom touches a hanzi.
    touch = 4.0 * (left[-1:].islower() + right[:1].islower())
    return sum(map(_genuine_cost, run)) + _cost(right, 0) + touch


def _accepted(r: Reading, line: str, others: int, among: float) -> list[Found]:
    """A line is decoded at once: either all its runs are damaged, or each has to show it alone."""
    threshold = among if others >= 2 else (ALONE + among) / 2 if others else ALONE
    if not r.strangers and r.gain > threshold:
        return r.found
    return [f for f in r.found if _gain(f, line) > ALONE + STRANGER * (r.strangers > 0)]


def _narrow(line: str, offset: int, codecs: list[str], dash: str) -> list[Change]:
    """A line read by a code page of one byte per character. Where it is not clear, what ftfy says goes first."""
    readings = []
    for codec in codecs:
        if codec != WIDE and _pattern("whole", codec).search(line):
            readings.append(_read_narrow(codec, line))
            if codec in DISTINCT and readings[-1].gain == math.inf:
                return _line_changes(line, offset, readings[-1].found, dash)
    r = max(readings, key=lambda r: r.gain, default=NOTHING)
    if r.gain == math.inf:
        r = max(readings, key=lambda r: (r.gain, _total_gain(r.found, line)))
        return _line_changes(line, offset, r.found, dash)
    lost = "\ufffd" in line
    single = not lost and len(r.found) == 1 and sum(map(_size, r.found[0].atoms)) == 1
    limit = NARROW_ALONE if not single else CYRILLIC_SINGLE if r.found[0].codec in ("cp1251", "koi8-r") else NARROW_SINGLE
    ours = _line_changes(line, offset, r.found, dash) if r.found else []
    if lost and r.gain > limit:
        return ours
    return _by_ftfy(line, offset, ours) or (ours if r.gain > limit else [])


def _total_gain(found: list[Found], line: str) -> float:
    return round(sum(_gain(f, line) for f in found), 6)


def _rival_chances(found: list[Found], line: str) -> dict[int, float]:
    """How surely the code page is the right one, for the places that its rival reads differently."""
    rival = RIVAL[found[0].codec]
    other = [Found(f.start, f.end, _narrow_atoms(rival, line[f.start : f.end]), rival) for f in found]
    if not all(f.atoms for f in other):
        return {}
    odds = math.exp(min(0.0, _total_gain(other, line) - _total_gain(found, line)))
    sure = min(round(1 / (1 + odds), 6), SUREST)
    return {f.start + a.start: sure for f in found for a in f.atoms if _rival_text(a, line[f.start : f.end], f.codec) != a.symbols}


def _rival_text(a: Atom, run: str, codec: str) -> tuple[str, ...]:
    """What the rival reads in the place of an atom."""
    return tuple("".join(x.symbols) for x in _narrow_atoms(RIVAL[codec], run[a.start : a.end]))


# What ftfy repairs beyond these codecs: C1 controls, a lead byte whose no-break space became a space.
C1 = frozenset(map(chr, range(0x80, 0xA0)))
FOR_FTFY = C1 | {"Ã", "Â"}
LATIN_1 = re.compile("[\x80-\x9f]|[ÃÂ](?![A-Za-z])")
FTFY = ftfy.TextFixerConfig(
    unescape_html=False, remove_terminal_escapes=False, fix_latin_ligatures=False, fix_character_width=False, uncurl_quotes=False,
    fix_line_breaks=False, fix_surrogates=False, remove_control_chars=False, normalization=None,
)  # fmt: skip
TOKEN = re.compile(r"[^\x00-\x7f]+|\w+|\s+|.", re.ASCII | re.DOTALL)
FTFY_GUESS = 0.9  # confidence of what ftfy puts back without bytes to show for it; measured .98 to 1


def _by_ftfy(line: str, offset: int, ours: list[Change]) -> list[Change]:
    """What ftfy makes of a line; where it is what we make of it, in our words."""
    after, steps = ftfy.fix_encoding_and_explain(line, FTFY)
    if after == line:
        return []
    if ours and after == _with(line, [c._replace(start=c.start - offset, end=c.end - offset) for c in ours]):
        return ours
    sure = all(step.action in ("encode", "decode") and step.parameter not in ("sloppy-windows-1250", "iso-8859-2") for step in steps)
    confidence = 1.0 if sure else FTFY_GUESS
    return [_change(offset + a, offset + b, text, "mojibake", confidence) for a, b, text in _differences(line, after)]


def _differences(before: str, after: str) -> list[tuple[int, int, str]]:
    """The runs that differ: (start, end, what stands there after). Plain text between them is the same, or all is compared."""
    if NON_ASCII.split(before) == NON_ASCII.split(after):
        pairs = zip(NON_ASCII.finditer(before), NON_ASCII.finditer(after), strict=True)
        return [(*a.span(), b[0]) for a, b in pairs if a[0] != b[0]]
    a, b = TOKEN.findall(before), TOKEN.findall(after)
    starts = list(accumulate(map(len, a), initial=0))
    blocks = SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
    return [(starts[i], starts[j], "".join(b[k:n])) for tag, i, j, k, n in blocks if tag != "equal"]


def _change(start: int, end: int, after: str, rule: str, confidence: float) -> Change:
    """Exact where it is sure; U+FFFD says of itself that it is not known."""
    if "\ufffd" in after:
        return Change(start, end, after, rule, "normalized")
    return Change(start, end, after, rule, "exact" if confidence == 1.0 else "inferred", round(confidence, 4))


@lru_cache(1 << 15)
def _still_damaged(after: str) -> bool:
    if after.isascii() or (len(after) < 2 and after < "\u2e80"):
        return False
    eastern = "".join(c for c in after if c > "\u2e7f")
    if eastern:
        return _wide_atoms(eastern, 0x0A, "") != ()
    return any(_again(codec).fullmatch(after) for codec in NARROW)


@cache
def _again(codec: str) -> re.Pattern[str]:
    return re.compile(f"(?:{_signs(codec).whole})+")


# ---- filling the gaps ------------------------------------------------------------------------------------------------

BEAM, BRANCHES = 8, 3
HOPELESS = 9.0  # nats behind the best
TAIL = 40  # characters of context that a hypothesis carries
SETTLED = 48  # gaps after which the best hypothesis is all that goes on
UNCLOSED = 1.5  # nats against a paragraph that ends inside a quotation
CAPITAL = 4.0  # nats against a capital after a small letter, or a small letter after capitals
EMPTY = 2.0  # nats for an empty quotation, which no clean text holds
DASH = 2.0  # nats for the kind of dash the text keeps to
SLOT_PRIOR = 3.0
TEMPERATURE = 0.45
SUREST, UNKNOWN = 0.98, 0.5  # confidence at most; of a character the model has not met

OPENERS = "\u201c\u201e\u2018\u201a"
# An opener and what closes it: English, German, Polish, inner quotations.
CLOSES = {"\u201c\u201d", "\u201e\u201c", "\u201e\u201d", "\u2018\u2019", "\u201a\u2018", "\u201a\u2019"}
# A right single mark before a letter is an apostrophe.
QUOTE = re.compile("[\u201c-\u201e\u2018\u201a]|\u2019(?![a-z])")


class Hypothesis(NamedTuple):
    score: float
    text: str  # the end of the line so far
    quotes: str  # what stands open in it
    choices: tuple[str, ...]  # what the gaps so far became


def _line_changes(line: str, offset: int, found: list[Found], dash: str) -> list[Change]:
    atoms = [(f.start + a.start, f.start + a.end, a.symbols, f.codec) for f in found for a in f.atoms]
    choices = iter(_chosen(line, atoms, dash)) if dash != "\ufffd" else repeat(("\ufffd", 0.0))
    rivalled = _rival_chances(found, line) if found[0].codec in RIVAL else {}
    changes = []
    for start, end, symbols, codec in atoms:
        confidence, after = rivalled.get(start, 1.0), []
        for s in symbols:
            if isinstance(s, Gap):
                s, chance = next(choices)
                confidence *= _calibrated(s, chance)
            after.append(s)
        changes.append(_change(offset + start, offset + end, "".join(after), f"utf8_read_as_{codec}", confidence))
    return changes


def _calibrated(c: str, chance: float) -> float:
    """How often such a choice was right: measured, each half of the training data with the counts of the other half."""
    sure, unsure = chance**TEMPERATURE, max(0.0, 1 - chance) ** TEMPERATURE
    return min(sure / (sure + unsure), SUREST if _known(c) else UNKNOWN)


def _chosen(line: str, atoms: list, dash: str) -> list[tuple[str, float]]:
    """What each gap of the line becomes, with its chance: a beam over the line, since a quotation that opens wants to close."""
    if not any(isinstance(s, Gap) for a in atoms for s in a[2]):
        return []
    pieces = _pieces(line, atoms)
    custom = custom_of("".join(known for known, _, _ in pieces))
    beam, chosen = [Hypothesis(0.0, "", "x", ())], []
    for known, gap, right in pieces:
        beam = [_grown(h, known) for h in beam]
        if gap:
            beam = [
                Hypothesis(h.score + more, h.text + c, h.quotes, (*h.choices, c))
                for h in beam
                for c, more in _likeliest(gap, h.text, right, h.quotes, custom, dash)
            ]
            if len(beam) > 1:
                beam = sorted(beam, key=_rank)[:BEAM]
                beam = [h for h in beam if h.score > beam[0].score - HOPELESS]
        if len(beam[0].choices) == SETTLED:
            best, found = _settled(beam)
            beam, chosen = [best._replace(score=0.0, choices=())], chosen + found
    beam = [h._replace(score=h.score - UNCLOSED * ("\u201c" in h.quotes)) for h in beam]
    return chosen + _settled(beam)[1]


def _rank(h: Hypothesis) -> tuple[float, tuple[str, ...]]:
    return -round(h.score, 6), h.choices


def _grown(h: Hypothesis, known: str) -> Hypothesis:
    text = h.text + known
    # The mark put in last is looked at only now: what follows tells an apostrophe.
    return Hypothesis(h.score, text[-TAIL:], open_quotes(text, h.quotes, max(0, len(h.text) - 1)), h.choices)


def _settled(beam: list[Hypothesis]) -> tuple[Hypothesis, list[tuple[str, float]]]:
    """The best hypothesis, and its choices with the share of the beam that agrees."""
    best = min(beam, key=_rank)
    if len(beam) == 1:
        return best, [(c, 1.0) for c in best.choices]
    weights = [math.exp(h.score - best.score) for h in beam]
    total = sum(weights)
    return best, [(c, sum(w for w, h in zip(weights, beam, strict=True) if h.choices[i] == c) / total) for i, c in enumerate(best.choices)]


def _pieces(line: str, atoms: list) -> list[tuple[str, str, str]]:
    """The line as (text up to a gap, gap, text right after it); the last gap is empty. Other gaps show as U+FFFD."""
    texts, gaps, at = [""], [], 0
    for start, end, symbols, _ in atoms:
        texts[-1] += line[at:start]
        for symbol in symbols:
            if isinstance(symbol, Gap):
                gaps.append(symbol)
                texts.append("")
            else:
                texts[-1] += symbol
        at = end
    texts[-1] += line[at:]
    rights = [(t + "\ufffd" * (i < len(gaps)))[: ORDER - 1] for i, t in enumerate(texts)][1:]
    return list(zip(texts, [*gaps, ""], [*rights, ""], strict=True))


def _likeliest(symbol: str, left: str, right: str, quotes: str, custom: str, dash: str) -> list[tuple[str, float]]:
    """The likeliest characters of a gap between `left` and `right`, with the logarithms of their chances."""
    if "\u2000" <= symbol[0] <= "\u22ff":
        found = _likeliest_marks(symbol, *slot_keys(left, right, quotes, custom))
        if left[-1:] == " " and right[:1] in (".", ",") and right[1:2] == "\ufffd" and "\u201c" in symbol:
            # A quotation whose words are missing: what stood there was cut out with its link.
            return [("\u201c", 0.0), *((c, score - EMPTY) for c, score in found if c != "\u201c")]
        if dash and left[-1:] == " " and found[0][0] in "\u2013\u2014":
            return [(dash, 0.0), *((c, score - DASH) for c, score in found if c != dash)]
        return found
    return _likeliest_letters(symbol, left[1 - ORDER :].rjust(ORDER - 1, "\n"), (right or "\n").split("\ufffd")[0])


@lru_cache(1 << 15)
def _likeliest_letters(symbol: str, left: str, right: str) -> list[tuple[str, float]]:
    def score(c: str) -> float:
        text = left + c + right
        following = sum(math.log(_chance(text[i], text[i - ORDER + 1 : i])) for i in range(ORDER, len(text)))
        odd = c.isupper() and left[-1].islower() or c.islower() and left[-2:].isalpha() and left[-2:].isupper()
        return round(math.log(_chance(c, left)) + following - CAPITAL * odd, 6)

    first = sorted(symbol, key=lambda c: (-round(_chance(c, left), 12), c))[: 4 * BRANCHES]
    return _best([(c, score(c)) for c in first])


@lru_cache(1 << 15)
def _likeliest_marks(symbol: str, *keys: str) -> list[tuple[str, float]]:
    """Dirichlet back-off (MacKay & Peto 1995) from the special context to the general one."""
    chances = [_chance(c, "") for c in symbol]
    total = sum(chances)
    chances = [x / total for x in chances]
    for key in keys:
        counts = _model().slots.get(key, {})
        seen = sum(counts.get(c, 0) for c in symbol)
        chances = [(counts.get(c, 0) + SLOT_PRIOR * x) / (seen + SLOT_PRIOR) for c, x in zip(symbol, chances, strict=True)]
    return _best([(c, round(math.log(x), 6)) for c, x in zip(symbol, chances, strict=True)])


def _best(scored: list[tuple[str, float]]) -> list[tuple[str, float]]:
    first = sorted(scored, key=lambda x: (-x[1], x[0]))[:BRANCHES]
    return [x for x in first if x[1] > first[0][1] - HOPELESS]


def slot_keys(left: str, right: str, quotes: str, custom: str) -> list[str]:
    """The contexts of a punctuation mark, from general to special, as the model's `slots` name them."""
    script = _script(left, right)
    left = "\n\n" + left[-2:]
    right = "".join(c if c.isascii() else "\x00" for c in (right + "\n\n")[:2])
    a, b, c = left[-1], left[-2:], right[0]
    shape, state = _shape(a) + _shape(c), (custom or script) + quotes
    return [
        "0" + script, f"1{script}{quotes}", f"2{script}{quotes}{shape}",
        f"3{state}{shape}", f"4{state}{a}{c}", f"5{state}{b}{c}", f"6{state}{b}{right}",
    ]  # fmt: skip


def _script(left: str, right: str) -> str:
    """The script of the nearest letter before a mark: Latin, Cyrillic or Greek, another."""
    letter = next((c for c in reversed(left[-20:]) if c.isalpha()), right[:1])
    return "L" if letter < "\u0370" else "C" if letter < "\u0530" else "O"


def _shape(c: str) -> str:
    if c.isalpha():
        return "a" if c.islower() else "A"
    return "0" if c.isdigit() else " " if c.isspace() else "." if c in ".,!?…" else "-"


# Letters that tell by whose custom a text is set: Polish, Nordic, German or Turkish, French or Italian, Spanish.
CUSTOMS = {c: name for name, letters in (("P", "ąęłśżźń"), ("N", "åøæ"), ("G", "äöüß"), ("F", "éèàçê"), ("S", "íóñú")) for c in letters}


def custom_of(line: str) -> str:
    """The typographic custom of a line by its letters, '' where they do not tell; Swedish, with more ö than å, by its å."""
    found = Counter(CUSTOMS[c] for c in line[:1000] if c in CUSTOMS)
    if found.total() < 2:
        return ""
    return "N" if found["N"] else max("PGFS", key=found.__getitem__)


def open_quotes(text: str, quotes: str = "x", start: int = 0) -> str:
    """The quotation marks open at the end of the text, innermost last, where `quotes` were at `start`; "x": none was met yet."""
    for m in QUOTE.finditer(text, start):
        c, quotes = m[0], quotes.strip("x")
        if quotes[-1:] + c in CLOSES:
            quotes = quotes[:-1]
        elif c in OPENERS:
            quotes = (quotes + c)[-2:]
        elif c == "\u201d" and not quotes and text[m.start() - 1 : m.start()] in (" ", ""):
            quotes = "\u201c"  # Swedish and Finnish open with what closes
    return quotes


# ---- other damage ----------------------------------------------------------------------------------------------------

LINE_END = re.compile("\r\n?|[\x0b\x0c\u2028\u2029]")
ENTITY = re.compile(r"&(?:amp;)*(?:#[0-9]{2,7}|#[xX][0-9a-fA-F]{2,6}|[A-Za-z][A-Za-z0-9]{1,23});")
URL = re.compile(r"https?://[^\s<>\"]*$")
MARKUP = re.compile(r"<[a-zA-Z/!][^<>]{0,200}>|&lt;/?[a-zA-Z]")
# U+200B breaks words in Thai, Lao, Burmese and Khmer, U+200C and U+200D write Persian, Indic scripts and emoji: there they stay.
# The five C1 controls that Windows leaves undefined stand for a byte nobody knows, like U+FFFD, and stay like it.
INVISIBLE = re.compile(
    "(?P<control_character>[\x00-\x08\x0e-\x1f\x7f\x80\x82-\x8c\x8e\x91-\x9c\x9e\x9f\u206a-\u206f\ufff9-\ufffb]+)"
    "|(?P<byte_order_mark>\ufeff+)"
    "|(?P<soft_hyphen>\xad+)"
    "|(?P<zero_width>\u2060+|(?<![\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff])\u200b+(?![\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff])"
    "|(?<=[\x00-\u024f])[\u200c\u200d]+(?=[\x00-\u024f]))"
)
# A writer puts a soft hyphen or a joiner where a word wants it: the news pages at hand hold four at most. A content management
# system puts them into every long word. Theirs are this many, and at least one to so many words.
SYSTEMATIC, SYSTEMATIC_WORDS = 8, 20
DISCRETIONARY = ("soft_hyphen", "zero_width")
# Marks, embeddings and isolates that run with the text, or against it around right-to-left letters, only order neighbours: they
# stay. An override, or a right-to-left run without such letters, shows another text than is there: the paragraph, which is as far
# as such controls reach (UAX #9), loses all of them.
BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]+")
OVERRIDE, BACKWARDS = re.compile("[\u202d\u202e]"), re.compile("[\u202b\u2067]")
RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
MARKED_WORD = re.compile(r"(?<![\w\u0300-\u036f])\w++[\u0300-\u036f][\w\u0300-\u036f]*")
MARKS = re.compile(r"[\u0300-\u036f]+")


def _line_ends(text: str, odd: set[str]) -> list[Change]:
    return [Change(*m.span(), "\n", "line_ends", "normalized") for m in LINE_END.finditer(text)]


def _entities(text: str, odd: set[str]) -> list[Change]:
    """References that a dump left unread. Where there is markup, or talk of it, they are meant."""
    if MARKUP.search(text):
        return []
    found = []
    for m in ENTITY.finditer(text):
        after = m[0]
        while (once := html.unescape(after)) != after:
            after = once
        readable = after.isprintable() or after in "\xa0\xad\u200c\u200d"
        if after != m[0] and readable and not URL.search(text, max(0, m.start() - 300), m.start()):
            found.append(Change(*m.span(), after, "html_entity", "exact"))
    return found


@cache
def _unseen() -> frozenset[str]:
    low = ((0, 0x20), (0x7F, 0xA0), (0xAD, 0xAE))
    high = ((0x200B, 0x200E), (0x202A, 0x202F), (0x2060, 0x2070), (0xFEFF, 0xFF00), (0xFFF9, 0xFFFC))
    return frozenset(chr(c) for a, b in low + high for c in range(a, b))


@cache
def _bidi_controls() -> frozenset[str]:
    return frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@cache
def _combining() -> frozenset[str]:
    return frozenset(map(chr, range(0x300, 0x370)))


def _invisible(text: str, odd: set[str]) -> list[Change]:
    found = list(INVISIBLE.finditer(text))
    places = Counter(m.lastgroup for m in found)
    many = [kind for kind in DISCRETIONARY if places[kind] >= SYSTEMATIC]
    words = len(text.split()) if many else 0
    published = {kind for kind in DISCRETIONARY if kind not in many or places[kind] * SYSTEMATIC_WORDS < words}
    changes = [Change(*m.span(), "", m.lastgroup, "removed") for m in found if m.lastgroup not in published]
    return sorted(changes + _bidi(text)) if not odd.isdisjoint(_bidi_controls()) else changes


def _bidi(text: str) -> list[Change]:
    found, at = [], 0
    for line in text.split("\n"):
        if OVERRIDE.search(line) or (BACKWARDS.search(line) and not RIGHT_TO_LEFT.search(line)):
            found += [Change(at + m.start(), at + m.end(), "", "bidi_control", "removed") for m in BIDI.finditer(line)]
        at += len(line) + 1
    return found


def _composed(text: str, odd: set[str]) -> list[Change]:
    """NFC for a word that writes one mark both ways, as no keyboard does. Else a publisher's decomposed letters stay as they are."""
    found = []
    for word in MARKED_WORD.finditer(text):
        whole = {c for letter in MARKS.sub("", word[0]) for c in unicodedata.normalize("NFD", letter)[1:]}
        for m in MARKS.finditer(text, *word.span()):
            start = max(m.start() - 1, 0)
            after = unicodedata.normalize("NFC", text[start : m.end()])
            if after != text[start : m.end()] and not whole.isdisjoint(m[0]):
                found.append(Change(start, m.end(), after, "nfc", "normalized"))
    return found


# A step, and the characters without which it has nothing to do.
STEPS = (
    (_line_ends, lambda: "\r\x0b\x0c\u2028\u2029"),
    (_entities, lambda: "&"),
    (_mojibake, _all_leads),
    (_invisible, _unseen),
    (_composed, _combining),
)
