"""What a run reads of a resource: everything, what has changed, or a part that was asked for (docs/adr/0007)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sources.unified_lms.connection import Rhythm
from sources.unified_lms.cursors import Cursor
from sources.unified_lms.filters import selected
from sources.unified_lms.manifest import Manifest
from sources.unified_lms.selection import Selection
from sources.unified_lms.ways import choose_changed


@dataclass(frozen=True)
class Plan:
    """The mode of a run as `sync_runs` calls it, and what it reads."""

    mode: str
    selection: Selection
    position: bool = False
    """Whether changes can be asked for, so that a cursor's position means something."""

    @property
    def moves_cursor(self) -> bool:
        """Whether the run's end is where the next one goes on: not after a part that was asked for."""
        return self.mode in ("full", "incremental")


def plan_run(
    manifest: Manifest,
    resource: str,
    settings: Mapping[str, Any],
    *,
    cursor: Cursor,
    rhythm: Rhythm,
    now: datetime,
    filters: Mapping[str, str] | None = None,
    part: Selection | None = None,
) -> Plan:
    """The plan of one run; raises `ConfigurationError` for a filter that the provider lacks.

    Changes are asked for from the cursor less the overlap, where the provider can be asked and the last whole reading
    is not too long ago. Without a cursor, or for the first time under a mapping, everything is read.
    """
    if part is not None:
        return Plan("backfill", part)
    if filters:
        args, parent, lookup = selected(manifest, resource, filters, settings)
        return Plan("filtered", Selection(args=args, parent=parent, lookup=lookup))
    can_ask = choose_changed(manifest, resource, settings) is not None
    selection = Selection(after=cursor.rotation_after)
    if can_ask and _recent(cursor, rhythm, now) and cursor.position is not None:
        since = cursor.position - rhythm.overlap
        return Plan("incremental", replace(selection, since=since), position=True)
    return Plan("full", selection, position=can_ask)


def _recent(cursor: Cursor, rhythm: Rhythm, now: datetime) -> bool:
    """Whether everything was read not too long ago."""
    return cursor.full_at is not None and now - cursor.full_at < rhythm.full_every
