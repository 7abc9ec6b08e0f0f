"""Helpers of a backfill: runs of another deployment, which any worker of its pool may take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.runtime import flow_run

from pipelines.backfill import Request
from pipelines.environment import Target
from sources.unified_lms.errors import ConfigurationError

DEPLOYMENT = "backfill_share/on-demand"


def helpers(connection: str, place: Target, request: Request, spread: int) -> Callable[[str, int], None]:
    """What starts the helpers of a resource once its parts are known: one for each part at most.

    Raises `ConfigurationError` where there is nothing to start, or no warehouse that takes several at once.
    """
    if place.destination != "postgres":
        raise ConfigurationError(
            "spread: one process at a time writes into a DuckDB file, so that helpers would wait for one another; use "
            "PostgreSQL, or leave spread at 1"
        )
    with get_client(sync_client=True) as client:
        try:
            client.read_deployment_by_name(DEPLOYMENT)
        except ObjectNotFound:
            raise ConfigurationError(
                f"spread: there is no deployment {DEPLOYMENT}, which helpers are runs of; make it with "
                "`prefect deploy --all`"
            ) from None
    common: dict[str, Any] = {
        "connection": connection,
        "since": request.since.isoformat() if request.since else None,
        "until": request.until.isoformat() if request.until else None,
        "allow_deletions": request.allow_deletions,
        "destination": place.destination,
        "dataset": place.dataset,
    }

    def start(resource: str, parts: int) -> None:
        lanes = range(1, min(spread, parts))
        for lane in lanes:
            run_deployment(
                DEPLOYMENT,
                parameters=common | {"resource": resource, "lane": lane},
                timeout=0,
                as_subflow=False,
                idempotency_key=f"{flow_run.get_id()}-{resource}-{lane}",
            )
        get_run_logger().info("%s: %d helpers for %d parts of %s", connection, len(lanes), parts, resource)

    return start
