"""A running TalentLMS sandbox for the tests that only read it, and a maker of others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from sources.unified_lms.sandbox import Faults, SandboxServer, World

Get = Callable[[str], httpx.Response]


class Portal:
    """A client of one TalentLMS sandbox that knows its key."""

    def __init__(self, server: SandboxServer) -> None:
        """Asks under `/api/v1/`."""
        self.server = server
        self.http = httpx.Client(
            base_url=f"{server.base_url}/api/v1/", auth=(server.credentials["api_key"], ""), trust_env=False
        )

    def get(self, path: str) -> httpx.Response:
        """The answer, whatever its status."""
        return self.http.get(path)

    def json(self, path: str) -> Any:
        """The body of an answer that must be a good one."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def error(self, path: str) -> tuple[int, str, str]:
        """Status, type and message of an answer that must be an error and hold nothing else."""
        answer = self.get(path)
        body = answer.json()
        assert body.keys() == {"error"}
        assert body["error"].keys() == {"type", "message"}
        return answer.status_code, body["error"]["type"], body["error"]["message"]


MakePortal = Callable[..., Portal]


@pytest.fixture(scope="session")
def portal() -> Iterator[Portal]:
    """A portal over the core world, for reading only."""
    with SandboxServer(World(), calls_per_burst=1_000_000) as server:
        running = Portal(server)
        with running.http:
            yield running


@pytest.fixture
def make_portal() -> Iterator[MakePortal]:
    """A function that starts a portal: (world, faults, options of the dialect)."""
    with ExitStack() as stack:

        def make(world: World | None = None, faults: Faults | None = None, **options: Any) -> Portal:
            running = Portal(stack.enter_context(SandboxServer(world, faults=faults, **options)))
            stack.enter_context(running.http)
            return running

        yield make
