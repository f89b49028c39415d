"""Araxes and the pipelines that others would put together, on the same made captures, in one run; prints the README's table.

    pip install datatrove trafilatura lxml_html_clean orjson spacy psutil
    python -m tests.benchmarks.against_datatrove --text 800 --html 100 --rounds 3

datatrove: JSON Lines reader, ftfy, C4's line filter, Parquet writer; of HTML with trafilatura before. Araxes: listing, packing and the
whole line from bytes to the shards' tables, with provenance, in the worker processes of a build; `less attribution` leaves out the time of
that stage. Each measurement is a process of its own in which every worker first does a few documents, so that start-up counts for none;
systems take turns, and the best of the rounds counts. Shards are made small here, so that there are enough of them to share.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

from flows import guard
from flows.readers import shards as packing
from flows.readers.folder import list_captures, open_corpus
from flows.readers.knowledge import read
from tests.benchmarks.corpus import documents

WARM, SHARDS = 8, 4
SYSTEMS = ("datatrove", "araxes", "araxes, two processes")
Worked = dict[str, float]


def datatrove(source: Path, work: Path, kind: str) -> Worked:
    """The peers' pipeline over the JSON Lines in `source`."""
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.extractors import Trafilatura
    from datatrove.pipeline.filters import C4QualityFilter
    from datatrove.pipeline.formatters import FTFYFormatter
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import ParquetWriter

    steps = [JsonlReader(str(source), text_key=kind)]
    steps += [Trafilatura()] if kind == "html" else []
    steps += [FTFYFormatter(), C4QualityFilter(), ParquetWriter(str(work / "out"))]
    LocalPipelineExecutor(steps, logging_dir=str(work / "logs"), skip_completed=False).run()
    return {}


def araxes(source: Path, work: Path, kind: str, workers: int = 1) -> Worked:
    """The line over the same JSON Lines, to the tables of the shards; seconds of CPU of the attribute stage."""
    corpus = open_corpus(source)
    work.mkdir()
    packing.SHARD_BYTES = sum(file.stat().st_size for file in source.iterdir()) // SHARDS
    _, shards = packing.pack(corpus, read(source), list_captures(corpus), work, work / "shards", "")
    spent = {"attribute": 0.0}

    def call(name: str, heard: Callable, worker: guard.Worker):
        process = psutil.Process(worker.process.pid)
        start = sum(process.cpu_times()[:2])
        said = heard(worker)
        if name in spent:
            spent[name] += sum(process.cpu_times()[:2]) - start
        return said

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda shard: guard.guarded(shard, corpus.captures, call), shards))
    return spent


def child(system: str, kind: str, folder: Path) -> None:
    """One measurement, as a line of JSON."""
    run = {"datatrove": datatrove, "araxes": araxes}.get(system, lambda *values: araxes(*values, workers=2))
    with tempfile.TemporaryDirectory() as work:
        run(folder / "warm", Path(work, "warm"), kind)
        wall, cpu = time.perf_counter(), _cpu()
        told = run(folder / "measured", Path(work, "measured"), kind)
        told |= {"wall": time.perf_counter() - wall, "cpu": _cpu() - cpu}
    guard.stop()  # a process that is over is one whose memory is told
    usage = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(json.dumps(told | {"mb": sum(usage) / 1024}))


def _cpu() -> float:
    """Seconds of CPU of this process and its children. datatrove runs trafilatura in a child that may still be there."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    alive = [child.cpu_times() for child in psutil.Process().children()]
    return sum(s.ru_utime + s.ru_stime for s in spent) + sum(s.user + s.system for s in alive)


def write(folder: Path, n: int, kind: str) -> None:
    """The same captures for all: UTF-8 in JSON Lines."""
    for name, first, last in (("warm", 0, WARM), ("measured", WARM, WARM + n)):
        (folder / name).mkdir(parents=True)
        with (folder / name / "captures.jsonl").open("w", encoding="utf-8") as lines:
            for i, d in enumerate(documents(last, kind, seed=1)):
                if i >= first:
                    row = {"id": str(i), kind: d.data.decode("utf-8", "replace"), "url": d.url}
                    lines.write(json.dumps(row, ensure_ascii=False) + "\n")


def measured(folder: Path, kind: str, rounds: int) -> dict[str, Worked]:
    best: dict[str, Worked] = {}
    for _ in range(rounds):
        for system in SYSTEMS:
            command = [sys.executable, "-m", "tests.benchmarks.against_datatrove", "--child", system, kind, str(folder)]
            found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1]
            best[system] = min(best.get(system, {"cpu": float("inf")}), json.loads(found), key=lambda worked: worked["cpu"])
    return best


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--text", type=int, default=800)
    parser.add_argument("--html", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", nargs=3)
    options = parser.parse_args(words)
    if options.child:
        child(options.child[0], options.child[1], Path(options.child[2]))
        return
    print("| captures | system | a second of CPU | times datatrove | less attribution | a second of time | MB |")
    print("|---|---|---|---|---|---|---|")
    for kind, n in (("text", options.text), ("html", options.html)):
        if not n:
            continue
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), n, kind)
            size = (Path(folder) / "measured" / "captures.jsonl").stat().st_size // n // 1000
            found = measured(Path(folder), kind, options.rounds)
        peer = found["datatrove"]["cpu"]
        for system, w in found.items():
            less = peer / (w["cpu"] - w["attribute"]) if w.get("attribute") else None
            told = [f"{n} of {size} kB, {kind}", system, f"{n / w['cpu']:.1f}", f"{peer / w['cpu']:.2f}", f"{less:.2f}" if less else ""]
            print("| " + " | ".join([*told, f"{n / w['wall']:.1f}", f"{w['mb']:.0f}"]) + " |", flush=True)


if __name__ == "__main__":
    main()
