"""What the markup of a page says about its article: title, authors, outlet, language, address and dates.

Part of the describe stage. A page says the same thing in several places (JSON-LD, OpenGraph, <meta>, microdata, <time>,
<title>, the heading, the byline), for several readers (search engines, social networks, people), and some of them are
wrong: left over from a template, about another article, written for clicks. So the places are compared: each speaks with
a weight, those that agree add up, what the outlet adds (its name, a section) is cut off, and what was said by the others
stays as evidence. Nothing is said that no place says; a site is never known by name.

    describe_html_words.py     words and keys of facts
    describe_html_graph.py     JSON-LD
    describe_html_site.py      the outlet
    describe_html_title.py     the title
    describe_html_authors.py   the authors
    describe_html_dates.py     the dates
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from flows.stages.describe import DAY, Description
from flows.stages.describe_dates import are_apart
from flows.stages.describe_evidence import DateCandidate, from_facts
from flows.stages.describe_html_authors import Byline, authors_of, bylines_of, with_shown
from flows.stages.describe_html_dates import dates_of, modified_of, published_of
from flows.stages.describe_html_graph import Thing, articles_of, graph_of
from flows.stages.describe_html_site import site_of
from flows.stages.describe_html_title import OWN, Said, title_of, titles_of, titles_of_page
from flows.stages.describe_html_words import LENGTH, Fact, clean, key_of, plain_words, squash
from flows.stages.describe_people import name_case


class Evidence(NamedTuple):
    """What one place says of title or authors; start and end in the source text, null for the visible lines of the page."""

    field: str
    value: str
    source: str
    start: int | None
    end: int | None


class Told(NamedTuple):
    """What the page says, null or empty where it says nothing. `authors` are people, in name case; organisations are the
    agencies and newsrooms named as authors. Dates in ISO 8601 with time and zone as given; `dates` has every candidate, in
    the order of the source. `evidence` keeps what each place says of title and authors, `disputed` names what they differ on."""

    title: str | None
    authors: list[str]
    organisations: list[str]
    outlet: str | None
    language: str | None
    canonical: str | None
    published: DateCandidate | None
    modified: DateCandidate | None
    dates: list[DateCandidate]
    evidence: list[Evidence]
    disputed: list[str]


def told(
    facts: Sequence[Fact],
    headings: Sequence[str] = (),
    names: Sequence[str] = (),
    byline: str | None = None,
    url: str | None = None,
    retrieved: str | None = None,
) -> Told:
    """facts: those of the HTML reader, in the order of the source; headings: the text of the <h1>s; names: people the
    visible lines name as authors, and byline: the line that does; url: the address of the page; retrieved: the ISO day
    after which nothing can have been published."""
    graph = graph_of(facts)
    canonical = _canonical(facts, url)
    site = site_of(facts, graph, canonical or url)
    articles = articles_of(graph, [*titles_of_page(facts), *headings], {a for a in (url, canonical) if a})
    titles = titles_of(facts, graph, articles, headings, site)
    bylines = with_shown(bylines_of(facts, graph, articles, site), names, byline, site)
    people, organisations = authors_of(bylines)
    languages = _languages(facts, articles)
    language = _most(languages)
    dates = dates_of(facts, articles, graph, language) + from_facts(canonical or url, None)
    dates.sort(key=lambda c: (c.start is None, c.start))
    published = published_of(dates, retrieved)
    title = title_of(titles)
    return Told(
        title=title,
        authors=list(dict.fromkeys(name_case(n, language) for n in people)),
        organisations=organisations,
        outlet=site.name,
        language=language,
        canonical=canonical,
        published=published,
        modified=modified_of(dates, published, retrieved),
        dates=dates,
        evidence=_evidence(titles, bylines),
        disputed=_disputed(title, titles, people, bylines, published, dates),
    )


# What dates a page only by the way: it is asked after what the reader sees.
WEAK_DATES = ("time", "url")


def merged(seen: Description, said: Told) -> Description:
    """What a reader sees and what the markup says, as one: the markup first, the visible text where it is silent; and that
    they differ, where they name days that are apart."""
    published, disputed = said.published, {*seen.disputed, *said.disputed}
    if published and seen.date_published and are_apart(published.value, seen.date_published):
        disputed.add("disputed_date")
    if published and published.source in WEAK_DATES and seen.date_published:
        published = None
    return seen._replace(
        title=said.title or seen.title,
        authors=said.authors,
        outlet=seen.outlet or said.outlet,
        date_published=published.value[:DAY] if published else seen.date_published,
        date_precision=published.precision.replace("time", "day") if published else seen.date_precision,
        date_source=published.source if published else seen.date_source,
        date_modified=said.modified.value[:DAY] if said.modified else seen.date_modified,
        date_candidates=list(dict.fromkeys(said.dates + seen.date_candidates)),
        disputed=sorted(disputed),
    )


def headings(text: str, elements: Sequence, nodes) -> list[str]:
    """The text of every <h1> that is shown; its lines joined by line ends."""
    found: dict[int, list[str]] = {}
    for e in elements:
        node = e.node
        if nodes.tags[node] != "h1" and nodes.tags[nodes.parents[node]] == "h1":
            node = nodes.parents[node]
        if nodes.tags[node] == "h1" and not e.hidden:
            found.setdefault(node, []).append(text[e.start : min(e.end, e.start + LENGTH)])
    return ["\n".join(lines)[:LENGTH] for lines in found.values()]


# ---------------------------------------------------------------- address and language


def _canonical(facts: Sequence[Fact], url: str | None) -> str | None:
    """The address the page gives for itself, absolute; none that is only the front page."""
    for key in ("canonical", "og:url"):
        for fact in facts:
            if fact.key == key and fact.source in ("link", "og"):
                try:
                    address = urljoin(url or "", fact.value)
                    parts = urlsplit(address)
                except ValueError:
                    continue
                if parts.scheme in ("http", "https") and parts.netloc and (parts.path.strip("/") or parts.query):
                    return address
    return None


LANGUAGE = re.compile(r"([a-z]{2})(?:[-_][A-Za-z0-9_-]+)?$", re.I)
LANGUAGE_WEIGHTS = {"inLanguage": 3.0, "contentlanguage": 2.0, "language": 2.0, "lang": 2.0, "oglocale": 1.0}


def _languages(facts: Sequence[Fact], articles: Sequence[Thing]) -> list[tuple[str, float, Fact]]:
    """The languages the page declares. Templates often declare English: what the text is written in decides."""
    stated = [("inLanguage", f) for t in articles for f in t.values.get("inLanguage", ())]
    stated += [(key_of(f), f) for f in facts if f.source in ("meta", "og", "html") and key_of(f) in LANGUAGE_WEIGHTS]
    matched = [(name, f, LANGUAGE.match(f.value.strip())) for name, f in stated]
    return [(m[1].lower(), LANGUAGE_WEIGHTS[name], f) for name, f, m in matched if m]


def _most(said: Sequence[tuple[str, float, Fact]]) -> str | None:
    votes: dict[str, float] = {}
    for value, weight, _ in said:
        votes[value] = votes.get(value, 0) + weight
    return max(votes, key=votes.__getitem__, default=None)


# ---------------------------------------------------------------- evidence


def _evidence(titles: Sequence[Said], bylines: Sequence[Byline]) -> list[Evidence]:
    """What each place says, field by field."""
    rows = []
    for s in titles:
        rows.append(Evidence("title", s.value, s.source, *((s.fact.start, s.fact.end) if s.fact else (None, None))))
    for b in bylines:
        rows += [Evidence("authors", clean(f.value), b.source, f.start, f.end) for f in b.facts]
        rows += [Evidence("authors", name, b.source, None, None) for name in b.people if not b.facts]
    return list(dict.fromkeys(rows))


HEADLINES = ("json-ld", "og", "heading", "microdata")  # places that have a headline of their own; <title> is for search engines
LIKE = 0.5  # share of the words of the shorter headline that the other has too, if one is a wording of the other
TELLING = 3  # letters of a word that tells whether two names are one person's


def _disputed(
    title: str | None,
    titles: Sequence[Said],
    people: Sequence[str],
    bylines: Sequence[Byline],
    published: DateCandidate | None,
    dates: Sequence[DateCandidate],
) -> list[str]:
    """What two places say differently, as terms of `text_defects`. Only what no reader would take for the same: headlines that
    share less than half of their words, authors of whom each place has one the other has not, days more than one apart."""
    found = []
    others = [s.value for s in titles if s.source in HEADLINES and s.weight > OWN]  # of several <h1>s any may be another's
    if title and any(_differ(title, other) for other in others):
        found.append("disputed_title")
    # Comments have authors too: microdata contradicts nobody.
    named = [b.people for b in bylines if b.people and b.source != "microdata"]
    against = sum(_miss(people, names) and _miss(names, people) for names in named)
    if against and 2 * against >= len(named) - against:  # one against three is left over from a template
        found.append("disputed_authors")
    stated = [c for c in dates if c.role == "published" and c.precision in ("day", "time")]
    if published and any(are_apart(c.value, published.value) for c in stated):
        found.append("disputed_date")
    return sorted(found)


def _differ(one: str, other: str) -> bool:
    a, b = (set(plain_words(value).split()) for value in (one, other))
    return len(a & b) < LIKE * min(len(a), len(b)) and squash(one) not in squash(other) and squash(other) not in squash(one)


def _miss(names: Sequence[str], others: Sequence[str]) -> bool:
    """Whether one of the names shares no telling word with any of the others."""
    known = {word for other in others for word in _telling(other)}
    return any(not _telling(name) & known for name in names)


def _telling(name: str) -> set[str]:
    bare = "".join(c for c in unicodedata.normalize("NFD", plain_words(name)) if not unicodedata.combining(c))
    return {word for word in bare.split() if len(word) >= TELLING} or {bare}
