"""Stored files: the records of those that are containers, and the bytes of a capture as they were listed."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import BinaryIO

from flows.readers import compressed, mhtml, rows, warc
from flows.readers.records import HEAD, Record, media_type, over, page_type, refused, sized
from flows.traced import Rejected
from schemas.captures import path_bytes

# More than any capture that was listed; the swell of compressed data is bounded all the same.
UNLIMITED = 1 << 40


def read(root: Path, path: str, sha256: str, record_offset: int | None = None) -> bytes:
    """The bytes of a capture listed with this hash. Raises Rejected where they are gone or changed."""
    try:
        data = payload(root, path, record_offset)
    except OSError as error:
        raise Rejected("unreadable", error.strerror or str(error)) from None
    if data is None or hashlib.sha256(data).hexdigest() != sha256:
        raise Rejected("changed_while_building", "the file is not the one that was listed; build again")
    return data


def payload(root: Path, path: str, record_offset: int | None) -> bytes | None:
    """The bytes of the capture at `record_offset` of a stored file, or of the whole file; None where there is none.

    Raises OSError.
    """
    name = os.path.join(os.fsencode(root), path_bytes(path))
    with open(name, "rb") as file:
        if record_offset is None:
            return file.read()
        try:
            if at := _sought(file, name):
                return at(file, record_offset)
        except Rejected:
            return None
        status = os.fstat(file.fileno())
    spool, places = _spooled(name, status.st_mtime_ns, status.st_size)
    if record_offset not in places:
        return None
    start, end = places[record_offset]
    return os.pread(spool.fileno(), end - start, start)


def records(file: BinaryIO, name: bytes, limit: int) -> Iterator[Record] | None:
    """The records of a stored file of that name, from its start; None where it is one page and a capture by itself.

    limit: bytes a payload may have.
    """
    head = file.read(HEAD)
    file.seek(0)
    return _decompressed(file, compressed.bare(name), limit) if compressed.is_compressed(head) else _records(file, head, name, limit)


def _records(file: BinaryIO, head: bytes, name: bytes, limit: int) -> Iterator[Record] | None:
    kind = _format(head, name)
    return READERS[kind](file, limit) if kind else None


def _format(head: bytes, name: bytes) -> str | None:
    """The key of READERS for a file: by its beginning, or else by its name."""
    kind = media_type(head)
    return kind if kind in READERS else next((told for told, ends in ENDINGS.items() if name.lower().endswith(ends)), None)


def _decompressed(file: BinaryIO, name: bytes, limit: int) -> Iterator[Record]:
    """The records of a compressed file. One with no records in it is one capture."""
    try:
        content = compressed.stream(file)
        head = content.peek(HEAD)[:HEAD]
    except Rejected as why:
        yield refused(0, why.reason, why.detail)
        return
    kind = _format(head, name)
    if kind == WARC:
        yield from warc.members(file, limit) if warc.by_members(file) else _warc(file, limit)
    elif kind and kind != PARQUET:  # which is read from its end, and no stream is
        yield from READERS[kind](content, limit)
    else:
        yield from _whole(content, limit, lambda data, most: sized(Record(0, data, page_type(data)), most))


def _warc(file: BinaryIO, limit: int) -> Iterator[Record]:
    """The records of a WARC compressed as a whole; offsets are those in the WARC itself."""
    cut = None
    with tempfile.TemporaryFile() as spool:
        file.seek(0)
        try:
            for piece in compressed.pieces(file, whole=True):
                spool.write(piece)
        except Rejected as why:
            cut = refused(spool.tell(), why.reason, why.detail)
        yield from warc.records(spool, limit)
    if cut:
        yield cut


def _whole(content: BinaryIO, limit: int, reader: Callable[[bytes, int], Record]) -> Iterator[Record]:
    """The one record of a file that has to be read whole."""
    parts, left = [], limit
    try:
        while left >= 0 and (piece := content.read(compressed.CHUNK)):
            parts.append(piece)
            left -= len(piece)
    except Rejected as why:
        yield refused(0, why.reason, why.detail)
        return
    yield reader(b"".join(parts), limit) if left >= 0 else refused(0, "too_large", over(limit))


WARC, PARQUET, JSONL = "application/warc", "application/vnd.apache.parquet", "application/jsonl"
# How the records of a file are read from its start, by its media type; what is none of these is one page.
READERS: dict[str, Callable[[BinaryIO, int], Iterator[Record]]] = {
    WARC: warc.records,
    PARQUET: rows.parquet,
    JSONL: rows.lines,
    "multipart/related": partial(_whole, reader=mhtml.page),
}
# Of a format that may begin like any text, how its files' names end; how the others begin, records.BEGINNINGS says.
ENDINGS = {JSONL: rows.ENDINGS}


def _sought(file: BinaryIO, name: bytes) -> Callable[[BinaryIO, int], bytes | None] | None:
    """The function that reads one record of a file without those before it, where the format allows that. Raises Rejected."""
    head = file.read(HEAD)
    file.seek(0)
    if not compressed.is_compressed(head):
        return {WARC: warc.payload, JSONL: rows.payload}.get(_format(head, name) or "")
    head = compressed.stream(file).peek(HEAD)[:HEAD]
    return warc.member_payload if _format(head, b"") == WARC and warc.by_members(file) else None


@lru_cache(maxsize=2)
def _spooled(name: bytes, mtime: int, size: int) -> tuple[BinaryIO, dict[int, tuple[int, int]]]:
    """The payloads of a file in which nothing can be sought, one after the other in a file without a name, and their places."""
    spool, places = tempfile.TemporaryFile(), {}  # noqa: SIM115 (it lasts as long as the cache)
    with open(name, "rb") as file:
        for record in records(file, name, UNLIMITED) or ():
            if record.payload is not None:
                start = spool.tell()
                spool.write(record.payload)
                places[record.offset] = (start, spool.tell())
    spool.flush()
    return spool, places
