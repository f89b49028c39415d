"""The time of day beside a date, with its zone.

Part of the describe stage.
"""

import re

from flows.stages.describe_words import words

CLOCK_WINDOW = 40  # characters beside a date in which its time is looked for
CLOCK = re.compile(
    r"(?P<h>\d{1,2})(?:(?P<sep>[:.h])(?P<min>\d\d)(?!\d)(?::\d\d(?:\.\d+)?)?)?[ \u00a0\u202f]?(?P<half>[ap]\.?m\b\.?|Uhr\b|h\b)?"
    r"(?:\s?\(?(?P<zone>(?:GMT|UTC)?[+−-]\d{1,2}(?::?\d\d)?|Z\b|[A-ZМСК]{2,5}\b)\)?)?", re.I
)  # fmt: skip
BEFORE_CLOCK = re.compile(
    r"T|[\s,|•·–—@/()-]{0,5}(?:(?:um|at|à|a las|alle|alle ore|ore|às|kl\.?|o|о|в|om|pukul|jam|saat|as of|klo)\s{1,2})?[\s,|•·–—@-]{0,3}"
)
AFTER_CLOCK = re.compile(r"[\s,|•·–—-]{1,4}(?:on\s|am\s)?(?:[^\W\d_]{2,12}[.,]?\s)?")


def time_after(text: str, at: int) -> tuple[str | None, int]:
    """The time of day that follows a date, hh:mm with its zone where given, and where it ends."""
    window = text[at : at + CLOCK_WINDOW]
    before = BEFORE_CLOCK.match(window)
    m = CLOCK.match(window, before.end() if before else 0)
    if not m or not (clock := _clock(m)):
        return None, at
    end = m.end() if clock[5:] or not m["zone"] else m.start("zone")
    return clock, at + len(window[:end].rstrip(" (\u00a0"))


def time_before(text: str, since: int, at: int) -> tuple[str | None, int]:
    """The time of day that stands right before a date, after character `since`, and where it begins: 12:20pm Jan 7, 2024."""
    for m in CLOCK.finditer(text, max(since, at - CLOCK_WINDOW), at):
        clock = AFTER_CLOCK.fullmatch(text, m.end(), at) and _clock(m)
        if clock:
            return clock, m.start()
    return None, at


def _clock(m: re.Match) -> str | None:
    half = (m["half"] or "").casefold().replace(".", "")
    if half not in ("am", "pm") and not (m["min"] and (m["sep"] in ":hH" or half)):
        return None
    hour, minute = int(m["h"]), int(m["min"] or 0)
    if half in ("am", "pm") and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half == "pm" else 0)
    return f"{hour:02d}:{minute:02d}{_zone(m['zone'])}" if hour < 24 and minute < 60 else None


def _zone(name: str | None) -> str:
    """The offset of a time zone, Z or +hh:mm; nothing for a name that means several."""
    m = re.fullmatch(r"(?:GMT|UTC)?([+−-])(\d{1,2}):?(\d\d)?", name or "", re.I)
    if not m or int(m[2]) > 14 or int(m[3] or 0) > 59:
        return words()["zones"].get((name or "").casefold(), "")
    return f"{'+' if m[1] == '+' else '-'}{int(m[2]):02d}:{int(m[3] or 0):02d}"
