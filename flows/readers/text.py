"""Plain text: a text dump of a page, as a browser's "save as text" or a copy of everything leaves it."""

import hashlib
import os
from pathlib import Path

from flows.traced import Rejected
from schemas.captures import path_bytes

# How the formats without a reader begin; read as text, their markup would pass for sentences.
OTHER_FORMATS = {
    "HTML": (b"<!doctype html", b"<html", b"<?xml", b"<head", b"<body"),
    "MHTML": (b"mime-version:", b"from: <saved by", b"from: \"saved by"),
    "WARC": (b"warc/",),
}
SNIFFED = 512


def read(root: Path, path: str, sha256: str) -> bytes:
    """The bytes of a capture listed with this hash. Raises Rejected where they are gone, changed, or no plain text."""
    try:
        with open(os.path.join(os.fsencode(root), path_bytes(path)), "rb") as file:
            data = file.read()
    except OSError as error:
        raise Rejected("unreadable", error.strerror or "") from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise Rejected("changed_while_building", "the file is not the one that was listed; build again")
    head = data[:SNIFFED].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for name, starts in OTHER_FORMATS.items():
        if head.startswith(starts):
            raise Rejected("unsupported_format", f"{name} has no reader yet; save the page as plain text")
    return data
