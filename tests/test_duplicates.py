import hashlib
import random
import tempfile
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import duckdb
import polars as pl
import pytest

from flows.corpus.duplicates import clusters, differences, is_copy, near_duplicates
from flows.corpus.splits import NO_DAY, NO_OUTLET, assign
from tests.corpora import build, compared
from tests.corpora import corpus as articles

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


def test_differences_are_the_sentences_that_only_one_has():
    rows = [
        ("a", "a1", 0, "sentence", "The port was closed."),
        ("a", "a2", 1, "sentence", "Nobody was hurt."),
        ("b", "b1", 0, "sentence", "The port  was CLOSED"),
        ("b", "b2", 1, "paragraph", "Not a sentence."),
        ("b", "b3", 2, "sentence", "Two people were hurt."),
        ("c", "c1", 0, "sentence", "Nobody was hurt."),
    ]
    with duckdb.connect() as db:
        db.execute("CREATE TABLE segments (doc_id VARCHAR, segment_id VARCHAR, position INTEGER, unit VARCHAR, text VARCHAR)")
        db.executemany("INSERT INTO segments VALUES (?, ?, ?, ?, ?)", rows)
        assert differences(db, "b", "a") == [("b", "b3", "Two people were hurt."), ("a", "a2", "Nobody was hurt.")]


class Document(NamedTuple):
    doc_id: str
    group: str | None = None
    outlet: str | None = None
    date_published: str | None = None


def schemes_of(documents: list[Document], previous: dict[str, dict[str, str]]) -> dict[str, list[dict]]:
    """The rows of every scheme by doc_id; previous: by scheme, the split of each document of the last release."""
    with duckdb.connect() as db:
        db.execute('CREATE TABLE grouped (doc_id VARCHAR, "group" VARCHAR, outlet VARCHAR, date_published VARCHAR)')
        db.execute("CREATE TABLE standing (scheme VARCHAR, doc_id VARCHAR, split VARCHAR)")
        db.executemany("INSERT INTO grouped VALUES (?, ?, ?, ?)", documents)
        if standing := [(scheme, *row) for scheme, splits in previous.items() for row in splits.items()]:
            db.executemany("INSERT INTO standing VALUES (?, ?, ?)", standing)
        rows = db.execute(f"FROM ({assign(db)}) ORDER BY scheme, doc_id").to_arrow_table().to_pylist()
    return {scheme: list(found) for scheme, found in groupby(rows, itemgetter("scheme"))}


def assigned(scheme: str, documents: list[Document], previous: dict[str, str] | None = None) -> dict[str, dict]:
    return {row["doc_id"]: row for row in schemes_of(documents, {scheme: previous or {}})[scheme]}


def sides(rows: dict[str, dict]) -> dict[str, str]:
    return {doc_id: row["split"] for doc_id, row in rows.items()}


def grouped(**groups: str) -> list[Document]:
    return [Document(doc_id, group) for doc_id, group in groups.items()]


def test_a_group_is_never_parted_and_the_order_does_not_matter():
    documents = [Document(f"{n:020x}", f"{n - n % 3:020x}", f"outlet {n % 17}", f"2025-0{1 + n % 9}-1{n % 7}") for n in range(400)]
    schemes = schemes_of(documents, {})
    assert schemes == schemes_of(documents[::-1], {}) and len(schemes) == 4
    for rows in schemes.values():
        by_group: dict[str, set[str]] = {}
        for row in rows:
            by_group.setdefault(row["group_id"], set()).add(row["split"])
        assert all(len(splits) == 1 for splits in by_group.values())
        share = sum(r["split"] == "validation" for r in rows) / len(rows)
        assert 0.03 < share < 0.2 and {r["split"] for r in rows} == {"train", "validation"}
        again = schemes_of(documents, {rows[0]["scheme"]: {r["doc_id"]: r["split"] for r in rows}})[rows[0]["scheme"]]
        assert again == rows


def test_an_assignment_stands_and_a_newcomer_that_joins_two_sides_is_excluded():
    rows = assigned("story", grouped(a="a", b="a", c="a", d="d"), {"a": "train", "b": "validation"})
    assert rows["a"]["split"] == "train" and rows["b"]["split"] == "validation"
    assert rows["c"]["split"] == "excluded" and rows["c"]["reason"] == "joins documents of train and validation"
    again = assigned("story", grouped(b="b", c="b"), {"b": "validation", "c": "excluded"})
    assert again["c"]["split"] == "excluded" and again["c"]["reason"] == "excluded in an earlier release"


def test_a_newcomer_follows_the_group_it_joins():
    assert sides(assigned("story", grouped(a="a", n="a"), {"a": "validation"}))["n"] == "validation"


def test_the_latest_days_are_validation_and_the_day_between_stands():
    first = [Document(f"d{n:02}", None, None, f"2025-01-{n + 1:02}") for n in range(20)] + [
        Document("x", None, None, "2025-01"),
        Document("y"),
    ]
    found = assigned("time", first)
    assert [doc for doc, side in sides(found).items() if side == "validation"] == ["d18", "d19"]
    assert found["x"]["split"] == found["y"]["split"] == "excluded" and found["x"]["reason"] == NO_DAY
    later = [
        Document("p", None, None, "2025-01-18"),
        Document("q", None, None, "2025-01-19T08:00"),
        Document("r", None, None, "2025-03-01"),
    ]
    again = sides(assigned("time", [*first[:-1], Document("y", None, None, "2024-12-31"), *later], sides(found)))
    assert [again[d] for d in ("p", "q", "r", "x", "y")] == ["train", "validation", "validation", "excluded", "train"]
    assert {d: again[d] for d in sides(found) if d not in "xy"} == {d: s for d, s in sides(found).items() if d not in "xy"}


def test_one_day_alone_is_training_and_the_next_is_validation():
    first = [Document(f"d{n}", None, None, "2025-01-01") for n in range(20)]
    assert set(sides(assigned("time", first)).values()) == {"train"}
    again = sides(assigned("time", [*first, Document("n", None, None, "2025-01-02")], sides(assigned("time", first))))
    assert again["n"] == "validation" and again["d0"] == "train"


def test_outlets_are_held_out_whole():
    documents = [Document(f"{n:03}", None, f"outlet {n % 12}") for n in range(120)] + [Document("x")]
    found = assigned("outlet", documents)
    assert {found[f"{n:03}"]["split"] for n in range(120) if found[f"{n:03}"]["split"] == "validation"} == {"validation"}
    by_outlet = {n % 12: found[f"{n:03}"]["split"] for n in range(120)}
    assert all(found[f"{n:03}"]["split"] == by_outlet[n % 12] for n in range(120)) and list(by_outlet.values()).count("validation") in (
        1,
        2,
    )
    assert (found["x"]["split"], found["x"]["reason"]) == ("excluded", NO_OUTLET)
    held = next(n for n, side in by_outlet.items() if side == "validation")
    again = sides(assigned("outlet", [*documents, Document("y", None, f"outlet {held}"), Document("z", None, "a new one")], sides(found)))
    assert again["y"] == "validation" and again["z"] == "train"


def test_what_was_linked_and_assigned_in_one_release_stands_in_the_next(tmp_path):
    articles(tmp_path / "c", 6)
    text = (tmp_path / "c" / "00.txt").read_text(encoding="utf-8")
    (tmp_path / "c" / "copy.txt").write_text(text.replace("eleven million", "twelve million"), encoding="utf-8")
    assert build(tmp_path / "c", tmp_path / "dist") == 0
    first, second = (tmp_path / "dist" / "c" / version for version in ("1.0.0", "1.1.0"))
    before = pl.read_parquet(first / "data" / "documents" / "*.parquet")
    (name,) = before["duplicate_cluster"].drop_nulls().unique()
    n = next(n for n in range(1000) if hashlib.sha256(f"{text}\n\nNumber {n} in the series.\n".encode()).hexdigest() < name)
    (tmp_path / "c" / "another copy.txt").write_text(f"{text}\n\nNumber {n} in the series.\n", encoding="utf-8")
    assert build(tmp_path / "c", tmp_path / "dist") == 0
    found = pl.read_parquet(second / "data" / "documents" / "*.parquet")
    assert found.filter(pl.col("doc_id").is_in(before["doc_id"].implode())).equals(before)
    (new,) = found.filter(~pl.col("doc_id").is_in(before["doc_id"].implode())).iter_rows(named=True)
    assert new["doc_id"] < name and new["duplicate_of"] == new["duplicate_cluster"] == new["story_cluster"] == name
    splits, old = (pl.read_parquet(r / "data" / "splits" / "*.parquet") for r in (second, first))
    assert (
        splits.filter(pl.col("doc_id") != new["doc_id"]).select("scheme", "doc_id", "split").equals(old.select("scheme", "doc_id", "split"))
    )
    assert splits.filter(scheme="story", group_id=splits.filter(scheme="story", doc_id=name)["group_id"][0])["split"].n_unique() == 1
