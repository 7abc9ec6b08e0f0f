"""The authorisation server of the Canvas sandbox: whom it sends back, and which codes it takes."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from sources.unified_lms.sandbox import SandboxServer, World

VERIFIER = "a-verifier-that-is-long-enough-for-the-standard"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
BACK = "http://127.0.0.1:8400/callback"
CLIENT = {"client_id": "210700000000012345", "client_secret": "sandbox-client-secret"}


class Clock:
    """Unix seconds that a test moves."""

    now = 1_700_000_000.0

    def __call__(self) -> float:
        """The present."""
        return self.now


class Server:
    """The server as an app and a browser see it."""

    def __init__(self, running: SandboxServer, clock: Clock) -> None:
        self.clock = clock
        self.http = httpx.Client(base_url=running.base_url, trust_env=False)

    def ask(self, **others: str) -> httpx.Response:
        """The page."""
        asked = {
            "client_id": CLIENT["client_id"],
            "response_type": "code",
            "redirect_uri": BACK,
            "state": "the state",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return self.http.get("/login/oauth2/auth", params=asked | others)

    def decide(self, answer: str = "yes", page: httpx.Response | None = None) -> httpx.Response:
        """What a person's click brings."""
        text = (page or self.ask()).text
        request = text.partition('name="request" value="')[2].partition('"')[0]
        return self.http.post("/login/oauth2/accept", data={"request": request, "answer": answer})

    def code(self) -> str:
        """A code."""
        return back(self.decide())["code"]

    def exchange(self, code: str, **others: str) -> httpx.Response:
        """The answer to a code."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, **CLIENT}
        return self.http.post("/login/oauth2/token", data=form | {"code_verifier": VERIFIER} | others)

    def status(self, token: str) -> int:
        """How the API answers a token."""
        return self.http.get("/api/v1/users/self", headers={"Authorization": f"Bearer {token}"}).status_code


def back(answer: httpx.Response) -> dict[str, str]:
    """What the browser is sent back to the app with."""
    assert answer.status_code == 302
    assert answer.headers["location"].startswith(f"{BACK}?")
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


@pytest.fixture
def options() -> dict[str, Any]:
    """Options of the dialect."""
    return {}


@pytest.fixture
def server(options: dict[str, Any]) -> Iterator[Server]:
    """A running server."""
    clock = Clock()
    with SandboxServer(World(), "canvas", oauth=True, clock=clock, **options) as running:
        found = Server(running, clock)
        with found.http:
            yield found


def test_a_yes_brings_tokens_that_are_good(server: Server) -> None:
    """The state comes back with the code, and the code brings an access token and a refresh token."""
    answer = back(server.decide())
    assert answer["state"] == "the state"
    tokens = server.exchange(answer["code"]).json()
    assert server.status(tokens["access_token"]) == 200
    renewal = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], **CLIENT}
    renewed = server.http.post("/login/oauth2/token", data=renewal).json()
    assert (server.status(renewed["access_token"]), "refresh_token" in renewed) == (200, False)


def test_a_no_brings_no_code(server: Server) -> None:
    """The app is told that access was denied."""
    answer = back(server.decide("no"))
    assert (answer["error"], answer["state"], "code" in answer) == ("access_denied", "the state", False)


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:8400/other",
        "https://127.0.0.1:8400/callback",
        "http://localhost:8400/callback",
        "http://evil.example/callback",
        "http://127.0.0.1:8400/callback?more=1",
        "http://127.0.0.1:port/callback",
        "",
    ],
)
def test_nobody_is_sent_to_another_address(server: Server, address: str) -> None:
    """An address that is not registered is refused on the spot, and not sent back to."""
    answer = server.ask(redirect_uri=address)
    assert (answer.status_code, "location" in answer.headers) == (400, False)


def test_on_loopback_any_port_will_do(server: Server) -> None:
    """RFC 8252, 7.3: an app takes the port that it gets."""
    assert server.ask(redirect_uri="http://127.0.0.1:1/callback").status_code == 200


def test_another_client_is_refused(server: Server) -> None:
    """On the page and for a token, an unknown id or a wrong secret is refused."""
    assert server.ask(client_id="another").status_code == 401
    assert server.exchange(server.code(), client_secret="wrong").status_code == 401


@pytest.mark.parametrize(
    ("others", "error"),
    [
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
    ],
)
def test_what_is_asked_wrongly_is_told_to_the_app(server: Server, others: dict[str, str], error: str) -> None:
    """Without a challenge by S256, or for anything but a code, nobody is asked."""
    assert back(server.ask(**others))["error"] == error


@pytest.mark.parametrize("options", [{"scopes": frozenset({"url:GET|/api/v1/users/:id"})}])
def test_scopes_have_to_be_the_key_s(server: Server) -> None:
    """Where the key enforces scopes, none or another one is refused."""
    assert back(server.ask())["error"] == "invalid_scope"
    assert back(server.ask(scope="url:GET|/api/v1/courses/:id"))["error"] == "invalid_scope"
    assert server.ask(scope="url:GET|/api/v1/users/:id").status_code == 200


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ({"code_verifier": "another"}, "code_verifier does not match"),
        ({"code_verifier": ""}, "code_verifier does not match"),
        ({"redirect_uri": "http://127.0.0.1:8401/callback"}, "redirect_uri does not match"),
    ],
)
def test_a_code_is_bound_to_what_it_was_made_for(server: Server, others: dict[str, str], words: str) -> None:
    """Another verifier or another way back brings nothing, and uses the code up."""
    code = server.code()
    answer = server.exchange(code, **others)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert words in answer.json()["error_description"]
    assert server.exchange(code).status_code == 400


def test_a_code_is_good_once(server: Server) -> None:
    """A replay is refused, and takes back what the code brought (RFC 6749, 4.1.2)."""
    code = server.code()
    token = server.exchange(code).json()["access_token"]
    assert server.exchange(code).status_code == 400
    assert server.status(token) == 401


def test_a_code_ends(server: Server) -> None:
    """After ten minutes it brings nothing."""
    code = server.code()
    server.clock.now += 601
    assert "expired" in server.exchange(code).json()["error_description"]


def test_a_page_is_answered_once(server: Server) -> None:
    """A second click brings no second code."""
    page = server.ask()
    server.decide(page=page)
    assert server.decide(page=page).status_code == 400


def test_a_grant_can_be_taken_back(server: Server) -> None:
    """What is revoked is no longer good, neither the access token nor the refresh token it came of."""
    tokens = server.exchange(server.code()).json()
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    server.http.delete("/login/oauth2/token", headers=bearer)
    renewal = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], **CLIENT}
    assert server.status(tokens["access_token"]) == 401
    assert server.http.post("/login/oauth2/token", data=renewal).status_code == 400
