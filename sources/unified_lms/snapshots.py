"""Comparing a reading with the warehouse: which versions open, which close, and whether that can be believed.

Only versions that open or close travel to the warehouse (docs/adr/0001): new ones as they were read, closed ones as the
whole old row with its `valid_to`, both keyed by (connection_id, id, valid_from), so that loading them twice changes
nothing. The comparison is done by an in-process DuckDB that spills to the spool's folder; its cost is linear.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mappings.schemas import TIMESTAMP
from sources.unified_lms.errors import DeletionsRefused
from sources.unified_lms.memory import give_back
from sources.unified_lms.spool import RowsFile, Spool
from sources.unified_lms.tables import snapshots

STATE_COLUMNS = ("id", "row_hash", "scope", "valid_from", "valid_to", "first_seen_at")
"""What the comparison needs of each record's current version, or of its last one if the record has vanished."""


@dataclass(frozen=True)
class Read:
    """What a reading covered, which decides what it may retire."""

    whole: bool
    """Everything the connection has of the resource was read, and this can be told."""
    scopes: Sequence[str] = ()
    """The scopes that were read whole."""
    parents: Sequence[str] | None = None
    """Every scope that exists, where the list of parents was read whole: others have vanished with their parents."""
    deleted: Sequence[str] = ()
    """Records that the provider itself says it has deleted; it is believed, whatever else was read."""


@dataclass(frozen=True)
class Changes:
    """What a reading changes: counts, and the file of versions to load (None when there is nothing to load)."""

    new: int
    changed: int
    retired: int
    file: Path | None
    rows: int


FetchState = Callable[[], Iterable[pa.Table]]
"""Gives the connection's `STATE_COLUMNS` of a resource, in batches."""
FetchVersions = Callable[[pa.StringArray], Iterable[pa.Table]]
"""Gives the current versions, all columns, of the records with the given ids, in batches."""


class Comparison:
    """The comparison of one finished spool with the warehouse."""

    def __init__(self, spool: Spool, read: Read, *, memory: str = "64MB") -> None:
        self._spool = spool
        self._read = read
        self._db = duckdb.connect(
            config={"memory_limit": memory, "threads": 2, "temp_directory": str(spool.path)}
        )
        self._db.execute("set preserve_insertion_order = false; set timezone = 'UTC'")

    def run(self, state: FetchState, versions: FetchVersions, *, allow_deletions: bool = False) -> Changes:
        """The changes; raises `DeletionsRefused` when the reading would retire more than half of what it covered."""
        try:
            self._load_state(state)
            self._load_reading()
            self._decide()
            self._guard(allow_deletions)
            return self._write(versions)
        finally:
            self._db.close()
            give_back()

    def _load_state(self, state: FetchState) -> None:
        self._db.execute(
            "create table present (id varchar, row_hash varchar, scope varchar, valid_from timestamptz, "
            "valid_to timestamptz, first_seen_at timestamptz)"
        )
        for batch in state():
            self._insert("present", batch.select(STATE_COLUMNS))

    def _insert(self, name: str, rows: pa.Table) -> None:
        self._db.register("incoming", rows)
        self._db.execute(f"insert into {name} by name select * from incoming")
        self._db.unregister("incoming")

    def _load_reading(self) -> None:
        """`fresh`: the last reading of each id, with its place in the spool; a page that shifts repeats records."""
        self._db.execute(
            f"create view spooled as select *, file_row_number as place "
            f"from read_parquet('{self._spool.rows_file}', file_row_number = true)"
        )
        self._db.execute(
            "create table fresh as select id, max_by(row_hash, place) as row_hash, max_by(scope, place) as scope, "
            "max(place) as place from spooled group by id"
        )
        for name, column, values in (
            ("scopes", "scope", self._read.scopes),
            ("parents", "scope", self._read.parents or ()),
            ("reported", "id", self._read.deleted),
        ):
            self._db.execute(f"create table {name} ({column} varchar)")
            self._insert(name, pa.table({column: pa.array(values, pa.string())}))

    def _decide(self) -> None:
        start = self._spool.stamp.valid_from
        # A record read earlier never replaces one read later: versions that opened or closed since are left alone.
        self._db.execute(
            "create table later as select id from present where valid_from >= $start or valid_to > $start",
            {"start": start},
        )
        self._db.execute(
            "create table current_rows as select * from present where valid_to is null and id not in (from later)"
        )
        self._db.execute(
            "create table opening as select f.id, f.place, c.id is not null as changed from fresh f "
            "left join current_rows c on c.id = f.id where f.id not in (from later) "
            "and (c.id is null or c.row_hash != f.row_hash or c.scope is distinct from f.scope)"
        )
        self._db.execute(
            "create table covered as select * from current_rows c "
            f"where id not in (from reported) and ({self._covered_condition()})"
        )
        self._db.execute(
            "create table missing as select id from covered where id not in (select id from fresh) and id not in "
            f"(select record_id from read_parquet('{self._spool.rejected_file}') "
            "where record_id is not null and whole)"
        )
        self._db.execute(
            "create table vanished as select id from missing union all select id from current_rows "
            "where id in (from reported) and id not in (select id from fresh)"
        )

    def _covered_condition(self) -> str:
        """Which current rows the reading covered, so that their absence says something."""
        if self._read.whole:
            return "true"
        gone = "or c.scope not in (from parents)" if self._read.parents is not None else ""
        return f"c.scope in (from scopes) {gone}"

    def _guard(self, allow_deletions: bool) -> None:
        [covered], [missing] = self._count("covered"), self._count("missing")
        several = self._read.whole or len(self._read.scopes) > 1
        if missing * 2 > covered and several and not allow_deletions:
            raise DeletionsRefused(
                self._spool.stamp.connection_id, self._spool.stamp.resource.name, missing, covered
            )

    def _count(self, table: str, condition: str = "true") -> tuple[int]:
        found = self._db.execute(f"select count(*) from {table} where {condition}").fetchone()
        return (int(found[0]) if found else 0,)

    def _write(self, versions: FetchVersions) -> Changes:
        [opening], [changed], [retired] = (
            self._count("opening"), self._count("opening", "changed"), self._count("vanished")
        )  # fmt: skip
        changes = Changes(opening - changed, changed, retired, None, opening + changed + retired)
        if not changes.rows:
            return changes
        if self._is_first_load(opening):
            return Changes(opening, 0, 0, self._spool.rows_file, opening)
        file = self._spool.path / "versions.parquet"
        with closing(RowsFile(file, snapshots(self._spool.stamp.resource))) as versions_file:
            self._write_opening(versions_file)
            self._write_closing(versions_file, versions)
        return Changes(changes.new, changed, retired, file, changes.rows)

    def _is_first_load(self, opening: int) -> bool:
        """Whether the spool can go as it is: every spooled row opens a version, and none was ever seen before."""
        return opening == self._spool.rows and self._count("present") == (0,)

    def _write_opening(self, file: RowsFile) -> None:
        """Writes the spooled rows that open a version, each as first seen when its record was.

        A row group at a time: DuckDB needs 256 MB to look up 20,000 whole rows among a million.
        """
        opening = self._table(
            "select o.place, coalesce(min(p.first_seen_at), $start) as first_seen_at from opening o "
            "left join present p on p.id = o.id group by o.place order by o.place",
            start=self._spool.stamp.valid_from,
        )
        place, begin = pc.field("place"), 0
        with pq.ParquetFile(self._spool.rows_file) as spooled:
            for number in range(spooled.num_row_groups):
                end = begin + spooled.metadata.row_group(number).num_rows
                if here := opening.filter((place >= begin) & (place < end)):
                    rows = spooled.read_row_group(number).take(pc.subtract(here["place"], begin))
                    file.add(rows, {"first_seen_at": here["first_seen_at"]})
                    give_back()
                begin = end

    def _write_closing(self, file: RowsFile, versions: FetchVersions) -> None:
        """Writes the current versions of changed and vanished records, as the warehouse has them, with their end."""
        closing_ids = self._ids(
            "select id from opening where changed union all select id from vanished order by id"
        )
        vanished = self._ids("select id from vanished")
        self._db.close()
        give_back()  # before the warehouse takes its part
        stamp = self._spool.stamp
        start, load_id = pa.scalar(stamp.valid_from, TIMESTAMP), pa.scalar(stamp.load_id)
        for batch in versions(closing_ids) if len(closing_ids) else ():
            gone = pc.is_in(batch["id"], vanished)
            ends = {
                "valid_to": pa.repeat(start, len(batch)),
                "deleted_at": pc.if_else(gone, start, pa.scalar(None, TIMESTAMP)),
                "_dlt_load_id": pa.repeat(load_id, len(batch)),
            }
            file.add(batch, ends)

    def _ids(self, sql: str) -> pa.StringArray:
        return self._table(sql)["id"].cast(pa.string()).combine_chunks()

    def _table(self, sql: str, **values: Any) -> pa.Table:
        with self._db.cursor() as cursor:
            return cursor.sql(sql, params=values).to_arrow_table()
