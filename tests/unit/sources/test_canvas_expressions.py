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
