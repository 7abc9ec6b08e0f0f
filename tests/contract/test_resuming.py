"""A live list in parts, of every provider: each record once, in the order of the whole, nothing read again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from mappings.model import RESOURCES
from sources.unified_lms.client import Client
from sources.unified_lms.manifest import load_manifest
from sources.unified_lms.passthrough import PassThrough
from sources.unified_lms.resuming import Place, load_place
from sources.unified_lms.sandbox import SandboxServer, World
from tests.contract.harness import PROVIDERS, UNLIMITED, connect, impatient


@pytest.fixture(params=PROVIDERS, scope="module")
def server(request: pytest.FixtureRequest) -> Iterator[SandboxServer]:
    """A sandbox of the provider."""
    with SandboxServer(World(), request.param, **UNLIMITED[request.param]) as running:
        yield running


def _open(server: SandboxServer, resource: str) -> PassThrough:
    connection = connect(server)
    manifest = load_manifest(connection.provider)
    return PassThrough(connection, manifest, resource, Client(manifest, connection, timing=impatient()))


def _part(reading: PassThrough, place: Place | None, size: int) -> tuple[list[Any], Place | None]:
    """So many records from a place on, and the place behind them, as it comes back from being written down."""
    records, behind = [], None
    for taken in reading.taken({}, place):
        behind = taken.place
        records += [] if taken.item is None else [taken.item.record_id]  # type: ignore[union-attr]
        if len(records) == size:
            break
    found = behind() if behind else None
    return records, None if found is None else load_place(orjson.loads(orjson.dumps(found.dump())))


@pytest.mark.parametrize("size", [1, 4, 1000])
@pytest.mark.parametrize("resource", RESOURCES)
def test_parts_are_the_whole(server: SandboxServer, resource: str, size: int) -> None:
    """Parts of any size, each read by a client that knows nothing of those before, make up the list."""
    with _open(server, resource) as reading:
        whole = [record.record_id for record in reading.records({})]  # type: ignore[union-attr]
    found: list[Any] = []
    place: Place | None = None
    while True:
        with _open(server, resource) as reading:
            records, place = _part(reading, place, size)
        found += records
        if place is None:
            break
    assert found == whole


@pytest.mark.parametrize("resource", ["course_items", "course_enrollments"])
def test_a_part_passes_no_parent_again(server: SandboxServer, resource: str) -> None:
    """The second half of a fan-out costs no more requests than the whole less what only the first half needs."""
    with _open(server, resource) as reading:
        records, place = _part(reading, None, 10)
        assert (len(records), place is not None) == (10, True)
    with _open(server, resource) as reading:
        list(reading.taken({}))
        whole = reading._client.requests_made
    with _open(server, resource) as reading:
        list(reading.taken({}, place))
        assert reading._client.requests_made < whole
