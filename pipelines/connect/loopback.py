"""A server on this machine for one browser and a few minutes, and what opens that browser."""

from __future__ import annotations

import os
import socket
import tempfile
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from threading import Thread

import uvicorn
from starlette.types import ASGIApp

from sources.unified_lms.errors import ConfigurationError

HOST = "127.0.0.1"
CALLBACK = "/callback"
_STOP_SECONDS = 5.0
_REDIRECT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0;url={0}"><title>lms connect</title></head>
<body><p><a href="{0}">Go on</a></p></body></html>
"""


class Loopback:
    """A free port of this machine, or the one that is named, taken until the block ends."""

    def __init__(self, port: int = 0) -> None:
        try:
            self._listener = socket.create_server((HOST, port))
        except OSError as error:
            raise ConfigurationError(f"--port {port} cannot be used: {error.strerror}") from None
        self.origin = f"http://{HOST}:{self._listener.getsockname()[1]}"

    @property
    def redirect_uri(self) -> str:
        """Where a provider sends the browser back to (RFC 8252, 7.3)."""
        return self.origin + CALLBACK

    def __enter__(self) -> Loopback:
        """The port, which is taken already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Gives the port back."""
        self._listener.close()

    @contextmanager
    def serve(self, app: ASGIApp) -> Iterator[None]:
        """Answers requests while the block runs. Nothing of them is logged: addresses hold codes."""
        config = uvicorn.Config(
            app, http="h11", ws="none", lifespan="off", log_config=None, log_level=100, access_log=False
        )
        server = uvicorn.Server(config)
        # What comes before it is up waits in the listener's queue.
        thread = Thread(target=server.run, args=([self._listener],), name="lms-connect", daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.should_exit = True
            thread.join(_STOP_SECONDS)


@contextmanager
def shown_in_browser(address: str) -> Iterator[None]:
    """Opens an address in the user's browser, which need not work.

    The browser is told a file that only its owner can read: other users of the machine see its arguments.
    """
    handle, name = tempfile.mkstemp(prefix="lms-connect-", suffix=".html")  # mode 0600
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(_REDIRECT.format(escape(address)))
    try:
        webbrowser.open(Path(name).as_uri())
        yield
    finally:
        Path(name).unlink(missing_ok=True)
