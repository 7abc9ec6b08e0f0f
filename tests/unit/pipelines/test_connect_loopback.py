"""The port for one browser: how the browser is told, what is logged, and who holds the port."""

from __future__ import annotations

import logging
import webbrowser
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from pipelines.connect.loopback import Loopback, shown_in_browser
from sources.unified_lms.errors import ConfigurationError

ADDRESS = "http://127.0.0.1:1/open/planted?a=1&b=2"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the browser is told."""
    found: list[str] = []
    monkeypatch.setattr(webbrowser, "open", found.append)
    return found


def test_the_browser_is_told_a_file_of_the_owner_s(told: list[str]) -> None:
    """No argument of a process holds the address; the file that does is for the owner alone, and is removed."""
    with shown_in_browser(ADDRESS):
        file = Path(told[0].removeprefix("file://"))
        assert "planted" not in told[0]
        assert 'url=http://127.0.0.1:1/open/planted?a=1&amp;b=2"' in file.read_text()
        assert file.stat().st_mode & 0o777 == 0o600
    assert not file.exists()


def test_nothing_that_is_asked_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Neither the address with its code nor an error in answering it."""

    def answer(request: Request) -> Response:
        if "fail" in request.query_params:
            raise RuntimeError("planted")
        return PlainTextResponse("yes")

    logging.getLogger("httpx").setLevel(logging.CRITICAL)
    caplog.set_level(logging.DEBUG)
    with Loopback() as loopback, loopback.serve(Starlette(routes=[Route("/callback", answer)])):
        for query in ("code=planted", "code=planted&fail=1"):
            httpx.get(f"{loopback.redirect_uri}?{query}", trust_env=False)
    assert not [
        one for one in caplog.records if "planted" in one.getMessage() and one.name.startswith("uvicorn")
    ]


def test_it_listens_on_loopback_alone() -> None:
    """No other machine reaches the page."""
    with Loopback() as loopback:
        assert loopback.redirect_uri == f"{loopback.origin}/callback"
        assert loopback._listener.getsockname()[0] == "127.0.0.1"


def test_a_port_that_is_taken() -> None:
    """It is said which option to change; after the block the port is free."""
    with Loopback() as first:
        port = int(first.origin.rpartition(":")[2])
        with pytest.raises(ConfigurationError, match=f"--port {port} cannot be used"):
            Loopback(port)
    Loopback(port).__exit__()
