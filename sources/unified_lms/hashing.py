"""The row hash: what decides whether a record has changed.

It covers the connection, the id and every non-null model column as sorted name and value. Null columns leave no
trace, so that a column added to the model later makes no new versions of records that do not fill it.
"""

from __future__ import annotations

import hashlib

import pyarrow as pa
import pyarrow.compute as pc

from mappings.schemas import TIMESTAMP

_SEPARATOR = "\x1f"


def row_hashes(table: pa.Table, connection_id: str) -> pa.Array:
    """The hash of each row of a table of model columns, as 32 hexadecimal digits (BLAKE2b, 128 bits).

    A value cannot imitate another column: U+001F, which parts the columns, is escaped where a value holds it.
    """
    if not table.num_rows:
        return pa.array([], pa.string())
    parts = [_named(name, table[name].combine_chunks()) for name in sorted(table.column_names)]
    parts = [part for part in parts if part.null_count < len(part)]
    joined = pc.binary_join_element_wise(*parts, _SEPARATOR, null_handling="skip")
    seed = hashlib.blake2b(f"connection_id={connection_id}".encode() + b"\x1f", digest_size=16)
    return pa.array([_digest(seed, text) for text in joined.cast(pa.binary()).to_pylist()], pa.string())


def _digest(seed: hashlib.blake2b, text: bytes) -> str:
    digest = seed.copy()
    digest.update(text)
    return digest.hexdigest()


def _named(name: str, array: pa.Array) -> pa.Array:
    text = _as_text(array)
    return pc.binary_join_element_wise(pa.scalar(f"{name}="), text, "", null_handling="emit_null")


def _as_text(array: pa.Array) -> pa.Array:
    if array.type == TIMESTAMP:
        array = array.cast(pa.int64())
    if array.type != pa.string():
        return array.cast(pa.string())
    if not _holds_special(array):  # nearly always, and two copies of the column are saved
        return array
    return pc.replace_substring(pc.replace_substring(array, "\\", "\\\\"), _SEPARATOR, "\\u001f")


def _holds_special(array: pa.Array) -> bool:
    """Whether a backslash or the separator stands in the texts, or in what they are a slice of."""
    data = array.buffers()[2]
    held = b"" if data is None else data.to_pybytes()
    return b"\\" in held or b"\x1f" in held
