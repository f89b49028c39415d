"""Claims: the propositions of a text that could be checked, demanded or foretold, and whose they are.

Part of the attribute stage. A claim is a finite clause: a sentence, or what stands on one side of ", and", a semicolon or a dash where
both sides are clauses, without the words that report it. Its holder is the source of the innermost attribution around it. Modality is
read from listed words (attribute_rules.json), and so is what the author lets show of a claim that another makes.

There is no parser: what is doubtful stays whole, and what is a fragment, a greeting, a repeat, a note on the article or a sentence
with missing words is left out. Other languages than those of attribute_rules.json are not read at all.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from flows.stages.attribute_clauses import (
    FINITE,
    IMPERATIVE,
    KIND,
    LONGEST,
    MANNER,
    META,
    MOOD,
    OUTER,
    RELATIVE,
    SHORTEST,
    SPEECH,
    WH,
    WORD,
    Range,
    clauses,
    content,
    inner,
    is_clause,
    is_condition,
    lookup,
    mood_cues,
    patterns,
    read,
    verbs,
)  # fmt: skip
from flows.stages.attribute_pieces import HEADINGS
from flows.stages.attribute_rules import LANGUAGES, SENTENCE_WINDOW, SKIPPED, VERB_FINAL, Rules, folded, rules


class Claim(NamedTuple):
    """`spans` are character ranges of the text, ordered and disjoint; `attribution` is a place in the list of attributions."""

    segment: int
    spans: tuple[Range, ...]
    holder_type: str
    attribution: int | None
    modality: str
    author_commitment: str
    origin: str = "rule"


class Piece(NamedTuple):
    """Stretches of one sentence that are one attribution's content, or the author's words (`owner` None) beside attributions."""

    owner: int | None
    spans: list[Range]
    is_rest: bool


# Lists that are looked for in the words that report.
CUE_LISTS = (
    "question_cue", "denied_cue", "normative_cue", "predicted_cue", "hedged_cue", "impersonal_cue", "endorsing", "distancing", "not"
)  # fmt: skip
# Attributions that are told apart in a sentence: more is lost punctuation.
MAX_ATTRIBUTIONS = 12
# How far into the next sentence the author's answer to a claim may stand ("But that is not true").
ANSWER_WINDOW = 60
# The author's sentence is no claim of his where more than this share of it stands between quotation marks.
MOSTLY_QUOTED = 0.5
_QUOTE = re.compile(r"[\"“”„«»]")
_SPEAKER = re.compile(r"\w[\w.'-]*(?:\s\w[\w.'-]*)?:\s")


def claims(text: str, segments: Sequence, attributions: Sequence, mentions: Sequence) -> list[Claim]:
    """The claims of a document in reading order. `segments` are blocks each followed by its sentences (start, end, unit, parent,
    language, repeat_of, defects); `attributions` have parent, source, cue, content, type, holder_name and direction. `mentions` are
    taken as the other parts of the stage take them, and not read yet. Linear in the length of the text."""
    low = folded(text)
    leaves = _leaves(segments)
    near = _touching([segments[i] for i in leaves], attributions)
    found: list[Claim] = []
    for place, i in enumerate(leaves):
        unit = segments[i]
        if unit.language not in LANGUAGES or _is_skipped(low, segments, i):
            continue
        following = segments[leaves[place + 1]] if place + 1 < len(leaves) else None
        for piece in _pieces(low, unit, near[place], attributions):
            if piece.owner is None and _is_answer(low, segments, i):
                continue
            for spans in _propositions(low, unit, piece, attributions):
                claim = _claim(low, i, unit, spans, piece.owner, attributions, following)
                if claim:
                    found.append(claim)
    return sorted(found, key=lambda c: (c.spans, c.segment))


# ---------------------------------------------------------------- where


def _leaves(segments: Sequence) -> list[int]:
    """The places of all sentences, and of the blocks that have none."""
    parents = {s.parent for s in segments}
    return [i for i in range(len(segments)) if i not in parents]


def _touching(units: list, attributions: Sequence) -> list[list[int]]:
    """For each unit, the attributions of which anything lies in it, outer ones first."""
    starts, ends = [u.start for u in units], [u.end for u in units]
    near: list[list[int]] = [[] for _ in units]
    depths: list[int] = []
    for k, each in enumerate(attributions):
        places = {p for a, b in (*each.source, *each.cue, *each.content) for p in range(bisect_left(ends, a + 1), bisect_left(starts, b))}
        for p in sorted(places):
            near[p].append(k)
    for k, _ in enumerate(attributions):
        depths.append(_depth(attributions, k))
    return [sorted(found, key=lambda k: (depths[k], k))[:MAX_ATTRIBUTIONS] for found in near]


def _depth(attributions: Sequence, k: int | None) -> int:
    depth = 0
    while depth < MAX_ATTRIBUTIONS and k is not None and 0 <= k < len(attributions):
        k, depth = attributions[k].parent, depth + 1
    return depth


def _is_skipped(low: str, segments: Sequence, i: int) -> bool:
    unit = segments[i]
    block = segments[unit.parent] if unit.parent is not None else unit
    if block.unit in SKIPPED or unit.repeat_of is not None or block.repeat_of is not None:
        return True
    if "elided_links" in getattr(unit, "defects", ()):
        return True
    of = rules(unit.language)
    start = unit.end - len(low[unit.start : unit.end].lstrip(OUTER))
    found = WORD.match(low, start, unit.end)
    word = found[0] if found else ""
    begins = lookup(unit.language)[word]
    if begins & META and of.cues["meta"].match(low, start):
        return True
    if begins & IMPERATIVE and word in of.words["imperative"] and not low.startswith(",", start + len(word)):
        return True
    if block.unit not in HEADINGS:
        return False
    if begins & WH and word in of.words["wh"]:
        return True
    return not is_clause(low[start : _head_end(low, start, unit.end)], unit.language)


def _is_answer(low: str, segments: Sequence, i: int) -> bool:
    """Whether the block begins with what looks like a speaker's name, as in an interview: its words are hardly the author's."""
    parent = segments[i].parent
    return bool(_SPEAKER.match(low, segments[i if parent is None else parent].start))


def _head_end(low: str, start: int, end: int) -> int:
    colon = low.find(": ", start, end)
    return end if colon < 0 else colon


def _pieces(low: str, unit, near: list[int], attributions: Sequence) -> Iterator[Piece]:
    """The sentence by whose words they are: the author's, and each attribution's content less what stands in it of others."""
    start, end = unit.start, min(unit.end, unit.start + SENTENCE_WINDOW)
    if not near:
        yield Piece(None, [(start, end)], False)
        return
    painted: list[tuple[int, int, int | None]] = [(start, end, None)]
    for k in near:
        each = attributions[k]
        if _is_impersonal(low, each, unit.language) or _is_act(low, each, unit.language):
            continue
        for a, b in (*_frame(each), *each.content):
            painted = _paint(painted, a, b, k if (a, b) in each.content else -1)
    spans: dict[int | None, list[Range]] = {}
    for a, b, owner in painted:
        if owner != -1:
            spans.setdefault(owner, []).append((a, b))
    parents = {attributions[k].parent for k in near}
    for owner, found in spans.items():
        yield Piece(owner, found, found != [(start, end)] and (owner is None or owner in parents))


def _is_impersonal(low: str, each, language: str) -> bool:
    """Whether it is a verb's mood rather than a report: "the vote is expected to fail", "it appears on a map"."""
    if "impersonal_cue" not in _cue_says(_cue(low, each), language):
        return False
    return not each.source or any(low.startswith("to ", a) for a, _ in each.content)


def _is_act(low: str, each, language: str) -> bool:
    """Whether its content says nothing by itself: "nobody has seen a truck" is a claim of who says so, not of nobody."""
    if each.type != "indirect" or len(each.content) != 1 or "question_cue" in _cue_says(_cue(low, each), language):
        return False
    start, end = each.content[0]
    start, end = content(low, start, min(end, start + SENTENCE_WINDOW), language)
    return not is_clause(low[start:end], language) and not _says_enough(low, start, end, each, language)


@lru_cache(maxsize=1 << 12)
def _cue_says(cue: str, language: str) -> frozenset[str]:
    """Which lists of cues the words that report have one of."""
    return frozenset(name for name in CUE_LISTS if rules(language).cues[name].search(cue))


def _cue(low: str, each) -> str:
    return " ".join([low[a:b] for a, b in each.cue])


def _frame(each) -> list[Range]:
    """The words that report: source and cue, and what stands between them if that is no content."""
    spans = sorted((*each.source, *each.cue))
    if not spans:
        return []
    hull = (spans[0][0], max(b for _, b in spans))
    return spans if any(a < hull[1] and b > hull[0] for a, b in each.content) else [hull]


def _paint(painted: list[tuple[int, int, int | None]], start: int, end: int, owner: int) -> list[tuple[int, int, int | None]]:
    """The disjoint stretches, in order, with [start, end) given to `owner`."""
    out = []
    for a, b, was in painted:
        low, high = max(a, start), min(b, end)
        if low >= high:
            out.append((a, b, was))
            continue
        out += [(x, y, who) for x, y, who in ((a, low, was), (low, high, owner), (high, b, was)) if x < y]
    return out


# ---------------------------------------------------------------- propositions


def _propositions(low: str, unit, piece: Piece, attributions: Sequence) -> Iterator[tuple[Range, ...]]:
    """The spans of each claim in a piece."""
    language = unit.language
    if piece.owner is None:
        for start, end in piece.spans:
            if _is_own(low, unit, start, end, piece.is_rest):
                yield from _whole_clauses(low, start, end, language)
        return
    stretches = [s for s in piece.spans if not piece.is_rest or _is_apart(low, unit, *s)]
    spans = [s for s in (content(low, a, b, language) for a, b in stretches) if s[0] < s[1]]
    whole = [is_clause(low[a:b], language) for a, b in spans]
    depends = any(verbs(low[a:b], language).first & RELATIVE for a, b in spans[1:])
    if len(spans) > 1 and (depends or not all(whole)):
        count = sum(verbs(low[a:b], language).words for a, b in spans)
        if SHORTEST <= count <= LONGEST and not any(_has_speech(low, a, b, language) for a, b in spans):
            yield tuple(spans)
        return
    for (start, end), is_whole in zip(spans, whole, strict=True):
        if is_whole:
            yield from _whole_clauses(low, start, end, language)
        elif _says_enough(low, start, end, attributions[piece.owner], language):
            yield ((start, end),)


def _whole_clauses(low: str, start: int, end: int, language: str) -> Iterator[tuple[Range]]:
    for a, b in clauses(low, start, end, language):
        if is_clause(low[a:b], language, low[b : b + 1] == "?"):
            yield ((a, b),)


def _is_own(low: str, unit, start: int, end: int, is_rest: bool) -> bool:
    """Whether the author's words are a clause of their own, and report nothing that no attribution was found for: it would be called
    the author's claim."""
    if is_rest and (verbs(low[start:end], unit.language).words <= SHORTEST or not _is_apart(low, unit, start, end)):
        return False
    if _has_speech(low, *inner(low, start, end), unit.language):
        return False
    first = _QUOTE.search(low, start, end)
    if not first:
        return True
    *_, last = _QUOTE.finditer(low, first.start(), end)
    return round((last.start() - first.start()) / (end - start), 6) <= MOSTLY_QUOTED


def _has_speech(low: str, start: int, end: int, language: str) -> bool:
    has = read(low[start:end], language)[1]
    return bool(has & SPEECH and rules(language).cues["speech"].search(low, start, end))


def _is_apart(low: str, unit, start: int, end: int) -> bool:
    """Whether the author's words beside an attribution are a clause of their own: a joint stands between them and it."""
    of = patterns(unit.language)
    if start > unit.start and not (of.cut.match(low, start) or of.cut.match(low, start - 1)):
        return False
    if end >= unit.end or of.cut.search(low, max(start, end - 8), end + 1):
        return True
    return bool(of.hanging.search(low[max(start, end - 12) : end].rstrip()))


def _says_enough(low: str, start: int, end: int, attribution, language: str) -> bool:
    """Whether content without a verb is a claim: of a demand, a forecast, a denial or a charge the wording lacks one."""
    acts = _cue_says(_cue(low, attribution), language) & {"normative_cue", "predicted_cue", "denied_cue"}
    is_act = bool(acts) or attribution.direction is not None
    has_figure = language not in VERB_FINAL and any(map(str.isdigit, low[start:end]))
    return (is_act or has_figure) and verbs(low[start:end], language).words > SHORTEST


# ---------------------------------------------------------------- whose, and how


def _claim(low: str, i: int, unit, spans: tuple[Range, ...], owner: int | None, attributions: Sequence, following) -> Claim | None:
    of = rules(unit.language)
    owner = _speaker(low, owner, attributions, of)
    each = attributions[owner] if owner is not None else None
    cue = _cue_says(_cue(low, each), unit.language) if each else frozenset()
    modality = _modality(low, unit.language, spans, cue, each is not None and each.type != "direct")
    if modality is None or (each is not None and _is_nobody(low, each, of)):
        return None
    if each is None:
        return Claim(i, spans, "author", None, modality, "unmarked")
    return Claim(i, spans, _holder(low, each, of), owner, modality, _commitment(low, unit, each, cue, following))


def _is_nobody(low: str, each, of: Rules) -> bool:
    """Whether the report says that nobody says so."""
    word = WORD.search(low, *each.source[0]) if each.source else None
    return word is not None and word[0] in of.words["not"]


def _speaker(low: str, owner: int | None, attributions: Sequence, of: Rules) -> int | None:
    """The attribution whose source speaks: "I think" is no report, but said by whoever's words it stands in."""
    for _ in range(MAX_ATTRIBUTIONS):
        if owner is None or not attributions[owner].source or low[slice(*attributions[owner].source[0])] not in of.words["me"]:
            break
        owner = attributions[owner].parent
    return owner


def _modality(low: str, language: str, spans: tuple[Range, ...], cue: frozenset[str], is_reported: bool) -> str | None:
    """How the claim is put; None for a question that nothing could answer with yes or no."""
    said, end = low[spans[0][0] : spans[-1][1]], spans[-1][1]
    if "?" in low[end : end + 3]:
        return "question" if _is_yes_no(said, language) else None
    if "question_cue" in cue:
        return "question" if _first_word(said) in ("if", "whether") else None
    moods = _moods(said, language)
    if "denied" in moods or ("denied_cue" in cue and "not" not in cue):
        return "denied"
    # What was to come when it was said is told with "would".
    is_would = is_reported and "conditional" in moods and all("would" in m or m.endswith("'d") for m in moods["conditional"])
    if ("conditional" in moods and not is_would) or is_condition(said, language):
        return "conditional"
    for name in ("normative", "predicted", "hedged"):
        if name in moods or f"{name}_cue" in cue or (name == "predicted" and is_would):
            return name
    return "asserted"


def _first_word(said: str) -> str:
    """What the words begin with, if it is a word."""
    word = WORD.match(said)
    return word[0] if word else ""


def _is_yes_no(said: str, language: str) -> bool:
    of = rules(language)
    return _first_word(said) in of.words["yes_no"] or (language != "en" and bool(of.cues["yes_no"].search(said)))


def _moods(said: str, language: str) -> dict[str, list[str]]:
    """Which lists of moods the main clause has a cue of, and its first words. Of cues that begin with the same word the longest counts."""
    if not read(said, language)[1] & MOOD:
        return {}
    moods: dict[str, list[str]] = {}
    (words, codes), skip = _main_words(said, language), 0
    for n in [n for n, code in enumerate(codes) if code & MOOD]:
        if n < skip or (n and words[n - 1] in rules(language).words["noun_only_before"]):
            continue
        for name, rest in mood_cues(words[n], language):
            if not rest or words[n + 1 : n + 1 + len(rest)] == rest:
                moods.setdefault(name, []).append(words[n])
                skip = n + 1 + len(rest)
                break
    return moods


def _main_words(said: str, language: str) -> tuple[list[str], list[int]]:
    """The words of the main clause, as far as words tell, and what is known of each: without the verb of a relative before its own, and
    up to the first relative after that."""
    words, (codes, has) = WORD.findall(said), read(said, language)
    if not has & RELATIVE:
        return words, codes
    main: list[int] = []
    has_verb = in_relative = False
    conditional = rules(language).words["conditional"]
    for n, code in enumerate(codes):
        if code & RELATIVE and words[n] not in conditional:
            if has_verb:
                main.append(n)
                break
            in_relative = bool(main)
        elif code & KIND == FINITE:
            if in_relative:
                in_relative = False
                continue
            has_verb = True
        main.append(n)
    return [words[n] for n in main], [codes[n] for n in main]


def _holder(low: str, each, of: Rules) -> str:
    """entity for whoever could be named; unnamed for "analysts", "an official", and where nobody is said to be the source."""
    if not each.source:
        return "unnamed"
    start, end = each.source[0]
    words = WORD.findall(low, start, min(end, start + SENTENCE_WINDOW))
    inner = next((n for n, w in enumerate(words) if n and w in of.words["inner"]), len(words))
    name = folded(each.holder_name or "")
    if name and name.rsplit(None, 1)[-1] not in of.words["unnamed"] and name.split()[0] not in of.words["indefinite"]:
        return "entity"
    head = words[:inner]
    if not head or head[0] in of.words["indefinite"] or any(w in of.words["unnamed"] for w in head):
        return "unnamed"
    return "entity"


def _commitment(low: str, unit, each, cue: frozenset[str], following) -> str:
    """What the author's own words, in the sentence or at the start of the next, let show of the claim."""
    cues, beside = rules(unit.language).cues, _outside(unit, each.content)
    tail = low[beside[-1][0] : beside[-1][1]].lstrip(OUTER) if beside else ""
    answer = _answer(low, unit, following)
    for name, commitment in (("rejects", "distances"), ("accepts", "endorses")):
        if cues[name].match(tail) or cues[name].match(answer):
            return commitment
    own = " ".join([low[a:b] for a, b in beside])
    for name, commitment in (("wrongly", "distances"), ("rightly", "endorses")) if read(own, unit.language)[1] & MANNER else ():
        if cues[name].search(own):
            return commitment
    if "not" in cue:
        return "unmarked"
    return "distances" if "distancing" in cue else "endorses" if "endorsing" in cue else "unmarked"


def _answer(low: str, unit, following) -> str:
    """The first words of the next sentence of the same block, where the author may answer what was claimed."""
    if following is None or unit.parent is None or following.parent != unit.parent:
        return ""
    opening = low[following.start : min(following.end, following.start + ANSWER_WINDOW)]
    if _QUOTE.search(opening):
        return ""
    opener = patterns(unit.language).opener.match(opening)
    return opening[opener.end() :] if opener else opening


def _outside(unit, content: Sequence[Range]) -> list[Range]:
    """The stretches of the sentence that are not content."""
    out, at = [], unit.start
    for a, b in content:
        if a > at and at < unit.end:
            out.append((at, min(a, unit.end)))
        at = max(at, b)
    return [*out, (at, min(unit.end, at + SENTENCE_WINDOW))] if at < unit.end else out
