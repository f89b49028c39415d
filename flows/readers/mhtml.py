"""MHTML: the page in what a browser saves as one file. Its pictures, styles and frames are not read.

RFC 2557; browsers name the page in Snapshot-Content-Location.
"""

import re
from datetime import UTC
from email import message_from_bytes
from email.errors import CloseBoundaryNotFoundDefect
from email.message import Message
from email.utils import parsedate_to_datetime

from flows.readers.records import PAGES, Record, refused, sized

# A Content-Type with more in it takes the parser of the standard library time that grows with the square.
LONG_HEADER = re.compile(rb"^content-type:(?:[^\r\n]|\r?\n[ \t]){8192}", re.I | re.M)


def page(data: bytes, limit: int) -> Record:
    """The one capture of an MHTML file: its page in HTML, or else in plain text, with the transfer coding undone."""
    if LONG_HEADER.search(data):
        return refused(0, "broken_record", "not readable as MHTML: it has a header of more than 8192 bytes")
    try:
        message = message_from_bytes(data)
        parts = [p for p in message.walk() if p.get_content_type() in PAGES and not p.is_multipart()]
        address = _header(message, "Snapshot-Content-Location")
        # HTML before plain text, the page before its frames, which follow it.
        parts.sort(key=lambda p: (p.get_content_type() != "text/html", address is None or _header(p, "Content-Location") != address))
        if not parts:
            return refused(0, "wrong_type", "no part of it is HTML or plain text")
        found = parts[0]
        if found is [*message.walk()][-1] and any(isinstance(d, CloseBoundaryNotFoundDefect) for d in message.defects):
            return refused(0, "truncated_record", "the file ends before the page does")
        payload = bytes(found.get_payload(decode=True))
        charset = found.get_content_charset()
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        return refused(0, "broken_record", f"not readable as MHTML: {error}"[:200])
    url = address or _header(found, "Content-Location")
    return sized(Record(0, payload, found.get_content_type(), charset, _web(url), _date(message)), limit)


def _header(message: Message, name: str) -> str | None:
    """A header's value without the white space of folded lines: it is part of no address."""
    value = message.get(name)
    return "".join(str(value).split()) or None if value else None


def _web(url: str | None) -> str | None:
    return url if url and url.lower().startswith(("http:", "https:")) else None


def _date(message: Message) -> str | None:
    """When the page was saved, in UTC."""
    try:
        saved = parsedate_to_datetime(str(message.get("Date")))
        return (saved.astimezone(UTC) if saved.tzinfo else saved).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, TypeError, OverflowError):
        return None
