"""Votes in a build: items that only people saw, gold and what is made of it, and what becomes of votes that fit nothing."""

import json
from pathlib import Path

import polars as pl
import pytest

from flows.cli import run
from flows.parquet import files
from tests.corpora import build, corpus


def rows(release: Path, name: str) -> list[dict]:
    return [row for path in files(release, name) for row in pl.read_parquet(path).to_dicts()]


def vote(item: str, sentence: dict, who: str, answer: str, **more) -> dict:
    said = {"item_id": item, "layer": "stance", "value": answer, "guideline_version": "1.0", "saw_prelabel": False}
    by = {"annotator_id": who, "annotator_type": "human"}
    return {"text_sha256": sentence["text_sha256"], "exact": sentence["text"], **said, **by, **more}


@pytest.fixture(scope="module")
def voted(tmp_path_factory) -> tuple[Path, dict[str, str]]:
    """A release with votes on the first sentence of each of eight documents, and the items voted on by what should become of them."""
    place = tmp_path_factory.mktemp("answers")
    folder = corpus(place / "c", 8)
    (folder / "targets.csv").write_text("id,type,wording,terms\nferry,policy,A ferry for the town,ferry\n")
    (folder / "entities.csv").write_text("entity_id,name,type,public_figure\nnina_private,Nina Private,person,no\n")
    assert build(folder, place / "dist") == 0
    first = {}
    for s in rows(place / "dist" / "c" / "1.0.0", "segments"):
        if s["unit"] == "sentence":
            first.setdefault(s["doc_id"], s)
    made = [(f"{d}-t{s['byte_start']}-{s['byte_end']}-nina_private-ferry", s) for d, s in sorted(first.items())]
    votes = [vote(item, s, who, "favor") for item, s in made for who in ("a1", "a2")]
    votes += [vote(made[0][0] + "_other", made[0][1], "a1", "against"), vote("0" * 20 + made[0][0][20:], made[0][1], "a1", "none")]
    (folder / "annotations").mkdir()
    lines = [json.dumps(v) for v in votes] + ["{", json.dumps(vote(made[0][0], made[0][1], "Jane Doe", "favor"))]
    (folder / "annotations" / "votes.jsonl").write_text("\n".join(lines) + "\n")
    assert build(folder, place / "dist") == 0
    release = place / "dist" / "c" / (place / "dist" / "c" / "LATEST").read_text().strip()
    return release, {"gold": made[0][0], "single": made[0][0] + "_other", "gone": "0" * 20 + made[0][0][20:]}


def test_a_vote_makes_the_item_that_no_rule_found_and_two_that_agree_are_gold(voted):
    release, items = voted
    assert run(["verify", str(release)]) == 0
    stance = next(s for s in rows(release, "stances") if s["stance_id"] == items["gold"])
    assert (stance["origin"], stance["explicit"]) == ("annotator", None)
    assert (stance["holder_type"], stance["holder_entity_id"]) == ("entity", "nina_private")
    labels = {label["item_id"]: label for label in rows(release, "labels") if label["layer"] == "stance"}
    assert (labels[items["gold"]]["tier"], labels[items["gold"]]["value"], labels[items["gold"]]["agreement"]) == ("gold", "favor", 1.0)
    assert labels[items["single"]]["tier"] == "human_single" and items["gone"] not in labels
    assert {c["labeller"] for c in rows(release, "coverage")} == {"rules", "a1", "a2"}


def test_only_gold_is_called_a_label_and_has_a_test(voted):
    release, _ = voted
    gold = rows(release, "stances_gold")
    assert len(gold) == 8 and {row["label"] for row in gold} == {"favor"} and {row["holder"] for row in gold} == {"Nina Private"}
    assert {row["target"] for row in gold} == {"A ferry for the town"} and all(row["text"] in row["context"] for row in gold)
    by_document = {s["doc_id"]: s["split"] for s in rows(release, "splits") if s["scheme"] == "story" and s["layer"] == "document"}
    assert all(row["split"] == {"validation": "test", "train": "train"}[by_document[row["item_id"][:20]]] for row in gold)
    by_item = {s["item_id"]: s["split"] for s in rows(release, "splits") if s["layer"] == "stance" and s["scheme"] == "story"}
    assert by_item == {row["item_id"]: row["split"] for row in gold}
    weak = rows(release, "claims_weak")
    assert weak and all("weak_label" in row and row["split"] != "test" for row in weak)


def test_a_vote_that_fits_nothing_is_kept_as_an_orphan_or_rejected_with_a_reason(voted):
    release, items = voted
    votes = {v["item_id"]: v for v in rows(release, "annotations") if v["annotator_type"] == "human"}
    assert votes[items["gone"]]["carried"] == "orphaned" and votes[items["gold"]]["carried"] == "unchanged"
    refused = {(r["row_id"], r["reason"]) for r in rows(release, "rejections") if r["table"] == "annotations"}
    assert refused == {("votes.jsonl line 19", "broken_line"), ("votes.jsonl line 20", "no_pseudonym")}


def test_a_holder_who_is_no_public_figure_has_a_pseudonym_in_a_public_release(voted, tmp_path):
    release, items = voted
    assert build(release.parents[2] / "c", tmp_path, "--public") == 0
    public = tmp_path / "c-public" / "1.0.0"
    assert run(["verify", str(public)]) == 0
    ids = {s["stance_id"] for s in rows(public, "stances") if s["origin"] == "annotator"}
    assert ids and all(i.split("-")[3].startswith("person_") for i in ids) and items["gold"] not in ids
    words = b"".join(p.read_bytes() for p in public.rglob("*") if p.is_file() and p.suffix != ".parquet")
    assert b"Nina Private" not in words and b"nina_private" not in words


@pytest.mark.parametrize("aggregate", ["majority", "dawid_skene"])
def test_votes_that_differ_are_weighed_as_the_configuration_says(tmp_path, aggregate):
    folder = corpus(tmp_path / "c", 1)
    assert build(folder, tmp_path / "dist") == 0
    sentences = [s for s in rows(tmp_path / "dist" / "c" / "1.0.0", "segments") if s["unit"] == "sentence"]
    (folder / "annotations").mkdir()
    votes = [
        vote(s["segment_id"], s, who, answer, layer="check_worthiness")
        for i, s in enumerate(sentences)
        for who, answer in (("a1", "yes"), ("a2", "yes"), ("a3", "no" if i else "yes"))
    ]
    (folder / "annotations" / "v.jsonl").write_text("\n".join(map(json.dumps, votes)))
    (folder / "araxes.toml").write_text(f'[labels]\naggregate = "{aggregate}"\n')
    assert build(folder, tmp_path / "dist") == 0
    place = tmp_path / "dist" / "c" / (tmp_path / "dist" / "c" / "LATEST").read_text().strip()
    found = [(r["tier"], r["method"]) for r in rows(place, "labels") if r["layer"] == "check_worthiness"]
    assert len(found) > 1 and sorted(found) == [("gold", "majority"), *[("human_single", aggregate)] * (len(found) - 1)]
