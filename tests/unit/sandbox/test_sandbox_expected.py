"""The oracle: rows written by hand for the awkward cases, and nothing shared with what it checks."""

from __future__ import annotations

import ast
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mappings.model import RESOURCES
from mappings.rows import check
from sources.unified_lms.sandbox import World, expected
from sources.unified_lms.sandbox.oracles import rows as oracle_rows

SANDBOX = Path(oracle_rows.__file__).parents[1]


def _rows(resource: str, world: World | None = None, **options: Any) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in expected(world or World(), "talentlms", resource, **options)}


@pytest.mark.parametrize("resource", RESOURCES)
@pytest.mark.parametrize("newer", [False, True])
def test_every_row_is_a_unified_record_with_every_field(resource: str, newer: bool) -> None:
    """Each row passes the exact check of the model unchanged: fields, types, enums and instants are right."""
    found = expected(World.generate(5, 80, 20, 3), "talentlms", resource, newer_fields=newer)
    assert found
    assert [check(RESOURCES[resource], row) for row in found] == [(row, []) for row in found]


@pytest.mark.parametrize("resource", RESOURCES)
def test_ids_are_unique(resource: str) -> None:
    """No two rows of a resource share an id."""
    found = expected(World.generate(5, 80, 20, 3), "talentlms", resource)
    assert len({row["id"] for row in found}) == len(found)


def test_a_user() -> None:
    """A user with all that TalentLMS can tell; the date of creation was in summer."""
    world = World()
    world.update_person(2, custom_fields={4: "2024-02-29"})
    assert _rows("users", world)["2"] == {
        "id": "2",
        "first_name": "Björn",
        "last_name": "Åström",
        "name": None,
        "username": "bjorn",
        "emails": [{"email": "bjorn.astrom@example.org", "type": None, "is_primary": True}],
        "status": "active",
        "status_source": "active",
        "role": "instructor",
        "role_source": "Trainer-Type",
        "phones": None,
        "locale": "de",
        "timezone": None,
        "job_title": None,
        "organization": {"id": "2", "name": "Zweigstelle Köln & Umgebung"},
        "manager": None,
        "created_at": "2019-07-01T12:34:56Z",
        "updated_at": "2026-03-02T09:00:01Z",
        "custom_fields": {"custom_field_2": "off", "custom_field_4": "29/02/2024"},
    }


@pytest.mark.parametrize(
    ("number", "field", "value"),
    [
        ("1", "role", "admin"),
        ("1", "role_source", "SuperAdmin"),
        ("4", "role", "admin"),
        ("5", "role", "other"),
        ("5", "role_source", "Regional supervisors"),
        ("7", "timezone", "Asia/Kathmandu"),
        ("8", "locale", None),
        ("10", "first_name", "Jose\u0301"),
        ("11", "last_name", None),
        ("12", "first_name", " Ru\U0001f680by "),
        ("16", "username", None),
        ("18", "status", "inactive"),
        ("19", "status", "inactive"),
        ("26", "organization", None),
    ],
)
def test_an_awkward_user(number: str, field: str, value: object) -> None:
    """Names that are not told stay null, names that are told stay as they are."""
    assert _rows("users")[number][field] == value


def test_local_time_alone_leaves_an_hour_in_doubt() -> None:
    """Of an hour that clocks show twice the first is assumed; newer portals give the instant itself."""
    assert _rows("users")["22"]["created_at"] == "2024-10-27T00:30:00Z"
    assert _rows("users", newer_fields=True)["22"]["created_at"] == "2024-10-27T01:30:00Z"


def test_deleted_people_are_told_of_no_more() -> None:
    """Who was deleted is in no list."""
    assert "27" not in _rows("users")


def test_a_course() -> None:
    """A course with all that TalentLMS can tell; its dates come from local time."""
    assert _rows("courses")["101"] == {
        "id": "101",
        "title": "Safety & Health <2026> “für alle”",
        "description": "<p>What everybody must know &amp; do.</p>",
        "code": "SH-2026",
        "type": "course",
        "type_source": None,
        "status": "published",
        "status_source": "active",
        "language": None,
        "duration_seconds": None,
        "level": None,
        "level_source": None,
        "urls": None,
        "tags": None,
        "categories": [{"id": "2", "name": "Health & safety"}],
        "organization": None,
        "published_at": None,
        "created_at": "2019-03-31T00:59:59Z",
        "updated_at": "2025-07-13T10:29:44Z",
        "custom_fields": {"custom_field_1": "CC-42", "custom_field_2": "on"},
    }


@pytest.mark.parametrize(
    ("number", "field", "value"),
    [
        ("103", "code", None),
        ("103", "description", None),
        ("104", "status", "disabled"),
        ("104", "status_source", "inactive"),
        ("105", "categories", None),
        ("106", "urls", [{"url": "https://academy.example.org/shared/start/key:pub-106", "type": "shared"}]),
        ("108", "code", "00108"),
        ("109", "status", "disabled"),
    ],
)
def test_an_awkward_course(number: str, field: str, value: object) -> None:
    """Empty texts are null, and a draft is inactive like any other."""
    assert _rows("courses")[number][field] == value


def test_units_before_the_first_section_stand_at_the_root() -> None:
    """Positions count among siblings: loose units and sections at the root, units within their section."""
    items = [row for row in _rows("course_items").values() if row["course"]["id"] == "102"]
    assert [(row["id"], row["type"], row["position"], row["parent"]) for row in items] == [
        ("1010", "page", 1, None),
        ("1011", "link", 2, None),
        ("1012", "section", 3, None),
        ("1013", "assignment", 1, {"id": "1012", "title": "Part one"}),
        ("1014", "live_session", 2, {"id": "1012", "title": "Part one"}),
        ("1015", "section", 4, None),
    ]


def test_sections_within_sections_are_flat() -> None:
    """A section in a section is told as one more section at the root, and takes the units that follow."""
    items = [row for row in _rows("course_items").values() if row["course"]["id"] == "107"]
    told = [(row["id"], row["type"], row["position"], (row["parent"] or {}).get("id")) for row in items]
    assert told == [
        ("1020", "section", 1, None),
        ("1021", "scorm", 1, "1020"),
        ("1022", "page", 2, "1020"),
        ("1023", "section", 2, None),
        ("1024", "page", 1, "1023"),
        ("1025", "page", 2, "1023"),
        ("1026", "section", 3, None),
        ("1027", "other", 1, "1026"),
        ("1028", "page", 2, "1026"),
    ]


def test_an_enrolment() -> None:
    """An enrolment with all that TalentLMS can tell: completed, and valid until a date."""
    assert _rows("course_enrollments")["106:6"] == {
        "id": "106:6",
        "user": {
            "id": "6",
            "name": None,
            "emails": [{"email": "zoe@example.org", "type": None, "is_primary": True}],
        },
        "course": {"id": "106", "title": "Shared"},
        "status": "completed",
        "status_source": "completed",
        "assigned_at": None,
        "due_at": None,
        "enrolled_at": "2025-01-01T09:00:00Z",
        "started_at": None,
        "last_activity_at": None,
        "completed_at": "2025-01-04T09:00:00Z",
        "progress_percent": 100.0,
        "time_spent_seconds": 3_661,
        "score": None,
        "is_mandatory": None,
        "assigned_by": None,
        "attempt_number": None,
        "attempts_count": None,
        "urls": None,
        "created_at": None,
        "updated_at": None,
        "custom_fields": {"expires_at": "2025-04-01T08:00:00Z"},
    }


@pytest.mark.parametrize(
    ("record", "status", "source", "percent", "seconds"),
    [
        ("101:6", "in_progress", "incomplete", 40.0, 197),
        ("101:7", "in_progress", "incomplete", 0.0, 111),
        ("101:8", "enrolled", "incomplete", 0.0, 0),
        ("101:9", "enrolled", "not_attempted", 0.0, None),
        ("101:10", "completed", "completed", 100.0, None),
        ("101:12", "failed", "failed", 66.0, 3_600),
        ("101:13", "passed", "passed", 100.0, 7_384),
        ("106:11", "in_progress", "incomplete", 30.0, 61),
    ],
)
def test_the_status_of_an_enrolment(
    record: str, status: str, source: str, percent: float, seconds: int | None
) -> None:
    """`incomplete` is in progress with progress or time only; a date of expiry makes nothing expired."""
    row = _rows("course_enrollments")[record]
    told = row["status"], row["status_source"], row["progress_percent"], row["time_spent_seconds"]
    assert told == (status, source, percent, seconds)


def test_instructors_have_no_enrolment() -> None:
    """Who teaches a course has no learning record in it, and may have one elsewhere."""
    assert {row for row in _rows("course_enrollments") if row.endswith((":2", ":3"))} == {"101:3"}


def test_the_last_unit_is_a_link_on_newer_portals() -> None:
    """The link to the last unit is told by newer portals only."""
    assert _rows("course_enrollments")["101:6"]["urls"] is None
    newer = _rows("course_enrollments", newer_fields=True)["101:6"]["urls"]
    assert newer == [{"url": "https://academy.example.org/unit/view/id:1003", "type": "last_unit"}]


@pytest.mark.parametrize(
    ("parts", "key"), [((1, 2), "1:2"), (("a:b", "50%"), "a%3Ab:50%25"), (("a", "b:c"), "a:b%3Ac")]
)
def test_the_parts_of_a_composite_id_are_encoded(parts: tuple[object, ...], key: str) -> None:
    """`:` and `%` inside of a part cannot be taken for the separator."""
    assert oracle_rows.composite_id(*parts) == key


def test_an_instant_has_whole_seconds_and_a_z() -> None:
    """Instants are written in UTC with `Z`."""
    assert oracle_rows.instant(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) == "2026-01-02T03:04:05Z"


def test_the_script_changes_what_is_expected() -> None:
    """The oracle follows the world: after the first step one enrolment is gone and two are new."""
    world = World()
    before = set(_rows("course_enrollments", world))
    world.advance(1)
    after = set(_rows("course_enrollments", world))
    assert (before - after, after - before) == ({"102:15", "101:24"}, {"101:26", "102:28"})


@pytest.mark.parametrize(
    "path", [*sorted((SANDBOX / "oracles").glob("*.py")), SANDBOX / "expected.py"], ids=str
)
def test_the_oracle_shares_nothing_with_dialects_and_mappings(path: Path) -> None:
    """Of the rest of the project the oracle knows the world and the unified model only."""
    imports = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
    ours = {
        node.module for node in imports if node.module and node.module.startswith(("sources", "mappings"))
    }
    sandbox = "sources.unified_lms.sandbox."
    allowed = {
        "mappings.model",
        *(sandbox + name for name in ("world", "entities", "oracles", "oracles.rows")),
    }
    assert ours <= allowed
