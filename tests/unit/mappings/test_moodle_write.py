"""What Moodle's write mappings make of what is asked for: the calls, or why there are none. Both engines agree."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.mappings.write_mappings import PASSWORD, asked

SETTINGS = {"enrolment_role": 5, "roles": ["student"], "enrolment_report": 7, "timezone": "Europe/London"}
NEW = {
    "username": "new.one",
    "first_name": "New",
    "last_name": "One",
    "emails": [{"email": "new.one@example.org", "type": None, "is_primary": True}],
}
SENT = {
    "username": "new.one",
    "password": PASSWORD,
    "firstname": "New",
    "lastname": "One",
    "email": "new.one@example.org",
}
COURSE = {"title": "Fire", "code": "FIRE-1", "categories": [{"id": "3", "name": None}]}


def calls(
    operation: str, record: dict[str, Any], *, present: Any = None, **more: Any
) -> list[dict[str, Any]]:
    """The value of a mapping, `users/create` for instance."""
    resource, what = operation.split("/")
    args, settings = more.get("args", {"id": "7"}), more.get("settings", SETTINGS)
    return asked("moodle", resource, what, record, present=present, args=args, settings=settings)


def sent(operation: str, record: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What the only call has as its record."""
    [call] = calls(operation, record, **more)
    [record] = call["args"].values()
    return dict(record)


def refusal(operation: str, record: dict[str, Any], **more: Any) -> str:
    """The only sentence that refuses."""
    [found] = calls(operation, record, **more)
    assert found.keys() == {"refuse"}
    return str(found["refuse"])


# -- users -----------------------------------------------------------------------------------------


def test_a_new_user_gets_a_random_password() -> None:
    """An account has to have one; letting Moodle make it would send a mail."""
    assert calls("users/create", NEW) == [{"call": "user_create", "args": {"user": SENT}}]


def test_who_has_no_username_logs_in_with_the_address() -> None:
    """The model leaves a username out that is the address; Moodle wants it in lower case."""
    given = {name: value for name, value in NEW.items() if name != "username"}
    given["emails"] = [{"email": "New.One@example.org"}]
    found = sent("users/create", given)
    assert (found["username"], found["email"]) == ("new.one@example.org", "New.One@example.org")


def test_a_new_user_has_all_that_moodle_keeps() -> None:
    """Each field under Moodle's name; custom fields by short name, instants in Unix seconds, flags as 1 and 0."""
    given = NEW | {
        "status": "active",
        "phones": [
            {"number": "+44 1", "extension": None, "type": None},
            {"number": "+44 2", "extension": None, "type": "mobile"},
        ],
        "locale": "pt-BR",
        "timezone": "Europe/Madrid",
        "organization": {"id": None, "name": "Northwind"},
        "custom_fields": {
            "idnumber": "E-9", "city": "Leeds", "hiredate": "2026-10-24T00:00:00Z", "remote": True, "size": 5,
        },
    }  # fmt: skip
    assert sent("users/create", given) == SENT | {
        "phone1": "+44 1",
        "phone2": "+44 2",
        "lang": "pt_br",
        "timezone": "Europe/Madrid",
        "institution": "Northwind",
        "idnumber": "E-9",
        "city": "Leeds",
        "customfields": [
            {"type": "hiredate", "value": "1792800000"},
            {"type": "remote", "value": "1"},
            {"type": "size", "value": "5"},
        ],
    }


UNFIT = [
    ({"username": "new.one@example.org"}, "`username`"),
    ({"emails": [{"email": "a@example.org"}, {"email": "b@example.org"}]}, "`emails`"),
    ({"username": "New.One"}, "`username`"),
    ({"username": "new one"}, "`username`"),
    ({"phones": [{"number": "1"}, {"number": "2"}]}, "`phones`"),
    ({"phones": [{"number": "1", "extension": "9"}]}, "`phones`"),
    ({"phones": [{"number": "1", "type": "work"}]}, "`phones`"),
    ({"locale": "zh-Hant-TW"}, "`locale`"),
    ({"organization": {"id": "3", "name": "Northwind"}}, "`organization`"),
    ({"custom_fields": {"tags": ["a"]}}, "`custom_fields`"),
    ({"status": "inactive"}, "`status`"),
    ({"status": "deleted"}, "`status`"),
]


@pytest.mark.parametrize(("change", "field"), UNFIT)
@pytest.mark.parametrize("operation", ["users/create", "users/update"])
def test_what_an_account_cannot_have(operation: str, change: dict[str, Any], field: str) -> None:
    """Refused in a sentence that names Moodle and the field."""
    said = refusal(operation, NEW | change, present={"record": {"id": 7}})
    assert "Moodle" in said
    assert field in said


def test_a_new_user_cannot_be_suspended_at_once() -> None:
    """The function has no such parameter; the sentence says what to do."""
    assert "update its `status`" in refusal("users/create", NEW | {"status": "suspended"})


def test_an_update_sends_what_is_named_and_nothing_else() -> None:
    """What is not sent stays as it is."""
    assert sent("users/update", {"last_name": "Two"}) == {"id": "7", "lastname": "Two"}


@pytest.mark.parametrize(("status", "suspended"), [("suspended", 1), ("active", 0)])
def test_suspending_and_activating(status: str, suspended: int) -> None:
    """A flag of the account."""
    assert sent("users/update", {"status": status}) == {"id": "7", "suspended": suspended}


@pytest.mark.parametrize("account", [{"auth": "nologin"}, {"auth": "email", "confirmed": False}])
def test_an_account_that_would_not_become_active(account: dict[str, Any]) -> None:
    """Ending a suspension opens no account that is unconfirmed or has no way to log in."""
    said = refusal("users/update", {"status": "active"}, present={"record": account})
    assert "`status`" in said


def test_null_empties_what_can_be_empty() -> None:
    """Texts are emptied, the time zone becomes the site's, and a custom field has nothing."""
    given = {
        "phones": None,
        "timezone": None,
        "organization": None,
        "custom_fields": {"city": None, "team": None},
    }
    assert sent("users/update", given) == {
        "id": "7",
        "phone1": "",
        "phone2": "",
        "timezone": "99",
        "institution": "",
        "city": "",
        "customfields": [{"type": "team", "value": ""}],
    }


def test_the_list_of_numbers_is_the_whole_of_them() -> None:
    """A number that is not in it is taken away."""
    given = {"phones": [{"number": "2", "type": "mobile"}]}
    assert sent("users/update", given) == {"id": "7", "phone1": "", "phone2": "2"}


@pytest.mark.parametrize(("kind", "text"), [("datetime", "1792800000"), ("text", "2026-10-24T00:00:00Z")])
def test_an_instant_is_written_as_its_field_has_it(kind: str, text: str) -> None:
    """Unix seconds in a field for dates, and as it stands where the field is known to be for texts."""
    present = {"record": {"customfields": [{"shortname": "hiredate", "type": kind, "value": "1"}]}}
    given = {"custom_fields": {"hiredate": "2026-10-24T00:00:00Z"}}
    assert sent("users/update", given, present=present)["customfields"] == [
        {"type": "hiredate", "value": text}
    ]


@pytest.mark.parametrize(("resource", "call"), [("users", "user_delete"), ("courses", "course_delete")])
def test_deleting_by_id(resource: str, call: str) -> None:
    """One call with the id."""
    assert calls(f"{resource}/delete", {}) == [{"call": call, "args": {"id": "7"}}]


# -- courses ---------------------------------------------------------------------------------------


def test_a_new_course() -> None:
    """The code is the short name, and the category is one that exists."""
    [found] = calls("courses/create", COURSE)
    assert found == {
        "call": "course_create",
        "args": {"course": {"fullname": "Fire", "shortname": "FIRE-1", "categoryid": "3"}},
    }


def test_a_new_course_has_all_that_moodle_keeps() -> None:
    """A hidden course is `disabled`; the description is HTML; dates are Unix seconds."""
    given = COURSE | {
        "type": "course",
        "description": "<p>S</p>",
        "status": "disabled",
        "language": "de",
        "custom_fields": {
            "idnumber": "C-1", "starts_at": "2026-10-24T00:00:00Z", "ends_at": None, "costcentre": "CC-9",
        },
    }  # fmt: skip
    found = sent("courses/create", given)
    assert {name: found[name] for name in found if name not in ("fullname", "shortname", "categoryid")} == {
        "summary": "<p>S</p>",
        "summaryformat": 1,
        "visible": 0,
        "lang": "de",
        "startdate": 1792800000,
        "idnumber": "C-1",
        "customfields": [{"shortname": "costcentre", "value": "CC-9"}],
    }


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"categories": [{"id": "3"}, {"id": "4"}]}, "`categories`"),
        ({"categories": [{"name": "Safety"}]}, "`categories`"),
        ({"status": "archived"}, "`status`"),
        ({"status": "draft"}, "`status`"),
        ({"language": "zh-Hant"}, "`language`"),
        ({"custom_fields": {"starts_at": "soon"}}, "`starts_at`"),
        ({"custom_fields": {"ends_at": "soon"}}, "`ends_at`"),
        ({"custom_fields": {"costcentre": ["a"]}}, "`custom_fields`"),
    ],
)
@pytest.mark.parametrize("operation", ["courses/create", "courses/update"])
def test_what_a_course_cannot_have(operation: str, change: dict[str, Any], field: str) -> None:
    """Refused in a sentence that names Moodle and the field; a draft is read as `disabled` like all that is hidden."""
    fields = [{"shortname": "costcentre", "type": "text"}]
    said = refusal(operation, COURSE | change, present={"record": {"customfields": fields}})
    assert "Moodle" in said
    assert field in said


def test_a_new_course_is_no_path() -> None:
    """Moodle has courses and nothing else."""
    assert "`type`" in refusal("courses/create", COURSE | {"type": "path"})


def test_an_update_of_a_course_sends_what_is_named() -> None:
    """Hidden, renamed and emptied, and nothing else; 0 is no end."""
    given = {"title": "Smoke", "status": "disabled", "description": None, "custom_fields": {"ends_at": None}}
    assert sent("courses/update", given) == {
        "id": "7",
        "fullname": "Smoke",
        "visible": 0,
        "summary": "",
        "summaryformat": 1,
        "enddate": 0,
    }


def test_custom_fields_of_a_course_are_written_by_their_type() -> None:
    """A date in Unix seconds, a flag as 1, a text as it is."""
    kinds = {"due": "date", "audited": "checkbox", "note": "text"}
    present = {"record": {"customfields": [{"shortname": name, "type": kinds[name]} for name in kinds]}}
    given = {
        "custom_fields": {"due": "2026-10-24T00:00:00Z", "audited": True, "note": "2026-10-24T00:00:00Z"}
    }
    assert sent("courses/update", given, present=present)["customfields"] == [
        {"shortname": "due", "value": "1792800000"},
        {"shortname": "audited", "value": "1"},
        {"shortname": "note", "value": "2026-10-24T00:00:00Z"},
    ]


@pytest.mark.parametrize(
    ("custom", "field"),
    [({"level": "Advanced"}, "`level`"), ({"nosuch": "x"}, "`nosuch`"), ({"due": "soon"}, "`due`")],
)
def test_custom_fields_that_cannot_be_written(custom: dict[str, str], field: str) -> None:
    """A choice is a number that is not told, an unknown field would be lost, and a word is no date."""
    fields = [{"shortname": "level", "type": "select"}, {"shortname": "due", "type": "date"}]
    present = {"record": {"customfields": fields}}
    assert field in refusal("courses/update", {"custom_fields": custom}, present=present)
