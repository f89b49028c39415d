"""The version story: what each kind of change counts as, and the digest of records."""

import json
from copy import deepcopy

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import schemas
from flows.parquet import digest, files
from flows.release.compare import compare
from tests import tiny

MADE = tiny.rows()
NEW_CAPTURE = tiny.rows(tiny.CAPTURES | {"c/new.txt": (b"A new pier\n\nIt opened.\n", "utf-8")})


def edited(table: str, row: int, **values) -> dict:
    made = deepcopy(MADE)
    made[table][row].update(values)
    return made


def without(table: str, row: int) -> dict:
    made = deepcopy(MADE)
    del made[table][row]
    return made


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    return tiny.release(tmp_path_factory.mktemp("old") / "dist", MADE)


def test_the_first_release_is_1_0_0(tmp_path):
    changes = compare(None, tiny.tables(tmp_path, MADE))
    assert (changes.previous, changes.version) == (None, "1.0.0")
    assert changes.tables["documents"].counts == {"added": 3}


@pytest.mark.parametrize(
    "made, version, table, counts",
    [
        (MADE, None, "documents", {}),
        (NEW_CAPTURE, "1.1.0", "documents", {"added": 1}),
        (edited("documents", 0, outlet="The Tiny Paper"), "2.0.0", "documents", {"changed": 1}),
        (edited("documents", 0, text_defects=["elided_links"]), "2.0.0", "documents", {"changed": 1}),
        (edited("segments", 0, text=None), "2.0.0", "segments", {"changed": 1}),
        (edited("splits", 0, split="validation"), "2.0.0", "splits", {"moved": 1}),
        (edited("splits", 0, group_id="another", split="validation"), "2.0.0", "splits", {"changed": 1}),
        (without("segments", 3), "2.0.0", "segments", {"removed": 1}),
        (MADE | {"splits": []}, "2.0.0", "splits", {"removed": 3}),
    ],
)
def test_the_version_follows_what_changed(old, tmp_path, made, version, table, counts):
    changes = compare(old, tiny.tables(tmp_path, made))
    assert (changes.previous, changes.version, changes.tables[table].counts) == ("1.0.0", version, counts)


def test_a_new_column_is_minor_and_a_lost_one_major(old, tmp_path, monkeypatch):
    prepared = tiny.tables(tmp_path, MADE)
    captures = pq.read_table(prepared / "captures.parquet")
    pq.write_table(captures.append_column("note", pa.nulls(len(captures), pa.string())), prepared / "captures.parquet")
    changes = compare(old, prepared)
    assert (changes.version, changes.tables["captures"].columns_added) == ("1.1.0", ["note"])
    pq.write_table(captures.drop_columns(["archive_url"]), prepared / "captures.parquet")
    changes = compare(old, prepared)
    assert (changes.version, changes.tables["captures"].columns_removed) == ("2.0.0", ["archive_url"])


def test_a_path_with_the_characters_of_a_pattern_is_a_path(tmp_path):
    release = tiny.release(tmp_path / "it's [1] *" / "dist", MADE)
    assert compare(release, tiny.tables(tmp_path / "t", MADE)).version is None


def written(path, table: pa.Table, **options):
    pq.write_table(table, path, **options)
    return [path]


@pytest.mark.parametrize("table", tiny.TABLES)
def test_the_digest_is_of_the_values_only(table, tmp_path):
    rows = pa.Table.from_pylist(MADE[table] * 5, schema=schemas.table(table).SCHEMA)
    plain = digest(written(tmp_path / "a", rows))
    assert plain == digest(written(tmp_path / "b", rows, row_group_size=2, compression="none", use_dictionary=False))
    assert plain != digest(written(tmp_path / "c", rows.slice(1)))


@pytest.mark.parametrize(
    "one, other",
    [
        (["ab", "c"], ["a", "bc"]),
        (["a", None], ["a", ""]),
        ([["a"], ["b"]], [["a", "b"], []]),
        ([["a", None]], [["a", ""]]),
        ([None, []], [[], []]),
        ([{"x": 1, "y": None}], [{"x": 1, "y": 0}]),
        ([0.1], [0.1 + 1e-17 + 1e-16]),
        ([True, None], [True, False]),
    ],
)
def test_other_values_have_another_digest(one, other, tmp_path):
    kind = pa.array(one + other).type
    first, second = (digest(written(tmp_path / name, pa.table({"v": pa.array(v, kind)}))) for name, v in (("a", one), ("b", other)))
    assert first != second


def test_the_digest_never_changes(tmp_path):
    """One value of each type, against a digest that every later version and environment has to give too."""
    table = pa.table(
        {"s": ["é", None], "i": [1, -1], "f": [0.5, None], "b": [True, False], "l": [["x", "y"], None], "d": [[{"a": "z", "n": None}], []]}
    )
    assert digest(written(tmp_path / "t", table)) == "6cabb9606a21e5a660d501035eefcbdde622a20260b79d66f55cfa70f8b70d40"


def test_the_release_has_the_digest_of_its_tables(old, tmp_path):
    prepared = tiny.tables(tmp_path, MADE)
    build = json.loads((old / "build.json").read_text())
    assert build["digests"] == {name: digest(files(prepared, name)) for name in tiny.TABLES}
