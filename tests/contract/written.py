"""Writing as the manifests and mappings of providers have it, call by call: what the contract suite needs of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from mappings import engine
from mappings.library import load_mapping
from mappings.model import RESOURCES
from sources.unified_lms.client import Client
from sources.unified_lms.manifest import load_manifest
from sources.unified_lms.passthrough import LiveRecord, PassThrough
from sources.unified_lms.sandbox import SandboxServer
from sources.unified_lms.ways import split_id
from tests.contract.harness import connect, impatient

PASSWORD = "Generated-1"


class Refused(Exception):
    """The mapping says that the provider cannot do it."""


class Written:
    """One resource of a sandbox, written and read through the real client, manifest and mappings."""

    def __init__(self, server: SandboxServer, resource: str, **settings: Any) -> None:
        """`settings` are the connection's."""
        self._server = server
        self._resource = resource
        self._settings = settings
        self._manifest = load_manifest(server.provider)
        self._spec = self._manifest.resources[resource]

    def _reading(self) -> PassThrough:
        connection = connect(self._server, **self._settings)
        client = Client(self._manifest, connection, timing=impatient())
        return PassThrough(connection, self._manifest, self._resource, client)

    def live(self, record_id: str) -> LiveRecord:
        """The record, read just now."""
        with self._reading() as reading:
            return reading.get(record_id)

    def get(self, record_id: str) -> dict[str, Any]:
        """The unified record, read just now."""
        unified = self.live(record_id).unified
        assert unified is not None
        return unified

    def find(self, **filters: str) -> list[dict[str, Any]]:
        """The unified records that filters give; `user_id` stands for `user[id]`."""
        spelled = {name.replace("_id", "[id]"): value for name, value in filters.items()}
        with self._reading() as reading:
            found = list(reading.records(spelled))
        return [one.unified for one in found if isinstance(one, LiveRecord) and one.unified]

    def create(self, **record: Any) -> str:
        """Makes a record of the fields that it may have, and gives its id."""
        write = self._spec.writes.create
        assert write is not None
        assert set(write.required) <= set(record) <= set(write.fields)
        answers = self._send("create", record, None, {})
        found = engine.compile(write.id or "").evaluate({"body": answers[0], "record": record})
        assert isinstance(found, str)
        return found

    def update(self, record_id: str, **changes: Any) -> dict[str, Any]:
        """Changes a record's fields, and gives the whole record as it is read then."""
        write = self._spec.writes.update
        assert write is not None
        assert set(changes) <= set(write.fields)
        assert {name for name, value in changes.items() if value is None} <= set(write.clears)
        self._send("update", changes, self.live(record_id), self._args(record_id))
        return self.get(record_id)

    def delete(self, record_id: str) -> None:
        """Deletes a record."""
        self._send("delete", {}, self.live(record_id), self._args(record_id))

    def _args(self, record_id: str) -> dict[str, str]:
        assert self._spec.get is not None
        args = split_id(self._spec.get.id, record_id)
        assert args is not None
        return args

    def _send(
        self, operation: str, record: Mapping[str, Any], live: LiveRecord | None, args: Mapping[str, str]
    ) -> list[Any]:
        calls = self._calls(operation, record, live, args)
        refused = [one["refuse"] for one in calls if "refuse" in one]
        if refused:
            raise Refused(*refused)
        allowed = self._spec.writes.operations[operation].calls
        assert {one["call"] for one in calls} <= set(allowed)
        with Client(self._manifest, connect(self._server, **self._settings), timing=impatient()) as client:
            answers = [client.call(one["call"], {"args": one["args"]}) for one in calls]
        return [orjson.loads(answer.text) for answer in answers]

    def _calls(
        self, operation: str, record: Mapping[str, Any], live: LiveRecord | None, args: Mapping[str, str]
    ) -> list[dict[str, Any]]:
        mapping = load_mapping(self._server.provider, f"write/{self._resource}/{operation}")
        with Client(self._manifest, connect(self._server, **self._settings), timing=impatient()) as client:
            settings = client.settings
        present = None if live is None else {"unified": live.unified, **live.seen}
        seen = {
            "record": dict(record),
            "present": present,
            "args": dict(args),
            "settings": settings,
            "generated": {"password": PASSWORD},
        }
        found: list[dict[str, Any]] = engine.compile(mapping.source).evaluate(seen)
        return found


def differing(resource: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    """The fields of the model that differ between two unified records."""
    return {one.name for one in RESOURCES[resource].fields if before[one.name] != after[one.name]}
