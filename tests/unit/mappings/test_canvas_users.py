"""The Canvas mapping of users, on payloads written from the provider's notes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

MapRecord = Callable[..., dict[str, Any]]

USER: dict[str, Any] = {
    "id": "21070000000000079",
    "name": "Ruth Okafor",
    "created_at": "2020-05-15T03:25:35Z",
    "sortable_name": "Okafor, Ruth",
    "short_name": "Ruth",
    "first_name": "Ruth",
    "last_name": "Okafor",
    "sis_user_id": "S-71",
    "integration_id": None,
    "login_id": "r.okafor",
    "email": "ruth@example.org",
    "locale": "en-GB",
    "time_zone": "Europe/London",
}


@pytest.fixture
def user(map_canvas: MapRecord) -> MapRecord:
    """The mapping of `USER` with changes, without the keys in `lacking`."""

    def run(*, joined: Any = None, lacking: tuple[str, ...] = (), **changes: Any) -> dict[str, Any]:
        record = {key: value for key, value in (USER | changes).items() if key not in lacking}
        return map_canvas("users", record, joined=joined)

    return run


def test_a_user(user: MapRecord) -> None:
    """An entry of the account's users becomes the unified user."""
    assert user() == {
        "id": "21070000000000079",
        "first_name": "Ruth",
        "last_name": "Okafor",
        "name": "Ruth Okafor",
        "username": "r.okafor",
        "emails": [{"email": "ruth@example.org", "type": None, "is_primary": True}],
        "status": "active",
        "locale": "en-GB",
        "timezone": "Europe/London",
        "created_at": "2020-05-15T03:25:35Z",
        "custom_fields": {"sis_user_id": "S-71"},
    }


def test_what_the_token_may_not_see_is_null(user: MapRecord) -> None:
    """Keys that are absent for lack of a permission give nothing, and do not harm the rest."""
    lacking = ("email", "login_id", "sis_user_id", "integration_id", "locale", "time_zone")
    found = user(lacking=lacking)
    assert found["id"] == "21070000000000079"
    assert not {"emails", "username", "locale", "timezone"} & {key for key, value in found.items() if value}
    assert found["custom_fields"] == {}


@pytest.mark.parametrize(
    ("sortable", "first", "last"),
    [
        ("Okafor, Ruth", "Ruth", "Okafor"),
        ("Sukarmini", None, None),
        ("Lee, Jr., Sam", None, None),
        (None, None, None),
    ],
)
def test_names_of_older_versions_are_split(
    user: MapRecord, sortable: str | None, first: str | None, last: str | None
) -> None:
    """Without names apart, "Last, First" gives both; what leaves it open which part is which gives neither."""
    found = user(lacking=("first_name", "last_name"), sortable_name=sortable)
    assert (found.get("first_name"), found.get("last_name")) == (first, last)


def test_names_apart_go_before_the_sortable_one(user: MapRecord) -> None:
    """Where the version gives the names apart, an empty one is null and nothing is split."""
    found = user(first_name="Sukarmini", last_name="", sortable_name="A, B")
    assert (found["first_name"], found.get("last_name")) == ("Sukarmini", None)


def test_a_login_that_is_the_address_is_no_username(user: MapRecord) -> None:
    """The username is the login where it differs from the e-mail address."""
    assert user(login_id="ruth@example.org").get("username") is None
    assert user(lacking=("email",))["username"] == "r.okafor"


@pytest.mark.parametrize(
    ("states", "status", "source"),
    [
        (None, "active", None),
        (["active"], "active", None),
        (["suspended"], "suspended", "suspended"),
        (["suspended", "active"], "active", None),
        (["deleted"], "active", None),
    ],
)
def test_suspension_is_a_state_of_the_logins(
    user: MapRecord, states: list[str] | None, status: str, source: str | None
) -> None:
    """A user all of whose usable logins are suspended is; without logins read nothing says so."""
    joined = {"logins": [{"workflow_state": state} for state in states]} if states else {}
    found = user(joined=joined)
    assert (found["status"], found.get("status_source")) == (status, source)


def test_a_user_who_was_merged_into_another_is_deleted(user: MapRecord) -> None:
    """`merged_into_user_id` stands on users who are no more."""
    assert user(merged_into_user_id="21070000000000080")["status"] == "deleted"


def test_an_administrator(user: MapRecord) -> None:
    """Who stands in the account's list of administrators has that role, and its name as the source."""
    found = user(joined={"admin": {"id": "5", "role": "Sub-Account Admin", "user": {"id": USER["id"]}}})
    assert (found["role"], found["role_source"]) == ("admin", "Sub-Account Admin")
    assert user().get("role") is None


@pytest.mark.parametrize("zone", ["Mountain Time (US & Canada)", "", 5, None])
def test_only_iana_zones_are_taken(user: MapRecord, zone: Any) -> None:
    """A display name of a zone is no zone."""
    assert user(time_zone=zone).get("timezone") is None


def test_an_id_that_is_a_number_becomes_text(user: MapRecord) -> None:
    """Without string ids the id is a number; nothing else is made an id."""
    assert user(id=79)["id"] == "79"
    assert user(id=[1])["id"] == [1]
