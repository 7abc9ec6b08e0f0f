"""The ledger `write_back_log`: each request before it is sent, and its outcome once it is known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import dlt
import orjson

from pipelines.database import open_database
from pipelines.write_back.requests import Request
from sources.unified_lms.tables import WRITE_BACK_LOG
from sources.unified_lms.writing import Intent

Row = dict[str, Any]

SENDING, DONE, SKIPPED, FAILED = "sending", "done", "skipped", "failed"
RETRY_LATER, FIX_DATA, FIX_CONNECTION = "retry_later", "fix_the_data", "fix_the_connection"
_KEY = ("connection_id", "request_id")


class WriteLog:
    """The rows of one connection. Each change is committed when the call returns."""

    def __init__(self, pipeline: dlt.Pipeline, connection: str, provider: str, run_id: str) -> None:
        self._client = pipeline.sql_client()
        self._connection = connection
        self._provider = provider
        self._run_id = run_id

    def rows(self) -> dict[str, Row]:
        """The connection's rows by request, oldest first."""
        with open_database(self._client) as database:
            found = database.rows(
                f"select * from {database.table(WRITE_BACK_LOG.name)} "
                f"where {database.columns('connection_id')} = %s order by {database.columns('requested_at')}",
                self._connection,
            )
        return {row["request_id"]: row for row in found}

    def begin(self, request: Request, action: str, record_id: str | None) -> None:
        """The request is about to be sent; from here on its outcome is unknown until it is told."""
        self._put(
            request,
            {"action": action, "result_id": record_id, "status": SENDING, "sent_at": datetime.now(UTC)},
            attempted=1,
        )

    def finish(self, request: Request, status: str, **values: Any) -> None:
        """The outcome of a request."""
        self._put(request, {"status": status, "finished_at": datetime.now(UTC), **values})

    def verify(self, request: Request, differences: Sequence[str]) -> None:
        """What a later look has found otherwise than asked for; nothing any more where it is empty."""
        left = orjson.dumps(list(differences)).decode() if differences else None
        self._put(request, {"differences": left, "verified_at": datetime.now(UTC)})

    def _put(self, request: Request, values: Row, attempted: int = 0) -> None:
        known = {"fault": None, "message": None, **values, "run_id": self._run_id}
        with open_database(self._client) as database, database.exclusive("write-back"):
            table = database.table(WRITE_BACK_LOG.name)
            where = " and ".join(f"{database.columns(name)} = %s" for name in _KEY)
            key = (self._connection, request.key)
            attempts = database.columns("attempts")
            found = database.rows(f"select {attempts} as attempts from {table} where {where}", *key)
            if not found:
                row = {**self._first(request), **known, "attempts": attempted}
                places = ", ".join(["%s"] * len(row))
                database.execute(
                    f"insert into {table} ({database.columns(*row)}) values ({places})", *row.values()
                )
                return
            new = {**self._asked(request), **known, "attempts": (found[0]["attempts"] or 0) + attempted}
            sets = ", ".join(f"{database.columns(name)} = %s" for name in new)
            database.execute(f"update {table} set {sets} where {where}", *new.values(), *key)

    def _first(self, request: Request) -> Row:
        return {
            "request_id": request.key,
            "connection_id": self._connection,
            "provider": self._provider,
            "requested_at": datetime.now(UTC),
            **self._asked(request),
        }

    def _asked(self, request: Request) -> Row:
        intent = request.intent
        return {
            "resource": intent.resource,
            "operation": intent.operation,
            "record_id": intent.record_id,
            "payload": orjson.dumps(dict(intent.payload)).decode(),
            "payload_digest": request.digest,
        }


def request_of(row: Row) -> Request:
    """The request of a row whose payload is still there."""
    payload = row["payload"]
    found = orjson.loads(payload) if isinstance(payload, (str, bytes)) else payload
    intent = Intent(row["resource"], row["operation"], row["record_id"], found or {})
    return Request(row["request_id"], intent, given=True)
