"""docs/manifest.md has every key of the manifest's model, and nothing else; its examples are valid."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from sources.unified_lms.errors import KINDS
from sources.unified_lms.manifest import authorization, model, paging, parse_manifest, writing
from sources.unified_lms.manifest.parts import Part
from sources.unified_lms.templates import NAMESPACES
from tests.unit.house.documents import DOCS, blocks, quoted, sections

PAGE = DOCS / "manifest.md"
_PART = re.compile(r"<!-- part: (\w+) -->\n")


def _parts(of: type[Part] = Part) -> Iterator[type[Part]]:
    for part in of.__subclasses__():
        if part.__module__ in (one.__name__ for one in (authorization, model, paging, writing)):
            yield part
        yield from _parts(part)


PARTS = {part.__name__: part for part in _parts()}
DESCRIBED = {match[1]: text for text in sections(PAGE).values() if (match := _PART.search(text))}
"""The text of the section of each part."""
SMALL, *EXAMPLES = blocks(PAGE, "yaml")


def _keys(part: type[Part]) -> set[str]:
    return {field.alias or name for name, field in part.model_fields.items()}


def _documented(text: str) -> tuple[set[str], set[str]]:
    """The keys in the first column of a section's tables whose header is `key`, and those called required."""
    [table] = re.findall(r"^\| key \| says \|\n\|---\|---\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    rows = [row.split(" | ", 1) for row in table.splitlines()]
    required = {key for first, rest in rows if rest.startswith("required") for key in quoted(first)}
    return {key for first, _ in rows for key in quoted(first)}, required


def _merged(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        return {
            key: _merged(one.get(key), other.get(key)) if key in other else one[key] for key in one | other
        }
    return other


def test_every_part_has_a_section() -> None:
    """Each model of a piece of YAML is described, and no other."""
    assert DESCRIBED.keys() == PARTS.keys()


@pytest.mark.parametrize("name", sorted(PARTS))
def test_every_key_of_a_part_is_described(name: str) -> None:
    """A part's table has its keys and no other, and says which are required."""
    documented, required = _documented(DESCRIBED[name])
    fields = {field.alias or key: field for key, field in PARTS[name].model_fields.items()}
    assert documented == _keys(PARTS[name])
    assert required == {
        key for key, field in fields.items() if field.is_required() and not _is_tag(PARTS[name], key)
    }


def _is_tag(part: type[Part], key: str) -> bool:
    """Whether a key only tells one kind of a union from another."""
    return key == "type" and part is not model.Setting


def test_every_kind_of_error_and_namespace_is_described() -> None:
    """A rule's kinds and a placeholder's namespaces are those of the code."""
    kinds = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| .* \| .* \|$", sections(PAGE)["errors"], re.MULTILINE)
    assert {kind for row in kinds for kind in quoted(row)} == set(KINDS)
    found = re.findall(r"^\| `(\w+)` \|", sections(PAGE)["Expressions and placeholders"], re.MULTILINE)
    assert tuple(found) == NAMESPACES


@pytest.mark.parametrize("block", EXAMPLES, ids=str)
def test_examples_are_valid(block: Any) -> None:
    """Each example, added to the first, is read without a complaint."""
    whole = _merged(yaml.safe_load(SMALL.text), yaml.safe_load(block.text))
    parse_manifest(yaml.safe_dump(whole), "example.yaml")


def test_the_first_example_is_valid_as_it_stands() -> None:
    """It needs nothing else."""
    assert parse_manifest(SMALL.text, "example.yaml").provider == "example"
