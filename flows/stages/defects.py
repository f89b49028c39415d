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
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence

from ftfy.badness import is_bad

from flows.traced import Traced

PROSE = frozenset({"paragraph", "standfirst", "quote", "list_item", "note", "caption"})
BODY = frozenset({"paragraph", "quote", "list_item"})

# A place in the text and the name of the defect that begins there.
Hit = tuple[int, str]


def defects(text: Traced, segments: Sequence, language: str | None) -> list[tuple[str, ...]]:
    """The sorted names of the defects of each segment: those that begin in its range, so a block has its sentences'.

    `segments` have start, end, unit and parent: blocks in order and disjoint (parent None), each before its sentences.
    `language` is the document's, ISO 639-1.

    elided_links, measured on English: flagged are 48 % of 945 published sentences whose link text was deleted (the others
    leave a gap that no closed-class word betrays), and of sound sentences 0.5 in 1,000 in edited news (34,397, on which the
    patterns were chosen) and 1.7 in 1,000 on other web pages (6,656, not looked at before; most are a typist's " ,").
    Other languages are searched for stranded punctuation only.
    """
    whole = text.text
    blocks = [s for s in segments if s.parent is None]
    pasted = _pasted_names([whole, *_removed(text)])
    hits = sorted([*_elided(whole, blocks, language), *_foreign(whole, blocks, pasted), *_replaced(whole), *_truncated(text, blocks)])
    starts = [at for at, _ in hits]
    begins, ends = _suspects(whole)
    found = []
    for s in segments:
        names = {name for _, name in hits[bisect_left(starts, s.start) : bisect_left(starts, s.end)]}
        suspect = bisect_right(ends, s.start) < bisect_left(begins, s.end)
        if suspect and _is_mojibake(whole[s.start : s.end]):
            names.add("undecided_mojibake")
        found.append(tuple(sorted(names)))
    return found


def document_defects(text: Traced, found: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The sorted names for the document: those of its segments (`found`), and a name pasted over in what was removed."""
    names = {name for each in found for name in each}
    if _pasted_names([text.text, *_removed(text)]):
        names |= {"foreign_script", "third_party_copy"}
    return tuple(sorted(names))


def _removed(text: Traced) -> list[str]:
    return [text.before(e) for e in text.edits if e.kind == "removed"]


# Where the text of a link was dropped the words around it meet: a determiner and a word that cannot follow one, two
# commas, a quotation or bracket with nothing in it. Chosen as what deleted links leave behind and clean text does not have.
_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December|(?:Jan|Feb|Mar|Apr|Aug|Sept|Oct|Nov|Dec)\.)"
)
_GAP_ANYWHERE = re.compile(
    # "the talks, , failed", "(, 2019)"
    r",,|,\s+[,.;](?!\.)|\(\s*,|,\s*\)|;\s*,"
    # "a so-called “.”", "the figure ()"
    r"|(?<!\S)(?:\(\s*[.,]?\s*\)|“\s*[.,]?\s*”|\"[.,]?\")(?!\w)",
    re.MULTILINE,
)
# "After , prices", "according to ." — unless the document puts spaces there as a habit.
_GAP_BEFORE_MARK = re.compile(r"(?<=[\w”\"’)]) (?:,(?=\s|$)|\.(?=\s*$|\s+[A-Z“]))", re.MULTILINE)
_MARK = re.compile(r"[,.](?=\s|$)")
HABIT_SHARE = 0.1
HABIT_COUNT = 5
# "A" is an article at the start of a sentence; elsewhere it is a name ("plan A and").
_ARTICLE = r"(?:an?|An|[Tt]he|(?<![\w,;:)] )A)"
_NOUN_IN_ED = (
    r"(?:need|seed|speed|breed|deed|feed|weed|reed|greed|creed|shed|bloodshed|watershed|red|hatred|kindred|hundred|shred|sled"
    r"|bed|seabed|riverbed|embed)"
)
_GAP_ENGLISH = [
    # "found in the.", "for a, "
    r"(?:an|[Tt]he|our|their|its|my|your|every|(?<=[a-z,] )a) ?[,.;:!?](?![\w.])",
    # "a of", "the to", "their is"
    rf"(?:{_ARTICLE}|[Oo]ur|[Tt]heir|[Ii]ts|[Mm]y|[Yy]our|[Ee]very) (?:of|to|in|on|at|by|with|from|for|and|or|that|which|who|whom|whose"
    r"|is|are|was|were|has|have|had|would|been|than|but|into|between|under|during|after|before|because|when|where)(?![\w-])",
    # "read this and."
    r"(?:and|or|via|than) ?\.(?![.\w]| \.)",
    # "at in", "to by"
    r"(?:at (?:in|of|and|by|from|with)|to (?:by|of)|of by|into (?:of|by)|by (?:of|is)|with (?:of|by))(?![\w-])",
    # "a published by", "the released last week"
    rf"{_ARTICLE} (?!{_NOUN_IN_ED}\b)(?:[a-z]{{2,}}ed|written|given|taken|spoken|shown)"
    r" (?:by|in|on|at|from|earlier|last (?:week|month|year|night))\b",
    # "in a May 3 by"
    rf"[Aa]n? {_MONTH} \d{{1,2}}(?:, \d{{4}},?)? (?:by|of|in|from|with|that|to|and|on)\b",
    # "In May, Peru to increase"
    rf"(?:In|On) {_MONTH}(?: \d{{1,2}})?, (?:the )?[A-Z]\w+ to [a-z]+",
    # "has as a partner"
    r"(?<!I )(?:has|have|had) as an?\b",
    # "a number of that failed"
    r"(?:series|number|range|wave|list|string|spate|host|array|variety) of (?:that|to|in|on|at|by|from|have|has|were|was|are|is)(?![\w-])",
    # "a new of", "the large Danish of wheat"
    rf"{_ARTICLE} (?:new|recent|recently|massive|major|reported|similar|previous) (?:of|by|from|to|with|which|in)\b",
    r"(?:massive|large|major|recent|new|reported|latest) [A-Z][a-z]+(?:ian|ish|ese|ani|can) of [a-z]",
    # "the minister, openly Peru and"
    r"(?<=, )(?:directly|openly|publicly|repeatedly|explicitly|strongly|formally|falsely|sharply|bluntly) [A-Z][a-z]+ (?:and|of|for)\b",
    # "the newspaper Volna “the collapse of"
    r"[A-Z][^\W\d_A-Z]+ “(?:the|an?) [a-z]+ (?:of|for|to|in) ",
    # "I about this last year"
    r"(?:I|he|she|we) (?:about|into)\b",
]
_GAP_LEXICAL = re.compile(rf"(?<![\w.'’&-])(?=[A-Za-z])(?:{'|'.join(_GAP_ENGLISH)})")
# A paragraph whose first word was a link: "is all about helping"
_GAP_FIRST = re.compile(r"(?:is|are|was|were|has|have|had|will|said|says|told|of|by|and|that|which|who|to|from) ")


def _elided(text: str, blocks: Sequence, language: str | None) -> Iterator[Hit]:
    prose = [s for s in blocks if s.unit in PROSE]
    patterns = [_GAP_ANYWHERE]
    spaced, marks = (sum(1 for s in prose for _ in p.finditer(text, s.start, s.end)) for p in (_GAP_BEFORE_MARK, _MARK))
    if spaced < HABIT_COUNT or spaced < HABIT_SHARE * marks:
        patterns.append(_GAP_BEFORE_MARK)
    if language == "en":
        patterns.append(_GAP_LEXICAL)
    for s in prose:
        block = text[s.start : s.end]
        for pattern in patterns:
            yield from ((s.start + m.start(), "elided_links") for m in pattern.finditer(block))
        if language == "en" and s.unit == "paragraph" and _GAP_FIRST.match(block):
            yield s.start, "elided_links"


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
_SCRIPT = {name: re.compile(f"[{chars}]") for name, chars in _SCRIPTS.items()}
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
    runs, home, total = [], set(), dict.fromkeys(_SCRIPTS, 0)
    for s in blocks:
        here = dict.fromkeys(_SCRIPTS, 0)
        for m in _RUN.finditer(text, s.start, s.end):
            script = next(name for name, pattern in _SCRIPT.items() if pattern.match(m[0]))
            here[script] += len(m[0])
            runs.append((script, m))
        home |= {name for name, n in here.items() if 2 * n > s.end - s.start}
        total = {name: n + here[name] for name, n in total.items()}
    length = sum(s.end - s.start for s in blocks)
    home |= {name for name, n in total.items() if n > HOME_SHARE * length}
    for script, m in runs:
        if m[0] in pasted:
            yield m.start(), "third_party_copy"
        if script not in home and len(m[0]) <= MAX_FOREIGN and not (script == "Greek" and len(m[0]) == 1) and not _introduced(text, m):
            yield m.start(), "foreign_script"


def _introduced(text: str, run: re.Match) -> bool:
    start, end = run.span()
    if text[start - 1 : start].isalpha() or text[end : end + 1].isalpha():
        return False  # inside a word of another script
    return bool(_INTRODUCED_BEFORE.search(text[max(0, start - _LOOK_BACK) : start]) or _INTRODUCED_AFTER.match(text, end))


def _pasted_names(texts: Sequence[str]) -> frozenset[str]:
    """Foreign names that stand at least twice, in running text, where a native one would."""
    placed = Counter()
    for text in texts:
        if text.isascii() or not _RUN.search(text):  # as most texts
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


# What UTF-8 read as GBK leaves behind, which ftfy does not know.
_GBK = re.compile(r"[\u9225\u9428]|锟斤拷|\w銆|锛\w")
# What ftfy knows at the start of a text only; all else it finds in a segment it finds in the whole.
_AT_START = re.compile("[ÃÂ] ")
# All of it has a character beyond ASCII among its first three, and at most five in all; to look only there is quicker.
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
_AROUND = (2, 4)


def _suspects(text: str) -> tuple[list[int], list[int]]:
    """Where the stretches begin, and where they end, outside of which no segment holds mojibake."""
    before, after = _AROUND
    around = [(max(0, m.start() - before), m.end() + after) for m in _BEYOND_ASCII.finditer(text)]
    found = [(a, b) for a, b in around if _is_mojibake(text[a:b]) or _AT_START.search(text, a, b)]
    return [a for a, _ in found], [b for _, b in found]


def _is_mojibake(stretch: str) -> bool:
    return not stretch.isascii() and (is_bad(stretch) or bool(_GBK.search(stretch)))


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
