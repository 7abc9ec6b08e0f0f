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

    def run(
        resource: str, record: Any, *, parent: Any = None, joined: Any = None, settings: Any = PORTAL
    ) -> dict[str, Any]:
        source = (FOLDER / "talentlms" / f"{resource}.jsonata").read_text()
        value = {"record": record, "parent": parent, "joined": joined or {}, "settings": settings}
        found = evaluate(source, value)
        assert isinstance(found, dict)
        return found

    return run
