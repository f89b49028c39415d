"""Clauses: which words can be a proposition of their own, and where a sentence is cut into them.

Part of the attribute stage, under `attribute_claims`. There is no parser: verbs are told by listed words and endings and by the word
before them, and what is doubtful stays whole. All text here is folded (`attribute_rules.folded`).

News says the same words over and over: what lists say of a word is looked up once (`lookup`), as bits of a number, and most patterns
are only tried where a word or a mark that they need is there.
"""

import re
from collections.abc import Iterator
from functools import cache, lru_cache, partial, reduce
from operator import or_
from typing import NamedTuple

from flows.stages.attribute_rules import VERB_FINAL, choice, rules

Range = tuple[int, int]

# Words in a claim. What is shorter says nothing that can be checked, what is longer is more than one proposition or no prose.
# Three words of English are two of a language without articles.
SHORTEST, LONGEST = 3, 60
FINITE, PERHAPS, PRESENT, NO_VERB = 3, 2, 1, 0
# Lists of moods: of two with a cue that begins at one place the first counts.
MOOD_LISTS = ("no_mood", "denied", "predicted", "hedged", "conditional", "normative")
# Words and their places kept: those of a few sentences, and what is known of the commonest words (some ten megabytes).
_FEW, _MANY = 1024, 1 << 16
WORD = re.compile(r"\w+(?:['-]\w+)*")
OUTER = " \t\r\n\xa0\u200b\"'“”„«»‘’‹›()[]{},;:.…!?—–-•*"
# With all that is white space; and those of them that may close what was opened inside.
_OUTER = OUTER + "".join(filter(str.isspace, map(chr, range(0x3001))))
_CLOSING = frozenset('”»)"')
# Words like "And so, however," that are passed over at the beginning; characters of "and so" or "но что" that are at the end.
MAX_OPENERS, HANGING = 3, 12
_DATELINE = re.compile(r"[^\W\d_][^—–:;]{1,40}\s[—–]\s")
_BREAKS = frozenset("—–-:;")


# ---------------------------------------------------------------- words

# What is known of a word: the kind of verb that it can be, and
KIND = 3
RELATIVE, _OPENS, SUBJECT, _PLURAL_SUBJECT, _PLURAL, _NOUN_BEFORE, MOOD = (1 << n for n in range(2, 9))
# that a cue of these lists may begin with it,
_LISTS = ("speech", "openers", "tail", "that", "joints", "joint_words", "meta", "imperative", "wh", "conditional_start", "manner")
SPEECH, _OPENER, _TAIL, _THAT, _JOINT, _JOINT_WORD, META, IMPERATIVE, WH, CONDITIONAL_START, MANNER = (1 << n for n in range(9, 20))
# and which marks stand beside it. A stretch between white space may hold no word or many.
_COMMA, _DASH, _BREAK, QUOTE, _NONE, _MANY_WORDS = (1 << n for n in range(20, 26))
_MARKS = {",": _COMMA, "–": _DASH, "—": _DASH | _BREAK, ";": _BREAK, ":": _BREAK, **dict.fromkeys('"“”„«»', QUOTE)}


class Patterns(NamedTuple):
    cut: re.Pattern
    tail: re.Pattern
    that: re.Pattern
    hanging: re.Pattern
    opener: re.Pattern


@cache
def patterns(language: str) -> Patterns:
    words = rules(language).words
    joints, tails, openers, aside = (choice(words[name]) for name in ("joints", "tail", "openers", "apposition"))
    comma = r"|,\s" if language in VERB_FINAL else ""
    bare = rf"|\s(?:and|but)\s(?=(?:{choice(words['joint_subjects'])})\s)"
    return Patterns(
        cut=re.compile(rf"[,;]\s(?:{joints})\s|;\s|\s[—–-]\s|—|:\s{comma}{bare}"),
        tail=re.compile(rf"(?P<close>,[\"”»]?)\s(?:{tails}|(?:{aside})\s[^,;:]{{1,40}}\s(?:{tails}|that))\s[^,;:]*\Z"),
        that=re.compile(rf"(?:{choice(words['that'])})\s"),
        hanging=re.compile(rf"[,;]?\s(?:{choice(words['joint_words'])})(?:\s\w{{1,3}})?\Z"),
        opener=re.compile(rf"(?:{openers})(?:,\s|\s)"),
    )


class Lookup(dict[str, int]):
    """What is known of each stretch without white space: of its word, if it is one, and of its marks. Looked up once."""

    def __init__(self, language: str) -> None:
        self.words = lru_cache(maxsize=_MANY)(partial(_known, language, _beginnings(language)))

    def __missing__(self, said: str) -> int:
        if len(self) == _MANY:
            self.clear()
        words = WORD.findall(said)
        bits = self.words(words[0]) if len(words) == 1 else _MANY_WORDS if words else _NONE
        if words != [said]:
            bits |= reduce(or_, (bit for mark, bit in _MARKS.items() if mark in said), _BREAK * (said in ("-", "–")))
        self[said] = bits
        return bits


lookup = cache(Lookup)


def _known(language: str, begins: dict[str, int], word: str) -> int:
    words = rules(language).words
    bits = _kind(word, language) | MOOD * bool(mood_cues(word, language)) | _PLURAL * (len(word) > 3 and word[-1] == "s")
    bits |= _OPENS * (word in words["tail"] or word in words["wh"])
    for bit, name in ((RELATIVE, "relative"), (SUBJECT, "subject"), (_PLURAL_SUBJECT, "plural_subject"), (_NOUN_BEFORE, "noun_before")):
        bits |= bit * (word in words[name])
    return bits | reduce(or_, (begins.get(part, 0) for part in re.findall(r"\w+", word)))


def _beginnings(language: str) -> dict[str, int]:
    """By first word, the lists that have a cue beginning with it."""
    words = rules(language).words
    found: dict[str, int] = {}
    for place, name in enumerate(_LISTS):
        for cue in words[name] if name != "manner" else words["wrongly"] | words["rightly"]:
            first = re.findall(r"\w+", cue)[0]
            found[first] = found.get(first, 0) | SPEECH << place
    return found


@lru_cache(maxsize=_FEW)
def read(said: str, language: str) -> tuple[list[int], int]:
    """What is known of each word, and of any."""
    known = lookup(language).__getitem__
    codes = list(map(known, said.split()))
    has = reduce(or_, codes, 0)
    if has & _MANY_WORDS:
        codes = list(map(known, WORD.findall(said)))
        has |= reduce(or_, codes)
    elif has & _NONE:
        codes = [code for code in codes if not code & _NONE]
    return codes, has


def _kind(word: str, language: str) -> int:
    """Whether the word can be a clause's verb: surely, perhaps, only after a plural, or not."""
    words = rules(language).words
    if word in words["finite"] or _has_ending(word, language, "finite_endings"):
        return FINITE
    if word in words["perhaps_finite"] or _has_ending(word, language, "perhaps_endings"):
        return PERHAPS
    present = words["present"]
    if word.endswith("s") and (word[:-1] in present or (word[-3:] == "ies" and word[:-3] + "y" in present) or word[:-2] in present):
        return PERHAPS
    return PRESENT if word in present else NO_VERB


def _has_ending(word: str, language: str, name: str) -> bool:
    endings, pattern = _endings(language, name)
    return word.endswith(endings) and bool(pattern.fullmatch(word))


@cache
def _endings(language: str, name: str) -> tuple[tuple[str, ...], re.Pattern]:
    """The listed endings, and a pattern of words with one."""
    listed = rules(language).words[name]
    return tuple(listed), re.compile(rf"\w{{2,30}}(?:{choice(listed)})")


@lru_cache(maxsize=_FEW)
def mood_cues(word: str, language: str) -> list[tuple[str, list[str]]]:
    """(list, words that follow) of the cues of moods that begin with the word, the longest first."""
    first, endings = _moods(language)
    return [*first.get(word, ()), *((name, []) for name, ending in endings if ending.fullmatch(word))]


@cache
def _moods(language: str) -> tuple[dict[str, list[tuple[str, list[str]]]], list[tuple[str, re.Pattern]]]:
    words = rules(language).words
    listed = [(name, cue.split()) for name in MOOD_LISTS for cue in words[name]]
    first: dict[str, list[tuple[str, list[str]]]] = {}
    for name, cue in sorted(listed, key=lambda pair: -len(pair[1])):
        first.setdefault(cue[0], []).append((name, cue[1:]))
    endings = {name: [w for w in words[name] if "*" in w] for name in MOOD_LISTS}
    return first, [(name, re.compile(choice(of))) for name, of in endings.items() if of]


# ---------------------------------------------------------------- verbs


class Verbs(NamedTuple):
    """How many words a stretch has, how many verb groups that no relative takes (sure ones, and all), and what is known of the first
    word; the kinds of verb that the first and the last one are here."""

    words: int
    sure: int
    all: int
    first: int
    first_kind: int
    last_kind: int


@lru_cache(maxsize=_FEW)
def verbs(said: str, language: str) -> Verbs:
    codes, _ = read(said, language)
    sure = doubtful = relatives = first_kind = 0
    at, was = -1, NO_VERB
    for n, code in [(n, code) for n, code in enumerate(codes) if code & (KIND | RELATIVE)]:
        was = was if at == n - 1 else NO_VERB
        kind = _kind_after(code & KIND, codes[n - 1] if n else 0, was)
        if not n:
            first_kind = kind
        if code & RELATIVE and (n or code & _OPENS):
            relatives += 1
        elif kind and not (kind == FINITE and was == FINITE):
            # The verb after a relative is that clause's.
            if relatives:
                relatives -= 1
            else:
                sure, doubtful = sure + (kind == FINITE), doubtful + (kind < FINITE)
        at, was = n, kind
    return Verbs(len(codes), sure, sure + doubtful, codes[0] if codes else 0, first_kind, was if at == len(codes) - 1 else NO_VERB)


def _kind_after(kind: int, before: int, was: int) -> int:
    """The kind of verb that a word is after another, whose kind was `was`."""
    if kind < FINITE and (before & _NOUN_BEFORE or was == FINITE):
        return NO_VERB
    if kind == PRESENT and not (before & _PLURAL_SUBJECT or (before & _PLURAL and was == NO_VERB)):
        return NO_VERB
    return kind


def _shortest(language: str) -> int:
    return SHORTEST if language == "en" else SHORTEST - 1


def is_clause(said: str, language: str, is_question: bool = False) -> bool:
    """Whether the words have a main verb of their own, as far as words tell."""
    of = verbs(said, language)
    if language in VERB_FINAL:
        return of.words >= _shortest(language) and _ends_in_verb(said, language)
    if of.words < _shortest(language) or not of.all:
        return False
    # What begins with its verb is cut off from its subject, or a question or condition.
    is_cut_off = language == "en" and of.first_kind == FINITE
    return not is_cut_off or is_question or is_condition(said, language)


def is_condition(said: str, language: str) -> bool:
    """Whether the words begin as "should the dam" and "had it" do."""
    return bool(verbs(said, language).first & CONDITIONAL_START and rules(language).cues["conditional_start"].match(said))


def _stands_alone(said: str, language: str) -> bool:
    """Whether they surely are a clause: where a sentence is cut, both sides have to be."""
    of = verbs(said, language)
    if language in VERB_FINAL:
        return of.words >= _shortest(language) and of.last_kind == FINITE
    return of.words >= _shortest(language) and of.first_kind == NO_VERB and bool(of.sure or (of.first & SUBJECT and of.all))


def _ends_in_verb(said: str, language: str) -> bool:
    """Whether the last word may be a verb, or the one before it surely is ("açılacaq bu gün" has more after it and is left out)."""
    kinds = [code & KIND for code in read(said, language)[0][-2:]]
    return any(kinds[-1:]) or kinds[:1] == [FINITE]


# ---------------------------------------------------------------- where clauses begin and end


def clauses(low: str, start: int, end: int, language: str) -> Iterator[Range]:
    """The stretch, cut where clauses are joined: conservative, what is doubtful stays together."""
    unmarked = inner(low, start, end)
    for part in _cut(low, *_untied(low, *unmarked, language), language):
        a, b = part if part == unmarked else trimmed(low, *part, language)
        b = _without_tail(low, a, b, language)
        if a < b and verbs(low[a:b], language).words <= LONGEST:
            yield a, b


def _cut(low: str, start: int, end: int, language: str) -> list[Range]:
    has, at, edges = read(low[start:end], language)[1], start, []
    dateline = _DATELINE.match(low, start, end) if has & _DASH else None
    if dateline and not verbs(low[start : dateline.end()], language).all:
        at = dateline.end()
    if not has & (_BREAK | _JOINT | _COMMA * (language in VERB_FINAL)):
        return [(at, end)]
    pattern = patterns(language).cut
    for cut in pattern.finditer(low, start, end):
        is_bare = low[cut.start()].isspace() and low[cut.start() + 1].isalpha()
        if is_bare and any(code & RELATIVE for code in read(low[at : cut.start()], language)[0]):
            continue
        is_whole = is_clause if low[cut.start()] == ";" else _stands_alone
        if not is_whole(low[at : cut.start()], language):
            continue
        following = next((c.start() for c in pattern.finditer(low, cut.end(), end) if c.start() - cut.end() > 8), end)
        if is_whole(low[cut.end() : following], language):
            edges.append((at, cut.start()))
            at = cut.end()
        elif low[cut.start() : cut.end()].strip() in _BREAKS and following == end:
            # An apposition, or a list: the clause before it is whole.
            end = cut.start()
            break
    return [*edges, (at, end)]


def _without_tail(low: str, start: int, end: int, language: str) -> int:
    """The end of the stretch before ", who leads it", if it is a clause without."""
    has = read(low[start:end], language)[1]
    tail = patterns(language).tail.search(low, start, end) if has & _COMMA and has & (_TAIL | _THAT) else None
    if not tail:
        return end
    listed = tuple(rules(language).words["tail"])
    is_listed = "," in low[start : tail.start()] and not low.startswith(listed, tail.end("close") + 1)
    is_whole = not is_listed and _stands_alone(low[start : tail.start()], language)
    return inner(low, start, tail.end("close"))[1] if is_whole else end


def content(low: str, start: int, end: int, language: str) -> Range:
    """What is said, without "that" before it."""
    start, end = trimmed(low, start, end, language)
    that = patterns(language).that.match(low, start, end)
    return inner(low, that.end(), end) if that else (start, end)


def trimmed(low: str, start: int, end: int, language: str) -> Range:
    """Without outer marks, and the words that only tie it to what stands before."""
    return _untied(low, *inner(low, start, end), language)


def _untied(low: str, start: int, end: int, language: str) -> Range:
    codes, has = read(low[start:end], language)
    if codes and codes[0] & _OPENER:
        start, end = _without_openers(low, start, end, language)
    is_hanging = has & _JOINT_WORD and any(code & _JOINT_WORD for code in codes[-3:])
    hanging = patterns(language).hanging.search(low, max(start, end - HANGING), end) if is_hanging else None
    return inner(low, start, hanging.start()) if hanging else (start, end)


def _without_openers(low: str, start: int, end: int, language: str) -> Range:
    for _ in range(MAX_OPENERS):
        opener = patterns(language).opener.match(low, start, end)
        if not opener:
            break
        start, end = inner(low, opener.end(), end)
    return start, end


def inner(low: str, start: int, end: int) -> Range:
    """Without outer marks, but for those that close what was opened inside."""
    said, stop = low[start:end].lstrip(_OUTER), end
    start = end - len(said)
    end = start + len(said.rstrip(_OUTER))
    closing = low[end : min(stop, end + 3)]
    if _CLOSING.isdisjoint(closing):
        return start, end
    for opens, closes in ("“”", "«»", "()", '""'):
        if closes not in closing:
            continue
        opened = low.count(opens, start, end)
        if opened and (opened % 2 if opens == closes else opened > low.count(closes, start, end)):
            end = low.index(closes, end) + 1
    return start, end
