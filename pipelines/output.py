"""What a command says: results to standard output, everything else to standard error.

Tables are for readers: as wide as a terminal, and never cut where the output is a file or a pipe. JSON is for programs:
one document, or one line for each record.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import click
import orjson

_NOTHING = "-"
_UNCUT = 10_000
"""Columns of a page that nobody looks at through a window."""


def note(text: str) -> None:
    """Says something that is no result, on standard error."""
    click.echo(text, err=True)


def say(text: str = "") -> None:
    """Prints a line of the result."""
    click.echo(text)


def print_json(value: Any) -> None:
    """Prints one JSON document, indented."""
    click.echo(to_json(value, indent=True))


def print_line(value: Any) -> None:
    """Prints one value as a line of JSON."""
    click.echo(to_json(value))


def to_json(value: Any, *, indent: bool = False) -> str:
    """JSON text; instants are RFC 3339 in UTC with `Z`, whatever zone they came in."""
    options = orjson.OPT_PASSTHROUGH_DATETIME | (orjson.OPT_INDENT_2 if indent else 0)
    return orjson.dumps(value, _plain, options).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        zoned = value if value.tzinfo else value.replace(tzinfo=UTC)
        return zoned.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, title: str = "") -> None:
    """Prints rows under column names; numbers to the right. A title stands above."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if title:
        say(title)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for index, name in enumerate(columns):
        numeric = any(_is_number(row[index]) for row in rows)
        table.add_column(Text(name), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell(value)) for value in row))
    if sys.stdout.isatty():
        Console(file=sys.stdout).print(table)
        return
    page = StringIO()
    Console(file=page, width=_UNCUT).print(table)
    say("\n".join(line.rstrip() for line in page.getvalue().splitlines()))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def cell(value: Any) -> str:
    """A value as a cell of a table: instants in UTC to the second, numbers in groups of three, `-` for nothing."""
    if value is None or value == "":
        return _NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.1f}"
    if isinstance(value, datetime):
        zoned = value if value.tzinfo else value.replace(tzinfo=UTC)
        return f"{zoned.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    return " ".join(str(value).split())


def age(seconds: float) -> str:
    """A span of time in its two largest units: `45 s`, `12 min`, `3 h 5 min`, `2 d 4 h`."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, hours, days = whole // 60, whole // 3600, whole // 86_400
    if hours == 0:
        return f"{minutes} min"
    if days == 0:
        return f"{hours} h {minutes % 60} min"
    return f"{days} d {hours % 24} h"
