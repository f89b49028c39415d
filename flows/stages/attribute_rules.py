"""The listed words by which claims are told and stances voted on (attribute_rules.json), and the text as they are looked for in it.

Part of the attribute stage. In a list a word with * stands for any with that ending.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

# Languages that cues and rules are listed for; in others only names and quotation marks are read.
LANGUAGES = ("en", "ru", "tr", "az")
# In these a clause ends with its verb.
VERB_FINAL = ("tr", "az")
# Units without claims or stances of their own: who wrote it and when, and notes on the article rather than on the world.
SKIPPED = frozenset({"byline", "note", "table"})
# Characters of a sentence that are read at a time, and by claims and stances at all: longer ones are lost punctuation or no prose.
SENTENCE_WINDOW = 1500


class Rules(NamedTuple):
    """A language's lists: single words, and a pattern for any of each."""

    words: dict[str, frozenset[str]]
    cues: dict[str, re.Pattern]


@cache
def rules(language: str) -> Rules:
    lists = json.loads(Path(__file__).with_name("attribute_rules.json").read_text(encoding="utf-8"))[language]
    listed = {name: [w for w in words.split(", ") if w] for name, words in lists.items()}
    return Rules({name: frozenset(of) for name, of in listed.items()}, {name: _any_of(of) for name, of in listed.items()})


def choice(words: frozenset[str] | list[str]) -> str:
    """A pattern for any of the words, the longest first; for nothing at all where there are none."""
    escaped = (re.escape(w).replace(r"\*", r"\w{2,30}").replace(r"\ ", r"\s") for w in sorted(words, key=lambda w: (-len(w), w)))
    return "|".join(escaped) or r"(?!)"


def _any_of(words: list[str]) -> re.Pattern:
    return re.compile(rf"(?<![\w'])(?:{choice(words)})(?!\w)")


def folded(text: str) -> str:
    """Lower case with plain apostrophes, as long as the text: İ is the one letter whose lower case is longer."""
    return text.replace("İ", "i").lower().replace("’", "'")
