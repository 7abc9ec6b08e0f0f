"""What holds for every test: nothing of the machine comes in, nothing leaves it, and chance is repeatable.

The environment is set when this file is read, before anything under test is imported: dlt decides some of its
folders at import. Children that a test starts inherit it.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

FOREIGN_PREFIXES = (
    "CONNECTIONS__",
    "DESTINATION__",
    "LMS_",
    "DLT_",
    "RUNTIME__",
    "SOURCES__",
    "PG",
    "PREFECT_",
)
"""Variables that a developer's shell may hold and that would change what the product does."""

KEPT = ("LMS_VENDOR_SAMPLES", "LMS_TEST_POSTGRES")
"""Variables that tests are meant to read."""

TELEMETRY_OFF = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "DO_NOT_TRACK": "1",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
}

ODD_ZONE = "Asia/Kathmandu"
"""The zone that tests run in, 5:45 h ahead of UTC: code that takes local time for UTC is found out."""


def _isolate_environment(home: str) -> None:
    foreign = [name for name in os.environ if name.startswith(FOREIGN_PREFIXES) and name not in KEPT]
    for name in foreign:
        del os.environ[name]
    os.environ.update(TELEMETRY_OFF, HOME=home, DLT_DATA_DIR=home, DLT_PROJECT_DIR=home, TZ=ODD_ZONE)
    time.tzset()


_HOME = tempfile.TemporaryDirectory(prefix="lms-tests-home-")
_isolate_environment(_HOME.name)

settings.register_profile("ci", derandomize=True, deadline=None, database=None, print_blob=True)
settings.register_profile(
    "long",
    deadline=None,
    database=None,
    max_examples=2_000,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_unconfigure() -> None:
    """Removes the home folder that the run has used."""
    _HOME.cleanup()


@pytest.fixture(autouse=True)
def own_dlt_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gives each test its own dlt: working data, configuration and secrets under `tmp_path`, all empty.

    A test that writes `tmp_path / ".dlt" / "config.toml"` calls `reload_dlt_configuration` (below) afterwards.
    """
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / ".dlt-data"))
    monkeypatch.setenv("DLT_PROJECT_DIR", str(tmp_path))
    monkeypatch.setenv("DLT_LOCAL_DIR", str(tmp_path))
    if "dlt" in sys.modules:
        _reload_providers()


@pytest.fixture(autouse=True)
def own_limits() -> Iterator[None]:
    """Ends what a command under test has begun: its clients draw on shared budgets, those of the next test do not."""
    yield
    if limits := sys.modules.get("sources.unified_lms.limits"):
        limits.share_limits(None)


@pytest.fixture
def reload_dlt_configuration() -> Callable[[], None]:
    """A function that makes dlt read its configuration files again."""
    return _reload_providers


def _reload_providers() -> None:
    from dlt.common.configuration.container import Container
    from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext

    Container()[PluggableRunContext].reload_providers()


class OutsideWorldError(Exception):
    """A test tried to reach a machine other than this one. Let it talk to the sandbox or to a fake instead."""


def _is_loopback(host: object) -> bool:
    if host in (None, "", "localhost", b"localhost"):
        return True
    try:
        return ipaddress.ip_address(host.decode() if isinstance(host, bytes) else str(host)).is_loopback
    except ValueError:
        return False


def _guarded(call: Callable[..., Any], host_of: Callable[..., object]) -> Callable[..., Any]:
    def guard(*args: Any, **options: Any) -> Any:
        host = host_of(*args)
        if not _is_loopback(host):
            raise OutsideWorldError(f"tests reach nothing beyond loopback, and this one asked for {host!r}")
        return call(*args, **options)

    return guard


def _peer(sock: socket.socket, *address: Any) -> object:
    """The host in the arguments of `connect`; a Unix socket's path is no host."""
    return None if sock.family == socket.AF_UNIX else address[-1][0]


@pytest.fixture(scope="session", autouse=True)
def no_outside_world() -> Iterator[None]:
    """Refuses connections and name look-ups beyond loopback, for the whole run and all its threads."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name), _peer))
        patch.setattr(socket, "getaddrinfo", _guarded(socket.getaddrinfo, lambda host=None, *_: host))
        yield
