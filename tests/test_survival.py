"""Whatever the captures are, and whenever a build is killed: every capture has an outcome, and no release is half one."""

from pathlib import Path

import pytest

from flows.cli import run
from tests.benchmarks.kills import survive
from tests.benchmarks.poison import make, outcomes
from tests.corpora import build


@pytest.mark.slow
def test_every_poisonous_capture_is_a_document_or_a_rejection(tmp_path: Path):
    folder = make(tmp_path / "c", 300)
    assert build(folder, tmp_path / "dist") == 0
    release = tmp_path / "dist" / "c" / "1.0.0"
    files, documents, rejected = outcomes(release)
    assert files == 303 and documents >= 3 and rejected
    assert not {reason for _, reason in rejected} & {"internal_error", "schema", "crashed", "too_slow", "too_much_memory"}
    assert run(["verify", str(release), "--captures", str(folder)]) == 0


@pytest.mark.slow
def test_builds_killed_at_random_moments_leave_no_half_release_and_the_next_one_is_the_same(tmp_path: Path):
    assert survive(tmp_path, kills=10, seed=1) >= 5
