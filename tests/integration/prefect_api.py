"""A real Prefect server for tests: started once, spoken to by flows in this process and by a worker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId, LogFilter
from prefect.client.schemas.objects import FlowRun, TaskRun
from prefect.logging.handlers import APILogHandler
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW,
    PREFECT_SERVER_ALLOW_EPHEMERAL_MODE,
    temporary_settings,
)

from flows.local import free_port, local_variables, run_prefect, running_server

_Found = TypeVar("_Found")
_PAGE = 200
ROOT = Path(__file__).parents[2]
POOL = "lms"


@dataclass(frozen=True)
class Api:
    """A running server: how its clients are told of it, and what it knows."""

    variables: dict[str, str]
    client: SyncPrefectClient

    def runs(self) -> list[FlowRun]:
        """All flow runs, the earliest first."""
        return sorted(self.client.read_flow_runs(limit=_PAGE), key=lambda run: str(run.created))

    def last_run(self) -> FlowRun:
        """The flow run that was made last."""
        return self.runs()[-1]

    def tasks(self, run: FlowRun) -> dict[str, TaskRun]:
        """The task runs of a flow run by name."""
        chosen = FlowRunFilter(id=FlowRunFilterId(any_=[run.id]))
        return {task.name: task for task in self.client.read_task_runs(flow_run_filter=chosen)}

    def artifact(self, key: str) -> Any:
        """The newest artifact with a key."""
        found = [each for each in self.client.read_artifacts(limit=_PAGE) if each.key == key]
        return max(found, key=lambda each: str(each.created))

    def everything(self) -> str:
        """All that the server shows of runs, logs and artifacts, as text."""
        found: list[Any] = [*self.runs(), *self.client.read_task_runs(limit=_PAGE)]
        found += [*self.client.read_artifacts(limit=_PAGE), *self.client.read_logs(LogFilter(), limit=_PAGE)]
        found += self.client.read_deployments()
        return "\n".join(each.model_dump_json() for each in found)


@contextmanager
def prefect_api(folder: Path) -> Iterator[Api]:
    """A server whose scheduler looks every second, and this process told to speak to it."""
    variables = {
        **local_variables(folder, free_port()),
        "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "1",
        "PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS": "1",
    }
    settings: dict[Any, Any] = {
        PREFECT_API_URL: variables["PREFECT_API_URL"],
        PREFECT_SERVER_ALLOW_EPHEMERAL_MODE: False,
        PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW: "ignore",
    }
    with running_server(variables), temporary_settings(settings), get_client(sync_client=True) as client:
        yield Api(variables, client)
        APILogHandler().flush()  # its thread would go on sending when the server has ended


@contextmanager
def deployments(api: Api) -> Iterator[Api]:
    """A work pool and everything in prefect.yaml; cron schedules are off, so that nothing else runs."""
    run_prefect(api.variables, "work-pool", "create", POOL, "--type", "process", "--overwrite")
    run_prefect(api.variables, "--no-prompt", "deploy", "--all", folder=ROOT)
    for deployment in api.client.read_deployments():
        for schedule in deployment.schedules:
            api.client.update_deployment_schedule(deployment.id, schedule.id, active=False)
    yield api
    for deployment in api.client.read_deployments():
        api.client.delete_deployment(deployment.id)


def eventually(look: Callable[[], _Found | None], seconds: float, what: str) -> _Found:
    """What `look` gives as soon as it is something; fails after so many seconds."""
    end, never = time.monotonic() + seconds, threading.Event()
    while time.monotonic() < end:
        if found := look():
            return found
        never.wait(0.2)
    raise AssertionError(f"{what} within {seconds:g} s")
