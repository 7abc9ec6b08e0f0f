"""`lms create`, `lms update` and `lms delete`: one write through the pass-through, nothing stored."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from pipelines.cli.group import DONE, INCOMPLETE, ResourceName, common, finish, prepare_dlt
from pipelines.output import note, print_json, print_line

if TYPE_CHECKING:
    from sources.unified_lms.writing import Intent, Step, Writer, Written

_DATA = "The fields to write, as a JSON object of the unified model; @FILE reads a file, - standard input."


def _data(_: click.Context, __: click.Parameter, value: str) -> dict[str, Any]:
    try:
        text = (
            sys.stdin.read()
            if value == "-"
            else Path(value[1:]).read_text("utf-8")
            if value[:1] == "@"
            else value
        )
        found = orjson.loads(text)
    except OSError as error:
        raise click.BadParameter(f"{value[1:]} cannot be read ({error.strerror})") from None
    except orjson.JSONDecodeError as error:
        raise click.BadParameter(f"is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise click.BadParameter('is no object; write it such as {"first_name": "Ana"}')
    return found


_data_option = click.option("--data", required=True, callback=_data, metavar="JSON", help=_DATA)
_dry_run = click.option(
    "--dry-run", is_flag=True, help="Show the exact requests with secrets masked; send nothing."
)


@click.command("create", short_help="Create one record at the provider.")
@click.argument("name")
@click.argument("resource", type=ResourceName())
@_data_option
@_dry_run
@common
def create(name: str, resource: str, data: dict[str, Any], dry_run: bool, as_json: bool) -> None:
    """Creates a record of RESOURCE through connection NAME, and prints it as the provider has it then.

    Nothing is sent where the record is there already. The connection has to allow it: `lms providers PROVIDER` says
    what can be written, [connections.NAME.writes] what may be.

    \b
    Examples:
      lms create acme users --data '{"username": "ana", "emails": [{"email": "ana@example.org"}]}'
      lms create acme course_enrollments --data '{"user": {"id": "5"}, "course": {"id": "101"}}' --dry-run
    """
    from sources.unified_lms.writing import Intent

    _run(name, Intent(resource, "create", None, data), dry_run, as_json)


@click.command("update", short_help="Change one record at the provider.")
@click.argument("name")
@click.argument("resource", type=ResourceName())
@click.argument("record_id", metavar="ID")
@_data_option
@_dry_run
@common
def update(
    name: str, resource: str, record_id: str, data: dict[str, Any], dry_run: bool, as_json: bool
) -> None:
    """Changes the record ID of RESOURCE through connection NAME, and prints it as the provider has it then.

    A field that is not named stays as it is; null clears one, where the provider can. Only what differs is sent.

    \b
    Examples:
      lms update acme users 5 --data '{"status": "inactive"}'
      lms update acme users 5 --data '{"job_title": null}' --dry-run
    """
    from sources.unified_lms.writing import Intent

    _run(name, Intent(resource, "update", record_id, data), dry_run, as_json)


@click.command("delete", short_help="Delete one record at the provider.")
@click.argument("name")
@click.argument("resource", type=ResourceName())
@click.argument("record_id", metavar="ID")
@_dry_run
@common
def delete(name: str, resource: str, record_id: str, dry_run: bool, as_json: bool) -> None:
    """Deletes the record ID of RESOURCE through connection NAME; an enrolment is ended.

    \b
    Examples:
      lms delete acme course_enrollments 101:5
      lms delete acme users 5 --dry-run
    """
    from sources.unified_lms.writing import Intent

    _run(name, Intent(resource, "delete", record_id), dry_run, as_json)


def _run(name: str, intent: Intent, dry_run: bool, as_json: bool) -> None:
    prepare_dlt()
    from sources.unified_lms.writing import open_writer

    show = print_json if as_json else print_line
    with open_writer(name) as writer:
        if dry_run:
            show(_planned(writer, intent))
            return
        written = writer.write(intent)
    if written.step.action == "skip":
        note(f"nothing was sent: {written.step.reason}")
    for change in written.left:
        note(f"the provider took the request and has another {change.field} than asked for")
    show(_shown(intent, written))
    finish(INCOMPLETE if written.left else DONE)


def _planned(writer: Writer, intent: Intent) -> dict[str, Any]:
    step: Step = writer.plan(intent)
    if step.refusal is not None:
        raise step.refusal
    return {
        "action": step.action,
        "record_id": step.record_id,
        "reason": step.reason,
        "changes": {change.field: {"from": change.old, "to": change.new} for change in step.changes},
        "requests": writer.preview(step) if step.writes else [],
    }


def _shown(intent: Intent, written: Written) -> dict[str, Any]:
    """The record as a read shows it; of a deleted one its id."""
    from sources.unified_lms.passthrough import unified

    if written.record is None or written.record.unified is None or intent.operation == "delete":
        return {"id": written.record_id}
    return unified(intent.resource, written.record.unified)
