"""Evaluation with both engines, for the tests of the mappings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mappings
from mappings import engine

Evaluate = Callable[..., Any]
MapRecord = Callable[..., dict[str, Any]]

PORTAL = {"date_format": "DDMMYYYY", "timezone": "Europe/London"}
FOLDER = Path(next(iter(mappings.__path__)))

# jsonata-python raises the recursion limit when it is first used. Hypothesis takes that for a mistake of a test's
# unless it has happened before.
engine.reference_evaluate("1", None)


@pytest.fixture
def evaluate() -> Evaluate:
    """The value of an expression, on which both engines must agree."""

    def run(source: str, value: Any = None) -> Any:
        found = engine.compile(source).evaluate(value)
        assert engine.reference_evaluate(source, value) == found
        return found

    return run


@pytest.fixture
def map_talentlms(evaluate: Evaluate) -> MapRecord:
    """What the TalentLMS mapping of a resource makes of a record, on which both engines must agree."""
    return _map_record(evaluate, "talentlms", PORTAL)


@pytest.fixture
def map_canvas(evaluate: Evaluate) -> MapRecord:
    """What the Canvas mapping of a resource makes of a record, on which both engines must agree."""
    return _map_record(evaluate, "canvas", {})


@pytest.fixture
def map_moodle(evaluate: Evaluate) -> MapRecord:
    """What the Moodle mapping of a resource makes of a record, on which both engines must agree."""
    return _map_record(evaluate, "moodle", {})


def _map_record(evaluate: Evaluate, provider: str, configured: dict[str, Any]) -> MapRecord:
    def run(
        resource: str, record: Any, *, parent: Any = None, joined: Any = None, settings: Any = configured
    ) -> dict[str, Any]:
        source = (FOLDER / provider / f"{resource}.jsonata").read_text()
        value = {"record": record, "parent": parent, "joined": joined or {}, "settings": settings}
        found = evaluate(source, value)
        assert isinstance(found, dict)
        return found

    return run


@pytest.fixture
def map_docebo(evaluate: Evaluate) -> MapRecord:
    """What the Docebo mapping of a resource makes of a record, on which both engines must agree."""
    return _map_record(evaluate, "docebo", {})
