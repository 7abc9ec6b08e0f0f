"""`lms reset`, and what `lms status` says of cursors."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from pipelines.cli import main
from pipelines.environment import Target
from tests.integration.campus import Campus
from tests.integration.conftest import ON_BOTH

pytestmark = pytest.mark.usefixtures("warehouse")


def lms(*words: str, answer: str | None = None) -> Result:
    """What a command says and how it ends."""
    return CliRunner().invoke(main, list(words), input=answer)


def runs(*words: str) -> dict[str, dict[str, Any]]:
    """The runs of one sync, by resource."""
    [connection] = orjson.loads(lms("sync", "campus", "--json", *words).stdout)["connections"]
    return {one["resource"]: one for one in connection["resources"]}


def cursors() -> dict[str, str | None]:
    """The cursor of each resource as status has it."""
    [connection] = orjson.loads(lms("status", "--json").stdout)["connections"]
    return {one["resource"]: one["cursor"] for one in connection["resources"]}


def test_status_shows_each_cursor(campus: Campus) -> None:
    """The cursor is the start of the last run that left nothing out; none where changes cannot be asked for."""
    began = {resource: run["started_at"] for resource, run in runs().items()}
    assert cursors() == began | {"courses": None}
    assert began["users"][:19].replace("T", " ") in lms("status").stdout


@ON_BOTH
def test_reset_makes_the_next_run_whole(campus: Campus) -> None:
    """Forgotten for one resource, everything of that one is read again, and changes of the others."""
    runs("--resource", "users", "--resource", "course_items")
    said = lms("reset", "campus", "--resource", "users", "--yes", "--json")
    modes = {
        name: run["mode"] for name, run in runs("--resource", "users", "--resource", "course_items").items()
    }
    assert [one["resource"] for one in orjson.loads(said.stdout)["forgotten"]] == ["users"]
    assert modes == {"users": "full", "course_items": "incremental"}


def test_reset_asks(campus: Campus) -> None:
    """It shows what would be forgotten; without a yes nothing is, and the status is 1."""
    runs("--resource", "users")
    before = cursors()
    refused = lms("reset", "campus", answer="n\n")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "campus: users: changes from 20" in refused.stderr
    assert cursors() == before
    assert lms("reset", "campus", answer="y\n").exit_code == 0
    assert cursors() == {"users": None}


def test_nothing_to_forget(campus: Campus, warehouse: Target) -> None:
    """Before the first run there is nothing to ask, and no warehouse is made."""
    result = lms("reset", "campus")
    assert (result.exit_code, result.stderr) == (0, "campus has no cursor to forget\n")


def test_a_connection_that_nobody_configured_is_an_error(campus: Campus) -> None:
    """A misspelt name is not taken for a connection without cursors."""
    refused = lms("reset", "campsu", "--yes")
    assert refused.exit_code == 2
    assert "there is no connection 'campsu'" in refused.stderr
