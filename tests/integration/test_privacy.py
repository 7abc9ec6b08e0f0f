"""What a connection drops and hashes is nowhere: not in the warehouse, in what a run leaves, or in its logs."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import dlt
import pyarrow.parquet as pq
import pytest

from pipelines.environment import Target
from pipelines.sync import sync_connection
from sources.unified_lms import spool
from tests.integration.conftest import ON_BOTH, Tables, put_together

pytestmark = ON_BOTH

PLANTED = ("Planted-Login-4711", "planted@example.com", "078-05-1120", "Planted-Manager")
LOGIN, ADDRESS, NUMBER, MANAGER = map(put_together, PLANTED)
MAPPING = f"""{{
  "id": $string(record.id), "username": {LOGIN}, "emails": [{{"email": {ADDRESS}}}],
  "manager": {{"id": "1", "name": {MANAGER}, "emails": [{{"email": {ADDRESS}}}]}},
  "custom_fields": {{"ssn": {NUMBER}, "team": "blue"}}
}}"""


@pytest.fixture
def private(acme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A connection whose users all have the planted values, and which keeps them out."""
    folder = tmp_path / "own" / "talentlms"
    folder.mkdir(parents=True)
    (folder / "users.jsonata").write_text(MAPPING)
    monkeypatch.setenv("CONNECTIONS__ACME__FOLDERS", str(folder.parent))
    monkeypatch.setenv("CONNECTIONS__ACME__KEEP_RAW", "true")
    monkeypatch.setenv("CONNECTIONS__ACME__PRIVACY__DROP", "custom_fields.ssn, name, manager.name")
    monkeypatch.setenv("CONNECTIONS__ACME__PRIVACY__HASH", "emails, username")
    monkeypatch.setenv("CONNECTIONS__ACME__PRIVACY__HASH_KEY", "a key of enough characters")
    return acme


def contents(folder: Path) -> str:
    """Everything that stands in the files of a folder, the mapping of the test's own left out."""
    files = [path for path in folder.rglob("*") if path.is_file() and "own" not in path.parts]
    return "\n".join(_text(path) for path in files)


def _text(path: Path) -> str:
    """A file as text; parquet by its values, which are compressed in it."""
    if path.suffix == ".parquet" and path.stat().st_size > 8:
        return str(pq.read_table(path).to_pylist())
    return path.read_bytes().decode("utf-8", "replace")


def test_planted_values_are_nowhere(
    private: str,
    warehouse: Target,
    tables: Tables,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not in the tables, the DuckDB file, dlt's folders, the logs, the spool, nor in the package before its load."""
    seen: list[str] = []
    finish, run = spool.Spool.finish, dlt.Pipeline.load

    def keep_spool(self: Any) -> None:
        finish(self)
        seen.append(contents(self.path))

    def keep_package(self: Any, *args: Any, **options: Any) -> Any:
        seen.append(contents(Path(self.working_dir)))
        return run(self, *args, **options)

    monkeypatch.setattr(spool.Spool, "finish", keep_spool)
    monkeypatch.setattr(dlt.Pipeline, "load", keep_package)
    with caplog.at_level(logging.DEBUG):
        [result] = sync_connection(private, warehouse, resources=["users"]).results
    assert result.status == "done"
    assert (
        tables.one("select count(*) from lms.users where username is not null and custom_fields is not null")
        > 5
    )
    everything = "\n".join([*seen, tables.everything(), contents(tmp_path), caplog.text])
    assert "blue" in everything
    assert not [value for value in PLANTED if value in everything]


def test_change_of_privacy_reads_everything_again(
    private: str, warehouse: Target, tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another key makes other hashes, in new versions that another mapping digest tells from what learners did."""
    sync_connection(private, warehouse, resources=["users"])
    monkeypatch.setenv("CONNECTIONS__ACME__PRIVACY__HASH_KEY", "another key of enough characters")
    [result] = sync_connection(private, warehouse, resources=["users"]).results
    assert result.report["mode"] == "full"
    assert result.report["records_changed"] == tables.one("select count(*) from lms.users")
    assert tables.one("select count(distinct mapping_digest) from lms.users_snapshots") == 2


def test_old_history_and_rejections_are_deleted(
    acme: str, warehouse: Target, tables: Tables, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the end of a sync old versions and rejections go; current versions stay, however old."""
    sync_connection(acme, warehouse)
    server.world.advance(1)
    sync_connection(acme, warehouse)
    ended = "select count(*) from lms.course_enrollments_snapshots where valid_to is not null"
    current = "select count(*) from lms.course_enrollments"
    there = tables.one(current)
    assert tables.one(ended) > 0
    old = f"current_timestamp - interval '{timedelta(days=400).days} days'"
    tables.change(f"update lms.course_enrollments_snapshots set valid_from = {old}")
    tables.change(f"update lms.course_enrollments_snapshots set valid_to = {old} where valid_to is not null")
    tables.change(
        "insert into lms.rejected_records (rejection_key, connection_id, rejected_at, _dlt_load_id) "
        f"values ('old', 'acme', {old}, '1'), ('new', 'acme', current_timestamp, '1')"
    )
    monkeypatch.setenv("CONNECTIONS__ACME__RETENTION__HISTORY_DAYS", "365")
    monkeypatch.setenv("CONNECTIONS__ACME__RETENTION__REJECTED_DAYS", "90")
    sync_connection(acme, warehouse, resources=["courses"])
    assert (tables.one(ended), tables.one(current)) == (0, there)
    assert tables.query("select rejection_key from lms.rejected_records") == [("new",)]
