"""Backfills: divided into parts, each loaded by itself, and going on wherever they stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from pipelines import backfill
from pipelines.backfill import Progress, Request, ResourceBackfill, backfill_connection
from pipelines.cli import main
from pipelines.environment import Target
from pipelines.partitions import ranges
from pipelines.sync import sync_connection
from sources.unified_lms.errors import ConfigurationError
from sources.unified_lms.stopping import Stop
from tests.integration.campus import Campus, new
from tests.integration.conftest import ON_BOTH, Tables
from tests.unit.sources.conftest import Asked

RESOURCE = "course_enrollments"
COURSES = [f"d{number}" for number in range(6)]
MEMBERS = sorted(f"{course}:{person}" for course in COURSES for person in "12")


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two parents to a part."""
    monkeypatch.setattr(backfill, "ranges", lambda ids, _: ranges(ids, 2))


@pytest.fixture
def six(campus: Campus) -> Campus:
    """A campus of six courses with two members each: three parts."""
    campus.courses = {one: new(one, title=one) for one in COURSES}
    campus.members = {(c, p): new(p, person=p, progress=0) for c in COURSES for p in "12"}
    return campus


def run(warehouse: Target, **how: Any) -> ResourceBackfill:
    """What becomes of a backfill of the enrolments."""
    [found] = backfill_connection("campus", warehouse, Request(**how), [RESOURCE])
    return found


def stopped_after(parts: int) -> dict[str, Any]:
    """A request that stops once so many parts are in the warehouse."""
    stop = Stop()

    def tell(progress: Progress) -> None:
        if progress.done >= parts:
            stop.request("the test")

    return {"stop": stop, "progress": tell}


def when(campus: Campus, path: str, act: Callable[[], None]) -> None:
    """Does something once, when a path is asked for and before it is answered."""
    healthy, waiting = campus.server.answer, [act]

    def answer(asked: Asked) -> Any:
        if asked.path == path and waiting:
            waiting.pop()()
        return healthy(asked)

    campus.server.answer = answer


def ids(tables: Tables) -> list[str]:
    """The enrolments that are present."""
    return [row[0] for row in tables.query(f"select id from lms.{RESOURCE} order by id")]


def lms(*words: str) -> Result:
    """What a command says and how it ends."""
    return CliRunner().invoke(main, list(words))


@ON_BOTH
def test_everything_is_read_part_by_part(six: Campus, warehouse: Target, tables: Tables) -> None:
    """Each part is a run and a load of its own, the parents are listed once, and no cursor is moved."""
    found = run(warehouse)
    assert (found.status, found.parts, found.done, found.counts["records_new"]) == ("done", 3, 3, 12)
    assert ids(tables) == MEMBERS
    assert (
        tables.query("select mode, status, records_read from lms.sync_runs") == [("backfill", "done", 4)] * 3
    )
    assert tables.query("select status, lower, upper from lms.backfill_partitions order by partition") == [
        ("done", None, "d1"),
        ("done", "d1", "d3"),
        ("done", "d3", None),
    ]
    assert len(six.asked("/courses")) == 1
    assert tables.one("select count(*) from lms.cursors") == 0


@ON_BOTH
def test_goes_on_where_it_stopped_on_another_machine(
    six: Campus, warehouse: Target, tables: Tables, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Stopped after one part, it keeps that; elsewhere the same goes on with what is left, and reads nothing twice."""
    first = run(warehouse, **stopped_after(1))
    kept = ids(tables)
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "another machine"))
    second = run(warehouse)
    assert (first.status, first.done, kept) == ("partial", 1, ["d0:1", "d0:2", "d1:1", "d1:2"])
    assert (second.status, second.parts, second.done) == ("done", 3, 3)
    assert ids(tables) == MEMBERS
    assert [len(six.asked(f"/courses/{course}/members")) for course in COURSES] == [1] * 6


CHILD = """
import sys
from pipelines import environment
environment.prepare()
from pipelines import backfill
from pipelines.cli import main
from pipelines.partitions import ranges
backfill.ranges = lambda ids, _: ranges(ids, 2)
main(sys.argv[1:])
"""


@ON_BOTH
def test_killed_backfill_loses_one_part_at_most(six: Campus, warehouse: Target, tables: Tables) -> None:
    """Killed while it reads the second part, the first is in the warehouse, and the next process does the rest."""
    child = subprocess.Popen([sys.executable, "-c", CHILD, "backfill", "campus", "--resource", RESOURCE])
    when(six, "/courses/d2/members", lambda: os.kill(child.pid, signal.SIGKILL))
    assert child.wait() == -signal.SIGKILL
    assert ids(tables) == MEMBERS[:4]
    six.server.asked.clear()
    assert run(warehouse).status == "done"
    assert ids(tables) == MEMBERS
    assert six.asked("/courses/d0/members") == []


@ON_BOTH
def test_runs_beside_a_sync(six: Campus, warehouse: Target, tables: Tables) -> None:
    """A sync that begins and ends while a part is read is not undone by it, and no record has two current versions."""

    def sync_meanwhile() -> None:
        six.touch(six.members, ("d2", "1"), progress=50)
        six.touch(six.members, ("d5", "1"), progress=60)
        words = ["sync", "campus", "--resource", RESOURCE]
        assert subprocess.run([sys.executable, "-c", CHILD, *words], check=False).returncode == 0

    when(six, "/courses/d3/members", sync_meanwhile)
    found = run(warehouse)
    moved = tables.query("select id, progress_percent from lms.course_enrollments where progress_percent > 0")
    assert found.status == "done"
    assert moved == [("d2:1", 50.0), ("d5:1", 60.0)]
    assert ids(tables) == MEMBERS
    assert tables.one("select count(*) from lms.course_enrollments_snapshots") == 12


@ON_BOTH
def test_second_one_at_once_is_told_who_is_at_it(six: Campus, warehouse: Target, tables: Tables) -> None:
    """While one backfills, another process with the same to do ends without waiting, and names the first one."""
    said = []

    def begin_another() -> None:
        words = [sys.executable, "-c", CHILD, "backfill", "campus", "--resource", RESOURCE]
        child = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
        said.append(
            (child.returncode, child.stdout.split()[-10:-8], f"process {os.getpid()} on" in child.stderr)
        )

    when(six, "/courses/d2/members", begin_another)
    assert run(warehouse).status == "done"
    assert said == [(3, [RESOURCE, "busy"], True)]
    assert [len(six.asked(f"/courses/{course}/members")) for course in COURSES] == [1] * 6


def test_cursor_stays_where_it_is(campus: Campus, warehouse: Target, tables: Tables) -> None:
    """A backfill of old changes does not make the next run ask for them again."""
    sync_connection("campus", warehouse, resources=["users"])
    before = tables.query("select * from lms.cursors")
    since = datetime(2019, 12, 31, tzinfo=UTC)
    request = Request(since=since, until=since + timedelta(days=20))
    [found] = backfill_connection("campus", warehouse, request, ["users"])
    assert (found.status, found.counts["records_read"], found.counts["records_new"]) == ("done", 4, 0)
    assert tables.query("select * from lms.cursors") == before


def test_windows_are_asked_for_one_after_the_other(campus: Campus, warehouse: Target, tables: Tables) -> None:
    """The provider is asked for each window by its own filter; what has not changed in any of them is not read."""
    campus.people["2"]["updated"] = datetime(2026, 1, 9, tzinfo=UTC)
    words = ("--resource", "users", "--since", "2026-01-01", "--until", "2026-01-15T12:00:00Z", "--json")
    result = lms("backfill", "campus", *words)
    [found] = orjson.loads(result.stdout)["resources"]
    assert (result.exit_code, found["status"], found["parts"]) == (0, "done", 3)
    assert campus.asked("/people") == [
        {"updated_from": "2026-01-01T00:00:00Z", "updated_to": "2026-01-08T00:00:00Z"},
        {"updated_from": "2026-01-08T00:00:00Z", "updated_to": "2026-01-15T00:00:00Z"},
        {"updated_from": "2026-01-15T00:00:00Z", "updated_to": "2026-01-15T12:00:00Z"},
    ]
    assert tables.query("select id from lms.users") == [("2",)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--since", "2026-01-01"], "campus cannot be asked what has changed of courses in a window of time"),
        (["--resource", RESOURCE, "--since", "2026-01-01"], f"what has changed of {RESOURCE} in a window"),
        (["--resource", "users", "--until", "2026-01-01"], "a window begins before it ends"),
        (["--resource", "users", "--since", "2026-02-01", "--until", "2026-01-01"], "a window begins before"),
        (["--since", "yesterday"], "'yesterday' is no instant; write it such as 2026-01-31"),
    ],
)
def test_window_that_cannot_be_asked_for_is_refused(
    words: list[str], said: str, campus: Campus, warehouse: Target
) -> None:
    """Nothing is read, not even of the resources that could be: status 2, with what to do."""
    result = lms("backfill", "campus", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert campus.server.asked == []


@ON_BOTH
def test_load_that_is_noted_twice_is_one(six: Campus, warehouse: Target, tables: Tables) -> None:
    """dlt notes a load again when it was killed between that and putting it away: its part counts once."""
    assert run(warehouse, **stopped_after(2)).status == "partial"
    tables.change("insert into lms._dlt_loads select * from lms._dlt_loads")
    found = run(warehouse)
    assert (found.status, found.done, found.parts) == ("done", 3, 3)
    assert ids(tables) == MEMBERS


def test_part_that_fails_takes_nothing_from_the_others(
    six: Campus, warehouse: Target, tables: Tables
) -> None:
    """A parent that may not be read leaves its part for the next time; the others are loaded, and it makes 3."""
    healthy = six.server.answer

    def refusing(asked: Asked) -> Any:
        return (403, {}, {}) if asked.path == "/courses/d2/members" else healthy(asked)

    six.server.answer = refusing
    result = lms("backfill", "campus", "--resource", RESOURCE)
    assert result.exit_code == 3
    assert "1 parents could not be read" in result.stderr
    assert "the same command goes on" in result.stderr
    assert ids(tables) == [one for one in MEMBERS if not one.startswith("d2")]
    six.server.answer = healthy
    six.server.asked.clear()
    assert run(warehouse).status == "done"
    assert six.asked("/courses/d0/members") == []
    assert ids(tables) == MEMBERS


def test_part_whose_load_has_not_ended_is_read_again(six: Campus, warehouse: Target, tables: Tables) -> None:
    """A part that is marked as done by a load that was broken off may lack its data: it is read once more."""
    run(warehouse, **stopped_after(2))
    tables.change(
        "delete from lms._dlt_loads where load_id in "
        "(select _dlt_load_id from lms.backfill_partitions where status = 'done' and lower is null)"
    )
    found = run(warehouse)
    asked = [len(six.asked(f"/courses/{course}/members")) for course in COURSES]
    assert (found.status, asked) == ("done", [2, 2, 1, 1, 1, 1])


def test_part_retires_what_has_vanished_under_its_parents(
    six: Campus, warehouse: Target, tables: Tables
) -> None:
    """Each parent of a part is read whole; what lies under the parents of other parts stays."""
    run(warehouse)
    del six.members["d2", "1"]
    found = run(warehouse)
    assert (found.status, found.counts["records_retired"]) == ("done", 1)
    assert ids(tables) == [one for one in MEMBERS if one != "d2:1"]


@pytest.mark.parametrize("why", ["restart", "mapping"])
def test_begins_anew(
    why: str, six: Campus, warehouse: Target, tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told to, or under another mapping, parts that are done are read again, and what was left is abandoned."""
    run(warehouse, **stopped_after(1))
    if why == "mapping":
        (tmp_path / "own" / "campus").mkdir(parents=True)
        mapping = '{"id": $key(parent.id, record.person), "user": {"id": record.person}, "course": {"id": parent.id}}'
        (tmp_path / "own" / "campus" / f"{RESOURCE}.jsonata").write_text(mapping)
        folders = os.environ["CONNECTIONS__CAMPUS__FOLDERS"]
        monkeypatch.setenv("CONNECTIONS__CAMPUS__FOLDERS", f"{tmp_path / 'own'},{folders}")
    found = run(warehouse, restart=why == "restart")
    assert (found.done, len(six.asked("/courses/d0/members"))) == (3, 2)
    statuses = tables.query("select status, count(*) from lms.backfill_partitions group by status")
    assert statuses == [("abandoned", 2), ("done", 4)]


def test_stopped_by_the_rate_limit(six: Campus, warehouse: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part that the limit cuts off stays to be read; it is said when to go on, and nothing more is tried."""
    healthy = six.server.answer
    monkeypatch.setattr("sources.unified_lms.limits._SHARED", {})

    def limited(asked: Asked) -> Any:
        return (429, {"Retry-After": "3000"}, {}) if asked.path == "/courses/d2/members" else healthy(asked)

    six.server.answer = limited
    found = run(warehouse)
    assert (found.status, found.done, found.over) == ("partial", 1, True)
    assert "Go on at 20" in found.problems[0]
    assert six.asked("/courses/d4/members") == []


def test_status_says_what_is_left(six: Campus, warehouse: Target) -> None:
    """An unfinished backfill stands in the status, a finished one does not."""
    run(warehouse, **stopped_after(1))
    [connection] = orjson.loads(lms("status", "--json").stdout)["connections"]
    assert connection["backfills"] == [{"resource": RESOURCE, "parts": 3, "done": 1}]
    assert f"{RESOURCE}: a backfill is not finished, 1 of 3 parts are done" in lms("status").stdout
    run(warehouse)
    [connection] = orjson.loads(lms("status", "--json").stdout)["connections"]
    assert connection["backfills"] == []


def test_unknown_resource_is_refused(campus: Campus, warehouse: Target) -> None:
    """A resource that the provider lacks is wrong usage, like any in a sync."""
    with pytest.raises(ConfigurationError, match="has no 'grades'"):
        list(backfill_connection("campus", warehouse, Request(), ["grades"]))
