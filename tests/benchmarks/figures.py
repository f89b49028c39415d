"""The README's tables of figures, made again by one command.

    python -m tests.benchmarks.figures                               # the specimens
    python -m tests.benchmarks.figures --bench BENCH [--peers]       # and the public sets, where you have them
    python -m tests.benchmarks.figures --speed                       # and speed against datatrove, in the same run
    python -m tests.benchmarks.figures ... --write                   # put into README.md in place of those that stand there

BENCH holds the public sets beside their scorers, score_*.py: each takes a callable and writes its rows as JSON. `--peers` scores the peers
in the same run; their packages have to be installed.
"""

import argparse
import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "cases" / "specimens.json"
FACTS = ("title", "authors", "date_published", "date_modified", "language")
OURS = "tests.benchmarks.scorers"


class Scorer(NamedTuple):
    """A scorer of BENCH, its data, and the callable it is given."""

    words: str
    callable: str


SCORERS = {
    "decode": Scorer("score_decode.py --chardet encodings --ud ud", "decode"),
    "repair": Scorer("score_repair.py --ud ud --fundus fundus", "repair"),
    "lines": Scorer("score_lines.py score --bench lines/lines.jsonl.gz", "strip_lines"),
    "html": Scorer("score_html.py --aeb aeb --fundus fundus --traf traf", "strip_html"),
    "sentences": Scorer("score_sentences.py --ud ud --part dev", "sentences"),
    "metadata": Scorer("score_metadata.py --fundus fundus", "metadata_html"),
    "text metadata": Scorer("score_text_metadata.py --fundus fundus", "metadata_text"),
    "language": Scorer("score_language.py --ud ud", "language"),
}
STAGES = ROOT / "flows" / "stages"
STRIP, STRIP_HTML = (json.loads((STAGES / f"{name}.json").read_text("utf-8")) for name in ("strip_model", "strip_html_model"))


class Figure(NamedTuple):
    """A line of the README: the column of a scorer's table, found by its scorer, the beginning of its title and the row's damage.

    The labellers that strip were trained on the public pages: `crossed` is what they reach on sites that training left out.
    """

    called: str
    scorer: str
    title: str
    column: str
    damage: str | None = None
    crossed: float | None = None


FIGURES = (
    Figure("labelled files decoded exactly", "decode", "A chardet", "exact"),
    Figure("cut, mixed and damaged files decoded exactly", "decode", "A built", "exact"),
    Figure("lines read as GB18030, repaired exactly", "repair", "B built", "exact", damage="gb18030/replace"),
    Figure("lines read as Windows-1252, repaired exactly", "repair", "B built", "exact", damage="cp1252/replace"),
    Figure("body of text dumps, F1 of characters", "lines", "C2", "charF1", crossed=STRIP["cross_validation_by_site"]["char_f1"]),
    Figure("body of HTML, AEB, F1", "html", "C AEB", "F1", crossed=STRIP_HTML["scores"]["aeb"][2]),
    Figure("body of HTML, Fundus, F1", "html", "C Fundus", "F1", crossed=STRIP_HTML["scores"]["fundus"][2]),
    Figure("body of HTML, trafilatura's pages, F1", "html", "C trafilatura", "F1", crossed=STRIP_HTML["scores"]["traf"][2]),
    Figure("sentence boundaries, mean F1", "sentences", "D UD dev: F1 of internal", "MEAN"),
    Figure("HTML: title exact", "metadata", "E Fundus", "title exact"),
    Figure("HTML: all authors", "metadata", "E Fundus", "authors set exact"),
    Figure("HTML: day", "metadata", "E Fundus", "date exact"),
    Figure("text only: title exact", "text metadata", "E2", "title exact"),
    Figure("text only: all authors", "text metadata", "E2", "authors set exact"),
    Figure("text only: day", "text metadata", "E2", "date exact"),
    Figure("language of one sentence", "language", "E3 language, 1", "all"),
)


def specimens(release: Path) -> list[str]:
    """What a release of seeds/ gets right of what the authors of the specimens expect of it."""
    cases = [c for c in json.loads(CASES.read_text("utf-8")) if c["outcome"] == "document"]
    documents = {row["path"]: row for row in _joined(release).iter_rows(named=True)}
    counts = {fact: [_same(documents[c["path"]][fact], c[fact]) for c in cases if fact in c] for fact in FACTS}
    texts = {path: _composed(row["text"]) for path, row in documents.items()}
    counts["phrases kept"] = [_composed(words) in texts[c["path"]] for c in cases for words in c["kept"]]
    lines = {path: {line.strip() for line in text.split("\n")} for path, text in texts.items()}
    counts["lines of clutter removed"] = [_composed(line.strip()) not in lines[c["path"]] for c in cases for line in c["removed"]]
    rows = [[name.replace("_", " "), str(sum(found)), str(len(found))] for name, found in counts.items()]
    return table(["specimens", "right", "of"], rows)


def _joined(release: Path) -> pl.DataFrame:
    captures, documents = (pl.read_parquet(release / "data" / name / "*.parquet") for name in ("captures", "documents"))
    return captures.select("path", "doc_id").join(documents, on="doc_id")


def _same(found: Any, expected: Any) -> bool:
    if isinstance(expected, str):
        return (found or "").startswith(_composed(expected)) if re.match(r"\d{4}", expected) else found == _composed(expected)
    return found == expected


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def public_sets(bench: Path, peers: bool) -> list[str]:
    """The stages on the public sets; a column for the best peer of each row, where peers run."""
    found = {name: _scored(bench, scorer, peers) for name, scorer in SCORERS.items()}
    rows = []
    for figure in FIGURES:
        scored = next(rows for head, rows in found[figure.scorer].items() if head.startswith(figure.title))
        values = _by_system([row for row in scored if row.get("damage") == figure.damage], figure.column)
        ours = values.pop("ours")
        best = [f"{values[name]:.3f}, {name}" for name in sorted(values, key=lambda name: -values[name])[:1]]
        rows.append([figure.called, f"{figure.crossed or ours:.3f}", *(best if peers else [])])
    return table(["tuning part of the public sets", "Araxes", *(["best peer"] if peers else [])], rows)


def _scored(bench: Path, scorer: Scorer, peers: bool) -> dict[str, list[dict]]:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "rows.json")
        words = [sys.executable, *scorer.words.split(), "--system", f"ours={OURS}:{scorer.callable}", "--out", str(out)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        subprocess.run(words if peers else [*words, "--only", "ours"], cwd=bench, env=environment, check=True, stdout=subprocess.DEVNULL)
        return json.loads(out.read_text("utf-8"))


def _by_system(rows: list[dict], column: str) -> dict[str, float]:
    """A row for each system, or a row for each set with a column for each system."""
    if any(row.get("set") == column for row in rows):
        (row,) = [row for row in rows if row["set"] == column]
        return {name: value for name, value in row.items() if isinstance(value, float)}
    return {row["system"]: row[column] for row in rows if isinstance(row.get(column), float)}


def speed() -> list[str]:
    """The table of against_datatrove."""
    from tests.benchmarks import against_datatrove

    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        against_datatrove.main(["--text", "800", "--html", "100", "--rounds", "3"])
    return told.getvalue().splitlines()


def table(heads: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (heads, ["---"] * len(heads), *rows)]


def placed(readme: str, name: str, lines: list[str]) -> str:
    """The README with the table called `name` in place of the one between its marks."""
    marks, made = rf"(<!-- figures: {name} -->\n).*?(<!-- end -->)", "\n".join([*lines, ""])
    made, n = re.subn(marks, lambda m: m[1] + made + m[2], readme, flags=re.S)
    if n != 1:
        raise SystemExit(f"README.md has {n} places for {name}, not one")
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", type=Path)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    made = {"specimens": built()}
    if options.bench:
        made["public sets"] = public_sets(options.bench.resolve(), options.peers)
    if options.speed:
        made["speed"] = speed()
    readme = ROOT / "README.md"
    for name, lines in made.items():
        print("\n".join(lines), end="\n\n")
        if options.write:
            readme.write_text(placed(readme.read_text("utf-8"), name, lines), "utf-8")


def built() -> list[str]:
    from flows.build import direct

    with tempfile.TemporaryDirectory() as folder:
        return specimens(direct(ROOT / "seeds", Path(folder)).release)


if __name__ == "__main__":
    main()
