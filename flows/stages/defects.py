"""Defects: what is wrong with a document's text and was not, or could not be, repaired, by name, segment by segment.

A defect is a flag for whoever trains on the text; nothing is changed here. The names:

    elided_links            words are missing where links stood ("a published by", "the talks, , failed", an empty “.”)
    foreign_script          a few characters of a script foreign to the document, not introduced as a foreign word
    third_party_copy        a foreign name pasted over a native one, again and again
    undecided_mojibake      residue that looks like text decoded wrongly
    replacement_characters  U+FFFD
    truncated               the body breaks off inside a sentence or a character
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from ftfy.badness import MOJIBAKE_CATEGORIES, is_bad

from flows.traced import Traced

PROSE = frozenset({"paragraph", "standfirst", "quote", "list_item", "note", "caption"})
BODY = frozenset({"paragraph", "quote", "list_item"})

# A place in the text and the name of the defect that begins there.
Hit = tuple[int, str]


class Defects(NamedTuple):
    """Sorted names: of each segment, those that begin in its range, so a block has its sentences'; and of the document, those of its
    segments and a name pasted over in what was removed."""

    of_segments: list[tuple[str, ...]]
    of_document: tuple[str, ...]


def defects(text: Traced, segments: Sequence, language: str | None) -> Defects:
    """`segments` have start, end, unit and parent: blocks in order and disjoint (parent None), each before its sentences.
    `language` is the document's, ISO 639-1.

    elided_links, measured on English: flagged are 48 % of 945 published sentences whose link text was deleted (the others
    leave a gap that no closed-class word betrays), and of sound sentences 0.5 in 1,000 in edited news (34,397, on which the
    patterns were chosen) and 1.7 in 1,000 on other web pages (6,656, not looked at before; most are a typist's " ,").
    Other languages are searched for stranded punctuation only.
    """
    whole = text.text
    blocks = [s for s in segments if s.parent is None]
    pasted = _pasted_names([whole, *(text.before(e) for e in text.edits if e.kind == "removed")])
    names: dict[int, set[str]] = {i: {"undecided_mojibake"} for i in _mojibake(whole, segments)}
    starts = [s.start for s in segments]
    for at, name in [*_elided(whole, blocks, language), *_foreign(whole, blocks, pasted), *_replaced(whole), *_truncated(text, blocks)]:
        last = bisect_right(starts, at) - 1
        for i in (last, segments[last].parent) if last >= 0 else ():  # the sentence and its block
            if i is not None and segments[i].start <= at < segments[i].end:
                names.setdefault(i, set()).add(name)
    all_names = {"foreign_script", "third_party_copy"} if pasted else set()
    return Defects([tuple(sorted(names.get(i, ()))) for i in range(len(segments))], tuple(sorted(all_names.union(*names.values()))))


# Where the text of a link was dropped the words around it meet: a determiner and a word that cannot follow one, two
# commas, a quotation or bracket with nothing in it. Chosen as what deleted links leave behind and clean text does not have.
_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December|(?:Jan|Feb|Mar|Apr|Aug|Sept|Oct|Nov|Dec)\.)"
)
_GAP_ANYWHERE = re.compile(
    # "the talks, , failed", "(, 2019)"
    r",(?:,|\s+[,.;](?!\.)|\s*\))|\(\s*,|;\s*,"
    # "a so-called “.”", "the figure ()"
    r"|\((?<!\S\()\s*[.,]?\s*\)(?!\w)|“(?<!\S“)\s*[.,]?\s*”(?!\w)|\"(?<!\S\")[.,]?\"(?!\w)"
)
# "After , prices", "according to ." — unless the document puts spaces there as a habit.
_GAP_BEFORE_MARK = re.compile(r" (?<=[\w”\"’)] )(?:,(?=\s|$)|\.(?=\s*$|\s+[A-Z“]))", re.MULTILINE)
_MARK = re.compile(r"[,.](?=\s|$)")
HABIT_SHARE = 0.1
HABIT_COUNT = 5
_ARTICLES = "a an An the The A"
_POSSESSIVES = "our their its my your every"
# "A" is an article at the start of a sentence; elsewhere it is a name ("plan A and").
_IS_ARTICLE = r"(?<![\w,;:)] A)"
_NOUN_IN_ED = (
    r"(?:need|seed|speed|breed|deed|feed|weed|reed|greed|creed|shed|bloodshed|watershed|red|hatred|kindred|hundred|shred|sled"
    r"|bed|seabed|riverbed|embed)"
)
# First words, and what betrays a gap behind one of them.
_GAPS_ENGLISH = [
    # "found in the.", "for a, "
    (f"an The the {_POSSESSIVES}", r" ?[,.;:!?](?![\w.])"),
    ("a", r"(?<=[a-z,] a) ?[,.;:!?](?![\w.])"),
    # "a of", "the to", "their is"
    (
        f"{_ARTICLES} {_POSSESSIVES} {_POSSESSIVES.title()}",
        rf"{_IS_ARTICLE} (?:of|to|in|on|at|by|with|from|for|and|or|that|which|who|whom|whose|is|are|was|were|has|have|had|would|been"
        r"|than|but|into|between|under|during|after|before|because|when|where)(?![\w-])",
    ),
    # "read this and."
    ("and or via than", r" ?\.(?![.\w]| \.)"),
    # "at in", "to by"
    ("at", r" (?:in|of|and|by|from|with)(?![\w-])"),
    ("to into", r" (?:by|of)(?![\w-])"),
    ("of", r" by(?![\w-])"),
    ("by", r" (?:of|is)(?![\w-])"),
    ("with", r" (?:of|by)(?![\w-])"),
    # "a published by", "the released last week"
    (
        _ARTICLES,
        rf"{_IS_ARTICLE} (?!{_NOUN_IN_ED}\b)(?:[a-z]{{2,}}ed|written|given|taken|spoken|shown)"
        r" (?:by|in|on|at|from|earlier|last (?:week|month|year|night))\b",
    ),
    # "in a May 3 by"
    ("a A an An", rf" {_MONTH} \d{{1,2}}(?:, \d{{4}},?)? (?:by|of|in|from|with|that|to|and|on)\b"),
    # "In May, Peru to increase"
    ("In On", rf" {_MONTH}(?: \d{{1,2}})?, (?:the )?[A-Z]\w+ to [a-z]+"),
    # "has as a partner"
    ("has have had", r"(?<!I has)(?<!I had)(?<!I have) as an?\b"),
    # "a number of that failed"
    (
        "series number range wave list string spate host array variety",
        r" of (?:that|to|in|on|at|by|from|have|has|were|was|are|is)(?![\w-])",
    ),
    # "a new of", "the large Danish of wheat"
    (_ARTICLES, rf"{_IS_ARTICLE} (?:new|recent|recently|massive|major|reported|similar|previous) (?:of|by|from|to|with|which|in)\b"),
    ("massive large major recent new reported latest", r" [A-Z][a-z]+(?:ian|ish|ese|ani|can) of [a-z]"),
    # "I about this last year"
    ("I he she we", r" (?:about|into)\b"),
]
# "the newspaper Volna “the collapse of"
_GAP_QUOTED = re.compile(r"(?P<gap>[A-Z](?<![\w.'’&-].)[^\W\d_A-Z]+ “(?:the|an?) [a-z]+ (?:of|for|to|in) )")
# "the minister, openly Peru and"
_GAP_ADVERB = re.compile(
    r", (?P<gap>(?:directly|openly|publicly|repeatedly|explicitly|strongly|formally|falsely|sharply|bluntly) [A-Z][a-z]+ (?:and|of|for)\b)"
)


def _by_first_letter(gaps: Sequence[tuple[str, str]]) -> re.Pattern:
    """One pattern of all, its group `gap` at the first word, something before it: a tree by letters, so that a word is looked at
    once and not by each."""
    words: dict[str, list[str]] = {}
    for firsts, rest in gaps:
        for word in firsts.split():
            words.setdefault(word, []).append(rest)
    letters: dict[str, list[str]] = {}
    for word, rests in words.items():
        letters.setdefault(word[0], []).append(f"{word[1:]}(?:{'|'.join(rests)})")
    tree = "|".join(f"{letter}(?:{'|'.join(rests)})" for letter, rests in letters.items())
    return re.compile(rf"[^\w.'’&-](?P<gap>{tree})")


_GAP_ENGLISH = (_by_first_letter(_GAPS_ENGLISH), _GAP_QUOTED, _GAP_ADVERB)

# A paragraph whose first word was a link: "is all about helping"
_GAP_FIRST = re.compile(r"(?:is|are|was|were|has|have|had|will|said|says|told|of|by|and|that|which|who|to|from) ")


def _elided(text: str, blocks: Sequence, language: str | None) -> Iterator[Hit]:
    prose = [(s.start, text[s.start : s.end]) for s in blocks if s.unit in PROSE]
    found = [start + m.start() for start, block in prose for m in _GAP_ANYWHERE.finditer(block)]
    spaced = [start + m.start() for start, block in prose for m in _GAP_BEFORE_MARK.finditer(block)]
    if len(spaced) < HABIT_COUNT or len(spaced) < HABIT_SHARE * sum(len(_MARK.findall(block)) for _, block in prose):
        found += spaced
    if language == "en":
        found += [start + m.start("gap") - 1 for start, block in prose for pattern in _GAP_ENGLISH for m in pattern.finditer(f" {block}")]
        found += [s.start for s in blocks if s.unit == "paragraph" and _GAP_FIRST.match(text, s.start)]
    return ((at, "elided_links") for at in found)


# Scripts by their main blocks. Latin is at home everywhere, and a lone Greek letter is a symbol. U+9225 stands in no text of
# today: it is what the first two bytes of a UTF-8 quotation mark or dash become under GBK.
_SCRIPTS = {
    "Cyrillic": "\u0400-\u052f",
    "Greek": "\u0370-\u03ff\u1f00-\u1fff",
    "Armenian": "\u0531-\u058f",
    "Hebrew": "\u0590-\u05ff",
    "Arabic": "\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefc",
    "Indic": "\u0900-\u0dff",
    "Thai": "\u0e00-\u0eff",
    "Georgian": "\u10a0-\u10ff",
    "Hangul": "\u1100-\u11ff\uac00-\ud7af",
    "CJK": "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9224\u9226-\u9fff\uf900-\ufaff",
}
_ANY = "".join(_SCRIPTS.values())
_RUN = re.compile(f"[{_ANY}]+(?:[ ·-][{_ANY}]+)*")
# A script is at home where a twentieth of the document or half a block is written in it.
HOME_SHARE = 0.05
# Longer runs are quotations or titles, and someone meant them.
MAX_FOREIGN = 12
# How a foreign word is introduced: in brackets or quotation marks, by its reading or translation, or called a word.
_INTRODUCED_BEFORE = re.compile(
    r"(?:[(\[{（「『《〈“”‘\"'«„/:,=–—-]\s?"
    r"|\b(?:word|term|phrase|characters?|letters?|called|named|meaning|pronounced|written|or|as|in) )$"
)
_INTRODUCED_AFTER = re.compile(r"\s?[)\]}）」』》〉”\"»/:,=–—-]|\s?['’](?!s\b)|\s\(| (?:or|meaning|means|which)\b")
# Where a native name would stand: before a genitive (its apostrophe may be damaged), or between capitalised words.
_GENITIVE = re.compile(r"(?:['’]s|\u9225\u6a9a)\b")
_CAPITALISED_BEFORE = re.compile(r"\b[A-Z][\w'’-]* $")
_CAPITALISED_AFTER = re.compile(r" [A-Z]\w")
_LOOK_BACK = 24
_NATIVE_WORD = re.compile(r"\b[a-z]+\b")
MIN_NATIVE_WORDS = 6


def _foreign(text: str, blocks: Sequence, pasted: frozenset[str]) -> Iterator[Hit]:
    if not _has_foreign(text):
        return
    runs, home = [], set()
    total: Counter[str] = Counter()
    for s in blocks:
        here: Counter[str] = Counter()
        for m in _RUN.finditer(text, s.start, s.end):
            script = _script(m[0][0])
            here[script] += len(m[0])
            runs.append((script, m))
        home |= {name for name, n in here.items() if 2 * n > s.end - s.start}
        total.update(here)
    length = sum(s.end - s.start for s in blocks)
    home |= {name for name, n in total.items() if n > HOME_SHARE * length}
    for script, m in runs:
        if m[0] in pasted:
            yield m.start(), "third_party_copy"
        if script not in home and len(m[0]) <= MAX_FOREIGN and not (script == "Greek" and len(m[0]) == 1) and not _introduced(text, m):
            yield m.start(), "foreign_script"


def _has_foreign(text: str) -> bool:
    return not text.isascii() and bool(_RUN.search(text))


@cache
def _script(character: str) -> str:
    return next(name for name, characters in _SCRIPTS.items() if re.match(f"[{characters}]", character))


def _introduced(text: str, run: re.Match) -> bool:
    start, end = run.span()
    if text[start - 1 : start].isalpha() or text[end : end + 1].isalpha():
        return False  # inside a word of another script
    return bool(_INTRODUCED_BEFORE.search(text[max(0, start - _LOOK_BACK) : start]) or _INTRODUCED_AFTER.match(text, end))


def _pasted_names(texts: Sequence[str]) -> frozenset[str]:
    """Foreign names that stand at least twice, in running text, where a native one would."""
    placed: Counter[str] = Counter()
    for text in texts:
        if not _has_foreign(text):
            continue
        for line in text.splitlines():
            runs = [m for m in _RUN.finditer(line) if 1 < len(m[0]) <= MAX_FOREIGN]
            # A menu of languages has foreign names between capitalised ones too.
            if runs and len(_NATIVE_WORD.findall(line)) >= MIN_NATIVE_WORDS:
                placed.update(m[0] for m in runs if _is_placed(line, m))
    return frozenset(name for name, n in placed.items() if n > 1)


def _is_placed(line: str, run: re.Match) -> bool:
    before = line[max(0, run.start() - _LOOK_BACK) : run.start()]
    between = _CAPITALISED_BEFORE.search(before) and _CAPITALISED_AFTER.match(line, run.end())
    return bool(between or _GENITIVE.match(line, run.end()))


def _replaced(text: str) -> Iterator[Hit]:
    return ((m.start(), "replacement_characters") for m in re.finditer("\ufffd", text))


# What UTF-8 read as GBK leaves behind, which ftfy does not know. (It begins with one set of characters, to which the search skips.)
_GBK = re.compile(r"[\u9225\u9428锟銆锛](?:(?<=[\u9225\u9428])|(?<=锟)斤拷|(?<=\w銆)|(?<=锛)\w)")
# What every pattern of ftfy's has, which take ten times as long: mostly a mark or a capital of Europe's after another character
# beyond ASCII, or a small letter after such a mark; of those that ftfy lists, as ə and ı are not.
_LISTED = re.compile(f"[{''.join(MOJIBAKE_CATEGORIES.values())}]")
_EUROPE = "".join(filter(_LISTED.match, map(chr, [*range(0x80, 0x370), 0x384, 0x385, 0x490, 0x491])))
_SMALL = "".join(c for c in _EUROPE if c.islower() and c not in "ªµºƒ")
_ODD = f"[{''.join(c for c in _EUROPE if c not in _SMALL)}\u2010-\u2fff\uf8ff\ufffd]"
_MAY_BE_BAD = re.compile(rf"[^\x00-\x7f](?:{_ODD}|(?<={_ODD})[{_SMALL}ﬁﬂ]|(?<=[вВ])Ђ|(?<=[\x80-\x9fŒœÂÃ]))")


def _mojibake(text: str, segments: Sequence) -> Iterator[int]:
    """The numbers of the segments that hold residue; sentences are looked at where their block has some."""
    bad: set[int] = set()
    for i, s in enumerate(segments):
        if (s.parent is None or s.parent in bad) and _is_mojibake(text[s.start : s.end]):
            bad.add(i)
            yield i


def _is_mojibake(stretch: str) -> bool:
    return not stretch.isascii() and bool((_MAY_BE_BAD.search(stretch) and is_bad(stretch)) or _GBK.search(stretch))


_ENDED = re.compile(r"[.!?…。！？؟۔।:;♦■*\])）]\W*$")
_SENTENCE_END = re.compile(r"[.!?…。！？؟۔।][\"'”’»)\]]*\s")
_ADDRESS = re.compile(r"www\.|https?:|@|\w/\w*$")
# Words and marks that something always follows.
_OPEN_END = re.compile(r"(?:[,(\[„–—-]|\b(?:an?|the|of|to|in|on|at|by|for|from|with|and|or|but|that|which|is|are|was|were))$")
# A last paragraph breaks off if the others end as sentences do, and it begins a sentence after another one without ending it.
MIN_OTHERS = 3
MIN_ENDED_SHARE = 0.8
MIN_BROKEN_OFF = 20
# A character cut in two this near the end of the text is the end of the file.
END_WINDOW = 200


def _truncated(text: Traced, blocks: Sequence) -> Iterator[Hit]:
    body = [s for s in blocks if s.unit in BODY]
    if not body:
        return
    last, whole = body[-1], text.text
    cut = any("truncated_character" in e.rules and e.end >= len(whole) - END_WINDOW for e in text.edits)
    if cut or (_breaks_off(whole[last.start : last.end]) and _ends_properly(whole, body[:-1])):
        yield last.end - 1, "truncated"


def _breaks_off(paragraph: str) -> bool:
    *before, tail = _SENTENCE_END.split(paragraph)
    if _OPEN_END.search(tail):
        return True
    return bool(before) and len(tail) >= MIN_BROKEN_OFF and not _ENDED.search(tail) and not _ADDRESS.search(tail)


def _ends_properly(text: str, others: Sequence) -> bool:
    ended = sum(bool(_ENDED.search(text[max(s.start, s.end - 8) : s.end])) for s in others)
    return len(others) >= MIN_OTHERS and ended >= MIN_ENDED_SHARE * len(others)
