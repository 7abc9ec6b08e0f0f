"""docs/mappings.md: every expression gives what is said, on both engines, and every helper has an example."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from mappings import engine
from mappings.functions import HELPERS
from mappings.model import USERS
from mappings.rows import check
from tests.unit.house.documents import DOCS, Block, blocks

_EXAMPLE = re.compile(r"(.*?)/\* (=|fails:|refused:) (.*?) \*/\s*", re.DOTALL)


@dataclass(frozen=True)
class Example:
    """An expression of the page, its input, and what is said of it."""

    block: Block
    source: str
    input: Any
    sign: str
    said: str


def _examples() -> Iterator[Example]:
    """Each expression, with the last JSON before it as its input."""
    given: Any = None
    for block in blocks(DOCS / "mappings.md", "json", "jsonata"):
        if block.language == "json":
            given = json.loads(block.text)
            continue
        found = list(_EXAMPLE.finditer(block.text))
        assert found
        assert found[-1].end() == len(block.text), f"{block}: an expression without its result"
        yield from (Example(block, match[1].strip(), given, match[2], match[3].strip()) for match in found)


EXAMPLES = [
    pytest.param(example, id=f"{example.block.line}-{' '.join(example.source.split())[:40]}")
    for example in _examples()
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_expression_does_what_is_said(example: Example) -> None:
    """It gives the value, or fails or is refused with the code, that stands beside it."""
    if example.sign == "=":
        expected = None if example.said == "nothing" else json.loads(example.said)
        assert engine.compile(example.source).evaluate(example.input) == expected
        assert engine.reference_evaluate(example.source, example.input) == expected
        return
    if example.sign == "fails:":
        engine.compile(example.source)  # it is the value that it fails on
    with pytest.raises(engine.ExpressionError) as caught:
        engine.compile(example.source).evaluate(example.input)
    assert caught.value.code == example.said


def test_the_whole_mapping_gives_a_valid_record() -> None:
    """The first example passes the check without a violation."""
    first = next(_examples())
    clean, violations = check(USERS, engine.compile(first.source).evaluate(first.input))
    assert clean is not None
    assert violations == []


def test_every_helper_and_refusal_has_an_example() -> None:
    """Each helper is shown at work and giving nothing, each forbidden function refused."""
    every = list(_examples())
    for name in HELPERS:
        of_it = [one for one in every if one.source.startswith(f"${name}(")]
        assert {one.said == "nothing" for one in of_it} == {True, False}, name
    refused = {
        one.source.split("(")[0] for one in every if one.sign == "refused:" and one.said == "forbidden"
    }
    assert refused == {f"${name}" for name in engine.FORBIDDEN}
