"""Traps of dlt 1.31 and of the databases, each seen to happen: what concerns us does not happen here.

A number is that of the issue in dlt's repository. Where a trap is sprung by something that has tests of its own, its test
stands there; `tests/unit/house/test_traps.py` looks whether it is still there.

| trap | held by |
|---|---|
| connections that share a staging table multiply each other's rows (4297), first runs at once fail over DDL (1711) | `test_concurrency.py::test_connections_at_once_share_the_tables` |
| the key of a merge is joined without a separator, so that `t1` retires what is of `t11` (4244, 4274) | `test_concurrency.py::test_connections_at_once_share_the_tables` |
| a random row id makes every row a new version with each load (2294) | `test_sync.py::test_second_run_without_changes_adds_no_version` |
| `upsert` keeps duplicates of a batch, or the load fails | `test_dlt_traps.py::test_record_given_twice_is_one_row` |
| nothing says so when a record has two current rows (4297, 2837) | `test_dlt_traps.py::test_two_current_versions_are_an_error` |
| a run with a pending package loads it and does not extract | `test_dlt_traps.py::test_pending_package_is_loaded_and_then_the_run_extracts` |
| a package that cannot be loaded fails every later run | `test_dlt_traps.py::test_package_that_cannot_be_loaded_is_set_aside_and_blocks_nobody` |
| its error quotes rows | `test_dlt_traps.py::test_reason_is_kept_without_learners_data` |
| an error of one resource throws the others' data away | `test_sync.py::test_failing_resource_takes_nothing_from_the_others` |
| a process killed while it saves a schema fails every later run | `test_dlt_traps.py::test_half_written_schema_is_no_schema` |
| a load is noted twice after a kill | `test_backfill.py::test_load_that_is_noted_twice_is_one` |
| a killed extraction loses all its pages | `test_backfill.py::test_killed_backfill_loses_one_part_at_most` |
| a failed extraction leaves a package behind | `test_sync.py::test_failed_reading_leaves_nothing_that_blocks_the_next_run` |
| cursors are compared as text, and late rows are dropped: ours is the start of a run | `test_incremental.py::test_changes_are_asked_for_from_the_last_run_less_the_overlap` |
| the local state has a cursor whose load has not ended | `test_incremental.py::test_cursor_of_a_load_that_has_not_ended_does_not_count` |
| state is lost with the disk | `test_incremental.py::test_worker_without_its_disk_goes_on` |
| 2.5 goes into a whole-number column as 2 | `test_dlt_traps.py::test_number_that_a_column_cannot_hold_is_null_and_told` |
| new fields and types widen the table | `test_dlt_traps.py::test_field_that_the_model_lacks_widens_no_table` |
| what is discarded by a contract is on no record | `test_dlt_traps.py::test_field_that_the_model_lacks_widens_no_table` |
| an empty reading retires everything | `test_sync.py::test_shrunken_answer_is_refused_and_the_others_go_on` |
| a reading that yields nothing retires nothing | `test_incremental.py::test_last_member_of_a_course_vanishes` |
| staging tables and loaded files keep the batch | `test_sync.py::test_no_learners_data_is_left_in_working_files` |
| U+0000 in text: PostgreSQL refuses it, and the package is stuck | `test_dlt_traps.py::test_nul_in_text_is_taken_out_and_told` |
| a DuckDB file with the name of its dataset makes every name ambiguous | `test_cli_sync.py::test_file_named_like_its_dataset` |
| a DuckDB file that another process has open fails the run | `test_concurrency.py::test_file_that_somebody_has_open_is_waited_for` |
| a parquet file for PostgreSQL is collected in memory, 1.2 GB a million rows | `test_mended.py::test_file_goes_to_postgresql_row_group_by_row_group` |
"""  # noqa: E501 - a table has its rows in one line

from __future__ import annotations

from pathlib import Path
from typing import Any

import dlt
import pytest

from pipelines.cli import main
from pipelines.environment import Target
from pipelines.sync import ConnectionResult, sync_connection
from sources.unified_lms.errors import DuplicateVersions, LoadFailed, WarehouseUnreachable
from sources.unified_lms.sandbox import SandboxServer, expected
from tests.integration.conftest import ON_BOTH, Tables

pytestmark = ON_BOTH


def own_mapping(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, *, resource: str = "users") -> None:
    """Maps a resource, users by default, by an expression of the test's own."""
    made = folder / "own" / "talentlms"
    made.mkdir(parents=True)
    (made / f"{resource}.jsonata").write_text(text)
    monkeypatch.setenv("CONNECTIONS__ACME__FOLDERS", str(made.parent))


def interrupted(acme: str, warehouse: Target, monkeypatch: pytest.MonkeyPatch, resource: str) -> None:
    """A run that ends when it has extracted and not yet loaded."""

    def end(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(dlt.Pipeline, "load", end)
        with pytest.raises(KeyboardInterrupt):
            sync_connection(acme, warehouse, resources=[resource])
    assert warehouse.pipeline(acme).has_pending_data


def refuse_users(tables: Tables) -> None:
    """Makes the table of users refuse new rows: somebody wants a job title in each of them."""
    tables.change("update lms.users_snapshots set job_title = 'any'")
    tables.change("alter table lms.users_snapshots alter column job_title set not null")


def test_pending_package_is_loaded_and_then_the_run_extracts(
    synced: ConnectionResult,
    acme: str,
    warehouse: Target,
    server: SandboxServer,
    tables: Tables,
    monkeypatch: Any,
) -> None:
    """dlt's `run` loads what is pending and returns without extracting; a run of ours reads as well."""
    server.world.advance(1)
    interrupted(acme, warehouse, monkeypatch, "course_enrollments")
    server.world.advance(2)
    [result] = sync_connection(acme, warehouse, resources=["course_enrollments"]).results
    assert result.report["records_read"] > 0
    wanted = {row["id"] for row in expected(server.world, server.provider, "course_enrollments")}
    assert {row[0] for row in tables.query("select id from lms.course_enrollments")} == wanted
    assert tables.one("select count(distinct valid_from) from lms.course_enrollments_snapshots") == 3


def test_half_written_schema_is_no_schema(
    synced: ConnectionResult, acme: str, warehouse: Target, server: SandboxServer
) -> None:
    """dlt saves under a random name first; a file that a killed process left under it would be taken for a schema."""
    schemas = Path(warehouse.pipeline(acme).working_dir) / "schemas"
    for name in ("7b85d387b8563521", "abcdef0123456789"):
        (schemas / name).write_text('{"version": 1, "na')
    server.world.advance(1)
    assert {one.status for one in sync_connection(acme, warehouse).results} == {"done"}
    assert warehouse.pipeline(acme).schema_names == ["unified_lms"]


def test_package_that_cannot_be_loaded_is_set_aside_and_blocks_nobody(
    synced: ConnectionResult,
    acme: str,
    warehouse: Target,
    server: SandboxServer,
    tables: Tables,
    tmp_path: Path,
) -> None:
    """A failed package fails every run after it in dlt; here it is set aside, and other resources are loaded."""
    refuse_users(tables)
    server.world.advance(1)
    results = {r.report["resource"]: r for r in sync_connection(acme, warehouse).results}
    assert isinstance(results["users"].error, LoadFailed)
    assert {name for name, r in results.items() if r.status == "done"} == results.keys() - {"users"}
    assert not warehouse.pipeline(acme).has_pending_data
    left = [p for p in tmp_path.rglob("*") if p.is_file() and p.suffix != ".duckdb"]
    assert not any(b"@example" in path.read_bytes() for path in left)


def test_reason_is_kept_without_learners_data(
    synced: ConnectionResult,
    acme: str,
    warehouse: Target,
    server: SandboxServer,
    tables: Tables,
    monkeypatch: Any,
) -> None:
    """`sync_runs` and `lms status` say what was set aside and why: kinds of errors and columns, no value of a row."""
    from click.testing import CliRunner

    refuse_users(tables)
    server.world.advance(1)
    sync_connection(acme, warehouse, resources=["users"])
    [(message,)] = tables.query("select message from lms.sync_runs where status = 'set_aside'")
    names = [person.login for person in server.world.people.values()]
    assert "users of acme" in message
    assert not [name for name in names if name in message]
    told = CliRunner().invoke(main, ["status", "--destination", warehouse.destination])
    assert message in told.output


def test_package_waits_for_a_warehouse_that_is_away(
    synced: ConnectionResult,
    acme: str,
    warehouse: Target,
    server: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A warehouse that does not answer has refused nothing: what was read is kept for the next run."""
    server.world.advance(1)
    interrupted(acme, warehouse, monkeypatch, "users")

    def away(*_: Any, **__: Any) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(dlt.Pipeline, "load", away)
        patch.setattr("pipelines.recovery.open_database", away)
        patch.setattr("pipelines.recovery._overtaken", lambda *_: False)
        with pytest.raises(WarehouseUnreachable):
            sync_connection(acme, warehouse, resources=["users"])
    assert warehouse.pipeline(acme).has_pending_data


def test_two_current_versions_are_an_error(
    synced: ConnectionResult, acme: str, warehouse: Target, server: SandboxServer, tables: Tables
) -> None:
    """However it came to be (4297, 2837), a record with two current versions is found after the load and named."""
    columns = ", ".join(tables.columns("users_snapshots")).replace(
        "valid_from", "valid_from - interval '1 day'"
    )
    tables.change(f"insert into lms.users_snapshots select {columns} from lms.users_snapshots where id = '5'")
    server.world.advance(1)
    [result] = sync_connection(acme, warehouse, resources=["users"]).results
    assert isinstance(result.error, DuplicateVersions)
    assert result.error.ids == ("5",)


def test_record_given_twice_is_one_row(
    acme: str, warehouse: Target, server: SandboxServer, tables: Tables, tmp_path: Path, monkeypatch: Any
) -> None:
    """Duplicates in a batch, which dlt's `upsert` keeps, are one version: here two records are mapped to one id."""
    own_mapping(tmp_path, monkeypatch, '{"id": $string(record.id = "6" ? "5" : record.id)}')
    [result] = sync_connection(acme, warehouse, resources=["users"]).results
    assert result.status == "done"
    assert tables.one("select count(*) from lms.users_snapshots where id in ('5', '6')") == 1


def test_nul_in_text_is_taken_out_and_told(
    acme: str, warehouse: Target, tables: Tables, tmp_path: Path, monkeypatch: Any
) -> None:
    """PostgreSQL refuses U+0000 in text, and the package would be stuck: it is removed, and that is on record."""
    own_mapping(tmp_path, monkeypatch, '{"id": $string(record.id), "job_title": "a\\u0000b"}')
    [result] = sync_connection(acme, warehouse, resources=["users"]).results
    assert result.status == "done"
    assert tables.query("select distinct job_title from lms.users") == [("ab",)]
    assert tables.query("select distinct field, code from lms.rejected_records") == [
        ("job_title", "nul_removed")
    ]


def test_number_that_a_column_cannot_hold_is_null_and_told(
    acme: str, warehouse: Target, tables: Tables, tmp_path: Path, monkeypatch: Any
) -> None:
    """Into a whole-number column 2.5 would silently become 2 in DuckDB: it is null, and that is on record."""
    own_mapping(
        tmp_path, monkeypatch, '{"id": $string(record.id), "duration_seconds": 2.5}', resource="courses"
    )
    [result] = sync_connection(acme, warehouse, resources=["courses"]).results
    assert result.status == "done"
    assert tables.query("select distinct duration_seconds from lms.courses") == [(None,)]
    courses = tables.query("select id, 'duration_seconds', 'wrong_type' from lms.courses")
    assert tables.query("select record_id, field, code from lms.rejected_records") == courses


def test_field_that_the_model_lacks_widens_no_table(
    synced: ConnectionResult, acme: str, warehouse: Target, tables: Tables, tmp_path: Path, monkeypatch: Any
) -> None:
    """dlt would add a column, or a variant one for another type; here both are rejected, and the tables stay."""
    before = {name: tables.columns(name) for _, name in tables.names()}
    own_mapping(
        tmp_path, monkeypatch, '{"id": $string(record.id), "shoe_size": 42, "timezone": {"name": "UTC"}}'
    )
    [result] = sync_connection(acme, warehouse, resources=["users"]).results
    assert result.status == "done"
    assert {name: tables.columns(name) for _, name in tables.names()} == before
    users = tables.one("select count(*) from lms.users")
    found = tables.query("select field, code, count(*) from lms.rejected_records group by field, code")
    assert found == [("shoe_size", "unknown_field", users), ("timezone", "wrong_type", users)]
