"""Whatever Canvas may send, the mappings map it or say why not, alike on both engines, and give no secret away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mappings
from mappings import engine

FOLDER = Path(next(iter(mappings.__path__))) / "canvas"
RESOURCES = ["users", "courses", "course_items", "course_enrollments"]
FEED = "https://example.org/feeds/calendars/course_planted-4711.ics"

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(-1e9, 1e9)
    | st.text(max_size=8)
    | st.sampled_from(
        ["", "0", "active", "completed", "deleted", "2014-06-27T16:30:59Z", "Okafor, Ruth", "Quiz"]
    )
)
ANY = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
_WORDS = (
    "id name sortable_name first_name last_name login_id email locale time_zone created_at merged_into_user_id "
    "sis_user_id integration_id course_code account_id account_name workflow_state concluded public_description "
    "syllabus_body html_url term start_at end_at title position type completion_requirement content_details "
    "external_url published unlock_at user_id course_id course_section_id role enrollment_state updated_at "
    "last_activity_at total_activity_time associated_user_id grades override_score override_grade user"
)
_INNER = (
    "id name type min_score points_possible due_at lock_at unlock_at current_score final_score override_score "
    "override_grade current_grade final_grade requirement_count requirement_completed_count completed_at role"
)
WITHIN = ANY | st.dictionaries(st.sampled_from(_INNER.split()), ANY, max_size=6)
RECORD = st.dictionaries(st.sampled_from(_WORDS.split()), WITHIN, max_size=12)
JOINED = st.fixed_dictionaries(
    {},
    optional={
        "module": WITHIN,
        "admin": WITHIN,
        "logins": st.lists(st.fixed_dictionaries({"workflow_state": ANY}), max_size=2),
        "progress": st.fixed_dictionaries({"progress": WITHIN}),
    },
)


def mapping(resource: str) -> str:
    """The text of a mapping."""
    return (FOLDER / f"{resource}.jsonata").read_text()


def seen(record: Any, parent: Any, joined: Any) -> dict[str, Any]:
    """What a mapping sees."""
    return {"record": record, "parent": parent, "joined": joined, "settings": {}}


@pytest.mark.parametrize("resource", RESOURCES)
@given(record=ANY | RECORD, parent=ANY | RECORD, joined=ANY | JOINED)
def test_any_record_is_mapped_or_refused(resource: str, record: Any, parent: Any, joined: Any) -> None:
    """Any JSON in any place gives an object or an `ExpressionError`, nothing else."""
    try:
        found = engine.compile(mapping(resource)).evaluate_json(json.dumps(seen(record, parent, joined)))
    except engine.ExpressionError:
        return
    assert isinstance(json.loads(found or ""), dict)


@pytest.mark.parametrize("resource", RESOURCES)
@given(record=RECORD, parent=RECORD, joined=JOINED)
def test_odd_values_cost_fields_and_not_the_record(
    resource: str, record: Any, parent: Any, joined: Any
) -> None:
    """An object with any value in any field is mapped: the check of the result finds what is odd."""
    assert isinstance(engine.compile(mapping(resource)).evaluate(seen(record, parent, joined)), dict)


@settings(max_examples=40, deadline=None)
@pytest.mark.parametrize("resource", RESOURCES)
@given(record=RECORD, parent=RECORD, joined=JOINED)
def test_the_reference_engine_agrees(resource: str, record: Any, parent: Any, joined: Any) -> None:
    """Production and reference engine map any record to the same."""
    value, source = seen(record, parent, joined), mapping(resource)
    assert engine.compile(source).evaluate(value) == engine.reference_evaluate(source, value)


@pytest.mark.parametrize("resource", RESOURCES)
@given(record=RECORD, parent=RECORD, joined=JOINED)
def test_the_calendar_is_in_no_result(resource: str, record: Any, parent: Any, joined: Any) -> None:
    """The address of a calendar goes nowhere, should the client ever let it through."""
    calendar = {"calendar": {"ics": FEED}}
    found = engine.compile(mapping(resource)).evaluate(seen(record | calendar, parent | calendar, joined))
    assert "planted-4711" not in str(found)
