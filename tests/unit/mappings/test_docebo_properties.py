"""Whatever Docebo may send, the mappings map it or say why not, and both engines do the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mappings
from mappings import engine

FOLDER = Path(next(iter(mappings.__path__))) / "docebo"
RESOURCES = ["users", "courses", "course_items", "course_enrollments"]

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(-1e9, 1e9)
    | st.text(max_size=8)
    | st.sampled_from(
        ["", "0", "1", "completed", "2025-01-22 13:27:13", "0000-00-00 00:00:00", "english", "user", "40.5"]
    )
)
ANY = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=4) | st.sampled_from(["1", "id", "value", "label"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
_WORDS = (
    "user_id username first_name last_name fullname email status valid level language lang_code timezone "
    "manager_names manager_first_name manager_last_name expiration_date expiration creation_date last_update "
    "field_1 field_22 additional_fields id_course id name title code description course_type type course_status "
    "duration category category_name date_last_updated is_folder short_description course_id course_name "
    "enrollment_status enrollment_created_at enrollment_completion_date enrollment_score enrollment_time_spent "
    "enrollment_created_by enrollment_validity_end_date enroll_begin_date enroll_end_date course_complete_date "
    "complete_percent score total_time subscribed_by assignment_type url"
)
RECORD = st.dictionaries(st.sampled_from(_WORDS.split()), ANY, max_size=12)
PLACE = st.fixed_dictionaries({}, optional={"position": ANY, "folder": ANY})


def mapping(resource: str) -> str:
    """The text of a mapping."""
    return (FOLDER / f"{resource}.jsonata").read_text()


@pytest.mark.parametrize("resource", RESOURCES)
@given(record=ANY | RECORD, parent=ANY | RECORD, joined=ANY | PLACE)
def test_any_record_is_mapped_or_refused(resource: str, record: Any, parent: Any, joined: Any) -> None:
    """Any JSON in any place gives an object or an `ExpressionError`, nothing else."""
    value = {"record": record, "parent": parent, "joined": joined, "settings": {}}
    try:
        found = engine.compile(mapping(resource)).evaluate_json(json.dumps(value))
    except engine.ExpressionError:
        return
    assert found is not None
    assert isinstance(json.loads(found), dict)


@pytest.mark.parametrize("resource", RESOURCES)
@given(record=RECORD, parent=RECORD, joined=PLACE)
def test_odd_values_cost_fields_and_not_the_record(
    resource: str, record: Any, parent: Any, joined: Any
) -> None:
    """An object with any value in any field is mapped: the check of the result finds what is odd."""
    value = {"record": record, "parent": parent, "joined": joined, "settings": {}}
    assert isinstance(engine.compile(mapping(resource)).evaluate(value), dict)


@settings(max_examples=40, deadline=None)
@pytest.mark.parametrize("resource", RESOURCES)
@given(record=RECORD, parent=RECORD, joined=PLACE)
def test_the_reference_engine_agrees(resource: str, record: Any, parent: Any, joined: Any) -> None:
    """Production and reference engine map any record to the same."""
    value = {"record": record, "parent": parent, "joined": joined, "settings": {}}
    source = mapping(resource)
    assert engine.compile(source).evaluate(value) == engine.reference_evaluate(source, value)
