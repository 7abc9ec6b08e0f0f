"""A backfill over four workers: real processes, one PostgreSQL, one account whose limit binds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
import yaml

from flows.local import running_worker
from pipelines.environment import Target
from sources.unified_lms.sandbox import SandboxServer, World, expected
from sources.unified_lms.sandbox.growth import grow
from tests.integration.conftest import Tables, configure
from tests.integration.prefect_api import POOL, ROOT, Api, deployments, eventually

CALLS, SECONDS = 16, 2.0
WORKERS = 4
RESOURCE = "course_enrollments"


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxServer]:
    """An account of 160 people with a narrow limit, which a manifest of its own says as well."""
    world = World()
    grow(world, seed=1, people=160, courses=12, enrolments_per_person=3)
    shipped = yaml.safe_load((ROOT / "sources/unified_lms/providers/talentlms.yaml").read_text())
    shipped["limits"]["windows"] = [{"requests": CALLS, "seconds": SECONDS}]
    del shipped["limits"]["status"]
    (tmp_path / "own").mkdir()
    (tmp_path / "own/talentlms.yaml").write_text(yaml.safe_dump(shipped))
    with SandboxServer(world, calls_per_burst=CALLS, burst_seconds=SECONDS, calls_per_hour=10**6) as server:
        configure(monkeypatch, "acme", server)
        monkeypatch.setenv("CONNECTIONS__ACME__FOLDERS", f'["{tmp_path / "own"}"]')
        yield server


@pytest.fixture
def deployed(prefect_server: Api) -> Iterator[Api]:
    """Everything in prefect.yaml."""
    with deployments(prefect_server) as api:
        yield api


@pytest.mark.parametrize("destination", ["postgres"])
def test_four_workers_keep_one_limit_and_tell_the_truth(
    deployed: Api, account: SandboxServer, warehouse: Target, tables: Tables
) -> None:
    """The provider refuses no request, every enrolment is there once, and several processes have read parts."""
    deployment = deployed.client.read_deployment_by_name("backfill/on-demand")
    earlier = {run.id for run in deployed.runs()}
    parameters = {"connection": "acme", "resources": [RESOURCE], "spread": WORKERS, "parents": 5}
    lead = deployed.client.create_flow_run_from_deployment(deployment.id, parameters=parameters)
    with running_worker(deployed.variables, POOL, limit=WORKERS):
        eventually(lambda: _all_ended(deployed, earlier), 400, "the runs did not end")
    runs = [run for run in deployed.runs() if run.id not in earlier]
    assert {run.state_name for run in runs} == {"Completed"}, [
        run.state and run.state.message for run in runs
    ]
    assert len(runs) == WORKERS
    assert [one.status for one in account.requests if one.status != 200] == []
    wanted = sorted((row["id"],) for row in expected(account.world, "talentlms", RESOURCE))
    assert tables.query(f"select id from lms.{RESOURCE} order by id") == wanted
    assert tables.query(f"select id from lms.{RESOURCE}_snapshots order by id") == wanted
    parts = tables.one("select count(*) from lms.backfill_partitions where status = 'done'")
    helped = [_parts(run.state.message or "") for run in runs if run.state and run.id != lead.id]
    assert sum(number > 0 for number in helped) >= 2
    assert sum(helped) < parts
    read = tables.one("select count(*) from lms.sync_runs where mode = 'backfill' and status = 'done'")
    assert read == parts


def _all_ended(api: Api, earlier: set[UUID]) -> bool:
    runs = [run for run in api.runs() if run.id not in earlier]
    return len(runs) == WORKERS and all(run.state and run.state.is_final() for run in runs)


def _parts(message: str) -> int:
    found = re.search(r"(\d+) parts", message)
    return int(found[1]) if found else 0
