"""The TalentLMS mapping of courses, on payloads written from the provider's notes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

MapRecord = Callable[..., dict[str, Any]]

COURSE: dict[str, Any] = {
    "id": "378",
    "name": "Fire safety",
    "code": "FS-1",
    "category_id": "12",
    "description": "Doors &amp; <b>exits</b>",
    "price": "&#36;0.00",
    "status": "active",
    "creation_date": "15/05/2020, 04:25:35",
    "last_update_on": "24/11/2020, 09:52:37",
    "creator_id": "1",
    "hide_from_catalog": "0",
    "time_limit": "0",
    "level": None,
    "shared": "0",
    "shared_url": "",
    "certification": None,
    "custom_field_1": "2 CPD",
    "custom_field_2": "",
}


@pytest.fixture
def course(map_talentlms: MapRecord) -> MapRecord:
    """The mapping of `COURSE` with changes."""

    def run(*, joined: Any = None, settings: Any = None, **changes: Any) -> dict[str, Any]:
        options = {} if settings is None else {"settings": settings}
        return map_talentlms("courses", COURSE | changes, joined=joined, **options)

    return run


def test_a_course_as_listed(course: MapRecord) -> None:
    """A list item becomes the unified course, texts as delivered, dates in UTC."""
    assert course(joined={"category": {"id": "12", "name": "Safety"}}) == {
        "id": "378",
        "title": "Fire safety",
        "description": "Doors &amp; <b>exits</b>",
        "code": "FS-1",
        "type": "course",
        "status": "published",
        "status_source": "active",
        "categories": [{"id": "12", "name": "Safety"}],
        "created_at": "2020-05-15T03:25:35Z",
        "updated_at": "2020-11-24T09:52:37Z",
        "custom_fields": {"custom_field_1": "2 CPD"},
    }


def test_an_id_from_a_write_is_text(course: MapRecord) -> None:
    """A course just created has a number where GET gives text; both are the same id."""
    assert course(id=378)["id"] == "378"


def test_the_whole_record_gives_the_row_of_the_list(course: MapRecord) -> None:
    """What only GET /courses/id has changes nothing."""
    assert course(users=[{"id": "1"}], units=[{"id": "2"}], rules=["x"], prerequisites=[]) == course()


@pytest.mark.parametrize(
    ("word", "status"), [("active", "published"), ("inactive", "disabled"), ("draft", "unknown")]
)
def test_status(course: MapRecord, word: str, status: str) -> None:
    """Both words of the notes have their place; another is unknown, and kept beside it."""
    found = course(status=word)
    assert (found["status"], found["status_source"]) == (status, word)


@pytest.mark.parametrize("nothing", [None, ""])
def test_no_status_is_null(course: MapRecord, nothing: str | None) -> None:
    """A course without a status is not called unknown."""
    found = course(status=nothing)
    assert (found.get("status"), found.get("status_source")) == (None, None)


@pytest.mark.parametrize("nothing", [None, ""])
def test_empty_texts_are_null(course: MapRecord, nothing: str | None) -> None:
    """Code, description and name are often empty, which is no value."""
    found = course(name=nothing, code=nothing, description=nothing)
    assert [found.get(field) for field in ("title", "code", "description")] == [None, None, None]


@pytest.mark.parametrize(
    ("categories", "expected"),
    [
        ([{"id": "12", "name": "Safety"}], [{"id": "12", "name": "Safety"}]),
        ({"id": 12, "name": "Safety"}, [{"id": "12", "name": "Safety"}]),
        (
            [{"id": "12", "name": "Safety"}, {"id": "13", "name": "Law"}],
            [{"id": "12", "name": "Safety"}, {"id": "13", "name": "Law"}],
        ),
        (None, [{"id": "12"}]),
    ],
)
def test_categories_are_a_list(course: MapRecord, categories: Any, expected: Any) -> None:
    """One category is a list of one; without the join its id is still known."""
    assert course(joined={"category": categories})["categories"] == expected


@pytest.mark.parametrize("nothing", [None, "", "0"])
def test_no_category_is_null(course: MapRecord, nothing: str | None) -> None:
    """A course in no category has none."""
    assert course(category_id=nothing).get("categories") is None


@pytest.mark.parametrize(
    ("shared", "link", "expected"),
    [
        ("1", "https://example.org/shared/x", [{"url": "https://example.org/shared/x", "type": "shared"}]),
        ("0", "https://example.org/shared/x", None),
        ("1", "", None),
        ("0", "", None),
        (None, None, None),
    ],
)
def test_a_shared_link_needs_sharing(
    course: MapRecord, shared: str | None, link: str | None, expected: Any
) -> None:
    """ "0" is text, and true for many languages: the link of a course that is not shared is left out."""
    assert course(shared=shared, shared_url=link).get("urls") == expected


@pytest.mark.parametrize("settings", [{}, {"date_format": "DDMMYYYY"}, {"timezone": "Europe/London"}])
def test_dates_need_format_and_zone(course: MapRecord, settings: dict[str, str]) -> None:
    """Courses have no timestamps: without the portal's format or zone their dates are null."""
    found = course(settings=settings)
    assert "created_at" not in found
    assert "updated_at" not in found


@pytest.mark.parametrize("nothing", [None, ""])
def test_no_date_is_null(course: MapRecord, nothing: str | None) -> None:
    """An empty date is no date."""
    assert "created_at" not in course(creation_date=nothing)
