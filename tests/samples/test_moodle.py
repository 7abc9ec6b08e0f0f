"""The Moodle mappings of users, courses and contents on a real site's answers.

What is expected is written by hand from the provider's notes.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.samples.moodle_answers import MANIFEST, RECORDED, SITE, both, sample, unified

pytestmark = RECORDED


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
