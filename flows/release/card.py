"""Card: the README.md of a release, which is also its Hugging Face dataset card.

Every figure is computed from the release's own tables, every meaning of a column read from its schema; what the tables
cannot know (title, licence, purpose, limits) comes from the corpus folder's araxes.toml or is left out.
"""

import re
from functools import cache
from pathlib import Path

import duckdb
import jinja2
import yaml

import schemas
from flows.release.compare import database, files, relation

# Upper bounds of the size categories of Hugging Face's dataset card.
SIZES = {
    1_000: "n<1K",
    10_000: "1K<n<10K",
    100_000: "10K<n<100K",
    1_000_000: "100K<n<1M",
    10_000_000: "1M<n<10M",
    100_000_000: "10M<n<100M",
}

# Two or more columns of figures each, as (heading, columns, table, SQL).
FIGURES = (
    ("Captures by outcome", ("outcome", "captures"), "captures", "SELECT outcome, COUNT(*) FROM captures GROUP BY ALL ORDER BY ALL"),
    (
        "Documents", ("", "documents"), "documents",
        """SELECT UNNEST(['all', 'with title', 'with author', 'with date', 'with outlet', 'repeating another', 'with known damage']),
           UNNEST([COUNT(*), COUNT(title), COUNT(*) FILTER (LEN(authors) > 0), COUNT(date_published), COUNT(outlet),
           COUNT(duplicate_of), COUNT(*) FILTER (LEN(text_defects) > 0)]) FROM documents""",
    ),
    (
        "Documents by language", ("language", "documents", "sentences", "characters"), "documents",
        "SELECT COALESCE(language, 'unknown') AS l, COUNT(*), SUM(n_sentences), SUM(n_chars) FROM documents GROUP BY l ORDER BY 2 DESC, l",
    ),
    (
        "Documents by licence", ("licence", "documents"), "documents",
        "SELECT COALESCE(license, 'none known') AS l, COUNT(*) FROM documents GROUP BY l ORDER BY 2 DESC, l",
    ),
    ("Segments by unit", ("unit", "segments"), "segments", "SELECT unit, COUNT(*) FROM segments GROUP BY ALL ORDER BY 2 DESC, unit"),
    (
        "Edits by kind", ("kind", "edits", "bytes"), "edits",
        "SELECT kind, COUNT(*), SUM(byte_end - byte_start) FROM edits GROUP BY kind ORDER BY 2 DESC, kind",
    ),
    (
        "Removed by rule", ("rule", "removals", "bytes"), "edits",
        "SELECT rules[-1] AS r, COUNT(*), SUM(byte_end - byte_start) FROM edits WHERE kind = 'removed' GROUP BY r ORDER BY 3 DESC, r",
    ),
    (
        "Rejections by reason", ("table", "stage", "reason", "rows"), "rejections",
        'SELECT "table", stage, reason, COUNT(*) FROM rejections GROUP BY ALL ORDER BY ALL',
    ),
    ("Splits", ("scheme", "split", "rows"), "splits", "SELECT scheme, split, COUNT(*) FROM splits GROUP BY ALL ORDER BY ALL"),
)  # fmt: skip


def card(release: Path, dataset: dict, version: str) -> str:
    """The dataset card of the tables in `release`.

    `dataset` may hold title, name, license (SPDX), creators, date_published, citation, purpose, limits and tags; what it
    does not hold the card does not say.
    """
    names = [name for name in schemas.TABLES if files(release, name)]
    with database() as db:
        for name in names:
            db.execute(f"CREATE VIEW {name} AS SELECT * FROM {relation(files(release, name))}")
        figures = [(title, heads, db.execute(sql).fetchall()) for title, heads, table, sql in FIGURES if table in names]
        head = _front_matter(release, names, dataset, db)
        closed = db.execute("SELECT COUNT(*) FROM documents WHERE license IS NULL").fetchone()[0] if "documents" in names else 0
    return _template().render(
        head=yaml.safe_dump(head, sort_keys=False, allow_unicode=True, width=1000),
        dataset=dataset, version=version, figures=figures, closed=closed, documents="documents" in names,
        tables=[(name, _grain(name), _columns(name)) for name in names],
    )  # fmt: skip


def _front_matter(release: Path, names: list[str], dataset: dict, db: duckdb.DuckDBPyConnection) -> dict:
    head = {"pretty_name": dataset.get("title") or dataset["name"]}
    if dataset.get("license"):
        head["license"] = dataset["license"].lower()
    if "documents" in names:
        found = db.execute("SELECT DISTINCT language FROM documents WHERE language IS NOT NULL ORDER BY 1").fetchall()
        head["language"] = [code for (code,) in found]
        rows = db.execute("SELECT COUNT(*) FROM documents").fetchone()[0]
        head["size_categories"] = [next((name for bound, name in SIZES.items() if rows < bound), "n>100M")]
    head["tags"] = dataset.get("tags", [])
    first = "documents" if "documents" in names else names[0] if names else None
    order = sorted(names, key=lambda name: name != first)
    head["configs"] = [_config(release, name) | ({"default": True} if name == first else {}) for name in order]
    return {key: value for key, value in head.items() if value}


def _config(release: Path, name: str) -> dict:
    splits = dict.fromkeys(path.name.split("-")[0] for path in files(release, name))
    return {"config_name": name, "data_files": [{"split": split, "path": f"data/{name}/{split}-*.parquet"} for split in splits]}


def _grain(name: str) -> str:
    """What one row is: the first paragraph of the schema's docstring, without the table's name."""
    first = (schemas.table(name).__doc__ or "").split("\n\n")[0]
    return " ".join(first.split()).partition(": ")[2]


def _columns(name: str) -> list[tuple[str, str, str]]:
    """Name, type and meaning of the columns of a table."""
    fields = schemas.table(name).SCHEMA
    kinds = [f"`{str(f.type).replace('item: ', '')}`{' or null' if f.nullable else ''}" for f in fields]
    return [(f.name, kind, f.metadata[b"description"].decode()) for f, kind in zip(fields, kinds, strict=True)]


def _cell(value: object) -> str:
    """A value as text of a Markdown table: captured words never end a cell or open a tag."""
    text = f"{value:,}" if isinstance(value, int) else str(value)
    return re.sub(r"([\\|<>`\[\]*])", r"\\\1", " ".join(text.split()))


@cache
def _template() -> jinja2.Template:
    found = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)
    found.filters["cell"] = _cell
    return found.from_string(Path(__file__).with_name("card.md.jinja").read_text("utf-8"))
