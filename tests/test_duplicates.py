"""Near-duplicates: copies with changes are found whatever the order, and a cluster only grows."""

import random
import tempfile
from pathlib import Path

import duckdb
import pytest

from flows.corpus.duplicates import clusters, is_copy, near_duplicates
from tests.corpora import compared

VOCABULARY = [
    a + b + c for a in ("ba", "se", "qo", "mi", "tu") for b in ("ren", "lim", "dor", "kas", "vet") for c in ("a", "o", "is", "un", "")
]


def article(seed: int, words: int = 300) -> list[str]:
    return random.Random(seed).choices(VOCABULARY, k=words)


def edited(words: list[str], share: float, seed: int) -> list[str]:
    rng = random.Random(seed)
    return [rng.choice(VOCABULARY) if rng.random() < share else w for w in words]


def pairs(texts: dict[str, str]) -> list[tuple[str, str]]:
    with duckdb.connect() as db, tempfile.TemporaryDirectory() as spill:
        compared(db, ((doc_id, text, None, None, None) for doc_id, text in texts.items()))
        return near_duplicates(db, Path(spill))


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


def test_a_cluster_keeps_its_name_and_an_older_document_is_never_the_copy_of_a_newer():
    links = [("a", "m"), ("m", "z"), ("b", "x"), ("x", "y")]
    assert clusters(links, {"m": "m", "z": "m", "x": None}) == {"a": "m", "m": "m", "z": "m", "b": "x", "x": "x", "y": "x"}
    assert clusters([*links, ("z", "y")], {"m": "m", "z": "m", "x": "x", "y": "x"})["y"] == "m"
    assert clusters([("b", "c")], {"a": "a", "b": "a", "c": "a"}) == {"b": "b", "c": "b"}  # that which named it was withdrawn


def test_moved_paragraphs_are_a_copy_and_a_long_quotation_is_not():
    one, other = article(1, 400), article(2, 400)
    assert is_copy(" ".join(one), " ".join(one[250:] + one[:250]))
    assert not is_copy(" ".join(one), " ".join(other + one[:130]))


@pytest.fixture(scope="module")
def corpus() -> dict[str, str]:
    rng, texts = random.Random(5), {}
    for n in range(60):
        words = article(n, rng.randint(60, 300))
        for _ in range(1 + n % 4):
            texts[f"{rng.getrandbits(80):020x}"] = " ".join(edited(words, rng.uniform(0.02, 0.15), rng.randrange(1000)))
    return texts


def test_the_order_of_the_input_does_not_matter(corpus):
    assert pairs(corpus) == pairs(dict(reversed(corpus.items()))) == pairs(dict(sorted(corpus.items())))


def test_a_cluster_never_splits_nor_changes_its_name_as_the_corpus_grows(corpus):
    ids, standing = list(corpus), {}
    for size in (40, 80, 120, len(ids)):
        here = ids[:size]
        now = clusters(pairs({doc: corpus[doc] for doc in here}), standing)
        assert {doc: now.get(doc) for doc, cluster in standing.items() if cluster} == {doc: c for doc, c in standing.items() if c}
        standing = {doc: now.get(doc) for doc in here}
    assert len(set(standing.values())) == 46  # the 45 texts of which there are two and more, and those alone


def test_one_text_in_many_outlets_is_one_cluster():
    words = article(3)
    found = clusters(pairs({f"{n:03}": " ".join(edited(words, 0.1, n)) for n in range(40)}))
    assert set(found.values()) == {"000"} and len(found) == 40
