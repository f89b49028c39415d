"""The outlet: its name, and everything it is called.

Part of the describe stage, for markup.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from flows.stages.describe_html_graph import ARTICLE, PAGE, Graph, is_carried, resolved
from flows.stages.describe_html_words import Fact, clean, is_meta, key_of, plain_words, squash


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


def site_of(facts: Sequence[Fact], graph: Graph, url: str | None) -> Site:
    """Who publishes: the name most places agree on, in the spelling of the best of them."""
    said = [(clean(f.value), float(SITE_KEYS[key_of(f)]), f) for f in facts if is_meta(f) and key_of(f) in SITE_KEYS]
    for thing in graph.things:
        role = thing.roles[-1]
        site = any(t in ("website", "newsmediaorganization") for t in thing.types) and is_carried(thing)
        weight = 3.0 if role == "publisher" else 2.0 if site or role == "isPartOf" else 0.0
        meant = resolved(thing, graph)
        named = meant.first("name") if weight and not any(PAGE.search(x) or ARTICLE.search(x) for x in meant.types) else None
        if named and (site or is_carried(thing._replace(roles=thing.roles[:-1]))):
            said.append((clean(named.value), weight, named))
    said += _behind(facts)
    hosts = _hosts(url)
    said = [(next((part for part in BREAK.split(v) if squash(part) in hosts), v.lstrip("@")), w, f) for v, w, f in said]
    said = [(v, w / 2 if LEGAL.search(v) else w, f) for v, w, f in said if v and not v.startswith("http")]
    called = {squash(v) for v, _, _ in said} | {squash(ARTICLES.sub("", v.lower())) for v, _, _ in said} | hosts
    crumbs = crumbs_of(facts)[:-1]
    sections = {plain_words(f.value) for f in [*crumbs, *(f for f in facts if "section" in f.key.lower())]}
    votes: dict[str, float] = {}
    for value, weight, _ in said:
        votes[squash(value)] = votes.get(squash(value), 0) + weight
    best = max(votes, key=votes.__getitem__, default=None)
    name = max((v for v, _, _ in said if squash(v) == best), key=lambda v: (v.count(" "), v != v.lower()), default=None)
    return Site(name, frozenset(called - {""}), frozenset(sections - {""}), said)


def _behind(facts: Sequence[Fact]) -> list[tuple[str, float, Fact]]:
    """The outlet's name as it stands behind the <title>, if another place has the title without it."""
    known = {plain_words(clean(f.value)) for f in facts if HEADLINE_KEY.search(f.key)} - {""}
    found = []
    for fact in facts:
        for m in list(BREAK.finditer(clean(fact.value)))[-1:] if fact.source == "title" else ():
            title, name = clean(fact.value)[: m.start()], clean(fact.value)[m.end() :]
            if plain_words(title) in known and len(name.split()) <= LONGEST_NAME and ":" not in m[0]:
                found.append((name, 1.0, fact))
    return found


def crumbs_of(facts: Sequence[Fact]) -> list[Fact]:
    """The names in the breadcrumb of JSON-LD, the page itself mostly the last."""
    return [f for f in facts if f.source == "json-ld" and "itemListElement" in f.key and f.key.endswith("name")]


def _hosts(url: str | None) -> set[str]:
    """What a host may be called: www.q-post.example as qpost and qpostexample."""
    labels = [x for x in _host(url).split(".") if x not in ("www", "m", "amp")]
    alone = {x for x in labels[:-1] if len(x) > 3 or len(labels) < 3}  # not the co of co.uk
    return {squash(x) for x in alone | {"".join(labels[i:]) for i in range(len(labels) - 1)}}


def _host(url: str | None) -> str:
    try:
        return urlsplit(url or "").hostname or ""
    except ValueError:
        return ""


def is_site(value: str, site: Site) -> bool:
    return squash(value) in site.called or squash(ARTICLES.sub("", value.lower())) in site.called
