"""The pyarrow schema is the source of truth; the pandera model is held against it, and each example against both."""

import ast
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from pandera.errors import SchemaErrors

import schemas
from flows.drafts import AS_FOUND, SHARD_TABLES
from flows.stages.validate import is_sound, validate
from flows.stages.validate_model import model
from schemas.rejections import REASONS

FLOWS = Path(__file__).parents[1] / "flows"
# Where the reason stands among the arguments of what refuses something.
REFUSING = {"Rejected": 0, "refused": 1, "Refused": 1, "_rejection": 3}

TABLES = pytest.mark.parametrize("name", schemas.TABLES)


def frame(name: str, **changes) -> pl.DataFrame:
    table = schemas.table(name)
    return pl.DataFrame(pa.Table.from_pylist([{**table.EXAMPLE, **changes}], schema=table.SCHEMA))


@TABLES
def test_the_model_has_the_columns_types_and_nulls_of_the_schema(name):
    schema, found = schemas.table(name).SCHEMA, model(name)
    assert list(found.columns) == schema.names
    empty = pl.DataFrame(schema.empty_table())
    assert {n: c.dtype.type for n, c in found.columns.items()} == dict(empty.schema)
    assert {n: c.nullable for n, c in found.columns.items()} == {f.name: f.nullable for f in schema}


@TABLES
def test_the_example_passes(name):
    model(name).validate(frame(name), lazy=True)


ODD = {"string": ["", "nonsense", "neutral", "2025-07-06"], "int64": [-1, 0, 1 << 40], "double": [-0.1, 1.0, 1.5], "bool": [True, False]}


@TABLES
def test_a_row_is_sound_if_the_model_finds_nothing_wrong_with_it(name):
    table = schemas.table(name)
    odd = [{**table.EXAMPLE, f.name: value} for f in table.SCHEMA for value in (None, *ODD.get(str(f.type), [[]]))]
    rows = pa.Table.from_pylist(odd, schema=table.SCHEMA)
    with pytest.raises(SchemaErrors) as found:
        model(name).validate(pl.DataFrame(rows), lazy=True)
    assert {i for i in range(len(odd)) if not is_sound(name, rows.slice(i, 1))} == {*found.value.failure_cases["index"]}
    assert is_sound(name, rows.slice(0, 0)) and not is_sound(name, rows) and not is_sound(name, rows.drop_columns(table.KEY))


@TABLES
def test_every_column_says_what_it_means(name):
    table = schemas.table(name)
    assert "one row per" in table.__doc__ and "Invariants:" in table.__doc__
    assert all(f.metadata[b"description"] for f in table.SCHEMA)
    assert {*table.KEY, *table.CHECKS, *table.REFERENCES} <= {*table.SCHEMA.names} and {*table.REFERENCES.values()} <= {*schemas.TABLES}


def rows(**changes):
    document, sentence, edit = (schemas.table(n).EXAMPLE for n in ("documents", "segments", "edits"))
    block = {**sentence, "segment_id": sentence["parent_id"], "parent_id": None, "unit": "paragraph"}
    found = {"documents": [document], "segments": [block, sentence], "edits": [edit], "rejections": []}
    for name, change in changes.items():
        found[name][0] = {**found[name][0], **change}
    return found


def validated(rows):
    tables = {name: pa.Table.from_pylist(found, schema=schemas.table(name).SCHEMA) for name, found in rows.items()}
    return {name: table.to_pylist() for name, table in validate(tables).items()}


def reasons(found):
    return sorted((r["table"], r["reason"]) for r in found["rejections"])


def test_rows_that_hold_pass_untouched():
    assert validated(rows()) == rows()


def test_a_failing_block_takes_its_sentences_along_and_nothing_else():
    found = validated(rows(segments={"unit": "nonsense"}))
    assert found["segments"] == [] and found["documents"] == rows()["documents"]
    assert reasons(found) == [("segments", "parent_rejected"), ("segments", "schema")]
    assert "unit" in found["rejections"][0]["detail"]


@pytest.mark.parametrize("change", [{"edits": {"confidence": 2.0}}, {"documents": {"n_chars": 7}}, {"documents": {"language": "english"}}])
def test_a_failing_document_or_edit_takes_the_whole_document_along(change):
    found = validated(rows(**change))
    assert found["documents"] == found["segments"] == found["edits"] == []
    expected = [("captures", "schema"), ("documents", "schema"), ("edits", "parent_rejected")] + [("segments", "parent_rejected")] * 2
    assert reasons(found) == expected


def test_every_table_that_a_shard_has_is_one_of_a_release_and_stands_behind_those_it_refers_to():
    assert {*AS_FOUND} <= {*SHARD_TABLES} <= {*schemas.TABLES}
    for i, name in enumerate(SHARD_TABLES):
        assert {*schemas.table(name).REFERENCES.values()} & {*SHARD_TABLES} <= {*SHARD_TABLES[: i + 1]}


def given() -> Iterator[str]:
    """Every reason that the code can give, as far as it is written out there."""
    for path in FLOWS.rglob("*.py"):
        for call in (n for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.Call)):
            at = REFUSING.get(getattr(call.func, "id", None) or getattr(call.func, "attr", ""))
            said = [k.value for k in call.keywords if k.arg == "reason"] + (call.args[at : at + 1] if at is not None else [])
            yield from (n.value for value in said for n in ast.walk(value) if isinstance(n, ast.Constant) and isinstance(n.value, str))


def test_every_reason_stands_in_the_catalogue_and_says_what_to_do():
    assert set(given()) == set(REASONS)
    assert all(": " in told and told.endswith(".") for told in REASONS.values())
