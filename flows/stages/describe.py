"""Describe an article: its title, authors, outlet and dates, each with the evidence it rests on.

Reads the text before stripping and the blocks the strip stage made of it: what was removed (author boxes, widgets,
footers) is evidence too. The stage never changes the text, and says nothing it has no evidence for: an unknown author
is an empty list, an unknown date is null, and the day of retrieval is never the day of publication.
"""

from collections.abc import Sequence
from typing import NamedTuple

from flows.stages.describe_dates import bounds, choose, is_disputed
from flows.stages.describe_evidence import DateCandidate, Zones, candidates, from_facts
from flows.stages.describe_people import authors
from flows.stages.describe_stamps import day_order, stamps
from flows.stages.describe_title import headline
from flows.traced import Block, Traced


class Facts(NamedTuple):
    """What is known of the capture beside its text: from captures.csv, or its container."""

    url: str | None = None
    outlet: str | None = None
    date_retrieved: str | None = None
    language: str | None = None


class Description(NamedTuple):
    """Who wrote what, where and when. Dates in ISO 8601, in reduced precision: year, month or day; those of the candidates
    with time and zone where given. Null or empty where unknown. `disputed` names what two places of the page say differently,
    as terms of `text_defects`."""

    title: str | None
    authors: list[str]
    byline: str | None
    outlet: str | None
    date_published: str | None
    date_precision: str | None
    date_source: str | None
    date_modified: str | None
    date_not_before: str | None
    date_not_after: str | None
    date_candidates: list[DateCandidate]
    disputed: list[str]


DAY = len("2025-07-06")  # a date is told to the day; the time and zone of a candidate stand with the candidate
BODY_UNITS = ("paragraph", "quote", "list_item")
BODY_LENGTH = 100  # characters of the shortest paragraph that shows the body has begun; standfirsts may be longer
ABOVE, BELOW = 3, 8  # lines above the title, and below the body, that may speak of the article
UNTITLED = 16  # lines above the body that are looked at where no title is known
INTO = 2  # paragraphs of the body that may stand above the byline


def describe(page: Traced, blocks: Sequence[Block], facts: Facts, language: str | None) -> Description:
    """page: the repaired text before stripping; blocks: its non-blank lines as labelled by the strip stage, in order;
    language: ISO 639-1 code of the article, null where unknown."""
    text = page.text
    zones = _zones(blocks)
    found = stamps(text, language, day_order(text, language, facts.language, facts.url))
    names, byline = authors(text, blocks, zones, found, language)
    dates = candidates(text, blocks, zones._replace(byline=byline), found, language) + from_facts(facts.url, facts.date_retrieved)
    published = choose(dates, zones.title is not None)
    modified, not_before, not_after = bounds(dates, published)
    return Description(
        title=None if zones.title is None else headline(text, blocks, zones.title),
        authors=names,
        byline=None if byline is None else _text(text, blocks[byline]),
        outlet=facts.outlet,
        date_published=published and published.value[:DAY],
        date_precision=published and published.precision.replace("time", "day"),
        date_source=published and published.source,
        date_modified=modified and modified[:DAY],
        date_not_before=not_before,
        date_not_after=not_after,
        date_candidates=dates,
        disputed=["disputed_date"] if is_disputed(dates, published) else [],
    )


def _text(text: str, block: Block) -> str:
    return text[block.start : block.end].strip()


def _zones(blocks: Sequence[Block]) -> Zones:
    """Where title, byline and date can stand: about the title and the beginning of the body, and right after the body."""
    title = next((i for i, b in enumerate(blocks) if b.unit == "title"), None)
    body = [i for i, b in enumerate(blocks) if b.unit in BODY_UNITS and b.end - b.start >= BODY_LENGTH]
    below = [i for i in body if title is None or i > title]
    if not below:  # short lines only: a brief, or a dump that was wrapped hard
        kept = [i for i, b in enumerate(blocks) if b.unit]
        first = 0 if title is None else max(0, title - ABOVE)
        return Zones(title, range(first, min([len(blocks), (title or 0) + BELOW, *(i + 1 for i in kept[-1:])])), range(0))
    first = max(0, below[0] - UNTITLED) if title is None else max(0, title - ABOVE)
    return Zones(title, range(first, below[: INTO + 1][-1] + 1), range(body[-1] + 1, min(len(blocks), body[-1] + 1 + BELOW)))
