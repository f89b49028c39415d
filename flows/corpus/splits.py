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
from itertools import accumulate

import duckdb
import pyarrow as pa

from flows.corpus.duplicates import insert

# One group in ten is kept for validation.
VALIDATION_SHARE = 0.1
DAY = len("2025-07-06")
NO_DAY, NO_OUTLET = "day of publication not known", "outlet not known"

# The documents with the side each has had under a scheme. For want of a day or an outlet nothing was assigned: with it, something is.
PLACED = """
    CREATE OR REPLACE TEMP VIEW placed_{scheme} AS SELECT d.*, s.split AS before
    FROM grouped d LEFT JOIN standing s ON s.doc_id = d.doc_id AND s.scheme = '{scheme}' AND (s.split <> 'excluded' OR '{scheme}' = 'story')
"""
DRAWN = f"""CASE WHEN ('0x' || sha256({{}})[:16])::UBIGINT < {int(VALIDATION_SHARE * 2**64)} THEN 'validation' ELSE 'train' END"""
DRAWN_ALONE, DRAWN_TOGETHER = DRAWN.format("'random ' || doc_id"), DRAWN.format("first")
# By scheme, SQL for the documents: `kept`, what is not to be parted; `fresh`, the side of those not assigned before; `why`, where excluded.
SCHEMES = {
    "outlet": f"""
        SELECT p.*, COALESCE(outlet, doc_id) AS kept, COALESCE(side, 'excluded') AS fresh, '{NO_OUTLET}' AS why
        FROM placed_outlet p LEFT JOIN outlet_sides USING (outlet)""",
    "random": f"SELECT *, doc_id AS kept, {DRAWN_ALONE} AS fresh, NULL AS why FROM placed_random",
    "story": f"""
        SELECT p.*, kept, CASE WHEN LEN(sides) > 1 THEN 'excluded' ELSE COALESCE(sides[1], {DRAWN_TOGETHER}) END AS fresh,
            CASE WHEN LEN(sides) > 1 THEN 'joins documents of ' || array_to_string(sides, ' and ')
                ELSE 'excluded in an earlier release' END AS why
        FROM placed_story p JOIN (
            SELECT COALESCE("group", doc_id) AS kept, MIN(doc_id) AS first,
                LIST_SORT(LIST(DISTINCT before) FILTER (before <> 'excluded')) AS sides
            FROM placed_story GROUP BY ALL
        ) ON kept = COALESCE("group", doc_id)""",
    "time": f"""
        SELECT *, COALESCE(day, doc_id) AS kept, '{NO_DAY}' AS why,
            CASE WHEN day IS NULL THEN 'excluded' WHEN day >= $cut THEN 'validation' ELSE 'train' END AS fresh
        FROM (SELECT *, CASE WHEN LENGTH(date_published) >= {DAY} THEN date_published[:{DAY}] END AS day FROM placed_time)""",
}
# What only a newcomer joins stays apart: it keeps the side it has, under a group of its own side, named by one that stood there.
ROWS = """
    SELECT '{scheme}' AS scheme, 'document' AS layer, doc_id, NULL AS item_id, split,
        FIRST_VALUE(doc_id) OVER (PARTITION BY kept, split ORDER BY before IS NULL, doc_id) AS group_id,
        CASE WHEN split = 'excluded' THEN why END AS reason
    FROM (SELECT *, COALESCE(before, fresh) AS split FROM ({fresh}))
"""


def assign(db: duckdb.DuckDBPyConnection) -> str:
    """SQL for the rows of `splits`, of documents under every scheme.

    Reads the tables `grouped` (doc_id; group: what it must not be parted from, null where it is alone; outlet; date_published in ISO 8601)
    and `standing` (scheme, doc_id, split) of the last release.
    """
    for scheme in SCHEMES:
        db.execute(PLACED.format(scheme=scheme))
    db.execute("CREATE OR REPLACE TEMP TABLE outlet_sides (outlet VARCHAR, side VARCHAR)")
    sides = _sides(db)
    insert(db, "outlet_sides", pa.table([pa.array(c, pa.string()) for c in (list(sides), list(sides.values()))], names=["outlet", "side"]))
    cut = _cut(db)
    fresh = SCHEMES | {"time": SCHEMES["time"].replace("$cut", f"'{cut}'" if cut else "NULL")}
    return " UNION ALL ".join(f"({ROWS.format(scheme=scheme, fresh=fresh[scheme])})" for scheme in SCHEMES)


def _sides(db: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The side of each outlet. In an order drawn by their names one becomes validation while there is too little of it, unless it is too
    much by itself."""
    outlets = db.execute(
        """SELECT outlet, COUNT(*), ARG_MIN(before, doc_id) FILTER (before IS NOT NULL) FROM placed_outlet
           WHERE outlet IS NOT NULL GROUP BY outlet"""
    ).fetchall()
    wanted = VALIDATION_SHARE * sum(n for _, n, _ in outlets)
    filled = sum(n for _, n, side in outlets if side == "validation")
    sides = {}
    for outlet, n, side in sorted(outlets, key=lambda row: hashlib.sha256(f"outlet {row[0]}".encode()).digest()):
        if side is None:
            side = "validation" if filled < wanted and n <= 2 * wanted else "train"
            filled += n if side == "validation" else 0
        sides[outlet] = side
    return sides


def _cut(db: duckdb.DuckDBPyConnection) -> str | None:
    """The first day of validation: where there was one, the latest that leaves fewest of the assigned on the wrong side, or else the first
    after training with no more than its share from it on; null where all is training."""
    days = db.execute(
        f"""SELECT date_published[:{DAY}] AS day, COUNT(*), COUNT(*) FILTER (before = 'validation'), COUNT(*) FILTER (before = 'train')
            FROM placed_time WHERE LENGTH(date_published) >= {DAY} GROUP BY day ORDER BY day"""
    ).fetchall()
    if any(held for _, _, held, _ in days):
        wrong = accumulate((held - trained for _, _, held, trained in days), initial=0)
        return max((-n, day) for n, (day, *_) in zip(wrong, days, strict=False))[1]
    last = max((i for i, (*_, trained) in enumerate(days) if trained), default=0)
    before = list(accumulate((n for _, n, _, _ in days), initial=0))
    return next((day for i, (day, *_) in enumerate(days) if i > last and before[i] >= (1 - VALIDATION_SHARE) * before[-1]), None)
