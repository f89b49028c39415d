"""Verify: whether a release is what it says it is.

Without the captures: checksums, schemas, keys, references, the invariants of the schemas, the record digests of
build.json, and that texts, segments, edits and ids agree, down to rebuilding a capture's bytes from its document where
the edits tell them all. With the captures also promises 1 and 2: every file is there, its bytes replayed through the
edits give the text, and every span's bytes give its words. Documents are read one after the other, and DuckDB joins what
is joined, so memory does not grow with the release. Nothing is ever changed.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

import schemas
from flows.parquet import database, files, views
from flows.release.publish import SUMS
from flows.release.verify_captures import Read, broken_promises, others, reader
from flows.release.verify_documents import disagreements
from flows.release.verify_files import digests, shapes, sums, unlike_json
from flows.release.verify_records import documents, one_line, told
from flows.release.verify_tables import refused_values, relations, unordered


def verify(release: Path, captures: Path | None = None, payload: Callable[[Path, str, int], bytes | None] | None = None) -> list[str]:
    """What is wrong with `release`, a line a problem that names file, table and row; empty where all holds.

    captures: the folder the captures' paths start from. payload: gives, of such a folder, the bytes of the record of a
    container by path and offset, None where there is none; without it records cannot be verified.
    """
    if not (release / SUMS).is_file():
        return [f"{release}: no release, it has no {SUMS}; give a folder dist/<dataset>/<version>"]
    problems = [*sums(release)]
    # Tables that are not as they were published are not opened: what reads them does not expect broken files.
    if not any(problem.startswith(("data/", "jsonl/")) for problem in problems):
        try:
            problems += [*told(shapes(release))] or _contents(release, reader(captures, payload) if captures else None)
        except (pa.ArrowException, duckdb.Error, pl.exceptions.PolarsError, OSError, ValueError) as error:
            problems.append(f"data: the tables cannot be read to their end ({one_line(error)})")
    return problems


def unlisted(release: Path, names: Iterable[str]) -> list[str]:
    """A line for each file of the captures folder (`names`, as paths in the table) that has no row in captures."""
    known = {path for file in files(release, "captures") for path in pq.read_table(file, columns=["path"])["path"].to_pylist()}
    if None in known:  # a public release: its paths are withheld
        return []
    return [*told(f"{name}: in the captures folder, and without a row in captures" for name in names if name not in known)]


def _contents(release: Path, read: Read | None) -> list[str]:
    problems = [*digests(release)]
    for name in schemas.TABLES:
        problems += told(unlike_json(release, name))
        problems += told(refused_values(release, name))
    with database() as db:
        views(db, release)
        disordered = [*unordered(db)]
        problems += [*disordered, *relations(db)]
        holes = {c for (c,) in db.execute("SELECT DISTINCT capture_id FROM rejections WHERE \"table\" = 'segments'").fetchall()}
    if not disordered:  # they are read side by side
        problems += told(_of_documents(release, read, holes))
    if read:
        problems += told(others(release, read))
    return problems


def _of_documents(release: Path, read: Read | None, holes: set[str]) -> Iterator[str]:
    """What is wrong with documents. `holes` are the captures of which segments were rejected."""
    for whole in documents(release, with_items=read is not None):
        yield from disagreements(whole, whole.document.capture_id in holes)
        if read:
            yield from broken_promises(whole, read)
