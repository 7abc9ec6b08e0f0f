"""`lms status`: what was last read, how fresh it is, what is under way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pipelines.cli.group import common, prepare_dlt, warehouse_options
from pipelines.output import age, note, print_json, print_table, say

if TYPE_CHECKING:
    from datetime import datetime

    from pipelines.environment import Target
    from pipelines.fill_rates import FieldFill
    from pipelines.status import ConnectionStatus, ResourceStatus, Status

_COLUMNS = (
    "resource", "rows now", "fresh", "cursor", "last run", "status", "mode", "read", "new", "changed", "retired",
    "rejected",
)  # fmt: skip
_COVERAGE = ("field", "rows with it", "share", "mapped", "remark")
_COUNTS = ("records_read", "records_new", "records_changed", "records_retired", "records_rejected")


@click.command("status", short_help="See freshness, last runs and what is under way.")
@click.option(
    "--coverage", is_flag=True, help="Say instead how many of the present rows have each field of the model."
)
@warehouse_options
@common
def status(coverage: bool, destination: str | None, dataset: str | None, as_json: bool) -> None:
    """Says for each connection and resource what the last run did, how fresh the data are, and what is under way.

    Reads the warehouse and changes nothing; asks no provider. The column `fresh` is the time since the last run that
    left nothing out, `cursor` the instant from which the next run asks for changes. With --coverage it says how many
    rows have each field, beside whether the mapping can fill it: one that the mapping fills and no row has is worth a
    look.

    \b
    Examples:
      lms status --json
      lms status --coverage
    """
    prepare_dlt()
    from pipelines.environment import target
    from pipelines.status import now, read_status

    where = target(destination, dataset)
    if coverage:
        _show_coverage(where, as_json)
        return
    found, instant = read_status(where), now()
    if as_json:
        print_json(found.document(instant))
        return
    _show(found, instant)


def _show_coverage(where: Target, as_json: bool) -> None:
    from pipelines.fill_rates import read_fill_rates

    found = read_fill_rates(where)
    if as_json:
        names = dict.fromkeys(fill.connection for fill in found)
        resources = {name: [fill.document for fill in found if fill.connection == name] for name in names}
        print_json({"connections": [{"connection": name, "resources": resources[name]} for name in names]})
        return
    if not found:
        note("nothing has been loaded yet; `lms sync` does it")
    for fill in found:
        rows = [_coverage_row(field, fill.rows) for field in fill.fields]
        print_table(_COVERAGE, rows, title=f"{fill.connection}: {fill.resource}, {fill.rows:,} rows")
        say()


def _coverage_row(field: FieldFill, rows: int) -> list[Any]:
    remark = "the mapping fills it, and no row has it" if field.suspicious else None
    return [field.path, field.filled, f"{field.filled / rows:.0%}", field.mapped, remark]


def _show(found: Status, now: datetime) -> None:
    if not found.exists:
        note(f"there is no warehouse yet at {found.location}, dataset {found.dataset}; `lms sync` makes it")
    if not found.connections:
        note("no connection is configured")
    for connection in found.connections:
        _show_connection(connection, now)


def _show_work(connection: ConnectionStatus, now: datetime) -> None:
    """What is wrong, what is under way, what waits to be loaded, and what could not be."""
    if connection.message:
        note(f"{connection.connection}: {connection.message}")
    for left in connection.backfills:
        say(
            f"  {left['resource']}: a backfill is not finished, {left['done']} of {left['parts']} parts are done"
        )
    if connection.pending_packages:
        say(f"  {connection.pending_packages} load packages are not finished; the next sync finishes them")
    for line in connection.at_work:
        say(f"  at work: {line}")
    for aside in connection.set_aside:
        say(
            f"  {aside['resource']}: {age((now - aside['started_at']).total_seconds())} ago: {aside['message']}"
        )


def _show_connection(connection: ConnectionStatus, now: datetime) -> None:
    words = [connection.state or "not checked yet"]
    if connection.checked_at:
        words.append(f"found {age((now - connection.checked_at).total_seconds())} ago")
    if not connection.configured:
        words.append("no longer configured" if connection.resources else "not configured")
    provider = f" ({connection.provider})" if connection.provider else ""
    say(f"{connection.connection}{provider}: {', '.join(words)}")
    _show_work(connection, now)
    if not connection.resources:
        say("  nothing has been read yet")
        return
    print_table(_COLUMNS, [_row(one, now) for one in connection.resources])
    for one in connection.resources:
        if one.rotation_after is not None:
            say(f"  {one.resource}: the rotation goes on after {one.rotation_after}")
    say()


def _row(one: ResourceStatus, now: datetime) -> list[Any]:
    old = one.seconds_old(now)
    fresh = "never" if old is None else f"{age(old)} ago"
    run = one.last_run
    return [
        one.resource, one.rows, fresh, one.cursor, run["started_at"], run["status"], run["mode"],
        *(run[key] for key in _COUNTS),
    ]  # fmt: skip
