"""`transform` builds the tables for analysts, and runs their tests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.states import Completed, Failed
from prefect.tasks import Task

from flows.artifacts import RunProgress, publish_summary
from flows.outcomes import state_of_error
from flows.parameters import DestinationName
from flows.running import RETRIES, RETRY_DELAY, working
from pipelines import transform as pipeline
from pipelines.cli.group import explain
from pipelines.environment import Target, target
from pipelines.transform import Options, TransformFailed, TransformResult


class NothingBuilt(Exception):
    """dbt did not begin, or built nothing; the message is the connector's sentence, and no error stands behind it."""

    def __init__(self, error: Exception) -> None:
        super().__init__(explain(error)[0])
        self.error = error


def may_pass(_: Task[..., Any], __: TaskRun, state: State[Any]) -> bool:
    """Whether what ended the task may soon be over, such as another process that has the DuckDB file open."""
    found = state.result(raise_on_failure=False)
    return isinstance(found, NothingBuilt) and isinstance(found.error, TransformFailed)


@task(
    name="dbt_build",
    task_run_name="dbt build over {place.dataset}",
    retries=RETRIES,
    retry_delay_seconds=RETRY_DELAY,
    retry_condition_fn=may_pass,
    cache_policy=NO_CACHE,
)
def dbt_build(place: Target, options: Options, progress: Callable[[int, int], None]) -> TransformResult:
    """Builds models and runs their tests. Raises `NothingBuilt`."""
    result = _build(place, options, progress)
    if isinstance(result, Exception):
        raise NothingBuilt(result)
    return result


def _build(
    place: Target, options: Options, progress: Callable[[int, int], None]
) -> TransformResult | Exception:
    try:
        return pipeline.transform(place, options, progress=progress)
    except Exception as error:  # noqa: BLE001 - told in a sentence, and not quoted
        return error


@flow(name="transform", flow_run_name="transform")
def transform(
    select: list[str] | None = None,
    as_of: date | None = None,
    destination: DestinationName | None = None,
    dataset: str | None = None,
) -> State[Any]:
    """Builds the tables for analysts with dbt, and runs their tests and unit tests.

    Args:
        select: dbt's selectors, such as person_progress+; everything by default.
        as_of: The day that overdue and expired are derived for; today in the configured time zone by default.
        destination: Where the warehouse is; what is configured by default.
        dataset: The dataset (schema) of the warehouse that is read; what is configured, or lms, by default.
    """
    with working():
        progress = RunProgress("transform-progress", 100, "dbt build")

        def tell(done: int, total: int) -> None:
            progress.within(f"{done} of {total} models and tests", 100.0 * done / max(total, 1))

        try:
            place = target(destination, dataset)
        except Exception as error:  # noqa: BLE001 - told in a sentence, and not quoted
            return state_of_error(error)
        found = dbt_build(place, Options(select or (), as_of), tell, return_state=True)
    result = found.result(raise_on_failure=False)
    if not isinstance(result, TransformResult):
        return state_of_error(result.error if isinstance(result, NothingBuilt) else result)
    progress.step(100, f"{len(result.nodes)} models and tests")
    state = _state_of(result)
    _publish(result, state)
    return state


def _state_of(result: TransformResult) -> State[Any]:
    total, failed = len(result.nodes), len(result.failed)
    if failed:
        return Failed(
            message=f"{failed} of {total} models and tests failed or were skipped in {result.schema}"
        )
    return Completed(message=f"{total} models and tests in {result.schema}")


def _publish(result: TransformResult, state: State[Any]) -> None:
    """Names and durations only: what dbt says of a node may quote data."""
    rows = [
        {"name": node.name, "kind": node.kind, "status": node.status, "seconds": node.seconds}
        for node in sorted(result.nodes, key=lambda node: (node.good, -node.seconds))
    ]
    create_table_artifact(rows, key="transform", description=f"What dbt built in {result.schema}")
    problems = [
        [node.name, node.status, f"see what it says: lms transform --select {node.name}"]
        for node in result.failed
    ]
    publish_summary("transform-summary", "Transform", state, problems)
