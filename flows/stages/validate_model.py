"""The pandera models of the tables, and what they find wrong with rows.

Part of the validate stage.
"""

from functools import cache

import pandera.polars as pap
import polars as pl
import pyarrow as pa
from pandera.errors import SchemaErrors

import schemas


@cache
def model(name: str) -> pap.DataFrameSchema:
    """The pandera model of a table, made from its pyarrow schema and checks."""
    table = schemas.table(name)
    types = pl.DataFrame(table.SCHEMA.empty_table()).schema
    columns = {f.name: pap.Column(types[f.name], _check(table.CHECKS.get(f.name)), nullable=f.nullable) for f in table.SCHEMA}
    checks = [pap.Check(_row_check(rule), name=title) for title, rule in table.ROW_CHECKS.items()]
    return pap.DataFrameSchema(columns, checks=checks, strict=True, ordered=True)


def _check(told: tuple | None) -> pap.Check | None:
    return getattr(pap.Check, told[0])(*told[1:]) if told else None


def _row_check(rule: str):
    return lambda data: data.lazyframe.select(pl.sql_expr(rule).fill_null(False))


def failures(name: str, table: pa.Table) -> dict[int, str]:
    """Why rows of a table fail, by their place: the names of the checks."""
    try:
        model(name).validate(pl.DataFrame(table), lazy=True)
    except SchemaErrors as errors:
        found: dict[int, list[str]] = {}
        for case in errors.failure_cases.iter_rows(named=True):
            # A failure without a row is a defect of the schema, not of the data: it must not pass as a rejection.
            if case["index"] is None:
                raise
            where = f"{case['column']}: " if case["column"] else ""
            found.setdefault(case["index"], []).append(f"{where}{case['check']}")
        return {place: "; ".join(sorted(set(why))) for place, why in found.items()}
    return {}
