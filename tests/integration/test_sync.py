"""Whole runs into both destinations, against the sandbox over real HTTP."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import dlt
import pytest

from mappings.model import RESOURCES
from pipelines.environment import Target
from pipelines.sync import ConnectionResult, sync_connection
from sources.unified_lms import unified_lms
from sources.unified_lms.errors import DeletionsRefused, MappingFailed, Unauthorized
from sources.unified_lms.sandbox import Rule, SandboxServer, expected
from sources.unified_lms.sandbox.faults import DropRecords, Reply
from tests.integration.conftest import ON_BOTH, Tables

pytestmark = ON_BOTH

Counts = dict[str, tuple[int, int, int]]


def counts(result: ConnectionResult) -> Counts:
    """New, changed and retired records of each resource."""
    names = ("records_new", "records_changed", "records_retired")
    found = {r.report["resource"]: [r.report[name] for name in names] for r in result.results}
    return {resource: (new, changed, retired) for resource, (new, changed, retired) in found.items()}


def ids(server: SandboxServer, resource: str) -> set[str]:
    """The ids that the provider has."""
    return {row["id"] for row in expected(server.world, server.provider, resource)}


def test_first_run_loads_everything(synced: ConnectionResult, server: SandboxServer, tables: Tables) -> None:
    """After a run, the views of the present hold what the provider has."""
    for resource in RESOURCES:
        assert {row[0] for row in tables.query(f"select id from lms.{resource}")} == ids(server, resource)
    assert [result.status for result in synced.results] == ["done"] * 4


def test_second_run_without_changes_adds_no_version(
    synced: ConnectionResult, acme: str, warehouse: Target, tables: Tables
) -> None:
    """Reading the same again changes nothing in any snapshot table."""
    before = {name: tables.query(f"select * from lms.{name}_snapshots") for name in RESOURCES}
    assert counts(sync_connection(acme, warehouse)) == dict.fromkeys(RESOURCES, (0, 0, 0))
    assert {name: tables.query(f"select * from lms.{name}_snapshots") for name in RESOURCES} == before


def test_changes_become_history(
    synced: ConnectionResult, server: SandboxServer, acme: str, warehouse: Target, tables: Tables
) -> None:
    """After the world has changed, the present is the new one and the past is kept."""
    before = {name: tables.one(f"select count(*) from lms.{name}_snapshots") for name in RESOURCES}
    server.world.advance(1)
    changed = counts(sync_connection(acme, warehouse))
    for name, (new, altered, retired) in changed.items():
        assert {row[0] for row in tables.query(f"select id from lms.{name}")} == ids(server, name)
        assert tables.one(f"select count(*) from lms.{name}_snapshots") == before[name] + new + altered
        assert (
            tables.one(f"select count(*) from lms.{name}_snapshots where deleted_at is not null") == retired
        )
    assert sum(map(sum, changed.values())) > 0


def test_every_record_has_one_current_version(
    synced: ConnectionResult, server: SandboxServer, acme: str, warehouse: Target, tables: Tables
) -> None:
    """Key uniqueness: never two current rows of a record, and intervals that meet without overlap."""
    for _ in range(2):
        server.world.advance(1 if _ == 0 else 2)
        sync_connection(acme, warehouse)
    for name in RESOURCES:
        current = f"select connection_id, id from lms.{name} group by connection_id, id having count(*) > 1"
        overlap = (
            f"select a.id from lms.{name}_snapshots a join lms.{name}_snapshots b using (connection_id, id) "
            "where a.valid_from < b.valid_from and coalesce(a.valid_to, timestamptz 'infinity') > b.valid_from"
        )
        assert tables.query(current) == []
        assert tables.query(overlap) == []


def test_runs_are_kept_with_their_figures(synced: ConnectionResult, tables: Tables) -> None:
    """`sync_runs` has a row for each resource of a run."""
    rows = tables.query("select resource, status, records_read, records_skipped from lms.sync_runs")
    assert {row[0]: row[1] for row in rows} == dict.fromkeys(RESOURCES, "done")
    assert all(read > 0 for _, _, read, _ in rows)


def test_connection_state_is_kept(synced: ConnectionResult, tables: Tables) -> None:
    """A run that worked leaves the connection active."""
    assert tables.query("select connection_id, provider, state from lms.connections") == [
        ("acme", "talentlms", "active")
    ]


def test_shrunken_answer_is_refused_and_the_others_go_on(
    synced: ConnectionResult, server: SandboxServer, acme: str, warehouse: Target, tables: Tables
) -> None:
    """An empty list of users looks like a lost permission: nothing of users changes, courses are synced."""
    server.faults.add(Rule(DropRecords(), pattern=r"/users$"))
    result = sync_connection(acme, warehouse)
    refused = {r.report["resource"]: type(r.error) for r in result.results if r.error}
    assert refused == {"users": DeletionsRefused, "course_enrollments": DeletionsRefused}
    assert {row[0] for row in tables.query("select id from lms.users")} == ids(server, "users")
    assert tables.query("select distinct status from lms.sync_runs where resource = 'users'") == [
        ("done",),
        ("failed",),
    ]


def test_deletions_can_be_allowed(
    synced: ConnectionResult, server: SandboxServer, acme: str, warehouse: Target, tables: Tables
) -> None:
    """Told that they are really gone, the run retires them."""
    server.faults.add(Rule(DropRecords(), pattern=r"/users$"))
    sync_connection(acme, warehouse, resources=["users"], allow_deletions=True)
    assert tables.one("select count(*) from lms.users") == 0


def test_expired_credentials_are_kept_as_a_state(
    synced: ConnectionResult, server: SandboxServer, acme: str, warehouse: Target, tables: Tables
) -> None:
    """Expired credentials stop the run at the first resource, and the connection needs new ones."""
    server.faults.expired = True
    result = sync_connection(acme, warehouse)
    assert [type(r.error) for r in result.results] == [Unauthorized]
    assert tables.one("select state from lms.connections") == "needs_reauth"


def test_failing_resource_takes_nothing_from_the_others(
    server: SandboxServer, acme: str, warehouse: Target, tables: Tables
) -> None:
    """When courses cannot be read at all, users are still loaded."""
    server.faults.add(Rule(Reply(500), pattern=r"/courses$"))
    result = sync_connection(acme, warehouse)
    assert {r.report["resource"] for r in result.results if r.error} == {"courses", "course_items"}
    assert {row[0] for row in tables.query("select id from lms.users")} == ids(server, "users")


def test_no_secret_is_left_anywhere(
    synced: ConnectionResult, tables: Tables, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """`login_key` and the API key are in no table, no file that dlt leaves, and no log."""
    planted = ("SECRET-LOGIN-KEY", "sandbox-api-key")
    everything = tables.everything() + caplog.text
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(secret in everything for secret in planted)
    assert not any(secret.encode() in path.read_bytes() for path in files for secret in planted)


def test_no_learners_data_is_left_in_working_files(
    synced: ConnectionResult, tables: Tables, tmp_path: Path
) -> None:
    """Staging tables and load packages are emptied of learners' data."""
    left = [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".duckdb"]
    assert not any(b"@example" in path.read_bytes() for path in left)
    staged = [name for schema, name in tables.names() if schema == "lms_staging_acme"]
    assert "users_snapshots" in staged
    for name in staged:
        if not name.startswith("_dlt"):
            assert tables.one(f"select count(*) from lms_staging_acme.{name}") == 0


def test_raw_records_are_kept_where_asked_for(
    server: SandboxServer, acme: str, warehouse: Target, tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`keep_raw` keeps the provider's own record beside the row, without what is secret."""
    monkeypatch.setenv("CONNECTIONS__ACME__KEEP_RAW", "true")
    sync_connection(acme, warehouse, resources=["users"])
    raw = tables.query(
        "select remote_data->>'login', remote_data->>'login_key' from lms.users where id = '1'"
    )
    [user] = [p for p in server.world.people.values() if p.id == 1]
    assert raw == [(user.login, None)]


def test_mapping_that_maps_nothing_stops_before_anything_is_loaded(
    synced: ConnectionResult, acme: str, warehouse: Target, tables: Tables, tmp_path: Path, monkeypatch: Any
) -> None:
    """A mapping of the user's own that fails for every record changes nothing and says so."""
    folder = tmp_path / "own" / "talentlms"
    folder.mkdir(parents=True)
    (folder / "users.jsonata").write_text('{"id": $number(record.login)}')
    monkeypatch.setenv("CONNECTIONS__ACME__FOLDERS", str([str(folder.parent)]).replace("'", '"'))
    before = tables.query("select * from lms.users_snapshots")
    [result] = sync_connection(acme, warehouse, resources=["users"]).results
    assert isinstance(result.error, MappingFailed)
    assert tables.query("select * from lms.users_snapshots") == before


def test_source_runs_in_a_pipeline_of_the_users_own(
    server: SandboxServer, acme: str, warehouse: Target
) -> None:
    """A dlt user imports the source and runs it; the tables and the guard are the same."""
    pipeline = dlt.pipeline("own", destination=warehouse.destination, dataset_name="learning")
    pipeline.run(unified_lms(acme).with_resources("users"), loader_file_format="parquet")
    pipeline.run(unified_lms(acme).with_resources("users"), loader_file_format="parquet")
    server.faults.add(Rule(DropRecords(), pattern=r"/users$"))
    with pytest.raises(Exception, match="--allow-deletions"):
        pipeline.run(unified_lms(acme).with_resources("users"), loader_file_format="parquet")
    with pipeline.sql_client() as client:
        rows = client.execute_sql("select count(*), count(distinct id) from users_snapshots")
    assert rows == [(len(ids(server, "users")),) * 2]


def test_failed_reading_leaves_nothing_that_blocks_the_next_run(
    synced: ConnectionResult, server: SandboxServer, acme: str, warehouse: Target
) -> None:
    """After a reading that was refused, the next run works."""
    server.faults.add(Rule(DropRecords(), pattern=r"/users$"))
    sync_connection(acme, warehouse)
    server.faults.clear()
    logging.getLogger(__name__).debug("the provider is well again")
    result = sync_connection(acme, warehouse)
    assert [r.status for r in result.results] == ["done"] * 4
