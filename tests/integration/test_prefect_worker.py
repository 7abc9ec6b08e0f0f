"""The deployments of prefect.yaml on a real server with a real worker: they can be made, and a schedule fires."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.exceptions import PrefectHTTPStatusError

from flows.local import run_prefect, running_worker
from pipelines.environment import Target
from tests.integration.conftest import Tables
from tests.integration.prefect_api import POOL, ROOT, Api, deployments, eventually


@pytest.fixture(scope="module")
def deployed(prefect_server: Api) -> Iterator[Api]:
    """The server with a work pool and everything in prefect.yaml; cron schedules are off, so that nothing else runs."""
    with deployments(prefect_server) as api:
        yield api


def test_every_deployment_of_the_file_is_made(deployed: Api) -> None:
    """Entry points are modules, every time zone is said, and what runs on a schedule never runs twice at once."""
    wanted = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    made = deployed.client.read_deployments()
    assert {each.entrypoint for each in made} == {each["entrypoint"] for each in wanted}
    for each in made:
        assert (each.entrypoint or "").startswith("flows.")
        assert each.description
        for schedule in each.schedules:
            assert schedule.schedule.timezone == "UTC"  # type: ignore[union-attr]
            assert each.global_concurrency_limit
            assert each.global_concurrency_limit.limit == 1


def test_a_schedule_fires(deployed: Api, acme: str, warehouse: Target, tables: Tables) -> None:
    """A worker runs what the scheduler made, in a process that knows the connection from the environment.

    With sqlalchemy 2.1 Prefect 3.8.8 makes no scheduled run at all, and only its server's log says so.
    """
    deployment = deployed.client.read_deployment_by_name("sync_connection/on-demand")
    every_15_seconds = DeploymentScheduleCreate(
        schedule=IntervalSchedule(interval=timedelta(seconds=15)),
        parameters={"connection": acme, "resources": ["users"]},
    )
    with running_worker(deployed.variables, POOL):
        deployed.client.create_deployment_schedules(deployment.id, [every_15_seconds])
        found = eventually(lambda: _scheduled(deployed), 90, "no scheduled run came to its end")
    assert (found.name, found.state_name) == ("sync acme", "Completed")
    assert tables.one("select count(*) from lms.users") > 0


def _scheduled(api: Api) -> FlowRun | None:
    runs = [run for run in api.runs() if run.auto_scheduled and run.state and run.state.is_final()]
    return runs[0] if runs else None


def test_parameters_that_do_not_fit_make_no_run(deployed: Api) -> None:
    """The server refuses them with the reason before anything is run."""
    deployment = deployed.client.read_deployment_by_name("sync_connection/on-demand")
    before = len(deployed.runs())
    with pytest.raises(PrefectHTTPStatusError, match="409"):
        deployed.client.create_flow_run_from_deployment(
            deployment.id, parameters={"connection": "acme", "resources": ["learners"]}
        )
    assert len(deployed.runs()) == before


def test_the_documented_automations_are_taken(prefect_server: Api, tmp_path: Path) -> None:
    """The automation that ships, and what docs/prefect.md says to create, the server takes as they stand there."""
    [block] = re.findall(r"```yaml\n(name: .*?)```", (ROOT / "docs/prefect.md").read_text(), re.DOTALL)
    (tmp_path / "documented.yaml").write_text(block)
    for file in (tmp_path / "documented.yaml", ROOT / "flows/automations/crash-zombies.yaml"):
        run_prefect(prefect_server.variables, "automation", "create", "--from-file", str(file))
    made = prefect_server.client.read_automations()
    assert {"crash zombies", "tell of failures"} <= {automation.name for automation in made}
    for automation in made:
        prefect_server.client.delete_automation(automation.id)
