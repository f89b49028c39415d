"""The story of a dataset: what each build makes of it, and what a withdrawal leaves of a document."""

import hashlib
import json
import shutil
from pathlib import Path

import polars as pl
import pytest

import schemas
from flows.cli import run
from flows.parquet import digest, files
from flows.release.changes import replay
from tests.corpora import build, corpus


def rows(release: Path, name: str) -> list[dict]:
    return [row for path in files(release, name) for row in pl.read_parquet(path).to_dicts()]


def is_old_with_changes(old: Path, new: Path) -> bool:
    told = [json.loads(line) for line in (new / "changes.jsonl").read_text("utf-8").splitlines()]
    for table in schemas.TABLES:
        names = schemas.table(table).KEY
        by_key = lambda row, names=names: json.dumps([row[c] for c in names])  # noqa: E731
        if sorted(replay(rows(old, table), table, told), key=by_key) != sorted(rows(new, table), key=by_key):
            return False
    return True


@pytest.fixture
def story(tmp_path):
    folder, out = corpus(tmp_path / "ferries", 3), tmp_path / "dist"
    assert build(folder, out) == 0
    corpus(folder, 1, start=5)
    assert build(folder, out) == 0
    return folder, out / "ferries"


def withdraw(folder: Path, name: str) -> str:
    sha256 = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / "captures.csv").write_text(f"path,sha256,withdrawn\n{name},{sha256},asked for by its author in May 2026\n")
    return sha256


def test_a_withdrawal_makes_a_major_version_and_takes_the_words_out_of_all_others(story, tmp_path):
    folder, versions = story
    words = (folder / "01.txt").read_text().split("\n")[0]
    sha256 = withdraw(folder, "01.txt")
    (folder / "01.txt").unlink()
    before = shutil.copytree(versions / "1.1.0", tmp_path / "before")
    assert build(folder, versions.parent) == 0
    assert sorted(p.name for p in versions.iterdir()) == ["1.0.0", "1.1.0", "2.0.0", "LATEST"]
    for version in ("1.0.0", "1.1.0", "2.0.0"):
        release = versions / version
        assert run(["verify", str(release)]) == 0
        assert sha256[:20] not in {d["doc_id"] for name in ("documents", "segments", "edits", "splits") for d in rows(release, name)}
        assert [r["detail"] for r in rows(release, "rejections") if r["reason"] == "withdrawn"] == ["asked for by its author in May 2026"]
        assert not [p for p in release.rglob("*") if p.is_file() and words.encode() in p.read_bytes()]
    assert json.loads((versions / "1.0.0" / "build.json").read_text())["withdrawn"] == [sha256[:20]]
    assert is_old_with_changes(versions / "1.0.0", versions / "1.1.0")
    assert is_old_with_changes(before, versions / "2.0.0")
    told = [json.loads(line) for line in (versions / "2.0.0" / "changes.jsonl").read_text().splitlines()]
    of_it = [c for c in told if c["id"][0][:20] == sha256[:20] or sha256[:20] in c["id"] or c["table"] == "rejections"]
    assert {c["what"] for c in of_it} == {"added", "removed", "changed"} and {c["reason"] for c in of_it} == {"withdrawn"}
    assert {c["reason"] for c in told} <= {"withdrawn", "corpus changed"}  # links of those that were near it
    assert build(folder, versions.parent) == 0
    assert sorted(p.name for p in versions.iterdir()) == ["1.0.0", "1.1.0", "2.0.0", "LATEST"]


def test_the_other_records_of_an_older_version_stay_as_they_were(story):
    folder, versions = story
    before = {name: rows(versions / "1.0.0", name) for name in schemas.TABLES}
    doc_id = withdraw(folder, "02.txt")[:20]
    assert build(folder, versions.parent) == 0
    for name in ("documents", "segments", "edits", "splits"):
        assert rows(versions / "1.0.0", name) == [r for r in before[name] if r["doc_id"] != doc_id]


def test_a_purge_that_was_killed_is_finished_by_the_next(story, monkeypatch):
    folder, versions = story
    withdraw(folder, "00.txt")
    calls = []

    def killed(dataset_dir):
        calls.append(dataset_dir)
        if len(calls) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("flows.release.withdraw._finish", killed)
        assert build(folder, versions.parent) == 130
    assert (versions / ".withdrawn-1.0.0").is_dir()
    assert build(folder, versions.parent) == 0
    assert sorted(p.name for p in versions.iterdir()) == ["1.0.0", "1.1.0", "2.0.0", "LATEST"]
    assert all(len(rows(versions / v, "documents")) == n for v, n in (("1.0.0", 2), ("1.1.0", 3)))
    told = json.loads((versions / "1.0.0" / "build.json").read_text())
    assert told["digests"]["documents"] == digest(files(versions / "1.0.0", "documents"))


def test_what_was_withdrawn_and_is_not_named_by_its_hash_is_asked_for(story, capsys):
    folder, versions = story
    (folder / "captures.csv").write_text("path,withdrawn\n09.txt,asked for\n")
    assert build(folder, versions.parent) == 2
    assert "no capture '09.txt'" in capsys.readouterr().err
