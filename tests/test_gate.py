"""The gate: what is measured, what fails it, and Data Docs that load nothing."""

import re
import tempfile
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.release import gate
from schemas import TABLES, table


def rows(name: str, *changes: dict) -> list[dict]:
    return [table(name).EXAMPLE | change for change in changes]


def corpus() -> dict[str, list[dict]]:
    """Two documents and a rejected capture, with nothing wrong."""
    a, b = "a" * 20, "b" * 20
    return {
        "captures": rows(
            "captures",
            {"capture_id": "ca", "doc_id": a, "bytes": 1000},
            {"capture_id": "cb", "doc_id": b, "bytes": 3000},
            {"capture_id": "cc", "doc_id": None, "bytes": 0, "outcome": "rejected"},
        ),
        "documents": rows(
            "documents",
            {"doc_id": a, "capture_id": "ca", "n_sentences": 3},
            {"doc_id": b, "capture_id": "cb", "n_sentences": 0, "date_published": "2024-02", "title": None, "duplicate_of": a},
        ),
        "segments": rows(
            "segments",
            {"segment_id": "s1", "doc_id": a, "parent_id": None},
            {"segment_id": "s2", "doc_id": a, "parent_id": "s1", "repeat_of": "s1"},
        ),
        "edits": rows(
            "edits",
            {"edit_id": "e1", "doc_id": a, "byte_start": 0, "byte_end": 400},
            {"edit_id": "e2", "doc_id": b, "byte_start": 10, "byte_end": 610},
            {"edit_id": "e3", "doc_id": b, "byte_start": 700, "byte_end": 900, "kind": "exact"},
        ),
        "rejections": rows("rejections", {"capture_id": "cc", "row_id": "cc"}),
        "splits": rows("splits", {"doc_id": a}, {"doc_id": b}),
    }


def ruined() -> dict[str, list[dict]]:
    """The same with something against every rule, but for those on completeness of the files themselves."""
    data = corpus()
    data["captures"] += rows("captures", *({"capture_id": f"r{i}", "doc_id": None, "outcome": "rejected"} for i in range(20)))
    data["documents"] = rows(
        "documents",
        {"doc_id": "b" * 20, "capture_id": "cb", "n_sentences": 0, "date_published": "3025-01-01", "language_confidence": 1.5},
        {"doc_id": "b" * 20, "capture_id": "cb", "n_sentences": 0, "date_published": "0225", "n_chars": -1, "supersedes": "c" * 20},
    )
    data["edits"][1]["byte_end"] = 4000
    return data


def parted() -> dict[str, list[dict]]:
    """Tables in which two documents of one story stand on different sides."""
    documents = corpus()["documents"] + rows("documents", {"doc_id": "c" * 20, "capture_id": "cc", "story_cluster": "a" * 20})
    documents[0] |= {"story_cluster": "a" * 20}
    splits = rows("splits", {"doc_id": "a" * 20}, {"doc_id": "b" * 20}, {"doc_id": "c" * 20, "split": "validation"})
    return {"splits": splits, "documents": documents}


def stored(data: dict[str, list[dict]], folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in TABLES:
        # A column that may not be null can be so in a damaged file.
        schema = pa.schema([f.with_nullable(True) for f in table(name).SCHEMA])
        pq.write_table(pa.Table.from_pylist(data.get(name, []), schema=schema), folder / f"{name}.parquet")
    return folder


def released(data: dict[str, list[dict]], folder: Path, without: str, lacking: str) -> Path:
    """A release: documents in two splits, a table that is not there, a column that was not there yet."""
    for name in set(data) - {without}:
        (folder / "data" / name).mkdir(parents=True)
        whole = pa.Table.from_pylist(data[name], schema=table(name).SCHEMA)
        whole = whole.drop_columns(lacking) if lacking in whole.column_names else whole
        for split, part in (("train", whole.slice(0, 1)), ("test", whole.slice(1))):
            if part.num_rows:
                pq.write_table(part, folder / "data" / name / f"{split}-00000-of-00001.parquet")
    return folder


def by_name(metrics: list[gate.Metric]) -> dict[str, tuple[float | None, float | None]]:
    return {f"{m.table}.{m.column} {m.metric}": (m.value, m.last_value) for m in metrics}


@pytest.fixture(scope="module")
def metrics(tmp_path_factory) -> list[gate.Metric]:
    # A folder whose name would be a pattern.
    return gate.measure(stored(corpus(), tmp_path_factory.mktemp("gate") / "tables [1]*"))


@pytest.fixture(scope="module")
def failed(tmp_path_factory) -> tuple[list[str], Path]:
    """The ruined corpus before the gate, with a last release; and what Great Expectations left where it should not."""
    folder = tmp_path_factory.mktemp("ruined")
    tables = stored(ruined(), folder / "tables")
    (tables / "splits.parquet").unlink()
    broken = [row | {"split": None} for row in corpus()["splits"]] + parted()["splits"][1:]
    pq.write_table(pa.Table.from_pylist(broken), tables / "splits.parquet")
    many = corpus()
    many["documents"] = rows("documents", *({"doc_id": f"{i:020}"} for i in range(5)))
    previous = released(many, folder / "dist", "rejections", "repeat_of")
    return gate.judge(gate.measure(tables, previous), {"min_documents": 3, "max_change": 1}, folder / "quality"), folder / "quality"


@pytest.mark.parametrize(
    "name, value",
    [
        ("captures.None rows", 3),
        ("captures.outcome share_rejected", 0.333333),
        ("captures.doc_id completeness", 0.666667),
        ("captures.bytes max", 3000),
        ("documents.title completeness", 0.5),
        ("documents.doc_id share_unique", 1),
        ("documents.date_published min", 20240200),
        ("documents.date_published max", 20250706),
        ("documents.date_modified min", None),
        ("documents.n_sentences mean", 1.5),
        ("documents.n_sentences share_without", 0.5),
        ("documents.None change", None),
        ("segments.parent_id orphans", 0),
        ("edits.kind share_removed", 0.25),
        ("edits.confidence min", 0.98),
        ("rejections.table, row_id, stage, reason share_unique", 1),
        ("splits.scheme, layer, doc_id, item_id share_unique", 1),
    ],
)
def test_what_is_measured(metrics, name, value):
    assert by_name(metrics)[name] == (value, None)


def test_every_column_is_measured_and_every_metric_once(metrics):
    assert {(m.table, m.column) for m in metrics if m.metric == "completeness"} == {(t, c) for t in TABLES for c in table(t).SCHEMA.names}
    assert len({m[:3] for m in metrics}) == len(metrics)


def test_the_last_release_stands_beside(tmp_path):
    tables = stored(corpus(), tmp_path / "tables")
    previous = released(corpus() | {"documents": corpus()["documents"][:1]}, tmp_path / "1.0.0", "rejections", "repeat_of")
    found = by_name(gate.measure(tables, previous))
    assert found["documents.None rows"] == (2, 1)
    assert found["documents.None change"] == (1, None)
    assert found["segments.None rows"] == (2, 2)
    assert found["rejections.None rows"] == (1, 0)
    assert found["segments.repeat_of completeness"] == (0.5, 0)


def test_empty_tables_are_measured(tmp_path):
    found = by_name(gate.measure(stored({name: [] for name in TABLES}, tmp_path / "tables")))
    assert found["documents.None rows"] == (0, None)
    assert found["documents.doc_id share_unique"] == (None, None)
    assert found["edits.kind share_removed"] == (0, None)


@pytest.mark.parametrize("value, rounded", [(None, None), (1, 1), (1 - 1e-9, 0.999999), (1 / 3, 0.333333), (1e-9, 0), (7, 7)])
def test_a_share_short_of_one_does_not_round_to_one(value, rounded):
    assert gate._rounded(value) == rounded


def test_a_missing_table_is_an_error(tmp_path):
    tables = stored(corpus(), tmp_path / "tables")
    (tables / "edits.parquet").unlink()
    with pytest.raises(duckdb.Error, match=r"edits\.parquet"):
        gate.measure(tables)


def test_references_that_lead_nowhere_are_counted(tmp_path):
    data = corpus()
    pointing = [(name, column) for name in TABLES for column in table(name).REFERENCES]
    for name, column in pointing:
        is_list = isinstance(table(name).EXAMPLE[column], list)
        data.setdefault(name, rows(name, {}))[0][column] = ["nowhere"] if is_list else "nowhere"
    found = by_name(gate.measure(stored(data, tmp_path / "tables")))
    orphans = {key: value for key, (value, _) in found.items() if key.endswith("orphans")}
    assert orphans == {f"{name}.{column} orphans": 1 for name, column in pointing}


def test_a_good_corpus_passes_and_leaves_nothing_but_quality(metrics, tmp_path, monkeypatch, caplog):
    outside = [tmp_path / name for name in ("cwd", "home", "tmp")]
    for folder in outside:
        folder.mkdir()
    monkeypatch.chdir(outside[0])
    monkeypatch.setenv("HOME", str(outside[1]))
    monkeypatch.setattr(tempfile, "tempdir", str(outside[2]))
    assert gate.judge(metrics, {"max_share_without_sentences": 0.5}, tmp_path / "quality") == []
    assert not [path for folder in outside for path in folder.iterdir()]
    assert not caplog.records
    assert "✗" not in (tmp_path / "quality" / "index.html").read_text()


def test_every_rule_can_fail_and_says_on_what(failed):
    failures, _ = failed
    assert {f.partition(": ")[0] for f in failures} == {rule.name for rule in gate.RULES}
    assert not any("\n" in f for f in failures)
    said = {f.partition(": ")[2].partition(" is ")[0]: f for f in failures}
    assert said["documents rows"] == "there are documents: documents rows is 2, at least 3 expected ([gate] min_documents)"
    assert said["splits.split completeness"] == "required columns are complete: splits.split completeness is 0.5, at least 1 expected"
    assert said["documents.doc_id share_unique"] == "keys are unique: documents.doc_id share_unique is 0.5, at least 1 expected"
    assert said["segments.doc_id orphans"] == "references lead somewhere: segments.doc_id orphans is 2, at most 0 expected"
    assert "at least -0.5 and at most 1 expected ([gate] min_change)" in said["documents change"]


def test_a_planted_leak_fails_and_one_that_stood_already_does_not(tmp_path):
    leaking = stored(corpus() | parted(), tmp_path / "tables")
    leaks = [m for m in gate.measure(leaking) if m.metric == "leaks"]
    assert [m.value for m in leaks] == [1]
    failures = gate.judge(gate.measure(leaking), {})
    assert [f for f in failures if "splits.split leaks" in f] == [
        "what belongs together stands on one side: splits.split leaks is 1, at most 0 expected"
    ]
    previous = released(corpus() | parted(), tmp_path / "1.0.0", "rejections", "repeat_of")
    assert [m.value for m in gate.measure(leaking, previous) if m.metric == "leaks"] == [0]
    (previous / "data" / "splits" / "test-00000-of-00001.parquet").unlink()
    assert [m.value for m in gate.measure(leaking, previous) if m.metric == "leaks"] == [1]


def test_a_rule_that_judges_nothing_fails():
    failures = gate.judge([gate.Metric("documents", None, "rows", 4, None)], {})
    assert [f.partition(": ")[0] for f in failures] == [rule.name for rule in gate.RULES[1:]]


@pytest.mark.parametrize(
    "thresholds, error",
    [
        ({"max_rejected": 0.1}, "'max_rejected'; it knows min_documents, max_share_rejected"),
        ({"min_documents": "3"}, "to be a number, not '3'"),
        ({"min_change": True}, "to be a number, not True"),
        ({"min_change": float("nan")}, "to be a number, not nan"),
    ],
)
def test_thresholds_that_are_not(thresholds, error):
    with pytest.raises(ValueError, match=error):
        gate.limits_of(thresholds)


class Loads(HTMLParser):
    """What a browser would fetch for a page."""

    def __init__(self, page: str):
        super().__init__()
        self.found: list[str] = re.findall(r"""@import[^;]*|url\([^)]*\)""", page)
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found += [f"<{tag}>"] if tag in ("script", "link", "iframe", "object", "embed", "base") else []
        self.found += [f"{tag} {k}={v}" for k, v in attrs if k in ("src", "srcset", "data", "poster", "background")]
        self.links += [v for k, v in attrs if k == "href"]


def test_what_counts_as_loading():
    page = '<link href="https://a"><img src="x.png"><style>@import "b"; p { background: url(//c) }</style><script></script>'
    assert len(Loads(page).found) == 5
    assert Loads('<a href="https://d">d</a>').found == []


def test_data_docs_work_offline(failed):
    _, quality = failed
    pages = {path.name: Loads(path.read_text(encoding="utf-8")) for path in quality.iterdir()}
    assert sorted(pages) == ["expectations.html", "index.html"]
    for page in pages.values():
        assert page.found == []
        assert [link for link in page.links if not link.startswith("#") and link not in pages] == []


def test_data_docs_say_what_failed(failed):
    _, quality = failed
    page = (quality / "index.html").read_text(encoding="utf-8")
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    for rule in gate.RULES:
        assert rule.name in words
    assert "most captures are read: at most 0.75 expected, 0.913043 measured" in words
