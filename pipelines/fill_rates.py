"""How many of the loaded rows have each field, beside what the mapping can fill: a mapping that fills nothing shows.

Counts are of the present records, one query for each resource, whatever the destination.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from mappings.library import MappingNotFound
from mappings.model import RESOURCES, Resource
from mappings.schemas import columns
from pipelines.database import Database
from pipelines.environment import Target
from pipelines.providers import ProviderAbility, provider_ability
from pipelines.reading import open_reading
from sources.unified_lms.connection import connection_names, load_connection
from sources.unified_lms.errors import ConfigurationError
from sources.unified_lms.tables import snapshots_name


@dataclass(frozen=True)
class FieldFill:
    """One field: its path in the model, how many rows have it, and whether the mapping can fill it (None: unknown)."""

    path: str
    filled: int
    mapped: bool | None

    @property
    def suspicious(self) -> bool:
        """Whether the mapping should fill it and no row has it."""
        return self.mapped is True and self.filled == 0


@dataclass(frozen=True)
class ResourceFill:
    """The fields of one resource of a connection, in the model's order, over so many present records."""

    connection: str
    resource: str
    rows: int
    fields: tuple[FieldFill, ...]

    @property
    def document(self) -> dict[str, Any]:
        """The fill rates as JSON."""
        return {
            "resource": self.resource,
            "rows": self.rows,
            "fields": [vars(field) | {"suspicious": field.suspicious} for field in self.fields],
        }


def read_fill_rates(target: Target) -> list[ResourceFill]:
    """The fill rates of every connection and resource that has rows, by connection, in the model's order."""
    with open_reading(target) as reading:
        found = [] if reading is None else list(_all(reading))
    return sorted(found, key=lambda fill: fill.connection)


def _all(reading: Database) -> Iterator[ResourceFill]:
    ability_of = cache(_ability)  # all resources of a connection come of one look at its mappings
    for resource in RESOURCES.values():
        for row in _counts(reading, resource):
            connection, provider = str(row["connection_id"]), str(row["provider"])
            mapped = _mapped(ability_of(connection, provider), resource.name)
            fields = tuple(
                FieldFill(path, int(row[column]), None if mapped is None else path in mapped)
                for path, column in _columns(resource)
            )
            yield ResourceFill(connection, resource.name, int(row["rows_present"]), fields)


def _columns(resource: Resource) -> Iterator[tuple[str, str]]:
    """Each path of the model and its column."""
    known = {".".join(column.path): column.name for column in columns(resource)}
    for path, _ in resource.paths():
        yield path, known[path]


def _counts(reading: Database, resource: Resource) -> list[dict[str, Any]]:
    counted = ", ".join(f'count("{column}") as "{column}"' for _, column in _columns(resource))
    return reading.rows(
        f"select connection_id, provider, count(*) as rows_present, {counted} "  # noqa: S608 - names of our own
        f"from {reading.table(snapshots_name(resource.name))} where valid_to is null "
        "group by connection_id, provider"
    )


def _ability(connection: str, provider: str) -> ProviderAbility | None:
    """What a provider can do under a connection; None where it or one of its mappings is no longer to be had."""
    try:
        if connection not in connection_names():
            return provider_ability(provider)
        found = load_connection(connection)
        return provider_ability(provider, found.folders, found.overlays)
    except (ConfigurationError, MappingNotFound):
        return None


def _mapped(ability: ProviderAbility | None, resource: str) -> frozenset[str] | None:
    """The paths that the mapping in force fills; None where that cannot be told."""
    if ability is None or resource not in ability.resources:
        return None
    return frozenset(ability.resources[resource].coverage.paths)
