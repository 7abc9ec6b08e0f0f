"""What holds for the Moodle mappings whatever the site sends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mappings
from mappings import engine

FOLDER = Path(next(iter(mappings.__path__))) / "moodle"
RESOURCES = ["users", "courses", "course_items", "course_enrollments"]
SECRETS = ("userprivateaccesskey", "privatetoken", "enrolmentkey")

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(-1e9, 1e9)
    | st.text(max_size=6)
    | st.sampled_from(["", "0", "99", "student", "Active", "Suspended", "Not current", "Yes", "No", "71.4%"])
    | st.sampled_from(
        ["Monday, 14 September 2026, 4:57 PM", "Europe/Madrid", "de", "pt_br", "datetime", "date"]
    )
)
ANY = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
_WORDS = (
    "id username firstname lastname fullname email department institution idnumber auth suspended confirmed lang "
    "timezone phone1 phone2 city country customfields shortname categoryid categoryname summary visible startdate "
    "enddate timecreated timemodified format enablecompletion name modname url description section roles "
    "lastcourseaccess"
)
RECORD = st.dictionaries(st.sampled_from(_WORDS.split()), ANY, max_size=12)
FIELDS = st.lists(
    st.dictionaries(st.sampled_from(["type", "value", "valueraw", "shortname"]), ANY, max_size=4), max_size=2
)
_COLUMNS = ("Time created", "Time started", "Time ended", "Status", "Completed", "Progress", "Time completed")
JOINED = st.fixed_dictionaries(
    {},
    optional={
        "position": ANY,
        "section": ANY,
        "suspended": ANY,
        "completion": ANY | st.fixed_dictionaries({"completed": ANY}),
        "activities": ANY | st.fixed_dictionaries({"tracked": ANY, "done": ANY}),
        "grade": ANY | st.fixed_dictionaries({"score": ANY}),
        "report": ANY | st.lists(st.dictionaries(st.sampled_from(_COLUMNS), ANY, max_size=7), max_size=2),
    },
)
PORTAL = {"timezone": "Europe/Madrid", "enrolment_report": 7, "roles": ["student"]}


def mapping(resource: str) -> str:
    """The text of a mapping."""
    return (FOLDER / f"{resource}.jsonata").read_text()


def value(record: Any, parent: Any, joined: Any, portal: Any = None) -> dict[str, Any]:
    """The input of a mapping."""
    return {"record": record, "parent": parent, "joined": joined, "settings": portal or PORTAL}


@pytest.mark.parametrize("resource", RESOURCES)
@given(record=ANY | RECORD, parent=ANY | RECORD, joined=ANY | JOINED, portal=ANY)
def test_any_record_is_mapped_or_refused(
    resource: str, record: Any, parent: Any, joined: Any, portal: Any
) -> None:
    """Any JSON in any place gives an object or an `ExpressionError`, nothing else."""
    seen = {"record": record, "parent": parent, "joined": joined, "settings": portal}
    try:
        found = engine.compile(mapping(resource)).evaluate_json(json.dumps(seen))
    except engine.ExpressionError:
        return
    assert found is not None
    assert isinstance(json.loads(found), dict)


@pytest.mark.parametrize("resource", RESOURCES)
@given(record=RECORD, fields=FIELDS, parent=RECORD, joined=JOINED)
def test_odd_values_cost_fields_and_not_the_record(
    resource: str, record: Any, fields: Any, parent: Any, joined: Any
) -> None:
    """An object with any value in any field is mapped: the check of the result finds what is odd."""
    seen = value(record | {"customfields": fields}, parent, joined)
    assert isinstance(engine.compile(mapping(resource)).evaluate(seen), dict)


@settings(max_examples=40, deadline=None)
@pytest.mark.parametrize("resource", RESOURCES)
@given(record=RECORD, fields=FIELDS, parent=RECORD, joined=JOINED)
def test_the_reference_engine_agrees(
    resource: str, record: Any, fields: Any, parent: Any, joined: Any
) -> None:
    """Production and reference engine map any record to the same."""
    seen = value(record | {"customfields": fields}, parent, joined)
    source = mapping(resource)
    assert engine.compile(source).evaluate(seen) == engine.reference_evaluate(source, seen)


@pytest.mark.parametrize("resource", RESOURCES)
@pytest.mark.parametrize("name", SECRETS)
def test_mappings_read_no_secret_by_name(resource: str, name: str) -> None:
    """No mapping names a key that lets its bearer in."""
    assert name not in mapping(resource)
