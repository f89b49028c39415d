"""Which lines of a dump are the article's body, given how likely each is.

Part of the strip stage.
"""

from itertools import groupby

import numpy as np

from flows.shapes import BARS, FINISHED, N_WORDS
from flows.stages.strip_forest import shared_words
from flows.stages.strip_lines import BULLET, LONG, TIME, Page, known_words

# Chosen by cross-validation over sites, on the scores of the whole stage; all of them are flat around these values.
KEEP, KEEP_IN_BLOCK = 0.5, 0.3  # doubtful paragraphs of the densest block are kept: better a teaser too many
SURE, DOUBT = 0.7, 0.35
LITTLE = 0.25  # of the densest block's words: a page of which less is kept is one the forests do not understand
OVER, MOST = ("author_box", "comments"), 0.6
# So much for a heading or pull quote between paragraphs, for a last line, for the mean of a list, of a list of key points.
HINT, CLOSING, LISTED, TOLD_LIST = 0.2, 0.4, 0.3, 0.1
KEY_POINTS = 8  # lines before the first paragraph in which a list may stand that belongs to the body
HEADING_WORDS, QUOTE_WORDS = 14, (6, 45)
QUOTED_FROM = 200_000  # characters of body above which no pull quotes are looked for: it is no page
SHORT = 5  # words a sentence has that makes a body where there is nothing longer


def body_lines(page: Page, rules: list[str | None], p: np.ndarray) -> np.ndarray:
    """Which lines are the body: probable ones that name no rule, less sure ones between two sure ones or in the densest block,
    and nothing after a heading that says the article is over while little is left. Where next to nothing is probable, the
    paragraphs of the densest block."""
    words, finished, named = page.shapes[N_WORDS], page.shapes[FINISHED], [i for i, rule in enumerate(rules) if rule]
    free = np.ones(len(rules), bool)
    free[named] = False
    first, end = page.blocks[1].tolist()
    block = free & (words >= LONG) & (finished > 0)
    block[:first] = block[end:] = False
    inside = free & (p > KEEP) | block & (p > KEEP_IN_BLOCK)
    at = np.flatnonzero(free)
    sure = p[at] > SURE
    inside[at[1:-1][sure[:-2] & sure[2:] & (p[at[1:-1]] > DOUBT)]] = True
    if words[inside].sum() < LITTLE * words[block].sum():
        inside |= block
    _keep_lists(page, free, inside, p)
    _keep_between(page, free, inside, p)
    for i in [i for i in named if rules[i] == "related" and i + 1 < len(rules)]:  # "read also", and what
        if page.counts[i] <= HEADING_WORDS / 3 and p[i + 1] < SURE and not finished[i + 1]:
            inside[i + 1] = False
    over = [i for i in named if rules[i] in OVER and page.norms[i] in known_words().lines]
    read = (inside * words).cumsum() if over else []
    for i in over:
        if read[i] > MOST * read[-1]:
            inside[i:] = False
            break
    return inside


def _keep_lists(page: Page, free: np.ndarray, inside: np.ndarray, p: np.ndarray) -> None:
    """Add to the body the lists within it, or right above, that the forests doubt no more than its paragraphs, with what heads them."""
    items = [i for i in np.flatnonzero(free & (p > HINT / 2)).tolist() if BULLET.match(page.lines[i])]
    body = np.flatnonzero(inside)
    for _, run in groupby(enumerate(items), key=lambda item: item[1] - item[0]):
        first, *_, last = [i for _, i in run] * 2
        head = first - 1
        told = head >= 0 and page.norms[head] in known_words().key_points
        around = first < last and len(body) and body[0] - KEY_POINTS < first < body[-1]
        if around and p[first : last + 1].mean() > (TOLD_LIST if told else LISTED):
            inside[first : last + 1] = True
            heads = free[head] and p[head] > HINT / 4 and not page.shapes[FINISHED, head] and page.counts[head] <= HEADING_WORDS
            inside[head] |= told or heads


def _keep_between(page: Page, free: np.ndarray, inside: np.ndarray, p: np.ndarray) -> None:
    """Add to the body the doubtful lines that follow it and look like a heading, a pull quote or its last line."""
    at, finished = np.flatnonzero(free), page.shapes[FINISHED]
    doubtful = np.flatnonzero(~inside[at[1:]] & (p[at[1:]] > HINT / 2)) + 1
    text = "\n".join([page.norms[i] for i in np.flatnonzero(inside).tolist()]) if len(doubtful) else ""
    for k in doubtful.tolist():
        before, i, after = at[k - 1], at[k], at[min(k + 1, len(at) - 1)]
        if not inside[before]:
            continue
        count = page.counts[i]
        paragraph_follows = finished[after] and page.counts[after] >= LONG and p[after] > SURE
        plain = page.vocabulary[:, i].sum() <= page.shapes[N_WORDS, i] / 4 and not page.shapes[BARS, i]
        if finished[i]:
            inside[i] = p[i] > CLOSING and count >= SHORT
        elif p[i] > HINT and inside[after] and TIME.fullmatch(page.lines[i]):
            inside[i] = True  # the time of an entry in a live blog
        elif paragraph_follows and plain and count <= HEADING_WORDS and ": " not in page.lines[i]:
            inside[i] = True
        elif p[i] > HINT:
            inside[i] = QUOTE_WORDS[0] <= count <= QUOTE_WORDS[1] and len(text) < QUOTED_FROM and page.norms[i] in text


def standing_twice(page: Page, within: list[int]) -> frozenset[int]:
    """Lines of the body that may stand in it twice: all their longer words do."""
    inside = np.zeros(len(page.lines), bool)
    inside[within] = True
    return frozenset(np.flatnonzero(np.abs(shared_words(page, inside)) == 1).tolist())


def is_heading(page: Page, i: int, after: int | None) -> bool:
    """A short line that no sentence ends, before a longer one of the body."""
    line = page.lines[i]
    if after is None or line[-1] in ".,;:…" or line[0].islower():
        return False
    return 1 <= page.counts[i] <= HEADING_WORDS and page.counts[i] < page.counts[after]
