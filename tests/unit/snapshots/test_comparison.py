"""Comparing a reading with the warehouse, on a warehouse of plain lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mappings.mapper import Mapper, Page
from mappings.model import USERS
from mappings.rows import canonical_json
from sources.unified_lms.errors import DeletionsRefused
from sources.unified_lms.snapshots import STATE_COLUMNS, Changes, Comparison, Read
from sources.unified_lms.spool import RejectedRow, Spool, Stamp
from sources.unified_lms.tables import snapshots

TABLE = snapshots(USERS)
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WHOLE = Read(whole=True)
Key = tuple[str, datetime]


@dataclass
class PlainWarehouse:
    """A snapshot table as a dictionary by key, merged into as dlt's delete-insert does."""

    rows: dict[Key, dict[str, Any]] = field(default_factory=dict)

    def state(self) -> Iterator[pa.Table]:
        """The state of each record."""
        found = [
            row for row in self.rows.values() if row["valid_to"] is None or row["deleted_at"] is not None
        ]
        yield pa.Table.from_pylist(found, schema=TABLE.arrow_schema).select(STATE_COLUMNS)

    def versions(self, ids: pa.StringArray) -> Iterable[pa.Table]:
        """The current versions of some records."""
        wanted = ids.to_pylist()
        found = [row for row in self.rows.values() if row["valid_to"] is None and row["id"] in wanted]
        yield pa.Table.from_pylist(found, schema=TABLE.arrow_schema)

    def merge(self, changes: Changes) -> None:
        """Rows replace rows of the same key."""
        if changes.file is not None:
            for row in pq.read_table(changes.file).to_pylist():
                self.rows[row["id"], row["valid_from"]] = row

    def history(self, identifier: str) -> list[tuple[str | None, int | None, int | None, bool]]:
        """A record's versions in order: first name, begin and end (hours after START), whether it vanished then."""
        rows = sorted(
            (row for row in self.rows.values() if row["id"] == identifier), key=lambda r: r["valid_from"]
        )
        return [
            (
                row["first_name"],
                hours(row["valid_from"]),
                hours(row["valid_to"]),
                row["deleted_at"] is not None,
            )
            for row in rows
        ]


def hours(instant: datetime | None) -> int | None:
    """Hours after START."""
    return None if instant is None else int((instant - START) / timedelta(hours=1))


def read(
    warehouse: PlainWarehouse,
    hour: int,
    users: Sequence[tuple[str, str]],
    *,
    covered: Read = WHOLE,
    scopes: Sequence[str] | None = None,
    rejected: Sequence[str] = (),
    allow_deletions: bool = False,
) -> Changes:
    """A reading at an hour that gave users (id, first name), compared and merged."""
    stamp = Stamp(
        "acme", "talentlms", USERS, f"run{hour}", "digest", START + timedelta(hours=hour), f"load{hour}"
    )
    mapper = Mapper(USERS, "record")
    page = Page(canonical_json([{"id": identifier, "first_name": name} for identifier, name in users]))
    table = mapper.tabulate([mapper.map_page(page)]).table
    with Spool(stamp) as spool:
        spool.add(table, pa.array(scopes or ["*"] * len(users), pa.string()))
        spool.reject([RejectedRow("*", i, None, "mapping_failed", "odd", True) for i in rejected])
        spool.finish()
        comparison = Comparison(spool, covered)
        changes = comparison.run(warehouse.state, warehouse.versions, allow_deletions=allow_deletions)
        warehouse.merge(changes)
    return changes


def counts(changes: Changes) -> tuple[int, int, int]:
    """New, changed, retired."""
    return changes.new, changes.changed, changes.retired


@pytest.fixture
def warehouse() -> PlainWarehouse:
    """A warehouse after a first reading of three users."""
    found = PlainWarehouse()
    read(found, 0, [("1", "Ada"), ("2", "Grace"), ("3", "Mary")])
    return found


def test_first_reading_opens_a_version_of_each(warehouse: PlainWarehouse) -> None:
    """Everything is new at first."""
    assert warehouse.history("1") == [("Ada", 0, None, False)]
    assert len(warehouse.rows) == 3


def test_unchanged_records_make_no_version(warehouse: PlainWarehouse) -> None:
    """A second reading of the same opens and closes nothing, and has nothing to load."""
    changes = read(warehouse, 1, [("1", "Ada"), ("2", "Grace"), ("3", "Mary")])
    assert (counts(changes), changes.file) == ((0, 0, 0), None)


def test_changed_record_closes_one_version_and_opens_another(warehouse: PlainWarehouse) -> None:
    """The old version ends when the reading began that found the new one."""
    changes = read(warehouse, 1, [("1", "Ada Maria"), ("2", "Grace"), ("3", "Mary")])
    assert counts(changes) == (0, 1, 0)
    assert warehouse.history("1") == [("Ada", 0, 1, False), ("Ada Maria", 1, None, False)]


def test_vanished_record_is_retired(warehouse: PlainWarehouse) -> None:
    """A record missing from a whole reading ends, and says that it vanished."""
    changes = read(warehouse, 1, [("1", "Ada"), ("2", "Grace")])
    assert counts(changes) == (0, 0, 1)
    assert warehouse.history("3") == [("Mary", 0, 1, True)]


def test_record_that_comes_back_opens_a_new_version(warehouse: PlainWarehouse) -> None:
    """A returning record is a new version that remembers when it was first seen."""
    read(warehouse, 1, [("1", "Ada"), ("2", "Grace")])
    changes = read(warehouse, 2, [("1", "Ada"), ("2", "Grace"), ("3", "Mary")])
    assert counts(changes) == (1, 0, 0)
    assert warehouse.history("3") == [("Mary", 0, 1, True), ("Mary", 2, None, False)]
    assert warehouse.rows["3", START + timedelta(hours=2)]["first_seen_at"] == START


def test_changed_record_keeps_when_it_was_first_seen(warehouse: PlainWarehouse) -> None:
    """`first_seen_at` is carried from version to version."""
    read(warehouse, 1, [("1", "Ada Maria"), ("2", "Grace"), ("3", "Mary")])
    assert warehouse.rows["1", START + timedelta(hours=1)]["first_seen_at"] == START


def test_reading_in_part_retires_nothing(warehouse: PlainWarehouse) -> None:
    """What was not read whole says nothing about what is missing."""
    assert counts(read(warehouse, 1, [("1", "Ada")], covered=Read(whole=False))) == (0, 0, 0)


def test_rejected_record_counts_as_present(warehouse: PlainWarehouse) -> None:
    """A record that could not be mapped has not vanished."""
    changes = read(warehouse, 1, [("1", "Ada"), ("2", "Grace")], rejected=["3"])
    assert counts(changes) == (0, 0, 0)


def test_more_than_half_vanished_is_refused(warehouse: PlainWarehouse) -> None:
    """A reading that misses more than half of the rows changes nothing and says what it saw."""
    with pytest.raises(DeletionsRefused, match="2 of 3 current users"):
        read(warehouse, 1, [("1", "Ada Maria")])
    assert warehouse.history("1") == [("Ada", 0, None, False)]


def test_empty_answer_is_refused(warehouse: PlainWarehouse) -> None:
    """An empty answer would retire everything: refused."""
    with pytest.raises(DeletionsRefused):
        read(warehouse, 1, [])


def test_deletions_can_be_allowed(warehouse: PlainWarehouse) -> None:
    """Told to go on, the run retires whatever is missing."""
    assert counts(read(warehouse, 1, [], allow_deletions=True)) == (0, 0, 3)


def test_scope_read_whole_retires_its_own_only() -> None:
    """One course's records may vanish, also the last of them; another course's stay."""
    warehouse = PlainWarehouse()
    read(warehouse, 0, [("1", "Ada"), ("2", "Grace")], scopes=["c1", "c2"])
    changes = read(warehouse, 1, [], covered=Read(whole=False, scopes=["c1"]))
    assert counts(changes) == (0, 0, 1)
    assert warehouse.history("1")[-1][3]
    assert warehouse.history("2") == [("Grace", 0, None, False)]


def test_scope_vanishes_with_its_parent() -> None:
    """Where the list of parents was read whole, what lay under a parent that is gone is retired with it."""
    warehouse = PlainWarehouse()
    read(warehouse, 0, [("1", "Ada"), ("2", "Grace"), ("3", "Mary")], scopes=["c1", "c2", "c3"])
    covered = Read(whole=False, scopes=["c1", "c2"], parents=["c1", "c2"])
    changes = read(warehouse, 1, [("1", "Ada"), ("2", "Grace")], covered=covered, scopes=["c1", "c2"])
    assert counts(changes) == (0, 0, 1)
    assert warehouse.history("3")[-1][3]


def test_scope_that_could_not_be_read_stays() -> None:
    """A parent that exists and could not be read keeps what lies under it."""
    warehouse = PlainWarehouse()
    read(warehouse, 0, [("1", "Ada"), ("2", "Grace")], scopes=["c1", "c2"])
    covered = Read(whole=False, scopes=["c1"], parents=["c1", "c2"])
    assert counts(read(warehouse, 1, [("1", "Ada")], covered=covered, scopes=["c1"])) == (0, 0, 0)


def test_earlier_reading_never_replaces_a_later_one(warehouse: PlainWarehouse) -> None:
    """A slow run that began before another finished does not undo it."""
    read(warehouse, 5, [("1", "Ada Maria"), ("2", "Grace"), ("3", "Mary")])
    changes = read(warehouse, 3, [("1", "Ada the older"), ("2", "Grace"), ("3", "Mary")])
    assert counts(changes) == (0, 0, 0)
    assert warehouse.history("1")[-1] == ("Ada Maria", 5, None, False)


def test_earlier_reading_does_not_bring_back_what_vanished_later(warehouse: PlainWarehouse) -> None:
    """A record retired by a later reading stays retired when an earlier one still had it."""
    read(warehouse, 5, [("1", "Ada"), ("2", "Grace")])
    assert counts(read(warehouse, 3, [("1", "Ada"), ("2", "Grace"), ("3", "Mary")])) == (0, 0, 0)


def test_record_read_twice_is_taken_as_read_last() -> None:
    """A page that shifts under the reader repeats records; the last reading of each counts."""
    warehouse = PlainWarehouse()
    changes = read(warehouse, 0, [("1", "Ada"), ("2", "Grace"), ("1", "Ada Maria")])
    assert counts(changes) == (2, 0, 0)
    assert warehouse.history("1") == [("Ada Maria", 0, None, False)]


def test_loading_twice_changes_nothing(warehouse: PlainWarehouse) -> None:
    """The same versions merged again are the same rows: an interrupted load may be repeated."""
    changes = read(warehouse, 1, [("1", "Ada Maria"), ("2", "Grace"), ("3", "Mary")])
    before = dict(warehouse.rows)
    assert changes.rows == 2
    assert warehouse.rows == before


def test_connections_do_not_share_hashes() -> None:
    """The same record through two connections has two hashes."""
    from sources.unified_lms.hashing import row_hashes

    table = pa.table({"id": ["1"], "first_name": ["Ada"]})
    assert row_hashes(table, "a") != row_hashes(table, "b")


def test_null_columns_leave_no_trace_in_the_hash() -> None:
    """A column added to the model later makes no new version of a record that does not fill it."""
    from sources.unified_lms.hashing import row_hashes

    older = pa.table({"id": ["1"], "first_name": ["Ada"]})
    newer = older.append_column("nickname", pa.nulls(1, pa.string()))
    assert row_hashes(older, "a") == row_hashes(newer, "a")


def test_value_cannot_imitate_another_column() -> None:
    """A value that holds the separator is not the same as two columns."""
    from sources.unified_lms.hashing import row_hashes

    one = pa.table({"a": ["1\x1fb=2"], "b": pa.nulls(1, pa.string())})
    two = pa.table({"a": ["1"], "b": ["2"]})
    assert row_hashes(one, "x") != row_hashes(two, "x")


def test_reported_deletions_are_believed_whatever_was_read(warehouse: PlainWarehouse) -> None:
    """What the provider says it has deleted is retired, also in a reading of a part, and is not guarded."""
    covered = Read(whole=False, deleted=["1", "2", "3", "unknown"])
    assert counts(read(warehouse, 1, [], covered=covered)) == (0, 0, 3)
    assert warehouse.history("2") == [("Grace", 0, 1, True)]


def test_reported_deletions_do_not_hide_a_shrunken_answer(warehouse: PlainWarehouse) -> None:
    """The guard looks at what is missing without a word, among what was not reported."""
    with pytest.raises(DeletionsRefused, match="1 of 1 current users"):
        read(warehouse, 1, [], covered=Read(whole=True, deleted=["1", "2"]))


def test_record_that_is_there_was_not_deleted(warehouse: PlainWarehouse) -> None:
    """Reported deleted and listed in the same reading: it was made again, and stays."""
    covered = Read(whole=False, deleted=["1"])
    assert counts(read(warehouse, 1, [("1", "Ada")], covered=covered)) == (0, 0, 0)


def test_deletion_read_earlier_does_not_end_a_later_version(warehouse: PlainWarehouse) -> None:
    """A slow run that saw a record deleted does not close what a later one read."""
    read(warehouse, 5, [("1", "Ada again"), ("2", "Grace"), ("3", "Mary")])
    assert counts(read(warehouse, 3, [], covered=Read(whole=False, deleted=["1"]))) == (0, 0, 0)
