"""Who wrote a page: bylines, author boxes and notes read from its lines, and the names of people in them.

Part of the describe stage. A line is a byline by its words ("By", "Von", "Автор"), or by its shape (nothing but names)
together with its place (beside the date, above the body, said twice). Agencies, newsrooms and institutes are no authors.
"""

import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from flows.stages.describe_evidence import NO_EVIDENCE, Zones, has_label
from flows.stages.describe_stamps import Stamp
from flows.stages.describe_words import fold, words
from flows.traced import Block

UNSPACED = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"


@cache
def _set(key: str) -> frozenset[str]:
    value = words()[key]
    value = " ".join(value.values()) if isinstance(value, dict) else value
    return frozenset(value.split() if isinstance(value, str) else value)


# ---------------------------------------------------------------- names

# Marks that stand on letters in India, Thailand, Burma and Cambodia, which `re` does not count as letters.
MARKS = "\u0900-\u0963\u0981-\u0983\u09be-\u09d7\u0a01-\u0dff\u0e31-\u0e4e\u102b-\u103e\u17b4-\u17d3"
NAME_WORD = re.compile(
    rf"(?:[dDlLO]['’])?[^\W\d_](?:[^\W\d_'’.\u00b7-]|[{MARKS}])*(?:['’.-](?:[^\W\d_]|[{MARKS}])+)*\.?|\([^\W\d_][\w'’-]*\)"
)
UNSPACED_NAME = re.compile(rf"[{UNSPACED}]{{2,5}}(?:[ ・·][{UNSPACED}]{{1,8}})?")
GLUE = re.compile(r"[a-zà-ÿ]{4}[A-ZÀ-Þ]")  # two words run together, as where a dump lost the space between
INNER_SMALL = ("d'", "d’", "al-", "el-", "ad-", "as-", "ar-", "an-")
ROMAN = ("II", "III", "IV")
NAME_LENGTH = 60


def _plain(words: str) -> str:
    """Words without their diacritics: Amélie is also written Amelie."""
    return "".join(c for c in unicodedata.normalize("NFD", words) if not unicodedata.combining(c))


@cache
def _given_names() -> frozenset[str]:
    return frozenset(_plain(" ".join(_set("given_names"))).split())


def is_name(text: str) -> bool:
    """Whether `text` can be the full name of a person: two to four words and particles, in capitals, none of them what
    an organisation, a menu or a role is called."""
    if UNSPACED_NAME.fullmatch(text):
        return True
    if len(text) > NAME_LENGTH or "  " in text or has_label(text):
        return False
    tokens = text.split()
    bare = [fold(t).strip(".'’()") for t in tokens]
    if not all(NAME_WORD.fullmatch(t) for t in tokens) or _is_beside(text) or _set("menu_words") & set(bare):
        return False
    main = _main_words(tokens, bare)
    if not 2 <= len(main) <= 4 or bare[0] in _set("with") or any(GLUE.search(t) for t in main):
        return False
    return all(_is_capital(t) for t in main) and any(len(t.strip(".")) > 2 for t in main) and not _has_acronym(main)


def _main_words(tokens: Sequence[str], bare: Sequence[str]) -> list[str]:
    """The words of a name but particles and what stands in brackets. A particle at the end is a name, and so is a given
    name at the beginning: Minh Do, Ben Andrews."""
    kept = {len(tokens) - 1} | ({0} if bare and bare[0] in _set("given_names") else set())
    particles = _set("particles")
    return [t for i, (t, b) in enumerate(zip(tokens, bare, strict=True)) if t[0] != "(" and (b not in particles or i in kept)]


def _is_capital(token: str) -> bool:
    first = token.lstrip("(")[0]
    return not first.islower() or "\u10d0" <= first <= "\u10ff" or token.startswith(INNER_SMALL)  # Georgian has no capitals


def _has_acronym(tokens: Sequence[str]) -> bool:
    """A short word in capitals among others: an agency or a country. All in capitals, or the last alone, is a style."""
    upper = [len(t.strip(".")) > 1 and t.isupper() and "." not in t and t not in ROMAN for t in tokens]
    if all(u or len(t.strip(".")) < 3 for u, t in zip(upper, tokens, strict=True)) or not any(upper[:-1]):
        return False
    return any(u and len(t) < 5 for u, t in zip(upper, tokens, strict=True))


def name_case(name: str, language: str | None = None) -> str:
    """A name printed in capitals as names are written: VLADIMIR (ZE'EV) O'NEILL-MCKAY as Vladimir (Ze'ev) O'Neill-McKay.

    Words not in capitals stay as they are. I and İ follow Turkish and Azerbaijani where that is the language. Mac is left
    alone: Macdonald and MacDonald are both written.
    """
    tokens = name.split()
    if not any(len(t) > 2 and t.isupper() for t in tokens):
        return " ".join(tokens)
    whole = all(t.isupper() for t in tokens if t.upper() != t.lower())
    out = []
    for i, token in enumerate(tokens):
        if not token.isupper() or token in ROMAN or len(token.strip(".")) < 2 or re.fullmatch(r"(?:[^\W\d_]\.)+", token):
            out.append(token)
        elif i and whole and fold(token) in _set("particles"):
            out.append(_small(token, language))
        else:
            out.append("".join(_cased(part, language) for part in re.split(r"([-()\u2010-\u2015/])", token)))
    return " ".join(out)


def _cased(part: str, language: str | None) -> str:
    prefix = re.match(r"[DLO]['’](?=[^\W\d_])|MC(?=[^\W\d_]{3})", part)
    if prefix:
        return prefix[0].capitalize() + _cased(part[prefix.end() :], language)
    return part[:1] + _small(part[1:], language)


def _small(token: str, language: str | None) -> str:
    if language in ("tr", "az"):
        token = token.replace("I", "ı").replace("İ", "i")
    return token.lower().replace("i\u0307", "i")


# ---------------------------------------------------------------- names in a byline

BYLINE = 200  # characters of the longest line that is read as a byline
# What may follow names after a byline word, and what may where there is none: then only a bracket, a number, a button.
TAIL = re.compile(
    r"\s*(?:\([^)]{0,40}\)?$|@\S.*|\S{1,40}@\S.*|https?:.*|\b(?:on|in|for|für|pour|para|In|Stand|View|More|See|Share|Contributing)\b.*"
    r"|\b(?:Follow|Folgen|Seguir|Suivre|Twitter|Facebook)\b.*"
    r"|(?<=[^\W\d_])(?:Follow|Twitter|Facebook|Folgen|Seguir)\b.*|\d.*)$"
)
BARE_TAIL = re.compile(r"(?:\s*\([^)]{0,40}\)|\s*\d.*|(?<=[^\W\d_])(?:Follow|Twitter|Folgen)\b.*|\s+Stand\b.*)$")
UNSPACED_ROLE = re.compile(r"[ ]?(?:特約|本報|実習|선임|인턴|전문)?(?:記者|记者|編集委員|論説委員|기자|특파원|논설위원)$")


@cache
def _separators() -> re.Pattern:
    joiners = "|".join(map(re.escape, sorted(_set("joiners"))))
    return re.compile(rf"\s*[,，、;/|•·&]\s*|\s+(?:{joiners})\s+", re.I)


def names_in(text: str, bare: bool = False) -> list[str]:
    """The people named in the part of a byline that follows its word; none where more is said of other things.

    bare: there is no such word, so nothing but people and a role or an outlet may stand there.
    """
    text = text[:BYLINE].lstrip(EDGES + ".").rstrip(EDGES)
    if bare and text.endswith(".") and not ABBREVIATED.search(text):
        return []
    names, odd = [], 0
    for part in _separators().split(text):
        part = part.strip(" \u00a0*")
        told = (BARE_TAIL if bare else TAIL).sub("", part)
        name = _person(told)
        found = [name] if name else _side_by_side(told.split())
        names += found
        odd += bool(part and not found and not _is_beside(part))
    return list(dict.fromkeys(names)) if odd <= (0 if bare else 1 + len(names)) else []


EDGES = " \t\u00a0,:;|•·–—-/*"
ABBREVIATED = re.compile(r"(?:\b[^\W\d_]|\bJr|\bSr)\.$")
AGENCY = r"(?:AP|AFP|Reuters|dpa|EPA|EFE|ANSA|imago|Keystone|APA|PAP|NTB|TT|Anadolu|pool|picture[ -]alliance)"
CREDIT = re.compile(rf"/\s*{AGENCY}\b|\b{AGENCY}\s*/|\b(?:Getty|Unsplash|Pixabay|Shutterstock|iStock|Alamy)\b|©|\(c\)", re.I)


DOUBLED = re.compile(r"(\S+ \S.{0,40}) \1")


def _side_by_side(tokens: Sequence[str]) -> list[str]:
    """Names of two words with nothing between them, where each begins with a given name listed."""
    pairs = [" ".join(tokens[i : i + 2]) for i in range(0, len(tokens), 2)]
    return pairs if len(pairs) > 1 and all(is_name(pair) and _is_given(pair) for pair in pairs) else []


def _person(part: str) -> str | None:
    """The name in one part of a byline, without the role before or after it."""
    tokens = UNSPACED_ROLE.sub("", part).split()
    while tokens and any(fold(tokens[0]).strip(".:") in _set(key) for key in ("roles", "honorifics")):
        tokens = tokens[1:]
    role = next((i for i, t in enumerate(tokens) if i > 1 and fold(t).strip(".") in _set("roles")), len(tokens))
    tokens = tokens[:role]
    name = DOUBLED.sub(r"\1", " ".join(tokens))
    name = name if ABBREVIATED.search(name) else name.rstrip(".")
    return name if is_name(name) else None


def _is_beside(part: str) -> bool:
    """An agency, a role or an outlet, as they stand beside names."""
    bare = {fold(t).strip(".'’()") for t in part.split()}
    return fold(part) in _set("agencies") or bool(bare & (_set("roles") | _set("organisation_words")))


# ---------------------------------------------------------------- byline words


@cache
def _by() -> re.Pattern:
    """A byline word at the beginning, after at most three that name the genre ("A column by")."""
    by = sorted({fold(w) for ws in words()["byline"].values() for w in ws}, key=lambda w: (-len(w), w))
    # A single character of an unspaced script begins many words: it needs a colon or a slash.
    one, many = ("|".join(re.escape(w) for w in by if (len(w) == 1) == single) for single in (True, False))
    genres = "|".join(map(re.escape, sorted(_set("genres"))))
    return re.compile(
        rf"\W{{0,3}}(?:(?:{genres})\s){{0,3}}(?:(?:{many})(?:\s?[:：/／|՝]|(?=[\s{UNSPACED}])|$)|(?:{one})\s?[:：/／])\s{{0,3}}"
    )


GLUED = re.compile(r"(?:[Bb]y|[Vv]on|[Pp]or|[Pp]ar|[Dd]i)(?=[A-ZÀ-Þ][a-zà-ÿ.])")
# Names and roles without spaces: [서울=통신사] 홍길동 기자, 王小明记者, 〔記者王小明／台北報導〕, 本报记者 王小明.
UNSPACED_BYLINE = re.compile(
    r"[가-힣]{2,4}(?=[ ]?(?:선임|인턴|전문)?(?:기자|특파원)(?![가-힣]))"
    r"|(?!本[报報刊社]|特[约約])[\u4e00-\u9fff]{2,4}(?=[ ]?(?:記者|记者)(?![\u4e00-\u9fff]))"
    r"|(?<=記者)[ ]?[\u4e00-\u9fff]{2,4}(?=[／/、])|(?<=本[报報刊社][记記]者)[ ：:]?[\u4e00-\u9fff]{2,4}(?=[ 、，\]）]|$)"
)
UNSPACED_OPENING = re.compile(r"[\[(（〔【]?(?:[^\[\]=]{1,12}=[^\[\]=]{1,12}[\])]\s?|記者|本[报報刊社][记記]者)?")
PHOTOGRAPH = re.compile(r"[摄攝]|사진")


def after_word(part: str) -> str | None:
    """What follows the byline word a text begins with; null where it begins with none."""
    part = part[:BYLINE]
    folded = fold(part)
    if len(folded) != len(part) or "\u0307" in part:  # one letter for one, so that the places of the folded text are those of the text
        folded = "".join(f if len(f := fold(c)) == 1 else c for c in part)
    m = _by().match(folded) or GLUED.match(part)
    return part[m.end() :] if m else None


# ---------------------------------------------------------------- lines

NOTE_LENGTH = 1200  # characters of a line that are looked at: no author note is longer
SENTENCE = 80  # characters of the shortest line that speaks about people rather than naming them
BESIDE = 120  # characters of the longest line that holds a byline or a date
BESIDE_WORDS = 6  # words of the longest part of a line beside a bare name: a section, a reading time
ROLE_AFTER = 60  # characters after a name in which an author note says what the person is
CLOSE = 2  # lines after the body in which a bare name is its author's
# Points that make names alone on a line a byline: with known given names, with these in a script without capitals, in which any few
# words look like a name, without, without where every noun has a capital.
ENOUGH, ENOUGH_UNCASED, ENOUGH_UNKNOWN, ENOUGH_NOUNS = 1, 2, 3, 4
NOUN_CAPITALS = ("de", "lb")
BAR = re.compile(r"\s*[|•·]\s*|\s+[–—-]\s+|\t+| / ")
BULLET = "•*·-– \t\u00a0"
PICTURE = re.compile(r"\W*(?:foto|photo|bild|image|picture|imagen|фото|fotoğraf|credit)\w{0,6}\s?:?", re.I)


@cache
def _moment() -> re.Pattern:
    """A time of day, or words for one not long ago."""
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, words()['moments']))})\b|\d{{1,2}}[:.h]\d\d|\d ?(?:min|分|시간|小时|小時)", re.I)


class Byline(NamedTuple):
    """The people a line names, how much speaks for it, and the number of its block."""

    names: tuple[str, ...]
    points: int
    block: int


class Page(NamedTuple):
    """The lines of a page, without and with bars for dates, and what is known of them: which hold a date or a time, which
    advertise, how often each stands there, what all say, what the body says, whether nouns have capitals."""

    lines: list[str]
    parts: list[str]
    moments: frozenset[int]
    ads: frozenset[int]
    shown: Counter
    whole: str
    body: str
    nouns: bool


def authors(text: str, blocks: Sequence[Block], zones: Zones, found: Sequence[Stamp], language: str | None) -> tuple[list[str], int | None]:
    """(names in name case, number of the block that is the byline): no names where the byline names an agency or a
    newsroom, ([], None) where there is none.

    In this order: a byline word about the title; names alone under it; a byline word beside a date anywhere before the
    end of the body, if only one place has it; what stands right after the body.
    """
    page = _page(text, blocks, found, language)
    near = [i for i in zones.head if zones.title is None or (i >= zones.title - 1 and i != zones.title)]
    tail = [i for i in zones.tail if blocks[i].rule not in NO_EVIDENCE]
    # A bare name below is a signature where it stands close, and was not taken for the footer.
    signed = [i for i in tail if i < zones.tail.start + CLOSE and (blocks[i].rule != "footer" or page.shown[page.lines[i]] > 1)]
    # Of two paragraphs the first may be the standfirst; below them a line of other rules is another text's.
    paragraphs = [i for i in zones.head if blocks[i].unit == "paragraph" and len(page.lines[i]) >= SENTENCE]
    begun = paragraphs[1] if len(paragraphs) > 1 else zones.head.stop
    told = [i for i in zones.head if i < begun or blocks[i].rule not in NO_EVIDENCE]
    best = (
        _run([b for i in told for b in _by_word(page, i)])
        or max((b for i in near for b in _by_shape(page, i, i + 1 == zones.title)), key=lambda b: (b.points, -b.block), default=None)
        or _by_word_elsewhere(page, [i for i in range(zones.tail.stop) if blocks[i].rule not in NO_EVIDENCE])
        or next((b for i in tail for b in (*_by_word(page, i), *_by_note(page, i, i in signed))), None)
    )
    if not best:
        return [], next((i for i in zones.head if _names_nobody(page, i)), None)
    return list(dict.fromkeys(name_case(n, language) for n in best.names)), best.block


def _names_nobody(page: Page, i: int) -> bool:
    """A byline of nothing but agencies, newsrooms and roles."""
    rest = (len(page.lines[i]) <= BESIDE and after_word(page.parts[i])) or ""
    return bool(rest) and len(rest.split()) <= BESIDE_WORDS and all(_is_beside(p) for p in _separators().split(rest.strip(EDGES)) if p)


def _page(text: str, blocks: Sequence[Block], found: Sequence[Stamp], language: str | None) -> Page:
    lines = [text[b.start : min(b.end, b.start + NOTE_LENGTH)].strip(BULLET) for b in blocks]
    parts, moments, at = [], set(), 0
    for i, (block, line) in enumerate(zip(blocks, lines, strict=True)):
        first = at
        while at < len(found) and found[at].start < block.end:
            at += 1
        parts.append(_undated(text, block, found[first:at]) if first < at and len(line) <= BYLINE else line)
        if len(line) <= BESIDE and (first < at or _moment().search(line)):
            moments.add(i)
    told = [x for b, x in zip(blocks, lines, strict=True) if (b.unit in ("paragraph", "quote") and len(x) >= SENTENCE) or b.unit == "title"]
    shown = Counter(x for x in lines if len(x) < NAME_LENGTH)
    ads = frozenset(i for i, b in enumerate(blocks) if b.rule == "advertisement")
    return Page(lines, parts, frozenset(moments), ads, shown, "\n".join(lines), "\n".join(told), language in NOUN_CAPITALS)


def _undated(text: str, block: Block, here: Sequence[Stamp]) -> str:
    """The line of a block with a bar where each of its dates stands."""
    parts, at = [], block.start
    for s in here:
        parts.append(text[at : s.start])
        at = min(s.end, block.end)
    return " | ".join([*parts, text[at : block.end]]).strip(BULLET)


def _by_word(page: Page, i: int) -> Iterator[Byline]:
    """A line, or a part of one, that begins with a byline word; where nothing follows it, the names on the lines below."""
    if len(page.lines[i]) > BYLINE:
        return
    unspaced = _unspaced(page.lines[i])
    if unspaced:
        yield Byline(unspaced, 0, i)
        return
    parts = BAR.split(page.parts[i])
    for part, following in zip(parts, [*parts[1:], ""], strict=True):
        rest = after_word(part)
        if rest is not None and not rest.strip(" :"):
            rest = following
        if rest:
            names = names_in(rest)
            if names:
                yield Byline(tuple(names), 0, i)
        elif rest == "" and len(parts) == 1 and i + 1 < len(page.lines) and len(page.lines[i + 1]) <= BESIDE:
            below = after_word(page.parts[i + 1])
            names = names_in(below) if below else names_in(page.parts[i + 1], bare=True)
            if names:
                yield Byline((*names, *_further(page, i + 2, 1)), 0, i + 1)


def _unspaced(line: str) -> tuple[str, ...]:
    """The names of a byline in a script without spaces, which stand beside the word for a reporter."""
    opening = UNSPACED_OPENING.match(line)
    if len(line) > BESIDE or PHOTOGRAPH.search(line) or not UNSPACED_BYLINE.match(line, opening.end() if opening else 0):
        return ()
    return tuple(m[0].strip(" ：:") for m in UNSPACED_BYLINE.finditer(line))


def _by_word_elsewhere(page: Page, able: Sequence[int]) -> Byline | None:
    """A byline with its date away from the title: several are those of teasers, unless they follow one another."""
    found = [b for i in able for b in _by_word(page, i) if any(k in page.moments for k in range(i - CLOSE, i + CLOSE + 1))]
    run = _run(found)
    return run if run and all(set(b.names) <= set(run.names) for b in found) else None


def _run(found: Sequence[Byline]) -> Byline | None:
    """The first byline joined with those that follow it closely, as where every author has a line."""
    if not found:
        return None
    names, at = list(found[0].names), found[0].block
    for b in found[1:]:
        if b.block - at > CLOSE:
            break
        names, at = names + list(b.names), b.block
    return Byline(tuple(dict.fromkeys(names)), 0, found[0].block)


def _further(page: Page, i: int, step: int) -> list[str]:
    """Names that stand alone on the lines from i on, up (step -1) or down (1), as a byline set one to a line."""
    names: list[str] = []
    while 0 <= i < len(page.lines) and len(page.lines[i]) <= BESIDE:
        line = page.lines[i].strip(" ,&")
        if line and fold(line) not in _set("joiners") and fold(line) not in _set("agencies"):
            if not is_name(line) or ((page.nouns or step < 0) and not _is_given(line)) or _is_subject(page, line):
                break
            names.append(line)
        i += step
    return names[::step]


def _is_given(name: str) -> bool:
    """Whether a name begins with one of the given names listed."""
    return _plain(re.split(r"[-‐ ]", fold(name), maxsplit=1)[0]) in _given_names()


def _is_cased(name: str) -> bool:
    return name != name.lower()


def _is_subject(page: Page, name: str) -> bool:
    """Whether the words of a name are common ones, written small elsewhere, or the body speaks of this person."""
    tokens = [t for t in name.split() if fold(t) not in _set("particles")]
    small = sum(_is_cased(t) and _is_written(page.whole, t.casefold()) for t in tokens)
    common = small * 2 > len(tokens) if _is_given(name) else small
    return bool(common) or f" {name}" in page.body or page.body.count(f" {tokens[-1]}") > 1


def _is_written(text: str, word: str) -> bool:
    """Whether `word`, of two letters or more, stands in `text` as a whole."""
    at = text.find(word) if word.isalpha() and len(word) > 1 else -1
    while at >= 0 and (text[max(0, at - 1) : at].isalpha() or text[at + len(word) : at + len(word) + 1].isalpha()):
        at = text.find(word, at + 1)
    return at >= 0


def _by_shape(page: Page, i: int, crowning: bool) -> Iterator[Byline]:
    """Names alone on a line, weighed by what stands beside them; crowning: the line stands on the title, as a columnist's
    does. The points were set on the tuning part of the pages."""
    line = page.lines[i]
    if len(line) > BESIDE or CREDIT.search(line) or (i and PICTURE.fullmatch(page.lines[i - 1])):
        return
    parts = [p for p in BAR.split(page.parts[i]) if p and after_word(p) is None]
    names = next((n for p in parts[:2] for n in [names_in(p, bare=True)] if n), [])
    if not names or any(UNSPACED_NAME.fullmatch(n) for n in names):  # a section of two characters looks like a name of two
        return
    if any(len(p.split()) > BESIDE_WORDS for p in parts) or any(_is_subject(page, n) for n in names):
        return
    beside = [_beside(page, i, step) for step in (-1, 1)]
    points = 3 if i in page.moments else 2 if {i - 1, i + 1} & page.moments else 1 if {i - 2, i + 2} & page.moments else 0
    points += (2 if page.shown[line] > 1 else 0) + (len(names) > 1) + crowning
    points += any(len(x) > SENTENCE for x in beside) + any(set(fold(x).split()) & _set("share") for x in beside)
    if points >= _enough(page, names, crowning):
        alone = [] if i in page.moments else [*_further(page, i - 1, -1), *names, *_further(page, i + 1, 1)]
        yield Byline(tuple(dict.fromkeys(alone or names)), points, i)


def _beside(page: Page, i: int, step: int) -> str:
    """The line before (step -1) or after (1) another, advertisements left out."""
    i += step
    while i in page.ads:
        i += step
    return page.lines[i] if 0 <= i < len(page.lines) else ""


def _enough(page: Page, names: Sequence[str], crowning: bool) -> int:
    known = all(map(_is_given, names))
    if not any(map(_is_cased, names)):
        return ENOUGH_UNCASED if known else sys.maxsize
    return ENOUGH if known else ENOUGH_NOUNS if page.nouns or crowning else ENOUGH_UNKNOWN


MORE = re.compile(
    r"\W{0,3}(?:read more|more|mehr|plus|más|altri|mais|meer|mer|więcej|articles|artículos|artikel|beitrag)\s"
    r"(?:(?:stories|articles|artikel|artículos|articoli)\s)?(?:from|by|von|de|di|van|av)\s", re.I
)  # fmt: skip
NOTE = re.compile(r"(?P<name>[^,:–—|]{4,50}?)(?:,| [–—-] | is | was | ist | war | est | es | è | är | er | jest |: )(?P<rest>.*)", re.S)


def _by_note(page: Page, i: int, signed: bool) -> Iterator[Byline]:
    """Below the body: bare names right after it, "More from", or a note that begins with a name and says who that is."""
    line = page.lines[i]
    more = MORE.match(line) if len(line) <= BESIDE else None
    names = names_in(line[more.end() :]) if more else []
    if not names and signed and len(line) <= BESIDE and not CREDIT.search(line):
        names = [n for n in names_in(page.parts[i], bare=True) if _is_given(n) and (_is_cased(n) or page.shown[line] > 1)]
    note = NOTE.match(line) if not names else None
    if note and is_name(note["name"]) and any(w in _set("roles") for w in re.findall(r"[^\W\d_]+", fold(note["rest"][:ROLE_AFTER]))):
        names = [note["name"]]
    if names and not any(_is_subject(page, n) for n in names):
        yield Byline(tuple(names), 0, i)
