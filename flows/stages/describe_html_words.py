"""The words and keys of facts, as they are compared.

Part of the describe stage, for markup.
"""

import html
import re
import unicodedata
from typing import Protocol

from flows.stages.describe_words import fold


class Fact(Protocol):
    """What the HTML reader finds in the markup: characters [start, end) of the source text say `value` under `key`."""

    source: str
    key: str
    value: str
    start: int
    end: int


LENGTH = 400  # characters of the longest title or list of authors that is looked at
TAG = re.compile(r"</?[a-z][^<>]{0,80}>", re.I)
INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")


def clean(value: str) -> str:
    """A value as people read it: references decoded (they are often escaped twice), tags taken away."""
    return TAG.sub("", html.unescape(value[:LENGTH])).strip()


def plain_words(value: str) -> str:
    """The words of a value, for comparing."""
    return " ".join(re.findall(r"\w+", fold(unicodedata.normalize("NFKC", INVISIBLE.sub("", value)))))


def squash(value: str) -> str:
    """A name without spaces and marks: Q-Post.example as qpostexample."""
    return plain_words(value).replace(" ", "").replace("_", "")


def key_of(fact: Fact) -> str:
    """The key of a <meta>, of letters and digits alone: article:published_time as articlepublishedtime."""
    return re.sub(r"[^a-z0-9]+", "", fact.key.lower().rpartition("/")[2])


def is_meta(fact: Fact) -> bool:
    return fact.source in ("meta", "og")
