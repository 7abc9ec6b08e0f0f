"""Comparing a reading with the warehouse: which versions open, which close, and whether that can be believed.

Only versions that open or close travel to the warehouse (docs/adr/0001): new ones as they were read, closed ones as the
whole old row with its `valid_to`, both keyed by (connection_id, id, valid_from), so that loading them twice changes
nothing. The comparison is done by an in-process DuckDB that spills to the spool's folder; its cost is linear.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from sources.unified_lms.errors import DeletionsRefused
from sources.unified_lms.spool import Spool
from sources.unified_lms.tables import snapshots

_WRITING = "256MB"
"""Memory for putting whole rows of versions together, which 64 MB were not enough for at a million records."""
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
FetchVersions = Callable[[Sequence[str]], Iterable[pa.Table]]
"""Gives the current versions, all columns, of the records with the given ids, in batches."""


class Comparison:
    """The comparison of one finished spool with the warehouse."""

    def __init__(self, spool: Spool, read: Read, *, memory: str = "64MB") -> None:
        self._spool = spool
        self._read = read
        self._columns = ", ".join(f'"{name}"' for name in snapshots(spool.stamp.resource).column_names)
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
        self._load_closing(versions)
        return Changes(changes.new, changed, retired, self._copy(), changes.rows)

    def _is_first_load(self, opening: int) -> bool:
        """Whether the spool can go as it is: every spooled row opens a version, and none was ever seen before."""
        return opening == self._spool.rows and self._count("present") == (0,)

    def _load_closing(self, versions: FetchVersions) -> None:
        """`closing`: the current versions of changed and vanished records, as the warehouse has them."""
        self._db.execute(f"set memory_limit = '{_WRITING}'")
        self._db.execute(
            "create table closing_ids as select id from opening where changed union all select id from vanished"
        )
        self._db.execute("create table closing as select * exclude (place) from spooled limit 0")
        ids = [row[0] for row in self._db.execute("select id from closing_ids order by id").fetchall()]
        for batch in versions(ids) if ids else ():
            self._insert("closing", batch)

    def _copy(self) -> Path:
        file = self._spool.path / "versions.parquet"
        self._db.execute(
            f"copy ({self._versions_query()}) to '{file}' (format parquet, row_group_size_bytes '8MB')"
        )
        return file

    def _versions_query(self) -> str:
        start = f"timestamptz '{self._spool.stamp.valid_from.isoformat()}'"
        seen = (
            "select id, min(first_seen_at) as first_seen_at from present "
            "where id in (select id from opening) group by id"
        )
        load_id = self._spool.stamp.load_id
        return (
            f"select {self._columns} from (select s.* exclude (place) replace "
            "(coalesce(p.first_seen_at, s.first_seen_at) as first_seen_at) "
            f"from spooled s join opening o on o.place = s.place left join ({seen}) p on p.id = s.id) "
            f"union all by name select {self._columns} from (select * replace ({start} as valid_to, "
            f"case when id in (from vanished) then {start} end as deleted_at, "
            f"'{load_id}' as _dlt_load_id) from closing)"
        )
