"""`prefect run`: the plugin, and the real command with a toy flow."""

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from socket import socket

import pytest

from flows.prefect_run import _flow, _parameters, _value

ROOT = Path(__file__).parents[1]
TOY = '''
from pathlib import Path

from prefect import flow, task
from prefect.states import Failed
from prefect.task_runners import ProcessPoolTaskRunner


@task
def double(number: int) -> int:
    return 2 * number


@flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
def go(out: Path, tag: str = "none", times: int = 1, names: list[str] | None = None):
    out.write_text(repr((tag, double.submit(times).result(), names)))


@flow
def refuse():
    return Failed(message="the gate said no")


@flow
def fail():
    raise ValueError("broken,\\non purpose")


not_a_flow = 1
'''


@pytest.fixture
def toy(tmp_path, monkeypatch) -> Path:
    """A folder to stand in, with a flow in a package; modules and paths as before afterwards."""
    (tmp_path / "toys").mkdir()
    (tmp_path / "toys" / "__init__.py").touch()
    (tmp_path / "toys" / "toy.py").write_text(TOY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.setattr(sys, "modules", sys.modules.copy())
    return tmp_path


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> dict[str, str]:
    """Environment of a Prefect of its own, that sends nothing."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    own = {"PREFECT_HOME": str(tmp_path_factory.mktemp("prefect")), "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}
    return kept | own


@pytest.fixture(scope="module")
def server(home):
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(command, env=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        for _ in range(1200):
            try:
                urllib.request.urlopen(f"{url}/health")
                break
            except urllib.error.URLError:
                time.sleep(0.1)
        yield home | {"PREFECT_API_URL": url, "PREFECT_PLUGINS_ENABLED": "true"}
        process.terminate()


def prefect(*words: str, cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess:
    return subprocess.run([Path(sys.executable).parent / "prefect", *words], cwd=cwd, env=env, capture_output=True, text=True)


@pytest.mark.parametrize(
    "text, kind, value",
    [
        ("2026.11", str, "2026.11"),
        ("2026.11", str | None, "2026.11"),
        ("true", str, "true"),
        ("2026.11", float, 2026.11),
        ("3", int, 3),
        ("3", int | None, 3),
        ("null", int | None, None),
        ("true", bool, True),
        ("a=b c", Path, Path("a=b c")),
        ('["a", "1"]', list[str], ["a", "1"]),
    ],
)
def test_a_value_takes_the_type_of_its_parameter(text, kind, value):
    assert _value("x", text, kind) == value
    assert type(_value("x", text, kind)) is type(value)


def test_a_value_of_another_type_is_an_error():
    with pytest.raises(ValueError, match="-p x=many: Input should be a valid integer"):
        _value("x", "many", int)


@pytest.mark.parametrize("entrypoint", ["toys/toy.py:go", "{}/toys/toy.py:go", "toys.toy:go"])
def test_a_flow_is_found_under_the_name_its_package_gives_it(toy, entrypoint):
    flow = _flow(entrypoint.format(toy))
    assert flow.name == "go"
    assert flow.fn.__module__ == "toys.toy"
    assert _parameters(flow, ("out=a=b", "tag=2026.11")) == {"out": Path("a=b"), "tag": "2026.11"}


def test_the_file_that_is_named_runs_though_another_copy_is_loaded(toy, tmp_path_factory):
    other = tmp_path_factory.mktemp("installed")
    (other / "toys").mkdir()
    for name in ("__init__.py", "toy.py"):
        (other / "toys" / name).write_text("")
    sys.path.insert(0, str(other))
    __import__("toys.toy")
    assert _flow("toys/toy.py:go").name == "go"


@pytest.mark.parametrize(
    "entrypoint, error",
    [
        ("toys/toy.py", "is not FILE:FLOW"),
        ("toys/none.py:go", "there is no file toys/none.py"),
        ("toys/toy.py:gone", "has no flow 'gone'"),
        ("toys/toy.py:not_a_flow", "has no flow 'not_a_flow'"),
    ],
)
def test_an_entrypoint_that_leads_nowhere(toy, entrypoint, error):
    with pytest.raises(ValueError, match=error):
        _flow(entrypoint)


@pytest.mark.parametrize(
    "given, error",
    [
        ((), "go needs -p out=VALUE"),
        (("out",), "-p out is not NAME=VALUE"),
        (("out=x", "times=many"), "-p times=many: "),
        (("outt=x",), "go has no parameter 'outt'; it takes out, tag, times, names"),
    ],
)
def test_parameters_that_do_not_fit(toy, given, error):
    with pytest.raises(ValueError, match=re.escape(error)):
        _parameters(_flow("toys/toy.py:go"), given)


def test_the_command_is_there_in_the_clone(home):
    done = prefect("run", "--help", cwd=ROOT, env=home)
    assert done.returncode == 0
    assert "ENTRYPOINT" in done.stdout and "--param -p" in done.stdout


def test_wrong_usage_is_one_line(toy, home):
    done = prefect("run", "toys/toy.py:gone", cwd=toy, env=home | {"PREFECT_PLUGINS_ENABLED": "true"})
    assert (done.returncode, done.stderr) == (1, "prefect run: toys/toy.py has no flow 'gone'\n")


@pytest.mark.slow
def test_a_flow_runs_with_its_parameters(toy, server):
    out = toy / "out.txt"
    given = ("-p", f"out={out}", "-p", "tag=2026.11", "-p", 'names=["a"]', "--param", "times=3")
    done = prefect("run", "toys/toy.py:go", *given, cwd=toy, env=server)
    assert done.returncode == 0, done.stderr
    assert out.read_text() == "('2026.11', 6, ['a'])"


@pytest.mark.slow
@pytest.mark.parametrize("flow, said", [("refuse", "refuse: the gate said no"), ("fail", "fail: broken, on purpose")])
def test_a_flow_that_fails_exits_1_and_says_why_in_one_line(toy, server, flow, said):
    done = prefect("run", f"toys/toy.py:{flow}", cwd=toy, env=server)
    assert done.returncode == 1
    assert said in done.stderr.splitlines()
    assert "Traceback" not in done.stderr
