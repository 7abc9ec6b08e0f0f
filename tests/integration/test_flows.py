"""The flows on a real Prefect server: states, tasks, artifacts, skipped connections, and nothing secret."""

from __future__ import annotations

import json
import os
import signal
from datetime import UTC, datetime
from typing import Any

import pytest
from click.testing import CliRunner
from dlt.common.configuration.container import Container
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext
from prefect.blocks.system import Secret
from prefect.client.schemas.objects import StateType
from prefect.variables import Variable

import flows.backfill
import flows.sync
from flows.backfill import backfill
from flows.skipping import PAUSED
from flows.sync import sync_all, sync_connection
from flows.transform import transform
from pipelines.cli import main
from pipelines.environment import Target
from pipelines.leases import lease
from pipelines.schema import prepare_tables
from pipelines.secret_provider import NamedSecrets
from sources.unified_lms.sandbox import SandboxServer
from tests.integration.conftest import Tables, configure
from tests.integration.prefect_api import Api

RESOURCES = ("users", "courses", "course_items", "course_enrollments")
WRONG_KEY = "hunter2-is-not-the-key"


@pytest.fixture(autouse=True)
def no_pauses(prefect_server: Api) -> None:
    """The server is shared: no test leaves a paused connection to the next."""
    Variable.set(PAUSED, [], overwrite=True)


@pytest.fixture
def refused(server: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """A connection whose key the provider does not know."""
    configure(monkeypatch, "refused", server)
    monkeypatch.setenv("CONNECTIONS__REFUSED__CREDENTIALS__API_KEY", WRONG_KEY)
    return "refused"


def run(flow: Any, **parameters: Any) -> Any:
    """The state that a run in this process ends in."""
    return flow(**parameters, return_state=True)


def test_a_connection_is_read_resource_by_resource(
    prefect_server: Api, acme: str, warehouse: Target, tables: Tables
) -> None:
    """The run ends as Completed, and has a task for each resource, named after it and the connection."""
    state = run(sync_connection, connection=acme)
    assert (state.name, state.type) == ("Completed", StateType.COMPLETED)
    last = prefect_server.last_run()
    assert last.name == "sync acme"
    assert set(prefect_server.tasks(last)) == {f"{resource} of acme" for resource in RESOURCES}
    assert tables.one("select count(distinct resource) from lms.sync_runs where status = 'done'") == 4


def test_the_table_shows_what_the_ledger_says(
    prefect_server: Api, acme: str, warehouse: Target, tables: Tables
) -> None:
    """The numbers of a run's table artifact are those of `sync_runs`."""
    run(sync_connection, connection=acme, resources=["users", "courses"])
    shown = json.loads(prefect_server.artifact("sync-acme").data)
    columns = ("resource", "read", "new", "changed", "retired", "rejected", "requests")
    ledger = tables.query(
        "select resource, records_read, records_new, records_changed, records_retired, records_rejected, requests "
        "from lms.sync_runs"
    )
    assert sorted(tuple(row[name] for name in columns) for row in shown) == ledger


def test_progress_ends_at_a_hundred(prefect_server: Api, acme: str, warehouse: Target) -> None:
    """Whoever watches a run sees how far it is."""
    run(sync_connection, connection=acme, resources=["users"])
    assert prefect_server.artifact("sync-acme-progress").data == 100


def test_refused_credentials_end_in_a_state_of_their_own(
    prefect_server: Api, refused: str, warehouse: Target
) -> None:
    """NeedsReauth is a failure with the remedy, after one try of one resource: more could lock the account."""
    state = run(sync_connection, connection=refused)
    assert (state.name, state.type) == ("NeedsReauth", StateType.FAILED)
    assert "lms check refused" in state.message
    [(name, task)] = prefect_server.tasks(prefect_server.last_run()).items()
    assert (name, task.run_count) == ("users of refused", 1)
    assert "NeedsReauth" in prefect_server.artifact("sync-refused-summary").data


def test_a_connection_without_valid_credentials_is_skipped(
    prefect_server: Api, server: SandboxServer, refused: str, warehouse: Target
) -> None:
    """After NeedsReauth the next run asks the provider nothing and says why."""
    run(sync_connection, connection=refused)
    server.requests.clear()
    state = run(sync_connection, connection=refused)
    assert (state.name, state.type) == ("Skipped", StateType.COMPLETED)
    assert "lms check refused" in state.message
    assert len(server.requests) == 0


def test_a_check_that_passes_ends_the_skipping(
    prefect_server: Api,
    server: SandboxServer,
    refused: str,
    warehouse: Target,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """New credentials and `lms check` are all that it takes."""
    run(sync_connection, connection=refused)
    configure(monkeypatch, refused, server)
    assert run(sync_connection, connection=refused).name == "Skipped"
    assert CliRunner().invoke(main, ["check", refused]).exit_code == 0
    assert run(sync_connection, connection=refused, resources=["users"]).name == "Completed"


def test_a_paused_connection_is_skipped(
    prefect_server: Api, server: SandboxServer, acme: str, warehouse: Target
) -> None:
    """A name in the variable pauses a connection, and whoever insists can run it all the same."""
    Variable.set(PAUSED, [acme], overwrite=True)
    state = run(sync_connection, connection=acme)
    assert state.name == "Skipped"
    assert PAUSED in state.message
    assert len(server.requests) == 0
    assert (
        run(sync_connection, connection=acme, resources=["users"], unconditionally=True).name == "Completed"
    )


def test_a_wrong_list_of_pauses_is_refused(prefect_server: Api, acme: str, warehouse: Target) -> None:
    """A variable that cannot be understood pauses nothing by guess."""
    Variable.set(PAUSED, "acme", overwrite=True)
    state = run(sync_connection, connection=acme)
    assert (state.name, state.type) == ("Misconfigured", StateType.FAILED)
    assert '["acme"]' in state.message


def test_one_connection_that_fails_stops_no_other(
    prefect_server: Api, acme: str, refused: str, warehouse: Target, tables: Tables
) -> None:
    """`sync_all` fails for the one, names both, and the other one's records are there."""
    state = run(sync_all, connections=[refused, acme], resources=["users"])
    assert state.type == StateType.FAILED
    assert state.message == "Completed: acme; NeedsReauth: refused"
    assert tables.one("select count(*) from lms.users where connection_id = 'acme'") > 0


def test_every_configured_connection_is_read(
    prefect_server: Api, acme: str, warehouse: Target, server: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without names all are read, and connections that were skipped are no failure."""
    configure(monkeypatch, "beta", server)
    Variable.set(PAUSED, ["beta"], overwrite=True)
    state = run(sync_all, resources=["users"])
    assert (state.type, state.message) == (StateType.COMPLETED, "Completed: acme; Skipped: beta")


def test_work_that_another_run_does_is_tried_once_more(
    prefect_server: Api, acme: str, warehouse: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lease of another run makes the task wait and try again once, and then fail with who has it."""
    monkeypatch.setattr(
        flows.sync, "sync_resource", flows.sync.sync_resource.with_options(retry_delay_seconds=0)
    )
    pipeline = warehouse.pipeline(acme)
    prepare_tables(pipeline)
    with lease(pipeline, acme, "users"):
        state = run(sync_connection, connection=acme, resources=["users"])
    assert state.type == StateType.FAILED
    assert "acme/users is being worked on by" in state.message
    assert prefect_server.tasks(prefect_server.last_run())["users of acme"].run_count == 2


def test_sigterm_ends_a_run_at_a_safe_point(
    prefect_server: Api, acme: str, warehouse: Target, tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a worker sends to cancel a run lets it load what was read, and end as Stopped."""
    monkeypatch.setattr(flows.sync, "_tell", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    state = run(sync_connection, connection=acme)
    assert (state.name, state.type) == ("Stopped", StateType.CANCELLED)
    assert "SIGTERM" in state.message
    assert tables.one("select count(*) from lms.sync_runs where status = 'done'") < 4


def test_a_connection_that_does_not_exist_is_misconfigured(prefect_server: Api, warehouse: Target) -> None:
    """The state's message says where a connection is made."""
    state = run(sync_connection, connection="acne")
    assert (state.name, state.type) == ("Misconfigured", StateType.FAILED)
    assert "there is no connection 'acne'" in state.message


def test_a_backfill_is_read_part_by_part(
    prefect_server: Api, acme: str, warehouse: Target, tables: Tables
) -> None:
    """The run has a task for the resource, and its table says how many parts are in the warehouse."""
    state = run(backfill, connection=acme, resources=["users"])
    assert state.name == "Completed"
    assert set(prefect_server.tasks(prefect_server.last_run())) == {"backfill users of acme"}
    [row] = json.loads(prefect_server.artifact("backfill-acme").data)
    assert row["done"] == row["parts"] == tables.one("select count(*) from lms.backfill_partitions")
    assert row["records_read"] == tables.one("select count(*) from lms.users")


@pytest.mark.parametrize("flow", [sync_connection, backfill])
def test_work_that_another_run_is_at_is_busy(
    prefect_server: Api, acme: str, warehouse: Target, monkeypatch: pytest.MonkeyPatch, flow: Any
) -> None:
    """A sync and a backfill that find their work taken end with a name of its own, and say by whom."""
    monkeypatch.setattr(flows.sync.sync_resource, "retries", 0)
    monkeypatch.setattr(flows.backfill.backfill_resource, "retries", 0)
    pipeline = warehouse.pipeline(acme)
    prepare_tables(pipeline)
    partition = "(backfill)" if flow is backfill else "*"
    with lease(pipeline, acme, "users", partition, run_id="theirs"):
        state = run(flow, connection=acme, resources=["users"])
    assert (state.name, state.type) == ("Busy", StateType.FAILED)
    assert "run theirs, process" in state.message


def test_a_backfill_onto_duckdb_is_not_spread(prefect_server: Api, acme: str, warehouse: Target) -> None:
    """One process at a time writes into a DuckDB file: nothing is begun, and the message says what to do."""
    state = run(backfill, connection=acme, resources=["users"], spread=4)
    assert state.name == "Misconfigured"
    assert "use PostgreSQL" in state.message


def test_secrets_come_from_blocks(
    prefect_server: Api, acme: str, server: SandboxServer, warehouse: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Secret block named like the key of a credential gives it, and no other block of the server is opened."""
    monkeypatch.delenv("CONNECTIONS__ACME__CREDENTIALS__API_KEY")
    Secret(value=server.credentials["api_key"]).save(
        "connections--acme--credentials--api-key", overwrite=True
    )
    Secret(value="somebody else's").save("other", overwrite=True)
    state = run(sync_connection, connection=acme, resources=["users"])
    blocks = Container()[PluggableRunContext].providers["Prefect Secret blocks"]
    assert state.name == "Completed", state.message
    assert isinstance(blocks, NamedSecrets)
    assert blocks.opened == {"connections--acme--credentials--api-key"}
    prefect_server.client.delete_block_document(
        prefect_server.client.read_block_document_by_name(
            "connections--acme--credentials--api-key", "secret"
        ).id
    )


def test_a_backfill_that_is_refused_stops_the_scheduled_runs(
    prefect_server: Api, server: SandboxServer, refused: str, warehouse: Target
) -> None:
    """Refused credentials end a backfill as NeedsReauth after one try, and the next sync is skipped."""
    state = run(backfill, connection=refused)
    assert (state.name, state.type) == ("NeedsReauth", StateType.FAILED)
    assert "lms check refused" in state.message
    [task] = prefect_server.tasks(prefect_server.last_run()).values()
    assert task.run_count == 1
    assert run(sync_connection, connection=refused).name == "Skipped"


def test_a_run_of_all_that_is_stopped_begins_no_other(
    prefect_server: Api,
    acme: str,
    server: SandboxServer,
    warehouse: Target,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """SIGTERM ends the connection at hand, and those after it are named as not begun."""
    configure(monkeypatch, "beta", server)
    monkeypatch.setattr(flows.sync, "_tell", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    state = run(sync_all, resources=["users"])
    assert (state.name, state.type) == ("Stopped", StateType.CANCELLED)
    assert state.message == "Stopped: acme, beta"


def test_a_window_that_the_provider_lacks_is_refused(
    prefect_server: Api, acme: str, warehouse: Target
) -> None:
    """TalentLMS cannot be asked what has changed: nothing is read, and the state says so."""
    state = run(backfill, connection=acme, resources=["users"], since=datetime(2026, 1, 1, tzinfo=UTC))
    assert (state.name, state.type) == ("Misconfigured", StateType.FAILED)
    assert "cannot be asked what has changed" in state.message


def test_transform_without_a_warehouse_says_so(prefect_server: Api, warehouse: Target) -> None:
    """The flow fails with the remedy and is not tried again."""
    state = run(transform)
    assert (state.name, state.type) == ("Misconfigured", StateType.FAILED)
    assert "lms sync" in state.message
    assert prefect_server.tasks(prefect_server.last_run())["dbt build over lms"].run_count == 1


def test_the_form_explains_every_parameter() -> None:
    """Prefect's form is drawn from a schema in which each parameter has a description."""
    for flow in (sync_connection, sync_all, backfill, transform):
        for name, schema in flow.parameters.properties.items():
            assert schema.get("description"), f"{flow.name}: {name}"


def test_nothing_secret_reaches_the_server(
    prefect_server: Api, server: SandboxServer, acme: str, refused: str, warehouse: Target, tables: Tables
) -> None:
    """Of runs that went well and runs that failed, the server shows neither a key nor a learner's address."""
    run(sync_all, connections=[acme, refused], resources=["users"])
    shown = prefect_server.everything()
    assert "users of refused" in shown
    assert WRONG_KEY not in shown
    assert server.credentials["api_key"] not in shown
    addresses = [
        address
        for [found] in tables.query("select emails from lms.users")
        for address in json.loads(found or "[]")
    ]
    assert addresses
    assert not [address for address in addresses if str(address) in shown]
