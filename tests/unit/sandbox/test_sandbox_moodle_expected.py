"""The oracle of Moodle: rows written by hand for the awkward cases."""

from __future__ import annotations

from typing import Any

import pytest

from mappings.model import RESOURCES
from mappings.rows import check
from sources.unified_lms.sandbox import World, expected


def rows(resource: str, **options: Any) -> dict[str, dict[str, Any]]:
    """What the oracle says, by id."""
    return {row["id"]: row for row in expected(World(), "moodle", resource, **options)}


@pytest.mark.parametrize("resource", RESOURCES)
@pytest.mark.parametrize("options", [{}, {"report": True, "course_update": True, "site_admin": True}])
def test_every_row_is_a_unified_record_with_every_field(resource: str, options: dict[str, Any]) -> None:
    """Each row passes the exact check of the model unchanged, and ids are unique."""
    found = expected(World.generate(5, 80, 20, 3), "moodle", resource, **options)
    assert found
    assert [check(RESOURCES[resource], row) for row in found] == [(row, []) for row in found]
    assert len({row["id"] for row in found}) == len(found)


def known(row: dict[str, Any]) -> dict[str, Any]:
    """What a row says."""
    return {name: value for name, value in row.items() if value is not None}


def test_a_user() -> None:
    """A user with all that Moodle can tell; Cologne's own zone is not the site's."""
    assert known(rows("users")["2"]) == {
        "id": "2",
        "first_name": "Björn",
        "last_name": "Åström",
        "name": "Björn Åström",
        "username": "bjorn",
        "emails": [{"email": "bjorn.astrom@example.org", "type": None, "is_primary": True}],
        "status": "active",
        "locale": "de",
        "timezone": "Europe/Berlin",
        "organization": {"id": None, "name": "Zweigstelle Köln & Umgebung"},
        "custom_fields": {"newsletter": "0"},
    }


@pytest.mark.parametrize(
    ("number", "field", "value"),
    [
        ("1", "timezone", None),
        ("8", "locale", None),
        ("11", "last_name", None),
        ("11", "name", "Sukarmini  "),
        ("16", "username", None),
        ("18", "status", "inactive"),
        ("18", "status_source", "nologin"),
        ("19", "status", "suspended"),
        ("3", "phones", None),
        ("21", "custom_fields", {"newsletter": "1", "hiredon": "2020-02-29T00:00:00Z"}),
    ],
)
def test_an_awkward_user(number: str, field: str, value: object) -> None:
    """What Moodle has no word for is null."""
    assert rows("users")[number][field] == value


def test_a_course() -> None:
    """A course with all that a reader is told: no dates."""
    assert known(rows("courses")["101"]) == {
        "id": "101",
        "title": "Safety & Health <2026> “für alle”",
        "description": "<p>What everybody must know &amp; do.</p>",
        "code": "SH-2026",
        "type": "course",
        "status": "published",
        "status_source": "visible",
        "language": "en",
        "categories": [{"id": "2", "name": "Health & safety"}],
        "custom_fields": {"costcentre": "CC-42", "audited": 1},
    }
    assert rows("courses", course_update=True)["101"]["created_at"] == "2019-03-31T00:59:59Z"


def test_hidden_courses_and_those_without_code_or_category() -> None:
    """Disabled and draft are hidden alike; a short name and a category there always are."""
    found = rows("courses")
    assert {found[number]["status_source"] for number in ("104", "109")} == {"hidden"}
    assert found["103"]["code"] == "course-103"
    assert found["105"]["categories"] == [{"id": "99", "name": "Miscellaneous"}]


def test_sections_within_sections_stand_beside_them() -> None:
    """A tree of two levels, of which the first is the sections."""
    items = [row for row in rows("course_items").values() if row["course"]["id"] == "107"]
    told = [(row["id"], row["type"], row["position"], (row["parent"] or {}).get("id")) for row in items]
    assert told == [
        ("section:1000107", "section", 1, None),
        ("section:1020", "section", 2, None),
        ("module:1021", "other", 1, "section:1020"),
        ("module:1022", "document", 2, "section:1020"),
        ("section:1023", "section", 3, None),
        ("module:1024", "document", 1, "section:1023"),
        ("module:1025", "discussion", 2, "section:1023"),
        ("section:1026", "section", 4, None),
        ("module:1027", "other", 1, "section:1026"),
        ("module:1028", "page", 2, "section:1026"),
    ]


@pytest.mark.parametrize(
    ("record", "status", "source", "percent", "score"),
    [
        ("101:6", "in_progress", None, 25.0, None),
        ("101:8", "enrolled", None, 0.0, None),
        ("101:9", "enrolled", None, 0.0, None),
        ("101:10", "completed", None, 100.0, None),
        ("101:12", "in_progress", None, 50.0, 41.25),
        ("101:13", "completed", None, 100.0, 100.0),
        ("101:19", "in_progress", None, 50.0, None),
        ("103:6", "enrolled", None, None, None),
        ("106:6", "unknown", "suspended", None, None),
        ("106:11", "unknown", "suspended", None, None),
        ("106:20", "enrolled", None, 0.0, None),
        ("108:23", "in_progress", None, None, None),
    ],
)
def test_an_enrolment(
    record: str, status: str, source: str | None, percent: float | None, score: float | None
) -> None:
    """Passed is completed, failed is in progress; what is not in force is unknown."""
    row = rows("course_enrollments")[record]
    told = row["status"], row["status_source"], row["progress_percent"], row["score"]
    assert told == (status, source, percent, score)
    assert (row["enrolled_at"], row["completed_at"]) == (None, None)


@pytest.mark.parametrize(
    ("record", "status", "source", "enrolled", "completed", "expires"),
    [
        ("101:13", "completed", None, "2025-10-01T09:00:00Z", "2025-10-26T00:30:00Z", None),
        (
            "106:6",
            "completed",
            "Not current",
            "2025-01-01T09:00:00Z",
            "2025-01-04T09:00:00Z",
            "2025-04-01T08:00:00Z",
        ),
        ("106:11", "expired", "Not current", "2025-01-01T09:00:00Z", None, "2025-04-01T08:00:00Z"),
        ("106:20", "enrolled", None, "2026-02-01T09:00:00Z", None, "2026-05-02T08:00:00Z"),
        ("103:17", "enrolled", None, None, None, None),
        ("108:23", "in_progress", None, "2025-12-31T23:59:00Z", None, None),
    ],
)
def test_an_enrolment_in_a_report(
    record: str,
    status: str,
    source: str | None,
    enrolled: str | None,
    completed: str | None,
    expires: str | None,
) -> None:
    """With a report there are dates, to the minute and by local time, and expired can be told."""
    row = rows("course_enrollments", report=True)[record]
    told = row["status"], row["status_source"], row["enrolled_at"], row["completed_at"]
    assert told == (status, source, enrolled, completed)
    assert row["custom_fields"] == ({"expires_at": expires} if expires else None)


def test_teachers_have_no_enrolment() -> None:
    """Who teaches a course has no learning record in it, and may have one elsewhere."""
    assert {row for row in rows("course_enrollments") if row.endswith((":2", ":3"))} == {"101:3"}
