"""`lms list` and `lms get`: the pass-through, live, nothing stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from pipelines.cli.group import DONE, INCOMPLETE, ResourceName, common, filter_option, finish, prepare_dlt
from pipelines.output import note, print_json, print_line

if TYPE_CHECKING:
    from sources.unified_lms.passthrough import LiveRecord, PassThrough

FORMATS = ("unified", "raw", "normalized")


def _format_option(command: Callable[..., Any]) -> Callable[..., Any]:
    choose = click.option(
        "--format",
        "form",
        type=click.Choice(FORMATS),
        default="unified",
        show_default=True,
        help="The unified model; the provider's record as it came, secrets cut; or the flat row of the warehouse.",
    )
    leave = click.option("--no-remote-data", is_flag=True, help="Leave out the provider's own record.")
    return choose(leave(command))


@click.command("list", short_help="Read records live, nothing stored.")
@click.argument("name")
@click.argument("resource", type=ResourceName())
@filter_option("What to read; may be repeated.")
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="Stop after so many records.")
@_format_option
@common
def list_records(
    name: str,
    resource: str,
    filters: dict[str, str],
    limit: int | None,
    form: str,
    no_remote_data: bool,
    as_json: bool,  # noqa: ARG001 - the lines are JSON with it and without
) -> None:
    """Reads records of RESOURCE through connection NAME, live; nothing is stored.

    Prints one line of JSON for each record. `lms providers PROVIDER` names the filters that a provider has; any other
    is refused. Rejected records and values are reported on standard error.

    \b
    Examples:
      lms list acme users --limit 10
      lms list acme course_enrollments --filter 'user[id]=5'
      lms list acme courses --format normalized
    """
    prepare_dlt()
    from sources.unified_lms.passthrough import open_pass_through

    with open_pass_through(name, resource, list(filters)) as reading:
        finish(
            DONE
            if limit == 0 or _print_list(reading, resource, filters, limit, form, no_remote_data)
            else INCOMPLETE
        )


def _print_list(
    reading: PassThrough,
    resource: str,
    filters: dict[str, str],
    limit: int | None,
    form: str,
    no_remote_data: bool,
) -> bool:
    """Prints the records; whether everything that was asked for could be shown."""
    from sources.unified_lms.errors import BudgetExhausted
    from sources.unified_lms.passthrough import UnreadParent

    printed, whole = 0, True
    try:
        for record in reading.records(filters, together=limit is None):
            if isinstance(record, UnreadParent):
                note(f"the records under {record.parent} could not be read: {record.error}")
                whole = False
            elif (shown := _shown(record, resource, form, no_remote_data)) is None:
                whole = False
            else:
                print_line(shown)
                printed += 1
            if printed == limit:
                break
    except BudgetExhausted as error:
        if not printed:
            raise
        note(f"after {printed} records: {error}")
        whole = False
    return whole


@click.command("get", short_help="Read one record live, nothing stored.")
@click.argument("name")
@click.argument("resource", type=ResourceName())
@click.argument("record_id", metavar="ID")
@_format_option
@common
def get_record(
    name: str, resource: str, record_id: str, form: str, no_remote_data: bool, as_json: bool
) -> None:
    """Reads the record ID of RESOURCE through connection NAME, live; nothing is stored.

    ID is the unified id: an enrolment without one of its own is COURSE:USER. Prints a line of JSON, with --json an
    indented document.

    \b
    Examples:
      lms get acme users 5
      lms get acme course_enrollments 101:5 --json
    """
    prepare_dlt()
    from sources.unified_lms.passthrough import open_pass_through

    with open_pass_through(name, resource) as reading:
        record = reading.get(record_id)
    shown = _shown(record, resource, form, no_remote_data)
    if shown is not None:
        (print_json if as_json else print_line)(shown)
    finish(DONE if shown is not None else INCOMPLETE)


def _shown(record: LiveRecord, resource: str, form: str, no_remote_data: bool) -> Any:
    """The record in the form asked for; None for one that is rejected."""
    from sources.unified_lms.passthrough import normalized, unified

    if form == "raw":
        return record.raw
    _report(record, resource)
    if record.unified is None:
        return None
    if form == "normalized":
        return normalized(resource, record.unified)
    shown = unified(resource, record.unified)
    return shown if no_remote_data else shown | {"remote_data": record.raw}


def _report(record: LiveRecord, resource: str) -> None:
    """Names what is wrong with a record, on standard error and without the value."""
    for violation in record.violations:
        what = f"{violation.field} is wrong" if record.unified else "is rejected"
        who = f"{resource} {record.record_id}" if record.record_id else f"a record of {resource}"
        place = f" ({violation.field})" if not record.unified and violation.field else ""
        note(f"{who}: {what}{place}: {violation.reason} ({violation.code})")
