"""targets.csv of a corpus folder: what its articles may be for or against, and the words by which a text names it.

One line per target:

    id,type,wording,wording_ru,entity_id,terms
    harbour_board,entity,The harbour board,Портовое управление,,harbour board;;port* authority
    ferry_sale,policy,Selling the ferry,,,sale of the ferry;;ferry sale

Only id, type and wording are required; `wording_<language>` says the same to whoever annotates a document in that one. An entity is
found by its mentions: `entity_id` is its id among the entities, or several, parted by `;;` (a state and its government); the
target's own where it is empty.
Anything else is found by its `terms`, parted by `;;`, which entities may have too. A term is found as whole words, capital or small;
`*` after a word stands for any ending.
"""

import csv
import re
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from flows.readers.folder import CorpusError, csv_rows

TYPES = ("entity", "proposition", "event", "policy")
COLUMNS = ("id", "type", "wording", "entity_id", "terms")
WORDING = re.compile(r"wording_([a-z]{2,3})")
ID = re.compile(r"[a-z0-9][a-z0-9_]*")
# A star that is not at the end of a word, or a term without a letter or digit.
BAD_TERM = re.compile(r"\*\S|(?<!\w)\*|\A[\W_]*\Z")


class Target(NamedTuple):
    """A stance target. `wordings` are (language, wording); only an entity has `entity_ids`."""

    target_id: str
    type: str
    wording: str
    wordings: tuple[tuple[str, str], ...]
    entity_ids: tuple[str, ...]
    terms: tuple[str, ...]


def read_targets(path: Path) -> tuple[Target, ...]:
    """The targets of a targets.csv, in its order; none where there is no such file. Raises CorpusError with one clear line."""
    targets: dict[str, Target] = {}
    for row in csv_rows(path, (*COLUMNS, *_languages(path))):
        target = _target(path, row)
        if target.target_id in targets:
            raise CorpusError(f"{path} line {row['line']}: target {target.target_id!r} stands there twice; keep one line")
        targets[target.target_id] = target
    return tuple(targets.values())


def _languages(path: Path) -> tuple[str, ...]:
    """The columns of the header that are wordings. What is wrong with the file, the reading of its rows says."""
    if not path.is_file():
        return ()
    header: list[str] = []
    with suppress(OSError, csv.Error), open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        header = next(csv.reader(file), [])
    return tuple(dict.fromkeys(name for name in header if WORDING.fullmatch(name)))


def _target(path: Path, row: dict[str, str]) -> Target:
    where, key, kind = f"{path} line {row['line']}", row.get("id", ""), row.get("type", "")
    if not ID.fullmatch(key):
        raise CorpusError(f"{where}: id is {key!r}; write lower-case letters, digits and underscores")
    if kind not in TYPES:
        raise CorpusError(f"{where}: type is {kind!r}; write one of {', '.join(TYPES)}")
    if not row.get("wording"):
        raise CorpusError(f"{where}: {key!r} has no wording; say in a few words what one can be for or against")
    entities, terms = _parted(row, "entity_id"), _parted(row, "terms")
    if entities and kind != "entity":
        raise CorpusError(f"{where}: {key!r} is a {kind} with an entity_id; only an entity has one")
    for entity in entities:
        if not ID.fullmatch(entity):
            raise CorpusError(f"{where}: entity_id is {entity!r}; write lower-case letters, digits and underscores")
    for term in terms:
        if BAD_TERM.search(term):
            raise CorpusError(f"{where}: term {term!r} cannot be looked for; write words, with * only at the end of one")
    wordings = tuple((m[1], row[name]) for name in row if (m := WORDING.fullmatch(name)) and row[name])
    return Target(key, kind, row["wording"], wordings, (entities or (key,)) if kind == "entity" else (), terms)


def _parted(row: dict[str, str], name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value.strip() for value in row.get(name, "").split(";;") if value.strip()))
