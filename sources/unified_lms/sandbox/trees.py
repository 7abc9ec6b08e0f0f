"""Content trees, which are immutable: what they become by a change."""

from __future__ import annotations

from dataclasses import replace

from sources.unified_lms.sandbox.entities import Item, ItemKind
from sources.unified_lms.sandbox.errors import NotFoundError


def with_item(items: tuple[Item, ...], item: Item, section_id: int | None) -> tuple[Item, ...]:
    """The content with a new item at the end of a section, or of the root; NotFoundError without such a section."""
    if section_id is None:
        return (*items, item)
    found = _inserted(items, item, section_id)
    if found is None:
        raise NotFoundError("section", section_id)
    return found


def _inserted(items: tuple[Item, ...], item: Item, section_id: int) -> tuple[Item, ...] | None:
    """The items with `item` at the end of the section, however deep it is;

    None if the section is not among them.
    """
    for index, candidate in enumerate(items):
        if candidate.id == section_id and candidate.kind is ItemKind.SECTION:
            children: tuple[Item, ...] | None = (*candidate.children, item)
        else:
            children = _inserted(candidate.children, item, section_id)
        if children is not None:
            return (*items[:index], replace(candidate, children=children), *items[index + 1 :])
    return None
