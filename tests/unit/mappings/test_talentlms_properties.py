"""Whatever TalentLMS may send, the mappings map it or say why not, and give no secret away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mappings
from mappings import engine

FOLDER = Path(next(iter(mappings.__path__))) / "talentlms"
RESOURCES = ["users", "courses", "course_items", "course_enrollments"]
SECRET = "https://example.org/index/autologin/key:planted-4711"

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(-1e9, 1e9)
    | st.text(max_size=8)
    | st.sampled_from(
        ["", "0", "1", "active", "24/11/2019, 09:52:37", "1574589157", "3m 17s", "40", "English"]
    )
)
ANY = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
_WORDS = (
    "id login first_name last_name email user_type timezone language status created_on last_updated name "
    "code created_on_timestamp last_updated_timestamp custom_field_1 custom_field_2 branches category_id "
    "url type description creation_date last_update_on shared shared_url enrolled_on enrolled_on_timestamp "
    "total_time completed_on completed_on_timestamp completion_status completion_percentage expired_on "
    "expired_on_timestamp total_time_seconds last_accessed_unit_url"
)
RECORD = st.dictionaries(st.sampled_from(_WORDS.split()), ANY, max_size=12)
PLACE = st.fixed_dictionaries({}, optional={"position": ANY, "section": ANY, "branch": ANY, "category": ANY})
SETTINGS = ANY | st.just({"date_format": "DDMMYYYY", "timezone": "Europe/London"})


def mapping(resource: str) -> str:
    """The text of a mapping."""
    return (FOLDER / f"{resource}.jsonata").read_text()


@pytest.mark.parametrize("resource", RESOURCES)
@given(record=ANY | RECORD, parent=ANY | RECORD, joined=ANY | PLACE, portal=SETTINGS)
def test_any_record_is_mapped_or_refused(
    resource: str, record: Any, parent: Any, joined: Any, portal: Any
) -> None:
    """Any JSON in any place gives an object or an `ExpressionError`, nothing else."""
    value = {"record": record, "parent": parent, "joined": joined, "settings": portal}
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


@pytest.mark.parametrize("resource", RESOURCES)
@given(record=RECORD, parent=RECORD, joined=PLACE)
def test_the_sign_in_link_is_in_no_result(resource: str, record: Any, parent: Any, joined: Any) -> None:
    """login_key goes nowhere, should the client ever let it through."""
    value = {
        "record": record | {"login_key": SECRET},
        "parent": parent | {"login_key": SECRET},
        "joined": joined,
        "settings": {},
    }
    try:
        found = engine.compile(mapping(resource)).evaluate_json(json.dumps(value))
    except engine.ExpressionError as error:
        found = str(error)
    assert "planted-4711" not in (found or "")


@settings(max_examples=40, deadline=None)
@pytest.mark.parametrize("resource", RESOURCES)
@given(record=RECORD, parent=RECORD, joined=PLACE)
def test_the_reference_engine_agrees(resource: str, record: Any, parent: Any, joined: Any) -> None:
    """Production and reference engine map any record to the same."""
    portal = {"date_format": "DDMMYYYY", "timezone": "Europe/London"}
    value = {"record": record, "parent": parent, "joined": joined, "settings": portal}
    source = mapping(resource)
    assert engine.compile(source).evaluate(value) == engine.reference_evaluate(source, value)


@pytest.mark.parametrize("resource", RESOURCES)
def test_mappings_read_no_secret_by_name(resource: str) -> None:
    """No mapping names the sign-in link."""
    assert "login_key" not in mapping(resource)
