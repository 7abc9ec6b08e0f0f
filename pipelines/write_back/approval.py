"""Approving a plan: a row of `write_back_approvals`, or a file, names it; what was approved is what is applied."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import dlt

from pipelines.database import open_database
from pipelines.write_back.requests import Request
from sources.unified_lms.errors import ConfigurationError
from sources.unified_lms.tables import WRITE_BACK_APPROVALS

_NAME = re.compile(r"[0-9a-f]{16}")


class NotApproved(ConfigurationError):
    """The connection wants its plans approved, and this one is not."""


def plan_id(connection: str, requests: Iterable[Request]) -> str:
    """What a plan is called: the same for the same requests, in whatever order, and for no others."""
    asked = "\n".join(sorted(f"{request.key} {request.digest}" for request in requests))
    return hashlib.blake2b(f"{connection}\n{asked}".encode(), digest_size=8).hexdigest()


def approve(pipeline: dlt.Pipeline, connection: str, plan: str, by: str) -> None:
    """Keeps who approved a plan; the tables are there. Raises `NotApproved` for what is no plan's name."""
    if not _NAME.fullmatch(plan):
        raise NotApproved(
            f"{plan!r} is no plan; lms write-back plan {connection} names the one that it shows"
        )
    with open_database(pipeline) as database, database.exclusive("write-back"):
        table = database.table(WRITE_BACK_APPROVALS.name)
        database.execute(
            f"delete from {table} where {database.columns('plan_id')} = %s "
            f"and {database.columns('connection_id')} = %s",
            plan,
            connection,
        )
        names = database.columns(*WRITE_BACK_APPROVALS.column_names)
        database.execute(
            f"insert into {table} ({names}) values (%s, %s, %s, %s)",
            plan,
            connection,
            by,
            datetime.now(UTC),
        )


def refuse_unapproved(pipeline: dlt.Pipeline, connection: str, plan: str, file: Path | None) -> None:
    """Raises `NotApproved` unless a file names the plan in a line of its own, or a row does."""
    if file is not None:
        if not file.is_file():
            raise NotApproved(f"{file}: there is no such file, which was to name the plan {plan}")
        if plan in (line.strip() for line in file.read_text("utf-8").splitlines()):
            return
    with open_database(pipeline) as database:
        rows = database.rows(
            f"select {database.columns('plan_id')} from {database.table(WRITE_BACK_APPROVALS.name)} "
            f"where {database.columns('plan_id')} = %s and {database.columns('connection_id')} = %s",
            plan,
            connection,
        )
    if not rows:
        raise NotApproved(
            f"{connection}: the plan {plan} is not approved; look at it with lms write-back plan, and then "
            f"lms write-back approve {connection} {plan}, or name it in a file given with --approval"
        )
