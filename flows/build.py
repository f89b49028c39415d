"""The build: a corpus folder becomes a release. The recipe, read from top to bottom; wiring only.

    read -> decode -> repair -> strip -> segment -> describe -> attribute -> fingerprint -> validate     by shard, in flows/line.py
    group -> answers -> gate -> publish                                                                  all documents

`recipe` is the same with and without Prefect. What differs is how a function is called (as a task, or directly) and how shards are
spread (by Prefect's task runner, or by threads): each thread waits for a process of `guard`, which does the work.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import as_completed as finished
from pathlib import Path
from typing import Any, NamedTuple

# A cold server on a busy machine takes longer than Prefect waits by default; a build tells nobody what it does.
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
# Processes share the cores among them; threads of their own, for products of small matrices, only wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from prefect import Flow, State, flow, get_client, task, unmapped
from prefect.artifacts import create_table_artifact
from prefect.blocks.abstract import NotificationBlock
from prefect.blocks.core import Block
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import FlowRun
from prefect.futures import as_completed
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from flows.corpus.answers import write_answers
from flows.corpus.funnel import funnel
from flows.corpus.tables import write_tables
from flows.guard import guarded, ready, stop
from flows.line import directly, entities, is_done
from flows.readers import knowledge
from flows.readers.folder import CorpusError, check_name, list_captures, open_corpus, portable, settings, unpacked, without
from flows.readers.shards import digest, pack
from flows.release import hydrate as hydration
from flows.release import provenance
from flows.release.compare import compare
from flows.release.gate import judge, limits_of, measure
from flows.release.public import leaks, withhold
from flows.release.publish import checksum, latest, point, publish, write
from flows.release.staging import forget, shards_of, staging
from flows.release.withdraw import purge
from flows.terminal import progress

ARTIFACT = "araxes-funnel"
NOTIFY = "ARAXES_NOTIFY"  # the environment variable that names a notification block of the server, such as custom-webhook/araxes
AGAIN = "again"  # the tag of a run that takes the place of one that was killed
# Seconds in which a Dask scheduler has to answer: ten times what one on a busy machine needs.
ANSWER = 10
# Shards of a build whose processes wait for another build; after a larger one they end, since what needs all documents needs the memory
# that each of them holds, some 800 MB.
FEW = 8

Spread = Callable[[list[Path], Path], Iterable[Path]]


class GateFailed(Exception):
    """What was built may not be published; one line says which expectation failed on what."""

    def __init__(self, failures: list[str]):
        super().__init__("the gate failed, nothing was published: " + "; ".join(failures))


class Built(NamedTuple):
    """Where the release is, and whether this build made it or found that nothing had changed."""

    release: Path
    published: bool
    funnel: list[dict]


def recipe(corpus: Path, out: Path, dataset: str | None, public: bool, call: Callable[..., Any], spread: Spread) -> Built:
    """Build and publish a release. Raises CorpusError, GateFailed or OSError, and then leaves nothing behind."""
    source = without(open_corpus(corpus), out)
    name = (dataset or source.dataset["name"]) + ("-public" if public else "")
    check_name(name, "--dataset")
    try:
        limits_of(source.gate)
    except ValueError as error:
        raise CorpusError(str(error)) from None
    known = knowledge.read(corpus)
    with staging(out / name) as (work, release):
        listed = call("list", list_captures, source)
        facts = provenance.of_build(digest(listed), settings(source) | knowledge.digest(corpus)) | {"settings": portable(source, listed)}
        manifest, shards = pack(source, known, listed, work, shards_of(out / name), provenance.made_by(facts))
        withdrawn = {c.sha256[:20]: c.detail for c in listed if c.reason == "withdrawn"}
        del listed  # of a million captures some 600 MB; from here on they are in `manifest`
        todo = [shard for shard in shards if not is_done(shard)]
        deque(progress("documents", spread(todo, source.captures), len(todo)), maxlen=0)
        if len(todo) > FEW:
            stop()
        previous = latest(out / name)
        tables = call("group", write_tables, manifest, shards, previous, work / "tables", work)
        targets = [{"target_id": t.target_id, "wording": t.wording} for t in known.targets]
        call("answers", write_answers, shards, tables, corpus / "annotations", entities(known), targets, work, source.labels["aggregate"])
        found = funnel(tables)
        failures = call("gate", judge, measure(tables, previous), source.gate, release / "quality")
        if failures:
            raise GateFailed(failures)
        told = call("withhold", withhold, tables, work / "public", source.public.get("licenses", ())) if public else tables
        changes = compare(previous, told)
        if previous and changes.version is None:
            point(out / name, previous.name)  # a build killed between its last two steps left it undone
            _purge(call, out / name, withdrawn)
            forget(shards_of(out / name), shards)
            return Built(previous, False, found)
        call("write", write, told, release, {**source.dataset, "name": name}, changes.version, facts, previous)
        if public and (leaked := call("leaks", leaks, release, tables)):
            raise GateFailed(leaked)
        place = call("publish", publish, release, out / name, changes.version)
        _purge(call, out / name, withdrawn)
        forget(shards_of(out / name), shards)
        return Built(place, True, found)


def hydrate(release: Path, captures: Path, out: Path, workers: int = 1) -> tuple[Path, list[hydration.Match]]:
    """A release with the words of the captures at hand where its own were withheld; its folder, and how each document was matched.

    It goes through the line as a build does. Raises CorpusError or OSError, and ValueError where `release` is none.
    """
    record = provenance.facts(release)
    name = record["dataset"]["name"].removesuffix("-public") + "-hydrated"
    source = unpacked(captures, record["settings"])
    with staging(out / name) as (work, hydrated):
        listed = list_captures(source)
        source = source._replace(known=hydration.known(release))
        manifest, shards = pack(source, knowledge.Knowledge(), listed, work, work / "shards", "")
        deque(progress("documents", _pooled(shards, source.captures, workers), len(shards)), maxlen=0)
        own = write_tables(manifest, shards, release, work / "tables", work)
        write_answers(shards, own, work / "no votes", entities(knowledge.Knowledge()), [], work)
        matches = hydration.hydrate(release, own, work / "hydrated")
        (hydrated / "hydration.jsonl").write_text("".join(hydration.lines(matches)), "utf-8")
        build = {**record, "environment": provenance.environment(), "hydrated_from": checksum(release)}
        write(work / "hydrated", hydrated, {**record["dataset"], "name": name}, record["version"], build)
        return publish(hydrated, out / name, record["version"]), matches


def _purge(call: Callable[..., Any], dataset_dir: Path, withdrawn: dict[str, str]) -> None:
    if withdrawn:
        call("withdraw", purge, dataset_dir, withdrawn)


def direct(corpus: Path, out: Path, dataset: str | None = None, public: bool = False, workers: int = 1) -> Built:
    """The build with no Prefect server."""
    return recipe(corpus, out, dataset, public, directly, lambda shards, captures: _pooled(shards, captures, workers))


def dask(address: str) -> TaskRunner:
    """What runs tasks on the Dask cluster whose scheduler is at `address`, after a look at its workers.

    Raises ImportError, ConnectionError or ValueError, each with one line on what to do.
    """
    try:
        from distributed import Client
        from prefect_dask import DaskTaskRunner
    except ImportError:
        raise ImportError("--dask needs Prefect's package for it: pip install 'araxes[dask]'") from None
    try:
        with Client(address, timeout=ANSWER, set_as_default=False) as client:
            stamps = client.run(stamp, on_error="return")
    except (OSError, ValueError):
        hint = "name it as --dask tcp://HOST:8786, as `dask scheduler` prints it"
        raise ConnectionError(f"{address}: no Dask scheduler answers there; {hint}") from None
    if not stamps:
        raise ValueError(f"{address}: the cluster has no workers; start some with: dask worker {address} --nthreads 1")
    for worker in sorted(w for w, found in stamps.items() if found != stamp()):
        raise ValueError(f"{worker}: the worker has other code or packages than this process; install the same there")
    return DaskTaskRunner(address=address)


def stamp() -> str:
    """One hash for code, models and packages: workers that differ in it would not make the same release."""
    return provenance.made_by(provenance.of_build("", {}))


def tell(flow: Flow, flow_run: FlowRun, state: State) -> None:
    """Send why a run failed or crashed, in one line, to the block that ARAXES_NOTIFY names; where it names none, nobody is told."""
    if name := os.environ.get(NOTIFY):
        block = Block.load(name)
        if not isinstance(block, NotificationBlock):
            raise TypeError(f"{NOTIFY}: {name} is not a notification block; name one such as custom-webhook/araxes")
        how = (state.name or "failed").lower()
        # Typed as if it had to be awaited; outside an event loop it is done when it returns.
        block.notify(f"{flow.name} {flow_run.name} {how}: {reason(state)}", subject=f"{flow.name} {how}")  # type: ignore[unused-coroutine]


def reason(state: State) -> str:
    """What went wrong, as far as it can be said without quoting a capture, as errors of other code might."""
    error = state.result(raise_on_failure=False) if state.is_failed() else None
    if isinstance(error, GateFailed | CorpusError | OSError):
        said = str(error)
    elif error is not None:
        said = f"{type(error).__name__}; the log of the run has more"
    else:
        said = state.message or state.name or ""  # Prefect's own words: how the process ended
    return " ".join(said.split())


def again(flow: Flow, flow_run: FlowRun, state: State) -> None:
    """Run a build that was killed once more, and only once: what took all the memory may do so every time.

    Prefect retries an exception inside the process; where the process is gone, nothing does. It is a run of its own,
    since the worker reports the crash of this one a second time when its hooks are done.
    """
    if flow_run.deployment_id and AGAIN not in flow_run.tags:
        with get_client(sync_client=True) as client:
            client.create_flow_run_from_deployment(flow_run.deployment_id, parameters=flow_run.parameters, tags=[AGAIN])


@flow(
    name="araxes-build",
    task_runner=ThreadPoolTaskRunner(max_workers=os.cpu_count() or 1),  # type: ignore[arg-type]  # of Never, by Prefect's own stub
    persist_result=False,
    on_failure=[tell],
    on_crashed=[tell, again],
)
def build(corpus: Path = Path("seeds"), out: Path = Path("dist"), dataset: str | None = None, public: bool = False) -> Built:
    """The build under Prefect: every stage a task, every shard a task run, the funnel an artifact."""
    built = recipe(corpus, out, dataset, public, _task, _mapped)
    create_table_artifact(built.funnel, key=ARTIFACT, description=f"From captures to sentences: {built.release}")
    return built


@task(name="shard", task_run_name="shard {shard.name}", cache_policy=NO_CACHE, persist_result=False, retries=1, retry_delay_seconds=1)
def shard_task(shard: Path, captures: Path) -> Path:
    """A shard through the line, as a task run with a name; raises what `guarded` does."""
    return guarded(shard, captures, _task)


def _task(name: str, function: Callable[..., Any], *values: Any) -> Any:
    # Parameters and results of a task are walked through and kept until the flow ends; what is in the box is neither.
    box = [values]
    task(name=name, cache_policy=NO_CACHE, persist_result=False)(lambda: box.append(function(*box.pop())))()
    return box.pop()


def _mapped(shards: list[Path], captures: Path) -> Iterator[Path]:
    ready()
    # Told where the flow's own server is, the workers of a cluster do not each start one; and they stand in folders of their own.
    with get_client(sync_client=True) as client, temporary_settings({PREFECT_API_URL: str(client.api_url)}):
        futures = shard_task.map([shard.resolve() for shard in shards], unmapped(captures.resolve()))
        try:
            yield from (future.result() for future in as_completed(futures))
        except BaseException:
            stop()
            raise


def _pooled(shards: list[Path], captures: Path, workers: int) -> Iterator[Path]:
    ready()
    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(guarded, shard, captures, directly) for shard in shards]
        try:
            yield from (future.result() for future in finished(futures))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            stop()
            raise
