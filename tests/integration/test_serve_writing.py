"""Unified writes over HTTP: what the provider has then, what a repeated key means, and the line that says who."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from sources.unified_lms.sandbox import Rule, SandboxServer
from sources.unified_lms.sandbox.faults import CutConnection, Do
from tests.integration.serving import ALL, Api, held

ACME = {"integrated_account_id": "acme"}
ANA = {
    "first_name": "Ana",
    "last_name": "Ruiz",
    "username": "ana.ruiz",
    "emails": [{"email": "ana.ruiz@example.org"}],
}


@pytest.fixture
def caller(api: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """A caller that may write, through a connection that allows it."""
    monkeypatch.setenv("CONNECTIONS__ACME__WRITES__ALLOW", "*")
    with api.caller(ALL) as client:
        yield client


def _create(caller: httpx.Client, payload: Any = ANA, key: str | None = None) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return caller.post("/unified/lms/users", params=ACME, json=payload, headers=headers)


def _sent(server: SandboxServer) -> int:
    return len([one for one in server.requests if one.method == "POST"])


def test_create(caller: httpx.Client) -> None:
    """What is created is answered with 201 and the record as a read has it."""
    answer = _create(caller)
    assert (answer.status_code, answer.headers["x-lms-action"]) == (201, "create")
    record = answer.json()
    assert (record["first_name"], record["emails"][0]["email"]) == ("Ana", "ana.ruiz@example.org")
    assert caller.get(f"/unified/lms/users/{record['id']}", params=ACME).json() == record
    assert "login_key" not in answer.text


def test_update(caller: httpx.Client) -> None:
    """A change is answered with the record as it is then."""
    answer = caller.patch("/unified/lms/users/6", params=ACME, json={"last_name": "Changed"})
    assert (answer.status_code, answer.json()["last_name"]) == (200, "Changed")


def test_what_is_so_already(caller: httpx.Client, server: SandboxServer) -> None:
    """A change that changes nothing sends nothing."""
    name = caller.get("/unified/lms/users/6", params=ACME).json()["last_name"]
    answer = caller.patch("/unified/lms/users/6", params=ACME, json={"last_name": name})
    assert (answer.status_code, answer.headers["x-lms-action"], _sent(server)) == (200, "skip", 0)


def test_delete(caller: httpx.Client) -> None:
    """What is deleted is answered with its id alone."""
    record_id = _create(caller).json()["id"]
    answer = caller.delete(f"/unified/lms/users/{record_id}", params=ACME)
    assert (answer.status_code, answer.json()) == (200, {"id": record_id})


def test_what_the_connection_does_not_allow(api: Api, server: SandboxServer) -> None:
    """A key allows no more than the connection does."""
    with api.caller(ALL) as caller:
        answer = caller.patch("/unified/lms/users/6", params=ACME, json={"last_name": "Changed"})
    assert (answer.status_code, _sent(server)) == (422, 0)
    assert "may not update users" in answer.json()["message"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"', b"\xff"])
def test_a_body_that_is_no_record(caller: httpx.Client, server: SandboxServer, body: bytes) -> None:
    """A body has to be an object."""
    answer = caller.post("/unified/lms/users", params=ACME, content=body)
    assert (answer.status_code, len(server.requests)) == (400, 0)


def test_a_repeated_key_does_it_once(caller: httpx.Client, server: SandboxServer) -> None:
    """The same write with the same key gets the first answer, and nothing is sent again."""
    first, again = _create(caller, key="one"), _create(caller, key="one")
    assert (first.status_code, again.status_code, first.json()) == (201, 201, again.json())
    assert again.headers["idempotent-replayed"] == "true"
    assert _sent(server) == 1


def test_a_key_stands_for_one_write(caller: httpx.Client, server: SandboxServer) -> None:
    """Another write with the same key is refused."""
    _create(caller, key="one")
    answer = _create(caller, ANA | {"first_name": "Bea"}, key="one")
    assert (answer.status_code, _sent(server)) == (422, 1)


def test_keys_of_two_callers_are_two(caller: httpx.Client, api: Api) -> None:
    """One caller's key says nothing to another."""
    _create(caller, key="one")
    with api.caller(ALL) as other:
        assert "idempotent-replayed" not in _create(other, key="one").headers


def test_a_key_under_way(caller: httpx.Client, server: SandboxServer) -> None:
    """While the first is under way a second with its key is told so."""
    asked, go_on = threading.Event(), threading.Event()
    slow = Do(lambda: held(asked, go_on))
    server.faults.add(Rule(slow, method="POST", hits=(1,)))
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(_create, caller, ANA, "one")
        assert asked.wait(20)
        second = _create(caller, key="one")
        go_on.set()
    assert (first.result().status_code, second.status_code) == (201, 409)


def test_a_lost_answer_is_looked_for(caller: httpx.Client, server: SandboxServer) -> None:
    """Where the answer to a create is lost, what was made is found, and not made again."""
    before = len(server.world.people)
    server.faults.add(Rule(CutConnection(), method="POST", hits=(1,)))
    answer = _create(caller, key="one")
    assert answer.status_code in (200, 201)
    assert len(server.world.people) == before + 1


def test_the_audit_line(caller: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    """A write leaves who, what, where and how it ended, and nothing of the record or the key."""
    with caplog.at_level(logging.INFO, "pipelines.serve.audit"):
        _create(caller, key="one")
    [line] = [one.getMessage() for one in caplog.records if one.name == "pipelines.serve.audit"]
    for word in ("POST '/unified/lms/users'", "'acme'", "'one'", "201", "'test'"):
        assert word in line
    assert "ana.ruiz" not in caplog.text
    assert caller.headers["authorization"].split()[1] not in caplog.text


def test_a_refused_write_is_in_the_audit(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    """Who tried and was refused is on record as well."""
    with caplog.at_level(logging.INFO, "pipelines.serve.audit"), api.caller() as caller:
        assert _create(caller).status_code == 403
    assert "403" in caplog.records[-1].getMessage()
