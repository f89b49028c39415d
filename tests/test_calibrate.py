"""Calibration: measures as computed by hand, rules against reference votes, probes, and the file that is written."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import average_precision_score

import schemas
from flows import calibrate as flow
from flows.labellers import probes, reference, rules, score
from flows.labellers.rules import worth_checking
from flows.readers.folder import CorpusError
from flows.readers.gold import Article, Asked, Quoted
from tests.benchmarks import scorers

A, B = "a" * 20, "b" * 20
TEXT = "Ada said the pump is dry. It rained all day."
CONTENT = (9, 24)


def value(rows, **wanted):
    (found,) = [r for r in rows if all(r[k] == v for k, v in wanted.items())]
    return found["value"]


# Measures


def test_attributed_content_is_counted_in_letters_and_in_sentences():
    article = Article("mill", TEXT, [Quoted([(0, 3)], [(4, 8)], [CONTENT])])
    systems = {"half": lambda text: [(9, 17)], "wrong": lambda text: [(26, 44)], "nothing": lambda text: []}
    rows = score.attributed([article], "set", systems)
    assert value(rows, labeller="half", measure="characters precision") == 1
    assert value(rows, labeller="half", measure="characters recall") == round(7 / 12, 4)
    assert value(rows, labeller="half", measure="characters F1") == round(14 / 19, 4)
    assert value(rows, labeller="half", measure="sentences F1") == 1
    assert value(rows, labeller="wrong", measure="sentences precision") == 0
    assert value(rows, labeller="nothing", measure="characters precision") is None


def test_a_source_counts_where_its_content_was_found():
    wanted = Article("mill", TEXT, [Quoted([(0, 3)], [(4, 8)], [CONTENT])])
    (row,) = score.sources([wanted], "set", "rules", flow._attributions)
    assert (row["value"], row["n"]) == (1.0, 1)
    (row,) = score.sources([wanted], "set", "none", lambda text: [])
    assert (row["value"], row["n"]) == (None, 0)


@pytest.mark.parametrize("seed", range(5))
def test_average_precision_is_the_published_one(seed):
    draw = np.random.default_rng(seed)
    positive, scores = draw.random(50) < 0.3, draw.integers(0, 8, 50).astype(float)
    assert score.average_precision(positive, scores) == pytest.approx(average_precision_score(positive, scores))
    assert score.average_precision(np.zeros(3, bool), np.ones(3)) is None


def test_answers_are_averaged_over_classes():
    given = [("a", "favor", "favor"), ("a", "favor", None), ("b", "against", "favor"), ("b", "none", "none")]
    rows = score.answered("stance", "set", "x", given)
    assert value(rows, measure="accuracy") == 0.5
    assert value(rows, measure="macro F1") == round((0.5 + 0 + 1) / 3, 4)
    polar = score.answered("stance", "set", "x", given, ("favor", "against"))
    assert value(polar, measure="macro F1 of favor and against") == 0.25


def test_intervals_hold_the_value_and_need_two_documents():
    found, (low, high) = score.ratio([(k, 10) for k in range(10)])
    assert found == 0.45
    assert low < found < high
    assert score.ratio([(1, 2)]) == (0.5, None)
    assert score.ratio([]) == (None, None)


def test_texts_that_stand_in_the_other_part_are_left_out():
    learnt = [Asked("The dam — cost 9!", "yes")]
    assert score.without_duplicates([Asked("the dam cost 9", "yes"), Asked("the dam cost 8", "no")], learnt) == [
        Asked("the dam cost 8", "no")
    ]


# Rules against votes


def vote(item, layer, said, kind="model", confidence=0.9):
    told = said if isinstance(said, str) else json.dumps(said, sort_keys=True)
    return {
        "item_id": item,
        "layer": layer,
        "value": told,
        "annotator_type": kind,
        "batch": "blind" if kind == "model" else None,
        "confidence": confidence,
    }


def ranges(*pairs):
    return [{"byte_start": a, "byte_end": b} for a, b in pairs]


def tables(**more):
    documents = [{"doc_id": A, "language": "en"}, {"doc_id": B, "language": "ru"}]
    return {"documents": documents, "annotations": [], "labels": [], "claims": []} | more


def quote(doc, content, source=(), kind="direct"):
    return reference.Marked(doc, "all", [content], {"source": list(source), "type": kind})


def test_attributions_are_matched_by_overlap_and_by_bytes():
    votes = [
        vote(f"{A}-a0-40", "attribution", {"content": [[10, 30]], "source": [[0, 5]], "type": "direct"}),
        vote(f"{A}-a50-90", "attribution", {"content": [[50, 90]], "type": "indirect"}, confidence=0.5),
        vote(f"{B}-a0-10", "attribution", {"content": [[0, 10]], "type": "mixed"}),
    ]
    found = [quote(A, (10, 28), [(0, 5)]), quote(A, (50, 90)), quote(A, (200, 220)), quote("c" * 20, (0, 9))]
    rows = reference.scored(tables(annotations=votes), {"rules": found})
    every = [r for r in rows if r["data"] == "blind reference, a model's"]
    assert value(every, language="all", measure="recall, by overlap") == round(2 / 3, 4)
    assert value(every, language="all", measure="precision, by overlap") == round(2 / 3, 4)
    assert value(every, language="en", measure="recall, by overlap") == 1
    assert value(every, language="ru", measure="recall, by overlap") == 0
    assert value(every, language="all", measure="bytes of content F1") == round(2 * 58 / (70 + 78), 4)
    assert value(every, language="all", measure="type, of those found") == 0.5
    assert value(every, language="all", measure="source, of those found") == 1
    sure = [r for r in rows if "sure" in r["data"]]
    assert value(sure, language="en", measure="recall, by overlap") == 1
    assert value(sure, language="en", measure="precision, by overlap") == 0.5
    assert value(sure, language="en", measure="bytes of content F1") == round(2 * 18 / (20 + 38), 4)


def test_what_the_rules_find_is_told_in_bytes():
    text = "Ада\nAda said the pump is dry."
    segments = [
        {"segment_id": "p", "parent_id": None, "unit": "title", "start": 0, "end": 3},
        {"segment_id": "b", "parent_id": None, "unit": "paragraph", "start": 4, "end": 29},
        {"segment_id": "s", "parent_id": "b", "unit": "sentence", "start": 4, "end": 29},
    ]
    told = [{**s, "doc_id": A, "language": "en", "repeat_of": None, "defects": [], "position": i} for i, s in enumerate(segments)]
    documents = [{"doc_id": A, "text": text, "language": "en", "encoding": "utf-8"}, {"doc_id": B, "text": None, "language": None}]
    (found,) = reference.attributed({"documents": documents, "segments": told, "edits": []}, rules.label)
    assert (found.doc_id, found.spans) == (A, [(16, 31)])
    assert found.facts == {"type": "indirect", "source": [[7, 10]], "cue": [[11, 15]], "content": [[16, 31]]}


def claim(doc, span, holder="author", modality="asserted", origin="rule"):
    return {
        "doc_id": doc,
        "spans": ranges(span),
        "holder_type": holder,
        "modality": modality,
        "author_commitment": "unmarked",
        "origin": origin,
    }


def test_claims_have_recall_and_facts_by_holder():
    said = {"commitment": "unmarked", "holder": "author", "modality": "asserted", "spans": [[0, 20]]}
    votes = [
        vote(f"{A}-c0-20", "claim", said),
        vote(f"{A}-c30-50", "claim", {**said, "holder": "entity", "modality": "denied", "spans": [[30, 50]]}),
        vote(f"{B}-c0-20", "claim", said),
    ]
    found = [claim(A, (0, 18)), claim(A, (32, 50), "unnamed", "denied"), claim(B, (0, 20), origin="sampled")]
    rows = reference.scored(tables(annotations=votes, claims=found), {})
    assert value(rows, language="all", holder="all", measure="recall, by overlap") == round(2 / 3, 4)
    assert value(rows, language="en", holder="quoted", measure="modality, of those found") == 1
    assert value(rows, language="en", holder="quoted", measure="holder, of those found") == 0
    assert value(rows, language="en", holder="author", measure="commitment, of those found") == 1
    assert not [r for r in rows if "precision" in r["measure"]]


def test_stances_by_holder_and_where_rules_abstain():
    votes = [
        vote(f"{A}-t0-50-author-ferry", "stance", "against"),
        vote(f"{A}-t0-50-unnamed-ferry", "stance", "favor"),
        vote(f"{B}-t0-50-author-ferry", "stance", "none"),
        vote(f"{B}-t60-90-author-ferry", "stance", "against", confidence=0.4),
        vote(f"{A}-t2-50-author-ferry", "stance", "against", "rule"),
        vote(f"{B}-t0-50-author-ferry", "stance", "favor", "rule"),
        vote(f"{B}-t0-50-author-bridge", "stance", "favor", "rule"),
    ]
    rows = [r for r in reference.scored(tables(annotations=votes), {}) if r["labeller"] == "rules" and "sure" not in r["data"]]
    everywhere = {"language": "all", "holder": "all"}
    assert value(rows, **everywhere, measure="coverage") == 0.5
    assert value(rows, **everywhere, measure="precision") == 0.5
    assert value(rows, **everywhere, measure="recall of favor and against") == round(1 / 3, 4)
    assert value(rows, language="all", holder="quoted", measure="coverage") == 0
    assert value(rows, language="en", holder="author", measure="precision") == 1


def test_votes_of_other_batches_are_no_reference_but_gold_is():
    tuning = vote(f"{A}-t0-50-author-ferry", "stance", "favor") | {"batch": "tuning"}
    assert reference.scored(tables(annotations=[tuning]), {}) == []
    gold = {"item_id": f"{A}-t0-50-author-ferry", "layer": "stance", "value": "favor", "tier": "gold"}
    assert {r["data"] for r in reference.scored(tables(labels=[gold]), {})} == {"gold"}


# People against each other


def answer(item, annotator, said, layer="check_worthiness", **changes):
    """A row of `annotations` by a person."""
    told = vote(item, layer, said, "human", None) | {"annotation_id": f"{item}{annotator}{layer}", "annotator_id": annotator}
    return told | {"text_sha256": "0" * 64, "saw_prelabel": False, "guideline_version": "1.1", "carried": "unchanged", **changes}


def test_how_far_people_agree_is_printed_by_layer(tmp_path):
    # By hand. Of eight sentences three have two times yes, three two times no, two yes and no. Coincidences: yes-yes 6, no-no 6, yes-no
    # and no-yes 2 each. Observed disagreement 4 / 16, expected 2 * 8 * 8 / (16 * 15), alpha = 1 - (4 / 16) / (128 / 240) = 0.53125.
    told = [answer(f"{A if i < 4 else B}-s{i}-{i + 1}", name, {"y": "yes", "n": "no"}[said])
            for name, answers in (("a1", "yyyynnnn"), ("a2", "yyynnnny")) for i, said in enumerate(answers)]  # fmt: skip
    # Ten bytes of content by either, five of them by both: 2 * 5 / (10 + 10).
    for name, at in (("a1", 0), ("a2", 5)):
        told.append(answer(f"{A}-a0-20", name, {"content": [[at, at + 10]], "type": "direct"}, "attribution"))
    # What machines, adjudicators and those who saw an answer say is no agreement of people.
    told += [answer(f"{A}-s{i}-{i + 1}", "m1", "no", annotator_type="model") for i in range(8)]
    told += [answer(f"{A}-s0-1", "j1", "no", batch="adjudication-x"), answer(f"{A}-s0-1", "a3", "no", saw_prelabel=True)]
    rows = flow.calibrate(release(tmp_path / "1.0.0", told), out=tmp_path / "out")
    found = [r for r in rows if r["data"] == "people, guideline 1.1"]
    (alpha,) = [r for r in found if r["layer"] == "check_worthiness"]
    assert (alpha["measure"], alpha["labeller"], alpha["value"], alpha["n"]) == ("Krippendorff's alpha, nominal", "2 annotators", 0.5312, 8)
    assert alpha["low"] <= alpha["value"] <= alpha["high"]
    assert value(found, measure="pairwise F1 of marked bytes, of content") == 0.5
    printed = flow.table(rows)
    assert "check_worthiness: people, guideline 1.1" in printed and f"| 2 annotators | {flow._cell(alpha)} |" in printed
    assert flow._cell(alpha).startswith("0.531 [") and flow.CAVEATS["people"] in printed


# Probes


def training(n, split="train"):
    """Answers that follow from the target alone."""
    return [
        {"item_id": f"{i:020x}-t0-9-author-{t}", "text": "The town met on Monday.", "context": "", "holder": "author",
         "target": t, "label": a, "split": split}
        for i in range(n) for t, a in (("ferry", "favor"), ("dam", "against"))
    ]  # fmt: skip


def test_probes_show_labels_that_need_no_reading():
    rows = probes.probed("stance", "stances_gold", training(20) + training(15, "test"))
    assert {r["data"] for r in rows} == {"stances_gold, test"}
    assert value(rows, labeller="probe: words-blind", measure="accuracy") == 1
    assert value(rows, labeller="probe: target-blind", measure="accuracy") == 0.5
    assert value(rows, labeller="baseline: majority", measure="accuracy") == 0.5


def test_small_tables_are_probed_across_documents():
    rows = probes.probed(
        "stance", "stances_weak", [{**{k: v for k, v in r.items() if k != "label"}, "weak_label": r["label"]} for r in training(20)]
    )
    assert {r["data"] for r in rows} == {"stances_weak, across documents"}
    assert value(rows, labeller="probe: holder-blind", measure="accuracy") == 1
    assert all(r["n"] == 40 for r in rows)


def test_nothing_is_probed_without_words():
    assert probes.probed("stance", "stances_gold", [{**r, "text": None} for r in training(20)]) == []


# The whole


@pytest.fixture
def polnear(tmp_path):
    for part, n in (("train", 6), ("dev", 2)):
        for k in range(n):
            for name in ("text", "attributions"):
                (tmp_path / "polnear" / part / name).mkdir(parents=True, exist_ok=True)
            (tmp_path / "polnear" / part / "text" / f"{k}.txt").write_text(TEXT, "utf-8")
            spans = f"T1\tSource 0 3\tAda\nT2\tCue 4 8\tsaid\nT3\tContent {CONTENT[0]} {CONTENT[1]}\tx\n"
            lines = spans + "E1\tAttribution:T2 Source:T1 Cue:T2 Content:T3\n"
            (tmp_path / "polnear" / part / "attributions" / f"{k}.ann").write_text(lines, "utf-8")
    return tmp_path / "polnear"


@pytest.fixture
def checkthat(tmp_path):
    (tmp_path / "ct").mkdir()
    for part, first in (("train", 0), ("dev", 100)):
        lines = ["Sentence_id\tText\tclass_label"]
        for k in range(first, first + 12):
            lines += [f"{k}\tThe dam cost {k} million in {1900 + k}.\tYes", f"{k}\tWell, I hope we can talk, number{k}.\tNo"]
        (tmp_path / "ct" / f"x_{part}.tsv").write_text("\n".join(lines), "utf-8")
    return tmp_path / "ct"


def test_what_is_trained_is_kept_scored_and_found_again(polnear, checkthat, tmp_path):
    out = tmp_path / "out"
    rows = flow.calibrate(polnear=polnear, checkthat=checkthat, train=True, out=out)
    told = json.loads((out / "calibration.json").read_text("utf-8"))
    assert told["rows"] == rows
    assert {r["data"] for r in rows} == set(told["caveats"])
    assert all(told["caveats"].values())
    assert sorted(p.name for p in (out / "models").iterdir()) == ["attribution.npz", "check_worthiness.joblib"]
    assert value(rows, labeller="rules", measure="characters F1") == 1
    assert value(rows, labeller="trained here", measure="average precision") == 1
    again = flow.calibrate(polnear=polnear, checkthat=checkthat, out=out)
    assert again == rows
    without = flow.calibrate(polnear=polnear, out=tmp_path / "other")
    assert "trained here" not in {r["labeller"] for r in without}


def test_stances_of_tweets(tmp_path):
    lines = ["ID\tTarget\tTweet\tStance"]
    for k in range(6):
        for said, answer in (("Welcome great ferry", "FAVOR"), ("Shameful awful thing", "AGAINST"), ("It opens at nine", "NONE")):
            lines.append(f"{k}\tThe ferry\t{said}\t{answer}")
    for name in ("trainingdata-all-annotations.txt", "testdata-taskA-all-annotations.txt"):
        (tmp_path / name).write_text("\n".join(lines), "cp1252")
    rows = flow.calibrate(semeval=tmp_path, train=True, out=tmp_path / "out")
    measure = "macro F1 of favor and against"
    assert value(rows, labeller="trained here", measure=measure) == 1
    assert value(rows, labeller="baseline: majority per target", measure=measure) == 0.25


def release(folder: Path, more: Sequence[dict] = ()) -> Path:
    """The tables of a release that are read here, with rules, votes (`more` of them) and training rows on two documents."""
    made = {
        "documents": [{"doc_id": A, "language": "en"}, {"doc_id": B, "language": "ru"}],
        "annotations": [
            vote(f"{A}-t0-50-author-ferry", "stance", "against"),
            vote(f"{B}-t0-50-author-ferry", "stance", "none"),
            *more,
        ],
        "stances_gold": training(20) + training(12, "test"),
    }
    for table, rows in made.items():
        schema = schemas.table(table).SCHEMA if table in schemas.TABLES else None
        columns = [{name: row.get(name) for name in schema.names} for row in rows] if schema else rows
        (folder / "data" / table).mkdir(parents=True)
        data = pa.Table.from_pylist(columns, schema=pa.schema([f.with_nullable(True) for f in schema]) if schema else None)
        pq.write_table(data, folder / "data" / table / "train-00000-of-00001.parquet")
    return folder


def test_a_release_is_scored_probed_and_learnt_from(tmp_path):
    rows = flow.calibrate(release(tmp_path / "1.0.0"), train=True, out=tmp_path / "out")
    assert value(rows, labeller="rules", measure="coverage", language="all", holder="all") == 0
    assert value(rows, labeller="trained here", measure="accuracy", data="stances_gold, test") == 1
    assert {r["labeller"] for r in rows} >= {
        "rules",
        "baseline: majority",
        "TF-IDF",
        "probe: target-blind",
        "probe: holder-blind",
        "trained here",
    }
    shown = flow.table(rows)
    assert "stance: blind reference, a model's" in shown
    assert "Caveat: one model's answers" in shown


def test_what_cannot_be_done_is_said_in_one_line(tmp_path, monkeypatch):
    with pytest.raises(CorpusError, match="nothing to calibrate on"):
        flow.calibrate(out=tmp_path)
    with pytest.raises(CorpusError, match="no release"):
        flow.calibrate(tmp_path, out=tmp_path)
    monkeypatch.setattr(flow, "has_sklearn", lambda: False)
    with pytest.raises(CorpusError, match="needs scikit-learn"):
        flow.calibrate(tmp_path, train=True, out=tmp_path)


def test_without_scikit_learn_rules_and_plain_baselines_are_scored(polnear, checkthat, tmp_path, monkeypatch):
    monkeypatch.setattr(flow, "has_sklearn", lambda: False)
    rows = flow.calibrate(polnear=polnear, checkthat=checkthat, out=tmp_path / "out")
    assert {r["labeller"] for r in rows} == {
        "rules", "baseline: majority", "baseline: majority (no content)", "baseline: everything", "baseline: quotation marks",
        "baseline: sentence with quotation or cue", "baseline: contains a digit",
    }  # fmt: skip
    assert "were left out" in flow.table(rows)


def test_the_flow_takes_what_the_function_takes():
    assert set(flow.calibration.parameters.properties) == {"release", "polnear", "checkthat", "semeval", "train", "out"}


# The scorers of the benchmark


def test_scorers_take_what_was_trained_or_the_heuristic(polnear, checkthat, tmp_path, monkeypatch):
    texts = ["The dam cost 7 million in 1907.", "Well, I hope we can talk, number7."]
    monkeypatch.delenv("ARAXES_MODELS", raising=False)
    assert scorers.check_worthiness(texts) == [worth_checking(t) for t in texts]
    flow.calibrate(polnear=polnear, checkthat=checkthat, train=True, out=tmp_path / "out")
    monkeypatch.setenv("ARAXES_MODELS", str(tmp_path / "out" / "models"))
    high, low = scorers.check_worthiness(texts)
    assert 1 >= high > 0.5 > low >= 0
    assert scorers.attribution_spans_trained(TEXT) == [CONTENT]
