"""What an environment or a connection changes about a record before a provider's write mapping sees it.

It is the way back of an overlay for reading: where that fills `job_title` from a custom field, this puts `job_title`
into the custom field. A line gives one field; nothing leaves the field as it is, an explicit null clears it, and a line
without an expression takes the field out of what is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mappings import engine
from mappings.overlays import VALUE, WHOLE, Entry, Overlay
from sources.unified_lms.errors import ConfigurationError


def overlaid(
    record: Mapping[str, Any], overlays: Sequence[Overlay], present: Any, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """The record under overlays, the lowest level first. Raises `ConfigurationError` for an expression that fails."""
    found = dict(record)
    for overlay in overlays:
        seen = {"record": found, "present": present, "settings": dict(settings)}
        made = [(entry, _given(entry, seen)) for entry in overlay.entries]
        found = _copied(found)
        for entry, given in made:
            found = _put(found, entry, given)
    return found


def _given(entry: Entry, seen: Mapping[str, Any]) -> dict[str, Any]:
    """The value of an entry under `v`; nothing where its expression gives nothing, or there is none."""
    if entry.expression is None:
        return {}
    source = f'(${VALUE} := value; {{"v": ({entry.expression}\n)}})'
    try:
        found = engine.compile(source, name=entry.place).evaluate(
            {**seen, "value": _at(seen["record"], entry.path)}
        )
    except engine.ExpressionError as error:
        raise ConfigurationError(
            f"an overlay of what is written failed, and nothing was sent: {error}"
        ) from None
    return dict(found) if isinstance(found, dict) else {}


def _put(record: dict[str, Any], entry: Entry, given: Mapping[str, Any]) -> dict[str, Any]:
    if entry.path == WHOLE:
        whole = given.get("v", record)
        if not isinstance(whole, dict):
            raise ConfigurationError(f"{entry.place}: gives what is no record, and nothing was sent")
        return dict(whole)
    name, _, below = entry.path.partition(".")
    if entry.expression is None:
        inner = record.get(name) if below else None
        (inner if isinstance(inner, dict) else record).pop(below or name, None)
    elif "v" in given and below:
        record[name] = {**(record.get(name) or {}), below: given["v"]}
    elif "v" in given:
        record[name] = given["v"]
    return {key: value for key, value in record.items() if value != {}}


def _copied(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: dict(value) if isinstance(value, dict) else value for name, value in record.items()}


def _at(record: Mapping[str, Any], path: str) -> Any:
    if path == WHOLE:
        return record
    name, _, below = path.partition(".")
    value = record.get(name)
    return value.get(below) if below and isinstance(value, dict) else None if below else value
