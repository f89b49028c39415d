"""Large corpora that have been through the line: a small one, multiplied, so that what needs all documents can be measured alone.

    python -m tests.benchmarks.multiplied FOLDER --documents 100000 1000000 --base 2000 --kind text|small

Every copy of a document has other words of the same length (words of its language, capitalised ones for names, other figures), and so
a hash, ids, a capture and checksums of its own; what the line would have found in it is taken over from the first. `araxes build` finds
all shards done. Prints, for each size, the segments of the release, and seconds of CPU, of the clock and MB of the largest process of:
making the corpus; that build; a build after one more capture, which takes one shard through the line; `verify` of the first; `diff` of
the two.
"""

import argparse
import hashlib
import json
import os
import random
import re
import resource
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from flows.drafts import FINGERPRINT, FINGERPRINTS, SHARD_FILES, SHARD_TABLES
from flows.line import DONE, seal
from flows.readers import knowledge
from flows.readers.folder import list_captures, open_corpus, settings
from flows.readers.shards import digest, pack
from flows.release import provenance
from flows.release.staging import shards_of
from flows.stages.fingerprint import fingerprint
from tests.benchmarks.corpus import PER_FILE, make
from tests.benchmarks.growth import LATE, measured

# Columns that begin with the document's id, and the one that lists such.
IDS = ["doc_id", "segment_id", "parent_id", "repeat_of", "edit_id", "mention_id", "attribution_id", "claim_id", "stance_id", "item_id"]
# Share of copies that are near-duplicates of the copy before, with one word in eight changed.
COPIED, CHANGED = 0.05, 0.125
COPIES = pa.schema([("old", pa.string()), ("new", pa.string()), ("copy", pa.int64()), ("text", pa.string())])
WORD = re.compile(r"\d+|[^\W\d_]+")
# The shards' tables with the ids, words, address and day of a copy.
OWN = {
    "documents": """, new || '-0' AS capture_id, c.text AS text, sha256(c.text) AS text_sha256, url || '-' || copy AS url,
        outlet || '-' || copy AS outlet, CASE WHEN date_published NOT LIKE '____-__-__' THEN date_published
            ELSE strftime(DATE '2015-01-01' + (('0x' || new[:8])::UINTEGER % 4000)::INTEGER, '%Y-%m-%d') END AS date_published""",
    "segments": """, substring(c.text, start + 1, "end" - start) AS text,
        sha256(substring(c.text, start + 1, "end" - start)) AS text_sha256""",
    "attributions": ", list_transform(segment_ids, s -> new || s[21:]) AS segment_ids",
    "annotations": ", sha256(new || annotation_id)[:20] AS annotation_id",
}


def multiply(shards: list[Path], folder: Path, n: int) -> Path:
    """Write `n` captures below `folder`/captures, and what the line would make of them into folder/copied; returns the captures.

    shards: done, of captures that are text in UTF-8. Documents whose bytes do not follow from their text and edits are left out.
    """
    captures, copied = folder / "captures", folder / "copied"
    captures.mkdir(parents=True)
    copied.mkdir()
    with duckdb.connect(config={"temp_directory": str(folder), "memory_limit": "2GB"}) as db:
        for name in SHARD_TABLES:
            db.read_parquet([str(s / f"{name}.parquet") for s in shards]).create_view(name)
        edits: dict[str, list[tuple]] = {}
        for doc_id, *edit in db.execute('SELECT doc_id, start, "end", before FROM edits ORDER BY doc_id, byte_start').fetchall():
            edits.setdefault(doc_id, []).append(tuple(edit))
        rows = db.execute("SELECT doc_id, text, language, url, outlet FROM documents WHERE encoding = 'utf-8' ORDER BY doc_id").fetchall()
        languages = {doc_id: language for doc_id, _, language, *_ in rows}
        kept = [row for row in rows if all(before is not None and "\ufffd" not in before for _, _, before in edits.get(row[0], ()))]
        with (
            pq.ParquetWriter(folder / "copies.parquet", COPIES) as writer,
            pq.ParquetWriter(copied / f"{FINGERPRINTS}.parquet", FINGERPRINT) as fingerprints,
        ):
            for number, batch in enumerate(_batches(_copies(kept, edits, n))):
                with (captures / f"{number:05}.jsonl").open("w", encoding="utf-8") as lines:
                    lines.writelines(json.dumps(told, ensure_ascii=False) + "\n" for _, told in batch)
                writer.write_table(pa.Table.from_pylist([row for row, _ in batch], COPIES))
                found = [{"doc_id": row["new"], **fingerprint(row["text"], languages[row["old"]])._asdict()} for row, _ in batch]
                fingerprints.write_table(pa.Table.from_pylist(found, FINGERPRINT))
        db.read_parquet(str(folder / "copies.parquet")).create_view("copies")
        for name in (t for t in SHARD_TABLES if t != "rejections"):
            columns = db.table(name).columns
            key = "doc_id" if "doc_id" in columns else "item_id"
            ids = ", ".join(f"new || {c}[21:] AS {c}" for c in columns if c in IDS)
            query = f"SELECT t.* REPLACE ({ids}{OWN.get(name, '')}) FROM {name} t JOIN copies c ON old = t.{key}[:20]"
            db.execute(f"COPY ({query}) TO '{copied / name}.parquet' (COMPRESSION zstd)")
        db.execute(f"COPY (FROM rejections WHERE false) TO '{copied}/rejections.parquet'")
    return captures


def place(captures: Path, out: Path) -> None:
    """Put what `multiply` made where a build of `captures` into `out` looks for the results of its shards."""
    work, copied, source = captures.parent / "work", captures.parent / "copied", open_corpus(captures)
    work.mkdir(exist_ok=True)
    listed = list_captures(source)
    key = provenance.made_by(provenance.of_build(digest(listed), settings(source) | knowledge.digest(captures)))
    _, shards = pack(source, knowledge.Knowledge(), listed, work, shards_of(out / source.dataset["name"]), key)
    with duckdb.connect(config={"temp_directory": str(work), "memory_limit": "8GB", "threads": 1, "preserve_insertion_order": False}) as db:
        db.execute("CREATE TABLE places (new VARCHAR, shard INTEGER)")
        for i, shard in enumerate(shards):
            db.execute(f"INSERT INTO places SELECT sha256[:20], {i} FROM '{shard}/captures.parquet'")
        for name in SHARD_FILES:
            columns = db.read_parquet(f"{copied}/{name}.parquet").columns
            key = "doc_id" if "doc_id" in columns else "item_id" if "item_id" in columns else "capture_id"
            query = f"SELECT t.*, shard FROM '{copied}/{name}.parquet' t JOIN places ON new = {key}[:20]"
            db.execute(f"COPY ({query}) TO '{work}/{name}' (FORMAT parquet, COMPRESSION lz4, PARTITION_BY (shard), OVERWRITE)")
            for i, shard in enumerate(shards):
                found = [str(p) for p in (work / name).glob(f"shard={i}/*.parquet")] or [f"{copied}/{name}.parquet"]
                none = "" if (work / name / f"shard={i}").is_dir() else "LIMIT 0"
                rows = f"FROM read_parquet({found}, hive_partitioning = false) {none}"
                db.execute(f"COPY ({rows}) TO '{shard}/{name}.parquet' (COMPRESSION zstd)")
            shutil.rmtree(work / name, ignore_errors=True)
    for shard in shards:
        seal(shard)


def _copies(documents: list[tuple], edits: dict[str, list[tuple]], n: int) -> Iterator[tuple]:
    """(row of COPIES, its capture as a row of JSON Lines) of `n` copies, one of each document before the next of any."""
    words: dict[tuple, list[str]] = {}
    seen: set[str] = set()
    for word, language in sorted({(w, row[2]) for row in documents for w in WORD.findall(row[1]) if w.islower()}, key=str):
        words.setdefault((language, len(word), len(word.encode())), []).append(word)
    for i in range(n):
        doc_id, text, language, url, outlet = documents[i % len(documents)]
        copy, change = i // len(documents), random.Random(f"changes {i}")
        is_copy = copy > 0 and change.random() < COPIED
        draw = random.Random(i - len(documents) if is_copy else i)
        parts, data, at = [], [], 0
        for start, end, before in [*edits.get(doc_id, ()), (len(text), len(text), "")]:
            varied = _varied(text[at:start], language, words, draw, change if is_copy else None)
            parts += [varied, text[start:end]]
            data += [varied, before]
            at = end
        capture = "".join(data)
        new = hashlib.sha256(capture.encode()).hexdigest()[:20]
        if new in seen:  # the shortest of a million have a twin
            continue
        seen.add(new)
        row = {"old": doc_id, "new": new, "copy": copy, "text": "".join(parts)}
        yield row, {"text": capture, "url": url and f"{url}-{copy}", "outlet": outlet and f"{outlet}-{copy}"}


def _varied(text: str, language: str | None, words: dict[tuple, list[str]], draw: random.Random, change: random.Random | None) -> str:
    """The text with other words, names and figures, each of as many characters and bytes as what it stands for; with `change` some of
    them are others again."""

    def other(match: re.Match) -> str:
        word = match[0]
        if word.isdigit():
            return "".join(draw.choices("123456789", k=len(word)))
        found = words.get((language, len(word), len(word.encode())))
        if not found:
            return word
        made = found[int(draw.random() * len(found))]
        if change and change.random() < CHANGED:
            made = found[int(change.random() * len(found))]
        if word.islower():
            return made
        made = made.capitalize()
        return made if word.istitle() and len(made.encode()) == len(word.encode()) and len(made) == len(word) else word

    return WORD.sub(other, text)


def _batches(rows: Iterator[tuple]) -> Iterator[list[tuple]]:
    batch: list[tuple] = []
    for row in rows:
        batch.append(row)
        if len(batch) == PER_FILE:
            yield batch
            batch = []
    if batch:
        yield batch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--documents", type=int, nargs="+", required=True)
    parser.add_argument("--base", type=int, default=2_000, help="documents that go through the line")
    parser.add_argument("--kind", choices=("small", "text"), default="small")
    options = parser.parse_args()
    base = options.folder / "base"
    if not base.exists():
        make(base / "captures", options.base, options.kind)
        measured(["build", str(base / "captures"), "--out", str(base / "out"), "--direct"], base)
    shards = [p.parent for p in (base / "cache").glob(f"*/*/{DONE}")]
    print("| documents | segments | made: s of CPU, s, MB | build | one capture more | verify | diff |", flush=True)
    print("|---|---|---|---|---|---|---|", flush=True)
    for n in options.documents:
        folder = options.folder / str(n)
        start = time.process_time(), time.perf_counter()
        captures = folder / "captures" if folder.exists() else multiply(shards, folder, n)
        os.environ["ARAXES_CACHE"] = str(folder / "cache")  # where `measured` has them looked for
        place(captures, folder / "out")
        releases = folder / "out" / "captures"
        build = ["build", str(captures), "--out", str(folder / "out"), "--direct"]
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        told = [(time.process_time() - start[0], time.perf_counter() - start[1], most), measured(build, folder)]
        (captures / "late.jsonl").write_text(LATE)
        told += [measured(build, folder), measured(["verify", str(releases / "1.0.0")], folder)]
        latest = (releases / "LATEST").read_text().strip()
        told += [measured(["diff", str(releases / "1.0.0"), str(releases / latest)], folder)]
        rows = json.loads((releases / "1.0.0" / "build.json").read_text())["rows"]["segments"]
        print(f"| {n:,} | {rows:,} | " + " | ".join(f"{cpu:.0f}, {wall:.0f}, {mb:.0f}" for cpu, wall, mb in told) + " |", flush=True)


if __name__ == "__main__":
    main()
