"""`lms sync`: one run of some or all connections into the warehouse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from pipelines.cli.group import (
    DONE,
    FAILED,
    INCOMPLETE,
    WRONG_USAGE,
    common,
    debugging,
    explain,
    filter_option,
    finish,
    prepare_dlt,
    resource_option,
    warehouse_options,
)
from pipelines.output import note, print_json, print_table
from sources.unified_lms.errors import ConfigurationError

if TYPE_CHECKING:
    from pipelines.environment import Target
    from pipelines.sync import ConnectionResult
    from sources.unified_lms.run import How
    from sources.unified_lms.stopping import Stop

COLUMNS = (
    "connection", "resource", "status", "read", "new", "changed", "retired", "rejected", "requests", "seconds",
)  # fmt: skip
"""The columns of the results."""
_REPORTED = (
    "connection_id", "resource", "status", "records_read", "records_new", "records_changed", "records_retired",
    "records_rejected", "requests", "duration_seconds",
)  # fmt: skip
_STOPPED = "not begun: the run was stopped by {}"


@dataclass(frozen=True)
class Run:
    """What became of one connection: its result, or why it could not be tried, with the status of that."""

    connection: str
    result: ConnectionResult | None = None
    problem: str | None = None
    status: int = DONE

    @property
    def failed(self) -> bool:
        """Whether nothing at all came of it."""
        return self.result is None or all(one.status == "failed" for one in self.result.results)

    def incomplete(self, max_rejected: float) -> bool:
        """Whether anything is missing: a resource, a parent, or too large a share of records."""
        result = self.result
        return result is None or not result.whole or result.rejected_share > max_rejected

    @property
    def document(self) -> dict[str, Any]:
        """The run as JSON."""
        result = self.result
        return {
            "connection": self.connection,
            "provider": result.provider if result else None,
            "problem": self.problem,
            "stopped_by": result.stopped_by if result else None,
            "rejected_share": result.rejected_share if result else None,
            "resources": [one.report for one in result.results] if result else [],
        }


class Share(click.ParamType[float]):
    """A share of records: `0.05` or `5%`."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The share from 0 to 1; a usage error for anything else."""
        text = str(value).strip()
        try:
            found = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            found = -1.0
        if not 0 <= found <= 1:
            self.fail(f"{value!r} is no share; write it such as 0.05 or 5%", param, ctx)
        return found


@click.command("sync", short_help="Read connections into the warehouse.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@resource_option
@click.option(
    "--full", is_flag=True, help="Read everything from the beginning, whatever earlier runs came to."
)
@filter_option("Only what the provider's own filter selects; may be repeated. Retires nothing.")
@click.option(
    "--dry-run", is_flag=True, help="Read, map and compare, say what would change, and load nothing."
)
@warehouse_options
@click.option(
    "--allow-deletions", is_flag=True, help="Go on although more than half of the records have vanished."
)
@click.option(
    "--max-rejected",
    type=Share(),
    default="1%",
    show_default=True,
    metavar="SHARE",
    help="Beyond this share of rejected records the exit status is 3.",
)
@common
def sync(
    names: tuple[str, ...],
    resources: tuple[str, ...],
    full: bool,
    filters: dict[str, str],
    dry_run: bool,
    destination: str | None,
    dataset: str | None,
    allow_deletions: bool,
    max_rejected: float,
    as_json: bool,
) -> None:
    """Reads connections into the warehouse: those named, without names every one that is configured.

    One row for each resource says what was read and what changed. A record that cannot be mapped is kept in
    rejected_records with the reason. A run that would retire more than half of what it covers is refused.

    SIGTERM and Ctrl-C end it at the next safe point: what has been read is loaded as a part, and the status is 3. A
    second one ends it at once, and leaves nothing half loaded either.

    \b
    Examples:
      lms sync
      lms sync acme --dry-run
      lms sync acme --resource course_enrollments --filter 'user[id]=5'
      lms sync acme --resource users --resource courses
      lms sync --destination postgres --dataset learning --json
    """
    prepare_dlt()
    from pipelines.environment import target

    wanted = list(dict.fromkeys(names)) or _configured()
    place = target(destination, dataset)
    how: How = {"full": full, "allow_deletions": allow_deletions, "filters": filters}
    runs = _run_all(wanted, place, list(resources) or None, how, dry_run=dry_run)
    report(runs, as_json=as_json, dry_run=dry_run)
    finish(exit_status(runs, max_rejected))


def _configured() -> list[str]:
    from sources.unified_lms.connection import connection_names

    found = connection_names()
    if not found:
        raise ConfigurationError(
            "no connection is configured; to add one called acme, put this into .dlt/config.toml:\n"
            '  [connections.acme]\n  provider = "talentlms"\n  base_url = "https://acme.talentlms.com"\n'
            "and its credentials into [connections.acme.credentials] of .dlt/secrets.toml, or set "
            "CONNECTIONS__ACME__PROVIDER and so on. `lms providers PROVIDER` says what a provider needs, "
            "`lms demo` shows the whole without an account."
        )
    return found


def _run_all(
    names: Sequence[str], target: Target, resources: list[str] | None, how: How, *, dry_run: bool
) -> list[Run]:
    from pipelines.cli.progress import make_progress
    from pipelines.cli.signals import stoppable
    from pipelines.rehearsal import rehearse_connection
    from pipelines.sync import sync_connection

    run = rehearse_connection if dry_run else sync_connection
    with make_progress() as progress, stoppable() as stop:

        def run_one(name: str) -> ConnectionResult:
            own: How = {**how, "stop": stop, "progress": partial(progress.update, name)}
            return run(name, target, resources=resources, **own)

        return [_tried(name, run_one, stop) for name in names]


def _tried(name: str, run: Callable[[str], ConnectionResult], stop: Stop) -> Run:
    """What became of one connection; an error of one takes nothing from the others."""
    if stop.reason is not None:
        return Run(name, problem=_STOPPED.format(stop.reason), status=INCOMPLETE)
    try:
        return Run(name, run(name))
    except Exception as error:
        if debugging():
            raise
        problem, status = explain(error)
        return Run(name, problem=problem, status=status)


def exit_status(runs: Sequence[Run], max_rejected: float) -> int:
    """0 all is there, 1 nothing came of any, 2 not one is configured rightly, 3 something is missing."""
    if all(run.status == WRONG_USAGE for run in runs):
        return WRONG_USAGE
    if all(run.failed for run in runs):
        return FAILED
    return INCOMPLETE if any(run.incomplete(max_rejected) for run in runs) else DONE


def rows_of(result: ConnectionResult) -> list[list[Any]]:
    """The results of a connection under `COLUMNS`."""
    return [[one.report.get(key) for key in _REPORTED] for one in result.results]


def report(runs: Sequence[Run], *, as_json: bool = False, dry_run: bool = False) -> None:
    """Prints the results; messages and problems go to standard error."""
    results = [run.result for run in runs if run.result]
    rows = [row for result in results for row in rows_of(result)]
    if as_json:
        print_json({"dry_run": dry_run, "connections": [run.document for run in runs]})
    elif rows:
        print_table(COLUMNS, rows)
    _note_messages(runs)
    if dry_run:
        note("nothing was loaded: this was a dry run")


def _note_messages(runs: Sequence[Run]) -> None:
    for result in (run.result for run in runs if run.result):
        for one in result.results:
            if one.report.get("message"):
                note(f"{result.connection}: {one.report['resource']}: {one.report['message']}")
        if result.stopped_by:
            note(f"{result.connection}: stopped by {result.stopped_by}; the next run goes on")
    for run in runs:
        if run.problem:
            note(f"{run.connection}: {run.problem}")
