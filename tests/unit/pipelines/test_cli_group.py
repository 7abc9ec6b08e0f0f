from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import duckdb
import pytest
from click.testing import CliRunner

from mappings.library import MappingNotFound
from pipelines.cli import main
from pipelines.cli.group import explain
from sources.unified_lms.errors import ConfigurationError, MappingFailed

COMMANDS = (
    "backfill",
    "check",
    "connect",
    "create",
    "delete",
    "demo",
    "erase",
    "get",
    "list",
    "providers",
    "prune",
    "report",
    "reset",
    "sandbox",
    "serve",
    "status",
    "sync",
    "transform",
    "update",
)
GROUPS = {
    "keys": ("create", "list", "revoke"),
    "mapping": ("diff", "lineage", "lint", "show", "test"),
    "write-back": ("apply", "approve", "plan", "retry", "status"),
}
"""Commands that have commands of their own."""
ROOT = Path(__file__).parents[3]


def test_commands() -> None:
    """The group has the commands that the design names, and no other."""
    assert set(main.commands) == {*COMMANDS, *GROUPS}
    groups = {name: main.commands[name] for name in GROUPS}
    assert {n: tuple(sorted(g.commands)) for n, g in groups.items() if isinstance(g, click.Group)} == GROUPS


@pytest.mark.parametrize("name", COMMANDS)
def test_help(name: str) -> None:
    """Every command's help has an example of itself, and options for JSON and for debugging."""
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0
    assert "Example" in result.output
    assert f"  lms {name}" in result.output.split("Example")[1]
    assert "--json" in result.output
    assert "--debug" in result.output


@pytest.mark.parametrize("group", GROUPS)
def test_help_of_a_group(group: str) -> None:
    """A group's help has examples of its commands, each of which has options for JSON and for debugging."""
    result = CliRunner().invoke(main, [group, "--help"])
    assert f"  lms {group} " in result.output.split("Example")[1]
    for name in GROUPS[group]:
        told = CliRunner().invoke(main, [group, name, "--help"])
        assert told.exit_code == 0
        assert "--json" in told.output
        assert "--debug" in told.output


def test_start_up_loads_nothing_heavy() -> None:
    """The help is there before dlt, DuckDB, Arrow, HTTP, rich and the expression engine are loaded."""
    heavy = ("dlt", "duckdb", "pyarrow", "httpx", "rich", "jlens", "uvicorn", "pydantic")
    code = f"import sys, pipelines.cli; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_unknown_resource_is_wrong_usage() -> None:
    """A resource that does not exist is refused with those that do."""
    result = CliRunner().invoke(main, ["list", "acme", "lessons"])
    assert result.exit_code == 2
    assert "users, courses, course_items, course_enrollments" in result.stderr


def test_filter_without_a_value_is_wrong_usage() -> None:
    """A filter is a name and a value."""
    result = CliRunner().invoke(main, ["list", "acme", "users", "--filter", "status"])
    assert (result.exit_code, result.stdout) == (2, "")


@pytest.mark.parametrize("share", ["101%", "-1", "many", "nan"])
def test_share_is_a_share(share: str) -> None:
    """What is no share of records is refused."""
    result = CliRunner().invoke(main, ["sync", "--max-rejected", share])
    assert result.exit_code == 2
    assert "write it such as 0.05 or 5%" in result.stderr


def test_configuration_errors_are_wrong_usage() -> None:
    """A wrong configuration, also inside what a library raises, is status 2 with its own message."""
    outer = RuntimeError("pipeline step failed")
    outer.__cause__ = ConfigurationError("base_url is missing")
    assert explain(outer) == ("base_url is missing", 2)


def test_other_errors_of_ours_are_failures() -> None:
    """An error of the connector that is no configuration is status 1 with its own message."""
    error = MappingFailed("acme", "users", 3, "no id")
    assert explain(error) == (str(error), 1)


def test_missing_mapping_is_wrong_usage() -> None:
    """A mapping that the user's own provider lacks is told as it is."""
    assert explain(MappingNotFound("there is no users.jsonata")) == ("there is no users.jsonata", 2)


def test_locked_file_is_told_with_a_remedy() -> None:
    """DuckDB's refusal of a second writing process is told as that, also inside what dlt raises."""
    try:
        try:
            raise duckdb.IOException(
                "IO Error: Could not set lock on file w.duckdb: Conflicting lock is held"
            )
        except duckdb.IOException as error:
            raise RuntimeError("pipeline step failed") from error
    except RuntimeError as error:
        message, status = explain(error)
    assert (status, "another process has it open" in message) == (1, True)


def test_unexpected_error_is_named_and_not_quoted() -> None:
    """What a library says may hold a learner's data, so that only the kind of its error is shown."""
    message, status = explain(KeyError("ada@example.org"))
    assert (status, "KeyError" in message, "ada@example.org" in message) == (1, True, False)


@pytest.fixture
def failing() -> Iterator[click.Command]:
    """A command of the group that fails as nobody foresaw."""

    @main.command("fail-in-test")
    def fail() -> None:
        raise KeyError("ada@example.org")

    yield fail
    del main.commands["fail-in-test"]


@pytest.mark.usefixtures("failing")
def test_no_traceback_for_the_unexpected() -> None:
    """An error that nobody foresaw ends with a sentence and status 1."""
    result = CliRunner().invoke(main, ["fail-in-test"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("lms: unexpected error (KeyError)")
    assert "Traceback" not in result.stderr


def test_logging_is_left_as_it_was() -> None:
    """A command that ran in this process leaves no handler behind."""
    before = {name: list(logging.getLogger(name).handlers) for name in ("pipelines", "sources", "mappings")}
    CliRunner().invoke(main, ["providers", "--json"])
    assert {name: logging.getLogger(name).handlers for name in before} == before
    assert all(logging.getLogger(name).propagate for name in before)


def test_version() -> None:
    """The version is told."""
    assert CliRunner().invoke(main, ["--version"]).stdout.startswith("lms ")
