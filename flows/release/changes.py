"""Changes: every record that differs between two releases, with both values and the reason.

`changes` gives what changes.jsonl holds: replayed over the old release it gives the new one exactly (`replay` does it).
Words of the publisher that were published once stand there by their hash only, so that what was withheld or withdrawn
later is not told again.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

import schemas
from flows.parquet import database, fetched, files, relation, stored
from flows.release.compare import KINDS, columns, differing, key_of, same_key
from flows.release.provenance import facts
from flows.release.public import is_long

# Columns that depend on other documents, that say what may be passed on, and that captures.csv tells.
LINKS = frozenset({"supersedes", "duplicate_cluster", "duplicate_of", "story_cluster", "n_outlet_pages"})
RIGHTS = frozenset({"license", "rights_basis", "text_availability"})
TOLD = frozenset({"url", "archive_url", "date_retrieved"})
# The hash of the first of a table's columns of words.
SAID = "text_sha256"
# What build.json says of a build, and what it is called where it differs.
CAUSES = {"code": "code", "models": "code", "configuration": "configuration", "environment": "environment"}
# Keys named for each kind of change in CHANGES.md; changes.jsonl has them all.
NAMED = 20

Change = dict[str, Any]


class _Context(NamedTuple):
    """Captures (first digits of their hash) that came, went, were saved anew or withdrawn, and what else is new."""

    added: frozenset[str]
    removed: frozenset[str]
    resaved: frozenset[str]
    withdrawn: frozenset[str]
    relicensed: frozenset[str]
    otherwise: str


def changes(old: Path, new: Path, before: dict, after: dict) -> Iterator[Change]:
    """Every change from the release `old` to `new` (a release, or a folder with one Parquet file a table), by table and key.

    `before` and `after` are what their build.json say. A line has `table`, `id` (the values of the key), `what` (added,
    removed, changed, moved), `reason`, and: `new`, the record, where it was added; `field`, `old` (or `old_sha256`, of the value
    as JSON; null where the words are few and withheld now, so that the hash would tell them) and `new` where it changed. A column
    that came is a line with `field` and `what` column_added.
    """
    with database() as db:
        context = _context(db, old, new, before, after)
        for table in schemas.TABLES:
            yield from _columns(db, old, new, table, context)
            yield from _records(db, old, new, table, context)


def between(old: Path, new: Path) -> tuple[Iterator[Change], tuple[str, str]]:
    """The changes between two releases, and their versions. Raises ValueError where a folder is no release."""
    before, after = facts(old), facts(new)
    return changes(old, new, before, after), (before["version"], after["version"])


def replay(rows: Iterable[dict], table: str, told: Iterable[Change]) -> list[dict]:
    """The rows of `table` in the new release, in no order: the old ones with the changes applied."""
    names = schemas.table(table).KEY
    found = {_id(row, names): dict(row) for row in rows}
    for change in (c for c in told if c["table"] == table):
        if "id" not in change:
            for row in found.values():
                row.update({change["field"]: None} if change["what"] == "column_added" else {})
                if change["what"] == "column_removed":
                    row.pop(change["field"])
            continue
        key = json.dumps(change["id"])
        if change["what"] == "removed":
            del found[key]
        elif "field" in change:
            found[key][change["field"]] = change["new"]
        else:
            found[key] = change["new"]
    return list(found.values())


def summary(version: str, previous: str | None, told: Iterable[Change]) -> str:
    """CHANGES.md: what changed, for people, counted by table, kind and reason."""
    if previous is None:
        return f"# {version}\n\nThe first release.\n"
    counts: dict[str, Counter[tuple[str, str, str]]] = {}
    named: dict[tuple[str, str, str, str], list[str]] = {}
    for change in told:
        table = change["table"]
        what = f"{change['what']} column" if "field" in change and change["what"] == "added" else change["what"]
        key = (what, change.get("field", ""), change["reason"])
        counts.setdefault(table, Counter())[key] += 1
        ids = named.setdefault((table, *key), [])
        if len(ids) < NAMED and "id" in change:
            ids.append(" ".join(str(v) for v in change["id"] if v is not None))
    lines = [f"# {version}", "", f"Against {previous}:"]
    for table, counted in counts.items():
        lines += ["", f"## {table}", ""]
        lines += [_line(*key, counted[key], named[table, *key]) for key in sorted(counted, key=_order)]
    return "\n".join(lines) + "\n"


def _order(key: tuple[str, str, str]) -> tuple:
    first = ("column_removed", "column_added", "added column", *KINDS)
    return (first.index(key[0]), *key)


def _line(what: str, field: str, reason: str, count: int, keys: list[str]) -> str:
    if what in ("column_added", "column_removed"):
        return f"- column {what.removeprefix('column_')}: `{field}` ({reason})"
    named = ", ".join(f"`{key}`" for key in keys)
    more = f" and {count - len(keys):,} more" if count > len(keys) else ""
    of = f" `{field}`" if field else ""
    return f"- {what}{of}: {count:,}, {reason} ({named}{more})"


def _columns(db: duckdb.DuckDBPyConnection, old: Path, new: Path, table: str, context: _Context) -> Iterator[Change]:
    """Columns that came and went of a table that both have, and the values that those that came have in old records."""
    had, have = columns(old, table), columns(new, table)
    if not had or not have:
        return
    for what, names in (("column_removed", [c for c in had if c not in have]), ("column_added", [c for c in have if c not in had])):
        yield from ({"table": table, "what": what, "field": c, "reason": context.otherwise} for c in names)
    for c in (c for c in have if c not in had):
        key = key_of(table)
        sql = f"""SELECT {key} AS key, to_json("{c}") FROM {relation(files(new, table))} WHERE "{c}" IS NOT NULL
                  AND {key} IN (SELECT {key} FROM {relation(files(old, table))}) ORDER BY key"""
        for found, value in fetched(db.cursor().execute(sql)):
            known = {"table": table, "id": json.loads(found), "what": "added", "field": c}
            yield {**known, "new": json.loads(value), "reason": context.otherwise}


def _records(db: duckdb.DuckDBPyConnection, old: Path, new: Path, table: str, context: _Context) -> Iterator[Change]:
    db.execute(f"CREATE OR REPLACE TABLE differences AS {differing(old, new, table)}")
    sides = [_rows(folder, table) for folder in (old, new)]
    sql = f"""SELECT d.what, d.key, o.line, n.line FROM (SELECT what, {key_of(table)} AS key FROM differences) d
              LEFT JOIN ({sides[0]}) o USING (key) LEFT JOIN ({sides[1]}) n USING (key) ORDER BY d.key"""
    words = getattr(schemas.table(table), "WORDS", ())
    for what, key, before, after in fetched(db.cursor().execute(sql)):
        known = {"table": table, "id": json.loads(key), "what": what}
        was, is_ = (json.loads(line) if line else {} for line in (before, after))
        doc = _capture(is_ or was)
        if what == "removed":
            yield {**known, "reason": _came(doc, context.removed, context)}
        elif what == "added":
            yield {**known, "new": is_, "reason": _came(doc, context.added, context)}
        else:
            for field in (c for c in is_ if c in was and is_[c] != was[c]):
                why = _changed(table, field, doc, context)
                yield {**known, "field": field, **_old(field, was, is_, words), "new": is_[field], "reason": why}


def _old(field: str, was: dict, is_: dict, words: Iterable[str]) -> dict:
    value = was[field]
    said = value if field in words else next((was[w] for w in words if was.get(w)), None)
    if field in (*words, SAID) and is_[field] is None and said is not None and not is_long(said):
        return {"old_sha256": None}
    if value is None or field not in words:
        return {"old": value}
    return {"old_sha256": hashlib.sha256(json.dumps(value, ensure_ascii=False).encode()).hexdigest()}


def _came(doc: str | None, moving: frozenset[str], context: _Context) -> str:
    if doc in context.withdrawn:
        return "withdrawn"
    if doc in context.resaved:
        return "capture changed"
    return "corpus changed" if doc in moving else context.otherwise


def _changed(table: str, field: str, doc: str | None, context: _Context) -> str:
    if doc in context.withdrawn:
        return "withdrawn"
    if field in LINKS or table == "splits":
        return "corpus changed"
    if field in RIGHTS or (doc in context.relicensed and field in (*getattr(schemas.table(table), "WORDS", ()), SAID)):
        return "rights changed"
    return "configuration changed" if field in TOLD else context.otherwise


def _capture(row: dict) -> str | None:
    """The document or capture a row belongs to, by the digits that all ids begin with; None for rows of no document."""
    named = next((row[c] for c in ("doc_id", "capture_id", "item_id") if row.get(c)), None)
    return named[:20] if named else None


def _context(db: duckdb.DuckDBPyConnection, old: Path, new: Path, before: dict, after: dict) -> _Context:
    was, is_ = (stored(folder, "captures") for folder in (old, new))
    had, have = (stored(folder, "documents") for folder in (old, new))
    refused = stored(new, "rejections")
    side = "SELECT DISTINCT capture_id[:20] AS c FROM "
    # A path may be withheld; then the address tells that a page was saved again, where the old capture went and another came.
    pairs = f"""SELECT o.capture_id[:20], n.capture_id[:20] FROM {was} o JOIN {is_} n ON o.path = n.path
                AND o.record_offset IS NOT DISTINCT FROM n.record_offset WHERE o.capture_sha256 <> n.capture_sha256
                UNION SELECT o.capture_id[:20], n.capture_id[:20] FROM {was} o JOIN {is_} n USING (url)
                WHERE o.capture_id NOT IN (SELECT capture_id FROM {is_}) AND n.capture_id NOT IN (SELECT capture_id FROM {was})"""
    causes = dict.fromkeys(cause for name, cause in CAUSES.items() if before.get(name) != after.get(name))
    return _Context(
        _set(db, f"{side}{is_} EXCEPT {side}{was}"),
        _set(db, f"{side}{was} EXCEPT {side}{is_}"),
        frozenset(c for pair in db.execute(pairs).fetchall() for c in pair if c),
        _set(db, f"SELECT capture_id[:20] FROM {refused} WHERE reason = 'withdrawn'"),
        _set(db, f"SELECT doc_id FROM {had} o JOIN {have} n USING (doc_id) WHERE o.text_availability <> n.text_availability"),
        f"{' and '.join(causes) or 'corpus'} changed",
    )


def _set(db: duckdb.DuckDBPyConnection, sql: str) -> frozenset[str]:
    return frozenset(value for (value,) in db.execute(sql).fetchall() if value)


def _rows(folder: Path, table: str) -> str:
    """SQL for the records of a table that stand in `differences`: key, and the whole of it as JSON."""
    names = columns(folder, table)
    if not names:
        return "SELECT '' AS key, '' AS line WHERE false"
    whole = ", ".join(f'"{c}" := "{c}"' for c in names)
    rows = f"FROM {relation(files(folder, table))} r SEMI JOIN differences d ON {same_key(table, 'r', 'd')}"
    return f"SELECT {key_of(table)} AS key, CAST(to_json(struct_pack({whole})) AS VARCHAR) AS line {rows}"


def _id(row: dict, names: list[str]) -> str:
    return json.dumps([row[c] for c in names])
