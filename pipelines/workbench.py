"""The mapping workbench: a connection's mapping under its overlays, tried on records without storing anything."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from mappings import engine
from mappings.anatomy import Reads
from mappings.bounds import bounds_for
from mappings.library import load_mapping
from mappings.lineage import INPUTS, FieldLineage, lineage
from mappings.lint import Finding, lint
from mappings.merging import SHIPPED, Merged
from mappings.model import RESOURCES, Resource
from mappings.overlays import Overlay, OverlayError, column_types, parse_overlay
from mappings.rows import Violation, check
from sources.unified_lms.connection import Connection, load_connection, manifest_of
from sources.unified_lms.errors import ConfigurationError
from sources.unified_lms.manifest import Manifest
from sources.unified_lms.overlays import LEVELS
from sources.unified_lms.passthrough import LiveRecord, open_pass_through
from sources.unified_lms.run import resource_mapping

Input = Mapping[str, Any]
"""What a mapping sees: `{record, parent, joined, settings}`."""


@dataclass(frozen=True)
class Trial:
    """What a mapping makes of one input. `unread` are fields of the payload that no field of the model is made of."""

    unified: dict[str, Any] | None = dataclasses.field(repr=False)
    violations: Sequence[Violation]
    unread: tuple[str, ...]
    read_whole_by: tuple[str, ...]
    """Fields whose expression takes the record whole, so that they may use any of the unread ones."""

    @property
    def filled(self) -> tuple[str, ...]:
        """The fields that are not null."""
        return tuple(name for name, value in (self.unified or {}).items() if value is not None)


@dataclass(frozen=True)
class Difference:
    """One field of one record that two levels give differently."""

    record_id: str | None
    field: str
    before: Any = dataclasses.field(repr=False)
    after: Any = dataclasses.field(repr=False)


class Workbench:
    """The mapping of one resource of a connection; made by `open_workbench`."""

    def __init__(self, connection: Connection, manifest: Manifest, resource: Resource) -> None:
        self.connection = connection
        self.manifest = manifest
        self.resource = resource
        self.overlays: tuple[Overlay, ...] = connection.overlays.mappings.get(resource.name, ())

    @cached_property
    def digest(self) -> str:
        """The `mapping_digest` that versions made now would have."""
        return resource_mapping(self.manifest, self.resource.name, self.connection).digest

    def merged(self, level: str = LEVELS[-1], *more: Overlay) -> Merged:
        """The mapping up to a level, `shipped`, `environment` or `connection`, and further overlays on top."""
        order = (SHIPPED, *LEVELS)
        below = [one for one in self.overlays if order.index(one.level) <= order.index(level)]
        folders = self.connection.folders
        return load_mapping(self.manifest.provider, self.resource.name, folders, [*below, *more]).merged

    def lineage(self) -> list[FieldLineage]:
        """Where each field comes from."""
        return lineage(self.resource, self.merged())

    def lint(self) -> list[Finding]:
        """What is doubtful about the mapping as it is in force."""
        return lint(self.resource, self.merged(), self.overlays)

    def types(self) -> dict[str, str]:
        """The custom fields with a column of their own, and their types."""
        return column_types(self.overlays)

    def overlay(self, file: Path) -> Overlay:
        """An overlay in a file that is not in force, to be tried; raises `ConfigurationError`."""
        try:
            return parse_overlay(file.read_text("utf-8"), str(file), LEVELS[-1], self.resource)
        except OverlayError as error:
            raise ConfigurationError("\n".join(error.problems)) from None
        except UnicodeDecodeError:
            raise ConfigurationError(f"{file}: is no UTF-8 text; save it as UTF-8") from None

    def inputs_of(self, payload: Any) -> list[Input]:
        """The inputs in a payload: one, or a list of them, each whole or the provider's record alone."""
        settings = {name: setting.default for name, setting in self.manifest.settings.items()}
        beside = {"parent": None, "joined": {}, "settings": settings | dict(self.connection.settings)}
        entries = payload if isinstance(payload, list) else [payload]
        return [beside | (entry if _is_input(entry) else {"record": entry}) for entry in entries]

    def live_inputs(self, limit: int) -> Iterator[Input]:
        """The inputs of the first records that the provider gives now."""
        with open_pass_through(self.connection.name, self.resource.name) as reading:
            records = (one for one in reading.records({}) if isinstance(one, LiveRecord))
            yield from (record.seen for record in islice(records, limit))

    def try_on(self, seen: Input, merged: Merged) -> Trial:
        """What a mapping makes of an input, and what it leaves."""
        unread, whole = self._unread(seen)
        try:
            found = self._evaluate(seen, merged)
        except engine.ExpressionError as error:
            return Trial(None, [Violation(None, "mapping_failed", str(error))], unread, whole)
        unified, violations = check(self.resource, found, self.types())
        return Trial(unified, violations, unread, whole)

    def _evaluate(self, seen: Input, merged: Merged) -> Any:
        name = f"{self.manifest.provider}/{self.resource.name}.jsonata"
        return engine.compile(merged.source, name=name, places=merged.places).evaluate(
            dict(seen), bounds=bounds_for(0)
        )

    def differences(self, seen: Input, before: Merged, after: Merged) -> Iterator[Difference]:
        """The fields that two mappings give differently for an input; `$` where one of them rejects it."""
        one, other = self.try_on(seen, before).unified, self.try_on(seen, after).unified
        record_id = (other or one or {}).get("id")
        if one is None or other is None:
            if one is not other:
                yield Difference(record_id, "$", one, other)
            return
        for name in one:
            if one[name] != other[name]:
                yield Difference(record_id, name, one[name], other[name])

    def _unread(self, seen: Input) -> tuple[tuple[str, ...], tuple[str, ...]]:
        fields = self.lineage()
        whole = tuple(one.path for one in fields if "record" in one.reads)
        reads = {path for one in fields for path in one.reads if path != "record"}
        tree: dict[str, Any] = {}
        for path in sorted(reads):
            _grow(tree, path.split("."))
        return tuple(dict.fromkeys(_left(seen.get("record"), tree.get("record", {}), "record"))), whole


def open_workbench(name: str, resource: str) -> Workbench:
    """The workbench for a resource of the connection called `name`; raises `ConfigurationError`."""
    connection = load_connection(name)
    manifest = manifest_of(connection)
    if resource not in manifest.resources:
        known = ", ".join(manifest.resources)
        raise ConfigurationError(f"{manifest.provider} cannot read {resource}; it can read {known}")
    return Workbench(connection, manifest, RESOURCES[resource])


def _is_input(entry: Any) -> bool:
    return isinstance(entry, dict) and "record" in entry and entry.keys() <= set(INPUTS)


def _grow(tree: dict[str, Any], parts: Sequence[str]) -> None:
    for part in parts[:-1]:
        inner = tree.setdefault(part, {})
        if inner is True:
            return
        tree = inner
    tree[parts[-1]] = True


def _left(value: Any, reads: Reads, path: str) -> Iterator[str]:
    """The paths of a value that are not read."""
    if reads is True:
        return
    if isinstance(value, list):
        for item in value:
            yield from _left(item, reads, path)
    elif isinstance(value, dict) and isinstance(reads, dict):
        for name, inner in value.items():
            below = reads.get(name)
            yield from [f"{path}.{name}"] if below is None else _left(inner, below, f"{path}.{name}")
