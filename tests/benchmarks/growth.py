"""How time and memory grow with the number of documents: whole builds of 1 kB documents with --direct, each in a process of its own.

    python -m tests.benchmarks.growth 10000 20000 40000

Prints, for each size, seconds of CPU and of the clock, milliseconds of both for each document more than the size before, and the most
memory that one process held; and what that makes of a million documents, as the straight line through the last two sizes. `rebuilt` is the
time of a build after one more capture.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.corpus import make

# One more capture, as JSON Lines.
NOTE = "A late note from the harbour. Nobody has read it yet, and the ferry leaves at nine. The board will meet in May."
LATE = json.dumps({"text": NOTE}) + "\n"


def measured(words: list[str], work: Path) -> tuple[float, float, float]:
    """Seconds of CPU and of the clock, and MB of the largest process, of one `araxes` command with its cache below `work`."""
    start = time.perf_counter()
    null = os.open(os.devnull, os.O_WRONLY)
    environment = {**os.environ, "ARAXES_CACHE": str(work / "cache")}
    words = [sys.executable, "-m", "flows.cli", *words]
    pid = os.posix_spawn(sys.executable, words, environment, file_actions=[(os.POSIX_SPAWN_DUP2, null, 1)])
    os.close(null)
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise SystemExit(f"araxes {' '.join(words[3:])} failed")
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - start, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sizes", type=int, nargs="+")
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    print("| documents | s of CPU | s | ms of CPU for each more | ms for each more | MB | MB at a million | rebuilt, CPU | rebuilt, s |")
    print("|---|---|---|---|---|---|---|---|---|")
    last = (0, 0.0, 0.0, 0.0)
    for n in options.sizes:
        with tempfile.TemporaryDirectory() as folder:
            captures = make(Path(folder, "captures"), n, "small")
            build = ["build", str(captures), "--out", str(Path(folder, "out")), "--direct", "--workers", str(options.workers)]
            cpu, wall, mb = measured(build, Path(folder))
            (captures / "late.jsonl").write_text(LATE)
            again = measured(build, Path(folder))
        slope = (mb - last[3]) / (n - last[0])
        more = [f"{1000 * (now - before) / (n - last[0]):.2f}" for now, before in zip((cpu, wall), last[1:3], strict=True)]
        million = f"{mb + slope * (1_000_000 - n):.0f}" if last[0] else ""
        told = [f"{n:,}", f"{cpu:.1f}", f"{wall:.1f}", *more, f"{mb:.0f}", million, f"{again[0]:.1f}", f"{again[1]:.1f}"]
        print("| " + " | ".join(told) + " |", flush=True)
        last = (n, cpu, wall, mb)


if __name__ == "__main__":
    main()
