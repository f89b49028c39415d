"""The deployment of prefect.yaml on one machine: a real server, worker and schedule, and what may go wrong with them.

Nothing sleeps for a while and hopes: every step waits for a state that the server, the cache or a process shows.
"""

import asyncio
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.corpora import build, corpus, sums

ROOT = Path(__file__).parents[1]
POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1:] or [Path(p).parent for p in [shutil.which("initdb")] if p]
DATABASES = ["sqlite", *["postgresql"] * len(POSTGRES)]
PATIENCE = 300  # seconds for any one thing to happen; an idle machine needs fewer than twenty

pytestmark = pytest.mark.slow


class Site(NamedTuple):
    """What a user has set up: a server with the deployment, a worker, and a place where notifications arrive."""

    environment: dict[str, str]
    home: Path
    told: list[str]
    running: dict[str, subprocess.Popen]
    processes: list[int]  # of runs that were stopped

    def start(self, what: str, *words: str) -> None:
        """Start `prefect WHAT start WORDS`, in a process group of its own."""
        log = (self.home / f"{what}.log").open("ab")
        command = [sys.executable, "-m", "prefect", what, "start", *words]
        self.running[what] = subprocess.Popen(
            command, env=self.environment, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )

    def kill(self, what: str) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.running[what].pid, signal.SIGKILL)
        self.running.pop(what).wait()

    def serve(self) -> None:
        self.start("server", "--host", "127.0.0.1", "--port", self.environment["PREFECT_API_URL"].split(":")[2].removesuffix("/api"))
        self.ask("/health")

    def ask(self, path: str, body: dict | None = None, method: str = "") -> Any:
        """What the server answers; a busy one, or one that is just starting, is asked again."""
        data = None if body is None else json.dumps(body).encode()
        url = self.environment["PREFECT_API_URL"] + path
        request = urllib.request.Request(url, data, {"content-type": "application/json"}, method=method or None)

        def answer() -> Any:
            try:
                with urllib.request.urlopen(request, timeout=60) as response:
                    return [json.loads(response.read() or b"null")]
            except urllib.error.HTTPError as error:
                assert error.code >= 500, error.read()
            except OSError:
                return None

        return until(answer, f"the server answers {path}")[0]

    def runs(self, out: Path, *states: str) -> list[dict]:
        """The runs in one of these states that publish to `out`, the oldest first."""
        found = self.ask("/flow_runs/filter", {"limit": 200, "sort": "EXPECTED_START_TIME_ASC"})
        return [run for run in found if run["state_type"] in states and run["parameters"]["out"] == str(out)]

    def ended(self, run: dict) -> dict:
        """The run, once it is over."""
        over = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
        return until(lambda: (now := self.ask(f"/flow_runs/{run['id']}"))["state_type"] in over and now, f"{run['name']} ends")

    def tasks(self, run: dict) -> set[str]:
        """The first words of the names of a run's tasks."""
        found = self.ask("/task_runs/filter", {"flow_runs": {"id": {"any_": [run["id"]]}}})
        return {re.split(r"\W", task["name"])[0] for task in found}


@pytest.fixture(scope="module", params=DATABASES)
def site(request, tmp_path_factory) -> Iterator[Site]:
    """A server that keeps its runs in a database of its own, with the deployment and a worker."""
    home = tmp_path_factory.mktemp("prefect")
    with ExitStack() as stack:
        told, url = stack.enter_context(_listener())
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")},
            "PREFECT_HOME": str(home),
            "PREFECT_API_URL": f"http://127.0.0.1:{_port()}/api",
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "PREFECT_WORKER_PREFETCH_SECONDS": "1",  # a run too many at a time is refused; SQLite takes no crowd of them
            "PREFECT_SERVER_SERVICES_SCHEDULER_MAX_RUNS": "30",
            "ARAXES_CACHE": str(home / "cache"),
            "ARAXES_NOTIFY": "custom-webhook/araxes",
        }
        if request.param == "postgresql":
            environment["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = stack.enter_context(_postgres())
        site = Site(environment, home, told, {}, [])
        stack.callback(_clear, site)
        site.serve()
        _command(site, "work-pool", "create", "araxes", "--type", "process")
        _command(site, "deploy", "--all")
        _told_at(site, url)
        site.start("worker", "--pool", "araxes")
        yield site


def _clear(site: Site) -> None:
    """Kill the worker, what its runs have left, and the server, whatever became of the tests."""
    for what in list(site.running):
        site.kill(what)
    for process in site.processes:
        with suppress(ProcessLookupError):
            os.killpg(process, signal.SIGKILL)


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
            server.wait(60)
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


def _told_at(site: Site, url: str) -> None:
    """Make the notification block that ARAXES_NOTIFY names."""
    from prefect import get_client
    from prefect.blocks.notifications import CustomWebhookNotificationBlock
    from prefect.settings import PREFECT_API_URL, temporary_settings

    async def save() -> None:
        async with get_client() as client:
            await CustomWebhookNotificationBlock(name="araxes", url=url, json_data={"text": "{{body}}"}).save("araxes", client=client)

    with temporary_settings({PREFECT_API_URL: site.environment["PREFECT_API_URL"]}):
        asyncio.run(save())


def _command(site: Site, *words: str) -> None:
    command = [sys.executable, "-m", "prefect", *words]
    done = subprocess.run(command, env=site.environment, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def _port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def until(true: Callable[[], Any], what: str, often: float = 0.5) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (found := true()):
        assert time.monotonic() < deadline, f"waited {PATIENCE} s in vain: {what}"
        time.sleep(often)
    return found


def deployment(site: Site) -> dict:
    return site.ask("/deployments/name/araxes-build/rebuild")


def often(site: Site, folder: Path, out: Path) -> None:
    """Deploy prefect.yaml again, with a schedule, parameters and a delay that suit a test; all else stays."""
    told = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))
    (rebuild,) = told["deployments"]
    rebuild["schedules"] = [{"interval": 8}]
    rebuild["parameters"] |= {"corpus": str(folder), "out": str(out)}
    rebuild["work_pool"]["job_variables"]["env"]["PREFECT_FLOWS_DEFAULT_RETRY_DELAY_SECONDS"] = "1"
    changed = site.home / "prefect.yaml"
    changed.write_text(yaml.safe_dump(told), "utf-8")
    shutil.rmtree(site.home / "cache", ignore_errors=True)
    site.told.clear()
    _command(site, "deploy", "--all", "--prefect-file", str(changed))


def pause(site: Site, out: Path) -> None:
    """Stop the schedule, and wait until no run of it is under way to the worker; one that is could take the place of another."""
    ours = deployment(site)
    (schedule,) = ours["schedules"]
    site.ask(f"/deployments/{ours['id']}/schedules/{schedule['id']}", {"active": False}, "PATCH")
    until(lambda: not site.runs(out, "SCHEDULED", "PENDING"), "no run is about to start")


def stopped(site: Site, out: Path, *but: dict) -> tuple[dict, int]:
    """The run that the schedule starts, and its process, which is stopped after its shard is done and long before the release is made."""
    known = [run["id"] for run in but]
    found = lambda: [r for r in site.runs(out, "RUNNING") if r["id"] not in known and r["infrastructure_pid"]]  # noqa: E731
    run = until(found, "the schedule starts a run")[0]
    process = int(run["infrastructure_pid"])
    site.processes.append(process)
    until(lambda: list((site.home / "cache").glob("*/*/done.json")), "a shard is done", often=0.02)
    os.killpg(process, signal.SIGSTOP)
    assert not list(out.glob("*/[0-9]*"))
    return run, process


def completed(site: Site, run: dict, folder: Path, out: Path) -> None:
    """The run completes, with the release of a direct build."""
    last = site.ended(run)
    assert last["state_type"] == "COMPLETED", last["state"]["message"]
    assert build(folder, out.with_name("direct")) == 0
    assert sums(out) == sums(out.with_name("direct"))


def went_on(site: Site, run: dict) -> None:
    """The run did no shard again."""
    until(lambda: "publish" in site.tasks(run), "the tasks are on record, which are told a moment after the run")
    assert "group" in site.tasks(run) and "shard" not in site.tasks(run)


def test_the_schedule_fires_a_second_run_is_refused_and_a_killed_one_is_finished(site, tmp_path):
    ours = deployment(site)
    assert [s["schedule"]["cron"] for s in ours["schedules"] if s["active"]] == ["0 4 * * *"]
    assert (ours["global_concurrency_limit"]["limit"], ours["concurrency_options"]["collision_strategy"]) == (1, "CANCEL_NEW")
    assert ours["parameters"] == {"corpus": "seeds", "out": "dist", "dataset": None, "public": False}

    folder, out = corpus(tmp_path / "c"), tmp_path / "dist"
    often(site, folder, out)
    first, process = stopped(site, out)
    refused = until(lambda: site.runs(out, "CANCELLED"), "the schedule fires again")[0]
    assert refused["state"]["message"] == "Deployment concurrency limit reached." and refused["run_count"] == 0
    pause(site, out)
    os.kill(process, signal.SIGKILL)
    assert site.ended(first)["state_type"] == "CRASHED"
    again = lambda: [r for r in site.runs(out, "PENDING", "RUNNING", "COMPLETED") if r["tags"] == ["again"]]  # noqa: E731
    second = until(again, "the killed run is run again")[0]
    assert second["parameters"] == first["parameters"]
    completed(site, second, folder, out)
    went_on(site, second)
    assert [line.partition(". ")[0] for line in site.told] == [f"araxes-build {first['name']} crashed: Process exited with status code: -9"]


@pytest.mark.parametrize("site", ["sqlite"], indirect=True)
def test_after_a_power_cut_the_schedule_goes_on_and_a_run_outlives_its_worker(site, tmp_path):
    folder, out = corpus(tmp_path / "c", 2), tmp_path / "dist"
    often(site, folder, out)
    first, process = stopped(site, out)
    site.kill("worker")
    site.kill("server")
    os.killpg(process, signal.SIGKILL)
    _minutes_later(site.home)
    site.serve()
    site.start("worker", "--pool", "araxes")
    second, process = stopped(site, out, first)
    pause(site, out)
    site.kill("worker")
    os.killpg(process, signal.SIGCONT)
    completed(site, second, folder, out)
    went_on(site, second)
    site.start("worker", "--pool", "araxes")


def _minutes_later(home: Path) -> None:
    """Let the five minutes pass for which a run that is not heard of keeps others out."""
    (index,) = (home / "concurrency_leases").glob("expirations.json")
    for path in (home / "concurrency_leases").glob("*.json"):
        told = json.loads(path.read_text())
        for key in [key for key in told if path == index or key == "expiration"]:
            told[key] = (datetime.fromisoformat(told[key]) - timedelta(minutes=10)).isoformat()
        path.write_text(json.dumps(told))


@pytest.mark.parametrize("site", ["sqlite"], indirect=True)
def test_a_failed_gate_is_told_in_one_line(site, tmp_path):
    folder, out = corpus(tmp_path / "c", 2), tmp_path / "dist"
    (folder / "araxes.toml").write_text("[gate]\nmin_documents = 50\n")
    often(site, folder, out)
    first = until(lambda: site.runs(out, "RUNNING"), "the schedule starts a run")[0]
    pause(site, out)
    failed = site.ended(first)
    assert (failed["state_type"], failed["run_count"]) == ("FAILED", 3)
    until(lambda: site.told, "somebody is told")
    (said,) = site.told
    assert re.fullmatch(f"araxes-build {failed['name']} failed: the gate failed, nothing was published: .* at least 50 expected.*", said)
    assert not out.exists()
