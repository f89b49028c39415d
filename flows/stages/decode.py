"""Decode: the bytes of a capture become text.

In order: byte order mark, strict UTF-8, UTF-16 and UTF-32 without a mark, UTF-8 with damage (decode_damage.py), what was
declared, detection (decode_detect.py).

The stage never drops a byte in silence: what does not decode one to one is a piece with a rule (decode_pieces.py). It never
touches line ends, repairs mojibake or looks inside HTML: a `meta` declaration is handed to it.
"""

import codecs
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import chardet

from flows.stages.decode_damage import mended, mostly_utf8
from flows.stages.decode_detect import CONTROLS, HIGH, SAMPLE_BYTES, rank, sampled
from flows.stages.decode_names import STATEFUL, declared_sources, decodes, spelling_of
from flows.stages.decode_pieces import assembled
from flows.traced import Change, Rejected, Traced

# Share of control characters above which bytes are no text. Uniformly random bytes have .10, text has none; files that a
# crash padded with NUL are judged without the padding.
BINARY_CONTROLS = 0.05

# UTF-16 and UTF-32: the share of characters that are none, at most (random bytes have .15), and of bytes that are control
# characters, at least (CJK lines have .02 to .10, as their low bytes are evenly spread, all other scripts more).
WIDE_STRANGE = 0.05
WIDE_CONTROLS = 0.015

# A declaration is believed when its score is at least this share of the best one's. At .65 every right one was (files of 3 and
# 12 lines, 17 encodings), and of the wrong ones only ISO 8859-2 for French. Where a file has few characters to judge by, the
# word of its publisher weighs more: that many nats for the whole file.
DECLARED, DECLARED_NATS = 0.65, 1.0

BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
        (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"), (b"\x84\x31\x95\x33", "gb18030"))  # fmt: skip
MAGIC = (
    (b"\x89PNG\r\n", "PNG"), (b"%PDF-", "PDF"), (b"PK\x03\x04", "ZIP"), (b"PK\x05\x06", "ZIP"), (b"\x1f\x8b\x08", "gzip"),
    (b"\xff\xd8\xff", "JPEG"), (b"GIF87a", "GIF"), (b"GIF89a", "GIF"), (b"BZh91AY&SY", "bzip2"), (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "Zstandard"), (b"7z\xbc\xaf\x27\x1c", "7-Zip"), (b"Rar!\x1a\x07", "RAR"), (b"\x7fELF", "ELF"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "OLE document"), (b"wOFF", "font"), (b"wOF2", "font"), (b"ID3\x03", "MP3"), (b"ID3\x04", "MP3"),
    (b"SQLite format 3\x00", "SQLite"), (b"PAR1", "Parquet"),
)  # fmt: skip

PRINTABLE = bytes(range(32, 127)) + b"\t\n\r"
INK = re.compile(r"[^\s\0\ufeff]")
SHIFTS = re.compile(rb"\x1b[$(]|\x1b%|\x0e|~\{|\+[A-Za-z0-9+/]{2,}")


class Decoded(NamedTuple):
    """`encoding` is what was found; text.encoding differs where the bytes outside edits are ASCII (ISO 2022, HZ, UTF-7)."""

    text: Traced
    encoding: str
    encoding_source: str
    evidence: str


def decode(data: bytes, declared: Sequence[tuple[str, str]] = ()) -> Decoded:
    """Decode a capture's payload.

    `declared` are (encoding, source) in order of trust, such as ("windows-1251", "http"). `encoding_source` is `bom`,
    `utf-8`, `declared:<source>` or `detected`; `evidence` says why in a few words.

    Raises Rejected("empty") for nothing but white space, Rejected("binary") for what is no text.
    """
    if not data or data.isspace():
        raise Rejected("empty", f"{len(data)} bytes, none of them text")
    for magic, name in MAGIC:
        if data.startswith(magic):
            raise Rejected("binary", f"starts like a {name} file")
    found = _marked(data) or _wide(data, declared) or _shifted(data, declared) or _utf8(data, declared) or _legacy(data, declared)
    if not INK.search(found.text.text):
        raise Rejected("empty", f"{len(data)} bytes, none of them text")
    return found


def _marked(data: bytes) -> Decoded | None:
    """By its byte order mark. FF FE 00 00 is UTF-32 only where all of it is."""
    for mark, encoding in BOMS:
        if data.startswith(mark) and not (encoding == "utf-32-le" and not decodes(data, encoding)):
            bom = Change(0, len(mark), "", "bom", "removed")
            pieces = mended(data, len(mark)) if encoding == "utf-8" else None
            return Decoded(assembled(data, encoding, bom, pieces), encoding, "bom", f"byte order mark of {encoding}")
    return None


def _wide(data: bytes, declared: Sequence[tuple[str, str]]) -> Decoded | None:
    """UTF-16 or UTF-32 without a mark: read the right way round it has ASCII, spaces and CJK stops; the wrong way round
    those are letters of nowhere. Text in other encodings has no NUL, so nothing else is tried."""
    sources = declared_sources(declared)
    if b"\0" not in data and not any(name.startswith(("utf-16", "utf-32")) for name in sources):
        return None
    sample = data[: SAMPLE_BYTES // 16]
    share, encoding = max((_wideness(sample, e), e) for e in ("utf-16-be", "utf-16-le", "utf-32-be", "utf-32-le"))
    if share <= 0 or not _unlike_bytes(sample):
        _refuse_binary(data)
        return None
    source = sources.get(encoding) or sources.get(encoding[:6]) or "detected"
    evidence = f"{share:.2f} of the characters are ASCII or stops when read as {encoding}"
    return Decoded(assembled(data, encoding), encoding, source, evidence)


def _wideness(sample: bytes, encoding: str) -> float:
    """Share of the sample's characters that any text has, 0 where too many are no characters at all."""
    text = sample.decode(encoding, "replace").rstrip("\ufffd\0")
    known = Counter(unicodedata.category(c) if c not in "\t\n\r\f" else "Zs" for c in text)
    strange = known["Cn"] + known["Co"] + known["Cc"] + known["Cs"] + text.count("\ufffd")
    common = sum(" " <= c <= "~" or c in "\n\r\t\u3000、。，“”’" for c in text)
    return 0.0 if strange > WIDE_STRANGE * len(text) else round(common / max(len(text), 1), 4)


def _unlike_bytes(sample: bytes) -> bool:
    """Whether the bytes make no sense one by one or as UTF-8, as those of a text that NUL fell into or padded do."""
    sample = sample.rstrip(b"\0") + b"\0"
    nul, plain = sample.count(0), len(sample) - len(sample.translate(None, PRINTABLE))
    if (nul <= 0.2 * len(sample) and plain >= 0.9 * (len(sample) - nul)) or (not sample.isascii() and mostly_utf8(sample)):
        return False
    return _controls(sample) >= WIDE_CONTROLS * len(sample)


def _shifted(data: bytes, declared: Sequence[tuple[str, str]]) -> Decoded | None:
    """ISO 2022, HZ and UTF-7: ASCII bytes that say something else between shifts."""
    if not data.isascii() or not any(mark in data for mark in (b"\x1b", b"\x0e", b"~{", b"+")):
        return None
    shift = SHIFTS.search(data)
    if not shift:
        return None
    sources = declared_sources(declared)
    found = chardet.detect(data[max(0, shift.start() - 1024) : shift.start() + SAMPLE_BYTES], compat_names=False)["encoding"]
    named = [n for n in sources if n.startswith(STATEFUL) and decodes(data, n)] or [found or ""]
    if not named[0].startswith(STATEFUL):
        return None
    encoding = spelling_of(data, named[0])
    text = assembled(data, encoding)
    return Decoded(text, encoding, sources.get(encoding, "detected"), f"shift sequences of {encoding}") if text.edits else None


def _utf8(data: bytes, declared: Sequence[tuple[str, str]]) -> Decoded | None:
    """Strict UTF-8, or UTF-8 with damage."""
    try:
        text = Traced.decoded(data, "utf-8")
    except UnicodeDecodeError:
        if not mostly_utf8(sampled(data)):
            return None
        text = assembled(data, "utf-8", pieces=mended(data))
        rules = Counter(e.rules[-1] for e in text.edits)
        return Decoded(text, "utf-8", "utf-8", "UTF-8 but for " + ", ".join(f"{n} {rule}" for rule, n in sorted(rules.items())))
    if b"\0" in data or data[:4096].translate(None, CONTROLS) != data[:4096]:
        _refuse_binary(data)
    said = [f"{source} says {name}" for name, source in declared if not declared_sources([(name, source)]).keys() <= {"utf-8", "ascii"}]
    return Decoded(text, "utf-8", "utf-8", ", ".join(["ASCII" if data.isascii() else "valid UTF-8", *said]))


def _legacy(data: bytes, declared: Sequence[tuple[str, str]]) -> Decoded:
    """What was declared, where it is plausible; else what detection says."""
    _refuse_binary(data)
    sample = sampled(data)
    sources: dict[str, str] = {}
    for name, source in declared_sources(declared).items():
        sources.setdefault(spelling_of(sample, name), source)
    ranked = rank(sample, keep=set(sources))
    best, found = ranked[0], {c.encoding: c for c in ranked}
    floor = best.score + math.log(DECLARED) - DECLARED_NATS / (len(HIGH.findall(sample)) or 1)
    plausible = [e for e in sources if e in found and (found[e].score >= floor or found[e].text == best.text)]
    encoding, source = (plausible[0], sources[plausible[0]]) if plausible else (best.encoding, "detected")
    others = [d for d in declared if encoding not in {spelling_of(sample, name) for name in declared_sources([d])}]
    evidence = ", ".join([*(f"{c.encoding} {c.score:.2f}" for c in ranked[:3]), *(f"{where} says {name}" for name, where in others)])
    encoding = spelling_of(data, encoding)
    return Decoded(assembled(data, encoding), encoding, source, evidence)


def _refuse_binary(data: bytes) -> None:
    bare = data.rstrip(b"\0")
    sample = bare[:SAMPLE_BYTES]
    controls = _controls(sample)
    if not sample or controls > 2 + BINARY_CONTROLS * len(sample):
        raise Rejected("binary", f"{controls} of the first {len(sample)} bytes are control characters")


def _controls(sample: bytes) -> int:
    return len(sample) - len(sample.translate(None, CONTROLS))
