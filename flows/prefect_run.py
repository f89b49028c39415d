"""`prefect run FILE:FLOW -p name=value`: a plugin that gives Prefect's command back the `run` it no longer has.

Prefect loads it through the `prefect.plugins` entry point where plugins are enabled, as pyproject.toml does for the
clone. It adds to `prefect.cli._app._app`, a private name: Prefect's version is pinned and a test runs the command.
"""

import logging
import sys
import typing
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from prefect.plugins import register_hook


@register_hook
def setup_environment(*, ctx: Any) -> None:
    """Prefect calls this when it is imported, and again for its diagnostics; the command is loaded only when it is called."""
    from prefect.cli._app import _app

    if "run" not in list(_app):
        _app.command(f"{__name__}:run", name="run", help="Run a flow here and now.", help_flags=["--help"])


def run(entrypoint: str, *, param: Annotated[tuple[str, ...], Parameter(name=["--param", "-p"], negative="")] = ()) -> None:
    """Run a flow here and now: exit 0 where it completes, 1 where it does not.

    Parameters
    ----------
    entrypoint
        FILE:FLOW or MODULE:FLOW, such as flows/build.py:build.
    param
        NAME=VALUE, as often as needed. A value is text where the flow takes text, else what it says as text or JSON.
    """
    try:
        flow = _flow(entrypoint)
        parameters = _parameters(flow, param)
    except (OSError, ImportError, ValueError) as error:
        raise SystemExit(f"prefect run: {error}") from None
    for handler in logging.getLogger().handlers:
        # Tracebacks go to Prefect's server only; what failed is said in one line at the end.
        handler.addFilter(lambda record: not record.exc_info)
    state = flow(**parameters, return_state=True)
    if not state.is_completed():
        cause = state.result(raise_on_failure=False)
        said = str(cause) or type(cause).__name__ if isinstance(cause, BaseException) else state.message or state.name
        raise SystemExit(f"{flow.name}: {' '.join(said.split())}")


def _flow(entrypoint: str) -> Any:
    from prefect import Flow

    source, _, name = entrypoint.rpartition(":")
    if not source or not name:
        raise ValueError(f"{entrypoint!r} is not FILE:FLOW, such as flows/build.py:build")
    path = Path(source).resolve()
    if source.endswith(".py"):
        if not path.is_file():
            raise ValueError(f"there is no file {source}")
        module = _module_of(path)
    else:
        sys.path.insert(0, str(Path.cwd()))
        module = import_module(source)
    flow = getattr(module, name, None)
    if not isinstance(flow, Flow):
        raise ValueError(f"{source} has no flow {name!r}")
    return flow


def _module_of(path: Path) -> Any:
    """The file as the module that its package makes of it, so that worker processes find its tasks by name."""
    root, name = path.parent, path.stem
    while (root / "__init__.py").is_file():
        root, name = root.parent, f"{root.name}.{name}"
    sys.path.insert(0, str(root))
    package = name.partition(".")[0]
    found = sys.modules.get(package)
    if found and root not in Path(found.__file__ or "").resolve().parents:
        # Another copy is installed, and loaded, since this plugin came with it. The one that was named runs.
        for loaded in [m for m in sys.modules if m.partition(".")[0] == package]:
            del sys.modules[loaded]
    return import_module(name)


def _parameters(flow: Any, given: tuple[str, ...]) -> dict[str, Any]:
    """The values by name, in the types the flow is annotated with. Raises ValueError for what it does not take."""
    known = flow.parameters.properties
    hints = typing.get_type_hints(flow.fn, include_extras=True)
    parameters = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals:
            raise ValueError(f"-p {pair} is not NAME=VALUE")
        if name not in known:
            raise ValueError(f"{flow.name} has no parameter {name!r}; it takes {', '.join(known)}")
        parameters[name] = _value(name, value, hints.get(name, str))
    missing = [name for name in flow.parameters.required if name not in parameters]
    if missing:
        raise ValueError(f"{flow.name} needs -p {missing[0]}=VALUE")
    return parameters


def _value(name: str, value: str, kind: Any) -> Any:
    """As text first: `2026.11` for a flow that takes text must not become a number."""
    from pydantic import TypeAdapter, ValidationError

    adapter = TypeAdapter(kind)
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        try:
            return adapter.validate_json(value)
        except ValidationError:
            raise ValueError(f"-p {name}={value}: {error.errors()[0]['msg']}") from None
