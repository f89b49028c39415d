"""Near-duplicates on specimens with known edits: `python -m tests.benchmarks.near_duplicates [SEED]`; how long near-duplicates
and stories take on N generated articles of one year, on one core with 1 GB: `python -m tests.benchmarks.near_duplicates --scale N`.

Sources are the articles of the example corpus and generated ones. Copies have 5 to 30 % of their words replaced, removed, put in
or all of it; some have sentences cut or a paragraph added as well. Among them stand other articles on the same subjects, half of
which quote a fifth of a source. Generated text has the function words, recurring phrases and names that articles on one subject
share. Prints recall and precision of pairs: a pair is found where both are in one cluster.
"""

import random
import resource
import sys
import tempfile
import time
from collections import Counter
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path

import duckdb

from flows.corpus.duplicates import clusters, near_duplicates
from flows.corpus.stories import same_story
from tests.corpora import compared

SEEDS = Path(__file__).parents[2] / "seeds" / "captures"
SUBJECTS, SOURCES, DISTRACTORS, COPIES_OF_SEEDS = 40, 620, 552, 12
FUNCTION = (
    "the of and to in a that was for on is it with as by at he said from be had not but they have are which this an were or who would "
    "his been has their its there more will one after two about when no if all she could into than other some what only over"
).split()
SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "or", "is")]


class Subject:
    """What articles on one subject share: its words, names and turns of phrase, beside those of the language."""

    def __init__(self, rng: random.Random, language: list[str], phrases: list[list[str]]):
        self.rng, self.phrases = rng, phrases + [rng.choices(FUNCTION + language, k=rng.randint(2, 5)) for _ in range(8)]
        self.own, self.language = [word(rng) for _ in range(120)], language
        self.names = [word(rng).title() for _ in range(12)]

    def sentence(self) -> str:
        words = []
        for _ in range(self.rng.randint(8, 24)):
            pools = (FUNCTION, self.language, self.own, self.names)
            pool = self.rng.choices(pools, (45, 25, 22, 8))[0]
            words.append(pool[int(len(pool) * self.rng.random() ** 2)])  # the first are the most frequent
        if self.rng.random() < 0.4:
            words[3:3] = self.rng.choice(self.phrases)
        return " ".join(words).capitalize() + "."

    def article(self) -> list[str]:
        return [self.sentence() for _ in range(self.rng.randint(8, 30))]


def word(rng: random.Random) -> str:
    return "".join(rng.choices(SYLLABLES, k=rng.randint(2, 3)))


def edited(sentences: list[str], subject: Subject, rng: random.Random) -> tuple[str, str]:
    """(what was done, the copy)."""
    kind, share = rng.choice(["replaced", "removed", "put in", "all three"]), rng.uniform(0.05, 0.3)
    done, sentences = f"{kind}, {'5 to 20' if share < 0.2 else '20 to 30'} %", list(sentences)
    if rng.random() < 0.3:
        done += ", sentences cut"
        for _ in range(max(1, len(sentences) // 10)):
            sentences.pop(rng.randrange(len(sentences)))
    words = []
    for old in " ".join(sentences).split():
        how = rng.choice(["replaced", "removed", "put in"]) if kind == "all three" else kind
        if rng.random() >= share or how == "put in":
            words.append(old)
            how = how if rng.random() < share else ""
        if how in ("replaced", "put in"):
            words.append(subject.sentence().split()[rng.randrange(8)])
    if rng.random() < 0.3:
        done += ", paragraph added"
        words += " ".join(subject.sentence() for _ in range(max(1, len(sentences) // 8))).split()
    return done, " ".join(words)


def specimens(seed: int) -> list[tuple[str, str, str]]:
    """(source, what was done to it, text); a distractor is its own source."""
    rng = random.Random(seed)
    language, phrases = [word(rng) for _ in range(3000)], [rng.choices(FUNCTION, k=3) for _ in range(30)]
    subjects = [Subject(rng, language, phrases) for _ in range(SUBJECTS)]
    sources = [(subject, subject.article()) for subject in rng.choices(subjects, k=SOURCES)]
    made = [(f"generated {i}", "source", " ".join(s)) for i, (_, s) in enumerate(sources)]
    made += [(f"generated {i}", *edited(s, subject, rng)) for i, (subject, s) in enumerate(sources)]
    for i in range(DISTRACTORS):
        subject, quoted = rng.choice(sources)
        own = subject.article()
        quotes = rng.sample(quoted, len(own) // 4) if i % 2 else []
        made.append((f"distractor {i}", "distractor", " ".join(own + [q for q in quoted if q in quotes])))
    for path in sorted(SEEDS.rglob("*.txt")):
        try:
            text = path.read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            continue
        if len(lines := [line.strip() for line in text.splitlines() if len(line.split()) > 8]) > 4 and path.parent.name != "inbox":
            made.append((f"seed {path.stem[11:] if path.stem[:2] == '20' else path.stem}", "source", " ".join(lines)))
            made += [(made[-1][0], *edited(lines, subjects[0], rng)) for _ in range(COPIES_OF_SEEDS)]
    return made


def main(seed: int) -> None:
    made = specimens(seed)
    with tempfile.TemporaryDirectory() as spill, duckdb.connect() as db:
        start = time.perf_counter()
        compared(db, [(f"{i:06}", text, None, None, None) for i, (_, _, text) in enumerate(made)])
        found = clusters(near_duplicates(db, Path(spill)))
        seconds = time.perf_counter() - start
    by_source: dict[str, list[int]] = {}
    for i, (source, *_) in enumerate(made):
        by_source.setdefault(source, []).append(i)
    name = {i: found.get(f"{i:06}", f"{i:06}") for i in range(len(made))}
    wanted = [pair for group in by_source.values() for pair in combinations(group, 2)]
    joined: Counter[str] = Counter(name.values())
    n_joined, hits = sum(n * (n - 1) // 2 for n in joined.values()), [pair for pair in wanted if name[pair[0]] == name[pair[1]]]
    print(
        f"{len(made)} specimens, seed {seed}, {seconds:.1f} s: recall {len(hits) / len(wanted):.4f}, precision {len(hits) / n_joined:.4f}"
    )
    for done in sorted({m[1] for m in made} - {"source", "distractor"}):
        copies = [i for i, m in enumerate(made) if m[1] == done]
        print(f"  {done:60} {sum(name[i] == name[by_source[made[i][0]][0]] for i in copies):4} of {len(copies):4}")


def articles(n: int, seed: int = 1):
    """(doc_id, text, language, date_published, date_not_before) of n articles; one in ten is on the event of the one before, one in
    twenty its copy."""
    rng = random.Random(seed)
    language = [word(rng) for _ in range(3000)]
    subjects = [Subject(rng, language, []) for _ in range(n // 100 + 1)]
    for i in range(n):
        kind = rng.random() if i else 1
        if kind > 0.15:
            subject, day = rng.choice(subjects), date(2025, 1, 1) + timedelta(rng.randrange(365))
            facts = rng.sample(subject.names, 6) + [word(rng).title() for _ in range(5)] + [str(rng.randint(13, 9999)) for _ in range(6)]
        if kind > 0.05:
            sentences = [subject.sentence() for _ in range(17)]
            text = "\n\n".join(f"{s[:-1]} with {fact}." for s, fact in zip(sentences, facts, strict=True))
        yield f"{rng.getrandbits(80):020x}", text, "en", day.isoformat(), None


def scale(n: int) -> None:
    with (
        tempfile.TemporaryDirectory() as spill,
        duckdb.connect(config={"threads": 1, "memory_limit": "1GB", "temp_directory": spill}) as db,
    ):
        start = time.process_time()
        compared(db, articles(n))
        print(f"{n:,} articles, made and read: {time.process_time() - start:.1f} s of one core")
        for find in (near_duplicates, same_story):
            start = time.process_time()
            pairs = find(db, Path(spill))
            looked = db.execute("SELECT COUNT(*) FROM candidates").fetchone()[0]
            seconds = time.process_time() - start
            print(f"{n:,} articles, {find.__name__}: {seconds:.1f} s of one core, {looked:,} candidates, {len(pairs):,} pairs")
    print(f"at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB, the generated text included")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--scale"]:
        scale(int(sys.argv[2]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
