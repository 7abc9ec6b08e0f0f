"""The Canvas mapping of modules and their items, on payloads written from the provider's notes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

MapRecord = Callable[..., dict[str, Any]]

COURSE = {"id": "222", "name": "Fire safety"}
MODULE: dict[str, Any] = {
    "id": "123",
    "name": "Before it burns",
    "position": 2,
    "unlock_at": "2012-12-31T06:00:00Z",
    "requirement_type": "all",
    "items_count": 10,
    "published": True,
}
ITEM: dict[str, Any] = {
    "id": "768",
    "module_id": "123",
    "position": 1,
    "title": "Find the exits",
    "indent": 0,
    "type": "Assignment",
    "content_id": "1337",
    "html_url": "https://lms.example.org/courses/222/modules/items/768",
    "url": "https://lms.example.org/api/v1/courses/222/assignments/1337",
    "completion_requirement": {"type": "min_score", "min_score": 10},
    "content_details": {"points_possible": 20, "due_at": "2013-01-31T06:00:00Z", "locked_for_user": False},
    "published": False,
}


@pytest.fixture
def item(map_canvas: MapRecord) -> MapRecord:
    """The mapping of `ITEM` with changes, without the keys in `lacking`."""

    def run(*, lacking: tuple[str, ...] = (), **changes: Any) -> dict[str, Any]:
        record = {key: value for key, value in (ITEM | changes).items() if key not in lacking}
        return map_canvas("course_items", record, parent=COURSE, joined={"module": MODULE})

    return run


def test_a_module(map_canvas: MapRecord) -> None:
    """A module stands at the root of its course, under an id that no item has."""
    assert map_canvas("course_items", MODULE, parent=COURSE) == {
        "id": "module:123",
        "course": {"id": "222", "title": "Fire safety"},
        "type": "module",
        "title": "Before it burns",
        "position": 2,
        "custom_fields": {"unlock_at": "2012-12-31T06:00:00Z", "published": True},
    }


def test_an_item(item: MapRecord) -> None:
    """An item lies in its module; what completes it and what its assignment says is kept."""
    assert item() == {
        "id": "item:768",
        "course": {"id": "222", "title": "Fire safety"},
        "parent": {"id": "module:123", "title": "Before it burns"},
        "type": "assignment",
        "type_source": "Assignment",
        "title": "Find the exits",
        "position": 1,
        "is_required": True,
        "urls": [{"url": "https://lms.example.org/courses/222/modules/items/768", "type": None}],
        "custom_fields": {
            "requirement": "min_score",
            "min_score": 10,
            "points_possible": 20,
            "due_at": "2013-01-31T06:00:00Z",
            "published": False,
        },
    }


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("File", "document"),
        ("Page", "page"),
        ("Discussion", "discussion"),
        ("Assignment", "assignment"),
        ("Quiz", "quiz"),
        ("SubHeader", "other"),
        ("ExternalUrl", "link"),
        ("ExternalTool", "other"),
        ("Hologram", "other"),
    ],
)
def test_types(item: MapRecord, word: str, kind: str) -> None:
    """Every type of the notes, and `other` for what the model or the notes have no word for."""
    found = item(type=word)
    assert (found["type"], found["type_source"]) == (kind, word)


def test_an_item_without_requirement_is_optional(item: MapRecord) -> None:
    """Mandatory is what has a completion requirement."""
    assert item(lacking=("completion_requirement",))["is_required"] is False
    assert item(completion_requirement=None)["is_required"] is False


def test_a_heading(item: MapRecord) -> None:
    """A SubHeader has no address, no content and no requirement."""
    lacking = ("content_id", "html_url", "url", "completion_requirement", "content_details")
    found = item(type="SubHeader", lacking=lacking)
    assert found.get("urls") is None
    assert found["custom_fields"] == {"published": False}


def test_a_link(item: MapRecord) -> None:
    """An ExternalUrl has two addresses: its own page, and where it leads."""
    found = item(type="ExternalUrl", external_url="https://www.example.com/a")
    assert found["urls"][1] == {"url": "https://www.example.com/a", "type": "external"}


def test_an_item_without_id_has_none(item: MapRecord) -> None:
    """Its prefix alone would be an id, and the same for all of them."""
    assert item(lacking=("id",)).get("id") is None
    assert item(id=None).get("id") is None
    assert item(id=768)["id"] == "item:768"
