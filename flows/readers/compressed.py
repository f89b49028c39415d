"""gzip and Zstandard, undone as streams that grow only so far, whole or member by member (a frame of Zstandard)."""

import io
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from backports import zstd

from flows.readers.records import media_type
from flows.traced import Rejected

CHUNK = 1 << 16
# Text shrinks to a tenth, the same template filled in ten thousand times to a fortieth; what swells more is no text.
MAX_SWELL = 100
SWELL_FREE = 1 << 26
# A dictionary for all frames stands in a frame of its own: iipc.github.io/warc-specifications/specifications/warc-zstd
DICTIONARY = b"\x5d\x2a\x4d\x18"
ENDINGS = (b".gz", b".zst", b".zstd")


class Gzip:
    """zlib with the interface of the decompressors of the standard library."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not self._zlib.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data


class _Stream(io.RawIOBase):
    def __init__(self, pieces: Iterator[bytes]):
        self._pieces, self._rest = pieces, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        self._rest = self._rest or next(self._pieces, b"")
        piece, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)


def is_compressed(head: bytes) -> bool:
    """Whether a file that begins so is gzip or Zstandard."""
    return media_type(head) in ("application/gzip", "application/zstd")


def bare(name: bytes) -> bytes:
    """A file's name without the ending of a compression."""
    return next((name[: -len(e)] for e in ENDINGS if name.lower().endswith(e)), name)


def stream(file: BinaryIO, whole: bool = True) -> io.BufferedReader:
    """The content from the file's place on: of one member, or of all. Reading it raises Rejected as `pieces` does."""
    return io.BufferedReader(_Stream(pieces(file, whole)), CHUNK)


def pieces(file: BinaryIO, whole: bool) -> Iterator[bytes]:
    """The content of the member that begins at the file's place, or of all members; the file then stands behind it.

    Raises Rejected: truncated, damaged, too_large (a decompression bomb).
    """
    dictionary = _dictionary(file)
    start, made, data = file.tell(), 0, b""
    decoder = _decoder(file, dictionary)
    try:
        while decoder:
            piece = decoder.decompress(data, max_length=CHUNK)
            made += len(piece)
            if made > SWELL_FREE and made > MAX_SWELL * (file.tell() - start):
                raise Rejected("too_large", f"it swells to more than {MAX_SWELL} times its size")
            if piece:
                yield piece
            data = b""
            if decoder.eof:
                file.seek(-len(decoder.unused_data), io.SEEK_CUR)
                decoder = _decoder(file, dictionary) if whole else None
            elif decoder.needs_input and not (data := file.read(CHUNK // 16)):
                raise Rejected("truncated", "the compressed data ends in the middle")
    except (zlib.error, zstd.ZstdError) as error:
        raise Rejected("damaged", f"the compressed data is damaged: {error}"[:200]) from None


def beginning(file: BinaryIO) -> bytes:
    """The first bytes of the member that may begin at the file's place, as far as they can be told."""
    try:
        decoder = _decoder(file, _dictionary(file))
        return decoder.decompress(file.read(2 * CHUNK), max_length=16) if decoder else b""
    except (zlib.error, zstd.ZstdError, Rejected):
        return b""


def _decoder(file: BinaryIO, dictionary: zstd.ZstdDict | None) -> Gzip | zstd.ZstdDecompressor | None:
    """A decompressor for the member at the file's place; None at the end, where zeros may stand as padding."""
    head = file.read(4)
    file.seek(-len(head), io.SEEK_CUR)
    if is_compressed(head):
        return Gzip() if head.startswith(b"\x1f\x8b") else zstd.ZstdDecompressor(zstd_dict=dictionary)
    if head.strip(b"\0"):
        raise Rejected("damaged", "something else follows the compressed data")
    return None


def _dictionary(file: BinaryIO) -> zstd.ZstdDict | None:
    """The dictionary at the start of a file, if it has one."""
    at = file.tell()
    file.seek(0)
    head = file.read(8)
    data = file.read(min(int.from_bytes(head[4:], "little"), CHUNK * 64)) if head.startswith(DICTIONARY) else b""
    file.seek(at)
    try:
        if data.startswith(b"\x28\xb5\x2f\xfd"):
            data = zstd.ZstdDecompressor().decompress(data, max_length=CHUNK * 64)
        return zstd.ZstdDict(data, is_raw=not data.startswith(b"\x37\xa4\x30\xec")) if data else None
    except (zstd.ZstdError, ValueError):
        raise Rejected("damaged", "the dictionary of the compressed data is damaged") from None
