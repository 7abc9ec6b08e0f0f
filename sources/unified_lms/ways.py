"""Which of a manifest's ways holds for a connection: how a resource is listed, and how its changes are asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from mappings import engine
from sources.unified_lms.errors import ConfigurationError
from sources.unified_lms.manifest import Changed, Manifest, Read


def choose_read(manifest: Manifest, resource: str, settings: Mapping[str, Any]) -> Read:
    """The first way to list a resource whose condition holds; raises `ConfigurationError` if none does."""
    for read in manifest.resources[resource].read:
        if _holds(read.when, settings):
            return read
    raise ConfigurationError(f"{manifest.provider}: no way to read {resource} fits the connection's settings")


def choose_changed(manifest: Manifest, resource: str, settings: Mapping[str, Any]) -> Changed | None:
    """How the resource's changes are asked for; None where the provider, or this connection, has no filter for them."""
    changed = manifest.resources[resource].changed
    return changed if changed and _holds(changed.when, settings) else None


def _holds(condition: str | None, settings: Mapping[str, Any]) -> bool:
    return condition is None or bool(engine.compile(condition).evaluate({"settings": dict(settings)}))


def changed_read(read: Read, changed: Changed) -> Read:
    """The way to list what has changed: the usual one, with what `changed` says in its place."""
    if changed.endpoint is not None:
        usual: dict[str, Any] = {"rows": None, "fetch": {}, "slices": None}
        return read.model_copy(update={**usual, "endpoint": changed.endpoint, "records": changed.records})
    return read.model_copy(update={"records": changed.records}) if changed.records else read


def window_arguments(
    changed: Changed, since: datetime | None, until: datetime | None, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """The `{args.*}` that ask for changes from `since` on and before `until`; None is no bound."""
    found = {} if since is None else arguments(changed.since, instant(since), settings)
    return found if until is None else found | arguments(changed.until, instant(until), settings)


def arguments(expressions: Mapping[str, str], value: Any, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What expressions over `{value, settings}` give, by their names."""
    seen = {"value": value, "settings": dict(settings)}
    return {name: engine.compile(source).evaluate(seen) for name, source in expressions.items()}


def instant(value: datetime) -> str:
    """An instant as a manifest's expressions see it: RFC 3339, UTC, whole seconds, rounded down."""
    return value.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")


def split_id(pattern: str, record_id: str) -> dict[str, str] | None:
    """The parts of a unified id under their names in the pattern; None if it does not fit.

    `{course}:{user}` takes `101:7` apart, each part percent-decoded; `{id}` alone is the id as it is.
    """
    names = re.findall(r"\{([a-z_]+)\}", pattern)
    if len(names) == 1:
        prefix, suffix = pattern.split("{" + names[0] + "}")
        middle = record_id.removeprefix(prefix).removesuffix(suffix)
        return {names[0]: middle} if middle and record_id == f"{prefix}{middle}{suffix}" else None
    pieces = re.split(r"\{([a-z_]+)\}", pattern)
    source = "".join(f"(?P<{one}>[^:]+)" if place % 2 else re.escape(one) for place, one in enumerate(pieces))
    match = re.fullmatch(source, record_id)
    return {name: unquote(value) for name, value in match.groupdict().items()} if match else None
