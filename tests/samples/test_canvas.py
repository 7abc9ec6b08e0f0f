"""The Canvas mappings on the vendor's own answers, which are not part of the project.

The folder that holds them (`<folder>/canvas/samples/*.json`) is named by LMS_VENDOR_SAMPLES. Their ids are numbers,
since none was recorded with string ids; what is expected is written by hand from the provider's notes.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import mappings
from mappings import engine
from mappings.model import RESOURCES
from mappings.rows import check
from sources.unified_lms.manifest import load_manifest

SAMPLES = os.environ.get("LMS_VENDOR_SAMPLES")
FOLDER = Path(next(iter(mappings.__path__))) / "canvas"

pytestmark = pytest.mark.skipif(
    not SAMPLES or not (Path(SAMPLES) / "canvas").is_dir(),
    reason="LMS_VENDOR_SAMPLES names no folder with the vendor's samples of Canvas",
)


def sample(name: str) -> Any:
    """One of the vendor's answers."""
    return json.loads((Path(SAMPLES or "") / "canvas" / "samples" / f"{name}.json").read_text())


def fixture(name: str, key: str) -> Any:
    """The body of one answer of the vendor's community client's test doubles."""
    return sample(f"canvasapi_fixture_{name}")[key]["data"]


def unified(resource: str, record: Any, *, parent: Any = None, joined: Any = None) -> dict[str, Any]:
    """What of the record both engines map it to is not null, in the model's own form and without a violation."""
    source = (FOLDER / f"{resource}.jsonata").read_text()
    value = {"record": record, "parent": parent, "joined": joined or {}, "settings": {}}
    found = engine.compile(source, name=resource).evaluate(value)
    assert engine.reference_evaluate(source, value) == found
    assert json.loads(engine.compile(source, name=resource).evaluate_json(json.dumps(value)) or "") == found
    checked, violations = check(RESOURCES[resource], found)
    assert violations == []
    assert checked is not None
    return {key: value for key, value in checked.items() if value is not None}


# -- users -----------------------------------------------------------------------------------------


def test_the_documented_user() -> None:
    """Every field of the vendor's example; the login is the address, so it is no username."""
    assert unified("users", sample("doc_user_object")) == {
        "id": "2",
        "first_name": "Sheldon",
        "last_name": "Cooper",
        "name": "Sheldon Cooper",
        "emails": [{"email": "sheldon@caltech.example.com", "type": None, "is_primary": True}],
        "status": "active",
        "locale": "tlh",
        "timezone": "America/Denver",
        "custom_fields": {"sis_user_id": "SHEL93921", "integration_id": "ABC59802"},
    }


def test_a_profile() -> None:
    """The profile of older versions has no names apart, and its calendar goes nowhere."""
    found = unified("users", sample("user_profile"))
    assert found == {
        "id": "1111",
        "first_name": "Sam",
        "last_name": "Franklen",
        "name": "Sam Franklen",
        "username": "login_id",
        "status": "active",
        "timezone": "America/Denver",
    }


def test_a_user_of_whom_hardly_anything_is_told() -> None:
    """An id and a name are a user."""
    assert unified("users", fixture("user", "get_by_id")) == {
        "id": "1",
        "name": "John Doe",
        "status": "active",
    }
    assert [unified("users", user)["id"] for user in fixture("account", "users")] == ["1", "2"]


# -- courses ---------------------------------------------------------------------------------------


def test_the_documented_course() -> None:
    """Every field of the vendor's example; dates have an offset and become UTC."""
    assert unified("courses", sample("doc_course_object")) == {
        "id": "370663",
        "title": "InstructureCon 2012",
        "description": "Come one, come all to InstructureCon 2012!",
        "code": "INSTCON12",
        "type": "course",
        "status": "published",
        "status_source": "available",
        "language": "en",
        "organization": {"id": "81259", "name": None},
        "created_at": "2012-05-01T06:00:00Z",
        "custom_fields": {
            "starts_at": "2012-06-01T00:00:00-06:00",
            "ends_at": "2012-09-01T00:00:00-06:00",
        },
    }


def test_a_course_with_its_term() -> None:
    """A recorded single course: the term is the category."""
    found = unified("courses", sample("course_show_include_term_permissions"))
    assert (found["id"], found["title"], found["code"]) == (
        "1383418",
        "Trevor's Emporium Extraordinarium",
        "TEE-101",
    )
    assert found["categories"] == [{"id": "3142", "name": "Default Term"}]
    assert found["custom_fields"] == {"starts_at": "2014-06-16T19:18:59Z"}


def test_a_list_of_courses() -> None:
    """The recorded list: all of them available, the last with an end that is past, which changes nothing."""
    found = [unified("courses", course) for course in sample("courses_list_include_term_total_scores")]
    assert [course["id"] for course in found] == ["1383420", "1279999", "1383418", "833052"]
    assert {course["status"] for course in found} == {"published"}
    assert found[3]["custom_fields"] == {
        "starts_at": "2012-10-09T06:00:00Z",
        "ends_at": "2014-11-22T05:55:00Z",
    }


def test_courses_of_the_test_doubles() -> None:
    """Courses without dates, terms or descriptions."""
    found = [unified("courses", course) for course in fixture("account", "get_courses")]
    assert [(course["id"], course["code"], course["organization"]["id"]) for course in found] == [
        ("1", "TEST 1", "1"),
        ("2", "TEST 2", "1"),
    ]


def test_a_course_whose_record_was_cut_has_no_id() -> None:
    """The sample without its leading keys is mapped, and would be rejected for want of an id."""
    source = (FOLDER / "courses.jsonata").read_text()
    record = sample("course_list_item_real_student_with_grades")
    found = engine.compile(source).evaluate({"record": record, "parent": None, "joined": {}, "settings": {}})
    checked, violations = check(RESOURCES["courses"], found)
    assert checked is None
    assert [violation.code for violation in violations] == ["missing_identity"]
    assert (found["status"], found["created_at"]) == ("published", "2024-02-29T13:49:56Z")


CALENDARS = [
    "course_show_include_term_permissions",
    "course_list_item_real_student_with_grades",
    "user_profile",
]


@pytest.mark.parametrize("name", CALENDARS)
def test_the_secret_of_a_calendar_is_where_the_manifest_looks_for_it(name: str) -> None:
    """The key that the manifest cuts out is the one that holds the feed's address."""
    assert sample(name)["calendar"].keys() == {"ics"} <= set(load_manifest("canvas").secrets)


# -- course items ----------------------------------------------------------------------------------

ANDROID = {"id": 833052, "name": "Android Development"}


def rows(body: Any, fetched: Any) -> list[dict[str, Any]]:
    """The records that the manifest makes of an answer with modules."""
    expression = load_manifest("canvas").resources["course_items"].read[0].rows
    found: list[dict[str, Any]] = engine.compile(expression or "").evaluate(
        {"body": body, "parent": ANDROID, "settings": {}, "fetched": {"items": fetched}}
    )
    return found


def with_string_ids(value: Any) -> Any:
    """An answer as it comes where string ids are asked for."""
    if isinstance(value, list):
        return [with_string_ids(item) for item in value]
    if isinstance(value, dict):
        return {k: str(v) if k == "id" else with_string_ids(v) for k, v in value.items()}
    return value


def test_modules_without_their_items_are_completed() -> None:
    """The recorded list leaves all items out: those modules are asked for that have any, 4 and 1 of them."""
    fetch = load_manifest("canvas").resources["course_items"].read[0].fetch["items"]
    body = with_string_ids(sample("course_modules_list_student_view"))
    found = engine.compile(fetch.each).evaluate({"body": body})
    assert [module["id"] for module in found] == ["1059720", "1059721"]


def test_modules_and_items_in_their_order() -> None:
    """The recorded module with its recorded items, then the modules without any."""
    body = with_string_ids(sample("course_modules_list_student_view"))
    items = with_string_ids(sample("module_items_list_student_view"))
    found = [
        unified("course_items", row["record"], parent=ANDROID, joined=row.get("joined"))
        for row in rows(body, {"1059720": items, "1059721": []})
    ]
    assert [row["id"] for row in found] == [
        "module:1059720",
        *(f"item:{number}" for number in (9012239, 9012244, 9012248, 9012251)),
        "module:1059721",
        "module:1059722",
        "module:1059723",
    ]
    assert found[0] == {
        "id": "module:1059720",
        "course": {"id": "833052", "title": "Android Development"},
        "type": "module",
        "title": "Beginners",
        "position": 1,
    }
    assert found[1] == {
        "id": "item:9012239",
        "course": {"id": "833052", "title": "Android Development"},
        "parent": {"id": "module:1059720", "title": "Beginners"},
        "type": "assignment",
        "type_source": "Assignment",
        "title": "Android 101",
        "position": 1,
        "is_required": True,
        "urls": [
            {"url": "https://mobiledev.instructure.com/courses/833052/modules/items/9012239", "type": None}
        ],
        "custom_fields": {"requirement": "must_submit"},
    }
    assert [row["type"] for row in found[2:5]] == ["assignment", "discussion", "quiz"]
    assert found[2]["custom_fields"] == {"requirement": "min_score", "min_score": "5"}


def test_items_with_mastery_paths() -> None:
    """Items without requirements, at positions with gaps, which are Canvas's own."""
    module = {"id": 1, "name": "Module 1"}
    found = [
        unified("course_items", item, parent=ANDROID, joined={"module": module})
        for item in sample("module_items_list_mastery_paths")
    ]
    assert [(row["id"], row["position"], row["type"]) for row in found] == [
        ("item:1", 1, "assignment"),
        ("item:5", 3, "quiz"),
        ("item:7", 5, "discussion"),
        ("item:8", 6, "assignment"),
    ]
    assert {row["is_required"] for row in found} == {False}


def test_the_documented_module_and_item() -> None:
    """The vendor's examples, dates with offsets kept as they are among the custom fields."""
    module, item = sample("doc_module_object"), sample("doc_module_item_object")
    assert unified("course_items", module, parent=ANDROID)["custom_fields"] == {
        "unlock_at": "2012-12-31T06:00:00-06:00",
        "published": True,
    }
    found = unified("course_items", item, parent=ANDROID, joined={"module": module})
    assert found["parent"] == {"id": "module:123", "title": "Imaginary Numbers and You"}
    assert found["urls"][1] == {"url": "https://www.example.com/externalurl", "type": "external"}
    assert found["custom_fields"] == {
        "requirement": "min_score",
        "min_score": 10,
        "points_possible": 20,
        "due_at": "2012-12-31T06:00:00-06:00",
        "unlock_at": "2012-12-31T06:00:00-06:00",
        "lock_at": "2012-12-31T06:00:00-06:00",
        "published": True,
    }


def test_items_of_the_test_doubles() -> None:
    """Items of whom only title, type and position are told."""
    items = fixture("module", "list_module_items")
    found = [
        unified("course_items", item, parent=ANDROID, joined={"module": {"id": 1, "name": ""}})
        for item in items
    ]
    assert [(row["id"], row["title"]) for row in found] == [
        ("item:1", "First Module Item"),
        ("item:2", "Second Module Item"),
    ]


# -- enrolments ------------------------------------------------------------------------------------

EMPORIUM = {"id": 1383418, "name": "Trevor's Emporium Extraordinarium", "workflow_state": "available"}


def test_a_recorded_enrollment() -> None:
    """An active student with activity and 191.5 percent in a running course."""
    [student, _] = sample("course_enrollments_list")
    assert unified("course_enrollments", student, parent=EMPORIUM) == {
        "id": "23221371",
        "user": {"id": "5834817", "name": "Hackdown Hodor", "emails": None},
        "course": {"id": "1383418", "title": "Trevor's Emporium Extraordinarium"},
        "status": "in_progress",
        "status_source": "active",
        "enrolled_at": "2014-06-27T16:30:59Z",
        "last_activity_at": "2014-07-15T21:17:27Z",
        "time_spent_seconds": 26692,
        "score": 191.5,
        "urls": [{"url": "https://mobiledev.instructure.com/courses/1383418/users/5834817", "type": None}],
        "created_at": "2014-06-27T16:30:59Z",
        "updated_at": "2014-07-14T16:49:15Z",
        "custom_fields": {"type": "StudentEnrollment", "role": "StudentEnrollment", "section_id": "1586838"},
    }


def test_a_recorded_enrollment_of_a_concluded_course() -> None:
    """Once the course is over, the final score counts."""
    [student, _] = sample("course_enrollments_list")
    found = unified("course_enrollments", student, parent=EMPORIUM | {"workflow_state": "completed"})
    assert found["score"] == 115.5


def test_a_recorded_teacher() -> None:
    """A teacher has no grades."""
    [_, teacher] = sample("course_enrollments_list")
    found = unified("course_enrollments", teacher, parent=EMPORIUM)
    assert "score" not in found
    assert found["custom_fields"]["type"] == "TeacherEnrollment"


def test_the_documented_enrollment() -> None:
    """The vendor's example has its override beside the grades, and letters that are null."""
    enrollment = sample("doc_enrollment_object")
    running = unified("course_enrollments", enrollment, parent={"name": "A course"})
    assert (running["score"], running["started_at"]) == (35, "2012-04-18T23:08:51Z")
    assert running["custom_fields"] == {
        "expires_at": "2012-04-18T23:08:51Z",
        "type": "StudentEnrollment",
        "role": "StudentEnrollment",
        "section_id": "1",
    }
    over = unified("course_enrollments", enrollment | {"enrollment_state": "completed"})
    assert (over["score"], over["custom_fields"]["grade"]) == (99.99, "A")


@pytest.mark.parametrize(
    ("user", "status", "percent", "completed_at"),
    [(1, "in_progress", 50, None), (2, "completed", 100, "2021-08-10T16:26:08Z")],
)
def test_the_documented_progress(user: int, status: str, percent: int, completed_at: str | None) -> None:
    """The vendor's example of bulk progress, joined to enrolments without any activity."""
    entry = next(one for one in sample("doc_bulk_user_progress") if one["id"] == user)
    enrollment = fixture("course", "list_enrollments")[0] | {"enrollment_state": "active", "user_id": user}
    found = unified("course_enrollments", enrollment, joined={"progress": entry})
    assert (found["status"], found["progress_percent"], found.get("completed_at")) == (
        status,
        percent,
        completed_at,
    )


def test_enrollments_of_the_test_doubles() -> None:
    """An enrolment without a state has no status, and none is guessed."""
    found = unified("course_enrollments", fixture("enrollment", "get_by_id"))
    assert found == {
        "id": "1",
        "user": {"id": "1", "name": None, "emails": None},
        "course": {"id": "1", "title": None},
        "custom_fields": {"type": "StudentEnrollment"},
    }
