"""Splits: which documents belong together, and on which side they stand, under each scheme.

story   near-duplicates, re-saves and reports of one event are never parted: nothing said in training comes back in validation
random  every document by itself: what a model scores that has seen the story
time    the latest days are validation: what it scores on news it could not know
outlet  whole outlets are validation: what it scores on houses it has not read

An assignment made in an earlier release stands; a newcomer that joins groups standing on different sides is excluded, with
the reason. Documents without the day or outlet a scheme needs are excluded until it is known. There is no `test` here: that
needs gold labels.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import NamedTuple

import duckdb

# One group in ten is kept for validation.
VALIDATION_SHARE = 0.1
DAY = len("2025-07-06")
NO_DAY, NO_OUTLET = "day of publication not known", "outlet not known"


class Document(NamedTuple):
    """What the schemes look at. `group` names what it must not be parted from, null where it is alone; `date_published` in ISO 8601."""

    doc_id: str
    group: str | None = None
    outlet: str | None = None
    date_published: str | None = None


# Members of a group that is not to be parted, the side of those not assigned before, and why, where they are excluded.
Group = tuple[list[str], str, str | None]


def assign(documents: Iterable[Document], previous: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, list[dict]]]:
    """(scheme, its rows of `splits` by doc_id), in the order of the table.

    previous: by scheme, the split of each document of the last release.
    """
    documents = sorted(documents, key=lambda d: d.doc_id)
    for scheme, groups in (("outlet", _by_outlet), ("random", _alone), ("story", _by_story), ("time", _by_day)):
        standing = previous.get(scheme, {})
        if scheme != "story":  # for want of a day or an outlet nothing was assigned: with it, something is
            standing = {doc_id: split for doc_id, split in standing.items() if split != "excluded"}
        rows = [row for group in groups(documents, standing) for row in _rows(scheme, *group, standing)]
        yield scheme, sorted(rows, key=lambda row: row["doc_id"])


def leakage(db: duckdb.DuckDBPyConnection) -> list[dict]:
    """Pairs of documents that belong together and stand on different sides, excluded ones left out: a dict for each `scheme` and
    `link` (duplicate, story, supersedes) with the number of `pairs`, sorted.

    Reads the views `documents` and `splits`. Of the scheme `story` it is 0 in a first release, and stays so unless a later one finds a link
    between documents that stood on different sides already.
    """
    rows = db.execute(
        """
        WITH schemes AS (SELECT DISTINCT scheme FROM splits WHERE layer = 'document'),
        linked AS (
            SELECT 'duplicate' AS link, duplicate_cluster AS cluster, doc_id FROM documents WHERE duplicate_cluster IS NOT NULL
            UNION ALL SELECT 'story', story_cluster, doc_id FROM documents WHERE story_cluster IS NOT NULL
            UNION ALL SELECT 'supersedes', doc_id, UNNEST([doc_id, supersedes]) FROM documents WHERE supersedes IS NOT NULL
        ),
        sides AS (
            SELECT scheme, link, cluster, COUNT(*) AS n FROM linked JOIN splits USING (doc_id)
            WHERE layer = 'document' AND split <> 'excluded' GROUP BY scheme, link, cluster, split
        ),
        parted AS (SELECT scheme, link, (SUM(n) * SUM(n) - SUM(n * n)) // 2 AS pairs FROM sides GROUP BY scheme, link, cluster)
        SELECT scheme, link, COALESCE(SUM(pairs), 0)::BIGINT
        FROM schemes CROSS JOIN (SELECT UNNEST(['duplicate', 'story', 'supersedes']) AS link) LEFT JOIN parted USING (scheme, link)
        GROUP BY ALL ORDER BY ALL
        """
    ).fetchall()
    return [dict(zip(("scheme", "link", "pairs"), row, strict=True)) for row in rows]


def _by_story(documents: list[Document], standing: Mapping[str, str]) -> Iterator[Group]:
    for members in _grouped((d.group or d.doc_id, d.doc_id) for d in documents).values():
        sides = sorted({standing.get(m, "excluded") for m in members} - {"excluded"})
        if len(sides) > 1:
            yield members, "excluded", f"joins documents of {' and '.join(sides)}"
        else:
            yield members, sides[0] if sides else _drawn(members[0]), "excluded in an earlier release"


def _alone(documents: list[Document], standing: Mapping[str, str]) -> Iterator[Group]:
    for d in documents:
        yield [d.doc_id], _drawn(f"random {d.doc_id}"), None


def _by_outlet(documents: list[Document], standing: Mapping[str, str]) -> Iterator[Group]:
    """Outlets in an order drawn by their names: one becomes validation while there is too little of it, unless it is too much by itself."""
    outlets = _grouped((d.outlet, d.doc_id) for d in documents if d.outlet is not None)
    unknown = [d.doc_id for d in documents if d.outlet is None]
    wanted = VALIDATION_SHARE * sum(map(len, outlets.values()))
    sides = {outlet: next((standing[m] for m in members if m in standing), None) for outlet, members in outlets.items()}
    filled = sum(len(outlets[outlet]) for outlet, side in sides.items() if side == "validation")
    for outlet, members in sorted(outlets.items(), key=lambda item: _draw(f"outlet {item[0]}")):
        side = sides[outlet]
        if side is None:
            side = "validation" if filled < wanted and len(members) <= 2 * wanted else "train"
            filled += len(members) if side == "validation" else 0
        yield members, side, None
    yield from (([doc_id], "excluded", NO_OUTLET) for doc_id in unknown)


def _by_day(documents: list[Document], standing: Mapping[str, str]) -> Iterator[Group]:
    days = _grouped((d.date_published[:DAY], d.doc_id) for d in documents if d.date_published and len(d.date_published) >= DAY)
    unknown = [d.doc_id for d in documents if len(d.date_published or "") < DAY]
    cut = _cut({day: days[day] for day in sorted(days)}, standing)
    for day, members in days.items():
        yield members, "validation" if cut and day >= cut else "train", None
    yield from (([doc_id], "excluded", NO_DAY) for doc_id in unknown)


def _cut(days: dict[str, list[str]], standing: Mapping[str, str]) -> str | None:
    """The first day of validation: where there was one, the latest that leaves fewest of the assigned on the wrong side, or else the first
    after training with no more than its share from it on; null where all is training."""
    sides = [[standing.get(m) for m in members] for members in days.values()]
    if any("validation" in side for side in sides):
        wrong = accumulate((side.count("validation") - side.count("train") for side in sides), initial=0)
        return max((-n, day) for n, day in zip(wrong, days, strict=False))[1]
    trained = max((i for i, side in enumerate(sides) if "train" in side), default=0)
    before = list(accumulate(map(len, sides), initial=0))
    return next((day for i, day in enumerate(days) if i > trained and before[i] >= (1 - VALIDATION_SHARE) * before[-1]), None)


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for key, doc_id in pairs:
        groups.setdefault(key, []).append(doc_id)
    return groups


def _rows(scheme: str, members: list[str], fresh: str, why: str | None, standing: Mapping[str, str]) -> list[dict]:
    splits = {m: standing.get(m, fresh) for m in members}
    # What only a newcomer joins stays apart: it keeps the side it has, under a group of its own side, named by one that stood there.
    first = {side: min((m not in standing, m) for m in members if splits[m] == side)[1] for side in set(splits.values())}
    return [
        {
            "scheme": scheme,
            "layer": "document",
            "doc_id": m,
            "item_id": None,
            "split": splits[m],
            "group_id": first[splits[m]],
            "reason": why if splits[m] == "excluded" else None,
        }
        for m in members
    ]


def _draw(key: str) -> float:
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) / 2**64


def _drawn(key: str) -> str:
    return "validation" if _draw(key) < VALIDATION_SHARE else "train"
