"""Claims: the propositions of a text that could be checked, demanded or foretold, and whose they are.

Part of the attribute stage. A claim is a finite clause: a sentence, or what stands on one side of ", and", a semicolon or a dash where
both sides are clauses, without the words that report it. Its holder is the source of the innermost attribution around it. Modality is
read from listed words (attribute_rules.json), and so is what the author lets show of a claim that another makes.

There is no parser: what is doubtful stays whole, and what is a fragment, a greeting, a repeat, a note on the article or a sentence
with missing words is left out. Other languages than those of attribute_rules.json are not read at all.
"""

import json
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

Range = tuple[int, int]


class Claim(NamedTuple):
    """`spans` are character ranges of the text, ordered and disjoint; `attribution` is a place in the list of attributions."""

    segment: int
    spans: tuple[Range, ...]
    holder_type: str
    attribution: int | None
    modality: str
    author_commitment: str
    origin: str = "rule"


class Rules(NamedTuple):
    """What attribute_rules.json says of a language: its single words, and a pattern for any of each list."""

    words: dict[str, frozenset[str]]
    cues: dict[str, re.Pattern]
    finite_ending: re.Pattern
    perhaps_ending: re.Pattern
    cut: re.Pattern
    tail: re.Pattern
    that: re.Pattern
    hanging: re.Pattern
    opener: re.Pattern
    moods: dict[str, list[tuple[str, tuple[str, ...]]]]
    mood_endings: list[tuple[str, re.Pattern]]


class Piece(NamedTuple):
    """Stretches of one sentence that are one attribution's content, or the author's words (`owner` None) beside attributions."""

    owner: int | None
    spans: list[Range]
    is_rest: bool


LANGUAGES = ("en", "ru", "tr", "az")
# In these a clause ends with its verb.
# Lists that are looked for in the words that report, and in what is said: of two that begin at one place the first counts.
CUE_LISTS = (
    "question_cue", "denied_cue", "normative_cue", "predicted_cue", "hedged_cue", "impersonal_cue", "endorsing", "distancing", "not"
)  # fmt: skip
MOOD_LISTS = ("no_mood", "denied", "predicted", "hedged", "conditional", "normative")
VERB_FINAL = ("tr", "az")
# Units without claims of their own: who wrote it and when, and notes on the article rather than on the world.
SKIPPED = frozenset({"byline", "note", "table"})
HEADINGS = frozenset({"title", "heading"})
# Words in a claim. What is shorter says nothing that can be checked, what is longer is more than one proposition or no prose.
# Three words of English are two of a language without articles.
SHORTEST, LONGEST = 3, 60
# Characters of a sentence that are read, and attributions that are told apart in it: more is lost punctuation.
SENTENCE_WINDOW = 1500
MAX_ATTRIBUTIONS = 12
# How far into the next sentence the author's answer to a claim may stand ("But that is not true").
ANSWER_WINDOW = 60
FINITE, PERHAPS, PRESENT, NO_VERB = 3, 2, 1, 0
_WORD = re.compile(r"\w+(?:['-]\w+)*")
_OUTER = " \t\r\n\xa0\u200b\"'“”„«»‘’‹›()[]{},;:.…!?—–-•*"
_QUOTE = re.compile(r"[\"“”„«»]")
_SPEAKER = re.compile(r"\w[\w.'-]*(?:\s\w[\w.'-]*)?:\s")
_DATELINE = re.compile(r"[^\W\d_][^—–:;]{1,40}\s[—–]\s")
_BREAKS = frozenset("—–-:;")


def claims(text: str, segments: Sequence, attributions: Sequence, mentions: Sequence) -> list[Claim]:
    """The claims of a document in reading order. `segments` are blocks each followed by its sentences (start, end, unit, parent,
    language, repeat_of, defects); `attributions` have parent, source, cue, content, type, holder_name and direction. `mentions` are
    taken as the other parts of the stage take them, and not read yet. Linear in the length of the text."""
    low = _folded(text)
    leaves = _leaves(segments)
    near = _touching([segments[i] for i in leaves], attributions)
    found: list[Claim] = []
    for place, i in enumerate(leaves):
        unit = segments[i]
        if unit.language not in LANGUAGES or _is_skipped(low, segments, i):
            continue
        is_answer = _is_answer(low, segments, i)
        answer = _answer(low, segments, leaves, place)
        for piece in _pieces(low, unit, near[place], attributions):
            if piece.owner is None and is_answer:
                continue
            for spans in _propositions(low, unit, piece, attributions):
                claim = _claim(low, i, unit, spans, piece.owner, attributions, answer)
                if claim:
                    found.append(claim)
    return sorted(found, key=lambda c: (c.spans, c.segment))


# ---------------------------------------------------------------- words


def _folded(text: str) -> str:
    """Lower case with plain apostrophes, as long as the text: İ is the one letter whose lower case is longer."""
    return text.replace("İ", "i").lower().replace("’", "'")


@cache
def rules(language: str) -> Rules:
    lists = json.loads(Path(__file__).with_name("attribute_rules.json").read_text(encoding="utf-8"))[language]
    listed = {name: [w for w in words.split(", ") if w] for name, words in lists.items()}
    words = {name: frozenset(of) for name, of in listed.items()}
    cues = {name: any_of(of) for name, of in listed.items()}
    joints, tails, openers, aside = (_choice(listed[name]) for name in ("joints", "tail", "openers", "apposition"))
    comma = r"|,\s" if language in VERB_FINAL else ""
    bare = rf"|\s(?:and|but)\s(?=(?:{_choice(listed['joint_subjects'])})\s)"
    return Rules(
        words,
        cues,
        *(re.compile(rf"\w{{2,30}}(?:{_choice(listed[name])})") for name in ("finite_endings", "perhaps_endings")),
        cut=re.compile(rf"[,;]\s(?:{joints})\s|;\s|\s[—–-]\s|—|:\s{comma}{bare}"),
        tail=re.compile(rf"(?P<close>,[\"”»]?)\s(?:{tails}|(?:{aside})\s[^,;:]{{1,40}}\s(?:{tails}|that))\s[^,;:]*\Z"),
        that=re.compile(rf"(?:{_choice(listed['that'])})\s"),
        hanging=re.compile(rf"[,;]?\s(?:{_choice(listed['joint_words'])})(?:\s\w{{1,3}})?\Z"),
        moods=_by_first_word([(name, cue.split()) for name in MOOD_LISTS for cue in listed[name]]),
        mood_endings=[(name, re.compile(_choice([w for w in listed[name] if "*" in w]))) for name in MOOD_LISTS],
        opener=re.compile(rf"(?:{openers})(?:,\s|\s)"),
    )


def _by_first_word(cues: list[tuple[str, list[str]]]) -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    """(list, words that follow) by the first word of a cue, the longest first."""
    found: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for name, words in sorted(cues, key=lambda cue: -len(cue[1])):
        found.setdefault(words[0], []).append((name, tuple(words[1:])))
    return found


def _choice(words: list[str]) -> str:
    """A pattern for any of the words, the longest first; for nothing at all where there are none."""
    escaped = (re.escape(w).replace(r"\*", r"\w{2,30}").replace(r"\ ", r"\s") for w in sorted(words, key=lambda w: (-len(w), w)))
    return "|".join(escaped) or r"(?!)"


def any_of(words: list[str]) -> re.Pattern:
    return re.compile(rf"(?<![\w'])(?:{_choice(words)})(?!\w)")


@lru_cache(maxsize=1 << 16)
def _kind(word: str, language: str) -> int:
    """Whether the word can be a clause's verb: surely, perhaps, only after a plural, or not."""
    of = rules(language)
    if word in of.words["finite"] or of.finite_ending.fullmatch(word):
        return FINITE
    if word in of.words["perhaps_finite"] or of.perhaps_ending.fullmatch(word):
        return PERHAPS
    present = of.words["present"]
    if word.endswith("s") and (word[:-1] in present or (word[-3:] == "ies" and word[:-3] + "y" in present) or word[:-2] in present):
        return PERHAPS
    return PRESENT if word in present else NO_VERB


class Verbs(NamedTuple):
    """How many words a stretch has, how many verb groups that no relative takes (sure ones, and all), the first word and its kind, and the
    last one's."""

    words: int
    sure: int
    all: int
    first: str
    first_kind: int
    last_kind: int


@lru_cache(maxsize=1024)
def _verbs(said: str, language: str) -> Verbs:
    of = rules(language).words
    first = before = ""
    first_kind = was = NO_VERB
    count = sure = doubtful = relatives = 0
    opens = of["tail"] | of["wh"]
    for word in _WORD.findall(said):
        kind = _kind(word, language)
        if kind < FINITE and kind and (before in of["noun_before"] or was == FINITE):
            kind = NO_VERB
        if kind == PRESENT and not (before in of["plural_subject"] or (len(before) > 3 and before[-1] == "s" and was == NO_VERB)):
            kind = NO_VERB
        if not count:
            first, first_kind = word, kind
        if word in of["relative"] and (count or word in opens):
            relatives += 1
        elif kind and not (kind == FINITE and was == FINITE):
            # The verb after a relative is that clause's.
            if relatives:
                relatives -= 1
            else:
                sure, doubtful = sure + (kind == FINITE), doubtful + (kind < FINITE)
        count, before, was = count + 1, word, kind
    return Verbs(count, sure, sure + doubtful, first, first_kind, was)


def _shortest(language: str) -> int:
    return SHORTEST if language == "en" else SHORTEST - 1


def _is_clause(said: str, language: str, is_question: bool = False) -> bool:
    """Whether the words have a main verb of their own, as far as words tell."""
    verbs = _verbs(said, language)
    if language in VERB_FINAL:
        return verbs.words >= _shortest(language) and _ends_in_verb(said, language)
    if verbs.words < _shortest(language) or not verbs.all:
        return False
    # What begins with its verb is cut off from its subject, or a question or condition.
    is_cut_off = language == "en" and verbs.first_kind == FINITE
    return not is_cut_off or is_question or bool(rules(language).cues["conditional_start"].match(said))


def _stands_alone(said: str, language: str) -> bool:
    """Whether they surely are a clause: where a sentence is cut, both sides have to be."""
    verbs = _verbs(said, language)
    if language in VERB_FINAL:
        return verbs.words >= _shortest(language) and verbs.last_kind == FINITE
    has_subject = verbs.first in rules(language).words["subject"]
    return verbs.words >= _shortest(language) and verbs.first_kind == NO_VERB and (verbs.sure > 0 or (has_subject and verbs.all > 0))


def _ends_in_verb(said: str, language: str) -> bool:
    """Whether the last word may be a verb, or the one before it surely is ("açılacaq bu gün" has more after it and is left out)."""
    kinds = [_kind(word, language) for word in _WORD.findall(said)[-2:]]
    return any(kinds[-1:]) or kinds[:1] == [FINITE]


@lru_cache(maxsize=1 << 12)
def _cue_says(cue: str, language: str) -> frozenset[str]:
    """Which lists of cues the words that report have one of."""
    return frozenset(name for name in CUE_LISTS if rules(language).cues[name].search(cue))


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
    start = unit.start
    while start < unit.end and low[start] in _OUTER:
        start += 1
    word = _WORD.match(low, start, unit.end)
    first = word[0] if word else ""
    if of.cues["meta"].match(low, start) or (first in of.words["imperative"] and not low.startswith(",", word.end())):
        return True
    if block.unit not in HEADINGS:
        return False
    return first in of.words["wh"] or not _is_clause(low[start : _head_end(low, start, unit.end)], unit.language)


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
    start, end = _content(low, start, min(end, start + SENTENCE_WINDOW), rules(language))
    return not _is_clause(low[start:end], language) and not _says_enough(low, start, end, each, language)


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
    of = rules(language)
    if piece.owner is None:
        for start, end in piece.spans:
            if piece.is_rest and _verbs(low[start:end], language).words <= SHORTEST:
                continue
            if (not piece.is_rest or _is_apart(low, unit, start, end, of)) and not _reports(low, start, end, piece, of):
                yield from (
                    ((a, b),) for a, b in _clauses(low, start, end, language) if _is_clause(low[a:b], language, low[b : b + 1] == "?")
                )
        return
    stretches = [s for s in piece.spans if not piece.is_rest or _is_apart(low, unit, *s, of)]
    spans = [s for s in (_content(low, a, b, of) for a, b in stretches) if s[0] < s[1]]
    whole = [_is_clause(low[a:b], language) for a, b in spans]
    depends = any(_verbs(low[a:b], language).first in of.words["relative"] for a, b in spans[1:])
    if len(spans) > 1 and (depends or not all(whole)):
        count = sum(_verbs(low[a:b], language).words for a, b in spans)
        if SHORTEST <= count <= LONGEST and not any(of.cues["speech"].search(low, a, b) for a, b in spans):
            yield tuple(spans)
        return
    for (start, end), is_whole in zip(spans, whole, strict=True):
        if is_whole:
            yield from (((a, b),) for a, b in _clauses(low, start, end, language) if _is_clause(low[a:b], language, low[b : b + 1] == "?"))
        elif _says_enough(low, start, end, attributions[piece.owner], language):
            yield ((start, end),)


def _is_apart(low: str, unit, start: int, end: int, of: Rules) -> bool:
    """Whether the author's words beside an attribution are a clause of their own: a joint stands between them and it."""
    if start > unit.start and not (of.cut.match(low, start) or of.cut.match(low, start - 1)):
        return False
    if end >= unit.end or of.cut.search(low, max(start, end - 8), end + 1):
        return True
    return bool(of.hanging.search(low[max(start, end - 12) : end].rstrip()))


def _reports(low: str, start: int, end: int, piece: Piece, of: Rules) -> bool:
    """Whether the author seems to report what no attribution was found for: then it would be called the author's own claim."""
    quoted = low.count('"', start, end) > 1 or len(_QUOTE.findall(low, start, end)) > 1
    return bool(of.cues["speech"].search(low, start, end)) or (quoted and _quoted_share(low, start, end) > 0.5)


def _quoted_share(low: str, start: int, end: int) -> float:
    marks = [m.start() for m in _QUOTE.finditer(low, start, end)]
    return round((marks[-1] - marks[0]) / max(1, end - start), 6) if len(marks) > 1 else 0.0


def _says_enough(low: str, start: int, end: int, attribution, language: str) -> bool:
    """Whether content without a verb is a claim: of a demand, a forecast, a denial or a charge the wording lacks one."""
    acts = _cue_says(_cue(low, attribution), language) & {"normative_cue", "predicted_cue", "denied_cue"}
    is_act = bool(acts) or attribution.direction is not None
    has_figure = language not in VERB_FINAL and any(c.isdigit() for c in low[start:end])
    return (is_act or has_figure) and len(_WORD.findall(low, start, end)) > SHORTEST


def _clauses(low: str, start: int, end: int, language: str) -> Iterator[Range]:
    """The stretch, cut where clauses are joined: conservative, what is doubtful stays together."""
    of = rules(language)
    start, end = _trimmed(low, start, end, of)
    edges, at = [], start
    dateline = _DATELINE.match(low, start, end)
    if dateline and not _verbs(low[start : dateline.end()], language).all:
        at = dateline.end()
    for cut in of.cut.finditer(low, start, end):
        is_bare = low[cut.start()].isspace() and low[cut.start() + 1].isalpha()
        if is_bare and any(w[0] in of.words["relative"] for w in _WORD.finditer(low, at, cut.start())):
            continue
        is_clause = _is_clause if low[cut.start()] == ";" else _stands_alone
        if not is_clause(low[at : cut.start()], language):
            continue
        following = next((c.start() for c in of.cut.finditer(low, cut.end(), end) if c.start() - cut.end() > 8), end)
        if is_clause(low[cut.end() : following], language):
            edges.append((at, cut.start()))
            at = cut.end()
        elif low[cut.start() : cut.end()].strip() in _BREAKS and following == end:
            # An apposition, or a list: the clause before it is whole.
            end = cut.start()
            break
    edges.append((at, end))
    for a, b in edges:
        a, b = _trimmed(low, a, b, of)
        tail = of.tail.search(low, a, b)
        is_listed = tail and "," in low[a : tail.start()] and not low.startswith(tuple(of.words["tail"]), tail.end("close") + 1)
        if tail and not is_listed and _stands_alone(low[a : tail.start()], language):
            b = _inner(low, a, tail.end("close"))[1]
        if a < b and len(_WORD.findall(low, a, b)) <= LONGEST:
            yield a, b


def _content(low: str, start: int, end: int, of: Rules) -> Range:
    start, end = _trimmed(low, start, end, of)
    that = of.that.match(low, start, end)
    return _inner(low, that.end(), end) if that else (start, end)


def _trimmed(low: str, start: int, end: int, of: Rules) -> Range:
    """Without outer marks, and the words that only tie it to what stands before."""
    start, end = _inner(low, start, end)
    for _ in range(3):
        opener = of.opener.match(low, start, end)
        if not opener:
            break
        start, end = _inner(low, opener.end(), end)
    hanging = of.hanging.search(low, max(start, end - 12), end)
    return _inner(low, start, hanging.start()) if hanging else (start, end)


def _inner(low: str, start: int, end: int) -> Range:
    """Without outer marks, but for those that close what was opened inside."""
    stop = end
    while start < end and (low[start] in _OUTER or low[start].isspace()):
        start += 1
    while start < end and (low[end - 1] in _OUTER or low[end - 1].isspace()):
        end -= 1
    trimmed = low[end : min(stop, end + 3)]
    for opening, closing in ("“”", "«»", "()", '""') if trimmed else ():
        if closing not in trimmed:
            continue
        opened = low.count(opening, start, end)
        if opened and (opened % 2 if opening == closing else opened > low.count(closing, start, end)):
            end = low.index(closing, end) + 1
    return start, end


# ---------------------------------------------------------------- whose, and how


def _claim(low: str, i: int, unit, spans: tuple[Range, ...], owner: int | None, attributions: Sequence, answer: str) -> Claim | None:
    of = rules(unit.language)
    owner = _speaker(low, owner, attributions, of)
    each = attributions[owner] if owner is not None else None
    cue = _cue_says(_cue(low, each), unit.language) if each else frozenset()
    modality = _modality(low, unit, spans, cue, each is not None and each.type != "direct", of)
    if modality is None or (each is not None and _is_nobody(low, each, of)):
        return None
    commitment = "unmarked" if each is None else _commitment(low, unit, each, cue, answer, of)
    return Claim(i, spans, "author" if each is None else _holder(low, each, of), owner, modality, commitment)


def _is_nobody(low: str, each, of: Rules) -> bool:
    """Whether the report says that nobody says so."""
    word = _WORD.search(low, *each.source[0]) if each.source else None
    return word is not None and word[0] in of.words["not"]


def _speaker(low: str, owner: int | None, attributions: Sequence, of: Rules) -> int | None:
    """The attribution whose source speaks: "I think" is no report, but said by whoever's words it stands in."""
    for _ in range(MAX_ATTRIBUTIONS):
        if owner is None or not attributions[owner].source or low[slice(*attributions[owner].source[0])] not in of.words["me"]:
            break
        owner = attributions[owner].parent
    return owner


def _modality(low: str, unit, spans: tuple[Range, ...], cue: frozenset[str], is_reported: bool, of: Rules) -> str | None:
    """How the claim is put; None for a question that nothing could answer with yes or no."""
    start, end = spans[0][0], spans[-1][1]
    said = low[start:end]
    first = _WORD.match(said)
    if "?" in low[end : end + 3]:
        is_yes_no = (first and first[0] in of.words["yes_no"]) or (unit.language != "en" and of.cues["yes_no"].search(said))
        return "question" if is_yes_no else None
    if "question_cue" in cue:
        return "question" if first and first[0] in ("if", "whether") else None
    moods = _moods(_main_words(said, unit.language, of), unit.language, of)
    if "denied" in moods or ("denied_cue" in cue and "not" not in cue):
        return "denied"
    # What was to come when it was said is told with "would".
    is_would = is_reported and "conditional" in moods and all("would" in m or m.endswith("'d") for m in moods["conditional"])
    if ("conditional" in moods and not is_would) or of.cues["conditional_start"].match(said):
        return "conditional"
    for name in ("normative", "predicted", "hedged"):
        if name in moods or f"{name}_cue" in cue or (name == "predicted" and is_would):
            return name
    return "asserted"


def _main_words(said: str, language: str, of: Rules) -> list[str]:
    """The words of the main clause, as far as words tell: without the verb of a relative before its own, and up to the first relative
    after that."""
    out, has_verb, in_relative = [], False, False
    for word in _WORD.findall(said):
        if word in of.words["relative"] and word not in of.words["conditional"]:
            if has_verb:
                return [*out, word]
            in_relative = bool(out)
        elif _kind(word, language) == FINITE:
            if in_relative:
                in_relative = False
                continue
            has_verb = True
        out.append(word)
    return out


def _moods(words: list[str], language: str, of: Rules) -> dict[str, list[str]]:
    """Which lists of moods the words have a cue of, and its first words. Of cues that begin with the same word the longest counts."""
    moods: dict[str, list[str]] = {}
    skip = 0
    for n, word in enumerate(words):
        cues = _mood_cues(word, language)
        if n < skip or not cues or (n and words[n - 1] in of.words["noun_only_before"]):
            continue
        for name, rest in cues:
            if not rest or tuple(words[n + 1 : n + 1 + len(rest)]) == rest:
                moods.setdefault(name, []).append(word)
                skip = n + 1 + len(rest)
                break
    return moods


@lru_cache(maxsize=1 << 16)
def _mood_cues(word: str, language: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    of = rules(language)
    return (*of.moods.get(word, ()), *((name, ()) for name, ending in of.mood_endings if ending.fullmatch(word)))


def _holder(low: str, each, of: Rules) -> str:
    """entity for whoever could be named; unnamed for "analysts", "an official", and where nobody is said to be the source."""
    if not each.source:
        return "unnamed"
    start, end = each.source[0]
    words = [w[0] for w in _WORD.finditer(low, start, min(end, start + SENTENCE_WINDOW))]
    inner = next((n for n, w in enumerate(words) if n and w in of.words["inner"]), len(words))
    name = _folded(each.holder_name or "")
    if name and name.rsplit(None, 1)[-1] not in of.words["unnamed"] and name.split()[0] not in of.words["indefinite"]:
        return "entity"
    head = words[:inner]
    if not head or head[0] in of.words["indefinite"] or any(w in of.words["unnamed"] for w in head):
        return "unnamed"
    return "entity"


def _answer(low: str, segments: Sequence, leaves: list[int], place: int) -> str:
    """The first words of the next sentence of the same block, where the author may answer what was claimed."""
    if place + 1 >= len(leaves):
        return ""
    unit, following = segments[leaves[place]], segments[leaves[place + 1]]
    if unit.parent is None or following.parent != unit.parent:
        return ""
    opening = low[following.start : min(following.end, following.start + ANSWER_WINDOW)]
    return "" if _QUOTE.search(opening) else opening


def _commitment(low: str, unit, each, cue: frozenset[str], answer: str, of: Rules) -> str:
    """What the author's own words, in the sentence or at the start of the next, let show of the claim."""
    beside = _outside(unit, each.content)
    tail = low[beside[-1][0] : beside[-1][1]].lstrip(_OUTER) if beside else ""
    opener = of.opener.match(answer)
    opening = answer[opener.end() :] if opener else answer
    for name, commitment in (("rejects", "distances"), ("accepts", "endorses")):
        if of.cues[name].match(tail) or of.cues[name].match(opening):
            return commitment
    own = " ".join([low[a:b] for a, b in beside])
    for name, commitment in (("wrongly", "distances"), ("rightly", "endorses")):
        if of.cues[name].search(own):
            return commitment
    if "not" in cue:
        return "unmarked"
    return "distances" if "distancing" in cue else "endorses" if "endorsing" in cue else "unmarked"


def _outside(unit, content: Sequence[Range]) -> list[Range]:
    """The stretches of the sentence that are not content."""
    out, at = [], unit.start
    for a, b in content:
        if a > at and at < unit.end:
            out.append((at, min(a, unit.end)))
        at = max(at, b)
    return [*out, (at, min(unit.end, at + SENTENCE_WINDOW))] if at < unit.end else out
