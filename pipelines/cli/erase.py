"""`lms erase` and `lms prune`: what is to be in the warehouse no longer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from pipelines.cli.group import common, prepare_dlt, warehouse_options
from pipelines.output import note, print_json, print_table


@click.command("erase", short_help="Erase one person from the warehouse.")
@click.argument("name")
@click.argument("resource", type=click.Choice(["users"]), metavar="users")
@click.argument("identifier", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@warehouse_options
@common
def erase(
    name: str,
    resource: str,
    identifier: str,
    yes: bool,
    destination: str | None,
    dataset: str | None,
    as_json: bool,
) -> None:
    """Erases the user with this ID of connection NAME from present, history, rejected records and ledgers.

    The user's enrolments go as well, and the name where it stands as somebody's manager or as who assigned a course. A
    tombstone, a keyed hash of the id, keeps later runs from bringing the person back. It cannot be undone, and it is
    refused while a run of the connection is under way. Marts are built anew only by the next `lms transform`.

    \b
    Example:
      lms erase acme users 42
    """
    prepare_dlt()
    from pipelines.environment import target
    from pipelines.erasure import erase_person

    place = target(destination, dataset)
    if not yes:
        question = (
            f"Erase user {identifier} of {name} from {place.location}, dataset {place.dataset}, for good?"
        )
        click.confirm(question, abort=True, err=True)
    counts = erase_person(name, place, identifier)
    if as_json:
        print_json({"connection": name, "resource": resource, "rows": counts, "tombstone": True})
    else:
        _show([(name, counts)])
        note(f"{name}: a tombstone keeps this person from coming back")
        note("marts and reports made before know the person until the next `lms transform` and `lms report`")


@click.command("prune", short_help="Delete history that is kept no longer.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@warehouse_options
@common
def prune(names: tuple[str, ...], destination: str | None, dataset: str | None, as_json: bool) -> None:
    """Deletes old versions and old rejections of connections, those named or all, as their `retention` says.

    Each sync does the same at its end. Current versions stay, however old they are.

    \b
    Example:
      lms prune acme --json
    """
    prepare_dlt()
    from pipelines.environment import target
    from pipelines.retention import prune_connection
    from sources.unified_lms.connection import connection_names

    place = target(destination, dataset)
    found = [(name, prune_connection(name, place)) for name in names or connection_names()]
    if as_json:
        print_json({"connections": [{"connection": name, "rows": counts} for name, counts in found]})
    else:
        _show(found)


def _show(found: Sequence[tuple[str, dict[str, int]]]) -> None:
    rows: list[list[Any]] = [
        [name, table, number] for name, counts in found for table, number in counts.items()
    ]
    if rows:
        print_table(("connection", "table", "rows"), rows)
    else:
        note("nothing is kept for a limited time: no connection has a retention")
