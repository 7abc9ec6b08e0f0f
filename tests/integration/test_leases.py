"""Leases in the destination: one run at a piece of work, also among processes, and none for the dead."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import dlt
import pytest

from pipelines.database import open_database
from pipelines.environment import Target
from pipelines.leases import Work, held_leases, lease, turn
from pipelines.schema import prepare_tables
from sources.unified_lms.errors import LeaseLost, WorkTaken
from tests.integration.conftest import ON_BOTH, Tables

pytestmark = ON_BOTH

HOLDER = """
import os, sys
from pipelines import environment
environment.prepare()
from pipelines.leases import lease

pipeline = environment.target(sys.argv[1]).pipeline("acme")
with lease(pipeline, "acme", "users", run_id="theirs", seconds=float(sys.argv[2])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def pipeline(warehouse: Target) -> dlt.Pipeline:
    """A connection's pipeline whose tables are there."""
    made = warehouse.pipeline("acme")
    prepare_tables(made)
    return made


def holder(destination: str, seconds: float) -> subprocess.Popen[bytes]:
    """Another process that holds the lease of acme's users until its input ends."""
    words = [sys.executable, "-c", HOLDER, destination, str(seconds)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    return process


def test_work_that_is_taken_says_by_whom(pipeline: dlt.Pipeline, destination: str) -> None:
    """A second run of the same work is told the run, the process and the machine that are at it."""
    with holder(destination, 60) as other:
        with pytest.raises(WorkTaken) as caught, lease(pipeline, "acme", "users", run_id="ours"):
            pass
        other.communicate()
    assert caught.value.work == "acme/users"
    assert f"run theirs, process {other.pid} on {socket.gethostname()}, since 20" in str(caught.value)


def test_lease_is_given_back(pipeline: dlt.Pipeline, destination: str) -> None:
    """Once the other run has ended, the work is free at once."""
    holder(destination, 60).communicate()
    with lease(pipeline, "acme", "users", run_id="ours"), open_database(pipeline) as database:
        assert [holder.run_id for _, holder in held_leases(database)] == ["ours"]


def test_lease_of_a_process_that_died_here_is_free(pipeline: dlt.Pipeline, destination: str) -> None:
    """A holder that was killed cannot give its lease back; on its own machine it can be seen to be dead."""
    with holder(destination, 60) as other:
        os.kill(other.pid, signal.SIGKILL)
    with lease(pipeline, "acme", "users") as held:
        assert held.work == Work("acme", "users")


def test_lease_of_a_run_that_died_elsewhere_runs_out(
    pipeline: dlt.Pipeline, destination: str, tables: Tables
) -> None:
    """Of a holder on another machine nothing is known but that it no longer renews: its lease runs out."""
    with holder(destination, 1) as other:
        os.kill(other.pid, signal.SIGKILL)
    tables.change("update lms.leases set machine = 'another', renewed_at = current_timestamp")
    with pytest.raises(WorkTaken), lease(pipeline, "acme", "users"):
        pass
    with lease(pipeline, "acme", "users", wait=30) as held:
        assert held.work == Work("acme", "users")


def test_lease_of_a_living_run_is_renewed(pipeline: dlt.Pipeline, destination: str) -> None:
    """A holder that lives keeps its lease for longer than a lease lasts."""
    with holder(destination, 1) as other:
        with pytest.raises(WorkTaken), lease(pipeline, "acme", "users", wait=2.5):
            pass
        other.communicate()


def test_other_work_is_free(pipeline: dlt.Pipeline) -> None:
    """Another resource, another partition, the whole beside a partition, and another connection are other work."""
    with (
        lease(pipeline, "acme", "users"),
        lease(pipeline, "acme", "users", "1"),
        lease(pipeline, "acme", "users", "2"),
        lease(pipeline, "acme", "courses"),
        lease(pipeline, "zenith", "users"),
        open_database(pipeline) as database,
    ):
        assert len(held_leases(database)) == 5
        assert {work.connection for work, _ in held_leases(database, "zenith")} == {"zenith"}


def test_turn_is_waited_for(pipeline: dlt.Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """The turn to load is one for a connection, whoever asks; it is no work that `held_leases` tells of."""
    monkeypatch.setenv("WAREHOUSE__WAIT_SECONDS", "0.3")
    with turn(pipeline, "acme"), turn(pipeline, "zenith"):
        with pytest.raises(WorkTaken), turn(pipeline, "acme"):
            pass
        with open_database(pipeline) as database:
            assert held_leases(database) == []


def test_lease_that_is_lost_is_noticed(pipeline: dlt.Pipeline, tables: Tables) -> None:
    """A lease that somebody else has taken over is found lost at its next renewal."""
    with lease(pipeline, "acme", "users", seconds=0.4) as held:
        held.check()
        tables.change("update lms.leases set token = 'somebody else'")
        assert held.lost.wait(30)
        with pytest.raises(LeaseLost, match="acme/users"):
            held.check()
    assert tables.query("select token from lms.leases") == [("somebody else",)]


def test_leases_hold_no_path(pipeline: dlt.Pipeline, tables: Tables, tmp_path: Path) -> None:
    """What others read of a run is its machine's name and its process, and nothing of its folders."""
    with lease(pipeline, "acme", "users", run_id="ours"):
        assert str(tmp_path) not in str(tables.query("select * from lms.leases"))
