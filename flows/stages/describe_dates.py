"""Dates of a page: which of them is the publication, and what bounds it.

Part of the describe stage. The dates are read in describe_stamps.py; describe_evidence.py says of each what it is evidence of.
"""

from collections.abc import Sequence
from datetime import date

from flows.stages.describe_evidence import DateCandidate

# From the surest source to the least. A label beats all; an address with a day was set once, an unlabelled line may be
# rewritten; what stands above the title may be another article's, what stands below the body mostly is.
SOURCES = ("label", "url", "byline", "masthead", "dateline", "listing", "endnote")
UNANIMOUS = ("listing", "endnote")
# Sources that speak of this article only: what is listed, stands above the title or below the body may be another's.
OWN = ("label", "url", "byline", "dateline")


def choose(found: Sequence[DateCandidate], titled: bool) -> DateCandidate | None:
    """The publication: of the finest precision the surest source, of that the first. A source that names several days
    where only one can be meant names none; nothing lies after the day of retrieval; a year alone is no date."""
    limit = next((c.value[:10] for c in found if c.source == "capture"), None)
    able = [c for c in found if c.role == "published" and c.precision != "year" and (not limit or c.value[: len(limit)] <= limit)]
    for source in UNANIMOUS if titled else (*UNANIMOUS, "byline", "masthead"):
        if len({c.value[:10] for c in able if c.source == source}) > 1:
            able = [c for c in able if c.source != source]
    return min(able, key=lambda c: (c.precision == "month", SOURCES.index(c.source)), default=None)


def is_disputed(found: Sequence[DateCandidate], published: DateCandidate | None) -> bool:
    """Whether as many sources name a day apart from the one that was chosen as name it. Of each source its first counts: a
    second date beside it is mostly that of a change."""
    first: dict[str, str] = {}
    for c in found:
        if c.role == "published" and c.source in OWN:
            first.setdefault(c.source, c.value)
    against = sum(are_apart(value, published.value) for value in first.values()) if published else 0
    return against > 0 and 2 * against >= len(first)


def are_apart(one: str, other: str) -> bool:
    """Whether two dates in ISO 8601 are more than a day apart, as far as both are told: a day may be another in another zone."""
    width = min(len(one), len(other), len("2025-07-06"))
    if width < len("2025-07-06"):
        return one[:width] != other[:width]
    return abs(date.fromisoformat(one[:width]) - date.fromisoformat(other[:width])).days > 1


def bounds(found: Sequence[DateCandidate], published: DateCandidate | None) -> tuple[str | None, str | None, str | None]:
    """(modified, not before, not after): the last change; the latest past day or month the body speaks of; the earliest
    day known to follow publication, be it of a change or of retrieval. What lies before the publication that was chosen
    is left out: it stands among the candidates."""
    day = published.value[:10] if published else ""
    changes = [c.value for c in found if c.role == "modified" and c.precision in ("day", "time") and c.value[: len(day)] >= day]
    seen = [c.value[:10] for c in found if c.role == "retrieved" and c.value[: len(day)] >= day]
    after = min([v[:10] for v in changes] + seen, default=None)
    limit = min([d for d in (after, day) if d], default=None)
    past = [c.value[:10] for c in found if c.role == "mention"]
    before = max([v for v in past if not limit or v[: len(limit)] <= limit[: len(v)]], default=None)
    return max(changes, default=None), before, after
