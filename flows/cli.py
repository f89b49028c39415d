"""The `araxes` command. Imports stay inside the commands: help must not wait for Prefect."""

import errno
import os
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter

ROOT = Path(__file__).resolve().parents[1]

app = App(
    name="araxes",
    help="Saved news articles in; versioned, traceable dataset releases out.",
    help_epilogue="Start with: araxes build, which builds the example corpus. Then: araxes init FOLDER; araxes build FOLDER.",
    version=lambda: _version(),
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)


def main() -> None:
    """Run the command and exit: 0 done, 1 failed or refused by the gate, 2 wrong usage or no input."""
    sys.exit(run(sys.argv[1:]))


def run(words: list[str]) -> int:
    """The exit code of a command. Every failure is one line on standard error; ARAXES_DEBUG=1 adds the traceback."""
    from flows.readers.folder import CorpusError

    try:
        return app(words, exit_on_error=False, print_error=False) or 0
    except CycloptsError as error:
        return _failed(f"{_line(error)}; see araxes --help", 2)
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
def init(folder: Path, /) -> int:
    """Make a corpus folder of FOLDER: araxes.toml, captures.csv and outlets.csv, filled in as far as the captures tell.

    Files that are there already are left alone.

    Example: araxes init my-articles
    """
    from flows.readers.init import initialise

    for path, made in initialise(folder):
        print(f"{'wrote' if made else 'kept'} {path}")
    return 0


@app.command
def build(
    folder: Path | None = None,
    /,
    *,
    out: Path = Path("dist"),
    dataset: str | None = None,
    workers: Annotated[int, Parameter(help="Processes.", validator=lambda _, n: _at_least_one(n))] = os.cpu_count() or 1,
    public: Annotated[bool, Parameter(negative="")] = False,
    direct: Annotated[bool, Parameter(negative="")] = False,
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
    """
    from flows.terminal import say

    source = folder or example()
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")  # errors are told in one line, by `run`
    if not direct:
        say("starting Prefect (a server of its own takes some 15 seconds; --direct does without)")
    from flows import build as flow

    if direct:
        built = flow.direct(source, out, dataset, public, workers)
    else:
        runner = flow.ProcessPoolTaskRunner(max_workers=workers)
        built = flow.build.with_options(task_runner=runner)(source, out, dataset, public)
    say(_summary(built))
    print(built.release)
    return 0


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
def diff(old: Path, new: Path, /, *, records: Annotated[bool, Parameter(negative="")] = False) -> int:
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
    workers: Annotated[int, Parameter(help="Processes.", validator=lambda _, n: _at_least_one(n))] = os.cpu_count() or 1,
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
    from flows.terminal import say

    place, matches = hydrated(release, captures, out, workers)
    for match in matches:
        print(f"{match.doc_id} {match.level} {match.coverage:.0%}")
    missing = sum(match.level == "none" for match in matches)
    say(f"{len(matches) - missing} of {len(matches)} withheld documents have their words back")
    print(place)
    return 1 if missing else 0


def example() -> Path:
    """The example corpus: beside the code in a clone, in the wheel otherwise."""
    return next(p for p in (ROOT / "seeds", ROOT / "araxes_seeds") if (p / "araxes.toml").is_file())


def _summary(built) -> str:
    counts = {(row["step"], row["what"]): row["count"] for row in built.funnel}
    captures = sum(n for (step, _), n in counts.items() if step == "captures")
    parts = [f"{captures} captures", f"{counts.get(('captures', 'document'), 0)} documents", f"{counts.get(('kept', 'sentence'), 0)} sentences"]
    if refused := counts.get(("captures", "rejected"), 0):
        parts.append(f"{refused} rejected")
    return f"{', '.join(parts)}: {'published' if built.published else 'unchanged, nothing published'}"


def _at_least_one(number: int) -> None:
    if number < 1:
        raise ValueError("is below 1")


def _version() -> str:
    from importlib.metadata import version

    return version("araxes")


def _line(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "no space left on the disk; free some, or name another place with --out"
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{error.filename}: {error.strerror}; give yourself the right to it, or name another place with --out"
    return " ".join(str(error).split())


def _failed(message: str, code: int) -> int:
    print(f"araxes: {message}", file=sys.stderr)
    return code
