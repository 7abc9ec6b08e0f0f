"""What a shipped write mapping makes of what is asked for, for the tests of the mappings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mappings import engine
from mappings.library import load_mapping

PASSWORD = "Generated-1"


def asked(
    provider: str,
    resource: str,
    operation: str,
    record: Mapping[str, Any] | None = None,
    *,
    present: Mapping[str, Any] | None = None,
    args: Mapping[str, str] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """The calls and refusals, on which both engines must agree."""
    source = load_mapping(provider, f"write/{resource}/{operation}").source
    seen = {
        "record": record or {},
        "present": present,
        "args": args or {},
        "settings": settings or {},
        "generated": {"password": PASSWORD},
    }
    found = engine.compile(source).evaluate(seen)
    assert engine.reference_evaluate(source, seen) == found
    assert isinstance(found, list)
    return found


def refusals(found: list[dict[str, Any]]) -> list[str]:
    """The sentences of refusal."""
    return [one["refuse"] for one in found if "refuse" in one]
