"""What the markup of a page says about it, as facts: the values of JSON-LD here, those of other markup in html_tree.py.

Part of the HTML reader.
"""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple


class Fact(NamedTuple):
    """What the markup says about the page; characters [start, end) of the SOURCE text say it.

    source is where: json-ld (key: path of names, such as "@graph[0].author[0].name"; values that share a path up to the last
    dot belong to one object), og, meta, title, microdata (key: itemprop), link (key: rel), time (key: datetime) or html (key:
    lang). value is decoded, its white space collapsed (not in json-ld) and cut off at the ends.
    """

    source: str
    key: str
    value: str
    start: int
    end: int


JSON = re.compile(r'"((?:[^"\\]++|\\.)*+)"(?:\s*+:)?+|([][{},])|//|<!\[CDATA\[|\]\]>|:|([^][{},:"\s]++)', re.S)
JSON_DEPTH, JSON_NAME = 8, 60  # levels and characters of a name beyond which JSON-LD says nothing of an article
MAX_FACTS = 5000


def json_facts(source: str, start: int, end: int) -> Iterator[Fact]:
    """The strings, numbers and words of a JSON-LD script, by path. A lexer and not a parser, since pages hold what no parser
    takes: line ends in strings, commas too many, two objects in a row."""
    stack: list[list] = []  # open brackets: [path, name or place of the next value]; names are strings, None before one
    for m in JSON.finditer(source, start, end):
        text, mark, plain = m.groups()
        top = stack[-1] if stack else ["", ""]
        if mark == "{" or mark == "[":
            stack.append([_path(*top) if len(stack) < JSON_DEPTH else "", None if mark == "{" else 0])
        elif mark == "}" or mark == "]":
            del stack[-1:]
        elif mark == ",":
            top[1] = top[1] + 1 if isinstance(top[1], int) else None
        elif text is None and plain is None:
            continue
        elif top[1] is None:
            top[1] = _plain(text or "")[:JSON_NAME]
        elif 0 < len(stack) <= JSON_DEPTH:
            value = (plain if text is None else _plain(text)).strip()
            if value:
                yield Fact("json-ld", _path(*top), value, *m.span(3 if text is None else 1))


def _path(path: str, name: str | int | None) -> str:
    return f"{path}[{name}]" if isinstance(name, int) else f"{path}.{name or ''}" if path else name or ""


def _plain(text: str) -> str:
    """A JSON string without its escapes; half a surrogate pair becomes U+FFFD."""
    if "\\" not in text:
        return text
    try:
        return json.loads(f'"{text}"', strict=False).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    except ValueError:
        return text
