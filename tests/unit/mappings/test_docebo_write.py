"""What Docebo's write mappings make of what is asked for: the calls, or why there are none. Both engines agree."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.mappings.write_mappings import PASSWORD, asked

NEW = {
    "username": "new.one",
    "first_name": "New",
    "last_name": "One",
    "emails": [{"email": "new.one@example.org", "type": None, "is_primary": True}],
}
SENT = {
    "userid": "new.one",
    "password": PASSWORD,
    "firstname": "New",
    "lastname": "One",
    "email": "new.one@example.org",
}
OPTIONS = [{"id": 1, "label": "North"}, {"id": 2, "label": "South"}]
PRESENT = {
    "record": {
        "username": "ada",
        "first_name": "Ada",
        "last_name": "Ruiz",
        "email": "ada@example.org",
        "additional_fields": [
            {"id": 1, "title": "Company", "value": ""},
            {"id": 3, "title": "Team", "value": 1, "options": OPTIONS},
        ],
    }
}
KEPT = {"userid": "ada", "firstname": "Ada", "lastname": "Ruiz", "email": "ada@example.org"}
ENROLMENT = {"user": {"id": "7"}, "course": {"id": "101"}}
PAIR = {"course": "101", "user": "7"}
DAY = "2027-01-31T22:00:00Z"


def calls(
    operation: str, record: dict[str, Any], *, present: Any = None, args: Any = None
) -> list[dict[str, Any]]:
    """The value of a mapping, `users/create` for instance."""
    resource, what = operation.split("/")
    return asked("docebo", resource, what, record, present=present, args=args or {"id": "7"})


def refusal(operation: str, record: dict[str, Any], **more: Any) -> str:
    """The only sentence that refuses."""
    [found] = calls(operation, record, **more)
    assert found.keys() == {"refuse"}
    return str(found["refuse"])


# -- users -----------------------------------------------------------------------------------------


def test_a_new_user_gets_a_random_password() -> None:
    """Names are those of this call: `userid`, `firstname`, `lastname`."""
    assert calls("users/create", NEW) == [{"call": "user_create", "args": {"user": SENT}}]


def test_who_has_no_username_logs_in_with_the_address() -> None:
    """The model leaves a username out that is the address."""
    given = {name: value for name, value in NEW.items() if name != "username"}
    [found] = calls("users/create", given)
    assert found["args"]["user"]["userid"] == "new.one@example.org"


def test_a_new_user_has_all_that_docebo_takes() -> None:
    """Custom fields by number, dates in UTC without a zone, and a status."""
    given = NEW | {
        "status": "suspended",
        "locale": "de",
        "timezone": "Europe/Berlin",
        "custom_fields": {"field_12": "Acme", "field_13": 5, "expires_at": DAY},
    }
    [found] = calls("users/create", given)
    assert found["args"]["user"] == SENT | {
        "language": "de",
        "timezone": "Europe/Berlin",
        "valid": 0,
        "expiration": "2027-01-31 22:00:00",
        "additional_fields": [{"id": 12, "value": "Acme"}, {"id": 13, "value": "5"}],
    }


UNFIT = [
    ({"username": "new.one@example.org"}, "`username`"),
    ({"emails": [{"email": "a@example.org"}, {"email": "b@example.org"}]}, "`emails`"),
    ({"status": "inactive"}, "`status`"),
    ({"status": "invited"}, "`status`"),
    ({"locale": "pt-BR"}, "`locale`"),
    ({"custom_fields": {"company": "Acme"}}, "`custom_fields`"),
    ({"custom_fields": {"field_1": ["a"]}}, "`custom_fields`"),
    ({"custom_fields": {"expires_at": "soon"}}, "`expires_at`"),
]


@pytest.mark.parametrize(("change", "field"), UNFIT)
@pytest.mark.parametrize("operation", ["users/create", "users/update"])
def test_what_a_user_cannot_have(operation: str, change: dict[str, Any], field: str) -> None:
    """Refused in a sentence that names Docebo and the field."""
    said = refusal(operation, NEW | change, present=PRESENT)
    assert "Docebo" in said
    assert field in said


def test_nobody_is_made_without_a_login() -> None:
    """Neither username nor address."""
    assert "`username`" in refusal("users/create", {"first_name": "A"})


def test_a_change_sends_names_and_address_along() -> None:
    """Whether what is not sent stays is not known, so that what is there goes with it."""
    assert calls("users/update", {"last_name": "Bell"}, present=PRESENT) == [
        {"call": "user_update", "args": {"id": "7", "user": KEPT | {"lastname": "Bell"}}}
    ]


@pytest.mark.parametrize(("status", "number"), [("suspended", "0"), ("active", "1")])
def test_the_status_has_a_call_of_its_own(status: str, number: str) -> None:
    """And where nothing else is asked for, there is no other call."""
    assert calls("users/update", {"status": status}, present=PRESENT) == [
        {"call": "user_status", "args": {"id": "7", "status": number}}
    ]


def test_names_and_status_are_two_calls() -> None:
    """The status comes last."""
    found = calls("users/update", {"first_name": "A", "status": "active"}, present=PRESENT)
    assert [each["call"] for each in found] == ["user_update", "user_status"]


@pytest.mark.parametrize(
    ("custom", "sent"),
    [
        ({"field_1": "Acme"}, {"id": 1, "value": "Acme"}),
        ({"field_1": None}, {"id": 1, "value": ""}),
        ({"field_3": "South"}, {"id": 3, "value": 2}),
        ({"field_3": None}, {"id": 3, "value": ""}),
    ],
)
def test_custom_fields_by_their_kind(custom: Any, sent: dict[str, Any]) -> None:
    """A text as it is, of a dropdown the number of the option, and nothing for null."""
    [found] = calls("users/update", {"custom_fields": custom}, present=PRESENT)
    assert found["args"]["user"] == KEPT | {"additional_fields": [sent]}


@pytest.mark.parametrize("custom", [{"field_9": "x"}, {"field_3": "West"}, {"expires_at": None}])
def test_custom_fields_that_cannot_be_written(custom: Any) -> None:
    """A field that is not there, an option that is not there, and an end that nobody knows how to take away."""
    [name] = custom
    assert f"`{name}`" in refusal("users/update", {"custom_fields": custom}, present=PRESENT)


@pytest.mark.parametrize(("resource", "call"), [("users", "user_delete"), ("courses", "course_delete")])
def test_deleting_by_number(resource: str, call: str) -> None:
    """One call with the id."""
    assert calls(f"{resource}/delete", {}) == [{"call": call, "args": {"id": 7}}]


# -- courses ---------------------------------------------------------------------------------------


def test_a_new_course_is_an_e_learning() -> None:
    """All that the call takes."""
    given = {"title": "Fire", "code": "F-1", "description": "D", "type": "course"}
    assert calls("courses/create", given) == [
        {
            "call": "course_create",
            "args": {
                "course": {"name": "Fire", "code": "F-1", "description": "D", "course_type": "elearning"}
            },
        }
    ]


def test_a_new_course_is_no_path() -> None:
    """A learning plan is something else."""
    given = {"title": "Fire", "code": "F-1", "description": "D", "type": "path"}
    assert "`type`" in refusal("courses/create", given)


def test_a_change_of_a_course_sends_the_rest_along() -> None:
    """So that nothing can be emptied by not being sent."""
    present = {"record": {"name": "Fire", "code": "F-1", "description": "D"}}
    [found] = calls("courses/update", {"title": "Smoke"}, present=present)
    assert found["args"]["course"] == {"id": 7, "name": "Smoke", "code": "F-1", "description": "D"}


# -- enrolments ------------------------------------------------------------------------------------


def test_enrolling_a_learner() -> None:
    """One call, with the learner's level."""
    assert calls("course_enrollments/create", ENROLMENT | {"status": "enrolled"}) == [
        {"call": "enroll", "args": {"enrollment": {"user_ids": [7], "course_ids": [101], "level": "3"}}}
    ]


def test_what_an_enrolment_begins_with() -> None:
    """Obligation and end go with the first call."""
    given = ENROLMENT | {"is_mandatory": True, "custom_fields": {"expires_at": DAY}}
    [found] = calls("course_enrollments/create", given)
    assert found["args"]["enrollment"] == {
        "user_ids": [7],
        "course_ids": [101],
        "level": "3",
        "assignment_type": "mandatory",
        "date_expire_validity": "2027-01-31 22:00:00",
    }


def test_enrolling_as_completed_is_two_calls() -> None:
    """An enrolment begins without completion, which a second call brings, with its date and score."""
    given = ENROLMENT | {"status": "completed", "completed_at": DAY, "score": 87.5}
    found = calls("course_enrollments/create", given)
    assert [each["call"] for each in found] == ["enroll", "enrollment_update"]
    assert found[1]["args"] == PAIR | {
        "enrollment": {"status": 2, "date_complete": "2027-01-31 22:00:00", "score_given": 87.5}
    }


@pytest.mark.parametrize(
    ("status", "number"), [("enrolled", 0), ("in_progress", 1), ("completed", 2), ("withdrawn", 3)]
)
def test_the_status_is_a_number(status: str, number: int) -> None:
    """Suspended is what is read as withdrawn; nothing else is sent."""
    found = calls("course_enrollments/update", {"status": status}, args=PAIR)
    assert found == [{"call": "enrollment_update", "args": PAIR | {"enrollment": {"status": number}}}]


def test_a_date_and_a_score_of_what_is_completed() -> None:
    """The status need not be named again."""
    given = {"completed_at": DAY, "score": 9, "custom_fields": {"expires_at": DAY}}
    present = {"unified": {"status": "completed"}}
    [found] = calls("course_enrollments/update", given, present=present, args=PAIR)
    assert found["args"]["enrollment"] == {
        "date_complete": "2027-01-31 22:00:00",
        "score_given": 9,
        "date_expire_validity": "2027-01-31 22:00:00",
    }


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"status": "passed"}, "`status`"),
        ({"status": "assigned"}, "`status`"),
        ({"completed_at": DAY}, "`completed_at`"),
        ({"status": "in_progress", "completed_at": DAY}, "`completed_at`"),
        ({"custom_fields": {"shoe_size": "9"}}, "`custom_fields`"),
        ({"custom_fields": {"expires_at": "soon"}}, "`expires_at`"),
    ],
)
@pytest.mark.parametrize("operation", ["create", "update"])
def test_what_an_enrolment_cannot_have(operation: str, change: dict[str, Any], field: str) -> None:
    """Refused in a sentence that names Docebo and the field."""
    present = {"unified": {"status": "enrolled"}}
    record = change if operation == "update" else ENROLMENT | change
    said = refusal(f"course_enrollments/{operation}", record, present=present, args=PAIR)
    assert "Docebo" in said
    assert field in said


def test_an_end_is_not_taken_away() -> None:
    """Nobody knows how."""
    given = {"custom_fields": {"expires_at": None}}
    assert "in the portal" in refusal("course_enrollments/update", given, args=PAIR)


def test_an_enrolment_is_not_made_optional() -> None:
    """The word for it is not known."""
    assert "`is_mandatory`" in refusal("course_enrollments/create", ENROLMENT | {"is_mandatory": False})


def test_ending_an_enrolment() -> None:
    """By numbers."""
    found = calls("course_enrollments/delete", {}, args=PAIR)
    assert found == [{"call": "unenroll", "args": {"user": 7, "course": 101}}]
