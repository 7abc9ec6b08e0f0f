"""`lms transform`: the dbt project over the warehouse."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipelines.cli.group import FAILED, common, debugging, finish, interactive, prepare_dlt, warehouse_options
from pipelines.output import note, print_json, print_table, say

if TYPE_CHECKING:
    from pipelines.transform import TransformResult

_COLUMNS = ("table", "status", "seconds")
_EVERY = 40
"""Nodes between two lines of progress where nobody watches."""


@click.command("transform", short_help="Build the tables for analysts with dbt.")
@click.option("--select", metavar="NODE", multiple=True, help="Only these of dbt's nodes; may be repeated.")
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day that overdue and expired are derived for. [default: today]",
)
@click.option("--time-zone", metavar="ZONE", help="The zone whose midnight parts the days. [default: UTC]")
@click.option(
    "--seeds",
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder with your compliance_rules.csv, person_identities.csv, or both.",
)
@click.option(
    "--fresh-within",
    type=click.FloatRange(min=0, min_open=True),
    metavar="HOURS",
    help="Fail where a resource was not read whole within so many hours.",
)
@click.option(
    "--unit-tests", is_flag=True, help="Prove every rule as well, on rows made for it; takes longer."
)
@warehouse_options
@common
def transform(
    select: tuple[str, ...],
    as_of: datetime | None,
    time_zone: str | None,
    seeds: Path | None,
    fresh_within: float | None,
    unit_tests: bool,
    destination: str | None,
    dataset: str | None,
    as_json: bool,
) -> None:
    """Builds the marts from what lms sync has kept, and tests them: keys, references, values, counts.

    The tables go to the schema named like the dataset with _marts behind, lms_marts by default. Asks no provider.
    Needs dbt, which is an extra: pip install 'unified-lms[dbt]'.

    \b
    Examples:
      lms transform
      lms transform --time-zone Europe/London --seeds rules
    """
    prepare_dlt()
    from pipelines.environment import target
    from pipelines.transform import Options, TransformFailed
    from pipelines.transform import transform as build

    options = Options(select, as_of.date() if as_of else None, time_zone, seeds, fresh_within, unit_tests)
    try:
        result = build(target(destination, dataset), options, progress=show_progress)
    except TransformFailed as error:
        if debugging():
            note(error.output)
        raise
    if as_json:
        print_json(result.document)
    else:
        show(result)
    explain_failed(result)
    finish(FAILED if result.failed else 0)


def show_progress(done: int, total: int) -> None:
    """A line on standard error now and then."""
    if interactive() or done % _EVERY == 0:
        note(f"dbt: {done} of {total}")


def show(result: TransformResult) -> None:
    """Prints the tables, and how many tests passed."""
    tables = [node for node in result.nodes if node.kind in ("model", "seed")]
    print_table(_COLUMNS, [(node.name, node.status, node.seconds) for node in tables])
    tests = [node for node in result.nodes if node.kind not in ("model", "seed")]
    say(
        f"{len(tests) - sum(not node.good for node in tests)} of {len(tests)} tests passed. Schema: {result.schema}"
    )


def explain_failed(result: TransformResult) -> None:
    """Names what went wrong. What the database says of a model may quote a row, so it is for --debug."""
    for node in result.failed:
        tested = node.kind == "test" and node.status == "fail"
        said = (
            node.message
            if tested or debugging()
            else "--debug shows the database's message, which may hold data"
        )
        note(f"{node.kind} {node.name}: {node.status}" + (f": {said}" if node.status != "skipped" else ""))
