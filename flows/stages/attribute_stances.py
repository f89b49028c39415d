"""Stances: where a target is named, whose attitude to it could be asked, and what listed words say of it, if anything.

Part of the attribute stage. An instance is a sentence, a target that is named in it (by a mention of its entity, or its terms), and a
holder: the author, and each source in whose words the target stands. Whoever acts on the target is a holder too ("X opposes Y"). An
answer is given only where a word with a direction stands next to the target in one of a few constructions (attribute_rules.json has
the words); all else, questions and suppositions, what is denied or put in scare quotes, and sentences with damage have None.

That an answer is None says nothing: the instance is there to be asked about. A report of bad news is no stance, nor is a denial, but
to deny a proposition is to be against it.
"""

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

Range = tuple[int, int]


class Stance(NamedTuple):
    """`evidence` are character ranges of the text; `attribution` and `claim` are places in the lists given."""

    segment: int
    holder_type: str
    holder_entity_id: str | None
    attribution: int | None
    claim: int | None
    target_id: str
    explicit: bool
    evidence: tuple[Range, ...]
    answer: str | None
    origin: str = "rule"


class Hit(NamedTuple):
    """A target named at [start, end); a demonym says that a noun has to follow."""

    start: int
    end: int
    target: int
    is_demonym: bool


class Holder(NamedTuple):
    type: str
    entity_id: str | None
    attribution: int | None


class Vote(NamedTuple):
    holder: Holder
    evidence: tuple[Range, ...]
    answer: str


class Sentence(NamedTuple):
    """A sentence by its words, whose each is (None: the author's), and the attributions and mentions in it."""

    low: str
    place: int
    start: int
    end: int
    language: str
    words: list[str]
    ranges: list[Range]
    begins: list[int]
    owners: list[int | None]
    near: list[int]
    mentions: list


LANGUAGES = ("en", "ru", "tr", "az")
# In these the verb follows its object.
VERB_FINAL = ("tr", "az")
SKIPPED = frozenset({"byline", "note", "table"})
# Characters of a sentence that are read: longer ones are lost punctuation or no prose.
SENTENCE_WINDOW = 1500
# Words between a cue and its target, or between the parts of a predicate. Nearness stands in for a parser.
GAP = 4
# Reports within reports that are followed to who speaks.
MAX_DEPTH = 8
# Words before a cue in which a negation or a supposition takes its direction away.
LOOK_BACK = 4
_TOKEN = re.compile(r"\w+(?:['-]\w+)*|[^\w\s]")
_MARKS = frozenset(",;:.!?—–()")
_QUOTES = frozenset('"“”„«»‘')
FLIPPED = {"favor": "against", "against": "favor"}


def stances(text: str, segments: Sequence, attributions: Sequence, mentions: Sequence, claims: Sequence, targets: Sequence) -> list[Stance]:
    """The stance instances of a document, by sentence, target and holder. `targets` have target_id, type, entity_ids and terms.
    Linear in the length of the text."""
    low = text.replace("İ", "i").lower().replace("’", "'")
    leaves = _leaves(segments)
    hits = _hits(low, segments, leaves, mentions, targets)
    if not hits:
        return []
    near = _near(segments, leaves, attributions)
    inside = _inside(segments, leaves, mentions)
    by_segment: dict[int, list[int]] = {}
    for number, claim in enumerate(claims):
        by_segment.setdefault(claim.segment, []).append(number)
    told = {c.attribution: c.holder_type for c in claims if c.attribution is not None}
    found: list[Stance] = []
    for place in sorted(hits):
        sentence = _sentence(low, segments, place, near.get(place, []), inside.get(place, []), attributions)
        known = [(n, claims[n]) for n in by_segment.get(place, [])]
        for target in sorted({h.target for h in hits[place]}):
            own = [h for h in hits[place] if h.target == target]
            found += _instances(sentence, segments[place], own, targets[target], attributions, told, known)
    return found


# ---------------------------------------------------------------- where targets are named


def _leaves(segments: Sequence) -> list[int]:
    """The places of the sentences, and of the blocks without any, in which a stance is looked for."""
    parents = {s.parent for s in segments}
    return [i for i, s in enumerate(segments) if i not in parents and _block(segments, i).unit not in SKIPPED and not _repeats(segments, i)]


def _block(segments: Sequence, i: int):
    parent = segments[i].parent
    return segments[i if parent is None else parent]


def _repeats(segments: Sequence, i: int) -> bool:
    return segments[i].repeat_of is not None or _block(segments, i).repeat_of is not None


def _leaf_at(starts: list[int], ends: list[int], leaves: list[int], at: int) -> int | None:
    n = bisect_right(starts, at) - 1
    return leaves[n] if n >= 0 and at < ends[n] else None


def _hits(low: str, segments: Sequence, leaves: list[int], mentions: Sequence, targets: Sequence) -> dict[int, list[Hit]]:
    """By sentence, where its targets are named, each place once."""
    starts, ends = [segments[i].start for i in leaves], [segments[i].end for i in leaves]
    entities: dict[str, list[int]] = {}
    for number, target in enumerate(targets):
        for entity_id in target.entity_ids:
            entities.setdefault(entity_id, []).append(number)
    found: list[Hit] = []
    for m in mentions:
        found += [Hit(m.start, m.end, number, m.mention_type == "demonym") for number in entities.get(m.entity_id, ())]
    for number, target in enumerate(targets):
        pattern = _terms(tuple(target.terms))
        for m in pattern.finditer(low) if pattern else ():
            if not (m.start() and (low[m.start() - 1].isalnum() or low[m.start() - 1] == "_")):
                found.append(Hit(m.start(), m.end(), number, False))
    hits: dict[int, list[Hit]] = {}
    for hit in sorted(set(found)):
        place = _leaf_at(starts, ends, leaves, hit.start)
        if place is not None and hit.end <= min(segments[place].end, segments[place].start + SENTENCE_WINDOW):
            hits.setdefault(place, []).append(hit)
    return hits


@lru_cache(maxsize=1024)
def _terms(terms: tuple[str, ...]) -> re.Pattern | None:
    """Any of the terms; what may not stand before one is looked at afterwards, which lets the search skip ahead."""
    folded = sorted({t.replace("İ", "i").lower().replace("’", "'") for t in terms}, key=lambda t: (-len(t), t))
    escaped = [re.sub(r"(?:\\ )+", r"\\s+", re.escape(t)).replace(r"\*", r"\w{0,30}").replace(r"\-", "[-‐‑–—]") for t in folded]
    return re.compile(rf"(?:{'|'.join(escaped)})(?!\w)") if escaped else None


def _near(segments: Sequence, leaves: list[int], attributions: Sequence) -> dict[int, list[int]]:
    """By sentence, the attributions of which any words stand in it."""
    starts, ends = [segments[i].start for i in leaves], [segments[i].end for i in leaves]
    near: dict[int, list[int]] = {}
    for k, each in enumerate(attributions):
        places = {n for a, b in (*each.source, *each.cue, *each.content) for n in range(bisect_left(ends, a + 1), bisect_left(starts, b))}
        for n in sorted(places):
            near.setdefault(leaves[n], []).append(k)
    return near


def _inside(segments: Sequence, leaves: list[int], mentions: Sequence) -> dict[int, list]:
    starts, ends = [segments[i].start for i in leaves], [segments[i].end for i in leaves]
    inside: dict[int, list] = {}
    for m in mentions:
        place = _leaf_at(starts, ends, leaves, m.start)
        if place is not None:
            inside.setdefault(place, []).append(m)
    return inside


def _sentence(low: str, segments: Sequence, place: int, near: list[int], mentions: list, attributions: Sequence) -> Sentence:
    start, end = segments[place].start, min(segments[place].end, segments[place].start + SENTENCE_WINDOW)
    found = list(_TOKEN.finditer(low, start, end))
    ranges = [m.span() for m in found]
    # The innermost attribution is the one whose content is the shortest.
    contents = sorted(((sum(b - a for a, b in attributions[k].content), k) for k in near), reverse=True)
    owners: list[int | None] = [None] * len(found)
    begins = [a for a, _ in ranges]
    for _, k in contents:
        for a, b in attributions[k].content:
            for n in range(bisect_left(begins, a), bisect_left(begins, b)):
                owners[n] = k
    language = segments[place].language
    return Sentence(low, place, start, end, language, [m[0] for m in found], ranges, begins, owners, near, mentions)


# ---------------------------------------------------------------- instances


def _instances(
    s: Sentence, unit, hits: list[Hit], target, attributions: Sequence, told: dict[int | None, str], known: list
) -> Iterator[Stance]:
    """One for the author, if the sentence has words of his, one for each source in whose words the target stands, and one for whoever
    acts on it. A holder who is the target is not asked about itself."""
    author = Holder("author", None, None)
    asked: dict[Holder, list[Vote]] = {}
    if any(owner is None and word[0].isalnum() for owner, word in zip(s.owners, s.words, strict=True)):
        asked[author] = []
    votes: list[Vote] = []
    for hit in hits:
        first = bisect_right([b for _, b in s.ranges], hit.start)
        if first >= len(s.owners):
            continue
        owner = s.owners[first]
        holder = author if owner is None else _holder(s, owner, attributions, told)
        asked.setdefault(holder, [])
        if s.language in LANGUAGES and not getattr(unit, "defects", ()) and "?" not in s.words[-3:]:
            votes += _votes(s, hit, first, holder, target, attributions, told)
    for vote in votes:
        asked.setdefault(vote.holder, []).append(vote)
    for holder, given in asked.items():
        if holder.entity_id not in target.entity_ids:
            yield _stance(s, holder, given, target, hits, known)


def _stance(s: Sentence, holder: Holder, votes: list[Vote], target, hits: list[Hit], known: list) -> Stance:
    answers = sorted({v.answer for v in votes})
    answer = None if not answers else answers[0] if len(answers) == 1 else "mixed"
    evidence = _merged([r for v in votes for r in v.evidence])
    at = evidence[0][0] if evidence else hits[0].start
    claim = next((n for n, c in known if c.attribution == holder.attribution and c.spans[0][0] <= at < c.spans[-1][1]), None)
    return Stance(s.place, *holder, claim, target.target_id, True, evidence, answer)


def _merged(ranges: list[Range]) -> tuple[Range, ...]:
    out: list[Range] = []
    for a, b in sorted(ranges):
        if out and a <= out[-1][1]:
            out[-1] = (out[-1][0], max(b, out[-1][1]))
        else:
            out.append((a, b))
    return tuple(out)


def _holder(s: Sentence, k: int, attributions: Sequence, told: dict[int | None, str]) -> Holder:
    """Who speaks: an entity if the source's name, or the whole source, is a mention of one."""
    each = attributions[k]
    of = _rules(s.language).words if s.language in LANGUAGES else None
    for _ in range(MAX_DEPTH):
        if not (of and each.source and s.low[slice(*each.source[0])] in of["me"]):
            break
        # "We oppose it" is said by whoever's words it stands in.
        if each.parent is None:
            return Holder("author", None, None)
        k, each = each.parent, attributions[each.parent]
    entity = _source_entity(s, each) if each.source else None
    kind = "entity" if entity else told.get(k) or _source_type(s, each, of)
    return Holder(kind, entity if kind == "entity" else None, k)


def _source_type(s: Sentence, each, of: dict[str, frozenset[str]] | None) -> str:
    words = _TOKEN.findall(s.low, *each.source[0]) if each.source else []
    if not words or (of and (words[0] in of["indefinite"] or any(w in of["unnamed"] for w in words[: GAP + 1]))):
        return "unnamed"
    return "entity"


def _source_entity(s: Sentence, each) -> str | None:
    start, end = each.source[0]
    name = (each.holder_name or "").replace("İ", "i").lower().replace("’", "'")
    at = s.low.find(name, start, end) if name else -1
    fillers = _rules(s.language).words["filler"] if s.language in LANGUAGES else frozenset()
    for m in s.mentions:
        if m.entity_id is None or m.mention_type == "demonym" or not (start <= m.start and m.end <= end):
            continue
        rest = (s.low[start : m.start] + " " + s.low[m.end : end]).replace("'s", " ").split()
        if (at >= 0 and m.start < at + len(name) and at < m.end) or all(word in fillers for word in rest):
            return m.entity_id
    return None


# ---------------------------------------------------------------- votes


class Rules(NamedTuple):
    """A language's words, and a pattern of each list."""

    words: dict[str, frozenset[str]]
    cues: dict[str, re.Pattern]


@cache
def _rules(language: str) -> Rules:
    lists = json.loads(Path(__file__).with_name("attribute_rules.json").read_text(encoding="utf-8"))[language]
    listed = {name: [w for w in words.split(", ") if w] for name, words in lists.items()}
    return Rules({name: frozenset(of) for name, of in listed.items()}, {name: _any_of(of) for name, of in listed.items()})


def _any_of(words: list[str]) -> re.Pattern:
    escaped = (re.escape(w).replace(r"\*", r"\w{2,30}").replace(r"\ ", r"\s") for w in sorted(words, key=lambda w: (-len(w), w)))
    return re.compile(rf"(?<![\w'])(?:{'|'.join(escaped) or '(?!)'})(?!\w)")


def _votes(s: Sentence, hit: Hit, first: int, holder: Holder, target, attributions: Sequence, told: dict) -> Iterator[Vote]:
    """What the constructions known say of a target named at `first`; each abstains on its own."""
    of = _rules(s.language)
    last = bisect_left(s.begins, hit.end) - 1
    end = _head(s, hit, last, of)
    if end is None:
        return
    yield from _by_report(s, hit, first, target, attributions, told, of)
    acts = list(_by_verb(s, first, last, end, holder, of))
    yield from acts
    if not _is_supposed(s, s.owners[first], of):
        yield from _by_predicate(s, first, end, holder, target, of)
        # "Selma condemned Orin's aggression": the word may be Selma's.
        if all(vote.holder == holder for vote in acts):
            yield from _by_attribute(s, first, last, holder, of)
        yield from _by_demand(s, first, last, end, holder, target, of)


def _head(s: Sentence, hit: Hit, last: int, of: Rules) -> int | None:
    """The last word of the noun phrase that stands for the target: its own, or what a state does or has ("Orin's policy"). None where
    the target only qualifies another noun ("Orin refugees", "the Orin deal")."""
    following = s.words[last + 1] if last + 1 < len(s.words) else "."
    is_owner = s.words[last].endswith(("'s", "s'")) and s.ranges[last][1] > hit.end
    if following in of.words["state_noun"] or following in of.words["against_noun"]:
        return last + 1
    if is_owner and following in of.words["against_adjective"]:
        return last
    if hit.is_demonym or is_owner:
        return None
    if s.language != "en" or not following[0].isalnum() or following in of.words["stop_after"]:
        return last
    is_verb = any(of.cues[name].match(s.low, s.ranges[last + 1][0]) for name in ("favor_verb", "against_verb", "copula", "should"))
    return last if is_verb else None


def _between(s: Sentence, start: int, end: int, of: Rules) -> str | None:
    """What the words [start, end) do between a cue and its target: "keep" or "flip" its direction; None where they break the tie."""
    if end - start > GAP:
        return None
    kinds = of.words["filler"] | of.words["nominal"]
    flips = [w in of.words["undoing"] for w in s.words[start:end]]
    if all(flip or w in kinds for flip, w in zip(flips, s.words[start:end], strict=True)):
        return "flip" if any(flips) else "keep"
    return None


def _is_supposed(s: Sentence, owner: int | None, of: Rules) -> bool:
    """Whether the words of this owner suppose, or say that somebody did not."""
    return any(word in of.words["unsure"] and who == owner for word, who in zip(s.words, s.owners, strict=True))


def _is_taken_back(s: Sentence, at: int, of: Rules) -> bool:
    """Whether what stands shortly before the verb at word `at` takes it back: "refused to", "does not", "pressure to"."""
    before = s.words[max(0, at - LOOK_BACK) : at]
    return (
        _negated(s, at - LOOK_BACK, at, of)
        or any(w in of.words["unsure"] for w in before)
        or (bool(before) and before[-1] in of.words["infinitive"])
    )


def _negated(s: Sentence, start: int, end: int, of: Rules) -> bool:
    return any(w in of.words["not"] or w.endswith("n't") for w in s.words[max(0, start) : max(0, end)])


def _by_report(s: Sentence, hit: Hit, first: int, target, attributions: Sequence, told: dict, of: Rules) -> Iterator[Vote]:
    """ "Orin condemns the dam", where the report's cue has a direction and its content begins with the target; and whoever denies a
    proposition is against it."""
    k = s.owners[first]
    if k is None or not attributions[k].cue or not s.start <= attributions[k].cue[0][0] < s.end or _is_disputed(s, k, attributions, of):
        return
    each = attributions[k]
    cue = " ".join(s.low[a:b] for a, b in each.cue)
    at = bisect_left(s.begins, each.cue[0][0])
    if of.cues["not"].search(cue) or _is_taken_back(s, at, of):
        return
    holder, evidence = _holder(s, k, attributions, told), (*each.cue, (each.content[0][0], hit.end))
    if target.type == "proposition" and of.cues["denied_cue"].search(cue):
        yield Vote(holder, evidence, "against")
        return
    begin = bisect_left(s.begins, each.content[0][0])
    tie = _between(s, begin, first, of) if begin <= first else None
    for answer in ("favor", "against"):
        if tie and of.cues[f"{answer}_verb"].search(cue) and (tie == "keep" or answer == "favor"):
            yield Vote(holder, evidence, answer if tie == "keep" else FLIPPED[answer])


def _is_disputed(s: Sentence, k: int, attributions: Sequence, of: Rules) -> bool:
    """Whether it is nobody, or few, who are said to say so, or somebody who is doubted that says they do."""
    each = attributions[k]
    source = _TOKEN.findall(s.low, *each.source[0])[:LOOK_BACK] if each.source else []
    is_doubted = each.parent is not None and attributions[each.parent].cue_class == "doubting"
    return is_doubted or any(word in of.words["few"] or word.isdigit() for word in source)


def _by_verb(s: Sentence, first: int, last: int, end: int, holder: Holder, of: Rules) -> Iterator[Vote]:
    """ "We oppose the dam" is the speaker's; in the author's words "Orin opposes the dam" is Orin's, as is "the dam, backed by Orin"."""
    reach = s.ranges[max(0, first - GAP - 2)][0], s.ranges[min(len(s.ranges) - 1, end + GAP + 2)][1]
    for answer in ("favor", "against"):
        for m in of.cues[f"{answer}_verb"].finditer(s.low, *reach):
            a, b = bisect_left(s.begins, m.start()), bisect_left(s.begins, m.end())
            if _is_taken_back(s, a, of):
                continue
            is_object = b <= first if s.language not in VERB_FINAL else a > last
            after = end + 1 + (s.words[end + 1 : end + 2] == [","] and not is_object)
            tie = _between(s, b, first, of) if b <= first else _between(s, after, a, of) if a > end else None
            if not is_object and b < len(s.words) and s.words[b] in of.words["by"] and tie == "keep":
                who = _actor(s, b + 1, 1, holder, of)
            elif is_object and tie:
                who = _actor(s, (first if s.language in VERB_FINAL else a) - 1, -1, holder, of)
            else:
                continue
            if who and (tie == "keep" or answer == "favor"):
                span = (min(m.start(), s.ranges[first][0]), max(m.end(), s.ranges[end][1]))
                yield Vote(who, (span,), answer if tie == "keep" else FLIPPED[answer])


def _actor(s: Sentence, at: int, step: int, holder: Holder, of: Rules) -> Holder | None:
    """Who does what the verb says, found from word `at` on over auxiliaries: the speaker, or an entity of the author's words."""
    for n in range(at, at + (GAP + 1) * step, step):
        if not 0 <= n < len(s.words):
            return None
        if step < 0 and s.words[n] in of.words["me"]:
            return holder
        start, end = s.ranges[n]
        for m in s.mentions:
            if m.start < end and start < m.end and m.mention_type in ("name", "metonym"):
                if m.entity_id is None or holder.type != "author" or s.owners[n] is not None or end > m.end:
                    return None
                return Holder("entity", m.entity_id, None) if step > 0 or _begins(s, m.start, of) else None
        if s.words[n] not in of.words["filler"]:
            return None
    return None


def _begins(s: Sentence, at: int, of: Rules) -> bool:
    """Whether nothing but articles and adverbs stands between the clause's begin and the character `at`: it is a subject."""
    first = bisect_left(s.begins, at)
    for n in range(first - 1, -1, -1):
        word = s.words[n]
        if s.owners[n] != s.owners[first] or word in _MARKS or word in _QUOTES or word in of.words["joints"] or word in of.words["that"]:
            return True
        if word not in of.words["filler"] or word in of.words["inner"]:
            return False
    return True


def _by_predicate(s: Sentence, first: int, end: int, holder: Holder, target, of: Rules) -> Iterator[Vote]:
    """ "The dam is a disgrace": the target is the subject, and an evaluative word its predicate."""
    if not _begins(s, s.ranges[first][0], of):
        return
    at = end + 1
    if s.language not in VERB_FINAL:
        copula = of.cues["copula"].match(s.low, s.ranges[at][0]) if at < len(s.words) else None
        if not copula:
            return
        at = bisect_left(s.begins, copula.end())
    if at >= len(s.words):
        return
    stop = min(len(s.words), at + GAP)
    stop = next((n for n in range(at, stop) if s.words[n] in _MARKS or s.owners[n] != s.owners[first]), stop)
    if at == stop or _negated(s, at, min(len(s.words), stop + 1), of) or any(w in _QUOTES for w in s.words[at : stop + 1]):
        return
    names = [("favor_word", "favor"), ("against_word", "against")]
    if target.type == "proposition":
        names += [("true_word", "favor"), ("false_word", "against")]
    for name, answer in names:
        m = of.cues[name].search(s.low, s.ranges[at][0], s.ranges[stop - 1][1])
        if m and all(w in of.words["filler"] or w in of.words["against_word"] for w in _TOKEN.findall(s.low, s.ranges[at][0], m.start())):
            yield Vote(holder, ((s.ranges[first][0], m.end()),), answer)


def _by_attribute(s: Sentence, first: int, last: int, holder: Holder, of: Rules) -> Iterator[Vote]:
    """ "the corrupt Orin regime", "Orin's shameful silence": a word against it in the noun phrase itself, not between quotation marks."""
    before = s.words[first - 1] if first else ""
    following = s.words[last + 1] if last + 1 < len(s.words) else ""
    if before in of.words["against_adjective"] and s.owners[first - 1] == s.owners[first] and not _negated(s, first - 3, first, of):
        yield Vote(holder, ((s.ranges[first - 1][0], s.ranges[last][1]),), "against")
    is_owned = s.words[last].endswith(("'s", "s'")) and following in of.words["against_adjective"]
    if following and s.owners[last + 1] == s.owners[first] and (following in of.words["against_noun"] or is_owned):
        yield Vote(holder, ((s.ranges[first][0], s.ranges[last + 1][1]),), "against")


def _by_demand(s: Sentence, first: int, last: int, end: int, holder: Holder, target, of: Rules) -> Iterator[Vote]:
    """ "The dam must not be built", "we should scrap the dam": what is to become of a target shows who is for it."""
    for name, answer in (("favor_do", "favor"), ("against_do", "against")):
        for n in range(max(0, first - GAP - 1), min(len(s.words), end + GAP + 3)):
            word = s.words[n]
            is_for_policy = target.type == "entity" and word not in of.words["entity_do"]
            if word not in of.words[name] or s.owners[n] != s.owners[first] or is_for_policy:
                continue
            span = (s.ranges[min(n, first)][0], s.ranges[max(n, end)][1])
            lead = (end + 1, n) if n > end else (max(0, n - 3), n)
            if n < first and _between(s, n + 1, first, of) != "keep":
                continue
            if s.language not in VERB_FINAL and not of.cues["should"].search(s.low, s.ranges[lead[0]][0], s.ranges[lead[1]][0]):
                continue
            if any(w in _MARKS for w in s.words[lead[0] : lead[1]]) or (n > end and not _begins(s, s.ranges[first][0], of)):
                continue
            yield Vote(holder, (span,), FLIPPED[answer] if _negated(s, *lead, of) else answer)
