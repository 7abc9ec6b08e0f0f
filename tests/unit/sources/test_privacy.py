"""Fields that a connection drops or hashes: which places a name means, what is refused, and what becomes of values."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import orjson
import pyarrow as pa
import pytest

from mappings.model import RESOURCES
from mappings.schemas import arrow_schema
from sources.unified_lms.privacy import Place, Privacy, places, problems, protect

KEY = "a key of enough characters"


def hashed(value: str) -> str:
    """HMAC-SHA256 (RFC 2104) of a text under `KEY`, as the standard library makes it."""
    return hmac.new(KEY.encode(), value.encode(), hashlib.sha256).hexdigest()


def protected(
    resource: str, row: dict[str, Any], privacy: Privacy, raw: Any = None
) -> tuple[dict[str, Any], Any]:
    """One row of a resource, and its provider's record, after protection; other columns are null."""
    table = pa.Table.from_pylist([row], schema=arrow_schema(RESOURCES[resource]))
    records = None if raw is None else pa.array([orjson.dumps(raw).decode()])
    made, record = protect(table, records, RESOURCES[resource], privacy)
    return made.to_pylist()[0], None if record is None else orjson.loads(record.to_pylist()[0])


def test_users_field_means_every_person() -> None:
    """`emails` are those of users, of their managers and of who is enrolled."""
    assert set(places("emails")) == {
        Place("users", "emails"),
        Place("users", "manager__emails"),
        Place("course_enrollments", "user__emails"),
    }


def test_name_means_persons_and_no_organisation() -> None:
    """`name` is a person's: not that of an organisation, which has one as well."""
    assert {place.column for place in places("name")} == {
        "name",
        "manager__name",
        "user__name",
        "assigned_by__name",
    }


def test_field_of_one_resource() -> None:
    """With its resource before it a field is that one alone."""
    assert places("users.emails") == (Place("users", "emails"),)


@pytest.mark.parametrize(
    ("privacy", "sentence"),
    [
        (
            Privacy(drop=("phonse",)),
            "drop names 'phonse', which is no field of the model; did you mean 'phones'?",
        ),
        (Privacy(drop=("users.id",)), "users are told apart by id"),
        (Privacy(drop=("user",)), "course_enrollments are told apart by user.id"),
        (
            Privacy(hash=("created_at",), hash_key=KEY),
            "created_at of users is no text that can be hashed; drop it",
        ),
        (Privacy(hash=("status",), hash_key=KEY), "status of users is no text that can be hashed"),
        (Privacy(hash=("emails",)), "hash_key is missing"),
        (Privacy(hash=("emails",), hash_key="short"), "hash_key is too short"),
        (Privacy(("emails",), ("emails",), (), KEY), "drop and hash both name 'emails'"),
    ],
)
def test_what_cannot_be_is_refused(privacy: Privacy, sentence: str) -> None:
    """Wrong names, what identifies a record, what is no text, and a key that is none."""
    assert any(sentence in problem for problem in problems(privacy))


def test_right_ones_are_not_refused() -> None:
    """Names of the model, custom fields by key, and a long key."""
    privacy = Privacy(("phones", "custom_fields.ssn", "manager"), ("users.username",), ("login",), KEY)
    assert list(problems(privacy)) == []


def test_dropped_field_is_null_with_its_source() -> None:
    """A dropped enum takes the provider's word with it."""
    row, _ = protected(
        "users", {"id": "1", "role": "admin", "role_source": "Chief"}, Privacy(("role", "phones"))
    )
    assert (row["role"], row["role_source"], row["id"]) == (None, None, "1")


def test_hashed_text_and_list() -> None:
    """A text is its keyed hash; in a list every value is, and what kind of address it is stays."""
    emails = '[{"email": "ann@example.com", "type": "work", "is_primary": true}]'
    row, _ = protected(
        "users",
        {"id": "1", "username": "ann", "emails": emails},
        Privacy((), ("username", "emails"), (), KEY),
    )
    assert row["username"] == hashed("ann")
    assert orjson.loads(row["emails"]) == [
        {"email": hashed("ann@example.com"), "type": "work", "is_primary": True}
    ]


def test_same_value_is_the_same_hash_elsewhere() -> None:
    """A hashed address joins a user to the enrolments."""
    privacy, emails = Privacy((), ("emails",), (), KEY), '[{"email": "ann@example.com"}]'
    user, _ = protected("users", {"id": "1", "emails": emails}, privacy)
    enrolment, _ = protected("course_enrollments", {"id": "1", "user__emails": emails}, privacy)
    assert user["emails"] == enrolment["user__emails"]


def test_key_of_custom_fields() -> None:
    """One custom field is dropped, another hashed, the others stay; where none is left the column is null."""
    fields = '{"ssn": "078-05-1120", "team": "blue", "badge": 7}'
    privacy = Privacy(("custom_fields.ssn",), ("custom_fields.badge",), (), KEY)
    row, _ = protected("users", {"id": "1", "custom_fields": fields}, privacy)
    assert orjson.loads(row["custom_fields"]) == {"team": "blue", "badge": hashed("7")}
    row, _ = protected("users", {"id": "1", "custom_fields": '{"ssn": "1"}'}, privacy)
    assert row["custom_fields"] is None


def test_providers_record_loses_the_same_values() -> None:
    """What was dropped is null and what was hashed is its hash, under whatever name the provider gives it."""
    row = {"id": "1", "username": "ann", "job_title": "Quartermaster", "phones": '[{"number": "5550100"}]'}
    privacy = Privacy(("job_title", "phones"), ("username",), ("internal_note",), KEY)
    raw = {
        "id": 1, "login": "ann", "bio": "The Quartermaster of old", "tel": 5550100, "deep": [{"internal_note": "x"}],
        "kept": "plain",
    }  # fmt: skip
    _, record = protected("users", row, privacy, raw)
    assert record == {
        "id": 1,
        "login": hashed("ann"),
        "bio": None,
        "tel": None,
        "deep": [{}],
        "kept": "plain",
    }


def test_key_shows_nowhere_and_changes_the_digest() -> None:
    """The key is in no repr, and another key is another digest: the next run reads everything."""
    one, other = Privacy((), ("emails",), (), KEY), Privacy((), ("emails",), (), KEY + "2")
    assert KEY not in repr(one)
    assert one.digest != other.digest
