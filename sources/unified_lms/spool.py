"""The spool: what one reading gave, on local disk, in the shape of the snapshot table.

Nothing goes to the warehouse before a resource has been read to its end, since only then is known what has vanished,
what the mapping could not do, and whether the answer can be believed. The spool keeps memory flat meanwhile.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mappings.model import Resource
from mappings.schemas import arrow_schema
from sources.unified_lms import memory
from sources.unified_lms.hashing import row_hashes
from sources.unified_lms.tables import REJECTED_RECORDS, Table, snapshots

WHOLE = "*"
"""The scope of what is read for the whole connection."""
_ROW_GROUP = 8_000_000
"""Bytes of rows written together, some 10,000 rows: the footer, which stays in memory, grows with the groups."""


@dataclass(frozen=True)
class Stamp:
    """What every row of one reading has in common."""

    connection_id: str
    provider: str
    resource: Resource
    run_id: str
    mapping_digest: str
    valid_from: datetime
    load_id: str


@dataclass(frozen=True)
class RejectedRow:
    """One rejection as the spool takes it; `whole` says that the record itself is missing from the rows."""

    scope: str
    record_id: str | None
    field: str | None
    code: str
    reason: str
    whole: bool
    place: str = ""
    """Where a record without an id stood (scope and index): tells two of them apart."""


class RowsFile:
    """A parquet file of a table's rows, written some megabytes at a time."""

    def __init__(self, file: Path, table: Table) -> None:
        self._table = table
        self._writer = pq.ParquetWriter(file, table.arrow_schema)
        self._waiting: list[pa.Table] = []

    def add(self, rows: pa.Table, others: Mapping[str, pa.Array | pa.ChunkedArray]) -> None:
        """Rows, with other columns that they lack or that take the place of theirs."""
        arrays = [others[name] if name in others else rows[name] for name in self._table.column_names]
        self._waiting.append(pa.Table.from_arrays(arrays, schema=self._table.arrow_schema))
        if sum(waiting.nbytes for waiting in self._waiting) >= _ROW_GROUP:
            self._write()

    def _write(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.concat_tables(self._waiting))
            self._waiting = []

    def close(self) -> None:
        """Writes what waits and ends the file, so that it can be read; safe to call again."""
        self._write()
        self._writer.close()


class Spool:
    """Rows and rejections of one reading. A context manager: its folder is removed at the end."""

    def __init__(self, stamp: Stamp, folder: Path | None = None) -> None:
        memory.keep_large_blocks_apart()
        self.stamp = stamp
        self._folder = tempfile.TemporaryDirectory(prefix="unified_lms_", dir=folder)
        self.path = Path(self._folder.name)
        self.rows_file = self.path / "rows.parquet"
        self.rejected_file = self.path / "rejected.parquet"
        self.rows = 0
        self.rejected = 0
        self._table = snapshots(stamp.resource)
        self._rows = RowsFile(self.rows_file, self._table)
        self._rejected = pq.ParquetWriter(self.rejected_file, _REJECTED_SCHEMA)

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish()
        self._folder.cleanup()

    def add(self, table: pa.Table, scopes: pa.Array, remote_data: pa.Array | None = None) -> None:
        """Rows as the mapper gives them (model columns), the scope of each, and the provider's own records as text."""
        model = table.select(arrow_schema(self.stamp.resource).names)
        derived = {
            "scope": scopes,
            "row_hash": row_hashes(model, self.stamp.connection_id),
            "remote_data": remote_data if remote_data is not None else pa.nulls(len(scopes), pa.string()),
        }
        self._rows.add(model, derived | self._constants(len(scopes)))
        self.rows += table.num_rows

    def _constants(self, length: int) -> dict[str, pa.Array]:
        stamp = self.stamp
        values: dict[str, Any] = {
            "connection_id": stamp.connection_id,
            "provider": stamp.provider,
            "mapping_digest": stamp.mapping_digest,
            "valid_from": stamp.valid_from,
            "first_seen_at": stamp.valid_from,
            "valid_to": None,
            "deleted_at": None,
            "_dlt_load_id": stamp.load_id,
        }
        types = {column.name: column.type for column in self._table.columns}
        return {name: pa.repeat(pa.scalar(value, types[name]), length) for name, value in values.items()}

    def reject(self, rejections: Iterable[RejectedRow]) -> None:
        """Rejections of this reading."""
        rows = [self._rejection(rejection) for rejection in rejections]
        self._rejected.write_table(pa.Table.from_pylist(rows, schema=_REJECTED_SCHEMA))
        self.rejected += len(rows)

    def _rejection(self, rejected: RejectedRow) -> dict[str, Any]:
        stamp = self.stamp
        subject = rejected.record_id or rejected.place
        parts = (
            stamp.connection_id,
            stamp.resource.name,
            rejected.scope,
            subject,
            rejected.field,
            rejected.code,
        )
        return {
            "rejection_key": hashlib.blake2b(
                "\x1f".join(map(str, parts)).encode(), digest_size=16
            ).hexdigest(),
            "connection_id": stamp.connection_id,
            "provider": stamp.provider,
            "resource": stamp.resource.name,
            "scope": rejected.scope,
            "record_id": rejected.record_id,
            "field": rejected.field,
            "code": rejected.code,
            "reason": rejected.reason,
            "mapping_digest": stamp.mapping_digest,
            "run_id": stamp.run_id,
            "rejected_at": stamp.valid_from,
            "_dlt_load_id": stamp.load_id,
            "whole": rejected.whole,
        }

    def finish(self) -> None:
        """Closes the files, so that they can be read, and gives back what reading took; safe to call again."""
        self._rows.close()
        self._rejected.close()
        memory.give_back()


_REJECTED_SCHEMA = REJECTED_RECORDS.arrow_schema.append(pa.field("whole", pa.bool_()))
