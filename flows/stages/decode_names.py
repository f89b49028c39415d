"""The names of encodings: what a publisher's or chardet's name stands for.

Part of the decode stage.
"""

import codecs
from collections.abc import Sequence

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


def declared_sources(declared: Sequence[tuple[str, str]]) -> dict[str, str]:
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


def spelling_of(data: bytes, codec: str) -> str:
    """Of the encodings a name may stand for, the first that decodes most."""
    spellings = SPELLINGS.get(codec, (codec,))
    if len(spellings) == 1 or decodes(data, spellings[0]):
        return spellings[0]
    return min(spellings, key=lambda s: data.decode(s, "replace").count("\ufffd"))


def decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
