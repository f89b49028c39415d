"""Report: pages that show what came in, what was kept, removed and repaired, and why; offline, without a script.

`report/index.html` has the figures, `report/documents/<doc_id>.html` a document as its capture, with every edit marked. All of it is
computed from the release's own tables. Captured text is escaped, and invisible characters are shown by their code.
"""

import base64
import hashlib
import math
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import jinja2
import markupsafe

from flows.parquet import database, dicts, files, views
from schemas.rejections import REASONS

# Documents that have a page of their own, and characters of each that are shown: a report is read, not mined.
MAX_PAGES = 500
MAX_CHARACTERS = 200_000
# Characters shown of what stands in a cell of a table: whole sentences, no more of what is none.
MAX_CELL = 1000
# Documents in the list on the front page, and bars in a chart.
MAX_LISTED = 500
MAX_BARS = 15
# Outlets and years of the table of both, and groups of documents that belong together.
MAX_OUTLETS, MAX_YEARS = 12, 10
MAX_GROUPS = 50
MAX_CHANGES = 100

# Characters that are not seen, or that change the order of others on the screen. Joiners and non-joiners belong to the spelling of
# Persian and of the scripts of India, so between two letters of these they are left alone.
HIDDEN = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]"
    "|(?<![\u0620-\u08ff\u0900-\u0dff])[\u200c\u200d]|[\u200c\u200d](?![\u0620-\u08ff\u0900-\u0dff])"
)


class Chart(NamedTuple):
    """Bars: (label, share of the longest in percent, value). `rest` are those left out. group: the section it stands in."""

    group: str
    title: str
    unit: str
    bars: list[tuple[str, float, str]]
    rest: int
    note: str = ""


# The sections of the page that have charts.
WAY, CAME, CHANGED, FOUND = "From bytes to rows", "What came in", "What was removed and repaired", "What is in it"
# (section, title, unit, table, SQL for label and value, note)
CHARTS = (
    (
        WAY, "From bytes to text", "bytes", "captures",
        """SELECT unnest(['read', 'in documents', 'left without markup and clutter', 'of which copied as they stood']),
                  unnest([total, kept, kept - removed, kept - edited]) FROM
           (SELECT SUM(bytes) AS total, COALESCE(SUM(bytes) FILTER (outcome = 'document'), 0) AS kept FROM captures),
           (SELECT COALESCE(SUM(byte_end - byte_start) FILTER (kind = 'removed'), 0) AS removed,
                   COALESCE(SUM(byte_end - byte_start), 0) AS edited FROM edits)""",
        "What is not copied stands under an edit that names its rules.",
    ),
    (
        WAY, "From text to rows", "rows", "documents",
        """SELECT 'documents', COUNT(*) FROM documents
           UNION ALL SELECT 'blocks', COUNT(*) FROM segments WHERE unit <> 'sentence'
           UNION ALL SELECT 'sentences', COUNT(*) FROM segments WHERE unit = 'sentence'
           UNION ALL SELECT 'mentions', COUNT(*) FROM mentions
           UNION ALL SELECT 'attributions', COUNT(*) FROM attributions
           UNION ALL SELECT 'claims', COUNT(*) FROM claims
           UNION ALL SELECT 'stances', COUNT(*) FROM stances""",
        "Blocks are paragraphs, headings, quotations and the like.",
    ),
    (CAME, "Captures by outcome", "captures", "captures", "SELECT outcome, COUNT(*) FROM captures GROUP BY 1 ORDER BY 2 DESC, 1", ""),
    (
        CAME, "Rejected", "rows", "rejections",
        """SELECT stage || ': ' || reason || CASE WHEN "table" = 'captures' THEN '' ELSE ' (' || "table" || ')' END, COUNT(*)
           FROM rejections GROUP BY 1 ORDER BY 2 DESC, 1""",
        "Every capture or row that is not in the release, by the stage that refused it and the reason.",
    ),
    (
        CHANGED, "Removed, by rule", "bytes", "edits",
        "SELECT rules[-1], SUM(byte_end - byte_start) FROM edits WHERE kind = 'removed' GROUP BY 1 ORDER BY 2 DESC, 1", "",
    ),
    (
        CHANGED, "Removed, by outlet", "% of bytes", "edits",
        """SELECT COALESCE(d.outlet, 'unknown'), ROUND(100.0 * SUM(r.removed) / SUM(c.bytes), 1)
           FROM documents d JOIN captures c USING (capture_id) LEFT JOIN (
               SELECT doc_id, SUM(byte_end - byte_start) AS removed FROM edits WHERE kind = 'removed' GROUP BY 1
           ) r ON r.doc_id = d.doc_id
           GROUP BY 1 ORDER BY 2 DESC NULLS LAST, 1""",
        "Markup counts as removed: of a web page, most is.",
    ),
    (
        CHANGED, "Repaired, by rule", "edits", "edits",
        "SELECT kind || ': ' || rules[-1], COUNT(*) FROM edits WHERE kind <> 'removed' GROUP BY 1 ORDER BY 2 DESC, 1",
        "exact has one reading, inferred is a guess, normalized is the same thing written otherwise.",
    ),
    (
        CAME, "Languages", "documents", "documents",
        "SELECT COALESCE(language, 'unknown'), COUNT(*) FROM documents GROUP BY 1 ORDER BY 2 DESC, 1", "",
    ),
    (
        CAME, "Outlets", "documents", "documents",
        "SELECT COALESCE(outlet, 'unknown'), COUNT(*) FROM documents GROUP BY 1 ORDER BY 2 DESC, 1", "",
    ),
    (
        CAME, "Published", "documents", "documents",
        """SELECT COALESCE(LEFT(date_published, CASE WHEN many THEN 4 ELSE 7 END), 'unknown'), COUNT(*)
           FROM documents, (SELECT COUNT(DISTINCT LEFT(date_published, 7)) > 15 AS many FROM documents)
           GROUP BY 1 ORDER BY MIN(date_published) IS NULL, 1 DESC""",
        "By month; by year where there are many.",
    ),
    (
        CAME, "Length", "documents", "documents",
        """SELECT CASE WHEN b = 0 THEN 'under 1,000'
               ELSE format('{:,} to {:,}', (1000 * 2 ** (b - 1))::BIGINT, (1000 * 2 ** b)::BIGINT) END, n
           FROM (SELECT GREATEST(0, FLOOR(LOG2(n_chars / 1000.0)) + 1)::INT AS b, COUNT(*) AS n FROM documents GROUP BY 1) ORDER BY b""",
        "Characters of the text.",
    ),
    (FOUND, "Segments", "segments", "segments", "SELECT unit, COUNT(*) FROM segments GROUP BY 1 ORDER BY 2 DESC, 1", ""),
    (
        CHANGED, "Known damage", "documents", "documents",
        "SELECT d, COUNT(*) FROM (SELECT unnest(text_defects) AS d FROM documents) GROUP BY 1 ORDER BY 2 DESC, 1",
        "Found and not repaired.",
    ),
    (
        FOUND, "Labels, by tier", "labels", "labels", "SELECT layer || ': ' || tier, COUNT(*) FROM labels GROUP BY 1 ORDER BY 2 DESC, 1",
        "gold and human_single were given by people, silver, model_single and weak by machines.",
    ),
    (
        FOUND, "Splits", "documents", "splits",
        "SELECT scheme || ': ' || split, COUNT(*) FROM splits WHERE layer = 'document' GROUP BY 1 ORDER BY 1", "",
    ),
)  # fmt: skip

FACTS = """
    SELECT (SELECT COUNT(*) FROM captures) AS captures, (SELECT COUNT(*) FROM documents) AS documents,
        (SELECT COUNT(*) FROM segments WHERE unit = 'sentence') AS sentences, (SELECT SUM(bytes) FROM captures) AS bytes,
        (SELECT SUM(n_chars) FROM documents) AS characters,
        (SELECT COUNT(*) FROM edits WHERE kind = 'removed') AS removals, (SELECT COUNT(*) FROM edits WHERE kind = 'exact') AS exact,
        (SELECT COUNT(*) FROM edits WHERE kind = 'inferred') AS inferred,
        (SELECT COUNT(*) FROM rejections WHERE "table" = 'captures') AS rejected,
        (SELECT COUNT(*) FROM documents WHERE duplicate_of IS NOT NULL) AS duplicates,
        (SELECT COUNT(DISTINCT story_cluster) FROM documents) AS stories,
        (SELECT COUNT(*) FROM documents WHERE text_availability <> 'full') AS withheld
"""
DOCUMENTS = """
    SELECT doc_id, title, outlet, language, date_published, n_sentences, text_availability, duplicate_of IS NOT NULL AS is_copy,
        (SELECT COUNT(*) FROM edits e WHERE e.doc_id = d.doc_id AND kind IN ('exact', 'inferred')) AS repairs, len(text_defects) AS defects
    FROM documents d ORDER BY title IS NULL, title, doc_id LIMIT {limit}
"""
# Documents of each outlet and year.
OVER_TIME = "SELECT COALESCE(outlet, 'unknown'), COALESCE(LEFT(date_published, 4), 'unknown'), COUNT(*) FROM documents GROUP BY ALL"
# Documents that tell the same, the largest groups first; a story of nothing but copies is no second group.
TOGETHER = """
    SELECT list({{'doc_id': doc_id, 'title': title, 'outlet': outlet, 'date': date_published}}
        ORDER BY date_published, doc_id) AS documents
    FROM documents WHERE {group} IS NOT NULL
    GROUP BY {group} HAVING COUNT(DISTINCT {each}) > 1 ORDER BY COUNT(*) DESC, {group} LIMIT {limit}
"""
ROWS_OF = {
    "edits": "FROM edits WHERE doc_id IN (SELECT unnest($1::VARCHAR[])) ORDER BY doc_id, byte_start, byte_end",
    "segments": "FROM segments WHERE doc_id IN (SELECT unnest($1::VARCHAR[])) ORDER BY doc_id, position",
    "claims": "FROM claims WHERE doc_id IN (SELECT unnest($1::VARCHAR[])) ORDER BY doc_id, byte_start, claim_id",
    "stances": """SELECT s.*, l.value, l.tier FROM stances s LEFT JOIN labels l ON l.item_id = s.stance_id AND l.layer = 'stance'
        WHERE doc_id IN (SELECT unnest($1::VARCHAR[])) ORDER BY doc_id, byte_start, stance_id""",
}
REFUSED = "SELECT reason, COUNT(*) AS count FROM rejections GROUP BY reason ORDER BY 2 DESC, 1"
# Pairs that belong together (those of a story, copies among them, and saves of one page) and stand on different sides of a scheme. They
# are counted by story and side, never listed: a story of ten thousand copies has fifty million pairs.
PARTED = """
    WITH placed AS (
        SELECT scheme, split, doc_id, story_cluster, supersedes FROM splits JOIN documents USING (doc_id)
        WHERE layer = 'document' AND split <> 'excluded'
    ),
    sides AS (
        SELECT scheme, story_cluster, COUNT(*) AS n FROM placed WHERE story_cluster IS NOT NULL GROUP BY scheme, story_cluster, split
    ),
    linked AS (
        SELECT scheme, SUM(n) * (SUM(n) - 1) // 2 AS pairs, (SUM(n) * SUM(n) - SUM(n * n)) // 2 AS parted
        FROM sides GROUP BY scheme, story_cluster
        UNION ALL
        SELECT a.scheme, 1, (a.split <> b.split)::INTEGER FROM placed a JOIN placed b ON b.doc_id = a.supersedes AND b.scheme = a.scheme
        WHERE (a.story_cluster = b.story_cluster) IS NOT TRUE
    )
    SELECT scheme, SUM(parted)::BIGINT AS pairs FROM linked GROUP BY scheme HAVING SUM(pairs) > 0 ORDER BY scheme
"""


def report(release: Path, dataset: dict, version: str, changes: str) -> None:
    """Write the report of a release into it. changes: its CHANGES.md."""
    pages = release / "report" / "documents"
    pages.mkdir(parents=True)
    with database() as db:
        views(db, release)
        shown = set()
        for values in _documents(db):
            shown.add(values["document"]["doc_id"])
            _page(pages / f"{values['document']['doc_id']}.html", "document.html", dataset=dataset, version=version, **values)
        facts = dicts(db, FACTS)[0]
        _page(
            release / "report" / "index.html", "index.html", dataset=dataset, version=version, facts=facts, shown=shown,
            charts=[c for c in (_chart(db, release, *told) for told in CHARTS) if c], groups=(WAY, CAME, CHANGED, FOUND), came=CAME,
            refused=[row | {"advice": REASONS.get(row["reason"], "")} for row in dicts(db, REFUSED)],
            over_time=_over_time(db), documents=dicts(db, DOCUMENTS.format(limit=MAX_LISTED)), max_pages=MAX_PAGES,
            leaks=dicts(db, PARTED) if files(release, "splits") else [],
            copies=dicts(db, TOGETHER.format(group="duplicate_cluster", each="doc_id", limit=MAX_GROUPS)),
            stories=dicts(db, TOGETHER.format(group="story_cluster", each="COALESCE(duplicate_cluster, doc_id)", limit=MAX_GROUPS)),
            changes=_changes(changes), max_groups=MAX_GROUPS,
        )  # fmt: skip


def _page(path: Path, template: str, **values: Any) -> None:
    css = _templates().get_template("report.css").render()
    style = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    page = _templates().get_template(template).render(css=css, style=style, **values)
    path.write_text(page.rstrip("\n") + "\n", encoding="utf-8", newline="\n")


def _chart(
    db: duckdb.DuckDBPyConnection, release: Path, group: str, title: str, unit: str, table: str, query: str, note: str
) -> Chart | None:
    if not files(release, table):
        return None
    rows = [(label, value) for label, value in db.execute(query).fetchall() if value is not None]
    if not rows:
        return None
    most = max(value for _, value in rows) or 1
    bars = [(str(label), float(100 * value / most), f"{value:,}") for label, value in rows[:MAX_BARS]]
    return Chart(group, title, unit, bars, len(rows) - len(bars), note)


def _over_time(db: duckdb.DuckDBPyConnection) -> dict:
    """The outlets with most documents by year: `years`, `outlets` (name and a count for each year), and how many `more` there are."""
    counts = {(outlet, year): n for outlet, year, n in db.execute(OVER_TIME).fetchall()}
    totals: dict[str, int] = {}
    for (outlet, _), n in counts.items():
        totals[outlet] = totals.get(outlet, 0) + n
    ranked = sorted(totals, key=lambda o: (-totals[o], o))
    known = sorted({year for _, year in counts} - {"unknown"})[-MAX_YEARS:]
    years = known + ["unknown"] * any(year == "unknown" for _, year in counts)
    most = max(counts.values(), default=1)
    # Four shades, by the share of the largest cell.
    outlets = [(o, [(n := counts.get((o, y), 0), math.ceil(4 * n / most)) for y in years]) for o in ranked[:MAX_OUTLETS]]
    return {"years": years, "outlets": outlets, "more": len(ranked) - len(outlets)}


class Piece(NamedTuple):
    """A stretch of a document as its capture had it. kind: kept, or that of the edit; `before` stood there, `after` stands there now."""

    kind: str
    before: str
    after: str
    why: str


def _documents(db: duckdb.DuckDBPyConnection) -> Iterator[dict]:
    """What the pages of the first MAX_PAGES documents show, in the order of their ids."""
    documents = dicts(db, f"FROM documents ORDER BY doc_id LIMIT {MAX_PAGES}")
    ids = [d["doc_id"] for d in documents]
    shown = set(ids)
    own = dicts(db, "FROM captures WHERE capture_id IN (SELECT unnest($1::VARCHAR[]))", [[d["capture_id"] for d in documents]])
    captures = {c["capture_id"]: c for c in own}
    of: dict[str, dict[str, list[dict]]] = {name: {} for name in ROWS_OF}
    for name, query in ROWS_OF.items():
        for row in dicts(db, query, [ids]):
            of[name].setdefault(row["doc_id"], []).append(row)
    for document in documents:
        rows = {name: found.get(document["doc_id"], []) for name, found in of.items()}
        text = document["text"]
        said = {s["segment_id"]: s["text"] for s in rows["segments"]}
        yield {
            "document": document, "capture": captures.get(document["capture_id"], {}),
            "pieces": [] if text is None else list(_pieces(text, rows["edits"])),
            "edits": rows["edits"][:MAX_LISTED], "n_edits": len(rows["edits"]),
            "segments": rows["segments"][:MAX_LISTED], "n_segments": len(rows["segments"]), "has_page": shown.__contains__,
            "cut": text is not None and len(text) > MAX_CHARACTERS, "max_characters": MAX_CHARACTERS,
            "claims": [c | {"words": " … ".join((text or "")[s["start"] : s["end"]] for s in c["spans"])} for c in rows["claims"]],
            "stances": [s | {"words": said.get(s["segment_id"]) or ""} for s in rows["stances"]],
        }  # fmt: skip


def _pieces(text: str, edits: list[dict]) -> Iterator[Piece]:
    """The text up to MAX_CHARACTERS, with its edits in place."""
    at = 0
    for e in edits:
        if e["start"] > MAX_CHARACTERS:
            break
        if e["start"] > at:
            yield Piece("kept", "", text[at : e["start"]], "")
        at = e["end"]
        if e["kind"] == "normalized" and e["before"] and not f"{e['before']}{e['after']}".strip():
            yield Piece("kept", "", e["after"], "")  # ends of lines and blanks: nobody sees a mark on them
            continue
        why = f"{', '.join(e['rules'])} ({e['kind']}, {e['confidence']:.2f}), bytes {e['byte_start']:,} to {e['byte_end']:,}"
        before = "‹markup›" if e["before"] is None else e["before"][:MAX_CHARACTERS]
        yield Piece(e["kind"], before, e["after"] or "", why)
    if at < min(len(text), MAX_CHARACTERS):
        yield Piece("kept", "", text[at:MAX_CHARACTERS], "")


def _changes(text: str) -> list[tuple[str, str, str]]:
    """CHANGES.md without its title, cut where it is long: (kind, words, the records that are named), kind being title, item or text."""
    lines = [line.replace("`", "") for line in text.splitlines()[1:] if line][:MAX_CHANGES]
    found = []
    for line in lines:
        kind = "title" if line.startswith("## ") else "item" if line.startswith("- ") else "text"
        words, _, named = line.removeprefix("## ").removeprefix("- ").partition(" (")
        found.append((kind, words, named.removesuffix(")")))
    return found


def visible(text: str | None) -> str:
    """The text with its invisible characters by their code, so that none hides or turns what stands around it."""
    return HIDDEN.sub(lambda m: f"⟨U+{ord(m[0]):04X}⟩", text or "")


def _cell(text: str | None) -> str:
    """What a cell of a table shows of a text."""
    return visible((text or "")[:MAX_CELL]) + ("…" if len(text or "") > MAX_CELL else "")


def _size(count: float | None) -> str:
    """Bytes for people."""
    count = count or 0
    step = min(4, int(math.log(count, 1000))) if count >= 1000 else 0
    return f"{count / 1000**step:,.1f} {('bytes', 'kB', 'MB', 'GB', 'TB')[step]}" if step else f"{count:,.0f} bytes"


def _wrap(name: str) -> markupsafe.Markup:
    """A name that may be broken after its underscores."""
    return markupsafe.Markup("_<wbr>").join(markupsafe.escape(part) for part in name.split("_"))


@cache
def _templates() -> jinja2.Environment:
    pages = jinja2.FileSystemLoader(Path(__file__).with_name("pages"))
    found = jinja2.Environment(loader=pages, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    found.filters |= {"visible": visible, "cell": _cell, "wrap": _wrap, "size": _size, "number": lambda n: f"{n or 0:,}"}
    return found
