"""The TalentLMS mapping of units, on payloads written from the provider's notes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

MapRecord = Callable[..., dict[str, Any]]

UNIT: dict[str, Any] = {
    "id": "3474",
    "type": "Test",
    "name": "Quiz one",
    "url": "https://example.org/unit/3474",
}


@pytest.fixture
def unit(map_talentlms: MapRecord) -> MapRecord:
    """The mapping of `UNIT` with changes, second under a section."""

    def run(*, joined: Any = None, parent: Any = None, **changes: Any) -> dict[str, Any]:
        course = {"id": "378", "name": "Fire safety"} if parent is None else parent
        place = {"position": 2, "section": {"id": "3470", "name": "Basics"}} if joined is None else joined
        return map_talentlms("course_items", UNIT | changes, parent=course, joined=place)

    return run


def test_a_unit_in_a_section(unit: MapRecord) -> None:
    """A unit has its course, its section as the parent, and its place."""
    assert unit() == {
        "id": "3474",
        "course": {"id": "378", "title": "Fire safety"},
        "parent": {"id": "3470", "title": "Basics"},
        "type": "quiz",
        "type_source": "Test",
        "title": "Quiz one",
        "position": 2,
        "urls": [{"url": "https://example.org/unit/3474", "type": None}],
    }


def test_a_unit_at_the_root_has_no_parent(unit: MapRecord) -> None:
    """Before the first section, and for sections themselves, there is no parent."""
    found = unit(joined={"position": 1})
    assert found.get("parent") is None
    assert found["position"] == 1


def test_ids_are_text(unit: MapRecord) -> None:
    """Numbers for ids, as writes answer them, become text everywhere."""
    found = unit(id=3474, parent={"id": 378, "name": ""}, joined={"section": {"id": 3470, "name": ""}})
    assert (found["id"], found["course"], found["parent"]) == ("3474", {"id": "378"}, {"id": "3470"})


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("SCORM | xAPI | cmi5", "scorm"),
        ("Section", "section"),
        ("Test", "quiz"),
        ("Survey", "survey"),
        ("Assignment", "assignment"),
        ("Instructor-led training", "live_session"),
        ("Unit", "page"),
        ("Content", "page"),
        ("Video", "video"),
        ("Audio", "audio"),
        ("Document", "document"),
        ("Presentation", "document"),
        ("Iframe", "link"),
        ("Web content", "link"),
        ("Sondage", "other"),
    ],
)
def test_type(unit: MapRecord, word: str, kind: str) -> None:
    """Each display word of the notes has its type, another is other; the word is kept."""
    found = unit(type=word)
    assert (found["type"], found["type_source"]) == (kind, word)


@pytest.mark.parametrize("nothing", [None, ""])
def test_empty_values_are_null(unit: MapRecord, nothing: str | None) -> None:
    """A unit without a type, a name or a link has none."""
    found = unit(type=nothing, name=nothing, url=nothing)
    assert [found.get(field) for field in ("type", "type_source", "title", "urls")] == [None] * 4
