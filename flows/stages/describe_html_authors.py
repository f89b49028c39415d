"""The authors: whom each place names, and whom most agree on.

Part of the describe stage, for markup.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from flows.stages.describe_html_graph import Graph, Thing, resolved
from flows.stages.describe_html_site import LONGEST_NAME, Site, is_site
from flows.stages.describe_html_title import MOST
from flows.stages.describe_html_words import Fact, clean, is_meta, key_of, plain_words, squash
from flows.stages.describe_people import after_word, names_in
from flows.stages.describe_words import fold, words


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


def bylines_of(facts: Sequence[Fact], graph: Graph, articles: Sequence[Thing], site: Site) -> list[Byline]:
    """Every place that names authors, the surest first: JSON-LD, then the <meta>s, those that agree before others."""
    found = []
    for name in ("author", "creator"):
        for article in articles:
            values = [(f, "") for f in article.values.get(name, ()) if not NOBODY.search(f.value)]
            parts = [resolved(part, graph) for part in graph.parts.get((article.script, article.path, name), ())]
            values += [(f, " ".join(t.types)) for t in parts for f in t.values.get("name", ())]
            found.append(_byline("json-ld", values, site))
    metas: dict[str, list[tuple[Fact, str]]] = {}
    for fact in facts:
        if is_meta(fact) and AUTHOR_KEY.search(key_of(fact)) and not NO_AUTHOR_KEY.search(key_of(fact)):
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


def with_shown(found: list[Byline], names: Sequence[str], byline: str | None, site: Site) -> list[Byline]:
    """The places with the visible line added. Where it has no byline word it is only believed if the markup names nobody,
    or if it names all the markup does and more."""
    people = [n for n in names if not is_site(n, site)]
    known = {plain_words(n) for b in found[:1] for n in b.people}
    worded = byline is not None and after_word(byline) is not None
    if people and (worded or not found or (known and known < {plain_words(n) for n in people})):
        found.append(Byline("byline", people, [], [], []))
    return found


def _byline(source: str, values: Sequence[tuple[Fact, str]], site: Site) -> Byline:
    byline = Byline(source, [], [], [], [])
    for fact, types in values:
        for piece in LISTED.split(clean(fact.value)):
            if piece and not NOBODY.search(piece):
                _sorted_out(piece, types, site, byline)
                byline.facts.append(fact)
    people, organisations, outlet = (list(dict.fromkeys(names)) for names in (byline.people, byline.organisations, byline.outlet))
    return byline._replace(people=people, organisations=organisations, outlet=outlet)


def _sorted_out(piece: str, types: str, site: Site, byline: Byline) -> None:
    """Put the people, organisations and outlets of one entry where they belong."""
    after = after_word(piece)
    piece = BRACKETS.sub("", after.strip() if after else piece).strip()
    if is_site(piece, site):  # an outlet signs with the name it goes by; any other of its names is left over from a template
        byline.outlet.extend([piece] if squash(piece) == squash(site.name or piece) else [])
        return
    inverted = INVERTED.fullmatch(piece) if "person" in types else None
    if inverted and not _is_agency(inverted[2]):
        piece = f"{inverted[2]} {inverted[1]}"
    people = [] if "organization" in types else [n for n in names_in(piece) if not is_site(n, site) and not DEFINITE.match(n)]
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


def authors_of(bylines: Sequence[Byline]) -> tuple[list[str], list[str]]:
    """(people, organisations): those of the place that most agree with; a place that names fewer of the same agrees. What
    stands beside them is told too. Where no place names people, an agency, else the outlet itself."""
    peopled = [b for b in bylines if b.people]
    if peopled:
        named = [frozenset(map(plain_words, b.people)) for b in peopled]
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
