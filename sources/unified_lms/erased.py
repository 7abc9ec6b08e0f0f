"""Tombstones: persons who were erased and whom no reading brings back (docs/adr/0016-erasing-a-person.md).

The warehouse keeps of an erased person a keyed hash of the id. The key is the connection's `hash_key` where it has one,
which alone keeps somebody who can read the warehouse from trying ids; without it a random salt stands beside the hash.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
from dlt.common.destination.exceptions import DestinationUndefinedEntity

from mappings.model import Resource
from sources.unified_lms.connection import Connection
from sources.unified_lms.errors import TombstonesUnreadable
from sources.unified_lms.manifest import Manifest
from sources.unified_lms.privacy import PERSONS
from sources.unified_lms.tables import TOMBSTONES

if TYPE_CHECKING:
    from sources.unified_lms.reader import ReadBatch
    from sources.unified_lms.spool import RejectedRow
    from sources.unified_lms.warehouse import OpenClient

_COLUMNS = ("digest", "salt", "key_check")


def tombstone(person: str, salt: str, hash_key: str | None) -> str:
    """The keyed hash of a person's id, in 64 hexadecimal digits."""
    return hmac.new(f"{hash_key or ''}/{salt}".encode(), person.encode(), hashlib.sha256).hexdigest()


def key_check(hash_key: str | None) -> str | None:
    """What tells whether a key is the one that a tombstone was made with; None for none."""
    return None if hash_key is None else tombstone("unified_lms key check", "", hash_key)[:16]


@dataclass(frozen=True)
class Erased:
    """The erased persons of a connection; by default none."""

    digests: frozenset[str] = frozenset()
    salts: tuple[tuple[str, str | None], ...] = ()
    """The pairs of salt and key that the digests were made with."""
    scopes_are_users: bool = False
    """Whether enrolments are read under each user, so that their scope is a user's id."""

    def __bool__(self) -> bool:
        return bool(self.digests)

    def holds(self, person: str | None) -> bool:
        """Whether a person was erased."""
        return person is not None and any(
            tombstone(person, salt, key) in self.digests for salt, key in self.salts
        )

    def without_erased(self, batch: ReadBatch, resource: Resource) -> ReadBatch:
        """A batch without the records and rejections of erased persons, nor their names in those of others."""
        if not self:
            return batch
        kept = pc.invert(self._erased(batch.table, "id" if resource.name == "users" else "user__id"))
        table, raw = batch.table.filter(kept), None if batch.raw is None else batch.raw.filter(kept)
        for person in PERSONS:
            named = self._erased(table, f"{person}__id")
            table = without_person(table, named, person)
            raw = None if raw is None else pc.if_else(named, pa.scalar(None, pa.string()), raw)
        rejections = [one for one in batch.rejections if not self._concerns(one, resource.name)]
        return replace(batch, table=table, scopes=batch.scopes.filter(kept), raw=raw, rejections=rejections)

    def _erased(self, table: pa.Table, column: str) -> pa.Array:
        """For each row whether the person in a column was erased."""
        if column not in table.column_names:
            return pa.repeat(pa.scalar(False), table.num_rows)
        people = table[column].combine_chunks()
        erased = [one for one in pc.unique(people).to_pylist() if self.holds(one)]
        return pc.is_in(people, pa.array(erased, pa.string()))

    def _concerns(self, rejected: RejectedRow, resource: str) -> bool:
        if resource == "course_enrollments":
            by_user = self.scopes_are_users and self.holds(rejected.scope)
            return by_user or self.holds(user_of(rejected.record_id))
        return resource == "users" and self.holds(rejected.record_id)


def without_person(table: pa.Table, named: pa.Array, person: str) -> pa.Table:
    """The table with the columns of a ref to a person null in the rows that are marked."""
    for index, name in enumerate(table.column_names):
        if name.startswith(f"{person}__"):
            values = table[name].combine_chunks()
            kept = pc.if_else(named, pa.scalar(None, values.type), values)
            table = table.set_column(index, table.schema.field(index), kept)
    return table


def user_of(record_id: str | None) -> str | None:
    """The user in an enrolment's id made of several parts, `{course}:{user}`; None in one of the provider's own."""
    parts = (record_id or "").split(":")
    return unquote(parts[1]) if len(parts) > 1 else None


def read_erased(open_client: OpenClient | None, connection: Connection, manifest: Manifest) -> Erased:
    """The connection's tombstones in the warehouse; raises `TombstonesUnreadable` where they need another key."""
    if open_client is None:
        return Erased()
    key = connection.privacy.hash_key
    rows = _rows(open_client, connection.name)
    for _, _, check in rows:
        if check is not None and check != key_check(key):
            raise TombstonesUnreadable(connection.name)
    salts = {(salt, key if check is not None else None) for _, salt, check in rows}
    digests = frozenset(digest for digest, _, _ in rows)
    return Erased(digests, tuple(sorted(salts, key=str)), enrolments_by_user(manifest))


def enrolments_by_user(manifest: Manifest) -> bool:
    """Whether a provider's enrolments are read under each of its users."""
    spec = manifest.resources.get("course_enrollments")
    return spec is not None and any(read.parents and read.parents.resource == "users" for read in spec.read)


def _rows(open_client: OpenClient, connection_id: str) -> list[tuple[Any, ...]]:
    with open_client() as client:
        listed = ", ".join(map(client.escape_column_name, _COLUMNS))
        sql = (
            f"select {listed} from {client.make_qualified_table_name(TOMBSTONES.name)} "
            f"where {client.escape_column_name('connection_id')} = %s"
        )
        try:
            return [tuple(row) for row in client.execute_sql(sql, connection_id) or []]
        except DestinationUndefinedEntity:
            return []
