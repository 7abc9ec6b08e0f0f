"""What a run reads: when it asks for changes, and from when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sources.unified_lms.connection import Rhythm
from sources.unified_lms.cursors import Cursor
from sources.unified_lms.errors import ConfigurationError
from sources.unified_lms.manifest import Manifest
from sources.unified_lms.plan import Plan, plan_run
from sources.unified_lms.selection import Selection
from tests.unit.sources.conftest import manifest_of

NOW = datetime(2026, 3, 8, 12, tzinfo=UTC)
CURSOR = Cursor(position=NOW - timedelta(hours=2), full_at=NOW - timedelta(days=3), digest="d")
FILTERED = """
settings: {new_api: {title: New API, type: boolean, default: true}}
endpoints: {users: {path: /users, query: {since: "{args.since}"}}}
resources:
  users:
    read: [{endpoint: users}]
    filters: {"organization[id]": {args: {since: value}}}
    changed: {when: settings.new_api, since: {since: value}}
"""
UNFILTERED = "endpoints: {users: {path: /users}}"


def plan(
    cursor: Cursor, manifest: Manifest | None = None, *, rhythm: Rhythm | None = None, new_api: bool = True
) -> Plan:
    """The plan of a run of the users."""
    found = manifest or manifest_of(FILTERED)
    return plan_run(found, "users", {"new_api": new_api}, cursor=cursor, rhythm=rhythm or Rhythm(), now=NOW)


def test_changes_from_the_cursor_less_the_overlap() -> None:
    """An hour before the last run began, unless the connection says otherwise."""
    assert plan(CURSOR) == Plan("incremental", Selection(since=NOW - timedelta(hours=3)), position=True)
    longer = Rhythm(overlap=timedelta(hours=10))
    assert plan(CURSOR, rhythm=longer).selection.since == NOW - timedelta(hours=12)


@pytest.mark.parametrize(
    "cursor",
    [
        Cursor(),
        Cursor(position=CURSOR.position, full_at=None, digest="d"),
        Cursor(position=CURSOR.position, full_at=NOW - timedelta(days=7), digest="d"),
    ],
    ids=["never read", "never read whole", "whole a week ago"],
)
def test_everything_is_read_when_it_is_due(cursor: Cursor) -> None:
    """Without a whole reading of the last seven days the run is a whole one."""
    assert plan(cursor) == Plan("full", Selection(), position=True)


def test_everything_is_read_where_changes_cannot_be_asked_for() -> None:
    """Where the provider, or this connection, has no filter, every run is whole and has no position."""
    assert plan(CURSOR, manifest_of(UNFILTERED)) == Plan("full", Selection())
    assert plan(CURSOR, new_api=False) == Plan("full", Selection())


def test_cursor_of_another_digest_does_not_hold() -> None:
    """Under another mapping nothing of what was read before counts."""
    assert CURSOR.under("d") == CURSOR
    assert CURSOR.under("another") == Cursor(digest="another")


def test_cursor_never_goes_back() -> None:
    """A slow run that began before another one has ended leaves the cursor where that one put it."""
    earlier = NOW - timedelta(days=1)
    assert CURSOR.after_run(earlier, full=True) == Cursor(CURSOR.position, earlier, None, "d")
    assert CURSOR.after_run(NOW, full=False) == Cursor(NOW, CURSOR.full_at, None, "d")


def test_filter_reads_a_part_and_moves_nothing() -> None:
    """A run with a filter is no run that the next one could go on from."""
    found = plan_run(
        manifest_of(FILTERED),
        "users",
        {},
        cursor=CURSOR,
        rhythm=Rhythm(),
        now=NOW,
        filters={"organization[id]": "7"},
    )
    assert (found.mode, found.selection.args, found.moves_cursor) == ("filtered", {"since": "7"}, False)
    assert found.selection.filtered


def test_filter_that_the_provider_lacks_is_refused() -> None:
    """A filter is never silently ignored."""
    with pytest.raises(ConfigurationError, match="cannot filter users by 'status'"):
        plan_run(
            manifest_of(UNFILTERED),
            "users",
            {},
            cursor=CURSOR,
            rhythm=Rhythm(),
            now=NOW,
            filters={"status": "x"},
        )
