"""Builds killed with SIGKILL at random moments; then the same command once more: the release is that of an undisturbed build.

    python -m tests.benchmarks.kills --kills 200

After each kill nothing stands below the folder of releases that is not whole, but for the hidden staging folder, which the next build
sweeps. Ten of these run among the tests. What a power cut leaves of files that were not synced is not tried.
"""

import argparse
import hashlib
import multiprocessing
import os
import random
import shutil
import tempfile
import time
from pathlib import Path

from tests.corpora import corpus

SHARD_BYTES = 2_500
# Imported once by the process that the builds are forked from: a kill should hit the build, not its imports.
PRELOADED = ["flows.build", "great_expectations", "pandera.polars", "py3langid.langid"]


def survive(folder: Path, kills: int, seed: int = 0) -> int:
    """Kill `kills` builds of a small corpus made in `folder`; how many were hit before they were done.

    Raises AssertionError at the first release that is not, byte for byte, that of an undisturbed build.
    """
    captures = corpus(folder / "captures", 6)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    whole, seconds = _undisturbed(context, captures, folder / "whole")
    draw, hit = random.Random(seed), 0
    for number in range(kills):
        out = folder / f"{number:04}"
        moment = draw.uniform(0, seconds)
        hit += _killed(context, captures, out, moment)
        (undisturbed,) = (folder / "whole").glob("*/[0-9]*")
        for release in out.glob("*/[0-9]*"):
            assert files(release) == files(undisturbed), f"kill {number} after {moment:.3f} s left half a release"
        _finished(context, captures, out)
        assert files(out) == whole, f"kill {number} after {moment:.3f} s changed the release"
        shutil.rmtree(out)
        shutil.rmtree(_cache(out), ignore_errors=True)
    return hit


def files(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, but for the pages of Great Expectations, which are outside SHA256SUMS too."""
    found = (p for p in sorted(folder.rglob("*")) if p.is_file() and "quality" not in p.parts)
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in found}


def _undisturbed(context, captures: Path, out: Path) -> tuple[dict[str, str], float]:
    """Its files, and the seconds a build takes once all is loaded."""
    _finished(context, captures, out)
    again = out.with_name("again")
    start = time.perf_counter()
    _finished(context, captures, again)
    seconds = time.perf_counter() - start
    assert files(again) == files(out)
    return files(out), seconds


def _killed(context, captures: Path, out: Path, moment: float) -> bool:
    build = context.Process(target=_build, args=(captures, out))
    build.start()
    build.join(moment)
    build.kill()
    build.join()
    return build.exitcode != 0


def _finished(context, captures: Path, out: Path) -> None:
    build = context.Process(target=_build, args=(captures, out))
    build.start()
    build.join()
    assert build.exitcode == 0, f"the build of {out} failed"


def _cache(out: Path) -> Path:
    return out.with_name(f"{out.name}-cache")


def _build(captures: Path, out: Path) -> None:
    from flows import build
    from flows.readers import shards

    os.environ["ARAXES_CACHE"] = str(_cache(out))
    shards.SHARD_BYTES = SHARD_BYTES
    build.direct(captures, out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        hit = survive(Path(folder), options.kills, options.seed)
    print(f"{options.kills} identical releases after {options.kills} kills, {hit} of them before the build was done")


if __name__ == "__main__":
    main()
