"""Detection: which code page bytes are in, by chardet and by what they would look like.

Part of the decode stage. The ranking is chardet's; it is taken up again only between candidates it holds nearly equal, by what the
letters and quotation marks would look like.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Set
from typing import NamedTuple

import chardet
from chardet import EncodingEra
from chardet.registry import REGISTRY

from flows.stages.decode_names import spelling_of

# Detection sees this many bytes: windows spread evenly over a longer file, each moved to its next byte above 0x7F.
SAMPLE_BYTES = 131_072
WINDOWS = 16

# A candidate is scored again when chardet's confidence in it is at least this share of the best one's.
RIVAL = 0.5

# chardet rules an encoding of several bytes a character out by a single wrong byte. It stays in the race up to this share of
# wrong bytes (and a few in a short file, where one wrong byte spoils its neighbours).
MULTIBYTE = ("gb18030", "big5hkscs", "cp932", "euc_jis_2004", "cp949")
DAMAGE, DAMAGE_FLOOR = 0.003, 3
FALLBACKS = ("cp1252", "utf-8")  # what chardet says of nothing; it warns where they are not to choose from

# How much rarer than the code pages of the web the others are, in nats for the whole file; with few characters it
# decides, with many it does not. Only relations matter: a Mac or DOS page must lose ties and win differences.
RARITY = {EncodingEra.MODERN_WEB: 0.0, EncodingEra.LEGACY_ISO: 0.5, EncodingEra.LEGACY_MAC: 2.0,
          EncodingEra.LEGACY_REGIONAL: 2.0, EncodingEra.DOS: 2.0}  # fmt: skip

# The eras chardet may answer from: all but mainframes, whose line ends alone would make them no text file.
ERAS = EncodingEra.ALL & ~EncodingEra.MAINFRAME

CONTROLS = bytes(b for b in range(32) if b not in b"\t\n\v\f\r\x08\x1b") + b"\x7f"
HIGH = re.compile(rb"[\x80-\xff]")

# Weight of characters out of place and of quotation marks in place, each a share of the characters above ASCII.
ODD, APT = 4.0, 1.5

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


class Candidate(NamedTuple):
    """An encoding, the score that decides (a log probability per character, give or take), and the sample read so."""

    score: float
    encoding: str
    text: str


def rank(sample: bytes, keep: Set[str] = frozenset(), known: Counter | None = None) -> list[Candidate]:
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
        encoding = spelling_of(sample, name)
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


def sampled(data: bytes) -> bytes:
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
