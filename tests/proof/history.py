"""What the tables must say after any readings, written down again from the design and sharing no code with the product.

A history is a list of versions for each record. A reading of a resource says what the provider had, what it was read
under, and what of it was read whole; `History.read` says what becomes of the versions then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class Seen:
    """One reading: the rows by id, the scope of each, and what was covered.

    `whole` says that everything was read; `scopes` were read whole, `parents` are all scopes that exist (None: the
    resource has none).
    """

    rows: Mapping[str, Row]
    scope_of: Mapping[str, str]
    whole: bool
    scopes: frozenset[str] = frozenset()
    parents: frozenset[str] | None = None

    def without(self, scope: str) -> Seen:
        """The same reading when one parent could not be read."""
        kept = {key: row for key, row in self.rows.items() if self.scope_of[key] != scope}
        return replace(self, rows=kept, whole=False, scopes=self.scopes - {scope})


@dataclass(frozen=True)
class Version:
    """A version: what the provider said, what it was read under, and how it ended."""

    row: Row
    scope: str
    ended: str | None = None
    """None: current; `replaced` or `vanished`."""


@dataclass(frozen=True)
class History:
    """The versions of every record of one resource, oldest first."""

    versions: Mapping[str, tuple[Version, ...]] = field(default_factory=dict)

    @property
    def current(self) -> dict[str, Version]:
        """The current version of each record that has one."""
        last = {key: versions[-1] for key, versions in self.versions.items()}
        return {key: version for key, version in last.items() if version.ended is None}

    def read(self, seen: Seen) -> History:
        """The history after a reading; the same one where so much would vanish that it cannot be believed."""
        covered = {key for key, version in self.current.items() if _covers(seen, version.scope)}
        vanished = covered - seen.rows.keys()
        several = seen.whole or len(seen.scopes) > 1
        if several and len(vanished) * 2 > len(covered):
            return self
        after = dict(self.versions)
        for key in vanished:
            after[key] = _ended(after[key], "vanished")
        for key, row in seen.rows.items():
            after[key] = _told(after.get(key, ()), row, seen.scope_of[key])
        return History(after)


def _covers(seen: Seen, scope: str) -> bool:
    gone = seen.parents is not None and scope not in seen.parents
    return seen.whole or scope in seen.scopes or gone


def _ended(versions: tuple[Version, ...], how: str) -> tuple[Version, ...]:
    return (*versions[:-1], replace(versions[-1], ended=how))


def _told(versions: tuple[Version, ...], row: Row, scope: str) -> tuple[Version, ...]:
    """The versions of a record after it was read: one more where what is told has changed, or it is there again."""
    if versions and versions[-1].ended is None:
        if versions[-1].row == row and versions[-1].scope == scope:
            return versions
        versions = _ended(versions, "replaced")
    return (*versions, Version(row, scope))
