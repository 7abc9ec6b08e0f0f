"""What the TalentLMS write mappings make of what is asked for, as the provider's notes have its calls."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.mappings.write_mappings import PASSWORD, asked, refusals

NEW: dict[str, Any] = {
    "first_name": "Grace",
    "last_name": "Hopper",
    "emails": [{"email": "grace@example.org", "type": None, "is_primary": True}],
}
TWO = [
    {"email": "second@example.org", "type": None, "is_primary": False},
    {"email": "first@example.org", "type": None, "is_primary": True},
]


def create_user(**changes: Any) -> list[dict[str, Any]]:
    """The calls that make `NEW` with changes."""
    return asked("talentlms", "users", "create", NEW | changes)


def update_user(custom: dict[str, Any] | None = None, **changes: Any) -> list[dict[str, Any]]:
    """The calls that change user 7, whose custom fields may be given."""
    present = {
        "unified": {"id": "7", "custom_fields": custom},
        "record": {"id": "7", "email": "grace@example.org"},
    }
    return asked("talentlms", "users", "update", changes, present=present, args={"id": "7"})


def test_a_user_signs_up_with_a_generated_password() -> None:
    """Without a username the login is the e-mail address."""
    assert create_user() == [
        {
            "call": "usersignup",
            "args": {
                "user": {
                    "first_name": "Grace",
                    "last_name": "Hopper",
                    "email": "grace@example.org",
                    "login": "grace@example.org",
                    "password": PASSWORD,
                }
            },
        }
    ]


def test_a_user_signs_up_with_all_that_can_be_said() -> None:
    """Login, user type and custom fields; a custom field that is to be empty is left out."""
    custom = {"custom_field_1": "Navy", "custom_field_2": None, "custom_field_3": 5}
    [call] = create_user(username="grace", role="instructor", status="active", custom_fields=custom)
    user = call["args"]["user"]
    assert (user["login"], user["user_type"], user["custom_field_1"]) == ("grace", "Trainer-Type", "Navy")
    assert "custom_field_2" not in user
    assert user["custom_field_3"] == 5


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"emails": TWO}, "one e-mail address"),
        ({"username": "grace@example.org"}, "leave it out"),
        ({"role": "manager"}, "learner, instructor or admin"),
        ({"status": "inactive"}, "update it to inactive"),
        ({"custom_fields": {"expires_at": "2027-01-01T00:00:00Z"}}, "not expires_at"),
        ({"custom_fields": {"custom_field_2": True}}, "custom_fields.custom_field_2"),
    ],
)
def test_what_cannot_be_said_of_a_new_user_is_refused(changes: dict[str, Any], words: str) -> None:
    """A sentence names the provider, the field and what to do."""
    [sentence] = refusals(create_user(**changes))
    assert "TalentLMS" in sentence
    assert words in sentence


def test_only_what_is_named_is_sent_of_an_update() -> None:
    """The user's id and the fields that are asked for, each under the portal's name."""
    assert update_user(last_name="Murray") == [
        {"call": "edituser", "args": {"user": {"user_id": "7", "last_name": "Murray"}}}
    ]
    [call] = update_user(username="g.hopper", emails=NEW["emails"], role="admin")
    assert call["args"]["user"] == {
        "user_id": "7",
        "login": "g.hopper",
        "email": "grace@example.org",
        "user_type": "Admin-Type",
    }


@pytest.mark.parametrize("status", ["active", "inactive"])
def test_a_status_has_a_call_of_its_own(status: str) -> None:
    """Nothing else is sent where nothing else is asked for."""
    assert update_user(status=status) == [{"call": "usersetstatus", "args": {"id": "7", "status": status}}]


def test_fields_go_before_the_status() -> None:
    """Both calls are made, in this order."""
    assert [call["call"] for call in update_user(first_name="G", status="inactive")] == [
        "edituser",
        "usersetstatus",
    ]


def test_custom_fields_are_sent_as_far_as_they_differ() -> None:
    """What is so already is not sent, be it a field that cannot be set; null empties a field."""
    before = {"custom_field_1": "Navy", "custom_field_2": "on", "expires_at": "2027-01-01T00:00:00Z"}
    [call] = update_user(before, custom_fields=before | {"custom_field_1": None, "custom_field_3": "North"})
    assert call["args"]["user"] == {"user_id": "7", "custom_field_1": "", "custom_field_3": "North"}
    assert update_user(before, custom_fields=before) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"emails": TWO}, "one e-mail address"),
        ({"username": "grace@example.org"}, "in the portal"),
        ({"role": "other"}, "learner, instructor or admin"),
        ({"status": "suspended"}, "give inactive"),
        ({"status": "deleted"}, "delete the user"),
        ({"custom_fields": {"expires_at": None}}, "not expires_at"),
        ({"custom_fields": {"custom_field_1": True}}, "custom_fields.custom_field_1"),
    ],
)
def test_what_cannot_be_changed_of_a_user_is_refused(changes: dict[str, Any], words: str) -> None:
    """A sentence names the provider, the field and what to do."""
    found = update_user({"expires_at": "2027-01-01T00:00:00Z"}, **changes)
    [sentence] = refusals(found)
    assert "TalentLMS" in sentence
    assert words in sentence


def test_a_user_is_deleted_by_id() -> None:
    """One call."""
    found = asked("talentlms", "users", "delete", args={"id": "7"})
    assert found == [{"call": "deleteuser", "args": {"id": "7"}}]


def test_a_course_is_made() -> None:
    """Under the portal's names; the category by its id."""
    record = {
        "title": "Compilers",
        "code": "C-1",
        "description": "A-0 and after",
        "type": "course",
        "status": "published",
        "categories": [{"id": "3", "name": "Languages"}],
        "custom_fields": {"custom_field_1": "R&D"},
    }
    course = {
        "name": "Compilers",
        "code": "C-1",
        "description": "A-0 and after",
        "category_id": "3",
        "custom_field_1": "R&D",
    }
    found = asked("talentlms", "courses", "create", record)
    assert found == [{"call": "createcourse", "args": {"course": course}}]


def test_a_course_is_made_of_little() -> None:
    """What is not named is not sent."""
    [call] = asked("talentlms", "courses", "create", {"title": "Compilers", "code": "C-1"})
    assert call["args"]["course"] == {"name": "Compilers", "code": "C-1"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"type": "path"}, "`type`"),
        ({"status": "draft"}, "`status`"),
        ({"categories": [{"id": "1"}, {"id": "2"}]}, "one category"),
        ({"categories": [{"id": None, "name": "Languages"}]}, "an id"),
        ({"custom_fields": {"level": "high"}}, "not level"),
        ({"custom_fields": {"custom_field_1": True}}, "custom_fields.custom_field_1"),
    ],
)
def test_what_cannot_be_said_of_a_course_is_refused(changes: dict[str, Any], words: str) -> None:
    """A sentence names the provider, the field and what to do."""
    [sentence] = refusals(asked("talentlms", "courses", "create", {"title": "C", "code": "C-1"} | changes))
    assert "TalentLMS" in sentence
    assert words in sentence


def test_a_course_is_deleted_by_id() -> None:
    """One call."""
    found = asked("talentlms", "courses", "delete", args={"id": "101"})
    assert found == [{"call": "deletecourse", "args": {"id": "101"}}]


PAIR: dict[str, Any] = {"user": {"id": "7"}, "course": {"id": "101"}}


@pytest.mark.parametrize("more", [{}, {"status": "enrolled"}])
def test_a_learner_is_enrolled(more: dict[str, Any]) -> None:
    """By the ids of both; enrolled is what a new enrolment is."""
    found = asked("talentlms", "course_enrollments", "create", PAIR | more)
    assert found == [{"call": "addusertocourse", "args": {"course": "101", "user": "7"}}]


@pytest.mark.parametrize("status", ["completed", "assigned", "in_progress"])
def test_progress_is_refused(status: str) -> None:
    """No call of the provider's sets it."""
    [sentence] = refusals(asked("talentlms", "course_enrollments", "create", PAIR | {"status": status}))
    assert "TalentLMS" in sentence


def test_an_enrolment_ends() -> None:
    """By the ids that its own is made of."""
    args = {"course": "101", "user": "7"}
    found = asked("talentlms", "course_enrollments", "delete", args=args)
    assert found == [{"call": "removeuserfromcourse", "args": args}]
