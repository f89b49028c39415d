"""The word lists of the describe stage (describe.json, and given_names.json, which the attribute stage reads too), and how a text is
folded to be compared with them.

Part of the describe stage.
"""

import json
from functools import cache
from pathlib import Path

WORDS, NAMES = (Path(__file__).with_name(f"{name}.json") for name in ("describe", "given_names"))


@cache
def words() -> dict:
    """The word lists of the stage, as in describe.json, and `given_names`."""
    return json.loads(WORDS.read_text(encoding="utf-8")) | {"given_names": json.loads(NAMES.read_text(encoding="utf-8"))["names"]}


def fold(text: str) -> str:
    """Case folded; İ becomes i, so that Turkish capitals meet the small letters."""
    return text.replace("İ", "i").casefold().replace("\u0307", "")
