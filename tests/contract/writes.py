"""One write by hand, without what decides about it: a mapping's calls, sent as they are, and the record read again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

import mappings
from mappings import engine
from sources.unified_lms.client import Client
from sources.unified_lms.manifest import Manifest, load_manifest
from sources.unified_lms.passthrough import LiveRecord, NoSuchRecord, PassThrough
from sources.unified_lms.sandbox import SandboxServer
from sources.unified_lms.ways import split_id
from tests.contract.harness import connect, impatient

Record = dict[str, Any]
FOLDER = Path(next(iter(mappings.__path__)))
PASSWORD = "Random-password-7"


class Writer:
    """Writes one resource of a sandbox through manifest, mapping and client; settings are the connection's."""

    def __init__(self, server: SandboxServer, resource: str, **settings: Any) -> None:
        """Use `client` as the context manager that closes it."""
        self._resource = resource
        self.manifest: Manifest = load_manifest(server.provider)
        self._connection = connect(server, **settings)
        self.client = Client(self.manifest, self._connection, timing=impatient())

    @property
    def _live(self) -> PassThrough:
        """A new one each time: what is joined for the whole connection is read only once by each."""
        return PassThrough(self._connection, self.manifest, self._resource, self.client)

    def get(self, record_id: str) -> Record:
        """The unified record as it is now."""
        found = self._live.get(record_id).unified
        assert found is not None
        return found

    def is_there(self, record_id: str) -> bool:
        """Whether there is such a record."""
        try:
            return self._live.get(record_id).unified is not None
        except NoSuchRecord:
            return False

    def find(self, **filters: str) -> list[Record]:
        """What a filter finds."""
        found = list(self._live.records(filters))
        return [one.unified for one in found if isinstance(one, LiveRecord) and one.unified is not None]

    def create(self, record: Record) -> str | None:
        """Makes a record; the id that the manifest finds in the first answer."""
        answers = self._send("create", record, None)
        how = self.manifest.resources[self._resource].writes.create
        assert how is not None
        if how.id is None:
            return None
        found: str | None = engine.compile(how.id).evaluate({"body": answers[0], "record": record})
        return found

    def update(self, record_id: str, record: Record) -> Record:
        """Changes a record; what is read of it after that."""
        self._send("update", record, record_id)
        return self.get(record_id)

    def delete(self, record_id: str) -> None:
        """Deletes a record."""
        self._send("delete", {}, record_id)

    def calls(self, operation: str, record: Record, record_id: str | None = None) -> list[Record]:
        """What the mapping makes of it, on which both engines agree."""
        how = self.manifest.resources[self._resource].get
        value = {
            "record": record,
            "present": self._present(record_id) if record_id else None,
            "args": split_id(how.id, record_id) if record_id and how else {},
            "settings": self.client.settings,
            "generated": {"password": PASSWORD},
        }
        file = FOLDER / self.manifest.provider / "write" / self._resource / f"{operation}.jsonata"
        source, value = file.read_text(), orjson.loads(orjson.dumps(value))
        found = engine.compile(source).evaluate(value)
        assert engine.reference_evaluate(source, value) == found
        assert isinstance(found, list)
        return found

    def _present(self, record_id: str) -> Record:
        found = self._live.get(record_id)
        seen = {name: found.seen[name] for name in ("record", "parent", "joined")}
        return {"unified": found.unified, **seen}

    def _send(self, operation: str, record: Record, record_id: str | None) -> list[Any]:
        write = self.manifest.resources[self._resource].writes.operations[operation]
        assert record.keys() <= set(write.fields), "a field that the manifest does not list"
        answers = []
        for call in self.calls(operation, record, record_id):
            assert call["call"] in write.calls
            answers.append(orjson.loads(self.client.call(call["call"], {"args": call["args"]}).text))
        return answers
