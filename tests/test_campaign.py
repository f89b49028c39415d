"""Campaigns: sampling, tasks, Label Studio's answers back in place, and one campaign of two annotators from start to a new release."""

import hashlib
import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import schemas
from flows.corpus import campaign
from flows.corpus.agreement import agreements
from flows.corpus.campaign import CampaignError, adjudicate_command, export_command, import_command, sample, sample_command, tasks, votes_of
from flows.corpus.label_studio import CHOICES, LEFTOVERS, READINGS, SPANS, configuration, located, read_answers
from flows.corpus.labels import labels
from flows.corpus.votes import carried_votes, read_votes
from flows.labellers import pages
from flows.traced import Change, Rejected, Traced
from schemas.annotations import LAYERS

CASES = json.loads((Path(__file__).parent / "cases" / "annotations.json").read_text(encoding="utf-8"))
Clean = Callable[[Traced], Traced]


def release(folder: Path, pages: dict[bytes, dict], clean: Clean = lambda text: text) -> Path:
    """A release with documents, segments, edits, and of each sentence a claim, an attribution and a stance.

    pages: capture -> columns of its document.
    """
    tables: dict[str, list[dict]] = {name: [] for name in ("documents", "segments", "edits", "claims", "attributions", "stances")}
    for data, told in pages.items():
        text = clean(Traced.decoded(data, "utf-8"))
        doc_id = hashlib.sha256(data).hexdigest()[:20]
        tables["documents"].append(
            {"doc_id": doc_id, "encoding": "utf-8", "outlet": None, "language": "en", "supersedes": None, "text": text.text} | told
        )
        for e in text.edits:
            key = f"{doc_id}-e{e.byte_start}-{e.byte_end}"
            tables["edits"].append({"edit_id": key, "doc_id": doc_id, "before": text.before(e), **e._asdict()})
        for block in re.finditer(r"\S(?:[^\n]|\n(?!\s*\n))*(?<=\S)", text.text):
            parent = _segment(tables, doc_id, text, "b", block.span(), None)
            for s in re.finditer(r"\S(?:[^.!]|\.(?! |\s|$))*[.!”»]*", block[0]):
                place = (block.start() + s.start(), block.start() + s.end())
                own = _segment(tables, doc_id, text, "s", place, parent)
                span = text.span(*place)
                where = {"doc_id": doc_id, "segment_id": own, **span._asdict()}
                words = [{"start": place[0], "end": place[1], **span._asdict()}]
                key = f"{doc_id}-{{}}{span[0]}-{span[1]}".format
                tables["claims"].append(where | {"claim_id": key("c"), "spans": words, "modality": "predicted"})
                parts = {"content_spans": words, "cue_spans": [], "source_spans": []}
                tables["attributions"].append(where | parts | {"attribution_id": key("a"), "segment_ids": [own], "parent_id": None})
                asked = {"target_id": "dues", "holder_type": "author", "holder_entity_id": None, "evidence_spans": []}
                tables["stances"].append(where | asked | {"stance_id": key("t") + "-author-dues"})
    for name, rows in tables.items():
        path = folder / "data" / name / "train-00000-of-00001.parquet"
        path.parent.mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(rows) if rows else schemas.table(name).SCHEMA.empty_table(), path)
    return folder


def _place(text: Traced, place: tuple[int, int]) -> dict:
    return {"start": place[0], "end": place[1], **text.span(*place)._asdict()}


def _segment(tables: dict, doc_id: str, text: Traced, letter: str, place: tuple[int, int], parent: str | None) -> str:
    span = text.span(*place)
    key = f"{doc_id}-{letter}{span[0]}-{span[1]}"
    known = {"segment_id": key, "doc_id": doc_id, "parent_id": parent, "repeat_of": None, "position": len(tables["segments"])}
    tables["segments"].append({**known, "unit": "paragraph" if parent is None else "sentence", **_place(text, place)})
    return key


def files(folder: Path) -> dict[str, list[Path]]:
    return {path.name: sorted(path.glob("*.parquet")) for path in (folder / "data").iterdir()}


def answered(task: dict, choices: dict[str, str], marks: list[dict] = ()) -> dict:
    """What Label Studio exports for a task: regions and choices as results, and its own bookkeeping."""
    result = [
        {"id": str(i), "type": "labels", "from_name": "span", "to_name": "text", "origin": "manual", "value": m}
        for i, m in enumerate(marks)
    ]
    result += [{"id": n, "type": "choices", "from_name": n, "to_name": "text", "value": {"choices": [c]}} for n, c in choices.items()]
    note = {"id": 9, "completed_by": 1, "was_cancelled": False, "ground_truth": False, "parent_prediction": None, "lead_time": 4.2}
    return {"id": 1, **task, "annotations": [note | {"result": result}], "predictions": []}


def mark(text: str, words: str, label: str, counting: str) -> dict:
    """A mark as Label Studio saves it, its offsets in code points or UTF-16, with line ends as two characters or one."""
    at = text.index(words)

    def offset(i: int) -> int:
        before = text[:i].replace("\r\n", "\n") if "CRLF" in counting else text[:i]
        return len(before.encode("utf-16-le")) // 2 if "UTF-16" in counting else len(before)

    return {"start": offset(at), "end": offset(at + len(words)), "text": words, "labels": [label]}


PAGE = b"Ferry dues rise in May. Nobody asked the owners.\n\nThe quay is closed. It opens at noon."


# Sampling


def many(tmp_path: Path) -> Path:
    outlets = [("quay", "en")] * 60 + [("quay", "ru")] * 20 + [("tide", "en")] * 15 + [(None, None)] * 5
    pages = {f"Page {n}. Nothing else here.".encode(): {"outlet": o, "language": lang} for n, (o, lang) in enumerate(outlets)}
    return release(tmp_path / "x" / "1.0.0", pages)


def test_each_outlet_and_language_has_its_share(tmp_path):
    rows = sample(many(tmp_path), "check_worthiness", 20, 2, ["a1", "a2", "a3"], 7)
    assert Counter((r["outlet"], r["language"]) for r in rows) == {
        ("quay", "en"): 12,
        ("quay", "ru"): 4,
        ("tide", "en"): 3,
        (None, None): 1,
    }
    assert Counter(name for r in rows for name in r["annotators"]) == {"a1": 13, "a2": 14, "a3": 13}
    assert all(len(set(r["annotators"])) == 2 for r in rows) and {r["batch"] for r in rows} == {"check_worthiness-1.0.0-7"}
    small = sample(tmp_path / "x" / "1.0.0", "check_worthiness", 4, 1, ["a1"], 7)
    assert len({(r["outlet"], r["language"]) for r in small}) == 4, "one at least of each"
    assert len(sample(tmp_path / "x" / "1.0.0", "check_worthiness", 9_999, 1, ["a1"], 7)) == 200


def test_a_seed_gives_one_sample_whatever_the_order_of_the_rows(tmp_path):
    folder = many(tmp_path)
    before = sample(folder, "stance", 30, 2, ["a1", "a2"], 7)
    for name in ("stances", "documents"):
        (path,) = files(folder)[name]
        pq.write_table(pa.Table.from_pylist(pq.read_table(path).to_pylist()[::-1]), path)
    assert sample(folder, "stance", 30, 2, ["a1", "a2"], 7) == before
    assert {r["item_id"] for r in sample(folder, "stance", 30, 2, ["a1", "a2"], 8)} != {r["item_id"] for r in before}


@pytest.mark.parametrize("layer", LAYERS)
def test_every_layer_has_items_and_of_a_sentence_only_the_first_claim_or_attribution(tmp_path, layer):
    folder = release(tmp_path / "1.0.0", {PAGE: {}})
    for name, key in (("claims", "claim_id"), ("attributions", "attribution_id"), ("stances", "stance_id")):
        (path,) = files(folder)[name]
        rows = pq.read_table(path).to_pylist()
        pq.write_table(pa.Table.from_pylist(rows + [r | {key: f"{r[key]}.1", "byte_start": r["byte_start"] + 1} for r in rows]), path)
    found = sample(folder, layer, 99, 1, ["a1"], 1)
    assert len(found) == {"strip": 2, "stance": 8}.get(layer, 4)
    assert layer == "stance" or not any(r["item_id"].endswith(".1") for r in found)


@pytest.mark.parametrize(("layer", "table", "letter"), [("claim", "claims", "c"), ("attribution", "attributions", "a")])
def test_a_sentence_in_which_no_rule_found_anything_is_asked_about_too(tmp_path, layer, table, letter):
    folder = release(tmp_path / "1.0.0", {PAGE: {}})
    (path,) = files(folder)[table]
    pq.write_table(pa.Table.from_pylist(pq.read_table(path).to_pylist()[:1]), path)
    found = sample(folder, layer, 99, 1, ["a1"], 1)
    assert Counter(r["item_id"][21] for r in found) == {letter: 1, "s": 3}
    made = tasks(folder, found, "1", {})["a1"]
    votes, refused = votes_of(folder, [answered(task, {"answer": "none"}) for task in made])
    assert not refused and {v["item_id"] for v in votes} == {r["item_id"] for r in found}
    path.unlink()
    assert len(sample(folder, layer, 99, 1, ["a1"], 1)) == 4, "a table without rows has no file"


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (("mood", 5, 1, ["a1"]), "unknown layer"),
        (("claim", 5, 1, ["Ilse Brandt"]), "no pseudonym"),
        (("claim", 5, 2, ["a1"]), "name enough"),
        (("claim", 5, 2, ["a1", "a1"]), "name enough"),
        (("claim", 0, 1, ["a1"]), "one at least"),
        (("claim", 5, 0, ["a1"]), "name enough"),
    ],
)
def test_what_cannot_be_sampled_is_said_in_one_line(tmp_path, told, message):
    with pytest.raises(CampaignError, match=message):
        sample(release(tmp_path / "1.0.0", {PAGE: {}}), *told, 1)
    with pytest.raises(CampaignError, match="no release"):
        sample(tmp_path / "2.0.0", "claim", 5, 1, ["a1"], 1)


@settings(deadline=None)
@given(
    st.dictionaries(st.tuples(st.text("ab", max_size=2), st.text("ab", max_size=1)), st.integers(1, 50), min_size=1, max_size=7),
    st.integers(1, 120),
)
def test_shares_add_up(sizes, n):
    shares = campaign._shares(sizes, n)
    assert sum(shares.values()) == min(n, sum(sizes.values())) and all(0 <= shares[s] <= sizes[s] for s in sizes)
    assert n < len(sizes) or all(shares.values())


# Tasks


@pytest.mark.parametrize("layer", LAYERS)
def test_a_task_shows_the_words_and_no_answer_to_them(tmp_path, layer):
    folder = release(tmp_path / "x" / "1.0.0", {PAGE: {}})
    rows = sample(folder, layer, 3, 1, ["a1"], 1)
    (made,) = tasks(folder, rows, "1", {("dues", None): "higher ferry dues", ("dues", "ru"): "повышение сборов"}).values()
    config = ET.fromstring(configuration(layer))
    for task in made:
        assert set(task) == {"data"}, "no predictions"
        shown = task["data"]
        assert shown["item"] in shown["text"] and "predicted" not in json.dumps(shown)
        assert (shown["annotator"], shown["guideline_version"], shown["release"]) == ("a1", "1", "x/1.0.0")
        asked = {e.get("value")[1:] for e in config.iter() if (e.get("value") or "").startswith("$")}
        assert asked <= set(shown)
    assert {e.get("value") for e in config.iter("Label")} == set(SPANS.get(layer, ()))
    assert {e.get("name") for e in config.iter("Choices")} == {"answer", *CHOICES.get(layer, {})}
    assert config.find("Text[@name='text']").get("saveTextResult") == "yes"
    if layer == "stance":
        assert made[0]["data"]["question"] == "Which stance does the author take here towards: higher ferry dues?"


def test_a_target_is_worded_in_the_language_of_the_document(tmp_path):
    folder = release(tmp_path / "1.0.0", {PAGE: {}, "Сборы растут.".encode(): {"language": "ru"}, b"Dues.": {"language": None}})
    (made,) = tasks(folder, sample(folder, "stance", 99, 1, ["a1"], 1), "1", {("dues", None): "dues", ("dues", "ru"): "сборы"}).values()
    asked = {t["data"]["item"]: t["data"]["question"].rpartition(": ")[2] for t in made}
    assert asked["Сборы растут."] == "сборы?" and asked["Dues."] == asked["The quay is closed."] == "dues?"


def test_what_may_be_left_over_in_a_block_is_what_strip_removes():
    rules = json.loads((Path(__file__).parents[1] / "flows" / "stages" / "strip_words.json").read_text(encoding="utf-8"))["rules"]
    assert tuple(rules) == LEFTOVERS


def test_the_passage_ends_at_the_blocks_beside_and_is_no_book(tmp_path):
    text = ("A. " * 40 + "\n\n").encode() * 3 + b"Here.\n\nAfter it.\n\nFar away. " + b"Long. " * 800
    folder = release(tmp_path / "1.0.0", {text: {}})
    rows = sample(folder, "check_worthiness", 9_999, 1, ["a1"], 1)
    found = {t["data"]["item"]: t["data"]["text"] for t in tasks(folder, rows, "1", {})["a1"]}
    assert found["Here."] == "A. " * 40 + "\n\nHere.\n\nAfter it."
    assert all(len(passage) <= len(item) + 2 * campaign.PASSAGE for item, passage in found.items())


# Label Studio's answers


@pytest.mark.parametrize("name", CASES["texts"])
def test_every_mark_is_back_in_place_on_text_with(tmp_path, name):
    text = CASES["texts"][name]
    folder = release(tmp_path / "1.0.0", {text.encode(): {}})
    made = tasks(folder, sample(folder, "attribution", 9, 1, ["a1"], 1), "1", {})["a1"]
    for counting in READINGS:
        exported, expected = [], []
        for task in made:
            passage = task["data"]["text"]
            pieces = [p for p in re.split(r"(?<=[\s,،])", passage) if p.strip()]
            chosen = {"source": pieces[0].strip(), "cue": pieces[len(pieces) // 2].strip(), "content": pieces[-1].strip()}
            exported.append(
                answered(task, {"answer": "direct"}, [mark(passage, words, label, counting) for label, words in chosen.items()])
            )
            expected.append(chosen)
        votes, refused = votes_of(folder, json.loads(json.dumps(exported)))
        assert len(votes) == len(made) and refused == []
        for vote, chosen in zip(votes, expected, strict=True):
            facts = json.loads(vote["value"])
            assert {label: [text.encode()[a:b].decode() for a, b in facts[label]] for label in chosen} == {
                k: [v] for k, v in chosen.items()
            }
            assert vote["saw_prelabel"] is False and vote["annotator_type"] == "human"


@pytest.mark.parametrize("case", CASES["marks"], ids=lambda c: c["why"])
def test_a_mark_is_placed_by_its_words_or_refused(case):
    data = dict.fromkeys(("item_id", "layer", "item", "annotator", "guideline_version", "release"), "x") | {
        "text": case["text"],
        "batch": "b",
    }
    answers = read_answers([answered({"data": data}, {"answer": "direct"}, [case["mark"] | {"labels": ["content"]}])])
    (found,) = located(answers)
    if "reason" in case:
        assert isinstance(found, Rejected) and found.reason == case["reason"]
    else:
        ((_, start, end),) = found
        assert case["text"][start:end] == case["words"]


def test_the_other_marks_of_an_export_tell_how_its_offsets_count():
    text = "\U0001f6a2aaaa Orla spoke"
    data = dict.fromkeys(("item_id", "layer", "item", "annotator", "guideline_version", "release"), "x") | {"text": text, "batch": "b"}
    doubtful = {"start": 2, "end": 4, "text": "aa", "labels": ["cue"]}
    for counting, place in (("code points", 2), ("UTF-16", 1)):
        sure = mark(text, "Orla", "source", counting)
        together = [answered({"data": data}, {}, [doubtful, sure])]
        apart = [answered({"data": data}, {}, [doubtful]), answered({"data": data}, {}, [sure])]
        for exported in (together, apart):
            assert located(read_answers(exported))[0][0] == ("cue", place, place + 2)


def test_a_passage_that_was_changed_on_the_way_is_matched_by_its_words(tmp_path):
    text = "Zoe\u0308 spoke.\r\n\r\n“We sail,”\r\nZoe\u0308 said. Zoe\u0308 left."
    folder = release(tmp_path / "1.0.0", {text.encode(): {}})
    (task,) = (t for t in tasks(folder, sample(folder, "attribution", 9, 1, ["a1"], 1), "1", {})["a1"] if "said" in t["data"]["item"])
    changed = {k: v.replace("\r\n", "\n").replace("e\u0308", "ë") for k, v in task["data"].items()}
    at = changed["text"].index("Zoë said")
    marks = [
        {"start": at, "end": at + 3, "text": "Zoë", "labels": ["source"]},
        mark(changed["text"], "“We sail,”", "content", "code points"),
    ]
    (vote,), refused = votes_of(folder, [answered({"data": changed}, {"answer": "direct"}, marks)])
    facts = json.loads(vote["value"])
    assert not refused and [text.encode()[a:b].decode() for a, b in (*facts["source"], *facts["content"])] == ["Zoe\u0308", "“We sail,”"]
    assert facts["source"] == [[len(text[: text.index("Zoe\u0308 said")].encode()), len(text[: text.index("Zoe\u0308 said") + 4].encode())]]


def test_a_claim_has_its_facts_and_none_is_an_answer(tmp_path):
    folder = release(tmp_path / "1.0.0", {PAGE: {}})
    task = tasks(folder, sample(folder, "claim", 1, 1, ["a1"], 1), "1", {})["a1"][0]
    marks = [mark(task["data"]["text"], "Nobody asked", "claim", "code points")]
    whole = {"answer": "asserted", "holder": "author", "commitment": "unmarked"}
    told = [
        answered(task, whole, marks),
        answered(task, {"answer": "none"}),
        answered(task, whole),
        answered(task, {"answer": "asserted"}, marks),
        answered(task, whole, [{**marks[0], "labels": ["cue"]}]),
    ]
    votes, refused = votes_of(folder, told)
    assert votes[0]["value"] == '{"commitment": "unmarked", "holder": "author", "modality": "asserted", "spans": [[24, 36]]}'
    assert votes[1]["value"] == "none"
    assert [r.reason for r in refused] == ["nothing_marked", "no_answer", "unknown_label"]


@pytest.mark.parametrize("case", CASES["no_answers"], ids=lambda c: json.dumps(c)[:60])
def test_what_is_no_answer_is_refused_with_a_reason(tmp_path, case):
    folder = release(tmp_path / "1.0.0", {PAGE: {}})
    task = answered(tasks(folder, sample(folder, "check_worthiness", 1, 1, ["a1"], 1), "1", {})["a1"][0], {"answer": "yes"})
    changed = case["task"] if "task" in case else task | case.get("change", {}) | {"data": task["data"] | case.get("data", {})}
    votes, refused = votes_of(folder, [changed, task])
    assert len(votes) == 1 and [r.reason for r in refused] == ([case["reason"]] if case["reason"] else [])


def test_a_prediction_that_was_shown_is_not_kept_quiet(tmp_path):
    folder = release(tmp_path / "1.0.0", {PAGE: {}})
    task = answered(tasks(folder, sample(folder, "check_worthiness", 1, 1, ["a1"], 1), "1", {})["a1"][0], {"answer": "yes"})
    started = task | {"annotations": [task["annotations"][0] | {"parent_prediction": 3}]}
    votes, _ = votes_of(folder, [task, task | {"predictions": [{"result": []}]}, started])
    assert [v["saw_prelabel"] for v in votes] == [False, True, True]


ODD = [None, True, -1, 10**30, 1.5, float("nan"), "", "x", "\ud83d", "\0", [], {}, [[]], {"a": 1}, ["yes"], "2"]


def places(value: object, path: tuple = ()) -> list[tuple]:
    """The paths to every value inside a JSON value."""
    inside = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
    return [(*path, key) for key, _ in inside] + [p for key, v in inside for p in places(v, (*path, key))]


def test_whatever_stands_in_an_export_is_refused_at_most(tmp_path):
    folder = release(tmp_path / "x" / "1.0.0", {PAGE: {}, CASES["texts"]["emoji and crlf"].encode(): {}})
    whole = {"answer": "none", "holder": "author", "commitment": "unmarked"}
    exported = [
        answered(task, whole, [mark(task["data"]["text"], task["data"]["text"].split()[0], "content", "UTF-16")])
        for layer in LAYERS
        for task in tasks(folder, sample(folder, layer, 2, 1, ["a1"], 1), "1", {})["a1"]
    ]
    odd = []
    for place in sorted({p for task in exported for p in places(task)}, key=repr):
        for i, value in enumerate(ODD):
            odd.append(json.loads(json.dumps(exported[i % len(exported)])))
            inner = odd[-1]
            for key in place[:-1]:
                inner = inner[key]
            inner[place[-1]] = value
    votes, refused = votes_of(folder, [*ODD, *odd])
    assert len(votes) + len(refused) > len(odd) / 2 and {r.reason for r in refused} >= {
        "no_task",
        "no_answer",
        "unknown_item",
        "other_words",
    }
    "".join(f"{r.where} {r.detail}" for r in refused).encode()
    assert pa.Table.from_pylist(votes).num_rows == len(votes)


@settings(deadline=None)
@given(st.text("aé\u0301\U0001f6a2\r\n א", min_size=1, max_size=30), st.data(), st.sampled_from(list(READINGS)))
def test_a_mark_is_never_put_on_other_words(text, data, counting):
    start = data.draw(st.integers(0, len(text) - 1))
    words = text[start : data.draw(st.integers(start + 1, len(text)))]
    whole = dict.fromkeys(("item_id", "layer", "item", "annotator", "guideline_version", "release"), "x") | {"text": text, "batch": "b"}
    (found,) = located(read_answers([answered({"data": whole}, {}, [mark(text, words, "cue", counting)])]))
    if isinstance(found, Rejected):
        assert found.reason in ("ambiguous", "words_not_found")
    else:
        ((_, a, b),) = found
        assert "".join(text[a:b].split()) == "".join(words.split())


# A campaign of two annotators

SENTENCES = (
    "Dues rise by a tenth in May.", "The quay is a lovely place.", "Two ferries sank last year.", "Nobody asked the owners.",
    "We like the old harbour.", "The bridge cost nine million.", "Fog is grey.", "The mayor resigned on Monday.",
)  # fmt: skip
FIRST = (" ".join(SENTENCES[:4]) + "\n\nShare this. " + SENTENCES[0]).encode()
SAVED = " ".join(SENTENCES[4:6]).encode()
GONE = " ".join(SENTENCES[6:]).encode()


def early(text: Traced) -> Traced:
    """The first cleaning: it takes away what follows the first paragraph."""
    cut = text.text.find("\n\nShare")
    return text if cut < 0 else text.apply("strip", [Change(cut, len(text.text), "", "share", "removed")])


def late(text: Traced) -> Traced:
    """The next one: it keeps the repeat instead of what it repeats, takes away a sentence, and repairs a word."""
    changes = [
        Change(m.start(), m.end(), "", "share", "removed")
        for m in re.finditer(r"^Dues [^.]+\. |The quay [^.]+\. |Share this\. ", text.text)
    ]
    changes += [Change(m.start(), m.end(), "sunk", "repair", "inferred") for m in re.finditer("sank", text.text)]
    return text.apply("strip", sorted(changes))


def campaign_of_two(tmp_path: Path, folder: Path, answers: dict[str, str]) -> list[Path]:
    """Sample, export, and the exports of two annotators who answer as told: a letter per sentence."""
    sampled = sample_command(folder, tmp_path / "work", "check_worthiness", 99, 2, ["a1", "a2"], 3)
    *task_files, config = export_command(folder, sampled, "1", {})
    assert [p.name for p in (*task_files, config)] == ["tasks-a1.json", "tasks-a2.json", "config.xml"]
    done = []
    for path in task_files:
        exported = []
        for task in json.loads(path.read_text()):
            letter = answers[task["data"]["annotator"]][SENTENCES.index(task["data"]["item"])]
            exported.append(answered(task, {"answer": {"y": "yes", "n": "no"}[letter]}))
        done.append(path.with_name(f"export-{path.name}"))
        done[-1].write_text(json.dumps(exported))
    return done


@pytest.fixture
def voted(tmp_path) -> tuple[Path, Path]:
    """A release, and the folder with the votes of two people on eight of its sentences."""
    old, folder = release(tmp_path / "harbour" / "1.0.0", {FIRST: {}, SAVED: {}, GONE: {}}, early), tmp_path / "annotations"
    exports = campaign_of_two(tmp_path, old, {"a1": "yyyynnnn", "a2": "yyynnnny"})
    imported = import_command(old, exports, folder)
    assert (len(imported.votes), imported.n_known, imported.refused) == (16, 0, [])
    assert import_command(old, exports, folder)[:2] == ([], 16), "twice is once"
    return old, folder


def decided(old: Path, folder: Path, work: Path) -> list[dict]:
    """The tasks on which the two disagreed, all decided with yes, and taken into the folder."""
    votes = [c.vote for c in carried_votes(folder, old)[0]]
    with pytest.raises(CampaignError, match="somebody else"):
        adjudicate_command(old, votes, work, "check_worthiness", "a1", {})
    task_file, config = adjudicate_command(old, votes, work, "check_worthiness", "j1", {})
    assert ET.fromstring(config.read_text()).find("Text[@name='answers']") is not None
    tasks = json.loads(task_file.read_text())
    (work / "decided.json").write_text(json.dumps([answered(task, {"answer": "yes"}) for task in tasks]))
    assert len(import_command(old, [work / "decided.json"], folder).votes) == 2
    return tasks


def test_a_campaign_from_sample_to_gold(voted, tmp_path):
    old, folder = voted
    found, refused = carried_votes(folder, old)
    votes = [c.vote for c in found]
    assert refused == [] and {v["carried"] for v in votes} == {"unchanged"}
    # By hand. Of eight sentences with two answers each, three are yes-yes, three no-no, two part. Coincidences: yes-yes 6,
    # no-no 6, yes-no and no-yes 2 each; of 16 values 8 are yes. Observed disagreement 4/16, expected 2 * 8 * 8 / (16 * 15).
    # alpha = 1 - (4/16) / (128/240) = 0.53125.
    (agreed,) = agreements(votes)
    assert (agreed.value, agreed.n_items, agreed.n_annotators) == (0.5312, 8, 2) and agreed.low <= agreed.value <= agreed.high
    rows, _ = labels(votes, {})
    assert Counter((r["tier"], r["value"]) for r in rows) == {("gold", "yes"): 3, ("gold", "no"): 3, ("human_single", None): 2}

    tasks = decided(old, folder, tmp_path / "work")
    assert {t["data"]["item"] for t in tasks} == {SENTENCES[3], SENTENCES[7]} and {t["data"]["answers"] for t in tasks} == {"1. no\n2. yes"}
    assert "a1" not in json.dumps(tasks)
    votes = [c.vote for c in carried_votes(folder, old)[0]]
    rows, _ = labels(votes, {})
    assert Counter((r["tier"], r["value"], r["method"]) for r in rows) == {
        ("gold", "yes", "majority"): 3, ("gold", "no", "majority"): 3, ("gold", "yes", "adjudicated"): 2,
    }  # fmt: skip
    assert adjudicate_command(old, votes, tmp_path / "work", "check_worthiness", "j1", {}) == []


def test_votes_are_carried_into_a_new_release(voted, tmp_path):
    """Other cleaning, one page saved again with something before it, one withdrawn."""
    old, folder = voted
    decided(old, folder, tmp_path / "work")
    again = b"Updated.\n\n" + SAVED
    saved_id = hashlib.sha256(SAVED).hexdigest()[:20]
    new = release(tmp_path / "harbour" / "2.0.0", {FIRST: {}, again: {"supersedes": saved_id}}, late)
    before = [p.read_bytes() for p in sorted(folder.iterdir())]
    found, _ = carried_votes(folder, new)
    assert [p.read_bytes() for p in sorted(folder.iterdir())] == before
    how = {(c.vote["exact"], c.vote["carried"], (c.reason or "").split(":")[0]) for c in found}
    assert how == {
        (SENTENCES[0], "moved", "the same words under another id"),
        (SENTENCES[1], "orphaned", "no_such_item"),
        (SENTENCES[2], "text_changed", "its words are others now"),
        (SENTENCES[3], "unchanged", ""),
        (SENTENCES[4], "moved", "the same words under another id"),
        (SENTENCES[5], "moved", "the same words under another id"),
        (SENTENCES[6], "orphaned", "document_gone"),
        (SENTENCES[7], "orphaned", "document_gone"),
    }
    rows, _ = labels([c.vote for c in found], {})
    segments = {s["segment_id"] for s in pq.read_table(files(new)["segments"][0]).to_pylist()}
    assert {r["item_id"] for r in rows} <= segments
    assert Counter((r["tier"], r["value"]) for r in rows) == {("gold", "yes"): 2, ("gold", "no"): 2, ("human_single", "yes"): 1}


def judged(folder: Path, votes_folder: Path) -> dict[str, tuple]:
    """Of each measure of the strip stage in a release with these votes: value and n."""
    made = {name: pq.read_table(path).to_pylist() for name, (path,) in files(folder).items()}
    votes = [c.vote for c in carried_votes(votes_folder, folder)[0]]
    return {r["measure"]: (r["value"], r["n"]) for r in pages.scored(made | {"annotations": votes}) if r["language"] == "all"}


def test_pages_labelled_whole_say_what_the_strip_stage_is_worth(tmp_path):
    old = release(tmp_path / "harbour" / "1.0.0", {FIRST: {}, SAVED: {}}, early)
    sampled = sample_command(old, tmp_path / "work", "strip", 2, 1, ["a1"], 3)
    path, _ = export_command(old, sampled, "1", {})
    asked = json.loads(path.read_text())
    first, saved = FIRST.decode().split("\n\n"), SAVED.decode()
    assert {t["data"]["item"].strip() for t in asked} == {*first, saved}, "also what was removed"
    assert all(t["data"]["item"] in t["data"]["text"] for t in asked)
    answers = {first[0]: "paragraph", first[1]: "share", saved: "advertisement"}
    path.write_text(json.dumps([answered(task, {"answer": answers[task["data"]["item"].strip()]}) for task in asked]))
    done = import_command(old, [path], tmp_path / "annotations")
    assert len(done.votes) == 3 and not done.refused

    measures = ("lines on the wrong side", "pages without a fault", "unit right, of blocks kept rightly")
    found = judged(old, tmp_path / "annotations")
    assert [found[m] for m in measures] == [(0.3333, 3), (0.5, 2), (1.0, 1)]
    # A release that strips nothing is held against the same answers, though the stretch that was removed is no item of it.
    found = judged(release(tmp_path / "harbour" / "2.0.0", {FIRST: {}, SAVED: {}}), tmp_path / "annotations")
    assert [found[m] for m in measures] == [(0.6667, 3), (0.0, 2), (1.0, 1)]
    # A page of which something was not asked says nothing about pages.
    path.write_text(json.dumps([t for t in json.loads(path.read_text()) if t["data"]["item"].strip() != first[1]]))
    import_command(old, [path], tmp_path / "fewer")
    assert judged(old, tmp_path / "fewer")["pages without a fault"] == (0.0, 1)


def test_an_interval_of_pages_has_some_width():
    assert pages.wilson(0, 0) is None
    assert pages.wilson(10, 10) == (0.7225, 1.0)  # as R's binom.confint(10, 10, methods = "wilson")
    low, high = pages.wilson(3, 12)
    assert 0 < low < 0.25 < high < 1


def test_the_guideline_states_its_version(tmp_path):
    path = tmp_path / "GUIDELINE.md"
    path.write_text("# Annotation guideline, version 1.2\n\nversion 7\n")
    assert campaign.guideline_version(tmp_path) == "1.2"
    for text in ("", "# Annotation guideline\n\nversion 7\n"):
        path.write_text(text)
        with pytest.raises(CampaignError, match="no version"):
            campaign.guideline_version(tmp_path)
    with pytest.raises(CampaignError, match="no version"):
        campaign.guideline_version(tmp_path / "nowhere")


def test_another_answer_is_another_round_and_nothing_is_overwritten(tmp_path):
    folder = release(tmp_path / "x" / "1.0.0", {SAVED: {}})
    task = tasks(folder, sample(folder, "check_worthiness", 1, 1, ["a1"], 1), "1", {})["a1"][0]
    path, votes_folder = tmp_path / "e.json", tmp_path / "annotations"
    for answer, added in (("yes", 1), ("yes", 0), ("no", 1), ("no", 0), ("yes", 1)):
        path.write_text(json.dumps([answered(task, {"answer": answer})]))
        assert len(import_command(folder, [path], votes_folder).votes) == added
    votes, _ = read_votes(votes_folder)
    assert sorted((v["batch"], v["value"]) for v in votes) == [
        (f"check_worthiness-1.0.0-1{n}", v) for n, v in (("", "yes"), (".2", "no"), (".3", "yes"))
    ]
    assert [r["value"] for r in labels([v | {"carried": "unchanged"} for v in votes], {})[0]] == ["yes"]


def test_an_adjudicator_reads_the_words_that_were_marked(tmp_path):
    text = "Zoë said: “We sail \U0001f6a2.”"
    folder = release(tmp_path / "1.0.0", {text.encode(): {}})
    (task,) = tasks(folder, sample(folder, "attribution", 1, 1, ["a1"], 1), "1", {})["a1"]
    exported = []
    for name, words in (("a1", "“We sail \U0001f6a2.”"), ("a2", "We sail \U0001f6a2.")):
        mine = {"data": task["data"] | {"annotator": name}}
        exported.append(
            answered(mine, {"answer": "direct"}, [mark(text, words, "content", "UTF-16"), mark(text, "Zoë", "source", "UTF-16")])
        )
    votes, _ = votes_of(folder, exported)
    (decide,) = campaign.adjudication(folder, [v | {"carried": "unchanged"} for v in votes], "attribution", "j1", {})
    assert decide["data"]["answers"].split("\n") == [
        "1. content: We sail \U0001f6a2.; cue: ; source: Zoë; type: direct",
        "2. content: “We sail \U0001f6a2.”; cue: ; source: Zoë; type: direct",
    ]


@pytest.mark.parametrize("content", ["", "{}", "[", "\ufeff{}", "7"])
def test_a_file_that_is_no_export_is_said_in_one_line(tmp_path, content):
    (tmp_path / "e.json").write_text(content)
    with pytest.raises(CampaignError, match=r"e\.json"):
        import_command(release(tmp_path / "1.0.0", {PAGE: {}}), [tmp_path / "e.json"], tmp_path / "annotations")
    with pytest.raises(CampaignError, match=r"nowhere"):
        export_command(tmp_path / "1.0.0", tmp_path / "nowhere.jsonl", "1", {})
