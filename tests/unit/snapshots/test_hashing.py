"""The row hash against its definition: what is stored must not change with how it is computed."""

from __future__ import annotations

import hashlib

import pyarrow as pa

from mappings.schemas import TIMESTAMP
from sources.unified_lms.hashing import row_hashes


def digest(text: str) -> str:
    """The hash of a row of connection `x` whose columns read so."""
    return hashlib.blake2b(f"connection_id=x\x1f{text}".encode(), digest_size=16).hexdigest()


def test_hash_is_that_of_sorted_names_and_values() -> None:
    """Instants count in microseconds, nulls leave no trace, backslash and separator are escaped."""
    at = pa.array([1_700_000_000_000_000, None], TIMESTAMP)
    table = pa.table({"name": ["A\\b\x1f", "Zoë"], "id": ["1", "2"], "at": at, "score": [0.5, None]})
    first, second = (
        "at=1700000000000000\x1fid=1\x1fname=A\\\\b\\u001f\x1fscore=0.5",
        "id=2\x1fname=Zoë",
    )
    assert row_hashes(table, "x").to_pylist() == [digest(first), digest(second)]


def test_slice_of_a_table_has_the_hashes_of_its_rows() -> None:
    """What stands in the rows beside a slice changes nothing in it."""
    table = pa.table({"id": ["a\\", "b", "c\x1f"]})
    assert row_hashes(table[1:2], "x").to_pylist() == [digest("id=b")]
