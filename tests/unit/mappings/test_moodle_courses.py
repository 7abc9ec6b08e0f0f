"""The Moodle mapping of courses, on payloads written from the provider's notes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

MapRecord = Callable[..., dict[str, Any]]

COURSE: dict[str, Any] = {
    "id": 12,
    "fullname": "Fire & <safety>",
    "displayname": "Fire & <safety>",
    "shortname": "FIRE-1",
    "categoryid": 3,
    "categoryname": "Safety",
    "summary": "<p>What to do &amp; when.</p>",
    "summaryformat": 1,
    "customfields": [
        {"shortname": "centre", "type": "text", "valueraw": "CC-1", "value": "CC-1"},
        {"shortname": "empty", "type": "text", "valueraw": "", "value": None},
        {"shortname": "level", "type": "select", "valueraw": 1, "value": "Basic"},
        {"shortname": "none", "type": "select", "valueraw": 0, "value": None},
        {"shortname": "recertify", "type": "date", "valueraw": 1826985475, "value": "23 November 2027"},
        {"shortname": "never", "type": "date", "valueraw": 0, "value": None},
        {"shortname": "mandatory", "type": "checkbox", "valueraw": 0, "value": "No"},
        {"shortname": "hours", "type": "number", "valueraw": 2.5, "value": "2.50"},
        {"shortname": "nohours", "type": "number", "valueraw": None, "value": None},
    ],
    "format": "topics",
    "startdate": 1778169475,
    "enddate": 0,
    "visible": 1,
    "enablecompletion": 1,
    "lang": "",
}


@pytest.fixture
def course(map_moodle: MapRecord) -> MapRecord:
    """The mapping of `COURSE` with changes."""
    return lambda **changes: map_moodle("courses", COURSE | changes)


def test_a_course(course: MapRecord) -> None:
    """An entry of the list becomes the unified course; a list of choices is told by its text, a date by its instant."""
    assert course() == {
        "id": "12",
        "title": "Fire & <safety>",
        "description": "<p>What to do &amp; when.</p>",
        "code": "FIRE-1",
        "type": "course",
        "status": "published",
        "status_source": "visible",
        "categories": [{"id": "3", "name": "Safety"}],
        "custom_fields": {
            "starts_at": "2026-05-07T15:57:55Z",
            "centre": "CC-1",
            "level": "Basic",
            "recertify": "2027-11-23T15:57:55Z",
            "mandatory": 0,
            "hours": 2.5,
        },
    }


def test_what_only_some_accounts_see(course: MapRecord) -> None:
    """With moodle/course:update there are an ID number and dates."""
    found = course(idnumber="CRS-12", timecreated=1777305475, timemodified=1778601475)
    assert (found["created_at"], found["updated_at"]) == ("2026-04-27T15:57:55Z", "2026-05-12T15:57:55Z")
    assert found["custom_fields"]["idnumber"] == "CRS-12"


@pytest.mark.parametrize(
    ("visible", "status", "source"),
    [
        (1, "published", "visible"),
        (0, "disabled", "hidden"),
        (True, "published", "visible"),
        (False, "disabled", "hidden"),
        (None, None, None),
    ],
)
def test_status(course: MapRecord, visible: Any, status: str | None, source: str | None) -> None:
    """Hidden is all that is told of drafts and of what is no longer given."""
    found = course(visible=visible)
    assert (found.get("status"), found.get("status_source")) == (status, source)


def test_an_end(course: MapRecord) -> None:
    """The end of a course goes beside its beginning."""
    assert course(enddate=1809705475)["custom_fields"]["ends_at"] == "2027-05-07T15:57:55Z"


def test_the_forced_language(course: MapRecord) -> None:
    """A course may force a language; empty is none."""
    assert "language" not in course()
    assert course(lang="pt_br")["language"] == "pt-BR"


@pytest.mark.parametrize("changes", [{"categoryid": 0, "categoryname": ""}, {"categoryid": None}])
def test_no_category(course: MapRecord, changes: dict[str, Any]) -> None:
    """Category 0 is none."""
    assert "categories" not in course(**changes)


def test_a_course_with_next_to_nothing(map_moodle: MapRecord) -> None:
    """Without texts and fields there is no more than what it is."""
    assert map_moodle("courses", {"id": 3, "summary": ""}) == {
        "id": "3",
        "type": "course",
        "custom_fields": {},
    }
