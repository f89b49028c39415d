"""Decode: the bytes of a capture become text.

In order: byte order mark, strict UTF-8, UTF-16 and UTF-32 without a mark, UTF-8 with damage (cut inside a character,
stray bytes, lines in a legacy code page), what was declared, detection. Detection is chardet's; its ranking is taken up
again only between candidates it holds nearly equal, by what the letters and quotation marks would look like.

The stage never drops a byte in silence: what does not decode one to one is a piece with a rule. It never touches line
ends, repairs mojibake or looks inside HTML: a `meta` declaration is handed to it.
"""

import codecs
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from typing import NamedTuple

import chardet
from chardet import EncodingEra
from chardet.registry import REGISTRY

from flows.traced import Change, Rejected, Traced

# Detection sees this many bytes: windows spread evenly over a longer file, each moved to its next byte above 0x7F.
SAMPLE_BYTES = 131_072
WINDOWS = 16

# Share of control characters above which bytes are no text. Uniformly random bytes have .10, text has none; files that a
# crash padded with NUL are judged without the padding.
BINARY_CONTROLS = 0.05

# UTF-16 and UTF-32: the share of characters that are none, at most (random bytes have .15), and of bytes that are control
# characters, at least (CJK lines have .02 to .10, as their low bytes are evenly spread, all other scripts more).
WIDE_STRANGE = 0.05
WIDE_CONTROLS = 0.015

# UTF-8 with damage: the share of its characters among characters and undecodable bytes, over lines that are valid as a whole,
# or over everything. Legacy files of 34 encodings had 0 and at most .40 (a heading of two bytes; .30 in files).
UTF8_LINES = 0.05
UTF8_SHARE = 0.45

# A candidate is scored again when chardet's confidence in it is at least this share of the best one's.
RIVAL = 0.5

# A declaration is believed when its score is at least this share of the best one's. At .65 every right one was (files of 3 and
# 12 lines, 17 encodings), and of the wrong ones only ISO 8859-2 for French. Where a file has few characters to judge by, the
# word of its publisher weighs more: that many nats for the whole file.
DECLARED, DECLARED_NATS = 0.65, 1.0

# chardet rules an encoding of several bytes a character out by a single wrong byte. It stays in the race up to this share of
# wrong bytes (and a few in a short file, where one wrong byte spoils its neighbours).
MULTIBYTE = ("gb18030", "big5hkscs", "cp932", "euc_jis_2004", "cp949")
DAMAGE, DAMAGE_FLOOR = 0.003, 3
FALLBACKS = ("cp1252", "utf-8")  # what chardet says of nothing; it warns where they are not to choose from

# How much rarer than the code pages of the web the others are, in nats for the whole file; with few characters it
# decides, with many it does not. Only relations matter: a Mac or DOS page must lose ties and win differences.
RARITY = {EncodingEra.MODERN_WEB: 0.0, EncodingEra.LEGACY_ISO: 0.5, EncodingEra.LEGACY_MAC: 2.0,
          EncodingEra.LEGACY_REGIONAL: 2.0, EncodingEra.DOS: 2.0}  # fmt: skip

# From scores to the confidence of a stretch in a code page: scores are per byte, so a difference says more than it seems. Set on
# mixed files, so that confidence is about the share that is right, and never above what was seen.
SHARPNESS, SUREST = 2.0, 0.99

# Weight of characters out of place and of quotation marks in place, each a share of the characters above ASCII.
ODD, APT = 4.0, 1.5

# The eras chardet may answer from: all but mainframes, whose line ends alone would make them no text file.
ERAS = EncodingEra.ALL & ~EncodingEra.MAINFRAME

# What chardet's (and a publisher's) names stand for: the first of these that decodes everything. Smallest repertoire first where
# the two differ in a character (wave dash), the superset where they do not.
SPELLINGS = {
    "ascii": ("cp1252",), "iso8859-1": ("cp1252",), "iso8859-9": ("cp1254",), "tis-620": ("cp874",), "iso8859-11": ("cp874",),
    "gb2312": ("gb18030",), "gbk": ("gb18030",), "euc_kr": ("cp949",), "big5": ("big5", "cp950", "big5hkscs"),
    "big5hkscs": ("big5", "cp950", "big5hkscs"), "cp950": ("big5", "cp950", "big5hkscs"), "shift_jis": ("shift_jis", "cp932"),
    "cp932": ("shift_jis", "cp932"), "shift_jis_2004": ("shift_jis", "cp932", "shift_jis_2004"), "euc_jis_2004": ("euc_jp", "euc_jis_2004"),
    "iso2022_jp_2": ("iso2022_jp", "iso2022_jp_2"), "iso2022_jp_ext": ("iso2022_jp", "iso2022_jp_ext"),
    "iso2022_jp_2004": ("iso2022_jp", "iso2022_jp_2004"), "iso2022_jp_3": ("iso2022_jp", "iso2022_jp_3"),
}  # fmt: skip
STATEFUL = ("iso2022", "hz", "utf-7")

# A run of characters in another encoding ends here, so that spans in it stay short where no ASCII parts it.
STOPS = ("\n", "\r", " ", "\u3000", "。", "！", "？")

BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
        (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"), (b"\x84\x31\x95\x33", "gb18030"))  # fmt: skip
MAGIC = (
    (b"\x89PNG\r\n", "PNG"), (b"%PDF-", "PDF"), (b"PK\x03\x04", "ZIP"), (b"PK\x05\x06", "ZIP"), (b"\x1f\x8b\x08", "gzip"),
    (b"\xff\xd8\xff", "JPEG"), (b"GIF87a", "GIF"), (b"GIF89a", "GIF"), (b"BZh91AY&SY", "bzip2"), (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "Zstandard"), (b"7z\xbc\xaf\x27\x1c", "7-Zip"), (b"Rar!\x1a\x07", "RAR"), (b"\x7fELF", "ELF"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "OLE document"), (b"wOFF", "font"), (b"wOF2", "font"), (b"ID3\x03", "MP3"), (b"ID3\x04", "MP3"),
    (b"SQLite format 3\x00", "SQLite"), (b"PAR1", "Parquet"),
)  # fmt: skip

CONTROLS = bytes(b for b in range(32) if b not in b"\t\n\v\f\r\x08\x1b") + b"\x7f"
PRINTABLE = bytes(range(32, 127)) + b"\t\n\r"
HIGH = re.compile(rb"[\x80-\xff]")
HIGH_RUN = re.compile(rb"[\x80-\xff]+")
INK = re.compile(r"[^\s\0\ufeff]")
SHIFTS = re.compile(rb"\x1b[$(]|\x1b%|\x0e|~\{|\+[A-Za-z0-9+/]{2,}")
CUT = re.compile(rb"(?:[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})\Z")
LOST = re.compile("[\udc80-\udcff]")

# A line or word whose only undecodable bytes are those.
STRAY_ONLY = re.compile("[^\udc80-\udcff]*(?:[\udc85\udc91-\udc94\udc96\udc97][^\udc80-\udcff]*)+")

# cp1252's quotation marks, dashes and ellipsis: what a stray byte in UTF-8 most often is.
STRAY = {0x85: "…", 0x91: "‘", 0x92: "’", 0x93: "“", 0x94: "”", 0x96: "–", 0x97: "—"}


class Decoded(NamedTuple):
    text: Traced
    encoding: str
    encoding_source: str
    evidence: str


class Candidate(NamedTuple):
    """An encoding, the score that decides (a log probability per character, give or take), and the sample read so."""

    score: float
    encoding: str
    text: str


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


# --- which encoding -------------------------------------------------------------------------------------------------


def _marked(data: bytes) -> Decoded | None:
    """By its byte order mark. FF FE 00 00 is UTF-32 only where all of it is."""
    for mark, encoding in BOMS:
        if data.startswith(mark) and not (encoding == "utf-32-le" and not _decodes(data, encoding)):
            bom = Change(0, len(mark), "", "bom", "removed")
            pieces = _mended(data, len(mark)) if encoding == "utf-8" else None
            return Decoded(_assembled(data, encoding, bom, pieces), encoding, "bom", f"byte order mark of {encoding}")
    return None


def _wide(data: bytes, declared: Sequence[tuple[str, str]]) -> Decoded | None:
    """UTF-16 or UTF-32 without a mark: read the right way round it has ASCII, spaces and CJK stops; the wrong way round
    those are letters of nowhere. Text in other encodings has no NUL, so nothing else is tried."""
    sources = _sources(declared)
    if b"\0" not in data and not any(name.startswith(("utf-16", "utf-32")) for name in sources):
        return None
    sample = data[: SAMPLE_BYTES // 16]
    share, encoding = max((_wideness(sample, e), e) for e in ("utf-16-be", "utf-16-le", "utf-32-be", "utf-32-le"))
    if share <= 0 or not _unlike_bytes(sample):
        _refuse_binary(data)
        return None
    source = sources.get(encoding) or sources.get(encoding[:6]) or "detected"
    evidence = f"{share:.2f} of the characters are ASCII or stops when read as {encoding}"
    return Decoded(_assembled(data, encoding), encoding, source, evidence)


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
    if (nul <= 0.2 * len(sample) and plain >= 0.9 * (len(sample) - nul)) or (not sample.isascii() and _mostly_utf8(sample)):
        return False
    return _controls(sample) >= WIDE_CONTROLS * len(sample)


def _shifted(data: bytes, declared: Sequence[tuple[str, str]]) -> Decoded | None:
    """ISO 2022, HZ and UTF-7: ASCII bytes that say something else between shifts."""
    if not data.isascii() or not any(mark in data for mark in (b"\x1b", b"\x0e", b"~{", b"+")):
        return None
    shift = SHIFTS.search(data)
    if not shift:
        return None
    sources = _sources(declared)
    found = chardet.detect(data[max(0, shift.start() - 1024) : shift.start() + SAMPLE_BYTES], compat_names=False)["encoding"]
    named = [n for n in sources if n.startswith(STATEFUL) and _decodes(data, n)] or [found or ""]
    if not named[0].startswith(STATEFUL):
        return None
    encoding = _spelling(data, named[0])
    text = _assembled(data, encoding)
    return Decoded(text, encoding, sources.get(encoding, "detected"), f"shift sequences of {encoding}") if text.edits else None


def _utf8(data: bytes, declared: Sequence[tuple[str, str]]) -> Decoded | None:
    """Strict UTF-8, or UTF-8 with damage."""
    try:
        text = Traced.decoded(data, "utf-8")
    except UnicodeDecodeError:
        if not _mostly_utf8(_sample(data)):
            return None
        text = _assembled(data, "utf-8", pieces=_mended(data))
        rules = Counter(e.rules[-1] for e in text.edits)
        return Decoded(text, "utf-8", "utf-8", "UTF-8 but for " + ", ".join(f"{n} {rule}" for rule, n in sorted(rules.items())))
    if b"\0" in data or data[:4096].translate(None, CONTROLS) != data[:4096]:
        _refuse_binary(data)
    said = [f"{source} says {name}" for name, source in declared if not _sources([(name, source)]).keys() <= {"utf-8", "ascii"}]
    return Decoded(text, "utf-8", "utf-8", ", ".join(["ASCII" if data.isascii() else "valid UTF-8", *said]))


def _legacy(data: bytes, declared: Sequence[tuple[str, str]]) -> Decoded:
    """What was declared, where it is plausible; else what detection says."""
    _refuse_binary(data)
    sample = _sample(data)
    sources: dict[str, str] = {}
    for name, source in _sources(declared).items():
        sources.setdefault(_spelling(sample, name), source)
    ranked = _ranked(sample, keep=set(sources))
    best, found = ranked[0], {c.encoding: c for c in ranked}
    floor = best.score + math.log(DECLARED) - DECLARED_NATS / (len(HIGH.findall(sample)) or 1)
    plausible = [e for e in sources if e in found and (found[e].score >= floor or found[e].text == best.text)]
    encoding, source = (plausible[0], sources[plausible[0]]) if plausible else (best.encoding, "detected")
    said = [f"{where} says {name}" for name, where in declared if encoding not in {_spelling(sample, n) for n in _sources([(name, where)])}]
    evidence = ", ".join([f"{c.encoding} {c.score:.2f}" for c in ranked[:3]] + said)
    encoding = _spelling(data, encoding)
    return Decoded(_assembled(data, encoding), encoding, source, evidence)


def _ranked(sample: bytes, keep: Set[str] = frozenset(), known: Counter | None = None) -> list[Candidate]:
    """Encodings for the sample, best first; those in `keep` even where they are far behind.

    `known` are the characters of the UTF-8 text around the sample, where there is any."""
    bare = sample.translate(None, CONTROLS)  # for which chardet would call it binary
    results = chardet.detect_all(bare, encoding_era=ERAS, compat_names=False, ignore_threshold=True, max_bytes=2 * SAMPLE_BYTES)
    found = [(r["encoding"] or "cp1252", r["confidence"]) for r in results]
    found += _damaged(sample, {name for name, _ in found})
    floor = 0.0 if known else RIVAL * max((confidence for _, confidence in found), default=0.0)
    size = len(HIGH.findall(sample)) or 1
    ranked: dict[str, Candidate] = {}
    for name, confidence in [*found, ("cp1252", 0.0)]:
        encoding = _spelling(sample, name)
        if encoding in ranked or encoding.startswith("utf") or (confidence < floor and encoding not in keep and ranked):
            continue
        text = sample.decode(encoding, "replace")
        page = REGISTRY.get(encoding) or REGISTRY[name]
        score = math.log(max(confidence, 1e-3)) + _looks(text, RARITY[page.era]) + (_expected(text, known, size) if known else 0.0)
        ranked[encoding] = Candidate(round(score, 4), encoding, text)
    return sorted(ranked.values(), key=lambda c: -c.score)


def _damaged(sample: bytes, found: set[str]) -> Iterator[tuple[str, float]]:
    """chardet's confidence in encodings it left out because of a few bytes: without them."""
    for encoding in MULTIBYTE:
        if encoding not in found and sample.decode(encoding, "replace").count("\ufffd") <= DAMAGE_FLOOR + DAMAGE * len(sample):
            clean = sample.decode(encoding, "ignore").encode(encoding, "ignore")
            if not clean.isascii():
                results = chardet.detect_all(clean, include_encodings=[encoding, *FALLBACKS], compat_names=False, ignore_threshold=True)
                yield from ((encoding, r["confidence"]) for r in results if r["encoding"] == encoding)


def _expected(text: str, known: Counter, size: int) -> float:
    """Log probability of the text's characters above ASCII per byte of `size`: they are those known from around the
    text, others of their blocks, or (one in ten) of a language not met there."""
    blocks: Counter[int] = Counter()
    total, sum_ = sum(known.values()), 0.0
    for c, n in known.items():
        blocks[ord(c) >> 7] += n
    for c, n in Counter(text.lower()).items():
        if c > "\x7f":
            around = (known[c] + 0.2 * blocks[ord(c) >> 7] / 128) / total
            sum_ += n * math.log(0.9 * around + 0.1 * _elsewhere(c))
    return sum_ / size


def _elsewhere(c: str) -> float:
    """About how often a character occurs among those above ASCII in a language that uses it."""
    if c in "“”‘’–—…«»•、。，":
        return 1 / 60
    return 1 / 3000 if not c.isalpha() or c >= "\u3400" else 1 / 60


def _looks(text: str, rarity: float) -> float:
    """How the text looks per character above ASCII: marks where they belong, less what is out of place and the rarity."""
    text = text[: SAMPLE_BYTES // 4]
    high = len(text) - len(text.encode("ascii", "ignore")) or 1
    return (APT * len(APT_PLACE.findall(text)) - ODD * len(ODD_PLACE.findall(text)) - rarity) / high


# A capital inside a word or alone, a symbol between letters, a mark that opens behind a letter or closes before one,
# Latin and other letters in one word, what is no character at all.
_CAPITAL = "".join(c for c in map(chr, range(0xC0, 0x180)) if c.isupper())
_SYMBOL = "¡-©«-´¶-¹»-¿×÷†‡‰€™•√∞≈≠◊∆Ω∏∑∫π∂‹›„‚“"
ODD_PLACE = re.compile(
    f"(?<=[a-zß-öø-ÿ])[{_CAPITAL}](?![A-Z{_CAPITAL}])|(?<=[A-Za-z])[{_CAPITAL}](?=[a-z])|(?<=[\\s(])[{_CAPITAL}](?=[A-Z][a-z])"
    f"|(?<=[a-z] )[{_CAPITAL}](?= [a-z])"
    "|(?<=[\u0430-\u045f])[\u0400-\u042f](?![\u0400-\u042f])"
    f"|(?<=[A-Za-zÀ-ÿ])[{_SYMBOL}](?=[A-Za-zÀ-ÿ])|(?<=[\u0400-\u045f])[{_SYMBOL}](?=[\u0400-\u045f])"
    "|[¼½¾](?=[a-z])|[ˆ˜¸¨´¯˙˚˝˛ˇ](?=[a-z])|(?<=[a-z])[ˆ˜¸¨´¯˙˚˝˛ˇ]|[\x80-\x9f\ue000-\uf8ff\ufffd¤¬¦\u2500-\u259f]"
    "|(?<=[A-Za-z])[\u0370-\u06ff](?=[A-Za-z ])|(?<=\\s)[”’](?=\\s)"
)
APT_PLACE = re.compile(
    "(?<![^\\s([\"'—–-])[“„«](?=[^\\W_][^“„«]{0,200}[”“»])|(?<=[\\w.,!?…%)])[”’»](?![^\\s.,;:!?)\\]])|(?<=[^\\W\\d_])’(?=[^\\W\\d_])"
    "|(?<= )[–—](?= )|(?<=\\w)…(?!\\w)|[£€](?=\\d)|(?<=\\d)[€°]"
)


def _sources(declared: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Python's own names of the encodings declared, each with the most trusted source that says so; names of none left out."""
    sources: dict[str, str] = {}
    for name, source in declared:
        for spelling in (name, name.lower().removeprefix("x-")):
            try:
                sources.setdefault(codecs.lookup(spelling.strip()).name, f"declared:{source}")
                break
            except (LookupError, ValueError):
                continue
    return sources


def _spelling(data: bytes, codec: str) -> str:
    """Of the encodings a name may stand for, the first that decodes most."""
    spellings = SPELLINGS.get(codec, (codec,))
    if len(spellings) == 1 or _decodes(data, spellings[0]):
        return spellings[0]
    return min(spellings, key=lambda s: data.decode(s, "replace").count("\ufffd"))


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _sample(data: bytes) -> bytes:
    """All of a short file; of a long one, whole lines (where they are short enough) from places that are not ASCII."""
    if len(data) <= SAMPLE_BYTES:
        return data
    size, parts, last = SAMPLE_BYTES // WINDOWS, [], 0
    for k in range(WINDOWS):
        found = HIGH.search(data, max(last, len(data) * k // WINDOWS))
        if not found:
            break
        start = data.rfind(b"\n", max(last, found.start() - size // 4), found.start()) + 1 or found.start()
        end = data.rfind(b"\n", start, start + size) + 1 or min(start + size, len(data))
        last = max(end, found.end())
        parts.append(data[start:last])
    return b"".join(parts)


def _refuse_binary(data: bytes) -> None:
    bare = data.rstrip(b"\0")
    sample = bare[:SAMPLE_BYTES]
    controls = _controls(sample)
    if not sample or controls > 2 + BINARY_CONTROLS * len(sample):
        raise Rejected("binary", f"{controls} of the first {len(sample)} bytes are control characters")


def _controls(sample: bytes) -> int:
    return len(sample) - len(sample.translate(None, CONTROLS))


# --- UTF-8 with damage ----------------------------------------------------------------------------------------------


def _mostly_utf8(sample: bytes) -> bool:
    """Whether the bytes that are not UTF-8 are damage: see UTF8_LINES and UTF8_SHARE."""
    good, bad, whole = 0, 0, 0
    for line in sample.split(b"\n"):
        text = line.decode("utf-8", "surrogateescape")
        high, lost = _counts(text)
        good, bad, whole = good + high, bad + lost, whole + (0 if lost else high)
    if (whole and whole >= UTF8_LINES * (whole + bad)) or (good and good >= UTF8_SHARE * (good + bad)):
        return True
    cut = CUT.search(sample[-3:])
    return bool(cut and bad == len(cut[0]) and (bad > 1 or cut[0] < b"\xe0" or cut[0] == b"\xe2"))


def _counts(text: str) -> tuple[int, int]:
    """Characters above ASCII, and undecoded bytes, of text decoded with surrogateescape."""
    if text.isascii():
        return 0, 0
    lost = len(LOST.findall(text))
    return len(text) - len(text.encode("ascii", "ignore")) - lost, lost


def _mended(data: bytes, start: int = 0) -> list[Change]:
    """The pieces for bytes from `start` that are not UTF-8: a character cut at the end, stretches in a code page, stray bytes."""
    cut = CUT.search(data, max(start, len(data) - 3))
    end = cut.start() if cut else len(data)
    units, strays = _damage(data[start:end].decode("utf-8", "surrogateescape"), start)
    pieces = [_stray(data, at) for at in strays]
    if units:
        pieces += _read_units(data, units)
    if cut:
        pieces.append(Change(end, len(data), "", "truncated_character", "removed"))
    return sorted(pieces)


def _damage(text: str, at: int) -> tuple[list[tuple[int, int]], list[int]]:
    """Byte ranges that are in a code page, and single stray bytes, of text decoded with surrogateescape from byte `at`.

    A line that is mostly not UTF-8 is in a code page; of any other line, so is a word that has nothing in UTF-8."""
    units, strays, done = [], [], 0
    while found := LOST.search(text, done):
        start = text.rfind("\n", done, found.start()) + 1 or done
        end = text.find("\n", found.end())
        end = len(text) if end < 0 else end
        at += len(text[done:start].encode("utf-8", "surrogateescape"))
        good, lost = _counts(text[start:end])
        for word in [text[start:end]] if good < lost else re.split(r"(\s+)", text[start:end]):
            high, bad = _counts(word)
            first = at
            at, lone = _positions(word, at) if bad else (at + len(word.encode()), [])
            if bad > high and not STRAY_ONLY.fullmatch(word):
                units.append((first, at))
            else:
                strays += lone
        done = end
    return units, strays


def _positions(word: str, at: int) -> tuple[int, list[int]]:
    """The byte where a word that begins at byte `at` ends, and those of its undecoded bytes."""
    lone, last = [], 0
    for m in LOST.finditer(word):
        at += len(word[last : m.start()].encode("utf-8", "surrogateescape"))
        lone.append(at)
        last = m.start()
    return at + len(word[last:].encode("utf-8", "surrogateescape")), lone


def _stray(data: bytes, at: int) -> Change:
    """A byte that is no UTF-8: a quotation mark or dash of cp1252 beside ASCII, else lost."""
    after = STRAY.get(data[at])
    if after and at and data[at - 1] < 0x80:
        return Change(at, at + 1, after, "stray_cp1252", "inferred", 0.9)
    return Change(at, at + 1, "\ufffd", "undecodable_byte", "inferred", 0.0)


def _read_units(data: bytes, units: list[tuple[int, int]]) -> list[Change]:
    """The pieces for stretches in a code page: one for all where it reads them all, else the best that reads each."""
    pool = b"\n".join(data[a:b] for a, b in units[:2000])[:SAMPLE_BYTES]
    ranked = _ranked(pool, known=Counter(c for c in _sample(data).decode("utf-8", "ignore").lower() if c > "\x7f"))
    best = ranked[0]
    rivals = sum(math.exp(SHARPNESS * (c.score - best.score)) for c in ranked if c.text != best.text)
    sure = round(min(1 / (1 + rivals), SUREST), 2)
    pieces: list[Change] = []
    for start, end in units:
        stretch = data[start:end]
        fit = next((c for c in ranked if _decodes(stretch, c.encoding)), None)
        if fit is None:
            pieces += (_stray(data, start + m.start()) for m in HIGH.finditer(stretch))
            continue
        confidence = sure if fit is best else min(sure, 0.5)
        rule = f"decode_{fit.encoding.replace('-', '_')}"
        pieces += _runs(data, start, end, fit.encoding, "utf-8", rule, "inferred", confidence)
    return pieces


# --- assembly -------------------------------------------------------------------------------------------------------


def _assembled(data: bytes, encoding: str, bom: Change | None = None, pieces: list[Change] | None = None) -> Traced:
    """The traced text. Where characters that are one to one alone are not so together, the file is one piece."""
    base = "ascii" if encoding.startswith(STATEFUL) else encoding
    head, start = ([bom], bom.end) if bom else ([], 0)
    if pieces is None:
        pieces = list(_irregular(data, start, encoding, base))
    try:
        return Traced.decoded(data, base, head + pieces)
    except ValueError:
        text = data[start:].decode(encoding, "replace")
        return Traced.decoded(data, base, [*head, Change(start, len(data), text, f"decode_{encoding.replace('-', '_')}", "exact")])


def _irregular(data: bytes, start: int, encoding: str, base: str) -> Iterator[Change]:
    """The pieces for bytes that are not the one spelling of their text in `base`."""
    rule = f"decode_{encoding.replace('-', '_')}"
    if base != encoding:
        yield from _runs(data, start, len(data), encoding, base, rule, "exact", 1.0)
        return
    for a, b in _chunks(data, start, encoding):
        if not _one_to_one(data[a:b], encoding):
            yield from _runs(data, a, b, encoding, base, rule, "exact", 1.0)


def _chunks(data: bytes, start: int, encoding: str) -> Iterator[tuple[int, int]]:
    """Stretches that decode on their own: lines, long ones at spaces, which are no part of another character."""
    if encoding.startswith("utf-16") or encoding.startswith("utf-32"):
        high = 1 if encoding.endswith("le") else 0
        while start < len(data):
            end = min(start + 4096, len(data))
            if encoding.startswith("utf-16") and end < len(data) and 0xD8 <= data[end - 2 + high] <= 0xDB:
                end += 2
            yield start, end
            start = end
        return
    while start < len(data):
        end = data.rfind(b"\n", start, start + 4096) + 1 or data.rfind(b" ", start, start + 4096) + 1
        if not end:
            ends = [e for e in (data.find(b"\n", start), data.find(b" ", start)) if e >= 0]
            end = min(ends) + 1 if ends else len(data)
        yield start, end
        start = end


def _one_to_one(stretch: bytes, encoding: str) -> bool:
    try:
        return stretch.decode(encoding).encode(encoding) == stretch
    except UnicodeError:
        return False


def _runs(data: bytes, start: int, end: int, encoding: str, base: str, rule: str, kind: str, confidence: float) -> Iterator[Change]:
    """The pieces of data[start:end] read as `encoding`: neighbouring characters that `base` does not spell so are one."""
    if base == "utf-8" and len(data[start:end].decode(encoding, "replace")) == end - start and _one_to_one(data[start:end], encoding):
        for m in HIGH_RUN.finditer(data, start, end):
            yield Change(m.start(), m.end(), m[0].decode(encoding), rule, kind, confidence)
        return
    parts: list[str] = []
    begin = start
    for a, b, text in _characters(data, start, end, encoding):
        lost = text is None or (text == "\ufffd" and not _one_to_one(data[a:b], base))
        plain = text and not lost and _spelt(text, base) == data[a:b]
        if parts and (lost or plain):
            yield Change(begin, a, "".join(parts), rule, kind, confidence)
            parts = []
        if text is None and b == len(data):
            yield Change(a, b, "", "truncated_character", "removed")
        elif text is None or lost:
            yield Change(a, b, "\ufffd", "undecodable_byte", "inferred", 0.0)
        elif not plain:
            begin = begin if parts else a
            parts.append(text)
            if text.endswith(STOPS):
                yield Change(begin, b, "".join(parts), rule, kind, confidence)
                parts = []
    if parts:
        yield Change(begin, end, "".join(parts), rule, kind, confidence)


def _characters(data: bytes, start: int, end: int, encoding: str) -> Iterator[tuple[int, int, str | None]]:
    """(start, end, text) of the smallest stretches that decode. Bytes that cannot are U+FFFD, None where they break off."""
    unit = 2 if encoding.startswith("utf-16") else 4 if encoding.startswith("utf-32") else 1
    decoder = codecs.getincrementaldecoder(encoding)()
    begin = at = start
    while begin < end:
        try:
            text = decoder.decode(data[at : min(at + 1, end)], at >= end)
        except UnicodeError:
            if at >= end:
                yield begin, end, None
                return
            decoder.reset()
            at = min(begin + unit, end)
            yield begin, at, "\ufffd"
            begin = at
            continue
        at += 1
        if text or at > end:
            yield begin, min(at, end), text
            begin = at


def _spelt(text: str, encoding: str) -> bytes | None:
    try:
        return text.encode(encoding)
    except UnicodeError:
        return None
