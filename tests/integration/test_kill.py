"""A process killed with SIGKILL at each step of a run: the warehouse stays whole, and the next run is right."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import Any

import pytest

from pipelines.environment import Target
from pipelines.sync import sync_connection
from sources.unified_lms.sandbox import SandboxServer, expected
from tests.integration.conftest import ON_BOTH, Tables

pytestmark = ON_BOTH

RESOURCE = "course_enrollments"

CHILD = """
import importlib, os, signal, sys

destination, module, path, when = sys.argv[1:5]
from pipelines import environment
environment.prepare()
from pipelines.sync import sync_connection

owner, name = importlib.import_module(module), path
while "." in name:
    part, name = name.split(".", 1)
    owner = getattr(owner, part)
original = getattr(owner, name)

def killed(*args, **options):
    if when != "before":
        original(*args, **options)
    if when != "after snapshots" or "_snapshots" in args[0].job_file_info().table_name:
        os.kill(os.getpid(), signal.SIGKILL)

setattr(owner, name, killed)
sync_connection("acme", environment.target(destination), resources=["course_enrollments"])
"""

COPY = {
    "duckdb": ("dlt.destinations.impl.duckdb.duck", "DuckDbCopyJob.run"),
    "postgres": ("dlt.destinations._adbc_jobs", "AdbcParquetCopyJob.run"),
}
"""What puts a file into the staging table."""

STEPS = {
    "in mid-reading": ("sources.unified_lms.spool", "Spool.add", "after"),
    "before the comparison": ("sources.unified_lms.snapshots", "Comparison.run", "before"),
    "after extraction": ("dlt.pipeline.pipeline", "Pipeline.normalize", "before"),
    "before loading": ("dlt.pipeline.pipeline", "Pipeline.load", "before"),
    "in mid-load": ("copy", "", "after"),
    # The rows are in the staging table and dlt does not know it yet: it stages them once more.
    "once staged": ("copy", "", "after snapshots"),
    "after the merge": ("dlt.load.load", "Load.complete_package", "before"),
}


def kill_at(step: str, destination: str) -> None:
    """Runs a sync in a process of its own that is killed at a step."""
    module, name, when = STEPS[step]
    owner = COPY[destination] if module == "copy" else (module, name)
    child = subprocess.run([sys.executable, "-c", CHILD, destination, *owner, when], check=False)
    assert child.returncode == -signal.SIGKILL


def versions(tables: Tables) -> list[tuple[Any, ...]]:
    """The snapshot table, without what differs from load to load."""
    return tables.query(
        f"select id, row_hash, valid_to is null, deleted_at is not null from lms.{RESOURCE}_snapshots"
    )


@pytest.mark.parametrize("step", STEPS)
def test_killed_run_leaves_the_warehouse_whole_and_the_next_is_right(
    step: str, server: SandboxServer, acme: str, warehouse: Target, tables: Tables
) -> None:
    """Killed at any step, a run has changed everything or nothing; the next one ends where it should have."""
    sync_connection(acme, warehouse, resources=[RESOURCE])
    before = versions(tables)
    server.world.advance(1)
    kill_at(step, warehouse.destination)
    killed = versions(tables)
    sync_connection(acme, warehouse, resources=[RESOURCE])
    after = versions(tables)
    assert killed in (before, after)
    assert after != before
    wanted = {row["id"] for row in expected(server.world, server.provider, RESOURCE)}
    assert [row[0] for row in tables.query(f"select id from lms.{RESOURCE}")] == sorted(wanted)


def test_lost_working_folder_doubles_nothing(
    server: SandboxServer,
    acme: str,
    warehouse: Target,
    tables: Tables,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,
) -> None:
    """A worker that does not keep its disk: killed after the merge, the next run on another machine adds nothing."""
    sync_connection(acme, warehouse, resources=[RESOURCE])
    server.world.advance(1)
    kill_at("after the merge", warehouse.destination)
    killed = versions(tables)
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "another machine"))
    sync_connection(acme, warehouse, resources=[RESOURCE])
    assert versions(tables) == killed


def test_load_overtaken_by_another_machine_is_set_aside(
    server: SandboxServer,
    acme: str,
    warehouse: Target,
    tables: Tables,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,
) -> None:
    """Killed before loading here, overtaken by a run elsewhere: the old package does not open records twice."""
    sync_connection(acme, warehouse, resources=[RESOURCE])
    server.world.advance(1)
    kill_at("before loading", warehouse.destination)
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("DLT_DATA_DIR", str(tmp_path / "another machine"))
        sync_connection(acme, warehouse, resources=[RESOURCE])
    there = versions(tables)
    sync_connection(acme, warehouse, resources=[RESOURCE])
    assert versions(tables) == there
