"""What is no evidence changes nothing that is said of a page, and a year later is a year later: from bytes to facts, through the line."""

import csv
import hashlib
import json
import re
from pathlib import Path

import pytest

from flows import line
from flows.drafts import Capture, Draft
from flows.readers.knowledge import Knowledge
from tests.corpora import ARTICLE, PLACES

SEEDS = Path(__file__).parents[1] / "seeds"
CASES = json.loads((Path(__file__).parent / "cases" / "specimens.json").read_text(encoding="utf-8"))
CAPTURES = csv.DictReader((SEEDS / "captures.csv").read_text(encoding="utf-8").splitlines())
KNOWN = {row["path"]: (row["url"] or None, row["date_retrieved"] or None) for row in CAPTURES}
STAGES = ("decode", "repair", "strip", "segment", "describe")
DATES = ("date_published", "date_modified")
SAID = ("title", "authors", "date_precision", "date_source", *DATES)


def said(text: str, media_type: str, url: str | None, date_retrieved: str | None) -> dict:
    """What the line says of a page, by name."""
    data = text.encode()
    sha256 = hashlib.sha256(data).hexdigest()
    capture = Capture(sha256, "page", sha256, len(data), media_type, url, None, None, date_retrieved, None, None, None, None, [], [])
    draft = Draft(capture, data)
    for name, work in line.stages(Knowledge()).items():
        draft = work(draft) if name in STAGES else draft
    return {name: getattr(draft.description, name) for name in SAID}


def specimen(case: dict):
    data, html = (SEEDS / "captures" / case["path"]).read_bytes(), case["path"].endswith("html")
    text = data.decode(case["encoding"], "replace").lstrip("\ufeff")
    return pytest.param((text, "text/html" if html else "text/plain", *KNOWN.get(case["path"], (None, None))), id=case["path"])


PROSE = ARTICLE.partition("\n\n")[2].partition("\n\n")[2].partition("Follow us")[0].format(place="{place}")
PAGE = """\
<html lang="en"><head><title>{title} | Port Saren Post</title>
<meta property="og:title" content="{title}"><meta property="og:site_name" content="Port Saren Post">
<script type="application/ld+json">{{"@type": "NewsArticle", "headline": "{title}", "datePublished": "2024-05-04T08:00:00Z",
"author": {{"@type": "Person", "name": "{author}"}}}}</script></head>
<body><nav><a href="/">Home</a> <a href="/ports">Ports</a></nav>
<article><h1>{title}</h1><p>By {author}, 4 May 2024</p>{prose}</article>
</body></html>
"""


def generated() -> list:
    pages = []
    for place in PLACES:
        filled = {"title": f"A Ferry for {place}, Again Postponed", "author": f"Jane {place.split()[-1]}", "place": place}
        prose = "".join(f"<p>{p}</p>\n" for p in PROSE.format(place=place).split("\n\n") if p.strip())
        pages.append(pytest.param((ARTICLE.format(**filled), "text/plain", None, None), id=f"{place}.txt"))
        pages.append(pytest.param((PAGE.format(prose=prose, **filled), "text/html", None, None), id=f"{place}.html"))
    return pages


PAGES = [*[specimen(c) for c in CASES if c["outcome"] == "document"], *generated()]

# Lines above the page and below it.
NOISE = {
    "a widget with a day": (["21 °C", "Sunday, 4 March 2029"], []),
    "a copyright line": ([], ["© 2031 Harbour Post. All rights reserved."]),
    "a related headline": ([], ["Related articles", "Storm of 3 May 2028 Takes the Old Pier", "By Elena Hartwig, 3 May 2028"]),
    "a second name in the footer": ([], ["Imprint", "Publisher: Elena Hartwig"]),
}


def with_noise(text: str, media_type: str, above: list[str], below: list[str]) -> str:
    if media_type == "text/plain":
        return "\n".join([*above, *([""] if above else []), text, *([""] if below else []), *below])
    head, foot = ("".join(f"<p>{one}</p>" for one in lines) for lines in (above, below))
    body = re.search(r"<body[^>]*>", text).end()
    end = text.rindex("</body>")
    return f"{text[:body]}<aside>{head}</aside>{text[body:end]}<footer>{foot}</footer>{text[end:]}"


@pytest.mark.parametrize("noise", NOISE.values(), ids=NOISE)
@pytest.mark.parametrize("page", PAGES)
def test_what_is_no_evidence_changes_nothing(page, noise):
    text, media_type, *known = page
    assert said(with_noise(text, media_type, *noise), media_type, *known) == said(*page)


def later(value: str | None) -> str | None:
    return value and re.sub(r"(?<![0-9])20[0-9]{2}(?![0-9])", lambda m: str(int(m[0]) + 1), value)


# The years of the Persian calendar are a day longer or shorter than ours at other times.
OURS = [page for page in PAGES if not re.search("[۰-۹]", page.values[0][0])]


@pytest.mark.parametrize("page", OURS)
def test_all_dates_a_year_later_give_a_result_a_year_later(page):
    text, media_type, *known = page
    now, then = said(*page), said(later(text), media_type, *map(later, known))
    assert then == now | {name: later(now[name]) for name in ("title", *DATES)}
