"""What stands before the article's first paragraph: its title, bylines and standfirst.

Part of the strip stage.
"""

import re
from statistics import median

import numpy as np

from flows.shapes import FINISHED, N_WORDS, NUMBERS
from flows.stages.strip_body import HEADING_WORDS, HINT, is_heading
from flows.stages.strip_forest import model, probability
from flows.stages.strip_lines import BULLET, Page, is_byline

TITLE_WORDS, TITLE_SURE, TITLE_HINT = (3, 40), 0.1, 0.03
LEAD_WORDS, LEAD, LATER_LEAD = (6, 60), 0.1, 0.4
SHORTER, PARTED = 0.6, 0.75  # of the next paragraphs' words: a standfirst has no more, without and with furniture below it
NO_TITLE_LINES = 6  # lines before the first paragraph in which a byline is looked for when there is no title
STEM = 5  # letters that stand for a word whose ending changes


def front(page: Page, rules: list[str | None], within: list[int], body: list[int], p: np.ndarray, around: np.ndarray) -> dict[int, str]:
    """Title, bylines and standfirst: they stand before the first paragraph, or among the first ones."""
    end = body[min(2, len(body) - 1)]
    start, units = max(0, body[0] - NO_TITLE_LINES), {}
    title = _title(page, rules, within, p, around[:, : end + 1])
    if title is not None:
        start, units = title + 1, {title: "title"}
    rest = [i for i in range(start, end + 1) if not rules[i]]
    units |= {i: "byline" for i in rest if is_byline(page, i)}
    lead = _standfirst(page, [i for i in rest if i not in units], within, body, p) if title is not None else None
    return units | {i: "standfirst" for i in rest if lead is not None and page.norms[i] == page.norms[lead]}


def _standfirst(page: Page, rest: list[int], within: list[int], body: list[int], p: np.ndarray) -> int | None:
    """The first lines of prose if they stand before the first paragraph, before a heading, twice, or are much shorter than what follows."""
    likely = (i for i in rest if p[i] > (LEAD if i == rest[0] else LATER_LEAD) and LEAD_WORDS[0] <= page.counts[i] <= LEAD_WORDS[1])
    lead = next((i for i in likely if page.shapes[NUMBERS, i] < 0.3), None)
    if lead is None or lead > body[0]:
        return None
    following = [i for i in within if i > lead][:2]
    if lead < body[0] or (len(following) == 2 and is_heading(page, *following)) or page.norms.count(page.norms[lead]) > 1:
        return lead
    paragraphs = [page.counts[i] for i in body[1:4]]
    place = page.lines[lead].split(" ", 1)[0]
    if not paragraphs or (place.isupper() and len(place) > 2):
        return None
    parted = following[0] > lead + 1
    return lead if page.counts[lead] <= (PARTED if parted else SHORTER) * median(paragraphs) else None


CRUMBS = re.compile(r"\s[›»>/|→·•]\s")
SUFFIX = re.compile(r"\s*[|·»–—-]\s")


def _title(page: Page, rules: list[str | None], within: list[int], p: np.ndarray, around: np.ndarray) -> int | None:
    """The likeliest line of those seen, of equals the first; none of those with a bullet, which lead to the page, stand above it and
    repeat its headline.
    A doubtful one must stand over a byline; one that ends with the outlet's name gives way to a line without."""
    words = page.shapes[N_WORDS, : around.shape[1]]
    sized = np.flatnonzero((words >= TITLE_WORDS[0]) & (words <= TITLE_WORDS[1])).tolist()
    some = [i for i in sized if not rules[i] and not BULLET.match(page.lines[i])]
    q = dict(zip(some, probability(model()["title"], around[:, some]).tolist(), strict=True))
    found = [i for i in some if q[i] >= TITLE_HINT]
    likely = [i for i in found if q[i] >= TITLE_SURE or _over_byline(page, i)]
    title = next((i for i in sorted(likely, key=lambda i: -round(q[i], 1)) if _shares_words(page, within, i)), None)
    if title is None:
        return _right_above(page, rules, within[0], p) if not likely else None
    line = page.lines[title]
    return next((i for i in found if line.startswith(page.lines[i]) and SUFFIX.match(line, len(page.lines[i]))), title)


def _right_above(page: Page, rules: list[str | None], first: int, p: np.ndarray) -> int | None:
    """A line of some words that might be of the body, and stands over its first one."""
    i = first - 1
    maybe = i >= 0 and not rules[i] and p[i] > HINT and TITLE_WORDS[0] <= page.counts[i] <= HEADING_WORDS
    return i if maybe and not page.shapes[FINISHED, i] and not is_byline(page, i) else None


def _over_byline(page: Page, i: int) -> bool:
    """Whether one of the two lines below is a byline, and this one is none."""
    own, *below = [is_byline(page, j) for j in range(i, min(i + 3, len(page.lines)))]
    return any(below) and not own and not CRUMBS.search(page.lines[i])


def _shares_words(page: Page, within: list[int], i: int) -> bool:
    """Whether the beginning of a longer word of line i stands in the body: a headline has one, the name of a blog has not."""
    stems = {w[:STEM] for w in page.norms[i].split(" ") if len(w) >= STEM}
    return not stems or any(w[:STEM] in stems for j in within if j != i for w in page.norms[j].split(" "))
