"""The Moodle mapping of sections and activities, on payloads written from the provider's notes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

MapRecord = Callable[..., dict[str, Any]]

COURSE = {"id": 12, "fullname": "Fire & safety", "shortname": "FIRE-1"}
SECTION = {"id": 7, "name": "Módulo 1", "visible": 1, "summary": "<p>First</p>", "section": 1}
QUIZ = {
    "id": 7,
    "url": "https://moodle.example.org/mod/quiz/view.php?id=7",
    "name": "Final & <last> test",
    "instance": 3,
    "visible": 1,
    "modname": "quiz",
    "completion": 2,
    "completiondata": {"state": 1, "timecompleted": 1795449486},
}
IN_SECTION = {"position": 2, "section": {"id": 7, "name": "Módulo 1"}}


def test_a_section(map_moodle: MapRecord) -> None:
    """A section stands at the root, with its summary."""
    assert map_moodle("course_items", SECTION, parent=COURSE, joined={"position": 2}) == {
        "id": "section:7",
        "course": {"id": "12", "title": "Fire & safety"},
        "type": "section",
        "title": "Módulo 1",
        "description": "<p>First</p>",
        "position": 2,
    }


def test_an_activity(map_moodle: MapRecord) -> None:
    """An activity lies in its section, whose number may be its own; whoever reads has no part in its completion."""
    assert map_moodle("course_items", QUIZ, parent=COURSE, joined=IN_SECTION) == {
        "id": "module:7",
        "course": {"id": "12", "title": "Fire & safety"},
        "parent": {"id": "section:7", "title": "Módulo 1"},
        "type": "quiz",
        "type_source": "quiz",
        "title": "Final & <last> test",
        "position": 2,
        "urls": [{"url": "https://moodle.example.org/mod/quiz/view.php?id=7", "type": None}],
    }


@pytest.mark.parametrize(
    ("module", "kind"),
    [
        ("page", "page"),
        ("label", "page"),
        ("resource", "document"),
        ("url", "link"),
        ("scorm", "scorm"),
        ("quiz", "quiz"),
        ("assign", "assignment"),
        ("workshop", "assignment"),
        ("feedback", "survey"),
        ("forum", "discussion"),
        ("lesson", "lesson"),
        ("folder", "folder"),
        ("somebodys_plugin", "other"),
    ],
)
def test_types(map_moodle: MapRecord, module: str, kind: str) -> None:
    """By the activity's module; a plugin that is not known is `other` and can be told by its name."""
    found = map_moodle("course_items", QUIZ | {"modname": module}, parent=COURSE, joined=IN_SECTION)
    assert (found["type"], found["type_source"]) == (kind, module)


def test_a_label(map_moodle: MapRecord) -> None:
    """A text on the course page has no address, and what it shows for a description."""
    label = {"id": 4, "name": "Just a label", "modname": "label", "description": "<p>Just a label</p>"}
    found = map_moodle("course_items", label, parent=COURSE, joined=IN_SECTION)
    assert (found.get("urls"), found["description"]) == (None, "<p>Just a label</p>")


def test_empty_texts_are_null(map_moodle: MapRecord) -> None:
    """An empty summary and an empty name say nothing."""
    found = map_moodle("course_items", {"id": 1, "name": "", "summary": ""}, parent=COURSE)
    assert (found.get("title"), found.get("description")) == (None, None)


@pytest.mark.parametrize("identifier", [None, "", [], {}])
def test_an_id_that_is_none_is_not_made_one(map_moodle: MapRecord, identifier: Any) -> None:
    """A prefix alone is no id."""
    assert "id" not in map_moodle("course_items", SECTION | {"id": identifier}, parent=COURSE)
