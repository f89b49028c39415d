"""Shards on a Dask cluster: the same bytes as from processes, and one clear line where there is no cluster to speak of."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import flows.build
from flows.cli import run
from tests.corpora import corpus, sums

ROOT = Path(__file__).parents[1]
SMALL_SHARDS = "from flows.readers import shards; shards.SHARD_BYTES = 1_500; from flows.cli import main; main()"

pytest.importorskip("distributed", reason="pip install 'araxes[dask]'")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a cluster of two worker processes."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as made:
        yield made.scheduler_address


def said(capsys) -> str:
    """What the command told, less the line before Prefect starts."""
    return capsys.readouterr().err.splitlines()[-1]


def built(folder: Path, out: str, *options: str) -> dict[str, str]:
    """SHA256SUMS of a release of the corpus `c` in `folder`, by a command that starts there: its paths mean nothing to a worker."""
    environment = {**os.environ, "PREFECT_HOME": str(folder / "prefect"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", SMALL_SHARDS, "build", "c", "--out", out, *options]
    subprocess.run(command, env=environment, cwd=folder, check=True, capture_output=True)
    return sums(folder / out)


def test_a_cluster_gives_the_bytes_that_processes_give(tmp_path, cluster):
    corpus(tmp_path / "c", 7)
    assert built(tmp_path, "cluster", "--dask", cluster) == built(tmp_path, "processes", "--direct", "--workers", "2")


def test_a_worker_with_other_code_takes_no_shard(monkeypatch, cluster, tmp_path, capsys):
    monkeypatch.setattr("flows.release.provenance.made_by", lambda facts: "other code")
    assert run(["build", str(corpus(tmp_path / "c", 1)), "--out", str(tmp_path / "dist"), "--dask", cluster]) == 1
    assert "other code or packages" in said(capsys) and not (tmp_path / "dist").exists()


def test_an_address_where_nothing_answers_is_one_line(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(flows.build, "ANSWER", 1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        assert run(["build", str(corpus(tmp_path / "c", 1)), "--dask", address]) == 1
    assert said(capsys).startswith(f"araxes: {address}: no Dask scheduler answers there")


def test_without_the_extra_the_error_says_what_to_install(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(__import__("sys").modules, "prefect_dask", None)
    assert run(["build", str(corpus(tmp_path / "c", 1)), "--dask", "tcp://127.0.0.1:8786"]) == 1
    assert "pip install 'araxes[dask]'" in said(capsys)


def test_direct_and_dask_exclude_each_other(tmp_path, capsys):
    assert run(["build", str(corpus(tmp_path / "c", 1)), "--direct", "--dask", "tcp://127.0.0.1:8786"]) == 2
    assert "--direct and --dask" in said(capsys)
