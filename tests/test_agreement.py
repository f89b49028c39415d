"""Agreement and Dawid-Skene against the worked examples of the papers that define them."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.corpus.agreement import agreements, alpha, alpha_interval, dawid_skene, likeliest, span_f1

CASES = json.loads((Path(__file__).parent / "cases" / "annotations.json").read_text(encoding="utf-8"))


def units(case: dict) -> list[list]:
    return [[int(v) if v.isdecimal() else v for v in unit if v != "."] for unit in zip(*case["observers"], strict=True)]


@pytest.mark.parametrize("name", ["alpha", "alpha_binary", "alpha_nominal"])
def test_alpha_is_that_of_the_published_examples(name):
    case = CASES[name]
    assert round(alpha(units(case)), 3) == case["expected"]
    low, high = alpha_interval([[u] for u in units(case)])
    assert low < case["expected"] <= high


def test_alpha_has_no_value_where_nothing_can_be_compared():
    assert alpha([]) is None
    assert alpha([["a"], ["b"]]) is None
    assert alpha([["a", "a"], ["a", "a"]]) is None
    assert alpha_interval([]) is None and alpha_interval([[["a", "b"]]]) is None


def test_an_interval_is_wider_where_units_of_a_document_go_together():
    # Ten documents of ten units, each unit of a document like the others: a hundred units say no more than ten.
    documents = [[["yes", "yes" if d % 3 else "no"] if d % 2 else ["no", "no"]] * 10 for d in range(10)]
    low, high = alpha_interval(documents)
    narrow_low, narrow_high = alpha_interval([[u] for d in documents for u in d])
    assert high - low > 2 * (narrow_high - narrow_low)
    assert alpha_interval(documents) == (low, high)


@pytest.mark.parametrize("case", CASES["spans"], ids=lambda c: c["source"][:40])
def test_f1_of_spans(case):
    assert round(span_f1([(case["a"], case["b"])]), 4) == round(span_f1([(case["b"], case["a"])]), 4) == case["f1"]


def test_f1_of_spans_is_pooled_and_has_no_value_where_nobody_marked_any():
    assert span_f1([]) is None and span_f1([([], [])]) is None
    assert span_f1([([[0, 4]], [[3, 7]]), ([[0, 4]], [[0, 4]]), ([], [])]) == 10 / 16


@settings(deadline=None)
@given(st.tuples(st.integers(1, 20), st.integers(0, 20), st.integers(0, 20)))
def test_kappa_tends_to_it_as_the_unmarked_text_grows(counts):
    """What Hripcsak and Rothschild prove: a positions marked by both, b and c by one alone, d by none."""
    a, b, c = counts
    d = 10_000_000
    n = a + b + c + d
    chance = ((a + b) * (a + c) + (d + b) * (d + c)) / n**2
    kappa = ((a + d) / n - chance) / (1 - chance)
    assert span_f1([([[0, a + b]], [[b, b + a + c]])]) == pytest.approx(kappa, abs=1e-4)


def test_dawid_and_skene_find_what_their_paper_prints():
    case = CASES["dawid_skene"]
    votes = [
        (patient, observer, answer)
        for patient, row in enumerate(case["answers"], 1)
        for observer, given_ in enumerate(row.split(), 1)
        for answer in given_
    ]
    fitted = dawid_skene(votes)
    assert fitted.classes == ["1", "2", "3", "4"]
    assert fitted.marginals.round(2).tolist() == case["marginals"]
    assert fitted.error_rates[1].round(2).tolist() == case["error_rates_of_the_first"]
    # Patient 3, on whom the observers part 3 to 4, belongs to class 2; patient 11, on whom all agree, to class 4.
    assert likeliest(fitted.classes, fitted.posteriors[3]) == "2" and likeliest(fitted.classes, fitted.posteriors[11]) == "4"
    again = dawid_skene(votes[::-1])
    assert all(np.array_equal(again.posteriors[p], fitted.posteriors[p]) for p in fitted.posteriors)


def test_a_tie_has_no_likeliest_class():
    fitted = dawid_skene([("i", "a1", "yes"), ("i", "a2", "no")])
    assert likeliest(fitted.classes, fitted.posteriors["i"]) is None


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 3), st.sampled_from("abc")), min_size=1, max_size=60))
def test_dawid_and_skene_give_probabilities_to_any_votes(votes):
    fitted = dawid_skene(votes)
    assert all(p.sum() == pytest.approx(1) and (p >= 0).all() for p in fitted.posteriors.values())
    if len({v[1] for v in votes}) == 1 and max(Counter(v[0] for v in votes).values()) == 1:
        assert all(likeliest(fitted.classes, fitted.posteriors[i]) == v for i, _, v in votes)


def vote(item: int, annotator: str, value: str, **changes) -> dict:
    return {
        "annotation_id": f"{item}{annotator}{value}{changes}",
        "item_id": f"{item % 3:020x}-s{item}-{item + 9}",
        "layer": "check_worthiness",
        "value": value,
        "annotator_id": annotator,
        "annotator_type": "human",
        "guideline_version": "1",
        "text_sha256": "0" * 64,
        "saw_prelabel": False,
        "batch": "b-1",
        "carried": "unchanged",
    } | changes


def test_only_independent_answers_of_people_to_the_same_words_are_compared():
    votes = [vote(i, name, "yes" if i % 2 else "no") for i in range(6) for name in ("a1", "a2")]
    noise = [
        vote(0, "a3", "yes", annotator_type="model"),
        vote(1, "a3", "no", saw_prelabel=True),
        vote(2, "a3", "yes", saw_prelabel=None),
        vote(3, "j1", "no", batch="adjudication-b-1"),
        vote(4, "a3", "yes", text_sha256="1" * 64),
        vote(7, "a1", "yes", text_sha256=None, carried="text_changed"),
        vote(7, "a2", "no", text_sha256=None),
    ]
    (found,) = agreements(votes + noise)
    assert (found.value, found.n_items, found.n_annotators, found.measure) == (1.0, 6, 2, "Krippendorff's alpha, nominal")
    assert {a.guideline_version: a.n_items for a in agreements([*votes, vote(0, "a1", "yes", guideline_version="2")])} == {"1": 6}


def test_facts_and_marks_of_an_answer_are_measured_apart():
    told = '{{"content": [[{}, {}]], "cue": [], "source": [], "type": "{}"}}'
    votes = [vote(i, "a1", told.format(0, 10, "direct"), layer="attribution") for i in range(4)]
    votes += [vote(i, "a2", told.format(0 if i else 5, 10 if i else 15, "direct" if i else "mixed"), layer="attribution") for i in range(4)]
    found = {a.fact: a for a in agreements(votes)}
    # One of four differs. Content: 3 * 10 + 5 positions in common of 40 each. Type: seven direct, one mixed, so by hand
    # alpha = 1 - 7 * 2 / (2 * 7 * 1) = 0. Nobody marked a cue or source.
    assert found["content"].value == 0.875 and found["type"].value == 0.0
    assert found["cue"].value is None and found["source"].value is None
    assert list(found) == ["type", "content", "cue", "source"]
