"""How far a backfill is: a bar on a terminal, a line now and then elsewhere, and how long the rest will take."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pipelines.cli.group import interactive
from pipelines.cli.progress import EVERY
from pipelines.output import age, note

if TYPE_CHECKING:
    from pipelines.backfill import Progress


class PlainProgress:
    """Lines on standard error: when a resource begins or is done, and otherwise at most one every few seconds."""

    def __init__(
        self,
        connection: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        write: Callable[[str], None] = note,
    ) -> None:
        self._connection, self._clock, self._write = connection, clock, write
        self._resource: str | None = None
        self._said = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def update(self, progress: Progress) -> None:
        """So many parts of a resource are in the warehouse."""
        now = self._clock()
        if (
            progress.resource == self._resource
            and progress.done < progress.parts
            and now - self._said < EVERY
        ):
            return
        self._resource, self._said = progress.resource, now
        parts = f"{progress.done:,} of {progress.parts:,} parts"
        self._write(f"{self._connection}: {progress.resource}: {parts}{in_words(progress)}")


class BarProgress:
    """A bar for each resource on the terminal's standard error."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars

        self._bars = Bars(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[rest]}", markup=False),
            console=Console(stderr=True),
        )
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def update(self, progress: Progress) -> None:
        """So many parts of a resource are in the warehouse."""
        if progress.resource not in self._tasks:
            self._tasks[progress.resource] = self._bars.add_task(progress.resource, rest="")
        self._bars.update(
            self._tasks[progress.resource],
            total=progress.parts,
            completed=progress.done,
            rest=in_words(progress).removeprefix(", "),
        )


def in_words(progress: Progress) -> str:
    """The time that the rest will take, to follow a sentence; nothing while it cannot be told, or when all is done."""
    if progress.remaining is None or progress.done == progress.parts:
        return ""
    low, high = (age(seconds) for seconds in progress.remaining)
    return f", about {low} left" if low == high else f", {low} to {high} left"


def make_progress(connection: str) -> PlainProgress | BarProgress:
    """A bar where somebody watches standard error, lines elsewhere."""
    return BarProgress() if interactive() else PlainProgress(connection)
