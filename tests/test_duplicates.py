import random

import duckdb
import pytest

from flows.corpus.duplicates import clusters, near_duplicates
from flows.corpus.splits import assign

VOCABULARY = [a + b + c for a in ("ba", "se", "qo", "mi", "tu") for b in ("ren", "lim", "dor", "kas", "vet") for c in ("a", "o", "is", "un", "")]


def article(seed: int, words: int = 300) -> list[str]:
    return random.Random(seed).choices(VOCABULARY, k=words)


def edited(words: list[str], share: float, seed: int) -> list[str]:
    rng = random.Random(seed)
    return [rng.choice(VOCABULARY) if rng.random() < share else w for w in words]


def pairs(texts: dict[str, str]) -> list[tuple[str, str]]:
    with duckdb.connect() as db:
        db.execute("CREATE TABLE documents (doc_id VARCHAR, text VARCHAR)")
        for row in texts.items():
            db.execute("INSERT INTO documents VALUES (?, ?)", row)
        return near_duplicates(db)


def test_copies_with_every_tenth_word_changed_are_found_and_strangers_are_not():
    texts = {}
    for n in range(40):
        words = article(n)
        texts[f"a{n:02}"], texts[f"b{n:02}"] = " ".join(words), " ".join(edited(words, 0.1, n))
    assert pairs(texts) == [(f"a{n:02}", f"b{n:02}") for n in range(40)]


@pytest.mark.parametrize("texts", [{}, {"a": "short", "b": "short"}, {"a": "", "b": ""}])
def test_what_says_too_little_is_no_copy(texts):
    assert pairs(texts) == []


def test_scripts_without_spaces_are_compared_by_character():
    text = "港口部长们在会议上讨论了渡轮时间表和关税问题随后发表了一份简短声明说谈判将继续进行"
    assert pairs({"a": text, "b": text.replace("简短", "长长")}) == [("a", "b")]


def test_clusters_join_what_is_connected_under_the_smallest():
    assert clusters([("b", "c"), ("a", "c"), ("x", "y")]) == {"a": "a", "b": "a", "c": "a", "x": "x", "y": "x"}


def test_a_group_is_never_parted_and_the_order_does_not_matter():
    ids = [f"{n:020x}" for n in range(400)]
    group_of = {doc: ids[n - n % 3] for n, doc in enumerate(ids)}
    rows = assign(ids, group_of, {})
    assert rows == assign(ids[::-1], group_of, {})
    by_group: dict[str, set[str]] = {}
    for row in rows:
        by_group.setdefault(row["group_id"], set()).add(row["split"])
    assert all(len(splits) == 1 for splits in by_group.values())
    share = sum(r["split"] == "validation" for r in rows) / len(rows)
    assert 0.03 < share < 0.2 and {r["split"] for r in rows} == {"train", "validation"}


def test_an_assignment_stands_and_a_newcomer_that_joins_two_sides_is_excluded():
    previous = {"a": "train", "b": "validation"}
    rows = {r["doc_id"]: r for r in assign(["a", "b", "c", "d"], {"a": "a", "b": "a", "c": "a"}, previous)}
    assert rows["a"]["split"] == "train" and rows["b"]["split"] == "validation"
    assert rows["c"]["split"] == "excluded" and rows["c"]["reason"] == "joins documents of train and validation"
    again = {r["doc_id"]: r for r in assign(["b", "c"], {"b": "b", "c": "b"}, {"b": "validation", "c": "excluded"})}
    assert again["c"]["split"] == "excluded" and again["c"]["reason"] == "excluded in an earlier release"


def test_a_newcomer_follows_the_group_it_joins():
    (row,) = [r for r in assign(["a", "n"], {"a": "a", "n": "a"}, {"a": "validation"}) if r["doc_id"] == "n"]
    assert row["split"] == "validation"
