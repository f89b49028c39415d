"""The tables of a release, one file each: grain, columns with meaning and unit, invariants, an example row.

A table module has `SCHEMA` (pyarrow, the source of truth), `KEY` (the columns that name a row), `ORDER` (how rows are
sorted, as SQL), `REFERENCES` (by column: the table whose key it holds; `item_id`, of several tables, is not among them), `CHECKS` (by
column: the name of a pandera check and its arguments), `ROW_CHECKS` (across columns: SQL that holds for every row) and `EXAMPLE`; `WORDS`
are the columns that hold words of a capture, which may have to be withheld.
To add a table, write its file and name it in TABLES; where its rows come from, flows/README.md says.
The training tables are described together, in training.py.
"""

from importlib import import_module
from types import ModuleType
from typing import Any

import pyarrow as pa

# A row of a table, by column.
Row = dict[str, Any]

TABLES = (
    "captures", "documents", "segments", "edits", "rejections", "entities", "mentions", "attributions", "claims", "stances",
    "annotations", "labels", "coverage", "splits",
)  # fmt: skip


def table(name: str) -> ModuleType:
    """The module of one of TABLES, or what has its form. Raises ModuleNotFoundError for any other name."""
    if name in VIEWS:
        return import_module("schemas.training").view(name)
    return import_module(f"schemas.{name}")


def column(name: str, kind: pa.DataType, meaning: str, nullable: bool = False) -> pa.Field:
    """A column whose meaning travels in the Parquet file."""
    return pa.field(name, kind, nullable=nullable, metadata={"description": meaning})


TEXT, INT, FLOAT, BOOL, TEXTS = pa.string(), pa.int64(), pa.float64(), pa.bool_(), pa.list_(pa.string())

PLACE = [
    column("byte_start", INT, "First byte in the capture, of the clusters the span touches."),
    column("byte_end", INT, "Byte after the last, in the capture."),
    column("trim_start", INT, "Characters to cut from the start of the replayed bytes."),
    column("trim_end", INT, "Characters to cut from the end of the replayed bytes."),
]
# Words of a document that need not stand together: each piece with its characters and its bytes.
SPAN = [column("start", INT, "First character in the document's text."), column("end", INT, "Character after the last."), *PLACE]
SPANS = pa.list_(pa.struct(SPAN))

# Checks that several tables have.
PLACE_CHECKS = {"byte_start": ("ge", 0), "trim_start": ("ge", 0), "trim_end": ("ge", 0)}
SHA256 = ("str_matches", r"^[0-9a-f]{64}$")

# What a model reads: claims and stances by the tier of their label. They are made of the other tables.
VIEWS = import_module("schemas.training").NAMES
TABLES += VIEWS
