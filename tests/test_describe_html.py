"""What markup says: title, authors, outlet and dates compared over their places, with evidence in the source."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.readers.html import render
from flows.readers.html_facts import Fact
from flows.stages.describe import Description
from flows.stages.describe_html import headings, merged, told
from flows.stages.describe_html_dates import iso
from flows.traced import Traced

CASES = json.loads((Path(__file__).parent / "cases" / "describe_html.json").read_text(encoding="utf-8"))
AGREEING = CASES["pages"][0]
DESCRIBED = Description(None, [], None, None, None, None, None, None, None, None, [], [])


def markup(case):
    scripts = "".join(f'<script type="application/ld+json">{json.dumps(o, ensure_ascii=False)}</script>' for o in case["ld"])
    return f"{case['head']}{scripts}<body>{case['body']}"


def read(source, **known):
    page = render(Traced.decoded(source.encode("utf-8", "replace"), "utf-8"))
    return told(page.facts, headings(page.text.text, page.elements, page.nodes), **known)


def of(case, more=""):
    known = {k: case[k] for k in ("url", "retrieved", "names", "byline") if k in case}
    return read(markup(case) + more, **known)


def page(case):
    failing = [pytest.mark.xfail(strict=True, reason=case["known_failure"])] if "known_failure" in case else []
    return pytest.param(case, id=case["name"], marks=failing)


@pytest.mark.parametrize("case", [page(case) for case in CASES["pages"]])
def test_what_a_page_tells(case):
    found = of(case)._asdict()
    found |= {k: found[k] and found[k].value for k in ("published", "modified")}
    assert {k: found[k] for k in case["told"]} == case["told"]


@pytest.mark.parametrize(("written", "value", "precision"), CASES["dates"])
def test_dates(written, value, precision):
    assert iso(written, "en") == (value, precision)


@pytest.mark.parametrize("written", CASES["no_dates"])
def test_what_is_no_date(written):
    assert iso(written, "en") is None


@pytest.mark.parametrize("case", CASES["pages"], ids=lambda c: c["name"])
def test_evidence_stands_in_the_source(case):
    source = markup(case)
    found = of(case)
    for row in [*found.evidence, *found.dates]:
        if row.start is None:
            assert row.source in ("heading", "byline", "url")
        else:
            assert 0 <= row.start < row.end <= len(source)
    for row in found.dates:
        if row.start is not None and row.precision == "day" and source[row.start : row.start + 4].isdigit():
            assert source[row.start : row.end].replace("-", "")[:8] == row.value.replace("-", "")
    assert [c.start for c in found.dates if c.start is not None] == sorted(c.start for c in found.dates if c.start is not None)


ANOTHER = {"@type": "NewsArticle", "headline": "Unrelated Story", "datePublished": "2020-01-01", "author": {"name": "Someone Else"}}
NOISE = {
    "a widget": "<time datetime='2026-01-01T10:00:00Z'>today</time>",
    "a copyright line": "<footer>© 1999 Khazar Review</footer>",
    "a teaser": "<h2>Unrelated Story</h2><i itemprop='author'>Someone Else</i><meta itemprop='datePublished' content='2020-01-01'>",
    "another article": f"<script type='application/ld+json'>{json.dumps(ANOTHER)}</script>",
    "a second name": "<footer>Publisher: Tom Abel</footer>",
}


@pytest.mark.parametrize("noise", NOISE)
def test_noise_changes_nothing(noise):
    plain, noisy = of(AGREEING), of(AGREEING, NOISE[noise])
    assert noisy._replace(dates=[], evidence=[], disputed=[]) == plain._replace(dates=[], evidence=[], disputed=[])


def test_a_year_later():
    later = json.loads(json.dumps(AGREEING).replace("2025", "2026"))
    assert of(later).published.value == of(AGREEING).published.value.replace("2025", "2026")
    assert of(later).modified.value == of(AGREEING).modified.value.replace("2025", "2026")


@pytest.mark.parametrize(
    ("head", "disputed"),
    [
        ("<title>Ferry Sails</title><meta property='og:title' content='Pier Opens'><h1>Ferry Sails</h1>", ["disputed_title"]),
        ("<title>Ferry Sails</title><meta property='og:title' content='Ferry Sails at Last | Post'><h1>Ferry Sails</h1>", []),
        ("<meta property='og:title' content='Ferry Sails'><h1>Ferry Sails</h1><h1>Most Read</h1>", []),
        ("<meta name='author' content='Ann Lee'><meta property='article:author' content='Ida Berg'>", ["disputed_authors"]),
        ("<meta name='author' content='Ann Lee'><meta property='article:author' content='Ann Lee, Ida Berg'>", []),
        ("<meta name='author' content='Zoë Lee'><meta property='article:author' content='Z. LEE'>", []),
        ("<meta name='date' content='2024-01-01'><meta name='pubdate' content='2024-02-01'>", ["disputed_date"]),
        ("<meta name='date' content='2024-01-01'><meta name='pubdate' content='2024-01-02T00:30Z'>", []),
    ],
)
def test_what_places_differ_on(head, disputed):
    assert read(head).disputed == disputed


def test_conflicts_are_kept():
    titles = "<title>One Thing Happened</title><meta property='og:title' content='Another Thing Happened'>"
    found = read(f"{titles}<meta name='date' content='2024-01-01'><meta name='pubdate' content='2024-02-01'>")
    assert {e.value for e in found.evidence if e.field == "title"} == {"One Thing Happened", "Another Thing Happened"}
    assert [c.value for c in found.dates] == ["2024-01-01", "2024-02-01"]


def test_other_languages_of_a_page_are_facts():
    head = "<link rel=alternate hreflang=fr-CA href=/fr/1><link rel=canonical hreflang=en href=/1>"
    page = render(Traced.decoded(head.encode(), "utf-8"))
    assert [(f.source, f.key, f.value) for f in page.facts] == [("link", "alternate:fr-ca", "/fr/1"), ("link", "canonical", "/1")]


def test_a_byline_that_contradicts_the_markup_is_told():
    seen = DESCRIBED._replace(date_published="2024-03-01", date_precision="day", date_source="byline")
    said = read("<meta name='date' content='2024-01-01'>")
    assert merged(seen, said).disputed == ["disputed_date"]
    assert merged(seen, said).date_published == "2024-01-01"
    assert merged(seen._replace(date_published="2024-01-02"), said).disputed == []
    assert merged(DESCRIBED._replace(disputed=["disputed_date"]), said).disputed == ["disputed_date"]


KEYS = """title og:title og:site_name author article:author article:published_time date datePublished dateModified headline canonical lang
    NewsArticle @graph[0].@type @graph[0].headline @graph[0].author.name author[0].name author.@id author.@type publisher.name @type @id
    itemListElement[0].name datetime . .. [0] a.b.c rel"""
SOURCES = ["json-ld", "og", "meta", "title", "microdata", "link", "time", "html"]
ODD = [
    "NewsArticle",
    "Person",
    "Organization",
    "2024-02-30",
    "2024-04-30T99:99:99+99:99",
    "1714486649",
    "http://[",
    "//",
    "|",
    "-",
    ":",
    "By",
]
VALUES = st.one_of(
    st.text(max_size=60),
    st.sampled_from(ODD),
    st.from_regex(r"[A-Z][a-z]{2,8} [A-Z][a-z]{2,8}( [|–-] [A-Z][a-z]+)?", fullmatch=True),
)
FACTS = st.lists(
    st.builds(
        lambda source, key, value, at: Fact(source, key, value, at, at + len(value)),
        st.sampled_from(SOURCES), st.sampled_from(KEYS.split()), VALUES, st.integers(0, 999),
    ),
    max_size=12,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(FACTS, st.lists(VALUES, max_size=3), st.lists(VALUES, max_size=2), VALUES, VALUES, VALUES)
def test_never_raises_and_makes_nothing_up(facts, shown, names, byline, url, retrieved):
    found = told(facts, shown, names, byline, url, retrieved)
    said = " ".join([*(f.value for f in facts), *shown, *names]).casefold()
    for name in found.authors:
        assert all(part.strip(".").casefold() in said for part in name.split())
    assert found == told(facts, shown, names, byline, url, retrieved)
    if found.published:
        assert found.published in found.dates


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from("<>/\"'=&;{}[]:,. \n@ametiphrdlnjsonxv20-"), max_size=200))
def test_markup_never_raises(source):
    read(f"<script type=application/ld+json>{source}</script><meta name=author content='{source}'>{source}", url=source)


@pytest.mark.parametrize("piece", ["<meta name=author{} content='Ann Lee'>", "<p itemprop=author>Ann Lee{}</p>", "<h1>A {}</h1>"])
def test_many_facts_take_no_longer_each(piece):
    found = read("".join(piece.format(i) for i in range(3000)))
    assert len(found.authors) <= 3000


def test_many_objects():
    article = '{"@type":"NewsArticle","headline":"Same Words Here","author":{"@id":"#%d"}},{"@id":"#%d","name":"Ann Lee"}'
    things = ",".join(article % (i, i) for i in range(900))
    assert read(f'<script type="application/ld+json">{{"@graph":[{things}]}}</script>').authors == ["Ann Lee"]


def test_deep_json():
    deep = '{"author":' * 2000 + '{"@type":"NewsArticle","headline":"Too Deep"}' + "}" * 2000
    assert read(f'<script type="application/ld+json">{deep}</script><title>On the Surface of It</title>').title == "On the Surface of It"


def test_long_values():
    assert read(f"<title>{'a - ' * 100_000}</title><meta name=author content='{'Ann Lee, ' * 100_000}'>").title is not None
