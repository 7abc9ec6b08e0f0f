"""A real process, killed with SIGKILL at random moments again and again: nothing is lost, doubled or half loaded."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from mappings.model import RESOURCES
from pipelines.environment import Target
from pipelines.reading import open_reading
from sources.unified_lms.sandbox import SandboxServer, expected
from sources.unified_lms.tables import snapshots_name
from tests.contract.harness import flat
from tests.integration.conftest import ON_BOTH
from tests.proof.history import History, Row
from tests.proof.warehouse import history_of

ROOT = Path(__file__).parents[2]
SECONDS = 6.0
"""A run of the sandbox takes less on two cores; a machine that is slower is killed earlier in the run."""
ROUND = 4
"""Kills between two runs that come to their end."""
CHILD = """
import sys
from pipelines import environment
environment.prepare()
from pipelines.sync import sync_connection
where = environment.target(sys.argv[1])
print("ready", flush=True)
sync_connection("acme", where)
"""


class Told:
    """Everything that the provider has ever said of each record, which is all that a version may say."""

    def __init__(self, server: SandboxServer) -> None:
        self._server = server
        self.rows: dict[str, dict[str, list[Row]]] = {name: {} for name in RESOURCES}
        self.now()

    def now(self) -> dict[str, dict[str, Row]]:
        """What it says now, by resource and id; remembered."""
        said = {name: self._said(name) for name in RESOURCES}
        for name, rows in said.items():
            for key, row in rows.items():
                known = self.rows[name].setdefault(key, [])
                known += [] if row in known else [row]
        return said

    def _said(self, resource: str) -> dict[str, Row]:
        rows = expected(self._server.world, self._server.provider, resource)
        return {row["id"]: flat(resource, row) for row in rows}


@contextmanager
def running(destination: str) -> Iterator[subprocess.Popen[str]]:
    """A run in a process of its own, imports done; killed at the end, wherever it is."""
    command = [sys.executable, "-c", CHILD, destination]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def killed_after(destination: str, seconds: float) -> bool:
    """Whether a run was still going on after so many seconds, when it was killed."""
    with running(destination) as process:
        try:
            return process.wait(timeout=seconds) != 0
        except subprocess.TimeoutExpired:
            return True


def comes_to_its_end(destination: str) -> bool:
    """Whether a run that nobody kills ends well."""
    with running(destination) as process:
        return process.wait(timeout=300) == 0


def tables(where: Target) -> dict[str, History]:
    """Every snapshot table as a history, which is an error where it is none."""
    with open_reading(where) as reading:
        assert reading is not None
        return {
            name: history_of(reading.rows, reading.table(snapshots_name(name)), name) for name in RESOURCES
        }


def check_nothing_doubled(told: Told, where: Target) -> None:
    """Every version says what the provider has said, and no two in a row say the same unless the record had gone."""
    for name, history in tables(where).items():
        for key, versions in history.versions.items():
            assert all(version.row in told.rows[name][key] for version in versions), f"{name} {key}"
            for before, after in pairwise(versions):
                assert before.ended == "vanished" or before.row != after.row, f"{name} {key} is doubled"


def check_nothing_lost(told: Told, where: Target) -> None:
    """What is current is exactly what the provider says now."""
    found = tables(where)
    for name, rows in told.now().items():
        assert {key: version.row for key, version in found[name].current.items()} == rows, name


def live(server: SandboxServer, chance: random.Random) -> None:
    """Something happens in the world: progress, an arrival, a departure."""
    world = server.world
    records = [record for person in world.people for record in world.records_of(person)]
    for record in chance.sample(records, 3):
        world.set_progress(record.course_id, record.person_id, chance.randint(0, 99), seconds=60)
    gone = chance.choice(records)
    world.unenrol(gone.course_id, gone.person_id)
    login = f"new{len(world.people)}-{chance.randint(0, 10**9)}"
    person = world.create_person(login, "New", "Person", f"{login}@example.org")
    world.enrol(chance.choice(sorted(world.courses)), person.id)


def kill_again_and_again(server: SandboxServer, where: Target, kills: int, seed: int) -> int:
    """Kills runs at random moments while the world goes on, checking all the way; how many were really killed."""
    chance, killed = random.Random(seed), 0  # noqa: S311 - chance that can be repeated
    assert comes_to_its_end(where.destination)
    told = Told(server)
    for number in range(1, kills + 1):
        live(server, chance)
        told.now()
        killed += killed_after(where.destination, chance.uniform(0, SECONDS))
        check_nothing_doubled(told, where)
        if number % ROUND == 0:
            assert comes_to_its_end(where.destination)
            check_nothing_doubled(told, where)
            check_nothing_lost(told, where)
    return killed


@ON_BOTH
def test_a_few_kills(server: SandboxServer, acme: str, warehouse: Target) -> None:
    """Some runs killed, then one that comes to its end."""
    assert kill_again_and_again(server, warehouse, ROUND, seed=1)


@pytest.mark.long
@ON_BOTH
def test_a_hundred_kills(server: SandboxServer, acme: str, warehouse: Target) -> None:
    """A hundred and more runs killed at random moments, in rounds."""
    assert kill_again_and_again(server, warehouse, 120, seed=2) >= 100
