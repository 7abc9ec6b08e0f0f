"""What the TalentLMS portal answers, key for key and type for type, as anonymised real answers have it."""

from __future__ import annotations

from typing import Any

import pytest

from sources.unified_lms.sandbox import World
from tests.unit.sandbox.conftest import MakePortal, Portal

TEXT, NULL_TEXT, WHOLE, LIST = "text", "null or text", "whole number", "list"

USER = {
    "id": TEXT, "login": TEXT, "first_name": TEXT, "last_name": TEXT, "email": TEXT, "restrict_email": TEXT,
    "user_type": TEXT, "timezone": TEXT, "language": TEXT, "status": TEXT, "deactivation_date": TEXT,
    "level": TEXT, "points": TEXT, "created_on": TEXT, "last_updated": TEXT, "last_updated_timestamp": TEXT,
    "avatar": TEXT, "bio": NULL_TEXT, "login_key": TEXT, "custom_field_1": TEXT, "custom_field_2": TEXT,
    "custom_field_3": TEXT, "custom_field_4": TEXT,
}  # fmt: skip
USER_LISTS = dict.fromkeys(["courses", "branches", "groups", "certifications", "badges"], LIST)
COURSE_OF_USER = {
    "id": TEXT, "name": TEXT, "role": TEXT, "enrolled_on": TEXT, "enrolled_on_timestamp": NULL_TEXT,
    "completed_on": TEXT, "completed_on_timestamp": NULL_TEXT, "completion_status": TEXT,
    "completion_percentage": TEXT, "expired_on": TEXT, "expired_on_timestamp": NULL_TEXT,
    "total_time": NULL_TEXT,
}  # fmt: skip
COURSE = {
    "id": TEXT, "name": TEXT, "code": TEXT, "category_id": NULL_TEXT, "description": TEXT, "price": TEXT,
    "status": TEXT, "creation_date": TEXT, "last_update_on": TEXT, "creator_id": TEXT,
    "hide_from_catalog": TEXT,
    "time_limit": TEXT, "level": NULL_TEXT, "shared": TEXT, "shared_url": TEXT, "avatar": TEXT,
    "big_avatar": TEXT,
    "certification": NULL_TEXT, "certification_duration": NULL_TEXT, "custom_field_1": TEXT,
    "custom_field_2": TEXT,
}  # fmt: skip
COURSE_LISTS = dict.fromkeys(["users", "units", "rules", "prerequisites"], LIST)
USER_OF_COURSE = {name: kind for name, kind in COURSE_OF_USER.items() if name != "completion_status"}
UNIT = {"id": TEXT, "type": TEXT, "name": TEXT, "url": TEXT}
CATEGORY = {"id": TEXT, "name": TEXT, "price": TEXT, "parent_category_id": NULL_TEXT}
COURSE_OF_CATEGORY = {
    name: COURSE[name]
    for name in (
        "id", "name", "description", "price", "status", "hide_from_catalog", "level", "shared", "shared_url",
        "avatar", "big_avatar",
    )
}  # fmt: skip
BRANCH = {
    "id": TEXT, "name": TEXT, "description": TEXT, "avatar": TEXT, "theme": TEXT, "badge_set_id": TEXT,
    "timezone": TEXT, "signup_method": TEXT, "internal_announcement": TEXT, "external_announcement": TEXT,
    "language": TEXT, "user_type_id": TEXT, "user_type": TEXT, "group_id": TEXT,
    "registration_email_restriction": NULL_TEXT, "users_limit": NULL_TEXT, "disallow_global_login": TEXT,
    "payment_processor": TEXT, "currency": TEXT, "paypal_email": TEXT, "ecommerce_subscription": TEXT,
    "ecommerce_subscription_price": TEXT, "ecommerce_subscription_interval": TEXT,
    "ecommerce_subscription_trial_period": TEXT, "ecommerce_credits": TEXT,
}  # fmt: skip
GROUP = {
    "id": TEXT, "name": TEXT, "description": TEXT, "key": TEXT, "price": TEXT, "owner_id": TEXT,
    "belongs_to_branch": NULL_TEXT, "max_redemptions": NULL_TEXT, "redemptions_sofar": NULL_TEXT,
}  # fmt: skip
SITE = {
    "total_users": TEXT, "total_courses": TEXT, "total_categories": TEXT, "total_groups": TEXT,
    "total_branches": TEXT, "monthly_active_users": WHOLE, "signup_method": TEXT, "paypal_email": TEXT,
    "domain_map": TEXT, "date_format": TEXT,
}  # fmt: skip
RATE_LIMIT = {"limit": TEXT, "remaining": WHOLE, "reset": TEXT, "formatted_reset": TEXT}
CUSTOM_FIELD = {
    "key": TEXT, "type": TEXT, "name": TEXT, "mandatory": TEXT, "visible_on_reports": TEXT,
    "dropdown_values": TEXT,
    "checkbox_status": TEXT, "selective_availability": TEXT, "branch": NULL_TEXT,
    "main_domain_availability": NULL_TEXT, "previous_key": NULL_TEXT, "order": WHOLE,
}  # fmt: skip
USER_STATUS = {
    "role": TEXT, "enrolled_on": TEXT, "enrolled_on_timestamp": NULL_TEXT, "completion_status": TEXT,
    "completion_percentage": TEXT, "completed_on": TEXT, "completed_on_timestamp": NULL_TEXT,
    "expired_on": TEXT,
    "expired_on_timestamp": NULL_TEXT, "total_time": NULL_TEXT, "units": LIST,
}  # fmt: skip
UNIT_STATUS = {
    "id": TEXT, "name": TEXT, "type": TEXT, "completion_status": TEXT, "completed_on": TEXT,
    "completed_on_timestamp": NULL_TEXT, "score": TEXT, "total_time": TEXT,
}  # fmt: skip
CERTIFICATION = dict.fromkeys(
    ["course_id", "course_name", "unique_id", "issued_date", "expiration_date", "download_url", "public_url"],
    TEXT,
)
BADGE = dict.fromkeys(["name", "type", "criteria", "issued_on"], TEXT)
NAMED = {"id": TEXT, "name": TEXT}
ENROLMENT = {"user_id": TEXT, "course_id": TEXT, "role": TEXT}

OBJECTS: dict[str, tuple[str, list[str | int], dict[str, str]]] = {
    "a user": ("users/id:6", [], USER | USER_LISTS),
    "a user by address": ("users/email:zoe@example.org", [], USER | USER_LISTS),
    "a user by login": ("users/username:zoe", [], USER | USER_LISTS),
    "a course": ("courses/id:101", [], COURSE | COURSE_LISTS),
    "a category": ("categories/id:2", [], CATEGORY | {"courses": LIST}),
    "a branch": ("branches/id:2", [], BRANCH | {"users": LIST, "courses": LIST}),
    "a group": ("groups/id:1", [], GROUP | {"users": LIST, "courses": LIST}),
    "the site": ("siteinfo", [], SITE),
    "the rate limit": ("ratelimit", [], RATE_LIMIT),
    "a user's status": ("getuserstatusincourse/course_id:101,user_id:6", [], USER_STATUS),
}
LISTS: dict[str, tuple[str, list[str | int], dict[str, str]]] = {
    "users": ("users", [], USER),
    "courses of a user": ("users/id:6", ["courses"], COURSE_OF_USER),
    "branches of a user": ("users/id:6", ["branches"], NAMED),
    "groups of a user": ("users/id:6", ["groups"], NAMED),
    "certifications of a user": ("users/id:13", ["certifications"], CERTIFICATION),
    "badges of a user": ("users/id:6", ["badges"], BADGE),
    "courses": ("courses", [], COURSE),
    "users of a course": ("courses/id:101", ["users"], USER_OF_COURSE),
    "units of a course": ("courses/id:101", ["units"], UNIT),
    "prerequisites": ("courses/id:107", ["prerequisites"], {"course_id": TEXT, "course_name": TEXT}),
    "categories": ("categories", [], CATEGORY),
    "courses of a category": ("categories/id:2", ["courses"], COURSE_OF_CATEGORY),
    "branches": ("branches", [], BRANCH),
    "users of a branch": ("branches/id:2", ["users"], NAMED),
    "courses of a branch": ("branches/id:1", ["courses"], NAMED),
    "groups": ("groups", [], GROUP),
    "custom registration fields": ("getcustomregistrationfields", [], CUSTOM_FIELD),
    "units of a user's status": ("getuserstatusincourse/course_id:101,user_id:6", ["units"], UNIT_STATUS),
}


def _fits(value: Any, kind: str) -> bool:
    if kind == NULL_TEXT:
        return value is None or isinstance(value, str)
    return type(value) is {TEXT: str, WHOLE: int, LIST: list}[kind]


def _misfits(thing: dict[str, Any], shape: dict[str, str]) -> dict[str, Any]:
    """The values that are not of their kind, and None for keys that are missing or too many."""
    wrong = dict.fromkeys(thing.keys() ^ shape.keys())
    return wrong | {
        name: thing[name] for name in thing.keys() & shape.keys() if not _fits(thing[name], shape[name])
    }


def _dig(value: Any, way: list[str | int]) -> Any:
    for step in way:
        value = value[step]
    return value


@pytest.mark.parametrize("name", OBJECTS)
def test_an_object_has_exactly_its_keys(portal: Portal, name: str) -> None:
    """A single object has the keys and types of the provider's answer, no more and no less."""
    path, way, shape = OBJECTS[name]
    assert _misfits(_dig(portal.json(path), way), shape) == {}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_bare_and_its_records_have_exactly_their_keys(portal: Portal, name: str) -> None:
    """A list has no envelope, is not empty, and its records have the keys and types of real answers."""
    path, way, shape = LISTS[name]
    records = _dig(portal.json(path), way)
    assert isinstance(records, list)
    assert records
    assert [_misfits(record, shape) for record in records] == [{}] * len(records)


def test_a_user_is_written_as_the_portal_writes_it(portal: Portal) -> None:
    """Ids and numbers are text, dates are in the portal's format, their twins in Unix seconds."""
    user = portal.json("users/id:2")
    assert {name: user[name] for name in ("id", "points", "level", "restrict_email", "status")} == {
        "id": "2", "points": "0", "level": "1", "restrict_email": "0", "status": "active",
    }  # fmt: skip
    assert (user["created_on"], user["last_updated_timestamp"]) == ("01/07/2019, 13:34:56", "1561984496")


@pytest.mark.parametrize(
    ("number", "user_type"),
    [
        (1, "SuperAdmin"),
        (2, "Trainer-Type"),
        (4, "Administrator"),
        (5, "Regional supervisors"),
        (6, "Learner-Type"),
    ],
)
def test_roles_are_names_of_user_types(portal: Portal, number: int, user_type: str) -> None:
    """The role goes out under the name of a user type, the customer's own names included."""
    assert portal.json(f"users/id:{number}")["user_type"] == user_type


@pytest.mark.parametrize("number", [18, 19])
def test_inactive_and_suspended_are_both_inactive(portal: Portal, number: int) -> None:
    """TalentLMS has one word for both."""
    assert portal.json(f"users/id:{number}")["status"] == "inactive"


def test_names_go_out_unescaped(portal: Portal) -> None:
    """Names keep quotes, angle brackets, ampersands and code points as they are."""
    assert portal.json("users/id:9")["last_name"] == "<b>Tables</b> & Sons &amp; Co"
    assert portal.json("users/id:10")["first_name"] == "Jose\u0301"


def test_the_price_is_escaped(portal: Portal) -> None:
    """The price alone is HTML-escaped."""
    assert portal.json("courses/id:101")["price"] == "&#36;19.99"


def test_a_date_of_deactivation_is_empty_or_formatted(portal: Portal) -> None:
    """No date is an empty text; one in summer is an hour ahead of UTC in London."""
    assert portal.json("users/id:6")["deactivation_date"] == ""
    assert portal.json("users/id:20")["deactivation_date"] == "30/06/2026, 22:59:00"


def test_an_enrolment_has_empty_dates_and_null_twins(portal: Portal) -> None:
    """What has no date is "" in its formatted form and null in Unix seconds."""
    course = portal.json("users/id:17")["courses"][0]
    assert [course[name] for name in ("enrolled_on", "completed_on", "expired_on")] == ["", "", ""]
    twins = ("enrolled_on_timestamp", "completed_on_timestamp", "expired_on_timestamp")
    assert [course[name] for name in twins] == [None, None, None]


@pytest.mark.parametrize(
    ("number", "course", "status", "percent", "time"),
    [
        (6, "101", "incomplete", "40", "3m 17s"),
        (7, "101", "incomplete", "0", "1m 51s"),
        (8, "101", "incomplete", "0", "0s"),
        (9, "101", "not_attempted", "0", None),
        (12, "101", "failed", "66", "1h 0m 0s"),
        (13, "101", "passed", "100", "2h 3m 4s"),
        (3, "101", "completed", "100", "26h 3m 4s"),
    ],
)
def test_progress_is_told_in_the_portals_words(
    portal: Portal, number: int, course: str, status: str, percent: str, time: str | None
) -> None:
    """Status in lower case with underscores, the percentage as text, time as hours, minutes and seconds."""
    found = {one["id"]: one for one in portal.json(f"users/id:{number}")["courses"]}[course]
    told = found["completion_status"], found["completion_percentage"], found["total_time"]
    assert told == (status, percent, time)


def test_dates_are_local_to_the_portal(portal: Portal) -> None:
    """In summer London is an hour ahead of the twin, in winter it is not."""
    course = next(one for one in portal.json("users/id:21")["courses"] if one["id"] == "105")
    assert (course["enrolled_on"], course["enrolled_on_timestamp"]) == ("01/07/2025, 00:30:00", "1751326200")
    course = next(one for one in portal.json("users/id:6")["courses"] if one["id"] == "103")
    assert (course["enrolled_on"], course["enrolled_on_timestamp"]) == ("01/01/2025, 00:00:00", "1735689600")


@pytest.mark.parametrize(
    ("date_format", "shown"),
    [
        ("DDMMYYYY", "13/07/2025, 11:29:44"),
        ("MMDDYYYY", "07/13/2025, 11:29:44"),
        ("YYYYMMDD", "2025/07/13, 11:29:44"),
    ],
)
def test_the_order_of_a_date_follows_the_portal(
    make_portal: MakePortal, date_format: str, shown: str
) -> None:
    """`siteinfo` names the order, and the dates have it."""
    portal = make_portal(date_format=date_format)
    assert portal.json("siteinfo")["date_format"] == date_format
    assert portal.json("courses/id:101")["last_update_on"] == shown


def test_instructors_are_among_the_users_of_a_course(portal: Portal) -> None:
    """A course lists who teaches it beside who learns."""
    users = portal.json("courses/id:101")["users"]
    assert [one["id"] for one in users if one["role"] == "instructor"] == ["2"]
    assert users[0]["name"] == "B. Åström"


def test_units_come_in_order_with_sections_among_them(portal: Portal) -> None:
    """The tree is flat: units before the first section, then each section before what it holds."""
    units = [(one["id"], one["type"]) for one in portal.json("courses/id:102")["units"]]
    assert units == [
        ("1010", "Unit"),
        ("1011", "Iframe"),
        ("1012", "Section"),
        ("1013", "Assignment"),
        ("1014", "Instructor-led training"),
        ("1015", "Section"),
    ]


def test_a_course_without_units_has_an_empty_list(portal: Portal) -> None:
    """No units is an empty list, not a missing key."""
    assert portal.json("courses/id:103")["units"] == []


def test_a_user_in_no_course_has_an_empty_list(portal: Portal) -> None:
    """No courses is an empty list, not a missing key."""
    assert portal.json("users/id:26")["courses"] == []


def test_the_status_of_a_user_in_a_course_has_other_words(portal: Portal) -> None:
    """`getuserstatusincourse` writes its statuses with a capital and spaces."""
    assert (
        portal.json("getuserstatusincourse/course_id:101,user_id:9")["completion_status"] == "Not attempted"
    )
    done = portal.json("getuserstatusincourse/course_id:101,user_id:3")
    assert done["completion_status"] == "Completed"
    assert {unit["completion_status"] for unit in done["units"]} == {"Completed"}


def test_checkboxes_are_on_or_off(portal: Portal) -> None:
    """A checkbox that was never touched is "off"; an empty text is ""; a date is in the portal's format."""
    fields = {
        name: value for name, value in portal.json("users/id:1").items() if name.startswith("custom_field_")
    }
    assert fields == {
        "custom_field_1": "Example Learning Ltd",
        "custom_field_2": "on",
        "custom_field_3": "R&D",
        "custom_field_4": "30/11/2018",
    }
    assert portal.json("users/id:26")["custom_field_2"] == "off"


def test_every_user_has_a_marked_login_key(portal: Portal) -> None:
    """The secret link holds a marker that tests can look for wherever it must not be."""
    assert all("SECRET-LOGIN-KEY" in one["login_key"] for one in portal.json("users"))


def test_the_figures_of_the_site_count_the_world(portal: Portal) -> None:
    """`siteinfo` counts who is there."""
    site = portal.json("siteinfo")
    assert (site["total_users"], site["total_courses"], site["total_branches"]) == ("26", "9", "4")


def test_newer_portals_have_more_fields(make_portal: MakePortal) -> None:
    """Switched on, the fields of newer portals are there and nothing else is gone."""
    portal = make_portal(newer_fields=True)
    user = portal.json("users/id:6")
    added = {"created_on_timestamp": TEXT, "deactivation_date_timestamp": NULL_TEXT}
    assert _misfits(user, USER | USER_LISTS | added) == {}
    more = {
        "completion_status_formatted": TEXT,
        "total_time_seconds": WHOLE,
        "last_accessed_unit_url": NULL_TEXT,
    }
    assert _misfits(user["courses"][0], COURSE_OF_USER | more) == {}
    course = portal.json("courses/id:101")
    assert course.keys() - (COURSE | COURSE_LISTS).keys() == {
        "start_datetime", "expiration_datetime", "prerequisite_rule_sets",
    }  # fmt: skip


def test_changes_of_the_world_show_at_once(make_portal: MakePortal) -> None:
    """What is written to the world is what the next answer tells."""
    world = World()
    portal = make_portal(world)
    world.update_person(6, last_name="Changed")
    user = portal.json("users/id:6")
    assert (user["last_name"], user["last_updated"]) == ("Changed", "02/03/2026, 09:00:01")
