"""What a caller may do to the server: sizes, pace, numbers; and what every answer carries."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sources.unified_lms.sandbox import Rule, SandboxServer
from sources.unified_lms.sandbox.faults import Do
from tests.integration.serving import ALL, Api, held, served

ACME = {"integrated_account_id": "acme"}


@pytest.fixture
def small(acme: str, tmp_path: Path) -> Iterator[Api]:
    """A server with room for little."""
    bounds = {"body_bytes": 1000, "threads": 1, "waiting": 1, "stall_seconds": 0.2}
    with served(tmp_path, **bounds) as running:
        yield running


@pytest.mark.parametrize("path", ["/unified/lms/users", "/nothing", "/health"])
def test_security_headers(api: Api, path: str) -> None:
    """Every answer, refusals too, forbids to be kept, framed, sniffed or run, and does not name the server."""
    with api.client(None) as caller:
        headers = caller.get(path).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert "server" not in headers


def test_a_large_body(small: Api, server: SandboxServer) -> None:
    """A body beyond the bound is refused by its own word, before it is read."""
    with small.caller(ALL) as caller:
        answer = caller.post("/unified/lms/users", params=ACME, content=b"x" * 1001)
    assert (answer.status_code, len(server.requests)) == (413, 0)


def test_a_large_body_that_does_not_say_so(small: Api, server: SandboxServer) -> None:
    """A body that comes piece by piece is refused when it has become too large."""
    pieces = (b"x" * 100 for _ in range(50))
    with small.caller(ALL) as caller:
        answer = caller.post("/unified/lms/users", params=ACME, content=pieces)
    assert (answer.status_code, len(server.requests)) == (413, 0)


def test_a_body_that_does_not_come(small: Api) -> None:
    """Who announces a body and does not send it is answered all the same, and holds nothing."""
    head = (
        f"POST /unified/lms/users?integrated_account_id=acme HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {small.key(ALL)}\r\nContent-Length: 10\r\n\r\n"
    )
    with socket.create_connection(small.address, timeout=10) as caller:
        caller.sendall(head.encode())
        assert b" 408 " in caller.recv(1000).splitlines()[0]


def test_a_long_head(api: Api) -> None:
    """A head beyond 16 kB is refused."""
    with api.client(None) as caller:
        assert caller.get("/health", headers={"x-long": "y" * 20_000}).status_code == 431


def test_a_busy_server_says_so(small: Api, server: SandboxServer) -> None:
    """What cannot be taken on is refused at once with when to ask again, and does not wait without end."""
    asked, go_on = threading.Event(), threading.Event()
    server.faults.add(Rule(Do(lambda: held(asked, go_on)), path="/users", hits=(1,)))
    with small.caller() as caller, ThreadPoolExecutor(1) as pool:
        first = pool.submit(caller.get, "/unified/lms/users", params=ACME)
        assert asked.wait(20)
        refused = caller.get("/unified/lms/users", params=ACME)
        healthy = caller.get("/health")
        go_on.set()
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert (first.result().status_code, healthy.status_code) == (200, 200)


def test_a_provider_that_takes_too_long(acme: str, tmp_path: Path, server: SandboxServer) -> None:
    """A caller does not wait longer than the server allows."""
    go_on = threading.Event()
    server.faults.add(Rule(Do(lambda: go_on.wait(20)), path="/users", hits=(1,)))
    with served(tmp_path, seconds=0.3) as api, api.caller() as caller:
        answer = caller.get("/unified/lms/users", params=ACME)
        go_on.set()
    assert (answer.status_code, answer.json()["error"]) == (504, "Gateway Timeout")


def test_a_page_ends_when_it_takes_long(acme: str, tmp_path: Path) -> None:
    """A page that would take long is given short, with the cursor that goes on."""
    with served(tmp_path, page_seconds=0.0) as api, api.caller() as caller:
        found = caller.get("/unified/lms/course-enrollments", params=ACME).json()
        assert found["next_cursor"] is not None
        more = {**ACME, "next_cursor": found["next_cursor"]}
        assert caller.get("/unified/lms/course-enrollments", params=more).status_code == 200


def test_slow_callers_stop_nobody(api: Api) -> None:
    """Two hundred callers that send their heads byte by byte, or take no answer, leave room for one that does."""
    head = f"GET /openapi.json HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.key()}\r\n"
    slow = [socket.create_connection(api.address, timeout=10) for _ in range(200)]
    try:
        for number, one in enumerate(slow):
            one.sendall(head.encode() + (b"\r\n" if number % 2 else b""))
        with api.caller() as caller:
            answers = [caller.get("/unified/lms/users", params=ACME).status_code for _ in range(3)]
    finally:
        for one in slow:
            one.close()
    assert answers == [200, 200, 200]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
def test_methods_that_a_route_does_not_have(api: Api, method: str) -> None:
    """Another method is a 405 that names those there are, in the body of every error."""
    with api.caller(ALL) as caller:
        answer = caller.request(method, "/unified/lms/users", params=ACME)
    assert (answer.status_code, answer.json()["statusCode"]) == (405, 405)
    assert {"GET", "POST"} <= set(answer.headers["allow"].split(", "))


def test_head_is_a_get_without_its_body(api: Api) -> None:
    """A HEAD is answered with the head of the GET."""
    with api.caller() as caller:
        answer = caller.head("/unified/lms/users", params=ACME)
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 1000
