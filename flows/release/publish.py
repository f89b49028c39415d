"""Publish: the tables of a build as a release, staged beside its place and renamed into it in one step.

`write` fills the staging folder, `publish` moves it to dist/<dataset>/<version>. A reader never sees half a release: a
folder with a version for a name is complete. A build that was killed after the rename and before LATEST was replaced
leaves LATEST one behind: `latest` does not read it, and the next build points it right. No clock is read, so the same
tables give the same bytes.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import schemas
from flows.parquet import ROWS, digest, files
from flows.release.card import card, features
from flows.release.changes import changes, summary
from flows.release.croissant import croissant
from flows.release.papers import citation, datasheet, measure
from flows.release.provenance import facts, sha256
from flows.release.report import report

SUMS = "SHA256SUMS"
QUALITY = "quality"
VERSION = re.compile(r"\d+\.\d+\.\d+")

# A row group is full at this many rows, or when its strings take this many bytes: long enough to be read in runs, and small enough to be
# held (DuckDB takes 122,880 rows at a time, Hugging Face's viewer groups of up to 300 MB).
GROUP_ROWS = 131_072
GROUP_BYTES = 64_000_000

# Where the `datasets` library keeps what it knows of a Parquet file.
NOTES = b"huggingface"


def write(tables: Path, release: Path, dataset: dict, version: str, build: dict, old: Path | None = None) -> None:
    """Write a release of the Parquet files in `tables` into the folder `release`; `old` is the one before it.

    `build` is what the build depended on; its "environment", lines name==version, becomes environment.txt and stands
    in build.json as its hash.

    Raises ValueError where a table has not the columns of its schema.
    """
    names = [name for name in schemas.TABLES if _rows(tables, name)]
    for name in names:
        _table(files(tables, name)[0], release, name, version)
    environment = "".join(f"{line}\n" for line in sorted(build["environment"]))
    _text(release / "environment.txt", environment)
    record = {
        **build,
        "environment": hashlib.sha256(environment.encode()).hexdigest(),
        "dataset": dataset,
        "version": version,
        "previous": old.name if old else None,
        "previous_sha256sums": checksum(old) if old else None,
        "rows": {name: _rows(release, name) for name in names},
        "digests": {name: digest(files(release, name)) for name in names},
    }
    _text(release / "build.json", json.dumps(record, ensure_ascii=False, sort_keys=True, indent=2))
    _papers(release, dataset, version)
    _changes(release, old, record)
    report(release, dataset, version, (release / "CHANGES.md").read_text("utf-8"))
    _text(release / SUMS, "".join(f"{sha256(release / name)}  {name}\n" for name in listed(release)))


def publish(staging: Path, dataset_dir: Path, version: str) -> Path:
    """Move the finished folder `staging`, on the same file system, to its place and point LATEST at it.

    Raises FileExistsError where the version is there already: a published release is never changed.
    """
    place = dataset_dir / version
    if place.exists():
        raise FileExistsError(f"{place} is published already and is never changed; run the build again to get the next version")
    for folder, _, names in os.walk(staging):
        for name in names:
            _sync(Path(folder, name))
        _sync(Path(folder))
    os.rename(staging, place)
    _sync(dataset_dir)
    point(dataset_dir, version)
    return place


def versions(dataset_dir: Path) -> list[Path]:
    """The releases in `dataset_dir`, the oldest version first."""
    found = [path for path in dataset_dir.glob("*.*.*") if VERSION.fullmatch(path.name) and (path / SUMS).is_file()]
    return sorted(found, key=lambda path: [int(n) for n in path.name.split(".")])


def latest(dataset_dir: Path) -> Path | None:
    """The newest release in `dataset_dir`, whatever LATEST says; None where there is none."""
    return next(reversed(versions(dataset_dir)), None)


def checksum(release: Path) -> str:
    """SHA-256 of a release's SHA256SUMS, which stands for all of it."""
    return sha256(release / SUMS)


def point(dataset_dir: Path, version: str) -> None:
    """Make LATEST name `version`, in one step; nothing is written where it does."""
    target, fresh = dataset_dir / "LATEST", dataset_dir / ".LATEST"
    if target.is_file() and target.read_text("utf-8") == f"{version}\n":
        return
    _text(fresh, version)
    _sync(fresh)
    os.replace(fresh, target)
    _sync(dataset_dir)


def listed(release: Path) -> list[str]:
    """The paths SHA256SUMS has to list: everything below `release` but quality/ and itself, sorted."""
    found = (path.relative_to(release).as_posix() for path in release.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(name for name in found if name != SUMS and not name.startswith(f"{QUALITY}/"))


def json_lines(table: pa.Table, target: BinaryIO) -> None:
    """`table` as JSON Lines: an object a row, keys in the order of the columns, nulls written."""
    pl.DataFrame(table).write_ndjson(target)


def batches(source: Path, schema: pa.Schema | None = None) -> Iterator[pa.Table]:
    """The rows of a Parquet file, ROWS at a time whatever its row groups, without what the file notes of itself.

    Raises OSError, ValueError or pa.ArrowException where the file is damaged.
    """
    with pq.ParquetFile(source, page_checksum_verification=True) as file:
        _check_notes(file)
        for batch in file.iter_batches(ROWS):
            table = pa.Table.from_batches([batch]).replace_schema_metadata()
            yield table.cast(schema) if schema else table


def _check_notes(file: pq.ParquetFile) -> None:
    """Raises ValueError where what a Parquet file notes of itself or of a column is damaged: polars would take the process down over it."""
    schema = file.schema_arrow
    if (file.metadata.metadata or {}).get(NOTES) != (schema.metadata or {}).get(NOTES):
        raise ValueError("the two copies of the features in it differ")
    fields = list(schema)
    for field in fields:
        for words in (field.metadata or {}).items():
            b" ".join(words).decode()
        fields += [field.type.field(i) for i in range(field.type.num_fields)]


def _table(source: Path, release: Path, name: str, version: str) -> None:
    """Write one table as Parquet and JSON Lines, a file of each per split."""
    schema = schemas.table(name).SCHEMA
    have = pq.read_schema(source)
    if have.names != schema.names or have.types != schema.types:
        raise ValueError(f"{source} has not the columns of schemas/{name}.py: write it with that schema")
    for split, rows in _parts(source, name):
        parquet, jsonl = (release / top / name / f"{split}-00000-of-00001.{end}" for top, end in (("data", "parquet"), ("jsonl", "jsonl")))
        for path in (parquet, jsonl):
            path.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(parquet, _noted(schema, version), **_options(name)) as writer, jsonl.open("wb") as lines:
            for table in _groups(rows):
                writer.write_table(table, row_group_size=GROUP_ROWS)
                json_lines(table, lines)


def _parts(source: Path, name: str) -> Iterator[tuple[str, Iterator[pa.Table]]]:
    """The rows of a table by the split they are stored in: that of their column `split`, but where the table is that of splits."""
    schema = schemas.table(name).SCHEMA
    if name == "splits" or "split" not in schema.names:
        yield "train", batches(source, schema)
        return
    for split in sorted(pc.unique(pq.read_table(source, columns=["split"])["split"]).to_pylist()):
        yield split, (table.filter(pc.field("split") == pc.scalar(split)) for table in batches(source, schema))


def _noted(schema: pa.Schema, version: str) -> pa.Schema:
    """The schema with what the `datasets` library looks for in a Parquet file: its features, and the version of the dataset."""
    return schema.with_metadata({NOTES: json.dumps({"info": {"features": features(schema), "version": version}})})


def _options(name: str) -> dict:
    order = [(column.strip(' "'), "ascending") for column in schemas.table(name).ORDER.split(",")]
    return {
        "compression": "zstd",
        "use_content_defined_chunking": True,
        "write_page_index": True,
        "write_page_checksum": True,
        "sorting_columns": pq.SortingColumn.from_ordering(schemas.table(name).SCHEMA, order, null_placement="at_end"),
    }


def _groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The rows in tables of GROUP_ROWS, or of as many as fill GROUP_BYTES with their strings, however they come."""
    waiting: list[pa.Table] = []
    rows = size = 0
    for table in tables:
        total, at = np.cumsum(_string_bytes(table)), 0
        while at < len(total):
            before = total[at - 1] if at else 0
            end = min(at + GROUP_ROWS - rows, int(np.searchsorted(total, before + GROUP_BYTES - size)) + 1, len(total))
            waiting.append(table.slice(at, end - at))
            rows, size, at = rows + end - at, size + total[end - 1] - before, end
            if rows == GROUP_ROWS or size >= GROUP_BYTES:
                yield pa.concat_tables(waiting).combine_chunks()
                waiting, rows, size = [], 0, 0
    if waiting:
        yield pa.concat_tables(waiting).combine_chunks()


def _string_bytes(table: pa.Table) -> np.ndarray:
    """The bytes that the strings of each row take, those in lists left out."""
    found = np.zeros(table.num_rows, np.int64)
    for column in (c for c in table.columns if pa.types.is_string(c.type)):
        found += pc.fill_null(pc.binary_length(column), 0).to_numpy()
    return found


def _papers(release: Path, dataset: dict, version: str) -> None:
    """What the release says of itself, once its tables are there."""
    figures = measure(release)
    _text(release / "README.md", card(release, dataset, version, figures))
    _text(release / "DATASHEET.md", datasheet(dataset, version, figures))
    _text(release / "CITATION.cff", citation(dataset, version))
    _text(release / "croissant.json", json.dumps(croissant(release, dataset, version, figures), ensure_ascii=False, indent=2))


def _rows(folder: Path, name: str) -> int:
    return sum(pq.read_metadata(path).num_rows for path in files(folder, name))


def _changes(release: Path, old: Path | None, record: dict) -> None:
    """changes.jsonl, where there is a release to compare with, and from it CHANGES.md."""
    told = release / "changes.jsonl"
    if old is None:
        _text(release / "CHANGES.md", summary(record["version"], None, []))
        return
    with told.open("w", encoding="utf-8", newline="\n") as lines:
        lines.writelines(json.dumps(c, ensure_ascii=False) + "\n" for c in changes(old, release, facts(old), record))
    with told.open(encoding="utf-8") as lines:
        _text(release / "CHANGES.md", summary(record["version"], record["previous"], map(json.loads, lines)))


def _text(path: Path, text: str) -> None:
    path.write_bytes((text.rstrip("\n") + "\n").encode())


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
