"""Captures made to break what reads them, and what becomes of each: a document or a rejection, and the build ends.

    python -m tests.benchmarks.poison 10000

The same for the same seed: random bytes, specimens cut off or with bits turned in every format, archives in archives, bombs, WARC
headers that lie, markup nested ten thousand deep, lines without an end, broken UTF-16 and UTF-8, and runs of signs that invite a regular
expression to try everything.
"""

import argparse
import gzip
import json
import quopri
import random
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from backports import zstd

from tests.corpora import SEEDS, corpus

Made = tuple[str, bytes]  # ending of the name, bytes

SENTENCE = "The harbour master of Saren said on Tuesday that the ferry would sail again. "


def specimens() -> list[Made]:
    """The example corpus, and some of it in each format that is read."""
    paths = sorted(p for p in (SEEDS / "captures").rglob("*") if p.is_file() and p.stat().st_size)
    found = [(p.suffix[1:], p.read_bytes()) for p in paths]
    pages = [b"<!DOCTYPE html><html><body>" + data.replace(b"\n\n", b"<p>") for _, data in found[:9]]
    head = "WARC/1.1\r\nWARC-Type: resource\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n"
    records = [head.format(len(page)).encode() + page + b"\r\n\r\n" for page in pages]
    mail = b'MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary="b"\r\n\r\n--b\r\nContent-Type: text/html\r\n'
    mail += b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + quopri.encodestring(pages[0]) + b"\r\n--b--\r\n"
    table, lines = pa.BufferOutputStream(), [json.dumps({"html": page.decode("utf-8", "replace")}) for page in pages]
    pq.write_table(pa.table({"html": pages}), table)
    made = [("warc", b"".join(records)), ("warc.gz", b"".join(gzip.compress(r, mtime=0) for r in records)), ("mhtml", mail)]
    return found + 3 * [*made, ("jsonl", "\n".join(lines).encode()), ("parquet", table.getvalue().to_pybytes())]


def garbage(draw: random.Random, _: list[Made]) -> Made:
    return "bin", draw.randbytes(draw.choice([1, 7, 100, 4_000, 40_000]))


def cut(draw: random.Random, specimens: list[Made]) -> Made:
    ending, data = draw.choice(specimens)
    return ending, data[: draw.randrange(len(data) + 1)]


def turned(draw: random.Random, specimens: list[Made]) -> Made:
    """A specimen with a few bytes changed, lost or doubled."""
    ending, data = draw.choice(specimens)
    data = bytearray(data)
    for _ in range(draw.randrange(1, 30)):
        at = draw.randrange(len(data) + 1)
        data[at : at + draw.randrange(3)] = draw.choice([b"", draw.randbytes(2), bytes(data[at : at + 200]), b"\0", b"\xff"])
    return ending, bytes(data)


def spliced(draw: random.Random, specimens: list[Made]) -> Made:
    """The beginning of one specimen and the end of another."""
    (ending, one), (_, other) = draw.sample(specimens, 2)
    return ending, one[: draw.randrange(len(one) + 1)] + other[draw.randrange(len(other) + 1) :]


def packed(draw: random.Random, specimens: list[Made]) -> Made:
    """A specimen compressed several times over, and sometimes damaged in there."""
    name, data = draw.choice([cut, turned, garbage])(draw, specimens)
    for _ in range(draw.randrange(1, 5)):
        coding = draw.choice(["gz", "zst"])
        data, name = (gzip.compress(data, mtime=0) if coding == "gz" else zstd.compress(data)), f"{name}.{coding}"
    return name, data[: draw.choice([len(data), draw.randrange(len(data) + 1)])]


def bomb(draw: random.Random, _: list[Made]) -> Made:
    data = draw.choice([b"\0", b"a", b"<p>", b"WARC/1.1\r\n"]) * draw.choice([1_000_000, 30_000_000])
    name, packer = draw.choice([("txt.gz", lambda d: gzip.compress(d, 1, mtime=0)), ("warc.zst", zstd.compress)])
    return name, packer(data) if draw.random() < 0.5 else packer(packer(data))


def nested(draw: random.Random, _: list[Made]) -> Made:
    tag = draw.choice(["div", "b", "table", "blockquote", "ul><li", "svg", "template", "select", "font"])
    depth = draw.choice([300, 10_000])
    opened = f"<{tag}>" * depth
    closed = draw.choice(["", f"</{tag.split('>')[0]}>" * depth])
    return "html", f"<!DOCTYPE html><html><body>{opened}<p>{SENTENCE * 5}</p>{closed}<p>{SENTENCE * 5}</p>".encode()


def markup(draw: random.Random, _: list[Made]) -> Made:
    parts = ["<", "<!--", "-->", "<![CDATA[", "&#x110000;", "&amp", "<script>", "</p>", "<p ", 'a="', "'>", "<a href=", "]]>", "&" * 500]
    parts += ["\0", "<meta charset=utf-7>", '<script type="application/ld+json">{"a":[' + "[" * 900, SENTENCE, "<time datetime=", "<title>"]
    return "html", ("<html>" + "".join(draw.choices(parts, k=draw.randrange(5, 400)))).encode()


def lying(draw: random.Random, _: list[Made]) -> Made:
    """WARC records whose headers say what is not so."""
    records = []
    for _ in range(draw.randrange(1, 5)):
        coding = draw.choice(["X: y", "Content-Encoding: br", "Content-Encoding: gzip, gzip", "Transfer-Encoding: chunked"])
        body = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{coding}\r\n".encode()
        body += b"\r\n" + draw.choice([b"", b"ffffffff\r\n", draw.randbytes(50)]) + f"<html><p>{SENTENCE * 4}</p>".encode()
        length = draw.choice([len(body), 0, -5, len(body) * 10, 10**17, "x", len(body) - 9])
        kind = draw.choice(["response", "resource", "revisit", "conversion", "", "response\r\nWARC-Type: request"])
        uri = draw.choice(["http://a.example/", "../../etc/passwd", "x" * 70_000, "\u202e", "file:///etc/passwd"])
        head = f"WARC/1.1\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {uri}\r\nContent-Length: {length}\r\n\r\n"
        records.append(head.encode() + body + b"\r\n\r\n")
    data = b"".join(records)
    return ("warc.gz", gzip.compress(data, mtime=0)) if draw.random() < 0.3 else ("warc", data)


def endless(draw: random.Random, _: list[Made]) -> Made:
    """Much of the same, with no end of line or sentence."""
    parts = ["a", "word ", "“", "said ", "A. ", "( ", "&lt;", "Ã©", "1,", "— ", "İ", "http://a.example/", "'", " \u00a0", "\u0301", "Mr. "]
    return "txt", (draw.choice(parts) * draw.choice([3_000, 40_000])).encode()


def catastrophic(draw: random.Random, _: list[Made]) -> Made:
    """Runs of a few signs in ever new orders, in a text that is one otherwise."""
    signs = [" ", "\t", "-", "“", "”", '"', "'", "a", "A", "said", ",", ".", "\n", "1", "/", "|", "\u00a0", "’", "of", "the", "&", ";", "à"]
    runs = (draw.choice(signs) * draw.choice([1, 30, 2_000]) for _ in range(draw.randrange(5, 60)))
    return "txt", f"{SENTENCE * 3}\n\n{''.join(runs)}\n\n{SENTENCE * 3}".encode()


def encoded(draw: random.Random, _: list[Made]) -> Made:
    """Text in an encoding, cut in the middle of a character or with a wrong mark at its start."""
    name = draw.choice(["utf-16", "utf-16-le", "utf-32", "utf-8-sig", "gb18030", "iso2022_jp", "utf-7", "shift_jis", "hz", "cp1251"])
    data = (SENTENCE + "Министр сказал: нет. 新しい予算案。\n").encode(name, "ignore") * draw.randrange(1, 40)
    at = draw.randrange(len(data))
    lone = draw.choice([b"\x00\xd8", b"\xd8\x00", b"\xed\xa0\x80", b"\xff", b"\x1b$B", b"\xc0\x80"])
    return "txt", draw.choice([b"", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf"]) + data[:at] + lone + data[at + draw.randrange(3) :]


def rows(draw: random.Random, _: list[Made]) -> Made:
    """JSON Lines with what is no row among them."""
    lines = [
        '{"text": "' + SENTENCE * 5 + '"}', "[" * 5_000, '{"text": 1e999}', '{"html": "<p>' + SENTENCE * 4 + '", "url": "\\ud800"}', "{}",
        '{"text": "\\ud800\\udc00\\u0000' + SENTENCE * 4 + '"}', '{"text": ""}', '{"text": "a', "\x00", '{"a": ' * 900, "9" * 5_000,
    ]  # fmt: skip
    return "jsonl", "\n".join(draw.choices(lines, k=draw.randrange(1, 6))).encode("utf-8", "surrogatepass")


MAKERS: tuple[Callable[[random.Random, list[Made]], Made], ...] = (
    garbage, cut, turned, spliced, packed, bomb, nested, markup, lying, endless, catastrophic, encoded, rows,
)  # fmt: skip
# Some take a second each, and teach no more when there are many.
RARE = {bomb: 0.05, nested: 0.3, endless: 0.3}


def make(folder: Path, n: int, seed: int = 0) -> Path:
    """`n` files below `folder`, some of them containers, the same for the same arguments; and three articles that have to come through."""
    corpus(folder, 3)
    found = specimens()
    for i in range(n):
        draw = random.Random(f"{seed} {i}")
        maker = draw.choices(MAKERS, [RARE.get(m, 1) for m in MAKERS])[0]
        ending, data = maker(draw, found)
        path = folder / f"{i // 1000:03}" / f"{i:06}-{maker.__name__}.{ending}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    return folder


def outcomes(release: Path) -> tuple[int, int, Counter]:
    """Files with a row, documents, and the rejected captures by stage and reason. Raises AssertionError where a capture has no outcome."""
    tables = {name: f"'{release}/data/{name}/*.parquet'" for name in ("captures", "rejections")}
    told = duckdb.sql(
        f"""SELECT c.path, c.outcome, r.stage, r.reason FROM {tables["captures"]} c
            LEFT JOIN {tables["rejections"]} r ON r.capture_id = c.capture_id AND r."table" = 'captures'"""
    ).fetchall()
    assert all((outcome == "rejected") == (reason is not None) for _, outcome, _, reason in told), "a rejected capture has no reason"
    documents = sum(outcome == "document" for _, outcome, *_ in told)
    rejected = Counter((stage, reason) for _, outcome, stage, reason in told if outcome == "rejected")
    return len({path for path, *_ in told}), documents, rejected


def main() -> None:
    from flows import build, guard

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("captures", type=int, nargs="?", default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        folder = make(Path(work) / "captures", options.captures, options.seed)
        size, start = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()), time.perf_counter()
        build.direct(folder, Path(work) / "dist", workers=options.workers)
        seconds = time.perf_counter() - start
        files, documents, rejected = outcomes(next((Path(work) / "dist").glob("*/[0-9]*")))
    assert files == options.captures + 3, f"{options.captures + 3 - files} files without a row"
    guard.stop()  # a process that is over is one whose time and memory are told
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(f"| outcome | captures in {files} files |\n|---|---|\n| documents | {documents} |")
    for (stage, reason), count in rejected.most_common():
        print(f"| {stage}: {reason} | {count} |")
    cpu = sum(u.ru_utime + u.ru_stime for u in used)
    largest = max(u.ru_maxrss for u in used) / 1024
    print(f"\n{size / 1e6:.0f} MB in {seconds:.0f} s, {cpu:.0f} s of CPU; {largest:.0f} MB in the largest process")


if __name__ == "__main__":
    main()
