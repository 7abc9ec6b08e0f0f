"""`lms write-back`: many writes, planned, applied, and looked after until each has come to its end."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipelines.cli.group import (
    DONE,
    FAILED,
    INCOMPLETE,
    common,
    finish,
    interactive,
    prepare_dlt,
    warehouse_options,
)
from pipelines.cli.signals import stoppable
from pipelines.output import note, print_json, print_table, say

if TYPE_CHECKING:
    from pipelines.environment import Target
    from pipelines.write_back.applying import Applied
    from pipelines.write_back.requests import Request
    from pipelines.write_back.running import Plan
    from sources.unified_lms.writing.comparison import Change

TABLE = "write_back_requests"
_EVERY = 100
_OUTCOMES = ("request_id", "resource", "action", "status", "record_id", "what happened and what to do")


def _source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    file = click.option(
        "--from",
        "file",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="The requests: JSON Lines, CSV or Parquet, told by the name.",
    )
    table = click.option(
        "--table",
        metavar="T",
        help=f"The table or view of the warehouse with the requests. [default: {TABLE}]",
    )
    return file(table(command))


@click.group("write-back", short_help="Write many records, each at most once.")
def write_back() -> None:
    """Writes many records through the unified model: from a file, or from a table that a dbt model may make.

    Every request is checked, compared with the present, sent at most once, and read again. The table write_back_log
    keeps what became of each.

    \b
    Examples:
      lms write-back plan acme --from leavers.csv
      lms write-back apply acme --from leavers.csv
    """


@write_back.command("plan", short_help="Say what would be written; send nothing.")
@click.argument("name")
@_source_options
@warehouse_options
@common
def plan_command(
    name: str,
    file: Path | None,
    table: str | None,
    destination: str | None,
    dataset: str | None,
    as_json: bool,
) -> None:
    """Says what connection NAME would be asked to create, change field by field, skip or refuse, and why.

    Nothing is sent and nothing is kept. Shows learners' data: what is there, and what it is to be.

    \b
    Examples:
      lms write-back plan acme --from leavers.csv
      lms write-back plan acme --table lms_marts.write_back_requests --json
    """
    place, requests = _read(name, file, table, destination, dataset)
    from pipelines.write_back.running import plan_requests

    found = plan_requests(name, place, requests)
    _show_plan(found, as_json)
    finish(FAILED if found.count("refuse") else DONE)


@write_back.command("apply", short_help="Write what is asked for, each at most once.")
@click.argument("name")
@_source_options
@click.option(
    "--approval",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A file that names the plan in a line of its own, where the connection wants one.",
)
@warehouse_options
@common
def apply_command(
    name: str,
    file: Path | None,
    table: str | None,
    approval: Path | None,
    destination: str | None,
    dataset: str | None,
    as_json: bool,
) -> None:
    """Does the requests for connection NAME, one after the other, within the provider's limits.

    Stops when too many have failed, or when as many were written as [connections.NAME.writes] allows for one apply.
    What a crash or a lost answer left open is asked of the provider first. Ends with 3 where a request failed or the
    provider has something otherwise than asked for.

    \b
    Examples:
      lms write-back apply acme --from leavers.csv
      lms write-back apply acme --table lms_marts.write_back_requests --approval approved.txt
    """
    place, requests = _read(name, file, table, destination, dataset)
    _apply(name, place, requests, approval, as_json)


@write_back.command("status", short_help="What became of the requests.")
@click.argument("name")
@click.option(
    "--open", "only_open", is_flag=True, help="Only those that failed or whose outcome is not known."
)
@warehouse_options
@common
def status_command(
    name: str, only_open: bool, destination: str | None, dataset: str | None, as_json: bool
) -> None:
    """Shows the ledger of connection NAME: what was done, what failed and whose fault it is.

    \b
    Example:
      lms write-back status acme --open
    """
    prepare_dlt()
    from pipelines.environment import target
    from pipelines.write_back.running import ledger_rows

    rows = ledger_rows(name, target(destination, dataset))
    shown = [row for row in rows if not only_open or row["status"] in ("sending", "failed")]
    if as_json:
        hidden = ("payload", "payload_digest")
        print_json({"requests": [{k: v for k, v in row.items() if k not in hidden} for row in shown]})
        return
    print_table(
        ("request_id", "resource", "operation", "status", "fault", "record_id", "message"),
        [
            [
                row["request_id"],
                row["resource"],
                row["operation"],
                row["status"],
                row["fault"],
                row["result_id"] or row["record_id"],
                row["message"],
            ]
            for row in shown
        ],
    )


@write_back.command("retry", short_help="Do once more what failed.")
@click.argument("name")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    type=click.Choice(["retry_later", "fix_the_data", "fix_the_connection"]),
    help="Only what failed for this; may be repeated. [default: all]",
)
@click.option(
    "--approval", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="As for apply."
)
@warehouse_options
@common
def retry_command(
    name: str,
    faults: tuple[str, ...],
    approval: Path | None,
    destination: str | None,
    dataset: str | None,
    as_json: bool,
) -> None:
    """Does what failed once more, and finds out about what nobody knows whether it was done.

    \b
    Example:
      lms write-back retry acme --fault retry_later
    """
    prepare_dlt()
    from pipelines.environment import target
    from pipelines.write_back.running import unsettled

    place = target(destination, dataset)
    requests = unsettled(name, place, faults)
    if not requests:
        note(f"{name}: nothing has failed")
    _apply(name, place, requests, approval, as_json)


@write_back.command("approve", short_help="Allow a plan to be applied.")
@click.argument("name")
@click.argument("plan_id", metavar="PLAN")
@click.option("--by", metavar="WHO", help="Who approves it. [default: the user of this machine]")
@warehouse_options
@common
def approve_command(
    name: str, plan_id: str, by: str | None, destination: str | None, dataset: str | None, as_json: bool
) -> None:
    """Approves PLAN of connection NAME, as `lms write-back plan` names it; other requests are another plan.

    \b
    Example:
      lms write-back approve acme 3f2a9c0b11d4e857
    """
    prepare_dlt()
    from pipelines.environment import target
    from pipelines.write_back.running import approve_plan

    who = by or getpass.getuser()
    approve_plan(name, target(destination, dataset), plan_id, who)
    if as_json:
        print_json({"connection": name, "plan": plan_id, "approved_by": who})
    else:
        note(f"{name}: {who} has approved the plan {plan_id}")


def _read(
    name: str, file: Path | None, table: str | None, destination: str | None, dataset: str | None
) -> tuple[Target, list[Request]]:
    if file is not None and table is not None:
        raise click.UsageError("--from and --table exclude one another")
    prepare_dlt()
    from pipelines.environment import target
    from pipelines.write_back.requests import from_file, from_table
    from sources.unified_lms.connection import load_connection

    load_connection(name)
    place = target(destination, dataset)
    return place, from_file(file, name) if file is not None else from_table(place, table or TABLE, name)


def _apply(name: str, place: Target, requests: list[Request], approval: Path | None, as_json: bool) -> None:
    from pipelines.write_back.running import apply_requests

    with stoppable() as stop, _progress(name) as tell:
        applied = apply_requests(name, place, requests, approval=approval, stop=stop, progress=tell)
    _show_applied(name, applied, as_json)
    finish(INCOMPLETE if applied.left or applied.count("failed") or applied.differing else DONE)


@contextmanager
def _progress(name: str) -> Iterator[Callable[[int, int], None]]:
    """A bar where somebody watches standard error, a line now and then elsewhere."""
    if not interactive():
        yield _tell
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(f"{name} requests", total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def _tell(done: int, total: int) -> None:
    if done % _EVERY == 0 or done == total:
        note(f"{done:,} of {total:,} requests")


def _show_plan(found: Plan, as_json: bool) -> None:
    from pipelines.write_back.applying import document

    if as_json:
        counts = {action: found.count(action) for action in ("create", "update", "delete", "skip", "refuse")}
        print_json(
            {"plan": found.plan_id, "counts": counts, "requests": [document(one) for one in found.planned]}
        )
        return
    rows = []
    for one in found.planned:
        step = one.step
        changes = "; ".join(_change(one.step.action, change) for change in step.changes)
        rows.append(
            [one.request.key, step.intent.resource, step.action, step.record_id, step.reason or changes]
        )
    print_table(("request_id", "resource", "action", "record_id", "what"), rows)
    counts_said = ", ".join(
        f"{found.count(action)} to {action}" for action in ("create", "update", "delete", "skip", "refuse")
    )
    say(f"Plan {found.plan_id}: {counts_said}")


def _change(action: str, change: Change) -> str:
    new = _value(change.new)
    return f"{change.field}: {new}" if action == "create" else f"{change.field}: {_value(change.old)} → {new}"


def _value(value: Any) -> str:
    """A value as a person reads it: of nested ones only what is named."""
    if isinstance(value, dict):
        named = {name: _value(each) for name, each in value.items() if each is not None}
        return (
            next(iter(named.values())) if len(named) == 1 else ", ".join(f"{k} {v}" for k, v in named.items())
        )
    if isinstance(value, list):
        return ", ".join(_value(each) for each in value) or "-"
    return "-" if value is None else str(value)


def _show_applied(name: str, applied: Applied, as_json: bool) -> None:
    outcomes = [
        {
            "request_id": one.request.key,
            "resource": one.request.intent.resource,
            "action": one.action,
            "status": one.status,
            "record_id": one.record_id,
            "fault": one.fault,
            "message": one.message,
            "differences": list(one.differences),
        }
        for one in applied.outcomes
    ]
    if as_json:
        print_json(
            {"connection": name, "stopped": applied.stopped, "left": applied.left, "requests": outcomes}
        )
        return
    print_table(
        _OUTCOMES,
        [
            [one["request_id"], one["resource"], one["action"], one["status"], one["record_id"], _said(one)]
            for one in outcomes
        ],
    )
    counts = ", ".join(f"{applied.count(status)} {status}" for status in ("done", "skipped", "failed"))
    say(f"{name}: {counts}" + (f"; {applied.left} left: {applied.stopped}" if applied.left else ""))


def _said(outcome: dict[str, Any]) -> str:
    if outcome["differences"]:
        return f"the provider has another {', '.join(outcome['differences'])} than asked for"
    fault = f"{outcome['fault']}: " if outcome["fault"] else ""
    return f"{fault}{outcome['message'] or ''}"
