"""Public releases: what is withheld, the gate that looks for what is left of it, and the way back for whoever has the captures."""

import hashlib
import html
import json
import re
import shutil
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import schemas
from flows.cli import run
from flows.parquet import files
from flows.release.public import PUBLISHED, is_long, leaks
from tests.corpora import build, corpus


def rows(release: Path, name: str) -> list[dict]:
    return [row for path in files(release, name) for row in pl.read_parquet(path).to_dicts()]


def data(release: Path) -> dict[str, bytes]:
    paths = [p for top in ("data", "jsonl") for p in sorted((release / top).rglob("*")) if p.is_file()]
    return {str(p.relative_to(release)): p.read_bytes() for p in paths}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A corpus of four articles, one with an open licence; its local release and its public one."""
    place = tmp_path_factory.mktemp("public")
    folder = corpus(place / "ferries", 4)
    (folder / "captures.csv").write_text(
        "path,url,language,license,rights_basis\n00.txt,https://a.example/0,en,CC-BY-4.0,stands on the page\n"
        "01.txt,https://a.example/1,en,,\n02.txt,,,CC-BY-ND-4.0,stands on the page\n03.txt,,,CC-BY-4.0,\n"
    )
    (folder / "empty.txt").touch()
    assert build(folder, place / "dist") == 0 and build(folder, place / "dist", "--public") == 0
    return folder, place / "dist" / "ferries" / "1.0.0", place / "dist" / "ferries-public" / "1.0.0"


def test_text_without_an_open_licence_and_its_basis_is_withheld(made):
    _, local, public = made
    assert run(["verify", str(public)]) == 0
    open_ = [d["doc_id"] for d in rows(public, "documents") if d["text"] is not None]
    assert open_ == [d["doc_id"] for d in rows(local, "documents") if d["title"] and "Saren" in d["title"]]
    for table in ("documents", "segments", "edits", "splits"):
        for before, after in zip(rows(local, table), rows(public, table), strict=True):
            if before["doc_id"] in open_:
                assert before == after
            else:
                kept = PUBLISHED[table].split()
                assert {c: v for c, v in after.items() if v is not None and c not in kept}.keys() <= {"text_availability", "text_sha256"}
                assert all(after[c] == before[c] for c in kept)
    assert all(c["path"] is None for c in rows(public, "captures") if c["doc_id"] not in open_)
    assert all(r["detail"] is None for r in rows(public, "rejections"))


def test_short_words_have_no_hash(made):
    _, local, public = made
    for before, after in zip(rows(local, "segments"), rows(public, "segments"), strict=True):
        if after["text"] is None:
            assert after["text_sha256"] == (before["text_sha256"] if is_long(before["text"]) else None)
    assert not is_long("Nobody signed anything, nobody left.") and is_long("Two companies had offered ships, and one withdrew in March.")
    assert not is_long("船は来月まで来ない。") and is_long("港は四年間フェリーを待っていたが、運輸省は火曜日にもう一年待つと発表した。")


@pytest.mark.parametrize("table", schemas.TABLES)
def test_every_column_that_may_be_published_is_one_of_the_table(table):
    module = schemas.table(table)
    assert set(PUBLISHED[table].split()) <= set(module.SCHEMA.names)
    assert not set(PUBLISHED[table].split()) & set(getattr(module, "WORDS", ()))
    unnamed = [f for f in module.SCHEMA if f.name not in PUBLISHED[table].split() and f.name != "text_availability"]
    assert all(f.nullable for f in unnamed), "a column that is withheld has to be nullable"


def planted(words: str) -> dict[str, bytes | pa.Table]:
    return {
        "README.md": f"# Card\n\n> *{words}*\n".encode(),
        "build.json": json.dumps({"configuration": {"note": [words]}}).encode(),
        "changes.jsonl": (json.dumps({"old": words.replace(" ", "\n")}, ensure_ascii=True) + "\n").encode(),
        "report/index.html": f"<p>{words.replace(' ', '</i> <i>', 3).replace('n', '&#110;')}</p>".encode(),
        "report/a.html": f"<script type='application/json'>{json.dumps([words]).replace('t', chr(92) + 'u0074')}</script>".encode(),
        "quality/index.html": f"<td title='{words.upper()}'>".encode(),
        "environment.txt": f"x=={words}\n".encode(),
        "data/captures/train-00000-of-00001.parquet": pa.table({"title": [None, words]}),
        "data/edits/train-00000-of-00001.parquet": pa.table({"rules": [["a", words]]}),
        "data/splits/train-00000-of-00001.parquet": pa.table({"x": [1]}).replace_schema_metadata({"note": words}),
        "jsonl/segments/train-00000-of-00001.jsonl": (json.dumps({"parts": [{"text": words}]}) + "\n").encode(),
        "CITATION.cff": f"abstract: |\n  {words}\n".encode(),
    }


@pytest.fixture(scope="module")
def tables(made, tmp_path_factory):
    _, local, _ = made
    folder = tmp_path_factory.mktemp("tables")
    for name in schemas.TABLES:
        if files(local, name):
            shutil.copyfile(files(local, name)[0], folder / f"{name}.parquet")
    return folder


@pytest.mark.parametrize("name", planted(""))
def test_eight_words_in_any_kind_of_file_are_found(made, tables, tmp_path, name):
    _, local, public = made
    copied = shutil.copytree(public, tmp_path / "release")
    assert leaks(copied, tables) == []
    closed = next(d for d in rows(local, "documents") if d["title"] and "Orbelan" in d["title"])
    words = closed["text"][closed["text"].index("Orbelan will hear") :].split()[:8]
    for n, expected in ((7, False), (8, True)):
        told = planted(" ".join(words[:n]))[name]
        (copied / name).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(told, copied / name) if isinstance(told, pa.Table) else (copied / name).write_bytes(told)
        assert bool([line for line in leaks(copied, tables) if line.startswith(f"{name}: ") and closed["doc_id"] in line]) is expected


@pytest.mark.parametrize(
    "text",
    ["港は四年間フェリーを待っていたが運輸省は火曜日にもう一年待つと発表した", "ท่าเรือรอเรือข้ามฟากมาสี่ปีแล้วแต่กระทรวงคมนาคมบอกให้รออีกหนึ่งปี"],
    ids=["ja", "th"],
)
def test_twenty_four_characters_in_a_script_without_spaces_are_found(made, tables, tmp_path, text):
    _, local, public = made
    copied, own = shutil.copytree(public, tmp_path / "release"), shutil.copytree(tables, tmp_path / "own")
    closed = next(d["doc_id"] for d in rows(local, "documents") if d["title"] and "Orbelan" in d["title"])
    documents = pq.read_table(own / "documents.parquet")
    texts = [text if d["doc_id"] == closed else d["text"] for d in documents.to_pylist()]
    at = documents.schema.get_field_index("text")
    pq.write_table(documents.set_column(at, documents.schema.field(at), pa.array(texts, pa.string())), own / "documents.parquet")
    for n, expected in ((23, []), (24, [f"CITATION.cff: 8 words in a row of document {closed}, whose text is withheld"])):
        (copied / "CITATION.cff").write_text(f"abstract: |\n  {text[:n]}\n", "utf-8")
        assert leaks(copied, own) == expected


def test_a_leak_fails_the_build_and_publishes_nothing(made, tmp_path, capsys):
    folder, local, _ = made
    copied = shutil.copytree(folder, tmp_path / "c")
    sentence = next(s["text"] for s in rows(local, "segments") if s["unit"] == "sentence" and "Orbelan will hear" in s["text"])
    (copied / "araxes.toml").write_text(f"[dataset]\nname = 'c'\npurpose = {json.dumps('About this: ' + sentence + ' ' + sentence)}\n")
    assert build(copied, tmp_path / "dist", "--public") == 1
    assert "README.md: 8 words in a row of document" in capsys.readouterr().err and not (tmp_path / "dist").exists()


def test_what_was_open_once_and_is_not_any_more_is_in_no_file_of_the_next_version(made, tmp_path):
    """A licence is taken back, a page is saved again with other words, another is withdrawn."""
    folder = shutil.copytree(made[0], tmp_path / "ferries")
    (folder / "captures.csv").write_text("path,license,rights_basis\n00.txt,CC-BY-4.0,stands there\n02.txt,CC-BY-4.0,stands there\n")
    assert build(folder, tmp_path / "dist", "--public") == 0
    before = {d["title"].split()[3]: d for d in rows(tmp_path / "dist" / "ferries-public" / "1.0.0", "documents")}
    short = [s["text"] for s in rows(tmp_path / "dist" / "ferries-public" / "1.0.0", "segments") if s["text"] and not is_long(s["text"])]
    sha256 = hashlib.sha256((folder / "02.txt").read_bytes()).hexdigest()
    (folder / "captures.csv").write_text(f"path,sha256,withdrawn\n02.txt,{sha256},asked for\n")
    page = (folder / "01.txt").read_text("utf-8")
    said, says = "Two companies had offered ships.", "Three companies in all had offered to lend it a ship."
    (folder / "01.txt").write_text(page.replace(said, says), "utf-8")
    assert build(folder, tmp_path / "dist", "--public") == 0
    new = tmp_path / "dist" / "ferries-public" / "2.0.0"
    assert run(["verify", str(new)]) == 0
    assert {c["reason"] for c in map(json.loads, (new / "changes.jsonl").open())} >= {"rights changed", "withdrawn"}
    grams = {g for name in ("Saren,", "Varosh,") for g in in_a_row(before[name]["text"])} | set(in_a_row(page))
    grams -= {g for d in rows(new, "documents") for g in in_a_row(f"{d['title']} {d['byline']}")}
    assert len(grams) > 100 and len(short) > 5
    for path in (p for p in new.rglob("*") if p.is_file()):
        said = pl.read_parquet(path).write_json() if path.suffix == ".parquet" else html.unescape(path.read_text("utf-8"))
        assert not grams & set(in_a_row(said)), path
        assert not [text for text in short if hashlib.sha256(text.encode()).hexdigest() in said or said_as_json(text) in said], path


def in_a_row(text: str, n: int = 8) -> list[tuple[str, ...]]:
    """Every n words in a row, told apart in another way than the gate does."""
    words = re.findall(r"[^\W\d_]+|\d+", re.sub(r"<[^>]*>|\\[nt]", " ", text).lower())
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


def said_as_json(text: str) -> str:
    return hashlib.sha256(json.dumps(text, ensure_ascii=False).encode()).hexdigest()


def test_the_captures_give_the_words_back_byte_for_byte(made, tmp_path, capsys):
    folder, local, public = made
    assert run(["hydrate", str(public), "--captures", str(folder), "--out", str(tmp_path)]) == 0
    hydrated = tmp_path / "ferries-hydrated" / "1.0.0"
    assert capsys.readouterr().out.splitlines()[-1] == str(hydrated)
    assert data(hydrated) == data(local)
    assert run(["verify", str(hydrated), "--captures", str(folder)]) == 0
    levels = [json.loads(line) for line in (hydrated / "hydration.jsonl").read_text().splitlines()]
    assert len(levels) == 3 and {(m["level"], m["coverage"]) for m in levels} == {("exact", 1.0)}


def test_a_page_saved_again_is_matched_by_its_sentences(made, tmp_path, capsys):
    folder, local, public = made
    again = shutil.copytree(folder, tmp_path / "again")
    (again / "captures.csv").unlink()
    page = (again / "01.txt").read_text(encoding="utf-8").replace("Follow us on:", "Share this page\nPrint")
    (again / "another name.txt").write_bytes(("Home | Politics | Sport | Contact\n\n" + page).encode("cp1252"))
    (again / "01.txt").unlink()
    (again / "02.txt").unlink()
    assert run(["hydrate", str(public), "--captures", str(again), "--out", str(tmp_path)]) == 1
    hydrated = tmp_path / "ferries-hydrated" / "1.0.0"
    titles = {d["doc_id"]: d["title"] for d in rows(local, "documents")}
    levels = {titles[m["doc_id"]].split()[3]: m for m in map(json.loads, (hydrated / "hydration.jsonl").read_text().splitlines())}
    assert levels["Orbelan,"]["level"] == "segment" and levels["Orbelan,"]["coverage"] > 0.95
    assert (levels["Varosh,"]["level"], levels["Kelinda,"]["level"]) == ("none", "exact")
    assert run(["verify", str(hydrated)]) == 0
    before = {s["segment_id"]: s["text"] for s in rows(local, "segments")}
    after = {s["segment_id"]: s["text"] for s in rows(hydrated, "segments")}
    assert all(text in (None, before[key]) for key, text in after.items())
