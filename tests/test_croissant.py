"""croissant.json: what mlcroissant, the reference implementation, makes of it."""

import hashlib
import json
import logging
import warnings

import pyarrow.parquet as pq
import pytest

import schemas
from flows.release.publish import listed
from tests import papers

mlc = pytest.importorskip("mlcroissant")


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    return papers.release(tmp_path_factory.mktemp("croissant"), papers.rows())


def told(release) -> dict:
    return json.loads((release / "croissant.json").read_text())


def opened(release):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries mlcroissant itself uses
        return mlc.Dataset(jsonld=str(release / "croissant.json"))


def plain(value, prefix: str = ""):
    """A record of mlcroissant as a row: names for ids, text for bytes."""
    if isinstance(value, dict):
        return {key.rsplit("/", 1)[1]: plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return value.decode() if isinstance(value, bytes) else value


def test_it_is_valid_without_a_warning(release, caplog):
    with caplog.at_level(logging.WARNING):
        dataset = opened(release)
    assert not dataset.metadata.ctx.issues.errors and not dataset.metadata.ctx.issues.warnings and not caplog.records
    assert (dataset.metadata.version, dataset.metadata.name) == ("1.2.0", "tiny")
    assert told(release)["conformsTo"] == ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name in schemas.TABLES if papers.rows().get(name)])
def test_its_records_are_the_rows(release, name, caplog):
    with caplog.at_level(logging.WARNING):
        found = [plain(record) for record in opened(release).records(name)]
    wanted = [row for path in sorted(release.glob(f"data/{name}/*.parquet")) for row in pq.read_table(path).to_pylist()]
    assert found == wanted and not caplog.records


@pytest.mark.filterwarnings("ignore")
def test_one_split_can_be_asked_for(release):
    found = list(opened(release).records("stances_gold", filters={"stances_gold/split": "validation"}))
    assert [plain(record)["item_id"] for record in found] == ["i2"]
    names = [plain(record) for record in opened(release).records("split_names")]
    assert [(n["name"], n["url"]) for n in names] == [
        ("train", "cr:TrainingSplit"),
        ("validation", "cr:ValidationSplit"),
        ("test", "cr:TestSplit"),
    ]


def test_the_files_are_listed_with_their_hashes(release):
    nodes = [node for node in told(release)["distribution"] if node["@type"] == "cr:FileObject"]
    assert sorted(node["contentUrl"] for node in nodes) == [name for name in listed(release) if name.endswith(".parquet")]
    for node in nodes:
        data = (release / node["contentUrl"]).read_bytes()
        assert (node["sha256"], node["contentSize"]) == (hashlib.sha256(data).hexdigest(), f"{len(data)} B")


def test_fields_are_typed_by_the_schema(release):
    fields = {field["@id"]: field for table in told(release)["recordSet"] for field in table["field"]}
    assert all(f"{name}/{column}" in fields for name, rows in papers.rows().items() if rows for column in schemas.table(name).SCHEMA.names)
    kinds = [fields[f"documents/{name}"]["dataType"] for name in ("title", "n_chars", "language_confidence")]
    assert kinds == ["sc:Text", "sc:Integer", "sc:Float"] and fields["segments/has_inferred"]["dataType"] == "sc:Boolean"
    assert fields["documents/authors"]["isArray"] and fields["documents/authors"]["arrayShape"] == "-1"
    spans = fields["claims/spans"]
    assert spans["isArray"] and [part["name"] for part in spans["subField"]][:2] == ["start", "end"]
    assert fields["documents/title"]["description"] == "Headline, as published."


def test_what_is_not_known_stays_out(tmp_path):
    made = papers.rows()
    for row in made["documents"]:
        row["language"] = None
    found = told(papers.release(tmp_path, made, {"name": "tiny", "date_published": "some day"}))
    assert not found.keys() & {"datePublished", "license", "citeAs", "url", "sameAs", "creator", "keywords", "inLanguage", "alternateName"}
    assert not found.keys() & {"rai:dataCollection", "rai:annotatorDemographics"} and found["description"]


def test_who_made_it_and_under_which_licence(release):
    found = told(release)
    assert found["creator"] == [
        {"@type": "sc:Person", "name": "Rhea Vance", "familyName": "Vance", "givenName": "Rhea"},
        {"@type": "sc:Organization", "name": "The Orbelân Press Archive"},
    ]
    assert (found["license"], found["sameAs"]) == ("https://spdx.org/licenses/CC-BY-4.0.html", "https://doi.org/10.5281/zenodo.1234")


def test_the_rai_fields_are_counted(release):
    found = told(release)
    assert found["rai:annotationsPerItem"] == "2 to 2 by people" and found["rai:machineAnnotationTools"] == ["a-model (model)"]
    assert "stance gold (1), stance model_single (1)" in found["rai:dataAnnotationProtocol"][0]
    assert found["rai:dataCollectionMissingData"].startswith("Documents where it is not known: title 0, author 2,")
    metadata = opened(release).metadata
    assert metadata.data_biases and metadata.data_use_cases and metadata.personal_sensitive_information and metadata.data_limitations
