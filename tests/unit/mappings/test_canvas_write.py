"""What the Canvas write mappings make of users and courses, as the vendor's documents have its calls."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.mappings.write_mappings import asked, refusals

NEW: dict[str, Any] = {
    "first_name": "Grace",
    "last_name": "Hopper",
    "emails": [{"email": "grace@example.org", "type": None, "is_primary": True}],
}
TWO = [
    {"email": "second@example.org", "type": None, "is_primary": False},
    {"email": "first@example.org", "type": None, "is_primary": True},
]
LOGINS = [
    {"id": "80", "unique_id": "old", "workflow_state": "suspended"},
    {"id": "81", "unique_id": "grace", "workflow_state": "active"},
]


def create_user(**changes: Any) -> list[dict[str, Any]]:
    """The calls that make `NEW` with changes; a field that is Ellipsis is not named."""
    record = {name: value for name, value in (NEW | changes).items() if value is not ...}
    return asked("canvas", "users", "create", record)


def update_user(
    settings: Any = None, logins: Any = None, unified: Any = None, **changes: Any
) -> list[dict[str, Any]]:
    """The calls that change user 7, Grace Hopper."""
    was = {"first_name": "Grace", "last_name": "Hopper", "name": "Grace Hopper", "custom_fields": None}
    record = {"login_id": "grace", "sortable_name": "Hopper, Grace", "email": "grace@example.org"}
    joined = {} if logins is None else {"logins": logins}
    present = {"unified": was | (unified or {}), "record": record, "parent": None, "joined": joined}
    return asked(
        "canvas", "users", "update", changes, present=present, args={"id": "7"}, settings=settings or {}
    )


def assert_refused(found: list[dict[str, Any]], words: str) -> None:
    """There is one sentence that names the provider and says what to do."""
    [sentence] = refusals(found)
    assert "Canvas" in sentence
    assert words in sentence


# -- users -----------------------------------------------------------------------------------------


def test_a_user_is_made_without_a_password_and_a_message() -> None:
    """Login and address are the same unless a username is given; the names stand in one piece and sorted."""
    assert create_user() == [
        {
            "call": "user_create",
            "args": {
                "body": {
                    "user": {
                        "name": "Grace Hopper",
                        "sortable_name": "Hopper, Grace",
                        "terms_of_use": True,
                        "skip_registration": True,
                    },
                    "pseudonym": {"unique_id": "grace@example.org", "send_confirmation": False},
                    "communication_channel": {
                        "type": "email",
                        "address": "grace@example.org",
                        "skip_confirmation": True,
                    },
                }
            },
        }
    ]


def test_a_user_is_made_with_all_that_can_be_said() -> None:
    """A name of its own, a login, language, zone, and ids of other systems as text."""
    custom = {"sis_user_id": 1234, "integration_id": "I-1"}
    [call] = create_user(
        name="Grace B. Hopper",
        username="grace",
        locale="en-GB",
        timezone="America/New_York",
        status="active",
        custom_fields=custom,
    )
    body = call["args"]["body"]
    assert (body["user"]["name"], body["user"]["sortable_name"]) == ("Grace B. Hopper", "Hopper, Grace")
    assert (body["user"]["locale"], body["user"]["time_zone"]) == ("en-GB", "America/New_York")
    assert body["pseudonym"] == {
        "unique_id": "grace",
        "sis_user_id": "1234",
        "integration_id": "I-1",
        "send_confirmation": False,
    }


def test_a_user_may_have_a_name_and_a_login_alone() -> None:
    """Then Canvas sorts the name itself, and there is no address."""
    [call] = create_user(first_name=..., last_name=..., emails=..., name="Grace Hopper", username="grace")
    assert "sortable_name" not in call["args"]["body"]["user"]
    assert "communication_channel" not in call["args"]["body"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"emails": TWO}, "give one in `emails`"),
        ({"username": "grace@example.org"}, "leave it out"),
        ({"emails": ...}, "give `username` or `emails`"),
        ({"first_name": ..., "last_name": ...}, "give `name`"),
        ({"first_name": ..., "name": "Grace"}, "give `first_name`"),
        ({"status": "suspended"}, "update it to suspended"),
        ({"custom_fields": {"level": "high"}}, "not level"),
    ],
)
def test_what_cannot_be_said_of_a_new_user_is_refused(changes: dict[str, Any], words: str) -> None:
    """A sentence names the provider, the field and what to do."""
    assert_refused(create_user(**changes), words)


def test_a_new_last_name_is_a_new_sortable_name() -> None:
    """The name in one piece goes with it where it was made of the two, and the first name stays."""
    [call] = update_user(last_name="Murray")
    assert call == {
        "call": "user_update",
        "args": {"id": "7", "user": {"name": "Grace Murray", "sortable_name": "Murray, Grace"}},
    }


def test_a_name_of_its_own_stays_when_a_part_changes() -> None:
    """It was not made of the two, and was not named."""
    [call] = update_user(unified={"name": "Amazing Grace"}, first_name="G.")
    assert call["args"]["user"] == {"sortable_name": "Hopper, G."}


def test_first_and_last_name_stay_when_the_name_changes() -> None:
    """The sortable name is sent as it is, since Canvas would make another one."""
    [call] = update_user(name="Amazing Grace")
    assert call["args"]["user"] == {"name": "Amazing Grace", "sortable_name": "Hopper, Grace"}


def test_other_fields_go_alone() -> None:
    """Nothing is sent that was not named."""
    [call] = update_user(emails=TWO[1:], locale="de", timezone="Europe/Berlin")
    assert call["args"]["user"] == {
        "email": "first@example.org",
        "locale": "de",
        "time_zone": "Europe/Berlin",
    }


@pytest.mark.parametrize(("status", "event"), [("suspended", "suspend"), ("active", "unsuspend")])
def test_a_status_is_an_event(status: str, event: str) -> None:
    """Where logins are read, without which it could not be told afterwards."""
    [call] = update_user({"logins": True}, LOGINS, status=status)
    assert call["args"]["user"] == {"event": event}


def test_a_login_changes_under_its_own_number() -> None:
    """That of the login that the user is listed with, among others."""
    found = update_user({"logins": True}, LOGINS, username="g.hopper", custom_fields={"sis_user_id": "S-1"})
    assert found == [
        {
            "call": "login_update",
            "args": {"login": "81", "changes": {"unique_id": "g.hopper", "sis_user_id": "S-1"}},
        }
    ]


def test_ids_of_other_systems_that_are_so_already_are_not_sent() -> None:
    """What is asked for may hold them."""
    ids = {"sis_user_id": "S-1", "integration_id": "I-1"}
    assert update_user(unified={"custom_fields": ids}, custom_fields=ids) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"emails": TWO}, "give one in `emails`"),
        ({"username": "grace@example.org"}, "change the login in Canvas"),
        ({"status": "inactive"}, "active and suspended"),
        ({"custom_fields": {"level": "high"}}, "not level"),
        ({"custom_fields": {"integration_id": None}}, "custom_fields.integration_id"),
    ],
)
def test_what_cannot_be_changed_of_a_user_is_refused(changes: dict[str, Any], words: str) -> None:
    """A sentence names the provider, the field and what to do."""
    ids = {"integration_id": "I-1"}
    assert_refused(update_user({"logins": True}, LOGINS, {"custom_fields": ids}, **changes), words)


@pytest.mark.parametrize(
    "changes",
    [{"status": "suspended"}, {"username": "g.hopper"}, {"custom_fields": {"sis_user_id": "S-1"}}],
)
def test_what_needs_logins_is_refused_without_them(changes: dict[str, Any]) -> None:
    """The setting is named."""
    assert_refused(update_user(**changes), "logins = true")


def test_a_user_is_deleted_by_id() -> None:
    """One call."""
    found = asked("canvas", "users", "delete", args={"id": "7"})
    assert found == [{"call": "user_delete", "args": {"id": "7"}}]


# -- courses ---------------------------------------------------------------------------------------


def create_course(**changes: Any) -> list[dict[str, Any]]:
    """The calls that make a course."""
    return asked("canvas", "courses", "create", {"title": "Compilers", "code": "CMP"} | changes)


def update_course(unified: Any = None, record: Any = None, **changes: Any) -> list[dict[str, Any]]:
    """The calls that change course 101."""
    present = {"unified": {"custom_fields": None} | (unified or {}), "record": record or {}}
    return asked("canvas", "courses", "update", changes, present=present, args={"id": "101"})


def test_a_course_is_made_of_little() -> None:
    """What is not named is not sent; it is not published."""
    assert create_course() == [
        {"call": "course_create", "args": {"body": {"course": {"name": "Compilers", "course_code": "CMP"}}}}
    ]
    assert create_course(status="draft") == create_course()


def test_a_course_is_made_with_all_that_can_be_said() -> None:
    """Published, in an account and a term, with the flag without which its dates would be dropped."""
    custom = {"sis_course_id": 17, "ends_at": "2027-06-30T00:00:00Z"}
    [call] = create_course(
        description="A-0",
        type="course",
        status="published",
        categories=[{"id": "2", "name": "Autumn"}],
        organization={"id": "3", "name": "Branch"},
        custom_fields=custom,
    )
    assert call["args"] == {
        "account": "3",
        "body": {
            "course": {
                "name": "Compilers",
                "course_code": "CMP",
                "public_description": "A-0",
                "term_id": "2",
                "sis_course_id": "17",
                "end_at": "2027-06-30T00:00:00Z",
                "restrict_enrollments_to_course_dates": True,
            },
            "offer": True,
        },
    }


COURSE_REFUSALS = [
    ({"categories": [{"id": "1"}, {"id": "2"}]}, "one term"),
    ({"categories": [{"id": None, "name": "Autumn"}]}, "with an id"),
    ({"organization": {"id": None, "name": "Branch"}}, "with an id"),
    ({"custom_fields": {"level": "high"}}, "not level"),
]


@pytest.mark.parametrize(
    ("changes", "words"),
    [*COURSE_REFUSALS, ({"type": "path"}, "`type`"), ({"status": "archived"}, "draft or published")],
)
def test_what_cannot_be_said_of_a_course_is_refused(changes: dict[str, Any], words: str) -> None:
    """A sentence names the provider, the field and what to do."""
    assert_refused(create_course(**changes), words)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        *COURSE_REFUSALS,
        ({"status": "disabled"}, "draft, published and archived"),
        ({"custom_fields": {"sis_course_id": None}}, "custom_fields.sis_course_id"),
    ],
)
def test_what_cannot_be_changed_of_a_course_is_refused(changes: dict[str, Any], words: str) -> None:
    """A sentence names the provider, the field and what to do."""
    assert_refused(update_course({"custom_fields": {"sis_course_id": "17"}}, **changes), words)


@pytest.mark.parametrize(
    ("status", "event"), [("draft", "claim"), ("published", "offer"), ("archived", "conclude")]
)
def test_a_state_of_a_course_is_an_event(status: str, event: str) -> None:
    """And nothing else is sent."""
    assert update_course(status=status) == [
        {"call": "course_update", "args": {"id": "101", "course": {"event": event}}}
    ]


def test_other_fields_of_a_course_go_under_their_names() -> None:
    """Term and account by their ids."""
    [call] = update_course(
        title="Compilers 2", code="CMP2", categories=[{"id": "2"}], organization={"id": "3"}
    )
    assert call["args"]["course"] == {
        "name": "Compilers 2",
        "course_code": "CMP2",
        "term_id": "2",
        "account_id": "3",
    }


def test_a_description_is_emptied_unless_the_syllabus_would_take_its_place() -> None:
    """By an empty text; a syllabus is not thrown away for it."""
    [call] = update_course(description=None)
    assert call["args"]["course"] == {"public_description": ""}
    assert_refused(update_course(record={"syllabus_body": "<p>Week 1</p>"}, description=None), "syllabus")


def test_dates_of_a_course_are_sent_as_far_as_they_differ() -> None:
    """With the flag where one is set; a date is taken away by null."""
    before = {"starts_at": "2027-01-01T00:00:00Z", "ends_at": "2027-06-30T00:00:00Z"}
    [call] = update_course(
        {"custom_fields": before}, custom_fields=before | {"ends_at": "2027-07-31T00:00:00Z"}
    )
    assert call["args"]["course"] == {
        "end_at": "2027-07-31T00:00:00Z",
        "restrict_enrollments_to_course_dates": True,
    }
    [call] = update_course({"custom_fields": before}, custom_fields={"ends_at": None})
    assert call["args"]["course"] == {"end_at": None}


def test_a_course_is_deleted_by_id() -> None:
    """One call, whose event stands in the manifest."""
    found = asked("canvas", "courses", "delete", args={"id": "101"})
    assert found == [{"call": "course_delete", "args": {"id": "101"}}]
