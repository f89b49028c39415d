"""entities.csv of a corpus folder: the entities its articles are about, and how they are written.

One line per entity and language; the first line of an entity says what it is, the others may leave that empty:

    entity_id,name,type,public_figure,wikidata_id,iso_3166,stands_for,language,script,aliases,demonyms,valid_from,valid_to
    khanlar_vale,Khanlar Vale,place,,,,azerbaijan,,,,,,
    nina_orbeli,Nina Orbeli,person,yes,,,,,,,,2019,
    nina_orbeli,,,,,,,ru,Cyrl,Нина Орбели;;Орбели,,,

Only entity_id, name and type are required. `aliases` and `demonyms` are parted by `;;`; those without a language, and the name, are
looked for in every language. Russian, Azerbaijani and Turkish endings are added by rule; forms that no rule makes are aliases too.
`stands_for` is the entity meant where this one acts, as a state is by its capital. Dates are ISO 8601, the time in which a name
means this one. What ships with Araxes is added to by the same entity_id, and overruled by the same alias.
"""

import re
import unicodedata
from pathlib import Path
from typing import NamedTuple

from flows.readers.folder import CorpusError, csv_rows
from schemas.entities import TYPES

COLUMNS = (
    "entity_id", "name", "type", "public_figure", "wikidata_id", "iso_3166", "stands_for",
    "language", "script", "aliases", "demonyms", "valid_from", "valid_to",
)  # fmt: skip
DATE = (re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?"), "it as 2019, 2019-05 or 2019-05-28")
VALUES = {
    "entity_id": (re.compile(r"[a-z0-9][a-z0-9_]*"), "lower-case letters, digits and underscores"),
    "type": (re.compile("|".join(TYPES)), "one of " + ", ".join(TYPES)),
    "public_figure": (re.compile("yes|no"), "yes or no"),
    "wikidata_id": (re.compile(r"Q[1-9]\d*"), "a Wikidata item such as Q227"),
    "iso_3166": (re.compile(r"[A-Z]{2}"), "two capitals such as AZ"),
    "language": (re.compile(r"[a-z]{2,3}"), "its ISO 639 code, such as en"),
    "valid_from": DATE,
    "valid_to": DATE,
}
# ISO 15924 codes and how Unicode names the letters of the script.
SCRIPTS = {
    "Latn": "LATIN", "Cyrl": "CYRILLIC", "Arab": "ARABIC", "Geor": "GEORGIAN", "Armn": "ARMENIAN", "Grek": "GREEK",
    "Hebr": "HEBREW", "Hans": "CJK", "Hant": "CJK", "Deva": "DEVANAGARI",
}  # fmt: skip
ONCE = ("name", "type", "public_figure", "wikidata_id", "iso_3166", "stands_for", "valid_from", "valid_to")


class OwnEntity(NamedTuple):
    """An entity of the corpus. `aliases` and `demonyms` are (language or None, words)."""

    entity_id: str
    name: str
    type: str
    public_figure: bool
    wikidata_id: str | None
    iso_3166: str | None
    stands_for: str | None
    valid_from: str | None
    valid_to: str | None
    aliases: tuple[tuple[str | None, str], ...]
    demonyms: tuple[tuple[str | None, str], ...]


def read_entities(path: Path) -> tuple[OwnEntity, ...]:
    """The entities of an entities.csv, in its order; none where there is no such file. Raises CorpusError with one clear line."""
    said: dict[str, dict[str, str]] = {}
    forms: dict[str, dict[str, list[tuple[str | None, str]]]] = {}
    for row in csv_rows(path, COLUMNS):
        _check(path, row)
        key = row["entity_id"]
        known = said.setdefault(key, dict.fromkeys(ONCE, "") | {"line": row["line"]})
        for name in ONCE:
            value = row.get(name, "")
            if value and known[name] and value != known[name]:
                raise CorpusError(f"{path} line {row['line']}: {name} of {key!r} is {known[name]!r} above and {value!r} here; keep one")
            known[name] = known[name] or value
        lists = forms.setdefault(key, {"aliases": [], "demonyms": []})
        for name, listed in lists.items():
            listed += [(row.get("language") or None, alias) for alias in _aliases(row, name)]
    return tuple(_entity(path, key, known, forms[key]) for key, known in said.items())


def _check(path: Path, row: dict[str, str]) -> None:
    where = f"{path} line {row['line']}"
    if not row.get("entity_id"):
        raise CorpusError(f"{where}: no entity_id; give every line the id of its entity")
    for name, (pattern, what) in VALUES.items():
        if row.get(name) and not pattern.fullmatch(row[name]):
            raise CorpusError(f"{where}: {name} is {row[name]!r}; write {what}")
    script = row.get("script")
    if script and script not in SCRIPTS:
        raise CorpusError(f"{where}: script {script!r} is not known; write one of {', '.join(SCRIPTS)}, or leave it empty")
    for alias in (*_aliases(row, "aliases"), *_aliases(row, "demonyms")):
        stray = next((c for c in alias if script and c.isalpha() and not unicodedata.name(c, "").startswith(SCRIPTS[script])), None)
        if stray:
            raise CorpusError(f"{where}: {stray!r} in {alias!r} is no letter of {script}; correct the alias or the script")


def _aliases(row: dict[str, str], name: str) -> list[str]:
    return [alias.strip() for alias in row.get(name, "").split(";;") if alias.strip()]


def _entity(path: Path, key: str, known: dict[str, str], forms: dict[str, list[tuple[str | None, str]]]) -> OwnEntity:
    where = f"{path} line {known['line']}"
    for name in ("name", "type"):
        if not known[name]:
            raise CorpusError(f"{where}: {key!r} has no {name}; write it in the entity's first line")
    if known["public_figure"] == "yes" and known["type"] != "person":
        raise CorpusError(f"{where}: {key!r} is a {known['type']} and public_figure; only a person can be one")
    if known["iso_3166"] and known["type"] != "state":
        raise CorpusError(f"{where}: {key!r} is a {known['type']} with an ISO 3166 code; only a state has one")
    texts = {name: known[name] or None for name in ("wikidata_id", "iso_3166", "stands_for", "valid_from", "valid_to")}
    aliases, demonyms = (tuple(dict.fromkeys(forms[name])) for name in ("aliases", "demonyms"))
    return OwnEntity(key, known["name"], known["type"], known["public_figure"] == "yes", **texts, aliases=aliases, demonyms=demonyms)
