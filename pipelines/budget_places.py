"""Where budgets are kept: a row in PostgreSQL for all machines, or a file for the processes of one (ADR 0020)."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

import orjson
import psycopg2

from pipelines.budget_state import State
from sources.unified_lms.errors import BudgetUnreachable

_Result = TypeVar("_Result")

SCHEMA = "unified_lms_limits"
TABLE = f"{SCHEMA}.budgets"
"""Beside the datasets and not in one of them: two datasets that read one account draw on one budget."""

_CREATE = f"""
begin;
select pg_advisory_xact_lock(hashtext('{TABLE}'));
create schema if not exists {SCHEMA};
create table if not exists {TABLE} (
    account text primary key, state jsonb not null, changed_at timestamptz not null
);
commit"""
_ADD = f"insert into {TABLE} values (%s, '{{}}', now()) on conflict do nothing"
# The clock is read when the row is locked, not when it was asked for: others may have had it meanwhile.
_LOCK = f"begin; set local lock_timeout = '30s'; select 1 from {TABLE} where account = %s for update"
_READ = f"; select state, extract(epoch from clock_timestamp())::float8 from {TABLE} where account = %s"
_WRITE = f"update {TABLE} set state = %s, changed_at = now() where account = %s; commit"


class Place(Protocol):
    """Where the budgets of accounts are kept, by a clock that all who come there share."""

    def change(self, account: str, action: Callable[[State, float], _Result]) -> _Result:
        """What an action gives that changes a state, with nobody else at it; it is told the time.

        Raises `BudgetUnreachable`.
        """


class PostgresPlace:
    """Budgets in the warehouse's PostgreSQL, by its clock. One connection for a process, made when it is needed."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._connection: Any = None
        self._known: set[str] = set()

    def change(self, account: str, action: Callable[[State, float], _Result]) -> _Result:
        """Changes a row, which is locked meanwhile. A connection that was cut is made anew, once."""
        with self._lock:
            try:
                try:
                    return self._changed(account, action)
                except (psycopg2.OperationalError, psycopg2.InterfaceError):
                    return self._changed(account, action)
            except psycopg2.Error as error:
                raise BudgetUnreachable(_reason(error)) from None

    def _changed(self, account: str, action: Callable[[State, float], _Result]) -> _Result:
        try:
            with self._open().cursor() as cursor:
                if account not in self._known:
                    cursor.execute(_ADD, (account,))
                    self._known.add(account)
                cursor.execute(_LOCK + _READ, (account, account))
                document, now = cursor.fetchone() or ({}, None)
                if now is None:
                    raise BudgetUnreachable(f"the row of {account} in {TABLE} was removed meanwhile")
                state = State.of(document)
                result = action(state, now)
                cursor.execute(_WRITE, (orjson.dumps(state.document()).decode(), account))
        except (psycopg2.Error, BudgetUnreachable):
            self._forget()
            raise
        return result

    def _open(self) -> Any:
        if self._connection is None:
            made = psycopg2.connect(self._address, application_name="unified_lms limits")
            made.autocommit = (
                True  # transactions stand in the statements, so that each is one way there and back
            )
            with made.cursor() as cursor:
                cursor.execute("select to_regclass(%s)", (TABLE,))
                if cursor.fetchone() == (None,):
                    cursor.execute(_CREATE)
            self._connection = made
        return self._connection

    def _forget(self) -> None:
        found, self._connection, self._known = self._connection, None, set()
        if found is not None:
            try:
                found.close()
            except psycopg2.Error:
                return


def _reason(error: psycopg2.Error) -> str:
    """The kind of an error and its first line, without the address, which may hold a password."""
    first = (str(error).strip().splitlines() or [""])[0]
    shown = re.sub(r"postgres(ql)?://\S+", "***", first)
    return f"{type(error).__name__}: {shown}"


class FilePlace:
    """Budgets of the processes of one machine, a file for each account, by the machine's clock."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def change(self, account: str, action: Callable[[State, float], _Result]) -> _Result:
        """Changes a file, whole or not at all, under a lock that goes with the process."""
        name = hashlib.blake2b(account.encode(), digest_size=8).hexdigest()
        file = self._folder / f"{name}.json"
        with self._lock, self._locked(file):
            state = State.of(_document(file))
            result = action(state, time.time())
            beside = file.with_suffix(".new")
            beside.write_bytes(orjson.dumps(state.document() | {"account": account}))
            beside.replace(file)
        return result

    @contextmanager
    def _locked(self, file: Path) -> Iterator[None]:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(file.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                yield
            finally:
                os.close(handle)
        except OSError as error:
            raise BudgetUnreachable(
                f"{error.strerror} in {self._folder}; name another folder as `folder` in [limits]"
            ) from None


def _document(file: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = orjson.loads(file.read_bytes())
    except FileNotFoundError:
        return {}
    except orjson.JSONDecodeError:
        raise BudgetUnreachable(f"{file} holds no budget; delete it while nothing runs") from None
    return found
