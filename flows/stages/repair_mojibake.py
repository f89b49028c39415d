"""UTF-8 that was read as something else: which lines are damaged, by what, and what stood there."""

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate, repeat
from typing import NamedTuple

from flows.stages.repair_chances import ORDER, genuine_surprise, gram_surprise, surprise
from flows.stages.repair_codecs import DISTINCT, END, NARROW, RIVAL, WIDE, all_shown, shown
from flows.stages.repair_ftfy import GUESS_UNMET, NON_ASCII, by_ftfy, differences
from flows.stages.repair_gaps import SUREST, UNKNOWN, calibrated, fillings
from flows.stages.repair_lattice import Gap, Parse, all_met, narrow_parse, symbol_surprise, wide_parse
from flows.stages.repair_signs import Signs, line_around, signs_of
from flows.traced import Change

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

# Confidence of an East Asian character that was guessed where the rest of its line goes on to be repaired and it does not: of 4,136
# in lines of the training data that were read as GB 18030 twice one was right.
LEFT_BEHIND = 0.01

RULES = {codec: f"utf8_read_as_{codec}" for codec in (WIDE, *NARROW)}
# A question mark stands for a lost byte only where a run goes on or ends with it.
MARKED_RUN = re.compile(r"[^\x00-\x7f]+(?:\?[^\x00-\x7f]+)*\??")
# A line, or 4000 characters of one that has no end, without cutting a run.
LINE = re.compile(r"[^\n]{1,4000}[^\x00-\x7f\n]{0,4000}")
# cp1254 has no bytes for these.
CARON, CARON_IN_RUN = re.compile("[žŽ]"), re.compile("[žŽ][^\x00-\x7f]|[^\x00-\x7f][žŽ]")
# U+9225 is the beginning of every curly quotation mark and dash; here nothing is left of the rest.
BARE = re.compile(r"\u9225(?![^\x00-\x7f]|\?)")


class Found(NamedTuple):
    """Characters [start, end) of a line, as a codec explains them."""

    start: int
    end: int
    parse: Parse
    codec: str


class Reading(NamedTuple):
    """A line: what a codec explains of it, how many runs it does not, by how many nats the repaired line is likelier."""

    found: list[Found]
    strangers: int
    gain: float


class Verdict(NamedTuple):
    """What is damaged in a line; whether ftfy is heard first; whether that stands where ftfy has nothing to say."""

    found: list[Found]
    ask: bool = False
    stands: bool = True


NOTHING = Reading([], 0, 0.0)


def mojibake(text: str, signs: Signs) -> list[Change]:
    codecs = signs.codecs()
    lines = list(_suspects(text, signs.damage()))
    if not lines:
        return []
    gap = _gap(text, codecs)
    if gap == "\ufffd" and codecs and not (CARON if WIDE in codecs else CARON_IN_RUN).search(text):
        codecs.sort(key="cp1254".__ne__)  # which loses those two bytes, and all that cp1252 loses
    verdicts = _verdicts(lines, codecs, gap)
    changes = [_line_changes(line, start, verdict, "") for (start, line), verdict in zip(lines, verdicts, strict=True)]
    found = [c for of_line in changes for c in of_line]
    if any(c.kind == "inferred" for c in found) and (custom := _custom(text, with_changes(text, found))):
        for i, ((start, line), verdict) in enumerate(zip(lines, verdicts, strict=True)):
            if any(f.parse.gaps for f in verdict.found):
                changes[i] = _line_changes(line, start, verdict, custom)
        found = [c for of_line in changes for c in of_line]
    return _doubted(text, found)


def _suspects(text: str, places: list[int]) -> Iterator[tuple[int, str]]:
    """The lines that hold one of `places`, of one without end the parts."""
    i, end = 0, 0
    while i < len(places):
        if places[i] >= end:
            start, end = line_around(text, places[i])
            parts = LINE.finditer(text, start, end)
        part = next(parts)
        if places[i] < part.end():
            yield part.start(), part[0]
            i = bisect_left(places, part.end(), i)


def _gap(text: str, codecs: list[str]) -> str:
    """How a byte that was lost shows in this text: as U+FFFD, as a question mark, or not at all."""
    if "\ufffd" in text:
        return "\ufffd"
    if WIDE not in codecs:
        return ""
    marked = sum(part[-1:] > "\u2e7f" for part in text.split("?")[:-1])
    return "?" if marked and marked > len(BARE.findall(text)) else ""


def _custom(text: str, repaired: str) -> str:
    """The dash between spaces that a text keeps to, where its gaps were filled with both kinds. U+FFFD where too little is lost to
    guess by."""
    losses = text.count("\ufffd")
    few = losses == 1 and sum(not c.isupper() for c in WORD.findall(repaired)) < RUNNING
    if few or (losses and not LETTERS.search(repaired)):
        return "\ufffd"
    short, long = repaired.count(" \u2013 "), repaired.count(" \u2014 ")
    return "" if not (short and long) else "\u2013" if short > long else "\u2014"


# ---- which lines -----------------------------------------------------------------------------------------------------


def _verdicts(lines: list[tuple[int, str]], codecs: list[str], gap: str) -> list[Verdict]:
    """Lines bear each other out where the wide codec is concerned."""
    wide = [_read_wide(line, gap) for _, line in lines] if WIDE in codecs else []
    if not any(r.found for r in wide):
        return [_narrow(line, codecs) for _, line in lines]
    sure = sum(r.gain > SURE for r in wide)
    # A line that is East Asian as a whole says nothing of the others.
    among = AMONG if any(r.strangers and not _eastern(line) for (_, line), r in zip(lines, wide, strict=True)) else AMONG_ONLY
    accepted = [_accepted(r, line, sure - (r.gain > SURE), among) for (_, line), r in zip(lines, wide, strict=True)]
    return [Verdict(found) if found else _narrow(line, codecs) for (_, line), found in zip(lines, accepted, strict=True)]


def _eastern(line: str) -> bool:
    return 2 * len(line.encode("ascii", "ignore")) < len(line) and 2 * sum(c > "\u2e7f" for c in line) > len(line)


def _accepted(r: Reading, line: str, others: int, among: float) -> list[Found]:
    """A line is decoded at once: either all its runs are damaged, or each has to show it alone."""
    threshold = among if others >= 2 else (ALONE + among) / 2 if others else ALONE
    if not r.strangers and r.gain > threshold:
        return r.found
    return [f for f in r.found if _gain(f, line) > ALONE + STRANGER * (r.strangers > 0)]


def _read_wide(line: str, gap: str) -> Reading:
    found, sizes, strangers = [], {}, 0
    if not shown(WIDE).search(line):
        return NOTHING
    for m in (MARKED_RUN if gap == "?" else NON_ASCII).finditer(line):
        start, end = m.span()
        run, following = m[0], ord(line[end]) if end < len(line) else END
        parse = wide_parse(run, following, gap)
        if not parse and gap == "\ufffd":
            parse = wide_parse(run, following, "")
        if parse:
            found.append(Found(start, end, parse, WIDE))
            sizes[run] = parse.size  # a run that comes again proves nothing more; a hanzi may be meant
        elif run.strip("\ufffd?"):
            strangers += 1
    return _judged(found, strangers, sum(sizes.values()), line)


def _read_narrow(codec: str, line: str) -> Reading:
    found, size = [], 0
    for m in NON_ASCII.finditer(line):
        parse = narrow_parse(codec, m[0])
        if not parse or not parse.met:
            return NOTHING
        found.append(Found(*m.span(), parse, codec))
        size += parse.size
    return _judged(found, 0, size, line)


def _judged(found: list[Found], strangers: int, size: int, line: str) -> Reading:
    if not strangers and size >= CLEAR and all(f.parse.clear for f in found):
        return Reading(found, 0, math.inf)
    gains = {line[f.start : f.end]: _gain(f, line) for f in found}
    return Reading(found, strangers, round(sum(gains.values()) - STRANGER * strangers, 6))


def _narrow(line: str, codecs: list[str]) -> Verdict:
    """A line read by a code page of one byte per character. Where it is not clear, what ftfy says goes first."""
    readings, failed = [], []
    for codec in codecs:
        if codec != WIDE:
            reading = _read_narrow(codec, line)
            if reading is NOTHING:
                failed.append(codec)
            elif shown(codec).search(line):
                readings.append(reading)
                if codec in DISTINCT and reading.gain == math.inf:
                    return Verdict(reading.found)
    r = max(readings, key=lambda r: r.gain, default=NOTHING)
    if r.gain < 0 and any(shown(codec).search(line) for codec in failed):
        r = NOTHING
    if r.gain == math.inf:
        return Verdict(_likeliest([r.found for r in readings if r.gain == math.inf], line))
    lost = "\ufffd" in line
    single = not lost and len(r.found) == 1 and r.found[0].parse.size == 1
    limit = NARROW_ALONE if not single else CYRILLIC_SINGLE if r.found[0].codec in ("cp1251", "koi8-r") else NARROW_SINGLE
    return Verdict(r.found, not (lost and r.gain > limit), r.gain > limit)


def _likeliest(readings: list[list[Found]], line: str) -> list[Found]:
    """The first of the likeliest readings of a line, each of which explains all its runs."""
    differ = [i for i, (a, *others) in enumerate(zip(*readings, strict=True)) if any(b.parse.atoms != a.parse.atoms for b in others)]
    return min(readings, key=lambda found: _total_cost([found[i] for i in differ], line)) if differ else readings[0]


def _total_cost(found: list[Found], line: str) -> float:
    return round(sum(_cost(f, line) for f in found), 6)


def _gain(f: Found, line: str) -> float:
    """By how many nats the repaired run is likelier than the run as it stands."""
    return _standing_surprise(line[f.start : f.end], *_beside(f, line)) - _cost(f, line)


def _beside(f: Found, line: str) -> tuple[str, str]:
    return line[max(0, f.start - 3) : f.start], line[f.end : f.end + 2]


def _cost(f: Found, line: str) -> float:
    return _run_cost(f.parse, line[f.start : f.end], *_beside(f, line))


@lru_cache(1 << 15)
def _run_cost(parse: Parse, run: str, left: str, right: str) -> float:
    """In nats, of the repaired run."""
    text, at, cost = left, 0, 0.0
    for start, end, symbols in parse.atoms:
        cost += sum(map(genuine_surprise, run[at:start]))
        text += run[at:start]
        for symbol in symbols:
            if isinstance(symbol, Gap):
                cost += symbol_surprise(symbol)
                text += symbol[0]
                continue
            for c in symbol:
                # That the language at hand hardly has the character speaks against a hanzi in its place just as much.
                cost += min(gram_surprise(text[1 - ORDER :] + c), symbol_surprise(c) + 1)
                text += c
        at = end
    text += run[at:]
    return cost + sum(map(genuine_surprise, run[at:])) + surprise(text + right, len(text))


@lru_cache(1 << 15)
def _standing_surprise(run: str, left: str, right: str) -> float:
    if max(run) < "\u2e80":
        return surprise(left + run + right, len(left))
    # A Latin letter seldom touches a hanzi.
    touch = 4.0 * (left[-1:].islower() + right[:1].islower())
    return sum(map(genuine_surprise, run)) + surprise(right, 0) + touch


# ---- what stood there ------------------------------------------------------------------------------------------------


def _line_changes(line: str, offset: int, verdict: Verdict, dash: str) -> list[Change]:
    ours = _read_back(line, offset, verdict.found, dash) if verdict.found else []
    if not verdict.ask:
        return ours
    told = by_ftfy(line)
    if not told:
        return ours if verdict.stands else []
    after, confidence = told
    if ours and after == with_changes(line, [c._replace(start=c.start - offset, end=c.end - offset) for c in ours]):
        return ours
    return [_change(offset + a, offset + b, text, "mojibake", _of_ftfy(text, confidence)) for a, b, text in differences(line, after)]


def _of_ftfy(after: str, confidence: float) -> float:
    return confidence if confidence == 1.0 or all_met(after) else min(confidence, GUESS_UNMET)


def _read_back(line: str, offset: int, found: list[Found], dash: str) -> list[Change]:
    chosen: Iterator[tuple[str, float]] = repeat(("\ufffd", 0.0))
    if dash != "\ufffd" and any(f.parse.gaps for f in found):
        chosen = iter(fillings(line, [(f.start + a.start, f.start + a.end, a.symbols) for f in found for a in f.parse.atoms], dash))
    rivalled = _rival_chances(found, line) if found[0].codec in RIVAL else {}
    rule, changes = RULES[found[0].codec], []
    for f in found:
        base = f.start + offset
        for start, end, symbols in f.parse.atoms:
            confidence = rivalled.get(f.start + start, 1.0)
            if f.parse.gaps:
                symbols, confidence = _filled(symbols, chosen, confidence)
            changes.append(_change(base + start, base + end, "".join(symbols), rule, confidence))
    return changes


def _filled(symbols: tuple[str, ...], chosen: Iterator[tuple[str, float]], confidence: float) -> tuple[tuple[str, ...], float]:
    """`symbols` with the next choices in place of gaps, and how sure that leaves them."""
    filled = []
    for s in symbols:
        if isinstance(s, Gap):
            s, chance = next(chosen)
            confidence *= calibrated(s, chance)
        filled.append(s)
    return tuple(filled), confidence


def _change(start: int, end: int, after: str, rule: str, confidence: float) -> Change:
    """Exact where it is sure; U+FFFD says of itself that it is not known."""
    if "\ufffd" in after:
        return Change(start, end, after, rule, "normalized")
    if confidence == 1.0:
        return Change(start, end, after, rule, "exact")
    return Change(start, end, after, rule, "inferred", round(confidence, 4))


def _rival_chances(found: list[Found], line: str) -> dict[int, float]:
    """How surely the code page is the right one, for the places that its rival reads differently."""
    rival = RIVAL[found[0].codec]
    parses = [narrow_parse(rival, line[f.start : f.end]) for f in found]
    if not all(parses):
        return {}
    differ = [(f, f._replace(parse=p)) for f, p in zip(found, parses, strict=True) if p and p.atoms != f.parse.atoms]
    atoms = [(f.start + a.start, a.symbols, line[f.start + a.start : f.start + a.end]) for f, _ in differ for a in f.parse.atoms]
    places = [start for start, symbols, run in atoms if _texts(narrow_parse(rival, run)) != symbols]
    if not places:
        return {}
    odds = math.exp(min(0.0, _total_cost([f for f, _ in differ], line) - _total_cost([f for _, f in differ], line)))
    return dict.fromkeys(places, min(round(1 / (1 + odds), 6), SUREST))


def _texts(parse: Parse | None) -> tuple[str, ...]:
    return tuple("".join(a.symbols) for a in parse.atoms) if parse else ()


def with_changes(text: str, changes: list[Change]) -> str:
    parts, at = [], 0
    for c in changes:
        parts += [text[at : c.start], c.after]
        at = c.end
    return "".join([*parts, text[at:]])


# ---- what was damaged more than once ---------------------------------------------------------------------------------


def _doubted(text: str, changes: list[Change]) -> list[Change]:
    """What was damaged more than once is sure only in lines where the next repair goes on with all of it."""
    if not any(map(_still_damaged, {c.after for c in changes})):
        return changes
    repaired = with_changes(text, changes)
    again = {i for c in mojibake(repaired, signs_of(repaired)) for i in range(c.start, c.end)}
    ends = list(accumulate(len(line) + 1 for line in text.split("\n")))
    lines = [bisect_right(ends, c.start) for c in changes]
    goes_on, shift = [], 0
    for c in changes:
        goes_on.append(again.issuperset(i for i, x in enumerate(c.after, c.start + shift) if x > "\x7f"))
        shift += len(c.after) - (c.end - c.start)
    stuck = [not on and _still_damaged(c.after) for c, on in zip(changes, goes_on, strict=True)]
    doubted = {line for line, s in zip(lines, stuck, strict=True) if s}
    freed = {line for line, c, on in zip(lines, changes, goes_on, strict=True) if on and not c.after.isascii()}
    found = list(changes)
    for i, (c, line) in enumerate(zip(changes, lines, strict=True)):
        guess = c.kind == "inferred" and any(x > "\u2e7f" for x in c.after)
        if guess and line in freed and not goes_on[i] and not stuck[i]:
            found[i] = _doubtful(c, LEFT_BEHIND)
        elif line in doubted:
            found[i] = _doubtful(c, UNKNOWN)
    return found


def _doubtful(c: Change, most: float) -> Change:
    return c if c.kind == "normalized" else c._replace(kind="inferred", confidence=min(c.confidence, most))


@lru_cache(1 << 15)
def _still_damaged(after: str) -> bool:
    if after.isascii() or (len(after) < 2 and after < "\u2e80"):
        return False
    eastern = "".join(c for c in after if c > "\u2e7f")
    if eastern:
        return wide_parse(eastern, END, "") is not None
    return all_shown().fullmatch(after) is not None
