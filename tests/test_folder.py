"""What a user may point `araxes build` at, and what each mistake says."""

import os
import tempfile
from pathlib import Path

import pytest

from flows.readers.files import read
from flows.readers.folder import CorpusError, list_captures, open_corpus, ordinals
from flows.readers.init import initialise
from flows.readers.knowledge import Knowledge
from flows.readers.shards import pack
from flows.traced import Rejected
from schemas.captures import path_bytes, path_text


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "captures" / "b").mkdir(parents=True)
    (tmp_path / "captures" / "a.txt").write_bytes(b"one")
    (tmp_path / "captures" / "b" / "c.txt").write_bytes(b"two")
    return tmp_path


def listed(folder: Path) -> dict[str, str | None]:
    return {c.path: c.reason for c in list_captures(open_corpus(folder))}


def test_captures_are_listed_recursively_in_the_order_of_their_bytes(folder):
    assert list(listed(folder)) == ["a.txt", "b/c.txt"]


def test_a_folder_with_nothing_but_files_is_a_corpus_and_its_configuration_is_none_of_them(folder):
    plain = folder / "captures"
    list(initialise(plain))
    assert sorted(p.name for p in plain.iterdir()) == ["a.txt", "araxes.toml", "b", "captures.csv", "outlets.csv"]
    assert list(listed(plain)) == ["a.txt", "b/c.txt"]


@pytest.mark.parametrize(
    "name,text,says",
    [
        ("araxes.toml", "[dataset\n", "araxes.toml"),
        ("araxes.toml", "[datasets]\n", "unknown section [datasets]"),
        ("araxes.toml", "dataset = 1\n", "not a section"),
        ("araxes.toml", "[dataset]\ntitel = 1\n", "unknown key 'titel'"),
        ("araxes.toml", "[dataset]\nname = 'No Good'\n", "not usable"),
        ("araxes.toml", "[dataset]\nname = '../x'\n", "not usable"),
        ("araxes.toml", "[limits]\nmax_capture_bytes = 'much'\n", "whole number"),
        ("araxes.toml", "[labels]\naggregate = 'mean'\n", 'aggregate is \'mean\'; write "majority" or "dawid_skene"'),
        ("captures.csv", "path,urls\n", "unknown column 'urls'"),
        ("captures.csv", "path,url\nz.txt,u\n", "line 2: no capture 'z.txt'"),
        ("captures.csv", "path,url\na.txt\n", "not as many values"),
        ("captures.csv", "path,url\n,u\n", "neither path nor sha256"),
        ("captures.csv", "path,url\na.txt,u\na.txt,v\n", "stands there twice"),
        ("outlets.csv", "outlet,remove\nx,(\n", "no regular expression"),
        ("outlets.csv", "name\nx\n", "outlet is empty"),
        ("outlets.csv", "outlet\nx\nx\n", "stands there twice"),
        ("araxes.toml", "[dataset]\ncreators = 5\n", "creators is 5; write a list of texts"),
        ("araxes.toml", "[dataset]\ndate_published = 2024-05-06\n", "write a text in quotes"),
        ("captures.csv", "path,path\na.txt,a.txt\n", "two columns named 'path'"),
        ("captures.csv", "path,date_retrieved\na.txt,13/03/2024\n", "line 2: date_retrieved is '13/03/2024'"),
        ("captures.csv", "path,language\na.txt,English\n", "such as en"),
        ("captures.csv", "path,encoding\na.txt,nope\n", "encoding 'nope' is not known"),
        ("captures.csv", f"path,sha256\na.txt,{'0' * 64}\n", "another file than that of its sha256"),
    ],
)
def test_a_mistake_in_the_configuration_is_one_line_that_names_the_file(folder, name, text, says):
    (folder / name).write_text(text)
    with pytest.raises(CorpusError) as error:
        list_captures(open_corpus(folder))
    assert name in str(error.value) and says in str(error.value) and "\n" not in str(error.value)


def test_configuration_that_is_not_utf8_says_so(folder):
    (folder / "captures.csv").write_bytes(b"path,outlet\na.txt,\xe4\n")
    with pytest.raises(CorpusError, match="save it as CSV in UTF-8"):
        open_corpus(folder)


def test_no_folder_no_files_and_a_file_in_its_place(tmp_path):
    with pytest.raises(CorpusError, match="no such folder"):
        open_corpus(tmp_path / "none")
    with pytest.raises(CorpusError, match="holds no files"):
        list_captures(open_corpus(tmp_path))
    (tmp_path / "file").touch()
    with pytest.raises(CorpusError, match="is not a folder"):
        open_corpus(tmp_path / "file")


def test_what_cannot_be_read_is_listed_with_a_reason(folder):
    captures = folder / "captures"
    (captures / "empty.txt").touch()
    (captures / "broken").symlink_to("nowhere")
    (captures / "loop").symlink_to("loop")
    (captures / "up").symlink_to("..")
    (captures / "good").symlink_to("a.txt")
    (captures / "out").symlink_to("/etc/hostname")
    os.mkfifo(captures / "pipe")
    (captures / "big.txt").write_bytes(b"x" * 11)
    (folder / "araxes.toml").write_text("[limits]\nmax_capture_bytes = 10\n")
    found = listed(folder)
    assert found == {
        "a.txt": None, "b/c.txt": None, "good": None, "big.txt": "too_large", "broken": "unreadable", "empty.txt": "empty",
        "loop": "unreadable", "out": "link_outside", "pipe": "not_a_file", "up": "not_a_file",
    }  # fmt: skip


def test_what_may_not_be_read_is_listed_as_unreadable():
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        folder = Path(place)
        folder.chmod(0o755)
        (folder / "open.txt").write_text("one")
        (folder / "shut.txt").write_text("two")
        (folder / "shut.txt").chmod(0)
        (folder / "shut").mkdir(mode=0)
        if root := os.geteuid() == 0:
            os.seteuid(65534)
        try:
            assert listed(folder) == {"open.txt": None, "shut": "unreadable", "shut.txt": "unreadable"}
        finally:
            if root:
                os.seteuid(0)


@pytest.mark.parametrize("name", [b" lead.txt", b"\xff\xfe.txt", b"back\\slash", b"back\\x41", "ж.txt".encode(), b"new\nline"])
def test_a_name_of_any_bytes_is_listed_and_read_again(folder, name):
    (folder / "captures" / os.fsdecode(name)).write_bytes(b"three")
    corpus = open_corpus(folder)
    list(initialise(folder))
    corpus = open_corpus(folder)
    (found,) = [c for c in list_captures(corpus) if c.bytes == 5]
    assert path_bytes(found.path) == name and path_text(name) == found.path
    assert read(corpus.captures, found.path, found.sha256) == b"three"


def test_equal_captures_share_an_id_but_for_the_ordinal_and_one_shard_place(folder, tmp_path):
    (folder / "captures" / "again.txt").write_bytes(b"one")
    corpus = open_corpus(folder)
    found = list_captures(corpus)
    ids = dict(zip((c.path for c in found), ordinals(found), strict=True))
    assert ids["a.txt"][:-2] == ids["again.txt"][:-2] and (ids["a.txt"][-2:], ids["again.txt"][-2:]) == ("-0", "-1")
    work = tmp_path / "work"
    work.mkdir()
    _, shards = pack(corpus, Knowledge(), found, work, tmp_path / "cache", "code")
    import pyarrow.parquet as pq

    assert sorted(p for s in shards for p in pq.read_table(s / "captures.parquet")["path"].to_pylist()) == ["a.txt", "b/c.txt"]


def test_a_capture_that_changed_or_went_since_it_was_listed_is_refused(folder):
    corpus = open_corpus(folder)
    first = list_captures(corpus)[0]
    (corpus.captures / "a.txt").write_bytes(b"other")
    with pytest.raises(Rejected, match="changed_while_building"):
        read(corpus.captures, first.path, first.sha256)
    (corpus.captures / "a.txt").unlink()
    with pytest.raises(Rejected, match="unreadable"):
        read(corpus.captures, first.path, first.sha256)


def test_init_fills_in_what_the_captures_tell_and_leaves_what_is_there(folder):
    (folder / "outlets.csv").write_text("outlet\n")
    assert [(p.name, made) for p, made in initialise(folder)] == [("araxes.toml", True), ("captures.csv", True), ("outlets.csv", False)]
    corpus = open_corpus(folder)
    assert list(corpus.known) == ["a.txt", "b/c.txt"] and (folder / "outlets.csv").read_text() == "outlet\n"
    list_captures(corpus)
