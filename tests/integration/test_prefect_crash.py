"""A worker and its run, killed together: Prefect is told by an automation, and the next run goes on."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prefect.client.schemas.objects import FlowRun

from flows import outcomes
from flows.local import run_prefect, running_worker
from flows.sync import sync_connection
from pipelines.environment import Target
from sources.unified_lms.sandbox import Rule, SandboxServer, expected
from sources.unified_lms.sandbox.actions import SlowBody
from tests.integration.conftest import Tables
from tests.integration.prefect_api import POOL, ROOT, Api, deployments, eventually

AUTOMATION = ROOT / "flows/automations/crash-zombies.yaml"
WITHIN = 15
"""Seconds without a heartbeat in this test, where the shipped automation waits for nine minutes."""
RESOURCES = ("users", "course_enrollments")


@pytest.fixture
def automation(prefect_server: Api, tmp_path: Path) -> Iterator[None]:
    """The shipped automation, which does not wait as long."""
    shipped = yaml.safe_load(AUTOMATION.read_text())
    file = tmp_path / "automation.yaml"
    file.write_text(yaml.safe_dump(shipped | {"trigger": shipped["trigger"] | {"within": WITHIN}}))
    run_prefect(prefect_server.variables, "automation", "create", "--from-file", str(file))
    yield
    for each in prefect_server.client.read_automations():
        prefect_server.client.delete_automation(each.id)


@pytest.fixture
def deployed(prefect_server: Api) -> Iterator[Api]:
    """Everything in prefect.yaml."""
    with deployments(prefect_server) as api:
        yield api


def kill_with_worker(run: FlowRun) -> None:
    """Kills the worker first, which would see the run die, and then the run."""
    process = int(str(run.infrastructure_pid).rsplit(":", 1)[-1])
    parent = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(parent, signal.SIGKILL)
    os.kill(process, signal.SIGKILL)


def test_a_run_that_died_with_its_worker_is_marked_and_gone_on_with(
    deployed: Api, automation: None, acme: str, server: SandboxServer, warehouse: Target, tables: Tables
) -> None:
    """Without a heartbeat the run becomes Crashed; the next run has everything in the warehouse, and once."""
    deployment = deployed.client.read_deployment_by_name("sync_connection/on-demand")
    server.faults.add(Rule(SlowBody(60), path="/users/id", after=5))
    run = deployed.client.create_flow_run_from_deployment(
        deployment.id, parameters={"connection": acme, "resources": list(RESOURCES)}
    )
    with running_worker(deployed.variables, POOL):
        asked = server.requests.matching
        eventually(lambda: len(asked("/users/id")) > 5, 120, "the run did not come to the enrolments")
        killed = deployed.client.read_flow_run(run.id)
        kill_with_worker(killed)
    assert killed.state_name == "Running"
    server.faults.clear()
    eventually(lambda: _crashed(deployed, run), 90, "the run was not marked as crashed")
    state = sync_connection(connection=acme, resources=list(RESOURCES), return_state=True)
    assert state.name == "Completed", state.message
    for resource in RESOURCES:
        wanted = sorted((row["id"],) for row in expected(server.world, server.provider, resource))
        assert tables.query(f"select id from lms.{resource} order by id") == wanted
        assert tables.query(f"select id from lms.{resource}_snapshots order by id") == wanted


def _crashed(api: Api, run: FlowRun) -> bool:
    return api.client.read_flow_run(run.id).state_name == "Crashed"


def test_every_state_of_ours_ends_the_watch() -> None:
    """A run that has ended has no more heartbeats: each name of a final state is one that the automation expects."""
    ours = {
        value
        for name, value in vars(outcomes).items()
        if name.isupper() and isinstance(value, str) and value[0].isupper()
    }
    named = yaml.safe_load(AUTOMATION.read_text())["trigger"]["expect"]
    assert {"Busy", "NeedsReauth", "Skipped"} < ours
    assert {f"prefect.flow-run.{name}" for name in ours} <= set(named)
