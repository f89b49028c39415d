"""The build under a real Prefect server: its stages, its artifact, a failed gate, and Prefect's own command."""

import asyncio
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.corpora import SEEDS, build, corpus, sums

ROOT = Path(__file__).parents[1]
STAGES = ["read", "decode", "repair", "strip", "segment", "describe", "attribute", "fingerprint", "validate"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[dict[str, str]]:
    """A Prefect server of its own; the environment in which commands reach it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = tmp_path_factory.mktemp("prefect")
    environment = {**os.environ, "PREFECT_HOME": str(home), "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "PREFECT_API_URL": f"http://127.0.0.1:{port}/api"}
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    running = subprocess.Popen(command, env=environment, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _until_healthy(f"http://127.0.0.1:{port}/api/health")
        yield environment
    finally:
        running.terminate()
        running.wait(30)


def _until_healthy(url: str) -> None:
    for _ in range(600):
        try:
            if urllib.request.urlopen(url, timeout=5).status == 200:
                return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError("the Prefect server did not start in two minutes")


def araxes(environment: dict[str, str], *words: object) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "flows.cli", *map(str, words)]
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)


def asked(environment: dict[str, str], question):
    """The answer of the server to `question(client)`."""
    from prefect import get_client
    from prefect.settings import PREFECT_API_URL, temporary_settings

    async def ask():
        async with get_client() as client:
            return await question(client)

    with temporary_settings({PREFECT_API_URL: environment["PREFECT_API_URL"]}):
        return asyncio.run(ask())


async def _last_flow_run(client):
    from prefect.client.schemas.sorting import FlowRunSort

    runs = await client.read_flow_runs(sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=1)
    return runs[0]


def test_a_run_shows_the_stages_in_order_and_the_funnel_and_gives_the_bytes_of_a_direct_build(server, tmp_path):
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, FlowRunFilter, FlowRunFilterId

    done = araxes(server, "build", SEEDS, "--out", tmp_path / "dist", "--workers", "2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == str(tmp_path / "dist" / "araxes-specimens" / "1.0.0")

    async def question(client):
        run = await _last_flow_run(client)
        tasks = await client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run.id])))
        artifacts = await client.read_artifacts(artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run.id])))
        return run, tasks, artifacts

    # Task runs are recorded from events, which arrive a moment after the run.
    deadline = time.monotonic() + 30
    while len((found := asked(server, question))[1]) < len(STAGES) + 6 and time.monotonic() < deadline:
        time.sleep(0.5)
    run, tasks, artifacts = found
    assert run.state.is_completed() and all(t.state.is_completed() for t in tasks)
    names = [re.sub(r"-\w+$", "", t.name) for t in sorted(tasks, key=lambda t: t.start_time)]
    assert [n for n in names if n in STAGES] == STAGES
    assert [n for n in names if n not in STAGES and not n.startswith("shard")] == ["list", "group", "answers", "gate", "write", "publish"]
    (artifact,) = [a for a in artifacts if a.key]
    assert artifact.key == "araxes-funnel" and '"step": "removed"' in str(artifact.data)

    assert build(SEEDS, tmp_path / "direct") == 0
    assert sums(tmp_path / "dist") == sums(tmp_path / "direct")


def test_a_failing_gate_is_a_failed_run_and_publishes_nothing(server, tmp_path):
    folder = corpus(tmp_path / "c")
    (folder / "araxes.toml").write_text("[gate]\nmin_documents = 50\n")
    done = araxes(server, "build", folder, "--out", tmp_path / "dist")
    assert done.returncode == 1 and "at least 50 expected" in done.stderr.splitlines()[-1] and "Traceback" not in done.stderr
    assert not (tmp_path / "dist").exists()
    assert asked(server, _last_flow_run).state.is_failed()


def test_prefects_own_command_runs_the_same_build(server, tmp_path):
    folder = corpus(tmp_path / "c")
    prefect = str(Path(sys.executable).with_name("prefect"))
    command = [prefect, "run", "flows/build.py:build", "-p", f"corpus={folder}", "-p", f"out={tmp_path / 'dist'}"]
    done = subprocess.run(command, env=server, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert build(folder, tmp_path / "direct") == 0
    assert sums(tmp_path / "dist") == sums(tmp_path / "direct")
