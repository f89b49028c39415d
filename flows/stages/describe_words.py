"""The word lists of the describe stage (describe.json), and how a text is folded to be compared with them.

Part of the describe stage.
"""

import json
from functools import cache
from pathlib import Path

WORDS = Path(__file__).with_name("describe.json")


@cache
def words() -> dict:
    """The word lists of the stage, as in describe.json."""
    return json.loads(WORDS.read_text(encoding="utf-8"))


def fold(text: str) -> str:
    """Case folded; İ becomes i, so that Turkish capitals meet the small letters."""
    return text.replace("İ", "i").casefold().replace("\u0307", "")
