"""`lms check`: can a connection connect, what may it read, what will be missing, how long will a run take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipelines.cli.group import (
    DONE,
    FAILED,
    INCOMPLETE,
    common,
    explain,
    finish,
    prepare_dlt,
    warehouse_options,
)
from pipelines.output import note, print_json, print_table, say

if TYPE_CHECKING:
    from pipelines.check import CheckResult
    from pipelines.environment import Target


@click.command("check", short_help="See whether a connection works, and what it can do.")
@click.argument("name")
@click.option(
    "--record", is_flag=True, help="Write the state into `connections`, and make the warehouse if need be."
)
@warehouse_options
@common
def check(name: str, record: bool, destination: str | None, dataset: str | None, as_json: bool) -> None:
    """Asks the provider of connection NAME as little as possible and says what can be expected of it.

    Which resources can be read, which fields will stay null and why, how many requests a full run takes, and how many
    runs that is under the provider's rate limit. The state (active, needs_reauth, validation_error) goes to the table
    `connections` of a warehouse that exists. Exit status 1: it cannot connect; 3: not every resource can be read.

    \b
    Example:
      lms check acme
    """
    prepare_dlt()
    from pipelines.check import check_connection
    from pipelines.environment import target
    from sources.unified_lms.connection import load_connection, manifest_of

    connection = load_connection(name)
    place = target(destination, dataset)
    result = check_connection(connection, manifest_of(connection))
    if as_json:
        print_json(result.document)
    else:
        _show(result)
    _record(result, place, always=record)
    readable = all(one.readable for one in result.resources)
    finish(FAILED if not result.connected else DONE if readable else INCOMPLETE)


def _show(result: CheckResult) -> None:
    if not result.connected:
        note(f"{result.connection} ({result.provider}) cannot connect: {result.message}")
        say(
            f"{result.connection} ({result.provider}): {result.state or 'not answered; its state stays as it was'}"
        )
        return
    say(f"{result.connection} ({result.provider}): {result.state}")
    for line in result.tells:
        say(f"  {line}")
    say()
    rows = [
        [one.resource, one.readable, (result.counts or {}).get(one.resource), one.requests, one.message]
        for one in result.resources
    ]
    print_table(["resource", "can be read", "records", "requests", "note"], rows)
    say()
    for line in (*result.lacking, *(line for one in result.resources for line in one.missing)):
        say(f"Missing: {line}")
    if result.budget:
        say(f"Cost: {result.budget.sentence()}.")
    if result.remaining:
        limit = f" of {result.remaining.limit:,}" if result.remaining.limit is not None else ""
        until = f"{result.remaining.resets_at:%Y-%m-%d %H:%M:%S}"
        say(f"Now: {result.remaining.remaining:,}{limit} calls remain until {until} UTC.")


def _record(result: CheckResult, target: Target, *, always: bool) -> None:
    """Keeps the state in the warehouse; a warehouse that cannot be written to takes nothing from the check."""
    from datetime import UTC, datetime

    from pipelines.ledger import record
    from pipelines.reading import warehouse_exists
    from sources.unified_lms.tables import CONNECTIONS

    if result.state is None:
        return
    try:
        if always or warehouse_exists(target):
            record(target.pipeline(result.connection), CONNECTIONS, [result.row(datetime.now(UTC))])
    except Exception as error:
        if always:
            raise
        note(f"the state was not recorded: {explain(error)[0]}")
