"""A build after a build: what has not changed is not done again, and what cannot be trusted is."""

import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import flows.build
from flows.readers.folder import list_captures, open_corpus
from flows.readers.knowledge import Knowledge
from flows.readers.shards import pack
from tests.corpora import build, corpus, sums


@pytest.fixture
def done(monkeypatch) -> list[Path]:
    """The shards that were taken through the line, in order."""
    seen: list[Path] = []
    run = flows.build.guarded

    def counted(shard: Path, *values) -> Path:
        seen.append(shard)
        return run(shard, *values)

    monkeypatch.setattr("flows.build.guarded", counted)
    monkeypatch.setattr("flows.readers.shards.SHARD_BYTES", 1_000)
    return seen


def rebuilt(folder: Path, out: Path, done: list[Path]) -> int:
    done.clear()
    assert build(folder, out, "--workers", "1") == 0
    return len(done)


def test_a_new_capture_redoes_its_shard_and_gives_what_a_build_from_nothing_gives(tmp_path, done):
    folder = corpus(tmp_path / "c", 7)
    first = rebuilt(folder, tmp_path / "dist", done)
    assert first > 2
    assert rebuilt(folder, tmp_path / "dist", done) == 0
    corpus(folder, 1, start=7)
    assert rebuilt(folder, tmp_path / "dist", done) in (1, 2)  # its shard, or what that was split into
    assert rebuilt(folder, tmp_path / "whole", done) >= first
    newest = tmp_path / "dist" / "c" / "1.1.0" / "data"
    for path in newest.rglob("segments/*.parquet"):
        # The rows, not the bytes: the file names its release's version.
        assert pq.read_table(path).equals(pq.read_table(tmp_path / "whole" / "c" / "1.0.0" / "data" / path.relative_to(newest)))


def test_no_capture_ever_changes_other_shards_than_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr("flows.readers.shards.SHARD_BYTES", 1_000)
    folder, before = tmp_path / "c", set()
    folder.mkdir()
    for i in range(24):
        (folder / f"{i:02}.txt").write_text(f"{i} ships. " * 40)
        source = open_corpus(folder)
        after = set(pack(source, Knowledge(), list_captures(source), tmp_path, tmp_path / "shards", "")[1])
        assert 1 <= len(after - before) <= 2
        before = after
    assert len(before) > 6


def test_a_result_that_is_missing_or_damaged_is_made_again(tmp_path, done):
    folder = corpus(tmp_path / "c", 7)
    rebuilt(folder, tmp_path / "dist", done)
    shards = sorted(set(done))
    (shards[0] / "segments.parquet").unlink()
    damaged = bytearray((shards[1] / "edits.parquet").read_bytes())
    damaged[60] ^= 1
    (shards[1] / "edits.parquet").write_bytes(damaged)
    (shards[2] / "done.json").write_text("{")
    before = sums(tmp_path / "dist")
    assert rebuilt(folder, tmp_path / "dist", done) == 3 and sorted(done) == shards[:3]
    assert sums(tmp_path / "dist") == before


def test_another_configuration_or_other_code_redoes_what_depends_on_it(tmp_path, done, monkeypatch):
    folder = corpus(tmp_path / "c", 7)
    first = rebuilt(folder, tmp_path / "dist", done)
    (folder / "captures.csv").write_text("path,license,rights_basis\n00.txt,CC0-1.0,said so\n")
    assert rebuilt(folder, tmp_path / "dist", done) == 1
    monkeypatch.setattr("flows.release.provenance.made_by", lambda facts: "other code")
    assert rebuilt(folder, tmp_path / "dist", done) == first


def test_results_that_the_last_build_did_not_use_are_deleted(tmp_path, done):
    folder = corpus(tmp_path / "c", 7)
    rebuilt(folder, tmp_path / "dist", done)
    (cache,) = {shard.parent for shard in done}
    before = sorted(os.listdir(cache))
    (folder / "03.txt").unlink()
    rebuilt(folder, tmp_path / "dist", done)
    after = sorted(os.listdir(cache))
    assert len(after) <= len(before) and after != before
