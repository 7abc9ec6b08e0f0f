"""A real process, killed with SIGKILL at random moments again and again: nothing is lost, doubled or half loaded."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from mappings.model import RESOURCES
from pipelines.environment import Target
from pipelines.reading import open_reading
from sources.unified_lms.sandbox import SandboxServer, expected
from sources.unified_lms.tables import snapshots_name
from tests.contract.harness import flat
from tests.integration.conftest import ON_BOTH
from tests.proof.history import History, Row
from tests.proof.runs import BACKFILL, SYNC, comes_to_its_end, killed_after
from tests.proof.warehouse import history_of

ROUND = 5
"""Kills in a row, of syncs and backfills in turn, before one of each comes to its end."""


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
    """Kills syncs and backfills at random moments while the world goes on, checking all the way; how many were killed.

    A round ends with both coming to their end, the backfill where the killed ones stopped. The moments are within what
    that took the last time.
    """
    chance, killed, destination = random.Random(seed), 0, where.destination  # noqa: S311 - to be repeated
    took = {kind: comes_to_its_end(kind, destination) for kind in (SYNC, BACKFILL)}
    told = Told(server)
    for number in range(1, kills + 1):
        live(server, chance)
        told.now()
        kind = (SYNC, BACKFILL)[number % 2]
        killed += killed_after(kind, destination, chance.uniform(0, took[kind]))
        check_nothing_doubled(told, where)
        if number % ROUND == 0 or number == kills:
            for kind in (BACKFILL, SYNC):
                took[kind] = comes_to_its_end(kind, destination)
                check_nothing_doubled(told, where)
            check_nothing_lost(told, where)
    return killed


@ON_BOTH
def test_a_few_kills(server: SandboxServer, acme: str, warehouse: Target) -> None:
    """A sync and a backfill killed, then both come to their end."""
    assert kill_again_and_again(server, warehouse, 2, seed=1)


@pytest.mark.long
@ON_BOTH
def test_a_hundred_kills(server: SandboxServer, acme: str, warehouse: Target) -> None:
    """A hundred and more syncs and backfills killed at random moments, in rounds."""
    assert kill_again_and_again(server, warehouse, 120, seed=2) >= 100
