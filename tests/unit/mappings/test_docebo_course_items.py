"""The Docebo mapping of learning objects, on payloads written from the provider's notes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

MapRecord = Callable[..., dict[str, Any]]

NODE: dict[str, Any] = {
    "id": "3474",
    "name": "Quiz one",
    "type": "test",
    "is_folder": False,
    "level": 2,
    "duration": 90,
    "status": "completed",
    "slug_name": "quiz-one",
    "short_description": "Ten questions",
    "can_enter": True,
}
FOLDER = {"id": "3470", "name": "Basics"}


@pytest.fixture
def item(map_docebo: MapRecord) -> MapRecord:
    """The mapping of `NODE` with changes, second in a folder."""

    def run(*, joined: Any = None, parent: Any = None, **changes: Any) -> dict[str, Any]:
        course = {"id_course": 563, "name": "Fire safety"} if parent is None else parent
        place = {"position": 2, "folder": FOLDER} if joined is None else joined
        return map_docebo("course_items", NODE | changes, parent=course, joined=place)

    return run


def test_a_learning_object_in_a_folder(item: MapRecord) -> None:
    """A node has its course, its folder as the parent, and its place; its status is the reader's own."""
    assert item() == {
        "id": "3474",
        "course": {"id": "563", "title": "Fire safety"},
        "parent": {"id": "3470", "title": "Basics"},
        "type": "quiz",
        "type_source": "test",
        "title": "Quiz one",
        "description": "Ten questions",
        "position": 2,
    }


def test_a_folder_at_the_root(item: MapRecord) -> None:
    """A folder has no word for its type, and at the root there is no parent."""
    found = item(is_folder=True, type=None, joined={"position": 1})
    assert (found["type"], found.get("type_source"), found.get("parent")) == ("folder", None, None)


def test_the_course_of_the_newer_list(item: MapRecord) -> None:
    """The parent has other names where courses are read from the newer list, or singly."""
    assert item(parent={"id": 7, "title": "Other"})["course"] == {"id": "7", "title": "Other"}


def test_ids_are_text(item: MapRecord) -> None:
    """Numbers for ids become text everywhere."""
    found = item(id=3474, joined={"folder": {"id": 3470, "name": ""}})
    assert (found["id"], found["parent"]) == ("3474", {"id": "3470"})


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("scormorg", "scorm"),
        ("aicc", "scorm"),
        ("tincan", "xapi"),
        ("video", "video"),
        ("file", "document"),
        ("htmlpage", "page"),
        ("test", "quiz"),
        ("poll", "survey"),
        ("deliverable", "assignment"),
        ("item", "other"),
        ("authoring", "other"),
        ("elucidat", "other"),
        ("centralrepo", "other"),
        ("lectora", "other"),
        ("lti", "other"),
    ],
)
def test_type(item: MapRecord, word: str, kind: str) -> None:
    """Each word of the notes has its type, or is other where it does not say what the object is; it is kept."""
    found = item(type=word)
    assert (found["type"], found["type_source"]) == (kind, word)


def test_a_long_description_where_there_is_no_short_one(item: MapRecord) -> None:
    """Either may be there."""
    assert item(short_description="", description="Long")["description"] == "Long"


@pytest.mark.parametrize("nothing", [None, ""])
def test_empty_values_are_null(item: MapRecord, nothing: str | None) -> None:
    """A node without a type, a name or a description has none."""
    found = item(type=nothing, name=nothing, short_description=nothing)
    assert [found.get(field) for field in ("type", "type_source", "title", "description")] == [None] * 4
