"""The deployment of prefect.yaml on one machine: a real server, worker and schedule, and what may go wrong with them."""

import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.corpora import build, corpus, sums
from tests.test_flow import ROOT, _until_healthy, asked

POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1:] or [Path(p).parent for p in [shutil.which("initdb")] if p]
DATABASES = ["sqlite", *["postgresql"] * len(POSTGRES)]
PATIENCE = 240  # seconds for any one thing to happen; an idle machine needs fewer than twenty

pytestmark = pytest.mark.slow


class Site(NamedTuple):
    """What a user has set up: a server with a deployment, one worker, and a place where notifications arrive."""

    environment: dict[str, str]
    home: Path
    deployment: Any
    worker: list[subprocess.Popen]
    told: list[str]


@pytest.fixture(scope="module", params=DATABASES)
def site(request, tmp_path_factory) -> Iterator[Site]:
    print(f"Prefect's server on {request.param}, of {DATABASES}")
    home = tmp_path_factory.mktemp("site")
    with ExitStack() as stack:
        environment = stack.enter_context(_server(home, request.param))
        told, url = stack.enter_context(_listener())
        prefect(environment, "work-pool", "create", "araxes", "--type", "process")
        prefect(environment, "deploy", "--all")
        _told_at(environment, url)
        worker: list[subprocess.Popen] = []
        stack.callback(lambda: [_stop(process) for process in worker])
        yield Site(environment, home, asked(environment, _deployment), worker, told)


@contextmanager
def _server(home: Path, database: str) -> Iterator[dict[str, str]]:
    """The environment in which commands reach a server of its own, which keeps its runs in `database`."""
    address = f"127.0.0.1:{_port()}"
    environment = {
        **os.environ,
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": f"http://{address}/api",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PREFECT_WORKER_PREFETCH_SECONDS": "1",  # a run too many at a time is refused; SQLite takes no crowd of them
        "PREFECT_SERVER_SERVICES_SCHEDULER_MAX_RUNS": "10",
        "ARAXES_CACHE": str(home / "cache"),
        "ARAXES_NOTIFY": "custom-webhook/araxes",
    }
    with ExitStack() as stack:
        if database == "postgresql":
            environment["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = stack.enter_context(_postgres())
        host, port = address.split(":")
        stack.callback(_stop, _started(environment, "server", "start", "--host", host, "--port", port))
        _until_healthy(f"http://{address}/api/health")
        yield environment


@contextmanager
def _postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server of its own. It refuses to be run by root."""
    place, port = Path(tempfile.mkdtemp(prefix="araxes-postgres-")), str(_port())
    user = pwd.getpwnam("postgres") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    os.chown(place, user.pw_uid, user.pw_gid)
    owner = {"user": user.pw_uid, "group": user.pw_gid, "cwd": place, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    try:
        subprocess.run([POSTGRES[0] / "initdb", "-D", place / "data", "-A", "trust", "-U", "prefect", "--no-sync"], check=True, **owner)
        command = [POSTGRES[0] / "postgres", "-D", place / "data", "-k", place, "-h", "127.0.0.1", "-p", port, "-F"]
        server = subprocess.Popen(command, **owner)
        try:
            asking = [POSTGRES[0] / "pg_isready", "-q", "-h", "127.0.0.1", "-p", port]
            until(lambda: subprocess.run(asking, check=False).returncode == 0, "PostgreSQL takes connections")
            yield f"postgresql+asyncpg://prefect@127.0.0.1:{port}/postgres"
        finally:
            server.send_signal(signal.SIGINT)  # without waiting for clients to leave
            server.wait(30)
    finally:
        shutil.rmtree(place)


@contextmanager
def _listener() -> Iterator[tuple[list[str], str]]:
    """What arrives at a URL, and the URL."""
    told: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["content-length"])))["text"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *values: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield told, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def _told_at(environment: dict[str, str], url: str) -> None:
    from prefect.blocks.notifications import CustomWebhookNotificationBlock

    async def save(client) -> None:
        block = CustomWebhookNotificationBlock(name="araxes", url=url, json_data={"text": "{{body}}"})
        await block.save("araxes", client=client)

    asked(environment, save)


def prefect(environment: dict[str, str], *words: str) -> None:
    command = [sys.executable, "-m", "prefect", *words]
    done = subprocess.run(command, env=environment, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def _started(environment: dict[str, str], *words: str) -> subprocess.Popen:
    log = Path(environment["PREFECT_HOME"], f"{words[0]}.log").open("ab")
    command = [sys.executable, "-m", "prefect", *words]
    return subprocess.Popen(command, env=environment, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def _stop(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _port() -> int:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def until(true: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (found := true()):
        assert time.monotonic() < deadline, f"waited {PATIENCE} s in vain: {what}"
        time.sleep(0.3)
    return found


async def _deployment(client):
    return await client.read_deployment_by_name("araxes-build/rebuild")


def run_of(site: Site, run_id: Any) -> Any:
    return asked(site.environment, lambda client: client.read_flow_run(run_id))


def runs(site: Site) -> list[Any]:
    return asked(site.environment, lambda client: client.read_flow_runs(limit=200))


def ended(site: Site, run_id: Any) -> Any:
    """The run, once it is over."""
    return until(lambda: (run := run_of(site, run_id)).state.is_final() and run, f"run {run_id} ends")


def tasks(site: Site, run_id: Any) -> set[str]:
    """The first words of the names of a run's tasks."""
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

    only = FlowRunFilter(id=FlowRunFilterId(any_=[run_id]))
    return {re.split(r"\W", run.name)[0] for run in asked(site.environment, lambda client: client.read_task_runs(flow_run_filter=only))}


@contextmanager
def held(site: Site, run_id: Any) -> Iterator[int]:
    """The process of a run, stopped after its shard is done and before the release is made; whatever is left of it goes with the test."""
    until(lambda: list((site.home / "cache").glob("*/*/done.json")), "a shard is done")
    process = int(run_of(site, run_id).infrastructure_pid)
    os.killpg(process, signal.SIGSTOP)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process, signal.SIGKILL)


def worked(site: Site) -> subprocess.Popen:
    """A new worker."""
    site.worker.append(_started(site.environment, "worker", "start", "--pool", "araxes"))
    return site.worker[-1]


def asked_for(site: Site, folder: Path, out: Path) -> Any:
    """The id of a run of the deployment with other parameters."""
    shutil.rmtree(site.home / "cache", ignore_errors=True)
    parameters = {"corpus": str(folder), "out": str(out)}
    return asked(site.environment, lambda client: client.create_flow_run_from_deployment(site.deployment.id, parameters=parameters)).id


def often(site: Site, folder: Path, out: Path) -> None:
    """Deploy prefect.yaml again, with a schedule, parameters and a delay that suit a test; all else stays."""
    told = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))
    (rebuild,) = told["deployments"]
    rebuild["schedules"] = [{"interval": 8}]
    rebuild["parameters"] |= {"corpus": str(folder), "out": str(out)}
    rebuild["work_pool"]["job_variables"]["env"]["PREFECT_FLOWS_DEFAULT_RETRY_DELAY_SECONDS"] = "1"
    changed = site.home / "prefect.yaml"
    changed.write_text(yaml.safe_dump(told), "utf-8")
    prefect(site.environment, "deploy", "--all", "--prefect-file", str(changed))


def test_the_deployment_is_what_prefect_yaml_says(site):
    (schedule,) = site.deployment.schedules
    assert schedule.schedule.cron == "0 4 * * *" and schedule.active
    assert site.deployment.global_concurrency_limit.limit == 1
    assert site.deployment.concurrency_options.collision_strategy.value == "CANCEL_NEW"
    assert site.deployment.parameters == {"corpus": "seeds", "out": "dist", "dataset": None, "public": False}


def test_the_schedule_fires_a_second_run_is_refused_and_a_killed_one_is_finished(site, tmp_path):
    folder, out = corpus(tmp_path / "c"), tmp_path / "dist"
    often(site, folder, out)
    worked(site)
    first = until(lambda: [r for r in runs(site) if r.state.is_running()], "the schedule starts a run")[0]
    with held(site, first.id) as process:
        refused = until(lambda: [r for r in runs(site) if r.state.is_cancelled()], "the schedule fires again")[0]
        assert refused.state.message == "Deployment concurrency limit reached." and refused.run_count == 0
        (schedule,) = asked(site.environment, _deployment).schedules
        asked(site.environment, lambda client: client.update_deployment_schedule(site.deployment.id, schedule.id, active=False))
        os.kill(process, signal.SIGKILL)
        assert ended(site, first.id).state.is_crashed()
        second = until(lambda: [r for r in runs(site) if r.tags == ["again"]], "the killed run is run again")[0]
    assert ended(site, second.id).state.is_completed() and second.parameters == first.parameters
    until(lambda: "publish" in tasks(site, second.id), "the tasks are on record, which are told a moment after the run")
    assert "group" in tasks(site, second.id) and "shard" not in tasks(site, second.id)  # its shard was done
    assert [line.partition(". ")[0] for line in site.told] == [f"araxes-build {first.name} crashed: Process exited with status code: -9"]
    site.told.clear()
    assert build(folder, tmp_path / "direct") == 0
    assert sums(out) == sums(tmp_path / "direct")


def test_a_run_outlives_its_worker_and_a_new_one_goes_on(site, tmp_path):
    folder, out = corpus(tmp_path / "c", 2), tmp_path / "dist"
    run = asked_for(site, folder, out)
    with held(site, run) as process:
        site.worker[-1].kill()
        os.killpg(process, signal.SIGCONT)
        assert ended(site, run).state.is_completed()
    assert build(folder, tmp_path / "direct") == 0
    assert sums(out) == sums(tmp_path / "direct")
    worked(site)
    assert ended(site, asked_for(site, folder, out)).state.is_completed()
    assert not site.told
