"""docs/overlays.md: every overlay gives what stands below it, under the shipped mapping, on both engines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import pytest
import yaml

from mappings import engine
from mappings.library import load_mapping
from mappings.model import RESOURCES
from mappings.overlays import Overlay, parse_overlay
from mappings.rows import check
from sources.unified_lms.manifest import load_manifest
from sources.unified_lms.manifest.changes import CHANGEABLE, parse_changes
from tests.unit.house.documents import DOCS, Block, blocks, quoted, sections

PAGE = DOCS / "overlays.md"
LEVELS = {"overlays": "environment", "acme-overlays": "connection"}


@dataclass(frozen=True)
class Example:
    """One or two overlays in their places, and fields that they give for the page's record."""

    block: Block
    files: tuple[str, ...]
    gives: dict[str, Any]


RECORD, *BLOCKS = blocks(PAGE, "yaml", "json")


def _examples() -> Iterator[Example]:
    files: list[str] = []
    for block in BLOCKS:
        if block.language == "yaml":
            files.append(block.text)
        else:
            yield Example(block, tuple(files), json.loads(block.text))
            files = []


def _place(text: str) -> PurePosixPath:
    return PurePosixPath(text.splitlines()[0].removeprefix("# "))


def _overlay(text: str) -> Overlay:
    level, provider, file = _place(text).parts
    assert provider == "talentlms"
    return parse_overlay(text, str(_place(text)), LEVELS[level], RESOURCES[file.removesuffix(".yaml")])


@pytest.mark.parametrize("example", list(_examples()), ids=lambda example: str(example.block))
def test_an_overlay_gives_what_stands_below_it(example: Example) -> None:
    """The fields of the example have these values, and the record is one that the model takes."""
    mapping = load_mapping("talentlms", "users", overlays=[_overlay(text) for text in example.files])
    seen = {"record": json.loads(RECORD.text), "parent": None, "joined": {}, "settings": {}}
    found = engine.compile(mapping.source).evaluate(seen)
    assert engine.reference_evaluate(mapping.source, seen) == found
    clean, violations = check(RESOURCES["users"], found, mapping.types)
    assert clean is not None
    assert violations == []
    assert {name: clean[name] for name in example.gives} == example.gives


def test_changes_of_the_manifest_can_be_made() -> None:
    """The example is accepted, and the table names what may be changed."""
    [text] = [block.text for block in BLOCKS if _place(block.text).name == "manifest.yaml"]
    manifest = load_manifest("talentlms", changes=parse_changes(text, "manifest.yaml"))
    assert manifest.limits.concurrency == yaml.safe_load(text)["limits.concurrency"]
    rows = sections(PAGE)["What may be changed about the manifest"].split("|---|---|\n")[1].split("\n\n")[0]
    assert {key for row in rows.splitlines() for key in quoted(row.split(" | ")[0])} == set(CHANGEABLE)
