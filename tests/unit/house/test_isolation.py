"""The walls around the tests stand: nothing comes in from the machine and nothing goes out."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest

OUTSIDE = "192.0.2.1"
"""An address that leads nowhere (RFC 5737)."""


def test_a_connection_to_another_machine_is_refused() -> None:
    """A test that forgets to fake its provider fails at once, and says why."""
    with pytest.raises(Exception, match="nothing beyond loopback"), socket.socket() as sock:
        sock.connect((OUTSIDE, 443))


def test_a_name_is_not_looked_up_outside() -> None:
    """Not even the resolver hears of a test."""
    with pytest.raises(Exception, match=r"asked for 'example\.org'"):
        socket.getaddrinfo("example.org", 443)


def test_a_server_on_loopback_can_be_reached() -> None:
    """The sandbox is spoken to over real sockets."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        assert client.getpeername() == server.getsockname()


def test_a_unix_socket_can_be_reached(tmp_path: Path) -> None:
    """PostgreSQL is started on one."""
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "s"))
        server.listen()
        client.connect(str(tmp_path / "s"))


def test_local_time_is_not_utc() -> None:
    """Code that takes one for the other does not pass: the tests run 5:45 h ahead."""
    assert time.localtime().tm_gmtoff == (5 * 60 + 45) * 60


def test_no_connection_of_the_developer_is_seen() -> None:
    """A configured shell changes no result, and no test reaches a real account."""
    assert not [name for name in os.environ if name.startswith(("CONNECTIONS__", "DESTINATION__"))]


def test_dlt_keeps_its_files_in_the_tests_own_folder(tmp_path: Path) -> None:
    """No pipeline's state outlives its test."""
    from dlt.common.pipeline import get_dlt_pipelines_dir
    from dlt.common.runtime.run_context import active

    assert Path(get_dlt_pipelines_dir()).is_relative_to(tmp_path)
    assert Path(active().settings_dir).is_relative_to(tmp_path)


def test_dlt_reads_no_configuration_of_an_earlier_test(tmp_path: Path) -> None:
    """Its files are looked for in the test's own folder, where there are none yet."""
    import dlt

    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt" / "config.toml").write_text('house = "seen before it was read"\n')
    assert dlt.config.get("house") is None
