"""The rules of a release held against the answers in it: votes of a model that saw no rule (batch `blind`), and gold where there is some.

The first is a check, not gold: it shows where rules and one model part ways. Ranges are compared in bytes of the capture, in which votes
are given, so that a vote counts whether or not its item has the same id in this release.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from flows.corpus.items import sources_of
from flows.corpus.votes import ITEM_ID, parts, plain_answer
from flows.drafts import Heard
from flows.labellers import Labeller, Passage
from flows.labellers.score import SAME, answered, commonest, dice, mask, ratio, row
from flows.traced import Traced
from schemas import Row

# Read first, and then for the documents that were voted on.
VOTES = ("annotations", "labels")
OF_DOCUMENTS = ("documents", "segments", "edits", "claims")
# A vote its annotator was less sure of is unsure, as the guideline has it.
SURE = 0.7
POLAR = ("favor", "against")
Ranges = list[tuple[int, int]]


class Marked(NamedTuple):
    """An attribution or claim: who holds it (author, quoted or all), its bytes, what else is known, whether its annotator was sure."""

    doc_id: str
    holder: str
    spans: Ranges
    facts: Mapping[str, Any]
    is_sure: bool = True


def scored(tables: Mapping[str, Sequence[Mapping[str, Any]]], systems: Mapping[str, Sequence[Marked]]) -> list[Row]:
    """Rows by layer, language and holder, with all votes and without the unsure ones.

    tables: rows of VOTES and OF_DOCUMENTS, by table. systems: who finds attributions -> what it finds, such as `attributed`.
    """
    languages = {d["doc_id"]: d["language"] or "unknown" for d in tables["documents"]}
    blind = [v for v in tables["annotations"] if v["annotator_type"] == "model" and v["batch"] == "blind"]
    gold = [{**label, "confidence": None} for label in tables["labels"] if label["tier"] == "gold" and label["value"]]
    rules = [v for v in tables["annotations"] if v["annotator_type"] == "rule"]
    found = []
    for name, votes in (("blind reference, a model's", blind), ("gold", gold)):
        for data, unsure in ((name, True), (f"{name}, sure (confidence {SURE} or more)", False)):
            if votes and (unsure or any(not _sure(v) for v in votes)):
                for labeller, marked in systems.items():
                    found += _attributions(data, votes, labeller, marked, languages, unsure)
                found += _claims(data, votes, tables["claims"], languages, unsure)
                found += _stances(data, votes, rules, languages, unsure)
    return found


def attributed(tables: Mapping[str, Sequence[dict[str, Any]]], label: Labeller) -> list[Marked]:
    """The attributions a labeller finds in the documents whose words are there.

    The table `attributions` would not do: it also holds what annotators saw.
    """
    languages = {d["doc_id"]: d["language"] for d in tables["documents"]}
    found = []
    for doc_id, (traced, segments) in sources_of(tables["documents"], tables["edits"], tables["segments"]).items():
        units = _units(list(segments.values()))
        document = Passage(doc_id, traced.text, "", languages[doc_id], "author", partial(_bytes_of, traced), units)
        for vote in label(document, []) or ():
            facts = parts(vote["value"]) or {}
            found.append(Marked(doc_id, "all", [tuple(r) for r in facts.get("content") or ()], facts))
    return found


def _bytes_of(text: Traced, start: int, end: int) -> tuple[int, int]:
    span = text.span(start, end)
    return span.byte_start, span.byte_end


def _units(segments: Sequence[Mapping[str, Any]]) -> list[Heard]:
    at = {s["segment_id"]: i for i, s in enumerate(segments)}
    return [
        Heard(s["start"], s["end"], s["unit"], at.get(s["parent_id"]), s["language"], at.get(s["repeat_of"]), tuple(s["defects"]))
        for s in segments
    ]


def _sure(vote: Mapping[str, Any]) -> bool:
    return vote["confidence"] is None or vote["confidence"] >= SURE


def _wanted(votes: Iterable[Mapping[str, Any]], layer: str, fact: str, languages: Mapping[str, str], unsure: bool) -> list[Marked]:
    """What votes mark, once each; `fact` names the ranges. Where unsure votes count, all are sure."""
    found: dict[tuple, Marked] = {}
    for vote in votes:
        facts, doc_id = parts(vote["value"]) or {}, vote["item_id"][:20]
        spans = [tuple(r) for r in facts.get(fact) or ()]
        if vote["layer"] == layer and doc_id in languages and spans:
            holder = "all" if layer == "attribution" else "author" if facts.get("holder") == "author" else "quoted"
            found.setdefault((doc_id, *spans), Marked(doc_id, holder, spans, facts, unsure or _sure(vote)))
    return [found[key] for key in sorted(found)]


def _bytes(spans: Iterable[Mapping[str, int]]) -> Ranges:
    return [(s["byte_start"], s["byte_end"]) for s in spans or ()]


def _paired(wanted: Sequence[Marked], found: Sequence[Marked]) -> list[tuple[Marked, Marked]]:
    """Each with the likest of the same document, one to one, the likest pairs first."""
    by_document = defaultdict(list)
    for j, got in enumerate(found):
        by_document[got.doc_id].append(j)
    likest = [(-round(dice(want.spans, found[j].spans), 6), i, j) for i, want in enumerate(wanted) for j in by_document[want.doc_id]]
    left, right, pairs = set(), set(), []
    for like, i, j in sorted(likest):
        if -like >= SAME and i not in left and j not in right:
            left.add(i)
            right.add(j)
            pairs.append((wanted[i], found[j]))
    return pairs


def _groups(languages: Mapping[str, str], wanted: Iterable[Marked]) -> list[tuple[str, str]]:
    """Pairs of language and holder with something wanted, all together first."""
    seen = [(languages[w.doc_id], w.holder) for w in wanted]
    both = {(a, b) for spoken, holder in seen for a in ("all", spoken) for b in ("all", holder)}
    return sorted(both, key=lambda g: (g[0] != "all", g[0], g[1] != "all", g[1]))


def _in(group: tuple[str, str], languages: Mapping[str, str], marked: Iterable[Marked]) -> list[Marked]:
    return [m for m in marked if group[0] in ("all", languages[m.doc_id]) and group[1] in ("all", m.holder)]


def _share(documents: Iterable[str], hits: Iterable[str], total: Iterable[str]) -> tuple:
    """Value and interval of hits over total, both as doc_ids of single items."""
    sums = {d: np.zeros(2) for d in sorted(documents)}
    for column, ids in enumerate((hits, total)):
        for doc_id in ids:
            sums[doc_id][column] += 1
    return ratio(sums.values())


def _attributions(
    data: str, votes: Sequence, labeller: str, marked: Sequence[Marked], languages: Mapping[str, str], unsure: bool
) -> list[Row]:
    """Precision, recall and F1 of attributions and of the bytes of content, in documents that have votes; then types and sources."""
    wanted = _wanted(votes, "attribution", "content", languages, unsure)
    found = [m for m in marked if m.doc_id in {w.doc_id for w in wanted}]
    told = []
    for language, _ in _groups(languages, wanted):
        here, got = (_in((language, "all"), languages, m) for m in (wanted, found))
        pairs, docs = _paired(here, got), sorted({w.doc_id for w in here})
        told += _matched(labeller, data, language, pairs, here, got, docs)
        told += _covered(labeller, data, language, here, got, docs)
        sure = [(w, g) for w, g in pairs if w.is_sure]
        sourced = [(w, g) for w, g in sure if w.facts.get("source")] if any(g.facts.get("source") for g in got) else []
        for measure, of, hits in (
            ("type, of those found", sure, [w for w, g in sure if w.facts.get("type") == g.facts.get("type")]),
            ("source, of those found", sourced, [w for w, g in sourced if dice(w.facts["source"], g.facts.get("source") or ()) >= SAME]),
        ):
            value, interval = _share(docs, [w.doc_id for w in hits], [w.doc_id for w, _ in of])
            told.append(row("attribution", data, labeller, measure, value, len(of), interval, language=language))
    return list({(r["language"], r["measure"]): r for r in told}.values())


def _matched(
    labeller: str, data: str, language: str, pairs: Sequence, wanted: Sequence[Marked], found: Sequence[Marked], docs: Sequence[str]
) -> list[Row]:
    """Attributions found, by overlap. What was found of unsure ones is neither right nor wrong."""
    hits = [w.doc_id for w, _ in pairs if w.is_sure]
    sure = [w.doc_id for w in wanted if w.is_sure]
    got = list((Counter(g.doc_id for g in found) - Counter(w.doc_id for w, _ in pairs if not w.is_sure)).elements())
    told = []
    for measure, top, bottom, n in (
        ("precision", hits, got, len(got)),
        ("recall", hits, sure, len(sure)),
        ("F1", hits * 2, got + sure, len(sure)),
    ):
        value, interval = _share(docs, top, bottom)
        told.append(row("attribution", data, labeller, f"{measure}, by overlap", value, n, interval, language=language))
    return told


def _covered(labeller: str, data: str, language: str, wanted: Sequence[Marked], found: Sequence[Marked], docs: Sequence[str]) -> list[Row]:
    """F1 of the bytes inside content; those of unsure attributions are left out."""
    sums = []
    for doc_id in docs:
        want, unsure, got = (
            [s for m in marks if m.doc_id == doc_id and (sure is None or m.is_sure == sure) for s in m.spans]
            for marks, sure in ((wanted, True), (wanted, False), (found, None))
        )
        size = max(end for _, end in [*want, *unsure, *got])
        w, u, g = (mask(size, spans) for spans in (want, unsure, got))
        sums.append((2 * (w & g).sum(), w.sum() + (g & (w | ~u)).sum()))
    value, interval = ratio(sums)
    return [row("attribution", data, labeller, "bytes of content F1", value, len(docs), interval, language=language)]


def _claims(data: str, votes: Sequence, rows: Sequence, languages: Mapping[str, str], unsure: bool) -> list[Row]:
    """Recall of claims (those marked are a choice, so precision is not to be had), and what is said of those found."""
    wanted = _wanted(votes, "claim", "spans", languages, unsure)
    documents = {w.doc_id for w in wanted}
    found = [
        Marked(r["doc_id"], "author" if r["holder_type"] == "author" else "quoted", _bytes(r["spans"]),
               {"modality": r["modality"], "holder": r["holder_type"], "commitment": r["author_commitment"]})
        for r in rows if r["doc_id"] in documents and r["origin"] == "rule"
    ]  # fmt: skip
    pairs = [(w, g) for w, g in _paired(wanted, found) if w.is_sure]
    told = []
    for group in _groups(languages, wanted):
        here = [w for w in _in(group, languages, wanted) if w.is_sure]
        met = [(w, g) for w, g in pairs if _in(group, languages, [w])]
        docs = sorted({w.doc_id for w in here})
        measured = [("recall, by overlap", [w for w, _ in met], here)]
        measured += [(f"{fact}, of those found", [w for w, g in met if w.facts.get(fact) == g.facts[fact]], [w for w, _ in met])
                     for fact in ("modality", "holder", "commitment")]  # fmt: skip
        for measure, hits, of in measured:
            value, interval = _share(docs, [w.doc_id for w in hits], [w.doc_id for w in of])
            told.append(row("claim", data, "rules", measure, value, len(of), interval, language=group[0], holder=group[1]))
    return told


def _stances(data: str, votes: Sequence, rules: Sequence, languages: Mapping[str, str], unsure: bool) -> list[Row]:
    """Coverage and precision of the rules' votes, and their recall of favor and against; the commonest answer beside it."""
    wanted = []
    for vote in votes:
        name, answer = ITEM_ID.fullmatch(vote["item_id"]), plain_answer("stance", vote["value"])
        if vote["layer"] == "stance" and name and name["doc"] in languages and (unsure or _sure(vote)):
            spans = [(int(name["start"]), int(name["end"]))]
            holder = "author" if (name["about"] or "").startswith("-author-") else "quoted"
            wanted.append(Marked(name["doc"], holder, spans, {"about": name["about"], "answer": answer}))
    given = _given(rules)
    told = []
    for group in _groups(languages, wanted):
        here = _in(group, languages, wanted)
        pairs = [(w, _answer(w, given)) for w in here]
        docs = sorted({w.doc_id for w in here})
        voted = [(w, a) for w, a in pairs if a]
        polar = [(w, a) for w, a in pairs if w.facts["answer"] in POLAR]
        for measure, of, hits in (
            ("coverage", pairs, [w for w, _ in voted]),
            ("precision", voted, [w for w, a in voted if a == w.facts["answer"]]),
            ("recall of favor and against", polar, [w for w, a in polar if a == w.facts["answer"]]),
        ):
            value, interval = _share(docs, [w.doc_id for w in hits], [w.doc_id for w, _ in of])
            told.append(row("stance", data, "rules", measure, value, len(of), interval, language=group[0], holder=group[1]))
        most = commonest(w.facts["answer"] for w in here)
        for labeller, answers in (
            (f"baseline: majority ({most})", [most] * len(pairs)),
            ("rules, none where they abstain", [a or "none" for _, a in pairs]),
        ):
            given_here = [(w.doc_id, w.facts["answer"], a) for w, a in zip(here, answers, strict=True)]
            told += answered("stance", data, labeller, given_here, language=group[0], holder=group[1])
    return told


def _given(rules: Iterable[Mapping[str, Any]]) -> dict[tuple, list[tuple[int, int, str | None]]]:
    """(doc_id, holder and target) -> byte ranges and answers of the rules' votes."""
    found: dict[tuple, list[tuple[int, int, str | None]]] = defaultdict(list)
    for vote in rules:
        name = ITEM_ID.fullmatch(vote["item_id"])
        if vote["layer"] == "stance" and name:
            found[name["doc"], name["about"]].append((int(name["start"]), int(name["end"]), plain_answer("stance", vote["value"])))
    return found


def _answer(want: Marked, given: Mapping[tuple, list[tuple[int, int, str | None]]]) -> str | None:
    """The rules' answer on the same holder and target in the same sentence, or most of it."""
    ((start, end),) = want.spans
    options = [(-round(dice([(start, end)], [(a, b)]), 6), a, answer) for a, b, answer in given.get((want.doc_id, want.facts["about"]), ())]
    best = min(options, default=None)
    return best[2] if best and -best[0] >= SAME else None
