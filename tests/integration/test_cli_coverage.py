"""`lms status --coverage`: what the loaded rows really have, beside what the mapping can fill."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from mappings.model import RESOURCES
from pipelines.cli import main
from pipelines.environment import Target
from pipelines.sync import sync_connection
from sources.unified_lms.sandbox import World, expected


def fill_rates() -> dict[str, dict[str, Any]]:
    """What the command says, by resource."""
    result = CliRunner().invoke(main, ["status", "--coverage", "--json"])
    [connection] = orjson.loads(result.stdout)["connections"]
    return {each["resource"]: each for each in connection["resources"]}


def test_counts_are_those_of_the_world(acme: str, warehouse: Target) -> None:
    """Rows and filled fields are as many as the oracle says that the provider tells."""
    sync_connection(acme, warehouse)
    rows = expected(World(), "talentlms", "users")
    users = fill_rates()["users"]
    counted = {each["path"]: each["filled"] for each in users["fields"]}
    assert users["rows"] == len(rows)
    assert counted["id"] == len(rows)
    assert counted["custom_fields"] == sum(bool(row["custom_fields"]) for row in rows)
    assert counted["organization.id"] == sum(row["organization"] is not None for row in rows)


def test_every_field_of_the_model_is_counted(acme: str, warehouse: Target) -> None:
    """No field is left out, those that no mapping fills included."""
    sync_connection(acme, warehouse)
    for name, found in fill_rates().items():
        assert [each["path"] for each in found["fields"]] == [path for path, _ in RESOURCES[name].paths()]


def test_what_fills_nothing_is_seen(acme: str, warehouse: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without branches nobody has an organization although the mapping fills it, and that is marked."""
    monkeypatch.setenv("CONNECTIONS__ACME__SETTINGS__BRANCHES", "false")
    sync_connection(acme, warehouse, resources=["users"])
    marked = {each["path"] for each in fill_rates()["users"]["fields"] if each["suspicious"]}
    assert marked == {"organization.id", "organization.name"}


def test_a_table_for_people(acme: str, warehouse: Target) -> None:
    """On a terminal there is a table for each resource, with shares in percent."""
    sync_connection(acme, warehouse, resources=["courses"])
    shown = CliRunner().invoke(main, ["status", "--coverage"]).stdout
    assert "acme: courses" in shown
    assert "100%" in shown


def test_nothing_loaded_yet(acme: str, warehouse: Target) -> None:
    """Without a warehouse the command says how there will be one."""
    result = CliRunner().invoke(main, ["status", "--coverage"])
    assert (result.exit_code, "`lms sync` does it" in result.stderr) == (0, True)
