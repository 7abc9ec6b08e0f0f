"""A warehouse for dbt: the sandbox, read twice with a day between, on either database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from pipelines import environment
from pipelines.environment import Target, target
from pipelines.sync import sync_connection
from sources.unified_lms.sandbox import SandboxServer, World
from tests.integration import postgres
from tests.integration.conftest import configure


@contextmanager
def synced_twice(folder: Path, server: str = "", resources: Sequence[str] | None = None) -> Iterator[Target]:
    """The target that `acme` was read into twice: a DuckDB file, or a database of a PostgreSQL server."""
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        portal = stack.enter_context(SandboxServer(World(), calls_per_burst=10**6, calls_per_hour=10**6))
        for name, value in environment.DEFAULTS.items():
            patch.setenv(name, value)
        for name in ("DLT_DATA_DIR", "DLT_PROJECT_DIR", "DLT_LOCAL_DIR"):
            patch.setenv(name, str(folder))
        if server:
            address = stack.enter_context(postgres.own_database(server))
            patch.setenv("DESTINATION__POSTGRES__CREDENTIALS", address)
        else:
            patch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(folder / "warehouse.duckdb"))
        configure(patch, "acme", portal)
        where = target("postgres" if server else "duckdb")
        sync_connection("acme", where, resources=resources)
        portal.world.advance(1)
        sync_connection("acme", where, resources=resources)
        yield where


def sync_another(
    folder: Path, name: str, dialect: str, where: Target, resources: Sequence[str] | None
) -> None:
    """Reads the same people's accounts at another provider into the warehouse, as the connection `name`."""
    with pytest.MonkeyPatch.context() as patch, SandboxServer(World(), dialect) as portal:
        patch.setenv("DLT_DATA_DIR", str(folder / name))
        configure(patch, name, portal)
        sync_connection(name, where, resources=resources)
