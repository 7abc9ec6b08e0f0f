"""The Docebo mapping of courses, on payloads written from the provider's notes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

MapRecord = Callable[..., dict[str, Any]]

OLDER: dict[str, Any] = {
    "id_course": 563,
    "name": "Fire safety",
    "uidCourse": "E-12345",
    "code": "FS-1",
    "description": "<p>Smoke &amp; fire</p>",
    "course_type": "elearning",
    "date_last_updated": "2025-01-22 13:27:13",
    "start_date": "2025-02-01 08:00:00",
    "end_date": "0000-00-00 00:00:00",
    "language": "english",
    "language_label": "English",
    "duration": 3600,
    "price": "0.00",
    "category": {"id": 12, "name": "Safety"},
    "slug_name": "fire-safety",
}
SINGLE: dict[str, Any] = {
    key: value for key, value in OLDER.items() if key not in ("id_course", "course_type")
} | {
    "id": 563,
    "type": "elearning",
    "lang_code": "en",
    "status": "completed",
    "level": "student",
    "completion_date": "2025-02-02 02:02:02",
    "deadline": "2025-03-03 03:03:03",
    "deeplink": "hash=planted",
    "tree": [],
}
NEWER: dict[str, Any] = {
    "id": 563,
    "code": "FS-1",
    "uidCourse": "E-12345",
    "title": "Fire safety",
    "type": "elearning",
    "language": "en",
    "language_label": "English",
    "is_deleted": False,
    "course_status": "published",
    "published": True,
    "creation_date": "2024-04-02 15:13:43",
    "last_update": "2025-01-22 13:27:13",
    "created_by": "Ada Lee",
    "category_name": "Safety",
    "start_date": None,
    "end_date": "2026-12-31 23:00:00",
    "average_completion_time": "120",
    "field_1": None,
    "field_2": "CC-42",
    "description": "<p>Smoke &amp; fire</p>",
}


@pytest.fixture
def course(map_docebo: MapRecord) -> MapRecord:
    """The mapping of `OLDER` with changes."""
    return lambda **changes: map_docebo("courses", OLDER | changes)


@pytest.fixture
def newer(map_docebo: MapRecord) -> MapRecord:
    """The mapping of `NEWER` with changes."""
    return lambda **changes: map_docebo("courses", NEWER | changes)


def test_a_course_of_the_older_list(course: MapRecord) -> None:
    """A list item becomes the unified course; it has neither a state nor a date of creation."""
    assert course() == {
        "id": "563",
        "title": "Fire safety",
        "description": "<p>Smoke &amp; fire</p>",
        "code": "FS-1",
        "type": "course",
        "type_source": "elearning",
        "language": "en",
        "duration_seconds": 3600,
        "categories": [{"id": "12", "name": "Safety"}],
        "updated_at": "2025-01-22T13:27:13Z",
        "custom_fields": {"starts_at": "2025-02-01T08:00:00Z"},
    }


def test_the_single_record_gives_the_row_of_the_list(course: MapRecord, map_docebo: MapRecord) -> None:
    """Id and type have other names; status, level and completion are the reader's own and no course's."""
    assert map_docebo("courses", SINGLE) == course()


def test_a_course_of_the_newer_list(newer: MapRecord) -> None:
    """Other names, and the state of publication, the date of creation and custom fields as well."""
    assert newer() == {
        "id": "563",
        "title": "Fire safety",
        "description": "<p>Smoke &amp; fire</p>",
        "code": "FS-1",
        "type": "course",
        "type_source": "elearning",
        "status": "published",
        "status_source": "published",
        "language": "en",
        "categories": [{"name": "Safety"}],
        "created_at": "2024-04-02T15:13:43Z",
        "updated_at": "2025-01-22T13:27:13Z",
        "custom_fields": {"field_2": "CC-42", "ends_at": "2026-12-31T23:00:00Z"},
    }


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("published", "published"),
        ("draft", "draft"),
        ("in_maintenance", "disabled"),
        ("concluded", "unknown"),
    ],
)
def test_status(newer: MapRecord, word: str, status: str) -> None:
    """The words that are known; another is unknown, and kept."""
    found = newer(course_status=word)
    assert (found["status"], found["status_source"]) == (status, word)


@pytest.mark.parametrize(
    ("word", "kind"),
    [("elearning", "course"), ("classroom", "course"), ("webinar", "course"), ("mobile", "other")],
)
def test_type(course: MapRecord, word: str, kind: str) -> None:
    """All of them are courses; the portal's word says how they are held."""
    found = course(course_type=word)
    assert (found["type"], found["type_source"]) == (kind, word)


@pytest.mark.parametrize("category", [[], {}, None, "", {"id": None}])
def test_no_category_is_null(course: MapRecord, category: Any) -> None:
    """PHP writes an empty object as a list."""
    assert course(category=category).get("categories") is None


@pytest.mark.parametrize(
    ("duration", "seconds"), [("60", 60), (0, None), ("0", None), (None, None), ("1h", None)]
)
def test_duration(course: MapRecord, duration: Any, seconds: int | None) -> None:
    """Seconds as number or text; 0 is what nobody has set."""
    assert course(duration=duration).get("duration_seconds") == seconds


@pytest.mark.parametrize("nothing", ["0000-00-00 00:00:00", "", None])
def test_no_date_is_null(course: MapRecord, nothing: str | None) -> None:
    """A zero-date is none."""
    assert course(date_last_updated=nothing).get("updated_at") is None


@pytest.mark.parametrize("nothing", [None, ""])
def test_empty_texts_are_null(course: MapRecord, nothing: str | None) -> None:
    """What was left empty is absent."""
    found = course(name=nothing, description=nothing, code=nothing, course_type=nothing, language=nothing)
    fields = ("title", "description", "code", "type", "type_source", "language")
    assert [found.get(field) for field in fields] == [None] * 6


def test_the_link_into_the_course_goes_nowhere(map_docebo: MapRecord) -> None:
    """Even where the client had not cut it out, the deep link's key is in no field."""
    assert "planted" not in str(map_docebo("courses", SINGLE))
