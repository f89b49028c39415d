"""The title: what each place says, and what they agree on.

Part of the describe stage, for markup.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from flows.stages.describe_html_graph import Graph, Thing
from flows.stages.describe_html_site import BREAK, LONGEST_NAME, Site, crumbs_of, is_site
from flows.stages.describe_html_words import Fact, clean, is_meta, plain_words


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


def titles_of_page(facts: Sequence[Fact]) -> list[str]:
    return [clean(f.value) for f in facts if f.source == "title" or f.key == "og:title"]


def titles_of(facts: Sequence[Fact], graph: Graph, articles: Sequence[Thing], shown: Sequence[str], site: Site) -> list[Said]:
    found = [Said(x, WEIGHTS["heading"] if len(shown) == 1 else WEIGHTS["title"], "heading", None) for x in shown[:HEADINGS]]
    found += [Said(f.value, WEIGHTS["json-ld"], "json-ld", f) for t in articles[:1] if (f := t.first("headline", "name"))]
    microdata = [f for f in facts if f.source == "microdata" and f.key == "headline"]
    for fact in facts:
        if fact.key == "og:title":
            found.append(Said(fact.value, WEIGHTS["og"], "og", fact))
        elif fact.source == "title":
            found.append(Said(fact.value, WEIGHTS["title"], "title", fact))
        elif is_meta(fact) and TITLE_KEY.search(fact.key) and not NO_TITLE_KEY.search(fact.key):
            found.append(Said(fact.value, WEIGHTS["meta"], fact.source, fact))
    found += [Said(f.value, WEIGHTS["microdata"], "microdata", f) for f in microdata[:1]]
    said_before = {plain_words(clean(s.value)) for s in found}
    last = [f for f in crumbs_of(facts)[-1:] if plain_words(clean(f.value)) in said_before]  # else it may be a section
    found += [Said(f.value, WEIGHTS["breadcrumb"], "breadcrumb", f) for f in last]
    cut = [said._replace(value=_uncovered(clean(said.value), site, said.source == "title")) for said in found]
    cut = [said for said in cut if plain_words(said.value) and not is_site(said.value, site)][:MOST]
    others = frozenset().union(*(_grams(said.value) for said in cut if said.source != "heading"))
    return [s._replace(weight=UNRELATED) if s.source == "heading" and others and not _grams(s.value) & others else s for s in cut]


def _grams(value: str) -> frozenset[str]:
    """The stretches of GRAM letters in the words of a title."""
    return frozenset(
        word[i : i + GRAM] for word in plain_words(value).split() for i in range(max(1, len(word) - GRAM + 1)) if len(word) > 1
    )


def _uncovered(value: str, site: Site, loose: bool) -> str:
    """A title without the outlet's name and sections at its ends; loose: also names that merely hold the outlet's."""
    pieces = [(0, 0), *(m.span() for m in list(BREAK.finditer(value))[-BREAKS:]), (len(value), len(value))]
    parts = [value[a[1] : b[0]] for a, b in pairwise(pieces)]
    last = len(parts)
    for i in range(len(parts) - 1, 0, -1):
        if is_site(parts[i], site) or (loose and _holds_site(parts[i], site)):
            last = i
    while 1 < last < len(parts) and plain_words(parts[last - 1]) in site.sections:
        last -= 1
    if last == len(parts) > 1 and plain_words(parts[-1]) in site.sections and "|" in value[pieces[-2][0] : pieces[-2][1]]:
        last -= 1
    first = 1 if last > 1 and is_site(parts[0], site) else 0
    kept = value[pieces[first][1] : pieces[last][0]].strip()
    return kept if len(kept) >= LEAST * len(value) else value


def _holds_site(part: str, site: Site) -> bool:
    tokens = plain_words(part).split()
    return len(tokens) <= LONGEST_NAME and any(t in site.called and len(t) > 2 for t in tokens)


def _inner(value: str) -> dict[str, tuple[str, str]]:
    """What a title is without what stands before its first breaks (a kicker) or behind its last (an outlet, a section), by
    its words: (text, words cut off)."""
    found: dict[str, tuple[str, str]] = {}
    whole = len(plain_words(value))
    for m in list(BREAK.finditer(value))[:BREAKS]:
        kinds = [(value[m.end() :], value[: m.start()])]
        if ":" not in m[0]:
            kinds.append((value[: m.start()], value[m.end() :]))
        for text, rest in kinds:
            norm = plain_words(text)
            if len(norm) >= max(SHORTEST, LEAST * whole):
                found.setdefault(norm, (text, plain_words(rest)))
    return found


def title_of(titles: Sequence[Said]) -> str | None:
    """The title most places agree on. One that others have with a kicker or an addition counts for them too."""
    searched = {plain_words(s.value) for s in titles if s.source == "title"}
    if not any(s.source in ("json-ld", "og", "microdata") and plain_words(s.value) not in searched for s in titles):
        searched = set()  # nobody wrote another
    own: dict[str, float] = {}
    inner: dict[str, dict[str, tuple[str, str]]] = {}
    for said in {(plain_words(s.value), s.source): s for s in sorted(titles, key=lambda s: s.weight)}.values():
        norm = plain_words(said.value)
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
    spelled = min((s for s in titles if plain_words(s.value) == best), key=lambda s: order.index(s.source), default=None)
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
