"""The columns of a table from parsed unified rows, vectorised, with the rows that need the exact check marked."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from types import MappingProxyType

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from mappings.entries import list_texts
from mappings.model import Field, Kind, Resource
from mappings.rows import canonical_json, fits
from mappings.schemas import TIMESTAMP, Column, columns

_DAY = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_TIME = r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?"
_INSTANT = rf"^{_DAY}[Tt]{_TIME}(Z|[+-]\d\d:\d\d)$"


class ColumnBuilder:
    """Builds the model's columns of one resource from the struct array that Arrow's JSON reader gives."""

    def __init__(self, resource: Resource, types: Mapping[str, str] = MappingProxyType({})) -> None:
        """`types` are those that overlays declare for custom fields."""
        self._types = types
        self._columns = columns(resource)
        self._identity = {"__".join(path.split(".")) for path in resource.identity}

    def build(self, rows: pa.StructArray) -> tuple[list[pa.Array], pa.BooleanArray]:
        """The columns in the model's order, and for each row whether anything about it is doubtful."""
        arrays: list[pa.Array] = []
        doubts: list[pa.BooleanArray] = []
        for column in self._columns:
            array, doubt = self._convert(column, pc.struct_field(rows, list(column.path)))
            arrays.append(array)
            doubts += [doubt] if doubt is not None else []
            if column.name in self._identity:
                doubts.append(pc.fill_null(pc.equal(array, ""), True))
        return arrays, reduce(pc.or_, doubts)

    def _convert(self, column: Column, array: pa.Array) -> tuple[pa.Array, pa.BooleanArray | None]:
        kind = column.field.kind
        if array.null_count == len(array):
            return pa.nulls(len(array), column.arrow_type), None
        if kind is Kind.ENUM:
            return array, _unless_null(array, pc.is_in(array, pa.array(column.field.choices)))
        if kind is Kind.TIMESTAMP:
            return _instants(array)
        if kind is Kind.LIST:
            return list_texts(column.field, array)
        if kind is Kind.OBJECT:
            return self._object_texts(array)
        return array, _outside(column.field, array)

    def _object_texts(self, array: pa.Array) -> tuple[pa.Array, pa.BooleanArray]:
        """Canonical JSON text of objects that come as JSON text of a list of one."""
        array = pc.if_else(pc.equal(array, "[]"), None, array)
        cells: list[str | None] = []
        doubts: list[bool] = []
        for text in array.to_pylist():
            cell, doubt = (None, False) if text is None else _read_object(text, self._types)
            cells.append(cell)
            doubts.append(doubt)
        return pa.array(cells, pa.string()), pa.array(doubts, pa.bool_())


def _unless_null(array: pa.Array, valid: pa.BooleanArray) -> pa.BooleanArray:
    """True where there is a value and it is not valid."""
    return pc.and_(array.is_valid(), pc.invert(pc.fill_null(valid, False)))


def _outside(field: Field, array: pa.Array) -> pa.BooleanArray | None:
    bounds: list[pa.BooleanArray] = []
    if field.minimum is not None:
        bounds.append(pc.less(array, field.minimum))
    if field.maximum is not None:
        bounds.append(pc.greater(array, field.maximum))
    return pc.fill_null(reduce(pc.or_, bounds), False) if bounds else None


def _instants(array: pa.Array) -> tuple[pa.Array, pa.BooleanArray]:
    doubt = _unless_null(array, pc.match_substring_regex(array, _INSTANT))
    try:
        return pc.if_else(doubt, None, array).cast(TIMESTAMP), doubt
    except pa.ArrowInvalid:  # a date that no calendar has, such as 30 February: the exact check finds which
        return pa.nulls(len(array), TIMESTAMP), array.is_valid()


def _read_object(text: str, types: Mapping[str, str]) -> tuple[str | None, bool]:
    value = orjson.loads(text)
    if value in ([None], [{}]):
        return None, False
    single = len(value) == 1 and isinstance(value[0], dict)
    if not single or any(name in value[0] and not fits(kind, value[0][name]) for name, kind in types.items()):
        return None, True
    return canonical_json(value[0]), False
