"""What a reading asks of the warehouse."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from mappings.model import RESOURCES
from pipelines.environment import Target
from pipelines.sync import ConnectionResult
from sources.unified_lms.sandbox import SandboxServer, expected
from sources.unified_lms.warehouse import Warehouse
from tests.integration.conftest import ON_BOTH

IDS = 2
"""Ids in one statement."""


@ON_BOTH
@pytest.mark.parametrize("wanted", [1, IDS, IDS * 3 - 1, IDS * 5 + 1])
def test_versions_are_those_asked_for_however_many(
    synced: ConnectionResult,
    acme: str,
    warehouse: Target,
    server: SandboxServer,
    wanted: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One statement, several of them and a reading of everything give each version once."""
    monkeypatch.setattr("sources.unified_lms.warehouse._IDS", IDS)
    ids = sorted(row["id"] for row in expected(server.world, server.provider, "course_items"))[:wanted]
    assert len(ids) == wanted
    pipeline: Any = warehouse.pipeline(acme)
    found = Warehouse(pipeline.sql_client, acme, RESOURCES["course_items"]).versions(pa.array(ids))
    assert sorted(key for table in found for key in table["id"].to_pylist()) == ids
