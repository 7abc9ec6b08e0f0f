"""Canonical JSON text of lists of objects, such as e-mail addresses, made of Arrow columns without a look at each.

What it gives is to the letter what `mappings.rows.canonical_json` makes of the same list: row hashes cover it.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from mappings.model import Field, Kind
from mappings.rows import canonical_json

_ESCAPED = r'["\\\x00-\x1f]'
"""What JSON escapes in a text (RFC 8259, section 7)."""


def list_texts(field: Field, lists: pa.ListArray) -> tuple[pa.Array, pa.BooleanArray]:
    """The JSON text of each list, and where it is doubtful: null stands among other entries.

    An empty list is null, and so is a list of null alone, which the page wrapper makes of a missing value.
    """
    length = pc.fill_null(pc.list_value_length(lists), 0)
    texts = pa.ListArray.from_arrays(lists.offsets, _entry_texts(field, lists.values))
    joined = pc.binary_join(texts, ",")
    whole = pc.binary_join_element_wise("[", joined, "]", "")
    return pc.if_else(pc.greater(length, 0), whole, None), pc.and_(pc.greater(length, 1), joined.is_null())


def _entry_texts(field: Field, entries: pa.StructArray) -> pa.Array:
    """The JSON object of each entry with every property of the field, in the order of their names."""
    parts: list[pa.Array | str] = []
    escaped = pa.repeat(pa.scalar(False), len(entries))
    for sub in sorted(field.fields, key=lambda sub: sub.name):
        values = pc.struct_field(entries, sub.name)
        parts += [f'{"," if parts else "{"}"{sub.name}":', _value_texts(sub, values)]
        if sub.kind is not Kind.BOOLEAN:
            escaped = pc.or_(escaped, pc.fill_null(pc.match_substring_regex(values, _ESCAPED), False))
    texts = pc.if_else(entries.is_valid(), pc.binary_join_element_wise(*parts, "}", ""), None)
    if not pc.any(escaped).as_py():
        return texts
    exact = [canonical_json(entry) for entry in entries.filter(escaped).to_pylist()]
    return pc.replace_with_mask(texts, escaped, pa.array(exact, pa.string()))


def _value_texts(field: Field, values: pa.Array) -> pa.Array:
    """Each value as JSON, where nothing in it has to be escaped."""
    if field.kind is Kind.BOOLEAN:
        return pc.fill_null(values.cast(pa.string()), "null")
    return pc.fill_null(pc.binary_join_element_wise('"', values, '"', ""), "null")
