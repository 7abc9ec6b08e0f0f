"""What a write mapping makes of a step: the calls of the provider, in their order."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mappings import engine
from mappings.library import load_write_mapping
from sources.unified_lms.connection import Connection
from sources.unified_lms.errors import ConfigurationError
from sources.unified_lms.manifest import Manifest
from sources.unified_lms.redaction import MASK
from sources.unified_lms.ways import split_id
from sources.unified_lms.writing.intents import Refused
from sources.unified_lms.writing.steps import Step

_PASSWORD_LENGTH = 24
"""TalentLMS takes 30 characters at most."""


@dataclass(frozen=True)
class Call:
    """An endpoint of the manifest, and the `{args.*}` of its placeholders, which may be learners' data or a secret."""

    endpoint: str
    args: Mapping[str, Any] = field(repr=False)


def make_calls(
    connection: Connection, manifest: Manifest, settings: Mapping[str, Any], step: Step, *, shown: bool
) -> tuple[Call, ...]:
    """The calls that do a step; `shown` ones have a mask in the place of a generated password.

    Raises `Refused` where the mapping refuses, and `ConfigurationError` where it is wrong.
    """
    resource, operation = step.intent.resource, step.action
    mapping = load_write_mapping(manifest.provider, resource, operation, connection.folders)
    seen = {
        "record": step.record,
        "present": _present(step),
        "args": _args(manifest, resource, step.record_id),
        "settings": dict(settings),
        "generated": {"password": MASK if shown else make_password()},
    }
    try:
        found = engine.compile(mapping.source, name=mapping.name).evaluate(seen)
    except engine.ExpressionError as error:
        raise ConfigurationError(f"the mapping that writes failed, and nothing was sent: {error}") from None
    entries = found if isinstance(found, list) else [found]
    refusals = [str(entry["refuse"]) for entry in entries if isinstance(entry, dict) and "refuse" in entry]
    if refusals:
        raise Refused("; ".join(refusals))
    allowed = manifest.resources[resource].writes.operations[operation].calls
    return tuple(_call(entry, allowed, mapping.name) for entry in entries if entry is not None)


def make_password() -> str:
    """A random password with letters of both cases, digits and signs, as the strictest of the policies wants it."""
    kinds = (string.ascii_lowercase, string.ascii_uppercase, string.digits, "-_.!*")
    letters = [secrets.choice(kind) for kind in kinds]
    letters += [secrets.choice("".join(kinds)) for _ in range(_PASSWORD_LENGTH - len(kinds))]
    secrets.SystemRandom().shuffle(letters)
    return "".join(letters)


def _present(step: Step) -> dict[str, Any] | None:
    if step.present is None:
        return None
    parts = ("record", "parent", "joined")
    return {"unified": step.present.unified, **{name: step.present.seen.get(name) for name in parts}}


def _args(manifest: Manifest, resource: str, record_id: str | None) -> dict[str, str]:
    if record_id is None:
        return {}
    get = manifest.resources[resource].get
    return (split_id(get.id, record_id) if get else None) or {"id": record_id}


def _call(entry: Any, allowed: tuple[str, ...], mapping: str) -> Call:
    if not isinstance(entry, dict) or entry.keys() - {"call", "args"} or entry.get("call") not in allowed:
        raise ConfigurationError(
            f"{mapping} gives what is no call; it has to be {{call, args}} with one of {', '.join(allowed)}"
        )
    args = entry.get("args") or {}
    if not isinstance(args, dict):
        raise ConfigurationError(f"{mapping}: the args of {entry['call']} are no object")
    return Call(entry["call"], args)
