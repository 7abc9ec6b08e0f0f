"""The expressions of the Canvas manifest that make records of modules and see what an account lacks."""

from __future__ import annotations

from typing import Any

import pytest

from mappings import engine
from sources.unified_lms.manifest import load_manifest

MANIFEST = load_manifest("canvas")
READ = MANIFEST.resources["course_items"].read[0]
ITEM = {"id": "11", "title": "one"}


@pytest.mark.parametrize(
    ("module", "asked"),
    [
        ({"items_count": 3}, True),
        ({"items_count": 3, "items": None}, True),
        ({"items_count": 3, "items": []}, True),
        ({"items_count": 3, "items": [ITEM]}, True),
        ({"items_count": 1, "items": [ITEM]}, False),
        ({"items_count": 0}, False),
        ({"items_count": 0, "items": []}, False),
        ({}, True),
    ],
)
def test_items_are_asked_for_where_the_answer_lacks_them(module: dict[str, Any], asked: bool) -> None:
    """A module without the key, or with fewer items than it counts, is completed by a call."""
    body = [{"id": "1", **module}]
    found = engine.compile(READ.fetch["items"].each).evaluate({"body": body})
    assert bool(found) is asked


def test_items_that_were_fetched_take_the_place_of_those_that_are_there() -> None:
    """Every module is a record without its items, and each of its items one with the module beside it."""
    body = [
        {"id": "1", "name": "A", "items_count": 2, "items": [ITEM]},
        {"id": "2", "name": "B", "items_count": 1, "items": [{"id": "21"}]},
        {"id": "3", "name": "C", "items_count": 0},
    ]
    seen = {"body": body, "parent": {}, "settings": {}, "fetched": {"items": {"1": [ITEM, {"id": "12"}]}}}
    rows = engine.compile(READ.rows or "").evaluate(seen)
    assert [row["record"]["id"] for row in rows] == ["1", "11", "12", "2", "21", "3"]
    assert [(row.get("joined") or {}).get("module", {}).get("id") for row in rows] == [
        None,
        "1",
        "1",
        None,
        "2",
        None,
    ]
    assert not any("items" in row["record"] for row in rows)


@pytest.mark.parametrize(("body", "rows"), [([], []), ({"errors": []}, None)])
def test_a_course_without_modules_is_not_an_answer_without_a_list(body: Any, rows: Any) -> None:
    """An empty list is a course without content; anything else gives nothing, and is an error."""
    seen = {"body": body, "parent": {}, "settings": {}, "fetched": {"items": {}}}
    assert engine.compile(READ.rows or "").evaluate(seen) == rows


@pytest.mark.parametrize(
    ("resource", "records", "fields"),
    [
        ("users", [{"id": "1", "login_id": "a", "email": "a@example.org"}], []),
        ("users", [{"id": "1", "login_id": "a"}], ["emails"]),
        ("users", [{"id": "1", "email": None}], ["username"]),
        ("users", [{"id": "1"}, {"id": "2"}], ["emails", "username"]),
        ("course_enrollments", [{"type": "StudentEnrollment", "grades": {"current_score": None}}], []),
        (
            "course_enrollments",
            [{"type": "StudentEnrollment", "grades": {"html_url": "-"}}, {"type": "StudentEnrollment"}],
            ["score", "progress_percent", "completed_at"],
        ),
        ("course_enrollments", [{"type": "TeacherEnrollment"}], []),
    ],
)
def test_missing_permissions_are_seen_in_the_first_page(
    resource: str, records: list[Any], fields: list[str]
) -> None:
    """Keys that are absent from every record say which permission the account lacks."""
    gaps = MANIFEST.resources[resource].gaps
    found = [gap.fields for gap in gaps if engine.compile(gap.when).evaluate({"records": records})]
    assert [field for each in found for field in each] == fields


@pytest.mark.parametrize(
    ("value", "searched"),
    [
        ("bjorn", True),
        ("a.b@example.org", True),
        ("CMP", True),
        ("12a", True),
        ("ab", False),
        ("", False),
        ("4711", False),
        ("21070000000000079", False),
    ],
)
@pytest.mark.parametrize(
    ("resource", "name"), [("users", "username"), ("users", "emails"), ("courses", "code")]
)
def test_a_search_is_made_where_it_finds_what_is_equal(
    resource: str, name: str, value: str, searched: bool
) -> None:
    """Less than three signs are refused and digits are an id, so that the whole list is read for those."""
    source = MANIFEST.resources[resource].filters[name].args["search"]
    found = engine.compile(source).evaluate({"value": value, "settings": {}})
    assert found == (value if searched else None)
    assert engine.reference_evaluate(source, {"value": value, "settings": {}}) == found


LOGIN = {"unique_id": [{"attribute": "unique_id", "message": "ID already in use", "type": "taken"}]}
INVALID = [{"attribute": "x", "message": "is invalid", "type": "invalid"}]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"errors": [{"message": "does not exist"}]}, "does not exist"),
        ({"error": {"message": "no progress"}}, "no progress"),
        ({"message": "Invalid type"}, "Invalid type"),
        ({"error": "enrollment not inactive"}, "enrollment not inactive"),
        (
            {"errors": {"user": {"pseudonyms": INVALID}, "pseudonym": LOGIN, "recaptcha": None}},
            "ID already in use",
        ),
        ({"errors": {"course": {"name": INVALID}, "observee": {}}}, "is invalid"),
        ({"errors": {}}, None),
    ],
)
def test_the_words_of_an_error_are_found_in_every_shape(body: Any, words: str | None) -> None:
    """A list, an object, a text, and the parts of a record that is wrong, of which the login goes first."""
    [rule] = [one for one in MANIFEST.errors if one.kind == "invalid"]
    seen = {"body": body, "status": 400, "headers": {}, "text": ""}
    assert engine.compile(rule.message or "").evaluate(seen) == words
    assert engine.reference_evaluate(rule.message or "", seen) == words


def test_what_can_be_done_with_the_four_resources() -> None:
    """All but content is written as well; modules have no address of their own."""
    written = ("list", "get", "create", "update", "delete")
    assert MANIFEST.operations == {
        "users": written,
        "courses": written,
        "course_items": ("list",),
        "course_enrollments": written,
    }


def test_no_write_is_sent_twice() -> None:
    """None is said to be repeatable, whatever its method."""
    resources = MANIFEST.resources.values()
    calls = {call for one in resources for write in one.writes.operations.values() for call in write.calls}
    assert calls
    assert not [name for name in calls if MANIFEST.endpoints[name].may_repeat]
