"""Decoding: every encoding's cases, what is no text, and any bytes at all."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flows.stages.decode import decode
from flows.traced import Rejected, replay

CASES = json.loads((Path(__file__).parent / "cases" / "decode.json").read_text(encoding="utf-8"))
ENCODINGS = (
    "utf-8 utf-8-sig utf-16 utf-16-le utf-16-be utf-32 utf-32-be cp1250 cp1251 cp1252 cp1256 koi8-r cp866 mac-roman cp932 shift_jis_2004 "
    "euc_jp euc_jis_2004 cp949 johab gb18030 big5 big5hkscs hz iso2022_jp iso2022_kr utf-7"
).split()
TEXT = "Министр сказал: «нет», – и ушёл.\nLe café d’à côté… 新的预算案将通过。 新しい予算案 재무부 Çok iyi ğüş\n"


def params(kind):
    for case in CASES:
        if ("rejected" in case) == (kind == "rejected"):
            marks = pytest.mark.xfail(strict=True, reason=case["why"]) if case.get("fails") else ()
            yield pytest.param(case, id=case["name"], marks=marks)


def published(text):
    return [(e.byte_start, e.byte_end, text.text[e.start : e.end]) for e in text.edits]


@pytest.mark.parametrize("case", list(params("decoded")))
def test_case(case):
    found = decode(bytes.fromhex(case["hex"]), [tuple(d) for d in case["declared"]])
    assert found.text.text == case["text"]
    assert (found.encoding, found.encoding_source) == (case["encoding"], case["source"])
    assert sorted({rule for e in found.text.edits for rule in e.rules}) == case["rules"]
    assert found.evidence


@pytest.mark.parametrize("case", list(params("rejected")))
def test_rejected(case):
    with pytest.raises(Rejected) as raised:
        decode(bytes.fromhex(case["hex"]))
    assert raised.value.reason == case["rejected"]


def holds(data, declared=()):
    """The promises for any bytes: a text that its edits replay to, or a rejection."""
    try:
        text = decode(data, declared).text
    except Rejected as rejected:
        assert rejected.reason in ("empty", "binary")
        return
    assert replay(data, text.encoding, published(text)) == text.text
    at = end = 0
    for e in [*text.edits, None]:
        start, byte_start = (e.start, e.byte_start) if e else (len(text.text), len(data))
        assert text.text[end:start].encode(text.encoding) == data[at:byte_start]
        at, end = (e.byte_end, e.end) if e else (at, end)
    assert all(e.byte_start < e.byte_end and 0 <= e.confidence <= 1 for e in text.edits)
    if text.text:
        text.span(len(text.text) // 2, len(text.text) // 2 + 1)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.lists(st.tuples(st.sampled_from([*ENCODINGS, "hex", "no such"]), st.just("http")), max_size=2))
@example(b"\xef\xbb\xbf\xcf\xf0\xe8\xe2\xe5\xf2\n", [])
@example("か゚".encode("euc_jis_2004"), [("euc_jis_2004", "http")])
@example(b"\xa4\xd4" * 4, [("euc-kr", "http")])
def test_any_bytes(data, declared):
    holds(data, declared)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(ENCODINGS), st.integers(0, 90), st.integers(0, 60), st.binary(max_size=2)), min_size=1))
def test_pieces_of_text_in_any_encodings(pieces):
    holds(b"".join(TEXT[start : start + size].encode(encoding, "replace") + noise for encoding, start, size, noise in pieces))


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(categories=("L", "M", "N", "P", "S", "Zs"))))
def test_valid_utf8_is_left_alone(text):
    found = decode(f"é{text}".encode(), [("windows-1252", "http")])
    assert found.text.text == f"é{text}"
    assert (found.text.edits, found.encoding_source) == ((), "utf-8")


@pytest.mark.parametrize("encoding", ["cp1251", "gb18030", "utf-8"])
def test_long_file_is_judged_by_all_of_it_and_decoded_whole(encoding):
    russian, chinese = "Новый бюджет примут до конца месяца, сказал министр.\n", "新的预算案将在本月底之前通过，部长说。\n"
    words = chinese if encoding == "gb18030" else russian
    text = "<p class='ad'>nothing but markup here</p>\n" * 5000 + words * 400 + "<hr>\n" * 5000
    found = decode(text.encode(encoding))
    assert (found.text.text, found.encoding) == (text, encoding)


def test_confidence_of_a_guess_is_below_one():
    data = "Новый бюджет примут.\n".encode() + "Так сказал министр.\n".encode("cp1251")
    edits = decode(data).text.edits
    assert {e.kind for e in edits} == {"inferred"}
    assert all(0.5 < e.confidence < 1 for e in edits)
    assert [e.stages for e in edits] == [("decode",)] * len(edits)
