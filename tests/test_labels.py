"""Labels: which votes make which tier. A vote is written annotator:value, with what is special about it behind."""

import itertools

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.corpus.labels import MIN_MEASURED, contested, labels
from flows.stages.validate_model import model
from schemas.labels import SCHEMA

ITEM = "9f86d081884c7d659a2f-t60-78-author-harbour"


def vote(annotator: str, value: str, item: str = ITEM, **changes) -> dict:
    kind = {"a": "human", "j": "human", "r": "rule", "m": "model"}[annotator[0]]
    row = {
        "item_id": item, "layer": "stance", "value": value, "annotator_id": annotator, "annotator_type": kind, "guideline_version": "1",
        "made_on_release": "x/1.0.0", "text_sha256": "0" * 64, "exact": None, "prefix": None, "suffix": None, "carried": "unchanged",
        "confidence": None, "saw_prelabel": False, "batch": "adjudication-b-1" if annotator[0] == "j" else "b-1",
    } | changes  # fmt: skip
    return {"annotation_id": repr(sorted(row.items(), key=str))} | row


def label(*votes: dict, **options) -> tuple:
    (row,), _ = labels(votes, {}, **options)
    return row["tier"], row["value"], row["method"], row["agreement"]


A1, A2, A3 = (vote(f"a{n}", "favor") for n in (1, 2, 3))
AGAINST = vote("a2", "against")


@pytest.mark.parametrize(
    ("votes", "expected"),
    [
        ([A1, A2], ("gold", "favor", "majority", 1.0)),
        ([A1], ("human_single", "favor", "single", 1.0)),
        ([A1, A1 | {"annotation_id": "again"}], ("human_single", "favor", "single", 1.0)),
        ([A1, AGAINST], ("human_single", None, "majority", 0.5)),
        ([A1, AGAINST, A3], ("human_single", "favor", "majority", 0.6667)),
        ([A1, AGAINST, vote("j1", "against")], ("gold", "against", "adjudicated", 0.5)),
        ([A1, AGAINST, vote("j1", "mixed")], ("gold", "mixed", "adjudicated", 0.0)),
        ([A1, AGAINST, vote("j1", "against"), vote("j2", "favor")], ("human_single", None, "majority", 0.5)),
        ([A1, AGAINST, vote("a1", "against", batch="adjudication-b-1")], ("human_single", None, "majority", 0.5)),
        ([A1, vote("j1", "favor")], ("human_single", "favor", "adjudicated", 1.0)),
        ([A1, A2, vote("m1", "against")], ("gold", "favor", "majority", 1.0)),
        ([A1, vote("m1", "against"), vote("m2", "against")], ("human_single", "favor", "single", 1.0)),
        ([vote("m1", "none")], ("model_single", "none", "single", 1.0)),
        ([vote("r1", "favor")], ("weak", "favor", "single", 1.0)),
        ([vote("r1", "favor"), vote("m1", "against")], ("model_single", "against", "single", 1.0)),
        ([vote("m1", "favor"), vote("m2", "against")], ("model_single", None, "majority", 0.5)),
    ],
)
def test_tiers(votes, expected):
    for order in itertools.permutations(votes):
        assert label(*order) == expected


@pytest.mark.parametrize(
    "change", [{"carried": "text_changed"}, {"saw_prelabel": True}, {"saw_prelabel": None}, {"guideline_version": None}]
)
def test_such_votes_support_no_gold(change):
    assert label(vote("a1", "favor", **change), vote("a2", "favor", **change))[0] == "human_single"
    assert label(A1, vote("a2", "favor", **change))[:2] == ("human_single", "favor")
    assert label(A1, AGAINST, vote("j1", "favor", **change))[0] == "human_single"


def test_a_moved_vote_supports_gold_and_an_orphan_nothing():
    assert label(A1, vote("a2", "favor", carried="moved"))[0] == "gold"
    assert label(A1, vote("a2", "favor", carried="orphaned"))[0] == "human_single"
    assert labels([vote("a1", "favor", carried="orphaned")], {}) == ([], [])


def test_votes_under_different_guidelines_are_never_counted_together():
    assert label(A1, vote("a2", "favor", guideline_version="2")) == ("human_single", "favor", "single", 1.0)
    rows, _ = labels([A1, A2, vote("a1", "none", guideline_version="2")], {})
    assert [(r["tier"], r["guideline_version"]) for r in rows] == [("gold", "1")]
    rows, _ = labels([vote(a, v, guideline_version=g) for g, v in (("10", "none"), ("9", "favor")) for a in ("a1", "a2")], {})
    assert [(r["value"], r["guideline_version"]) for r in rows] == [("none", "10")]


def test_of_one_annotator_the_last_round_counts_and_two_answers_in_one_cancel_out():
    assert label(A1, A2, vote("a1", "against", batch="b-1.2"))[1] is None
    assert label(A1, A2, vote("a1", "against", batch="b-1.2"), vote("a1", "favor", batch="b-1.10"))[0] == "gold"
    assert label(A1, A2, vote("a1", "against")) == ("human_single", "favor", "single", 1.0)


def test_machines_become_silver_where_gold_of_the_domain_has_measured_them():
    def item(n):
        return f"{n:020x}-t60-78-author-harbour"

    votes = [vote(a, "favor", item(n)) for n in range(MIN_MEASURED) for a in ("a1", "a2")]
    votes += [vote(m, "favor" if n else "against", item(n)) for n in range(MIN_MEASURED + 3) for m in ("m1", "m2")]
    votes.append(vote("m1", "favor", item(999)))
    domains = {item(n): "en" for n in range(MIN_MEASURED + 2)} | {item(MIN_MEASURED + 2): "ru", item(999): "en"}
    rows, measured = labels(votes, domains)
    tiers = {r["item_id"]: r["tier"] for r in rows}
    assert [tiers[item(n)] for n in (0, MIN_MEASURED, MIN_MEASURED + 1)] == ["gold", "silver", "silver"]
    assert tiers[item(MIN_MEASURED + 2)] == "model_single", "measured in English only"
    assert tiers[item(999)] == "model_single", "a single vote is no aggregate"
    assert [tuple(m) for m in measured] == [("stance", "1", "en", MIN_MEASURED, 0.98)]


def test_a_plain_answer_is_measured_against_the_answer_of_a_marked_one():
    def item(n):
        return f"{n:020x}-c60-78"

    marked = '{"commitment": "unmarked", "holder": "author", "modality": "hedged", "spans": [[60, 78]]}'
    votes = [vote(a, marked, item(n), layer="claim") for n in range(4) for a in ("a1", "a2")]
    votes += [vote(m, "hedged" if n else "asserted", item(n), layer="claim") for n in range(4) for m in ("m1", "m2")]
    assert [tuple(m) for m in labels(votes, {})[1]] == [("claim", "1", "", 4, 0.75)]


def test_dawid_and_skene_follow_the_reliable_and_a_majority_the_many():
    # a1 and a2 are right on everything; a3 to a5 answer whatever the item, and now and then outvote them.
    votes, true = [], {}
    for n in range(60):
        item = f"{n:020x}-t60-78-author-harbour"
        true[item] = "favor" if n % 2 else "against"
        votes += [vote(a, true[item], item) for a in ("a1", "a2")]
        votes += [
            vote(a, "favor" if n % every < some else "against", item) for a, every, some in (("a3", 3, 1), ("a4", 5, 2), ("a5", 7, 4))
        ]
    by_many, _ = labels(votes, {})
    by_skill, _ = labels(votes, {}, aggregate="dawid_skene")
    assert sum(r["value"] != true[r["item_id"]] for r in by_many) > 5
    assert {r["item_id"]: r["value"] for r in by_skill} == true
    assert {(r["tier"], r["method"]) for r in by_skill if r["agreement"] < 1} == {("human_single", "dawid_skene")}


def test_contested_are_open_disagreements_of_people():
    assert list(contested([A1, AGAINST], "stance")) == [(ITEM, "1")]
    for votes in (
        [A1, A2],
        [A1],
        [A1, vote("m1", "against")],
        [A1, AGAINST, vote("j1", "favor")],
        [A1, AGAINST | {"carried": "text_changed"}],
    ):
        assert contested(votes, "stance") == {}
    assert contested([A1, AGAINST], "claim") == {}


VOTES = st.lists(
    st.builds(
        lambda a, v, g, c, s, b: vote(a, v, guideline_version=g, carried=c, saw_prelabel=s, **({"batch": b} if a[0] != "j" else {})),
        st.sampled_from(["a1", "a2", "a3", "j1", "m1", "m2", "r1"]),
        st.sampled_from(["favor", "against", "none"]),
        st.sampled_from([None, "1", "2"]),
        st.sampled_from(["unchanged", "moved", "text_changed", "orphaned"]),
        st.sampled_from([True, False, None]),
        st.sampled_from([None, "b-1", "b-2"]),
    ),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(VOTES, st.sampled_from(["majority", "dawid_skene"]))
def test_whatever_the_votes_the_rows_hold_and_gold_has_two_people_behind_it(votes, aggregate):
    rows, _ = labels(votes, {}, aggregate)
    assert labels(votes[::-1], {}, aggregate)[0] == rows
    if rows:
        model("labels").validate(pl.DataFrame(pa.Table.from_pylist(rows, schema=SCHEMA)), lazy=True)
    for row in rows:
        if row["tier"] == "gold":
            behind = [v for v in votes if v["guideline_version"] == row["guideline_version"] and v["saw_prelabel"] is False]
            assert len({v["annotator_id"] for v in behind if v["annotator_type"] == "human" and v["carried"] in ("unchanged", "moved")}) > 1
