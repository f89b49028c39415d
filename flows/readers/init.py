"""Make a corpus folder of a folder of files: its configuration, filled in as far as the captures tell."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from flows.readers.folder import CAPTURE_COLUMNS, OUTLET_COLUMNS, PROPOSED, CorpusError, list_captures, open_corpus

SETTINGS = """\
# What a release says of itself. Delete a line to leave it out; nothing is made up in its place.
[dataset]
name = {name}
# title = "..."
# creators = ["..."]
# license = "CC-BY-4.0"         # of the dataset: an SPDX identifier
# citation = "..."
# date_published = "2025-01-31"
# purpose = "..."

[limits]
max_capture_bytes = {limit}     # a larger file goes to `rejections`

# The least and the most that a release may have; `araxes build` publishes nothing that fails. Defaults apply where
# a threshold is not named.
[gate]
# min_documents = 1
"""


def initialise(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Write what is not there yet; each path, and whether it was written.

    Raises CorpusError where the folder is a file or holds no captures.
    """
    if not folder.exists():
        raise CorpusError(f"{folder}: no such folder; make it and put saved articles into it")
    corpus = open_corpus(folder)
    listed = list_captures(corpus)
    settings = SETTINGS.format(name=json.dumps(corpus.dataset["name"]), limit=corpus.limits["max_capture_bytes"])
    # A container's line holds for all its records, which have hashes of their own.
    captures = list({c.path: {"path": c.path, "sha256": "" if c.container_sha256 else c.sha256 or ""} for c in listed}.values())
    for name, text in (
        ("araxes.toml", settings),
        ("captures.csv", _csv(CAPTURE_COLUMNS, captures)),
        ("outlets.csv", _csv(OUTLET_COLUMNS, [])),
    ):
        path = folder / name
        made = not path.exists()
        if made:
            path.write_text(text, encoding="utf-8", newline="")
        yield path, made


def propose(folder: Path, proposals: Iterable[Mapping[str, Any]]) -> Path:
    """Write rules for lines that repeat on an outlet's pages to outlets.proposed.csv: the pattern for `remove` in outlets.csv, the
    line, the pages that have it, and how many of them keep it now. Outlets stand under their keys in outlets.csv."""
    keys = {outlet.name: key for key, outlet in open_corpus(folder).outlets.items()}
    rows = [{**p, "outlet": keys.get(p["outlet"], p["outlet"])} for p in proposals]
    path = folder / PROPOSED
    path.write_text(_csv(("outlet", "remove", "line", "pages", "kept"), rows), encoding="utf-8", newline="")
    return path


def _csv(columns: tuple[str, ...], rows: list[dict[str, Any]]) -> str:
    target = io.StringIO()
    writer = csv.DictWriter(target, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return target.getvalue()
