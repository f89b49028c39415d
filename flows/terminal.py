"""What a person sees while it works: progress on standard error, so that standard output holds results alone."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def progress(what: str, items: Iterable[T], total: int) -> Iterator[T]:
    """The items, with a bar that counts them where somebody is looking."""
    from rich.console import Console
    from rich.progress import track

    yield from track(items, description=what, total=total, console=Console(file=sys.stderr), transient=True)


def say(message: str) -> None:
    """One line on standard error, with the name of the command before it."""
    print(f"araxes: {message}", file=sys.stderr, flush=True)
