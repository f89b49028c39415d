"""What JSON-LD says: its objects, and which of them are the article of the page.

Part of the describe stage, for markup.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from flows.stages.describe_html_words import Fact, clean, plain_words


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


def graph_of(facts: Sequence[Fact]) -> Graph:
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


def resolved(thing: Thing, graph: Graph) -> Thing:
    """The object that a bare {"@id": …} stands for, if the page has it."""
    reference = thing.first("@id")
    return graph.named.get(reference.value, thing) if reference and not thing.first("name") else thing


CARRIERS = frozenset(["", "@graph", "mainentity", "mainentityofpage"])  # names under which a page speaks of its article
ARTICLE = re.compile(r"article|posting|report$|review$|opinion")
SAME = 8  # objects that may speak of one article
PAGE = re.compile(r"webpage$|itempage$|creativework$")


def is_carried(thing: Thing) -> bool:
    return all(role.lower() in CARRIERS for role in thing.roles)


def articles_of(graph: Graph, titles: Sequence[str], addresses: set[str]) -> list[Thing]:
    """What JSON-LD says of the article of the page, the fullest first; no other article the page lists."""
    able = [t for t in graph.things if is_carried(t) and any(ARTICLE.search(x) for x in t.types)]
    able = able or [t for t in graph.things if is_carried(t) and "headline" in t.values and {"datePublished", "author"} & t.values.keys()]
    known = {plain_words(x) for x in titles}

    def headline(thing: Thing) -> str:
        fact = thing.first("headline", "name")
        return plain_words(clean(fact.value)) if fact else ""

    def likeness(thing: Thing) -> tuple:
        own = {f.value for n in ("url", "@id", "mainEntityOfPage") for f in thing.values.get(n, ())}
        title = headline(thing)
        alike = bool(title) and any(title in k or k in title for k in known if k)
        return alike + bool(own & addresses), "headline" in thing.values, "datePublished" in thing.values

    if not able:
        return []
    best = max(able, key=likeness)  # the first of equals
    return [best, *(t for t in able if t is not best and headline(t) == headline(best))][:SAME]
