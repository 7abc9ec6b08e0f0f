"""The contract of every provider: the same proofs, through the real client, against a sandbox of its dialect."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mappings.model import RESOURCES
from sources.unified_lms.errors import Unauthorized
from sources.unified_lms.sandbox import Faults, Rule, SandboxServer, World, expected
from sources.unified_lms.sandbox.faults import CutConnection, ExpireCredentials, Reply, TearBody
from tests.contract.harness import PROVIDERS, UNLIMITED, connect, flat, read, readable, under

EVERY_RESOURCE = pytest.mark.parametrize("resource", RESOURCES)
NOW_AND_THEN = (1, 3, 6)
"""Requests that fail: so few that no order of threads makes one of them fail as often as it is tried."""


@pytest.fixture(params=PROVIDERS, scope="module")
def server(request: pytest.FixtureRequest) -> Iterator[SandboxServer]:
    """A sandbox of the provider, shared by tests that change nothing in it."""
    with SandboxServer(World(), request.param, **UNLIMITED[request.param]) as running:
        yield running


@pytest.fixture
def faulty(server: SandboxServer) -> Iterator[Faults]:
    """The sandbox's faults; what a test adds is taken away after it."""
    yield server.faults
    server.faults.clear()


def assert_all_read(server: SandboxServer, resource: str) -> None:
    """A reading gives exactly the rows that the oracle expects, and counts as whole."""
    reading = read(server, resource)
    assert set(reading.rows) == {row["id"] for row in expected(server.world, server.provider, resource)}
    assert reading.outcome.whole


@EVERY_RESOURCE
def test_rows_are_what_the_provider_can_tell(server: SandboxServer, resource: str) -> None:
    """Field by field, a reading gives what the oracle says that this provider can tell of the world."""
    reading = read(server, resource)
    wanted = {row["id"]: flat(resource, row) for row in expected(server.world, server.provider, resource)}
    assert {key: readable(resource, row) for key, row in reading.rows.items()} == wanted


@EVERY_RESOURCE
def test_nothing_is_rejected(server: SandboxServer, resource: str) -> None:
    """The world's awkward cases are all mapped."""
    reading = read(server, resource)
    assert reading.rejections == []
    assert reading.outcome.records == len(reading.rows) + reading.outcome.skipped.total()


@EVERY_RESOURCE
def test_reading_is_whole(server: SandboxServer, resource: str) -> None:
    """A reading without a fault covers everything, so that what is missing has vanished."""
    assert read(server, resource).outcome.whole


@EVERY_RESOURCE
def test_reading_twice_gives_the_same(server: SandboxServer, resource: str) -> None:
    """Reading has no effect, and its result does not depend on chance or order."""
    assert read(server, resource).rows == read(server, resource).rows


@EVERY_RESOURCE
def test_torn_answer_is_asked_for_again(server: SandboxServer, faulty: Faults, resource: str) -> None:
    """A body that ends too early is no shorter list: it is read again."""
    faulty.add(Rule(TearBody(), hits=NOW_AND_THEN))
    assert_all_read(server, resource)


@EVERY_RESOURCE
def test_cut_connection_is_tried_again(server: SandboxServer, faulty: Faults, resource: str) -> None:
    """A connection cut in mid-page costs a try, not the reading."""
    faulty.add(Rule(CutConnection(), hits=NOW_AND_THEN))
    assert_all_read(server, resource)


@EVERY_RESOURCE
def test_server_errors_are_tried_again(server: SandboxServer, faulty: Faults, resource: str) -> None:
    """A 503 now and then costs a try, not the reading."""
    faulty.add(Rule(Reply(503), hits=NOW_AND_THEN))
    assert_all_read(server, resource)


@EVERY_RESOURCE
def test_storm_of_429_is_waited_out(server: SandboxServer, faulty: Faults, resource: str) -> None:
    """Requests throttled again and again, with and without a time to wait: the client waits, and reads everything."""
    told = Rule(Reply(429, headers={"Retry-After": "7"}), hits=(1, 2, 9))
    faulty.add(told, Rule(Reply(429), hits=(3, 10)))
    assert_all_read(server, resource)


@EVERY_RESOURCE
def test_expired_credentials_end_the_reading(server: SandboxServer, faulty: Faults, resource: str) -> None:
    """Credentials that expire on the way end the reading with an error that asks for new ones."""
    last = min(2, read(server, resource).requests)
    faulty.add(Rule(ExpireCredentials(), hits=(last,)))
    with pytest.raises(Unauthorized, match="credentials"):
        read(server, resource)


@EVERY_RESOURCE
def test_no_secret_leaves_the_client(server: SandboxServer, resource: str) -> None:
    """What the manifest calls secret is in no row."""
    assert "SECRET" not in repr(read(server, resource).rows)


def test_wrong_credentials_are_told_apart(server: SandboxServer) -> None:
    """Wrong credentials say that the connection needs new ones, and do not show."""
    good = connect(server)
    bad = SandboxServer(server.world, server.provider)
    with bad:
        bad.faults.expired = True
        with pytest.raises(Unauthorized) as caught:
            read(bad, "users")
    assert not any(secret in str(caught.value) for secret in good.credentials.values())


@pytest.mark.parametrize("resource", ["course_items", "course_enrollments"])
def test_parent_that_cannot_be_read_keeps_what_lies_under_it(
    server: SandboxServer, faulty: Faults, resource: str
) -> None:
    """When one parent of a fan-out fails, the others are read, and its scope is not taken for empty."""
    whole = read(server, resource)
    scope = min(whole.scopes.values())
    faulty.add(under(server.provider, scope, Reply(500)))
    partial = read(server, resource)
    assert [failed for failed, _ in partial.outcome.failed] == [scope]
    assert not partial.outcome.whole
    assert scope not in partial.outcome.scopes
    assert set(partial.rows) == {key for key in whole.rows if whole.scopes[key] != scope}


def test_limits_are_kept(server: SandboxServer) -> None:
    """The requests of a reading never exceed what the manifest allows at once."""
    reading = read(server, "course_enrollments")
    assert reading.requests <= len(list(server.requests))
