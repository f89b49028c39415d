"""Segment: the kept lines of a stripped text become blocks and their sentences, each with its language.

Paragraphs that a dump wrapped hard are joined again, sentences tile their block (only white space lies between them),
and what repeats an earlier stretch, or the body as a pull quote does, says so. The stage never changes the text and
never drops a block: a repeat is marked, not removed.
"""

import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from flows.traced import Block, Traced


class Segment(NamedTuple):
    """Characters [start, end) of the text. `parent` and `repeat_of` are places in the list of segments."""

    start: int
    end: int
    unit: str
    parent: int | None
    language: str | None
    repeat_of: int | None


# Units that hold running text and so have sentences; the others are one piece each.
PROSE = frozenset({"paragraph", "standfirst", "quote", "list_item", "note", "caption"})


def segment(text: Traced, kept: Sequence[Block]) -> list[Segment]:
    """Blocks in reading order, each followed by its sentences. `kept` are line blocks, disjoint and in order.

    Ranges have no outer white space. The document's language, which short segments take over, is that of all kept text.
    """
    whole = text.text
    main, _ = language("\n".join(whole[b.start : b.end] for b in kept))
    found: list[Segment] = []
    for start, end, unit in _unwrapped(whole, kept):
        parent, block = len(found), whole[start:end]
        own = _own_language(block, main)
        found.append(Segment(start, end, unit, None, own, None))
        if unit in PROSE:
            spans = sentences(block, own)
            found += [
                Segment(start + a, start + b, "sentence", parent, spoken, None)
                for (a, b), spoken in zip(spans, _spoken(block, spans, own), strict=True)
            ]
    return [s._replace(repeat_of=other) for s, other in zip(found, _repeats(whole, found), strict=True)]


# Marks that end a sentence: of scripts that put a space after them, and of scripts that do not. Emoji stand in for them, and so
# does the empty Braille cell, which social networks print as a line end.
_SPACED = ".!?…؟۔।॥።"
_WIDE = "。！？｡"
_EMOJI = "\U0001f300-\U0001faff\u2600-\u27bf\u2800\ufe0f\u200d"
_MARKS = f"[{_SPACED}{_WIDE}{_EMOJI}]"
_ENDING = re.compile(
    rf"(?P<mark>{_MARKS}(?:(?:\s\.)+|{_MARKS}*))"
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
_GLUED_BEFORE = re.compile(r"[^\W\d_]{3}")
_GLUED_AFTER = re.compile(r"[^\W\d_]['’]?[^\W\d_]*[ ,]")
_WIDE_LETTER = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
# Languages that write ordinal numbers with a full stop.
_ORDINALS = "az bs cs da de et fi hr hu is lb lv nb nn no pl sk sl sr tr"
# Place and agency before a report, as Persian papers print them: a sentence of its own.
_DATELINE = re.compile(r"(?:^\s*|[.!؟…]\s)[^\W\d_]+(?:[ \u200c][^\W\d_]+)? - [^\W\d_]+(?: [^\W\d_]+){0,2}:\s+(?=\S)")
# A sentence of fewer characters does not end in a unit of measure or a year.
_SHORTEST = 14
# How far back the words before a full stop are looked for: no abbreviation is longer.
_LOOK_BACK = 32


class _Words(NamedTuple):
    """A language's abbreviations and sentence openers (see the note in abbreviations.json); `short` is all abbreviations;
    `ordinals` and `datelines` say whether the language writes them."""

    title: frozenset[str]
    number: frozenset[str]
    maybe: frozenset[str]
    starters: frozenset[str]
    short: frozenset[str]
    ordinals: bool
    datelines: bool


@cache
def _lists() -> dict[str, dict[str, str]]:
    return json.loads(Path(__file__).with_name("abbreviations.json").read_text(encoding="utf-8"))


@cache
def _words(language: str | None) -> _Words:
    lists = _lists()
    # English ones are met in every language's news ("Mr.", "Inc.").
    title, number, maybe = (frozenset(f"{lists[k]['en']} {lists[k].get(language, '')}".split()) for k in ("title", "number", "maybe"))
    starters = frozenset(lists["starters"].get(language, lists["starters"]["en"]).split())
    return _Words(title, number, maybe, starters, title | number | maybe, language in _ORDINALS.split(), language == "fa")


def sentences(text: str, language: str | None) -> list[tuple[int, int]]:
    """Character ranges of the sentences of `text`, in order; only white space lies between them.

    `language` is an ISO 639-1 code and picks the abbreviations; None reads them as English. A blank line always ends
    a sentence, a single line end never does.

    No library: every place where sentencex or blingfire is wrong about news has to be decided again, and what decides
    them decides the rest too. Mean boundary F1 of nine Universal Dependencies dev sets: .944, blingfire .913, sentencex
    .897; .955 is what one gets who finds every boundary that has a mark. 15 to 20 million characters a second.
    """
    words, found = _words(language), []
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
    edges = [_SPACE.match(text).end(), *sorted(cuts), len(text)]
    return pairwise(edges)


def _ends(text: str, start: int, stop: int, words: _Words) -> Iterator[tuple[int, int]]:
    """Where a sentence ends inside text[start:stop], and where the next one begins."""
    counted, quotes = start, 0
    for match in _ENDING.finditer(text, start, stop):
        end, following = match.span("gap")
        if following == stop:
            return
        if text[following] == '"' and text[following + 1 : following + 2].isspace():
            # A straight quotation mark between spaces closes if one is open.
            quotes += text.count('"', counted, following)
            counted = following
            if quotes % 2:
                end, following = following + 1, _SPACE.match(text, following + 1, stop).end()
        if start < match.start() and following < stop and _splits(text, start, match, following, words):
            yield end, following
            start = following


def _splits(text: str, start: int, match: re.Match, following: int, words: _Words) -> bool:
    """Whether the mark ends a sentence, given that text[following] begins what stands after it."""
    mark, close, begin = match["mark"], match["close"], match.start()
    if mark[-1] in _WIDE:
        # In Japanese a sentence goes on with a particle after a quotation: 「…。」と
        return not (close and "\u3040" <= text[following] <= "\u309f")
    if not match["gap"]:
        return _begins_glued(text, begin, following)
    at = following if text[following].isalnum() else _OPENING.match(text, following).end()
    lower = text[at : at + 1].islower()
    if mark == ".":
        return not _abbreviates(text, start, begin, at, close, lower, words)
    if mark[0] in ".…" and mark.count(".") < 4 and text[begin - 1] in "[( \u00a0":
        return False
    if lower:
        return mark == "?" and not close and at == following
    return not (close and _SPEECH.match(text, following))


def _begins_glued(text: str, stop: int, following: int) -> bool:
    """Whether a sentence begins right after a mark: the space was lost, or the script has none."""
    if _WIDE_LETTER.match(text, following):
        return True
    return bool(text[following].isupper() and _GLUED_BEFORE.fullmatch(text, stop - 3, stop) and _GLUED_AFTER.match(text, following))


def _abbreviates(text: str, start: int, stop: int, at: int, close: str, lower: bool, words: _Words) -> bool:
    """Whether the full stop at `stop` belongs to the word before it; the word after it begins at `at`."""
    *before, word = text[max(start, stop - _LOOK_BACK) : stop].split() or [""]
    word = word.lstrip("\"'“‘«‹„([{•⁃")
    key = word.lower()
    ordinary = len(word) > 3 and word.islower() and word.isalpha() and word not in words.short
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
    if not (listed or (len(word) == 1 and word.isupper()) or _ACRONYM.fullmatch(word)):
        return False
    follower = _WORD.match(text, at)
    if (follower and follower[0].lower() in words.starters) or (text[at - 1] in '"“«„' and not _NICKNAME.match(text, at - 1)):
        return False
    # "… in 5 min. Smith": after a number the unit ends the sentence, unless that has only begun ("In 1998 г. …").
    return not (listed and before and before[-1].rstrip(",")[-1:].isdigit() and stop - start > _SHORTEST)


# Languages news is written in, as py3langid names them: without the others one short sentence is told more surely.
_LANGUAGES = (
    "af am ar as az be bg bn bs ca cs da de el en es et eu fa fi fr gl gu he hi hr hu hy id is it ja ka kk km kn ko ky lo lt lv "
    "mk ml mn mr ms my ne nl no or pa pl ps pt ro ru si sk sl sq sr sv sw ta te tg th tk tr ug uk ur uz vi zh"
)
# Letters below which nothing is said; the model sees no more than a window, as it gets no surer beyond that.
MIN_LETTERS = 4
LANGUAGE_WINDOW = 2000
SEGMENT_WINDOW = 400
# What a block or sentence must have to be given another language than its document's: so chosen, none of 10,032 segments of
# 133 published articles in 17 languages is.
MIN_LETTERS_SEGMENT = 40
MIN_CONFIDENCE_SEGMENT = 0.9
# Azerbaijani writes ə in about one letter of twelve; a name or two in another language stay below this share.
SCHWA_SHARE = 0.02
_LATIN = re.compile(r"[A-Za-z\u00aa-\u024f\u0259\u1e00-\u1eff]+")
_NOT_LATIN = re.compile(r"[^\W\d_\u0000-\u024f\u0259\u1e00-\u1eff]+")
# In scripts without spaces a letter says as much as two or three Latin ones.
LATIN_PER_OTHER = 1.5
# Turkish has no x and no q but in foreign words, which a longer text may well have.
_XQ = re.compile(r"\b[^\W\d_A-Z]*[xq]")
MAX_LETTERS_XQ = 120
_RUSSIAN = re.compile(r"[ыэё]")
_UKRAINIAN = re.compile(r"[іїєґ]")


def language(text: str) -> tuple[str | None, float]:
    """The language of `text` as ISO 639-1 and how sure that is, 0 to 1; (None, 0.0) for less than a word or two.

    py3langid's model (Lui & Baldwin 2012), corrected by letters that one of two close languages does not have.
    """
    text = text[:LANGUAGE_WINDOW]
    latin, other = _letters(text)
    letters = latin + other
    if letters < MIN_LETTERS:
        return None, 0.0
    # A quotation in another script would sway the model, which reads bytes, by more than its share.
    if latin and other:
        text = (_NOT_LATIN if _is_latin(text) else _LATIN).sub(" ", text)
    code, confidence = _identifier().classify(text)
    lower = text.lower()
    if (code != "az" and lower.count("ə") > SCHWA_SHARE * letters) or (code == "tr" and letters < MAX_LETTERS_XQ and _XQ.search(text)):
        return "az", 1.0
    if code in ("bg", "mk", "sr", "uk") and _RUSSIAN.search(lower) and not _UKRAINIAN.search(lower):
        return "ru", 1.0
    return code, round(float(confidence), 3)


def _letters(text: str) -> tuple[int, int]:
    """How many are Latin, and how many of other scripts."""
    return sum(map(len, _LATIN.findall(text))), sum(map(len, _NOT_LATIN.findall(text)))


def _is_latin(text: str) -> bool:
    latin, other = _letters(text)
    return latin > LATIN_PER_OTHER * other


def _spoken(block: str, spans: list[tuple[int, int]], own: str | None) -> Iterator[str | None]:
    """The language of each sentence: the block's, unless it is a quotation, or mostly in another script, and surely another."""
    mixed = not block.isascii() and all(_letters(block))
    latin = _is_latin(block)
    for start, end in spans:
        sentence = block[start:end]
        may_differ = sentence[0] in "\"“„«‘'" or (mixed and _is_latin(sentence) != latin)
        yield _own_language(sentence, own) if may_differ else own


@cache
def _identifier():
    # Imported here because it takes longer than most documents do.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(_LANGUAGES.split())
    return identifier


def _own_language(stretch: str, main: str | None) -> str | None:
    """The language of a block or sentence: `main`, its document's, unless it surely is another."""
    if sum(_letters(stretch)) < MIN_LETTERS_SEGMENT:
        return main
    code, confidence = language(stretch[:SEGMENT_WINDOW])
    return code if confidence >= MIN_CONFIDENCE_SEGMENT else main


# A dump's lines are as long as fits: a line is wrapped if the next line's first word would not have fitted into the
# longest line of its run. Widths are those of terminals, mails and prints; longer lines are paragraphs of their own.
WRAP_WIDTHS = range(40, 133)
MIN_WRAPPED_LINES = 3
_SENTENCE_END = re.compile(r"[.!?…:。！？][\"'”’»)\]]*$")


def _unwrapped(text: str, kept: Sequence[Block]) -> Iterator[tuple[int, int, str]]:
    """(start, end, unit) of the blocks, the lines of a hard-wrapped paragraph joined into one."""
    blocks = [b for b in kept if b.unit and text[b.start : b.end].strip()]
    whole, at = _is_wrapped(text, blocks), 0
    while at < len(blocks):
        run = _run(text, blocks, at, whole)
        if whole and len(run) > 1:
            yield run[0].start, run[-1].end, run[0].unit if run[0].unit in PROSE else "paragraph"
        else:
            for first, last in _paragraphs(text, run):
                yield run[first].start, run[last].end, run[first].unit
        at += len(run)


# What a line of a wrapped text may have been taken for, and the least that shows that a whole text is wrapped: pairs of
# lines with nothing between them, the share of them in which the first is no end of a sentence, gaps between paragraphs.
WRAPPED_UNITS = frozenset({"paragraph", "standfirst", "heading", "quote"})
MIN_PAIRS, MIN_OPEN, MIN_GAPS = 8, 0.6, 3


def _is_wrapped(text: str, blocks: list[Block]) -> bool:
    """Whether lines end where they were full throughout the text, and empty lines part its paragraphs."""
    prose = [b for b in blocks if b.unit in WRAPPED_UNITS]
    if max((b.end - b.start for b in prose), default=0) not in WRAP_WIDTHS:
        return False
    close = [a for a, b in pairwise(prose) if _is_next_line(text, a, b)]
    open_ends = sum(not _SENTENCE_END.search(text[a.start : a.end]) for a in close)
    return len(close) >= MIN_PAIRS and open_ends >= MIN_OPEN * len(close) and len(prose) - len(close) > MIN_GAPS


def _is_next_line(text: str, before: Block, after: Block) -> bool:
    return text[before.end : after.start].strip(" \t\r") == "\n"


def _run(text: str, blocks: list[Block], at: int, whole: bool) -> list[Block]:
    """blocks[at] and those on the very next lines that could be of one wrapped text; all of them where the whole is wrapped."""
    end = at + 1
    if whole and blocks[at].unit in WRAPPED_UNITS:
        while end < len(blocks) and blocks[end].unit in WRAPPED_UNITS and _is_next_line(text, blocks[end - 1], blocks[end]):
            end += 1
        return blocks[at:end]
    while end < len(blocks) and blocks[at].unit in PROSE:
        before, after = (text[b.start : b.end] for b in blocks[end - 1 : end + 1])
        # The short last line of a paragraph may have been taken for a heading.
        goes_on = blocks[end].unit == blocks[at].unit or (after[0].islower() and not _SENTENCE_END.search(before))
        if not goes_on or not _is_next_line(text, blocks[end - 1], blocks[end]):
            break
        end += 1
    return blocks[at:end]


_LISTED = re.compile(r"[•●▪◦‣■○*·⁃–—-]\s|\d{1,2}[.)]\s")


def _paragraphs(text: str, run: list[Block]) -> Iterator[tuple[int, int]]:
    """First and last line of each paragraph in a run of lines."""
    lines = [text[b.start : b.end] for b in run]
    width = max(map(len, lines))
    open_ends = sum(not _SENTENCE_END.search(line) for line in lines)
    wrapped = len(lines) >= MIN_WRAPPED_LINES and width in WRAP_WIDTHS and 2 * open_ends >= len(lines) - 1
    first = 0
    for i, line in enumerate(lines):
        listed = i + 1 < len(lines) and run[i + 1].unit == "list_item" and _LISTED.match(lines[i + 1])
        if i + 1 < len(lines) and not listed and wrapped and len(line) + 1 + len(lines[i + 1].split(None, 1)[0]) > width:
            continue
        yield first, i
        first = i + 1


# Letters and digits that two stretches must share to be called a repeat, and how alike a pull quote and its source are.
MIN_REPEATED = 25
PULL_QUOTE_LIKENESS = 90
# A longer quotation is a source quoted at length, not a line of the page's own shown large.
MAX_PULL_QUOTE = 400
_NOT_WORD = re.compile(r"[\W_]+")


def _repeats(text: str, found: list[Segment]) -> list[int | None]:
    """For each segment the one it repeats: the first of the same words, or for a pull quote its source in the body."""
    said = [_NOT_WORD.sub("", text[s.start : s.end].casefold()) for s in found]
    quoted = [s.unit == "quote" or (s.parent is not None and found[s.parent].unit == "quote") for s in found]
    first: dict[tuple[str, bool], int] = {}
    # The body before the quotes, so that a quote that stands above its source is the repeat, not the source.
    for i in sorted(range(len(found)), key=lambda i: (quoted[i], i)):
        first.setdefault((said[i], found[i].parent is None), i)
    repeats: list[int | None] = []
    for i, s in enumerate(found):
        is_block = s.parent is None
        # Like points at like if it can.
        same = [first.get((said[i], kind)) for kind in (is_block, not is_block)]
        other = next((j for j in same if j is not None and _may_repeat(found, quoted, i, j)), None)
        if s.unit == "quote" and other is None and len(said[i]) <= MAX_PULL_QUOTE:
            other = _source(said, found, quoted, i)
        repeats.append(other if len(said[i]) >= MIN_REPEATED else None)
    return repeats


def _may_repeat(found: list[Segment], quoted: list[bool], i: int, j: int) -> bool:
    """Repeats point back, or from a quote to the body; a block of one sentence and that sentence do not repeat each other."""
    back = j < i if quoted[i] == quoted[j] else quoted[i]
    return back and found[i].parent != j and found[j].parent != i


def _source(said: list[str], found: list[Segment], quoted: list[bool], quote: int) -> int | None:
    """The first block of the body that holds the words of a pull quote, or nearly them."""
    for i, s in enumerate(found):
        body = s.parent is None and s.unit in PROSE and not quoted[i]
        if body and len(said[i]) * 100 >= len(said[quote]) * PULL_QUOTE_LIKENESS and _holds(said[i], said[quote]):
            return i
    return None


def _holds(whole: str, part: str) -> bool:
    if part in whole:
        return True
    from rapidfuzz import fuzz  # few documents need it, and it is slow to load

    return fuzz.partial_ratio(part, whole, score_cutoff=PULL_QUOTE_LIKENESS) > 0
