"""The local page of `lms connect`, driven in a real browser against the sandbox's authorisation server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from sources.unified_lms.sandbox import Rule, SandboxServer, World
from sources.unified_lms.sandbox.faults import ExpireCredentials
from tests.integration.chromium import CHROMIUM, Tab, open_tab

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed: apt-get install chromium")
SECRET = "sandbox-client-secret"
KEY = "210700000000012345"


@pytest.fixture
def canvas() -> Iterator[SandboxServer]:
    """A Canvas with a developer key."""
    with SandboxServer(World(), "canvas", oauth=True) as running:
        yield running


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Tab]:
    """A browser's tab."""
    with open_tab(tmp_path / "profile") as opened:
        yield opened


class Command:
    """`lms connect acme --browser` in a process of its own, up to the address that it prints."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(line)
            if found := re.search(r"http://127\.0\.0\.1:\d+/open/\S+", line):
                self.address = found[0]
                break
        else:
            raise AssertionError("".join(lines))
        self.origin = self.address.partition("/open/")[0]

    def end(self) -> tuple[int, str, str]:
        """How it ended, and what it said on both channels after its address."""
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


@contextmanager
def connect(tmp_path: Path, *words: str) -> Iterator[Command]:
    """The command, in the test's own folder, with a browser that does nothing."""
    command = [sys.executable, "-m", "pipelines.cli", "connect", "acme", "--browser", *words]
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "BROWSER": "true", "PYTHONPATH": root}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            yield Command(process)
        finally:
            process.terminate()


def fill(tab: Tab, command: Command, canvas: SandboxServer) -> None:
    """Opens the page and gives it everything up to the link to the provider."""
    tab.goto(command.address)
    tab.click("button[value=way]")
    tab.type("#base_url", canvas.base_url)
    tab.type("#credentials-client_id", KEY)
    tab.type("#credentials-client_secret", SECRET)
    tab.click("button[value=values]")


def exchange(canvas: SandboxServer, back: str) -> httpx.Response:
    """What the provider answers somebody who saw where the browser came back to, and knows the client."""
    seen = urlsplit(back)
    form = {
        "grant_type": "authorization_code",
        "client_id": KEY,
        "client_secret": SECRET,
        "code": dict(parse_qsl(seen.query))["code"],
        "redirect_uri": f"{seen.scheme}://{seen.netloc}{seen.path}",
        "code_verifier": "guessed",
    }
    return httpx.post(f"{canvas.base_url}/login/oauth2/token", data=form, trust_env=False)


def stored(tmp_path: Path) -> dict[str, Any]:
    """The connection as the files have it."""
    found: dict[str, Any] = {}
    for name in ("config.toml", "secrets.toml"):
        file = tmp_path / ".dlt" / name
        found |= tomllib.loads(file.read_text())["connections"]["acme"] if file.exists() else {}
    return found


def test_access_is_granted_and_stored(tab: Tab, canvas: SandboxServer, tmp_path: Path) -> None:
    """From the first page to a connection on disk, without a script and without a complaint of the browser's."""
    with connect(tmp_path, "--provider", "canvas") as command:
        fill(tab, command, canvas)
        tab.click("#grant")
        tab.click("#authorize")
        assert "Connected" in tab.text
        status, out, err = command.end()
    assert (status, "acme (canvas): active" in out) == (0, True), err
    found = stored(tmp_path)
    assert found["base_url"] == canvas.base_url
    assert found["credentials"]["refresh_token"].startswith("sandbox-refresh-token-")
    assert (tmp_path / ".dlt" / "secrets.toml").stat().st_mode & 0o777 == 0o600
    assert tab.complaints == []
    assert SECRET not in " ".join([*tab.history, *tab.addresses, out, err])


def test_errors_are_tied_to_their_fields(tab: Tab, canvas: SandboxServer, tmp_path: Path) -> None:
    """Assistive technology is told each field's name and what is wrong with it; the first wrong one has the focus."""
    with connect(tmp_path, "--provider", "canvas", "--way", "authorize") as command:
        tab.goto(command.address)
        tab.type("#base_url", "acme")
        tab.type("#credentials-client_id", KEY)
        tab.click("button[value=values]")
        fields = tab.fields()
        assert "is no address" in fields["Address of Canvas"]
        assert "Secret of the developer key is missing" in fields["Secret of the developer key"]
        assert "missing" not in fields["Id of the developer key"]
        assert tab.focused() == "Address of Canvas"
        tab.press("Tab")
        assert tab.focused() == "Id of the developer key"
        assert f'value="{KEY}"' in tab.html


def test_a_secret_is_never_written_into_the_page(tab: Tab, canvas: SandboxServer, tmp_path: Path) -> None:
    """After a mistake elsewhere the secret is kept by the process, need not be typed again, and is not in the page."""
    with connect(tmp_path, "--provider", "canvas", "--way", "access_token") as command:
        tab.goto(command.address)
        tab.type("#credentials-access_token", "typed-once-secret")
        tab.click("button[value=values]")
        assert "is missing" in tab.text
        assert "typed-once-secret" not in tab.html
        assert "keep what is known" in tab.fields()["Access token"]


def test_an_answer_with_another_state_is_refused(tab: Tab, canvas: SandboxServer, tmp_path: Path) -> None:
    """A forged return from the provider changes nothing: the attempt goes on, and the real one is taken."""
    with connect(tmp_path, "--provider", "canvas") as command:
        fill(tab, command, canvas)
        tab.goto(f"{command.origin}/callback?code=planted&state=forged")
        assert "its state differs" in tab.text
        assert not [one for one in canvas.requests if one.path.endswith("/token")]
        tab.goto(f"{command.origin}/")
        tab.click("#grant")
        tab.click("#authorize")
        assert command.end()[0] == 0


def test_a_no_is_shown(tab: Tab, canvas: SandboxServer, tmp_path: Path) -> None:
    """Who says no is told that nothing was granted, may give up, and then nothing is stored."""
    with connect(tmp_path, "--provider", "canvas") as command:
        fill(tab, command, canvas)
        tab.click("#grant")
        tab.click("#cancel")
        assert "Access was denied" in tab.text
        tab.click("button[value=cancel]")
        assert "Nothing was stored" in tab.text
        status, _, err = command.end()
    assert (status, "It was given up on the page" in err) == (1, True)
    assert stored(tmp_path) == {}


def test_the_address_is_good_once(tab: Tab, canvas: SandboxServer, tmp_path: Path) -> None:
    """Who finds it in the browser's history cannot open the page with it, and the page asks for the cookie."""
    with connect(tmp_path, "--provider", "canvas") as command:
        tab.goto(command.address)
        assert "Connect acme to Canvas" in tab.text
        assert tab.history[-1] == f"{command.origin}/"
        tab.goto(command.address)
        assert "good once" in tab.text
        tab.call("Network.clearBrowserCookies")
        tab.goto(f"{command.origin}/")
        assert "Not allowed" in tab.text


def test_the_way_back_cannot_be_another(tab: Tab, canvas: SandboxServer, tmp_path: Path) -> None:
    """A link whose way back was changed ends at the provider, which sends nobody and no code there."""
    with connect(tmp_path, "--provider", "canvas") as command:
        fill(tab, command, canvas)
        port = command.origin.rpartition(":")[2]
        link = tab.attribute("#grant", "href")
        tab.goto(link.replace(f"127.0.0.1%3A{port}%2Fcallback", "evil.example%2Fcallback"))
        assert "redirect_uri does not match" in tab.text
        assert "evil.example/" not in " ".join(tab.addresses)


def test_a_return_is_taken_once(tab: Tab, canvas: SandboxServer, tmp_path: Path) -> None:
    """Who goes back to the address with the code, or sends the code to the provider once more, gets nothing by it."""
    canvas.faults.add(Rule(ExpireCredentials(), pattern="^/api/"))
    with connect(tmp_path, "--provider", "canvas") as command:
        fill(tab, command, canvas)
        tab.click("#grant")
        tab.click("#authorize")
        assert "nothing was stored" in tab.text
        [back] = [one for one in tab.addresses if one.startswith(f"{command.origin}/callback?")]
        asked = len(canvas.requests)
        tab.goto(back)
        assert "Nothing waits for this answer" in tab.text
        assert len(canvas.requests) == asked
    assert exchange(canvas, back).status_code == 400


def test_a_code_that_is_stolen_brings_nothing(tab: Tab, canvas: SandboxServer, tmp_path: Path) -> None:
    """Whoever has the code, and even the client's secret, lacks the verifier, which never left the process."""
    with connect(tmp_path, "--provider", "canvas") as command:
        fill(tab, command, canvas)
        page = httpx.get(tab.attribute("#grant", "href"), trust_env=False).text
        request = page.partition('name="request" value="')[2].partition('"')[0]
        accept = f"{canvas.base_url}/login/oauth2/accept"
        said = httpx.post(accept, data={"request": request, "answer": "yes"}, trust_env=False)
        refused = exchange(canvas, said.headers["location"])
    assert "code_verifier does not match" in refused.json()["error_description"]
