"""The group `lms`: options that every command has, and what becomes of an error."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeVar

import click

from mappings.model import RESOURCES
from pipelines.output import note
from sources.unified_lms.errors import ConfigurationError, LmsError, chain

DONE, FAILED, WRONG_USAGE, INCOMPLETE = 0, 1, 2, 3
"""The exit statuses."""

_DEBUG = "pipelines.cli.debug"
_OURS = ("pipelines", "sources", "mappings")
_Command = TypeVar("_Command", bound=Callable[..., Any])


class LmsGroup(click.Group):
    """A group whose commands end with a sentence and a status, and not with a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command; an error of ours, or one that nobody foresaw, becomes a message and a status."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, OSError) as error:
            if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
                self._end(ctx, error)
            raise
        except Exception as error:  # noqa: BLE001 - the last place where it can become a sentence
            self._end(ctx, error)

    def _end(self, ctx: click.Context, error: Exception) -> None:
        if ctx.find_root().meta.get(_DEBUG):
            raise error
        sentence, status = explain(error)
        note(f"lms: {sentence}")
        ctx.exit(status)


def explain(error: BaseException) -> tuple[str, int]:
    """A sentence for an error, and the exit status. Errors that are not foreseen are named and not quoted.

    What a library says may hold what it worked on, a learner's data or a credential.
    """
    causes = list(chain(error))
    for one in causes:
        if isinstance(one, ConfigurationError):
            return str(one), WRONG_USAGE
        if isinstance(one, LmsError):
            return str(one), FAILED
    for one in causes:
        if known := _known(one):
            return known
    kinds = " from ".join(dict.fromkeys(type(one).__name__ for one in causes))
    return f"unexpected error ({kinds}); --debug shows where, please report it", FAILED


def _known(error: BaseException) -> tuple[str, int] | None:
    """Errors of libraries whose messages are about the surroundings, and that a user can do something about."""
    where = f"{type(error).__module__}.{type(error).__qualname__}"
    if where.startswith("mappings.library.") or where == "mappings.engine.ExpressionError":
        return str(error), WRONG_USAGE
    if where.endswith("duckdb.IOException") or where == "_duckdb.IOException":
        return f"the DuckDB file cannot be opened: {_locked(str(error))}", FAILED
    if where in ("psycopg2.OperationalError", "psycopg2.errors.OperationalError"):
        return f"PostgreSQL cannot be reached: {_first_line(error)}", FAILED
    if where.startswith("dlt.common.configuration.exceptions."):
        return f"dlt's configuration: {_first_line(error)}", WRONG_USAGE
    if isinstance(error, OSError) and error.strerror and not isinstance(error, ConnectionError):
        return f"{error.filename or 'the system'}: {error.strerror}", FAILED
    return None


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def _locked(message: str) -> str:
    if "lock" in message.lower():
        return "another process has it open; DuckDB allows one that writes, so end that one or wait for it"
    return message.strip().splitlines()[0]


def _version() -> str:
    try:
        return version("unified-lms")
    except PackageNotFoundError:
        return "of a checkout that is not installed"


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(f"lms {_version()}")
        ctx.exit()


@click.group(cls=LmsGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version)
def main() -> None:
    """Reads learning management systems through one schema into your own warehouse, with history.

    Connections are sections of .dlt/config.toml and .dlt/secrets.toml, or variables such as
    CONNECTIONS__ACME__PROVIDER. Results go to standard output, everything else to standard error.

    \b
    Exit status: 0 done, 1 failed, 2 wrong usage or configuration, 3 done with something missing.

    \b
    Example:
      lms demo          try it without an account
      lms check acme    see what a connection can do
      lms sync          read every connection into the warehouse
    """
    click.get_current_context().with_resource(_log_to_standard_error())


@contextmanager
def _log_to_standard_error() -> Iterator[None]:
    """Lets the connector's own log lines through to standard error, wherever that is at the time."""
    handler = _Notes(logging.INFO)
    loggers = [logging.getLogger(name) for name in _OURS]
    before = [(logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, (level, propagate) in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)
            logger.propagate = propagate


class _Notes(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        note(record.getMessage())


def _set_debug(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        ctx.find_root().meta[_DEBUG] = True


def common(command: _Command) -> _Command:
    """Gives a command `--json` (passed as `as_json`) and `--debug`."""
    debug = click.option(
        "--debug",
        is_flag=True,
        expose_value=False,
        callback=_set_debug,
        help="Show where an unexpected error happened. The traceback may hold data.",
    )
    as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
    return as_json(debug(command))


def warehouse_options(command: _Command) -> _Command:
    """Gives a command `--destination` and `--dataset`."""
    destination = click.option(
        "--destination",
        type=click.Choice(["duckdb", "postgres"]),
        help="Where the warehouse is; by default what is configured, else DuckDB in ./warehouse.duckdb.",
    )
    dataset = click.option("--dataset", metavar="D", help="The dataset (schema) in it. [default: lms]")
    return destination(dataset(command))


def filter_option(text: str) -> Callable[[_Command], _Command]:
    """Gives a command `--filter K=V`, passed as the dictionary `filters`; `text` is its help."""
    return click.option("--filter", "filters", multiple=True, callback=_filters, metavar="K=V", help=text)


def _filters(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for value in values:
        name, sign, wanted = value.partition("=")
        if not sign or not name:
            raise click.BadParameter(f"{value!r} is no filter; write it such as 'user[id]=5'")
        if name in found:
            raise click.BadParameter(f"{name!r} stands twice")
        found[name] = wanted
    return found


class ResourceName(click.ParamType[str]):
    """One of the four resources, as `course_items` or, as on the wire, `course-items`."""

    name = "resource"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The resource's name; a usage error for any other."""
        found = str(value).replace("-", "_")
        if found not in RESOURCES:
            self.fail(f"{value!r} is no resource; the resources are {', '.join(RESOURCES)}", param, ctx)
        return found


def resource_option(command: _Command) -> _Command:
    """Gives a command `--resource R`, any number of times, passed as the tuple `resources`."""
    return click.option(
        "--resource",
        "resources",
        multiple=True,
        type=ResourceName(),
        metavar="R",
        help="Only this one; may be repeated.",
    )(command)


def debugging() -> bool:
    """Whether errors are to be shown whole."""
    ctx = click.get_current_context(silent=True)
    return ctx is not None and bool(ctx.find_root().meta.get(_DEBUG))


def finish(status: int) -> None:
    """Ends the command with a status."""
    if status != DONE:
        click.get_current_context().exit(status)


def prepare_dlt() -> None:
    """Sets what dlt must know before it is used."""
    from pipelines.environment import prepare

    prepare()


def interactive() -> bool:
    """Whether somebody watches standard error."""
    return sys.stderr.isatty()
