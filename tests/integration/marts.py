"""A warehouse for dbt: the sandbox, read twice with a day between, on either database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines import environment
from pipelines.environment import Target, target
from pipelines.sync import sync_connection
from sources.unified_lms.sandbox import SandboxServer, World
from tests.integration.conftest import configure

TARGETS = ("duckdb",)


@contextmanager
def synced_twice(destination: str, folder: Path, resources: Sequence[str] | None = None) -> Iterator[Target]:
    """The target that the connection `acme` was read into twice."""
    with (
        SandboxServer(World(), calls_per_burst=10**6, calls_per_hour=10**6) as server,
        _configured(destination, folder) as patch,
    ):
        configure(patch, "acme", server)
        where = target(destination)
        sync_connection("acme", where, resources=resources)
        server.world.advance(1)
        sync_connection("acme", where, resources=resources)
        yield where


@contextmanager
def _configured(destination: str, folder: Path) -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.DEFAULTS.items():
            patch.setenv(name, value)
        for name in ("DLT_DATA_DIR", "DLT_PROJECT_DIR", "DLT_LOCAL_DIR"):
            patch.setenv(name, str(folder))
        patch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(folder / "warehouse.duckdb"))
        yield patch
