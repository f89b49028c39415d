"""Card: the README.md of a release, which is also its Hugging Face dataset card.

Every figure is computed from the release's own tables, every meaning of a column read from its schema; what the tables
cannot know (title, licence, purpose, limits) comes from the corpus folder's araxes.toml or is left out.
"""

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

import schemas
from flows.parquet import database, files, relation
from flows.release.papers import MACHINE_TIERS, grain, spdx, template, withheld_columns

# Upper bounds of the size categories of Hugging Face's dataset card.
SIZES = {
    1_000: "n<1K",
    10_000: "1K<n<10K",
    100_000: "10K<n<100K",
    1_000_000: "100K<n<1M",
    10_000_000: "1M<n<10M",
    100_000_000: "10M<n<100M",
}

# What `datasets` calls a type otherwise than Arrow does.
DTYPES = {"double": "float64", "float": "float32"}

# Licences that Hugging Face names otherwise than by their SPDX identifier in lower case; of others it knows these and Creative Commons'.
LICENSES = {
    "odbl-1.0": "odbl",
    "odc-by-1.0": "odc-by",
    "pddl-1.0": "pddl",
    "etalab-2.0": "etalab-2.0",
    "apache-2.0": "apache-2.0",
    "mit": "mit",
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
    (
        "Mentions by type of entity", ("type", "entities", "mentions"), "mentions",
        """SELECT COALESCE(e.type, 'not known'), COUNT(DISTINCT m.entity_id), COUNT(*)
           FROM mentions m LEFT JOIN entities e USING (entity_id) GROUP BY 1 ORDER BY 3 DESC, 1""",
    ),
    (
        "Attributions by type", ("type", "attributions"), "attributions",
        "SELECT type, COUNT(*) FROM attributions GROUP BY 1 ORDER BY 2 DESC, 1",
    ),
    (
        "Claims by modality", ("modality", "holder", "claims"), "claims",
        "SELECT COALESCE(modality, 'not known'), holder_type, COUNT(*) FROM claims GROUP BY ALL ORDER BY 3 DESC, 1, 2",
    ),
    ("Stances by target", ("target", "stances"), "stances", "SELECT target_id, COUNT(*) FROM stances GROUP BY 1 ORDER BY 2 DESC, 1"),
    (
        "Votes", ("layer", "annotator", "votes", "items", "annotators"), "annotations",
        """SELECT layer, annotator_type, COUNT(*), COUNT(DISTINCT item_id), COUNT(DISTINCT annotator_id) FROM annotations
           GROUP BY ALL ORDER BY ALL""",
    ),
    (
        "Labels", ("layer", "tier", "answer", "items"), "labels",
        """SELECT layer, tier, CASE WHEN value[1] = '{' THEN 'with parts' ELSE COALESCE(value, 'tied') END AS v, COUNT(*) FROM labels
           GROUP BY ALL ORDER BY ALL""",
    ),
    (
        "Coverage", ("layer", "status", "documents"), "coverage",
        "SELECT layer, status, COUNT(DISTINCT doc_id) FROM coverage GROUP BY ALL ORDER BY ALL",
    ),
    ("Splits", ("scheme", "split", "rows"), "splits", "SELECT scheme, split, COUNT(*) FROM splits GROUP BY ALL ORDER BY ALL"),
)  # fmt: skip


def card(release: Path, dataset: dict, version: str, measured: dict) -> str:
    """The dataset card of the tables in `release`; `measured` are the figures papers.measure has of them.

    `dataset` may hold title, name, license (SPDX), creators, date_published, citation, purpose, limits and tags; what it
    does not hold the card does not say.
    """
    names = list(measured["rows"])
    with database() as db:
        for name in schemas.TABLES:
            if name in names:
                db.execute(f"CREATE VIEW {name} AS FROM {relation(files(release, name))}")
            else:
                db.register(name, schemas.table(name).SCHEMA.empty_table())
        figures = [(title, heads, db.execute(sql).fetchall()) for title, heads, table, sql in FIGURES if table in names]
    tiers = {tier: sum(n for _, t, n in measured["tiers"] if t == tier) for _, tier, _ in measured["tiers"]}
    return template("card.md").render(
        head=yaml.safe_dump(_front_matter(release, names, dataset, measured), sort_keys=False, allow_unicode=True, width=1000),
        dataset=dataset, version=version, figures=figures, f=measured, guessed=[t for t in MACHINE_TIERS if t in tiers], tiers=tiers,
        withheld_columns=withheld_columns(names), tables=[(name, grain(name), _columns(name)) for name in names],
    )  # fmt: skip


def features(schema: pa.Schema) -> dict:
    """The columns as the `datasets` library writes them in JSON (datasets.Features.to_dict)."""
    return {field.name: _feature(field.type) for field in schema}


def splits(release: Path, table: str) -> dict[str, list[Path]]:
    """The Parquet files of a table by split, in the order in which the splits are used."""
    found: dict[str, list[Path]] = {}
    for path in files(release, table):
        found.setdefault(path.name.split("-")[0], []).append(path)
    order = ("train", "validation", "test")
    return {split: found[split] for split in sorted(found, key=lambda s: (order.index(s) if s in order else len(order), s))}


def _feature(kind: pa.DataType) -> dict:
    if pa.types.is_list(kind):
        return {"feature": _feature(kind.value_type), "_type": "List"}
    if pa.types.is_struct(kind):
        return {field.name: _feature(field.type) for field in kind}
    return {"dtype": DTYPES.get(str(kind), str(kind)), "_type": "Value"}


def _in_yaml(field: pa.Field) -> dict:
    """A column as the `datasets` library writes it in a dataset card (datasets.Features._to_yaml_list)."""
    return {"name": field.name, **_kind_in_yaml(field.type)}


def _kind_in_yaml(kind: pa.DataType) -> dict:
    if pa.types.is_list(kind):
        inner = _kind_in_yaml(kind.value_type)
        return {"list": inner.get("dtype") or inner.get("struct") or inner}
    if pa.types.is_struct(kind):
        return {"struct": [_in_yaml(field) for field in kind]}
    return {"dtype": DTYPES.get(str(kind), str(kind))}


def _front_matter(release: Path, names: list[str], dataset: dict, measured: dict) -> dict:
    languages = [code for code, _ in sorted(measured["languages"])]
    rows = measured["rows"].get("documents")
    first = "documents" if "documents" in names else names[0] if names else None
    order = sorted(names, key=lambda name: name != first)
    head = {
        "pretty_name": dataset.get("title") or dataset["name"],
        **_license(dataset.get("license")),
        "language": languages,
        "multilinguality": languages and ["multilingual" if len(languages) > 1 else "monolingual"],
        "size_categories": rows and [next((name for bound, name in SIZES.items() if rows < bound), "n>100M")],
        "tags": dataset.get("tags", []),
        "configs": [_config(release, name) | ({"default": True} if name == first else {}) for name in order],
        "dataset_info": [_info(release, name) for name in order],
    }
    return {key: value for key, value in head.items() if value}


def _license(license: str | None) -> dict[str, str]:
    """A licence as Hugging Face's cards name it: one of theirs, or `other` with its own name."""
    found = (spdx(license) or "").lower()
    if found in LICENSES or found.startswith(("cc-by", "cc0-")):
        return {"license": LICENSES.get(found, found)}
    return {"license": "other", "license_name": license} if license else {}


def _config(release: Path, name: str) -> dict:
    return {
        "config_name": name,
        "data_files": [{"split": split, "path": f"data/{name}/{split}-*.parquet"} for split in splits(release, name)],
    }


def _info(release: Path, name: str) -> dict:
    """Columns, rows and bytes of a table; bytes as they take up in the files."""
    found = {split: [pq.read_metadata(path) for path in paths] for split, paths in splits(release, name).items()}
    rows = {split: sum(m.num_rows for m in read) for split, read in found.items()}
    sizes = {split: sum(m.row_group(i).total_byte_size for m in read for i in range(m.num_row_groups)) for split, read in found.items()}
    return {
        "config_name": name,
        "features": [_in_yaml(field) for field in schemas.table(name).SCHEMA],
        "splits": [{"name": split, "num_bytes": sizes[split], "num_examples": n} for split, n in rows.items()],
        "download_size": sum(path.stat().st_size for path in files(release, name)),
    }


def _columns(name: str) -> list[tuple[str, str, str]]:
    """Name, type and meaning of the columns of a table."""
    fields = schemas.table(name).SCHEMA
    kinds = [f"`{re.sub('(item|element): ', '', str(f.type))}`{' or null' if f.nullable else ''}" for f in fields]
    return [(f.name, kind, f.metadata[b"description"].decode()) for f, kind in zip(fields, kinds, strict=True)]
