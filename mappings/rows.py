"""The exact check of one unified record, its canonical JSON, and its flat form.

`check` is the authority on what a mapping may return. The mapper's vectorised path (`mappings.mapper`) only decides
quickly that a record needs no such look; whatever it doubts comes here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import orjson

from mappings.model import Field, Kind, Resource
from mappings.schemas import columns

_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)")
_INT64 = 2**63


@dataclass(frozen=True)
class Violation:
    """What is wrong with a mapped record, and where. `reason` never holds a value of the record.

    `field` is the dotted path in the unified model, None when the whole record is lost.
    """

    field: str | None
    code: str
    reason: str


class _Checker:
    """Collects the violations of one record while its values are checked."""

    def __init__(self, types: Mapping[str, str]) -> None:
        self.violations: list[Violation] = []
        self._types = types

    def note(self, path: str, code: str, reason: str) -> Any:
        """Notes a violation and gives the value that stands instead: none."""
        self.violations.append(Violation(path, code, reason))
        return None

    def object(
        self, fields: tuple[Field, ...], value: Mapping[str, Any], path: str, beside: set[str]
    ) -> dict[str, Any]:
        """The object with every field present; unknown keys are noted, `beside` names those read elsewhere."""
        known = sum(field.name in value for field in fields) + sum(name in value for name in beside)
        if known < len(value):
            for key in value.keys() - {field.name for field in fields} - beside:
                self.note(path + str(key), "unknown_field", "the unified model has no such field")
        found = {}
        for field in fields:  # not by `value`: a call less for each field of each record
            name = field.name
            item = value.get(name)
            found[name] = None if item is None else _CHECKS[field.kind](self, field, item, path + name)
        return found

    def value(self, field: Field, value: Any, path: str) -> Any:
        """The value as the model wants it, or None with a note."""
        return None if value is None else _CHECKS[field.kind](self, field, value, path)

    def wrong(self, path: str, wanted: str, value: Any) -> Any:
        """Notes a value of the wrong type."""
        return self.note(path, "wrong_type", f"{wanted} expected, {_type_word(value)} found")

    def string(self, field: Field, value: Any, path: str) -> Any:
        if not isinstance(value, str):
            return self.wrong(path, "text", value)
        if "\0" in value:
            self.note(path, "nul_removed", "U+0000 was removed: PostgreSQL cannot store it")
            return value.replace("\0", "")
        return value

    def enum(self, field: Field, value: Any, path: str) -> Any:
        if not isinstance(value, str):
            return self.wrong(path, "text", value)
        if value not in field.choices:
            self.note(path, "not_in_enum", f"not one of {', '.join(field.choices)}; kept as {field.fallback}")
            return field.fallback
        return value

    def integer(self, field: Field, value: Any, path: str) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
            return self.wrong(path, "a whole number", value)
        if abs(value) >= _INT64:
            return self.note(path, "out_of_range", "beyond 64 bits")
        return self._within(field, int(value), path)

    def number(self, field: Field, value: Any, path: str) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return self.wrong(path, "a number", value)
        return self._within(field, float(value), path)

    def _within(self, field: Field, value: Any, path: str) -> Any:
        low, high = field.minimum, field.maximum
        if (low is not None and value < low) or (high is not None and value > high):
            return self.note(
                path, "out_of_range", f"outside {low:g} to {high if high is not None else 'any':}"
            )
        return value

    def boolean(self, field: Field, value: Any, path: str) -> Any:
        return value if isinstance(value, bool) else self.wrong(path, "true or false", value)

    def timestamp(self, field: Field, value: Any, path: str) -> Any:
        if not isinstance(value, str):
            return self.wrong(path, "an RFC 3339 timestamp", value)
        instant = parse_instant(value)
        if instant is None:
            return self.note(path, "not_an_instant", "not an RFC 3339 timestamp with a zone")
        return format_instant(instant)

    def ref(self, field: Field, value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            return self.wrong(path, "an object", value)
        found = self.object(field.fields, value, path + ".", set())
        return found if any(item is not None for item in found.values()) else None

    def list(self, field: Field, value: Any, path: str) -> Any:
        # JSONata collapses a list of one to its element, so an object stands for a list of it.
        entries = value if isinstance(value, list) else [value]
        if any(not isinstance(entry, dict) for entry in entries):
            return self.wrong(path, "a list of objects", value)
        found = [self.object(field.fields, entry, path + ".", set()) for entry in entries]
        return found or None

    def custom(self, field: Field, value: Any, path: str) -> Any:
        # To JSONata a list of one and its element are the same.
        found = value[0] if isinstance(value, list) and len(value) == 1 else value
        if not isinstance(found, dict):
            return self.wrong(path, "an object", value)
        return self._without_nul(self._declared(found, path), path) or None

    def _declared(self, found: dict[str, Any], path: str) -> dict[str, Any]:
        """Custom fields whose type an overlay declares, each as its type wants it, or null."""
        typed = {
            name: self.typed(kind, found[name], f"{path}.{name}")
            for name, kind in self._types.items()
            if name in found
        }
        return found | typed

    def typed(self, kind: str, value: Any, path: str) -> Any:
        """A value as a declared type wants it."""
        made = self.value(Field("", Kind(kind), ""), value, path)
        # A whole number is a number as it stands.
        return value if kind == Kind.NUMBER and made == value else made

    def _without_nul(self, value: Any, path: str) -> Any:
        if isinstance(value, str) and "\0" in value:
            self.note(path, "nul_removed", "U+0000 was removed: PostgreSQL cannot store it")
            return value.replace("\0", "")
        if isinstance(value, dict):
            return {self._without_nul(k, path): self._without_nul(v, path) for k, v in value.items()}
        if isinstance(value, list):
            return [self._without_nul(item, path) for item in value]
        return value


_CHECKS: dict[Kind, Callable[[_Checker, Field, Any, str], Any]] = {
    Kind.STRING: _Checker.string,
    Kind.ENUM: _Checker.enum,
    Kind.INTEGER: _Checker.integer,
    Kind.NUMBER: _Checker.number,
    Kind.BOOLEAN: _Checker.boolean,
    Kind.TIMESTAMP: _Checker.timestamp,
    Kind.REF: _Checker.ref,
    Kind.LIST: _Checker.list,
    Kind.OBJECT: _Checker.custom,
}


def check(
    resource: Resource, value: Any, types: Mapping[str, str] = MappingProxyType({})
) -> tuple[dict[str, Any] | None, list[Violation]]:
    """The record as the model wants it, every field present, and what was wrong with what the mapping returned.

    None instead of a record when it is no object or lacks what identifies it; a bad value in any other field is null
    in the record. `<enum>_source` stands beside its enum. `types` are those that overlays declare for custom fields.
    """
    if not isinstance(value, dict):
        return None, [
            Violation(None, "not_an_object", f"the mapping returned {_type_word(value)}, not an object")
        ]
    checker = _Checker(types)
    sources = {f"{field.name}_source" for field in resource.enums}
    clean = checker.object(resource.fields, value, "", sources)
    for name in sources:
        clean[name] = checker.value(Field(name, Kind.STRING, ""), value.get(name), name)
    for path in resource.identity:
        if not _at(clean, path):
            checker.note(path, "missing_identity", "a record without it cannot be told from others")
            return None, checker.violations
    return clean, checker.violations


def _at(record: Mapping[str, Any], path: str) -> Any:
    value: Any = record
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def flatten(resource: Resource, record: Mapping[str, Any]) -> dict[str, Any]:
    """The flat row of a checked record: refs as `ref__property`, lists and objects as canonical JSON text."""
    row = {}
    for column in columns(resource):
        value = _at(record, ".".join(column.path))
        row[column.name] = canonical_json(value) if column.field.is_json and value is not None else value
    return row


def fits(kind: str, value: Any) -> bool:
    """Whether a custom field's value is as its declared type wants it, so that `check` would leave it alone."""
    made = _Checker({}).typed(kind, value, "")
    return type(made) is type(value) and bool(made == value)


def canonical_json(value: Any) -> str:
    """JSON text that is the same for the same value: keys sorted, no white space."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def parse_instant(text: str) -> datetime | None:
    """The instant of an RFC 3339 timestamp with a zone, to the microsecond; None if it is none."""
    match = _INSTANT.fullmatch(text)
    if not match:
        return None
    day, time, fraction, zone = match.groups()
    try:
        found = datetime.fromisoformat(f"{day}T{time}.{(fraction or '0')[:6]:0<6}{zone.upper()}")
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def format_instant(instant: datetime) -> str:
    """RFC 3339 in UTC with `Z`; a fraction only where there is one."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _type_word(value: Any) -> str:
    if value is None:
        return "nothing"
    words = {
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "text",
        list: "a list",
        dict: "an object",
    }
    return words.get(type(value), type(value).__name__)
