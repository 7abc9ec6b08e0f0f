"""The TalentLMS mapping of users, on payloads written from the provider's notes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

MapRecord = Callable[..., dict[str, Any]]

USER: dict[str, Any] = {
    "id": "71",
    "login": "r.okafor",
    "first_name": "Ruth",
    "last_name": "Okafor",
    "email": "ruth@example.org",
    "restrict_email": "0",
    "user_type": "Learner-Type",
    "timezone": "(GMT +00:00) Dublin, London",
    "language": "English",
    "status": "active",
    "deactivation_date": "",
    "level": "1",
    "points": "0",
    "created_on": "15/05/2020, 04:25:35",
    "last_updated": "24/11/2019, 09:52:37",
    "last_updated_timestamp": "1574589157",
    "avatar": "https://example.org/a.png",
    "bio": None,
    "custom_field_1": "Blue team",
    "custom_field_2": "off",
    "custom_field_3": "",
    "custom_field_4": None,
}


@pytest.fixture
def user(map_talentlms: MapRecord) -> MapRecord:
    """The mapping of `USER` with changes."""

    def run(*, joined: Any = None, settings: Any = None, **changes: Any) -> dict[str, Any]:
        options = {} if settings is None else {"settings": settings}
        return map_talentlms("users", USER | changes, joined=joined, **options)

    return run


def test_a_user_as_listed(user: MapRecord) -> None:
    """A list item becomes the unified user, with nothing that the provider does not give."""
    assert user() == {
        "id": "71",
        "first_name": "Ruth",
        "last_name": "Okafor",
        "username": "r.okafor",
        "emails": [{"email": "ruth@example.org", "type": None, "is_primary": True}],
        "status": "active",
        "status_source": "active",
        "role": "learner",
        "role_source": "Learner-Type",
        "locale": "en",
        "created_at": "2020-05-15T03:25:35Z",
        "updated_at": "2019-11-24T09:52:37Z",
        "custom_fields": {"custom_field_1": "Blue team", "custom_field_2": "off"},
    }


def test_an_id_from_a_write_is_text(user: MapRecord) -> None:
    """A user just created has a number where GET gives text; both are the same id."""
    assert user(id=71)["id"] == "71"


def test_the_whole_record_gives_the_row_of_the_list(user: MapRecord) -> None:
    """What only GET /users/id has beyond branches changes nothing."""
    assert user(courses=[{"id": "1", "name": "x"}], groups=[], certifications=[], badges=[]) == user()


@pytest.mark.parametrize(
    ("word", "status"), [("active", "active"), ("inactive", "inactive"), ("on hold", "unknown")]
)
def test_status(user: MapRecord, word: str, status: str) -> None:
    """Both words of the notes are the model's; another is unknown, and kept beside it."""
    found = user(status=word)
    assert (found["status"], found["status_source"]) == (status, word)


@pytest.mark.parametrize("nothing", [None, ""])
def test_no_status_is_null(user: MapRecord, nothing: str | None) -> None:
    """A user without a status is not called unknown."""
    found = user(status=nothing)
    assert (found.get("status"), found.get("status_source")) == (None, None)


@pytest.mark.parametrize(
    ("user_type", "role"),
    [
        ("Learner-Type", "learner"),
        ("Trainer-Type", "instructor"),
        ("Senior Trainer", "instructor"),
        ("External instructors", "instructor"),
        ("Admin-Type", "admin"),
        ("Administrator", "admin"),
        ("SuperAdmin", "admin"),
        ("Manager", "other"),
        ("Badministration", "other"),
        ("Apprenant", "other"),
    ],
)
def test_role(user: MapRecord, user_type: str, role: str) -> None:
    """The user type's name decides the role; the name itself stays beside it."""
    found = user(user_type=user_type)
    assert (found["role"], found["role_source"]) == (role, user_type)


@pytest.mark.parametrize("nothing", [None, ""])
def test_no_user_type_is_no_role(user: MapRecord, nothing: str | None) -> None:
    """A user without a type, as getusersbycustomfield gives them, has no role."""
    found = user(user_type=nothing)
    assert (found.get("role"), found.get("role_source")) == (None, None)


@pytest.mark.parametrize(
    ("language", "locale"),
    [
        ("English", "en"),
        ("german", "de"),
        ("Chinese", None),
        ("Norwegian", None),
        ("Deutsch", None),
        ("", None),
    ],
)
def test_locale(user: MapRecord, language: str, locale: str | None) -> None:
    """Only a name that means one language is taken for it."""
    assert user(language=language).get("locale") == locale


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("Europe/Athens", "Europe/Athens"),
        ("America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("(GMT +02:00) Athens, Bucharest", None),
        ("GMT/BST", None),
        ("Europe", None),
        ("", None),
        (None, None),
    ],
)
def test_timezone(user: MapRecord, zone: str | None, expected: str | None) -> None:
    """An IANA name is kept, a display string is not turned into one."""
    assert user(timezone=zone).get("timezone") == expected


@pytest.mark.parametrize(
    ("branches", "expected"),
    [
        ([{"id": "76", "name": "North"}], {"id": "76", "name": "North"}),
        ({"id": 76, "name": "North"}, {"id": "76", "name": "North"}),
        ([{"id": "76", "name": "North"}, {"id": "9", "name": "South"}], {"id": "76", "name": "North"}),
        ([], None),
        (None, None),
    ],
)
def test_organization_is_the_first_branch(user: MapRecord, branches: Any, expected: Any) -> None:
    """A user's organisation is the first branch joined, one or many."""
    assert user(joined={"branch": branches}).get("organization") == expected


def test_branches_of_the_whole_record_count_without_a_join(user: MapRecord) -> None:
    """GET /users/id brings the branches along."""
    assert user(branches=[{"id": "76", "name": "North"}])["organization"] == {"id": "76", "name": "North"}


def test_created_on_timestamp_is_preferred(user: MapRecord) -> None:
    """Newer portals add the twin, which needs no zone."""
    found = user(created_on_timestamp="1589513135", settings={})
    assert found["created_at"] == "2020-05-15T03:25:35Z"


def test_a_null_timestamp_is_not_1970(user: MapRecord) -> None:
    """A null timestamp beside a formatted date leaves the date."""
    assert user(created_on_timestamp=None)["created_at"] == "2020-05-15T03:25:35Z"


def test_without_a_zone_a_formatted_date_is_null(user: MapRecord) -> None:
    """A local date of an unknown zone is not guessed at; the timestamp needs no zone."""
    found = user(settings={"date_format": "DDMMYYYY"})
    assert "created_at" not in found
    assert found["updated_at"] == "2019-11-24T09:52:37Z"


def test_the_portals_order_of_the_date_is_used(user: MapRecord) -> None:
    """The same text is another day in a portal with the month first."""
    settings = {"date_format": "MMDDYYYY", "timezone": "UTC"}
    assert user(created_on="05/06/2020, 00:00:00", settings=settings)["created_at"] == "2020-05-06T00:00:00Z"


def test_last_updated_timestamp_may_be_a_number(user: MapRecord) -> None:
    """The answers to writes have a number where GET gives text."""
    assert user(last_updated_timestamp=1574589157)["updated_at"] == "2019-11-24T09:52:37Z"


@pytest.mark.parametrize("login", ["ruth@example.org", "", None])
def test_username_is_a_login_of_its_own(user: MapRecord, login: str | None) -> None:
    """A login that is the address, or none, is no username."""
    assert user(login=login).get("username") is None


@pytest.mark.parametrize("nothing", [None, ""])
def test_empty_texts_are_null(user: MapRecord, nothing: str | None) -> None:
    """Empty names and addresses are absent, not empty."""
    found = user(first_name=nothing, last_name=nothing, email=nothing)
    assert [found.get(field) for field in ("first_name", "last_name", "emails")] == [None, None, None]


def test_no_custom_field_is_null(user: MapRecord) -> None:
    """Empty custom fields leave no object behind, and other fields are none."""
    found = user(custom_field_1="", custom_field_2=None)
    assert "custom_fields" not in found


def test_the_date_that_closes_an_account(user: MapRecord) -> None:
    """Local time, or the time stamp that newer portals add; whether it is past is not for a mapping to say."""
    closing = user(deactivation_date="30/06/2026, 22:59:00")
    assert closing["custom_fields"]["expires_at"] == "2026-06-30T21:59:00Z"
    assert closing["status"] == "active"
    assert (
        user(deactivation_date_timestamp="1782856740")["custom_fields"]["expires_at"]
        == "2026-06-30T21:59:00Z"
    )


def test_an_account_without_custom_fields_may_be_closed(user: MapRecord) -> None:
    """The date stands alone then."""
    found = user(custom_field_1="", custom_field_2=None, deactivation_date="30/06/2026, 22:59:00")
    assert found["custom_fields"] == {"expires_at": "2026-06-30T21:59:00Z"}


def test_the_login_key_goes_nowhere(user: MapRecord) -> None:
    """Even where the client had not cut it out, the sign-in link is in no field."""
    assert "planted" not in str(user(login_key="https://example.org/key:planted"))
