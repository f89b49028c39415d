"""A shard in a process of its own: a capture that is too slow, takes too much memory or brings the process down ends in `rejections`.

The system itself holds the limits, so that code which never returns to Python is stopped too: it ends the process, and another takes
the shard from its start, less the capture that was at hand. A limit counts what the work costs and never the time on a clock, so that a
busier machine does not reach it sooner. It is the one place where a machine may matter; hence the limits lie far from what captures take.
"""

import atexit
import gc
import mmap
import os
import resource
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from struct import Struct
from subprocess import DEVNULL, Popen
from tempfile import TemporaryFile
from typing import Any, BinaryIO, NamedTuple

from flows.traced import Rejected

# Where a worker is: the stage, and the number of the capture in its shard, or NOWHERE between captures.
PLACE = Struct("<16sq")
NOWHERE = -1
# Pages of data and stack are the sixth value there. Only Linux counts them and holds a limit on them.
MEMORY_NOW = "/proc/self/statm"


class Limits(NamedTuple):
    """What a stage may take for one capture: seconds of processor time, bytes of memory, and more of each for every byte of the capture.

    An article takes a tenth of a second; what is large takes, at worst, 5 seconds and 60 MB a megabyte.
    """

    seconds: float = 60
    seconds_per_byte: float = 60e-6
    memory: int = 1 << 30
    memory_per_byte: int = 200


class Worker(NamedTuple):
    """A process that takes shards through the line, the connection to it, and the file in which it says where it is."""

    process: Popen
    pipe: Connection
    place: BinaryIO


LIMITS = Limits()
STOPPED = "the build was stopped"
# Workers, by what they are doing; they end when this process does, however it ends.
_idle: list[Worker] = []
_busy: dict[int, Worker] = {}
# Set where a build was stopped: a task that is tried again, or comes next, must not begin a shard.
_stopped = threading.Event()


def ready() -> None:
    """Let `guarded` start workers, also after a `stop`."""
    _stopped.clear()


def stop() -> None:
    """End all workers, those in the middle of a shard too; `guarded` starts no other before somebody is `ready`."""
    _stopped.set()
    ended = [*_idle, *_busy.values()]
    _forget()
    for worker in ended:
        worker.process.kill()
    for worker in ended:
        worker.process.wait()


def _forget() -> None:
    _idle.clear()
    _busy.clear()


atexit.register(stop)
os.register_at_fork(after_in_child=_forget)  # a copy of this process has no workers yet


def guarded(shard: Path, captures: Path, call: Callable[..., Any]) -> Path:
    """`flows.line.run_shard` in a worker; `call(name, function)` is called here for every stage, with a function that waits for its end.

    Raises what the shard raises, and ChildProcessError where workers die that are at no capture or where the build is stopped.
    """
    refused: dict[int, tuple[str, Rejected]] = {}
    deaths: set[tuple[str, int] | None] = set()
    while True:
        worker = _hired()
        said = _followed(worker, (shard, captures, refused, LIMITS), call)
        if not _busy.pop(worker.process.pid, None):
            raise ChildProcessError(STOPPED)
        if said is not None:
            _idle.append(worker)
            if isinstance(said, Exception):
                raise said
            return shard
        place, code = _place(worker), worker.process.wait()
        # What kills a process by chance, as a machine short of memory does, is given a second chance.
        if place and code == -signal.SIGPROF:
            why = Rejected("too_slow", f"the {place[0]} stage had not ended in the time there is for its size")
        elif place and place in deaths:
            why = Rejected("crashed", f"the {place[0]} stage ended its process: {_end(code)}")
        elif place in deaths:
            raise ChildProcessError(f"{shard}: the process that works on it ended: {_end(code)}; ARAXES_DEBUG=1 shows what it said")
        else:
            deaths.add(place)
            continue
        refused[place[1]] = (place[0], why)


def _hired() -> Worker:
    if _stopped.is_set():
        raise ChildProcessError(STOPPED)
    try:
        worker = _idle.pop()
    except IndexError:
        worker = _started()
    _busy[worker.process.pid] = worker
    return worker


def _started() -> Worker:
    ours, theirs = Pipe()
    place = TemporaryFile()  # noqa: SIM115 (it lasts as long as the worker)
    place.write(PLACE.pack(b"", NOWHERE))
    place.flush()
    files = (theirs.fileno(), place.fileno())
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}
    command = [sys.executable, "-P", "-m", "flows.guard", *map(str, files)]
    # What a library says as it dies is no error that a user can do something about.
    told = None if os.environ.get("ARAXES_DEBUG") else DEVNULL
    with theirs:
        return Worker(Popen(command, env=environment, pass_fds=files, stdin=DEVNULL, stdout=DEVNULL, stderr=told), ours, place)


def _followed(worker: Worker, job: tuple, call: Callable[..., Any]) -> Any:
    """What a worker says at the end of a job, True or an exception; None where it died."""
    try:
        said = _heard(worker, job)
        while isinstance(said, str):
            said = call(said, _heard, worker)
        return said
    except BaseException:
        _busy.pop(worker.process.pid, None)
        worker.process.kill()
        raise


def _heard(worker: Worker, job: tuple = ()) -> Any:
    """The next that a worker says, after it was given a job: a stage that begins, or the end. None where it died."""
    try:
        if job:
            worker.pipe.send(job)
        return worker.pipe.recv()
    except (EOFError, OSError):
        return None


def _place(worker: Worker) -> tuple[str, int] | None:
    stage, number = PLACE.unpack(os.pread(worker.place.fileno(), PLACE.size, 0))
    return None if number == NOWHERE else (stage.rstrip(b"\0").decode(), number)


def _end(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def serve(pipe: Connection, place: mmap.mmap) -> None:
    """A worker's life: jobs, until the process that gives them is gone, even in the middle of one."""
    from flows.line import run_shard  # the heaviest part of the program, which the process that gives the jobs may never need

    gc.disable()  # looking for cycles, which no stage leaves behind, among all that a shard holds takes a tenth of its time
    jobs: SimpleQueue = SimpleQueue()
    threading.Thread(target=_listen, args=(pipe, jobs), daemon=True).start()
    while True:
        shard, captures, refused, limits = jobs.get()

        def call(name: str, function: Callable[..., Any], *values: Any) -> Any:
            _rest(place)
            pipe.send(name)
            try:
                return function(*values)
            finally:
                _rest(place)

        try:
            run_shard(shard, captures, call, _watch(place, limits), refused)
            pipe.send(True)
        except Exception as error:
            traceback.print_exc()
            pipe.send(error if isinstance(error, OSError) else RuntimeError(f"{type(error).__name__}: {error}"))
        gc.collect()
        gc.freeze()  # what has outlived a shard stays; passing over it again takes as long as two pages


def _listen(pipe: Connection, jobs: SimpleQueue) -> None:
    try:
        while True:
            jobs.put(pipe.recv())
    except (EOFError, OSError):
        os._exit(1)


def _watch(place: mmap.mmap, limits: Limits) -> Callable[[str, int, int], None]:
    """What says where the worker is and sets its limits, before a stage takes a capture: its number and its size in bytes."""
    memory = os.open(MEMORY_NOW, os.O_RDONLY) if os.path.exists(MEMORY_NOW) else None
    page, most = resource.getpagesize(), resource.getrlimit(resource.RLIMIT_DATA)[1]

    def watch(stage: str, number: int, size: int) -> None:
        PLACE.pack_into(place, 0, stage.encode(), number)
        signal.setitimer(signal.ITIMER_PROF, limits.seconds + limits.seconds_per_byte * size)
        if memory is not None:
            room = int(os.pread(memory, 200, 0).split()[5]) * page + limits.memory + limits.memory_per_byte * size
            resource.setrlimit(resource.RLIMIT_DATA, (room if most == resource.RLIM_INFINITY else min(room, most), most))

    return watch


def _rest(place: mmap.mmap) -> None:
    signal.setitimer(signal.ITIMER_PROF, 0)
    most = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    PLACE.pack_into(place, 0, b"", NOWHERE)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that gives the jobs decides what is to end
    serve(Connection(int(sys.argv[1])), mmap.mmap(int(sys.argv[2]), PLACE.size))
