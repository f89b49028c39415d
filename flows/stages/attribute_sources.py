"""Who is speaking: the words beside a cue that name its source, told from closed classes of words and punctuation."""

from functools import cache

from flows.stages.attribute_words import QUOTE_MARKS, Words, back_over, classes, possessive

Range = tuple[int, int]
# A subject is looked for in so many tokens before its verb, a phrase in so many after: longer ones are lists and clauses.
SUBJECT_TOKENS = 40
PHRASE_TOKENS = 25
_STOP = frozenset([*",;:—–()[].!?…-"]) | QUOTE_MARKS


@cache
def _auxiliary() -> frozenset[str]:
    return classes().be | classes().have | classes().modal | {"to"}


@cache
def _no_name() -> frozenset[str]:
    of = classes()
    return of.pronoun | of.determiner | of.possessive | of.addressee | of.title


def auxiliaries(sentence: Words, i: int) -> tuple[int, bool]:
    """Where the verb group that ends before token `i` begins, and whether its last auxiliary is a form of be."""
    of, k = classes(), back_over(sentence, i)
    passive = k >= 0 and sentence.lower[k] in of.be
    while k >= 0 and sentence.lower[k] in _auxiliary():
        k = back_over(sentence, k)
    return k + 1, passive


def subject(sentence: Words, i: int) -> Range | None:
    """Tokens of the subject of the verb group that begins at `i`; None where a conjunction or nothing stands before."""
    lower, k = sentence.lower, i - 1
    if k < 0:
        return None
    if lower[k] in classes().relative:
        return k, i
    if lower[k] in (",", ")", "—", "–", "--"):
        return _with_apposition(sentence, k)
    if not lower[k][0].isalnum() or lower[k] in classes().conjunction:
        return None
    start = _phrase_start(sentence, k)
    return (start, i) if start < i else None


def main_subject(sentence: Words, stop: int) -> Range | None:
    """The subject of the first verb group before token `stop`, for a participle after a comma."""
    of = classes()
    for i in range(1, stop):
        if sentence.lower[i] in of.verb or sentence.lower[i].endswith("ed"):
            return subject(sentence, auxiliaries(sentence, i)[0])
    return None


def _with_apposition(sentence: Words, k: int) -> Range | None:
    """Of "X, who leads Y," and "X (R-Iowa)" before their verb: the phrase before the mark's mate, and what lies between."""
    lower, mate = sentence.lower, {")": "("}.get(sentence.lower[k], sentence.lower[k])
    low = max(0, k - SUBJECT_TOKENS)
    opening = next((m for m in range(k - 1, low, -1) if lower[m] == mate), 0)
    if not opening or lower[opening + 1] in ("and", "but", "or", "so", "because"):
        return None
    if not (lower[opening - 1][0].isalnum() or lower[opening - 1] == ")"):
        return None
    start = subject(sentence, opening) if lower[opening - 1] == ")" else (_phrase_start(sentence, opening - 1), opening)
    return (start[0], k + (mate == "(")) if start and start[0] < opening else None


def _phrase_start(sentence: Words, k: int) -> int:
    """The first token of the noun phrase that ends with token `k`."""
    of, lower, j = classes(), sentence.lower, k
    if lower[k] in of.pronoun:
        return k
    while j > max(-1, k - SUBJECT_TOKENS):
        word = lower[j]
        if word == "," and _in_list(sentence, j, k):
            j -= 1
            continue
        relative = _relative_before(sentence, j) if word in of.verb else 0
        if relative:
            j = relative - 1
            continue
        if word in _STOP or word in of.verb or word in of.opens_clause or (word in ("and", "or") and not _joins(sentence, j)):
            break
        if word in of.pronoun and j < k:
            break
        j -= 1
    return _after_adjunct(sentence, j + 1, k)


def _relative_before(sentence: Words, j: int) -> int:
    """The place of the "who" whose verb stands at `j`, if it goes on a noun: "voters who have left town"; else 0."""
    k = back_over(sentence, auxiliaries(sentence, j)[0])
    return k if k > 0 and sentence.lower[k] in classes().relative and sentence.lower[k - 1][0].isalnum() else 0


def _in_list(sentence: Words, j: int, k: int) -> bool:
    """Whether the comma at `j` stands between the first items of "A, B and C": names that an "and" follows before `k`."""
    lower = sentence.lower
    end = next((m for m in range(j + 1, min(k, j + 6)) if lower[m] in ("and", ",")), None)
    return j > 0 and end is not None and sentence.capital(j - 1) == sentence.capital(end - 1) and not lower[j - 1].endswith("ed")


def _joins(sentence: Words, j: int) -> bool:
    """Whether the "and" at `j` joins two noun phrases: names, or nouns in the plural."""
    before = sentence.lower[j - 1] if j else ""
    return bool(before) and (sentence.capital(j - 1) or before.endswith("s")) and before[0].isalnum()


def _after_adjunct(sentence: Words, j: int, k: int) -> int:
    """Past what opens the sentence before its subject: "But in Kelby Lund", "On Monday the mayor"."""
    of, lower = classes(), sentence.lower
    while j < k and (lower[j] in of.conjunction or (lower[j] in of.adverb and lower[j] not in ("all", "both"))):
        j += 1
    if lower[j] not in of.preposition:
        return j
    if sentence.capital(k):
        while k > j and sentence.capital(k):
            k -= 1
        return k + 1
    return next((m for m in range(k - 1, j + 1, -1) if lower[m] in of.determiner or lower[m] in of.possessive), j + 1)


def phrase_after(sentence: Words, i: int, stop: int) -> Range | None:
    """The noun phrase that begins at token `i`, up to a mark, a verb, the time or a new clause."""
    of, lower, j = classes(), sentence.lower, i
    stop = min(stop, i + PHRASE_TOKENS)
    if i < stop and lower[i] in of.pronoun:
        return i, i + 1
    while j < stop and lower[j] not in _STOP and lower[j] not in of.verb and lower[j] not in of.time:
        if lower[j] in of.opens_clause or (j > i and lower[j] in of.time_opening):
            break
        j += 1
    return (i, j) if j > i else None


def possessor(sentence: Words, i: int) -> Range | None:
    """The possessive before the noun at token `i`, as in "his claim" and "the mayor's latest warning"."""
    of, lower = classes(), sentence.lower
    for k in range(i - 1, max(-1, i - 4), -1):
        if lower[k] in of.possessive:
            return k, k + 1
        if possessive(lower[k]):
            return _phrase_start(sentence, k), k + 1
    return None


def giver(sentence: Words, i: int) -> Range | None:
    """The subject of the verb that the noun at token `i` is said with: "X made a promise", "X voiced strong doubts"."""
    of, lower = classes(), sentence.lower
    verb = next((k for k in range(i - 1, max(-1, i - 4), -1) if lower[k] in of.light), None)
    return None if verb is None else subject(sentence, auxiliaries(sentence, verb)[0])


def head(sentence: Words, span: Range) -> int:
    """The head's token: the last before the first mark, preposition or relative pronoun."""
    of = classes()
    for j in range(span[0] + 1, span[1]):
        word = sentence.lower[j]
        if word in _STOP or word in of.preposition or word in of.relative:
            return j - 1
    return span[1] - 1


def name(sentence: Words, span: Range) -> str | None:
    """The name that a source's head is the end of: its run of capitalised words; None for another noun or a pronoun."""
    of, last = classes(), head(sentence, span)
    if not sentence.capital(last) or sentence.lower[last] in _no_name():
        return None
    first = last
    while first > span[0] and sentence.capital(first - 1):
        if sentence.lower[first - 1] in of.determiner or sentence.lower[first - 1] in of.title:
            break
        first -= 1
    end = sentence.ends[last] - 2 * possessive(sentence.lower[last])
    return sentence.text[sentence.starts[first] : end]
