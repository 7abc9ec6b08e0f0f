"""`make prefect-demo`: every deployment run once, by a real server and worker, against the sandbox."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.local import free_port, local_variables, run_prefect, running_server, running_worker
from pipelines.demo import CONNECTION
from pipelines.environment import DEFAULTS
from pipelines.output import note, print_table, say
from pipelines.variables import connection_variables
from sources.unified_lms.sandbox import SandboxServer

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun

ROOT = Path(__file__).parents[1]
POOL = "lms"
FILE = "prefect-demo.duckdb"
_PATIENCE, _LOOK = 300.0, 0.5
"""Seconds for a run, and between two looks at whether it has ended."""

STEPS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("sync_all/scheduled", {"full": False}),
    ("sync_all/scheduled", {"full": True}),
    ("sync_connection/on-demand", {"connection": CONNECTION, "resources": ["users"]}),
    ("backfill/on-demand", {"connection": CONNECTION, "resources": ["course_enrollments"]}),
    ("write_back/write-back", {}),
)
"""What is run, in order; a run of `scheduled` has `transform/after-sync` run after it, by its trigger."""


def main() -> int:
    """Runs the demo in the folder `demo`; the exit status."""
    folder = Path("demo").absolute()
    _remove_older(folder)
    with (
        SandboxServer() as sandbox,
        _environment(folder, dict(connection_variables(CONNECTION, sandbox.connection))),
    ):
        variables = local_variables(folder / "prefect", free_port())
        os.environ.update(variables)
        note("starting Prefect's server")
        with running_server(variables):
            note("making the work pool and the deployments")
            run_prefect(variables, "work-pool", "create", POOL, "--type", "process")
            run_prefect(variables, "--no-prompt", "deploy", "--all", folder=ROOT)
            with running_worker(variables, POOL):
                good = _run_all(sandbox)
    shutil.rmtree(folder / "prefect", ignore_errors=True)
    say(f"The tables are in {folder / FILE}. Nothing is left running.")
    return 0 if good else 1


def _run_all(sandbox: SandboxServer) -> bool:
    """Runs each step and what follows from it, shows what became of it, and says whether all of it is well."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        for number, (deployment, parameters) in enumerate(STEPS):
            if number == 1:
                note("meanwhile in the sandbox: " + "; ".join(sandbox.world.advance(1)))
            if deployment.startswith("write_back/"):
                note("meanwhile in the warehouse: somebody asks for another first name of user 5")
                _ask_for_a_name()
            note(f"running {deployment} {parameters}")
            _run(client, deployment, parameters)
        runs = [run for run in client.read_flow_runs() if run.start_time]
        runs.sort(key=lambda run: str(run.start_time))
        _show(client, runs)
    return all(run.state and run.state.is_completed() for run in runs)


def _ask_for_a_name() -> None:
    """A request in the table that the deployment `write-back` looks into, as a dbt model would make it."""
    from pipelines.database import open_database
    from pipelines.environment import target
    from sources.unified_lms.tables import WRITE_BACK_REQUESTS

    with open_database(target().pipeline(CONNECTION)) as database:
        columns = database.columns(*WRITE_BACK_REQUESTS.column_names)
        database.execute(
            f"insert into {database.table(WRITE_BACK_REQUESTS.name)} ({columns}) "  # noqa: S608 - names are ours
            "values (%s, %s, %s, %s, %s, %s)",
            *("demo-1", CONNECTION, "users", "update", "5", '{"first_name": "Adaora"}'),
        )


def _run(client: SyncPrefectClient, deployment: str, parameters: dict[str, Any]) -> None:
    """Runs a deployment to its end; where the tables for analysts are built after it, until they are."""
    found = client.read_deployment_by_name(deployment)
    run = client.create_flow_run_from_deployment(found.id, parameters=parameters)
    _wait(lambda: _ended(client.read_flow_run(run.id)), deployment)
    if deployment.endswith("/scheduled"):
        built = client.read_deployment_by_name("transform/after-sync").id
        before = sum(name == deployment for name, _ in STEPS[: STEPS.index((deployment, parameters)) + 1])
        _wait(lambda: _number_ended(client, built) >= before, "transform/after-sync")


def _number_ended(client: SyncPrefectClient, deployment: Any) -> int:
    return sum(run.deployment_id == deployment and _ended(run) for run in client.read_flow_runs())


def _ended(run: FlowRun) -> bool:
    return run.state is not None and run.state.is_final()


def _wait(done: Any, what: str) -> None:
    end = time.monotonic() + _PATIENCE
    while not done():
        if time.monotonic() > end:
            raise RuntimeError(f"{what} did not end within {_PATIENCE:g} seconds")
        time.sleep(_LOOK)


def _show(client: SyncPrefectClient, runs: list[FlowRun]) -> None:
    rows = [
        [
            run.name,
            run.state_name,
            f"{run.total_run_time.total_seconds():.1f}",
            run.state.message if run.state else "",
        ]
        for run in runs
    ]
    print_table(["run", "state", "seconds", "what it says"], rows, title="The runs")
    say()
    artifacts = sorted({(each.key, each.type) for each in client.read_artifacts()}, key=str)
    print_table(
        ["artifact", "kind"], [list(each) for each in artifacts], title="What Prefect's page shows of them"
    )
    say()


def _remove_older(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in (FILE, f"{FILE}.wal"):
        (folder / name).unlink(missing_ok=True)
    for name in ("prefect", ".dlt-work"):
        shutil.rmtree(folder / name, ignore_errors=True)


@contextmanager
def _environment(folder: Path, connection: dict[str, str]) -> Iterator[None]:
    """Variables for the demo's children: one connection, its own warehouse and folders, whatever else is configured."""
    before = dict(os.environ)
    for name in [
        name for name in os.environ if name.startswith(("CONNECTIONS__", "DESTINATION__", "PREFECT_"))
    ]:
        del os.environ[name]
    work = str(folder / ".dlt-work")
    os.environ.update(
        {
            **DEFAULTS,
            **connection,
            "DLT_PROJECT_DIR": work,
            "DLT_DATA_DIR": work,
            "DESTINATION__DUCKDB__CREDENTIALS": str(folder / FILE),
            f"CONNECTIONS__{CONNECTION.upper()}__WRITES__ALLOW": '["users.update"]',
        }
    )
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
