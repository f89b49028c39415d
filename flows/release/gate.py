"""The gate: DuckDB measures the tables, Great Expectations judges the metrics.

`measure` reads the tables of a release about to be published, and those of the release before, and gives one row per
metric; `judge` holds them against RULES and writes Data Docs that work with no network. Rows are never judged here,
nor changed: pandera has done that shard by shard. Neither function looks at the clock.
"""

import logging
import math
import os
import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow.types as kinds

from flows.parquet import database, files, no_rows, orphans, relation
from schemas import TABLES, VIEWS, table

# Of shares: more digits than any threshold has, fewer than the order of summing could change.
DIGITS = 6

# What the [gate] table of araxes.toml may set. The defaults stop a build that went wrong as a whole (pointed at the wrong folder, a
# stage that eats articles), and let a small folder with a few bad files pass; whoever knows the corpus sets them tighter.
THRESHOLDS = {
    "min_documents": 1,  # an empty release is never meant
    "max_share_rejected": 0.75,  # of captures; more than that, and the folder holds something other than articles
    "max_share_removed": 0.75,  # of the bytes of text dumps that became documents; saved text pages lose 5 to 60 %
    "max_share_without_sentences": 0.25,  # of documents; an article has sentences
    "min_sentences_per_document": 1,  # on average; an article has some twenty, but a folder may hold nothing but a note
    "min_change": -0.5,  # of the number of documents since the last release: losing half is a mistake or a decision
    "max_change": math.inf,  # a corpus may grow at any rate
    "min_date": 16000000,  # as YYYYMMDD; the first newspapers are of 1605
    "max_date": 21001231,  # the clock is not asked; this catches misread digits only
}

# Columns of ISO 8601 dates in reduced precision.
DATES = ("date_retrieved", "date_published", "date_modified", "date_not_before", "date_not_after")

# Shares over the whole corpus: (table, column, metric) -> SQL for one number; null where there is nothing to take a share of.
SHARES = {
    # What stands beside pages in a container or a saved folder was never meant to be one.
    ("captures", "outcome", "share_rejected"): """
        SELECT avg((outcome = 'rejected')::INT) FROM captures
        WHERE capture_id NOT IN (SELECT capture_id FROM rejections WHERE reason IN ('subresource', 'wrong_type'))""",
    # Of text dumps alone: most bytes of an HTML page are markup, and an edit does not part them from the words it removes.
    ("edits", "kind", "share_removed"): """
        SELECT coalesce(sum(removed) / sum(bytes), 0)
        FROM (SELECT doc_id, bytes FROM captures WHERE outcome = 'document' AND media_type = 'text/plain') LEFT JOIN (
            SELECT doc_id, sum(byte_end - byte_start) AS removed FROM edits WHERE kind = 'removed' GROUP BY doc_id
        ) USING (doc_id)""",
    ("documents", "n_sentences", "share_without"): "SELECT avg((n_sentences = 0)::INT) FROM documents",
    ("documents", "n_sentences", "mean"): "SELECT avg(n_sentences) FROM documents",
}


# Groups of documents that belong together and stand on different sides of the scheme `story`, those aside that stood so already:
# what was assigned once is not moved, and whoever joins two sides has to be excluded.
LEAKS = """
    WITH linked AS (
        SELECT 'duplicate' AS link, duplicate_cluster AS cluster, doc_id FROM documents WHERE duplicate_cluster IS NOT NULL
        UNION ALL SELECT 'story', story_cluster, doc_id FROM documents WHERE story_cluster IS NOT NULL
        UNION ALL SELECT 'supersedes', doc_id, unnest([doc_id, supersedes]) FROM documents WHERE supersedes IS NOT NULL
    )
    SELECT count(*) FROM (
        SELECT link, cluster FROM linked JOIN splits USING (doc_id) WHERE scheme = 'story' AND layer = 'document' AND split <> 'excluded'
        GROUP BY link, cluster
        HAVING count(DISTINCT split) > 1 AND bool_or(doc_id NOT IN (SELECT doc_id FROM standing WHERE doc_id IS NOT NULL))
    )
"""


# (table, column, metric) -> value.
Measures = dict[tuple[str, str | None, str], float | None]


class Metric(NamedTuple):
    """One number about a table; `column` is null where it is about the whole table, a value where nothing could be counted."""

    table: str
    column: str | None
    metric: str
    value: float | None
    last_value: float | None


class Rule(NamedTuple):
    """The values of the metrics it applies to lie between `low` and `high`: numbers, names of thresholds, or null for no bound."""

    name: str
    applies: Callable[[Metric], bool]
    low: float | str | None = None
    high: float | str | None = None


RULES = (
    Rule("there are documents", lambda m: m[:3] == ("documents", None, "rows"), low="min_documents"),
    Rule("required columns are complete", lambda m: m.metric == "completeness" and m.column in _required(m.table), low=1),
    Rule("keys are unique", lambda m: m.metric == "share_unique", low=1),
    Rule("references lead somewhere", lambda m: m.metric == "orphans", high=0),
    Rule("what belongs together stands on one side", lambda m: m.metric == "leaks", high=0),
    Rule("counts and places are not negative", lambda m: m.metric == "min" and m.column not in DATES, low=0),
    Rule("probabilities are at most one", lambda m: m.metric == "max" and (m.column or "").endswith("confidence"), high=1),
    Rule("dates are not too early", lambda m: m.metric == "min" and m.column in DATES, low="min_date"),
    Rule("dates are not too late", lambda m: m.metric == "max" and m.column in DATES, high="max_date"),
    Rule("most captures are read", lambda m: m.metric == "share_rejected", high="max_share_rejected"),
    Rule("most of a text dump is kept", lambda m: m.metric == "share_removed", high="max_share_removed"),
    Rule("documents have sentences", lambda m: m.metric == "share_without", high="max_share_without_sentences"),
    Rule("sentences are found", lambda m: m.metric == "mean", low="min_sentences_per_document"),
    Rule("the corpus stays about as large", lambda m: m.metric == "change", low="min_change", high="max_change"),
)


def measure(tables: Path, previous: Path | None = None) -> list[Metric]:
    """Metrics of `tables`/<table>.parquet, each with its value in the release folder `previous` (data/<table>/*.parquet).

    Shares are 0 to 1, dates are numbers YYYYMMDD with 00 for what is not known, `change` is the share by which the number of documents
    grew. Raises duckdb.Error where a table is missing (a training table may be) or unreadable; of the release before, it is an empty one.
    """
    released = {name: files(previous, name) if previous else [] for name in TABLES}
    there = [name for name in TABLES if name not in VIEWS or (tables / f"{name}.parquet").is_file()]
    now = _measured({name: [tables / f"{name}.parquet"] for name in there}, released["splits"])
    last = _measured(released, released["splits"]) if previous else {}
    n, before = now["documents", None, "rows"], last.get(("documents", None, "rows"))
    now["documents", None, "change"] = _rounded((n - before) / before) if n is not None and before else None
    return [Metric(*key, value, last.get(key)) for key, value in now.items()]


def limits_of(thresholds: dict[str, float]) -> dict[str, float]:
    """THRESHOLDS with those of a [gate] table in their place. Raises ValueError for one that is not known or not a number."""
    for key, value in thresholds.items():
        if key not in THRESHOLDS:
            raise ValueError(f"araxes.toml: [gate] has no threshold {key!r}; it knows {', '.join(THRESHOLDS)}")
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
            raise ValueError(f"araxes.toml: [gate] {key} is to be a number, not {value!r}")
    return THRESHOLDS | thresholds


def judge(metrics: Sequence[Metric], thresholds: dict[str, float], quality: Path | None = None) -> list[str]:
    """What fails RULES, in their order; Data Docs go into the folder `quality`, made where it is missing.

    Raises ValueError as `limits_of` does.
    """
    limits = limits_of(thresholds)
    result, pages = _validated(metrics, limits)
    if quality:
        quality.mkdir(parents=True, exist_ok=True)
        for name, page in pages.items():
            (quality / name).write_text(_offline(page), encoding="utf-8", newline="\n")
    return [failure for rule in RULES for failure in _failures(rule, result[rule.name], limits)]


def _measured(tables: dict[str, list[Path]], standing: list[Path]) -> Measures:
    with database() as db:
        for name, paths in tables.items():
            # No rows stand in for a missing table, and for columns that an older release did not have.
            with_rows = f"UNION ALL BY NAME FROM {relation(paths)}" if paths else ""
            db.execute(f"CREATE VIEW {name} AS FROM {no_rows(name)} {with_rows}")
        db.execute(f"CREATE VIEW standing AS FROM {relation(standing) if standing else no_rows('splits')}")
        found: Measures = {("splits", "split", "leaks"): _number(db, LEAKS)}
        for name in tables:
            found |= _of_table(db, name)
            for column in table(name).REFERENCES:
                found[name, column, "orphans"] = _number(db, f"SELECT count(*) {orphans(name, column)}")
        return found | {key: _number(db, query) for key, query in SHARES.items()}


def _of_table(db: duckdb.DuckDBPyConnection, name: str) -> Measures:
    """Rows, share of unique keys, completeness and ranges, in one scan and one grouping."""
    wanted: dict[tuple[str | None, str], str] = {(None, "rows"): "count(*)"}
    for field in table(name).SCHEMA:
        wanted[field.name, "completeness"] = f'count("{field.name}") / nullif(count(*), 0)'
        number = f'"{field.name}"' if kinds.is_integer(field.type) or kinds.is_floating(field.type) else None
        if field.name in DATES:
            number = f"""TRY_CAST(rpad(replace(left("{field.name}", 10), '-', ''), 8, '0') AS BIGINT)"""
        if number:
            wanted[field.name, "min"], wanted[field.name, "max"] = f"min({number})", f"max({number})"
    (values,) = db.execute(f"SELECT {', '.join(wanted.values())} FROM {name}").fetchall()
    found: Measures = {(name, *key): _rounded(value) for key, value in zip(wanted, values, strict=True)}
    keys = ", ".join(f'"{k}"' for k in table(name).KEY)
    distinct = f"SELECT count(*) / nullif(sum(n), 0) FROM (SELECT count(*) AS n FROM {name} GROUP BY {keys})"
    return found | {(name, ", ".join(table(name).KEY), "share_unique"): _number(db, distinct)}


def _number(db: duckdb.DuckDBPyConnection, query: str) -> float | None:
    ((value,),) = db.execute(query).fetchall()
    return _rounded(value)


def _rounded(value: Any) -> float | None:
    if value is None:
        return None
    # One row in ten million must not round to all of them.
    return 1 - 10**-DIGITS if value < 1 and round(value, DIGITS) == 1 else round(float(value), DIGITS)


def _required(name: str) -> list[str]:
    return [field.name for field in table(name).SCHEMA if not field.nullable]


def _bound(bound: float | str | None, limits: dict[str, float]) -> float | None:
    value = limits[bound] if isinstance(bound, str) else bound
    return None if value is None or math.isinf(value) else value


def _validated(metrics: Sequence[Metric], limits: dict[str, float]) -> tuple[dict[str, Any], dict[str, str]]:
    """Great Expectations' result for each of RULES by its name, and its two pages by file name."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Imported here: it takes seconds, and only a build needs it.
        import great_expectations as gx
        import pandas as pd
        from great_expectations.data_context.types.base import ProgressBarsConfig
        from great_expectations.render.renderer import ExpectationSuitePageRenderer, ValidationResultsPageRenderer
        from great_expectations.render.view import DefaultJinjaPageView

        # This one sets its own level, and tells of a folder that it does not make.
        logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)
        frame = pd.DataFrame(metrics, columns=Metric._fields).astype({"value": float, "last_value": float}).fillna({"column": ""})
        frame["rule"] = [next((rule.name for rule in RULES if rule.applies(m)), None) for m in metrics]
        values = frame.groupby("rule")["value"].agg(["min", "max"]).T.to_dict("list")
        suite = gx.ExpectationSuite(name="gate", expectations=[_expectation(rule, limits, values.get(rule.name, ())) for rule in RULES])
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        asset = context.data_sources.add_pandas("tables").add_dataframe_asset("metrics")
        batch = asset.add_batch_definition_whole_dataframe("metrics").get_batch(batch_parameters={"dataframe": frame})
        form = {"result_format": "COMPLETE", "unexpected_index_column_names": ["table", "column", "metric"]}
        result = batch.validate(suite, result_format=form)
        view = DefaultJinjaPageView()
        pages = {
            "index.html": view.render(ValidationResultsPageRenderer().render(result)),
            "expectations.html": view.render(ExpectationSuitePageRenderer().render(suite)),
        }
    return {c.meta["rule"]: found for found in result.results if (c := found.expectation_config) and c.meta}, pages


def _expectation(rule: Rule, limits: dict[str, float], values: Sequence[float]) -> Any:
    from great_expectations.expectations import ExpectColumnValuesToBeBetween
    from great_expectations.expectations.row_conditions import Column

    low, high = _bound(rule.low, limits), _bound(rule.high, limits)
    measured = " to ".join(dict.fromkeys(f"{v:.10g}" for v in values if not math.isnan(v)))
    return ExpectColumnValuesToBeBetween(
        column="value", min_value=low, max_value=high, row_condition=Column("rule") == rule.name,
        description=f"{rule.name}: {_range(low, high)} expected, {measured or 'nothing'} measured", meta={"rule": rule.name},
    )  # fmt: skip


def _range(low: float | None, high: float | None) -> str:
    bounds = [f"{word} {bound:.10g}" for word, bound in (("at least", low), ("at most", high)) if bound is not None]
    return " and ".join(bounds) or "any number"


def _failures(rule: Rule, found: Any, limits: dict[str, float]) -> Iterable[str]:
    if not found.result.get("element_count"):
        # A rule that judges nothing must not pass for one that holds.
        yield f"{rule.name}: nothing was measured for it, or it could not be evaluated"
        return
    low, high = _bound(rule.low, limits), _bound(rule.high, limits)
    for row in found.result.get("unexpected_index_list") or []:
        on = f"{row['table']}.{row['column']} {row['metric']}" if row["column"] else f"{row['table']} {row['metric']}"
        value = float(row["value"])
        named = rule.low if low is not None and value < low else rule.high
        setting = f" ([gate] {named})" if isinstance(named, str) else ""
        yield f"{rule.name}: {on} is {value:.10g}, {_range(low, high)} expected{setting}"


# Great Expectations' pages are made for Bootstrap, jQuery and icon fonts from the network. This is what they need of them.
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 0 auto; padding: 1rem 2rem; color: #222; background: #fff }
h4, h5, h6 { margin: 1rem 0 .25rem; font-size: 1.1rem }
p { margin: 0 0 .25rem }
a { color: #0062cc }
table { border-collapse: collapse; margin: .5rem 0; width: 100% }
th, td { border-bottom: 1px solid #ddd; padding: .35rem .75rem .35rem 0; text-align: left; vertical-align: top }
td table { width: auto }
.fas::before { font-style: normal; font-weight: bold }
.fa-check-circle::before { content: "\\2713" }
.fa-times::before { content: "\\2717" }
.fa-exclamation-triangle::before { content: "!" }
.text-success { color: #176f2c }
.text-danger { color: #b3261e }
.alert { border-left: 4px solid #999; padding: .25rem .75rem; margin: 1rem 0; background: #f4f4f4 }
.sticky, [data-toggle="collapse"], [hidden] { display: none }
"""


def _offline(page: str) -> str:
    """A page of Data Docs that loads nothing: no script, link, image or font from anywhere, its style inside it."""
    page = re.sub(r"<(script|style|footer)\b.*?</\1>", "", page, flags=re.DOTALL)
    page = re.sub(r'<body>.*?(?=<div class="container-fluid)', "<body>", page, flags=re.DOTALL)
    page = re.sub(r"<(link|img)\b[^>]*>", "", page)
    page = re.sub(r"<title></title>", "", page)
    page = re.sub(r'href="[^"]*expectations/[^"]*"', 'href="expectations.html"', page)
    page = re.sub(r"[ \t]*\n\s*", "\n", page)
    return page.replace("</head>", f"<style>{STYLE}</style>\n</head>", 1)
