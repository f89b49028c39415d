"""JSON Lines and Parquet: each row with a text in `html` or `text` is a capture, of the bytes of that text in UTF-8.

`url`, `date_retrieved` and `outlet` are read too. Other columns are not; `date` least of all, since nobody knows of what.
"""

import json
from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from flows.readers.records import Record, over, page_type, refused, sized
from flows.traced import Rejected

ENDINGS = (b".jsonl", b".ndjson")
COLUMNS = ("html", "text", "url", "date_retrieved", "outlet")
# JSON may spell a letter of two bytes with six; names and other values of a row have room besides.
MAX_LINE_SWELL = 4
LINE_FREE = 1 << 20
BATCH = 32


def lines(file: BinaryIO, limit: int) -> Iterator[Record]:
    """The rows of JSON Lines from the file's place on. `offset` is that of the line; blank lines are no rows."""
    at, most = 0, MAX_LINE_SWELL * limit + LINE_FREE
    try:
        while line := file.readline(most):
            begin, at = at, at + len(line)
            if len(line) == most and not line.endswith(b"\n"):
                while line and not line.endswith(b"\n"):
                    line = file.readline(LINE_FREE)
                    at += len(line)
                yield refused(begin, "too_large", over(limit))
            elif line.strip():
                yield sized(line_record(line, begin), limit)
    except Rejected as why:  # compressed data that is cut off, damaged or a bomb
        yield refused(at, why.reason, why.detail)


def payload(file: BinaryIO, offset: int) -> bytes | None:
    """The payload of the row at `offset` of JSON Lines."""
    file.seek(offset)
    return line_record(file.readline(), offset).payload


def line_record(line: bytes, offset: int) -> Record:
    """The row in one line of JSON Lines, or why it is none."""
    try:
        row = json.loads(line.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError) as error:
        return refused(offset, "broken_record", f"not readable as JSON: {error}"[:200])
    told = {name: value for name, value in row.items() if name in COLUMNS and isinstance(value, str)} if isinstance(row, dict) else {}
    return _record({name: value.encode("utf-8", "surrogatepass") for name, value in told.items()}, offset)


def parquet(file: BinaryIO, limit: int) -> Iterator[Record]:
    """The rows of a Parquet file; `offset` is the number of the row."""
    at = 0
    try:
        with pq.ParquetFile(file) as table:
            names = [f.name for f in table.schema_arrow if f.name in COLUMNS and _is_text(f.type)]
            if not {"html", "text"} & set(names):
                yield refused(0, "wrong_type", f"no text column `text` or `html`; it has {', '.join(table.schema_arrow.names)}"[:200])
                return
            for batch in table.iter_batches(BATCH, columns=names, use_threads=False):
                columns = [batch.column(name).cast(pa.large_binary()).to_pylist() for name in batch.schema.names]
                for values in zip(*columns, strict=True):
                    row = {name: value for name, value in zip(batch.schema.names, values, strict=True) if value is not None}
                    yield sized(_record(row, at), limit)
                    at += 1
    except (pa.ArrowException, OSError, ValueError) as error:
        yield refused(at, "broken_container", f"not readable as Parquet: {' '.join(str(error).split())}"[:200])


def _record(row: dict[str, bytes], offset: int) -> Record:
    name = next((name for name in ("html", "text") if row.get(name)), None)
    if name is None:
        return refused(offset, "no_text", "neither `html` nor `text` holds any")
    told = {key: row[key].decode("utf-8", "replace").strip() or None for key in COLUMNS[2:] if key in row}
    return Record(offset, row[name], "text/html" if name == "html" else page_type(row[name]), **told)


def _is_text(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return any(test(kind) for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary))
