"""`araxes explain`, and `araxes init --repeats`: what a release says of a document, and of an outlet's pages."""

import csv
import shutil
from pathlib import Path

import pytest

from flows.cli import run
from schemas.rejections import REASONS
from tests.corpora import build, corpus


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    place = tmp_path_factory.mktemp("explain")
    folder = corpus(place / "c", 4)
    (folder / "05.txt").touch()
    hidden = (folder / "01.txt").read_text().replace("fourth", "fourth").replace("Nobody called", "Nobody\u202e called")
    (folder / "01.txt").write_text(hidden.replace("ministry’s", "ministryâ€™s"), encoding="utf-8")
    (folder / "captures.csv").write_text("path,outlet\n" + "".join(f"{i:02}.txt,harbour\n" for i in range(4)))
    (folder / "outlets.csv").write_text("outlet,name\nharbour,The Harbour Paper\n")
    assert build(folder, place / "dist") == 0
    return folder, place / "dist" / "c" / "1.0.0"


def test_a_document_is_told_from_bytes_to_rows(release, capsys):
    assert run(["explain", str(release[1]), "01.txt"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("capture    01.txt: ") and "title      A Ferry for Orbelan, Again Postponed" in told
    assert "[-Follow us on:" in told and "ministry{â€™|’}s own study" in told
    assert "\u202e" not in told and "⟨U+202E⟩" in told
    assert "removed    share: 1 edit, " in told and "segments   " in told
    assert "says       he: " in told and "claim      " in told


def test_a_rejected_capture_is_told_with_its_reason(release, capsys):
    assert run(["explain", str(release[1]), "05.txt"]) == 0
    *_, why, advice = capsys.readouterr().out.splitlines()
    assert why == "rejected   by read: empty: the file has no bytes" and advice == f"to do      {REASONS['empty']}"


def test_what_names_none_or_several_is_told_in_one_line(release, capsys):
    assert run(["explain", str(release[1]), "06.txt"]) == 1
    assert "'06.txt' means no document or capture" in capsys.readouterr().err
    assert run(["explain", str(release[1]), ""]) == 1
    assert "'' means 4 documents" in capsys.readouterr().err
    assert run(["explain", str(release[0]), "06.txt"]) == 1
    assert "name the folder of one version" in capsys.readouterr().err


@pytest.mark.parametrize("size", [0, 100])
def test_a_damaged_release_is_told_in_one_line_that_says_what_next(release, tmp_path, capsys, size):
    damaged = Path(shutil.copytree(release[1], tmp_path / "1.0.0"))
    (file,) = damaged.glob("data/edits/*.parquet")
    file.write_bytes(file.read_bytes()[:size])
    assert run(["explain", str(damaged), "01.txt"]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and f"{file}: damaged; araxes verify" in told


def test_a_withheld_document_is_told_without_its_words(release, tmp_path, capsys):
    assert build(release[0], tmp_path, "--public") == 0
    capsys.readouterr()
    public = tmp_path / "c-public" / "1.0.0"
    names = [p.stem for p in sorted((public / "report" / "documents").glob("*.html"))]
    assert run(["explain", str(public), names[0]]) == 0
    told = capsys.readouterr().out
    assert "The text is withheld" in told and "has waited four years" not in told


REPORTS = {
    "pier": "The pier at Saren was closed on Monday after a barge broke two of its posts. "
    "Divers found a third post cracked below the water line.",
    "school": "Teachers in Orbelan walked out over unpaid wages. "
    "The ministry promised the money by Friday and has promised it twice before.",
    "rail": "A night train between Varosh and Kelinda was cut from the timetable. "
    "The railway carried forty passengers a week on it last winter.",
    "grain": "Grain merchants bought less wheat this season than in any since the drought. "
    "Prices in Tolkun rose by a fifth within nine days.",
}


def test_lines_that_repeat_are_proposed_as_rules_under_the_outlets_key(tmp_path, capsys):
    folder = tmp_path / "c"
    folder.mkdir()
    for name, report in REPORTS.items():
        blocks = (f"What happened to the {name}", report, f"{report[::-1].title()}.", "Harbour Paper weather desk, 12 degrees\n")
        (folder / f"{name}.txt").write_text("\n\n".join(blocks))
    (folder / "captures.csv").write_text("path,outlet\n" + "".join(f"{name}.txt,harbour\n" for name in REPORTS))
    (folder / "outlets.csv").write_text("outlet,name\nharbour,The Harbour Paper\n")
    assert build(folder, tmp_path / "dist") == 0
    assert run(["init", str(folder), "--repeats", str(tmp_path / "dist" / "c" / "1.0.0")]) == 0
    (row,) = csv.DictReader((folder / "outlets.proposed.csv").open(encoding="utf-8"))
    assert (row["outlet"], row["line"], row["pages"]) == ("harbour", "Harbour Paper weather desk, 12 degrees", "4")
    (folder / "outlets.csv").write_text(f"outlet,name,remove\nharbour,The Harbour Paper,\"{row['remove']}\"\n")
    assert build(folder, tmp_path / "dist") == 0
    removed = (tmp_path / "dist" / "c" / "2.0.0" / "jsonl" / "segments" / "train-00000-of-00001.jsonl").read_text()
    assert "weather desk" not in removed
