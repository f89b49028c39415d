"""The dates in markup, with their roles, and the one that most places agree on.

Part of the describe stage, for markup.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from flows.stages.describe_evidence import DateCandidate
from flows.stages.describe_html_graph import PAGE, Graph, Thing, is_carried
from flows.stages.describe_html_words import Fact, is_meta, key_of
from flows.stages.describe_stamps import stamps

# The role a key speaks of, in this order; keys as in key_of.
ROLES = (
    ("modified", re.compile(r"modif|updat|revis|lastmod|reviewed$")),
    ("created", re.compile(r"created?$|datecreated|builddate|uploaddate")),
    (
        "published",
        re.compile(
            r"publish(?:ed)?(?:time|date|at|on)?$|publicationdate|pub(?:lish)?date$|datepublished|^(?:dc)?date$|\.date$|citation\w*date$"
            r"|issued$|dateavailable|displaydate|postdate|postedon|ptime$"
        ),
    ),
)
NO_ROLE = re.compile(r"i18n|expir|unpublish|event|birth|founding|verif|format")
ISO = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)"
    r"(?:[T\s]\s?(?P<h>\d\d):(?P<m>\d\d)(?::(?P<s>\d\d))?(?:[.,]\d{1,9})?\s?(?P<zone>Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?)?",
    re.I | re.A,
)
COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T?(\d\d)(\d\d)(\d\d)?(Z)?)?$", re.A)
REDUCED = re.compile(r"\d{4}(?:-(?:0[1-9]|1[0-2]))?$", re.A)
EPOCH = re.compile(r"1\d{9}(?:\d{3})?$", re.A)
UNSET = frozenset(["0001-01-01", "1601-01-01", "1899-12-30", "1899-12-31", "1900-01-01", "1969-12-31", "1970-01-01"])  # clocks at zero
YEARS = ("1800", "2100")  # between which a date can be one of publication
LARGEST_OFFSET = 14  # hours of the zone farthest from Greenwich
DATE_LENGTH = 80  # characters of the longest date that is looked at
DATE_WEIGHTS = {"json-ld": 4.0, "og": 3.0, "meta": 2.0, "microdata": 2.0, "url": 2.0, "time": 1.0}


def iso(value: str, language: str | None = None) -> tuple[str, str] | None:
    """(date in ISO 8601 with time and zone as given, precision) of what a page gives as a date; None for what is none."""
    value = value[:DATE_LENGTH].strip()
    m = ISO.match(value)
    if m:
        return _checked(m["day"], m["h"], m["m"], m["s"], m["zone"])
    m = COMPACT.match(value) if not EPOCH.match(value) else None
    if m:
        return _checked(f"{m[1]}-{m[2]}-{m[3]}", m[4], m[5], m[6], m[7])
    if EPOCH.match(value):
        moment = datetime.fromtimestamp(0, UTC) + timedelta(seconds=int(value[:10]))
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ"), "time"
    if REDUCED.match(value):
        return (value, "year" if len(value) == 4 else "month") if _able(value) else None
    found = stamps(value, language) if re.search(r"\d{4}", value) else []
    return (found[0].value, found[0].precision) if found and _able(found[0].value) else None


def _able(value: str) -> bool:
    return YEARS[0] <= value < YEARS[1] and value[:10] not in UNSET


def _checked(day: str, hour: str | None, minute: str | None, second: str | None, zone: str | None) -> tuple[str, str] | None:
    try:
        date.fromisoformat(day)
    except ValueError:
        return None
    if not _able(day):
        return None
    if hour is None or minute is None or int(hour) > 23 or int(minute) > 59:
        return day, "day"
    zone = (zone or "").upper().replace("UTC", "Z").replace("GMT", "Z")
    if len(zone) > 1:
        zone = f"{zone[:3]}:{zone[3:].strip(':') or '00'}" if int(zone[1:3]) <= LARGEST_OFFSET else ""
    return f"{day}T{hour}:{minute}{f':{second}' if second and int(second) < 60 else ''}{zone}", "time"


def _role(key: str) -> str | None:
    return None if NO_ROLE.search(key) else next((role for role, pattern in ROLES if pattern.search(key)), None)


def dates_of(facts: Sequence[Fact], articles: Sequence[Thing], graph: Graph, language: str | None) -> list[DateCandidate]:
    """Every date the markup gives, with its role; those of JSON-LD only where they are the article's or the page's."""
    pages = [t for t in graph.things if is_carried(t) and any(PAGE.search(x) for x in t.types)]
    known = [(name, f) for t in [*articles, *pages] for name in t.values for f in t.values[name][:1] if "date" in name.lower()]
    stated = [(_role(name.lower()), fact) for name, fact in known]
    seen: set[str] = set()
    for fact in facts:
        key = fact.key.lower()
        if is_meta(fact):
            stated.append((_role(".date" if key.endswith(".date") else key_of(fact)), fact))
        elif fact.source == "microdata" and "date" in key and key not in seen:
            seen.add(key)
            stated.append((_role(key), fact))
        elif fact.source == "time":
            stated.append(("other", fact))
    read = [(role, fact, iso(fact.value, language)) for role, fact in stated if role]
    return list(dict.fromkeys(DateCandidate(role, *value, fact.source, fact.start, fact.end) for role, fact, value in read if value))


def published_of(dates: Sequence[DateCandidate], retrieved: str | None) -> DateCandidate | None:
    """The day most places agree on; of those who name it, the one that says most. A day of creation, an address or the first
    <time> is taken where nothing else speaks; nothing lies after the day of retrieval."""
    able = [c for c in dates if c.precision in ("day", "time") and _is_before(c, retrieved)]
    named = [c for c in able if c.role == "published"]
    stated = [c for c in named if c.source != "url"]
    loose = [c for c in able if c.role == "other"][:1]
    if not stated:
        named = named or [c for c in able if c.role == "created"][:1] or loose
    votes: dict[str, float] = {}
    for c in {(c.value[:10], c.source): c for c in [*named, *loose]}.values():
        votes[c.value[:10]] = votes.get(c.value[:10], 0) + DATE_WEIGHTS[c.source]
    days = [c.value[:10] for c in stated or named]
    best = max(days, key=lambda d: votes[d], default=None)
    return max((c for c in named if c.value[:10] == best), key=lambda c: (c.precision == "time", DATE_WEIGHTS[c.source]), default=None)


def modified_of(dates: Sequence[DateCandidate], published: DateCandidate | None, retrieved: str | None) -> DateCandidate | None:
    """The last change, if it is not before the publication."""
    day = published.value[:10] if published else ""
    able = [c for c in dates if c.role == "modified" and c.value[:10] >= day and _is_before(c, retrieved)]
    return max(able, key=lambda c: (c.value[:10], c.precision == "time", DATE_WEIGHTS.get(c.source, 0)), default=None)


def _is_before(candidate: DateCandidate, retrieved: str | None) -> bool:
    """Not after the day of retrieval; a day more, since zones differ."""
    if not retrieved or len(retrieved) < 10:
        return True
    try:
        return date.fromisoformat(candidate.value[:10]) <= date.fromisoformat(retrieved[:10]) + timedelta(days=1)
    except ValueError:
        return True
