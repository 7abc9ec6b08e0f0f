"""Records that a call only names as changed, and that are read one by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from mappings import engine
from sources.unified_lms.client import Client
from sources.unified_lms.errors import ConfigurationError
from sources.unified_lms.manifest import Get, Read
from sources.unified_lms.records import RecordFinder
from sources.unified_lms.singles import Missing, SingleRecords
from sources.unified_lms.spool import WHOLE
from sources.unified_lms.ways import split_id


@dataclass(frozen=True)
class Named:
    """One record, what it lies under, and the variables that it was asked for with."""

    scope: str
    record: Any
    parent: Any
    variables: dict[str, Any]


class NamedRecords:
    """The ids that a call names, and the record of each. Thread-safe."""

    def __init__(self, client: Client, resource: str, read: Read, identify: str) -> None:
        self._client = client
        self._read = read
        self._resource = resource
        self._get: Get | None = client.manifest.resources[resource].get
        self._singles = SingleRecords(client, client.settings)
        self._finder = RecordFinder(client, resource, read)
        self._identify = engine.compile(identify, name="changed id")

    def ids(self, args: Mapping[str, Any]) -> list[str]:
        """The unified ids that the call names, each once."""
        variables = {"args": args}
        pages = self._client.pages(self._read.endpoint, variables)
        texts = (self._finder.find(page.answer, "null", variables)[0] for page in pages)
        entries = (entry for text in texts for entry in orjson.loads(text))
        return list(dict.fromkeys(str(self._identify.evaluate(entry)) for entry in entries))

    def one(self, identifier: str) -> Named | None:
        """The record with an id; None where the provider has none (any more), or says so in an error."""
        if self._get is None or split_id(self._get.id, identifier) is None:
            raise ConfigurationError(
                f"{self._client.manifest.provider}: `changed.id` gives {identifier!r}, which is no id of "
                f"{self._resource} as its `get` takes it apart"
            )
        try:
            found = self._singles.one(self._resource, identifier)
        except Missing:
            return None
        above = self._read.parents
        scope = str(engine.compile(above.id).evaluate(found.parent)) if above else WHOLE
        return Named(scope, found.record, found.parent, {**found.variables, "parent": {"id": scope}})
