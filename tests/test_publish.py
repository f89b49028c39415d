"""A release: its files, the same bytes for the same tables, and no half of one ever in its place."""

import hashlib
import json
import os
import re

import polars as pl
import pyarrow.parquet as pq
import pytest
import yaml

import schemas
from flows.release.publish import latest, listed, point, publish, write
from tests import tiny

MADE = tiny.rows()


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    return tiny.release(tmp_path_factory.mktemp("publish") / "dist", MADE)


def contents(folder) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in [*listed(folder), "SHA256SUMS"]}


def test_a_release_has_its_files(release):
    tables = [
        f"{top}/{name}/train-00000-of-00001.{end}" for top, end in (("data", "parquet"), ("jsonl", "jsonl")) for name in tiny.TABLES
    ]
    pages = ["report/index.html", *(f"report/documents/{d['doc_id']}.html" for d in MADE["documents"])]
    papers = ["CHANGES.md", "CITATION.cff", "DATASHEET.md", "README.md", "build.json", "croissant.json", "environment.txt"]
    assert listed(release) == sorted([*papers, *tables, *pages])
    assert (release.name, (release.parent / "LATEST").read_text()) == ("1.0.0", "1.0.0\n")


def test_the_checksums_are_those_of_the_files(release):
    lines = [f"{hashlib.sha256((release / name).read_bytes()).hexdigest()}  {name}" for name in listed(release)]
    assert (release / "SHA256SUMS").read_text() == "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", tiny.TABLES)
def test_the_tables_are_the_rows_in_parquet_and_json(release, name):
    schema = schemas.table(name).SCHEMA
    found = pq.read_table(release / "data" / name)
    assert found.schema.equals(schema) and found.to_pylist() == MADE[name]
    assert all(found.schema.field(c).metadata == schema.field(c).metadata for c in schema.names)
    lines = (release / "jsonl" / name / "train-00000-of-00001.jsonl").read_text().splitlines()
    assert [list(json.loads(line)) for line in lines] == [schema.names] * len(MADE[name])
    assert [json.loads(line) for line in lines] == MADE[name]


def test_parquet_is_compressed_and_has_a_page_index(release):
    column = pq.read_metadata(release / "data/segments/train-00000-of-00001.parquet").row_group(0).column(0)
    assert column.compression == "ZSTD" and column.has_offset_index


def test_the_same_rows_give_the_same_bytes(release, tmp_path):
    """The tables come in other row groups, from another place."""
    for name, rows in MADE.items():
        (tmp_path / "tables").mkdir(exist_ok=True)
        pl.DataFrame(rows, schema=pl.DataFrame(schemas.table(name).SCHEMA.empty_table()).schema).write_parquet(tmp_path / "polars.parquet")
        read = pq.read_table(tmp_path / "polars.parquet").cast(schemas.table(name).SCHEMA)
        pq.write_table(read, tmp_path / "tables" / f"{name}.parquet", row_group_size=1)
    (tmp_path / "other").mkdir()
    write(tmp_path / "tables", tmp_path / "other", tiny.DATASET, "1.0.0", tiny.BUILD)
    assert contents(tmp_path / "other") == contents(release)


def test_an_empty_table_is_neither_written_nor_named(tmp_path):
    release = tiny.release(tmp_path / "dist", MADE | {"rejections": [], "splits": []})
    assert not [name for name in listed(release) if "rejections" in name or "splits" in name]
    assert "rejections" not in json.loads((release / "build.json").read_text())["rows"]
    assert "config_name: splits" not in (release / "README.md").read_text()


def test_tables_of_another_shape_are_refused(tmp_path):
    prepared = tiny.tables(tmp_path / "tables", MADE)
    pq.write_table(pq.read_table(prepared / "edits.parquet").drop_columns(["before"]), prepared / "edits.parquet")
    with pytest.raises(ValueError, match=r"edits\.parquet has not the columns of schemas/edits\.py"):
        write(prepared, tmp_path, tiny.DATASET, "1.0.0", tiny.BUILD)


def test_build_json_and_the_environment(release):
    build = json.loads((release / "build.json").read_text())
    assert (release / "environment.txt").read_text() == "duckdb==2.0.0\npyarrow==26.0.1\n"
    assert build["environment"] == hashlib.sha256((release / "environment.txt").read_bytes()).hexdigest()
    assert (build["code"], build["version"], build["rows"]["documents"]) == ("0.1.0", "1.0.0", 3)


def test_every_text_file_ends_in_one_newline(release):
    for name in listed(release):
        if not name.endswith(".parquet"):
            assert re.search(rb"[^\n]\n\Z", (release / name).read_bytes()), name


def test_changes_name_records_and_count_the_rest(release, tmp_path):
    made = tiny.rows()
    made["documents"][0]["outlet"] = "The Tiny Paper"
    many = [row | {"doc_id": f"{i:020x}", "group_id": f"{i:020x}"} for i in range(30) for row in made["splits"][:1]]
    made["splits"] = [*many, *made["splits"]]
    second = tiny.release(tmp_path / "dist", made, release)
    text = (second / "CHANGES.md").read_text()
    assert text.startswith("# 2.0.0\n\nAgainst 1.0.0:\n\n## documents\n\n- changed `outlet`: 1, corpus changed (`")
    assert "- added: 30, corpus changed (`" in text and " and 10 more)" in text and "## segments" not in text


def test_the_card_names_configs_that_load_and_figures_of_the_tables(release):
    _, head, body = (release / "README.md").read_text().split("---\n", 2)
    head = yaml.safe_load(head)
    assert (head["pretty_name"], head["license"], head["size_categories"]) == ("Tiny Harbour Papers", "cc-by-4.0", ["n<1K"])
    assert [c["config_name"] for c in head["configs"] if c.get("default")] == ["documents"] == [head["configs"][0]["config_name"]]
    for config in head["configs"]:
        assert all(list(release.glob(f["path"])) for f in config["data_files"])
    assert "| captures | read | empty | 1 |" in body and "| share | 6 | 82 |" in body
    assert "3 documents carry no evidence of a licence" in body
    assert all(f"| `{f.name}` |" in body for name in tiny.TABLES for f in schemas.table(name).SCHEMA)


def test_captured_words_cannot_break_the_card(tmp_path):
    made = tiny.rows()
    made["documents"][0]["license"] = "a|b\n<script>"
    text = (tiny.release(tmp_path / "dist", made) / "README.md").read_text()
    assert "| a\\|b \\<script\\> | 1 |" in text


def test_a_published_version_is_never_changed(release, tmp_path):
    before = contents(release)
    with pytest.raises(FileExistsError, match="never changed"):
        publish(tmp_path, release.parent, "1.0.0")
    assert contents(release) == before


def test_a_build_killed_before_latest_was_replaced_is_repaired(tmp_path, monkeypatch):
    first = tiny.release(tmp_path / "dist", MADE)
    made = tiny.rows()
    made["documents"][0]["outlet"] = "The Tiny Paper"

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(os, "replace", killed)
        tiny.release(tmp_path / "dist", made, first)
    assert (tmp_path / "dist/LATEST").read_text() == "1.0.0\n"
    assert latest(tmp_path / "dist").name == "2.0.0"
    point(tmp_path / "dist", latest(tmp_path / "dist").name)
    assert (tmp_path / "dist/LATEST").read_text() == "2.0.0\n"


def test_the_latest_release_is_the_greatest_version_that_is_whole(tmp_path):
    assert latest(tmp_path / "missing") is None
    for name in ("9.0.0", "10.0.0", "10.0.0-draft", ".staging", "11.0.0"):
        (tmp_path / name).mkdir()
        (tmp_path / name / ("SHA256SUMS" if name != "11.0.0" else "README.md")).write_text("")
    assert latest(tmp_path) == tmp_path / "10.0.0"
