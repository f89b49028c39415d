"""The releases that the repository carries: whole, free of withheld words, and hydrated by whoever has the captures."""

import json
from pathlib import Path

import pytest

from flows.cli import run
from tests.corpora import SEEDS, build

DIST = Path(__file__).parents[1] / "dist"
NAMES = ("araxes-specimens-public", "araxes-articles-public")
RELEASES = {name: DIST / name / (DIST / name / "LATEST").read_text().strip() for name in NAMES}


@pytest.mark.parametrize("name", RELEASES)
def test_a_release_that_is_carried_holds(name):
    assert run(["verify", str(RELEASES[name])]) == 0


def test_no_word_of_the_articles_is_carried():
    rows = RELEASES["araxes-articles-public"] / "jsonl" / "documents" / "train-00000-of-00001.jsonl"
    documents = [json.loads(line) for line in rows.open()]
    assert len(documents) == 5 and all(d["text"] is None and d["text_availability"] == "withheld" for d in documents)


@pytest.mark.slow
def test_the_specimens_are_hydrated_to_what_a_build_of_them_gives(tmp_path):
    assert build(SEEDS, tmp_path) == 0
    assert run(["hydrate", str(RELEASES["araxes-specimens-public"]), "--captures", str(SEEDS), "--out", str(tmp_path)]) == 0
    hydrated, local = (next((tmp_path / name).glob("[0-9]*")) for name in ("araxes-specimens-hydrated", "araxes-specimens"))
    for top in ("data/documents", "data/segments", "data/edits", "jsonl/claims", "jsonl/mentions"):
        paths = [p for p in sorted((local / top).rglob("*")) if p.is_file()]
        assert paths and all(p.read_bytes() == (hydrated / p.relative_to(local)).read_bytes() for p in paths)
