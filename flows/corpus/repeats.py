"""Repeats: lines that stand on several pages of an outlet, and the rules for outlets.csv that they suggest.

A line on many pages is seldom part of an article. It is counted and proposed, never removed here: whether it goes is for the
owner of the corpus to say, in outlets.csv.
"""

import re
from pathlib import Path
from typing import NamedTuple

from flows.parquet import database, views

# How many documents of an outlet hold the same words: (outlet, text_sha256, pages).
PAGES = """
    SELECT outlet, text_sha256, COUNT(*) AS pages
    FROM (
        SELECT DISTINCT d.outlet, s.text_sha256, s.doc_id
        FROM shard_segments s JOIN shard_documents d USING (doc_id) WHERE d.outlet IS NOT NULL
    )
    GROUP BY ALL
"""
# Articles, not pages: a re-saved article repeats itself. On three of them, a line of words is no coincidence.
MIN_ARTICLES = 3
# Characters of the longest line that becomes a rule: the longest standing notices; no paragraph that was published thrice is lost to one.
LONGEST = 400
# Kept lines stand in `segments`, removed ones in `edits`; lines that differ in their numbers alone are one.
LINES = r"""
    WITH told AS (
        SELECT doc_id, text, true AS kept FROM segments WHERE parent_id IS NULL AND text IS NOT NULL
        UNION ALL
        SELECT doc_id, before, false FROM edits WHERE kind = 'removed' AND before IS NOT NULL
    ),
    lines AS (
        SELECT d.outlet, d.doc_id, COALESCE(d.story_cluster, d.duplicate_cluster, d.url, d.doc_id) AS article, kept,
            TRIM(UNNEST(REGEXP_SPLIT_TO_ARRAY(t.text, '[\r\n]+')), CHR(32) || CHR(9) || CHR(160)) AS line
        FROM told t JOIN documents d USING (doc_id) WHERE d.outlet IS NOT NULL
    )
    SELECT outlet, MIN(line), COUNT(DISTINCT doc_id), COUNT(DISTINCT doc_id) FILTER (kept)
    FROM lines WHERE REGEXP_MATCHES(line, '\p{L}') AND LENGTH(line) <= $1 AND NOT CONTAINS(line, CHR(65533))
    GROUP BY outlet, REGEXP_REPLACE(line, '\p{Nd}+', '0', 'g') HAVING COUNT(DISTINCT article) >= $2
"""


class Proposal(NamedTuple):
    """A rule for `remove` in outlets.csv: `outlet` as in documents, `line` as it stands on a page, `pages` that carry it, and
    how many of them have it `kept` in their text at present (0: it is removed already, and a rule would hold that fast)."""

    outlet: str
    remove: str
    line: str
    pages: int
    kept: int


def proposals(release: Path) -> list[Proposal]:
    """Rules that the tables of a release suggest: by outlet, those that would change most first. Empty where no outlet is known.

    Withheld text proposes nothing. A removed line is proposed as the page has it, before repair.
    """
    with database() as db:
        views(db, release, ("documents", "segments", "edits"))
        rows = db.execute(LINES, [LONGEST, MIN_ARTICLES]).fetchall()
    found = [Proposal(outlet, rule(line), line, pages, kept) for outlet, line, pages, kept in rows]
    return sorted(found, key=lambda p: (p.outlet, -p.kept, -p.pages, p.remove))


def rule(line: str) -> str:
    """A regular expression for this line with any numbers, as outlets.csv takes it: `;;` would part it from the next."""
    parts = re.split(r"(\d+)", line)
    written = "".join(r"\d+" if i % 2 else re.escape(part).replace(r"\ ", " ") for i, part in enumerate(parts))
    return written.replace(";", "[;]") if ";;" in written or written.endswith(";") or written.startswith(";") else written
