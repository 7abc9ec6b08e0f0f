"""The vendors' own answers to writes, which are not part of the project: ids, errors, and the sandbox beside them.

The folder that holds them (`<folder>/<provider>/samples/*.json`) is named by LMS_VENDOR_SAMPLES.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from mappings import engine
from sources.unified_lms.client import Client
from sources.unified_lms.connection import Connection, Secret
from sources.unified_lms.errors import Invalid
from sources.unified_lms.manifest import load_manifest
from sources.unified_lms.sandbox import SandboxServer, World
from tests.unit.sources.conftest import FakeTime, Provider, fake_time, provider

__all__ = ["fake_time", "provider"]

SAMPLES = os.environ.get("LMS_VENDOR_SAMPLES")

pytestmark = pytest.mark.skipif(
    not SAMPLES or not all((Path(SAMPLES) / name).is_dir() for name in ("talentlms", "canvas")),
    reason="LMS_VENDOR_SAMPLES names no folder with the vendors' samples of TalentLMS and Canvas",
)


def sample(name: str) -> Any:
    """One of the vendors' answers, `<provider>/<name>`."""
    folder, file = name.split("/")
    return json.loads((Path(SAMPLES or "") / folder / "samples" / f"{file}.json").read_text())


def shape(value: Any) -> Any:
    """The keys of an answer and the kinds of its values; custom fields are each portal's own."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items() if not key.startswith("custom_field_")}
    return [shape(item) for item in value] if isinstance(value, list) else type(value).__name__


@pytest.mark.parametrize(
    ("resource", "name", "made"),
    [("users", "usersignup_response", "40457"), ("courses", "createcourse_response", "123")],
)
def test_the_id_of_what_was_made_is_text(resource: str, name: str, made: str) -> None:
    """TalentLMS answers with a number, which is the text by which the record is read."""
    create = load_manifest("talentlms").resources[resource].writes.create
    assert create is not None
    seen = {"body": sample(f"talentlms/{name}"), "record": {}}
    assert engine.compile(create.id or "").evaluate(seen) == made
    assert engine.reference_evaluate(create.id or "", seen) == made


@pytest.fixture
def portal() -> Iterator[httpx.Client]:
    """A TalentLMS sandbox in which there is a course 1 with user 9 in it."""
    world = World()
    made = world.create_course("Sample Course", category_id=1)
    world.add_course(replace(made, id=1))
    world.enrol(1, 9)
    with SandboxServer(world, "talentlms") as server:
        auth = (server.credentials["api_key"], "")
        with httpx.Client(base_url=f"{server.base_url}/api/v1/", auth=auth, trust_env=False) as http:
            yield http


USER = {
    "login": "john",
    "first_name": "John",
    "last_name": "Smith",
    "email": "john@example.org",
    "password": "Passw0rd",
}


@pytest.mark.parametrize(
    ("method", "path", "form"),
    [
        ("POST", "usersignup", USER),
        ("POST", "edituser", {"user_id": "9", "login": "johnsmith"}),
        ("GET", "usersetstatus/user_id:9,status:inactive", None),
        ("POST", "createcourse", {"name": "Sample Course", "category_id": "1"}),
        ("POST", "addusertocourse", {"user_id": "10", "course_id": "1"}),
        ("GET", "removeuserfromcourse/user_id:9,course_id:1", None),
        ("POST", "deleteuser", {"user_id": "11"}),
        ("POST", "deletecourse", {"course_id": "1"}),
    ],
)
def test_the_sandbox_answers_as_the_portal_did(
    portal: httpx.Client, method: str, path: str, form: dict[str, str] | None
) -> None:
    """With the same keys and the same kinds of values."""
    recorded = sample(f"talentlms/{path.partition('/')[0]}_response")
    answer = portal.request(method, path, data=form).json()
    assert shape(answer) == shape(recorded)


@pytest.fixture
def canvas(provider: Provider, fake_time: FakeTime) -> Iterator[Client]:
    """A client whose provider answers what it is told."""
    connection = Connection("acme", "canvas", provider.url, {"access_token": Secret("planted")})
    with Client(load_manifest("canvas"), connection, timing=fake_time.timing, tries=1) as client:
        yield client


def test_a_login_that_is_taken_is_told_in_canvas_own_words(canvas: Client, provider: Provider) -> None:
    """The words about the login go before those about the rest of the user."""
    body = json.dumps(sample("canvas/error_create_user_400_login_taken")).encode()
    provider.script((400, {}, body))
    with pytest.raises(Invalid) as caught:
        canvas.call("user_create", {"args": {"body": {"pseudonym": {"unique_id": "x"}}}})
    words = "ID already in use for this account and authentication provider"
    assert caught.value.provider_message == words
    assert "Another user has this login" in str(caught.value)


def test_the_sandbox_refuses_a_login_as_canvas_does() -> None:
    """The whole body is the recorded one."""
    with SandboxServer(World(), "canvas") as server:
        answer = httpx.post(
            f"{server.base_url}/api/v1/accounts/self/users",
            headers={"Authorization": f"Bearer {server.credentials['access_token']}"},
            json={"pseudonym": {"unique_id": "bjorn"}},
            trust_env=False,
        )
    assert (answer.status_code, answer.json()) == (400, sample("canvas/error_create_user_400_login_taken"))
