"""The exact check of a unified record."""

from __future__ import annotations

from typing import Any

import pytest

from mappings.model import COURSE_ENROLLMENTS, COURSE_ITEMS, USERS
from mappings.rows import canonical_json, check, fits, flatten, format_instant, parse_instant


def user(**fields: Any) -> dict[str, Any]:
    """A user that says little."""
    return {"id": "7"} | fields


def codes(value: Any) -> list[tuple[str | None, str]]:
    """What the check finds wrong with a user."""
    return [(violation.field, violation.code) for violation in check(USERS, value)[1]]


def test_every_field_is_present() -> None:
    """A checked record has every field of the model, null where the mapping gave nothing."""
    clean, violations = check(USERS, user(first_name="Ada"))
    assert violations == []
    assert clean is not None
    assert set(clean) == {field.name for field in USERS.fields} | {"status_source", "role_source"}
    assert clean["first_name"] == "Ada"
    assert clean["emails"] is None


@pytest.mark.parametrize("value", [None, "text", 3, ["list"]])
def test_no_object_is_rejected(value: Any) -> None:
    """A mapping that returns no object loses the record."""
    clean, violations = check(USERS, value)
    assert clean is None
    assert [(v.field, v.code) for v in violations] == [(None, "not_an_object")]


@pytest.mark.parametrize("value", [{}, {"id": None}, {"id": ""}])
def test_record_without_id_is_rejected(value: dict[str, Any]) -> None:
    """A record without an id is lost."""
    assert check(USERS, value)[0] is None


def test_numeric_id_is_rejected() -> None:
    """Ids are text: a number may have lost digits already."""
    clean, violations = check(USERS, {"id": 12})
    assert clean is None
    assert ("id", "wrong_type") in [(v.field, v.code) for v in violations]


def test_enrolment_needs_user_and_course() -> None:
    """An enrolment without its user or its course is lost."""
    whole = {"id": "1", "user": {"id": "2"}, "course": {"id": "3"}}
    assert check(COURSE_ENROLLMENTS, whole)[0] is not None
    assert check(COURSE_ENROLLMENTS, whole | {"user": {"name": "Ada"}})[0] is None
    assert check(COURSE_ENROLLMENTS, whole | {"course": None})[0] is None


def test_item_needs_course() -> None:
    """A course item without its course is lost."""
    assert check(COURSE_ITEMS, {"id": "1"})[0] is None


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("first_name", 3, "wrong_type"),
        ("status", "aktiv", "not_in_enum"),
        ("created_at", "24/11/2019", "not_an_instant"),
        ("created_at", "2019-11-24T09:52:37", "not_an_instant"),
        ("created_at", "2019-02-30T09:52:37Z", "not_an_instant"),
        ("created_at", 1574589157, "wrong_type"),
        ("emails", ["a@example.org"], "wrong_type"),
        ("organization", "Sales", "wrong_type"),
        ("custom_fields", [1], "wrong_type"),
        ("nickname", "Ada", "unknown_field"),
    ],
)
def test_bad_value_costs_the_field_only(field: str, value: Any, code: str) -> None:
    """A bad value makes its field null (an enum unknown), is noted, and the record stays."""
    clean, violations = check(USERS, user(**{field: value}))
    assert clean is not None
    assert [(v.field, v.code) for v in violations] == [(field, code)]
    assert clean.get(field) in (None, "unknown")


@pytest.mark.parametrize(("field", "value"), [("progress_percent", 191.5), ("time_spent_seconds", -1)])
def test_number_outside_its_range_costs_the_field(field: str, value: float) -> None:
    """A percentage above 100 and a negative duration are not taken over."""
    record = {"id": "1", "user": {"id": "2"}, "course": {"id": "3"}, field: value}
    clean, violations = check(COURSE_ENROLLMENTS, record)
    assert clean is not None
    assert clean[field] is None
    assert [(v.field, v.code) for v in violations] == [(field, "out_of_range")]


def test_fraction_is_no_whole_number() -> None:
    """2.5 in a whole-number field is noted, never rounded."""
    record = {"id": "1", "course": {"id": "3"}, "position": 2.5}
    clean, violations = check(COURSE_ITEMS, record)
    assert clean is not None
    assert clean["position"] is None
    assert violations[0].code == "wrong_type"


def test_messages_hold_no_value() -> None:
    """What is wrong is said without the value, which may be a learner's."""
    _, violations = check(
        USERS, user(status="planted", created_at="planted", emails="planted", planted_key=1)
    )
    assert not any("planted" in violation.reason for violation in violations)


def test_list_of_one_may_have_collapsed() -> None:
    """JSONata turns a list of one into its element; an object stands for it."""
    clean, violations = check(USERS, user(emails={"email": "a@example.org"}))
    assert violations == []
    assert clean is not None
    assert clean["emails"] == [{"email": "a@example.org", "type": None, "is_primary": None}]


def test_nul_is_removed_and_noted() -> None:
    """U+0000, which PostgreSQL cannot store, is taken out and the loss is noted."""
    clean, violations = check(USERS, user(first_name="A\0da", custom_fields={"k": ["x\0"]}))
    assert clean is not None
    assert (clean["first_name"], clean["custom_fields"]) == ("Ada", {"k": ["x"]})
    assert {v.code for v in violations} == {"nul_removed"}


def test_instants_become_utc() -> None:
    """A timestamp with an offset is the same instant in UTC."""
    clean, _ = check(USERS, user(created_at="2013-06-01T00:00:00-06:00"))
    assert clean is not None
    assert clean["created_at"] == "2013-06-01T06:00:00Z"


def test_flat_row_has_refs_as_columns_and_json_as_text() -> None:
    """The flat row is the warehouse's: `ref__property`, canonical JSON."""
    clean, _ = check(USERS, user(organization={"id": "3", "name": "Sales"}, custom_fields={"b": 1, "a": 2}))
    assert clean is not None
    row = flatten(USERS, clean)
    assert (row["organization__id"], row["organization__name"]) == ("3", "Sales")
    assert row["custom_fields"] == '{"a":2,"b":1}'


def test_canonical_json_does_not_depend_on_order() -> None:
    """The same object in another order is the same text."""
    assert canonical_json({"b": [1, {"d": 1, "c": 2}], "a": None}) == '{"a":null,"b":[1,{"c":2,"d":1}]}'


def test_microseconds_are_kept_and_no_more() -> None:
    """Instants are kept to the microsecond; .NET writes a seventh digit."""
    instant = parse_instant("2021-09-20T19:19:55.8470001Z")
    assert instant is not None
    assert format_instant(instant) == "2021-09-20T19:19:55.847000Z"


@pytest.mark.parametrize(
    ("kind", "value", "made"),
    [
        ("string", "a", "a"),
        ("string", 5, None),
        ("integer", 5, 5),
        ("integer", 5.0, 5),
        ("integer", 5.5, None),
        ("integer", True, None),
        ("integer", "5", None),
        ("number", 5, 5),
        ("number", 5.5, 5.5),
        ("number", "5", None),
        ("boolean", False, False),
        ("boolean", 0, None),
        ("timestamp", "2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
        ("timestamp", "2024-01-01T01:00:00+01:00", "2024-01-01T00:00:00Z"),
        ("timestamp", "2024-02-30T00:00:00Z", None),
        ("timestamp", "2024-01-01", None),
    ],
)
def test_a_declared_type_holds_for_a_custom_field(kind: str, value: Any, made: Any) -> None:
    """A value that does not fit is null and noted with its place; the fields beside it stay."""
    record = {"id": "1", "custom_fields": {"x": value, "y": {"z": 1}}}
    clean, violations = check(USERS, record, {"x": kind})
    assert clean is not None
    assert clean["custom_fields"] == {"x": made, "y": {"z": 1}}
    assert type(clean["custom_fields"]["x"]) is type(made)
    assert [violation.field for violation in violations] == ([] if made is not None else ["custom_fields.x"])
    untouched = type(made) is type(value) and made == value
    assert fits(kind, value) == untouched


def test_a_typed_custom_field_may_be_missing_or_null() -> None:
    """It is not made up, and no value is not a wrong one."""
    for custom in ({}, {"x": None}):
        clean, violations = check(USERS, {"id": "1", "custom_fields": custom | {"y": 1}}, {"x": "integer"})
        assert clean is not None
        assert clean["custom_fields"] == custom | {"y": 1}
        assert violations == []
