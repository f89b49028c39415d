"""Where the sentences of a paragraph end.

Part of the segment stage. No library: every place where sentencex or blingfire is wrong about news has to be decided again, and
what decides them decides the rest too. Mean boundary F1 of nine Universal Dependencies dev sets: .945, blingfire .913, sentencex
.897; .955 is what one gets who finds every boundary that has a mark. 20 to 30 million characters a second.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

# Marks that end a sentence: of scripts that put a space after them, and of scripts that do not. Emoji stand in for them, and so
# does the empty Braille cell, which social networks print as a line end.
_SPACED = ".!?…؟۔‼⁇⁈⁉"
_WIDE = "。！？｡．"
# Of these it is certain that they end a sentence, with a space after them or without.
_CERTAIN = "।॥።፧፨။។։།"
# What ends a sentence in one language and not in others: the question mark of Greek, the colon that Armenian is typed with.
_OWN_MARKS = {"el": ";\u037e", "hy": ":"}
_EMOJI = "\U0001f300-\U0001faff\u2600-\u27bf\u2800\ufe0f\u200d"


@cache
def _ending(own: str) -> re.Pattern:
    """A mark or a smile, what closes with it, and the white space behind; `own` are marks of one language only. (It begins with one
    set of characters, as then what begins no match is passed over quickly.)"""
    marks = f"{_SPACED}{_WIDE}{_CERTAIN}{_EMOJI}{own}"
    return re.compile(
        rf"(?P<mark>[{marks}:;=)](?:(?<=[{marks}])(?:(?:\s\.)+|[{marks}]*)|(?<=[:;=])-?\)+|(?<=\))\)+))"
        # What still belongs to the sentence: closing quotation marks and brackets, a French quote's " »", emoticons, emoji.
        rf"(?P<close>(?:[\"'”’»›)\]}}」』”）】》〉]|\s[»”](?!\S)|\s?[:;=]-?[)(DP](?!\w)|\s?[{_EMOJI}]+|(?<=[”』」])[{_WIDE}])*)"
        r"(?P<gap>\s*)"
    )


_SPACE = re.compile(r"\s*")
_OPENING = re.compile(r"(?:[\"'“‘«‹„‚(\[{¿¡*•–—-]\s?)*")
_WORD = re.compile(r"[^\W\d_]+(?:['’.-][^\W\d_]+)*")
# “…!” Maria Smith said. — but not: I said, “…
_SPEECH = re.compile(
    r"(?!I )(?:(?:[^\W\d_a-z]\.|[^\W\d_a-z][\w'’-]*) ){1,4}"
    r"(?:said|says|asked|asks|wrote|writes|added|told|replied|answered)\b(?![,:]? ?[\"“‘])"
)
_NICKNAME = re.compile(r"[\"“«„][^\"“”«»]{1,20}[\"“”»]")
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n\s*")
_ITEM = re.compile(r"([•⁃]\s?)?(\d{1,2}|[a-z])([.)]{1,2}) ?\S")
_BULLETS = " •⁃*–—-("
_ACRONYM = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]")
_INITIAL = re.compile(r"[^\W\d_]\.")
_ROMAN = re.compile(r"[IVX]+")
_SMALL_WORD = re.compile(r"(?<!\S)[^\W\d_A-Z][^\W\d_]*$")
_GLUED_BEFORE = re.compile(r"[^\W\d_]{3}")
_GLUED_AFTER = re.compile(r"[^\W\d_]['’]?[^\W\d_]*[ ,]")
_WIDE_LETTER = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
# Georgian has capitals by its code, and never writes them.
_GEORGIAN = re.compile(r"[\u10d0-\u10ff]")
# Scripts that tell no capitals: those from Hebrew to Khmer, and Hangul.
_UNCASED = r"\u0590-\u109f\u10d0-\u10ff\u1100-\u17ff\uac00-\ud7af"
_UNCASED_BEFORE, _UNCASED_AFTER = re.compile(rf"[{_UNCASED}]{{3}}"), re.compile(rf"[{_UNCASED}]+ ")
# A letter that stands alone before a full stop is short for a word, unless it is one: a vowel or a Russian "I". Syllables are none.
_SHORT = re.compile(r"[b-df-hj-np-tv-xzβ-δζθκ-νξπ-τφ-ψб-дж-зк-нп-тф-щґ\u05d0-\u05ea\u0620-\u064a]")
# Languages that write ordinal numbers with a full stop.
_ORDINALS = "az bs cs da de et fi hr hu is lb lv nb nn no pl sk sl sr tr"
# Place and agency before a report, as Persian papers print them: a sentence of its own.
_DATELINE = re.compile(r"(?:^\s*|[.!؟…]\s)[^\W\d_]+(?:[ \u200c][^\W\d_]+)? - [^\W\d_]+(?: [^\W\d_]+){0,2}:\s+(?=\S)")
# A sentence of fewer characters does not end in a unit of measure or a year.
_SHORTEST = 14
# How far back the words before a full stop are looked for: no abbreviation is longer. And how far the bracket that a smile may close.
_LOOK_BACK = 32
_SMILE_WINDOW = 400


class _Words(NamedTuple):
    """A language's abbreviations and sentence openers (see the note in abbreviations.json); `short` is all abbreviations;
    `ordinals` and `datelines` say whether the language writes them, `ending` finds its marks."""

    title: frozenset[str]
    number: frozenset[str]
    maybe: frozenset[str]
    starters: frozenset[str]
    short: frozenset[str]
    ordinals: bool
    datelines: bool
    ending: re.Pattern


@cache
def _lists() -> dict[str, dict[str, str]]:
    return json.loads(Path(__file__).with_name("abbreviations.json").read_text(encoding="utf-8"))


@cache
def _words(language: str) -> _Words:
    lists = _lists()
    # English ones are met in every language's news ("Mr.", "Inc.").
    title, number, maybe = (frozenset(f"{lists[k]['en']} {lists[k].get(language, '')}".split()) for k in ("title", "number", "maybe"))
    starters = frozenset(lists["starters"].get(language, lists["starters"]["en"]).split())
    short, ending = title | number | maybe, _ending(_OWN_MARKS.get(language, ""))
    return _Words(title, number, maybe, starters, short, language in _ORDINALS.split(), language == "fa", ending)


def sentences(text: str, language: str | None) -> list[tuple[int, int]]:
    """Character ranges of the sentences of `text`, in order; only white space lies between them.

    `language` is an ISO 639-1 code and picks the abbreviations; None reads them as English. A blank line always ends
    a sentence, a single line end never does.
    """
    words, found = _words(language or "en"), []
    for start, stop in _pieces(text, words):
        for end, following in _ends(text, start, stop, words):
            found.append((start, end))
            start = following
        end = start + len(text[start:stop].rstrip())
        if start < end:
            found.append((start, end))
    return found


def _pieces(text: str, words: _Words) -> Iterator[tuple[int, int]]:
    """Paragraphs, and the items of a list written as one line ("1) … 2) …"), without white space before them."""
    cuts = {m.end() for m in _BLANK_LINE.finditer(text)} if "\n" in text else set()
    if words.datelines:
        cuts.update(m.end() for m in _DATELINE.finditer(text))
    item = _ITEM.match(text)
    while item:
        bullet, value, mark = item.groups(default="")
        value = str(int(value) + 1) if value.isdigit() else chr(ord(value) + 1)
        at = text.find(f" {bullet}{value}{mark}", item.end())
        item = _ITEM.match(text, at + 1) if at >= 0 else None
        if item and mark == "." and words.ordinals and text[at - 1] not in ".!?;:":
            break  # a date or a rank
        if item:
            cuts.add(at + 1)
    edges = [_past(_SPACE, text, 0), *sorted(cuts), len(text)]
    return pairwise(edges)


def _ends(text: str, start: int, stop: int, words: _Words) -> Iterator[tuple[int, int]]:
    """Where a sentence ends inside text[start:stop], and where the next one begins."""
    counted, quotes = start, 0
    for match in words.ending.finditer(text, start, stop):
        end, following = match.span("gap")
        if following == stop:
            return
        if text[following] == '"' and text[following + 1 : following + 2].isspace():
            # A straight quotation mark between spaces closes if one is open.
            quotes += text.count('"', counted, following)
            counted = following
            if quotes % 2:
                end, following = following + 1, min(_past(_SPACE, text, following + 1), stop)
        if start < match.start() and following < stop and _splits(text, start, match, following, words):
            yield end, following
            start = following


def _past(pattern: re.Pattern[str], text: str, at: int) -> int:
    """The end of what matches there, be it nothing."""
    found = pattern.match(text, at)
    return found.end() if found else at


def _splits(text: str, start: int, match: re.Match, following: int, words: _Words) -> bool:
    """Whether the mark ends a sentence, given that text[following] begins what stands after it."""
    mark, close, begin = match["mark"], match["close"], match.start()
    if mark[-1] in _WIDE:
        # In Japanese a sentence goes on with a particle after a quotation: 「…。」と
        return not (close and "\u3040" <= text[following] <= "\u309f") and not (mark == "．" and text[following].isdigit())
    if mark[-1] in _CERTAIN:
        return True
    if mark[-1] == ")" and not (match["gap"] and _smiles(text, max(start, begin - _SMILE_WINDOW), following)):
        return False
    if not match["gap"]:
        return _begins_glued(text, begin, following)
    at = following if text[following].isalnum() else _past(_OPENING, text, following)
    lower = text[at : at + 1].islower() and not _GEORGIAN.match(text, at)
    if mark == ".":
        return not _abbreviates(text, start, begin, at, close, lower, words)
    if mark[0] in ".…" and mark.count(".") < 4 and text[begin - 1] in "[( \u00a0":
        return False
    if lower:
        shouts = mark[-1] == "!" and _SMALL_WORD.search(text, max(start, begin - _LOOK_BACK), begin)  # but "Yahoo! is"
        return not close and at == following and bool(mark == "?" or shouts)
    return not (close and _SPEECH.match(text, following))


def _smiles(text: str, start: int, stop: int) -> bool:
    """Whether closing brackets close nothing."""
    return text.count("(", start, stop) < text.count(")", start, stop)


def _begins_glued(text: str, stop: int, following: int) -> bool:
    """Whether a sentence begins right after a mark: the space was lost, or the script has none."""
    if _WIDE_LETTER.match(text, following):
        return True
    before, after = (_GLUED_BEFORE, _GLUED_AFTER) if text[following].isupper() else (_UNCASED_BEFORE, _UNCASED_AFTER)
    return bool(before.fullmatch(text, stop - 3, stop) and after.match(text, following))


def _abbreviates(text: str, start: int, stop: int, at: int, close: str, lower: bool, words: _Words) -> bool:
    """Whether the full stop at `stop` belongs to the word before it; the word after it begins at `at`."""
    *before, word = text[max(start, stop - _LOOK_BACK) : stop].split() or [""]
    word = word.lstrip("\"'“‘«‹„([{•⁃")
    key = word.lower()
    ordinary = len(word) > 3 and word.islower() and word.isalpha() and word not in words.short
    ordinary = ordinary or (len(word) > 1 and word in words.starters)
    if lower or ordinary:
        return lower and (bool(close) or not ordinary)
    if not "".join(before).strip(_BULLETS) and stop - start < _LOOK_BACK and (word.isdigit() or len(word) == 1):
        return True  # the number of a list's item
    if close:
        return False
    if key in words.number and (text[at : at + 1].isdigit() or _INITIAL.match(text, at)):
        return True  # "p. 7", "av. J.-C."
    if words.ordinals and ((word.isdigit() and len(word) < 3) or _ROMAN.fullmatch(word)):
        return True
    if (key in words.title or word in words.title) and not (word.isupper() and word.isalpha() and len(word) > 2):
        return True
    if len(word) == 1 and _INITIAL.match(text, at):
        return True  # "J. R.", "z. B."
    listed = key in words.maybe or word in words.maybe
    listed = listed or bool(_SHORT.fullmatch(word) and not (before and _INITIAL.fullmatch(before[-1])))  # but "и т. д." may end one
    if not (listed or (len(word) == 1 and word.isupper()) or _ACRONYM.fullmatch(word)):
        return False
    follower = _WORD.match(text, at)
    if (follower and follower[0].lower() in words.starters) or (text[at - 1] in '"“«„' and not _NICKNAME.match(text, at - 1)):
        return False
    # "… in 5 min. Smith", "5 тыс. руб. Он": after a number the unit ends the sentence, unless that has only begun ("In 1998 г. …").
    amount = next((w for w in reversed(before) if w.rstrip(".") not in words.maybe), "")
    return not (listed and amount.rstrip(",")[-1:].isdigit() and stop - start > _SHORTEST)
