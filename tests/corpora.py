"""Small corpora and builds for the tests."""

import shutil
from collections.abc import Iterable
from pathlib import Path

import duckdb
import pyarrow as pa

from flows.cli import run
from flows.corpus.duplicates import insert
from flows.drafts import FINGERPRINT
from flows.stages.fingerprint import fingerprint

SEEDS = Path(__file__).parents[1] / "seeds"

ARTICLE = """\
{title}

By {author}, 4 May 2024

{place} has waited four years for a ferry. On Tuesday the transport ministry said that it would wait a fifth, and gave no reason for it.

The harbour master, who has run the port since 1998, said he had read of the decision in the newspaper. “Nobody called,” he said. “Nobody ever calls.”

Two companies had offered ships. One withdrew in March; the other, registered in a town without a coast, still answers the telephone.

The ministry’s own study, published last autumn, put the cost of another year at eleven million. It did not say who would pay it.

Follow us on:
"""  # noqa: E501 (a line is a paragraph)


def corpus(folder: Path, n: int = 3, start: int = 0) -> Path:
    """`n` short articles, each unlike the others, as a folder with nothing but files."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(start, start + n):
        filled = ARTICLE.format(title=f"A Ferry for {PLACES[i]}, Again Postponed", author=f"Jane {PLACES[i]}", place=PLACES[i])
        more = f"{PLACES[i]} will hear more in {2030 + i}. " * (i + 1)
        (folder / f"{i:02}.txt").write_text(filled.replace("Follow us", f"{more}\n\nFollow us"), encoding="utf-8")
    return folder


PLACES = ("Saren", "Orbelan", "Varosh", "Kelinda", "Mirza Bay", "Tolkun", "Ashgate", "Perevoz")


def build(folder: Path, out: Path, *options: str) -> int:
    """Exit code of `araxes build --direct`, run in this process."""
    return run(["build", str(folder), "--out", str(out), "--direct", *options])


def copy(folder: Path, to: Path, backwards: bool = False) -> Path:
    """A copy of a corpus folder, its files made in another order."""
    for path in sorted((p for p in folder.rglob("*") if p.is_file()), reverse=backwards):
        place = to / path.relative_to(folder)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    return to


def compared(db: duckdb.DuckDBPyConnection, rows: Iterable[tuple]) -> None:
    """Make the tables that are compared, `documents` and `fingerprints`: (doc_id, text, language, date_published, date_not_before)."""
    rows, names = list(rows), ["doc_id", "text", "language", "date_published", "date_not_before"]
    told = pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], pa.schema([(name, pa.string()) for name in names]))
    found = [{"doc_id": doc_id, **fingerprint(text, language)._asdict()} for doc_id, text, language, *_ in rows]
    db.execute(f"CREATE TABLE documents ({', '.join(f'{name} VARCHAR' for name in names)})")
    db.execute("CREATE TABLE fingerprints (doc_id VARCHAR, copies BLOB, stories BLOB, said VARCHAR[])")
    insert(db, "documents", told)
    insert(db, "fingerprints", pa.Table.from_pylist(found, FINGERPRINT))


def sums(out: Path) -> dict[str, str]:
    """SHA256SUMS of the only release below `out`."""
    (release,) = out.glob("*/[0-9]*")
    return {name: digest for digest, name in (line.split("  ") for line in (release / "SHA256SUMS").read_text().splitlines())}
