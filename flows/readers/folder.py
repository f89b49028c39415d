"""The corpus folder: its configuration, what is known of its captures, and the list of them.

A corpus folder holds `captures/` and, beside it, what the user knows (`araxes.toml`, `captures.csv`, `outlets.csv`).
A folder with nothing but files is a corpus too: every file in it is a capture.
"""

import codecs
import csv
import hashlib
import os
import re
import stat
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from flows.readers.files import records
from flows.readers.records import HEAD, Record, media_type, over
from schemas.captures import path_bytes, path_text

# Rules that `araxes init` proposes for outlets.csv.
PROPOSED = "outlets.proposed.csv"
CONFIGURATION = ("araxes.toml", "captures.csv", "outlets.csv", PROPOSED, "entities.csv", "targets.csv", "annotations")
TEXT, TEXTS, COUNT = "a text in quotes", "a list of texts in quotes", "a whole number above 0"
AGGREGATES = ("majority", "dawid_skene")
AGGREGATE = '"majority" or "dawid_skene"'
SECTIONS = {
    "dataset": {
        **dict.fromkeys(("name", "title", "license", "citation", "date_published", "purpose", "limits", "url", "doi"), TEXT),
        **dict.fromkeys(("contact", "funding", "subject", "collection", "ethics", "annotators", "biases", "uses", "maintenance"), TEXT),
        **dict.fromkeys(("creators", "tags"), TEXTS),
    },
    "limits": {"max_capture_bytes": COUNT},
    "labels": {"aggregate": AGGREGATE},
    "gate": None,  # the gate knows its own keys
    "public": {"licenses": TEXTS},
}
CAPTURE_COLUMNS = (
    "path", "sha256", "url", "archive_url", "outlet", "date_retrieved", "language", "encoding", "license", "rights_basis", "withdrawn",
)  # fmt: skip
OUTLET_COLUMNS = ("outlet", "name", "license", "keep", "remove")
# What some values of captures.csv have to look like.
VALUES = {
    "date_retrieved": (re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01])(T[0-9:+Z.-]+)?)?)?"), "it as 2025-07-06"),
    "language": (re.compile(r"[a-z]{2,3}"), "its ISO 639 code, such as en"),
    "sha256": (re.compile(r"[0-9a-fA-F]{64}"), "64 hexadecimal digits"),
}
# A saved article has kilobytes; what is fifty megabytes is a database dump or a mistake.
MAX_CAPTURE_BYTES = 50_000_000
# What browsers put behind a page's name to name the folder of its pictures, styles and frames.
PAGE_FOLDERS = tuple(
    b"""_files .files -files _fichiers _archivos _arquivos _ficheiros _Dateien -Dateien _bestanden _file _pliki _soubory _filer -filer
    _tiedostot _dosyalar _fajlovi _datoteke _elemei _failid _bylos _fitxers _mallar""".split()
)
DATASET_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,95}")


class CorpusError(ValueError):
    """The corpus folder cannot be used as it is; the message names the file and what to do."""


class Outlet(NamedTuple):
    name: str
    license: str | None
    keep: tuple[str, ...]
    remove: tuple[str, ...]


class Corpus(NamedTuple):
    """A corpus folder, read. `known` is what captures.csv says, by path or by SHA-256 (entities and targets are `knowledge.Knowledge`);
    `not_captures` are the names of the configuration where it stands among the captures."""

    captures: Path
    not_captures: tuple[str, ...]
    dataset: dict
    limits: dict
    labels: dict
    gate: dict
    public: dict
    known: dict[str, dict[str, str]]
    outlets: dict[str, Outlet]


class Listed(NamedTuple):
    """One capture: a file of a corpus folder, or a record of one. `reason` is set where it cannot be read or was withdrawn: it goes into
    no shard then, and from here into `rejections`.

    The fields from container_sha256 on are set for records only: the file's hash, and what the file says of the record.
    """

    path: str
    sha256: str | None
    bytes: int | None
    media_type: str | None = None
    reason: str | None = None
    detail: str | None = None
    container_sha256: str | None = None
    record_offset: int | None = None
    charset: str | None = None
    url: str | None = None
    date_retrieved: str | None = None
    outlet: str | None = None


def open_corpus(folder: Path) -> Corpus:
    """Read the configuration of a corpus folder. Raises CorpusError with one clear line."""
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "no such folder"
        raise CorpusError(f"{folder}: {what}; name a folder with saved articles in it")
    settings = _settings(folder / "araxes.toml")
    captures = folder / "captures" if (folder / "captures").is_dir() else folder
    name = settings.get("dataset", {}).get("name") or re.sub(r"[^a-z0-9._-]+", "-", folder.resolve().name.lower()).strip("-._") or "corpus"
    check_name(name, str(folder / "araxes.toml"))
    return Corpus(
        captures=captures,
        not_captures=CONFIGURATION if captures == folder else (),
        dataset={**settings.get("dataset", {}), "name": name},
        limits={"max_capture_bytes": MAX_CAPTURE_BYTES, **settings.get("limits", {})},
        labels={"aggregate": "majority", **settings.get("labels", {})},
        gate=settings.get("gate", {}),
        public=settings.get("public", {}),
        known=_known(folder / "captures.csv"),
        outlets=_outlets(folder / "outlets.csv"),
    )


def settings(corpus: Corpus) -> dict:
    """All that the user has set, for the record; not where the folder lies."""
    return {name: value for name, value in corpus._asdict().items() if name not in ("captures", "not_captures")}


def portable(corpus: Corpus, listed: list[Listed]) -> dict:
    """The settings that decide a document's text, without paths: a release carries them, so that whoever has the captures can make it
    again."""
    told = {}
    for capture in listed:
        row = corpus.known.get(capture.path) or corpus.known.get(capture.sha256 or "") or {}
        if capture.sha256 and (said := {name: row[name] for name in ("outlet", "language", "encoding") if row.get(name)}):
            told[capture.sha256] = said
    return {"limits": corpus.limits, "outlets": {key: outlet._asdict() for key, outlet in corpus.outlets.items()}, "told": told}


def unpacked(captures: Path, settings: dict) -> Corpus:
    """A corpus of these captures under the settings a release carries, in place of its own."""
    bare = open_corpus(captures)
    outlets = {key: Outlet(o["name"], o["license"], tuple(o["keep"]), tuple(o["remove"])) for key, o in settings["outlets"].items()}
    return bare._replace(limits=settings["limits"], known={}, outlets=outlets)


def check_name(name: str, where: str) -> None:
    if not isinstance(name, str) or not DATASET_NAME.fullmatch(name):
        raise CorpusError(f"{where}: dataset name {name!r} is not usable; take lower-case letters, digits, '-', '_' and '.'")


def without(corpus: Corpus, out: Path) -> Corpus:
    """The corpus less a folder of releases that lies among its captures: what was made of them is none of them."""
    if not out.resolve().is_relative_to(corpus.captures.resolve()):
        return corpus
    return corpus._replace(not_captures=(*corpus.not_captures, str(out.resolve().relative_to(corpus.captures.resolve()))))


def names(corpus: Corpus) -> list[str]:
    """Paths of all files below the captures folder as they stand in the table, by their bytes."""
    skip = {os.fsencode(n) for n in corpus.not_captures}
    return [path_text(path) for path in sorted(_walk(os.fsencode(corpus.captures), b"", skip))]


def list_captures(corpus: Corpus) -> list[Listed]:
    """Every file below the captures folder, or its records where it is a container, by the bytes of its path and offset, hashed.

    Raises CorpusError where there is none, or where captures.csv names one that is not there.
    """
    root = os.fsencode(corpus.captures)
    limit = corpus.limits["max_capture_bytes"]
    paths = [path_bytes(name) for name in names(corpus)]
    pages = {stem for path in paths for stem, dot, end in [path.rpartition(b".")] if end.lower() in (b"html", b"htm")}
    listed = [capture for path in paths for capture in _listed(root, path, limit, pages)]
    if not listed:
        raise CorpusError(f"{corpus.captures}: holds no files; put saved articles there, or name another folder")
    listed = _withdrawn(listed, corpus.known)
    there = {key for c in listed for key in (c.path, c.sha256) if key in corpus.known}
    for key, row in corpus.known.items():
        if key not in there:
            raise CorpusError(f"captures.csv line {row['line']}: no capture {key!r} below {corpus.captures}; correct it or delete the line")
    hashes = {c.path: {c.container_sha256, c.sha256} for c in listed if c.path in there}
    for key, row in corpus.known.items():
        if row.get("path") and row.get("sha256") and row["sha256"].lower() not in hashes[key]:
            where = f"captures.csv line {row['line']}"
            raise CorpusError(f"{where}: {key!r} is another file than that of its sha256; correct or empty one of them")
    return listed


def _withdrawn(listed: list[Listed], known: dict[str, dict[str, str]]) -> list[Listed]:
    """The captures with those marked that captures.csv says are withdrawn, all with the same bytes alike. One that is named by its
    hash and no longer there is listed too: what was withdrawn stays on record when its file is gone."""
    rows = {key: row for key, row in known.items() if row.get("withdrawn")}
    why = {c.sha256: rows[key]["withdrawn"] for c in listed for key in (c.path, c.sha256) if c.sha256 and key in rows}
    found = [c._replace(reason="withdrawn", detail=why[c.sha256]) if c.sha256 in why else c for c in listed]
    there = {key for c in found for key in (c.path, c.sha256) if key in rows}
    for key, row in rows.items():
        if key not in there and row.get("sha256"):
            found.append(Listed(row.get("path") or "(withdrawn)", row["sha256"].lower(), None, reason="withdrawn", detail=row["withdrawn"]))
    return found


def ordinals(listed: Iterable[Listed]) -> Iterator[str]:
    """Capture ids: the start of the hash (of path and offset, where it could not be read) and an ordinal among equals."""
    seen: Counter[str] = Counter()
    for c in listed:
        place = c.path if c.record_offset is None else f"{c.path}@{c.record_offset}"
        start = (c.sha256 or hashlib.sha256(place.encode()).hexdigest())[:20]
        yield f"{start}-{seen[start]}"
        seen[start] += 1


def _walk(root: bytes, below: bytes, skip: set[bytes]) -> Iterator[bytes]:
    """Paths of all entries that are not folders. Links to folders are not followed: they may lead in circles."""
    try:
        entries = sorted(os.scandir(os.path.join(root, below)), key=lambda e: e.name)
    except OSError as error:
        if not below:
            raise CorpusError(f"{os.fsdecode(root)}: {error.strerror}; give yourself the right to read it") from None
        yield below
        return
    for entry in entries:
        path = os.path.join(below, entry.name)
        if path in skip:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(root, path, skip)
        else:
            yield path


def _listed(root: bytes, path: bytes, limit: int, pages: set[bytes]) -> list[Listed]:
    name = path_text(path)
    try:
        status = os.stat(os.path.join(root, path))
        if stat.S_ISDIR(status.st_mode) and not os.path.islink(os.path.join(root, path)):
            return [Listed(name, None, None, reason="unreadable", detail="the folder cannot be read; what is in it is not known")]
        if not stat.S_ISREG(status.st_mode):
            return [Listed(name, None, None, reason="not_a_file", detail="a link to a folder, a device or a pipe")]
        if not os.path.realpath(os.path.join(root, path)).startswith(os.path.join(os.path.realpath(root), b"")):
            return [Listed(name, None, None, reason="link_outside", detail="a link to a file outside the captures folder")]
        with open(os.path.join(root, path), "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            kind = media_type(file.read(HEAD))
            file.seek(0)
            whole = Listed(name, digest, status.st_size, kind)
            if _is_subresource(path, pages):
                return [whole._replace(media_type=None, reason="subresource", detail="it belongs to the page saved beside its folder")]
            found = records(file, path, limit)
            if found is not None:
                return [_record(whole, r) for r in found] or [whole._replace(reason="empty", detail="no record in it is a page")]
    except OSError as error:
        return [Listed(name, None, None, reason="unreadable", detail=error.strerror or str(error))]
    if status.st_size == 0:
        return [Listed(name, digest, 0, reason="empty", detail="the file has no bytes")]
    return [whole._replace(reason="too_large", detail=over(limit)) if status.st_size > limit else whole]


def _record(container: Listed, record: Record) -> Listed:
    payload, told = record.payload, record._asdict()
    return container._replace(
        sha256=None if payload is None else hashlib.sha256(payload).hexdigest(),
        bytes=None if payload is None else len(payload),
        container_sha256=container.sha256,
        record_offset=record.offset,
        **{name: told[name] for name in ("media_type", "charset", "url", "date_retrieved", "outlet", "reason", "detail")},
    )


def _is_subresource(path: bytes, pages: set[bytes]) -> bool:
    """Whether it lies below the folder in which a browser put what belongs to a page. pages: paths of pages, without their endings."""
    folders = path.split(b"/")[:-1]
    above = (b"/".join(folders[: i + 1]) for i in range(len(folders)))
    return any(folder.endswith(end) and folder[: -len(end)] in pages for folder in above for end in PAGE_FOLDERS)


def _settings(path: Path) -> dict:
    if not path.exists():
        return {}
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise CorpusError(f"{path}: {error}; correct it, or delete it to build with the defaults") from None
    for section, values in settings.items():
        if section not in SECTIONS:
            raise CorpusError(f"{path}: unknown section [{section}]; known are {', '.join(SECTIONS)}")
        if not isinstance(values, dict):
            raise CorpusError(f"{path}: {section} is a value, not a section; write it as [{section}]")
        if (known := SECTIONS[section]) is None:
            continue
        for key, value in values.items():
            if key not in known:
                raise CorpusError(f"{path}: unknown key {key!r} in [{section}]; known are {', '.join(sorted(known))}")
            if not _is(value, known[key]):
                raise CorpusError(f"{path}: {section}.{key} is {value!r}; write {known[key]}")
    return settings


def _is(value: object, what: str) -> bool:
    if what == AGGREGATE:
        return value in AGGREGATES
    if what == COUNT:
        return isinstance(value, int) and not isinstance(value, bool) and value > 0
    texts = value if what == TEXTS and isinstance(value, list) else [value] if what == TEXT else [None]
    return all(isinstance(text, str) for text in texts)


def csv_rows(path: Path, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Rows of a CSV file with only known columns; each with its line number under `line`."""
    if not path.exists():
        return
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            for name, times in Counter(reader.fieldnames or ()).items():
                if name not in columns or times > 1:
                    what = "unknown column" if name not in columns else "two columns named"
                    raise CorpusError(f"{path}: {what} {name!r}; known are {', '.join(columns)}")
            for row in reader:
                if None in row or None in row.values():
                    raise CorpusError(f"{path} line {reader.line_num}: not as many values as columns; check commas and quotes")
                yield {**{k: v if k == "path" else v.strip() for k, v in row.items()}, "line": str(reader.line_num)}
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise CorpusError(f"{path}: {error}; save it as CSV in UTF-8") from None


def _known(path: Path) -> dict[str, dict[str, str]]:
    known = {}
    for row in csv_rows(path, CAPTURE_COLUMNS):
        key = row.get("path") or row.get("sha256", "").lower()
        if not key:
            raise CorpusError(f"{path} line {row['line']}: neither path nor sha256; say which capture it is about")
        if key in known:
            raise CorpusError(f"{path} line {row['line']}: {key!r} stands there twice; keep one line")
        for name, (pattern, what) in VALUES.items():
            if row.get(name) and not pattern.fullmatch(row[name]):
                raise CorpusError(f"{path} line {row['line']}: {name} is {row[name]!r}; write {what}, or leave it empty")
        if row.get("encoding") and not _is_encoding(row["encoding"]):
            raise CorpusError(f"{path} line {row['line']}: encoding {row['encoding']!r} is not known; write one such as windows-1251")
        known[key] = row
    return known


def _is_encoding(name: str) -> bool:
    try:
        return codecs.lookup(name)._is_text_encoding
    except (LookupError, ValueError):
        return False


def _outlets(path: Path) -> dict[str, Outlet]:
    outlets = {}
    for row in csv_rows(path, OUTLET_COLUMNS):
        keep, remove = (tuple(r for r in row.get(side, "").split(";;") if r) for side in ("keep", "remove"))
        for pattern in (*keep, *remove):
            try:
                re.compile(pattern)
            except re.error as error:
                raise CorpusError(f"{path} line {row['line']}: {pattern!r} is no regular expression: {error}") from None
        if not row.get("outlet") or row["outlet"] in outlets:
            raise CorpusError(f"{path} line {row['line']}: outlet is empty or stands there twice; give each outlet one line")
        outlets[row["outlet"]] = Outlet(row.get("name") or row["outlet"], row.get("license") or None, keep, remove)
    return outlets
