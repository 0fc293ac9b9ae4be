"""What a person sees while a study runs, and how a person stops it.

One bar per stage with time left on a terminal, a plain line per finished stage elsewhere. Ctrl-C raises
``KeyboardInterrupt`` where Python happens to be, which may be a callback that swallows it (JAX has one in the
garbage collector); so it is also remembered, and the next progress raises it again.
"""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from tenor.progress import Progress


@contextmanager
def shown(quiet: bool) -> Iterator[Progress]:
    """Yield a progress that draws on standard error, bars on a terminal and lines elsewhere."""
    if quiet:
        yield lambda stage, done, total: None
    elif sys.stderr.isatty():
        with _bars() as watch:
            yield watch
    else:
        yield _lines()


@contextmanager
def _bars() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description:<34}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, object] = {}

        def watch(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)  # type: ignore[arg-type]

        yield watch


def _lines() -> Progress:
    finished: set[str] = set()

    def watch(stage: str, done: int, total: int) -> None:
        if done >= total and stage not in finished:
            finished.add(stage)
            sys.stderr.write(f"{stage}: {total} of {total}\n")
            sys.stderr.flush()

    return watch


@contextmanager
def interruptible(watch: Progress) -> Iterator[Progress]:
    """Yield ``watch`` such that a Ctrl-C is never lost.

    Outside the main thread, or where Ctrl-C means something else already, ``watch`` itself.
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield watch
        return
    asked: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        raise KeyboardInterrupt

    def watched(stage: str, done: int, total: int) -> None:
        if asked:
            raise KeyboardInterrupt
        watch(stage, done, total)

    def unraisable(lost: Any) -> None:
        if lost.exc_type is not KeyboardInterrupt:
            hook(lost)

    before, hook = signal.signal(signal.SIGINT, note), sys.unraisablehook
    sys.unraisablehook = unraisable
    try:
        yield watched
    finally:
        sys.unraisablehook = hook
        signal.signal(signal.SIGINT, before)
