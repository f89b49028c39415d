"""The code pages that UTF-8 is read by mistake as, and how it looks then."""

import re
from functools import cache, lru_cache

WIDE = "gb18030"
NARROW = ("cp1252", "cp1254", "cp1251", "iso8859_2", "cp1250", "mac_roman", "koi8-r", "cp437")
RIVAL = {"cp1250": "iso8859_2", "iso8859_2": "cp1250"}  # one reads the other's mojibake, to other letters
DISTINCT = NARROW[:3]  # what one of these explains whole, no later one explains better
CONTINUATION = bytes(range(0x80, 0xC0))
CONTINUATION_OR_LOST = {*CONTINUATION, 0xFFFD}
WIDTH = {**dict.fromkeys(range(0xC2, 0xE0), 2), **dict.fromkeys(range(0xE0, 0xF0), 3), **dict.fromkeys(range(0xF0, 0xF5), 4)}
END = 0x0A  # the byte that comes next at the end of a line


@cache
def to_latin(codec: str) -> dict[int, str]:
    """Character to byte, shown as Latin-1, for what is not ASCII. Undefined bytes of Windows may have come through as C1."""
    table = dict.fromkeys(range(0x80, 0x100), "\u0100")  # no byte is shown so, unless it is below
    for b in range(0x80, 0x100):
        table[ord(bytes([b]).decode(codec, "ignore") or chr(b))] = chr(b)
    if codec == "cp1252":  # Latin-1 is read along with it
        for b in range(0x80, 0xA0):
            table[b] = chr(b)
    table[0xFFFD] = "\ufffd"
    return table


@cache
def wide_leads() -> str:
    """What the first two bytes of a character show as in the wide codec."""
    return "".join(bytes([a, b]).decode("gbk", "ignore")[:1] for a in WIDTH for b in CONTINUATION)


@cache
def narrow_signs(codec: str) -> tuple[dict[int, str], str]:
    """What UTF-8 shows as in a codec of one byte per character: first bytes, by the width of the character; all others."""
    leads, following = {2: "", 3: "", 4: ""}, ""
    for c, byte in to_latin(codec).items():
        if width := WIDTH.get(ord(byte)):
            leads[width] += chr(c)
        elif ord(byte) in CONTINUATION_OR_LOST:
            following += chr(c)
    return leads, following


@cache
def shown(*codecs: str) -> re.Pattern[str]:
    """Finds UTF-8 characters (of the wide codec their beginnings) as the codecs show them."""
    patterns = []
    for codec in codecs:
        if codec == WIDE:
            patterns.append(f"[{wide_leads()}]")
            continue
        leads, following = narrow_signs(codec)
        patterns += [f"[{re.escape(leads[n])}][{re.escape(following)}]{{{n - 1}}}" for n in (2, 3, 4)]
    return re.compile("|".join(patterns) or "(?!)")


@cache
def all_shown() -> re.Pattern[str]:
    """Matches text that is nothing but UTF-8 characters as one of the codecs of one byte per character shows them."""
    return re.compile("|".join(f"(?:{shown(codec).pattern})+" for codec in NARROW))


@lru_cache(1 << 12)
def losable(codec: str, following: int) -> bytes:
    """The continuation bytes a wrong decoder loses when byte `following` comes next."""
    if codec != WIDE:
        return bytes(b for b in CONTINUATION if not bytes([b]).decode(codec, "ignore"))
    if following < 0x40 or following == 0x7F:
        return CONTINUATION
    return bytes(b for b in CONTINUATION if not _pairs(b, following))


def _pairs(lead: int, trail: int) -> bool:
    try:
        return len(bytes([lead, trail]).decode("gbk")) == 1
    except UnicodeDecodeError:
        return False


@cache
def alike(following: int) -> int:
    """The first byte before which the wide codec loses the same bytes."""
    return next(b for b in range(following + 1) if losable(WIDE, b) == losable(WIDE, following))
