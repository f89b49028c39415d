"""Label Studio: its labelling configuration, and the answers in its JSON export with their marks put in place.

Its offsets are not trusted: versions have counted code points and UTF-16 code units, and browsers count a line end of two
characters as one. The words it saved with a mark decide; a mark that cannot be placed without doubt is refused, with a reason.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from flows.corpus.votes import anchor, squashed
from flows.traced import Rejected
from schemas.annotations import ANSWERS
from schemas.segments import UNITS

# What is marked in the passage, by layer, and what is chosen besides the answer.
SPANS = {"attribution": ("content", "cue", "source"), "claim": ("claim",)}
CHOICES = {"claim": {"holder": ("author", "entity", "unnamed"), "commitment": ("endorses", "distances", "unmarked")}}
# A block is a unit of the article, or something else of the page: the removal rules for it.
LEFTOVERS = (
    "advertisement",
    "share",
    "related",
    "comments",
    "author_box",
    "subscription",
    "cookie",
    "footer",
    "navigation",
    "widget",
    "player",
)
STRIP_ANSWERS = (*(u for u in UNITS if u != "sentence"), *LEFTOVERS)
# The ways in which offsets have been counted: how long a character beyond the basic plane is, and a line end of two characters.
READINGS = {"code points": (1, 2), "UTF-16": (2, 2), "code points, CRLF as one": (1, 1), "UTF-16, CRLF as one": (2, 1)}
# What a task must say of itself to be imported.
TOLD = ("item_id", "layer", "item", "text", "annotator", "batch", "guideline_version", "release")
BATCH = re.compile(r"[a-z0-9][A-Za-z0-9._-]{0,200}")

Fits = dict[str, tuple[int, int]]


class Answer(NamedTuple):
    """One annotator's answer to one task. marks: (label, value) of each marked span, as exported; `problem` is why it is no answer."""

    where: str
    data: dict[str, str]
    choices: dict[str, str]
    marks: list[tuple[str, dict]]
    saw_prelabel: bool
    problem: Rejected | None = None


def configuration(layer: str, is_adjudication: bool = False) -> str:
    """The labelling configuration of a layer, XML.

    White space is shown as it is, since offsets count it, and the marked words are saved, since they say where they stand.
    """
    lines = ["<View>", "  <Style>.htx-text { white-space: pre-wrap; }</Style>"]
    lines += ['  <Header value="$question"/>', '  <Text name="item" value="$item"/>']
    if is_adjudication:
        lines += ['  <Header value="Answers"/>', '  <Text name="answers" value="$answers"/>']
    lines += ['  <Header value="In its place"/>']
    if layer in SPANS:
        lines += ['  <Labels name="span" toName="text">', *(f'    <Label value="{part}"/>' for part in SPANS[layer]), "  </Labels>"]
    lines += ['  <Text name="text" value="$text" saveTextResult="yes" granularity="symbol"/>']
    for name, answers in {"answer": ANSWERS.get(layer, STRIP_ANSWERS), **CHOICES.get(layer, {})}.items():
        # What else there is to say is asked only where the answer is not `none`.
        when = "" if name == "answer" else ' visibleWhen="choice-unselected" whenTagName="answer" whenChoiceValue="none"'
        lines += [f'  <Header value="{name}"/>', f'  <Choices name="{name}" toName="text" choice="single" required="true"{when}>']
        lines += [*(f'    <Choice value="{a}"/>' for a in answers), "  </Choices>"]
    return "\n".join([*lines, "</View>", ""])


def read_answers(exported: Sequence[Any]) -> list[Answer]:
    """The answers in the tasks of a JSON export (not JSON-MIN), in its order. Tasks nobody finished have none."""
    return [answer for number, task in enumerate(exported, 1) for answer in _answers(f"task {number}", task)]


def located(answers: Sequence[Answer]) -> list[list[tuple[str, int, int]] | Rejected]:
    """For each answer its marks as (label, start, end) in characters of its `text`; or why they cannot be placed.

    A mark is read in every way offsets have been counted, and kept where its words stand. Where ways disagree, those count that
    no other mark of the answer, and then no other of the export, has refuted.
    """
    fits = [[_fits(a.data["text"], value) for _, value in a.marks] if a.problem is None else [] for a in answers]
    everywhere = _unrefuted(fit for marks in fits for fit in marks)
    found: list[list[tuple[str, int, int]] | Rejected] = []
    for answer, marks in zip(answers, fits, strict=True):
        try:
            trusted = (_unrefuted(marks), everywhere)
            spans = [_place(answer.data["text"], value, fit, trusted) for (_, value), fit in zip(answer.marks, marks, strict=True)]
            found.append([(label, *span) for (label, _), span in zip(answer.marks, spans, strict=True)])
        except Rejected as why:
            found.append(why)
    return found


def _answers(where: str, task: Any) -> Iterator[Answer]:
    data = task.get("data") if isinstance(task, dict) else None
    given = task.get("annotations") if isinstance(task, dict) else None
    if not isinstance(data, dict) or not isinstance(given, list):
        yield Answer(where, {}, {}, [], False, Rejected("no_task", "neither data nor annotations; export as JSON, not JSON-MIN"))
        return
    where = f"{where} ({data.get('item_id')!r:.80})"
    if missing := next((k for k in TOLD if not isinstance(data.get(k), str)), None):
        yield Answer(where, {}, {}, [], False, Rejected("no_task", f"its data has no {missing}; it was not exported by araxes"))
        return
    done = [a for a in given if isinstance(a, dict) and not a.get("was_cancelled") and isinstance(a.get("result"), list)]
    told = {k: v for k, v in data.items() if isinstance(v, str)}
    if not BATCH.fullmatch(told["batch"]):
        yield Answer(where, told, {}, [], False, Rejected("no_task", "its batch is no name"))
    elif len(done) > 1:
        yield Answer(where, told, {}, [], False, Rejected("several_answers", "a task is for one annotator, and has more than one answer"))
    elif done:
        yield _answer(where, told, done[0], bool(task.get("predictions")))
    elif given:
        yield Answer(where, told, {}, [], False, Rejected("skipped", "the annotator skipped it"))


def _answer(where: str, data: dict[str, str], given: dict, has_predictions: bool) -> Answer:
    choices: dict[str, str] = {}
    marks = []
    for result in given["result"]:
        value = result.get("value") if isinstance(result, dict) else None
        if not isinstance(value, dict):
            continue
        name = str(result.get("from_name"))
        if isinstance(value.get("choices"), list):
            if len(value["choices"]) != 1 or not isinstance(value["choices"][0], str) or name in choices:
                return Answer(where, data, {}, [], False, Rejected("no_single_answer", f"{name!r:.80} has not one answer"))
            choices[name] = value["choices"][0]
        for label in value["labels"] if isinstance(value.get("labels"), list) else ():
            marks.append((str(label), value))
    saw = has_predictions or given.get("parent_prediction") is not None
    return Answer(where, data, choices, marks, saw)


def _fits(text: str, value: dict) -> Fits:
    """Where a mark stands in each way of counting under which its words stand there, or could where none were saved."""
    words, found = value.get("text"), {}
    wanted = _plain(words) if isinstance(words, str) else None
    for name, ends in _readings(text):
        start, end = (ends.get(_whole(value.get(side))) for side in ("start", "end"))
        if start is None or end is None or start >= end:
            continue
        start, end = _trimmed(text, start, end)
        if start < end and (wanted is None or _plain(text[start:end]) == wanted):
            found[name] = (start, end)
    return found


def _readings(text: str) -> Iterator[tuple[str, dict[int, int]]]:
    """For each way of counting: offset -> character of the text."""
    for name, (astral, line_end) in READINGS.items():
        at = 0
        places: dict[int, int] = {}
        for i, c in enumerate(text):
            places.setdefault(at, i)
            at += line_end - 1 if c == "\r" and text[i + 1 : i + 2] == "\n" else astral if c > "\uffff" else 1
        places.setdefault(at, len(text))
        yield name, places


def _unrefuted(fits: Iterable[Fits]) -> set[str]:
    """The ways of counting under which every mark has its words that has them under any."""
    alive = set(READINGS)
    for fit in fits:
        if fit:
            alive &= fit.keys()
    return alive


def _place(text: str, value: dict, fit: Fits, trusted: Iterable[set[str]]) -> tuple[int, int]:
    if len(set(fit.values())) == 1:
        return next(iter(fit.values()))
    if not fit:
        if not isinstance(value.get("text"), str):
            raise Rejected("no_place", "its offsets lie outside the text, and its words were not saved")
        return anchor(text, _unescaped(value["text"]))
    for alive in trusted:
        if len(places := {place for name, place in fit.items() if name in alive}) == 1:
            return places.pop()
    raise Rejected("ambiguous", "its words stand at several places that its offsets may mean")


def _plain(words: str) -> str:
    return squashed(_unescaped(words))[0]


def _unescaped(words: str) -> str:
    """Saved words have line ends spelled out."""
    return words.replace("\\r", "\r").replace("\\n", "\n")


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def _whole(number: Any) -> int:
    """An offset as exported; -1, which no character has, where it is none."""
    if isinstance(number, str) and re.fullmatch(r"[0-9]{1,15}", number):
        return int(number)
    return number if type(number) is int else -1
