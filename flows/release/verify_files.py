"""Verify, the files: whether each is the one that was published, and the tables in them are whole and the same in both forms."""

import io
import json
import re
from collections.abc import Iterator
from itertools import islice, zip_longest
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import schemas
from flows.parquet import digest, files
from flows.release.provenance import sha256
from flows.release.publish import SUMS, batches, json_lines, listed
from flows.release.verify_records import one_line


def sums(release: Path) -> Iterator[str]:
    """Files that are not those of SHA256SUMS."""
    wanted = {}
    for number, line in enumerate((release / SUMS).read_text("utf-8", "replace").splitlines(), 1):
        expected, _, name = line.partition("  ")
        if not re.fullmatch("[0-9a-f]{64}", expected) or not name or name in wanted:
            yield f"{SUMS}: line {number} is not a hash and the path of one file"
        wanted[name] = expected
    there = listed(release)
    for name in sorted(wanted.keys() | there):
        path = release / name
        if name not in wanted:
            yield f"{name}: not listed in {SUMS}"
        elif name not in there:
            yield f"{name}: listed in {SUMS} and missing"
        elif path.is_symlink() or not path.is_file():
            yield f"{name}: not a plain file"
        elif sha256(path) != wanted[name]:
            yield f"{name}: its SHA-256 is not the one in {SUMS}"


def shapes(release: Path) -> Iterator[str]:
    """Files of tables that cannot be read as their schema says, so that no later check makes sense."""
    stems = {}
    for top, ending in (("data", ".parquet"), ("jsonl", ".jsonl")):
        found = [name for name in listed(release) if name.startswith(f"{top}/")]
        for name in found:
            if name.split("/")[1] not in schemas.TABLES or not name.endswith(ending) or name.count("/") != 2:
                yield f"{name}: not a file of a table"
        stems[top] = {name.removeprefix(f"{top}/").removesuffix(ending) for name in found}
    for stem in sorted(stems["data"] ^ stems["jsonl"]):
        yield f"{stem}: in only one of data/ and jsonl/"
    for name in schemas.TABLES:
        for path in files(release, name):
            try:
                same = pq.read_schema(path).equals(schemas.table(name).SCHEMA)
            except (pa.ArrowException, OSError) as error:
                yield f"{path.relative_to(release)}: not readable as Parquet ({one_line(error)})"
                continue
            if not same:
                yield f"{path.relative_to(release)}: its columns are not those of schemas/{name}.py"


def digests(release: Path) -> Iterator[str]:
    """Tables that have not the rows that build.json says."""
    try:
        build = json.loads((release / "build.json").read_text("utf-8"))
        wanted = {name: (build["rows"].get(name), build["digests"].get(name)) for name in schemas.TABLES}
    except (OSError, ValueError, KeyError, AttributeError) as error:
        yield f"build.json: no rows and digests by table in it ({one_line(error)})"
        return
    for name in schemas.TABLES:
        found = files(release, name)
        rows = sum(pq.read_metadata(path).num_rows for path in found) if found else None
        if wanted[name][0] != rows:
            yield f"{name}: {rows} rows where build.json says {wanted[name][0]}"
        if wanted[name][1] != (digest(found) if found else None):
            yield f"{name}: its record digest is not the one in build.json"


def unlike_json(release: Path, table: str) -> Iterator[str]:
    """Rows of the JSON Lines that are not those of the Parquet."""
    for path in files(release, table):
        name = f"jsonl/{table}/{path.stem}.jsonl"
        with (release / name).open("rb") as lines:
            row = 0
            for frame in batches(path):
                made = io.BytesIO()
                json_lines(frame, made)
                wanted, begin = made.getbuffer(), lines.tell()
                # Other versions may write a number otherwise: the bytes being equal is the fast way only.
                if lines.read(len(wanted)) != wanted:
                    lines.seek(begin)
                    pairs = zip_longest(islice(lines, frame.num_rows), bytes(wanted).splitlines())
                    unlike = (row + i for i, pair in enumerate(pairs, 1) if not _same(*pair))
                    yield from (f"{name}: line {i} is not row {i} of the Parquet" for i in unlike)
                row += frame.num_rows
            yield from (f"{name}: line {row + i} has no row in the Parquet" for i, _ in enumerate(lines, 1))


def _same(line: bytes | None, wanted: bytes) -> bool:
    try:
        return line is not None and line.endswith(b"\n") and list(json.loads(line).items()) == list(json.loads(wanted).items())
    except (ValueError, AttributeError):
        return False
