"""What machinery left in a text: line ends, references, controls and invisible characters, one mark written two ways."""

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from flows.stages.repair_signs import BIDI, COMBINING, LINE_END, UNSEEN, Signs, line_around
from flows.traced import Change

LINE_ENDING = re.compile("\r\n?|[\x0b\x0c\u2028\u2029]")
REFERENCE = re.compile(r"&(?:amp;)*(#[0-9]{2,7};|#[xX][0-9a-fA-F]{2,6};|[A-Za-z][A-Za-z0-9]{1,23};)")
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
BIDI_RUN = re.compile("[\u202a-\u202e\u2066-\u2069]+")
OVERRIDE, BACKWARDS = re.compile("[\u202d\u202e]"), re.compile("[\u202b\u2067]")
RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
MARKED_WORD = re.compile(r"(?<![\w\u0300-\u036f])\w++[\u0300-\u036f][\w\u0300-\u036f]*")
MARKS = re.compile(r"[\u0300-\u036f]+")


def line_ends(text: str, signs: Signs) -> list[Change]:
    found, done = [], 0
    for at in signs.places(LINE_END):
        if at >= done and (m := LINE_ENDING.match(text, at)):
            done = m.end()
            found.append(Change(at, done, "\n", "line_ends", "normalized"))
    return found


def references(text: str, signs: Signs) -> list[Change]:
    """References to characters that a dump left unread. Where there is markup, or talk of it, they are meant."""
    if "&" not in text or MARKUP.search(text):
        return []
    found = []
    for m in REFERENCE.finditer(text):
        after = _unescaped(m[1])
        if after not in (None, m[0]) and not URL.search(text, max(0, m.start() - 300), m.start()):
            found.append(Change(*m.span(), after, "html_entity", "exact"))
    return found


@lru_cache(1 << 12)
def _unescaped(name: str) -> str | None:
    """What a reference stands for, however often it was escaped; None where that cannot be read."""
    before, after = "", f"&{name}"
    while after != before:
        before, after = after, html.unescape(after)
    return after if after.isprintable() or after in "\xa0\xad\u200c\u200d" else None


def invisible(text: str, signs: Signs) -> list[Change]:
    if not (found := list(_unseen(text, signs.places(UNSEEN)))):
        return list(_bidi(text, signs.places(BIDI)))
    places = Counter(m.lastgroup for m in found)
    many = [kind for kind in DISCRETIONARY if places[kind] >= SYSTEMATIC]
    words = len(text.split()) if many else 0
    published = {kind for kind in DISCRETIONARY if kind not in many or places[kind] * SYSTEMATIC_WORDS < words}
    changes = [Change(*m.span(), "", m.lastgroup or "", "removed") for m in found if m.lastgroup not in published]
    return sorted(changes + list(_bidi(text, signs.places(BIDI))))


def _unseen(text: str, places: list[int]) -> Iterator[re.Match]:
    """The matches of INVISIBLE, all of whose characters stand at `places`."""
    done = 0
    for at in places:
        if at >= done and (m := INVISIBLE.match(text, at)):
            done = m.end()
            yield m


def _bidi(text: str, places: list[int]) -> Iterator[Change]:
    done = 0
    for at in places:
        if at < done:
            continue
        start, done = line_around(text, at)
        line = text[start:done]
        if OVERRIDE.search(line) or (BACKWARDS.search(line) and not RIGHT_TO_LEFT.search(line)):
            yield from (Change(start + m.start(), start + m.end(), "", "bidi_control", "removed") for m in BIDI_RUN.finditer(line))


def composed(text: str, signs: Signs) -> list[Change]:
    """NFC for a word that writes one mark both ways, as no keyboard does. Else a publisher's decomposed letters stay as they are."""
    found = []
    for word in _marked_words(text, signs.places(COMBINING)):
        whole = {c for letter in MARKS.sub("", word[0]) for c in unicodedata.normalize("NFD", letter)[1:]}
        for m in MARKS.finditer(text, *word.span()):
            start = max(m.start() - 1, 0)
            after = unicodedata.normalize("NFC", text[start : m.end()])
            if after != text[start : m.end()] and not whole.isdisjoint(m[0]):
                found.append(Change(start, m.end(), after, "nfc", "normalized"))
    return found


def _marked_words(text: str, places: list[int]) -> Iterator[re.Match]:
    """The matches of MARKED_WORD: looked for between the spaces around each mark."""
    done = 0
    for at in places:
        if at >= done:
            start = text.rfind(" ", done, at) + 1 or done
            done = text.find(" ", at) + 1 or len(text)
            yield from MARKED_WORD.finditer(text, start, done)
