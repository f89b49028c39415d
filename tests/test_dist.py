"""The releases that the repository carries: whole, free of withheld words, and hydrated by whoever has the captures."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from flows.cli import run
from tests.corpora import SEEDS, build

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
# The five pages, where somebody has them: their words are not the repository's to carry.
PAGES = Path(os.environ.get("ARAXES_ARTICLES", ROOT.parent / "shared" / "seeds"))
CAPTURES = {"specimens": SEEDS / "captures"} | ({"articles": PAGES} if PAGES.is_dir() else {})
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


@pytest.fixture(scope="module", params=CAPTURES)
def hour(request, tmp_path_factory) -> tuple[str, Path, str]:
    """Somebody who has the repository and copies of the pages types what the README says: (name, where, what was printed)."""
    name, place = request.param, tmp_path_factory.mktemp("hour")
    shutil.copytree(CAPTURES[name], place / "my-copies")
    for i, page in enumerate(sorted((place / "my-copies").glob("*.txt")) if name == "articles" else ()):
        page.rename(page.with_name(f"saved {i}"))  # of a page whose words are withheld the name is too
    shutil.copytree(RELEASES[f"araxes-{name}-public"].parent, place / "dist" / f"araxes-{name}-public")
    (typed,) = re.findall(r"```sh\n(araxes hydrate dist/araxes-articles-public.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-c", typed.replace("articles", name)], cwd=place, env=os.environ | {"PATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return name, place, done.stdout + done.stderr


@pytest.mark.slow
def test_what_the_readme_says_leads_to_a_hydrated_release_that_holds_and_a_query(hour):
    _, place, printed = hour
    levels = [json.loads(line)["level"] for line in next(place.glob("dist/*-hydrated/*/hydration.jsonl")).open()]
    assert levels and set(levels) == {"exact"}
    assert f"{len(levels)} of {len(levels)} withheld documents have their words back" in printed and "no problems" in printed
    texts = pl.read_parquet(next(place.glob("dist/*-hydrated/[0-9]*")) / "data/documents")["text"]
    lengths = {str(len(text)) for text in texts} & set(re.findall(r"\d+", printed))
    assert texts.null_count() == 0 and len(lengths) >= min(len(texts), 15)  # of more than twenty rows DuckDB shows the first and last ten
