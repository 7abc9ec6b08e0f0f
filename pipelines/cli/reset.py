"""`lms reset`: forgetting where a connection's reading goes on."""

from __future__ import annotations

from typing import Any

import click

from pipelines.cli.group import common, prepare_dlt, resource_option, warehouse_options
from pipelines.output import cell, note, print_json


@click.command("reset", short_help="Make the next run read everything.")
@click.argument("name")
@resource_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@warehouse_options
@common
def reset(
    name: str,
    resources: tuple[str, ...],
    yes: bool,
    destination: str | None,
    dataset: str | None,
    as_json: bool,
) -> None:
    """Forgets the cursors of connection NAME, after asking: the next sync reads everything, from the first parent on.

    No version of any record is touched. A run that is under way writes its cursor all the same when it ends.

    \b
    Examples:
      lms reset acme
      lms reset acme --resource users --yes
    """
    prepare_dlt()
    from pipelines.environment import target
    from pipelines.reset import find_cursors, forget_cursors
    from sources.unified_lms.connection import load_connection

    place = target(destination, dataset)
    found = find_cursors(place, name, resources or None)
    if not found:
        load_connection(name)  # a name that nobody configured is an error, and no connection without cursors
    if found and not yes:
        _ask(name, found)
    if found:
        forget_cursors(place, name, [row["resource"] for row in found])
    if as_json:
        print_json({"connection": name, "forgotten": found})
    else:
        count = "1 cursor" if len(found) == 1 else f"{len(found)} cursors"
        note(f"{name}: {count} forgotten" if found else f"{name} has no cursor to forget")


def _ask(name: str, found: list[dict[str, Any]]) -> None:
    """Shows on standard error what is to be forgotten; ends the command unless that is wanted."""
    for row in found:
        after = f", the rotation after {row['rotation_after']}" if row["rotation_after"] else ""
        note(f"{name}: {row['resource']}: changes from {cell(row['position'])}{after}")
    click.confirm("Forget where these go on, and read everything next time?", abort=True, err=True)
