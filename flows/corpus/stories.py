"""Stories: documents on the same event in different words, or in another language.

Two documents are linked where they appeared within days of each other and name largely the same people, places and figures.
Those are in its fingerprint (`stages/fingerprint_names.py`). Whether two are linked depends on these two alone, so a story only ever
grows as the corpus does. Made to be right rather than complete: where names or figures are few, or the day is not known, nothing is
linked. No text is changed here.
"""

from collections.abc import Collection, Iterable
from functools import lru_cache
from pathlib import Path

import duckdb

from flows.corpus.duplicates import Pair, as_written, candidates, compared
from flows.stages.fingerprint import STORY_BANDS

# Days between two reports of one event: a translation takes a day or two, a weekly comes later and is left out.
WINDOW = 3
# What two reports must have in common: evidence (below), and a share of the evidence both have (Dice). Of 5,800 pairs within WINDOW
# among 1,100 saved news pages in a dozen languages nine are linked, each on one event; of the ten that come next, four might be.
MIN_EVIDENCE, MIN_SHARE = 4.5, 0.42
MIN_FIGURES, MIN_SHARE_WITH_FIGURES = 2.5, 0.3
# Reports of a series (markets, weather) name the same from day to day: where both have figures, so many of the lesser are shared.
MIN_SHARE_OF_FIGURES = 0.2
# A name of three consonants may be many names; a round number or one of two digits many things.
WEAK, PLAIN, STRONG = 0.5, 1.0, 1.5
# Bands that agree before a pair is looked at: see STORY_BANDS.
AGREEING = 2


def same_story(db: duckdb.DuckDBPyConnection, spill: Path) -> list[Pair]:
    """Pairs (smaller doc_id, larger doc_id) of documents on one event, sorted.

    Reads the views `documents` (doc_id, text, date_published, date_not_before) and `fingerprints` (doc_id, stories, said). The day of a
    document is that of its publication, or else the latest it speaks of. spill: a folder for what does not fit into memory.
    """
    db.execute(
        """
        CREATE OR REPLACE TABLE numbered AS
        SELECT (ROW_NUMBER() OVER (ORDER BY day, doc_id) - 1)::INTEGER AS doc, doc_id, day FROM (
            SELECT doc_id, COALESCE(TRY_CAST(LEFT(date_published, 10) AS DATE), TRY_CAST(LEFT(date_not_before, 10) AS DATE)) AS day
            FROM documents WHERE text IS NOT NULL
        ) WHERE day IS NOT NULL
        """
    )
    days = db.sql("SELECT (day - DATE '1970-01-01')::INTEGER AS day FROM numbered ORDER BY doc").to_arrow_table()["day"].to_numpy()
    keys = "SELECT n.doc, f.stories AS keys FROM fingerprints f JOIN numbered n USING (doc_id) WHERE f.stories IS NOT NULL"
    with as_written(db):
        candidates(db, keys, STORY_BANDS, AGREEING, spill, days, WINDOW)
        return sorted((min(a, b), max(a, b)) for a, b, one, other in compared(db, "fingerprints", "said") if alike(one, other))


def alike(one: Collection[str], other: Collection[str]) -> bool:
    """Whether what two documents say, as `said` gives it, tells of one event."""
    figures, names = shared(one, other)
    total = sum(map(_weight, one)) + sum(map(_weight, other))
    share = round(2 * (figures + names) / max(1, total), 6)
    if figures >= MIN_FIGURES:
        return share >= MIN_SHARE_WITH_FIGURES
    if figures + names < MIN_EVIDENCE or share < MIN_SHARE:
        return False
    least = min(sum(_weight(fact) for fact in facts if fact.startswith("#")) for facts in (one, other))
    return least < MIN_FIGURES or round(figures / least, 6) >= MIN_SHARE_OF_FIGURES


def shared(one: Iterable[str], other: Iterable[str]) -> tuple[float, float]:
    """The weight of the figures and of the names that both have. Names that differ in their ending count as a weak one."""
    one, other = set(one), set(other)
    same = one & other
    figures = sum(_weight(fact) for fact in same if fact.startswith("#"))
    names = sum(_weight(fact) for fact in same if not fact.startswith("#"))
    rest: dict[str, list[str]] = {}
    for name in other - same:
        rest.setdefault(name[:3], []).append(name)
    endings = [tuple(sorted((a, b))) for a in one - same if not a.startswith("#") for b in rest.get(a[:3], ()) if _inflected(a, b)]
    matched: set[str] = set()
    for pair in sorted(endings):
        if matched.isdisjoint(pair):
            matched.update(pair)
            names += WEAK
    return figures, names


def _inflected(one: str, other: str) -> bool:
    """Whether one is the other and an ending of one or two consonants: shorter than the name."""
    short, long = sorted((one, other), key=len)
    return long.startswith(short) and len(long) - len(short) < min(3, len(short) - 1)


@lru_cache(maxsize=100_000)
def _weight(fact: str) -> float:
    if not fact.startswith("#"):
        return WEAK if len(fact) == 3 else PLAIN
    digits = fact[1:].rstrip("0")
    if "." in fact or len(digits) > 2 or (len(fact) > 3 and len(digits) > 1):
        return STRONG
    return PLAIN if len(digits) == 2 else WEAK
