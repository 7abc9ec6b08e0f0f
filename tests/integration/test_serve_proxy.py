"""The raw pass-through: the connection's authorisation and limits, its own origin only, secrets cut."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from sources.unified_lms.sandbox import Rule, SandboxServer, World
from sources.unified_lms.sandbox.faults import Reply
from tests.integration.conftest import configure
from tests.integration.serving import ALL, Api, served

ACME = {"integrated_account_id": "acme"}


@pytest.fixture
def caller(api: Api) -> Iterator[httpx.Client]:
    """A caller that may pass requests through."""
    with api.caller(ALL) as client:
        yield client


def test_the_providers_answer_without_its_secrets(caller: httpx.Client, server: SandboxServer) -> None:
    """The path lies below the API's address, the connection's key goes with it, the login key does not come back."""
    answer = caller.get("/proxy/users", params={**ACME, "colour": "blue"})
    assert (answer.status_code, len(answer.json()) > 10) == (200, True)
    assert "login_key" not in answer.text
    [request] = server.requests.matching("/users")
    assert (request.path, request.query) == ("/api/v1/users", "colour=blue")
    assert "ratelimit-remaining" in answer.headers


def test_the_callers_key_stays_here(caller: httpx.Client, server: SandboxServer) -> None:
    """What a caller shows this server is not shown to the provider, nor is any other header of theirs."""
    caller.get("/proxy/users", params=ACME, headers={"cookie": "session=mine", "x-mine": "1"})
    [request] = server.requests.matching("/users")
    assert caller.headers["authorization"] not in str(request.headers)
    assert not {"cookie", "x-mine"} & {name.lower() for name in request.headers}


@pytest.mark.parametrize(
    "path",
    [
        "//elsewhere.example/x",
        "https://elsewhere.example/x",
        "%2F%2Felsewhere.example/x",
        "/\\elsewhere.example",
    ],
)
def test_no_other_origin(caller: httpx.Client, server: SandboxServer, path: str) -> None:
    """Whatever the path looks like, nothing but the connection's own origin is asked."""
    answer = caller.get(f"/proxy/{path}", params=ACME)
    assert 400 <= answer.status_code < 500
    assert all(request.path.startswith("/api/v1/") for request in server.requests)


@pytest.mark.parametrize("path", ["%2e%2e/%2e%2e/secret", "a/%2E%2E%2Fsecret", "a/%2e/b"])
def test_nothing_above_the_api(api: Api, server: SandboxServer, path: str) -> None:
    """A path does not climb out of the API."""
    target = f"/proxy/{path}?integrated_account_id=acme"
    with api.caller(ALL) as caller:
        request = caller.build_request("GET", "/")
        request.url = request.url.copy_with(raw_path=target.encode())
        answer = caller.send(request)
    assert (answer.status_code, len(server.requests)) == (400, 0)


def test_a_body_arrives(caller: httpx.Client, server: SandboxServer) -> None:
    """What is sent goes through byte by byte, with its type, and once."""
    server.faults.add(Rule(Reply(201, {"id": "77"}), path="/usersignup", method="POST"))
    answer = caller.post("/proxy/usersignup", params=ACME, json={"first_name": "Ana"})
    assert (answer.status_code, answer.json()) == (201, {"id": "77"})
    [request] = server.requests.matching("/usersignup")
    assert request.body == b'{"first_name":"Ana"}'
    assert request.headers["content-type"] == "application/json"


def test_what_may_have_been_done_is_not_sent_again(caller: httpx.Client, server: SandboxServer) -> None:
    """A write that the provider answers with a server error is not repeated."""
    server.faults.add(Rule(Reply(500, {"error": {"message": "Oops"}}), path="/usersignup", method="POST"))
    answer = caller.post("/proxy/usersignup", params=ACME, json={})
    assert (answer.status_code, answer.json()["is_remote_error"]) == (502, True)
    assert len(server.requests.matching("/usersignup")) == 1


def test_the_next_page_leads_through_the_server(api: Api, monkeypatch: pytest.MonkeyPatch, acme: str) -> None:
    """Where the provider names the next page in a header, the header leads here, and so on to the end."""
    with SandboxServer(World(), "canvas") as canvas:
        configure(monkeypatch, "leaf", canvas)
        with api.caller(ALL) as caller:
            ids, url = [], "/proxy/accounts/self/users?integrated_account_id=leaf&per_page=10"
            while url:
                answer = caller.get(url)
                ids += [one["id"] for one in answer.json()]
                url = answer.links.get("next", {}).get("url", "")
                assert canvas.base_url not in str(answer.headers)
    assert len(ids) == len(set(ids)) == 26


def test_an_answer_that_is_no_json(acme: str, tmp_path: Path, server: SandboxServer) -> None:
    """What secrets cannot be cut out of is not passed on."""
    server.faults.add(Rule(Reply(200, b"<login_key>secret</login_key>"), path="/users"))
    with served(tmp_path, tries=1) as api, api.caller(ALL) as caller:
        answer = caller.get("/proxy/users", params=ACME)
    assert (answer.status_code, "secret" in answer.text) == (502, False)
