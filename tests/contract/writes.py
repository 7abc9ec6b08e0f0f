"""One resource of a sandbox, written through manifest, mappings, client and engine, and read again."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from mappings.model import RESOURCES
from sources.unified_lms.client import Client
from sources.unified_lms.manifest import load_manifest
from sources.unified_lms.passthrough import LiveRecord, NoSuchRecord, PassThrough
from sources.unified_lms.policy import WritePolicy
from sources.unified_lms.sandbox import SandboxServer
from sources.unified_lms.writing import Intent, Writer, Written
from tests.contract.harness import connect, impatient

Record = dict[str, Any]


class Writing:
    """Settings are the connection's, which allows everything. `client` is the context manager that closes it."""

    def __init__(self, server: SandboxServer, resource: str, **settings: Any) -> None:
        """Nothing is asked for yet."""
        self._resource = resource
        allowed = WritePolicy(allow=("*",))
        self._connection = dataclasses.replace(connect(server, **settings), writes=allowed)
        self._manifest = load_manifest(server.provider)
        self.client = Client(self._manifest, self._connection, timing=impatient())
        self._writer = Writer(self._connection, self._manifest, self.client)

    def _reading(self) -> PassThrough:
        return PassThrough(self._connection, self._manifest, self._resource, self.client)

    def get(self, record_id: str) -> Record:
        """The unified record as it is now."""
        found = self._reading().get(record_id).unified
        assert found is not None
        return found

    def is_there(self, record_id: str) -> bool:
        """Whether there is such a record."""
        try:
            return self._reading().get(record_id).unified is not None
        except NoSuchRecord:
            return False

    def find(self, **filters: str) -> list[Record]:
        """What a filter finds."""
        found = list(self._reading().records(filters))
        return [one.unified for one in found if isinstance(one, LiveRecord) and one.unified is not None]

    def create(self, record: Record) -> str:
        """Makes a record, which is then as it was asked for; its id."""
        found = self._done("create", record).record_id
        assert isinstance(found, str)
        return found

    def update(self, record_id: str, record: Record) -> Record:
        """Changes a record, which is then as it was asked for; what is read of it after that."""
        self._done("update", record, record_id)
        return self.get(record_id)

    def delete(self, record_id: str) -> None:
        """Deletes a record, which is then gone."""
        self._done("delete", {}, record_id)

    def refused(self, operation: str, record: Record, record_id: str | None = None) -> str:
        """Why a write is refused, nothing having been sent."""
        step = self._writer.plan(Intent(self._resource, operation, record_id, record))
        assert step.refusal is not None
        return str(step.refusal)

    def write(self, operation: str, record: Record, record_id: str | None = None) -> Written:
        """What became of an intent, whatever it is."""
        return self._writer.write(Intent(self._resource, operation, record_id, record))

    def _done(self, operation: str, record: Record, record_id: str | None = None) -> Written:
        written = self.write(operation, record, record_id)
        assert written.sent, f"nothing was sent: {written.step.reason}"
        assert (written.step.action, written.left) == (operation, ())
        return written


def differing(resource: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    """The fields of the model that differ between two unified records."""
    return {one.name for one in RESOURCES[resource].fields if before[one.name] != after[one.name]}


def writing(server: SandboxServer, resource: str, **settings: Any) -> Iterator[Writing]:
    """One resource, written until the test has ended."""
    writer = Writing(server, resource, **settings)
    with writer.client:
        yield writer
