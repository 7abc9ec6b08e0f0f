"""Overlays in whole runs: read at each run, seen in the warehouse, and history when they change."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.environment import Target
from pipelines.sync import sync_connection
from tests.integration.conftest import Tables


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
