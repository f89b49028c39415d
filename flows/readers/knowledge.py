"""What a corpus folder knows besides its captures: its entities and its stance targets."""

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

from flows.readers.entities import OwnEntity, read_entities
from flows.readers.targets import Target, read_targets


class Knowledge(NamedTuple):
    """Empty where the folder says nothing of either."""

    entities: tuple[OwnEntity, ...] = ()
    targets: tuple[Target, ...] = ()


def read(folder: Path) -> Knowledge:
    """entities.csv and targets.csv of a corpus folder. Raises CorpusError with one clear line."""
    return Knowledge(read_entities(folder / "entities.csv"), read_targets(folder / "targets.csv"))


def digest(folder: Path) -> dict[str, str]:
    """Hashes of what a corpus folder has beside its captures: entities, targets and every file of votes."""
    paths = [folder / "entities.csv", folder / "targets.csv", *sorted((folder / "annotations").glob("*"))]
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in paths if p.is_file()}


def to_json(known: Knowledge) -> str:
    """As it stands beside a shard; the same knowledge is the same text."""
    return json.dumps({name: [row._asdict() for row in rows] for name, rows in known._asdict().items()}, ensure_ascii=False, sort_keys=True)


def from_json(text: str) -> Knowledge:
    """What `to_json` wrote."""
    told = _frozen(json.loads(text))
    return Knowledge(tuple(OwnEntity(**row) for row in told["entities"]), tuple(Target(**row) for row in told["targets"]))


def _frozen(told: Any) -> Any:
    """Tuples where JSON has lists."""
    if isinstance(told, dict):
        return {name: _frozen(value) for name, value in told.items()}
    return tuple(map(_frozen, told)) if isinstance(told, list) else told
