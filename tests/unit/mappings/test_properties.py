"""Whatever a provider sends, its mappings map it or say why not, alike on both engines, and give no secret away.

What is generated comes from the mappings themselves: odd values in exactly the fields that each one reads.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings import engine
from mappings.library import load_mapping
from mappings.model import RESOURCES
from sources.unified_lms.manifest import load_manifest, provider_names

_WORDS = (
    "", "0", "1", "99", "40.5", "71.4%", "3m 17s", "active", "Active", "completed", "deleted", "Suspended", "student",
    "user", "Quiz", "English", "de", "pt_br", "Europe/Madrid", "Okafor, Ruth", "date", "Yes", "1574589157",
    "24/11/2019, 09:52:37", "2014-06-27T16:30:59Z", "2025-01-22 13:27:13", "0000-00-00 00:00:00",
    "Monday, 14 September 2026, 4:57 PM",
)  # fmt: skip
"""Words that the providers' own answers have, so that the paths behind conditions are taken."""
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    # JSONata knows one kind of number, and writes 1.0 as 1; the reference engine, Python's way, as 1.0.
    | st.floats(-1e9, 1e9).filter(lambda value: not value.is_integer())
    | st.text(max_size=8)
    | st.sampled_from(_WORDS)
)
ANY = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
PLANTED = "https://example.org/enter/planted-4711"
MAPPINGS = [
    pytest.param(provider, resource, id=f"{provider}-{resource}")
    for provider in provider_names()
    for resource in RESOURCES
]
EVERY_MAPPING = pytest.mark.parametrize(("provider", "resource"), MAPPINGS)


def mapping(provider: str, resource: str) -> engine.Expression:
    """A shipped mapping."""
    return engine.compile(load_mapping(provider, resource).source)


@cache
def inputs(provider: str, resource: str) -> st.SearchStrategy[dict[str, Any]]:
    """Inputs of a mapping whose records, parents, joined values and settings are objects with odd values."""
    expression = mapping(provider, resource)
    read = expression.reads()
    known = read if isinstance(read, dict) else {}
    parts = {name: _object(known.get(name), _names(expression.source, name)) for name in _PARTS}
    return st.fixed_dictionaries(parts)


_PARTS = ("record", "parent", "joined", "settings")


def _names(source: str, part: str) -> set[str]:
    """The names after `record.` and its like: where a record is also read whole, the engine tells no names."""
    return set(re.findall(rf"\b{part}\.([A-Za-z_]\w*)", source))


def _object(read: Any, names: set[str]) -> st.SearchStrategy[dict[str, Any]]:
    fields: dict[str, Any] = dict.fromkeys(names, True) | (read if isinstance(read, dict) else {})
    return st.fixed_dictionaries({}, optional={name: _value(inner) for name, inner in fields.items()})


def _value(read: Any) -> st.SearchStrategy[Any]:
    if not isinstance(read, dict):
        return ANY
    inner = _object(read, set())
    return inner | st.lists(inner, max_size=2) | ANY


@EVERY_MAPPING
@given(data=st.data())
def test_any_input_is_mapped_or_refused(provider: str, resource: str, data: st.DataObject) -> None:
    """Any JSON in any place gives an object or an `ExpressionError`, nothing else."""
    value = {
        part: data.draw(ANY | inputs(provider, resource).map(lambda each: each["record"])) for part in _PARTS
    }
    try:
        found = mapping(provider, resource).evaluate_json(json.dumps(value))
    except engine.ExpressionError:
        return
    assert isinstance(json.loads(found or ""), dict)


@EVERY_MAPPING
@given(data=st.data())
def test_odd_values_cost_fields_and_not_the_record(provider: str, resource: str, data: st.DataObject) -> None:
    """An object with any value in any field is mapped: the check of the result finds what is odd."""
    assert isinstance(mapping(provider, resource).evaluate(data.draw(inputs(provider, resource))), dict)


@settings(max_examples=30)
@EVERY_MAPPING
@given(data=st.data())
def test_the_reference_engine_agrees(provider: str, resource: str, data: st.DataObject) -> None:
    """Production and reference engine map any record to the same."""
    value, expression = data.draw(inputs(provider, resource)), mapping(provider, resource)
    assert expression.evaluate(value) == engine.reference_evaluate(expression.source, value)


@settings(max_examples=20)
@EVERY_MAPPING
@given(data=st.data())
def test_what_is_secret_is_in_no_result(provider: str, resource: str, data: st.DataObject) -> None:
    """What the manifest calls secret goes nowhere, should the client ever let it through."""
    secrets = dict.fromkeys(load_manifest(provider).secrets, PLANTED)
    value = data.draw(inputs(provider, resource))
    planted = {part: each | secrets | {"calendar": secrets} for part, each in value.items()}
    assert "planted-4711" not in str(mapping(provider, resource).evaluate(planted))
