"""What is refused before anything is asked of a provider, and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from sources.unified_lms.manifest import parse_manifest
from sources.unified_lms.writing.intents import Intent, Refused, checked, refuse_fields

MANIFEST = parse_manifest(
    """
provider: example
title: Example
auth: [{type: bearer, token: x}]
endpoints:
  people: {path: /people}
  add: {method: POST, path: /people, json: "{args.person}"}
  change: {method: PATCH, path: "/people/{args.id}", json: "{args.person}"}
resources:
  users:
    identify: record.id
    read: [{endpoint: people}]
    writes:
      keys: [username, emails]
      create: {fields: [username, first_name, job_title], required: [username], calls: [add], id: body.id}
      update: {fields: [first_name, job_title], clears: [job_title], calls: [change]}
""",
    "example.yaml",
)


def refusal(intent: Intent) -> str:
    """The sentence that refuses an intent."""
    with pytest.raises(Refused) as refused:
        checked(MANIFEST, intent)
    return str(refused.value)


@pytest.mark.parametrize(
    ("intent", "said"),
    [
        (Intent("learners", "create", None, {"username": "a"}), "'learners' is no resource"),
        (Intent("users", "insert", None, {"username": "a"}), "'insert' is no operation"),
        (Intent("users", "create", "5", {"username": "a"}), "has an id, which the provider gives"),
        (Intent("users", "update", "5", {}), "names no field to write"),
        (Intent("users", "update", "5", {"firstname": "A"}), "'firstname' is no field of users"),
        (Intent("users", "update", "5", {"id": "6"}), "'id' is no field of users that can be written"),
        (Intent("users", "update", "5", {"status": "on holiday"}), "status: "),
        (Intent("users", "update", None, {"first_name": "A"}), "give its id, or one of username, emails"),
        (Intent("users", "delete", "5"), "example cannot delete users; it can create, update them"),
        (
            Intent("courses", "create", None, {"title": "A"}),
            "example cannot create courses; it can only read them",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(intent: Intent, said: str) -> None:
    """The sentence names the resource, operation or field, and what would be right."""
    assert said in refusal(intent)


def test_values_are_those_of_the_model() -> None:
    """A timestamp in another zone is the same instant in UTC; an explicit null stays one."""
    found = checked(
        MANIFEST,
        Intent("users", "update", "5", {"created_at": "2026-03-01T12:00:00+01:00", "job_title": None}),
    )
    assert found.payload == {"created_at": "2026-03-01T11:00:00Z", "job_title": None}


@pytest.mark.parametrize(
    ("operation", "payload", "said"),
    [
        ("create", {"first_name": "A"}, "example cannot create users without username"),
        ("create", {"username": "a", "locale": "en"}, "example cannot set locale"),
        ("update", {"username": "a"}, "example cannot set username"),
        ("update", {"first_name": None}, "example cannot clear first_name of users"),
    ],
)
def test_fields_that_the_provider_cannot_take_are_refused(
    operation: str, payload: dict[str, Any], said: str
) -> None:
    """By name, before any request."""
    with pytest.raises(Refused, match=said):
        refuse_fields(MANIFEST, "users", operation, payload)


def test_a_field_that_can_be_cleared_is_no_problem() -> None:
    """An explicit null of a field under `clears` goes through."""
    refuse_fields(MANIFEST, "users", "update", {"job_title": None})
