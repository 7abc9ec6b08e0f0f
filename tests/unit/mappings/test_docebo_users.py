"""The Docebo mapping of users, on payloads written from the provider's notes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

MapRecord = Callable[..., dict[str, Any]]

LISTED: dict[str, Any] = {
    "user_id": "13009",
    "username": "r.okafor",
    "first_name": "Ruth",
    "last_name": "Okafor",
    "fullname": "Ruth Okafor",
    "email": "ruth@example.org",
    "uuid": "0b3c",
    "is_manager": False,
    "status": "1",
    "level": "user",
    "language": "English",
    "lang_code": "english",
    "timezone": "Asia/Kolkata",
    "creation_date": "2024-07-23 16:24:18",
    "last_update": "2025-08-08 16:59:58",
    "last_access_date": "2025-08-08 17:55:23",
    "expiration_date": "2027-01-01 00:00:00",
    "expired": False,
    "field_1": None,
    "field_2": "Blue team",
    "field_3": "",
    "field_14": "North",
    "manager_names": {
        "1": {"manager_title": "Direct Manager", "manager_name": "Ada Lee", "manager_username": "ada"},
        "2": {"manager_title": "Mentor", "manager_name": None, "manager_username": None},
    },
    "managers": [],
    "actions": ["edit"],
}
SINGLE: dict[str, Any] = {
    "user_id": 13009,
    "username": "r.okafor",
    "first_name": "Ruth",
    "last_name": "Okafor",
    "email": "ruth@example.org",
    "valid": 1,
    "level": "user",
    "language": "english",
    "timezone": "Asia/Kolkata",
    "expiration": "2027-01-01 00:00:00",
    "manager_first_name": "Ada",
    "manager_last_name": "Lee",
    "manager_username": "ada",
    "additional_fields": [
        {"id": 1, "title": "Company", "value": None},
        {"id": 2, "title": "Team", "value": "Blue team"},
        {"id": 3, "title": "Desk", "value": ""},
        {
            "id": 14,
            "title": "Region",
            "value": 2,
            "options": [{"id": 1, "label": "South"}, {"id": 2, "label": "North"}],
        },
    ],
}


@pytest.fixture
def user(map_docebo: MapRecord) -> MapRecord:
    """The mapping of `LISTED` with changes."""
    return lambda **changes: map_docebo("users", LISTED | changes)


def test_a_user_as_listed(user: MapRecord) -> None:
    """A list item becomes the unified user, with nothing that the provider does not give."""
    assert user() == {
        "id": "13009",
        "first_name": "Ruth",
        "last_name": "Okafor",
        "name": "Ruth Okafor",
        "username": "r.okafor",
        "emails": [{"email": "ruth@example.org", "type": None, "is_primary": True}],
        "status": "active",
        "status_source": "1",
        "role": "learner",
        "role_source": "user",
        "locale": "en",
        "timezone": "Asia/Kolkata",
        "manager": {"name": "Ada Lee"},
        "created_at": "2024-07-23T16:24:18Z",
        "updated_at": "2025-08-08T16:59:58Z",
        "custom_fields": {"field_2": "Blue team", "field_14": "North", "expires_at": "2027-01-01T00:00:00Z"},
    }


def test_the_single_record_gives_the_row_of_the_list(user: MapRecord, map_docebo: MapRecord) -> None:
    """Other names, the same values; only the three fields that the single record does not have are missing."""
    only_listed = {"name", "created_at", "updated_at"}
    assert map_docebo("users", SINGLE) == {
        key: value for key, value in user().items() if key not in only_listed
    }


@pytest.mark.parametrize(
    ("value", "status", "source"),
    [
        ("1", "active", "1"),
        (1, "active", "1"),
        (True, "active", "true"),
        ("0", "suspended", "0"),
        (0, "suspended", "0"),
        (False, "suspended", "false"),
        ("2", "unknown", "2"),
    ],
)
def test_status(user: MapRecord, value: Any, status: str, source: str) -> None:
    """1 is unsuspended and 0 suspended, as text, number or flag; anything else is unknown and kept."""
    found = user(status=value)
    assert (found["status"], found["status_source"]) == (status, source)


@pytest.mark.parametrize("nothing", [None, ""])
def test_no_status_is_null(user: MapRecord, nothing: str | None) -> None:
    """A user without a status, as the pending ones are, is not called unknown."""
    found = user(status=nothing)
    assert (found.get("status"), found.get("status_source")) == (None, None)


@pytest.mark.parametrize(
    ("level", "role", "source"),
    [
        ("godadmin", "admin", "godadmin"),
        ("poweruser", "manager", "poweruser"),
        ("user", "learner", "user"),
        (3, "admin", "3"),
        ("4", "manager", "4"),
        (6, "learner", "6"),
        ("Auditor", "other", "Auditor"),
    ],
)
def test_role(user: MapRecord, level: Any, role: str, source: str) -> None:
    """The level decides the role, by word or number; another one is other, and kept."""
    found = user(level=level)
    assert (found["role"], found["role_source"]) == (role, source)


@pytest.mark.parametrize(
    ("code", "label", "locale"),
    [
        ("italian", "Italiano", "it"),
        ("en", None, "en"),
        ("pt-br", None, "pt-br"),
        ("klingon", "tlhIngan Hol", None),
        (None, "German", "de"),
        ("", "", None),
    ],
)
def test_locale(user: MapRecord, code: str | None, label: str | None, locale: str | None) -> None:
    """A word or a browser's code; a language that leaves a doubt is null."""
    assert user(lang_code=code, language=label).get("locale") == locale


@pytest.mark.parametrize(
    ("zone", "expected"),
    [("Europe/Sofia", "Europe/Sofia"), ("UTC", "UTC"), ("(GMT+1) Rome", None), ("", None), (None, None)],
)
def test_timezone(user: MapRecord, zone: str | None, expected: str | None) -> None:
    """An IANA name is kept, nothing else is turned into one."""
    assert user(timezone=zone).get("timezone") == expected


@pytest.mark.parametrize("nothing", ["0000-00-00 00:00:00", "", None])
def test_zero_dates_are_null(user: MapRecord, nothing: str | None) -> None:
    """The database's zero-date is no date, and neither is an empty one."""
    found = user(creation_date=nothing, last_update=nothing, expiration_date=nothing)
    assert (found.get("created_at"), found.get("updated_at")) == (None, None)
    assert "expires_at" not in found["custom_fields"]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2025-10-03", "2025-10-03T00:00:00Z"),
        ("2025-10-03T12:00:00Z", "2025-10-03T12:00:00Z"),
        ("2025-02-30 12:00:00", "2025-02-30T12:00:00Z"),
        ("3 Oct 2025", "3 Oct 2025"),
    ],
)
def test_other_dates_are_not_lost(user: MapRecord, text: str, instant: str) -> None:
    """A day is midnight in UTC; what is no date or is written otherwise goes on to the check, which reports it."""
    assert user(last_update=text)["updated_at"] == instant


@pytest.mark.parametrize("names", [{}, [], None, {"1": {"manager_name": None}}, {"2": {"manager_name": "M"}}])
def test_no_direct_manager_is_null(user: MapRecord, names: Any) -> None:
    """Managers of other kinds are not the manager; an empty list is what PHP makes of no managers."""
    assert user(manager_names=names).get("manager") is None


@pytest.mark.parametrize("login", ["ruth@example.org", "", None])
def test_username_is_a_login_of_its_own(user: MapRecord, login: str | None) -> None:
    """A login that is the address, or none, is no username."""
    assert user(username=login).get("username") is None


@pytest.mark.parametrize("nothing", [None, ""])
def test_empty_texts_are_null(user: MapRecord, nothing: str | None) -> None:
    """Empty names and addresses are absent, not empty."""
    found = user(first_name=nothing, last_name=nothing, fullname=nothing, email=nothing)
    assert [found.get(field) for field in ("first_name", "last_name", "name", "emails")] == [None] * 4


def test_an_option_that_is_not_listed_keeps_its_number(map_docebo: MapRecord) -> None:
    """A dropdown's value whose option is unknown stays as it came."""
    field = {"id": 14, "title": "Region", "value": "9", "options": [{"id": 1, "label": "South"}]}
    found = map_docebo("users", SINGLE | {"additional_fields": [field], "expiration": None})
    assert found["custom_fields"] == {"field_14": "9"}


def test_no_custom_field_is_null(user: MapRecord) -> None:
    """Empty custom fields leave no object behind, and other keys are none."""
    found = user(field_2="", field_14=None, expiration_date=None, field_labels="x")
    assert "custom_fields" not in found
