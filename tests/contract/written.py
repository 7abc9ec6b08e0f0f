"""Writing to a sandbox through the real engine, client, manifest and mappings: what the contract suite needs of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mappings.model import RESOURCES
from sources.unified_lms.client import Client
from sources.unified_lms.connection import Connection
from sources.unified_lms.manifest import load_manifest
from sources.unified_lms.passthrough import LiveRecord, PassThrough
from sources.unified_lms.policy import WritePolicy
from sources.unified_lms.sandbox import SandboxServer
from sources.unified_lms.writing import Intent, Writer, Written
from tests.contract.harness import connect, impatient


class Writing:
    """One resource of a sandbox, written and read."""

    def __init__(self, server: SandboxServer, resource: str, **settings: Any) -> None:
        """`settings` are the connection's."""
        connection = connect(server, **settings)
        self._connection: Connection = replace(connection, writes=WritePolicy(allow=("*",)))
        self._manifest = load_manifest(server.provider)
        self._resource = resource

    def _client(self) -> Client:
        return Client(self._manifest, self._connection, timing=impatient())

    def get(self, record_id: str) -> dict[str, Any]:
        """The unified record, read just now."""
        with PassThrough(self._connection, self._manifest, self._resource, self._client()) as reading:
            found = reading.get(record_id).unified
        assert found is not None
        return found

    def find(self, **filters: str) -> list[dict[str, Any]]:
        """The unified records that filters give; `user_id` stands for `user[id]`."""
        spelled = {name.replace("_id", "[id]"): value for name, value in filters.items()}
        with PassThrough(self._connection, self._manifest, self._resource, self._client()) as reading:
            found = list(reading.records(spelled))
        return [one.unified for one in found if isinstance(one, LiveRecord) and one.unified]

    def write(self, operation: str, record_id: str | None = None, **record: Any) -> Written:
        """What became of an intent."""
        with Writer(self._connection, self._manifest, self._client()) as writer:
            return writer.write(Intent(self._resource, operation, record_id, record))

    def create(self, **record: Any) -> str:
        """Makes a record that is as asked for, and gives its id."""
        written = self.write("create", **record)
        assert (written.step.action, written.left) == ("create", ())
        assert written.record_id is not None
        return written.record_id

    def update(self, record_id: str, **changes: Any) -> dict[str, Any]:
        """Changes a record to be as asked for, and gives the whole record as it is read then."""
        written = self.write("update", record_id, **changes)
        assert (written.step.action, written.left) == ("update", ())
        return self.get(record_id)

    def delete(self, record_id: str) -> None:
        """Deletes a record."""
        written = self.write("delete", record_id)
        assert (written.step.action, written.left) == ("delete", ())


def differing(resource: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    """The fields of the model that differ between two unified records."""
    return {one.name for one in RESOURCES[resource].fields if before[one.name] != after[one.name]}
