"""What is asked for in the unified model, and whether the provider can do it at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mappings.model import RESOURCES, Kind, Resource
from mappings.rows import check
from sources.unified_lms.connection import Connection
from sources.unified_lms.errors import LmsError
from sources.unified_lms.manifest import Manifest, Write
from sources.unified_lms.manifest.sentences import suggestion

OPERATIONS = ("create", "update", "upsert", "delete")
"""What may be asked for. An upsert becomes a create or an update, whichever the present asks for."""
ENROLLMENTS = "course_enrollments"
_ENROLLED = ("user", "course")
"""The refs by which an enrolment is known; they are no change of it."""


class Refused(LmsError):
    """What is asked for cannot be written as it is; nothing was sent. The message names the field and what to do."""


class NotAllowed(Refused):
    """The connection's configuration does not allow it."""


@dataclass(frozen=True)
class Intent:
    """One thing to be written: a record in the unified model, of which only the fields named are meant.

    A field that is absent is left alone; an explicit null clears it. `record_id` is the unified id; without one the
    record is known by its natural key in `payload`.
    """

    resource: str
    operation: str
    record_id: str | None = None
    payload: Mapping[str, Any] = field(default_factory=dict, repr=False)


def checked(manifest: Manifest, intent: Intent) -> Intent:
    """The intent with its values as the model has them. Raises `Refused` with everything that is wrong with it."""
    problems = list(_form(intent))
    if problems:
        raise Refused("; ".join(problems))
    for operation in ("create", "update") if intent.operation == "upsert" else (intent.operation,):
        ability(manifest, intent.resource, operation)
    payload = _typed(RESOURCES[intent.resource], intent.payload)
    if intent.operation != "create" and intent.record_id is None and not _known(manifest, intent, payload):
        raise Refused(f"{_named(intent)} names no record: give its id, or {_key_words(manifest, intent)}")
    return Intent(intent.resource, intent.operation, intent.record_id, payload)


def ability(manifest: Manifest, resource: str, operation: str) -> Write:
    """What the manifest says of an operation. Raises `Refused` where the provider cannot do it."""
    spec = manifest.resources.get(resource)
    can = spec.writes.operations if spec else {}
    if operation not in can:
        known = f"it can {', '.join(can)} them" if can else "it can only read them"
        raise Refused(f"{manifest.provider} cannot {operation} {resource}; {known}")
    return can[operation]


def refuse_fields(manifest: Manifest, resource: str, operation: str, payload: Mapping[str, Any]) -> None:
    """Raises `Refused` for fields that the operation cannot set, cannot clear, or cannot do without."""
    write = ability(manifest, resource, operation)
    who = f"{manifest.provider} cannot"
    identity = _ENROLLED if resource == ENROLLMENTS else ()
    problems = [
        f"{who} set {name} when it is to {operation} {resource}; it can set {_listed(write.fields)}"
        for name in payload
        if name not in (*write.fields, *identity)
    ]
    problems += [
        f"{who} clear {name} of {resource}; leave the field out to leave it alone"
        for name, value in payload.items()
        if value is None and name in write.fields and name not in write.clears and operation != "create"
    ]
    if operation == "create":
        wanted = (*write.required, *identity)
        problems += [
            f"{who} create {resource} without {name}" for name in wanted if payload.get(name) is None
        ]
    if problems:
        raise Refused("; ".join(dict.fromkeys(problems)))


def refuse_unless_allowed(connection: Connection, resource: str, operation: str) -> None:
    """Raises `NotAllowed` for an operation that the connection's configuration does not allow."""
    if not connection.writes.allows(resource, operation):
        allowed = ", ".join(connection.writes.allow)
        raise NotAllowed(
            f"the connection {connection.name} may not {operation} {resource}"
            + (f" (allowed: {allowed})" if allowed else ": it is read-only")
            + f"; to allow it, add {resource}.{operation} to allow in [connections.{connection.name}.writes]"
        )


def natural_key(manifest: Manifest, resource: str, payload: Mapping[str, Any]) -> tuple[str, str] | None:
    """The first of the resource's keys that a payload has, and its value as records are compared by it."""
    for name in manifest.resources[resource].writes.keys:
        value = key_value(RESOURCES[resource], name, payload)
        if value is not None:
            return name, value
    return None


def key_value(resource: Resource, name: str, record: Mapping[str, Any]) -> str | None:
    """The value of a key in a record: of `emails` the primary address; None where there is none."""
    value = record.get(name)
    if resource.field(name).kind is Kind.LIST:
        entries = [entry for entry in value or () if entry.get("email")]
        primary = next((entry for entry in entries if entry.get("is_primary")), entries[0] if entries else {})
        value = primary.get("email")
    return str(value) if value not in (None, "") else None


def enrolled(payload: Mapping[str, Any]) -> tuple[str, str] | None:
    """The ids of course and user of an enrolment; None unless both are named."""
    course, user = ((payload.get(name) or {}).get("id") for name in ("course", "user"))
    return (course, user) if course and user else None


def _form(intent: Intent) -> Iterator[str]:
    if intent.resource not in RESOURCES:
        yield f"{intent.resource!r} is no resource; {suggestion(intent.resource, RESOURCES)}"
        return
    if intent.operation not in OPERATIONS:
        yield f"{intent.operation!r} is no operation; {suggestion(intent.operation, OPERATIONS)}"
        return
    yield from _form_of[intent.operation](intent)
    known = {each.name for each in RESOURCES[intent.resource].fields} - {"id"}
    for name in intent.payload:
        if name not in known:
            yield f"{name!r} is no field of {intent.resource} that can be written; {suggestion(str(name), known)}"


def _form_of_create(intent: Intent) -> Iterator[str]:
    if intent.record_id is not None:
        yield f"{_named(intent)} has an id, which the provider gives; leave it out, or say upsert"
    yield from _form_of_update(intent)


def _form_of_update(intent: Intent) -> Iterator[str]:
    if not intent.payload:
        yield f"{_named(intent)} names no field to write"


def _form_of_delete(intent: Intent) -> Iterator[str]:
    if intent.record_id is not None and intent.payload:
        yield f"{_named(intent)} has fields beside its id; leave them out"


_form_of = {
    "create": _form_of_create,
    "update": _form_of_update,
    "upsert": _form_of_update,
    "delete": _form_of_delete,
}


def _typed(resource: Resource, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The payload's values as the model wants them. Raises `Refused` for one that it does not take."""
    identity: dict[str, Any] = {path.split(".")[0]: {"id": "-"} for path in resource.identity if "." in path}
    clean, violations = check(resource, {**identity, **_present(payload), "id": "-"})
    wrong = [f"{one.field}: {one.reason}" for one in violations if one.code != "missing_identity"]
    if wrong or clean is None:
        raise Refused(f"{resource.name}: {'; '.join(wrong) or 'user.id and course.id have to be named'}")
    return {name: None if payload[name] is None else clean[name] for name in payload}


def _present(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in payload.items() if value is not None}


def _known(manifest: Manifest, intent: Intent, payload: Mapping[str, Any]) -> bool:
    if intent.resource == ENROLLMENTS:
        return enrolled(payload) is not None
    return natural_key(manifest, intent.resource, payload) is not None


def _key_words(manifest: Manifest, intent: Intent) -> str:
    if intent.resource == ENROLLMENTS:
        return "both user.id and course.id"
    return (
        f"one of {', '.join(manifest.resources[intent.resource].writes.keys) or 'no other key that there is'}"
    )


def _named(intent: Intent) -> str:
    return f"{intent.operation} of {intent.resource}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "nothing"
