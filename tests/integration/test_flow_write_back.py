"""The flow `write_back` on a real Prefect server: tasks, states, artifacts, and nothing where nothing is asked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from prefect.client.schemas.objects import StateType
from prefect.variables import Variable

from flows.skipping import PAUSED
from flows.write_back import write_back
from pipelines.environment import Target
from pipelines.schema import prepare_tables
from sources.unified_lms.sandbox import SandboxServer
from tests.integration.conftest import Tables
from tests.integration.prefect_api import Api

NAME = "Adaora"


@pytest.fixture(autouse=True)
def no_pauses(prefect_server: Api) -> None:
    """The server is shared: no test leaves a paused connection to the next."""
    Variable.set(PAUSED, [], overwrite=True)


@pytest.fixture
def asked(acme: str, warehouse: Target, tables: Tables, monkeypatch: pytest.MonkeyPatch) -> str:
    """A connection that may write, of which another first name of user 5 is asked for."""
    monkeypatch.setenv("CONNECTIONS__ACME__WRITES__ALLOW", '["*"]')
    prepare_tables(warehouse.pipeline(acme))
    tables.change(
        "insert into lms.write_back_requests values "
        f"""('a', 'acme', 'users', 'update', '5', '{{"first_name": "{NAME}"}}')"""
    )
    return acme


def run(**parameters: Any) -> Any:
    """The state that a run in this process ends in."""
    return write_back(**parameters, return_state=True)


def test_what_is_asked_for_is_planned_applied_and_verified(
    prefect_server: Api, asked: str, server: SandboxServer
) -> None:
    """Each step is a task named after the connection, and the provider has what was asked for."""
    state = run()
    assert (state.name, state.message) == ("Completed", "acme: 1 done, 0 skipped, 0 failed")
    assert set(prefect_server.tasks(prefect_server.last_run())) == {
        "plan for acme", "apply to acme", "verify at acme",
    }  # fmt: skip
    assert server.world.person(5).first_name == NAME


def test_nothing_is_done_where_nothing_is_asked(
    prefect_server: Api, asked: str, server: SandboxServer
) -> None:
    """The second run has no task and asks the provider nothing."""
    run()
    server.requests.clear()
    state = run()
    assert (state.name, state.message) == ("Completed", "nothing was asked for")
    assert prefect_server.tasks(prefect_server.last_run()) == {}
    assert len(server.requests) == 0


def test_a_request_that_is_refused_fails_the_run_and_waits(
    prefect_server: Api, asked: str, tables: Tables, server: SandboxServer
) -> None:
    """The page says what to do; the next run does not try again what somebody has to correct."""
    tables.change("update lms.write_back_requests set record_id = '9999'")
    state = run()
    assert state.type == StateType.FAILED
    assert "lms write-back status acme --open" in state.message
    assert "fix_the_data" in prefect_server.artifact("write-back-acme-summary").data
    assert run().message == "nothing was asked for"


def test_the_table_shows_no_learners_data(prefect_server: Api, asked: str) -> None:
    """It has the request, what it came to, and nothing of the payload."""
    run()
    data = prefect_server.artifact("write-back-acme").data
    assert json.loads(data)[0]["status"] == "done"
    assert NAME not in str(data)


def test_a_paused_connection_is_not_written_to(
    prefect_server: Api, asked: str, server: SandboxServer
) -> None:
    """The pause switch holds for writing as well."""
    Variable.set(PAUSED, [asked], overwrite=True)
    server.requests.clear()
    assert PAUSED in run().message
    assert len(server.requests) == 0


def test_a_connection_that_is_read_only_is_left_alone(
    prefect_server: Api, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever stands in the table."""
    monkeypatch.setenv("CONNECTIONS__ACME__WRITES__ALLOW", "[]")
    assert run().message == "nothing was asked for"


def test_refused_credentials_end_in_a_skipped_connection(
    prefect_server: Api, asked: str, server: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The failure names the remedy, and the next run asks the provider nothing until a check has passed."""
    monkeypatch.setenv("CONNECTIONS__ACME__CREDENTIALS__API_KEY", "hunter2-is-not-the-key")
    first = run()
    server.requests.clear()
    assert first.type == StateType.FAILED
    assert "lms check acme" in first.message
    assert "lms check acme" in run().message
    assert len(server.requests) == 0
