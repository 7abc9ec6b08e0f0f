"""Running fetches ahead on threads while their results are worked on."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")

_POLL = 0.1
"""Seconds between looks at whether the consumer has gone."""


class _Stopped(Exception):
    """The consumer wants no more items."""


class _Interleaving(Generic[Item]):
    def __init__(self, tasks: Iterable[Iterable[Item]], workers: int, ahead: int) -> None:
        self._tasks = iter(tasks)
        self._next_task = threading.Lock()
        self._queue: queue.Queue[tuple[str, Item | BaseException | None]] = queue.Queue(ahead)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(workers)]

    def items(self) -> Iterator[Item]:
        for thread in self._threads:
            thread.start()
        try:
            yield from self._receive()
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join()

    def _receive(self) -> Iterator[Item]:
        working = len(self._threads)
        while working:
            kind, value = self._queue.get()
            if kind == "error":
                raise value  # type: ignore[misc]
            if kind == "end":
                working -= 1
            else:
                yield value  # type: ignore[misc]

    def _work(self) -> None:
        try:
            while (task := self._take()) is not None:
                for item in task:
                    self._put("item", item)
            self._put("end", None)
        except _Stopped:
            return
        except BaseException as error:  # noqa: BLE001 - it is raised where the items are used
            self._put_quietly(error)

    def _take(self) -> Iterable[Item] | None:
        with self._next_task:
            return None if self._stop.is_set() else next(self._tasks, None)

    def _put(self, kind: str, value: Item | BaseException | None) -> None:
        while not self._stop.is_set():
            try:
                return self._queue.put((kind, value), timeout=_POLL)
            except queue.Full:
                continue
        raise _Stopped

    def _put_quietly(self, error: BaseException) -> None:
        try:
            self._put("error", error)
        except _Stopped:
            return


def interleave(tasks: Iterable[Iterable[Item]], *, workers: int, ahead: int) -> Iterator[Item]:
    """The items of all tasks as they come, the tasks running on `workers` threads, at most `ahead` items waiting.

    The next task is taken as soon as a worker is free; `tasks` itself may fetch. An error in a task, or in `tasks`, is
    raised here and ends the others; so does closing the iterator. Items of one task keep their order.
    """
    return _Interleaving(tasks, workers, ahead).items()
