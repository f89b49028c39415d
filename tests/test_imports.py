"""Imports run one way: cli, build, calibrate -> line, labellers -> corpus, release, stages, readers -> drafts, parquet, traced ->
schemas. The corpus knows one stage, whose fingerprints it compares."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(p.relative_to(ROOT) for top in ("flows", "schemas") for p in (ROOT / top).rglob("*.py"))
CENTRE = {"flows.traced", "flows.drafts", "flows.parquet", "schemas"}
MAY = {
    "schemas": {"schemas"},
    "flows/traced.py": set(),
    "flows/drafts.py": {"flows.traced", "schemas"},
    "flows/parquet.py": {"schemas"},
    "flows/terminal.py": set(),
    "flows/readers": {"flows.readers", *CENTRE},
    "flows/corpus": {"flows.corpus", "flows.stages.fingerprint", *CENTRE},
    "flows/labellers": {"flows.labellers", "flows.corpus", "flows.readers", "flows.stages", *CENTRE},
    "flows/release": {"flows.release", *CENTRE},
    "flows/shapes.py": set(),
    "flows/stages": {"flows.shapes", "flows.traced", "schemas"},
    "flows/line.py": {"flows.readers", "flows.stages", *CENTRE},
    "flows/guard.py": {"flows.line", "flows.traced"},
}
KNOW_PREFECT = ("flows/build.py", "flows/calibrate.py", "flows/prefect_run.py")
# Parts of one stage, in files of their own.
PARTS = ("attribute", "decode", "describe", "fingerprint", "repair", "segment", "strip", "validate")


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] in ("flows", "schemas")}


@pytest.mark.parametrize("path", FILES, ids=str)
def test_imports_run_one_way(path):
    allowed = next((may for start, may in MAY.items() if path.as_posix().startswith(start)), None)
    if allowed is None:
        assert path.parts[:1] == ("flows",) and len(path.parts) == 2
        return
    part = next((p for p in PARTS if path.as_posix().startswith(f"flows/stages/{p}")), None)
    for name in imported(path):
        own_part = part and name.startswith(f"flows.stages.{part}")
        assert own_part or any(name == a or name.startswith(f"{a}.") for a in allowed), f"{path} imports {name}"


@pytest.mark.parametrize("path", [p for p in FILES if p.as_posix() not in KNOW_PREFECT], ids=str)
def test_only_the_flow_and_its_command_know_prefect(path):
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    named = [n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    named += [alias.name for n in ast.walk(tree) if isinstance(n, ast.Import) for alias in n.names]
    assert not any(name.split(".")[0] == "prefect" for name in named)
