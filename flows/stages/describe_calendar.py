"""Days and months: which there are, and how languages name them.

Part of the describe stage. The table of names is closed; a name that means several things counts in the language of the page.
"""

import re
from datetime import date
from functools import cache

from flows.stages.describe_words import fold, words

YEARS = range(1800, 2100)  # outside of these, four digits in a news text are a quantity
SHORT = 3  # letters of a name that counts only in the language of the page: "set" is a month, "on" a weekday somewhere
WEEKDAY = re.compile(
    r"(?<![^\W\d_])(([^\W\d_]{2,15})(?:[-\u200c][^\W\d_]{3,10})?)[.,|]{0,2}[\s\u00a0]{0,3}(?:(?:den|der|dem|the|le|il|el)\s)?$"
)


def iso_date(year: int, month: int | None, day: int | None) -> str | None:
    """In ISO 8601, as short as its precision; None where the calendar has no such day."""
    if year not in YEARS:
        return None
    if month is None:
        return f"{year:04d}"
    try:
        valid = date(year, month, 1 if day is None else day)
    except ValueError:
        return None
    return valid.isoformat()[:7] if day is None else valid.isoformat()


def gregorian(year: int, month: int, day: int | None) -> tuple[int, int | None, int | None]:
    """A day of the Jalali calendar in the Gregorian one, by the 33-year rule (exact for the years 1244 to 1472); of a
    month alone, the year in which most of the Jalali year lies."""
    if day is None or not 1 <= day <= 31:
        return year + 621, None, None
    leaps = sum(y % 33 in (1, 5, 9, 13, 17, 22, 26, 30) for y in range(1300, year))
    days = 365 * (year - 1300) + leaps + (month - 1) * 31 - max(0, month - 7) + day - 1
    there = date.fromordinal(date(1921, 3, 21).toordinal() + days)
    return there.year, there.month, there.day


def month_named(name: str, language: str | None, has_day: bool) -> int:
    """The month a word names; 0 if none."""
    name = fold(name).strip(".'’ʼ")
    number = _meant(_tables()[0].get(name, {}), language, has_day or len(name) > SHORT)
    return 0 if number is None else number


def weekday_before(text: str, at: int, language: str | None) -> int | None:
    """The weekday, 0 to 6, that is named right before character `at`."""
    m = WEEKDAY.search(text, max(0, at - 32), at)
    if not m:
        return None
    known = _tables()[1].get(fold(m[1])) or _tables()[1].get(fold(m[2]))
    return _meant(known, language, len(m[1]) > SHORT) if known else None


@cache
def _tables() -> tuple[dict[str, dict[str, int]], dict[str, dict[str, int]]]:
    """Months (1 to 12; Jalali ones 13 to 24) and weekdays (0 to 6) by name, then by language."""
    months: dict[str, dict[str, int]] = {}
    weekdays: dict[str, dict[str, int]] = {}
    for table, key, first in ((months, "months", 1), (weekdays, "weekdays", 0)):
        for language, packed in words()[key].items():
            for number, names in enumerate(packed.split("|"), first):
                for name in names.split():
                    table.setdefault(name, {})[language] = number
    for number, name in enumerate(words()["jalali_months"].split("|"), 13):
        months.setdefault(name, {})["fa"] = number
    return months, weekdays


def _meant(known: dict[str, int], language: str | None, sure: bool) -> int | None:
    """What a name means in the language of the page, else in English, else, if it is `sure`, where all languages agree."""
    for tag in (language, "en"):
        if tag in known:
            return known[tag]
    numbers = set(known.values())
    return numbers.pop() if len(numbers) == 1 and sure else None
