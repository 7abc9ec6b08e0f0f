"""Warehouses that earlier versions wrote: what is in them stays, and syncing goes on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mappings.model import RESOURCES
from pipelines.environment import Target, target
from pipelines.sync import ConnectionResult, sync_connection
from sources.unified_lms.sandbox import SandboxServer, expected
from tests.integration.conftest import ON_BOTH, Tables

WRITTEN = sorted(Path(__file__).parent.parent.joinpath("fixtures").glob("warehouse_*.duckdb"))


@pytest.fixture(params=WRITTEN, ids=lambda path: path.stem)
def old(
    request: pytest.FixtureRequest, warehouse: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Target:
    """A copy of a warehouse that an earlier version wrote."""
    file = tmp_path / "old.duckdb"
    shutil.copy(request.param, file)
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(file))
    return target("duckdb")


def test_there_is_a_warehouse_of_the_first_version() -> None:
    """The first version's warehouse is kept."""
    assert WRITTEN[0].stem == "warehouse_0_1_0"


REMAPPED = {"users": 1}
"""Records that are mapped otherwise since: one person's account has a date that closes it, which is kept now."""


def test_nothing_has_changed_since(old: Target, server: SandboxServer, acme: str) -> None:
    """The same world read again by this version makes no version: hashes and mappings still agree."""
    server.world.advance(1)
    results = sync_connection(acme, old).results
    changes = {r.report["resource"]: (r.report["records_new"], r.report["records_changed"]) for r in results}
    assert changes == {name: (0, REMAPPED.get(name, 0)) for name in RESOURCES}


def test_history_goes_on(old: Target, server: SandboxServer, acme: str) -> None:
    """Further changes are added to the old history, of which no row is lost."""
    tables = Tables(old)
    before = {n: tables.query(f"select id, valid_from, row_hash from lms.{n}_snapshots") for n in RESOURCES}
    server.world.advance(1)
    server.world.advance(2)
    sync_connection(acme, old)
    for name in RESOURCES:
        assert set(before[name]) <= set(
            tables.query(f"select id, valid_from, row_hash from lms.{name}_snapshots")
        )
        wanted = {row["id"] for row in expected(server.world, server.provider, name)}
        assert {row[0] for row in tables.query(f"select id from lms.{name}")} == wanted


NEW = ("manager__emails", "manager__name")
"""Columns that the sandbox never fills: an older table without them has the same rows."""


@ON_BOTH
def test_columns_are_added_to_an_older_table(
    synced: ConnectionResult, acme: str, warehouse: Target, tables: Tables
) -> None:
    """An upgrade adds the columns that the model has got, to table and view, and makes no new version."""
    older = [name for name in tables.columns("users_snapshots") if name not in NEW]
    tables.change("drop view lms.users")
    for name in NEW:
        tables.change(f"alter table lms.users_snapshots drop column {name}")
    tables.change(
        f"create view lms.users as select {', '.join(older)} from lms.users_snapshots where valid_to is null"
    )
    tables.change("create view lms.mine as select id from lms.users")
    tables.change("delete from lms._dlt_version")
    before = tables.query("select id, valid_from, row_hash from lms.users_snapshots")
    [result] = sync_connection(acme, warehouse, resources=["users"], full=True).results
    assert (result.report["records_new"], result.report["records_changed"]) == (0, 0)
    assert tables.query("select id, valid_from, row_hash from lms.users_snapshots") == before
    assert set(tables.columns("users_snapshots")) == {*older, *NEW}
    assert tables.columns("users")[: len(older)] == older
    assert set(tables.columns("users")) == {*older, *NEW}
    assert tables.one("select count(*) from lms.mine") == tables.one("select count(*) from lms.users")
