"""Promises 1 and 2 through the real stages: whatever the bytes, no exception, every byte accounted for, every span traced."""

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import schemas
from flows.drafts import FINGERPRINTS, Capture, Draft
from flows.line import _collected, _each, stages, unwatched
from flows.readers.knowledge import Knowledge
from flows.readers.targets import Target
from flows.stages.validate import validate
from flows.traced import Rejected, replay
from tests.test_html import HOSTILE

SENTENCES = st.sampled_from(
    [
        "The ministers met in Baku on 3 October 2021, and the talks — three hours of them — ended “without result.”",
        "Переговоры в порту Сарен продолжались до полуночи, сообщил представитель министерства.",
        "Āz̄arbāyjān-e Sharqī adı ilə tanınan əyalətdə İlham müəllim danışdı.",
        "“We will not sign,” said Natig Example, who accused the ministry of delay.", "Baku denies that the talks failed.", "Read more",
        "- Advertisement -", "By Jane Example, 4 May 2024", "\u00a0", "", "EN|FR|RU", "Follow us on:", "浪花直播 说。",
    ]
)  # fmt: skip
DAMAGE = st.sampled_from(
    [
        lambda t: t.encode(),
        lambda t: t.encode("utf-8").decode("gb18030", "replace").encode(),
        lambda t: t.encode("utf-8").decode("cp1252", "replace").encode(),
        lambda t: t.encode("cp1251", "ignore"),
        lambda t: t.encode("utf-16"),
        lambda t: t.encode("shift_jis", "ignore"),
        lambda t: t.replace(" ", "\r\n").encode(),
        lambda t: t.replace("a", "&amp;\u200b").encode(),
        lambda t: t.encode()[:-1],
        lambda t: t.encode().replace(b"e", b"\x92"),
    ]
)
CAPTURE = Capture("0" * 20 + "-0", "x.txt", "0" * 64, 1, "text/plain", None, None, None, None, None, None, None, None, [], [])
TARGET = Target("baku_talks", "event", "The talks in Baku", (), (), ("talks",))
STAGES = stages(Knowledge(targets=(TARGET, Target("azerbaijan_government", "entity", "Azerbaijan", (), ("azerbaijan_government",), ()))))
PROPERTY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def damaged(draw) -> bytes:
    parts = draw(st.lists(SENTENCES | st.text(max_size=20), min_size=1, max_size=8))
    data = draw(DAMAGE)("\n".join(parts).replace("\ud800", ""))
    for at in draw(st.lists(st.integers(0, max(len(data) - 1, 0)), max_size=3)):
        data = data[:at] + draw(st.binary(max_size=2)) + data[at + 1 :]
    return data


def check(data: bytes, kind: str = "text/plain") -> None:
    draft = Draft(CAPTURE._replace(media_type=kind), data=data)
    try:
        for stage in STAGES.values():
            draft = stage(draft)
    except Rejected as why:
        assert why.reason
        return
    text = draft.text
    assert text.data == data
    edits = [(e.byte_start, e.byte_end, text.text[e.start : e.end]) for e in text.edits]
    at = 0
    for start, end, _ in edits:
        assert at <= start <= end
        assert data[at:start].decode(text.encoding).encode(text.encoding) == data[at:start]
        at = end
    assert replay(data, text.encoding, edits) == text.text
    tables = _collected([draft], unwatched)
    found = {name: table.to_pylist() for name, table in tables.items()}
    assert len(found["documents"]) == 1
    for s in found["segments"]:
        again = replay(data, text.encoding, edits, s["byte_start"], s["byte_end"])
        assert again[s["trim_start"] : len(again) - s["trim_end"]] == s["text"] == text.text[s["start"] : s["end"]] != ""
    for span in spans(found):
        again = replay(data, text.encoding, edits, span["byte_start"], span["byte_end"])
        assert again[span["trim_start"] : len(again) - span["trim_end"]] == text.text[span["start"] : span["end"]] != ""
    tiled(found["segments"], text.text)
    assert len({s["segment_id"] for s in found["segments"]}) == len(found["segments"])
    del tables[FINGERPRINTS]
    assert validate(tables)["rejections"].num_rows == 0


def spans(found: dict) -> list[dict]:
    """Every stretch of text that a mention, attribution, claim or stance names."""
    lists = {"attributions": ("source_spans", "cue_spans", "content_spans"), "claims": ("spans",), "stances": ("evidence_spans",)}
    return found["mentions"] + [span for table, names in lists.items() for row in found[table] for name in names for span in row[name]]


def tiled(segments, text) -> None:
    """Only white space lies between the sentences of a block and outside blocks."""
    at = 0
    for s in (s for s in segments if s["unit"] != "sentence"):
        assert text[at : s["start"]].strip() == ""
        at = inner = s["start"]
        for child in (c for c in segments if c["parent_id"] == s["segment_id"]):
            assert text[inner : child["start"]].strip() == "" and child["start"] >= inner
            at = inner = child["end"]
        assert inner == s["start"] or text[inner : s["end"]].strip() == ""
        at = s["end"]
    assert text[at:].strip() == ""


@PROPERTY
@given(st.binary(max_size=200))
def test_random_bytes(data):
    check(data)


@PROPERTY
@given(damaged())
def test_random_text_with_random_damage(data):
    check(data)


@PROPERTY
@given(damaged())
def test_a_long_body_with_damage_in_it(data):
    body = "The harbour master of Saren said on Tuesday that the ferry would sail again. " * 4
    check(body.encode() + b"\n\n" + data + b"\n\n" + body.encode())


TAGS = st.sampled_from(
    [
        "<p>", "</p>", "<div class='nav'>", "</div>", "<br>", "<script>if (a<b) '</p>'", "</script>", "<!-- ", "-->", "<table><tr><td>",
        "&amp", "&#146;", "<h1>", "</h1>", "<time datetime='2024-05-04'>", '<meta property="og:title" content="A ferry">', "<b", "\x00",
        "<li>", "<textarea>", "&nbsp;", "<![CDATA[",
    ]
)  # fmt: skip


@PROPERTY
@given(st.lists(TAGS | SENTENCES, max_size=25), st.sampled_from(["utf-8", "utf-16", "cp1251"]))
def test_markup_of_any_kind(parts, encoding):
    body = "<p>The harbour master of Saren said on Tuesday that the ferry would sail again.</p>" * 4
    check(f"<html><body>{''.join(parts)}{body}{''.join(parts[::-1])}".encode(encoding, "ignore"), "text/html")


@pytest.mark.parametrize(
    "name",
    ["nested elements", "an attribute of 50 MB", "nothing closed", "null bytes", "script that looks like text", "references without end"],
)
def test_hostile_markup_behind_an_article_ends_in_a_document_or_a_rejection(name):
    body = "<p>The harbour master of Saren said on Tuesday that the ferry would sail again.</p>" * 4
    began = time.process_time()
    check(f"<!doctype html><article>{body}</article>{HOSTILE[name]}".encode(), "text/html")
    assert time.process_time() - began < 20


def test_one_capture_that_breaks_a_stage_does_not_take_the_others_along():
    def breaks(draft):
        if draft.data == b"b":
            raise ZeroDivisionError("no")
        return draft._replace(encoding_source="seen")

    a, b, c = _each("decode", breaks, [Draft(CAPTURE, data=d) for d in (b"a", b"b", b"c")], unwatched)
    assert (a.encoding_source, c.encoding_source) == ("seen", "seen")
    assert (b.rejection["stage"], b.rejection["reason"], b.rejection["detail"]) == ("decode", "internal_error", "ZeroDivisionError: no")
    assert set(schemas.table("rejections").SCHEMA.names) == set(b.rejection)
