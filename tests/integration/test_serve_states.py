"""The states of connections as `lms serve` tells them, beside a warehouse that knows some of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from pipelines.connection_state import write_state
from pipelines.environment import Target
from tests.integration.serving import Api


@pytest.fixture
def caller(warehouse: Target, api: Api) -> Iterator[httpx.Client]:
    """A caller that may read; there is a warehouse beside the server."""
    with api.caller() as client:
        yield client


def state(caller: httpx.Client) -> str:
    """The state of the one connection."""
    return str(caller.get("/connections").json()["result"][0]["state"])


def test_what_the_warehouse_knows_of_a_connection_is_told(caller: httpx.Client, warehouse: Target) -> None:
    """What a check or a sync has found counts until a request of the server finds something newer."""
    assert state(caller) == "configured"
    write_state(warehouse, "acme", "talentlms", "needs_reauth", "refused")
    assert state(caller) == "needs_reauth"
    caller.get("/unified/lms/users", params={"integrated_account_id": "acme"}).raise_for_status()
    assert state(caller) == "active"


def test_a_warehouse_that_is_in_use_is_not_waited_for(caller: httpx.Client, warehouse: Target) -> None:
    """Whoever lists the connections is answered while a sync has the DuckDB file open."""
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, warehouse.location], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        assert state(caller) == "configured"
        holder.kill()
