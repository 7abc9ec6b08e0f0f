"""One record that is asked for by its id, and the parent that it lies under."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from mappings import engine
from sources.unified_lms.client import Client
from sources.unified_lms.errors import ConfigurationError, NoData, NotFound
from sources.unified_lms.joins import as_list
from sources.unified_lms.manifest import Get, Parents
from sources.unified_lms.parents import list_parents
from sources.unified_lms.stopping import Stop
from sources.unified_lms.ways import split_id


class Missing(Exception):
    """The provider has no such record, or no such parent; `words` are the provider's own, None where it has none."""

    def __init__(self, resource: str, record_id: str, words: str | None = None) -> None:
        super().__init__(resource, record_id)
        self.resource, self.record_id, self.words = resource, record_id, words


@dataclass(frozen=True)
class Single:
    """A raw record, its parent's, and the variables that its joins are asked for with."""

    record: Any = field(repr=False)
    parent: Any = field(repr=False)
    variables: dict[str, Any]


class SingleRecords:
    """The single records of a provider. Thread-safe."""

    def __init__(self, client: Client, settings: Mapping[str, Any]) -> None:
        self._client = client
        self._manifest = client.manifest
        self._settings = settings

    def one(self, resource: str, record_id: str) -> Single:
        """The record with a unified id.

        Raises `Missing`, and `ConfigurationError` where records of the resource are not asked for singly or the id is
        not written as the manifest takes it apart.
        """
        how = self._manifest.resources[resource].get
        args = split_id(how.id, record_id) if how else None
        if how is None or args is None:
            written = f"; it is written {how.id}" if how else ", which has none"
            raise ConfigurationError(
                f"{record_id!r} is no id of {resource} at {self._manifest.provider}{written}"
            )
        try:
            body = orjson.loads(self._client.call(how.endpoint, {"args": args}).text)
        except (NotFound, NoData) as error:
            raise Missing(resource, record_id, error.provider_message) from error
        seen = {"body": body, "args": args}
        records = as_list(engine.compile(how.record).evaluate(seen))
        if not records:
            raise Missing(resource, record_id)
        parent, variables = self._above(resource, how, seen)
        return Single(records[0], parent, {**variables, "args": args})

    def _above(self, resource: str, how: Get, seen: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """The parent of one record, out of its own answer or by a call of its own, and the variables that name it."""
        if how.parent_id is None:
            return (engine.compile(how.parent).evaluate(seen) if how.parent else None), {}
        identifier = str(engine.compile(how.parent_id).evaluate(seen))
        parents = next(read.parents for read in self._manifest.resources[resource].read if read.parents)
        return self.parent(parents, identifier), {"parent": {"id": identifier}}

    def parent(self, parents: Parents, identifier: str) -> Any:
        """The raw record of a parent, asked for singly where that can be done, else looked for in the list.

        Raises `Missing`.
        """
        if self._manifest.resources[parents.resource].get is not None:
            return self.one(parents.resource, identifier).record
        for one, record in list_parents(self._client, parents, self._settings, Stop()):
            if one == identifier:
                return orjson.loads(record)
        raise Missing(parents.resource, identifier)
