"""Verify: a release as built holds; whatever is changed in it is found and named."""

import hashlib
import json
import os
import random
import shutil
from copy import deepcopy
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import schemas
from flows.release.publish import listed, write
from flows.release.verify import verify
from schemas.captures import path_bytes
from tests import tiny

MADE = tiny.rows()
FERRY, HARBOUR, BRIDGE = (row["doc_id"] for row in MADE["documents"])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("verify")
    tiny.corpus(folder / "captures")
    return tiny.release(folder / "dist", MADE), folder / "captures"


@pytest.fixture
def copied(whole, tmp_path):
    release, captures = shutil.copytree(whole[0], tmp_path / "release"), shutil.copytree(whole[1], tmp_path / "captures")
    return Path(release), Path(captures)


def resummed(release: Path) -> None:
    """SHA256SUMS made anew, as by someone who covers a change."""
    sums = "".join(f"{hashlib.sha256((release / name).read_bytes()).hexdigest()}  {name}\n" for name in listed(release))
    (release / "SHA256SUMS").write_text(sums)


def staged(folder: Path, made: dict) -> Path:
    """A release of the rows with everything that is computed from them as it should be."""
    (folder / "staged").mkdir()
    prepared = tiny.tables(folder / "tables", made)
    write(prepared, folder / "staged", tiny.DATASET, "1.0.0", tiny.BUILD)
    return folder / "staged"


def test_a_release_holds(whole):
    release, captures = whole
    assert verify(release) == verify(release, captures) == []


def test_a_folder_that_is_no_release(tmp_path):
    assert verify(tmp_path) == [f"{tmp_path}: no release, it has no SHA256SUMS; give a folder dist/<dataset>/<version>"]


def test_one_byte_changed_in_any_file_is_found(copied):
    release, _ = copied
    for name in listed(release):
        good = (release / name).read_bytes()
        (release / name).write_bytes(good[:-5] + bytes([good[-5] ^ 1]) + good[-4:])
        assert verify(release)[0] == f"{name}: its SHA-256 is not the one in SHA256SUMS"
        (release / name).write_bytes(good)


def test_files_too_many_or_too_few_are_named(copied):
    release, _ = copied
    (release / "quality").mkdir()
    (release / "quality/index.html").write_text("any")
    assert verify(release) == []
    (release / "data/edits/extra.parquet").write_text("any")
    (release / "CHANGES.md").unlink()
    (release / "note").symlink_to("README.md")
    found = verify(release)
    assert found == [
        "CHANGES.md: listed in SHA256SUMS and missing",
        "data/edits/extra.parquet: not listed in SHA256SUMS",
        "note: not listed in SHA256SUMS",
    ]


def test_a_broken_parquet_file_is_a_line_not_a_traceback(copied):
    release, _ = copied
    path = release / "data/segments/train-00000-of-00001.parquet"
    good = path.read_bytes()
    for at in (0, 40, len(good) // 2, len(good) - 30):
        path.write_bytes(good[:at] + bytes(b ^ 0xFF for b in good[at : at + 20]) + good[at + 20 :])
        resummed(release)
        assert verify(release)
    path.write_bytes(b"")
    resummed(release)
    assert verify(release)[0].startswith("data/segments/train-00000-of-00001.parquet: not readable as Parquet")


@pytest.mark.parametrize("sums", ["", "no hash\n", "\n\n", "../../etc/passwd\n"])
def test_a_broken_list_of_sums(copied, sums):
    (copied[0] / "SHA256SUMS").write_text(sums)
    assert verify(copied[0])


@pytest.mark.parametrize(
    "change, told",
    [
        (lambda lines: lines[1:], "line 1 is not row 1"),
        (lambda lines: [*lines, lines[0]], "line 4 has no row"),
        (lambda lines: [lines[0].replace('"doc_id"', '"id"'), *lines[1:]], "line 1 is not row 1"),
        (lambda lines: [lines[0], lines[1].replace("Harbour", "Harbor"), lines[2]], "line 2 is not row 2"),
        (lambda lines: [*lines[:2], "[]"], "line 3 is not row 3"),
        (lambda lines: [*lines[:2], "{"], "line 3 is not row 3"),
    ],
)
def test_json_that_is_not_the_parquet_is_found(copied, change, told):
    path = copied[0] / "jsonl/documents/train-00000-of-00001.jsonl"
    path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")
    resummed(copied[0])
    assert verify(copied[0])[0].startswith(f"jsonl/documents/train-00000-of-00001.jsonl: {told}")


def test_json_written_otherwise_is_the_same(copied):
    path = copied[0] / "jsonl/documents/train-00000-of-00001.jsonl"
    path.write_text("".join(json.dumps(json.loads(line)) + "\n" for line in path.read_text().splitlines()))
    resummed(copied[0])
    assert verify(copied[0]) == []


def test_other_columns_are_found(copied):
    path = copied[0] / "data/splits/train-00000-of-00001.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["reason"]), path)
    resummed(copied[0])
    assert verify(copied[0]) == ["data/splits/train-00000-of-00001.parquet: its columns are not those of schemas/splits.py"]


def row(table: str, doc_id: str, place: int) -> int:
    return [i for i, r in enumerate(MADE[table]) if r["doc_id"] == doc_id][place]


LONELY = {"capture_id": "f" * 20 + "-0", "table": "captures", "row_id": "x", "stage": "read", "reason": "empty", "detail": None}


@pytest.mark.parametrize(
    "table, place, values, told",
    [
        ("captures", 0, {"outcome": "maybe"}, "outcome 'maybe' fails"),
        ("captures", -1, {"doc_id": FERRY}, "doc_id_unless_rejected"),
        ("captures", row("captures", FERRY, 0), {"outcome": "duplicate"}, "not one capture with the outcome document"),
        ("captures", row("captures", FERRY, 1), {"doc_id": "0" * 20}, "its doc_id is no row of documents"),
        ("captures", row("captures", FERRY, 0), {"bytes": 3}, "leaves the capture"),
        ("captures", row("captures", BRIDGE, 0), {"bytes": 10**6}, "does not fill the bytes"),
        ("captures", row("captures", BRIDGE, 0), {"capture_sha256": BRIDGE + "0" * 44}, "give other bytes than the capture had"),
        ("documents", 0, {"capture_id": "0" * 20 + "-0"}, "its capture is not in captures"),
        ("documents", 0, {"text_sha256": "0" * 64}, "text_sha256 is not its text's"),
        ("documents", 0, {"n_chars": 5}, "n_chars_is_the_length"),
        ("documents", 0, {"n_sentences": 9}, "n_sentences is not the number"),
        ("documents", 0, {"text": None}, "text_unless_withheld"),
        ("documents", 0, {"encoding": "klingon"}, "does not fill the bytes"),
        ("documents", 0, {"encoding": "utf-16-le"}, "does not fill the bytes"),
        ("documents", 0, {"duplicate_of": BRIDGE, "duplicate_cluster": FERRY}, "duplicate_of is no other document"),
        ("documents", 0, {"supersedes": FERRY}, "supersedes is the document itself"),
        ("documents", 0, {"date_published": "2025-07-06"}, "a_date_has_precision_and_source"),
        ("documents", 0, {"date_published": "July", "date_precision": "month", "date_source": "byline"}, "'July' fails"),
        ("segments", row("segments", FERRY, 2), {"text": "Other words"}, "its text is not the document's"),
        ("segments", row("segments", FERRY, 2), {"text_sha256": "0" * 64}, "text_sha256 is not its text's"),
        ("segments", row("segments", FERRY, 2), {"start": 19}, "its text is not the document's"),
        ("segments", row("segments", FERRY, 2), {"byte_start": 48}, "its id is not made of"),
        ("segments", row("segments", FERRY, 2), {"repeat_of": "nothing"}, "repeat_of is no other segment"),
        ("segments", row("segments", FERRY, 3), {"parent_id": f"{FERRY}-b0-18"}, "it lies outside its parent"),
        ("segments", row("segments", FERRY, 3), {"parent_id": "nothing"}, "its parent is no block"),
        ("segments", row("segments", FERRY, 3), {"parent_id": None}, "a_sentence_has_a_parent"),
        ("segments", row("segments", FERRY, 3), {"doc_id": "0" * 20}, "its doc_id is no row of documents"),
        ("segments", row("segments", FERRY, 1), {"position": 9}, "out of order"),
        ("segments", row("segments", BRIDGE, -1), {"position": 9}, "its position is not "),
        ("segments", row("segments", FERRY, 1), {"segment_id": f"{FERRY}-b0-18"}, "the key stands twice"),
        ("edits", row("edits", FERRY, 2), {"after": "x"}, "`after` is not the document's text"),
        ("edits", row("edits", FERRY, 2), {"start": 21, "end": 21}, "does not fill the bytes"),
        ("edits", row("edits", FERRY, 2), {"byte_end": 50}, "it overlaps the edit before it or leaves|its id is not made of"),
        ("edits", row("edits", FERRY, 2), {"byte_start": 21}, "overlaps the edit before it"),
        ("edits", row("edits", FERRY, 2), {"before": "Share this page | Prunt\r\n\r\n"}, "give other bytes than the capture had"),
        ("edits", row("edits", FERRY, 2), {"kind": "exact"}, "a_removal_leaves_nothing"),
        ("edits", row("edits", FERRY, 0), {"kind": "inferred", "start": 17}, "has_inferred is false|`after` is not"),
        ("edits", row("edits", FERRY, 2), {"doc_id": "0" * 20}, "its doc_id is no row of documents"),
        ("edits", row("edits", FERRY, 2), {"confidence": 2.0}, "confidence '2.0' fails"),
        ("splits", 0, {"split": "test"}, "test without gold labels"),
        ("splits", 0, {"group_id": BRIDGE, "split": "validation"}, "documents of one group in several splits"),
        ("splits", 0, {"doc_id": "0" * 20}, "its doc_id is no row of documents"),
        ("splits", 0, {"split": "excluded"}, "excluded_for_a_reason"),
        ("rejections", 0, {"row_id": "0" * 20 + "-0"}, "rejected without a row in rejections"),
        ("rejections", 0, LONELY, "its capture_id is no row of captures"),
        ("rejections", 0, {"table": "documents", "row_id": FERRY}, "rejected and yet in documents"),
    ],
)
def test_rows_that_break_a_promise_are_found_though_every_sum_is_right(tmp_path, table, place, values, told):
    made = deepcopy(MADE)
    made[table][place].update(values)
    found = verify(staged(tmp_path, made))
    assert any(part in line for line in found for part in told.split("|")), found


@pytest.mark.parametrize("table", ["segments", "edits", "documents", "captures", "rejections"])
def test_a_lost_row_is_found_though_every_sum_is_right(tmp_path, table):
    for place in {0, len(MADE[table]) - 1}:
        made = deepcopy(MADE)
        del made[table][place]
        (tmp_path / str(place)).mkdir()
        assert verify(staged(tmp_path / str(place), made))


def forged(doc_id: str, old: str, new: str) -> dict:
    """`old` replaced by `new`, of the same length, in every table that holds it."""
    made = deepcopy(MADE)
    for r in [*made["documents"], *made["segments"]]:
        if r["doc_id"] == doc_id:
            r["text"] = r["text"].replace(old, new)
            r["text_sha256"] = hashlib.sha256(r["text"].encode()).hexdigest()
    assert made != MADE
    return made


FORGED = [(FERRY, "Nobody", "Nobodi"), (BRIDGE, "осени", "весны"), (HARBOUR, "Owners", "Owiers")]


@pytest.mark.parametrize("doc_id, old, new", FORGED)
def test_a_change_made_in_every_table_is_found(copied, doc_id, old, new):
    """With SHA256SUMS rebuilt, build.json still has the old digests."""
    release, _ = copied
    for name, rows in forged(doc_id, old, new).items():
        pq.write_table(pa.Table.from_pylist(rows, schema=schemas.table(name).SCHEMA), release / f"data/{name}/train-00000-of-00001.parquet")
        lines = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows)
        (release / f"jsonl/{name}/train-00000-of-00001.jsonl").write_text(lines)
    resummed(release)
    found = verify(release)
    assert [line for line in found if "build.json" in line] == [
        f"{name}: its record digest is not the one in build.json" for name in ("documents", "segments")
    ]


@pytest.mark.parametrize("doc_id, old, new", FORGED)
def test_a_change_made_in_every_table_and_digest_is_found(whole, tmp_path, doc_id, old, new):
    """Text and edits give back the capture's bytes, and these its hash: without the captures too, but where bytes were broken."""
    release = staged(tmp_path, forged(doc_id, old, new))
    assert verify(release) == [f"documents {doc_id}: its text and edits give other bytes than the capture had"]
    assert f"documents {doc_id}: its capture replayed through its edits is not its text" in verify(release, whole[1])


def test_places_that_agree_among_themselves_and_not_with_the_bytes_are_found(whole, tmp_path):
    made = deepcopy(MADE)
    s = made["segments"][row("segments", BRIDGE, -1)]
    s.update(byte_start=s["byte_start"] - 1, segment_id=f"{BRIDGE}-s{s['byte_start'] - 1}-{s['byte_end']}")
    parent = made["segments"][row("segments", BRIDGE, -2)]
    parent.update(byte_start=s["byte_start"], segment_id=f"{BRIDGE}-b{s['byte_start']}-{s['byte_end']}")
    s["parent_id"] = parent["segment_id"]
    release = staged(tmp_path, made)
    assert verify(release) == []
    assert [line.partition(": ")[2] for line in verify(release, whole[1])] == ["its bytes replayed are not its text"] * 2


@pytest.mark.parametrize("path", sorted(tiny.CAPTURES))
def test_a_changed_or_missing_capture_is_named(copied, path):
    release, captures = copied
    file = captures / os.fsdecode(path_bytes(path))
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    found = verify(release, captures)
    assert len(found) == 1 and f" {path}: the file is not the capture that was read" in found[0]
    file.unlink()
    found = verify(release, captures)
    assert len(found) == 1 and f" {path}: no such file in the captures folder" in found[0]


@pytest.mark.parametrize("path", ["/etc/hostname", "../../outside"])
def test_paths_outside_the_captures_are_not_followed(whole, tmp_path, path):
    made = deepcopy(MADE)
    made["captures"][0]["path"] = path
    assert any("leaves the captures folder" in line for line in verify(staged(tmp_path, made), whole[1]))


def test_many_problems_are_counted(tmp_path):
    made = deepcopy(MADE)
    for r in made["segments"]:
        r["text_sha256"] = "0" * 64
    found = verify(staged(tmp_path, made))
    assert len(found) == 11 and found[-1] == f"... and {len(MADE['segments']) - 10} more problems of this kind"


def test_releases_of_random_captures_hold(tmp_path):
    """Fragments in several encodings, line ends and removals in every place, against false alarms."""
    draw = random.Random(7)
    pieces = [
        "Ferry.",
        "&amp;",
        "\r\n",
        "\n\n",
        "Share me\n\n",
        "Share us\r\n\r\n",
        "Паром. ",
        "e\u0301",
        "x" * 700,
        " ",
        "Word. Word",
        "ß",
    ]
    captures = {}
    for i in range(250):
        encoding = draw.choice(["utf-8", "utf-16-le", "cp1251", "gb18030", "utf-32-be"])
        data = "".join(draw.choices(pieces, k=draw.randint(1, 12))).encode(encoding, "ignore")
        captures[f"{i}.txt"] = (data, encoding)
    made = tiny.rows(captures)
    kept = {d["doc_id"] for d in made["documents"] if d["text"].strip()}
    captures = {path: v for path, v in captures.items() if hashlib.sha256(v[0]).hexdigest()[:20] in kept}
    release = tiny.release(tmp_path / "dist", tiny.rows(captures))
    assert len(kept) > 150 and verify(release, tiny.corpus(tmp_path / "captures", captures)) == []
