"""Papers: what a release says of itself besides its card: DATASHEET.md and CITATION.cff, and the words they share with croissant.json.

The datasheet answers the questions of Gebru et al. (2021, https://doi.org/10.1145/3458723) and holds a data statement after Bender and
Friedman (2018, https://doi.org/10.1162/tacl_a_00041). An answer is counted in the release's own tables, follows from how every
release is made, or is the corpus's owner's, from araxes.toml; otherwise it says that it was not stated. Nothing is made up.
"""

import re
from functools import cache
from pathlib import Path

import jinja2
import yaml
from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

import schemas
from flows.parquet import database, files, relation
from flows.release.public import OPEN, PUBLISHED

# Tiers whose labels no person has given, from the best to the least.
MACHINE_TIERS = ("silver", "model_single", "weak")

STEPS = (
    "Captures are decoded, and damage is repaired where the repair is certain or, marked as inferred, likely.",
    "What is not the article (navigation, advertisements, related headlines) is removed; every removal is an edit that names its rule.",
    "Blocks and sentences, title, authors, dates and language are found, near-duplicates and stories linked; what is not known is null.",
)
USES = (
    "Training and evaluating models that find claims and stances in news, with the words that carry them.",
    "Studying how reports are attributed, and how outlets tell the same story.",
)
MISUSES = (
    "Profiling, ranking or watching people who are named, or inferring what they believe from what an article says of them.",
    "Automated decisions about people or outlets: moderation, blocking, credit, employment, borders, policing, targeting.",
    "Telling whether a claim is true: a claim here is something said, not something checked.",
    "Calling a score against labels that are not gold an accuracy.",
    "Reading the articles in place of their publishers' pages.",
)
BIASES = (
    "What is here is what somebody chose to save: outlets, languages, days and sides are not represented in proportion.",
    "News quotes officials and public figures more than other people, and an outlet quotes those whom it could and would reach.",
    "Rules know some languages and page layouts better than others; silence of a rule is no answer.",
)
CONFLICT = (
    "News speaks of conflicts, some of them going on, and of living people. What an article says may be false, outdated or propaganda; "
    "that it is here is no endorsement. A stance put down to somebody is a reading of one sentence in its context, and no fact "
    "about that person."
)
PERSONAL = (
    "People are named as authors, as speakers and as those spoken of, often with their political views, origin, religion or health where "
    "the publisher wrote of them. Names are kept as published, since an article cannot be cited without them. Annotators have pseudonyms."
)
MAINTENANCE = (
    "Versions follow the rule of Croissant 1.1: MINOR adds, MAJOR changes or removes records. CHANGES.md and changes.jsonl tell every "
    "change with its reason. A published version is never changed, except that a withdrawn document is taken out of older "
    "versions too, on record."
)

# One row each; columns by name.
FACTS = {
    "documents": """SELECT COUNT(*) AS n, COUNT(title) AS titles, COUNT(*) FILTER (LEN(authors) > 0) AS bylined,
        COUNT(date_published) AS dated, COUNT(outlet) AS with_outlet, COUNT(DISTINCT outlet) AS outlets,
        MIN(date_published) AS first, MAX(date_published) AS last, SUM(n_sentences)::BIGINT AS sentences,
        SUM(n_chars)::BIGINT AS characters, COUNT(duplicate_of) AS repeating, COUNT(*) FILTER (LEN(text_defects) > 0) AS damaged,
        COUNT(url) AS with_url,
        COUNT(*) FILTER (text_availability = 'withheld') AS withheld, COUNT(*) FILTER (text_availability = 'partial') AS partial,
        COUNT(*) FILTER (text_availability <> 'withheld' AND (license IS NULL OR rights_basis IS NULL)) AS closed,
        COUNT(*) FILTER (text_availability <> 'withheld' AND rights_basis IS NOT NULL AND license NOT IN (FROM licenses)) AS other_license,
        COUNT(DISTINCT encoding) AS encodings FROM documents""",
    "people": "SELECT COUNT(DISTINCT author) AS authors FROM (SELECT UNNEST(authors) AS author FROM documents)",
    "captures": """SELECT COUNT(*) AS n, COUNT(*) FILTER (outcome = 'rejected') AS rejected,
        COUNT(*) FILTER (outcome = 'duplicate') AS duplicates, COUNT(archive_url) AS archived,
        MIN(date_retrieved) AS first, MAX(date_retrieved) AS last FROM captures""",
    "edits": """SELECT COUNT(*) AS n, COUNT(*) FILTER (kind = 'inferred') AS inferred, COUNT(*) FILTER (kind = 'removed') AS removed
        FROM edits""",
    "mentions": "SELECT COUNT(*) AS n, COUNT(DISTINCT entity_id) AS entities FROM mentions",
    "votes": """SELECT COUNT(*) AS n, COUNT(DISTINCT item_id) AS voted_on,
        COUNT(DISTINCT annotator_id) FILTER (annotator_type = 'human') AS people,
        COUNT(*) FILTER (annotator_type = 'human') AS by_people FROM annotations""",
    "per_item": """SELECT MIN(n) AS least, MAX(n) AS most FROM (SELECT COUNT(*) AS n FROM annotations WHERE annotator_type = 'human'
        GROUP BY item_id, layer)""",
}  # fmt: skip
# Rows of values, in an order that does not change.
LISTS = {
    "media_types": "SELECT COALESCE(media_type, 'unknown'), COUNT(*) FROM captures GROUP BY 1 ORDER BY 2 DESC, 1",
    "languages": "SELECT language, COUNT(*) FROM documents WHERE language IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1",
    "outlets": "SELECT outlet, COUNT(*) FROM documents WHERE outlet IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20",
    "licenses": "SELECT license, COUNT(*) FROM documents WHERE license IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1",
    "defects": "SELECT d, COUNT(*) FROM (SELECT UNNEST(text_defects) AS d FROM documents) GROUP BY 1 ORDER BY 2 DESC, 1",
    "rejections": "SELECT reason, COUNT(*) FROM rejections GROUP BY 1 ORDER BY 2 DESC, 1",
    "splits": "SELECT scheme, split, COUNT(*) FROM splits GROUP BY ALL ORDER BY ALL",
    "tiers": "SELECT layer, tier, COUNT(*) FROM labels GROUP BY ALL ORDER BY ALL",
    "guidelines": "SELECT DISTINCT guideline_version FROM annotations WHERE guideline_version IS NOT NULL ORDER BY 1",
    "machines": "SELECT annotator_id, annotator_type, COUNT(*) FROM annotations WHERE annotator_type <> 'human' GROUP BY ALL ORDER BY ALL",
}
# The tables these count in.
COUNTED = ("captures", "documents", "edits", "rejections", "splits", "mentions", "annotations", "labels")


def measure(release: Path) -> dict:
    """The figures of a release: by the names of FACTS a dict, by those of LISTS rows, and `rows` by table. A table it has not is empty."""
    names = [name for name in schemas.TABLES if files(release, name)]
    with database() as db:
        db.execute("CREATE TABLE licenses AS SELECT unnest($1::VARCHAR[]) AS license", [list(OPEN)])
        for name in names:
            db.execute(f"CREATE VIEW {name} AS FROM {relation(files(release, name))}")
        for name in (n for n in COUNTED if n not in names):
            db.register(name, schemas.table(name).SCHEMA.empty_table())
        found: dict = {"rows": {name: len(db.table(name)) for name in names}}
        for name, sql in FACTS.items():
            (found[name],) = db.execute(sql).to_arrow_table().to_pylist()
        return found | {name: db.execute(sql).fetchall() for name, sql in LISTS.items()}


def withheld_columns(names: list[str]) -> list[tuple[str, list[str]]]:
    """By table, the columns that are null where a document's words are withheld."""
    found = []
    for name in names:
        kept = {*PUBLISHED.get(name, "").split(), "text_availability"}
        found.append((name, [c for c in schemas.table(name).SCHEMA.names if c not in kept]))
    return [(name, columns) for name, columns in found if columns]


def datasheet(dataset: dict, version: str, figures: dict) -> str:
    """DATASHEET.md. `dataset` is what araxes.toml says of it, `figures` what `measure` counted."""
    return template("datasheet.md").render(
        dataset=dataset, version=version, f=figures, steps=STEPS, uses=USES, misuses=MISUSES, biases=BIASES, conflict=CONFLICT,
        personal=PERSONAL, maintenance=MAINTENANCE, machine_tiers=MACHINE_TIERS, withheld_columns=withheld_columns(list(figures["rows"])),
        grains=[(name, n, grain(name)) for name, n in figures["rows"].items()],
    )  # fmt: skip


def citation(dataset: dict, version: str) -> str:
    """CITATION.cff, version 1.2.0 (https://github.com/citation-file-format/citation-file-format/blob/1.2.0/schema-guide.md).

    Authors are required there: where araxes.toml names none, they are "the creators of" the dataset.
    """
    title = dataset.get("title") or dataset["name"]
    license = spdx(dataset.get("license"))
    found = {
        "cff-version": "1.2.0",
        "message": "If you use this dataset, please cite it as below.",
        "type": "dataset",
        "title": title,
        "version": version,
        "authors": [_author(name) for name in dataset.get("creators") or [f"The creators of {title}"]],
        "date-released": dataset.get("date_published") if _is_day(dataset.get("date_published")) else None,
        "license": license,
        "license-url": None if license else url(dataset.get("license")),
        "doi": doi(dataset.get("doi")),
        "url": url(dataset.get("url")),
        "keywords": list(dict.fromkeys(dataset.get("tags", []))),
        "abstract": dataset.get("purpose"),
    }
    return yaml.safe_dump({k: v for k, v in found.items() if v}, sort_keys=False, allow_unicode=True, width=100)


def person(name: str) -> tuple[str, str] | None:
    """(family, given) of a creator written `Family, Given`; None for any other, which is a team or an institution."""
    family, comma, given = name.partition(",")
    return (family.strip(), given.strip()) if comma and family.strip() and given.strip() and "," not in given else None


def spdx(license: str | None) -> str | None:
    """The SPDX identifier that a licence is; None where it is none."""
    try:
        found = canonicalize_license_expression(license or "")
    except InvalidLicenseExpression:
        return None
    return found if re.fullmatch(r"(?!LicenseRef-)[A-Za-z0-9.-]+", found) else None


def url(text: str | None) -> str | None:
    """The text if it is an address of the web, whole; None for any other."""
    return text if text and re.fullmatch(r"https?://[^\s<>\"]+", text) else None


def doi(text: str | None) -> str | None:
    """A DOI without the address of its resolver."""
    bare = re.sub(r"^(https?://(dx\.)?doi\.org/|doi:)", "", text or "")
    return bare if re.fullmatch(r"10\.\d{4,9}(\.\d+)?/[A-Za-z0-9:/_;.()\[\]\\-]+", bare) else None


def grain(name: str) -> str:
    """What one row of a table is: the first paragraph of its docstring, without the table's name."""
    first = (schemas.table(name).__doc__ or "").split("\n\n")[0]
    return " ".join(first.split()).partition(": ")[2]


def cell(value: object) -> str:
    """A value as text in Markdown: captured words never end a cell or open a tag, a link or a heading."""
    text = f"{value:,}" if isinstance(value, int) else str(value)
    return re.sub(r"([\\|<>`\[\]*])", r"\\\1", " ".join(text.split()))


def _author(name: str) -> dict[str, str]:
    parts = person(name)
    return {"family-names": parts[0], "given-names": parts[1]} if parts else {"name": name}


def _is_day(text: str | None) -> bool:
    return bool(re.fullmatch(r"[0-9]{4}-(0[1-9]|1[012])-(0[1-9]|[12][0-9]|3[01])", text or ""))


@cache
def template(name: str) -> jinja2.Template:
    """The template flows/release/<name>.jinja, for Markdown."""
    found = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    found.filters["cell"] = cell
    found.filters["count"] = lambda n, one, many=None: f"{n or 0:,} {one if n == 1 else many or one + 's'}"
    found.filters["listed"] = lambda rows: ", ".join(f"{cell(row[0])} ({row[1]:,})" for row in rows)
    return found.from_string(Path(__file__).with_name(f"{name}.jinja").read_text("utf-8"))
