"""A release for the tests of its papers: the tiny one, with votes of people and of a model, labels of two tiers, and training tables."""

from pathlib import Path

import schemas
from flows.release.public import withhold
from flows.release.publish import write
from tests import tiny

DATASET = tiny.DATASET | {
    "creators": ["Vance, Rhea", "The Orbelân Press Archive"],
    "citation": "R. Vance (2026). Tiny Harbour Papers.",
    "date_published": "2026-03-01",
    "tags": ["ferries"],
    "limits": "Three articles prove nothing.",
    "url": "https://papers.example/tiny",
    "doi": "https://doi.org/10.5281/zenodo.1234",
}


def example(name: str, **values) -> dict:
    return schemas.table(name).EXAMPLE | values


def rows() -> dict[str, list[dict]]:
    """By table. The votes and labels are on items of their own; of the gold there are three splits, of the weak two."""
    made = {name: found for name, found in tiny.rows().items() if found}
    made["documents"][0] |= {
        "date_candidates": [
            {"role": "published", "value": "2025-07-06", "precision": "day", "source": "byline", "byte_start": 3, "byte_end": 9},
            {"role": "mention", "value": "2025-08", "precision": "month", "source": "capture", "byte_start": None, "byte_end": None},
        ],
        "authors": ["Leyla Rzayeva", "Jon Kofas"],
    }
    made["stances"][0] |= {"evidence_spans": schemas.table("stances").EXAMPLE["evidence_spans"]}
    made["annotations"] = [
        example("annotations", annotation_id="0", annotator_id="a1"),
        example("annotations", annotation_id="1", annotator_id="a2"),
        example("annotations", annotation_id="2", annotator_id="a-model", annotator_type="model", item_id="i2"),
    ]
    made["labels"] = [example("labels"), example("labels", item_id="i2", tier="model_single", method="single")]
    made["stances_gold"] = [example("stances_gold", item_id=f"i{i}", split=s) for i, s in enumerate(("test", "train", "validation"))]
    made["stances_weak"] = [example("stances_weak", item_id=f"i{i}", split=s) for i, s in enumerate(("train", "train", "validation"))]
    return made


def release(folder: Path, made: dict[str, list[dict]], dataset: dict = DATASET, public: bool = False) -> Path:
    """A release of the rows in `folder`, as `write` leaves it."""
    prepared = tiny.tables(folder / "tables", made)
    if public:
        prepared = withhold(prepared, folder / "public")
    (folder / "release").mkdir()
    write(prepared, folder / "release", dataset, "1.2.0", tiny.BUILD)
    return folder / "release"
