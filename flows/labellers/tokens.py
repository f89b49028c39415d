"""What a model of attributed content looks at: the tokens of a text, what stands around them, and what the shipped rules say of them.

Every token has one value per attribute; a template joins attributes of neighbouring tokens to one feature. Nothing here knows
of labels, and nothing is learned here but which features are frequent enough to be kept.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from flows.stages.attribute_quotes import overlapping, quotations
from flows.stages.attribute_rules import SENTENCE_WINDOW
from flows.stages.attribute_speech import Attribution, attributions
from flows.stages.attribute_words import Words, cues, words

Range = tuple[int, int]
# A value or feature that fewer tokens of the training texts have is left out. Not tuned: it keeps half a million features of PolNeAR.
MIN_COUNT = 3
# Upper ends of the classes that distances in tokens fall into.
NEAR = (1, 2, 3, 5, 8, 12, 20, 35)
_CLOSED = (
    "that if whether to for of in on as by with about who which what how why when where because but and or while although though after "
    "before since than is are was were be been has have had will would could should may might can he she they it i we you"
)
CLOSED = frozenset(_CLOSED.split())


class Page(NamedTuple):
    """starts, ends: (tokens,), characters. chains: token ranges of the paragraphs. values: attribute -> one text per token."""

    starts: np.ndarray
    ends: np.ndarray
    chains: list[Range]
    values: dict[str, list[str]]


# A template: (attribute, offset in tokens) pairs.
TEMPLATES: tuple[tuple[tuple[str, int], ...], ...] = (
    *((("word", k),) for k in range(-4, 5)),
    *((("shape", k),) for k in range(-2, 3)),
    *((("rule", k),) for k in range(-3, 4)),
    *((("quote", k),) for k in range(-2, 3)),
    *((("cue", k),) for k in range(-3, 4)),
    *(((name, 0),) for name in ("suffix", "sentence_rule", "sentence_cues", "first_word", "last_word", "before", "after", "place", "block",
                                "left", "right", "left_near", "right_near", "since", "until", "from_start", "to_end", "opens",
                                "last_closed")),
    (("word", -1), ("word", 0)), (("word", 0), ("word", 1)), (("word", 1), ("word", 2)), (("word", -2), ("word", -1)),
    (("rule", 0), ("quote", 0)), (("rule", 0), ("sentence_cues", 0)), (("rule", -1), ("rule", 0), ("rule", 1)), (("rule", 0), ("word", 0)),
    (("rule", 0), ("left", 0)), (("rule", 0), ("right", 0)), (("rule", 0), ("shape", 0)), (("rule", 0), ("from_start", 0)),
    (("quote", -1), ("quote", 0), ("quote", 1)), (("quote", 0), ("place", 0)), (("quote", 0), ("before", 0)), (("quote", 0), ("block", 0)),
    (("left", 0), ("left_near", 0)), (("left", 0), ("since", 0)), (("left", 0), ("opens", 0)), (("left", 0), ("word", 0)),
    (("left", 0), ("opens", 0), ("left_near", 0)),
    (("right", 0), ("right_near", 0)), (("right", 0), ("until", 0)), (("right", 0), ("to_end", 0)), (("right_near", 0), ("left_near", 0)),
    (("cue", -1), ("word", 0)), (("cue", -2), ("word", -1)), (("cue", 0), ("word", 1)), (("cue", 1), ("word", 0)),
    (("since", 0), ("until", 0), ("rule", 0)), (("before", 0), ("sentence_rule", 0)), (("after", 0), ("sentence_rule", 0)),
    (("before", 0), ("after", 0), ("rule", 0)),
    (("sentence_rule", 0), ("first_word", 0)), (("left", 0), ("right", 0)), (("word", 0), ("sentence_rule", 0)),
)  # fmt: skip


def page(text: str, segments: Sequence, language: str | None) -> Page:
    """The tokens of a text. `segments`: blocks each followed by its sentences, as the stage `segment` gives them."""
    quotes = quotations(text, [s for s in segments if s.parent is None])
    found = attributions(text, segments, language)
    units = [s for i, s in enumerate(segments) if s.parent is not None or not (i + 1 < len(segments) and segments[i + 1].parent == i)]
    read = [words(text, at, min(u.end, at + SENTENCE_WINDOW)) for u in units for at in range(u.start, u.end, SENTENCE_WINDOW)]
    parents = [u.start if u.parent is None else segments[u.parent].start for u in units for _ in range(u.start, u.end, SENTENCE_WINDOW)]
    kept = [(w, p) for w, p in zip(read, parents, strict=True) if w.lower]
    sentences, parents = [w for w, _ in kept], [p for _, p in kept]
    starts = np.array([s for w in sentences for s in w.starts], dtype=np.int64)
    ends = np.array([e for w in sentences for e in w.ends], dtype=np.int64)
    values: dict[str, list[str]] = {
        "word": [_plain(x) for w in sentences for x in w.lower],
        "shape": [_shape(text[s:e]) for s, e in zip(starts, ends, strict=True)],
        "suffix": [x[-3:] for w in sentences for x in w.lower],
        "rule": _marked(starts, [(span, a.type[0]) for a in found for span in a.content]),
        "quote": _marked(starts, [(q, "q") for q in quotes]),
    }
    _roles(values["rule"], starts, found)
    edges = np.cumsum([0, *(len(w.lower) for w in sentences)])
    _neighbours(values, text, sentences, edges)
    _sentences(values, text, sentences, parents, edges, quotes)
    cuts = [int(edges[i]) for i in range(len(parents)) if i == 0 or parents[i] != parents[i - 1]] + [int(edges[-1])]
    return Page(starts, ends, [(a, b) for a, b in pairwise(cuts) if a < b], values)


def _plain(word: str) -> str:
    return "".join("0" if c.isdigit() else c for c in word[:24])


def _shape(word: str) -> str:
    if not word[0].isalnum():
        return word[0]
    return (
        ("X" if word[0].isupper() else "0" if word[0].isdigit() else "x")
        + ("X" if word[1:].isupper() else "")
        + ("." if "." in word else "")
    )


def _marked(starts: np.ndarray, spans: Iterable[tuple[Range, str]]) -> list[str]:
    """For each token whether it begins, is in or ends a span, and its kind; O outside."""
    out = ["O"] * len(starts)
    for (start, end), kind in sorted(spans):
        a, b = np.searchsorted(starts, [start, end])
        for i in range(a, b):
            out[i] = ("B" if i == a else "L" if i == b - 1 else "I") + kind
    return out


def _roles(rule: list[str], starts: np.ndarray, found: Sequence[Attribution]) -> None:
    for name, spans in (("S", [s for a in found for s in a.source]), ("C", [s for a in found for s in a.cue])):
        for start, end in spans:
            a, b = np.searchsorted(starts, [start, end])
            for i in range(a, b):
                rule[i] = name if rule[i] == "O" else rule[i] + name


def _near(distance: int) -> str:
    return str(next((i for i, most in enumerate(NEAR) if distance <= most), len(NEAR)))


def _neighbours(values: dict[str, list[str]], text: str, sentences: Sequence[Words], edges: np.ndarray) -> None:
    """The nearest cue on either side within the sentence, how far it is, what follows it and how many commas lie between."""
    n = int(edges[-1])
    names = ("cue", "left", "left_near", "since", "opens", "right", "right_near", "until", "last_closed", "from_start", "to_end")
    columns = {name: ["-"] * n for name in names}
    for sentence, base in zip(sentences, edges, strict=False):
        size = len(sentence.lower)
        commas = np.cumsum([0, *(x in ",;:—–" for x in sentence.lower)])
        listed = cues(sentence)
        for c in listed:
            for i in range(c.first, c.last):
                columns["cue"][base + i] = f"{c.entry.kind}{c.entry.cue_class[0]}"
        at, last, closed = 0, None, "-"
        for i in range(size):
            while at < len(listed) and listed[at].last <= i:
                last, at = listed[at], at + 1
            ahead = next((c for c in listed[at:] if c.first > i), None)
            place = base + i
            columns["from_start"][place], columns["to_end"][place] = _near(i), _near(size - i)
            if sentence.lower[i] in CLOSED:
                closed = sentence.lower[i]
            columns["last_closed"][place] = closed
            if last is not None:
                columns["left"][place] = sentence.lower[last.first]
                columns["left_near"][place] = _near(i - last.last + 1)
                columns["since"][place] = str(min(3, int(commas[i] - commas[last.last]))) + sentence.lower[last.last - 1][:1].strip(
                    "abcdefghijklmnopqrstuvwxyz"
                )
                columns["opens"][place] = (
                    sentence.lower[last.last] if sentence.lower[last.last] in CLOSED else _shape(text[sentence.starts[last.last] :][:1])
                )
            if ahead is not None:
                columns["right"][place] = sentence.lower[ahead.first]
                columns["right_near"][place] = _near(ahead.first - i)
                columns["until"][place] = str(min(3, int(commas[ahead.first] - commas[i])))
    values.update(columns)


def _sentences(
    values: dict[str, list[str]], text: str, sentences: Sequence[Words], parents: list[int], edges: np.ndarray, quotes: list[Range]
) -> None:
    """What the sentence as a whole and the ones beside it are like: the same value for all its tokens."""
    told = []
    for i, sentence in enumerate(sentences):
        a, b = int(edges[i]), int(edges[i + 1])
        inside = sum(r[0] in "BIL" and r != "L" for r in values["rule"][a:b]) / (b - a)
        covered = "0" if not inside else "1" if inside < 0.35 else "2" if inside < 0.75 else "3"
        quoted = "q" if overlapping(quotes, sentence.starts[0], sentence.ends[-1]) else ""
        told.append((covered + quoted, quoted, sentence.lower[-1] if sentence.lower[-1] in (":", "?", "!", "”", '"') else "."))
    columns: dict[str, list[str]] = {
        k: [] for k in ("sentence_rule", "sentence_cues", "first_word", "last_word", "before", "after", "place", "block")
    }
    first = 0
    for i, sentence in enumerate(sentences):
        if i and parents[i] != parents[i - 1]:
            first = i
        size = len(sentence.lower)
        opening = text[parents[i] : parents[i] + 40]
        colon = opening.find(":")
        speaker = 0 < colon < 30 and opening[:colon].strip('"“ ').isupper()
        verbs = sorted({c for c in values["cue"][edges[i] : edges[i + 1]] if c != "-"})
        row = {
            "sentence_rule": told[i][0],
            "sentence_cues": "".join(verbs) or "-",
            "first_word": _plain(sentence.lower[0]),
            "last_word": told[i][2],
            "before": (told[i - 1][0] + told[i - 1][2] if i else "^") + ("|" if i == first else ""),
            "after": told[i + 1][0] + ("|" if parents[i + 1] != parents[i] else "") if i + 1 < len(sentences) else "$",
            "place": ("T" if parents[i] == parents[0] else "") + str(min(i - first, 3)),
            "block": ("S" if speaker else "") + ('"' if opening[:1] in '"“' else ""),
        }
        for name, value in row.items():
            columns[name] += [value] * size
    values.update(columns)


class Encoder(NamedTuple):
    """vocabulary: attribute -> value -> code, from 1; 0 is every other. known: per template its codes, sorted."""

    vocabulary: dict[str, dict[str, int]]
    known: list[np.ndarray]

    @property
    def size(self) -> int:
        return sum(map(len, self.known)) + 1

    def columns(self, pages: Page) -> np.ndarray:
        """(tokens, templates): the column of each feature; the last column where it is not known."""
        coded = {name: np.array([codes.get(v, 0) for v in pages.values[name]], dtype=np.int64) for name, codes in self.vocabulary.items()}
        out, base, missing = np.empty((len(pages.starts), len(TEMPLATES)), np.int32), 0, self.size - 1
        for k, (template, known) in enumerate(zip(TEMPLATES, self.known, strict=True)):
            joined = _joined(coded, template, self.vocabulary)
            at = np.searchsorted(known, joined)
            hit = (
                (at < len(known)) & (known[np.minimum(at, max(len(known) - 1, 0))] == joined) if len(known) else np.zeros(len(joined), bool)
            )
            out[:, k] = np.where(hit, at + base, missing)
            base += len(known)
        return out


def _joined(coded: dict[str, np.ndarray], template: tuple[tuple[str, int], ...], vocabulary: dict[str, dict[str, int]]) -> np.ndarray:
    """One number per token for the values a template joins; beyond the ends of the text every value is 0."""
    out = np.zeros(len(coded["word"]), np.int64)
    for name, offset in template:
        around = np.concatenate([np.zeros(max(-offset, 0), np.int64), coded[name], np.zeros(max(offset, 0), np.int64)])
        out = out * (len(vocabulary[name]) + 1) + around[max(offset, 0) :][: len(out)]
    return out


def encoder(pages: Sequence[Page]) -> Encoder:
    """The values and features that MIN_COUNT tokens of these pages have."""
    counts = {name: Counter(v for p in pages for v in p.values[name]) for name in sorted({n for t in TEMPLATES for n, _ in t})}
    frequent = {name: sorted(v for v, n in c.items() if n >= MIN_COUNT) for name, c in counts.items()}
    vocabulary = {name: {v: i for i, v in enumerate(found, 1)} for name, found in frequent.items()}
    coded = [
        {name: np.array([codes.get(v, 0) for v in p.values[name]], dtype=np.int64) for name, codes in vocabulary.items()} for p in pages
    ]
    known = []
    for template in TEMPLATES:
        found, n = np.unique(np.concatenate([_joined(c, template, vocabulary) for c in coded]), return_counts=True)
        known.append(found[n >= MIN_COUNT])
    return Encoder(vocabulary, known)
