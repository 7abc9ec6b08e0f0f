"""Pydantic's findings as sentences for the person who writes a manifest: key, what was found, what would be right."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from sources.unified_lms.templates import shown

_ALIKE = 0.7
Finding = tuple[str, str]
"""A dotted key, and the rest of the sentence: what was found there and what would be right."""


def findings(error: ValidationError, model: type[BaseModel]) -> list[Finding]:
    """A finding for each of pydantic's errors; a list is not too short where its entries are what is wrong."""
    details = error.errors(include_url=False)
    inside = {detail["loc"][:length] for detail in details for length in range(len(detail["loc"]))}
    real = [each for each in details if each["type"] != "too_short" or each["loc"] not in inside]
    return [_finding(detail, model) for detail in real]


def _finding(detail: Any, model: type[BaseModel]) -> Finding:
    parts, holders = _walk(model, detail["loc"])
    key = ".".join(map(str, parts)) or "the manifest"
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return key, f"is not a known key; {suggestion(str(parts[-1]), _keys(holders))}"
    if kind == "missing":
        return key, "is missing; add it"
    if kind == "value_error":
        return key, str(context["error"])
    if kind == "union_tag_not_found":
        return f"{key}.type", f"is missing; it is one of {_listed(_tags(holders))}"
    if kind == "union_tag_invalid":
        return f"{key}.type", f"is {context['tag']!r}; it is one of {_listed(_tags(holders))}"
    if kind == "literal_error":
        return key, f"is {shown(str(detail['input']))}; it is one of {context['expected']}"
    return key, f"is {_shown(detail['input'])}; {_expected(kind, detail['msg'])}"


def suggestion(found: str, known: Iterable[str]) -> str:
    """What would have been right: the nearest known word, and all of them."""
    words = sorted(known)
    near = difflib.get_close_matches(found, words, n=1, cutoff=_ALIKE)
    meant = f"did you mean {near[0]!r}? " if near else ""
    return f"{meant}known here: {_listed(words)}" if words else "none is known here"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, (dict, list, tuple)):
        return "a list" if not isinstance(value, dict) else "a mapping"
    return "empty" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


_EXPECTED = {
    "string_type": "it has to be text (put it in quotes)",
    "dict_type": "it has to be a mapping of names to values",
    "model_type": "it has to be a mapping of keys to values",
    "model_attributes_type": "it has to be a mapping of keys to values",
    "tuple_type": "it has to be a list",
    "bool_type": "it has to be true or false",
    "bool_parsing": "it has to be true or false",
    "int_parsing": "it has to be a whole number",
    "int_type": "it has to be a whole number",
    "int_from_float": "it has to be a whole number",
    "float_parsing": "it has to be a number",
    "float_type": "it has to be a number",
    "too_short": "at least one entry is needed",
    "string_pattern_mismatch": "it has to be lower-case letters, digits and underscores, a letter first",
}


def _expected(kind: str, message: str) -> str:
    return _EXPECTED.get(kind) or message[:1].lower() + message[1:]


def _walk(model: type[BaseModel], location: Sequence[str | int]) -> tuple[list[str | int], Any]:
    """The location as it stands in the YAML (pydantic adds tags of unions), and the type that holds its last part."""
    parts: list[str | int] = []
    holder: Any = model
    inner: Any = model
    for part in location:
        holder = inner
        tagged = _by_tag(inner, part)
        if tagged is not None:
            inner = tagged
            continue
        parts.append(part)
        inner = _inside(inner, part)
    ended_in_union = bool(location) and bool(_tags(inner)) and not _is_model(inner)
    return parts, inner if ended_in_union else holder


def _inside(kind: Any, part: str | int) -> Any:
    kind = _plain(kind)
    if _is_model(kind):
        field = next((f for n, f in kind.model_fields.items() if part in (n, f.alias)), None)
        if field is None:
            return None
        return Annotated[field.annotation, field] if field.discriminator else field.annotation
    arguments = get_args(kind)
    if get_origin(kind) is dict:
        return arguments[1]
    return arguments[0] if get_origin(kind) is tuple else None


def _plain(kind: Any) -> Any:
    """The type without `Annotated` and `| None`."""
    if get_origin(kind) is Annotated:
        return _plain(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        members = [member for member in get_args(kind) if member is not type(None)]
        return _plain(members[0]) if len(members) == 1 else kind
    return kind


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _members(kind: Any) -> Iterator[tuple[str, Any]]:
    """The tag and model of each member of a union that is told apart by `type`."""
    for member in get_args(_plain(kind)):
        if _is_model(member) and "type" in member.model_fields:
            annotation = member.model_fields["type"].annotation
            if get_origin(annotation) is Literal:
                yield str(get_args(annotation)[0]), member


def _tags(kind: Any) -> list[str]:
    return [tag for tag, _ in _members(kind)]


def _by_tag(kind: Any, part: str | int) -> Any:
    return next((member for tag, member in _members(kind) if tag == part), None)


def _keys(kind: Any) -> list[str]:
    kind = _plain(kind)
    return [field.alias or name for name, field in kind.model_fields.items()] if _is_model(kind) else []
