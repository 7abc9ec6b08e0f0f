"""The Moodle mapping of users, on payloads written from the provider's notes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

MapRecord = Callable[..., dict[str, Any]]

USER: dict[str, Any] = {
    "id": 71,
    "username": "r.okafor",
    "firstname": "Ruth",
    "lastname": "Okafor",
    "fullname": "Ruth Okafor",
    "email": "ruth@example.org",
    "department": "",
    "institution": "Okafor & Sons",
    "idnumber": "EMP-71",
    "firstaccess": 1735837075,
    "lastaccess": 1795190214,
    "auth": "manual",
    "suspended": False,
    "confirmed": True,
    "lang": "en",
    "theme": "",
    "timezone": "Africa/Lagos",
    "country": "NG",
    "customfields": [
        {"type": "text", "value": "Nurse", "name": "Job title", "shortname": "jobtitle"},
        {"type": "checkbox", "value": "0", "name": "Works remotely", "shortname": "remote"},
        {"type": "datetime", "value": "1787007600", "name": "Hire date", "shortname": "hiredate"},
        {"type": "datetime", "value": "0", "name": "Left on", "shortname": "left"},
    ],
}


@pytest.fixture
def user(map_moodle: MapRecord) -> MapRecord:
    """The mapping of `USER` with changes."""
    return lambda **changes: map_moodle("users", USER | changes)


def test_a_user(user: MapRecord) -> None:
    """An entry of a search for users becomes the unified user."""
    assert user() == {
        "id": "71",
        "first_name": "Ruth",
        "last_name": "Okafor",
        "name": "Ruth Okafor",
        "username": "r.okafor",
        "emails": [{"email": "ruth@example.org", "type": None, "is_primary": True}],
        "status": "active",
        "locale": "en",
        "timezone": "Africa/Lagos",
        "organization": {"name": "Okafor & Sons"},
        "custom_fields": {
            "idnumber": "EMP-71",
            "country": "NG",
            "jobtitle": "Nurse",
            "remote": "0",
            "hiredate": "2026-08-17T23:00:00Z",
        },
    }


def test_a_user_with_next_to_nothing(map_moodle: MapRecord) -> None:
    """Keys of empty values are left out by the site, and null here; of the status nothing is known."""
    found = map_moodle("users", {"id": 5, "firstname": "李", "lastname": " ", "department": ""})
    assert found == {"id": "5", "first_name": "李", "custom_fields": {}}


@pytest.mark.parametrize(
    ("changes", "status", "source"),
    [
        ({}, "active", None),
        ({"suspended": True}, "suspended", "suspended"),
        ({"suspended": True, "confirmed": False, "auth": "nologin"}, "suspended", "suspended"),
        ({"confirmed": False}, "inactive", "unconfirmed"),
        ({"auth": "nologin"}, "inactive", "nologin"),
        ({"suspended": None}, None, None),
    ],
)
def test_status(user: MapRecord, changes: dict[str, Any], status: str | None, source: str | None) -> None:
    """Suspended goes first, and an account that cannot be used is inactive."""
    found = user(**changes)
    assert (found.get("status"), found.get("status_source")) == (status, source)


def test_who_cannot_be_seen_is_not_taken_for_active(map_moodle: MapRecord) -> None:
    """A weak account is told who is suspended, and of others not whether they can log in."""
    seen = {"id": 5, "firstname": "Ada", "lastname": "O", "email": "ada@example.org", "department": ""}
    assert map_moodle("users", seen | {"suspended": True})["status"] == "suspended"
    assert "status" not in map_moodle("users", seen | {"suspended": False})


def test_the_login_is_left_out_where_it_is_the_address(user: MapRecord) -> None:
    """The model's username is the login where it differs from the e-mail address."""
    assert "username" not in user(username="ruth@example.org")


@pytest.mark.parametrize(
    ("code", "locale"),
    [
        ("de", "de"),
        ("pt_br", "pt-BR"),
        ("zh_cn", "zh-CN"),
        ("ast", "ast"),
        ("sr_lt", None),
        ("de_kids", None),
        ("", None),
        (5, None),
    ],
)
def test_languages(user: MapRecord, code: Any, locale: str | None) -> None:
    """Codes of language packs become BCP 47 where they are a language, or one and a country."""
    assert user(lang=code).get("locale") == locale


@pytest.mark.parametrize(
    ("given", "zone"),
    [("99", None), ("Europe/Madrid", "Europe/Madrid"), ("UTC", "UTC"), ("5.5", None), (99, None)],
)
def test_time_zones(user: MapRecord, given: Any, zone: str | None) -> None:
    """99 is the site's own zone, which the answer does not tell; offsets are no zones."""
    assert user(timezone=given).get("timezone") == zone


def test_telephones(user: MapRecord) -> None:
    """Two fields, the second of which is for the mobile phone."""
    assert user(phone2="555 0100")["phones"] == [{"number": "555 0100", "extension": None, "type": "mobile"}]
    both = user(phone1="555 0101", phone2="555 0100")["phones"]
    assert [(one["number"], one["type"]) for one in both] == [("555 0101", None), ("555 0100", "mobile")]
    assert "phones" not in user()


@pytest.mark.parametrize("identifier", [None, [], {}, True])
def test_an_id_that_is_none_is_not_made_one(user: MapRecord, identifier: Any) -> None:
    """What cannot be an id stays as it is, for the check to reject."""
    assert user(id=identifier).get("id") == identifier


def test_a_custom_field_alone(user: MapRecord) -> None:
    """A list of one field is read as well (JSONata collapses lists of one)."""
    only = [{"type": "menu", "value": "Intern", "displayvalue": "Intern", "shortname": "contract"}]
    assert user(customfields=only)["custom_fields"]["contract"] == "Intern"
