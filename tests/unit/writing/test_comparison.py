"""How what is asked for differs from what is there."""

from __future__ import annotations

from typing import Any

import pytest

from mappings.model import RESOURCES
from sources.unified_lms.writing.comparison import differences

USERS, ENROLLMENTS = RESOURCES["users"], RESOURCES["course_enrollments"]
ADDRESS = {"email": "Ana@example.org", "type": "work", "is_primary": True}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"first_name": "Ana"}, {"first_name": "Ana", "last_name": "Ruiz"}),
        ({"username": "ANA"}, {"username": "ana"}),
        ({"emails": [{"email": "ana@EXAMPLE.org"}]}, {"emails": [ADDRESS]}),
        (
            {"organization": {"id": "3", "name": "another spelling"}},
            {"organization": {"id": "3", "name": "HR"}},
        ),
        ({"organization": {"name": "HR"}}, {"organization": {"id": "3", "name": "HR"}}),
        ({"custom_fields": {"cost_center": 12}}, {"custom_fields": {"cost_center": "12", "grade": "A"}}),
        ({"custom_fields": {"cost_center": None}}, {"custom_fields": None}),
        ({"job_title": None}, {"job_title": ""}),
        ({"phones": []}, {"phones": None}),
    ],
)
def test_what_is_so_already(wanted: dict[str, Any], found: dict[str, Any]) -> None:
    """Only what is named counts, and case does not where providers do not heed it either."""
    assert differences(USERS, wanted, found) == ()


@pytest.mark.parametrize(
    ("wanted", "found", "field"),
    [
        ({"first_name": "Ana"}, {"first_name": "ana"}, "first_name"),
        ({"first_name": None}, {"first_name": "Ana"}, "first_name"),
        ({"emails": [{"email": "b@example.org"}]}, {"emails": [ADDRESS]}, "emails"),
        ({"emails": [{"email": "ana@example.org"}]}, {"emails": [ADDRESS, ADDRESS]}, "emails"),
        ({"emails": [{"email": "ana@example.org", "is_primary": False}]}, {"emails": [ADDRESS]}, "emails"),
        ({"organization": {"id": "4"}}, {"organization": {"id": "3", "name": "HR"}}, "organization"),
        ({"custom_fields": {"cost_center": None}}, {"custom_fields": {"cost_center": "12"}}, "custom_fields"),
        ({"custom_fields": {"cost_center": "12"}}, {"custom_fields": None}, "custom_fields"),
    ],
)
def test_what_is_otherwise(wanted: dict[str, Any], found: dict[str, Any], field: str) -> None:
    """Each difference is named by its field."""
    assert [change.field for change in differences(USERS, wanted, found)] == [field]


def test_instants_are_compared_to_the_second_whatever_their_zone() -> None:
    """Providers keep no fractions, and write another zone."""
    wanted = {"due_at": "2026-03-01T12:00:00.500+01:00"}
    assert differences(ENROLLMENTS, wanted, {"due_at": "2026-03-01T11:00:00Z"}) == ()
    assert differences(ENROLLMENTS, wanted, {"due_at": "2026-03-01T12:00:00Z"}) != ()


def test_a_change_shows_no_value_in_its_repr() -> None:
    """Values are learners' data, and a repr ends up in logs."""
    [change] = differences(USERS, {"first_name": "Ana"}, {"first_name": "Eve"})
    assert "Ana" not in repr(change)
    assert "Eve" not in repr(change)
