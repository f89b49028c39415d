"""What the README shows is run, and what the command knows stands in the README."""

import ast
import os
import re
from pathlib import Path

import pytest

from flows.cli import app, run
from tests.benchmarks.figures import placed, specimens
from tests.corpora import SEEDS, build

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.S)


@pytest.fixture(scope="module")
def released(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("readme")
    assert build(SEEDS, place / "dist") == 0
    return place


@pytest.mark.parametrize("code", [e for e in EXAMPLES if "sklearn" not in e], ids=lambda code: re.search(r"(?:import|from) (\w+)", code)[1])
def test_every_loading_example_loads_rows(released, code, monkeypatch):
    monkeypatch.chdir(released)
    monkeypatch.setenv("HF_HOME", str(released / "hf"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    names: dict = {}
    exec(compile(code, "README.md", "exec"), names)
    made = [t.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Assign) for t in node.targets]
    assert all(len(names[name]) > 20 for name in made)


def test_the_example_of_a_model_trains_and_evaluates_one(released, capsys, monkeypatch):
    monkeypatch.chdir(released)
    monkeypatch.setenv("HF_HOME", str(released / "hf"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (code,) = [e for e in EXAMPLES if "sklearn" in e]
    assert len(code.splitlines()) < 20
    exec(compile(code, "README.md", "exec"), {})
    assert 0 < float(capsys.readouterr().out.splitlines()[-1]) <= 1


def test_there_is_an_example_for_each_way_to_load():
    loaded = " ".join(EXAMPLES)
    assert all(word in loaded for word in ("polars", "duckdb", "pandas", "load_dataset", "jsonl"))


def test_every_config_of_the_card_loads_with_datasets(released, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(released / "hf"))
    from datasets import get_dataset_config_names, load_dataset

    release = released / "dist" / "araxes-specimens" / "1.0.0"
    configs = get_dataset_config_names(str(release))
    assert sorted(configs) == sorted(os.listdir(release / "data"))
    for config in configs:
        assert load_dataset(str(release), config, split="train", cache_dir=str(released / "cache")).num_rows > 0


def commands(app=app, before="araxes"):
    """Every command by its words, with its options as the help names them."""
    for name in (n for n in app if not n.startswith("-")):
        found = app[name]
        if found.default_command is None:
            yield from commands(found, f"{before} {name}")
        else:
            yield f"{before} {name}", [a.names[0] for a in found.assemble_argument_collection() if a.names[0].startswith("-")]


@pytest.mark.parametrize("command,options", list(commands()), ids=lambda value: value if isinstance(value, str) else "")
def test_every_command_and_option_stands_in_the_readme_and_has_an_example(command, options, capsys):
    (row,) = [line for line in README.splitlines() if line.startswith(f"| `{command} ")]
    assert [option for option in options if f"`{option}" not in row] == []
    assert run([*command.split()[1:], "--help"]) == 0
    assert f"Example: {command} " in capsys.readouterr().out


def test_the_figures_of_the_specimens_are_what_the_command_prints(released):
    assert placed(README, "specimens", specimens(released / "dist" / "araxes-specimens" / "1.0.0")) == README
