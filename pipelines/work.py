"""Taking the work of a run: the leases of its resources, and the connection's working folder on this machine."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import dlt

from pipelines.database import open_database
from pipelines.leases import Lease, Work, held_leases, lease
from pipelines.schema import prepare_tables
from pipelines.waiting import Held, wait_for
from sources.unified_lms.errors import FolderBusy, WorkTaken


@dataclass
class TakenWork:
    """The resources whose leases a run holds, and those that another run is at."""

    held: dict[str, Lease] = field(default_factory=dict)
    taken: dict[str, WorkTaken] = field(default_factory=dict)


@contextmanager
def take_work(
    pipeline: dlt.Pipeline, connection: str, resources: Sequence[str], run_id: str
) -> Iterator[TakenWork]:
    """Takes what is free of a connection's resources for as long as the block runs; makes the tables first.

    Raises `FolderBusy` where another process of this machine is at other resources for too long.
    """
    others = taken_by_others(pipeline, [Work(connection, name) for name in resources])
    work = TakenWork(taken={one.resource: error for one, error in others.items()})
    with ExitStack() as stack:
        if len(work.taken) < len(resources):
            stack.enter_context(working_folder(pipeline, connection))
            prepare_tables(pipeline)
        for name in resources:
            if name not in work.taken:
                try:
                    work.held[name] = stack.enter_context(lease(pipeline, connection, name, run_id=run_id))
                except WorkTaken as taken:
                    work.taken[name] = taken
        yield work


def taken_by_others(pipeline: dlt.Pipeline, works: Sequence[Work]) -> dict[Work, WorkTaken]:
    """Which of these others are at: asked before the folder is waited for, which they may need for hours."""
    with open_database(pipeline) as database:
        found = held_leases(database)
    return {work: WorkTaken(str(work), str(holder), holder.until) for work, holder in found if work in works}


@contextmanager
def working_folder(pipeline: dlt.Pipeline, connection: str) -> Iterator[None]:
    """Keeps the pipeline's working folder from other processes of this machine; dlt has one run in it at a time.

    The lock goes with the process, however it ends. Raises `FolderBusy` where it is not free in time.
    """
    file = Path(pipeline.working_dir).with_suffix(".lock")
    file.parent.mkdir(parents=True, exist_ok=True)
    held = Held(
        f"{connection}: waiting for another process on this machine to finish other resources",
        lambda seconds: FolderBusy(connection, pipeline.working_dir, seconds),
    )
    with file.open("w") as lock:
        wait_for(lambda: _lock(lock.fileno(), held))
        yield


def _lock(descriptor: int, held: Held) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise held from None
