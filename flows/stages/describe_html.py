"""What the markup of a page says about its article: title, authors, outlet, language, address and dates.

Part of the describe stage. A page says the same thing in several places (JSON-LD, OpenGraph, <meta>, microdata, <time>,
<title>, the heading, the byline), for several readers (search engines, social networks, people), and some of them are
wrong: left over from a template, about another article, written for clicks. So the places are compared: each speaks with
a weight, those that agree add up, what the outlet adds (its name, a section) is cut off, and what was said by the others
stays as evidence. Nothing is said that no place says; a site is never known by name.
"""

import html
import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import NamedTuple, Protocol
from urllib.parse import urljoin, urlsplit

from flows.stages.describe import DAY, Description
from flows.stages.describe_dates import DateCandidate, are_apart, fold, from_facts, stamps, words
from flows.stages.describe_people import after_word, name_case, names_in


class Fact(Protocol):
    """What the HTML reader finds in the markup: characters [start, end) of the source text say `value` under `key`."""

    source: str
    key: str
    value: str
    start: int
    end: int


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
    graph = _graph(facts)
    canonical = _canonical(facts, url)
    site = _site(facts, graph, canonical or url)
    articles = _articles(graph, [*_titles_of_page(facts), *headings], {a for a in (url, canonical) if a})
    titles = _titles(facts, graph, articles, headings, site)
    bylines = _shown(_bylines(facts, graph, articles, site), names, byline, site)
    people, organisations = _authors(bylines)
    languages = _languages(facts, articles)
    language = _most(languages)
    dates = sorted(_dates(facts, articles, graph, language) + from_facts(canonical or url, None), key=lambda c: (c.start is None, c.start))
    published = _published(dates, retrieved)
    title = _title(titles)
    return Told(
        title=title,
        authors=list(dict.fromkeys(name_case(n, language) for n in people)),
        organisations=organisations,
        outlet=site.name,
        language=language,
        canonical=canonical,
        published=published,
        modified=_modified(dates, published, retrieved),
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


# ---------------------------------------------------------------- words

LENGTH = 400  # characters of the longest title or list of authors that is looked at
TAG = re.compile(r"</?[a-z][^<>]{0,80}>", re.I)
INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")


def _clean(value: str) -> str:
    """A value as people read it: references decoded (they are often escaped twice), tags taken away."""
    return TAG.sub("", html.unescape(value[:LENGTH])).strip()


def _norm(value: str) -> str:
    """The words of a value, for comparing."""
    return " ".join(re.findall(r"\w+", fold(unicodedata.normalize("NFKC", INVISIBLE.sub("", value)))))


def _squash(value: str) -> str:
    """A name without spaces and marks: Q-Post.example as qpostexample."""
    return _norm(value).replace(" ", "").replace("_", "")


def _key(fact: Fact) -> str:
    """The key of a <meta>, of letters and digits alone: article:published_time as articlepublishedtime."""
    return re.sub(r"[^a-z0-9]+", "", fact.key.lower().rpartition("/")[2])


def _is_meta(fact: Fact) -> bool:
    return fact.source in ("meta", "og")


# ---------------------------------------------------------------- JSON-LD


class Thing(NamedTuple):
    """An object of JSON-LD: the number of its script, its path, the names on the path, its types and values by name."""

    script: int
    path: str
    roles: tuple[str, ...]
    types: list[str]
    values: dict[str, list[Fact]]

    def first(self, *names: str) -> Fact | None:
        return next((self.values[n][0] for n in names if n in self.values), None)


class Graph(NamedTuple):
    """All objects in the order of the source; by their @id, if they have a name; and by script, parent's path and name."""

    things: list[Thing]
    named: dict[str, Thing]
    parts: dict[tuple[int, str, str], list[Thing]]


INDEX = re.compile(r"\[\d+\]")


def _graph(facts: Sequence[Fact]) -> Graph:
    """The objects of JSON-LD. A script ends where other facts follow, or where a path comes again."""
    things: dict[tuple[int, str], Thing] = {}
    seen: set[str] = set()
    script, inside = 0, False
    for fact in facts:
        if fact.source != "json-ld":
            inside = False
            continue
        if not inside or fact.key in seen:
            script, seen, inside = script + 1, set(), True
        seen.add(fact.key)
        path, _, name = fact.key.rpartition(".")
        name = INDEX.sub("", name)
        if (script, path) not in things:
            things[script, path] = Thing(script, path, tuple(INDEX.sub("", part) for part in path.split(".")), [], {})
        thing = things[script, path]
        if name == "@type":
            thing.types.append(fact.value.rpartition("/")[2].lower())
        thing.values.setdefault(name, []).append(fact)
    graph = Graph(list(things.values()), {}, {})
    for thing in graph.things:
        if (name_of := thing.first("@id")) and thing.first("name"):
            graph.named.setdefault(name_of.value, thing)
        graph.parts.setdefault((thing.script, thing.path.rpartition(".")[0], thing.roles[-1]), []).append(thing)
    return graph


def _meant(thing: Thing, graph: Graph) -> Thing:
    """The object that a bare {"@id": …} stands for, if the page has it."""
    reference = thing.first("@id")
    return graph.named.get(reference.value, thing) if reference and not thing.first("name") else thing


CARRIERS = frozenset(["", "@graph", "mainentity", "mainentityofpage"])  # names under which a page speaks of its article
ARTICLE = re.compile(r"article|posting|report$|review$|opinion")
SAME = 8  # objects that may speak of one article
PAGE = re.compile(r"webpage$|itempage$|creativework$")


def _carried(thing: Thing) -> bool:
    return all(role.lower() in CARRIERS for role in thing.roles)


def _articles(graph: Graph, titles: Sequence[str], addresses: set[str]) -> list[Thing]:
    """What JSON-LD says of the article of the page, the fullest first; no other article the page lists."""
    able = [t for t in graph.things if _carried(t) and any(ARTICLE.search(x) for x in t.types)]
    able = able or [t for t in graph.things if _carried(t) and "headline" in t.values and {"datePublished", "author"} & t.values.keys()]
    known = {_norm(x) for x in titles}

    def headline(thing: Thing) -> str:
        fact = thing.first("headline", "name")
        return _norm(_clean(fact.value)) if fact else ""

    def likeness(thing: Thing) -> tuple:
        own = {f.value for n in ("url", "@id", "mainEntityOfPage") for f in thing.values.get(n, ())}
        title = headline(thing)
        alike = bool(title) and any(title in k or k in title for k in known if k)
        return alike + bool(own & addresses), "headline" in thing.values, "datePublished" in thing.values

    if not able:
        return []
    best = max(able, key=likeness)  # the first of equals
    return [best, *(t for t in able if t is not best and headline(t) == headline(best))][:SAME]


# ---------------------------------------------------------------- the site


class Site(NamedTuple):
    """The outlet: its name, everything it is called (squashed), what it calls its sections, and who says so."""

    name: str | None
    called: frozenset[str]
    sections: frozenset[str]
    said: list[tuple[str, float, Fact]]


BREAK = re.compile(r"\s+[-–—*/·•»|:]+\s+|\s*[|\n]\s*|(?<=\S):\s+")
LONGEST_NAME = 6  # words of the longest name an outlet puts behind its titles
ARTICLES = re.compile(r"^(?:the|der|die|das|la|le|el|il|los) ")
HEADLINE_KEY = re.compile(r"^(?:og|twitter):title$|(?:^|\.)headline$")
LEGAL = re.compile(r"\b(?:ag|gmbh|kg|ltd|inc|llc|s\.?a|s\.?l|plc|corp|ab|as|co)\b\.?", re.I)
SITE_KEYS = {"ogsitename": 3, "sitename": 2, "publisher": 2, "dcpublisher": 2, "applicationname": 1, "applemobilewebapptitle": 1}


def _site(facts: Sequence[Fact], graph: Graph, url: str | None) -> Site:
    """Who publishes: the name most places agree on, in the spelling of the best of them."""
    said = [(_clean(f.value), float(SITE_KEYS[_key(f)]), f) for f in facts if _is_meta(f) and _key(f) in SITE_KEYS]
    for thing in graph.things:
        role = thing.roles[-1]
        site = any(t in ("website", "newsmediaorganization") for t in thing.types) and _carried(thing)
        weight = 3.0 if role == "publisher" else 2.0 if site or role == "isPartOf" else 0.0
        meant = _meant(thing, graph)
        named = meant.first("name") if weight and not any(PAGE.search(x) or ARTICLE.search(x) for x in meant.types) else None
        if named and (site or _carried(thing._replace(roles=thing.roles[:-1]))):
            said.append((_clean(named.value), weight, named))
    said += _behind(facts)
    hosts = _hosts(url)
    said = [(next((part for part in BREAK.split(v) if _squash(part) in hosts), v.lstrip("@")), w, f) for v, w, f in said]
    said = [(v, w / 2 if LEGAL.search(v) else w, f) for v, w, f in said if v and not v.startswith("http")]
    called = {_squash(v) for v, _, _ in said} | {_squash(ARTICLES.sub("", v.lower())) for v, _, _ in said} | hosts
    crumbs = _crumbs(facts)[:-1]
    sections = {_norm(f.value) for f in [*crumbs, *(f for f in facts if "section" in f.key.lower())]}
    votes: dict[str, float] = {}
    for value, weight, _ in said:
        votes[_squash(value)] = votes.get(_squash(value), 0) + weight
    best = max(votes, key=votes.__getitem__, default=None)
    name = max((v for v, _, _ in said if _squash(v) == best), key=lambda v: (v.count(" "), v != v.lower()), default=None)
    return Site(name, frozenset(called - {""}), frozenset(sections - {""}), said)


def _behind(facts: Sequence[Fact]) -> list[tuple[str, float, Fact]]:
    """The outlet's name as it stands behind the <title>, if another place has the title without it."""
    known = {_norm(_clean(f.value)) for f in facts if HEADLINE_KEY.search(f.key)} - {""}
    found = []
    for fact in facts:
        for m in list(BREAK.finditer(_clean(fact.value)))[-1:] if fact.source == "title" else ():
            title, name = _clean(fact.value)[: m.start()], _clean(fact.value)[m.end() :]
            if _norm(title) in known and len(name.split()) <= LONGEST_NAME and ":" not in m[0]:
                found.append((name, 1.0, fact))
    return found


def _crumbs(facts: Sequence[Fact]) -> list[Fact]:
    """The names in the breadcrumb of JSON-LD, the page itself mostly the last."""
    return [f for f in facts if f.source == "json-ld" and "itemListElement" in f.key and f.key.endswith("name")]


def _hosts(url: str | None) -> set[str]:
    """What a host may be called: www.q-post.example as qpost and qpostexample."""
    labels = [x for x in _host(url).split(".") if x not in ("www", "m", "amp")]
    alone = {x for x in labels[:-1] if len(x) > 3 or len(labels) < 3}  # not the co of co.uk
    return {_squash(x) for x in alone | {"".join(labels[i:]) for i in range(len(labels) - 1)}}


def _host(url: str | None) -> str:
    try:
        return urlsplit(url or "").hostname or ""
    except ValueError:
        return ""


def _is_site(value: str, site: Site) -> bool:
    return _squash(value) in site.called or _squash(ARTICLES.sub("", value.lower())) in site.called


# ---------------------------------------------------------------- title


class Said(NamedTuple):
    """A title as one place has it, without what the outlet added."""

    value: str
    weight: float
    source: str
    fact: Fact | None


# How much a place counts. The <title> is made for search engines; what merely repeats it says little, and a headline that
# somebody wrote apart from it is the newsroom's. Set on 98 news pages of 65 sites; both halves of the sites gain.
REPEATING = 0.4  # share of its weight that a title in the words of the <title> keeps
WEIGHTS = {"json-ld": 5.0, "og": 4.0, "heading": 2.0, "microdata": 2.0, "title": 1.0, "breadcrumb": 0.5, "meta": 0.5}
TITLE_KEY = re.compile(r"(?:^|[.:_#])(?:full)?(?:title|headline)$", re.I)
NO_TITLE_KEY = re.compile(r"image|video|audio|logo|site|section|app", re.I)
SHORTEST = 8  # characters of words below which a part of a title is none: a section, a kicker
LEAST = 0.25  # share of the whole that such a part must have
MOST, HEADINGS = 32, 8  # titles, and headings among them, that are compared
GRAM = 4  # letters two titles have in common if they speak of the same
UNRELATED = 0.1  # weight of a heading that has nothing in common with any title: a logo, a list
BREAKS = 6  # breaks in a title that are tried
OWN = 1.0  # weight of the least place whose title may cut down that of another


def _titles_of_page(facts: Sequence[Fact]) -> list[str]:
    return [_clean(f.value) for f in facts if f.source == "title" or f.key == "og:title"]


def _titles(facts: Sequence[Fact], graph: Graph, articles: Sequence[Thing], shown: Sequence[str], site: Site) -> list[Said]:
    found = [Said(x, WEIGHTS["heading"] if len(shown) == 1 else WEIGHTS["title"], "heading", None) for x in shown[:HEADINGS]]
    found += [Said(f.value, WEIGHTS["json-ld"], "json-ld", f) for t in articles[:1] if (f := t.first("headline", "name"))]
    microdata = [f for f in facts if f.source == "microdata" and f.key == "headline"]
    for fact in facts:
        if fact.key == "og:title":
            found.append(Said(fact.value, WEIGHTS["og"], "og", fact))
        elif fact.source == "title":
            found.append(Said(fact.value, WEIGHTS["title"], "title", fact))
        elif _is_meta(fact) and TITLE_KEY.search(fact.key) and not NO_TITLE_KEY.search(fact.key):
            found.append(Said(fact.value, WEIGHTS["meta"], fact.source, fact))
    found += [Said(f.value, WEIGHTS["microdata"], "microdata", f) for f in microdata[:1]]
    said_before = {_norm(_clean(s.value)) for s in found}
    last = [f for f in _crumbs(facts)[-1:] if _norm(_clean(f.value)) in said_before]  # else it may be a section
    found += [Said(f.value, WEIGHTS["breadcrumb"], "breadcrumb", f) for f in last]
    cut = [said._replace(value=_uncovered(_clean(said.value), site, said.source == "title")) for said in found]
    cut = [said for said in cut if _norm(said.value) and not _is_site(said.value, site)][:MOST]
    others = frozenset().union(*(_grams(said.value) for said in cut if said.source != "heading"))
    return [s._replace(weight=UNRELATED) if s.source == "heading" and others and not _grams(s.value) & others else s for s in cut]


def _grams(value: str) -> frozenset[str]:
    """The stretches of GRAM letters in the words of a title."""
    return frozenset(word[i : i + GRAM] for word in _norm(value).split() for i in range(max(1, len(word) - GRAM + 1)) if len(word) > 1)


def _uncovered(value: str, site: Site, loose: bool) -> str:
    """A title without the outlet's name and sections at its ends; loose: also names that merely hold the outlet's."""
    pieces = [(0, 0), *(m.span() for m in list(BREAK.finditer(value))[-BREAKS:]), (len(value), len(value))]
    parts = [value[a[1] : b[0]] for a, b in pairwise(pieces)]
    last = len(parts)
    for i in range(len(parts) - 1, 0, -1):
        if _is_site(parts[i], site) or (loose and _holds_site(parts[i], site)):
            last = i
    while 1 < last < len(parts) and _norm(parts[last - 1]) in site.sections:
        last -= 1
    if last == len(parts) > 1 and _norm(parts[-1]) in site.sections and "|" in value[pieces[-2][0] : pieces[-2][1]]:
        last -= 1
    first = 1 if last > 1 and _is_site(parts[0], site) else 0
    kept = value[pieces[first][1] : pieces[last][0]].strip()
    return kept if len(kept) >= LEAST * len(value) else value


def _holds_site(part: str, site: Site) -> bool:
    tokens = _norm(part).split()
    return len(tokens) <= LONGEST_NAME and any(t in site.called and len(t) > 2 for t in tokens)


def _inner(value: str) -> dict[str, tuple[str, str]]:
    """What a title is without what stands before its first breaks (a kicker) or behind its last (an outlet, a section), by
    its words: (text, words cut off)."""
    found: dict[str, tuple[str, str]] = {}
    whole = len(_norm(value))
    for m in list(BREAK.finditer(value))[:BREAKS]:
        kinds = [(value[m.end() :], value[: m.start()])]
        if ":" not in m[0]:
            kinds.append((value[: m.start()], value[m.end() :]))
        for text, rest in kinds:
            norm = _norm(text)
            if len(norm) >= max(SHORTEST, LEAST * whole):
                found.setdefault(norm, (text, _norm(rest)))
    return found


def _title(titles: Sequence[Said]) -> str | None:
    """The title most places agree on. One that others have with a kicker or an addition counts for them too."""
    searched = {_norm(s.value) for s in titles if s.source == "title"}
    if not any(s.source in ("json-ld", "og", "microdata") and _norm(s.value) not in searched for s in titles):
        searched = set()  # nobody wrote another
    own: dict[str, float] = {}
    inner: dict[str, dict[str, tuple[str, str]]] = {}
    for said in {(_norm(s.value), s.source): s for s in sorted(titles, key=lambda s: s.weight)}.values():
        norm = _norm(said.value)
        own[norm] = own.get(norm, 0) + said.weight * (REPEATING if norm in searched else 1)
        inner.setdefault(norm, _inner(said.value))
    score = dict(own)
    for whole, parts in inner.items():
        for part in parts:
            if own.get(part, 0) >= OWN:
                score[part] += score[whole]
    shared = _shared(own, inner)
    if shared:
        return shared
    best = max(score, key=lambda norm: round(score[norm], 3), default=None)
    order = ("heading", "og", "json-ld", "microdata", "title", "meta", "breadcrumb")
    spelled = min((s for s in titles if _norm(s.value) == best), key=lambda s: order.index(s.source), default=None)
    return " ".join(spelled.value.split()) if spelled else None


def _shared(own: dict[str, float], inner: dict) -> str | None:
    """What two weighty titles have in common, if each has a kicker of its own before it."""
    weighty = [n for n, w in own.items() if w >= OWN]
    if len(weighty) != 2:
        return None
    one, two = (inner[n] for n in weighty)
    for norm, (text, kicker) in one.items():
        if norm in two and len(kicker) < len(norm) and not set(kicker.split()) & set(two[norm][1].split()):
            return " ".join(text.split())
    return None


# ---------------------------------------------------------------- authors


class Byline(NamedTuple):
    """Who one place names as authors: people, organisations, and those of them that are the outlet itself."""

    source: str
    people: list[str]
    organisations: list[str]
    outlet: list[str]
    facts: list[Fact]


AUTHOR_KEY = re.compile(r"(?:author|authors|authorname|byl|byline|creator)$")
NO_AUTHOR_KEY = re.compile(r"twitter|image|photo|avatar|^generator")
NOBODY = re.compile(r"^(?:https?:|www\.|/|@|#)|^[\d\W_]*$|\S@\S|\b(?:admin|administrator|developer|webmaster|undefined|null)\b", re.I)
TOGETHER = 1000  # characters of markup between the authors of one article
AUTHOR_WEIGHTS = {"json-ld": 3.0, "og": 2.0, "meta": 2.0, "microdata": 2.0, "byline": 2.0}
DEFINITE = re.compile(r"(?:The|Die|Der|Das)\s")  # the Greens
LOGIN = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)+")
BRACKETS = re.compile(r"\s*[(\[][^()\[\]]{0,60}[)\]]")
LISTED = re.compile(r"\s*[;|\n\t]\s*")
PART = re.compile(r"\s*[,/&]\s*|\s+(?:und|and|et|e|y)\s+")
INVERTED = re.compile(r"([^\W\d_]{2,}(?:[-'’][^\W\d_]+)*),\s*([^\W\d_]{2,}(?:-[^\W\d_]+)?)")  # Last, First


def _bylines(facts: Sequence[Fact], graph: Graph, articles: Sequence[Thing], site: Site) -> list[Byline]:
    """Every place that names authors, the surest first: JSON-LD, then the <meta>s, those that agree before others."""
    found = []
    for name in ("author", "creator"):
        for article in articles:
            values = [(f, "") for f in article.values.get(name, ()) if not NOBODY.search(f.value)]
            parts = [_meant(part, graph) for part in graph.parts.get((article.script, article.path, name), ())]
            values += [(f, " ".join(t.types)) for t in parts for f in t.values.get("name", ())]
            found.append(_byline("json-ld", values, site))
    metas: dict[str, list[tuple[Fact, str]]] = {}
    for fact in facts:
        if _is_meta(fact) and AUTHOR_KEY.search(_key(fact)) and not NO_AUTHOR_KEY.search(_key(fact)):
            metas.setdefault(fact.key, []).append((fact, ""))
    named = [_byline(values[0][0].source, values, site) for values in list(metas.values())[:MOST]]
    found += sorted(named, key=lambda b: -sum(b.people == other.people for other in named))
    microdata: list[tuple[Fact, str]] = []
    for fact in facts:
        if fact.source == "microdata" and fact.key in ("author", "creator"):
            if microdata and fact.start - microdata[-1][0].end > TOGETHER:
                break  # what comes later are teasers and comments
            microdata.append((fact, ""))
    found.append(_byline("microdata", microdata, site))
    return [b for b in found if b.people or b.organisations or b.outlet][:MOST]


def _shown(found: list[Byline], names: Sequence[str], byline: str | None, site: Site) -> list[Byline]:
    """The places with the visible line added. Where it has no byline word it is only believed if the markup names nobody,
    or if it names all the markup does and more."""
    people = [n for n in names if not _is_site(n, site)]
    known = {_norm(n) for b in found[:1] for n in b.people}
    worded = byline is not None and after_word(byline) is not None
    if people and (worded or not found or (known and known < {_norm(n) for n in people})):
        found.append(Byline("byline", people, [], [], []))
    return found


def _byline(source: str, values: Sequence[tuple[Fact, str]], site: Site) -> Byline:
    byline = Byline(source, [], [], [], [])
    for fact, types in values:
        for piece in LISTED.split(_clean(fact.value)):
            if piece and not NOBODY.search(piece):
                _sorted_out(piece, types, site, byline)
                byline.facts.append(fact)
    people, organisations, outlet = (list(dict.fromkeys(names)) for names in (byline.people, byline.organisations, byline.outlet))
    return byline._replace(people=people, organisations=organisations, outlet=outlet)


def _sorted_out(piece: str, types: str, site: Site, byline: Byline) -> None:
    """Put the people, organisations and outlets of one entry where they belong."""
    after = after_word(piece)
    piece = BRACKETS.sub("", after.strip() if after else piece).strip()
    if _is_site(piece, site):  # an outlet signs with the name it goes by; any other of its names is left over from a template
        byline.outlet.extend([piece] if _squash(piece) == _squash(site.name or piece) else [])
        return
    inverted = INVERTED.fullmatch(piece) if "person" in types else None
    if inverted and not _is_agency(inverted[2]):
        piece = f"{inverted[2]} {inverted[1]}"
    people = [] if "organization" in types else [n for n in names_in(piece) if not _is_site(n, site) and not DEFINITE.match(n)]
    if people:
        byline.people.extend(people)
        byline.organisations.extend(part for part in PART.split(piece) if _is_agency(part))
    elif "person" in types and _is_like_a_person(piece):
        byline.people.append(piece)
    elif not LOGIN.fullmatch(piece) and not _listed("roles").issuperset(fold(piece).split()):
        byline.organisations.append(piece)


@cache
def _listed(key: str) -> frozenset[str]:
    return frozenset(words()[key].split() if isinstance(words()[key], str) else words()[key])


def _is_agency(name: str) -> bool:
    return fold(name).strip() in _listed("agencies")


def _is_like_a_person(name: str) -> bool:
    """Words in capitals that a page calls a person, none of them an agency, a newsroom or a role."""
    bare = {fold(t).strip(".'’()") for t in re.split(r"[\s-]+", name)}
    other = _is_agency(name) or bare & (_listed("organisation_words") | _listed("roles"))
    return name[:1].isupper() and not name.isupper() and len(name.split()) <= LONGEST_NAME and not other


def _authors(bylines: Sequence[Byline]) -> tuple[list[str], list[str]]:
    """(people, organisations): those of the place that most agree with; a place that names fewer of the same agrees. What
    stands beside them is told too. Where no place names people, an agency, else the outlet itself."""
    peopled = [b for b in bylines if b.people]
    if peopled:
        named = [frozenset(map(_norm, b.people)) for b in peopled]
        # Comments have authors too: microdata supports what others say, but adds no one.
        scores = [
            0.0
            if b.source == "microdata" and any(other < own for other in named)
            else sum(AUTHOR_WEIGHTS[o.source] for o, other in zip(peopled, named, strict=True) if other <= own)
            for b, own in zip(peopled, named, strict=True)
        ]
        best = peopled[scores.index(max(scores))]
        return best.people, best.organisations + best.outlet
    others = [b.organisations for b in bylines if b.organisations] + [b.outlet for b in bylines if b.outlet]
    return [], others[0] if others else []


# ---------------------------------------------------------------- dates

# The role a key speaks of, in this order; keys as in _key.
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


def _dates(facts: Sequence[Fact], articles: Sequence[Thing], graph: Graph, language: str | None) -> list[DateCandidate]:
    """Every date the markup gives, with its role; those of JSON-LD only where they are the article's or the page's."""
    pages = [t for t in graph.things if _carried(t) and any(PAGE.search(x) for x in t.types)]
    known = [(name, f) for t in [*articles, *pages] for name in t.values for f in t.values[name][:1] if "date" in name.lower()]
    stated = [(_role(name.lower()), fact) for name, fact in known]
    seen: set[str] = set()
    for fact in facts:
        key = fact.key.lower()
        if _is_meta(fact):
            stated.append((_role(".date" if key.endswith(".date") else _key(fact)), fact))
        elif fact.source == "microdata" and "date" in key and key not in seen:
            seen.add(key)
            stated.append((_role(key), fact))
        elif fact.source == "time":
            stated.append(("other", fact))
    read = [(role, fact, iso(fact.value, language)) for role, fact in stated if role]
    return list(dict.fromkeys(DateCandidate(role, *value, fact.source, fact.start, fact.end) for role, fact, value in read if value))


def _published(dates: Sequence[DateCandidate], retrieved: str | None) -> DateCandidate | None:
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


def _modified(dates: Sequence[DateCandidate], published: DateCandidate | None, retrieved: str | None) -> DateCandidate | None:
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
    stated += [(_key(f), f) for f in facts if f.source in ("meta", "og", "html") and _key(f) in LANGUAGE_WEIGHTS]
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
        rows += [Evidence("authors", _clean(f.value), b.source, f.start, f.end) for f in b.facts]
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
    a, b = (set(_norm(value).split()) for value in (one, other))
    return len(a & b) < LIKE * min(len(a), len(b)) and _squash(one) not in _squash(other) and _squash(other) not in _squash(one)


def _miss(names: Sequence[str], others: Sequence[str]) -> bool:
    """Whether one of the names shares no telling word with any of the others."""
    known = {word for other in others for word in _telling(other)}
    return any(not _telling(name) & known for name in names)


def _telling(name: str) -> set[str]:
    bare = "".join(c for c in unicodedata.normalize("NFD", _norm(name)) if not unicodedata.combining(c))
    return {word for word in bare.split() if len(word) >= TELLING} or {bare}
