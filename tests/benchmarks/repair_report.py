"""What repair's edits are worth: how often they are right, whether confidence means what it says, and how fast it is.

    python -m tests.benchmarks.repair_report --bench BENCH [--cross] [--lines 1000]

Lines of ud and fundus (see train_repair) are damaged by every code page, and each edit is held against what stood there before
the damage. `--cross` takes counts trained without the half of the documents at hand: for the figures on data never seen.
"""

import argparse
import codecs
import gc
import random
import sys
import time
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import ftfy

from flows.stages import repair_chances
from flows.stages.repair import repair
from flows.traced import Traced, replay
from tests.benchmarks.train_repair import CJK, documents, fold, train

# Code page by code page what a text went through; "?" where an editor wrote question marks for lost bytes.
DAMAGE = {
    **{codec: [(codec, "replace")] for codec in ("gb18030", "cp1252", "cp1254", "cp1251", "cp1250", "iso8859-2", "mac_roman")},
    **{codec: [(codec, "replace")] for codec in ("koi8-r", "cp437", "latin-1")},
    "gbk, dropped": [("gbk", "ignore")],
    "gbk, ?": [("gbk", "?")],
    "cp1252 twice": [("cp1252", "replace")] * 2,
    "latin-1, cp1252": [("latin-1", "strict"), ("cp1252", "replace")],
    "cp1251 twice": [("cp1251", "replace")] * 2,
    "mac_roman twice": [("mac_roman", "strict")] * 2,
    "gb18030 twice": [("gb18030", "replace")] * 2,
}
CONFIDENCE = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1.01)


class Judged(NamedTuple):
    kind: str
    confidence: float
    right: bool
    unseen: bool  # a character the model has not met


def damaged(text: str, codec: str, errors: str) -> tuple[str, list[tuple[int, int]]]:
    """The damaged text, and where a character of it begins where one of the text does: (position there, position here)."""
    decoder = codecs.getincrementaldecoder(codec)("replace" if errors == "?" else errors)
    out, size, joints = [], 0, [(0, 0)]
    for i, c in enumerate(text, 1):
        out.append(decoder.decode(c.encode("utf-8"), final=i == len(text)))
        size += len(out[-1])
        if not decoder.getstate()[0]:
            joints.append((size, i))
    bad = "".join(out)
    return (bad.replace("\ufffd", "?") if errors == "?" else bad), joints


def damaged_by(text: str, ways: list[tuple[str, str]]) -> tuple[str, list[tuple[int, int]]]:
    bad, joints = damaged(text, *ways[0])
    for way in ways[1:]:
        here = {}
        for there, before in joints:
            here.setdefault(there, before)
        bad, outer = damaged(bad, *way)
        joints = [(there, here[between]) for there, between in outer if between in here]
    return bad, joints


def judged(clean: str, text: Traced, joints: list[tuple[int, int]]) -> Iterator[Judged]:
    """Each guess and each exact edit against the clean text, over the least stretch that both texts share."""
    there, here = [j[0] for j in joints], [j[1] for j in joints]
    width = [0]
    for c in text.data.decode("utf-8"):
        width.append(width[-1] + len(c.encode("utf-8")))
    spans = [(bisect_left(width, e.byte_start), bisect_left(width, e.byte_end)) for e in text.edits]
    for i, e in enumerate(text.edits):
        if e.kind not in ("exact", "inferred"):
            continue
        first, last = i, i
        while True:
            a, b = bisect_right(there, spans[first][0]) - 1, bisect_left(there, spans[last][1])
            more = [k for k, (s, t) in enumerate(spans) if s < there[b] and t > there[a]]
            if (min(more), max(more)) == (first, last):
                break
            first, last = min(more), max(more)
        edits = [(*spans[k], text.text[text.edits[k].start : text.edits[k].end]) for k in range(first, last + 1)]
        bad, truth, after = text.data.decode("utf-8"), clean[here[a] : here[b]], text.text[e.start : e.end]
        left = _read(bad, edits[: i - first], there[a], spans[i][0])
        right = _read(bad, edits[i - first + 1 :], spans[i][1], there[b])
        fits = truth == left + after + right or (len(edits) > 1 and (truth.startswith(left + after) or truth.endswith(after + right)))
        # Where a guess beside it is wrong too, nothing tells whose fault it is.
        if fits or e.kind == "inferred" or all(text.edits[k].kind == "exact" for k in range(first, last + 1)):
            yield Judged(e.kind, e.confidence, fits, not all(c.isascii() or repair_chances.is_known(c) for c in after))


def _read(text: str, edits: list[tuple[int, int, str]], start: int, end: int) -> str:
    parts, at = [], start
    for a, b, after in edits:
        parts += [text[at:a], after]
        at = b
    return "".join([*parts, text[at:end]])


def traced(text: str) -> Traced:
    return Traced.decoded(text.encode("utf-8"), "utf-8")


def forget() -> None:
    """Empty what the stage has remembered, the model too."""
    for part in [module for name, module in sys.modules.items() if name.startswith("flows.stages.repair")]:
        for value in vars(part).values():
            getattr(value, "cache_clear", lambda: None)()


def report_accuracy(docs: list[tuple[str, str, list[str]]], models: dict[int | None, Path], number: int) -> None:
    lines, edits = defaultdict(Counter), defaultdict(list)
    for half, model in models.items():
        repair_chances.MODEL = model
        forget()
        # Not lines with references, which the stage reads.
        of_half = [lines for lang, key, lines in docs if lang not in CJK and half in (None, fold(key))]
        chosen = [x for xs in of_half for x in xs if not x.isascii() and "&" not in x]
        for line in random.Random(1).sample(chosen, min(number, len(chosen))):
            for name, ways in DAMAGE.items():
                bad, joints = damaged_by(line, ways)
                text = repair(traced(bad))
                lines[name][text.text == line] += 1
                edits[name] += judged(line, text, joints)
    print("\n| damage | lines | right | exact edits | wrong | inferred edits | right |\n|---|---|---|---|---|---|---|")
    for name, found in edits.items():
        exact, guessed = ([e for e in found if e.kind == kind] for kind in ("exact", "inferred"))
        n, wrong = lines[name].total(), sum(not e.right for e in exact)
        share = f"{sum(e.right for e in guessed) / max(1, len(guessed)):.3f}"
        print(f"| {name} | {n} | {lines[name][True] / n:.4f} | {len(exact)} | {wrong} | {len(guessed)} | {share} |")
    every = [e for found in edits.values() for e in found]
    exact = [e.right for e in every if e.kind == "exact"]
    print(f"\nexact edits: {len(exact)}, wrong {exact.count(False)}, precision {sum(exact) / len(exact):.6f}")
    for title, twice in (("damaged once", False), ("damaged twice", True)):
        guessed = [e for name, found in edits.items() if (len(DAMAGE[name]) > 1) == twice for e in found if e.kind == "inferred"]
        _print_calibration(f"inferred edits, {title}", [e for e in guessed if not e.unseen])
        _print_calibration(f"inferred edits, {title}, with a character the model has not met", [e for e in guessed if e.unseen])


def _print_calibration(title: str, edits: list[Judged]) -> None:
    print(f"\n{title}: {len(edits)}\n\n| confidence | n | mean confidence | right |\n|---|---|---|---|")
    for low, high in pairwise(CONFIDENCE):
        if here := [e for e in edits if low <= e.confidence < high]:
            mean = sum(e.confidence for e in here) / len(here)
            print(f"| {low} to {min(high, 1.0)} | {len(here)} | {mean:.3f} | {sum(e.right for e in here) / len(here):.3f} |")


def report_replay(docs: list[tuple[str, str, list[str]]]) -> None:
    """Every document, as it is and damaged: its edits lead from its bytes to its text, and a second repair finds nothing."""
    count, wrong = 0, 0
    for _, _, lines in docs:
        clean = "\n".join(lines)
        for ways in ([], *DAMAGE.values()):
            bad = damaged_by(clean, ways)[0] if ways and clean else clean
            text = repair(traced(bad))
            edits = [(e.byte_start, e.byte_end, text.text[e.start : e.end]) for e in text.edits]
            count += 1
            wrong += replay(text.data, text.encoding, edits) != text.text or repair(traced(text.text)).text != text.text
    print(f"\nreplayed and repaired again: {count} documents, {wrong} that differ")


def report_speed(docs: list[tuple[str, str, list[str]]]) -> None:
    """Documents mostly in Latin letters, of which a few characters are damaged, and others, of which all are."""
    forget()
    for ways in DAMAGE.values():  # the model is loaded once, patterns are compiled once
        repair(traced(damaged_by("It’s the mayor’s “last” word, says Zoë.", ways)[0]))
    bodies = ["\n".join(lines) for lang, _, lines in docs if lang not in CJK]
    latin = [2 * len(body.encode("ascii", "ignore")) > len(body) for body in bodies]
    gc.disable()  # as where the line runs
    print("\n| text | letters | Mchar/s | again | ftfy.fix_text | ratio | again |\n|---|---|---|---|---|---|---|")
    for name, ways in {"clean": [], **DAMAGE}.items():
        for letters, wanted in (("Latin", True), ("other", False)):
            here = [body for body, is_latin in zip(bodies, latin, strict=True) if is_latin == wanted]
            texts = [damaged_by(body, ways)[0] if ways and body else body for body in here]
            starts = [traced(text) for text in texts]
            first, again, theirs = _seconds(repair, starts), _seconds(repair, starts), _seconds(ftfy.fix_text, texts)
            speeds = " | ".join(f"{sum(map(len, texts)) / 1e6 / s:.2f}" for s in (first, again, theirs))
            print(f"| {name} | {letters} | {speeds} | {theirs / first:.2f} | {theirs / again:.2f} |")


def _seconds(function: Callable, values: Iterable) -> float:
    begin = time.process_time()
    for value in values:
        function(value)
    return time.process_time() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bench", type=Path, required=True)
    parser.add_argument("--cross", action="store_true", help="train without the half that is scored")
    parser.add_argument("--lines", type=int, default=1000, help="lines of each half to damage")
    parser.add_argument("--models", type=Path, help="where the halves' models are kept")
    a = parser.parse_args()
    docs = list(documents(a.bench / "ud", a.bench / "fundus"))
    shipped = repair_chances.MODEL
    with TemporaryDirectory() as temporary:
        models: dict[int | None, Path] = {None: shipped}
        if a.cross:
            models = {half: (a.models or Path(temporary)) / f"fold{half}.gz" for half in (0, 1)}
            for half, path in models.items():
                if not path.exists():
                    path.write_bytes(train(a.bench, half))
        report_accuracy(docs, models, a.lines)
    repair_chances.MODEL = shipped
    report_speed(docs)
    report_replay(docs)


if __name__ == "__main__":
    main()
