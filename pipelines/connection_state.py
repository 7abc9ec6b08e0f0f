"""The state of a connection as it was last found, which a scheduler looks at before it begins a run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import dlt

from pipelines.database import Database, open_database
from pipelines.environment import Target
from pipelines.ledger import record
from pipelines.reading import open_reading
from sources.unified_lms.connection import Connection
from sources.unified_lms.errors import Unauthorized, WarehouseBusy
from sources.unified_lms.tables import CONNECTIONS

CONNECTING = "connecting"
"""`lms connect` is under way, or was interrupted."""
ACTIVE = "active"
VALIDATION_ERROR = "validation_error"
"""The provider could not be used as the connection says: an address, a right, or an attempt that was given up."""
NEEDS_REAUTH = "needs_reauth"
"""The provider has refused the credentials; a passing `lms check` or run makes it `active` again."""


@dataclass(frozen=True)
class ConnectionState:
    """A row of the table `connections`."""

    state: str
    message: str | None
    checked_at: datetime


def read_state(target: Target, connection: str) -> ConnectionState | None:
    """The state of a connection; None where nothing is known of it. Waits for a DuckDB file that is in use."""
    if target.destination == "duckdb" and not Path(target.location).is_file():
        return None
    with open_database(target.pipeline(connection)) as database:
        rows = database.rows(
            f"select state, message, checked_at from {database.table(CONNECTIONS.name)} where connection_id = %s",
            connection,
        )
    return ConnectionState(**rows[0]) if rows else None


def glance_at_states(target: Target) -> dict[str, ConnectionState]:
    """The states of all connections, by name, as far as the warehouse tells them at once.

    A DuckDB file that another process has open tells nothing: whoever asks has something better to do than to wait.
    """
    try:
        with open_reading(target, patience=0.0) as reading:
            return {} if reading is None else _states(reading)
    except WarehouseBusy:
        return {}


def _states(database: Database) -> dict[str, ConnectionState]:
    rows = database.rows(
        f"select connection_id, state, message, checked_at from {database.table(CONNECTIONS.name)}"
    )
    return {
        row["connection_id"]: ConnectionState(row["state"], row["message"], row["checked_at"]) for row in rows
    }


def write_state(target: Target, connection: str, provider: str, state: str, message: str | None) -> None:
    """Writes the state of a connection, and makes the warehouse if need be; may be done while a run is under way."""
    put_state(target.pipeline(connection, "connect"), connection, provider, state, message)


def record_state(pipeline: dlt.Pipeline, connection: Connection, refusal: Unauthorized | None) -> None:
    """Writes that a connection works, or that the provider refused its credentials; by the run that has found it."""
    state, message = (ACTIVE, None) if refusal is None else (NEEDS_REAUTH, str(refusal))
    put_state(pipeline, connection.name, connection.provider, state, message)


def put_state(
    pipeline: dlt.Pipeline, connection: str, provider: str, state: str, message: str | None
) -> None:
    """Writes a row of the table `connections` through a pipeline, in whose working folder nobody else is."""
    row = {
        "connection_id": connection,
        "provider": provider,
        "state": state,
        "message": message,
        "checked_at": datetime.now(UTC),
    }
    record(pipeline, CONNECTIONS, [row])
