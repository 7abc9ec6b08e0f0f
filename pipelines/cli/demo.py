"""`lms demo`: the main job, twice, against the sandbox."""

from __future__ import annotations

import time
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING

import click

from pipelines.cli.group import INCOMPLETE, common, finish
from pipelines.cli.transform import explain_failed
from pipelines.output import note, print_json, print_table, say

if TYPE_CHECKING:
    from pipelines.demo import DemoResult


@click.command("demo", short_help="See the whole thing at work, without an account.")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Where demo.duckdb and report.html are made; older ones are removed.",
)
@common
def demo(folder: Path, as_json: bool) -> None:
    """Reads the sandbox LMS into a DuckDB file, twice a day apart, builds tables for analysts and a page with charts.

    Needs no account and no network; its people are made up. Ends with what the tables hold: enrolments by state, the
    history of one of them, what has vanished, and the runs themselves.

    \b
    Example:
      lms demo
    """
    from pipelines.cli.progress import make_progress
    from pipelines.demo import run_demo

    began = time.monotonic()
    with make_progress() as progress:

        def say_between(text: str) -> None:
            progress.end()
            note(text)

        result = run_demo(folder, progress=progress.update, say=say_between)
    if as_json:
        print_json(result.document)
    else:
        _show(result, time.monotonic() - began)
    if result.marts:
        explain_failed(result.marts)
    finish(0 if result.complete else INCOMPLETE)


def _show(result: DemoResult, seconds: float) -> None:
    from pipelines.cli.sync import COLUMNS, rows_of

    titles = ("First sync", "Second sync, after a day in the life of the sandbox")
    for title, run in zip(titles, result.runs, strict=True):
        print_table(COLUMNS, rows_of(run), title=title)
        say()
    for query in result.queries:
        say(query.title)
        say(indent(query.sql, "  "))
        print_table(query.columns, query.rows)
        say()
    if result.marts:
        total, failed = len(result.marts.nodes), len(result.marts.failed)
        built = f"{total - failed} of {total} things" if failed else f"{total} things"
        say(f"dbt built and tested {built} in the schema {result.marts.schema}.")
    if result.report:
        say(f"Open {result.report} in a browser: the same as charts.")
    say(f"All of it is in {result.file}, made in {seconds:.0f} seconds. What to try next:")
    say(f"  DESTINATION__DUCKDB__CREDENTIALS={result.file} lms status")
    say("  lms providers talentlms     what can be read from a TalentLMS account")
    say("  lms sandbox                 the sandbox as a server, for lms check, list, get and sync")
