"""Containers: each record a capture with its payload's bytes, read back as it was listed; damage is refused and named."""

import base64
import gzip
import hashlib
import io
import json
import random
import time
import tracemalloc
import zlib
from collections import Counter
from pathlib import Path

import brotli
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from backports import zstd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from flows.readers.files import _spooled, payload
from flows.readers.folder import Listed, list_captures, open_corpus, ordinals
from flows.readers.init import initialise
from flows.readers.knowledge import Knowledge
from flows.readers.shards import pack
from flows.release.verify import verify
from tests.corpora import ARTICLE, PLACES, build

SPECIMENS = Path(__file__).parents[1] / "seeds" / "captures"
LIMIT = 200_000
HTML = b"<!doctype html><html><body><p>The ferry to Saren was late again.</p></body></html>"
COMPRESSIONS = {".gz": gzip.compress, ".zst": zstd.compress}
PLAIN = {"": bytes, **COMPRESSIONS}


@pytest.fixture
def put(tmp_path):
    """A function that makes a corpus of files and lists it; each record that has a payload is read back."""

    def listed(files: dict[str, bytes], limit: int = LIMIT, **configuration: str) -> list[Listed]:
        for name, data in files.items():
            path = tmp_path / "captures" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        (tmp_path / "araxes.toml").write_text(f"[limits]\nmax_capture_bytes = {limit}\n")
        for name, text in configuration.items():
            (tmp_path / f"{name}.csv").write_text(text)
        _spooled.cache_clear()  # files are written here faster than the clock of the file system ticks
        found = list_captures(open_corpus(tmp_path))
        assert found == list_captures(open_corpus(tmp_path)) and len({*ordinals(found)}) == len(found)
        for c in found:
            data = payload(tmp_path / "captures", c.path, c.record_offset) if c.sha256 else b""
            assert c.sha256 is None or (hashlib.sha256(data).hexdigest(), len(data)) == (c.sha256, c.bytes)
            if c.record_offset is not None:
                assert c.container_sha256 == hashlib.sha256((tmp_path / "captures" / c.path).read_bytes()).hexdigest()
        return found

    listed.root = tmp_path / "captures"
    return listed


def texts(put, found: list[Listed]) -> list[bytes | str]:
    return [c.reason or payload(put.root, c.path, c.record_offset) for c in found]


def response(body: bytes, number: int = 0, status: str = "200 OK", **headers: str) -> tuple[str, bytes, StatusAndHeaders]:
    fields = {"Content-Type": "text/html; charset=utf-8"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return f"https://khazar-review.example/a/{number}", body, StatusAndHeaders(status, list(fields.items()), protocol="HTTP/1.1")


def warc(*responses: tuple, compressed: bool = False) -> bytes:
    """A WARC as crawlers write it, with a request before each response."""
    out = io.BytesIO()
    writer = WARCWriter(out, gzip=compressed)
    writer.write_record(writer.create_warcinfo_record("a.warc", {"software": "tests"}))
    for url, body, headers in responses:
        asked = StatusAndHeaders("GET / HTTP/1.1", [("Host", "khazar-review.example")], is_http_request=True)
        writer.write_record(writer.create_warc_record(url, "request", http_headers=asked))
        date = {"WARC-Date": "2024-05-04T10:11:12Z"}
        made = writer.create_warc_record(url, "response", payload=io.BytesIO(body), http_headers=headers, warc_headers_dict=date)
        writer.write_record(made)
    return out.getvalue()


def page(number: int) -> bytes:
    return HTML.replace(b"Saren", b"Saren %d" % number)


def record(kind: str, block: bytes, length: int | None = None, **fields: str) -> bytes:
    head = {"WARC-Type": kind, "WARC-Date": "2024-05-04T10:11:12Z", "WARC-Target-URI": "https://khazar-review.example/", **fields}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in head.items())
    size = len(block) if length is None else length
    return f"WARC/1.1\r\n{lines}Content-Length: {size}\r\n\r\n".encode() + block + b"\r\n\r\n"


def http(body: bytes, headers: str = "Content-Type: text/html") -> bytes:
    return f"HTTP/1.1 200 OK\r\n{headers}\r\n\r\n".encode() + body


def chunked(body: bytes, size: int = 7) -> bytes:
    parts = [body[i : i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x;x=y\r\n%s\r\n" % (len(p), p) for p in parts) + b"0\r\n\r\n"


# --- compressed files -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", COMPRESSIONS)
def test_a_compressed_file_is_one_capture_of_its_content(put, ending):
    (found,) = put({f"a.html{ending}": COMPRESSIONS[ending](HTML)})
    assert (found.record_offset, found.media_type, found.bytes, found.reason) == (0, "text/html", len(HTML), None)
    assert texts(put, [found]) == [HTML]


@pytest.mark.parametrize("ending", COMPRESSIONS)
def test_several_members_are_one_content_and_padding_is_none(put, ending):
    members = COMPRESSIONS[ending](HTML) + COMPRESSIONS[ending](b"and more")
    assert texts(put, put({f"a{ending}": members + b"\0" * 512})) == [HTML + b"and more"]


@pytest.mark.parametrize("ending", COMPRESSIONS)
@pytest.mark.parametrize(
    "damage,reason", [(lambda d: d[:-9], "truncated"), (lambda d: d + b"tail", "damaged"), (lambda d: d[:4], "truncated")]
)
def test_what_does_not_decompress_is_refused(put, ending, damage, reason):
    assert texts(put, put({f"a{ending}": damage(COMPRESSIONS[ending](HTML * 9))})) == [reason]


def test_only_one_level_is_undone(put):
    (found,) = put({"a.txt.gz": gzip.compress(gzip.compress(HTML, mtime=0))})
    assert gzip.decompress(texts(put, [found])[0]) == HTML and found.media_type == "text/plain"


@pytest.mark.parametrize("ending", COMPRESSIONS)
@pytest.mark.parametrize("name", ["a.txt", "a.jsonl"])
@pytest.mark.parametrize("limit", [LIMIT, 10**12])
def test_a_decompression_bomb_is_refused_in_bounded_time_and_memory(put, ending, name, limit):
    zeros = b" " * (1 << 22)
    pack = zlib.compressobj(wbits=31) if ending == ".gz" else zstd.ZstdCompressor()
    bomb = b"".join(pack.compress(zeros) for _ in range(30)) + pack.flush()
    tracemalloc.start()
    began = time.monotonic()
    (found,) = put({name + ending: bomb}, limit)
    assert found.reason == "too_large" and found.sha256 is None
    assert time.monotonic() - began < 10 and tracemalloc.get_traced_memory()[1] < 300e6
    tracemalloc.stop()


def test_a_zstandard_dictionary_at_the_start_of_a_warc_is_used(put):
    samples = [record("response", http(page(i))) for i in range(300)]
    dictionary = zstd.train_dict(samples, 4096)
    frame = b"\x5d\x2a\x4d\x18" + len(dictionary.dict_content).to_bytes(4, "little") + dictionary.dict_content
    data = frame + b"".join(zstd.compress(s, zstd_dict=dictionary) for s in samples[:3])
    found = put({"a.warc.zst": data})
    assert texts(put, found) == [page(0), page(1), page(2)]
    assert [data[c.record_offset :][:4] for c in found] == [b"\x28\xb5\x2f\xfd"] * 3


# --- WARC -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", PLAIN)
def test_each_response_of_a_warc_is_a_capture(put, ending):
    found = put({f"a.warc{ending}": PLAIN[ending](warc(*(response(page(i), i) for i in range(4))))})
    assert texts(put, found) == [page(i) for i in range(4)]
    assert found[2][3:6] == ("text/html", None, None)
    assert found[2][8:] == ("utf-8", "https://khazar-review.example/a/2", "2024-05-04T10:11:12Z", None)
    assert [c.record_offset for c in found] == sorted({c.record_offset for c in found})


def test_offsets_are_those_a_cdx_index_has(put):
    plain, members = warc(response(page(1), 1), response(page(2), 2)), warc(response(page(1), 1), response(page(2), 2), compressed=True)
    found = put({"a.warc": plain, "b.warc.gz": members})
    assert [plain[c.record_offset :][:10] for c in found[:2]] == [b"WARC/1.0\r\n"] * 2
    for c in found[2:]:
        assert zlib.decompressobj(31).decompress(members[c.record_offset :]).startswith(b"WARC/1.0\r\n")
    frames = b"".join(zstd.compress(record("response", http(page(i)))) for i in range(3))
    assert [c.record_offset for c in put({"c.warc.zst": frames}) if c.path == "c.warc.zst"][1] == len(
        zstd.compress(record("response", http(page(0))))
    )


def test_a_wet_file_has_plain_text(put):
    wet = record("warcinfo", b"software: tests\r\n") + record("conversion", b"Saren has no ferry.\n", Content_Type="text/plain")
    (found,) = put({"a.warc.wet.gz": gzip.compress(wet, mtime=0)})
    assert found.media_type == "text/plain" and texts(put, [found]) == [b"Saren has no ferry.\n"]


@pytest.mark.parametrize(
    "body,headers",
    [
        (chunked(HTML), "Transfer-Encoding: chunked"),
        (HTML, "Transfer-Encoding: chunked"),
        (b"2024\nThe ferry\n" + b"x" * 9000, "Transfer-Encoding: chunked"),
        (gzip.compress(HTML, mtime=0), "Content-Encoding: gzip"),
        (gzip.compress(HTML[:9], mtime=0) + gzip.compress(HTML[9:], mtime=0), "Content-Encoding: x-gzip"),
        (HTML, "Content-Encoding: gzip"),
        (HTML, "Content-Encoding: br"),
        (HTML, "Content-Encoding: unheard-of"),
        (zlib.compress(HTML), "Content-Encoding: deflate"),
        (zlib.compress(HTML)[2:-4], "Content-Encoding: deflate"),
        (brotli.compress(HTML), "Content-Encoding: br"),
        (zstd.compress(HTML), "Content-Encoding: zstd"),
        (chunked(gzip.compress(HTML, mtime=0)), "Transfer-Encoding: chunked\r\nContent-Encoding: gzip"),
        (chunked(brotli.compress(gzip.compress(HTML, mtime=0))), "transfer-encoding: chunked\r\ncontent-encoding: gzip, br"),
        (HTML, "Content-Length: 99999"),
        (HTML, "Content-Length: 1"),
    ],
)
def test_transfer_and_content_codings_are_undone_where_they_are_there(put, body, headers):
    (got,) = texts(put, put({"a.warc": record("response", http(body, "Content-Type: text/html\r\n" + headers))}))
    assert got == (body if body.startswith(b"2024") else HTML)


@pytest.mark.parametrize(
    "block,headers,reason",
    [
        (b"\x89PNG", "Content-Type: image/png", "wrong_type"),
        (b"{}", "Content-Type: application/json", "wrong_type"),
        (b"", "Content-Type: text/html", "empty"),
        (HTML * (LIMIT // len(HTML) + 1), "Content-Type: text/html", "too_large"),
        (HTML * LIMIT, "Content-Type: text/html", "too_large"),
        (gzip.compress(b" " * 10**8, mtime=0), "Content-Encoding: gzip", "too_large"),
        (brotli.compress(b" " * 10**7), "Content-Encoding: br", "too_large"),
        (zlib.compress(b" " * 10**7), "Content-Encoding: deflate", "too_large"),
        (gzip.compress(HTML, mtime=0)[:-9], "Content-Encoding: gzip", "truncated_record"),
        (brotli.compress(HTML)[:-9], "Content-Encoding: br", "truncated_record"),
        (b"\xff\xff\xff", "Content-Encoding: br", "broken_record"),
        (zlib.compress(HTML)[:-9], "Content-Encoding: deflate", "truncated_record"),
        (b"\x00\x01", "Content-Encoding: compress", "unsupported_coding"),
        (chunked(HTML)[:-20], "Transfer-Encoding: chunked", "truncated_record"),
    ],
)
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_records_that_hold_no_page_have_a_reason(put, block, headers, reason, ending):
    data = [record("response", http(block, headers)), record("response", http(HTML))]
    found = texts(put, put({f"a.warc{ending}": b"".join(PLAIN[ending](r) for r in data)}))
    assert found == [reason, HTML]


def test_record_types_and_answers_that_are_no_pages(put):
    found = put({
        "a.warc": record("revisit", http(b"")) + record("request", b"GET / HTTP/1.1\r\n\r\n") + record("metadata", b"x: y")
        + record("response", http(HTML), WARC_Truncated="length") + record("response", http(HTML).replace(b"200 OK", b"404 Not Found"))
        + record("response", b"no http", Content_Type="application/http")
        + record("resource", HTML, Content_Type="text/html; charset='koi8-r'")
    })  # fmt: skip
    assert texts(put, found) == ["wrong_type", "truncated_record", "http_status", "broken_record", HTML]
    assert found[-1].charset == "koi8-r"


@pytest.mark.parametrize("compressed", [False, True])
def test_a_warc_cut_off_loses_no_record_before_the_cut(put, compressed):
    whole = warc(*(response(page(i), i) for i in range(4)), compressed=compressed)
    offsets = [c.record_offset for c in put({"whole": whole})]
    found = texts(put, put({"whole": whole[: offsets[2] + 300]}))
    assert found == [page(0), page(1), "truncated_record"]


@pytest.mark.parametrize(
    "damage", [b"WARX/1.0", b"WARC/1.0\r\nno header", b"WARC/1.0\r\nContent-Length: 12x\r\n\r\n", b"\0" * 70_000, b"\n" * 70_000 + b"?"]
)
def test_reading_goes_on_behind_a_broken_header(put, damage):
    data = record("response", http(page(0))) + damage + b"\r\n\r\n" + record("response", http(page(1)))
    assert texts(put, put({"a.warc": data})) == [page(0), "broken_record", page(1)]


@pytest.mark.parametrize("length", [3, 50, 2_000, 10**15, 10**30])
def test_a_record_that_lies_about_its_length_is_refused_and_takes_none_with_it(put, length):
    data = record("response", http(page(0))) + record("response", http(page(1) * 20), length) + record("response", http(page(2)))
    found = texts(put, put({"a.warc": data}))
    assert found[0] == page(0) and found[-1] == page(2) and set(found[1:-1]) <= {"broken_record", "truncated_record"} and len(found) > 2


@pytest.mark.parametrize("ending", COMPRESSIONS)
def test_a_damaged_member_takes_none_with_it(put, ending):
    checked = {zstd.CompressionParameter.checksum_flag: 1}
    compress = gzip.compress if ending == ".gz" else lambda data: zstd.compress(data, options=checked)
    members = [compress(record("response", http(page(i) + random.Random(i).randbytes(400)))) for i in range(4)]
    members[1] = members[1][:40] + bytes(b ^ 0xFF for b in members[1][40:80]) + members[1][80:]
    members[2] = members[2][: len(members[2]) // 2]
    found = texts(put, put({f"a.warc{ending}": b"".join(members)}))
    assert found[0].startswith(page(0)) and found[-1].startswith(page(3))
    assert 0 < len(found[1:-1]) <= 2 and set(found[1:-1]) <= {"broken_record", "truncated_record"}


@pytest.mark.parametrize("ending", COMPRESSIONS)
def test_a_warc_compressed_as_a_whole_and_cut_off_says_so(put, ending):
    data = COMPRESSIONS[ending](b"".join(record("response", http(page(i) + random.Random(i).randbytes(9000))) for i in range(40)))
    found = texts(put, put({f"a.warc{ending}": data[: len(data) // 2]}))
    assert found[-1] == "truncated" and found[0].startswith(page(0)) and len(found) > 2


def test_a_bomb_in_one_member_takes_none_with_it(put):
    data = [gzip.compress(record("response", http(b)), mtime=0) for b in (page(0), b" " * 120_000_000, page(1))]
    assert texts(put, put({"a.warc.gz": b"".join(data)})) == [page(0), "too_large", page(1)]


# --- MHTML ----------------------------------------------------------------------------------------------------------


def mhtml(*parts: tuple[str, str, bytes], head: str = "") -> bytes:
    """parts: headers, transfer coding, body as it is coded."""
    top = f"From: <Saved by Blink>\r\nSnapshot-Content-Location: https://khazar-review.example/a\r\n{head}MIME-Version: 1.0\r\n"
    out = f'{top}Content-Type: multipart/related;\r\n\ttype="text/html";\r\n\tboundary="=_x"\r\n\r\n'.encode()
    for headers, coding, body in parts:
        out += f"\r\n--=_x\r\n{headers}\r\nContent-Transfer-Encoding: {coding}\r\n\r\n".encode() + body
    return out + b"\r\n--=_x--\r\n"


PAGE = "Content-Type: text/html; charset=windows-1252\r\nContent-Location: https://khazar-review.example/a"
FRAME = "Content-Type: text/html\r\nContent-Location: https://ads.example/frame"
PICTURE = "Content-Type: image/png\r\nContent-Location: https://khazar-review.example/p.png"


@pytest.mark.parametrize("ending", PLAIN)
@pytest.mark.parametrize(
    "coding,body,content",
    [
        ("quoted-printable", b'<html><p class=3D"x">Caf=E9 =\r\nSaren</p></html>', b'<html><p class="x">Caf\xe9 Saren</p></html>'),
        ("base64", base64.encodebytes(HTML), HTML),
        ("binary", b"<html>\xe9\x00\r\nx</html>", b"<html>\xe9\x00\r\nx</html>"),
    ],
)
def test_the_page_of_an_mhtml_file_is_its_one_capture(put, ending, coding, body, content):
    data = mhtml(
        (FRAME, "binary", b"<html>advertisement"),
        (PICTURE, "base64", b"iVBORw0KGgo="),
        (PAGE, coding, body),
        head="Date: Sat, 4 May 2024 12:00:00 +0200\r\n",
    )
    (found,) = put({f"a.mhtml{ending}": PLAIN[ending](data)})
    assert texts(put, [found]) == [content]
    assert found[8:] == ("windows-1252", "https://khazar-review.example/a", "2024-05-04T10:00:00Z", None)
    assert (found.record_offset, found.media_type) == (0, "text/html")


@pytest.mark.parametrize(
    "data,outcome",
    [
        (mhtml(("Content-Type: text/plain", "binary", b"Saren")), b"Saren"),
        (mhtml((PICTURE, "base64", b"iVBORw0KGgo=")), "wrong_type"),
        (mhtml((PAGE, "base64", b"")), "empty"),
        (mhtml((PAGE, "binary", HTML))[:-20], "truncated_record"),
        (mhtml((PAGE, "binary", HTML), (FRAME, "binary", HTML))[:-20], HTML),
        (b"MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n" + HTML, HTML),
        (
            b"MIME-Version: 1.0\r\n" + b"".join(b"Content-Type: multipart/x; boundary=%d\r\n\r\n--%d\r\n" % (i, i) for i in range(3000)),
            "broken_record",
        ),
        (b"MIME-Version: 1.0\r\nContent-Type: text/html; " + b"a*0*=b; " * 20_000 + b"\r\n\r\nx", "broken_record"),
        (
            b'MIME-Version: 1.0\r\nDate: no day\r\nContent-Type: text/html; charset="\xff"\r\nContent-Transfer-Encoding: base64\r\n\r\n%%%',
            None,
        ),
    ],
)
def test_odd_mhtml(put, data, outcome):
    (found,) = texts(put, put({"a.mht": data}))
    assert outcome is None or found[: len(outcome)] == outcome


# --- JSON Lines and Parquet -----------------------------------------------------------------------------------------

ROWS = [
    {
        "text": "Saren has no ferry — “yet”.",
        "url": "https://khazar-review.example/1",
        "date_retrieved": "2024-05-04",
        "outlet": "khazar",
        "date": "1999",
    },
    {"html": HTML.decode(), "text": "not this"},
    {"text": "Орбелан", "url": None, "html": ""},
]


def told(put, found: list[Listed]) -> list[tuple]:
    return [(t, c.media_type, c.url, c.date_retrieved, c.outlet) for t, c in zip(texts(put, found), found, strict=True)]


READ = [
    ("Saren has no ferry — “yet”.".encode(), "text/plain", "https://khazar-review.example/1", "2024-05-04", "khazar"),
    (HTML, "text/html", None, None, None),
    ("Орбелан".encode(), "text/plain", None, None, None),
]


@pytest.mark.parametrize("ending", PLAIN)
@pytest.mark.parametrize("name", ["a.jsonl", "A.NDJSON"])
@pytest.mark.parametrize("ascii", [False, True])
def test_each_row_of_json_lines_is_a_capture(put, ending, name, ascii):
    lines = [json.dumps(row, ensure_ascii=ascii).encode() + b"\n" for row in ROWS]
    found = put({name + ending: PLAIN[ending](lines[0] + b"\r\n" + lines[1] + lines[2][:-1])})
    assert told(put, found) == READ
    assert [c.record_offset for c in found] == [0, len(lines[0]) + 2, len(lines[0] + lines[1]) + 2]


def test_lines_that_are_no_row_are_refused_and_those_behind_them_read(put):
    lines = [
        b"{",
        b"[]",
        b'"text"',
        b"\xff",
        b'{"text": 1}',
        b'{"text": ""}',
        b'{"x": "' + b"x" * 3_000_000 + b'"}',
        b"[" * 100_000,
        b"9" * 9999,
    ]
    found = texts(put, put({"a.jsonl": b"\n".join([*lines, b'{"text": "Saren"}'])}))
    assert found == [
        "broken_record",
        "no_text",
        "no_text",
        "broken_record",
        "no_text",
        "no_text",
        "too_large",
        "broken_record",
        "broken_record",
        b"Saren",
    ]
    assert texts(put, put({"a.jsonl": b'{"text": "\\ud800x"}\n' + json.dumps({"text": "x" * (LIMIT + 1)}).encode()}))[1] == "too_large"


@pytest.mark.parametrize("ending", COMPRESSIONS)
def test_compressed_lines_cut_off_are_read_up_to_there(put, ending):
    lines = b"".join(json.dumps({"text": f"{i} {random.Random(i).randbytes(300).hex()}"}).encode() + b"\n" for i in range(2000))
    data = COMPRESSIONS[ending](lines)
    found = texts(put, put({f"a.jsonl{ending}": data[: len(data) // 2]}))
    assert found[-1] == "truncated" and found[0].startswith(b"0 cd") and len(found) > 100


def parquet(table: pa.Table, **options) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_each_row_of_parquet_is_a_capture(put, size):
    found = put(
        {
            "a.parquet": parquet(
                pa.Table.from_pylist(ROWS, pa.schema([(n, pa.string()) for n in ("outlet", "text", "url", "html", "date_retrieved")])),
                row_group_size=size,
            )
        }
    )
    assert told(put, found) == READ and [c.record_offset for c in found] == [0, 1, 2]


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_columns_of_every_kind_of_text(put, kind):
    column = pa.array([HTML, None, HTML], pa.binary())
    table = pa.table({"html": column if kind == pa.binary() else column.cast(pa.string()).cast(kind), "n": [1, 2, 3]})
    assert texts(put, put({"a": parquet(table)})) == [HTML, "no_text", HTML]


def test_parquet_without_text_and_broken_parquet(put):
    good = parquet(pa.table({"body": ["x"]}))
    many = parquet(pa.table({"text": [str(i) * 900 for i in range(300)]}), row_group_size=100, compression="none")
    found = put(
        {
            "a.parquet": good,
            "b.parquet": good[:50],
            "c.parquet": parquet(pa.table({"text": [1]})),
            "d.parquet": many[:70_000] + b"\xff" * 90_000 + many[160_000:],
        }
    )
    assert [c.reason for c in found if c.path < "d"] == ["wrong_type", "broken_container", "wrong_type"]
    assert [c.reason for c in found][-1] == "broken_container"


# --- folders, configuration, releases -------------------------------------------------------------------------------


def test_what_belongs_to_a_complete_page_is_no_capture_of_its_own(put):
    found = put(
        {
            "x/page.html": HTML,
            "x/page_files/frame.html": HTML,
            "x/page_files/deep/a.js": b"x",
            "x/other_files/a.html": HTML,
            "Seite.HTM": HTML,
            "Seite-Dateien/a.css": b"x",
        }
    )
    assert {c.path: c.reason for c in found} == {
        "Seite-Dateien/a.css": "subresource", "Seite.HTM": None, "x/other_files/a.html": None,
        "x/page.html": None, "x/page_files/deep/a.js": "subresource", "x/page_files/frame.html": "subresource",
    }  # fmt: skip


def test_what_captures_csv_says_of_a_container_holds_for_its_records_and_of_a_record_before_that(put, tmp_path):
    sha256 = hashlib.sha256(b"two").hexdigest()
    lines = b'{"text": "one", "url": "https://one.example/", "outlet": "own"}\n{"text": "two"}\n'
    found = put({"a.jsonl": lines}, captures=f"path,sha256,outlet,language\na.jsonl,,khazar,en\n,{sha256},other,\n")
    (tmp_path / "work").mkdir()
    manifest, _ = pack(open_corpus(tmp_path), Knowledge(), found, tmp_path / "work", tmp_path / "cache", "code")
    rows = [(r["url"], r["outlet"], r["language"], r["record_offset"]) for r in pq.read_table(manifest).to_pylist()]
    assert rows == [("https://one.example/", "khazar", "en", 0), (None, "other", "en", lines.index(b"\n") + 1)]


def test_init_names_a_container_once(put, tmp_path):
    put({"a.jsonl": b'{"text": "one"}\n{"text": "two"}\n', "b.txt": b"three"})
    list(initialise(tmp_path))
    assert list(open_corpus(tmp_path).known) == ["a.jsonl", "b.txt"]
    assert len(list_captures(open_corpus(tmp_path))) == 3


def articles() -> list[str]:
    return [
        ARTICLE.format(title=f"A Ferry for {p}, Again Postponed", author=f"Jane {p}", place=p) + f"\n{p} will hear more in {i}."
        for i, p in enumerate(PLACES)
    ]


def containers(folder: Path) -> Path:
    """Articles in every container, the first of them twice."""
    made = [a.encode() for a in articles()]
    lines = [json.dumps({"text": a.decode()}).encode() + b"\n" for a in made]
    text = "Content-Type: text/plain; charset=utf-8"
    in_chunks = text + "\r\nTransfer-Encoding: chunked"
    coded = record("response", http(gzip.compress(made[1], mtime=0), text + "\r\nContent-Encoding: gzip"))
    files = {
        "a.warc": record("response", http(made[0], text)) + coded + record("response", http(b"\x89PNG", "Content-Type: image/png")),
        "b.warc.gz": b"".join(gzip.compress(record("response", http(chunked(a), in_chunks)), mtime=0) for a in made[2:4]),
        "c.jsonl": lines[0] + b"{\n" + lines[4],
        "d.jsonl.zst": zstd.compress(lines[5]),
        "e.parquet": parquet(pa.table({"text": articles()[6:7]})),
        "f.txt.gz": gzip.compress(made[7], mtime=0),
        "g.txt": made[7],
        "h.txt.gz": b"\x1f\x8b\x08\0",
    }  # fmt: skip
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def test_a_release_of_containers_verifies_until_one_of_them_changes(tmp_path):
    folder = containers(tmp_path / "articles")
    assert build(folder, tmp_path / "out") == 0
    (release,) = (tmp_path / "out").glob("*/[0-9]*")
    captures = pq.read_table(release / "data/captures/train-00000-of-00001.parquet").to_pylist()
    outcomes = [c["outcome"] for c in captures]
    assert (outcomes.count("document"), outcomes.count("duplicate"), outcomes.count("rejected")) == (8, 2, 3)
    assert verify(release, folder, payload) == []
    assert any("its SHA-256 or length differs" in line for line in verify(release, folder))
    for name in ("a.warc", "b.warc.gz", "c.jsonl", "d.jsonl.zst", "e.parquet", "f.txt.gz", "h.txt.gz"):
        good = (folder / name).read_bytes()
        (folder / name).write_bytes(good + b"\0")
        found = verify(release, folder, payload)
        assert found and all(f" {name}: the file is not the one the capture was read from" in line for line in found)
        (folder / name).write_bytes(good)


@pytest.mark.slow
def test_a_warc_of_the_specimens_builds_and_verifies(tmp_path):
    specimens = [p for p in sorted(SPECIMENS.rglob("*.*")) if p.stat().st_size]
    kinds = {".txt": "text/plain", ".html": "text/html"}
    saved = [response(p.read_bytes(), i, Content_Type=kinds[p.suffix]) for i, p in enumerate(specimens)]
    (tmp_path / "crawl").mkdir()
    (tmp_path / "crawl" / "a.warc.gz").write_bytes(warc(*saved, compressed=True))
    assert build(tmp_path / "crawl", tmp_path / "out") == 0
    (release,) = (tmp_path / "out").glob("*/[0-9]*")
    captures = pq.read_table(release / "data/captures/train-00000-of-00001.parquet").to_pylist()
    assert Counter(c["capture_sha256"] for c in captures) == Counter(hashlib.sha256(p.read_bytes()).hexdigest() for p in specimens)
    assert {c["url"] for c in captures} == {url for url, *_ in saved}
    assert sum(c["outcome"] == "document" for c in captures) > 0.8 * len(specimens)
    assert verify(release, tmp_path / "crawl", payload) == []


def test_a_shard_takes_a_changed_container_as_such(tmp_path, put):
    from flows.readers.files import read
    from flows.traced import Rejected

    first, second = put({"a.warc.gz": warc(response(page(1)), response(page(2)), compressed=True)})
    (put.root / "a.warc.gz").write_bytes(warc(response(page(3)), response(page(2)), compressed=True)[:-50])
    for c in (first, second):
        with pytest.raises(Rejected, match="changed_while_building"):
            read(put.root, c.path, c.sha256, c.record_offset)


BASES = [
    ("a.warc", warc(response(page(0)), response(gzip.compress(HTML, mtime=0), Content_Encoding="gzip"))),
    ("a.warc.gz", warc(response(page(0)), response(chunked(HTML), Transfer_Encoding="chunked"), compressed=True)),
    ("a.warc.zst", zstd.compress(warc(response(page(0)), response(page(1))))),
    ("a.jsonl", b"".join(json.dumps(r).encode() + b"\n" for r in ROWS)),
    ("a.jsonl.gz", gzip.compress(b"".join(json.dumps(r).encode() + b"\n" for r in ROWS))),
    ("a.mhtml", mhtml((PAGE, "base64", base64.encodebytes(HTML)), (FRAME, "quoted-printable", HTML))),
    ("a.parquet", parquet(pa.table({"text": ["one", "two", HTML.decode() * 40]}))),
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(BASES), st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=12), st.integers(0, 60)), max_size=4))
def test_whatever_is_damaged_every_record_is_read_or_refused(put, base, damage):
    name, data = base
    for place, new, gone in damage:
        at = int(place * len(data))
        data = data[:at] + new + data[at + gone :]
    for old in put.root.glob("*") if put.root.exists() else ():
        old.unlink()
    assert all(c.reason or c.sha256 for c in put({name: data}))
