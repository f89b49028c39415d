"""targets.csv: read whole, or refused in one line that says where and what to do."""

from pathlib import Path

import pytest

from flows.readers.folder import CorpusError
from flows.readers.targets import Target, read_targets

HEADER = "id,type,wording,wording_ru,entity_id,terms\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "targets.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_read(tmp_path):
    path = written(
        tmp_path,
        HEADER
        + "harbour_board,entity,The harbour board,Портовое управление,board_of_selma;;selma,harbour board;;port* authority\n"
        + "orin,entity,Orin,,,\n"
        + 'ferry_sale,policy,"Selling the ferry, and its crew",,,ferry sale;; sale of the ferry ;;ferry sale\n',
    )
    assert read_targets(path) == (
        Target(
            "harbour_board",
            "entity",
            "The harbour board",
            (("ru", "Портовое управление"),),
            ("board_of_selma", "selma"),
            ("harbour board", "port* authority"),
        ),
        Target("orin", "entity", "Orin", (), ("orin",), ()),
        Target("ferry_sale", "policy", "Selling the ferry, and its crew", (), (), ("ferry sale", "sale of the ferry")),
    )


def test_only_three_columns_are_needed(tmp_path):
    path = written(tmp_path, "id,type,wording\nlock_leaks,proposition,The lock leaks\n")
    assert read_targets(path) == (Target("lock_leaks", "proposition", "The lock leaks", (), (), ()),)


def test_no_file(tmp_path):
    assert read_targets(tmp_path / "targets.csv") == ()


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("Harbour,entity,The harbour,,,\n", "line 2: id is 'Harbour'"),
        (",entity,The harbour,,,\n", "line 2: id is ''"),
        ("harbour,place,The harbour,,,\n", "line 2: type is 'place'; write one of entity, proposition, event, policy"),
        ("harbour,entity,,,,\n", "line 2: 'harbour' has no wording"),
        ("harbour,policy,The harbour,,harbour,\n", "line 2: 'harbour' is a policy with an entity_id"),
        ("harbour,entity,The harbour,,Har bour,\n", "line 2: entity_id is 'Har bour'"),
        ("harbour,entity,The harbour,,,*\n", "line 2: term '*' cannot be looked for"),
        ("harbour,entity,The harbour,,,har*bour\n", "line 2: term 'har*bour' cannot be looked for"),
        ("harbour,entity,The harbour,,,!?\n", "line 2: term '!?' cannot be looked for"),
        ("harbour,entity,The harbour,,,\nharbour,entity,The harbour,,,\n", "line 3: target 'harbour' stands there twice"),
        ("harbour,entity\n", "line 2: not as many values as columns"),
    ],
)
def test_refused(tmp_path, lines, says):
    with pytest.raises(CorpusError, match=r"targets\.csv") as error:
        read_targets(written(tmp_path, HEADER + lines))
    assert says in str(error.value) and "\n" not in str(error.value)


def test_unknown_column(tmp_path):
    with pytest.raises(CorpusError, match="unknown column 'wording_russian'"):
        read_targets(written(tmp_path, "id,type,wording,wording_russian\n"))


def test_what_is_no_text_is_refused_in_one_line(tmp_path):
    path = tmp_path / "targets.csv"
    path.write_bytes(b"id,type,wording\nharbour,entity,\xff\xfe\n")
    with pytest.raises(CorpusError, match="UTF-8"):
        read_targets(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(CorpusError):
        read_targets(path)


@pytest.mark.parametrize("folder", ["seeds", "tests/articles"])
def test_our_own(folder):
    targets = read_targets(Path(__file__).parents[1] / folder / "targets.csv")
    assert targets and all(t.terms or t.entity_ids for t in targets)
