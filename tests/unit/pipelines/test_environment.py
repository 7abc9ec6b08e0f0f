"""How much of the machine the DuckDB that loads may take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.environment import prepare, target

SETTINGS = ("memory_limit", "threads", "preserve_insertion_order")


def settings_in_force(names: tuple[str, ...] = SETTINGS) -> list[Any]:
    """What the connection that dlt opens for a sync has."""
    listed = ", ".join(f"current_setting('{name}')" for name in names)
    with target("duckdb").pipeline("acme").sql_client() as client:
        [row] = client.execute_sql(f"select {listed}") or [()]
        return list(row)


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder and a DuckDB file of the test's own."""
    prepare()
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt"))
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(tmp_path / "some.duckdb"))
    return tmp_path


def test_loading_takes_a_bounded_part_of_the_machine() -> None:
    """By default DuckDB would take most of the memory and every core."""
    assert settings_in_force() == ["114.4 MiB", 2, False]


def test_bounds_are_configurable_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is configured goes before our bound; the others stay."""
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS__GLOBAL_CONFIG", '{"memory_limit": "256MB"}')
    assert settings_in_force() == ["244.1 MiB", 2, False]
