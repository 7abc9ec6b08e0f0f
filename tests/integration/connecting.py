"""What the tests of `lms connect` share: the command, what it keeps, and somebody at a browser."""

from __future__ import annotations

import sys
import threading
import tomllib
import webbrowser
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from click.testing import CliRunner, Result

from pipelines.cli import main
from sources.unified_lms.sandbox import SandboxServer, World

KEY = "sandbox-api-key"
CLIENT = "210700000000012345\nsandbox-client-secret\n"


def lms(*words: str, answers: str = "") -> Result:
    """What a command says and how it ends, with a line of standard input for each question."""
    return CliRunner().invoke(main, list(words), input=answers)


def connect(server: SandboxServer, *words: str, answers: str = f"{KEY}\n", name: str = "acme") -> Result:
    """A new connection to the sandbox."""
    address = ("--base-url", server.base_url)
    return lms("connect", name, "--provider", server.provider, *address, *words, answers=answers)


def files(tmp_path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The connection as config.toml and secrets.toml have it; empty where it is not there."""
    found = []
    for name in ("config.toml", "secrets.toml"):
        file = tmp_path / ".dlt" / name
        tree = tomllib.loads(file.read_text()) if file.exists() else {}
        found.append(tree.get("connections", {}).get("acme", {}))
    return found[0], found[1]


def states() -> dict[str, tuple[str | None, str | None]]:
    """The state and its message of each connection, as status tells them."""
    connections = orjson.loads(lms("status", "--json").stdout)["connections"]
    return {one["connection"]: (one["state"], one["message"]) for one in connections}


@pytest.fixture
def canvas() -> Iterator[SandboxServer]:
    """A Canvas with a developer key."""
    with SandboxServer(World(), "canvas", oauth=True) as running:
        yield running


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Somebody at a browser who answers the provider's page as told, once it is opened."""
    said = ["yes"]
    threads = []

    def look(link: str) -> None:
        page = httpx.get(link, trust_env=False).text
        request = page.partition('name="request" value="')[2].partition('"')[0]
        form = {"request": request, "answer": said[0]}
        httpx.post(f"{link.partition('/auth?')[0]}/accept", data=form, trust_env=False, follow_redirects=True)

    def opened(file: str) -> bool:
        text = Path(file.removeprefix("file://")).read_text()
        link = text.partition('<a href="')[2].partition('"')[0].replace("&amp;", "&")
        threads.append(threading.Thread(target=look, args=(link,)))
        threads[-1].start()
        return True

    monkeypatch.setattr(webbrowser, "open", opened)
    monkeypatch.setattr(sys.modules["pipelines.cli.connect"], "interactive", lambda: True)
    yield lambda word: said.__setitem__(0, word)
    for thread in threads:
        thread.join()


def tokens(tmp_path: Path) -> set[Path]:
    """The files of the token store."""
    return set(tmp_path.rglob("tokens/acme-*.json"))
