"""What listed words say of a target that is named in a sentence, in each of the few constructions that are known.

Part of the attribute stage. Each construction votes or abstains on its own; attribute_rules.json has the words.
"""

from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from flows.stages.attribute_holders import Holder, Reports, holder_of
from flows.stages.attribute_rules import VERB_FINAL, Rules, rules
from flows.stages.attribute_targets import TOKEN, Hit, Range, Sentence

# Words between a cue and its target, or between the parts of a predicate. Nearness stands in for a parser.
GAP = 4
# Words before a cue in which a negation or a supposition takes its direction away.
LOOK_BACK = 4
_MARKS = frozenset(",;:.!?—–()")
_QUOTES = frozenset('"“”„«»‘')
FLIPPED = {"favor": "against", "against": "favor"}


class Vote(NamedTuple):
    holder: Holder
    evidence: tuple[Range, ...]
    answer: str


def votes_on(s: Sentence, hit: Hit, first: int, holder: Holder, target, reports: Reports) -> Iterator[Vote]:
    """What the constructions known say of a target named at `first`; each abstains on its own."""
    of = rules(s.language)
    last = bisect_left(s.begins, hit.end) - 1
    end = _head(s, hit, last, of)
    if end is None:
        return
    yield from _by_report(s, hit, first, target, reports, of)
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


def _by_report(s: Sentence, hit: Hit, first: int, target, reports: Reports, of: Rules) -> Iterator[Vote]:
    """ "Orin condemns the dam", where the report's cue has a direction and its content begins with the target; and whoever denies a
    proposition is against it."""
    k = s.owners[first]
    if k is None:
        return
    each = reports.attributions[k]
    if not each.cue or not s.start <= each.cue[0][0] < s.end or _is_disputed(s, k, reports, of):
        return
    cue = " ".join(s.low[a:b] for a, b in each.cue)
    at = bisect_left(s.begins, each.cue[0][0])
    if of.cues["not"].search(cue) or _is_taken_back(s, at, of):
        return
    holder, evidence = holder_of(s, k, reports), (*each.cue, (each.content[0][0], hit.end))
    if target.type == "proposition" and of.cues["denied_cue"].search(cue):
        yield Vote(holder, evidence, "against")
        return
    begin = bisect_left(s.begins, each.content[0][0])
    tie = _between(s, begin, first, of) if begin <= first else None
    for answer in ("favor", "against"):
        if tie and of.cues[f"{answer}_verb"].search(cue) and (tie == "keep" or answer == "favor"):
            yield Vote(holder, evidence, answer if tie == "keep" else FLIPPED[answer])


def _is_disputed(s: Sentence, k: int, reports: Reports, of: Rules) -> bool:
    """Whether it is nobody, or few, who are said to say so, or somebody who is doubted that says they do."""
    each = reports.attributions[k]
    source = TOKEN.findall(s.low, *each.source[0])[:LOOK_BACK] if each.source else []
    is_doubted = each.parent is not None and reports.attributions[each.parent].cue_class == "doubting"
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
        if m and all(w in of.words["filler"] or w in of.words["against_word"] for w in TOKEN.findall(s.low, s.ranges[at][0], m.start())):
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
