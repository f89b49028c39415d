"""Stories: documents on the same event in different words, or in another language.

Two documents are linked where they appeared within days of each other and name largely the same people, places and figures.
Names are compared by their consonants in Latin script, so that spelling, inflection and alphabet matter little (cf. Philips,
"Hanging on the Metaphone", 1990). Whether two are linked depends on these two alone, so a story only ever grows as the corpus
does. Made to be right rather than complete: where names or figures are few, or the day is not known, nothing is linked.
Scripts without capital letters give figures only. No text is changed here.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache

import duckdb
import pyarrow as pa
from anyascii import anyascii

from flows.corpus.duplicates import Pair, batches, candidates, fetched, insert

# Days between two reports of one event: a translation takes a day or two, a weekly comes later and is left out.
WINDOW = 3
# Characters that are read: what an article is about stands at its beginning; of a live blog or a book, no more is compared.
READ = 20_000
# What two reports must have in common: evidence (below), and a share of the evidence both have (Dice). Of 5,800 pairs within WINDOW
# among 1,100 saved news pages in a dozen languages nine are linked, each on one event; of the ten that come next, four might be.
MIN_EVIDENCE, MIN_SHARE = 4.5, 0.42
MIN_FIGURES, MIN_SHARE_WITH_FIGURES = 2.5, 0.3
# Reports of a series (markets, weather) name the same from day to day: where both have figures, so many of the lesser are shared.
MIN_SHARE_OF_FIGURES = 0.2
# A name of three consonants may be many names; a round number or one of two digits many things.
WEAK, PLAIN, STRONG = 0.5, 1.0, 1.5
# 128 bands of two rows, two of which must agree: of pairs that have a fifth of all their names and figures in common 96 % are looked
# at, of those with a quarter 99 %.
BANDS, ROWS, AGREEING = 128, 2, 2
LEAST = 5  # names and figures of a document that can be compared at all

UPPER = "".join(c for c in map(chr, range(0x2000)) if unicodedata.category(c) == "Lu")
NAME = re.compile(rf"[{UPPER}]\w+")
ENDS = '.!?…:;»”"“«—–-•*('  # a capital letter after one of these may begin a sentence
CALENDAR = frozenset(
    "january february march april may june july august september october november december "
    "monday tuesday wednesday thursday friday saturday sunday".split()
)
NUMBER = re.compile(r"\d{1,15}(?:[.,\u00a0\u202f ]\d{3}){0,4}(?:[.,]\d{1,2})?(?!\w)")
TITLE_CASE = 0.6  # share of capitalised words that makes a line a heading, which says nothing of which words are names
SIBILANTS = str.maketrans("çčć", "sss")
SOUNDS = [(re.compile(a), b) for a, b in (
    ("dzh|tsch|sch|tch|zh|sh|ch|ts|tz|c(?=[eiy])|j", "s"), ("ph|w|f", "v"), ("kh|gh|ck|[cgqhx]", "k"), ("th|d", "t"), ("p", "b"),
    ("z", "s"), ("(?<!^)[aeiouy]|[^a-z]", ""), ("^[aeiouy]", "a"), (r"(.)\1+", r"\1"),
)]  # fmt: skip


def same_story(db: duckdb.DuckDBPyConnection) -> list[Pair]:
    """Pairs (smaller doc_id, larger doc_id) of documents on one event, sorted.

    Reads the view `documents` (doc_id, text, language, date_published, date_not_before). The day of a document is that of its
    publication, or else the latest it speaks of.
    """
    db.execute(
        """
        CREATE OR REPLACE TABLE numbered AS
        SELECT (ROW_NUMBER() OVER (ORDER BY day, doc_id))::INTEGER AS doc, doc_id, day FROM (
            SELECT doc_id, COALESCE(TRY_CAST(LEFT(date_published, 10) AS DATE), TRY_CAST(LEFT(date_not_before, 10) AS DATE)) AS day
            FROM documents WHERE text IS NOT NULL
        ) WHERE day IS NOT NULL
        """
    )
    db.execute("CREATE OR REPLACE TABLE facts (doc INTEGER, said VARCHAR[])")
    texts = db.cursor().execute("SELECT n.doc, LEFT(d.text, $1), d.language FROM documents d JOIN numbered n USING (doc_id)", [READ])
    for batch in batches((doc, sorted(said(text, language))) for doc, text, language in fetched(texts)):
        docs, facts = zip(*batch, strict=True)
        insert(db, "facts", pa.table([pa.array(docs, pa.int32()), pa.array(facts, pa.list_(pa.string()))], names=["doc", "said"]))
    candidates(db, fetched(db.cursor().execute("FROM facts")), LEAST, BANDS, ROWS, AGREEING)
    pairs = db.cursor().execute(
        """
        SELECT LEAST(a.doc_id, b.doc_id), GREATEST(a.doc_id, b.doc_id), x.said, y.said FROM candidates c
        JOIN numbered a ON a.doc = c.first JOIN facts x ON x.doc = c.first
        JOIN numbered b ON b.doc = c.second JOIN facts y ON y.doc = c.second
        WHERE b.day - a.day <= $1
        """,
        [WINDOW],
    )
    return sorted((a, b) for a, b, one, other in fetched(pairs) if alike(one, other))


def alike(one: Collection[str], other: Collection[str]) -> bool:
    """Whether what two documents say, as `said` gives it, tells of one event."""
    figures, names = shared(one, other)
    total = sum(map(_weight, one)) + sum(map(_weight, other))
    share = round(2 * (figures + names) / max(1, total), 6)
    if figures >= MIN_FIGURES:
        return share >= MIN_SHARE_WITH_FIGURES
    if figures + names < MIN_EVIDENCE or share < MIN_SHARE:
        return False
    least = min(sum(_weight(fact) for fact in facts if fact.startswith("#")) for facts in (one, other))
    return least < MIN_FIGURES or round(figures / least, 6) >= MIN_SHARE_OF_FIGURES


def shared(one: Iterable[str], other: Iterable[str]) -> tuple[float, float]:
    """The weight of the figures and of the names that both have. Names that differ in their ending count as a weak one."""
    one, other = set(one), set(other)
    same = one & other
    figures = sum(_weight(fact) for fact in same if fact.startswith("#"))
    names = sum(_weight(fact) for fact in same if not fact.startswith("#"))
    rest: dict[str, list[str]] = {}
    for name in other - same:
        rest.setdefault(name[:3], []).append(name)
    endings = [tuple(sorted((a, b))) for a in one - same if not a.startswith("#") for b in rest.get(a[:3], ()) if _inflected(a, b)]
    matched: set[str] = set()
    for pair in sorted(endings):
        if matched.isdisjoint(pair):
            matched.update(pair)
            names += WEAK
    return figures, names


def said(text: str, language: str | None) -> set[str]:
    """The names in a text as `consonants`, and its figures as `#` and the number."""
    names = {consonants(name) for line in text.split("\n") for name in _names(line, language)}
    return {name for name in names if len(name) >= 3} | _figures(text)


@lru_cache(maxsize=100_000)
def consonants(name: str) -> str:
    """The consonants of a name in ten classes that survive transliteration, and whether it begins with a vowel."""
    sounds = anyascii(name.casefold().translate(SIBILANTS)).lower()
    for pattern, sound in SOUNDS:
        sounds = pattern.sub(sound, sounds)
    return sounds


def _names(line: str, language: str | None) -> Iterator[str]:
    """Capitalised words that do not begin a sentence. German writes every noun so: there only those beside another one count."""
    found = list(NAME.finditer(line))
    if not found or len(found) > TITLE_CASE * (line.count(" ") + 1):
        return
    for i, m in enumerate(found):
        before = line[max(0, m.start() - 3) : m.start()]
        if not before.strip() or before.rstrip()[-1] in ENDS or before[-1].isalnum() or before[-1] in "'’_" or m[0].casefold() in CALENDAR:
            continue
        beside = (i and found[i - 1].end() + 1 == m.start()) or (i + 1 < len(found) and m.end() + 1 == found[i + 1].start())
        if language != "de" or beside:
            yield m[0]


def _figures(text: str) -> set[str]:
    """Numbers that stand for something: no small ones, no years, none that counts on from the one before (lists)."""
    found = set()
    for m in NUMBER.finditer(text):
        if m.start() and (text[m.start() - 1].isalnum() or text[m.start() - 1] in "_.,"):
            continue
        whole, point, part = re.sub(r"[\s\u00a0\u202f]|[.,](?=\d{3}(?!\d))", "", m[0]).replace(",", ".").partition(".")
        number = int(whole)
        if point or not (number <= 12 or 1900 <= number <= 2100):
            found.add(f"#{number}{point}{part and int(part):0{len(part)}}" if point else f"#{number}")
    return {f for f in found if "." in f or len(f) > 3 or not {f"#{int(f[1:]) - 1}", f"#{int(f[1:]) + 1}"} & found}


def _inflected(one: str, other: str) -> bool:
    """Whether one is the other and an ending of one or two consonants: shorter than the name."""
    short, long = sorted((one, other), key=len)
    return long.startswith(short) and len(long) - len(short) < min(3, len(short) - 1)


@lru_cache(maxsize=100_000)
def _weight(fact: str) -> float:
    if not fact.startswith("#"):
        return WEAK if len(fact) == 3 else PLAIN
    digits = fact[1:].rstrip("0")
    if "." in fact or len(digits) > 2 or (len(fact) > 3 and len(digits) > 1):
        return STRONG
    return PLAIN if len(digits) == 2 else WEAK
