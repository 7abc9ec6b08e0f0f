"""A sandbox portal and a warehouse for it, as a user's configuration would name them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines import environment
from pipelines.environment import Target, target
from pipelines.sync import ConnectionResult, sync_connection
from sources.unified_lms.sandbox import SandboxServer, World
from tests.integration import postgres
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
def writable(acme: str, warehouse: Target, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of the connection, which may write everything; beside it there is a warehouse."""
    monkeypatch.setenv("CONNECTIONS__ACME__WRITES__ALLOW", '["*"]')
    return acme


def put_together(text: str) -> str:
    """A JSONata expression for a text that does not stand in it: the table of lineage keeps what mappings say."""
    return f'"{text[:4]}" & "{text[4:]}"'


ON_BOTH = pytest.mark.parametrize("destination", ["duckdb", "postgres"])
"""Marks tests that are run on both destinations; without it they are run on DuckDB."""


@pytest.fixture
def destination() -> str:
    """The destination of the test's warehouse."""
    return "duckdb"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL server."""
    with postgres.running_server() as address:
        yield address


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A Prefect server, which this process speaks to; an `Api` of prefect_api.py."""
    from tests.integration.prefect_api import prefect_api

    with prefect_api(tmp_path_factory.mktemp("prefect")) as api:
        yield api


@pytest.fixture
def warehouse(
    destination: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Target]:
    """A warehouse of the test's own: a DuckDB file, or a database of a PostgreSQL server."""
    for name, value in environment.DEFAULTS.items():
        monkeypatch.setenv(name, value)
    if destination == "duckdb":
        monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(tmp_path / "warehouse.duckdb"))
        yield target("duckdb")
        return
    with postgres.own_database(request.getfixturevalue("postgres_server")) as address:
        monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", address)
        yield target("postgres")


_SYNCED: dict[str, tuple[ConnectionResult, str]] = {}
"""For each destination, the first run of the sandbox and the warehouse that it left, kept for all tests."""


@pytest.fixture
def synced(
    acme: str,
    destination: str,
    warehouse: Target,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> ConnectionResult:
    """A first run, whose warehouse is there as on a machine that has not run yet: it is done once, and copied."""
    server = request.getfixturevalue("postgres_server") if destination == "postgres" else ""
    if destination not in _SYNCED:
        result, kept = sync_connection(acme, warehouse), tmp_path_factory.mktemp("synced") / "kept.duckdb"
        copy = (
            postgres.copy(server, postgres.address())
            if server
            else str(shutil.copy(warehouse.location, kept))
        )
        _SYNCED[destination] = (result, copy)
        return result
    result, copy = _SYNCED[destination]
    if server:
        postgres.replace(server, postgres.address(), copy)
    else:
        shutil.copy(copy, warehouse.location)
    return result


class Tables:
    """Reads and changes a warehouse beside the connector, in SQL that both destinations understand."""

    def __init__(self, where: Target) -> None:
        self.where = where

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query, sorted unless it sorts them itself; `lms` is the dataset."""
        rows = self._execute(sql)
        return rows if "order by" in sql else sorted(rows, key=repr)

    def change(self, sql: str) -> None:
        """Executes a statement."""
        self._execute(sql)

    def _execute(self, sql: str) -> list[tuple[Any, ...]]:
        if self.where.destination == "postgres":
            return postgres.execute(postgres.address(), sql)
        with duckdb.connect(self.where.location) as connection:
            return connection.execute(sql).fetchall()

    def one(self, sql: str) -> Any:
        """The single value of a query."""
        [[value]] = self.query(sql)
        return value

    def columns(self, table: str) -> list[str]:
        """The columns of a table or view, in order."""
        sql = "select column_name, ordinal_position from information_schema.columns "
        found = self.query(f"{sql} where table_schema = 'lms' and table_name = '{table}'")
        return [name for name, _ in sorted(found, key=lambda row: row[1])]

    def names(self) -> list[tuple[str, str]]:
        """The schema and name of every table and view, staging included."""
        found = self.query("select table_schema, table_name from information_schema.tables")
        return [(schema, name) for schema, name in found if schema.startswith("lms")]

    def everything(self) -> str:
        """Every cell of every table, staging included, as one text: to search for what must not be there."""
        return "\n".join(
            str(self.query(f'select * from "{schema}"."{name}"')) for schema, name in self.names()
        )


@pytest.fixture
def tables(warehouse: Target) -> Tables:
    """The warehouse's tables."""
    return Tables(warehouse)


@pytest.fixture
def api(acme: str, tmp_path: Path) -> Iterator[Any]:
    """A server of the unified API that reads the connection `acme`; an `Api` of serving.py."""
    from tests.integration.serving import served

    with served(tmp_path / "serve") as running:
        yield running
