"""Records by which a provider says that something was deleted: told apart before anything is mapped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from mappings import engine
from sources.unified_lms.manifest import ResourceSpec

Joined = list[dict[str, Any]]


class Tombstones:
    """Parts the records of a page from those that the manifest's `deleted` calls deleted. Thread-safe."""

    def __init__(self, spec: ResourceSpec, settings: dict[str, Any]) -> None:
        self._expression = None
        if spec.deleted and spec.identify:
            source = _aligned(spec.deleted, spec.identify)
            self._expression = engine.compile(source, name="deleted")
        self._settings = orjson.dumps(settings).decode()

    def part(self, records: str, joined: Joined, parent: str) -> tuple[str, Joined, list[str]]:
        """The records that are there (JSON text), what is joined to each, and the unified ids of the deleted ones.

        A deleted record without an id stays among the others, where it is rejected with the reason.
        """
        gone = self._gone(records, joined, parent)
        if not any(gone):
            return records, joined, []
        there = [record for record, one in zip(orjson.loads(records), gone, strict=True) if one is None]
        beside = [one for one, deleted in zip(joined, gone, strict=False) if deleted is None]
        return orjson.dumps(there).decode(), beside, [one for one in gone if one is not None]

    def _gone(self, records: str, joined: Joined, parent: str) -> Sequence[str | None]:
        """The id of each record that is deleted, None for each that is there."""
        if self._expression is None:
            return []
        beside = orjson.dumps(joined).decode()
        text = self._expression.evaluate_json(
            f'{{"records":{records},"joined":{beside},"parent":{parent},"settings":{self._settings}}}'
        )
        return [entry.get("id") or None for entry in orjson.loads(text or "[]")]


def _aligned(deleted: str, identify: str) -> str:
    """An expression that gives an object for each record, with the id of a deleted one: each keeps its place."""
    seen = '{"record": $record, "parent": $parent, "joined": $joined[$index], "settings": $settings}'
    return (
        "($parent := parent; $settings := settings; $joined := joined; "
        f'[$map(records, function($record, $index) {{ {seen}.{{"id": ({deleted}) ? ({identify})}} }})])'
    )
