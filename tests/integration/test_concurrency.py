"""Runs at once, in processes of their own: several connections into one set of tables, and one connection twice."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb
import orjson
import pytest

from mappings.model import RESOURCES
from pipelines.environment import Target, target
from pipelines.sync import sync_connection
from pipelines.waiting import wait_for_file
from sources.unified_lms.errors import WarehouseBusy
from sources.unified_lms.sandbox import SandboxServer, expected
from tests.integration.conftest import ON_BOTH, Tables, configure

HOLDER = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def syncs(destination: str, runs: Sequence[Sequence[str]]) -> list[dict[str, str]]:
    """Runs `lms sync` in processes at once; gives for each the status of every resource."""
    words = [sys.executable, "-m", "pipelines.cli", "sync", "--json", "--destination", destination]
    started = [subprocess.Popen([*words, *run], stdout=subprocess.PIPE, env={**os.environ}) for run in runs]
    outputs = [process.communicate()[0] for process in started]
    found = [orjson.loads(output)["connections"][0] for output in outputs]
    return [{each["resource"]: each["status"] for each in one["resources"]} for one in found]


@ON_BOTH
def test_connections_at_once_share_the_tables(
    server: SandboxServer,
    warehouse: Target,
    tables: Tables,
    destination: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """First runs of two connections at once: every row once (4297), no DDL that fails (1711), nobody retired (4244)."""
    for name in ("t1", "t11"):
        configure(monkeypatch, name, server)
    done = dict.fromkeys(RESOURCES, "done")
    assert syncs(destination, [["t1"], ["t11"]]) == [done, done]
    for resource in RESOURCES:
        wanted = {row["id"] for row in expected(server.world, server.provider, resource)}
        rows = tables.query(f"select connection_id, id from lms.{resource}_snapshots")
        assert rows == sorted(((name, each) for name in ("t1", "t11") for each in wanted), key=repr)


@ON_BOTH
def test_one_connection_twice_does_the_work_once(
    server: SandboxServer, acme: str, warehouse: Target, tables: Tables, destination: str
) -> None:
    """Of two runs of one connection each resource is done by one at a time, and no record has two versions."""
    for statuses in syncs(destination, [[acme], [acme]]):
        assert set(statuses.values()) <= {"done", "busy"}
    for resource in RESOURCES:
        wanted = sorted(row["id"] for row in expected(server.world, server.provider, resource))
        assert sorted(row[0] for row in tables.query(f"select id from lms.{resource}_snapshots")) == wanted


@pytest.fixture
def held(tmp_path: Path) -> subprocess.Popen[bytes]:
    """Another process that has a DuckDB file open."""
    words = [sys.executable, "-c", HOLDER, str(tmp_path / "warehouse.duckdb")]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    return process


def test_file_that_somebody_has_open_is_waited_for(
    held: subprocess.Popen[bytes], acme: str, warehouse: Target
) -> None:
    """A file that a stranger's process has open is waited for, and then the run goes on."""
    let_go = iter((None, None, held.communicate))

    def pause(_: float) -> None:
        if release := next(let_go, None):
            release()

    file = warehouse.location
    with wait_for_file(lambda: duckdb.connect(file), file, pause=pause) as connection:
        assert connection.execute("select 42").fetchall() == [(42,)]


def test_wait_is_bounded_and_says_for_whom(
    held: subprocess.Popen[bytes], acme: str, warehouse: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the time that is configured the run fails, and names the process that has the file."""
    monkeypatch.setenv("WAREHOUSE__WAIT_SECONDS", "0.2")
    with pytest.raises(Exception, match=f"process {held.pid} has had it open") as caught:
        sync_connection(acme, target("duckdb"))
    held.communicate()
    chain = [caught.value, caught.value.__cause__, caught.value.__context__]
    assert any(isinstance(error, WarehouseBusy) for error in chain)
