"""`lms backfill`: reading a resource once, part by part, in as many goes as it takes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from pipelines.cli.group import (
    DONE,
    FAILED,
    INCOMPLETE,
    common,
    finish,
    prepare_dlt,
    resource_option,
    warehouse_options,
)
from pipelines.output import note, print_json, print_table

if TYPE_CHECKING:
    from pipelines.backfill import ResourceBackfill

_COLUMNS = (
    "resource", "status", "parts", "done", "requests", "read", "new", "changed", "retired", "rejected",
)  # fmt: skip


class Instant(click.ParamType[datetime]):
    """An instant or a day: `2026-01-31`, `2026-01-31T08:00:00Z`. Without a zone it is UTC."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The instant; a usage error for anything else."""
        if isinstance(value, datetime):
            return value
        try:
            found = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(
                f"{value!r} is no instant; write it such as 2026-01-31 or 2026-01-31T08:00:00Z", param, ctx
            )
        return found if found.tzinfo else found.replace(tzinfo=UTC)


@click.command("backfill", short_help="Read everything or a window once, part by part.")
@click.argument("name")
@resource_option
@click.option("--since", type=Instant(), metavar="T", help="Only what has changed from this instant on.")
@click.option("--until", type=Instant(), metavar="T", help="Only what has changed before it. [default: now]")
@click.option(
    "--window-days",
    type=click.FloatRange(min=0, min_open=True),
    default=7,
    show_default=True,
    metavar="N",
    help="The length of one part of a window.",
)
@click.option("--restart", is_flag=True, help="Begin anew where an earlier backfill of the same would go on.")
@warehouse_options
@click.option(
    "--allow-deletions", is_flag=True, help="Go on although more than half of a part's records have vanished."
)
@common
def backfill(
    name: str,
    resources: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    window_days: float,
    restart: bool,
    destination: str | None,
    dataset: str | None,
    allow_deletions: bool,
    as_json: bool,
) -> None:
    """Reads resources of connection NAME once, divided into parts, each of which is loaded by itself.

    Without --since everything is read, a hundred parents at a time; with it what has changed, window by window, where
    the provider can be asked for that. The same command goes on where it stopped, wherever that was. It moves no
    cursor, and may run beside `lms sync`. SIGTERM and Ctrl-C end it at the next safe point.

    \b
    Examples:
      lms backfill acme --resource course_enrollments
      lms backfill acme --resource users --since 2024-01-01 --until 2025-01-01
    """
    prepare_dlt()
    from pipelines.backfill import Request, backfill_connection
    from pipelines.cli.backfill_progress import make_progress
    from pipelines.cli.signals import stoppable
    from pipelines.environment import target

    place = target(destination, dataset)
    with make_progress(name) as progress, stoppable() as stop:
        request = Request(
            since, until, timedelta(days=window_days), restart, allow_deletions, stop, progress.update
        )
        results = list(backfill_connection(name, place, request, list(resources) or None))
    _report(name, results, stopped_by=stop.reason, as_json=as_json)
    finish(_exit_status(results, stopped=stop.reason is not None))


def _exit_status(results: Sequence[ResourceBackfill], *, stopped: bool) -> int:
    statuses = {one.status for one in results}
    if statuses == {"failed"}:
        return FAILED
    return DONE if statuses == {"done"} and not stopped else INCOMPLETE


def _report(name: str, results: Sequence[ResourceBackfill], *, stopped_by: str | None, as_json: bool) -> None:
    if as_json:
        resources = [vars(one) | {"status": one.status} for one in results]
        print_json({"connection": name, "stopped_by": stopped_by, "resources": resources})
    else:
        print_table(_COLUMNS, [_row(one) for one in results])
    for one in results:
        for problem in one.problems:
            note(f"{name}: {one.resource}: {problem}")
    if any(one.status == "partial" for one in results):
        note(f"{name}: not everything is read yet; the same command goes on")


def _row(one: ResourceBackfill) -> list[Any]:
    from pipelines.backfill import COUNTS

    return [one.resource, one.status, one.parts, one.done, *(one.counts[name] for name in COUNTS)]
