"""The build as a user runs it: what it prints and leaves behind, and what every mistake and mishap says."""

import fcntl
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl
import pytest

from flows import guard
from flows.cli import run
from tests.corpora import SEEDS, build, copy, corpus, sums

NOBODY = 65534


def table(out: Path, name: str) -> pl.DataFrame:
    (release,) = out.glob("*/[0-9]*")
    return pl.read_parquet(release / "data" / name / "*.parquet")


def said(capsys) -> str:
    """The one line on standard error that tells of a failure."""
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("araxes: ")]
    assert "Traceback" not in "".join(lines)
    return lines[-1]


def araxes(*words: str | Path, **options) -> subprocess.Popen:
    command = [sys.executable, "-m", "flows.cli", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def test_a_release_is_published_its_path_is_the_last_line_and_a_second_build_publishes_nothing(tmp_path, capsys):
    assert build(corpus(tmp_path / "ferries"), tmp_path / "dist") == 0
    release = tmp_path / "dist" / "ferries" / "1.0.0"
    assert capsys.readouterr().out.splitlines()[-1] == str(release)
    assert (release.parent / "LATEST").read_text() == "1.0.0\n" and sorted(os.listdir(release.parent)) == ["1.0.0", "LATEST"]
    assert run(["verify", str(release), "--captures", str(tmp_path / "ferries")]) == 0
    capsys.readouterr()
    assert build(tmp_path / "ferries", tmp_path / "dist") == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(release) and sorted(os.listdir(release.parent)) == ["1.0.0", "LATEST"]


def test_a_new_capture_makes_a_minor_version_and_a_changed_one_a_major(tmp_path):
    out = tmp_path / "dist"
    assert build(corpus(tmp_path / "ferries"), out) == 0
    assert build(corpus(tmp_path / "ferries", 1, start=3), out) == 0
    (tmp_path / "ferries" / "00.txt").unlink()
    assert build(tmp_path / "ferries", out) == 0
    assert sorted(p.name for p in (out / "ferries").glob("[0-9]*")) == ["1.0.0", "1.1.0", "2.0.0"]
    assert (out / "ferries" / "LATEST").read_text() == "2.0.0\n"


def test_every_capture_has_an_outcome_and_the_same_payload_is_one_document(tmp_path):
    folder = corpus(tmp_path / "c", 2)
    (folder / "again.txt").write_bytes((folder / "00.txt").read_bytes())
    (folder / "empty.txt").touch()
    (folder / "empty too.txt").touch()
    (folder / "picture.txt").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    (folder / "picture again.txt").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    (folder / "menu.html").write_text("<!DOCTYPE html><ul><li><a href='/'>Home</a><li><a href='/p'>Politics</a></ul>")
    (folder / os.fsdecode(b"\xff.txt")).write_text("nothing\n")
    (folder / "gone").symlink_to("nowhere")
    assert build(folder, tmp_path / "dist") == 0
    captures, rejections = table(tmp_path / "dist", "captures"), table(tmp_path / "dist", "rejections")
    outcomes = dict(captures.select("path", "outcome").iter_rows())
    assert [p for p, o in outcomes.items() if o != "rejected"] == [p for p in outcomes if p in ("00.txt", "01.txt", "again.txt")]
    assert sorted(o for o in outcomes.values() if o != "rejected") == ["document", "document", "duplicate"]
    reasons = dict(captures.join(rejections, on="capture_id").filter(table="captures").select("path", "reason").iter_rows())
    assert reasons == {
        "empty.txt": "empty", "empty too.txt": "empty", "picture.txt": "binary", "picture again.txt": "binary", "gone": "unreadable",
        "\\xff.txt": "no_body", "menu.html": "no_body",
    }  # fmt: skip
    assert run(["verify", str(next((tmp_path / "dist").glob("*/1*"))), "--captures", str(folder)]) == 0


def test_a_hundred_megabytes_of_one_line_end_in_rejections(tmp_path):
    folder = corpus(tmp_path / "c", 2)
    (folder / "long.txt").write_bytes(b"word " * 20_000_000)
    assert build(folder, tmp_path / "dist") == 0
    assert table(tmp_path / "dist", "rejections")["reason"].to_list() == ["too_large"]


@pytest.mark.parametrize(
    "words,says",
    [
        (["build", "{tmp}/none"], "no such folder"),
        (["build", "{tmp}/empty"], "holds no files"),
        (["build", "{tmp}/c", "--dataset", "../up"], "not usable"),
        (["build", "{tmp}/c", "--workers", "0"], "below 1"),
        (["build", "{tmp}/c", "--worker", "2"], "--worker"),
        (["biuld"], "build"),
        (["init", "{tmp}/none"], "no such folder"),
    ],
)
def test_wrong_usage_and_no_input_are_one_line_and_exit_2(tmp_path, capsys, words, says):
    corpus(tmp_path / "c")
    (tmp_path / "empty").mkdir()
    assert run([w.format(tmp=tmp_path) for w in words]) == 2
    assert says in said(capsys) and not (tmp_path / "dist").exists()


def test_a_broken_configuration_is_told_before_anything_is_written(tmp_path, capsys):
    folder = corpus(tmp_path / "c")
    (folder / "araxes.toml").write_text("[dataset")
    assert build(folder, tmp_path / "dist") == 2
    assert "araxes.toml" in said(capsys) and not (tmp_path / "dist").exists()


def test_a_threshold_the_gate_does_not_know_is_told_before_anything_is_read(tmp_path, capsys):
    folder = corpus(tmp_path / "c")
    (folder / "araxes.toml").write_text("[gate]\nmin_document = 1\n")
    assert build(folder, tmp_path / "dist") == 2
    assert "min_document" in said(capsys) and not (tmp_path / "dist").exists()


def test_a_failing_gate_publishes_nothing_and_says_which_expectation_failed_on_what(tmp_path, capsys):
    folder = corpus(tmp_path / "c")
    (folder / "araxes.toml").write_text("[gate]\nmin_documents = 50\n")
    assert build(folder, tmp_path / "dist") == 1
    assert re.search(r"gate failed.*documents rows is 3, at least 50.*min_documents", said(capsys)) and not (tmp_path / "dist").exists()


def test_releases_among_the_captures_are_no_captures(tmp_path):
    folder = corpus(tmp_path / "c", 2)
    assert build(folder, folder / "dist") == 0
    assert build(folder, folder / "dist") == 0
    assert sorted(os.listdir(folder / "dist" / "c")) == ["1.0.0", "LATEST"]
    assert run(["verify", str(folder / "dist" / "c" / "1.0.0"), "--captures", str(folder)]) == 0


def test_a_capture_without_a_row_is_told_by_verify(tmp_path, capsys):
    folder = corpus(tmp_path / "c", 2)
    assert build(folder, tmp_path / "dist") == 0
    (folder / "late.txt").write_text("late")
    assert run(["verify", str(tmp_path / "dist" / "c" / "1.0.0"), "--captures", str(folder)]) == 1
    assert "late.txt: in the captures folder, and without a row" in capsys.readouterr().out


def test_a_folder_of_which_nothing_can_be_read_is_refused_by_the_gate(tmp_path, capsys):
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "empty.txt").touch()
    assert build(tmp_path / "c", tmp_path / "dist") == 1
    assert "documents rows is 0" in said(capsys) and not (tmp_path / "dist").exists()


def test_a_path_with_the_signs_of_a_pattern_is_a_path(tmp_path):
    folder = corpus(tmp_path / "a[b]*" / "c")
    assert build(folder, tmp_path / "a[b]*" / "dist") == 0
    assert run(["verify", str(tmp_path / "a[b]*" / "dist" / "c" / "1.0.0"), "--captures", str(folder)]) == 0


def test_a_folder_that_may_not_be_written_is_told(tmp_path, capsys):
    place = Path(tempfile.mkdtemp(dir="/tmp"))
    folder = corpus(place / "c")
    place.chmod(0o755)
    os.chdir("/")
    try:
        _as_nobody(lambda: build(folder, place / "dist"), expect=1)
    finally:
        subprocess.run(["rm", "-rf", place], check=True)
    assert "Permission denied" in said(capsys)


def _as_nobody(work, expect: int) -> None:
    """Call it without root's rights to read and write everything."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        assert work() == expect
    finally:
        if root:
            os.seteuid(0)


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path, capsys):
    # A limit on file size stops a write as a full disk does, at any byte, and needs no rights.
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    folder = corpus(tmp_path / "c", 8)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, limits[1]))
    try:
        assert build(folder, tmp_path / "dist") == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert said(capsys) and not (tmp_path / "dist").exists()
    assert build(folder, tmp_path / "dist") == 0


def test_two_builds_of_one_dataset_at_once_are_refused(tmp_path, capsys):
    folder, place = corpus(tmp_path / "c"), tmp_path / "dist" / "c"
    place.mkdir(parents=True)
    held = os.open(place, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    assert build(folder, tmp_path / "dist") == 1
    assert "another build of this dataset is running" in said(capsys)
    os.close(held)
    assert build(folder, tmp_path / "dist") == 0


KILLED = """
import os, signal, sys
from flows import cli
from flows.release import publish
at = int(sys.argv.pop(1))
seen = 0
def counted(function):
    def step(*a, **k):
        global seen
        seen += 1
        if seen == at:
            os.kill(os.getpid(), signal.{signal})
        return function(*a, **k)
    return step
for name in ("rename", "replace", "fsync"):
    setattr(os, name, counted(getattr(os, name)))
cli.main()
"""


@pytest.mark.parametrize("how,at", [("SIGKILL", 1), ("SIGKILL", 3), ("SIGKILL", 9), ("SIGKILL", -1), ("SIGINT", 3)])
def test_a_build_stopped_while_publishing_leaves_no_half_release_and_the_next_one_is_the_same(tmp_path, how, at):
    folder, out = corpus(tmp_path / "c"), tmp_path / "dist"
    assert build(folder, tmp_path / "whole") == 0
    if at == -1:  # the last step of all: LATEST
        at = _steps(folder, tmp_path / "counted")
    command = [sys.executable, "-c", KILLED.format(signal=how), str(at), "build", str(folder), "--out", str(out), "--direct"]
    stopped = subprocess.run(command, capture_output=True, text=True)
    assert stopped.returncode in (-signal.SIGKILL, 130), stopped.stderr
    assert "Traceback" not in stopped.stderr
    for release in out.glob("*/[0-9]*"):
        assert run(["verify", str(release), "--captures", str(folder)]) == 0
    assert build(folder, out) == 0
    assert sums(out) == sums(tmp_path / "whole")
    assert sorted(os.listdir(out / "c")) == ["1.0.0", "LATEST"]


def _steps(folder: Path, out: Path) -> int:
    count = KILLED.replace("cli.main()", "code = cli.run(sys.argv[1:]); print('steps', seen); sys.exit(code)").format(signal="SIGKILL")
    command = [sys.executable, "-c", count, "0", "build", str(folder), "--out", str(out), "--direct"]
    done = subprocess.run(command, capture_output=True, text=True)
    return int(re.search(r"steps (\d+)", done.stdout)[1]) - 1  # the directory's own sync comes after LATEST


@pytest.mark.slow
def test_the_same_captures_give_the_same_bytes(tmp_path):
    """Another folder, another order, time zone, locale, hash seed and number of workers."""
    shuffled = copy(SEEDS, tmp_path / "elsewhere" / "corpus", backwards=True)
    plain = {**os.environ, "TZ": "UTC", "LANG": "C", "PYTHONHASHSEED": "0"}
    other = {**os.environ, "TZ": "Asia/Baku", "LANG": "tr_TR.UTF-8", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "7"}
    one = araxes("build", SEEDS, "--out", tmp_path / "one", "--direct", "--workers", "1", env=plain)
    assert one.wait() == 0, one.stderr.read()
    four = araxes("build", shuffled, "--out", tmp_path / "four", "--direct", "--workers", "4", env=other, cwd="/")
    assert four.wait() == 0, four.stderr.read()
    assert sums(tmp_path / "one") == sums(tmp_path / "four")


def test_many_shards_and_one_give_the_same_bytes(tmp_path, monkeypatch):
    folder = corpus(tmp_path / "c", 8)
    assert build(folder, tmp_path / "one") == 0
    monkeypatch.setattr("flows.readers.shards.SHARD_BYTES", 2_000)
    assert build(folder, tmp_path / "many", "--workers", "2") == 0
    assert sums(tmp_path / "one") == sums(tmp_path / "many")


def test_processes_of_a_build_of_many_shards_end_with_the_last_and_those_of_a_small_one_wait_for_another(tmp_path, monkeypatch):
    folder = corpus(tmp_path / "c", 8)
    assert build(folder, tmp_path / "one") == 0
    assert guard._idle
    monkeypatch.setattr("flows.build.FEW", 1)
    monkeypatch.setattr("flows.readers.shards.SHARD_BYTES", 2_000)
    assert build(folder, tmp_path / "many", "--workers", "2") == 0
    assert not guard._idle


def test_ctrl_c_in_the_middle_says_so_and_leaves_nothing(tmp_path):
    stopped = araxes("build", SEEDS, "--out", tmp_path / "dist", "--direct")
    deadline = time.monotonic() + 60
    while not (tmp_path / "dist").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    stopped.send_signal(signal.SIGINT)
    assert stopped.wait(60) == 130
    assert "stopped; nothing was published" in stopped.stderr.read() and not (tmp_path / "dist").exists()
