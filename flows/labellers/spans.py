"""A labeller of marked words, trained on the user's own gold: the content of attributions.

A conditional random field over tokens (crf.py) that sees the words, the cues around them and what the shipped rules mark (tokens.py): it
learns where a set's idea of attributed content differs from the rules'. What it finds has no source or cue. Nothing trained is
ever shipped.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from flows.labellers import Labeller, Passage, Target, attribution, crf
from flows.labellers.rules import segments_of
from flows.labellers.tokens import Encoder, Page, encoder, page
from schemas import Row

Range = tuple[int, int]
# Texts a step of training sees at once.
BATCH = 8
# Of six settings tried on PolNeAR dev: F1 of characters is .83 without decay (on a quarter of train) and .861 to .865 with .05 to .15.
DECAY = 0.1
RATE = 0.1
ROUNDS = 6
# What is taken from the score of every token outside: of 0, .1 and .2 on PolNeAR dev the one where precision and recall are nearest.
LEAN = 0.1
OPENING, CLOSING = frozenset('"“«„'), frozenset('"”»“')


class Model(NamedTuple):
    """What turns tokens into columns, and the weights of the columns."""

    encoder: Encoder
    field: crf.Field


def train(articles: Sequence[tuple[str, Sequence[Range], str | None]]) -> Model:
    """articles: (text, ranges of content, language). A minute or two and some 1.5 GB for the four million characters of PolNeAR train."""
    pages = [(page(text, segments_of(text), language), spans) for text, spans, language in articles]
    known = encoder([p for p, _ in pages])
    items = [(known.columns(p), states(p, spans), p.chains) for p, spans in pages if len(p.starts)]
    if not items:
        raise ValueError("nothing to learn from: no words")
    batches = [_batch(items[k : k + BATCH]) for k in range(0, len(items), BATCH)]
    return Model(known, crf.train(batches, known.size, ROUNDS, RATE, DECAY))


def _batch(items: list) -> tuple[np.ndarray, np.ndarray, list[Range]]:
    bases = np.cumsum([0, *(len(y) for _, y, _ in items)])
    chains = [(a + int(base), b + int(base)) for (_, _, found), base in zip(items, bases, strict=False) for a, b in found]
    return np.concatenate([c for c, _, _ in items]), np.concatenate([y for _, y, _ in items]), chains


def states(told: Page, spans: Sequence[Range]) -> np.ndarray:
    """(tokens,): whether each begins, is in, ends or is outside content. A token is in where its middle is."""
    middle, inside = (told.starts + told.ends) / 2, np.zeros(len(told.starts) + 2, bool)
    for start, end in spans:
        inside[1:-1] |= (middle > start) & (middle < end)
    found = np.where(inside[1:-1], crf.IN, crf.OUT)
    for a, b in told.chains:
        here = inside[a + 1 : b + 1]
        opens, ends = here & ~np.r_[False, here[:-1]], here & ~np.r_[here[1:], False]
        found[a:b][ends] = crf.LAST_IN
        found[a:b][opens] = crf.FIRST_IN
    return found


def content(model: Model, text: str, segments: Sequence, language: str | None) -> list[Range]:
    """Character ranges of attributed content, in order."""
    told = page(text, segments, language)
    if not len(told.starts):
        return []
    values = crf.scores(model.field, model.encoder.columns(told)).astype(float)
    values[:, crf.OUT] -= LEAN
    found = crf.best(np.round(values, 6), model.field.moves, told.chains)
    out: list[Range] = []
    for i in np.flatnonzero(found != crf.OUT):
        start, end = int(told.starts[i]), int(told.ends[i])
        if out and found[i] != crf.FIRST_IN:
            out[-1] = (out[-1][0], end)
        else:
            out.append((start, end))
    return out


def _type(content: str) -> str:
    """direct where it begins and ends with quotation marks, else indirect."""
    return "direct" if content.lstrip()[:1] in OPENING and content.rstrip(" .,")[-1:] in CLOSING else "indirect"


def save(model: Model, path: Path) -> None:
    """Write a model where `load` finds it, folders included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    words = json.dumps(model.encoder.vocabulary, ensure_ascii=False).encode("utf-8", "surrogatepass")
    known = {f"known_{k:03}": codes for k, codes in enumerate(model.encoder.known)}
    weights = {"weights": model.field.weights.astype(np.float32), "moves": model.field.moves}
    arrays = {"vocabulary": np.frombuffer(words, np.uint8), **weights, **known}
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]  # numpy's stub takes every name for its option allow_pickle


def load(path: Path) -> Model:
    """A model that was saved here; nothing in the file is run."""
    with np.load(path, allow_pickle=False) as file:
        vocabulary = json.loads(file["vocabulary"].tobytes().decode("utf-8", "surrogatepass"))
        known = [file[name] for name in sorted(n for n in file.files if n.startswith("known_"))]
        return Model(Encoder(vocabulary, known), crf.Field(file["weights"], file["moves"]))


def labeller(model: Model, name: str) -> Labeller:
    """A vote for each range of content in a document, as an attribution without source and cue."""

    def label(passage: Passage, targets: Sequence[Target]) -> list[Row] | None:
        if passage.bytes_of is None:
            return None
        found = content(model, passage.text, passage.segments, passage.language)
        return [attribution(passage, {"content": [span]}, _type(passage.text[slice(*span)]), name, "model") for span in found]

    return label
