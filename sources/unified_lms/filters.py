"""The provider's own filters, under their unified names: which there are, and what of a resource they select."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sources.unified_lms.errors import ConfigurationError
from sources.unified_lms.manifest import Filter, Manifest, Read
from sources.unified_lms.ways import arguments


def check_filters(manifest: Manifest, resource: str, filters: Iterable[str]) -> None:
    """Raises `ConfigurationError` for a filter that the provider cannot do: none is ever silently ignored."""
    known = manifest.resources[resource].filters
    for name in filters:
        if name not in known:
            can = f"it can filter by {', '.join(known)}" if known else "it has no filters for them"
            get = (
                "; for one record there is lms get"
                if name == "id" and manifest.resources[resource].get
                else ""
            )
            raise ConfigurationError(f"{manifest.provider} cannot filter {resource} by {name!r}; {can}{get}")


def selected(
    manifest: Manifest, resource: str, filters: Mapping[str, str], settings: Mapping[str, Any]
) -> tuple[dict[str, Any], str | None, Filter | None]:
    """The `{args.*}` of filters, the one parent that they name, and the filter whose own call finds the records.

    Raises `ConfigurationError`.
    """
    check_filters(manifest, resource, filters)
    args: dict[str, Any] = {}
    parents, calls = [], []
    for name, value in filters.items():
        rule = manifest.resources[resource].filters[name]
        parents += [value] if rule.parent else []
        calls += [rule] if rule.endpoint else []
        if len(parents) > 1:
            raise ConfigurationError(f"{name!r} cannot be combined with another filter that names a parent")
        args |= arguments(rule.args, value, settings)
    if calls and len(filters) > 1:
        raise ConfigurationError(
            f"{', '.join(map(repr, filters))} cannot be combined: {manifest.provider} has a call of its own for one"
        )
    return args, parents[0] if parents else None, calls[0] if calls else None


def looked_up(read: Read, rule: Filter) -> Read:
    """The way to list what a filter's own call finds: the usual one, with what the filter says in its place."""
    own = {"endpoint": rule.endpoint, "records": rule.records}
    return read.model_copy(update={"rows": None, "fetch": {}, "slices": None, "parents": None, **own})
