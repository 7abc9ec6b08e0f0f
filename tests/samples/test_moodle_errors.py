"""Moodle's recorded errors through the manifest's rules, and what a check sees in its answers.

What is expected is written by hand from the provider's notes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sources.unified_lms.client import Client
from sources.unified_lms.connection import Connection, Secret
from sources.unified_lms.errors import (
    Forbidden,
    Invalid,
    NoData,
    NotFound,
    ProviderError,
    Rejected,
    Transient,
    Unauthorized,
)
from tests.samples.moodle_answers import MANIFEST, RECORDED, both, content, sample
from tests.unit.sources.conftest import FakeTime, Provider, fake_time, provider

__all__ = ["fake_time", "provider"]

pytestmark = RECORDED

Call = Callable[[bytes, int], Any]


@pytest.fixture
def call(provider: Provider, fake_time: FakeTime) -> Iterator[Call]:
    """What the client makes of an answer."""
    connection = Connection(
        "acme", "moodle", provider.url, {"token": Secret("planted")}, {"enrolment_report": 1}
    )
    with Client(MANIFEST, connection, timing=fake_time.timing, tries=1) as client:

        def ask(body: bytes, status: int) -> Any:
            provider.script((status, {}, body))
            return json.loads(client.call("courses").text)

        yield ask


ERRORS: dict[type[ProviderError], tuple[str, ...]] = {
    Unauthorized: (
        "ERRORS.bad_token",
        "ERRORS.no_token",
        "ERRORS.expired_token_second_call",
        "ERRORS.suspended_token_owner",
        "ERRORS_DEBUG_ON.bad_token",
    ),
    Forbidden: (
        "ERRORS.expired_token",
        "ERRORS.function_not_in_service",
        "ERRORS.ip_restricted_token",
        "ERRORS.missing_capability_create_course",
        "ERRORS.missing_capability_create_user",
        "ERRORS.create_course_bad_category",
        "ERRORS_DEBUG_ON.function_not_in_service",
        "core_course_get_courses.weak_ro",
        "core_enrol_get_enrolled_users.ERROR_weak_ro",
        "core_completion_get_course_completion_status.ERROR_weak_ro",
    ),
    NoData: (
        "core_completion_get_course_completion_status.ERROR_not_enrolled",
        "core_completion_get_course_completion_status.ERROR_no_criteria_no_completion",
        "core_completion_get_course_completion_status.teacher_not_tracked",
        "core_completion_get_activities_completion_status.ERROR_unknown_user",
        "WRITE.after_unenrol.core_completion_get_course_completion_status",
        "ERRORS.invalid_user",
        "ERRORS.delete_unknown_user",
        "ERRORS.enrol_unknown_user",
    ),
    NotFound: (
        "ERRORS.invalid_record",
        "core_course_get_contents.ERROR_unknown_course",
        "core_enrol_get_enrolled_users.ERROR_unknown_course",
        "core_reportbuilder_retrieve_report.ERROR_unknown",
    ),
    Invalid: (
        "ERRORS.unknown_function",
        "ERRORS_DEBUG_ON.unknown_function",
        "ERRORS_DEBUG_ON.ids_one_unknown",
        "core_course_get_courses_by_field.ERROR_ids_one_unknown",
        "core_user_get_users.ERROR_repeated_key",
        "core_user_get_users.no_criteria",
        "core_user_get_users.unsupported_key",
        "core_user_get_users_by_field.ERROR_bad_field",
        "core_reportbuilder_retrieve_report",
        "core_reportbuilder_retrieve_report.users",
        "ERRORS.missing_param",
        "ERRORS.wrong_type_param",
        "ERRORS.unexpected_param",
        "ERRORS.bad_userfield",
        "ERRORS.bad_sortby",
        "ERRORS.no_wsfunction",
        "ERRORS.duplicate_username",
        "ERRORS.duplicate_email",
        "ERRORS.weak_password",
        "ERRORS.uppercase_or_space_username",
        "ERRORS.invalid_email",
        "ERRORS.create_user_missing_lastname",
        "ERRORS.create_user_no_password",
        "ERRORS.delete_admin",
        "ERRORS.duplicate_shortname",
        "ERRORS.duplicate_course_idnumber",
        "ERRORS.enrol_bad_role",
        "ERRORS.enrol_unknown_course",
        "ERRORS.self_complete_without_criterion",
        "ERRORS_DEBUG_ON.duplicate_username",
        "ERRORS_DEBUG_ON.missing_param",
        "ERRORS_DEBUG_ON.wrong_type_param",
    ),
    Transient: ("ERRORS.bad_token_XML",),
}
"""Each recorded error inside of a 200. Reports are refused for the columns that the recorder has cut, or does not have;
XML is no answer to what is asked here. `login/token.php`, of which there are four more, is never asked."""


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in ERRORS.items() for name in names])
def test_recorded_errors(kind: type[ProviderError], name: str, call: Call) -> None:
    """Each is told by what stands in it."""
    with pytest.raises(kind) as raised:
        call(content(name), 200)
    assert type(raised.value) is kind


@pytest.mark.parametrize(
    ("status", "name", "kind"),
    [
        (403, "ERRORS.webservices_disabled", Rejected),
        (403, "ERRORS.rest_protocol_disabled", Rejected),
        (503, "ERRORS.maintenance_mode_admin", Transient),
        (503, "ERRORS.maintenance_mode_other", Transient),
        (503, "ERRORS.cli_maintenance", Transient),
    ],
)
def test_recorded_errors_with_a_status(status: int, name: str, kind: type[ProviderError], call: Call) -> None:
    """403 came without a body, of which the recorder made `null`; 503 with a page."""
    body = content(name)
    with pytest.raises(kind):
        call(b"" if status == 403 else body, status)


@pytest.mark.parametrize(
    "name",
    [
        "core_user_get_users",
        "core_course_get_courses",
        "core_course_get_contents",
        "core_enrol_get_enrolled_users",
        "core_completion_get_course_completion_status",
        "core_completion_get_activities_completion_status",
        "gradereport_user_get_grade_items",
        "core_webservice_get_site_info",
        "core_user_get_users.empty_idnumber",
        "core_course_get_courses_by_field.unknown_id",
        "core_enrol_get_enrolled_users.empty_course",
        "ERRORS.unenrol_not_enrolled",
        "WRITE.core_user_update_users.partial_failures",
    ],
)
def test_good_answers_are_no_errors(name: str, call: Call) -> None:
    """Neither long texts nor warnings about single records make an error of an answer."""
    call(content(name), 200)


def test_the_private_key_is_cut_out(call: Call) -> None:
    """It is in the answer that the check asks for."""
    assert "userprivateaccesskey" in sample("core_webservice_get_site_info.bot_ro")
    assert "userprivateaccesskey" not in call(content("core_webservice_get_site_info.bot_ro"), 200)


def test_what_the_check_tells_of_a_reader() -> None:
    """Whose token it is, and what it may call: all that reads but the report, and nothing that writes."""
    assert MANIFEST.check
    info = sample("core_webservice_get_site_info.bot_ro")
    told = both(MANIFEST.check.tells or "", info)
    assert told == ["Northwind Academy LMS, Moodle 4.5.6 (Build: 20250811), read as etl_bot"]
    granted = set(both(MANIFEST.check.grants or "", info))
    reads = [endpoint for endpoint in MANIFEST.endpoints.values() if endpoint.may_repeat]
    writes = [endpoint for endpoint in MANIFEST.endpoints.values() if not endpoint.may_repeat]
    lacking = {name for endpoint in reads for name in endpoint.needs} - granted
    assert lacking == {"core_reportbuilder_retrieve_report"}
    assert not granted & {name for endpoint in writes for name in endpoint.needs}


@pytest.mark.parametrize(
    ("resource", "name", "fields"),
    [
        ("users", "core_user_get_users.bot_ro", {"phones"}),
        ("users", "core_user_get_users", set()),
        ("users", "core_user_get_users.weak_ro", {"status", "username", "phones"}),
        ("courses", "core_course_get_courses_by_field.bot_ro", {"created_at", "updated_at"}),
        ("courses", "core_course_get_courses_by_field", set()),
    ],
)
def test_what_the_check_misses(resource: str, name: str, fields: set[str]) -> None:
    """What a reader does not see, and an administrator does."""
    seen = {"records": sample(name)[resource]}
    gaps = [gap for gap in MANIFEST.resources[resource].gaps if both(gap.when, seen)]
    assert {field for gap in gaps for field in gap.fields} == fields
