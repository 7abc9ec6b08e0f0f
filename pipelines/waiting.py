"""Waiting for what another process has: a DuckDB file, which lets one process in that writes, a lease, a folder.

dlt opens the file for each step of a load and closes it again (`pipelines.mended`), and so do we, so that
processes take turns.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from typing import TypeVar

import dlt
import duckdb

from sources.unified_lms.errors import LmsError, WarehouseBusy

log = logging.getLogger(__name__)

DEFAULT_SECONDS = 600.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5
_FIRST_NEWS, _NEWS = 1.0, 15.0
"""Seconds before the first line that says that we wait, and between it and the next ones."""
_Got = TypeVar("_Got")


class Held(Exception):
    """Somebody else has what was tried for. The message says what we wait for and who has it."""

    def __init__(self, message: str, busy: Callable[[float], LmsError]) -> None:
        super().__init__(message)
        self.busy = busy
        """The error for a user who has waited so many seconds in vain."""


def wait_for(
    attempt: Callable[[], _Got],
    *,
    limit: float | None = None,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> _Got:
    """What `attempt` gives once it no longer raises `Held`.

    Says in the log what it waits for, after a second and then every fifteen. Raises the error of `Held` when that takes
    longer than `limit` seconds, `wait_seconds` by default.
    """
    began, wait, limit = clock(), _FIRST_PAUSE, wait_seconds() if limit is None else limit
    news = began + _FIRST_NEWS
    while True:
        try:
            return attempt()
        except Held as held:
            if clock() - began >= limit:
                raise held.busy(limit) from None
            if clock() >= news:
                log.info("%s", held)
                news = clock() + _NEWS
        pause(wait)
        wait = min(wait * 2, _LONGEST_PAUSE)


def wait_for_file(
    open_file: Callable[[], _Got],
    file: str,
    *,
    limit: float | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> _Got:
    """What `open_file` gives once no other process has the DuckDB file; `WarehouseBusy` after `limit` seconds."""

    def attempt() -> _Got:
        try:
            return open_file()
        except duckdb.Error as error:
            holder = _holder(error)
            if holder is None:
                raise
        raise Held(
            f"waiting for the DuckDB file {file}, which {holder} has open",
            lambda seconds: WarehouseBusy(file, holder, seconds),
        )

    return wait_for(attempt, limit=limit, pause=pause)


def wait_seconds() -> float:
    """How long to wait for a warehouse, in seconds: `wait_seconds` of `[warehouse]`, else ten minutes."""
    found: float | None = dlt.config.get("warehouse.wait_seconds", float)
    return DEFAULT_SECONDS if found is None else found


def _holder(error: duckdb.Error) -> str | None:
    """Who has the file open; None where the error is another one."""
    text = str(error)
    if "Unique file handle conflict" in text:  # another connection of this process is just closing it
        return "this process"
    if not isinstance(error, duckdb.IOException) or "lock" not in text.lower():
        return None
    process = re.search(r"PID (\d+)", text)
    return f"process {process[1]}" if process else "another process"
