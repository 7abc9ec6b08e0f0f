"""The Moodle mappings and error rules on a real site's answers, which are not part of the project.

The folder that holds them (`<folder>/moodle/samples/*`) is named by LMS_VENDOR_SAMPLES. They come from a Moodle 4.5.6
whose clock is London's; what is expected is written by hand from the provider's notes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import mappings
from mappings import engine
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
from sources.unified_lms.manifest import Join, load_manifest
from tests.unit.sources.conftest import FakeTime, Provider, fake_time, provider

__all__ = ["fake_time", "provider"]

SAMPLES = os.environ.get("LMS_VENDOR_SAMPLES")
SITE: dict[str, Any] = {"timezone": "Europe/London", "roles": ["student"]}
FOLDER = Path(next(iter(mappings.__path__))) / "moodle"
MANIFEST = load_manifest("moodle")
ENROLMENTS = MANIFEST.resources["course_enrollments"]

pytestmark = pytest.mark.skipif(
    not SAMPLES or not (Path(SAMPLES) / "moodle").is_dir(),
    reason="LMS_VENDOR_SAMPLES names no folder with the vendor's samples of Moodle",
)


def content(name: str) -> bytes:
    """One of the site's answers as it came."""
    folder = Path(SAMPLES or "") / "moodle" / "samples"
    [file] = [folder / f"{name}.{kind}" for kind in ("json", "txt") if (folder / f"{name}.{kind}").is_file()]
    return file.read_bytes()


def sample(name: str) -> Any:
    """The same as a value."""
    return json.loads(content(name))


def both(source: str, value: Any) -> Any:
    """The value of an expression, on which both engines must agree."""
    found = engine.compile(source).evaluate(value)
    assert engine.reference_evaluate(source, value) == found
    return found


def unified(resource: str, record: Any, *, parent: Any = None, joined: Any = None, site: Any = None) -> Any:
    """The record as both engines map it."""
    value = {"record": record, "parent": parent, "joined": joined or {}, "settings": site or SITE}
    return both((FOLDER / f"{resource}.jsonata").read_text(), value)


def entries(join: Join, name: str) -> list[Any]:
    """What a join finds in an answer."""
    found = both(join.records, sample(name))
    return found if isinstance(found, list) else [] if found is None else [found]


# -- users -----------------------------------------------------------------------------------------


def users(name: str) -> dict[int, Any]:
    """The users of an answer by number."""
    return {one["id"]: one for one in sample(name)["users"]}


def test_a_user_as_a_reader_sees_it() -> None:
    """Institution, custom fields with the hire date as an instant, no telephone, the account's own zone."""
    assert unified("users", users("core_user_get_users.bot_ro")[3]) == {
        "id": "3",
        "first_name": "María",
        "last_name": "García Núñez",
        "name": "María García Núñez",
        "username": "u001",
        "emails": [{"email": "user001@northwind.example", "type": None, "is_primary": True}],
        "status": "active",
        "locale": "en",
        "timezone": "Europe/Madrid",
        "organization": {"name": "Northwind Iberia S.L."},
        "custom_fields": {
            "idnumber": "EMP01001",
            "department": "Sales",
            "city": "Madrid",
            "country": "ES",
            "jobtitle": "Account Executive",
            "hiredate": "2026-08-17T23:00:00Z",
            "contract": "Contractor",
            "remote": "1",
            "payrollid": "PAY0001",
        },
    }


def test_a_user_as_an_administrator_sees_it() -> None:
    """Telephone numbers come with it."""
    phones = {
        one["number"]: one["type"]
        for user in users("core_user_get_users").values()
        for one in unified("users", user).get("phones") or []
    }
    assert phones["+34 91 555 0074"] is None
    assert phones["(555)010-0039 x3"] == "mobile"


@pytest.mark.parametrize(
    "name",
    [
        "core_user_get_users",
        "core_user_get_users.bot_ro",
        "core_user_get_users.lastname_like",
        "core_user_get_users.two_criteria",
        "core_user_get_users.auth_nologin",
        "core_user_get_users.username_is_exact",
        "core_user_get_users.unsupported_key",
    ],
)
def test_every_user_is_mapped(name: str) -> None:
    """Whoever is found has a number, names and a status, which is "suspended" for those who are."""
    for record in sample(name)["users"]:
        found = unified("users", record)
        assert found["id"] == str(record["id"])
        assert found["name"] == record["fullname"]
        expected = (
            "suspended"
            if record.get("suspended")
            else "inactive"
            if record["auth"] == "nologin"
            else "active"
        )
        assert found["status"] == expected


def test_of_whom_an_account_may_see_little_no_status_is_known() -> None:
    """A weak account is not told how others log in: those who are not suspended are not taken for active."""
    found = [unified("users", record) for record in sample("core_user_get_users.weak_ro")["users"]]
    assert [one.get("status") for one in found] == [None, None, "suspended", "active"]
    assert [one.get("username") for one in found] == [None, None, None, "etl_weak"]


def test_the_guest_is_left_out() -> None:
    """A search for everybody finds the guest as well."""
    [rule] = MANIFEST.resources["users"].skip
    left_out = [
        record["id"]
        for record in sample("core_user_get_users.bot_ro")["users"]
        if both(rule.when, {"record": record})
    ]
    assert left_out == [1]


# -- courses ---------------------------------------------------------------------------------------


def courses(name: str) -> dict[int, Any]:
    """The courses of an answer by number."""
    body = sample(name)
    return {one["id"]: one for one in (body if isinstance(body, list) else body["courses"])}


def test_a_course_with_dates() -> None:
    """With moodle/course:update: dates and ID number; a date among the custom fields, choices by their text."""
    assert unified("courses", courses("core_course_get_courses_by_field")[2]) == {
        "id": "2",
        "title": "Information Security Awareness",
        "description": "<p>Phishing, passwords &amp; <b>data</b> handling.</p>",
        "code": "SEC-101",
        "type": "course",
        "status": "published",
        "status_source": "visible",
        "categories": [{"id": "2", "name": "Compliance"}],
        "created_at": "2026-04-27T15:57:55Z",
        "updated_at": "2026-05-12T15:57:55Z",
        "custom_fields": {
            "idnumber": "CRS-0001",
            "starts_at": "2026-05-07T15:57:55Z",
            "ends_at": "2027-05-07T15:57:55Z",
            "costcentre": "CC-100",
            "level": "Basic",
            "recertify": "2027-11-23T15:57:55Z",
            "mandatory": 1,
            "objectives": "<ul><li>Know</li><li>Apply</li></ul>",
            "credithours": 2.5,
        },
    }


def test_a_course_as_a_reader_sees_it() -> None:
    """No dates, but whether it is visible, and the category's name."""
    found = unified("courses", courses("core_course_get_courses_by_field.bot_ro")[3])
    assert (found.get("created_at"), found.get("updated_at"), found["status"]) == (None, None, "published")
    assert found["categories"] == [{"id": "2", "name": "Compliance"}]


def test_hidden_courses() -> None:
    """A draft and what is no longer given are hidden alike."""
    hidden = [
        one["shortname"]
        for one in courses("core_course_get_courses_by_field").values()
        if unified("courses", one)["status"] == "disabled"
    ]
    assert {"MGT-200", "OLD-2019"} <= set(hidden)
    assert "SEC-101" not in hidden


def test_a_name_that_was_asked_for_raw() -> None:
    """With moodlewssettingraw a name is as it was entered."""
    [course] = courses("core_course_get_courses_by_field.raw_setting").values()
    assert unified("courses", course)["title"] == "Community of Practice: SQL & <Data>"


def test_the_front_page_is_no_course() -> None:
    """The site stands among its courses, and is left out; so it is as a parent."""
    [rule] = MANIFEST.resources["courses"].skip
    everything = courses("core_course_get_courses_by_field")
    assert [number for number, one in everything.items() if both(rule.when, {"record": one})] == [1]
    parents = MANIFEST.resources["course_items"].read[0].parents
    assert parents
    assert [number for number, one in everything.items() if not both(parents.when or "", one)] == [1]


@pytest.mark.parametrize(
    "name",
    [
        "core_course_get_courses",
        "core_course_get_courses.bot_ro",
        "core_course_get_courses.ids",
        "core_course_get_courses_by_field.ids",
        "core_course_get_courses_by_field.category",
        "core_course_get_courses_by_field.shortname",
        "core_course_get_courses_by_field.weak_ro",
        "core_course_get_courses_by_field.formatted",
    ],
)
def test_every_course_is_mapped(name: str) -> None:
    """Number, title and code are in each answer, whatever else the account sees."""
    for record in courses(name).values():
        found = unified("courses", record)
        assert (found["id"], found["title"], found["code"]) == (
            str(record["id"]),
            record["fullname"],
            record["shortname"],
        )
        assert ("created_at" in found) == ("timecreated" in record)


# -- course items ----------------------------------------------------------------------------------


def items(name: str) -> list[Any]:
    """The course items of a course's contents."""
    course = {"id": 2, "fullname": "Information Security Awareness", "shortname": "SEC-101"}
    rows = both(
        MANIFEST.resources["course_items"].read[0].rows or "",
        {"body": sample(name), "parent": course, "settings": SITE},
    )
    return [unified("course_items", row["record"], parent=course, joined=row["joined"]) for row in rows]


def test_contents_are_a_tree() -> None:
    """Sections and activities share numbers and nothing else; places count among siblings."""
    found = items("core_course_get_contents")
    told = [
        (one["id"], one["type"], one["position"], (one.get("parent") or {}).get("id")) for one in found[:6]
    ]
    assert told == [
        ("section:1", "section", 1, None),
        ("section:2", "section", 2, None),
        ("module:2", "page", 1, "section:2"),
        ("module:3", "link", 2, "section:2"),
        ("module:4", "page", 3, "section:2"),
        ("module:5", "document", 4, "section:2"),
    ]
    assert len({one["id"] for one in found}) == len(found)


def test_an_activity() -> None:
    """Its address leads to it, and the caller's own completion is no part of it."""
    [page] = [one for one in items("core_course_get_contents") if one["id"] == "module:2"]
    assert page == {
        "id": "module:2",
        "course": {"id": "2", "title": "Information Security Awareness"},
        "parent": {"id": "section:2", "title": "Módulo 1: conceptos"},
        "type": "page",
        "type_source": "page",
        "title": "Introduction \N{EN DASH} SEC-101",
        "position": 1,
        "urls": [{"url": "https://moodle.example.edu/mod/page/view.php?id=2", "type": None}],
    }


@pytest.mark.parametrize(
    ("name", "sections", "activities"),
    [
        ("core_course_get_contents.empty", 5, 0),
        ("core_course_get_contents.scorm", 2, 2),
        ("core_course_get_contents.hidden_course", 3, 2),
        ("core_course_get_contents.bot_ro", 3, 3),
    ],
)
def test_other_contents(name: str, sections: int, activities: int) -> None:
    """Empty sections are sections, and a hidden course has contents."""
    found = items(name)
    kinds = [one["id"].split(":")[0] for one in found]
    assert (kinds.count("section"), kinds.count("module")) == (sections, activities)


# -- enrolments ------------------------------------------------------------------------------------

COURSE = {
    "id": 2,
    "fullname": "Information Security Awareness",
    "shortname": "SEC-101",
    "enablecompletion": 1,
}


def members(name: str) -> dict[int, Any]:
    """The members of an answer by number."""
    return {one["id"]: one for one in sample(name)}


def test_a_member_with_all_that_is_joined() -> None:
    """Completed; six of seven activities; the course's total as the score."""
    completion = ENROLMENTS.joins["completion"]
    [status] = entries(completion, "core_completion_get_course_completion_status.bot_ro")
    [activities] = entries(ENROLMENTS.joins["activities"], "core_completion_get_activities_completion_status")
    [profile] = sample("core_user_get_course_user_profiles")
    [grade] = entries(ENROLMENTS.joins["grade"], "gradereport_user_get_grade_items.one_user")
    joined = {"completion": status, "activities": activities, "grade": grade}
    found = unified("course_enrollments", profile, parent=COURSE, joined=joined)
    assert found == {
        "id": "2:21",
        "user": {
            "id": "21",
            "name": "Ethan Jones",
            "emails": [{"email": "user019@northwind.example", "type": None, "is_primary": True}],
        },
        "course": {"id": "2", "title": "Information Security Awareness"},
        "status": "completed",
        "progress_percent": 85.71,
        "score": grade["score"],
    }
    assert grade["user"] == 21


def test_a_member_under_way() -> None:
    """Not completed, and has been in the course: in progress."""
    [status] = entries(
        ENROLMENTS.joins["completion"], "core_completion_get_course_completion_status.incomplete"
    )
    member = members("core_enrol_get_enrolled_users.bot_ro")[4]
    found = unified("course_enrollments", member, parent=COURSE, joined={"completion": status})
    assert (found["status"], found["last_activity_at"]) == ("in_progress", "2026-10-24T15:57:51Z")


def test_who_is_not_active() -> None:
    """The partition of those who are not active: found by number, and what they are stays open."""
    member = members("core_enrol_get_enrolled_users.bot_ro")[13]
    join = ENROLMENTS.joins["suspended"]
    table = {
        both(join.key or "", one): one for one in entries(join, "core_enrol_get_enrolled_users.onlysuspended")
    }
    assert len(table) == 12
    joined = {"suspended": table[both(join.match or "", {"record": member, "parent": COURSE})]}
    found = unified("course_enrollments", member, parent=COURSE, joined=joined)
    assert (found["status"], found["status_source"]) == ("unknown", "suspended")


def test_the_partitions_do_not_overlap() -> None:
    """Who is active is not suspended."""
    active = members("core_enrol_get_enrolled_users.onlyactive").keys()
    assert not active & members("core_enrol_get_enrolled_users.onlysuspended").keys()


def test_teachers_and_those_without_a_role_are_left_out() -> None:
    """An editing teacher alone is no learner; a teacher who learns as well is one; no role is none."""
    [rule] = ENROLMENTS.skip
    left_out = {
        number
        for name in ("core_enrol_get_enrolled_users.bot_ro", "core_enrol_get_enrolled_users.no_role")
        for number, one in members(name).items()
        if both(rule.when, {"record": one, "settings": SITE})
    }
    assert 3 in left_out
    assert 11 in left_out
    assert 4 not in left_out
    without = [one["id"] for one in sample("core_enrol_get_enrolled_users.no_role") if not one["roles"]]
    assert without
    assert set(without) <= left_out


def test_nobody_is_tracked_who_is_not_enrolled() -> None:
    """The zeros of somebody who is not enrolled, and of a course without completion, are no progress."""
    activities = ENROLMENTS.joins["activities"]
    for variant in ("not_enrolled", "completion_disabled"):
        [counted] = entries(activities, f"core_completion_get_activities_completion_status.{variant}")
        assert counted == {"tracked": 0, "done": 0}


def test_grades_of_a_course() -> None:
    """Each learner's total, null where there is none yet; an empty course has nobody's."""
    grade = ENROLMENTS.joins["grade"]
    totals = {one["user"]: one["score"] for one in entries(grade, "gradereport_user_get_grade_items.bot_ro")}
    assert totals == {28: None, 20: 100}
    assert entries(grade, "gradereport_user_get_grade_items.empty_course") == []
    after = entries(grade, "WRITE.after_unenrol.gradereport_user_get_grade_items")
    assert all({"user", "score"} == one.keys() for one in after)


def rows() -> dict[str, list[Any]]:
    """The rows of the recorded report by course and user."""
    join = ENROLMENTS.joins["report"]
    found: dict[str, list[Any]] = {}
    for row in entries(join, "core_reportbuilder_retrieve_report"):
        found.setdefault(both(join.key or "", row), []).append(row)
    return found


def test_rows_of_a_report() -> None:
    """Eight enrolments, and two rows of methods without users. The sample lacks seven of its columns."""
    found = rows()
    assert len(found.pop("no user")) == 2
    assert "OLD-2019:u018" in found
    member = {"id": 20, "username": "u018", "fullname": "Ava Brown", "lastcourseaccess": 0}
    course = {"id": 7, "fullname": "Legacy Induction 2019", "shortname": "OLD-2019"}
    report = [row | {"Completed": "No"} for row in found["OLD-2019:u018"]]
    site = SITE | {"enrolment_report": 1}
    told = unified("course_enrollments", member, parent=course, joined={"report": report}, site=site)
    assert (told["status"], told["status_source"]) == ("unknown", "Not current")
    assert told["enrolled_at"] == "2020-04-28T15:57:00Z"
    assert told["custom_fields"] == {"expires_at": "2020-11-14T15:57:00Z"}
    visited = unified(
        "course_enrollments",
        member | {"lastcourseaccess": 1600000000},
        parent=course,
        joined={"report": report},
        site=site,
    )
    assert visited["status"] == "expired"


def test_every_date_of_a_report_can_be_read() -> None:
    """All dates of both reports, at that site's time of the day."""
    dates = [
        cell
        for name in ("core_reportbuilder_retrieve_report", "core_reportbuilder_retrieve_report.users")
        for row in sample(name)["data"]["rows"]
        for cell in row["columns"]
        if isinstance(cell, str) and cell.endswith(("AM", "PM"))
    ]
    assert len(dates) > 20
    assert all(both('$longdate(d, "Europe/London")', {"d": one}) for one in dates)


# -- errors, and what the check sees ---------------------------------------------------------------

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
    """Whose token it is, and what it may call: everything but the report."""
    assert MANIFEST.check
    info = sample("core_webservice_get_site_info.bot_ro")
    told = both(MANIFEST.check.tells or "", info)
    assert told == ["Northwind Academy LMS, Moodle 4.5.6 (Build: 20250811), read as etl_bot"]
    needed = {name for endpoint in MANIFEST.endpoints.values() for name in endpoint.needs}
    assert needed - set(both(MANIFEST.check.grants or "", info)) == {"core_reportbuilder_retrieve_report"}


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
