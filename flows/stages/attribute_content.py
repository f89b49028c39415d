"""What an English cue attributes: the clause, infinitive or phrase after it, or the sentence before "X said".

One sentence at a time, by closed classes of words and punctuation. Where content ends is a rule of thumb, measured
and not parsed: the end of the sentence, unless another attribution begins or a phrase is followed by a new clause.
"""

from bisect import bisect_left
from dataclasses import dataclass

from flows.stages.attribute_sources import Range, auxiliaries, giver, main_subject, name, phrase_after, possessor, subject
from flows.stages.attribute_words import QUOTE_MARKS, Cue, Words, classes, cues

# What stands between a cue and its content, as "in a statement on Monday", is passed over up to so many tokens.
SETTING_TOKENS = 12
# Between a comma and the verb of the next attribution: "…, but the minister later said".
NEXT_SUBJECT_TOKENS = 6
# A description between commas is no longer than this.
APPOSITION_TOKENS = 10
_END = frozenset(".!?")
_DASHES = frozenset("—–-")
# After these a verb without a subject of its own has that of the verb before.
_SHARING = frozenset(["and", "or", "but", ",", "then", "by", "while"])
_PASSIVE_CONTENT = frozenset(["to", "that", "as", "of", "for"]) | QUOTE_MARKS
_EXPLETIVE = frozenset(["it", "there"])
# What "said" may be followed by where its content stands before it.
_CLOSES_ASIDE = frozenset(",:.;") | _DASHES

Found = tuple[Range | None, list[Range]]


@dataclass
class Draft:
    """An attribution in the making, in characters of the text. `content` grows as its quotations are found."""

    source: Range | None
    cue: Range | None
    content: list[Range]
    holder: str | None = None
    cue_class: str | None = None
    direction: str | None = None


def indirect(sentence: Words, quotes: list[Range]) -> list[Draft]:
    """The attributions of one sentence, in the order of their cues; `quotes` are the quotations that stand in it.

    A draft without content is of a cue that ends in a colon: its content is still to come."""
    drafts: list[Draft] = []
    sources: list[Range] = []
    here = cues(sentence)
    for at, cue in enumerate(here):
        low, high = scope(sentence, cue, quotes)
        later = [c for c in here[at + 1 :] if c.first < high]
        found = _READERS[cue.entry.kind](sentence, cue, later, low, high, sources)
        if found is None:
            continue
        source, content = found
        if source:
            sources.append(source)
        made = draft(sentence, cue, source, content)
        # "said in a statement that": the noun has no content of its own.
        if cue.entry.kind == "verb" or not any(d.content and d.content[-1] == made.content[0] for d in drafts):
            drafts.append(made)
    return drafts


def draft(sentence: Words, cue: Cue, source: Range | None, content: list[Range]) -> Draft:
    _, _, starts, ends = sentence
    place = (starts[source[0]], ends[source[1] - 1]) if source else None
    spans = [(starts[first], ends[last - 1]) for first, last in content]
    holder, entry = name(sentence, source) if source else None, cue.entry
    return Draft(place, (starts[cue.first], ends[cue.last - 1]), spans, holder, entry.cue_class, entry.direction)


def scope(sentence: Words, cue: Cue, quotes: list[Range]) -> Range:
    """The tokens a cue may take content from: inside a quotation only those of the quotation."""
    at = sentence.starts[cue.first]
    for start, end in quotes:
        if start < at < end:
            return bisect_left(sentence.starts, start), bisect_left(sentence.starts, end - 1)
    high = len(sentence.lower)
    while high and sentence.lower[high - 1] in _END:
        high -= 1
    return 0, high


def _adverbial(sentence: Words, cue: Cue, later: list[Cue], low: int, high: int, sources: list[Range]) -> Found | None:
    """Of "According to X, CONTENT", "CONTENT, according to X(, CONTENT)"; "reportedly" has what follows it, and no source."""
    lower = sentence.lower
    if "after" not in cue.entry.frames:
        return (None, [(cue.last, _boundary(sentence, cue.last, later, high, True))]) if cue.last < high else None
    source = phrase_after(sentence, cue.last, high)
    if not source:
        return None
    opens, rest = cue.first - low <= 2, source[1]
    content = [] if opens else [(low, cue.first - (lower[cue.first - 1] in _CLOSES_ASIDE))]
    if opens or (rest < high and lower[rest] == "," == lower[cue.first - 1]):
        comma = next((j for j in range(rest, high) if lower[j] == ","), high)
        if comma + 1 < high:
            comma = _after_apposition(sentence, comma, high)
            source = (source[0], comma)
            content.append((comma + 1, high))
    return (source, content) if content else None


def _after_apposition(sentence: Words, comma: int, high: int) -> int:
    """The comma that closes "X, the mayor," or "the mayor, X," if one does; else the one given."""
    of, lower = classes(), sentence.lower
    second = next((j for j in range(comma + 2, min(high - 1, comma + APPOSITION_TOKENS)) if lower[j] == ","), comma)
    inside = range(comma + 1, second)
    named = all(map(sentence.capital, inside)) or lower[comma + 1] in ("a", "an", "the", "its", "his", "her", "their")
    return second if named and not any(lower[j] in of.verb for j in inside) else comma


def _noun(sentence: Words, cue: Cue, later: list[Cue], low: int, high: int, sources: list[Range]) -> Found | None:
    """Of "His claim that CLAUSE", "calls for PHRASE"; the possessive is the source."""
    i = cue.last
    if i + 1 >= high or sentence.lower[i] not in cue.entry.frames:
        return None
    clause = sentence.lower[i] == "that" or (sentence.lower[i] == "to" and _is_infinitive(sentence, i))
    source = possessor(sentence, cue.first) or giver(sentence, cue.first)
    return source, [(i + (not clause), _boundary(sentence, i, later, high, clause))]


def _adjective(sentence: Words, cue: Cue, later: list[Cue], low: int, high: int, sources: list[Range]) -> Found | None:
    """Of "X is convinced (that) CLAUSE", "X is critical of PHRASE"."""
    i, (start, linked) = cue.last, auxiliaries(sentence, cue.first)
    if i >= high or not linked:
        return None
    bare = "that" in cue.entry.frames and (sentence.lower[i] in classes().pronoun or sentence.lower[i] in classes().determiner)
    if not bare and sentence.lower[i] not in cue.entry.frames:
        return None
    source = subject(sentence, start)
    return None if source and sentence.lower[source[0]] in _EXPLETIVE else source, [(i, _boundary(sentence, i, later, high, True))]


def _verb(sentence: Words, cue: Cue, later: list[Cue], low: int, high: int, sources: list[Range]) -> Found | None:
    """Of "X said CONTENT", "CONTENT, X said", "X was accused of CONTENT by Y"."""
    lower, form, (start, passive) = sentence.lower, cue.entry.form, auxiliaries(sentence, cue.first)
    reduced = start == cue.first and cue.last < high and lower[cue.last] == "by"
    if form in ("past", "participle") and (passive or reduced):
        return _passive(sentence, cue, later, start, high)
    source = subject(sentence, start)
    dependent = (form == "ing" and start == cue.first) or lower[start] == "to"
    if dependent or (source is None and start > 0 and lower[start - 1] in _SHARING):
        source = sources[-1] if sources else main_subject(sentence, start)
    right = _right(sentence, cue, later, high)
    if "raise" in cue.entry.frames:
        return (None, ([source] if source else []) + right) if right else None
    left = _left(sentence, cue, start, source, low, high)
    # "said at a meeting that": what follows is content, unless a quotation has ended just before.
    if left and (not right or lower[right[0][0]] != "that" or _closes_quotation(lower, left[1][0][1])):
        return left
    return None if right is None else (source, right)


def _passive(sentence: Words, cue: Cue, later: list[Cue], start: int, high: int) -> Found | None:
    """The patient belongs to the content, as in PolNeAR: "X was criticised by Y", "X is said to CONTENT"."""
    lower, i = sentence.lower, cue.last
    patient = subject(sentence, start)
    content = [patient] if patient else []
    source = None
    if i < high and lower[i] == "by":
        source = phrase_after(sentence, i + 1, high)
        if not source:
            return None
        i = source[1]
    if i < high and lower[i] in _PASSIVE_CONTENT:
        content.append((i, _boundary(sentence, i, later, high, source is None)))
    elif not source:
        return None
    return (source, content) if content else None


def _right(sentence: Words, cue: Cue, later: list[Cue], high: int) -> list[Range] | None:
    """Content after its cue; [] where a colon ends the sentence and it is still to come."""
    lower, frames = sentence.lower, cue.entry.frames
    i = _skip(sentence, cue, high)
    if i >= high or _is_title(sentence, i, high):
        return None
    if lower[i] == ":":
        return [(i + 1, high)][: i + 1 < high] if frames & {"clause", "quote", "that", "object"} else None
    if lower[i] == ",":
        return [(i + 1, high)] if i + 1 < high and lower[i + 1] in QUOTE_MARKS else None
    clause = _is_clause(sentence, i, frames)
    if clause is None:
        return None
    return [(i, _boundary(sentence, i, later, high, clause))]


def _is_clause(sentence: Words, i: int, frames: frozenset[str]) -> bool | None:
    """Whether what begins at token `i` is a clause (or infinitive) for a cue of these frames, or a phrase; None: nothing."""
    of, word = classes(), sentence.lower[i]
    if word in QUOTE_MARKS:
        return True
    if word in of.clause and frames & {"clause", "object", "that"}:
        return True
    if word == "to":
        return True if "to" in frames and _is_infinitive(sentence, i) else None
    if word in of.preposition or word in of.conjunction:
        begins_clause = "clause" in frames and word in of.clause_preposition
        return False if word in frames else (begins_clause or None)
    if not (word[0].isalnum() or word in "$‘([") or word in of.be or word in of.modal or word in of.have:
        return None
    if "clause" in frames:
        return True
    return False if frames & {"object", "object_to"} else None


def _is_infinitive(sentence: Words, i: int) -> bool:
    """Whether the "to" at token `i` stands before a verb, as far as what cannot be one tells."""
    if i + 1 == len(sentence.lower) or (sentence.capital(i + 1) and not sentence.capital(i - 1)):
        return False
    of, word = classes(), sentence.lower[i + 1]
    noun = word in of.determiner or word in of.possessive or word in of.pronoun
    return word in QUOTE_MARKS or (word[0].isalpha() and not noun)


def _boundary(sentence: Words, i: int, later: list[Cue], high: int, clause: bool) -> int:
    """The token after the last of content that begins at `i`."""
    of, lower = classes(), sentence.lower
    verbs = {c.first for c in later if c.entry.kind == "verb" and c.entry.form == "past"}
    for j in range(i + 1, high):
        word = lower[j]
        if word == ";":
            return j
        if (word == "," or word in _DASHES) and j + 1 < high:
            if _new_attribution(sentence, j + 1, later, high):
                return j
            if not clause and (word in _DASHES or lower[j + 1] in of.after_phrase):
                return j
        elif (word in ("and", "but") and j + 1 in verbs and later[0].entry.kind == "verb") or (not clause and word in of.ends_phrase):
            return j
    return high


def _new_attribution(sentence: Words, j: int, later: list[Cue], high: int) -> bool:
    """Whether another attribution begins at `j`, after a comma: "adding that", "but Y said", "according to"."""
    cue = next((c for c in later if c.first >= j), None)
    if cue is None or cue.entry.kind not in ("verb", "adverbial") or cue.first - j > NEXT_SUBJECT_TOKENS:
        return False
    if cue.first == j:
        return cue.entry.kind == "adverbial" or cue.entry.form in ("ing", "past")
    return cue.entry.kind == "verb" and sentence.lower[j] in classes().joins_clause and cue.last < high


def _left(sentence: Words, cue: Cue, start: int, source: Range | None, low: int, high: int) -> Found | None:
    """Content before "X said" or "said X"."""
    if not cue.entry.frames & {"quote", "clause"}:
        return None
    lower = sentence.lower
    i = _skip(sentence, cue, high)
    begin = source[0] if source and source[0] < start and lower[source[0]] not in ("who", "that", "which") else start
    inverted = begin == start
    if begin - low < 2 or not (lower[begin - 1] in (",", "?", "!") or lower[begin - 1] in QUOTE_MARKS or lower[begin - 1] in _DASHES):
        return None
    quoted = _closes_quotation(lower, begin)
    if inverted:
        if start != cue.first or cue.entry.form not in ("past", "third", "base") or "quote" not in cue.entry.frames:
            return None
        source = phrase_after(sentence, i, high)
        if not source and not (quoted and i >= high):
            return None
        i = next((j - 1 for j in range(source[1], high) if lower[j] in QUOTE_MARKS), high) if source else high
        source = source and _with_description(sentence, source, i)
    elif i < high and lower[i] not in _CLOSES_ASIDE:
        if not quoted or lower[i] in QUOTE_MARKS:
            return None
        i = next((j - 1 for j in range(i, high) if lower[j] in QUOTE_MARKS), high)
    content = [(low, begin)]
    if i + 2 < high and lower[i] in _CLOSES_ASIDE and (not quoted or lower[i + 1] in QUOTE_MARKS):
        content.append((i + 1, high))
    return source, content


def _closes_quotation(lower: list[str], i: int) -> bool:
    """Whether a quotation with its punctuation, a sentence's and not a name's, ends before token `i`."""
    if i < 2:
        return False
    last, mark = lower[i - 2 : i]
    return (mark in QUOTE_MARKS and not last[0].isalnum()) or (last in QUOTE_MARKS and mark == ",")


def _with_description(sentence: Words, source: Range, high: int) -> Range:
    """A source after its cue with what describes it up to `high`: "said X, who leads Y", "said X, a farmer"."""
    of, lower, end = classes(), sentence.lower, source[1]
    i = end + (end < high and lower[end] == ",")
    described = i < high and (lower[i] in ("who", "whose") or (i > end and (lower[i] in of.determiner or lower[i] in of.possessive)))
    while high > i and not lower[high - 1][0].isalnum():
        high -= 1
    return (source[0], high) if described else source


def _is_title(sentence: Words, i: int, high: int) -> bool:
    """Whether the quotation that begins at `i` is the title of a work or a name: all its longer words capitalised."""
    if sentence.lower[i] not in QUOTE_MARKS:
        return False
    end = next((j for j in range(i + 1, high) if sentence.lower[j] in QUOTE_MARKS), high)
    long = [j for j in range(i + 1, end) if len(sentence.lower[j]) > 3]
    return end - i > 2 and bool(long) and all(map(sentence.capital, long)) and sentence.lower[end - 1] not in ",.!?"


def _skip(sentence: Words, cue: Cue, high: int) -> int:
    """Past adverbs, the time, the setting and, after "told", the person spoken to."""
    of, lower, i = classes(), sentence.lower, cue.last
    addressed = lower[cue.first] in of.tell
    while i < high:
        word = lower[i]
        if word in of.time or _is_adverb(word):
            i += 1
        elif word in of.time_opening and i + 1 < high and lower[i + 1] in of.time_noun:
            i += 2
            while i < high and (lower[i] in of.time_noun or lower[i].isdigit()):
                i += 1
        elif word in of.setting and word not in cue.entry.frames and (after := _after_setting(sentence, i, high)):
            i = after
        elif word == "," and i + 2 < high and lower[i + 1] in of.adverb and lower[i + 2] == ",":
            i += 3
        elif addressed and (after := _after_addressee(sentence, i, high)) > i:
            i, addressed = after, False
        else:
            break
    return i


def _is_adverb(word: str) -> bool:
    """Whether a word after a cue goes with it; "all", "there" and "only" begin content."""
    listed = word in classes().adverb and word not in ("all", "both", "there", "here", "far")
    return listed or (word.endswith("ly") and len(word) > 4 and word != "only")


def _after_setting(sentence: Words, i: int, high: int) -> int:
    """Past "in a statement" and the like, if "that", a quotation, a colon or the end follows; 0 otherwise."""
    lower = sentence.lower
    for j in range(i + 1, min(high, i + SETTING_TOKENS)):
        if lower[j] == "that" or lower[j] in QUOTE_MARKS or lower[j] == ":":
            return j
        if lower[j] in ",;" or lower[j] in classes().verb:
            return j if lower[j] == "," and j + 1 < high and lower[j + 1] in QUOTE_MARKS else 0
    return high if high - i <= SETTING_TOKENS else 0


def _after_addressee(sentence: Words, i: int, high: int) -> int:
    of, lower, j = classes(), sentence.lower, i
    if lower[j] in of.addressee:
        return j + 1
    while j < min(high, i + SETTING_TOKENS) and lower[j] not in of.after_person | of.time:
        if j > i and lower[j] in of.determiner and lower[j - 1] not in of.preposition and lower[j - 1] != "and":
            break
        j += 1
    return j


_READERS = {"verb": _verb, "noun": _noun, "adjective": _adjective, "adverbial": _adverbial}
