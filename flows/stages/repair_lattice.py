"""Parsing a damaged run back into UTF-8, where a byte may be missing."""

import math
import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from flows.stages.repair_chances import chance, genuine_surprise, is_daily, is_known, known
from flows.stages.repair_codecs import END, WIDE, WIDTH, alike, losable, to_latin

# UTF-8 in bytes shown as Latin-1: characters that are whole, or one of which a byte was lost, which is U+FFFD.
SEQUENCE = re.compile(
    "(?P<whole>(?:[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})+)"
    "|[\xc2-\xdf]\ufffd|[\xe0-\xef][\x80-\xbf\ufffd]{2}|[\xf0-\xf4][\x80-\xbf\ufffd]{3}"
)
LOST = 3.0  # nats for a byte that left no trace
SWITCH = 9.0  # nats for a change between genuine and damaged inside one run
ASCII = 3.0  # nats for a plain letter
DAILY_RUN = 4  # characters in daily use, and nothing else: genuine


class Gap(str):
    """A character of which a byte was lost: all it may have been, likeliest first."""


class Atom(NamedTuple):
    """Characters [start, end) of a run stand for `symbols`, text and gaps."""

    start: int
    end: int
    symbols: tuple[str, ...]


class Parse(NamedTuple):
    """What a codec explains of a run."""

    atoms: tuple[Atom, ...]
    clear: bool  # it is all of the run, of characters that the model has met
    met: bool  # the model has met the characters
    size: int  # characters that are not ASCII
    gaps: bool  # some are not sure


class Step(NamedTuple):
    cost: float
    back: "Step | None"
    at: int  # characters of the run behind it, or -1 inside one
    symbol: str
    kept: bool


@lru_cache(1 << 16)
def narrow_parse(codec: str, run: str) -> Parse | None:
    """A run as one-byte `codec` shows it: all of it, or nothing."""
    latin = run.translate(to_latin(codec))
    if "\ufffd" not in latin:
        try:
            return _strict(latin.encode("latin-1").decode("utf-8"), run)
        except UnicodeError:
            return None
    atoms: list[Atom] = []
    at, lost = 0, losable(codec, END)
    while at < len(run):
        m = SEQUENCE.match(latin, at)
        symbol = "" if not m else _whole(m[0]) if m["whole"] else _candidates(tuple(lost if c == "\ufffd" else ord(c) for c in m[0]))
        if not m or not symbol:
            return None
        atoms.append(Atom(at, m.end(), (symbol,)))
        at = m.end()
    return _parse(atoms, run)


def _whole(latin: str) -> str:
    """The characters that bytes are; '' where they are none, or such as no text holds."""
    text = latin.encode("latin-1").decode("utf-8", "ignore")
    return text if len(text.encode("utf-8")) == len(latin) and all(map(_is_text, text)) else ""


@lru_cache(1 << 14)
def _is_text(c: str) -> bool:
    return unicodedata.category(c) not in ("Cn", "Co", "Cc")


@lru_cache(1 << 16)
def wide_parse(run: str, following: int, gap: str) -> Parse | None:
    """The damaged parts of a run of GB 18030, byte `following` coming next. A lost byte shows as `gap`, or not at all."""
    return _wide_parse(run, alike(following), gap)


@lru_cache(1 << 16)
def _wide_parse(run: str, following: int, gap: str) -> Parse | None:
    try:
        return _strict(run.encode(WIDE).decode("utf-8"), run)
    except UnicodeError:
        if len(run) >= DAILY_RUN and all(map(is_daily, run)):
            return None
    last = _lattice(run, following, gap)
    return _parse(_traced_back(last), run) if last else None


def _strict(text: str, run: str) -> Parse:
    """Of a run that shows `text` and nothing else."""
    met = all_met(text)
    return Parse((Atom(0, len(run), (text,)),), met, met, _high(text), False)


def _parse(atoms: list[Atom], run: str) -> Parse | None:
    if not atoms:
        return None
    merged = _merged(atoms)
    symbols = [s for a in merged for s in a.symbols]
    gaps = [s for s in symbols if isinstance(s, Gap)]
    met = all_met("".join(s[:1] if isinstance(s, Gap) else s for s in symbols))
    whole = atoms[0].start == 0 and len(run) == sum(a.end - a.start for a in merged)
    size = len(gaps) + sum(_high(s) for s in symbols if not isinstance(s, Gap))
    return Parse(merged, met and whole, met, size, bool(gaps))


def all_met(text: str) -> bool:
    """Whether the model has met all characters."""
    return known().issuperset(text)


def _high(text: str) -> int:
    """Characters that are not ASCII."""
    return len(text) - len(text.encode("ascii", "ignore"))


def _lattice(run: str, following: int, gap: str) -> Step | None:
    """The end of the cheapest way through a run, if there is one: each character is genuine, or shows bytes of UTF-8."""
    units = [b"" if c == gap else c.encode(WIDE, "ignore") for c in run]
    nexts = [u[0] if u else 0x80 for u in units[1:]] + [following]
    states: dict[tuple, Step] = {(): Step(0.0, None, 0, "", True)}
    for i, (c, unit) in enumerate(zip(run, units, strict=True)):
        if c == gap:
            grown = _fed(states, losable(WIDE, nexts[i]), i + 1)
        else:
            grown = _dropped(states, unit[0], i) if unit and not gap else states
            for k, b in enumerate(unit):
                grown = _fed(grown, b, i + 1 if k + 1 == len(unit) else -1)
            grown = grown if unit else {}
        if () in states:
            whole = states[()]
            _offer(grown, (), Step(whole.cost + genuine_surprise(c) + SWITCH * (not whole.kept), whole, i + 1, "", True))
        states = grown
    if not gap:
        states = _dropped(states, following, len(run))
    return states.get(())


def _dropped(states: dict, following: int, at: int) -> dict:
    """`states`, and those where one byte, or two, went without a trace before byte `following`."""
    found = dict(states)
    pending = {k: s for k, s in states.items() if k}
    two = _fed(pending, losable(WIDE, 0x80), at, LOST)
    for more in (_fed(pending, losable(WIDE, following), at, LOST), _fed(two, losable(WIDE, following), at, LOST)):
        for key, step in more.items():
            _offer(found, key, step)
    return found


def _fed(states: dict, b: int | bytes, at: int, price: float = 0.0) -> dict:
    """The states after byte `b`, or after one of the bytes `b` where it was lost."""
    new: dict[tuple, Step] = {}
    for sequence, s in states.items():
        cost = s.cost + price
        if not sequence and not isinstance(b, bytes):
            if b < 0x80:
                _offer(new, (), Step(cost + ASCII, s, at, chr(b), False))
            elif b in WIDTH:
                _offer(new, (b,), Step(cost + SWITCH * (s.kept and s.at > 0), s, -1, "", False))
        elif sequence and (b if isinstance(b, bytes) else 0x80 <= b < 0xC0):
            longer = (*sequence, b)
            if len(longer) < WIDTH[sequence[0]]:
                _offer(new, longer, Step(cost, s, -1, "", False))
            elif symbol := _candidates(longer):
                _offer(new, (), Step(cost + symbol_surprise(symbol), s, at, symbol, False))
    return new


def _offer(states: dict, key: tuple, step: Step) -> None:
    if key not in states or step.cost < states[key].cost:
        states[key] = step


def _traced_back(step: Step) -> list[Atom]:
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
    return atoms


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


@lru_cache(1 << 14)
def _candidates(sequence: tuple[int | bytes, ...]) -> str:
    """The character a UTF-8 sequence is, or a Gap where an element is several bytes, one of which was lost; '' for none."""
    heads = [b""]
    for b in sequence:
        heads = [h + bytes([x]) for h in heads for x in (b if isinstance(b, bytes) else (b,))]
    found = {c for h in heads if len(c := h.decode("utf-8", "ignore")) == 1 and _is_text(c)}
    ordered = sorted(found, key=lambda c: (-chance(c), c))
    # A character the model never met is kept among the likeliest few only.
    return Gap("".join([c for i, c in enumerate(ordered) if i < 8 or is_known(c)])) if len(ordered) > 1 else "".join(ordered)


@lru_cache(1 << 14)
def symbol_surprise(symbol: str) -> float:
    """In nats, of a character or of a gap, whatever it may have been."""
    return -math.log(sum(map(chance, symbol)))
