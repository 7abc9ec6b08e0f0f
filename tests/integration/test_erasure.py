"""Erasing a person: gone from the warehouse, past and present, and kept from coming back."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from mappings.model import RESOURCES
from pipelines.cli import main
from pipelines.environment import Target
from pipelines.erasure import erase_person
from pipelines.leases import lease
from pipelines.sync import ConnectionResult, sync_connection
from sources.unified_lms.errors import TombstonesUnreadable, WorkTaken
from sources.unified_lms.sandbox import SandboxServer
from tests.integration.conftest import ON_BOTH, Tables, put_together

pytestmark = ON_BOTH

PERSON = "6"
"""A learner of the sandbox with enrolments that change on the first day."""


def traces(tables: Tables, person: str = PERSON) -> dict[str, int]:
    """How many rows of each table are about the person."""
    conditions = {
        "users_snapshots": f"id = '{person}'",
        "course_enrollments_snapshots": f"user__id = '{person}'",
        "rejected_records": f"record_id = '{person}' or scope = '{person}' or record_id like '%:{person}'",
        "sync_runs": f"message like '%({person})%'",
        "cursors": f"rotation_after = '{person}'",
        "backfill_partitions": f"lower = '{person}' or upper = '{person}'",
    }
    return {
        name: tables.one(f"select count(*) from lms.{name} where {condition}")
        for name, condition in conditions.items()
    }


def leave_traces(tables: Tables) -> None:
    """Puts the person into every table that can hold one."""
    tables.change(
        "insert into lms.rejected_records "
        "(rejection_key, connection_id, resource, scope, record_id, _dlt_load_id) values "
        f"('a', 'acme', 'users', '*', '{PERSON}', '1'), ('b', 'acme', 'course_enrollments', '{PERSON}', null, '1'), "
        f"('c', 'acme', 'course_enrollments', '*', '101:{PERSON}', '1'), ('d', 'acme', 'users', '*', '1', '1')"
    )
    tables.change(
        f"update lms.sync_runs set message = 'the first of them ({PERSON}): torn' where resource = 'users'"
    )
    tables.change(
        "insert into lms.backfill_partitions (backfill_id, partition, connection_id, lower, upper) values "
        f"('a', 1, 'acme', null, '{PERSON}'), ('a', 2, 'acme', '{PERSON}', null)"
    )
    tables.change(f"update lms.cursors set rotation_after = '{PERSON}' where resource = 'course_enrollments'")


def test_nothing_is_left_of_the_person(
    synced: ConnectionResult, acme: str, warehouse: Target, tables: Tables, server: SandboxServer
) -> None:
    """Present, history, rejected records and ledgers lose the person, and nobody else loses anything."""
    server.world.advance(1)
    sync_connection(acme, warehouse)
    leave_traces(tables)
    others = "select count(*) from lms.users_snapshots where id <> '6'"
    before = tables.one(others)
    assert all(traces(tables).values())
    counts = erase_person(acme, warehouse, PERSON)
    assert not any(traces(tables).values())
    assert counts["course_enrollments_snapshots"] > 1
    assert (tables.one(others), tables.one("select count(*) from lms.rejected_records")) == (before, 1)


def test_next_sync_does_not_bring_the_person_back(
    synced: ConnectionResult, acme: str, warehouse: Target, tables: Tables
) -> None:
    """The provider still has the person; a whole reading leaves user and enrolments out, and retires nobody."""
    erase_person(acme, warehouse, PERSON)
    results = sync_connection(acme, warehouse, full=True).results
    assert {(r.report["records_new"], r.report["records_retired"]) for r in results} == {(0, 0)}
    assert not any(traces(tables).values())


def test_manager_and_assigner_lose_their_name_and_make_no_version(
    synced: ConnectionResult,
    acme: str,
    warehouse: Target,
    tables: Tables,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Where the person is somebody's manager the ref is null, now and after a reading that finds nothing new."""
    folder = tmp_path / "own" / "talentlms"
    folder.mkdir(parents=True)
    manager = f'{{"id": "1", "name": {put_together("Planted Manager")}}}'
    mapping = f'{{"id": $string(record.id), "username": record.login, "manager": {manager}}}'
    (folder / "users.jsonata").write_text(mapping)
    monkeypatch.setenv("CONNECTIONS__ACME__FOLDERS", str(folder.parent))
    monkeypatch.setenv("CONNECTIONS__ACME__KEEP_RAW", "true")
    sync_connection(acme, warehouse, resources=["users"])
    assert "Planted Manager" in tables.everything()
    erase_person(acme, warehouse, "1")
    assert "Planted Manager" not in tables.everything()
    [result] = sync_connection(acme, warehouse, resources=["users"], full=True).results
    assert (result.report["records_new"], result.report["records_changed"]) == (0, 0)
    assert "Planted Manager" not in tables.everything()


def test_tombstone_holds_no_id(
    synced: ConnectionResult, acme: str, warehouse: Target, tables: Tables
) -> None:
    """What stays is a hash of 64 digits and what it was salted with."""
    erase_person(acme, warehouse, PERSON)
    erase_person(acme, warehouse, PERSON)
    [(connection, digest, salt)] = tables.query("select connection_id, digest, salt from lms.tombstones")
    assert (connection, len(digest), len(salt)) == ("acme", 64, 32)


def test_another_hash_key_is_refused(
    synced: ConnectionResult, acme: str, warehouse: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tombstones made with a key cannot be read without it: rather than bring the person back, the run fails."""
    monkeypatch.setenv("CONNECTIONS__ACME__PRIVACY__HASH_KEY", "the first key of many")
    erase_person(acme, warehouse, PERSON)
    monkeypatch.setenv("CONNECTIONS__ACME__PRIVACY__HASH_KEY", "another key entirely")
    [result] = sync_connection(acme, warehouse, resources=["users"]).results
    assert isinstance(result.error, TombstonesUnreadable)


def test_refused_beside_a_run(synced: ConnectionResult, acme: str, warehouse: Target, tables: Tables) -> None:
    """A run that is under way might bring the person back: nothing is erased before it has ended."""
    with (
        lease(warehouse.pipeline(acme), acme, "course_enrollments", "101", run_id="a backfill"),
        pytest.raises(WorkTaken, match="acme/course_enrollments/101"),
    ):
        erase_person(acme, warehouse, PERSON)
    assert tables.one(f"select count(*) from lms.users where id = '{PERSON}'") == 1


def test_command_asks_first(synced: ConnectionResult, acme: str, warehouse: Target, tables: Tables) -> None:
    """Without a yes nothing is erased; with `--yes` the rows are told by table, and that the marts are not."""
    words = ["erase", acme, "users", PERSON, "--destination", warehouse.destination]
    assert CliRunner().invoke(main, words, input="n\n").exit_code == 1
    assert tables.one(f"select count(*) from lms.users where id = '{PERSON}'") == 1
    told = CliRunner().invoke(main, [*words, "--yes"])
    assert (told.exit_code, "users_snapshots" in told.stdout) == (0, True)
    assert "know the person until the next `lms transform`" in told.stderr
    assert tables.one(f"select count(*) from lms.users where id = '{PERSON}'") == 0


def test_views_still_work(synced: ConnectionResult, acme: str, warehouse: Target, tables: Tables) -> None:
    """After an erasure the warehouse has its tables and views as before."""
    before = {name: tables.columns(name) for name in RESOURCES}
    erase_person(acme, warehouse, PERSON)
    assert {name: tables.columns(name) for name in RESOURCES} == before
