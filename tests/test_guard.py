"""Captures that would end a build, or never let it end, are rejections, whatever they do to the process; the others go on."""

from pathlib import Path

import pytest

from flows import guard
from tests.corpora import build, corpus
from tests.test_build import table

# Workers import it as they start. A stage that meets the words "Poison: NAME." does what their name says.
POISONED = """
import ctypes, os, re, signal
from pathlib import Path
from flows.stages import describe, repair

def once(text):
    mark = Path(re.search(r"mark (\\S+)\\.", text)[1])
    if not mark.exists():
        mark.touch()
        os.abort()

DEEDS = {
    "loop": lambda text: sum(iter(int, 1)),
    "regex": lambda text: re.match("(a+)+$", "a" * 50 + "b"),
    "memory": lambda text: [bytes(1 << 24) for _ in range(1 << 10)],
    "kill": lambda text: os.kill(os.getpid(), signal.SIGKILL),
    "segfault": lambda text: ctypes.string_at(0),
    "once": once,
}

def poisoned(stage, text_of):
    def work(*values):
        if found := re.search("Poison: ([a-z]+)", text_of(values[0])):
            DEEDS[found[1]](text_of(values[0]))
        return stage(*values)
    return work

describe.describe = poisoned(describe.describe, lambda page: page.text)
"""
REASONS = {"loop": "too_slow", "regex": "too_slow", "memory": "too_much_memory", "kill": "crashed", "segfault": "crashed"}


@pytest.fixture
def poisoned(tmp_path, monkeypatch):
    """Workers that can be poisoned, with less time and memory than usual."""
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook" / "sitecustomize.py").write_text(POISONED)
    monkeypatch.syspath_prepend(tmp_path / "hook")
    monkeypatch.setattr(guard, "_idle", [])
    monkeypatch.setattr(guard, "LIMITS", guard.Limits(seconds=5, memory=1 << 29))


def poison(folder: Path, name: str, more: str = "") -> None:
    path = folder / f"{name}.txt"
    path.write_text((folder / "00.txt").read_text("utf-8").replace("Two companies", f"Poison: {name}. {more} Two companies"), "utf-8")


def rejections(out: Path) -> dict[str, tuple[str, str]]:
    """Stage and reason by path."""
    found = table(out, "captures").join(table(out, "rejections"), on="capture_id").select("path", "stage", "reason")
    return {path: (stage, reason) for path, stage, reason in found.iter_rows()}


@pytest.mark.slow
def test_poison_ends_in_rejections_and_the_others_become_documents(tmp_path, monkeypatch, poisoned):
    folder = corpus(tmp_path / "c", 4)
    for name in REASONS:
        poison(folder, name)
    monkeypatch.setattr("flows.readers.shards.SHARD_BYTES", 8_000)
    assert build(folder, tmp_path / "dist", "--workers", "2") == 0
    assert rejections(tmp_path / "dist") == {f"{name}.txt": ("describe", reason) for name, reason in REASONS.items()}
    assert table(tmp_path / "dist", "documents").height == 4


@pytest.mark.slow
def test_a_process_that_dies_by_chance_costs_no_capture(tmp_path, poisoned):
    folder = corpus(tmp_path / "c", 2)
    poison(folder, "once", f"mark {tmp_path / 'mark'}. ")
    assert build(folder, tmp_path / "dist") == 0
    assert (tmp_path / "mark").exists() and table(tmp_path / "dist", "documents").height == 3
