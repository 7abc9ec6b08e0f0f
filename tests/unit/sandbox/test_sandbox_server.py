"""The server: it comes up, answers many at once, and goes away."""

from __future__ import annotations

import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import httpx
import pytest

from sources.unified_lms.sandbox import Faults, Rule, SandboxServer, World, create_app
from sources.unified_lms.sandbox.dialects import DIALECTS
from sources.unified_lms.sandbox.faults import Do, Reply
from tests.unit.sandbox.conftest import MakePortal


def _answers(base_url: str) -> bool:
    try:
        httpx.get(base_url, trust_env=False)
    except httpx.ConnectError:
        return False
    return True


def _fail_inside(server: SandboxServer) -> None:
    with server:
        raise ZeroDivisionError


def _wait_and_be_interrupted() -> None:
    with SandboxServer() as server:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        server.wait()


def _serving() -> set[threading.Thread]:
    """The threads that serve a sandbox now; those of other tests' fixtures may be among them."""
    return {thread for thread in threading.enumerate() if thread.name == "sandbox-talentlms"}


def test_the_server_answers_inside_its_block_and_not_after() -> None:
    """Inside of the block requests are answered at once; after it nobody listens and no thread is left."""
    before = _serving()
    with SandboxServer() as server:
        base_url = server.base_url
        assert _answers(base_url)
    assert not _answers(base_url)
    assert _serving() <= before


def test_the_server_stops_when_its_block_fails() -> None:
    """An exception inside of the block leaves no server behind."""
    server, before = SandboxServer(), _serving()
    with pytest.raises(ZeroDivisionError):
        _fail_inside(server)
    assert _serving() <= before


def test_the_server_stops_after_an_interrupted_wait() -> None:
    """Ctrl-C while the main thread waits for the server ends the server, and the block waits for that."""
    before = _serving()
    usual = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            _wait_and_be_interrupted()
    finally:
        signal.signal(signal.SIGALRM, usual)
    assert _serving() <= before


def test_the_address_is_loopback_and_the_port_free() -> None:
    """Two servers run side by side, on this machine only."""
    with SandboxServer() as one, SandboxServer() as other:
        assert one.base_url != other.base_url
        assert all(server.base_url.startswith("http://127.0.0.1:") for server in (one, other))


def test_answers_do_not_wait_for_acknowledgements() -> None:
    """Sockets send at once; without that option, every answer took 40 ms longer."""
    with SandboxServer() as server:
        assert server._running is not None
        assert server._running[2].getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_port_can_be_named() -> None:
    """The named port is the one that is used."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with SandboxServer(port=port) as server:
        assert server.base_url == f"http://127.0.0.1:{port}"


def test_a_taken_port_is_an_error_at_once() -> None:
    """The operating system's refusal comes out, and nothing is left running."""
    with SandboxServer() as server, pytest.raises(OSError, match="in use"):
        SandboxServer(port=int(server.base_url.rsplit(":", 1)[1])).start()


def test_there_is_no_address_before_the_start() -> None:
    """Asking for the address of a server that does not run says what to do."""
    with pytest.raises(RuntimeError, match="enter its `with` block"):
        SandboxServer().base_url  # noqa: B018 - the property raises


def test_stopping_twice_is_harmless() -> None:
    """A stopped server can be stopped again."""
    server = SandboxServer().start()
    server.stop()
    server.stop()


def test_a_server_can_start_again() -> None:
    """The same server can be started after it was stopped, with its world as it was left."""
    server = SandboxServer(World())
    for number in (1, 2):
        with server:
            server.world.create_person(f"p{number}", "P", "Q", f"p{number}@example.org")
            url, key = f"{server.base_url}/api/v1/siteinfo", server.credentials["api_key"]
            total = httpx.get(url, auth=(key, ""), trust_env=False).json()["total_users"]
            assert total == str(26 + number)


def test_the_connection_is_what_configuration_needs() -> None:
    """Provider, address, credentials and settings under the names that the manifest declares."""
    with SandboxServer(api_key="mine", timezone="Asia/Kolkata") as server:
        assert server.connection == {
            "provider": "talentlms",
            "base_url": server.base_url,
            "credentials": {"api_key": "mine"},
            "settings": {"timezone": "Asia/Kolkata", "calls_per_hour": 10_000},
        }


def test_an_unknown_dialect_is_refused_by_name() -> None:
    """The error names what there is."""
    with pytest.raises(ValueError, match=r"no dialect 'nolms'; it has .*talentlms"):
        SandboxServer(dialect="nolms")


def test_the_registry_has_talentlms() -> None:
    """Dialects are found by the provider's name."""
    assert "talentlms" in DIALECTS


def test_many_are_answered_at_once_while_the_world_changes(make_portal: MakePortal) -> None:
    """Readers in many threads get good answers while another thread writes."""
    world = World()
    portal = make_portal(world, calls_per_burst=10_000)

    def read(number: int) -> int:
        world.update_person(6, job_title=str(number))
        return portal.get(("users", "users/id:6", "courses/id:101")[number % 3]).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(read, range(90))) == {200}
    assert portal.server.requests.total == 90


def test_the_app_runs_without_the_server() -> None:
    """`create_app` gives an ASGI app that any server or client can drive."""
    faults = Faults(Rule(Reply(503), path="/users"))
    app = create_app(World(), "talentlms", faults)

    async def ask(path: str) -> int:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://portal") as client:
            return (await client.get(path, auth=("sandbox-api-key", ""))).status_code

    import asyncio

    assert [asyncio.run(ask(f"/api/v1/{path}")) for path in ("siteinfo", "users")] == [200, 503]
    assert faults.log.total == 2


def test_requests_reach_the_server_while_another_waits(make_portal: MakePortal) -> None:
    """A function of a fault may signal a test, which then knows that the request has arrived."""
    arrived = Event()
    portal = make_portal(faults=Faults(Rule(Do(arrived.set), path="siteinfo")))
    portal.get("siteinfo")
    assert arrived.is_set()
