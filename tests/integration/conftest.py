"""A sandbox portal and a warehouse for it, as a user's configuration would name them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines import environment
from pipelines.environment import Target, target
from sources.unified_lms.sandbox import SandboxServer, World
from tests.integration.campus import campus

__all__ = ["campus"]


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    """A portal without limits on how often it is asked."""
    with SandboxServer(World(), calls_per_burst=10**6, calls_per_hour=10**6) as running:
        yield running


def configure(monkeypatch: pytest.MonkeyPatch, name: str, server: SandboxServer, **settings: Any) -> None:
    """Names a connection to the sandbox in the environment alone."""
    prefix = f"CONNECTIONS__{name.upper()}__"
    monkeypatch.setenv(f"{prefix}PROVIDER", server.provider)
    monkeypatch.setenv(f"{prefix}BASE_URL", server.base_url)
    for key, value in server.credentials.items():
        monkeypatch.setenv(f"{prefix}CREDENTIALS__{key.upper()}", value)
    for key, value in {**server.settings, **settings}.items():
        monkeypatch.setenv(f"{prefix}SETTINGS__{key.upper()}", str(value))


@pytest.fixture
def acme(server: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a connection to the sandbox."""
    configure(monkeypatch, "acme", server)
    return "acme"


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    """A DuckDB warehouse of the test's own."""
    for name, value in environment.DEFAULTS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(tmp_path / "warehouse.duckdb"))
    return target("duckdb")


class Tables:
    """Reads a DuckDB warehouse."""

    def __init__(self, where: Target) -> None:
        self.where = where

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query; `lms` is the dataset."""
        with duckdb.connect(self.where.location, read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def change(self, sql: str) -> None:
        """Runs a statement that changes the warehouse."""
        with duckdb.connect(self.where.location) as connection:
            connection.execute(sql)

    def one(self, sql: str) -> Any:
        """The single value of a query."""
        [[value]] = self.query(sql)
        return value

    def everything(self) -> str:
        """Every cell of every table, staging included, as one text: to search for what must not be there."""
        names = self.query("select table_schema, table_name from information_schema.tables")
        return "\n".join(str(self.query(f'select * from "{schema}"."{name}"')) for schema, name in names)


@pytest.fixture
def tables(warehouse: Target) -> Tables:
    """The warehouse's tables."""
    return Tables(warehouse)
