"""What derives from the unified model: pydantic models, Arrow schema, warehouse columns, JSON Schema, tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, create_model

from mappings.model import Field, Kind, Resource

TIMESTAMP = pa.timestamp("us", tz="UTC")
"""How the warehouse keeps an instant: microseconds, UTC."""

_ARROW = {
    Kind.STRING: pa.string(),
    Kind.ENUM: pa.string(),
    Kind.INTEGER: pa.int64(),
    Kind.NUMBER: pa.float64(),
    Kind.BOOLEAN: pa.bool_(),
    Kind.TIMESTAMP: TIMESTAMP,
    Kind.LIST: pa.string(),
    Kind.OBJECT: pa.string(),
}
_DLT_TYPES = {
    Kind.STRING: "text",
    Kind.ENUM: "text",
    Kind.INTEGER: "bigint",
    Kind.NUMBER: "double",
    Kind.BOOLEAN: "bool",
    Kind.TIMESTAMP: "timestamp",
    Kind.LIST: "json",
    Kind.OBJECT: "json",
}
_PYTHON: dict[Kind, Any] = {
    Kind.STRING: str,
    Kind.INTEGER: int,
    Kind.NUMBER: float,
    Kind.BOOLEAN: bool,
    Kind.TIMESTAMP: datetime,
    Kind.OBJECT: dict[str, Any],
}


@dataclass(frozen=True)
class Column:
    """A column of the warehouse that holds a field, a property of a ref, or an enum's source word."""

    name: str
    path: tuple[str, ...]
    field: Field
    description: str

    @property
    def arrow_type(self) -> pa.DataType:
        """The Arrow type: scalars, and JSON as text (structs fail on PostgreSQL)."""
        return _ARROW[self.field.kind]

    @property
    def dlt_type(self) -> str:
        """The data type that dlt gives the column, `json` for JSON text."""
        return _DLT_TYPES[self.field.kind]


@cache
def columns(resource: Resource) -> tuple[Column, ...]:
    """The model's columns of a snapshot table, in the model's order; `<enum>_source` follows its enum."""
    found: list[Column] = []
    for field in resource.fields:
        if field.kind is Kind.REF:
            found += [_property(field, sub) for sub in field.fields]
            continue
        found.append(Column(field.name, (field.name,), field, field.description))
        if field.kind is Kind.ENUM:
            found.append(_source(field))
    return tuple(found)


def _property(field: Field, sub: Field) -> Column:
    text = f"{field.description.rstrip('.')}: {sub.name}."
    return Column(f"{field.name}__{sub.name}", (field.name, sub.name), sub, text)


def _source(field: Field) -> Column:
    name = f"{field.name}_source"
    text = f"The provider's own word for `{field.name}`; null where the value was derived."
    return Column(name, (name,), Field(name, Kind.STRING, text), text)


@cache
def arrow_schema(resource: Resource) -> pa.Schema:
    """The fixed Arrow schema of the model's columns."""
    return pa.schema([pa.field(column.name, column.arrow_type) for column in columns(resource)])


@cache
def unified_schema(resource: Resource) -> pa.StructType:
    """What Arrow's JSON reader expects of one unified record as the page wrapper renders it.

    Refs are structs, lists are lists of structs, timestamps still text, objects whose keys nobody fixes already JSON
    text, `<enum>_source` beside its enum.
    """
    fields = []
    for field in resource.fields:
        fields.append(pa.field(field.name, _json_type(field)))
        if field.kind is Kind.ENUM:
            fields.append(pa.field(f"{field.name}_source", pa.string()))
    return pa.struct(fields)


def _json_type(field: Field) -> pa.DataType:
    if field.fields:
        found = pa.struct([pa.field(sub.name, _json_type(sub)) for sub in field.fields])
        return pa.list_(found) if field.kind is Kind.LIST else found
    if field.kind is Kind.TIMESTAMP:
        return pa.string()
    return _ARROW[field.kind]


@cache
def pydantic_model(resource: Resource) -> type[BaseModel]:
    """The pydantic model of one unified record: every field optional but the id, nothing else allowed."""
    return _object_model(_camel(resource.name), resource.fields, resource.description)


def _object_model(name: str, fields: tuple[Field, ...], description: str) -> type[BaseModel]:
    definitions: dict[str, Any] = {}
    for field in fields:
        kind = _python_type(name, field)
        definitions[field.name] = (kind, ...) if field.required else (kind | None, None)
    config = ConfigDict(extra="forbid", frozen=True)
    return create_model(name, __config__=config, __doc__=description, **definitions)


def _python_type(owner: str, field: Field) -> Any:
    if field.kind is Kind.ENUM:
        return Literal[field.choices]
    if field.kind is Kind.REF:
        return _object_model(owner + _camel(field.name), field.fields, field.description)
    if field.kind is Kind.LIST:
        return list[_object_model(owner + _camel(field.name), field.fields, field.description)]  # type: ignore[misc]
    return _PYTHON[field.kind]


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def json_schema(resource: Resource) -> dict[str, Any]:
    """The JSON Schema (2020-12) of one unified record."""
    return pydantic_model(resource).model_json_schema()


def markdown_table(resource: Resource) -> str:
    """The field table of the documentation, in Markdown."""
    lines = ["| field | type | meaning |", "|---|---|---|"]
    lines += [f"| `{f.name}` | {_type_words(f)} | {f.description} |" for f in resource.fields]
    return "\n".join(lines) + "\n"


def columns_table(resource: Resource) -> str:
    """The column table of the documentation: the model's columns in the warehouse, in Markdown."""
    lines = ["| column | type | meaning |", "|---|---|---|"]
    lines += [f"| `{c.name}` | {c.dlt_type} | {c.description} |" for c in columns(resource)]
    return "\n".join(lines) + "\n"


def _type_words(field: Field) -> str:
    if field.kind is Kind.ENUM:
        return " ".join(f"`{choice}`" for choice in field.choices)
    if field.fields:
        inner = ", ".join(sub.name if not sub.fields else f"{sub.name}: [...]" for sub in field.fields)
        return f"`[{{{inner}}}]`" if field.kind is Kind.LIST else f"`{{{inner}}}`"
    return f"{field.kind.value}, required" if field.required else field.kind.value
