"""The warehouse's tables: their columns, keys and dlt hints, derived from the unified model.

`DESIGN` of a snapshot table: the key, the model's columns, what it was read under, the row's hash, the mapping's
digest, and the interval [valid_from, valid_to) in which the provider said so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from mappings.model import Resource
from mappings.schemas import TIMESTAMP, columns

_DLT_TYPES = {
    pa.string(): "text",
    pa.int64(): "bigint",
    pa.float64(): "double",
    pa.bool_(): "bool",
    TIMESTAMP: "timestamp",
}


@dataclass(frozen=True)
class TableColumn:
    """One column of a warehouse table; `key` columns together identify a row."""

    name: str
    type: pa.DataType
    description: str
    key: bool = False
    json: bool = False

    @property
    def hint(self) -> dict[str, Any]:
        """The column as dlt wants it."""
        data_type = "json" if self.json else _DLT_TYPES[self.type]
        hint = {
            "name": self.name,
            "data_type": data_type,
            "nullable": not self.key,
            "description": self.description,
        }
        return hint | ({"primary_key": True} if self.key else {})


@dataclass(frozen=True)
class Table:
    """A warehouse table."""

    name: str
    description: str
    columns: tuple[TableColumn, ...]

    @property
    def arrow_schema(self) -> pa.Schema:
        """The table's Arrow schema; key columns are not nullable."""
        return pa.schema(
            [pa.field(column.name, column.type, nullable=not column.key) for column in self.columns]
        )

    @property
    def hints(self) -> list[dict[str, Any]]:
        """The columns as dlt wants them."""
        return [column.hint for column in self.columns]

    @property
    def column_names(self) -> list[str]:
        """The names of the columns, in order."""
        return [column.name for column in self.columns]


def _text(name: str, description: str, *, key: bool = False, json: bool = False) -> TableColumn:
    return TableColumn(name, pa.string(), description, key, json)


def _whole(name: str, description: str, *, key: bool = False) -> TableColumn:
    return TableColumn(name, pa.int64(), description, key)


def _instant(name: str, description: str, *, key: bool = False) -> TableColumn:
    return TableColumn(name, TIMESTAMP, description, key)


def snapshots_name(resource: str) -> str:
    """The name of the snapshot table of a resource."""
    return f"{resource}_snapshots"


def snapshots(resource: Resource) -> Table:
    """The snapshot table of a resource: one row per version of a record."""
    model = [
        _text(c.name, c.description, key=c.name == "id", json=c.dlt_type == "json")
        if c.arrow_type == pa.string()
        else TableColumn(c.name, c.arrow_type, c.description)
        for c in columns(resource)
    ]
    return Table(
        snapshots_name(resource.name),
        f"{resource.description} One row per version of a record.",
        (
            _text("connection_id", "The connection that the record was read through.", key=True),
            _text("provider", "The provider of that connection."),
            *model,
            _text("scope", "What the record was read under: its parent's id, `*` for the whole connection."),
            _text("row_hash", "Hash of the connection, the id and every non-null model column."),
            _text("mapping_digest", "Digest of the mapping that made the version."),
            _instant("valid_from", "When the reading began that first saw this version.", key=True),
            _instant("valid_to", "When the reading began that no longer saw it; null: current."),
            _instant("first_seen_at", "When the record was first seen at all."),
            _instant(
                "deleted_at", "When the record was found to have vanished, on the version that it ended."
            ),
            _text("remote_data", "The provider's own record, where the connection asks for it.", json=True),
            _text("_dlt_load_id", "The load that brought the row."),
        ),
    )


SYNC_RUNS = Table(
    "sync_runs",
    "A row per connection, resource and run.",
    (
        _text("run_id", "The run.", key=True),
        _text("connection_id", "The connection.", key=True),
        _text("resource", "The resource.", key=True),
        _text("provider", "The provider."),
        _text(
            "mode",
            "`full`, `incremental` (what has changed), `partial` (a part of a rotation), `filtered` or `backfill`.",
        ),
        _text(
            "status",
            "`done`, `partial` (some scopes could not be read, or the limit was reached), `failed`, or `set_aside` "
            "(what was read could not be loaded).",
        ),
        _instant("window_since", "Start of the window asked for, where there was one."),
        _instant("window_until", "End of the window asked for, where there was one."),
        _instant("started_at", "When the reading began; the `valid_from` of the versions it made."),
        TableColumn("duration_seconds", pa.float64(), "How long reading and comparing took."),
        _whole("requests", "Requests made, retries included."),
        _whole("records_read", "Records that the provider gave."),
        _whole("records_skipped", "Records left out on purpose, by the manifest's rules."),
        _whole("records_rejected", "Records that could not be mapped or lack what identifies them."),
        _whole("fields_rejected", "Single values that were not what the model wants, and are null."),
        _whole("records_new", "Records not in the warehouse before, or back again."),
        _whole("records_changed", "Records with a new version."),
        _whole("records_retired", "Records that have vanished."),
        _whole("scopes_read", "Parents whose records were read whole."),
        _whole("scopes_failed", "Parents whose records could not be read."),
        _text("mapping_digest", "Digest of the mapping in force."),
        _text("message", "What went wrong or stays empty, and what to do."),
        _text("_dlt_load_id", "The load that brought the row."),
    ),
)

REJECTED_RECORDS = Table(
    "rejected_records",
    "Records and single values that could not be taken over, the latest time each was seen. No learner's data.",
    (
        _text("rejection_key", "Hash of what identifies the rejection.", key=True),
        _text("connection_id", "The connection."),
        _text("provider", "The provider."),
        _text("resource", "The resource."),
        _text("scope", "What the record was read under."),
        _text("record_id", "The record's id, where it has one."),
        _text("field", "The field that is null instead; null: the whole record is missing."),
        _text("code", "The kind of problem."),
        _text("reason", "The problem in words, without the value."),
        _text("mapping_digest", "Digest of the mapping in force."),
        _text("run_id", "The last run that met it."),
        _instant("rejected_at", "When that run's reading began."),
        _text("_dlt_load_id", "The load that brought the row."),
    ),
)

CONNECTIONS = Table(
    "connections",
    "The state of each connection.",
    (
        _text("connection_id", "The connection.", key=True),
        _text("provider", "The provider."),
        _text("state", "`connecting`, `active`, `needs_reauth` or `validation_error`."),
        _text("message", "What is wrong and what to do; null when nothing is."),
        _instant("checked_at", "When this was found."),
        _text("_dlt_load_id", "The load that brought the row."),
    ),
)

CURSORS = Table(
    "cursors",
    "Where each connection's reading of a resource goes on. Without a row, everything is read.",
    (
        _text("connection_id", "The connection.", key=True),
        _text("resource", "The resource.", key=True),
        _text("provider", "The provider."),
        _instant(
            "position",
            "When the last run began that left nothing out: what has changed since is not here yet.",
        ),
        _instant("full_at", "When the last run began that read everything."),
        _text("rotation_after", "The parent after which a rotation goes on; null: none is under way."),
        _text(
            "digest",
            "Digest of the mapping and the settings in force; another one makes the next run a full one.",
        ),
        _text("run_id", "The run that wrote the row."),
        _text("_dlt_load_id", "The load that brought the row; it counts once that load is in `_dlt_loads`."),
    ),
)

LEASES = Table(
    "leases",
    "Work that a run has taken, so that no other takes it; a lease that is not renewed runs out.",
    (
        _text("connection_id", "The connection.", key=True),
        _text("resource", "The resource; `*`: every resource of the connection.", key=True),
        _text("partition", "The part of the resource; `*`: no part but the whole.", key=True),
        _text("run_id", "The run that holds it."),
        _text("host", "The machine that the run is on."),
        _whole("pid", "The run's process there."),
        _text(
            "machine",
            "Digest of what tells the machine and its processes from others; see whether the process lives.",
        ),
        _text("token", "What tells this lease from an earlier one of the same work."),
        _instant("acquired_at", "When it was taken, by the database's clock."),
        _instant("renewed_at", "When it was last renewed, by the database's clock."),
        TableColumn("seconds", pa.float64(), "How long after its renewal it runs out."),
    ),
)

MAPPING_LINEAGE = Table(
    "mapping_lineage",
    "Where each field of each connection comes from: the mapping in force at its last run.",
    (
        _text("connection_id", "The connection.", key=True),
        _text("resource", "The resource.", key=True),
        _text(
            "field", "The field, such as `user.id`, `status_source` or `custom_fields.cost_center`.", key=True
        ),
        _text("provider", "The provider."),
        _text("level", "`shipped`, `environment` or `connection`; null: nothing fills the field."),
        _text("place", "The file, and in an overlay the key, that says so."),
        _text("expression", "The expression in JSONata, with the variables that it uses."),
        _text(
            "reads",
            "The paths of the mapping's input that it reads; `record` is the record whole.",
            json=True,
        ),
        _text("column_type", "The declared type of a custom field that has a column in `<resource>_custom`."),
        _text("mapping_digest", "Digest of the mapping."),
    ),
)

TOMBSTONES = Table(
    "tombstones",
    "Persons who were erased and are not to come back, as keyed hashes of their ids.",
    (
        _text("connection_id", "The connection.", key=True),
        _text("digest", "Keyed hash of the person's id; the id itself is nowhere.", key=True),
        _text("salt", "What is hashed with the id, random for each connection."),
        _text("key_check", "Tells whether the connection's `hash_key` is the one used; null: none was."),
        _instant("erased_at", "When the person was erased."),
        _text("_dlt_load_id", "The load that brought the row."),
    ),
)

BACKFILL_PARTITIONS = Table(
    "backfill_partitions",
    "The parts that a backfill was divided into, and which of them are in the warehouse.",
    (
        _text("backfill_id", "The backfill of one resource.", key=True),
        _whole("partition", "The part, counted from 1.", key=True),
        _text("connection_id", "The connection."),
        _text("resource", "The resource."),
        _text("provider", "The provider."),
        _text("kind", "`parents`, `window` or `whole`."),
        _text("lower", "After this parent's id, or from this instant on; null: no bound."),
        _text("upper", "Up to and including this parent's id, or before this instant; null: no bound."),
        _instant("requested_since", "Start of the window asked for; null: none was."),
        _instant("requested_until", "End of the window asked for; null: none was."),
        _text("digest", "Digest of the mapping and the settings under which the backfill began."),
        _text("status", "`pending`, `done`, or `abandoned` for another backfill that began anew."),
        _instant("planned_at", "When the backfill began."),
        _instant("finished_at", "When the part had been read."),
        _text("run_id", "The run in `sync_runs` that read it."),
        _text("_dlt_load_id", "The load that brought the row; `done` counts once it is in `_dlt_loads`."),
    ),
)

WRITE_BACK_REQUESTS = Table(
    "write_back_requests",
    "What is to be written to providers; filled by whoever wants that, such as a dbt model, and never changed by us.",
    (
        _text(
            "request_id", "What tells this request from any other, chosen by who asks; done once.", key=True
        ),
        _text("connection_id", "The connection to write through.", key=True),
        _text("resource", "The resource."),
        _text("operation", "`create`, `update`, `upsert` or `delete`."),
        _text("record_id", "The unified id; null where the record is known by its natural key."),
        _text(
            "payload", "The fields that are meant, in the unified model; an explicit null clears.", json=True
        ),
    ),
)

WRITE_BACK_LOG = Table(
    "write_back_log",
    "What became of each request: written before it is sent, and again when its outcome is known.",
    (
        _text("request_id", "The request.", key=True),
        _text("connection_id", "The connection.", key=True),
        _text("provider", "The provider."),
        _text("resource", "The resource."),
        _text("operation", "What was asked for."),
        _text("action", "What was done: `create`, `update`, `delete`, or `skip` (already so)."),
        _text("record_id", "The unified id that was asked for; null where the record is known by its key."),
        _text("result_id", "The unified id of what was written, once it is known."),
        _text("payload", "What was asked for; null once it is done and verified.", json=True),
        _text(
            "payload_digest", "Digest of what was asked for: the same request may not ask for another thing."
        ),
        _text("status", "`sending` (the outcome is not known), `done`, `skipped` or `failed`."),
        _text("fault", "Of what failed: `retry_later`, `fix_the_data` or `fix_the_connection`."),
        _text("message", "What went wrong and what to do, in the provider's words where it has any."),
        _whole("attempts", "How often it was sent."),
        _text("differences", "The fields that the provider has otherwise than asked for.", json=True),
        _text("run_id", "The apply that wrote the row."),
        _instant("requested_at", "When it was first taken up."),
        _instant("sent_at", "When it was last sent."),
        _instant("finished_at", "When its outcome was known."),
        _instant("verified_at", "When the record was read again and compared."),
    ),
)

WRITE_BACK_APPROVALS = Table(
    "write_back_approvals",
    "Plans that somebody has approved.",
    (
        _text("plan_id", "The plan, as `lms write-back plan` names it.", key=True),
        _text("connection_id", "The connection.", key=True),
        _text("approved_by", "Who approved it."),
        _instant("approved_at", "When."),
    ),
)

LEDGERS = (
    SYNC_RUNS, REJECTED_RECORDS, CONNECTIONS, CURSORS, BACKFILL_PARTITIONS, LEASES, MAPPING_LINEAGE, TOMBSTONES,
    WRITE_BACK_REQUESTS, WRITE_BACK_LOG, WRITE_BACK_APPROVALS,
)  # fmt: skip
"""The tables beside the snapshots."""
