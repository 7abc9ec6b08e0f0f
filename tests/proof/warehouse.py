"""A warehouse as a history: the snapshot table read and taken apart, and what must hold of it whatever happened."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import orjson

from mappings.model import RESOURCES
from mappings.schemas import columns
from tests.contract.harness import readable
from tests.proof.history import History, Version

Query = Callable[[str], list[dict[str, Any]]]
"""Rows of a query over the dataset; none where a table is not there yet."""


def history_of(query: Query, table: str, resource: str) -> History:
    """The snapshot table called `table` as a history. Raises AssertionError where it is none: see `_check`."""
    versions: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in query(f"select * from {table} order by id, valid_from"):
        versions[row["id"]].append(row)
    for key, rows in versions.items():
        _check(key, rows)
    return History({key: tuple(_version(resource, row) for row in rows) for key, rows in versions.items()})


def _version(resource: str, row: dict[str, Any]) -> Version:
    told = readable(
        resource, {column.name: _plain(row[column.name]) for column in columns(RESOURCES[resource])}
    )
    ended = "vanished" if row["deleted_at"] else "replaced" if row["valid_to"] else None
    return Version(told, row["scope"], ended)


def _plain(value: Any) -> Any:
    """The value as DuckDB gives it: psycopg2 has read JSON, and gives instants in the session's zone."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return orjson.dumps(value).decode() if isinstance(value, (dict, list)) else value


def _check(key: str, rows: list[dict[str, Any]]) -> None:
    """At most one version is current, the last; each begins where the one before it ended, or later if it had gone."""
    assert all(row["valid_to"] is not None for row in rows[:-1]), f"{key} has a version after a current one"
    for row in rows:
        assert row["first_seen_at"] == rows[0]["valid_from"], (
            f"{key} was first seen at another time than it began"
        )
        assert row["valid_to"] is None or row["valid_to"] > row["valid_from"], f"{key} ended before it began"
        assert row["deleted_at"] in (None, row["valid_to"]), f"{key} vanished at another time than it ended"
    for before, after in pairwise(rows):
        if before["deleted_at"] is None:
            assert before["valid_to"] == after["valid_from"], f"{key} has a gap though it never vanished"
        else:
            assert before["valid_to"] <= after["valid_from"], f"{key} came back before it had gone"
