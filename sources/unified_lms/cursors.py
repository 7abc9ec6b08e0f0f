"""Where a connection's reading of a resource goes on: one row of `cursors`, loaded with the data that it speaks of.

A row counts only once its whole load is in the warehouse (dlt notes a load's end in `_dlt_loads`), so that a cursor
never runs ahead of the data, whichever worker goes on.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson

from mappings.library import Mapping
from sources.unified_lms.connection import Connection

STATE = ("position", "full_at", "rotation_after", "digest")
"""The columns that make a `Cursor`."""


@dataclass(frozen=True)
class Cursor:
    """What earlier runs of a resource came to; all null before the first."""

    position: datetime | None = None
    """When the last run began that left nothing out: changes since then are not in the warehouse."""
    full_at: datetime | None = None
    """When the last run began that read everything."""
    rotation_after: str | None = None
    """The parent after which a rotation goes on."""
    digest: str | None = None
    """The `reading_digest` under which all of this came to be."""

    def under(self, digest: str) -> Cursor:
        """The cursor as far as it holds under a digest: not at all under another than its own."""
        return self if self.digest == digest else Cursor(digest=digest)

    def after_run(self, began: datetime, *, full: bool) -> Cursor:
        """The cursor after a run that left nothing out; it never goes back."""
        position = max(filter(None, (self.position, began)))
        full_at = max(filter(None, (self.full_at, began))) if full else self.full_at
        return replace(self, position=position, full_at=full_at, rotation_after=None)

    def stopped_after(self, parent: str | None) -> Cursor:
        """The cursor after a run that stopped after a parent, or before the first."""
        return replace(self, rotation_after=parent)

    def row(self, connection: Connection, resource: str, run_id: str) -> dict[str, Any]:
        """The row of `cursors`."""
        key = {"connection_id": connection.name, "resource": resource, "provider": connection.provider}
        return key | {name: getattr(self, name) for name in STATE} | {"run_id": run_id}


def reading_digest(mapping: Mapping, connection: Connection) -> str:
    """The digest of all that decides what a record becomes: the mapping in force and the connection's settings."""
    settings = orjson.dumps(dict(connection.settings), option=orjson.OPT_SORT_KEYS, default=str)
    return hashlib.blake2b(mapping.digest.encode() + b"\x1f" + settings, digest_size=16).hexdigest()
