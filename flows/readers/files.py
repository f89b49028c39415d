"""Stored files: the records of those that are containers, and the bytes of a capture as they were listed."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from flows.readers import compressed, mhtml, rows, warc
from flows.readers.records import HEAD, Record, media_type, over, page_type, refused, sized
from flows.traced import Rejected
from schemas.captures import path_bytes

FORMATS = {"application/warc": "warc", "application/vnd.apache.parquet": "parquet", "multipart/related": "mhtml"}
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
    match _format(head, name):
        case "warc":
            return warc.records(file, limit)
        case "parquet":
            return rows.parquet(file, limit)
        case "jsonl":
            return rows.lines(file, limit)
        case "mhtml":
            return _whole(file, limit, mhtml.page)
    return None


def _format(head: bytes, name: bytes) -> str | None:
    """By its beginning; only JSON Lines, which may begin like any text, by its name."""
    return FORMATS.get(media_type(head)) or ("jsonl" if name.lower().endswith(rows.ENDINGS) else None)


def _decompressed(file: BinaryIO, name: bytes, limit: int) -> Iterator[Record]:
    """The records of a compressed file. One with no records in it is one capture."""
    try:
        content = compressed.stream(file)
        head = content.peek(HEAD)[:HEAD]
    except Rejected as why:
        yield refused(0, why.reason, why.detail)
        return
    match _format(head, name):
        case "warc" if warc.by_members(file):
            yield from warc.members(file, limit)
        case "warc":
            yield from _warc(file, limit)
        case "jsonl":
            yield from rows.lines(content, limit)
        case "mhtml":
            yield from _whole(content, limit, mhtml.page)
        case _:
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


def _sought(file: BinaryIO, name: bytes) -> Callable[[BinaryIO, int], bytes | None] | None:
    """The function that reads one record of a file without those before it, where the format allows that. Raises Rejected."""
    head = file.read(HEAD)
    file.seek(0)
    if not compressed.is_compressed(head):
        return {"warc": warc.payload, "jsonl": rows.payload}.get(_format(head, name) or "")
    head = compressed.stream(file).peek(HEAD)[:HEAD]
    return warc.member_payload if _format(head, b"") == "warc" and warc.by_members(file) else None


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
