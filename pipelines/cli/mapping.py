"""`lms mapping`: the workbench for mappings and overlays. Nothing is stored."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from pipelines.cli.group import DONE, INCOMPLETE, ResourceName, common, finish, prepare_dlt
from pipelines.output import note, print_json, print_line, print_table, say

if TYPE_CHECKING:
    from mappings.overlays import Overlay
    from pipelines.workbench import Difference, Input, Trial, Workbench

LEVEL_NAMES = ("shipped", "environment", "connection")


@click.group("mapping", short_help="See, try and check mappings and their overlays.")
def mapping() -> None:
    """The workbench for mappings: what is in force for a connection, and what it makes of records. Nothing is stored.

    \b
    Examples:
      lms mapping show acme users
      lms mapping test acme users --file payload.json
      lms mapping diff acme users --overlay draft.yaml
    """


def _subject(command: Callable[..., Any]) -> Callable[..., Any]:
    resource = click.argument("resource", type=ResourceName())
    return click.argument("name")(resource(common(command)))


def _sample(limit: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Options that name the records to be tried."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        file = click.option(
            "--file",
            type=click.Path(exists=True, dir_okay=False, allow_dash=True),
            help="JSON: a provider's record, a whole input {record, parent, ...}, or a list; - is standard input.",
        )
        number = click.option(
            "--limit",
            type=click.IntRange(min=1),
            default=limit,
            show_default=True,
            metavar="N",
            help="How many records to read live, where no file is given.",
        )
        return file(number(command))

    return add


_overlay_option = click.option(
    "--overlay",
    "overlay_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An overlay that is not in force, to be put on top.",
)


def _open(name: str, resource: str) -> Workbench:
    prepare_dlt()
    from pipelines.workbench import open_workbench

    return open_workbench(name, resource)


def _draft(bench: Workbench, file: Path | None) -> list[Overlay]:
    return [bench.overlay(file)] if file else []


def _inputs(bench: Workbench, file: str | None, limit: int) -> Iterable[Input]:
    if file is None:
        return bench.live_inputs(limit)
    text = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    try:
        return bench.inputs_of(orjson.loads(text))
    except orjson.JSONDecodeError:
        raise click.UsageError(f"--file: {file} is no JSON") from None


@mapping.command("show", short_help="The merged expression, and where each field comes from.")
@_subject
def show(name: str, resource: str, as_json: bool) -> None:
    """Prints the expression that maps RESOURCE of connection NAME, overlays included, and the origin of each field."""
    bench = _open(name, resource)
    merged, fields = bench.merged(), bench.lineage()
    if as_json:
        print_json(
            {
                "provider": bench.manifest.provider,
                "resource": resource,
                "mapping_digest": bench.digest,
                "overlays": [{"level": one.level, "file": one.file} for one in bench.overlays],
                "manifest_changes": [vars(change) for change in bench.connection.overlays.changes],
                "expression": merged.source,
                "fields": [_origin(one) for one in fields],
            }
        )
        return
    say(merged.source.rstrip())
    say()
    rows = [[one.path, one.level if one.expression else None, one.place, one.type] for one in fields]
    print_table(["field", "level", "written in", "type"], rows)
    say()
    say(f"mapping_digest {bench.digest}")


def _origin(one: Any) -> dict[str, Any]:
    return {
        "field": one.path,
        "level": one.level,
        "place": one.place,
        "expression": one.expression,
        "type": one.type,
    }


@mapping.command("test", short_help="What the mapping makes of a record, and what it leaves.")
@_sample(1)
@_overlay_option
@_subject
def test(
    name: str, resource: str, file: str | None, limit: int, overlay_file: Path | None, as_json: bool
) -> None:
    """Maps records from a file, from standard input, or live from the connection, and shows what came of each.

    Prints the unified record, what was filled, what the payload has that no field reads, and each violation with its
    place. Exit status 3 when a record is rejected or a value is not what the model wants.
    """
    bench = _open(name, resource)
    merged = bench.merged("connection", *_draft(bench, overlay_file))
    trials = [bench.try_on(seen, merged) for seen in _inputs(bench, file, limit)]
    if not trials:
        note(f"{name} has no {resource}")
    if as_json:
        print_json({"records": [_trial_document(trial) for trial in trials]})
    else:
        for trial in trials:
            _show_trial(trial)
    finish(INCOMPLETE if any(trial.violations for trial in trials) else DONE)


def _trial_document(trial: Trial) -> dict[str, Any]:
    return {
        "unified": trial.unified,
        "filled": trial.filled,
        "unread": trial.unread,
        "read_whole_by": trial.read_whole_by,
        "violations": [vars(violation) for violation in trial.violations],
    }


def _show_trial(trial: Trial) -> None:
    if trial.unified is None:
        say("rejected")
    else:
        print_line({field: value for field, value in trial.unified.items() if value is not None})
        say(f"filled: {', '.join(trial.filled)}")
    if trial.unread:
        perhaps = (
            f" (perhaps by {', '.join(trial.read_whole_by)}, which take the record whole)"
            if trial.read_whole_by
            else ""
        )
        say(f"not read: {', '.join(trial.unread)}{perhaps}")
    for one in trial.violations:
        say(f"wrong: {one.field or 'the record'}: {one.reason} ({one.code})")
    say()


@mapping.command("diff", short_help="Which fields two levels give differently, over a sample.")
@click.option(
    "--from", "lower", type=click.Choice(LEVEL_NAMES), help="The level before. [default: the one below --to]"
)
@click.option(
    "--to", "upper", type=click.Choice(LEVEL_NAMES), default="connection", show_default=True, help="After."
)
@_sample(100)
@_overlay_option
@_subject
def diff(
    name: str,
    resource: str,
    lower: str | None,
    upper: str,
    file: str | None,
    limit: int,
    overlay_file: Path | None,
    as_json: bool,
) -> None:
    """Compares what two levels make of a sample of records: live ones, or those of a file.

    Without options, the connection's overlay is compared with what lies below it. With --overlay, what is in force is
    compared with the same under that file.
    """
    bench = _open(name, resource)
    default = upper if overlay_file else LEVEL_NAMES[max(0, LEVEL_NAMES.index(upper) - 1)]
    before = bench.merged(lower or default)
    after = bench.merged(upper, *_draft(bench, overlay_file))
    inputs = list(_inputs(bench, file, limit))
    found = [one for seen in inputs for one in bench.differences(seen, before, after)]
    counted = Counter(one.field for one in found)
    if as_json:
        document = {"records": len(inputs), "fields": counted, "differences": [vars(one) for one in found]}
        print_json(document)
        return
    _show_differences(found, counted, len(inputs))


def _show_differences(found: list[Difference], counted: Counter[str], records: int) -> None:
    for one in found:
        print_line(vars(one))
    say(f"{records} records, {len({one.record_id for one in found})} of them differ")
    if counted:
        print_table(["field", "records"], [[field, number] for field, number in counted.most_common()])


@mapping.command("lint", short_help="What is doubtful about a mapping, without any data.")
@_subject
def lint(name: str, resource: str, as_json: bool) -> None:
    """Looks for what is doubtful in the mapping and the overlays in force.

    That is: unknown fields, dead fallbacks and lines, ids that are no text, words outside the model, and times without
    a zone. Exit status 3 when something is found.
    """
    found = _open(name, resource).lint()
    if as_json:
        print_json({"findings": [vars(one) for one in found]})
    elif found:
        rows = [[one.code, one.field, one.place, one.sentence] for one in found]
        print_table(["code", "field", "written in", "what is doubtful"], rows)
    else:
        say("nothing is doubtful")
    finish(INCOMPLETE if found else DONE)


@mapping.command("lineage", short_help="Which fields of the provider each field is made of.")
@_subject
def lineage(name: str, resource: str, as_json: bool) -> None:
    """Prints, field by field, the level that gives it and the provider's fields that it reads.

    A sync writes the same into the table mapping_lineage.
    """
    fields = _open(name, resource).lineage()
    if as_json:
        print_json({"fields": [_origin(one) | {"reads": one.reads} for one in fields]})
        return
    rows = [[one.path, one.level if one.expression else None, ", ".join(one.reads) or None] for one in fields]
    print_table(["field", "level", "reads"], rows)
