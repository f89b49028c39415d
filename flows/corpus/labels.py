"""Labels: the outcome of the votes on each item, with a tier that says how much it is worth.

People decide before models and models before rules: each only speaks where nobody before it did. Votes under different
guidelines are never counted together; a vote whose words have changed, or that was made with a proposed answer in sight,
supports no gold.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from flows.corpus.agreement import dawid_skene, likeliest
from flows.corpus.votes import is_adjudication, parts, plain_answer, turn
from schemas import Row
from schemas.labels import TIERS

# Gold items of a domain on which the machines' answer must have been tried before it counts as measured. At fifty the interval of
# an accuracy is some fourteen points to either side.
MIN_MEASURED = 50


class Measured(NamedTuple):
    """How often the machines' common answer was the gold one, in one domain."""

    layer: str
    guideline_version: str | None
    domain: str
    n_items: int
    accuracy: float


class Outcome(NamedTuple):
    """What the votes on an item come to; `value` is None where they are tied, `counts` the answers with how many gave each, the most
    frequent first, `agreement` the share that gave `value`, 0 to 1."""

    value: str | None
    method: str
    counts: list[dict]
    agreement: float


def labels(votes: Iterable[Row], domains: Mapping[str, str], aggregate: str = "majority") -> tuple[list[Row], list[Measured]]:
    """Rows of `labels`, one per item and layer, and what the machines were measured at.

    votes: rows of `annotations`. domains: item_id -> where it comes from, such as the language of its document; an item without is in
    the domain "". aggregate: majority or dawid_skene, for answers on which not everybody who counts agrees; people and
    machines apart.
    """
    pools: dict[tuple, list[Row]] = {}
    for row in votes:
        if row["carried"] != "orphaned":
            pools.setdefault((row["item_id"], row["layer"], row["guideline_version"]), []).append(row)
    people = {key: [r for r in pool if r["annotator_type"] == "human"] for key, pool in pools.items()}
    machines = {key: _machine_voices(pool) for key, pool in pools.items()}
    by_people = _by_people(people, aggregate)
    by_machines = _outcomes({key: voices for key, voices in machines.items() if voices}, aggregate)
    measured = _measured(by_people, by_machines, machines, domains)
    tried = {(m.layer, m.guideline_version, m.domain) for m in measured if m.n_items >= MIN_MEASURED}
    found = [_row(key, tier, outcome) for key, (tier, outcome) in by_people.items()]
    for key, outcome in by_machines.items():
        if key not in by_people:
            item_id, layer, guideline = key
            is_tried = (layer, guideline, domains.get(item_id, "")) in tried
            found.append(_row(key, _machine_tier(machines[key], is_tried), outcome))
    return _best(found), measured


def contested(votes: Iterable[Row], layer: str) -> dict[tuple[str, str], list[Row]]:
    """(item_id, guideline) -> the votes of people who disagree there and could be gold if it were decided, where it was not decided yet."""
    pools: dict[tuple, list[Row]] = {}
    for row in votes:
        if row["layer"] == layer and row["annotator_type"] == "human" and row["carried"] != "orphaned":
            pools.setdefault((row["item_id"], row["guideline_version"]), []).append(row)
    found = {key: _voices(r for r in pool if _firm(r) and not is_adjudication(r)) for key, pool in pools.items()}
    decided = {key for key, pool in pools.items() if any(_firm(r) and is_adjudication(r) for r in pool)}
    return {key: found[key] for key in sorted(found.keys() - decided) if len({r["value"] for r in found[key]}) > 1}


def _voices(votes: Iterable[Row]) -> list[Row]:
    """One vote per annotator: that of the last batch. Who gave two different answers in it has none."""
    last: dict[str, list[Row]] = {}
    for row in sorted(votes, key=lambda row: (row["annotator_id"], turn(row["batch"]), row["annotation_id"])):
        before = last.get(row["annotator_id"], [])
        last[row["annotator_id"]] = [*before, row] if before and turn(before[0]["batch"]) == turn(row["batch"]) else [row]
    return [rows[0] for _, rows in sorted(last.items()) if len({r["value"] for r in rows}) == 1]


def _machine_voices(pool: list[Row]) -> list[Row]:
    """Those of models, or else of rules."""
    found = {kind: _voices(r for r in pool if r["annotator_type"] == kind) for kind in ("model", "rule")}
    return found["model"] or found["rule"]


def _firm(row: Row) -> bool:
    """Whether a vote of a person can support gold."""
    return row["carried"] != "text_changed" and row["saw_prelabel"] is False and row["guideline_version"] is not None


def _by_people(pools: Mapping[tuple, list[Row]], aggregate: str) -> dict[tuple, tuple[str, Outcome]]:
    found, open_ = {}, {}
    for key, pool in pools.items():
        voices = _voices(r for r in pool if not is_adjudication(r))
        firm = [r for r in voices if _firm(r)]
        decision = _decision(pool, voices)
        if decision is not None and len(firm) > 1:
            found[key] = ("gold", _counted(firm, decision, "adjudicated"))
        elif len(firm) > 1 and len({r["value"] for r in firm}) == 1:
            found[key] = ("gold", _counted(firm, firm[0]["value"], "majority"))
        elif decision is not None and voices:
            found[key] = ("human_single", _counted(firm or voices, decision, "adjudicated"))
        elif voices:
            open_[key] = firm or voices
    return found | {key: ("human_single", outcome) for key, outcome in _outcomes(open_, aggregate).items()}


def _decision(pool: list[Row], voices: list[Row]) -> str | None:
    """What was decided by somebody who had not voted on the item; None where nobody did, or where decisions differ."""
    voters = {r["annotator_id"] for r in voices}
    decisions = _voices(r for r in pool if is_adjudication(r) and _firm(r) and r["annotator_id"] not in voters)
    values = {r["value"] for r in decisions}
    return values.pop() if len(values) == 1 else None


def _outcomes(pools: Mapping[tuple, list[Row]], aggregate: str) -> dict[tuple, Outcome]:
    """The common answer of each pool. Dawid and Skene's is sought over all pools of a layer and guideline together, for plain answers."""
    found = {key: _majority(voices) for key, voices in pools.items()}
    if aggregate != "dawid_skene":
        return found
    for task in sorted({key[1:] for key in pools}, key=repr):
        plain = {key: voices for key, voices in pools.items() if key[1:] == task and all(parts(r["value"]) is None for r in voices)}
        if not plain:
            continue
        fitted = dawid_skene((key[0], r["annotator_id"], r["value"]) for key, voices in plain.items() for r in voices)
        for key, voices in plain.items():
            if len(voices) > 1:
                found[key] = _counted(voices, likeliest(fitted.classes, fitted.posteriors[key[0]]), "dawid_skene")
    return found


def _majority(voices: list[Row]) -> Outcome:
    ranked = Counter(r["value"] for r in voices).most_common(2)
    tied = len(ranked) > 1 and ranked[0][1] == ranked[1][1]
    return _counted(voices, None if tied else ranked[0][0], "majority" if len(voices) > 1 else "single")


def _counted(voices: list[Row], value: str | None, method: str) -> Outcome:
    counts = Counter(r["value"] for r in voices)
    share = (counts[value] if value is not None else max(counts.values())) / len(voices)
    ranked = sorted(counts.items(), key=lambda c: (-c[1], c[0]))
    return Outcome(value, method, [{"value": v, "count": n} for v, n in ranked], round(share, 4))


def _measured(by_people: Mapping, by_machines: Mapping, machines: Mapping, domains: Mapping[str, str]) -> list[Measured]:
    """The common answers of two or more machines held against gold under the same guideline."""
    tried: dict[tuple, list[bool]] = {}
    for key, outcome in by_machines.items():
        tier, gold = by_people.get(key, (None, None))
        if tier == "gold" and len(machines[key]) > 1:
            hit = outcome.value in (gold.value, plain_answer(key[1], gold.value))
            tried.setdefault((key[1], key[2], domains.get(key[0], "")), []).append(hit)
    return [
        Measured(layer, guideline, domain, len(hits), round(sum(hits) / len(hits), 4))
        for (layer, guideline, domain), hits in sorted(tried.items(), key=repr)
    ]


def _machine_tier(voices: list[Row], is_tried: bool) -> str:
    if is_tried and len(voices) > 1:
        return "silver"
    return "model_single" if any(r["annotator_type"] == "model" for r in voices) else "weak"


def _row(key: tuple, tier: str, outcome: Outcome) -> Row:
    item_id, layer, guideline = key
    return {
        "item_id": item_id,
        "layer": layer,
        "value": outcome.value,
        "tier": tier,
        "method": outcome.method,
        "vote_counts": outcome.counts,
        "agreement": outcome.agreement,
        "guideline_version": guideline,
    }


def _best(rows: list[Row]) -> list[Row]:
    """Of each item and layer the label of the best tier; of equal ones that under the latest guideline, by name."""
    found: dict[tuple, Row] = {}
    for row in sorted(rows, key=lambda row: (-TIERS.index(row["tier"]), turn(row["guideline_version"]))):
        found[row["item_id"], row["layer"]] = row
    return [found[key] for key in sorted(found)]
