"""Calibration: what the stages and labellers are worth on answers at hand, beside baselines; and labellers trained on them.

    read gold -> train -> score -> calibration.json

Answers are PolNeAR, CheckThat! and SemEval-2016 task 6, where the user has them, and those of a release. Nothing is downloaded; models
trained here stay in the folder they are written to and are never part of a release. `calibrate` is the same with and without Prefect.
"""

import json
import os
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import Any

os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")

from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from flows.corpus.agreement import agreements
from flows.labellers import Labeller, answered_by, pages, reference, rules, score
from flows.labellers import endpoint as endpoints
from flows.labellers.rules import segments_of, worth_checking
from flows.line import directly
from flows.readers import gold
from flows.readers.folder import CorpusError
from flows.stages.attribute_speech import attributions
from flows.stages.attribute_words import cues, words
from schemas import Row, training

ARTIFACT = "araxes-calibration"
FILE = "calibration.json"
LABELS = "labels of the tier in the table's name. Where a probe that sees less than the task does well, the labels can be had without it."
# What has to be said beside any figure of a set, by how its name begins.
CAVEATS = {
    "PolNeAR": "news in US English around the elections of 2016, by its own definition of an attribution. Other subjects, languages and "
    "registers, yours among them, will differ, mostly for the worse.",
    "CheckThat!": "sentences of presidential debates in US English, spoken and out of context. News is neither; its answers and "
    "their frequency will differ.",
    "SemEval": "English tweets on targets in the USA of 2016, often found by their hashtags. Stances in articles are less plain.",
    "blind reference": "one model's answers, given without seeing the rules, on few documents: a check of the rules, not gold. Claims "
    "there are a choice and stances a sample; ranges are compared in bytes.",
    "people": "how far people who did not see each other's answers gave the same ones, on the items of the sample. Whoever is trained on "
    "their answers is not to be expected to agree with them more than they do.",
    "gold": "people's answers of this release. They speak for the documents they were drawn from.",
    "pages ": "the pages of the sample and the outlets it was drawn from. What went with its markup was not asked: of HTML pages only "
    "what was kept is judged.",
    "claims_": LABELS,
    "stances_": LABELS,
}
NO_SKLEARN = "needs scikit-learn: pip install 'araxes[calibrate]'"


def calibrate(
    release: Path | None = None,
    polnear: Path | None = None,
    checkthat: Path | None = None,
    semeval: Path | None = None,
    train: bool = False,
    out: Path = Path("calibration"),
    call: Callable[..., Any] = directly,
) -> list[Row]:
    """Rows of measures (flows.labellers.score), written to out/calibration.json with their caveats.

    train: first train a labeller on each set given, into out/models; models that are there already are scored, too. Raises CorpusError
    where a set is not what it should be, or nothing was given.
    """
    jobs = {
        "polnear": (polnear, on_polnear),
        "checkthat": (checkthat, on_checkthat),
        "semeval": (semeval, on_semeval),
        "release": (release, on_release),
    }
    given = {name: job for name, job in jobs.items() if job[0] is not None}
    if not given:
        raise CorpusError("nothing to calibrate on; name a release, or a folder with PolNeAR, CheckThat! or SemEval-2016 task 6")
    if train and not has_sklearn():
        raise CorpusError(f"--train {NO_SKLEARN}")
    rows = [row for name, (place, job) in given.items() for row in call(name, job, place, train, out / "models")]
    out.mkdir(parents=True, exist_ok=True)
    told = {"araxes": version("araxes"), "caveats": {r["data"]: caveat(r["data"]) for r in rows}, "rows": rows}
    (out / FILE).write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return rows


@flow(name="araxes-calibrate", persist_result=False)
def calibration(
    release: Path | None = None,
    polnear: Path | None = None,
    checkthat: Path | None = None,
    semeval: Path | None = None,
    train: bool = False,
    out: Path = Path("calibration"),
) -> list[Row]:
    """The same under Prefect: every set a task, the rows an artifact."""
    rows = calibrate(release, polnear, checkthat, semeval, train, out, _task)
    create_table_artifact(rows, key=ARTIFACT, description="What stages and labellers are worth on answers at hand")
    return rows


def _task(name: str, function: Callable[..., Any], *values: Any) -> Any:
    return task(name=name, cache_policy=NO_CACHE, persist_result=False)(function)(*values)


def has_sklearn() -> bool:
    """Whether the extra `calibrate` is installed."""
    return find_spec("sklearn") is not None


def on_polnear(root: Path, train: bool, models: Path) -> list[Row]:
    """Attributed content of PolNeAR dev."""
    dev = list(gold.polnear(root, "dev"))
    systems: dict[str, score.Spans] = {
        "baseline: majority (no content)": lambda text: [],
        "baseline: everything": lambda text: [(0, len(text))],
        "baseline: quotation marks": score.quoted,
        "baseline: sentence with quotation or cue": lambda text: score.reporting(text, _has_cue),
        "rules": lambda text: [span for found in _attributions(text) for span in found.content],
    }
    if has_sklearn():
        from flows.labellers import spans

        learnt = list(gold.polnear(root, "train"))
        systems["baseline: TF-IDF + logistic regression"] = _sentence_baseline(learnt)
        path = models / "attribution.npz"
        if train:
            answers = [(a.text, [s for found in a.attributions for s in found.content], "en") for a in learnt]
            spans.save(spans.train(answers), path)
        if path.is_file():
            model = spans.load(path)
            systems["trained here"] = lambda text: spans.content(model, text, segments_of(text), "en")
    return score.attributed(dev, "PolNeAR dev", systems) + score.sources(dev, "PolNeAR dev", "rules", _attributions)


def _attributions(text: str) -> list:
    return attributions(text, segments_of(text), "en")


def _has_cue(text: str) -> bool:
    return bool(cues(words(text, 0, len(text))))


def _sentence_baseline(articles: Sequence[gold.Article]) -> score.Spans:
    from flows.labellers.sklearn import baseline

    asked = score.sentence_answers(articles)
    predict = baseline([a.text for a in asked], [a.answer for a in asked], characters=False)

    def found(text: str) -> list[score.Range]:
        cut = score.sentences(text)
        return [span for span, answer in zip(cut, predict([text[a:b].strip() for a, b in cut]), strict=True) if answer == "yes"]

    return found


def on_checkthat(root: Path, train: bool, models: Path) -> list[Row]:
    """Check-worthiness of CheckThat! dev, without the sentences that stand in train."""
    learnt = gold.checkthat(root, "train")
    dev = score.without_duplicates(gold.checkthat(root, "dev"), learnt)
    systems: dict[str, Callable] = {
        "baseline: majority": lambda texts: [0.0] * len(texts),
        "baseline: contains a digit": lambda texts: [float(any(c.isdigit() for c in t)) for t in texts],
        "rules": lambda texts: [worth_checking(t) for t in texts],
    }
    if has_sklearn():
        from flows.labellers import sklearn

        texts, answers = [a.text for a in learnt], [a.answer for a in learnt]
        systems["baseline: TF-IDF + logistic regression"] = partial(_yes, sklearn.fitted_baseline(texts, answers))
        path = models / "check_worthiness.joblib"
        if train:
            sklearn.save(sklearn.train(texts, answers), path)
        if path.is_file():
            model = sklearn.load(path)
            systems["trained here"] = lambda asked: sklearn.probabilities(model, asked)[:, model.classes.index("yes")]
    return score.ranked(dev, "CheckThat! dev without duplicates of train", systems)


def _yes(model: Any, texts: list[str]) -> Sequence[float]:
    return model.predict_proba(texts)[:, list(model.classes_).index("yes")]


def on_semeval(root: Path, train: bool, models: Path) -> list[Row]:
    """Stances of SemEval-2016 task 6 A; the official figure is the mean F1 of favor and against."""
    learnt, asked = gold.semeval(root, "train"), gold.semeval(root, "test")
    of_target = {target: [a for a in learnt if a.target == target] for target in {a.target for a in learnt}}
    systems: dict[str, Sequence[str | None]] = {
        "baseline: majority per target": [score.commonest(x.answer for x in of_target[a.target]) for a in asked]
    }
    if has_sklearn():
        from flows.labellers import sklearn

        worded = lambda rows: [sklearn.worded(a.text, a.target) for a in rows]  # noqa: E731
        blind = sklearn.baseline([a.text for a in learnt], [a.answer for a in learnt])
        systems["probe: target-blind"] = list(blind([a.text for a in asked]))
        by_target = {t: sklearn.baseline([a.text for a in some], [a.answer for a in some]) for t, some in of_target.items()}
        systems["baseline: TF-IDF + logistic regression per target"] = [by_target[a.target]([a.text])[0] for a in asked]
        path = models / "stance_semeval.joblib"
        if train:
            sklearn.save(sklearn.train(worded(learnt), [a.answer for a in learnt]), path)
        if path.is_file():
            systems["trained here"] = sklearn.answers_of(sklearn.load(path), worded(asked))
    data, polar = "SemEval-2016 task 6 A test", ("favor", "against")
    rows = []
    for name, answers in systems.items():
        given = [(str(i), a.answer, got) for i, (a, got) in enumerate(zip(asked, answers, strict=True))]
        rows += score.answered("stance", data, name, given, polar, language="en")
    return rows


def on_release(release: Path, train: bool, models: Path) -> list[Row]:
    """The people in a release against each other, rules against the answers in it, and probes on its training tables."""
    tables = gold.release_tables(release, (*reference.VOTES, *training.NAMES))
    voted = {v["item_id"][:20] for name in reference.VOTES for v in tables[name]}
    tables |= gold.release_tables(release, reference.OF_DOCUMENTS, voted)
    systems = {"rules": reference.attributed(tables, rules.label)}
    if has_sklearn() and (path := models / "attribution.npz").is_file():
        from flows.labellers import spans

        systems["trained here"] = reference.attributed(tables, spans.labeller(spans.load(path), "trained here"))
    rows = _between_people(tables["annotations"]) + reference.scored(tables, systems) + pages.scored(tables)
    for name in (n for n in training.NAMES if tables[n]):
        kind, _, tier = name.partition("_")
        layer = training.LAYERS[kind]
        if has_sklearn():
            from flows.labellers.probes import probed

            rows += probed(layer, name, tables[name])
        if tier == "gold":
            rows += _on_gold(layer, name, tables[name], train, models)
    return rows


def _between_people(votes: Sequence[Row]) -> list[Row]:
    """How far they agree, by layer and guideline: what is counted, and of what, says flows.corpus.agreement."""
    rows = []
    for a in agreements(votes):
        data = f"people, guideline {a.guideline_version or 'not stated'}"
        measure = f"{a.measure}, of {a.fact}" if a.fact else a.measure
        interval = None if a.low is None or a.high is None else (a.low, a.high)
        rows.append(score.row(a.layer, data, f"{a.n_annotators} annotators", measure, a.value, a.n_items, interval))
    return rows


def _on_gold(layer: str, name: str, rows: Sequence[Row], train: bool, models: Path) -> list[Row]:
    """A labeller trained on the user's own gold, and an endpoint where one is set, scored on the part held back."""
    held = next((s for s in ("test", "validation") if any(r["split"] == s for r in rows)), None)
    told = [r for r in rows if r["text"] is not None]
    asked, learnt = [r for r in told if r["split"] == held], [r for r in told if r["split"] == "train"]
    systems: dict[str, Labeller] = {}
    if has_sklearn():
        from flows.labellers import sklearn

        path = models / f"{layer}_gold.joblib"
        if train and len(sklearn.learnable(r["label"] for r in learnt)) > 1:
            sklearn.save(sklearn.train([sklearn.worded(r["text"], r["target"]) for r in learnt], [r["label"] for r in learnt]), path)
        if path.is_file():
            systems["trained here"] = sklearn.labeller(sklearn.load(path), layer, "trained here")
    if at := endpoints.from_environment(models.parent / "endpoint.jsonl"):
        systems[f"endpoint: {at.model}"] = endpoints.labeller(at, layer)
    found = []
    for labeller, label in systems.items():
        given = [(r["item_id"][:20], r["label"], answer) for r, answer in zip(asked, answered_by(label, layer, asked), strict=True)]
        found += score.answered(layer, f"{name}, {held}", labeller, given) if given else []
    return found


def caveat(data: str) -> str:
    """What has to be said beside the figures of a set."""
    return next((said for start, said in CAVEATS.items() if data.startswith(start)), "")


def table(rows: Sequence[Row]) -> str:
    """The rows as tables in Markdown: one a layer and set, a line a labeller, a column a measure with its interval, then the caveat."""
    out = []
    for (layer, data), group in groupby(sorted(rows, key=lambda r: (r["layer"], r["data"])), key=lambda r: (r["layer"], r["data"])):
        some = list(group)
        measures = list(dict.fromkeys(r["measure"] for r in some))
        lines: dict[tuple, dict[str, str]] = {}
        for r in sorted(some, key=lambda r: (r["language"] != "all", r["language"], r["holder"] != "all", r["holder"])):
            lines.setdefault((r["language"], r["holder"], r["labeller"]), {})[r["measure"]] = _cell(r)
        heads = ["language", "holder", "labeller", *measures]
        out += [f"\n{layer}: {data}\n", f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
        out += [f"| {' | '.join([*key, *(cells.get(m, '') for m in measures)])} |" for key, cells in lines.items()]
        out += [f"\nCaveat: {caveat(data)}"] if caveat(data) else []
    if not has_sklearn():
        out.append(f"\nTrained labellers, TF-IDF and probes were left out: {NO_SKLEARN}")
    return "\n".join(out).strip("\n") + "\n"


def _cell(row: Row) -> str:
    if row["value"] is None:
        return "-"
    interval = f" [{row['low']:.2f}, {row['high']:.2f}]" if row["low"] is not None else ""
    return f"{row['value']:.3f}{interval} n={row['n']}"
