"""How a long read shows that it goes on: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from pipelines.cli.group import interactive
from pipelines.output import note

EVERY = 5.0
"""Seconds between two lines about the same resource."""


class PlainProgress:
    """Lines on standard error: when a resource begins, at most one every few seconds, and when it has ended."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        write: Callable[[str], None] = note,
        every: float = EVERY,
    ) -> None:
        self._clock, self._write, self._every = clock, write, every
        self._current: tuple[str, str] | None = None
        self._records = 0
        self._began = self._said = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def update(self, connection: str, resource: str, records: int) -> None:
        """So many records of a resource have been read."""
        if (connection, resource) != self._current:
            self.end()
            self._current = (connection, resource)
            self._began = self._said = self._clock()
            self._write(f"{connection}: reading {resource}")
        self._records = records
        if self._clock() - self._said >= self._every:
            self._said = self._clock()
            self._write(
                f"{connection}: {resource}: {records:,} records after {self._said - self._began:.0f} s"
            )

    def end(self) -> None:
        """The resource at hand is done with."""
        if self._current is not None:
            connection, resource = self._current
            seconds = self._clock() - self._began
            self._write(f"{connection}: {resource}: {self._records:,} records in {seconds:.1f} s")
        self._current, self._records = None, 0


class BarProgress:
    """A live line for each resource on the terminal's standard error."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        self._bars = Progress(
            SpinnerColumn(finished_text="done"),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[records]}", markup=False),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )
        self._current: tuple[str, str] | None = None
        self._task: Any = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        self._bars.stop()

    def update(self, connection: str, resource: str, records: int) -> None:
        """So many records of a resource have been read; how many there are nobody knows."""
        if (connection, resource) != self._current:
            self.end()
            self._current = (connection, resource)
            self._task = self._bars.add_task(f"{connection} {resource}", total=None, records="")
        self._bars.update(self._task, records=f"{records:,} records")

    def end(self) -> None:
        """The resource at hand is done with."""
        if self._current is not None:
            self._bars.update(self._task, total=1, completed=1)
        self._current = None


def make_progress() -> PlainProgress | BarProgress:
    """A bar where somebody watches standard error, lines elsewhere."""
    return BarProgress() if interactive() else PlainProgress()
