"""The report in a real browser with the network cut: no request, no script, nothing captured that runs or hides."""

import os
import re
import shutil
from pathlib import Path

import duckdb
import pytest

from flows.release.report import PARTED, visible
from tests.corpora import build, corpus

CHROMIUM = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
FLAGS = ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
HOSTILE = (
    "</script><script>document.title='run'</script> <img src=x onerror=alert(1)> <svg onload=alert(1)> <a href='javascript:alert(1)'>x</a> "
    "{{ 7 * 7 }} \u202etxet desrever\u202c " + "w" * 1_000_000
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def release(tmp_path_factory) -> Path:
    """A release with hostile words in title, body, outlet and path."""
    place = tmp_path_factory.mktemp("report")
    folder = corpus(place / "c", 3)
    page = (folder / "01.txt").read_text(encoding="utf-8").replace("Nobody called", f"{HOSTILE} Nobody called")
    os.rename(folder / "01.txt", folder / "<img src=x onerror=alert(1)>.txt")
    hostile = page.replace("Orbelan, Again", "Orbelan <b onclick=alert(1)>Again")
    (folder / "<img src=x onerror=alert(1)>.txt").write_text(hostile, encoding="utf-8")
    (folder / "captures.csv").write_text('path,outlet\n02.txt,"<script>alert(1)</script>"\n')
    (folder / "empty.txt").touch()
    assert build(folder, place / "dist") == 0
    return place / "dist" / "c" / "1.0.0"


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_every_page_opens_without_a_request_an_error_or_a_sideways_scroll(release, browser, width, scheme):
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True)
    page = context.new_page()
    requests, errors = [], []
    page.on("request", lambda r: requests.append(r.url))
    page.on("console", lambda m: errors.append(m.text))
    page.on("pageerror", lambda e: errors.append(str(e)))
    page.on("dialog", lambda d: errors.append(d.message))
    report = release / "report"
    pages = [report / "index.html", *sorted((report / "documents").glob("*.html"))]
    assert len(pages) == 4
    for path in pages:
        requests.clear()
        page.goto(path.as_uri())
        assert requests == [path.as_uri()] and errors == []
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert page.evaluate("document.querySelectorAll('script, img, iframe, link, [onerror], [onload], [onclick], [style]').length") == 0
        assert page.title() != "run"
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", background)[:3])) < 200) is (scheme == "dark")
    context.close()


def test_documents_are_reached_by_the_keyboard_and_show_what_was_removed(release, browser):
    page = browser.new_page()
    page.goto((release / "report" / "index.html").as_uri())
    for _ in range(40):
        page.keyboard.press("Tab")
        if "documents/" in (page.evaluate("document.activeElement.getAttribute('href')") or ""):
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/documents/*.html")
    assert "Follow us on:" in page.locator(".removed").all_inner_texts()[-1]
    page.close()


def test_captured_words_stay_words_and_what_is_invisible_is_shown(release, browser):
    page = browser.new_page()
    texts = []
    for path in sorted((release / "report" / "documents").glob("*.html")):
        page.goto(path.as_uri())
        texts.append(page.locator("main").inner_text())
    (text,) = [t for t in texts if "onerror" in t]
    assert "</script><script>document.title='run'</script> <img src=x onerror=alert(1)>" in text and "{{ 7 * 7 }}" in text
    assert "\u202e" not in text and "⟨U+202E⟩txet desrever" in text
    page.goto((release / "report" / "index.html").as_uri())
    assert "<script>alert(1)</script>" in page.inner_text("body")
    page.close()


def test_the_way_from_bytes_to_rows_is_that_of_the_tables(release, browser):
    counted = {
        name: duckdb.sql(f"SELECT {sql} FROM '{release}/data/{table}/*.parquet'").fetchone()[0]
        for name, table, sql in (
            ("read", "captures", "SUM(bytes)"),
            ("in documents", "captures", "SUM(bytes) FILTER (outcome = 'document')"),
            ("clutter", "edits", "SUM(byte_end - byte_start) FILTER (kind = 'removed')"),
            ("edited", "edits", "SUM(byte_end - byte_start)"),
            ("documents", "documents", "COUNT(*)"),
            ("sentences", "segments", "COUNT(*) FILTER (unit = 'sentence')"),
            ("claims", "claims", "COUNT(*)"),
        )
    }
    page = browser.new_page()
    page.goto((release / "report" / "index.html").as_uri())
    bars = dict(zip(page.locator(".bars bdi").all_inner_texts(), page.locator(".bars b").all_inner_texts(), strict=True))
    told = {name: int(value.replace(",", "")) for name, value in bars.items() if "." not in value}
    assert all(told[name] == counted[name] for name in ("read", "in documents", "documents", "sentences", "claims"))
    assert told["left without markup and clutter"] == counted["in documents"] - counted["clutter"]
    assert told["of which copied as they stood"] == counted["in documents"] - counted["edited"]
    # One document of three has an outlet; all are of 2024.
    assert page.locator(".heat th").all_inner_texts()[:3] == ["outlet", "2024", "unknown"]
    assert page.locator(".heat td").all_inner_texts() == ["2", "1"]
    page.close()


def test_on_a_phone_tables_scroll_by_themselves_and_the_focus_is_seen(release, browser):
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto((release / "report" / "index.html").as_uri())
    table = page.locator("[aria-label=Documents]")
    assert table.evaluate("t => t.scrollWidth > t.clientWidth && document.documentElement.scrollWidth <= 390")
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        name, outline = page.evaluate("[document.activeElement.tagName, getComputedStyle(document.activeElement).outlineWidth]")
        seen.add(name)
        assert name == "BODY" or outline == "3px"
    assert {"A", "DIV"} <= seen
    page.close()


@pytest.mark.parametrize(
    "text, shown",
    [
        ("می\u200cشود", "می\u200cشود"),
        ("क्\u200dष", "क्\u200dष"),
        ("a\u200cb \u200c", "a⟨U+200C⟩b ⟨U+200C⟩"),
        ("pay\u200bpal \u202eevil\ufeff", "pay⟨U+200B⟩pal ⟨U+202E⟩evil⟨U+FEFF⟩"),
        ("two\nlines\t", "two\nlines\t"),
    ],
)
def test_what_is_invisible_has_its_code_but_for_joiners_that_are_spelling(text, shown):
    assert visible(text) == shown


def test_leakage_counts_the_pairs_that_are_parted_once_each():
    drawn = {"story": dict.fromkeys("abc", "train"), "time": dict.fromkeys("de", "train")}
    drawn["random"] = dict.fromkeys("ace", "train") | {"b": "validation", "d": "excluded"}
    splits = [(scheme, *side) for scheme, sides in drawn.items() for side in sides.items()]
    with duckdb.connect() as db:
        db.execute("CREATE TABLE documents (doc_id VARCHAR, story_cluster VARCHAR, supersedes VARCHAR)")
        db.execute("CREATE TABLE splits (scheme VARCHAR, layer VARCHAR, doc_id VARCHAR, split VARCHAR)")
        documents = [("a", "a", None), ("b", "a", "a"), ("c", "a", None), ("d", "a", None), ("e", None, "b")]
        db.executemany("INSERT INTO documents VALUES (?, ?, ?)", documents)
        db.executemany("INSERT INTO splits VALUES (?, 'document', ?, ?)", splits)
        assert db.execute(PARTED).fetchall() == [("random", 3), ("story", 0)]  # a-b, b-c, b-e; under `time` no pair stands at all
