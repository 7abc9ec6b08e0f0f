"""How what is asked for differs from what is there, field by field."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from mappings.model import Field, Kind, Resource
from mappings.rows import parse_instant

_WITHOUT_CASE = ("username", "email")
"""What providers compare without regard to case, and some write in lower case."""


@dataclasses.dataclass(frozen=True)
class Change:
    """A field that is, and what it is to be."""

    field: str
    old: Any = dataclasses.field(repr=False)
    new: Any = dataclasses.field(repr=False)


def differences(
    resource: Resource, payload: Mapping[str, Any], present: Mapping[str, Any]
) -> tuple[Change, ...]:
    """The fields of the payload that the present record has otherwise, in the model's order."""
    return tuple(
        Change(each.name, present.get(each.name), payload[each.name])
        for each in resource.fields
        if each.name in payload and not same(each, payload[each.name], present.get(each.name))
    )


def same(field: Field, wanted: Any, found: Any) -> bool:
    """Whether a field is as wanted; of nested values only what is named is compared, and null is nothing."""
    if field.kind is Kind.OBJECT and wanted is not None:
        return all(_same_custom(value, (found or {}).get(name)) for name, value in wanted.items())
    if wanted is None or found is None:
        return _empty(wanted) and _empty(found)
    if field.kind is Kind.REF:
        return _same_ref(field, wanted, found)
    if field.kind is Kind.LIST:
        return len(wanted) == len(found) and all(
            any(_same_object(field.fields, one, other) for other in found) for one in wanted
        )
    return _same_value(field, wanted, found)


def _same_ref(field: Field, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Refs are the same where their ids are; a name beside an id is for people."""
    if wanted.get("id") is not None:
        return bool(wanted["id"] == found.get("id"))
    return _same_object(field.fields, wanted, found)


def _same_object(fields: tuple[Field, ...], wanted: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    named = [each for each in fields if wanted.get(each.name) is not None]
    if any(each.name == "id" for each in named):
        return bool(wanted["id"] == found.get("id"))
    return all(same(each, wanted[each.name], found.get(each.name)) for each in named)


def _same_custom(wanted: Any, found: Any) -> bool:
    """Providers give custom values as text, whatever they were sent as."""
    if _empty(wanted) or _empty(found):
        return _empty(wanted) and _empty(found)
    return bool(wanted == found) or str(wanted) == str(found)


def _same_value(field: Field, wanted: Any, found: Any) -> bool:
    if field.kind is Kind.TIMESTAMP:
        one, other = parse_instant(str(wanted)), parse_instant(str(found))
        return (
            one is not None
            and other is not None
            and one.replace(microsecond=0) == other.replace(microsecond=0)
        )
    if field.name in _WITHOUT_CASE:
        return str(wanted).casefold() == str(found).casefold()
    return bool(wanted == found)


def _empty(value: Any) -> bool:
    return value is None or value in ("", [], {})
