from __future__ import annotations

from typing import Any

import pytest

from mappings.library import load_mapping
from mappings.model import COURSES, RESOURCES, USERS, Field, Kind
from pipelines.coverage import coverage
from sources.unified_lms.sandbox import World, expected

TALENTLMS = {
    "users": "id first_name last_name username emails status role locale timezone organization.id organization.name "
    "created_at updated_at custom_fields",
    "courses": "id title description code type status urls categories created_at updated_at custom_fields",
    "course_items": "id course.id course.title parent.id parent.title type title position urls",
    "course_enrollments": "id user.id user.emails course.id course.title status enrolled_at completed_at "
    "progress_percent time_spent_seconds urls custom_fields",
}
"""What each shipped mapping of TalentLMS gives, read by a person."""


def paths(source: str) -> tuple[str, ...]:
    """The paths of a user that a mapping fills."""
    return coverage(USERS, source).paths


@pytest.mark.parametrize("resource", TALENTLMS)
def test_shipped_mapping(resource: str) -> None:
    """The fields of each shipped mapping are told exactly, properties of refs included."""
    found = coverage(RESOURCES[resource], load_mapping("talentlms", resource).source)
    assert (found.exact, set(found.paths)) == (True, set(TALENTLMS[resource].split()))


@pytest.mark.parametrize("resource", TALENTLMS)
def test_holds_what_the_world_gives(resource: str) -> None:
    """Whatever the oracle says that TalentLMS tells of a world is among the fields that the mapping fills."""
    found = set(coverage(RESOURCES[resource], load_mapping("talentlms", resource).source).paths)
    rows = expected(World(), "talentlms", resource)
    told = {path for row in rows for path, field in RESOURCES[resource].paths() if _has(row, path, field)}
    assert told <= found


def _has(row: dict[str, Any], path: str, field: Field) -> bool:
    value: Any = row
    for part in path.split("."):
        value = (value or {}).get(part)
    return bool(value) if field.kind in (Kind.LIST, Kind.OBJECT) else value is not None


def test_null_is_not_filled() -> None:
    """A key whose value is null, in whichever branch, fills nothing."""
    assert paths('{"id": record.id, "name": null, "locale": record.x ? null : null}') == ("id",)


def test_condition_counts_each_branch() -> None:
    """A key that one branch of a condition fills is filled; so is one without an else."""
    assert paths('record.a ? {"id": "1", "name": "n"} : {"id": "2"}') == ("id", "name")
    assert paths('{"name": record.a ? record.b}') == ("name",)


def test_nested_conditions() -> None:
    """The else of a condition within a condition is found."""
    source = (
        'record.a ? (record.b ? {"name": 1} : {"locale": 1}) : record.c ? {"phones": 1} : {"username": 1}'
    )
    assert set(paths(source)) == {"name", "locale", "phones", "username"}


def test_variable_is_followed_to_its_last_binding() -> None:
    """An object behind a variable counts as it was bound last, and in its own block only."""
    assert paths('($a := {"id": "1"}; $b := ($a := {"name": "n"}; 1); $a)') == ("id",)


def test_merge_unites() -> None:
    """What `$merge` puts together is filled together."""
    assert paths('($a := {"id": "1"}; $merge([$a, {"name": "n"}]))') == ("id", "name")


def test_step_of_a_path() -> None:
    """The object at the end of a path is what the path gives."""
    assert paths('{"organization": $b.{"id": id}}') == ("organization.id",)


def test_ref_of_unknown_shape_has_every_property() -> None:
    """A ref that is taken over from the record as it is may have all of its properties."""
    assert paths('{"organization": record.org}') == ("organization.id", "organization.name")


def test_empty_array_in_brackets_and_regex_do_not_mislead() -> None:
    """Predicates, regular expressions with brackets and comments change nothing."""
    source = (
        r"""/* {"role": 1} */ {"id": record.ids[type = "{"][0], "name": $contains(x, /[\/}"]/) ? y / 2 : z}"""
    )
    assert paths(source) == ("id", "name")


def test_computed_object_is_a_guess() -> None:
    """A mapping whose value a function computes is said to fill everything, and not to be known exactly."""
    found = coverage(COURSES, "$f(record)")
    assert (found.exact, len(found.fields)) == (False, len(COURSES.fields))


def test_operation_is_no_object() -> None:
    """An object that is an operand is not what the operation gives."""
    assert paths('{"organization": $a & $b.{"id": id}}') == ("organization.id", "organization.name")


def test_ref_counts_once() -> None:
    """A ref with two properties is one field."""
    assert coverage(USERS, '{"organization": {"id": "1", "name": "n"}}').fields == ("organization",)
