"""The unified model against what UNIFIED_MODEL.md lays down, written out by hand."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from pydantic import ValidationError

from mappings.model import COURSE_ENROLLMENTS, COURSES, RESOURCES, USERS, Resource
from mappings.schemas import (
    arrow_schema,
    columns,
    columns_table,
    json_schema,
    markdown_table,
    pydantic_model,
)

FIELDS = {
    "users": "id first_name last_name name username emails status role phones locale timezone job_title organization "
    "manager created_at updated_at custom_fields",
    "courses": "id title description code type status language duration_seconds level urls tags categories "
    "organization published_at created_at updated_at custom_fields",
    "course_items": "id course parent type title description position duration_seconds is_required urls created_at "
    "updated_at custom_fields",
    "course_enrollments": "id user course status assigned_at due_at enrolled_at started_at last_activity_at "
    "completed_at progress_percent time_spent_seconds score is_mandatory assigned_by attempt_number attempts_count "
    "urls created_at updated_at custom_fields",
}
ENUMS = {
    ("users", "status"): "active inactive invited suspended deleted unknown",
    ("users", "role"): "learner instructor admin manager other",
    ("courses", "type"): "course path curriculum program microlearning other",
    ("courses", "status"): "draft published archived disabled unknown",
    ("courses", "level"): "beginner intermediate advanced mixed unknown",
    (
        "course_items",
        "type",
    ): "module section lesson page document video audio scorm xapi quiz assignment survey "
    "discussion live_session link folder other",
    (
        "course_enrollments",
        "status",
    ): "assigned enrolled in_progress completed passed failed withdrawn expired overdue unknown",
}


@pytest.mark.parametrize("name", FIELDS)
def test_resource_has_exactly_the_fields_of_the_model(name: str) -> None:
    """Every resource has the fields of the unified model, in its order, and no other."""
    assert [field.name for field in RESOURCES[name].fields] == FIELDS[name].split()


@pytest.mark.parametrize("key", ENUMS)
def test_enum_has_exactly_the_choices_of_the_model(key: tuple[str, str]) -> None:
    """Every enum has the choices of the unified model."""
    assert RESOURCES[key[0]].field(key[1]).choices == tuple(ENUMS[key].split())


def test_wire_names_are_hyphenated() -> None:
    """On the wire, resource names have hyphens."""
    assert [r.wire_name for r in RESOURCES.values()] == [
        "users",
        "courses",
        "course-items",
        "course-enrollments",
    ]


def test_references_nest() -> None:
    """A related record is an object with the properties that the model gives it."""
    assert [sub.name for sub in USERS.field("manager").fields] == ["id", "name", "emails"]
    assert [sub.name for sub in USERS.field("organization").fields] == ["id", "name"]
    assert [sub.name for sub in COURSE_ENROLLMENTS.field("course").fields] == ["id", "title"]
    assert [sub.name for sub in USERS.field("phones").fields] == ["number", "extension", "type"]
    assert [sub.name for sub in USERS.field("emails").fields] == ["email", "type", "is_primary"]


def test_fallback_is_unknown_or_other() -> None:
    """A word that the model lacks becomes `unknown`, or `other` where the enum has no `unknown`."""
    assert USERS.field("status").fallback == "unknown"
    assert USERS.field("role").fallback == "other"


def test_warehouse_columns_are_flat() -> None:
    """Refs become flat columns, lists and custom fields JSON, and each enum has its source word beside it."""
    names = [column.name for column in columns(COURSE_ENROLLMENTS)]
    assert names[:9] == [
        "id",
        "user__id",
        "user__name",
        "user__emails",
        "course__id",
        "course__title",
        "status",
        "status_source",
        "assigned_at",
    ]
    kinds = {column.name: column.dlt_type for column in columns(COURSE_ENROLLMENTS)}
    assert (kinds["user__emails"], kinds["custom_fields"], kinds["score"]) == ("json", "json", "double")


def test_arrow_schema_has_no_structs() -> None:
    """The warehouse's shape is portable: scalars, and JSON as text."""
    for resource in RESOURCES.values():
        assert not any(pa.types.is_nested(field.type) for field in arrow_schema(resource))


def test_timestamps_are_utc_microseconds() -> None:
    """An instant is kept in UTC, to the microsecond."""
    assert arrow_schema(COURSES).field("published_at").type == pa.timestamp("us", tz="UTC")


@pytest.mark.parametrize("resource", RESOURCES.values(), ids=RESOURCES)
def test_pydantic_model_refuses_unknown_fields(resource: Resource) -> None:
    """The pydantic model knows the model's fields and no other."""
    model = pydantic_model(resource)
    with pytest.raises(ValidationError):
        model.model_validate({"id": "1", "titel": "a slip of the pen"})


def test_pydantic_model_requires_the_id_only() -> None:
    """Every field but the id may be missing."""
    assert pydantic_model(USERS).model_validate({"id": "1"}).model_dump()["emails"] is None


def test_json_schema_lists_the_choices() -> None:
    """The JSON Schema names the choices of an enum."""
    assert '"overdue"' in json.dumps(json_schema(COURSE_ENROLLMENTS))


def test_documentation_tables_have_a_line_for_each_field_and_column() -> None:
    """The tables of the documentation come from the model: a line a field, a line a column."""
    assert markdown_table(USERS).count("\n") == len(USERS.fields) + 2
    assert columns_table(USERS).count("\n") == len(columns(USERS)) + 2
