"""Lists of objects as JSON text, made column by column: to the letter what the exact way makes of each."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from mappings.entries import list_texts
from mappings.model import RESOURCES
from mappings.rows import canonical_json
from mappings.schemas import unified_schema

EMAILS = next(field for field in RESOURCES["users"].fields if field.name == "emails")
TYPE = unified_schema(RESOURCES["users"]).field("emails").type

texts = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
entries = st.fixed_dictionaries({"email": texts, "type": texts, "is_primary": st.none() | st.booleans()})


def written(lists: list[Any]) -> tuple[list[str | None], list[bool]]:
    """The texts and doubts of lists of e-mail addresses."""
    found, doubts = list_texts(EMAILS, pa.array(lists, TYPE))
    return found.to_pylist(), doubts.to_pylist()


@given(st.lists(st.none() | st.lists(entries, max_size=3), max_size=6))
def test_text_is_that_of_the_exact_way(lists: list[Any]) -> None:
    """Quotes, backslashes, control characters and other scripts stand as canonical JSON has them; none is doubtful."""
    expected = [canonical_json(each) if each else None for each in lists]
    assert written(lists) == (expected, [False] * len(lists))


def test_null_among_entries_is_doubtful() -> None:
    """A list with null beside an entry goes to the exact check, a list of null alone is no list."""
    entry = {"email": "ada@example.org", "type": None, "is_primary": True}
    expected = '[{"email":"ada@example.org","is_primary":true,"type":null}]'
    assert written([[None, entry], [None], [entry]]) == ([None, None, expected], [True, False, False])


def test_slice_of_a_column_is_written_as_such() -> None:
    """Rows cut out of a column keep their own entries."""
    column = pa.array([[{"email": name}] for name in "abcd"], TYPE)[1:3]
    found, _ = list_texts(EMAILS, column)
    assert [text[:12] for text in found.to_pylist()] == ['[{"email":"b', '[{"email":"c']
