"""Answers that people gave elsewhere, as their publishers hand them out: PolNeAR, CheckThat!, SemEval-2016 task 6; and a release's own.

Only reading: nothing is scored, trained or kept here. None of these sets comes with Araxes; each has terms of its own. A file that
is missing or not of the layout raises CorpusError with one line that says what was looked for.

    PolNeAR          train/text/*.txt, train/attributions/*.ann, the same for dev and test (also under data/); brat stand-off
    CheckThat!       *_train.tsv and *_dev.tsv (or *_dev_test.tsv, *_test_gold.tsv) with the columns Text (or tweet_text) and class_label
    SemEval-2016     trainingdata-all-annotations.txt, testdata-taskA-all-annotations.txt: ID, Target, Tweet, Stance
    a release        its folder: annotations, attributions, claims, stances, and the training tables stances_<tier>
"""

import csv
import re
from collections.abc import Collection, Iterator
from glob import escape
from pathlib import Path
from typing import Any, NamedTuple

from flows.parquet import database, stored
from flows.readers.folder import CorpusError

Range = tuple[int, int]
ANSWERS = {"FAVOR": "favor", "AGAINST": "against", "NONE": "none"}
_SPAN = re.compile(r"(T\d+)\t(\w+) (\d+ \d+(?:;\d+ \d+)*)\t")
_ROLE = re.compile(r"(Source|Cue|Content)\d*:(T\d+)")


class Quoted(NamedTuple):
    """An attribution, as character ranges of its document's text."""

    source: list[Range]
    cue: list[Range]
    content: list[Range]


class Article(NamedTuple):
    """A document of PolNeAR, and what people marked in it."""

    name: str
    text: str
    attributions: list[Quoted]


class Asked(NamedTuple):
    """One text and the answer people gave; `target` is None where nothing was asked about one."""

    text: str
    answer: str
    target: str | None = None


def polnear(root: Path, part: str) -> Iterator[Article]:
    """The articles of train, dev or test that have annotations; of several annotators' files the first by name."""
    folder = next((f for f in (root / part, root / "data" / part) if (f / "text").is_dir()), None)
    if folder is None:
        raise CorpusError(f"{root}: no folder {part}/text; name the folder of PolNeAR that holds train and dev")
    for path in sorted((folder / "text").glob("*.txt")):
        files = sorted((folder / "attributions").glob(escape(path.stem) + "*.ann"))
        if files:
            # Offsets count characters with line ends as they are.
            yield Article(path.stem, _text(path), brat(_text(files[0])))


def brat(lines: str) -> list[Quoted]:
    """The attributions of a file in brat's stand-off format (T: a span; E: an event that joins them)."""
    spans = {m[1]: _ranges(m[3]) for m in map(_SPAN.match, lines.split("\n")) if m}
    found = []
    for line in lines.split("\n"):
        if line.startswith("E"):
            parts: dict[str, list[Range]] = {"Source": [], "Cue": [], "Content": []}
            for role, span in _ROLE.findall(line):
                parts[role] += spans.get(span, [])
            found.append(Quoted(*(sorted(parts[role]) for role in ("Source", "Cue", "Content"))))
    return found


def _ranges(told: str) -> list[Range]:
    """Of `0 4;9 12`."""
    pairs = (pair.split() for pair in told.split(";"))
    return [(int(start), int(end)) for start, end in pairs]


def checkthat(root: Path, part: str) -> list[Asked]:
    """Sentences with the answer yes or no. part: train, dev, dev_test, test_gold. Raises CorpusError where several files would do."""
    files = [p for p in sorted(root.rglob(f"*[_-]{part}.tsv")) if "__MACOSX" not in p.parts]
    if len(files) != 1:
        found = ", ".join(p.name for p in files) or "none"
        raise CorpusError(f"{root}: found {found} for *_{part}.tsv; name a folder with one language of one year of CheckThat!")
    # The debates of 2024 quote fields that hold quotation marks; the tweets of other years do not.
    first = _text(files[0]).split("\n", 1)[0].rstrip("\r").split("\t")
    column = next((name for name in ("Text", "tweet_text") if name in first), None)
    if column is None or "class_label" not in first:
        raise CorpusError(f"{files[0]}: no columns Text and class_label; it is not a file of CheckThat! check-worthiness")
    csv.field_size_limit(1 << 30)
    rows = csv.DictReader(_lines(files[0]), delimiter="\t", quoting=csv.QUOTE_MINIMAL if column == "Text" else csv.QUOTE_NONE)
    return [Asked(row[column], "yes" if row["class_label"].strip() in ("Yes", "1") else "no") for row in rows if row.get("class_label")]


def semeval(root: Path, part: str) -> list[Asked]:
    """Tweets with target and answer: favor, against or none. part: train or test."""
    name = {"train": "trainingdata-all-annotations.txt", "test": "testdata-taskA-all-annotations.txt"}[part]
    path = next(iter(sorted(root.rglob(name))), None)
    if path is None:
        raise CorpusError(f"{root}: no {name}; name the folder of SemEval-2016 task 6 with all annotations")
    rows = [line.split("\t") for line in _text(path).replace("\r\n", "\n").replace("\r", "\n").split("\n")[1:]]
    return [Asked(row[2], ANSWERS[row[3].strip()], row[1]) for row in rows if len(row) > 3 and row[3].strip() in ANSWERS]


def release_tables(release: Path, names: tuple[str, ...], documents: Collection[str] | None = None) -> dict[str, list[dict[str, Any]]]:
    """Rows of some tables of a release, by table; a table without rows has none. documents: the doc_ids wanted; all where None."""
    if not (release / "data" / "documents").is_dir():
        raise CorpusError(f"{release}: no release; name a folder such as dist/my-articles/1.0.0")
    where, values = ("", []) if documents is None else (" WHERE doc_id IN (SELECT unnest($1::VARCHAR[]))", [sorted(documents)])
    with database() as db:
        return {name: db.execute(f"FROM {stored(release, name)}{where}", values).to_arrow_table().to_pylist() for name in names}


def _lines(path: Path) -> Iterator[str]:
    with open(path, encoding="utf-8-sig", newline="") as file:
        yield from file


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CorpusError(f"{path}: {error.strerror}") from None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")
