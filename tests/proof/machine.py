"""Random worlds, edits, runs, faults and crashes, and what the tables must say after each (hypothesis, stateful).

The machine keeps every history that may have come to be: a run that crashed may be finished by the next one, or be lost
with its machine. A run that ends as it should leaves one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mappings.model import RESOURCES
from pipelines.environment import DEFAULTS, Target
from pipelines.reading import open_reading
from pipelines.sync import ConnectionResult, sync_connection
from sources.unified_lms.sandbox import Rule, SandboxServer, World, expected
from sources.unified_lms.sandbox.entities import ItemKind, Progress
from sources.unified_lms.sandbox.faults import Action, CutConnection, Reply, TearBody
from sources.unified_lms.tables import snapshots_name
from tests.contract.harness import UNLIMITED, flat
from tests.integration.conftest import configure
from tests.proof.history import History, Seen
from tests.proof.warehouse import history_of

PICK = st.integers(min_value=0, max_value=10_000)
"""Which of the things that there are, whatever their number."""
PARENTS = {"course_items": "courses", "course_enrollments": "users"}
"""TalentLMS reads items under courses, and enrolments under users."""
WHOLE = "*"
CRASHES = {
    "before extraction": ("sources.unified_lms.snapshots", "Comparison", "run"),
    "before normalizing": ("dlt.pipeline.pipeline", "Pipeline", "normalize"),
    "before loading": ("dlt.pipeline.pipeline", "Pipeline", "load"),
    "before it is noted as loaded": ("dlt.load.load", "Load", "complete_package"),
}
"""Where a run may end with the machine that it runs on."""


class PowerCut(BaseException):
    """The end of a machine: nothing that handles errors may take it for one."""


def seen_now(world: World, resource: str) -> Seen:
    """What a reading without a fault sees of the world, by the oracle."""
    rows = expected(world, "talentlms", resource)
    parent = PARENTS.get(resource)
    flat_rows = {row["id"]: flat(resource, row) for row in rows}
    if parent is None:
        return Seen(flat_rows, dict.fromkeys(flat_rows, WHOLE), whole=True)
    under = "course" if parent == "courses" else "user"
    scopes = frozenset(row["id"] for row in expected(world, "talentlms", parent))
    return Seen(flat_rows, {row["id"]: row[under]["id"] for row in rows}, True, scopes, scopes)


class Snapshots(RuleBasedStateMachine):
    """One connection to one world, read into one warehouse, which `place` makes anew for each example."""

    place: Callable[[Path, pytest.MonkeyPatch], AbstractContextManager[Target]]

    def __init__(self) -> None:
        super().__init__()
        self._patch = pytest.MonkeyPatch()
        self._folder = tempfile.TemporaryDirectory(prefix="lms-proof-")
        self._machines = 0
        self._new_machine()
        for name, value in DEFAULTS.items():
            self._patch.setenv(name, value)
        self._patch.setattr("sources.unified_lms.client.backoff", lambda *_: 0.0)
        self.world = World()
        self.server = SandboxServer(self.world, **UNLIMITED["talentlms"]).start()
        configure(self._patch, "acme", self.server)
        self._place = type(self).place(Path(self._folder.name), self._patch)
        self.target = self._place.__enter__()
        self.possible: dict[str, list[History]] = {name: [History()] for name in RESOURCES}

    def teardown(self) -> None:
        """Ends the provider and removes what the machines left."""
        self.server.stop()
        self._place.__exit__(None, None, None)
        self._patch.undo()
        self._folder.cleanup()

    def _new_machine(self) -> None:
        self._machines += 1
        self._patch.setenv("DLT_DATA_DIR", str(Path(self._folder.name) / f"machine-{self._machines}"))

    # -- the world goes on -------------------------------------------------------------------------

    @rule(pick=PICK, name=st.sampled_from(["Ada", "O'Neil", "Ünal", "李", "Two  Words"]))
    def somebody_is_renamed(self, pick: int, name: str) -> None:
        """A person gets another name."""
        self.world.update_person(self._one(self.world.people, pick), last_name=name)

    @rule(pick=PICK)
    def somebody_is_suspended(self, pick: int) -> None:
        """An account is suspended."""
        self.world.suspend_person(self._one(self.world.people, pick))

    @rule(number=st.integers(min_value=1, max_value=10**6), courses=st.sets(PICK, max_size=3))
    def somebody_arrives(self, number: int, courses: set[int]) -> None:
        """A new account, perhaps enrolled at once."""
        login = f"new{number}-{len(self.world.people)}-{self.world.now:%j%H%M%S}"
        person = self.world.create_person(login, "New", str(number), f"{login}@example.org")
        for pick in courses:
            self._enrol(self._one(self.world.courses, pick), person.id)

    @rule(pick=PICK)
    def somebody_is_deleted(self, pick: int) -> None:
        """An account goes, and with it its records; the last few stay."""
        if len(self.world.people) > 5:
            self.world.delete_person(self._one(self.world.people, pick))

    @rule(course=PICK, person=PICK)
    def somebody_is_enrolled(self, course: int, person: int) -> None:
        """A person is enrolled, or comes back to a course that they had left."""
        self._enrol(self._one(self.world.courses, course), self._one(self.world.people, person))

    def _enrol(self, course: int, person: int) -> None:
        if not any(record.course_id == course for record in self.world.records_of(person)):
            self.world.enrol(course, person)

    @rule(pick=PICK)
    def somebody_leaves_a_course(self, pick: int) -> None:
        """A record ends."""
        if records := self._records():
            record = records[pick % len(records)]
            self.world.unenrol(record.course_id, record.person_id)

    @rule(pick=PICK, percent=st.integers(min_value=0, max_value=100))
    def somebody_learns(self, pick: int, percent: int) -> None:
        """A learner comes to some percentage, or completes the course at a hundred."""
        if records := self._records():
            record = records[pick % len(records)]
            if percent == 100:
                self.world.complete(record.course_id, record.person_id, outcome=Progress.PASSED, score=90.5)
            else:
                self.world.set_progress(record.course_id, record.person_id, percent, seconds=60)

    @rule(pick=PICK, title=st.sampled_from(["Fire safety", "Gesundheit & Co", ""]))
    def a_course_is_renamed(self, pick: int, title: str) -> None:
        """A course gets another title."""
        self.world.update_course(self._one(self.world.courses, pick), title=title)

    @rule(pick=PICK)
    def a_course_is_deleted(self, pick: int) -> None:
        """A course goes with its content and its records; the last few stay."""
        if len(self.world.courses) > 3:
            self.world.delete_course(self._one(self.world.courses, pick))

    @rule(pick=PICK, kind=st.sampled_from([ItemKind.PAGE, ItemKind.VIDEO, ItemKind.TEST]))
    def a_course_grows(self, pick: int, kind: ItemKind) -> None:
        """A unit is added to a course."""
        self.world.add_item(self._one(self.world.courses, pick), kind, "One more")

    def _records(self) -> list[Any]:
        return [record for person in self.world.people for record in self.world.records_of(person)]

    @staticmethod
    def _one(things: dict[int, Any], pick: int) -> int:
        return sorted(things)[pick % len(things)]

    # -- runs --------------------------------------------------------------------------------------

    @initialize()
    def first_run(self) -> None:
        """Every example begins with a warehouse that holds something."""
        self.run_everything(full=False)

    @rule(full=st.booleans())
    def run_everything(self, full: bool) -> None:
        """A run of all resources, as a schedule makes it, or a full one."""
        self._settled(self._run(full=full), {name: seen_now(self.world, name) for name in RESOURCES})

    @rule(resource=st.sampled_from(sorted(RESOURCES)))
    def run_one_resource(self, resource: str) -> None:
        """A run of one resource leaves the others as they were."""
        self._settled(self._run([resource]), {resource: seen_now(self.world, resource)})

    @rule(
        action=st.sampled_from(
            [Reply(503), Reply(429, headers={"Retry-After": "0"}), CutConnection(), TearBody()]
        ),
        hits=st.sets(st.integers(min_value=1, max_value=12), min_size=1, max_size=3),
    )
    def run_over_a_bad_line(self, action: Action, hits: set[int]) -> None:
        """Faults that pass cost tries, and nothing of the result."""
        self.server.faults.add(Rule(action, hits=tuple(sorted(hits))))
        self.run_everything(full=False)

    @rule(pick=PICK, resource=st.sampled_from(sorted(PARENTS)))
    def run_with_a_parent_that_fails(self, pick: int, resource: str) -> None:
        """What lies under a parent that cannot be read stays as it was, and the others are read."""
        seen = seen_now(self.world, resource)
        scope = sorted(seen.scopes)[pick % len(seen.scopes)]
        self.server.faults.add(Rule(Reply(500), pattern=rf"id:{scope}$"))
        self._settled(self._run([resource]), {resource: seen.without(scope)})

    @rule(
        resource=st.sampled_from(sorted(RESOURCES)),
        action=st.sampled_from([Reply(500), Reply(401), Reply(403)]),
    )
    def run_that_is_refused(self, resource: str, action: Action) -> None:
        """A provider that refuses everything changes nothing."""
        self.server.faults.add(Rule(action))
        result = self._run([resource])
        assert [one.status for one in result.results] == ["failed"]
        self._settled(result, {})

    @rule(resource=st.sampled_from(["users", "courses"]))
    def run_that_sees_nothing(self, resource: str) -> None:
        """An empty list, as a token without permissions gets it, retires nobody."""
        self.server.faults.add(Rule(Reply(200, []), pattern=rf"/{resource}$"))
        self._settled(self._run([resource]), {})

    # -- crashes -----------------------------------------------------------------------------------

    @rule(where=st.sampled_from(sorted(CRASHES)), resource=st.sampled_from(sorted(RESOURCES)))
    def run_that_is_cut(self, where: str, resource: str) -> None:
        """The machine ends in mid-run: everything is changed or nothing, and the next run here may finish it."""
        seen = seen_now(self.world, resource)
        with self._power_cut(where), pytest.raises(PowerCut):
            sync_connection("acme", self.target, resources=[resource])
        self.possible[resource] += [history.read(seen) for history in self.possible[resource]]

    @contextmanager
    def _power_cut(self, where: str) -> Iterator[None]:
        module, owner, name = CRASHES[where]

        def cut(*_: Any, **__: Any) -> None:
            raise PowerCut

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(getattr(import_module(module), owner), name, cut)
            yield

    @rule()
    def machine_is_lost(self) -> None:
        """The worker's disk goes, and what it had not loaded with it."""
        self._new_machine()

    # -- what must hold ----------------------------------------------------------------------------

    def _run(self, resources: list[str] | None = None, *, full: bool = False) -> ConnectionResult:
        result = sync_connection("acme", self.target, resources=resources, full=full)
        self.server.faults.clear()
        return result

    def _settled(self, result: ConnectionResult, seen: dict[str, Seen]) -> None:
        """After a run that came to its end, each history that was possible has seen what the run saw."""
        self.possible = {
            name: [history.read(seen[name]) for history in histories] if name in seen else histories
            for name, histories in self.possible.items()
        }
        for name, history in self._tables().items():
            self.possible[name] = [each for each in self.possible[name] if each == history]
            assert self.possible[name], f"{name} is nothing that can have come of what happened"

    @invariant()
    def tables_are_possible(self) -> None:
        """Whatever happened, each table is one of the histories that can have come of it."""
        for name, history in self._tables().items():
            assert history in self.possible[name]

    def _tables(self) -> dict[str, History]:
        with open_reading(self.target) as reading:
            if reading is None:
                return {name: History() for name in RESOURCES}
            return {
                name: history_of(reading.rows, reading.table(snapshots_name(name)), name)
                for name in RESOURCES
            }
