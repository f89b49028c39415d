"""The `araxes` command. Imports stay inside the commands: help must not wait for Prefect."""

import errno
import os
import re
import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, CycloptsError, Parameter

ROOT = Path(__file__).resolve().parents[1]


def _at_least_one(number: int) -> None:
    if number < 1:
        raise ValueError("is below 1")


Switch = Annotated[bool, Parameter(negative="")]  # an option without a --no- of its own
Workers = Annotated[int, Parameter(help="Processes.", validator=lambda _, n: _at_least_one(n))]
WORKERS = os.cpu_count() or 1

app = App(
    name="araxes",
    help="Saved news articles in; versioned, traceable dataset releases out.",
    help_epilogue="Start with: araxes build, which builds the example corpus. Then: araxes init FOLDER; araxes build FOLDER.",
    version=lambda: _version(),
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)


# What DuckDB says of a file that is no whole Parquet file; words of a capture may stand behind it.
DAMAGED = re.compile(r"(?:Input|IO) Error:.*?\bfile ['\"]([^'\"]+\.parquet)['\"]", re.I)


def main() -> None:
    """Run the command and exit: 0 done, 1 failed or refused by the gate, 2 wrong usage or no input."""
    sys.exit(run(sys.argv[1:]))


def run(words: list[str]) -> int:
    """The exit code of a command. Every failure is one line on standard error; ARAXES_DEBUG=1 adds the traceback."""
    from flows.readers.folder import CorpusError

    try:
        return app(words, exit_on_error=False, print_error=False) or 0
    except CycloptsError as error:
        return _failed(f"{_line(error).rstrip('.')}; see araxes --help", 2)
    except CorpusError as error:
        return _failed(_line(error), 2)
    except KeyboardInterrupt:
        return _failed("stopped; nothing was published", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read the output has seen enough
        return 1
    except Exception as error:
        if os.environ.get("ARAXES_DEBUG"):
            raise
        return _failed(_line(error) or type(error).__name__, 1)


@app.command
def init(folder: Path, /, *, repeats: Path | None = None) -> int:
    """Make a corpus folder of FOLDER: araxes.toml, captures.csv and outlets.csv, filled in as far as the captures tell.

    Files that are there already are left alone.

    Example: araxes init my-articles

    Parameters
    ----------
    folder
        A folder with saved articles.
    repeats
        A release of it: lines that stand on many pages of an outlet are written to outlets.proposed.csv, as rules to
        take over into outlets.csv.
    """
    from flows.corpus.repeats import proposals
    from flows.readers.init import initialise, propose

    for path, made in initialise(folder):
        print(f"{'wrote' if made else 'kept'} {path}")
    if repeats:
        print(f"wrote {propose(folder, (p._asdict() for p in proposals(repeats)))}")
    return 0


@app.command
def build(
    folder: Path | None = None,
    /,
    *,
    out: Path = Path("dist"),
    dataset: str | None = None,
    workers: Workers = WORKERS,
    public: Switch = False,
    direct: Switch = False,
    dask: str | None = None,
) -> int:
    """Build and publish a release of a corpus folder; its path is the last line printed.

    Example: araxes build my-articles --out releases

    Parameters
    ----------
    folder
        A corpus folder, or a folder with nothing but saved articles. Left out: the example corpus.
    out
        Where releases go: OUT/DATASET/VERSION.
    dataset
        Name of the dataset, instead of the one in araxes.toml or the folder's.
    public
        Withhold every text without evidence of an open licence, and publish as OUT/DATASET-public.
    direct
        Run without Prefect's server.
    dask
        Address of a Dask scheduler whose workers take the shards, in place of processes; they see the same files as this machine.
    """
    from flows.readers.folder import CorpusError, open_corpus
    from flows.terminal import say

    if direct and dask:
        raise CorpusError("--direct and --dask exclude each other; leave one of them out")

    source = folder or example()
    open_corpus(source)  # what is wrong with the folder is said at once, not when Prefect has started
    built = _built(source, out, dataset, public, workers, direct, dask)
    for line in (_summary(built), *_refused(built)):
        say(line)
    print(built.release)
    return 0


def _built(source: Path, out: Path, dataset: str | None, public: bool, workers: int, direct: bool, dask: str | None) -> Any:
    """The build, by Prefect or directly."""
    from flows.terminal import say

    for level in ("PREFECT_LOGGING_LEVEL", "PREFECT_LOGGING_ROOT_LEVEL"):
        os.environ.setdefault(level, "CRITICAL")  # errors are told in one line, by `run`
    if not direct:
        say("starting Prefect (a server of its own takes some 15 seconds; --direct does without)")
    from flows import build as flow

    if direct:
        return flow.direct(source, out, dataset, public, workers)
    runner: Any = flow.dask(dask) if dask else flow.ThreadPoolTaskRunner(max_workers=workers)
    return flow.build.with_options(task_runner=runner)(source, out, dataset, public)


@app.command
def verify(release: Path, /, *, captures: Path | None = None) -> int:
    """Check a release: checksums, schemas, invariants; with the captures also that every byte is accounted for.

    Example: araxes verify dist/araxes-specimens/1.0.0 --captures seeds

    Parameters
    ----------
    release
        The folder of one version.
    captures
        The corpus folder it was built from, or its captures.
    """
    from flows.readers.files import payload
    from flows.readers.folder import names, open_corpus, without
    from flows.release.verify import unlisted
    from flows.release.verify import verify as problems_of
    from flows.terminal import say

    corpus = open_corpus(captures) if captures else None
    problems = problems_of(release, corpus and corpus.captures, payload)
    if corpus:
        problems += unlisted(release, names(without(corpus, release.parent.parent)))
    for problem in problems:
        print(problem)
    say(f"{release}: {len(problems) or 'no'} problem{'' if len(problems) == 1 else 's'}")
    return 1 if problems else 0


@app.command
def diff(old: Path, new: Path, /, *, records: Switch = False) -> int:
    """What changed between two releases: records added, removed, changed and moved, and why.

    Example: araxes diff dist/araxes-specimens/1.0.0 dist/araxes-specimens/1.1.0

    Parameters
    ----------
    old
        The folder of one version.
    new
        The folder of another.
    records
        Every change as a line of JSON, as changes.jsonl has them.
    """
    import json

    from flows.release.changes import between, summary

    told, versions = between(old, new)
    if records:
        for change in told:
            print(json.dumps(change, ensure_ascii=False))
    else:
        print(summary(versions[1], versions[0], told), end="")
    return 0


@app.command
def hydrate(
    release: Path,
    /,
    *,
    captures: Path,
    out: Path = Path("dist"),
    workers: Workers = WORKERS,
) -> int:
    """Put the words back into a public release, from the captures you have; its path is the last line printed.

    Says of each document whose text was withheld how it was matched: exact, segment, fuzzy or none, and the share of it that came back.

    Example: araxes hydrate dist/araxes-articles-public/1.0.0 --captures my-copies

    Parameters
    ----------
    release
        The folder of one version.
    captures
        A folder with the saved pages; their names do not matter.
    out
        Where it goes: OUT/DATASET-hydrated/VERSION.
    """
    from flows.build import hydrate as hydrated
    from flows.release.hydrate import sought
    from flows.terminal import say

    place, matches = hydrated(release, captures, out, workers)
    captured = sought(release)
    for match in matches:
        missed = f", look for {captured[match.doc_id]}" if match.level == "none" else ""
        print(f"{match.doc_id} {match.level} {match.coverage:.0%}{missed}")
    missing = sum(match.level == "none" for match in matches)
    say(f"{len(matches) - missing} of {len(matches)} withheld documents have their words back")
    print(place)
    return 1 if missing else 0


@app.command
def explain(release: Path, document: str, /) -> int:
    """One document from bytes to rows: what was kept, removed and repaired, and what was found in it.

    Removed words stand in [-…-] and repairs as {before|after}; in a terminal they are coloured.

    Example: araxes explain dist/araxes-specimens/1.0.0 korpu/en/press-roundup.txt

    Parameters
    ----------
    release
        The folder of one version.
    document
        A doc_id, the beginning of one, or the path of a capture.
    """
    from flows.release.explain import explain as lines

    for line in lines(release, document, sys.stdout.isatty() and "NO_COLOR" not in os.environ):
        print(line)
    return 0


@app.command
def calibrate(
    release: Path | None = None,
    /,
    *,
    polnear: Path | None = None,
    checkthat: Path | None = None,
    semeval: Path | None = None,
    train: Switch = False,
    out: Path = Path("calibration"),
) -> int:
    """Score the rules, baselines and labellers on a release's labels and on gold data you have; prints a table. Needs araxes[calibrate].

    Example: araxes calibrate dist/araxes-specimens/1.0.0 --polnear PolNeAR --checkthat CT24 --train

    Parameters
    ----------
    release
        The folder of one version.
    polnear
        The folder of PolNeAR, with train/ and dev/.
    checkthat
        The folder of CheckThat! 2024, task 1, English.
    semeval
        The folder of SemEval-2016, task 6.
    train
        Train labellers of your own on these sets, into OUT/models.
    out
        Where calibration.json and the models go.
    """
    from flows.calibrate import calibrate as scores
    from flows.calibrate import table

    print(table(scores(release, polnear, checkthat, semeval, train, out)), end="")
    return 0


annotate = App(
    name="annotate",
    help="Campaigns of annotation with Label Studio: draw items, hand them out, take the answers in, decide disagreements.",
)
app.command(annotate)


@annotate.command
def sample(
    release: Path,
    /,
    *,
    layer: str,
    annotators: list[str],
    n: Annotated[int, Parameter(name=["-n", "--items"])] = 100,
    overlap: int = 2,
    seed: int = 0,
    out: Path = Path("campaigns"),
) -> int:
    """Draw items of a layer, by outlet and language, and say who gets which; prints the file of the sample.

    Example: araxes annotate sample dist/my-articles/1.0.0 --layer stance -n 200 --annotators a1 --annotators a2

    Parameters
    ----------
    release
        The folder of one version, with its words.
    layer
        attribution, claim, stance, check_worthiness or strip.
    annotators
        Pseudonyms, such as a1; one option each.
    n
        How many items; of the layer strip how many pages, each with all its blocks and what was removed.
    overlap
        Annotators who get each item.
    """
    from flows.corpus.campaign import sample_command

    print(sample_command(release, out, layer, n, overlap, annotators, seed))
    return 0


@annotate.command
def export(release: Path, sampled: Path, /, *, corpus: Path) -> int:
    """Write Label Studio's tasks, one project per annotator, and its configuration; prints the files.

    Example: araxes annotate export dist/my-articles/1.0.0 campaigns/stance-1.0.0-0/sample.jsonl --corpus my-articles

    Parameters
    ----------
    sampled
        What `sample` printed.
    corpus
        The corpus folder, for the guideline and the wording of the targets.
    """
    from flows.corpus.campaign import export_command, guideline_version

    for path in export_command(release, sampled, guideline_version(corpus / "annotations"), _wordings(corpus)):
        print(path)
    return 0


@annotate.command(name="import")
def import_(release: Path, exports: list[Path], /, *, corpus: Path) -> int:
    """Take Label Studio's answers into the corpus folder: every mark back in place, or refused with a reason. Prints what was refused.

    Example: araxes annotate import dist/my-articles/1.0.0 a1.json a2.json --corpus my-articles

    Parameters
    ----------
    exports
        Label Studio's JSON exports.
    corpus
        The corpus folder whose annotations/ takes the votes.
    """
    from flows.corpus.campaign import import_command
    from flows.terminal import say

    done = import_command(release, exports, corpus / "annotations")
    for refused in done.refused:
        print(f"{refused.where}: {refused.reason}: {refused.detail}")
    say(f"{len(done.votes)} votes taken in, {done.n_known} known already, {len(done.refused)} refused")
    return 1 if done.refused else 0


@annotate.command
def adjudicate(release: Path, /, *, corpus: Path, layer: str, adjudicator: str, out: Path = Path("campaigns")) -> int:
    """Write Label Studio's tasks for the items on which people disagree; the decisions come in by `import`. Prints the files.

    Example: araxes annotate adjudicate dist/my-articles/1.1.0 --corpus my-articles --layer stance --adjudicator j1

    Parameters
    ----------
    adjudicator
        The pseudonym of somebody who has not voted on these items.
    """
    from flows.corpus.campaign import adjudicate_command
    from flows.corpus.votes import read_votes

    votes, _ = read_votes(corpus / "annotations")
    for path in adjudicate_command(release, votes, out, layer, adjudicator, _wordings(corpus)):
        print(path)
    return 0


def _wordings(corpus: Path) -> dict[tuple[str, str | None], str]:
    from flows.readers.targets import read_targets

    targets = read_targets(corpus / "targets.csv")
    return {(t.target_id, language): said for t in targets for language, said in ((None, t.wording), *t.wordings)}


def example() -> Path:
    """The example corpus: beside the code in a clone, in the wheel otherwise."""
    return next(p for p in (ROOT / "seeds", ROOT / "araxes_seeds") if (p / "araxes.toml").is_file())


def _summary(built) -> str:
    counts = {(row["step"], row["what"]): row["count"] for row in built.funnel}
    captures = sum(n for (step, _), n in counts.items() if step == "captures")
    parts = [
        f"{captures} captures",
        f"{counts.get(('captures', 'document'), 0)} documents",
        f"{counts.get(('kept', 'sentence'), 0)} sentences",
    ]
    if refused := counts.get(("captures", "rejected"), 0):
        parts.append(f"{refused} rejected")
    return f"{', '.join(parts)}: {'published' if built.published else 'unchanged, nothing published'}"


def _refused(built) -> list[str]:
    """Why captures were rejected, and what to do, a line for each reason."""
    from schemas.rejections import REASONS

    rejected = [(row["count"], *row["what"].split(": ")) for row in built.funnel if row["step"] == "rejected"]
    return [f"  {count} rejected by {stage}, {reason}. {REASONS[reason]}" for count, stage, reason in rejected]


def _version() -> str:
    from importlib.metadata import version

    return version("araxes")


def _line(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "no space left on the disk; free some, or name another place with --out"
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{error.filename}: {error.strerror}; give yourself the right to it, or name another place with --out"
    said = " ".join(str(error).split())
    if damaged := DAMAGED.search(said):
        return f"{damaged[1]}: damaged; araxes verify says what else is, where it belongs to a release"
    return said


def _failed(message: str, code: int) -> int:
    print(f"araxes: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
