"""Provenance: what made a release, as hashes and versions; never when, where or with how many workers."""

import hashlib
import json
import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("flows", "schemas")


def of_build(captures: str, configuration: dict) -> dict:
    """The facts of build.json: the digest of the captures, and hashes and versions of all that worked on them.
    `environment` is a list of name==version lines."""
    return {
        "araxes": metadata.version("araxes"),
        "captures": captures,
        "code": _code(),
        "configuration": hashlib.sha256(json.dumps(configuration, sort_keys=True).encode()).hexdigest(),
        "environment": environment(),
        "models": {path.relative_to(ROOT).as_posix(): sha256(path) for path in _files() if path.suffix != ".py"},
    }


def facts(release: Path) -> dict:
    """What build.json of a release says. Raises ValueError with one clear line where it cannot be read."""
    try:
        found = json.loads((release / "build.json").read_text("utf-8"))
        if isinstance(found, dict) and isinstance(found.get("version"), str):
            return found
        why = "it is no build record"
    except (OSError, ValueError) as error:
        why = str(error.strerror) if isinstance(error, OSError) else "it is no JSON"
    raise ValueError(f"{release / 'build.json'}: {why}; name the folder of one version, as dist/NAME/1.0.0")


def made_by(facts: dict) -> str:
    """One hash for the code, its data and the environment: what a shard's results depend on besides its captures."""
    told = json.dumps([facts[name] for name in ("code", "models", "environment")], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def environment() -> list[str]:
    """Python, the platform and every distribution that Araxes needs, itself included, as installed."""
    host = [f"python=={platform.python_version()}", f"platform=={sys.platform}-{platform.machine()}"]
    return [*host, *sorted(_closure("araxes", {}).values())]


def _closure(name: str, found: dict[str, str]) -> dict[str, str]:
    key = name.lower().replace("_", "-").replace(".", "-")
    if key in found:
        return found
    try:
        distribution = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return found
    found[key] = f"{key}=={distribution.version}"
    for line in distribution.requires or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            _closure(requirement.name, found)
    return found


def _files() -> Iterator[Path]:
    """All that decides a result: code, models, word lists and templates, but not what is written about them."""
    for package in PACKAGES:
        found = (p for p in (ROOT / package).rglob("*") if p.is_file() and p.suffix != ".md")
        yield from sorted(p for p in found if "__pycache__" not in p.parts)


def _code() -> str:
    code = hashlib.sha256()
    for path in _files():
        code.update(f"{path.relative_to(ROOT).as_posix()} {sha256(path)}\n".encode())
    return code.hexdigest()


def sha256(path: Path) -> str:
    """Of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
