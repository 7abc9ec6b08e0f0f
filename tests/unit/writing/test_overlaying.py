"""Overlays of what is written: a field's way back to where the provider keeps it."""

from __future__ import annotations

from typing import Any

import pytest

from mappings.model import RESOURCES
from mappings.overlays import parse_overlay
from sources.unified_lms.errors import ConfigurationError
from sources.unified_lms.writing.overlaying import overlaid

TITLE = "custom_fields.custom_field_1: record.job_title\njob_title: null"


def lay(record: dict[str, Any], *texts: str, present: Any = None) -> dict[str, Any]:
    """A record under overlays, the lowest first."""
    overlays = [
        parse_overlay(text, f"{number}.yaml", "connection", RESOURCES["users"])
        for number, text in enumerate(texts)
    ]
    return overlaid(record, overlays, present, {"suffix": "!"})


@pytest.mark.parametrize(
    ("record", "written"),
    [
        ({"job_title": "Engineer"}, {"custom_fields": {"custom_field_1": "Engineer"}}),
        ({"job_title": None}, {"custom_fields": {"custom_field_1": None}}),
        ({"first_name": "Ana"}, {"first_name": "Ana"}),
        (
            {"job_title": "A", "custom_fields": {"b": "c"}},
            {"custom_fields": {"b": "c", "custom_field_1": "A"}},
        ),
    ],
)
def test_a_field_goes_where_the_provider_keeps_it(record: dict[str, Any], written: dict[str, Any]) -> None:
    """A null clears it there, and what was not asked for is not written."""
    assert lay(record, TITLE) == written


def test_a_line_builds_on_the_value_the_settings_and_the_present() -> None:
    """The value so far, the connection's settings and what is there are in sight."""
    present = {"unified": {"last_name": "Ruiz"}}
    text = "first_name: $value & settings.suffix & present.unified.last_name"
    assert lay({"first_name": "Ana"}, text, present=present) == {"first_name": "Ana!Ruiz"}


def test_a_later_level_sees_what_an_earlier_one_has_made() -> None:
    """The environment's goes first, the connection's over it."""
    assert lay({"first_name": "a"}, "first_name: $value & 'b'", "first_name: $value & 'c'") == {
        "first_name": "abc"
    }


def test_what_is_asked_for_is_not_changed_itself() -> None:
    """It is compared with the present afterwards."""
    record = {"job_title": "A", "custom_fields": {"b": "c"}}
    lay(record, TITLE)
    assert record == {"job_title": "A", "custom_fields": {"b": "c"}}


def test_an_expression_that_fails_sends_nothing() -> None:
    """The error names the file and the field."""
    with pytest.raises(ConfigurationError, match=r"nothing was sent.*0\.yaml: first_name"):
        lay({"first_name": "Ana"}, "first_name: $number('x')")
