"""The words of a sentence and the cues among them: what `attribute_speech` reads before it looks for content and source.

No parser and no trained tagger: closed classes of words and the forms of the cues, both listed in attribute_cues.json.
"""

import json
import re
from functools import cache
from itertools import accumulate, compress
from pathlib import Path
from typing import NamedTuple

# Titles and initials keep their full stop: "Mr. Ames", "J. Doe". Most words are plain letters before a space: tried first, and nothing is
# tried at a space, for speed.
_JOINED = r"(?:[-.&/][^\W_]+|['’`][^\W\d_]+)*"
_TOKEN = re.compile(
    r"((?=\S)(?:[A-Za-z]++(?=[ ,])"
    r"|(?:[^\W\d_]\.){2,}|(?:Mrs?|Ms|Dr|Sens?|Reps?|Govs?|Gen|Lt|Col|Sgt|Prof|Rev|Hon|Jr|Sr|St|[A-Z])\.(?=[ ,])"
    rf"|[^\W_]+{_JOINED}|''|``|[^\w\s]|_))"
)
# Forms a verb is listed with, in this order; a noun's are singular and plural.
FORMS = ("base", "third", "past", "ing", "participle")
QUOTE_MARKS = frozenset([*'"“”«»„', "''", "``"])
# A sentence in which more than this share of the longer words is capitalised is a headline in title case.
TITLE_CASE = 0.6


class Words(NamedTuple):
    """The tokens text[starts[i]:ends[i]] of one sentence; `lower` are they in lower case."""

    text: str
    lower: list[str]
    starts: list[int]
    ends: list[int]

    def capital(self, i: int) -> bool:
        return self.text[self.starts[i]].isupper()


def words(text: str, start: int, end: int) -> Words:
    """The tokens of text[start:end]."""
    parts = _TOKEN.split(text[start:end])
    edges = list(accumulate(map(len, parts), initial=start))
    return Words(text, list(map(str.lower, parts[1::2])), edges[1:-1:2], edges[2::2])


class Entry(NamedTuple):
    """What a cue may take and what it says: kind {verb, noun, adjective, adverbial}; `frames` are those of the list."""

    kind: str
    frames: frozenset[str]
    cue_class: str
    direction: str | None
    form: str
    ambiguous: bool


class Option(NamedTuple):
    """What a word may be a cue as if `rest` follows it: a verb, another part of speech, or either."""

    rest: list[str]
    verb: Entry | None
    other: Entry | None


class Cue(NamedTuple):
    """Tokens [first, last) of a sentence."""

    first: int
    last: int
    entry: Entry


class Classes(NamedTuple):
    """Closed classes of English words, and words after or before which the rules decide (see the file's note)."""

    determiner: frozenset[str]
    possessive: frozenset[str]
    pronoun: frozenset[str]
    be: frozenset[str]
    have: frozenset[str]
    modal: frozenset[str]
    preposition: frozenset[str]
    conjunction: frozenset[str]
    clause: frozenset[str]
    adverb: frozenset[str]
    time: frozenset[str]
    time_opening: frozenset[str]
    time_noun: frozenset[str]
    setting: frozenset[str]
    verb: frozenset[str]
    addressee: frozenset[str]
    ambiguous: frozenset[str]
    title: frozenset[str]
    light: frozenset[str]
    tell: frozenset[str]
    clause_preposition: frozenset[str]
    after_phrase: frozenset[str]
    ends_phrase: frozenset[str]
    joins_clause: frozenset[str]
    after_person: frozenset[str]
    relative: frozenset[str]
    opens_clause: frozenset[str]
    subject: frozenset[str]
    plural: frozenset[str]
    no_object: frozenset[str]


@cache
def lists(language: str) -> dict:
    """The cues and word classes of a language; {} where there are none."""
    return json.loads(Path(__file__).with_name("attribute_cues.json").read_text(encoding="utf-8")).get(language, {})


@cache
def classes() -> Classes:
    return Classes(**{name: frozenset(told.split()) for name, told in lists("en")["words"].items()})


@cache
def _index() -> dict[str, list[Option]]:
    """By first word what it may be a cue as, the longest first. Of several groups that list a verb the last says most."""
    verbs: dict[str, Entry] = {}
    others: dict[str, Entry] = {}
    ambiguous = {form for group in lists("en")["nouns"] for word in group["words"] for form in word.split("/")} | classes().ambiguous
    for kind, name in (("verb", "verbs"), ("noun", "nouns"), ("adjective", "adjectives"), ("adverbial", "adverbials")):
        for group in lists("en")[name]:
            frames = frozenset(group["frames"].split())
            for word in group["words"]:
                for form, spelled in zip(FORMS, word.split("/"), strict=False):
                    entry = Entry(kind, frames, group["class"], group["direction"], form, spelled in ambiguous)
                    if kind == "verb":
                        verbs[spelled] = entry
                    else:
                        others.setdefault(spelled, entry)
    found: dict[str, list[Option]] = {}
    for spelled in sorted({*verbs, *others}, key=lambda spelled: -len(spelled.split())):
        first, *rest = spelled.split()
        found.setdefault(first, []).append(Option(rest, verbs.get(spelled), others.get(spelled)))
    return found


def cues(sentence: Words) -> list[Cue]:
    """Every listed cue, in order; of several at one place the longest, and the part of speech the words around ask for."""
    index, lower, found, at = _index(), sentence.lower, [], 0
    headline = None
    for i in compress(range(len(lower)), map(index.__contains__, lower)):
        if i < at or not (option := _fitting(lower, i, index[lower[i]])):
            continue
        # A capital inside a sentence makes a name of it: the Washington Post.
        if i and sentence.capital(i) and lower[i - 1] not in QUOTE_MARKS and lower[i - 1] not in ":.":
            headline = _in_title_case(sentence) if headline is None else headline
            if not headline:
                continue
        if entry := _entry(sentence, i, option):
            at = i + 1 + len(option.rest)
            found.append(Cue(i, at, entry))
    return found


def _in_title_case(sentence: Words) -> bool:
    long = [i for i, word in enumerate(sentence.lower) if len(word) > 3]
    return sum(map(sentence.capital, long)) > TITLE_CASE * len(long)


def _fitting(lower: list[str], i: int, options: list[Option]) -> Option | None:
    """The longest of a first word's options whose other words follow."""
    for option in options:
        if not option.rest or lower[i + 1 : i + 1 + len(option.rest)] == option.rest:
            return option
    return None


def _entry(sentence: Words, i: int, option: Option) -> Entry | None:
    _, verb, other = option
    if not verb or (other and other.kind == "adjective" and sentence.lower[back_over(sentence, i)] in classes().be):
        return other
    return verb if verbal(sentence, i, verb.form, verb.ambiguous or other is not None) else other


def back_over(sentence: Words, i: int) -> int:
    """The last place before `i` that holds no adverb; -1 where there is none."""
    adverbs, i = classes().adverb, i - 1
    while i >= 0 and (sentence.lower[i] in adverbs or sentence.lower[i].endswith("ly")):
        i -= 1
    return i


def verbal(sentence: Words, i: int, form: str, ambiguous: bool) -> bool:
    """Whether a form of a verb is used as one, and not as a noun, an adjective or a preposition: told from the words around it."""
    of, lower, k = classes(), sentence.lower, back_over(sentence, i)
    finite = form in ("base", "third")
    if lower[i] in of.preposition:
        return False
    if k < 0:
        return not finite
    nominal = lower[k] in of.determiner or lower[k] in of.possessive or possessive(lower[k])
    if not (finite and ambiguous):
        return not nominal
    return lower[k] in of.subject or lower[k] in of.modal or (not nominal and _agrees(sentence, i, k, form))


def _agrees(sentence: Words, i: int, k: int, form: str) -> bool:
    """Whether token `k` may be the subject of a verb at `i` that may also be a noun, and what follows its object."""
    of, lower, before = classes(), sentence.lower, sentence.lower[k]
    if i + 1 == len(lower):
        return False
    after = lower[i + 1]
    if before.endswith("ed") or before in of.preposition or not before[0].isalpha() or after in of.no_object:
        return False
    begins = after == "to" or any(after in c for c in (of.determiner, of.possessive, of.pronoun, of.clause, QUOTE_MARKS))
    if before in ("and", "or", "but"):
        return begins
    if not (begins or after[0].isdigit() or sentence.capital(i + 1) or sentence.capital(k)):
        return False
    # A noun in the singular takes the -s form, one in the plural the base form.
    plural = (before.endswith("s") and not before.endswith("ss")) or before in of.plural
    return plural == (form == "base") or (sentence.capital(k) and form == "third")


def possessive(word: str) -> bool:
    return word.endswith(("'s", "’s", "s'", "s’"))
