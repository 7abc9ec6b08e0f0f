"""Moodle's recorded answers to writes: which of them are errors, of which kind, and what id comes out of the others.

What is expected is written by hand from the provider's notes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sources.unified_lms.client import Client
from sources.unified_lms.connection import Connection, Secret
from sources.unified_lms.errors import Forbidden, Invalid, NotFound, ProviderError
from tests.samples.moodle_answers import MANIFEST, RECORDED, both, content, sample, unified
from tests.unit.sources.conftest import FakeTime, Provider, fake_time, provider

__all__ = ["fake_time", "provider"]

pytestmark = RECORDED

Call = Callable[[str, str], Any]
ARGS = {"args": {"user": {"id": 1}, "course": {"id": 1}, "enrolment": {"userid": 1}, "id": 1}}


@pytest.fixture
def call(provider: Provider, fake_time: FakeTime) -> Iterator[Call]:
    """What the client makes of a recorded answer to a call of an endpoint."""
    connection = Connection("acme", "moodle", provider.url, {"token": Secret("planted")}, {})
    with Client(MANIFEST, connection, timing=fake_time.timing, tries=1) as client:

        def ask(endpoint: str, name: str) -> Any:
            provider.script((200, {}, content(name)))
            return json.loads(client.call(endpoint, ARGS).text)

        yield ask


ERRORS: dict[type[ProviderError], tuple[tuple[str, str], ...]] = {
    NotFound: (
        ("user_update", "ERRORS.update_unknown_user"),
        ("user_update", "WRITE.core_user_update_users.deleted_user"),
        ("user_update", "WRITE.core_user_update_users.partial_failures"),
        ("user_delete", "ERRORS.delete_unknown_user"),
        ("user_delete", "WRITE.core_user_delete_users.ERROR_already_deleted"),
        ("user_delete", "WRITE.core_user_delete_users.ERROR_batch_one_unknown"),
        ("course_update", "ERRORS.update_unknown_course"),
        ("course_update", "WRITE.core_course_update_courses"),
        ("course_delete", "ERRORS.delete_unknown_course"),
        ("course_delete", "WRITE.core_course_delete_courses"),
        ("enrol", "ERRORS.enrol_unknown_user"),
    ),
    Forbidden: (
        ("user_create", "ERRORS.missing_capability_create_user"),
        ("course_create", "ERRORS.missing_capability_create_course"),
        ("course_create", "ERRORS.create_course_bad_category"),
        ("course_create", "ERRORS.function_not_in_service"),
        ("user_delete", "ERRORS.delete_admin"),
        ("enrol", "ERRORS.enrol_bad_role"),
    ),
    Invalid: (
        ("user_create", "ERRORS.duplicate_username"),
        ("user_create", "ERRORS.duplicate_email"),
        ("user_create", "ERRORS.weak_password"),
        ("user_create", "ERRORS.uppercase_or_space_username"),
        ("user_create", "ERRORS.create_user_missing_lastname"),
        ("user_create", "WRITE.core_user_create_users.ERROR_batch_one_duplicate"),
        ("course_create", "ERRORS.duplicate_shortname"),
        ("course_create", "ERRORS.duplicate_course_idnumber"),
        ("enrol", "ERRORS.enrol_unknown_course"),
    ),
}
"""Calls of several records were recorded as well: one unknown among them makes the answer an error."""


@pytest.mark.parametrize(
    ("kind", "endpoint", "name"), [(kind, *each) for kind, found in ERRORS.items() for each in found]
)
def test_answers_that_are_errors(kind: type[ProviderError], endpoint: str, name: str, call: Call) -> None:
    """Exceptions and warnings, each within a 200, are of the kind that writing goes by."""
    with pytest.raises(kind) as raised:
        call(endpoint, name)
    assert type(raised.value) is kind


@pytest.mark.parametrize(
    ("endpoint", "name"),
    [
        ("user_update", "WRITE.core_user_update_users"),
        ("user_delete", "WRITE.core_user_delete_users"),
        ("enrol", "WRITE.enrol_manual_enrol_users"),
        ("enrol", "WRITE.enrol_manual_enrol_users.again_suspend_no_dates"),
        ("unenrol", "WRITE.enrol_manual_unenrol_users"),
        ("unenrol", "ERRORS.unenrol_not_enrolled"),
    ],
)
def test_answers_that_say_nothing_are_good(endpoint: str, name: str, call: Call) -> None:
    """Null, and warnings of which there are none."""
    assert call(endpoint, name) in (None, {"warnings": []})


@pytest.mark.parametrize(
    ("resource", "endpoint", "name", "found"),
    [
        ("users", "user_create", "WRITE.core_user_create_users", "67"),
        ("users", "user_create", "WRITE.core_user_create_users.unknown_customfield", "70"),
        ("users", "user_create", "WRITE.core_user_create_users.same_username_after_delete", "71"),
        ("courses", "course_create", "WRITE.core_course_create_courses", "11"),
    ],
)
def test_the_id_of_what_was_made(resource: str, endpoint: str, name: str, found: str, call: Call) -> None:
    """The number of the first entry, as text."""
    create = MANIFEST.resources[resource].writes.create
    assert create is not None
    assert both(create.id or "", {"body": call(endpoint, name), "record": {}}) == found


def test_what_was_asked_for_is_what_was_read() -> None:
    """The account that the recorder made and then changed reads as each call left it; a day is midnight in London."""
    [made] = [one for one in sample("WRITE.after_create.core_user_get_users_by_field") if one["id"] == 67]
    [changed] = [one for one in sample("WRITE.after_update.core_user_get_users_by_field") if one["id"] == 67]
    before, after = unified("users", made), unified("users", changed)
    custom = before["custom_fields"]
    assert (before["status"], custom["hiredate"], custom["remote"]) == ("active", "2026-10-23T23:00:00Z", "1")
    assert (after["status"], after["phones"]) == ("suspended", before["phones"])
    assert "department" not in after["custom_fields"]
    assert after["custom_fields"]["jobtitle"] == "Lead"


def test_a_hidden_course_is_disabled() -> None:
    """The course that the recorder hid."""
    [course] = sample("WRITE.after_update.core_course_get_courses_by_field")["courses"]
    assert unified("courses", course)["status"] == "disabled"
