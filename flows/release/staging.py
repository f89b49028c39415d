"""Staging: a release is made beside its place, by one build at a time, and leaves no trace where it fails."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

STAGING = ".staging"


@contextmanager
def staging(dataset_dir: Path) -> Iterator[tuple[Path, Path]]:
    """(work, release): two empty folders on the file system of `dataset_dir`, gone afterwards.

    Raises OSError where another build of this dataset is running, or nothing can be written there. The lock is the
    folder's own and falls with the process, so a killed build blocks nobody; what it left is swept here.
    """
    made = [p for p in (dataset_dir, *dataset_dir.parents) if not p.exists()]
    dataset_dir.mkdir(parents=True, exist_ok=True)
    lock = os.open(dataset_dir, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BlockingIOError(f"{dataset_dir}: another build of this dataset is running; wait for it to end") from None
        place = dataset_dir / STAGING
        shutil.rmtree(place, ignore_errors=True)
        work, release = place / "work", place / "release"
        work.mkdir(parents=True)
        release.mkdir()
        try:
            yield work, release
        finally:
            shutil.rmtree(place, ignore_errors=True)
    finally:
        os.close(lock)
        for folder in made:
            with suppress(OSError):  # not empty: something was published there
                folder.rmdir()


def shards_of(dataset_dir: Path) -> Path:
    """The folder where results of shards wait for the next build of this dataset: in ARAXES_CACHE, or else the user's cache."""
    cache = os.environ.get("ARAXES_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "araxes")
    place = hashlib.sha256(os.fsencode(dataset_dir.resolve())).hexdigest()[:16]
    return Path(cache, f"{dataset_dir.name}-{place}")


def forget(cache: Path, but: list[Path]) -> None:
    """Delete the results in `cache` that the last build did not use."""
    kept = {shard.name for shard in but}
    for folder in cache.iterdir():
        if folder.name not in kept:
            shutil.rmtree(folder, ignore_errors=True)
