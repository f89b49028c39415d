"""Stories: reports of one event are linked, others are not, and a link never goes."""

import json
import random
import tempfile
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.corpus.stories import WINDOW, alike, same_story, shared
from flows.stages.fingerprint_names import consonants, said
from tests.corpora import SEEDS, compared

EVENTS = json.loads((Path(__file__).parent / "cases" / "stories.json").read_text(encoding="utf-8"))
REPORTS = {f"{event['event']}-{n}": (event["event"], report) for event in EVENTS for n, report in enumerate(event["reports"])}


def pairs(rows: list[tuple]) -> list[tuple[str, str]]:
    """rows: (doc_id, text, language, date_published, date_not_before)."""
    with duckdb.connect() as db, tempfile.TemporaryDirectory() as spill:
        compared(db, rows)
        return same_story(db, Path(spill))


def row(doc_id: str, published: str | None = None, not_before: str | None = None) -> tuple:
    report = REPORTS[doc_id][1]
    return doc_id, report["text"], report["language"], published or report["date_published"], not_before


def facts(doc_id: str) -> list[str]:
    return sorted(said(REPORTS[doc_id][1]["text"], REPORTS[doc_id][1]["language"]))


@pytest.mark.parametrize("one,other", list(combinations(REPORTS, 2)))
def test_reports_are_alike_where_they_are_on_one_event(one, other):
    assert alike(facts(one), facts(other)) == alike(facts(other), facts(one)) == (REPORTS[one][0] == REPORTS[other][0])


def test_pairs_are_those_of_one_event_whatever_the_order():
    rows = [row(doc_id) for doc_id in REPORTS]
    wanted = [tuple(sorted(pair)) for pair in combinations(REPORTS, 2) if REPORTS[pair[0]][0] == REPORTS[pair[1]][0]]
    assert pairs(rows) == pairs(rows[::-1]) == sorted(wanted)


def test_of_the_specimens_only_reports_of_one_event_are_linked():
    cases = json.loads((SEEDS.parent / "tests" / "cases" / "specimens.json").read_text(encoding="utf-8"))
    rows = [
        (
            c["path"],
            (SEEDS / "captures" / c["path"]).read_bytes().decode(c.get("encoding", "utf-8"), "replace"),
            c["language"],
            c.get("date_published"),
            None,
        )
        for c in cases
        if c["outcome"] == "document"
    ]
    assert pairs(rows) == [
        ("khazar_review/2025-03-11_the-corridor.txt", "khazar_review/2025-04-02_the-corridor.txt"),
        ("korpu/az/qizil-korpu-novbe.txt", "korpu/en/qizil-korpu-queue.txt"),
        ("meridian_dispatch/port-inspection-wire.txt", "port_saren_gazette/batumi-vote.txt"),
    ]


def test_what_appeared_later_than_the_window_is_another_story():
    one, other = "ferry-collision-0", "ferry-collision-1"
    day = date.fromisoformat(REPORTS[one][1]["date_published"])
    assert pairs([row(one), row(other, f"{day + timedelta(WINDOW)}T09:30")]) == [(one, other)]
    assert pairs([row(one), row(other, f"{day + timedelta(WINDOW + 1)}")]) == []


def test_without_a_day_of_publication_the_latest_the_text_speaks_of_counts_and_without_any_nothing_is_linked():
    one, other = "ferry-collision-0", "ferry-collision-1"
    _, text, language, *_ = row(other)
    assert pairs([row(one), (other, text, language, "2025-02", "2025-02-03")]) == [(one, other)]
    assert pairs([row(one), (other, text, language, "2025-02", None)]) == pairs([row(one), (other, text, language, None, None)]) == []


def test_a_pair_stays_whatever_is_added():
    rng, names = random.Random(2), ["Varosh", "Kelinda", "Tolkun", "Ashgate", "Perevoz", "Lindqvist", "Beridze", "Orbel"]
    rows = [row(doc_id) for doc_id in REPORTS]
    before = set(pairs(rows))
    for n in range(100):
        text = " ".join(f"the {rng.choice(names)} and the {rng.choice(names)} saw {rng.randint(13, 99)} ships," for _ in range(20))
        rows.append((f"other-{n}", text, "en", f"2025-02-{1 + n % 7:02}", None))
    assert before <= set(pairs(rows))


@pytest.mark.parametrize(
    "spellings",
    [
        ("Talibzade", "Talıbzadə", "Талыбзаде"),
        ("Khachaturian", "Хачатурян", "Khatchaturian"),
        ("Rustamov", "Рустамов", "Roustamov"),
        ("Shirvan", "Şirvan", "Ширван", "Chirvan"),
        ("Papandreou", "Παπανδρέου"),
    ],
)
def test_one_name_in_several_spellings(spellings):
    assert len({consonants(name) for name in spellings}) == 1


def test_another_ending_is_as_good_as_a_weak_name():
    assert shared(["vrtn"], ["vrtnm"]) == (0, 0.5) and shared(["vrtn"], ["vrtn"]) == (0, 1.0) and shared(["vrtn"], ["vrtkm"]) == (0, 0)
    assert shared(["#214"], ["#2145"]) == (0, 0) and shared(["#214"], ["#214"]) == (1.5, 0)


@pytest.mark.parametrize(
    "text,language,found",
    [
        ("Yesterday in Varosh it was 3,650 tonnes, 3.650 tonnes, 3 650 tonnes.", "en", {"vrs", "#3650"}),
        ("It cost 2.4 or 2,4 million and 1,234.5 more; in 2024 it was 7 or 12.", "en", {"#2.4", "#1234.5"}),
        ("We counted 13, 14, 15, 16 and 99 of them on a Tuesday in February.", "en", {"#99"}),
        ("Gestern sprach der Minister in der Stadt mit Petra Lindqvist über die Ernte.", "de", {"btr", "lntkvst"}),
        ("A Line Written In Title Case Names Nobody Called Lindqvist", "en", set()),
        ("در سال گذشته ۲۱۴ مسافر", "fa", {"#214"}),
        ("the iPhone of O’Lindqvist, x214 and 214x", "en", set()),
        ("", None, set()),
    ],
)
def test_what_is_said(text, language, found):
    assert said(text, language) == found


@given(st.text(max_size=400), st.sampled_from([None, "en", "de", "ru"]))
def test_any_text_can_be_read_and_is_like_itself_or_says_too_little(text, language):
    found = sorted(said(text, language))
    assert all(fact.startswith("#") or len(fact) >= 3 for fact in found)
    figures, names = shared(found, found)
    assert alike(found, found) == (figures >= 2.5 or figures + names >= 4.5)
