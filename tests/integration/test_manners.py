"""Runs that load nothing, runs of a part, and runs that are asked to stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from pipelines.cli import main
from pipelines.environment import Target
from pipelines.sync import sync_connection
from sources.unified_lms.stopping import Stop
from tests.integration.campus import Campus, new
from tests.integration.conftest import ON_BOTH, Tables
from tests.unit.sources.conftest import Asked

COUNTS = ("resource", "mode", "status", "records_read", "records_new", "records_changed", "records_retired")


def lms(*words: str) -> Result:
    """What a command says and how it ends."""
    return CliRunner().invoke(main, list(words))


def reports(result: Result) -> list[tuple[Any, ...]]:
    """The counts of each resource that a sync with --json reports."""
    [connection] = orjson.loads(result.stdout)["connections"]
    return [tuple(one[name] for name in COUNTS) for one in connection["resources"]]


def test_dry_run_makes_no_warehouse(campus: Campus, warehouse: Target) -> None:
    """Where there is none yet everything is new, and there is none afterwards either."""
    result = lms("sync", "campus", "--dry-run", "--json")
    assert result.exit_code == 0
    assert orjson.loads(result.stdout)["dry_run"] is True
    assert [row[4] for row in reports(result)] == [4, 2, 4, 4]
    assert lms("status", "--json").stdout.count('"exists": false') == 1


@ON_BOTH
def test_dry_run_says_what_the_run_then_does(campus: Campus, warehouse: Target, tables: Tables) -> None:
    """The counts are those of the run that follows, and until then every table stays as it was."""
    lms("sync", "campus")
    campus.touch(campus.people, "2", name="Changed")
    campus.touch(campus.people, "3", deleted=True)
    campus.touch(campus.members, ("c1", "1"), progress=50)
    before = tables.everything()
    rehearsed = lms("sync", "campus", "--dry-run", "--json")
    assert tables.everything() == before
    assert reports(rehearsed) == reports(lms("sync", "campus", "--json"))
    assert ("users", "incremental", "done", 2, 0, 1, 1) in reports(rehearsed)


def test_dry_run_is_told_of_the_guard(campus: Campus, warehouse: Target) -> None:
    """A run that would be refused is told so beforehand."""
    lms("sync", "campus", "--resource", "users")
    campus.people.clear()
    result = lms("sync", "campus", "--resource", "users", "--full", "--dry-run")
    assert result.exit_code == 1
    assert "4 of 4 current users are gone" in result.stderr
    assert "nothing was loaded: this was a dry run" in result.stderr


def test_filtered_run_reads_a_part_and_retires_nothing(
    campus: Campus, warehouse: Target, tables: Tables
) -> None:
    """What a filter leaves out stays, what it selects is brought up to date, and the cursor stays where it was."""
    lms("sync", "campus", "--resource", "users")
    place = tables.query("select position, full_at from lms.cursors")
    del campus.people["1"]
    campus.touch(campus.people, "2", name="Changed")
    result = lms("sync", "campus", "--resource", "users", "--filter", "organization[id]=a", "--json")
    assert reports(result) == [("users", "filtered", "done", 1, 0, 1, 0)]
    assert tables.one("select count(*) from lms.users") == 4
    assert tables.query("select position, full_at from lms.cursors") == place


def test_filter_by_parent_retires_nothing_either(campus: Campus, warehouse: Target) -> None:
    """The one parent is read, and what is missing under it waits for a run of everything."""
    lms("sync", "campus", "--resource", "course_enrollments")
    del campus.members["c1", "1"]
    campus.server.asked.clear()
    result = lms("sync", "campus", "--filter", "course[id]=c1", "--json")
    assert reports(result) == [("course_enrollments", "filtered", "done", 1, 0, 0, 0)]
    assert campus.asked("/courses/c2/members") == []


def test_filter_that_no_resource_has(campus: Campus, warehouse: Target) -> None:
    """A filter is refused where the provider cannot do it, with what it can do."""
    result = lms("sync", "campus", "--resource", "users", "--filter", "status=active")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "campus cannot filter users by 'status'; it can filter by organization[id]" in result.stderr


@ON_BOTH
def test_stopped_run_keeps_what_it_has_read(campus: Campus, warehouse: Target, tables: Tables) -> None:
    """Asked to stop in the middle of a resource, a run loads what is there as a part and begins no other."""
    stop = Stop()
    campus.courses |= {f"d{i}": new(f"d{i}", title="More") for i in range(20)}
    healthy = campus.server.answer

    def stopping(asked: Asked) -> Any:
        if asked.path.endswith("d3/items"):
            stop.request("the test")
        return healthy(asked)

    campus.server.answer = stopping
    result = sync_connection("campus", warehouse, stop=stop)
    assert [(one.report["resource"], one.status) for one in result.results] == [
        ("users", "done"),
        ("courses", "done"),
        ("course_items", "partial"),
    ]
    assert result.stopped_by == "the test"
    assert "The run was stopped by the test." in result.results[-1].report["message"]
    assert tables.one("select count(*) from lms.course_items") == 4
    assert tables.one("select rotation_after from lms.cursors where resource = 'course_items'") >= "c2"


CHILD = "import sys; from pipelines.cli import main; main(sys.argv[1:])"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_the_process_cleanly(
    number: signal.Signals, campus: Campus, warehouse: Target, tables: Tables, tmp_path: Path
) -> None:
    """A process that gets the signal while it reads ends by itself with status 3, and says what became of the run."""
    campus.courses |= {f"d{i:02}": new(f"d{i:02}", title="More") for i in range(40)}
    healthy = campus.server.answer
    sent: list[int] = []
    words = ["sync", "campus", "--resource", "course_enrollments", "--json"]
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    )

    def signalling(asked: Asked) -> Any:
        if asked.path == "/courses/d20/members" and not sent:
            sent.append(number)
            os.kill(child.pid, number)
        return healthy(asked)

    campus.server.answer = signalling
    out, err = child.communicate()
    [connection] = orjson.loads(out)["connections"]
    assert (child.returncode, connection["stopped_by"]) == (3, number.name)
    assert connection["resources"][0]["status"] == "partial"
    assert b"stopping at the next safe point" in err
    assert tables.one("select count(*) from lms.course_enrollments") == 4
