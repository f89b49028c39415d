"""The card, the datasheet and the citation of a release, and its Parquet files as others read them."""

import json
import os
import re

import duckdb
import pandas as pd
import polars as pl
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
import yaml

import schemas
from flows.release import publish
from flows.release.card import _in_yaml, features
from flows.release.papers import citation, datasheet, doi, measure, person, spdx
from tests import papers, tiny

os.environ["HF_HUB_OFFLINE"] = "1"
NOT_STATED = "Not stated by the corpus's owner."


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    return papers.release(tmp_path_factory.mktemp("local"), papers.rows())


@pytest.fixture(scope="module")
def public(tmp_path_factory):
    return papers.release(tmp_path_factory.mktemp("public"), papers.rows(), public=True)


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """Of a corpus whose owner says nothing, with no labels."""
    made = {
        name: rows
        for name, rows in papers.rows().items()
        if name not in ("annotations", "labels", "stances_gold", "stances_weak", "rejections")
    }
    return papers.release(tmp_path_factory.mktemp("bare"), made, {"name": "tiny"})


def front(release) -> dict:
    return yaml.safe_load((release / "README.md").read_text().split("---\n", 2)[1])


def body(release) -> str:
    return " ".join((release / "README.md").read_text().split("---\n", 2)[2].split())


def sheet(release) -> str:
    return (release / "DATASHEET.md").read_text()


def stored(release) -> list[tuple[str, str]]:
    """(table, split) of every Parquet file."""
    return [(path.parent.name, path.name.split("-")[0]) for path in sorted(release.glob("data/*/*.parquet"))]


def test_the_front_matter(release):
    head = front(release)
    assert (head["license"], head["language"], head["multilinguality"], head["tags"]) == ("cc-by-4.0", ["en"], ["monolingual"], ["ferries"])
    found = [(c["config_name"], f["split"]) for c in head["configs"] for f in c["data_files"]]
    assert sorted(found) == sorted(stored(release))
    assert [split for name, split in found if name == "stances_gold"] == ["train", "validation", "test"]
    info = {i["config_name"]: i for i in head["dataset_info"]}
    sizes = [{name: split[name] for name in ("name", "num_examples")} for split in info["stances_weak"]["splits"]]
    assert sizes == [{"name": "train", "num_examples": 2}, {"name": "validation", "num_examples": 1}]
    assert all(split["num_bytes"] > 100 for split in info["stances_weak"]["splits"])
    assert info["documents"]["download_size"] == (release / "data/documents/train-00000-of-00001.parquet").stat().st_size


@pytest.mark.parametrize(
    "license, told",
    [
        ("CC-BY-SA-4.0", {"license": "cc-by-sa-4.0"}),
        ("odbl-1.0", {"license": "odbl"}),
        ("Ask the archive", {"license": "other", "license_name": "Ask the archive"}),
        ("LicenseRef-archive", {"license": "other", "license_name": "LicenseRef-archive"}),
        (None, {}),
    ],
)
def test_a_licence_is_named_as_the_hub_names_it(tmp_path, license, told):
    head = front(papers.release(tmp_path, papers.rows(), {"name": "tiny", "license": license}))
    assert {k: v for k, v in head.items() if k.startswith("license")} == told


def test_a_local_release_says_which_texts_may_not_be_passed_on(release, tmp_path):
    text = body(release)
    assert "**This is a local release.** The texts of 3 documents of 3 may not be passed on." in text
    assert "3 documents carry no evidence of a licence (`license` or `rights_basis` is null)" in text
    made = papers.rows()
    made["documents"][0] |= {"license": "CC-BY-4.0", "rights_basis": "asked"}
    made["documents"][1] |= {"license": "CC-BY-ND-4.0", "rights_basis": "asked"}
    text = body(papers.release(tmp_path, made))
    assert "The texts of 2 documents of 3 may not" in text and "1 document carries no evidence" in text
    assert "1 document stands under a licence that is not among the open ones" in text and "**This is a public" not in text


def test_a_public_release_says_what_is_withheld_and_how_to_get_it_back(public):
    text = body(public)
    assert "**This is a public release.** The words of 3 documents of 3 are withheld" in text and "local release" not in text
    assert "`araxes hydrate . --captures FOLDER`" in text and "- `edits`: `before`, `after`" in text and "- `captures`: `path`" in text
    for table, names in re.findall(r"- `(\w+)`: ((?:`\w+`(?:, )?)+)", text):
        for column in re.findall(r"`(\w+)`", names):
            nulls = pl.read_parquet(public / "data" / table / "*.parquet")[column].null_count()
            assert column == "text_sha256" or nulls == pl.read_parquet(public / "data" / table / "*.parquet").height
    assert "The words of 3 articles are withheld" in sheet(public)


def test_where_all_is_open_nothing_is_said_to_be_withheld(tmp_path):
    made = papers.rows()
    for row in made["documents"]:
        row |= {"license": "CC0-1.0", "rights_basis": "written by us"}
    text = body(papers.release(tmp_path, made, public=True))
    assert "Every document carries an open licence" in text and "release.**" not in text and "withheld; whoever" not in text


def test_a_hydrated_release_says_what_came_back_in_part(tmp_path):
    made = papers.rows()
    made["documents"][0] |= {"text": None, "text_availability": "partial"}
    assert "1 document is only partly put back" in body(papers.release(tmp_path, made))


def test_labels_that_are_not_gold_are_announced(release, bare):
    text = body(release)
    assert (
        "**Not every label is gold.** The labels of tier model_single are machine guesses" in text and "(model_single: 1; gold: 1)" in text
    )
    assert "machine guesses" not in body(bare) and "**Is there a label?** No." in sheet(bare)
    assert "**Is there a label?** Yes, by layer and tier: stance gold (1), stance model_single (1)." in sheet(release)


def test_figures_follow_the_tables(tmp_path, release):
    assert "| stance | model_single | against | 1 |" in (release / "README.md").read_text()
    made = papers.rows()
    made["labels"] += [papers.example("labels", item_id=f"j{i}", tier="weak", value="none", method="single") for i in range(1200)]
    made["labels"] += [papers.example("labels", item_id="k", tier="human_single", value=None, method="majority")]
    made["labels"].sort(key=lambda row: row["item_id"])
    other = papers.release(tmp_path, made)
    assert "| stance | weak | none | 1,200 |" in (other / "README.md").read_text()
    assert "tiers model_single, weak are machine guesses" in body(other) and "human_single (1) were given by people" in body(other)


def test_the_datasheet_has_its_sections_and_makes_nothing_up(release, bare):
    sections = [line for line in sheet(bare).splitlines() if line.startswith("## ")]
    assert sections == [
        f"## {name}"
        for name in (
            "Motivation", "Composition", "Collection process", "Preprocessing, cleaning, labelling", "Uses", "Distribution", "Maintenance",
            "Data statement",
        )
    ]  # fmt: skip
    for text in (sheet(bare), sheet(release)):
        assert not re.search(r"\bNone\b|\{[{%]|\[\]|nan\b", text)
        assert all(re.search(r"\*\*.+?\*\* \S|\*\*$", line) for line in text.splitlines() if line.startswith("**"))
    assert f"**For what purpose was the dataset created?** {NOT_STATED}" in sheet(bare)
    assert "**Who created it?** Vance, Rhea; The Orbelân Press Archive" in sheet(release)
    assert "Here 2 authors are named, and 1 entity in 3 mentions." in sheet(release)
    assert "3 votes on 2 items were cast, 2 of them by 2 people (2 to 2 an item), and by machines: a-model (model, 1)" in sheet(release)


@pytest.mark.parametrize(
    "key", ["purpose", "funding", "subject", "collection", "ethics", "annotators", "biases", "uses", "maintenance", "contact", "limits"]
)
def test_what_the_owner_says_stands_in_the_datasheet(release, key):
    text = datasheet({"name": "tiny", key: "As the owner put it."}, "1.0.0", measure(release))
    assert "As the owner put it." in text and NOT_STATED in text


def test_the_citation(release, bare):
    found = yaml.safe_load((release / "CITATION.cff").read_text())
    assert found == {
        "cff-version": "1.2.0",
        "message": "If you use this dataset, please cite it as below.",
        "type": "dataset",
        "title": "Tiny Harbour Papers",
        "version": "1.2.0",
        "authors": [{"family-names": "Vance", "given-names": "Rhea"}, {"name": "The Orbelân Press Archive"}],
        "date-released": "2026-03-01",
        "license": "CC-BY-4.0",
        "doi": "10.5281/zenodo.1234",
        "url": "https://papers.example/tiny",
        "keywords": ["ferries"],
        "abstract": "To test.",
    }
    found = yaml.safe_load((bare / "CITATION.cff").read_text())
    assert found.keys() == {"cff-version", "message", "type", "title", "version", "authors"} and found["authors"] == [
        {"name": "The creators of tiny"}
    ]


def test_the_citation_leaves_out_what_its_format_does_not_take():
    loose = {
        "name": "tiny",
        "date_published": "spring 2026",
        "license": "https://papers.example/terms",
        "doi": "none yet",
        "url": "papers.example",
    }
    found = yaml.safe_load(citation(loose | {"tags": ["a", "a"]}, "1.0.0"))
    assert found.keys() == {"cff-version", "message", "type", "title", "version", "authors", "license-url", "keywords"} and found[
        "keywords"
    ] == ["a"]


def test_names_licences_and_dois():
    assert [person(name) for name in ("Vance, Rhea", "Rhea Vance", "War, Peace, and Co", "Vance,")] == [("Vance", "Rhea"), None, None, None]
    assert [spdx(text) for text in ("cc-by-4.0", "MIT OR Apache-2.0", "LicenseRef-x", "by hand", "", None)] == [
        "CC-BY-4.0",
        None,
        None,
        None,
        None,
        None,
    ]
    assert [doi(text) for text in ("10.1234/ab.c", "doi:10.1234/ab", "x", None)] == ["10.1234/ab.c", "10.1234/ab", None, None]


@pytest.mark.parametrize("name", schemas.TABLES)
def test_features_are_those_the_datasets_library_would_write(name):
    from datasets import Features

    schema = schemas.table(name).SCHEMA
    wanted = Features.from_arrow_schema(schema.remove_metadata())
    assert features(schema) == wanted.to_dict()
    assert [_in_yaml(field) for field in schema] == wanted._to_yaml_list()


def test_load_dataset_offline_for_every_config_and_split(release, tmp_path, monkeypatch):
    from datasets import DatasetInfo, load_dataset

    monkeypatch.setattr("socket.socket.connect", lambda *address: pytest.fail(f"asked {address}"))
    for name, split in stored(release):
        path = next(release.glob(f"data/{name}/{split}-*.parquet"))
        wanted = pq.read_table(path)
        loaded = load_dataset(str(release), name, split=split, cache_dir=str(tmp_path))
        assert loaded.features.to_dict() == features(schemas.table(name).SCHEMA) and loaded.to_list() == wanted.to_pylist()
        streamed = load_dataset(str(release), name, split=split, streaming=True)
        assert list(streamed) == wanted.to_pylist()
        assert str(DatasetInfo.from_dict(json.loads(wanted.schema.metadata[b"huggingface"])["info"]).version) == "1.2.0"


def test_other_libraries_read_every_table(release):
    for name in {name for name, _ in stored(release)}:
        files = f"{release}/data/{name}/*.parquet"
        rows = pq.read_table(release / "data" / name).num_rows
        found = [
            duckdb.sql(f"SELECT COUNT(*) FROM '{files}'").fetchone()[0],
            pl.scan_parquet(files).collect().height,
            len(pd.read_parquet(release / "data" / name)),
            pyarrow.dataset.dataset(release / "data" / name).to_table().num_rows,
        ]
        assert found == [rows] * 4
    nested = f"SELECT list_transform(date_candidates, c -> c.role) FROM '{release}/data/documents/*.parquet' LIMIT 1"
    assert duckdb.sql(nested).fetchone()[0] == ["published", "mention"]
    assert pl.read_parquet(release / "data/documents/*.parquet")["authors"].to_list()[0] == ["Leyla Rzayeva", "Jon Kofas"]


def test_parquet_says_how_it_is_sorted_and_has_index_and_checksums(release):
    path = release / "data/segments/train-00000-of-00001.parquet"
    group = pq.read_metadata(path).row_group(0)
    names = [group.column(column.column_index).path_in_schema for column in group.sorting_columns]
    assert names == ["doc_id", "position"] and group.column(0).has_column_index and group.column(0).has_offset_index
    data = bytearray(path.read_bytes())
    data[group.column(0).data_page_offset + 30] ^= 0xFF
    path.with_suffix(".broken").write_bytes(data)
    with pytest.raises(OSError, match=r"checksum|CRC"):
        list(publish.batches(path.with_suffix(".broken")))
    path.with_suffix(".broken").unlink()


@pytest.mark.parametrize("rows, size, groups", [(4, 10**9, [4, 4, 4, 4, 3]), (10**6, 600, None), (3, 250, None), (10**6, 1, [1] * 19)])
def test_row_groups_are_full_by_rows_or_by_bytes_however_the_rows_come(monkeypatch, tmp_path, rows, size, groups):
    monkeypatch.setattr(publish, "GROUP_ROWS", rows)
    monkeypatch.setattr(publish, "GROUP_BYTES", size)
    made = {name: rows for name, rows in tiny.rows().items() if name in ("captures", "documents", "segments")}
    found = []
    for batch in (1, 7, 1000):
        monkeypatch.setattr(publish, "ROWS", batch)
        (tmp_path / str(batch)).mkdir()
        path = papers.release(tmp_path / str(batch), made) / "data/segments/train-00000-of-00001.parquet"
        found.append(path.read_bytes())
        metadata = pq.read_metadata(path)
        sizes = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
        assert sum(sizes) == 19 and max(sizes) <= rows and (groups is None or sizes == groups)
        if groups is None:
            assert 1 < len(sizes) < 19
    assert found[0] == found[1] == found[2]
