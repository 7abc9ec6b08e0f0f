"""Overlays in whole runs: read at each run, seen in the warehouse, and history when they change."""

from __future__ import annotations

from pathlib import Path

import pytest

from mappings import bounds
from mappings.bounds import Allowance
from pipelines.backfill import Request, backfill_connection
from pipelines.environment import Target
from pipelines.rehearsal import rehearse_connection
from pipelines.sync import sync_connection
from sources.unified_lms.errors import MappingFailed, MappingTooSlow
from sources.unified_lms.sandbox import SandboxServer
from tests.integration.conftest import ON_BOTH, Tables, configure


@pytest.fixture
def overlay(acme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The connection's overlay of users, not written yet."""
    monkeypatch.setenv("CONNECTIONS__ACME__MAPPINGS__FOLDER", str(tmp_path / "own"))
    file = tmp_path / "own" / "talentlms" / "users.yaml"
    file.parent.mkdir(parents=True)
    return file


def test_an_overlay_is_used_from_the_next_run_on_and_told_by_its_digest(
    overlay: Path, acme: str, warehouse: Target, tables: Tables
) -> None:
    """Every record has a new version under another digest, the old one is kept; a third run adds nothing."""
    users = ["users"]
    sync_connection(acme, warehouse, resources=users)
    present = tables.one("select count(*) from lms.users")
    overlay.write_text("custom_fields.login: record.login\njob_title: '\"Learner\"'")
    [result] = sync_connection(acme, warehouse, resources=users).results
    assert result.report["records_changed"] == present
    found = tables.query(
        "select distinct job_title from lms.users where custom_fields ->> 'login' = username"
    )
    assert found == [("Learner",)]
    assert tables.one("select count(distinct mapping_digest) from lms.users_snapshots") == 2
    assert tables.one("select count(*) from lms.users_snapshots where job_title is null") == present
    [result] = sync_connection(acme, warehouse, resources=users).results
    assert (result.report["records_new"], result.report["records_changed"]) == (0, 0)


TYPED = """
custom_fields.cost_center: {expression: '"CC-" & record.id', type: string}
custom_fields.number: {expression: $number(record.id), type: integer}
custom_fields.share: {expression: $number(record.id) / 2, type: number}
custom_fields.known: {expression: $exists(record.email), type: boolean}
custom_fields.since: {expression: '"2024-02-29T12:00:00Z"', type: timestamp}
"""


@ON_BOTH
def test_a_typed_custom_field_has_a_column_of_its_own(
    overlay: Path, acme: str, warehouse: Target, tables: Tables
) -> None:
    """The view shows what the view of the present shows, and each typed field in its type; it goes with the types."""
    overlay.write_text(TYPED)
    sync_connection(acme, warehouse, resources=["users"])
    columns = tables.columns("users_custom")
    assert columns == [*tables.columns("users"), "cost_center", "known", "number", "share", "since"]
    found = tables.query(
        "select cost_center, number + 1, share * 2, known, extract(year from since) from lms.users_custom "
        "where id = '5'"
    )
    assert [tuple(map(str, row)) for row in found] in (
        [("CC-5", "6", "5.0", "True", "2024")],
        [("CC-5", "6", "5", "True", "2024")],
    )
    present = tables.one("select count(*) from lms.users")
    assert tables.one("select count(*) from lms.users_custom where number is not null") == present
    overlay.unlink()
    sync_connection(acme, warehouse, resources=["users"])
    assert tables.columns("users_custom") == []


@ON_BOTH
def test_a_value_of_another_type_is_null_and_on_record(
    overlay: Path, acme: str, warehouse: Target, tables: Tables
) -> None:
    """Of the record with id 5 alone; the others have theirs."""
    overlay.write_text(
        'custom_fields.number:\n  type: integer\n  expression: |\n    record.id = "5" ? "five" : $number(record.id)\n'
    )
    sync_connection(acme, warehouse, resources=["users"])
    assert tables.query("select id from lms.users_custom where number is null") == [("5",)]
    rejected = tables.query(
        "select record_id, field, code from lms.rejected_records where resource = 'users'"
    )
    assert ("5", "custom_fields.number", "wrong_type") in rejected


def test_connections_that_declare_different_types_share_a_column_of_text(
    overlay: Path,
    server: SandboxServer,
    acme: str,
    warehouse: Target,
    tables: Tables,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A connection that declares none has null there, whatever its custom fields hold."""
    for name in ("beta", "gamma"):
        configure(monkeypatch, name, server)
        monkeypatch.setenv(f"CONNECTIONS__{name.upper()}__MAPPINGS__FOLDER", str(tmp_path / name))
        (tmp_path / name / "talentlms").mkdir(parents=True)
    overlay.write_text("custom_fields.grade: {expression: '7', type: integer}")
    (tmp_path / "beta/talentlms/users.yaml").write_text(
        "custom_fields.grade: {expression: '\"A\"', type: string}"
    )
    (tmp_path / "gamma/talentlms/users.yaml").write_text("custom_fields.grade: '5'")
    for name in ("acme", "beta", "gamma"):
        sync_connection(name, warehouse, resources=["users"])
    found = tables.query("select distinct connection_id, grade from lms.users_custom")
    assert found == [("acme", "7"), ("beta", "A"), ("gamma", None)]


@ON_BOTH
def test_lineage_is_in_the_warehouse(overlay: Path, acme: str, warehouse: Target, tables: Tables) -> None:
    """Each field with its level and what it reads, replaced whole when the mapping changes."""
    overlay.write_text("job_title: record.title\ncustom_fields.a: record.b")
    sync_connection(acme, warehouse, resources=["users"])
    asked = (
        "select level, reads from lms.mapping_lineage where connection_id = 'acme' and resource = 'users' "
        "and field = '{}'"
    )
    for field, level, path in (("job_title", "connection", "record.title"), ("id", "shipped", "record.id")):
        [(found, reads)] = tables.query(asked.format(field))
        assert (found, path in str(reads)) == (level, True)
    [(digest,)] = tables.query("select distinct mapping_digest from lms.mapping_lineage")
    assert tables.query("select distinct mapping_digest from lms.users") == [(digest,)]
    overlay.write_text("job_title: record.title")
    sync_connection(acme, warehouse, resources=["users"])
    assert tables.query(asked.format("custom_fields.a")) == []


def test_dry_run_and_backfill_use_it_as_well(
    overlay: Path, acme: str, warehouse: Target, tables: Tables
) -> None:
    """An overlay makes the same of a record in whatever way it is read."""
    overlay.write_text("job_title: '\"Learner\"'")
    [filled] = backfill_connection(acme, warehouse, Request(), ["users"])
    [rehearsed] = rehearse_connection(acme, warehouse, resources=["users"]).results
    assert tables.query("select distinct job_title from lms.users") == [("Learner",)]
    assert (filled.counts["records_new"], rehearsed.report["records_changed"]) == (26, 0)


def test_an_overlay_that_fails_for_every_record_loads_nothing(
    overlay: Path, acme: str, warehouse: Target, tables: Tables
) -> None:
    """What was there stays as it is; the message names the overlay's line."""
    sync_connection(acme, warehouse, resources=["users"])
    before = tables.query("select * from lms.users_snapshots")
    overlay.write_text("name: $uppercase(5)")
    [result] = sync_connection(acme, warehouse, resources=["users"]).results
    assert isinstance(result.error, MappingFailed)
    assert "users.yaml: name, line 1, column 1" in str(result.error)
    assert tables.query("select * from lms.users_snapshots") == before


def test_an_overlay_that_never_ends_ends_the_run(
    overlay: Path, acme: str, warehouse: Target, tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it has tried it on every record; nothing is loaded, and the message says what to do."""
    overlay.write_text("name: ($f := function($x) { $f($x) }; $f(1))")
    monkeypatch.setattr(bounds, "Allowance", lambda: Allowance(0.0))
    [result] = sync_connection(acme, warehouse, resources=["users"]).results
    assert isinstance(result.error, MappingTooSlow)
    assert "lms mapping test acme users" in str(result.error)
    assert tables.query("select * from lms.users_snapshots") == []
