"""Runs in processes of their own, to be killed: a sync, or a backfill in small parts.

They are forked off a server that has imported everything once (`multiprocessing`'s forkserver), which is most of what a
short run costs. Each is a process like any other: what it holds goes with it.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from typing import Any

from pipelines import environment
from pipelines.backfill import Request, backfill_connection
from pipelines.sync import sync_connection

SYNC, BACKFILL = "sync", "backfill"
PARENTS = 8
"""Parents in a part of a backfill, which is of enrolments alone: four parts at first."""
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload([__name__, "pytest"])


def _run(kind: str, destination: str, variables: Mapping[str, str]) -> None:
    """In the process: does the run, and fails unless all of it is done."""
    os.environ.update(variables)
    environment.prepare()
    where = environment.target(destination)
    if kind == SYNC:
        found: Iterable[Any] = sync_connection("acme", where).results
    else:
        # So few enrolments are in a part that more than half of them may well have gone.
        request = Request(parents=PARENTS, allow_deletions=True)
        found = backfill_connection("acme", where, request, ["course_enrollments"])
    left = [one for one in found if one.status != "done"]
    assert not left, left


@contextmanager
def running(kind: str, destination: str) -> Iterator[BaseProcess]:
    """A run that has begun; killed at the end, wherever it is."""
    process = _PROCESSES.Process(target=_run, args=(kind, destination, dict(os.environ)))
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


def killed_after(kind: str, destination: str, seconds: float) -> bool:
    """Whether a run was still going on after so many seconds, when it was killed."""
    with running(kind, destination) as process:
        process.join(seconds)
        return process.exitcode is None


def comes_to_its_end(kind: str, destination: str) -> float:
    """A run that nobody kills and that has to do all that it was to do; the seconds that it took."""
    began = time.monotonic()
    with running(kind, destination) as process:
        process.join(300)
        assert process.exitcode == 0
    return time.monotonic() - began
