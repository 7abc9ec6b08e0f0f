"""What of a resource a reading takes: everything, what a filter selects, what has changed, or some parents."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sources.unified_lms.manifest import Filter
from sources.unified_lms.parents import ParentCache, Range


@dataclass(frozen=True)
class Selection:
    """What of a resource is to be read; by default everything."""

    args: dict[str, Any] = field(default_factory=dict)
    """Further variables of the endpoint, from filters."""
    parent: str | None = None
    """The one parent to read under."""
    lookup: Filter | None = None
    """The filter whose own call finds what is to be read."""
    between: Range | None = None
    """The parents to read under, each of them whole."""
    parents: ParentCache | None = field(default=None, compare=False)
    """Parents that were listed before."""
    after: str | None = None
    """Where a rotation over the parents goes on: after the parent with this id."""
    since: datetime | None = None
    """Only what has changed from this instant on, as far as the provider can tell."""
    until: datetime | None = None
    """Only what has changed before this instant."""
    raw: bool = False
    """Whether the provider's own records are wanted beside the mapped ones."""

    @property
    def filtered(self) -> bool:
        """Whether records are left out that exist, so that one that is not read has not vanished."""
        return bool(self.args) or self.parent is not None or self.windowed

    def takes(self, parent: str) -> bool:
        """Whether a parent is to be read under."""
        return (
            parent == self.parent
            if self.parent is not None
            else self.between is None or parent in self.between
        )

    @property
    def windowed(self) -> bool:
        """Whether changes are asked for."""
        return self.since is not None or self.until is not None
