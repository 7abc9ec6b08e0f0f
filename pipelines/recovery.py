"""What was extracted and is not loaded: finished where that is still right, set aside where it is not.

A package that stays pending would keep dlt from ever extracting again, so that it gets a bounded number of tries.
Setting it aside loses nothing: what it holds is read from the provider again.
"""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dlt

from mappings.model import RESOURCES
from pipelines.database import open_database
from pipelines.ledger import record
from pipelines.mended import WaitingDuckDb
from sources.unified_lms.errors import OUT_OF_MEMORY, LoadFailed, WarehouseUnreachable, chain
from sources.unified_lms.tables import LEDGERS, SYNC_RUNS, TOMBSTONES, snapshots

log = logging.getLogger(__name__)

TRIES = 3
"""How often a package is tried before it is set aside."""
SET_ASIDE = "set_aside"
"""The status in `sync_runs` of what was extracted and given up."""
_CLASS = re.compile(r"\b[A-Z][A-Za-z]*(?:Exception|Error|Violation|Undefined\w+)\b")
_SQLSTATE = re.compile(r"SQLSTATE:? (\w{5})")
_COLUMN = re.compile(r'column "(\w+)"')


def finish_pending(pipeline: dlt.Pipeline, connection: str, provider: str = "") -> LoadFailed | None:
    """Loads what the connection's pipeline has extracted and not loaded; the error where that was given up.

    A package that a later run elsewhere has overtaken is set aside without a try. Raises `WarehouseUnreachable`, and
    keeps the package, where no statement at all gets through.
    """
    if not pipeline.has_pending_data:
        return None
    if _overtaken(pipeline, connection):
        log.warning("%s: an earlier load was overtaken by a later run and is set aside", connection)
        _abort(pipeline)
        return None
    log.info("%s: finishing what was read and is not loaded yet", connection)
    reason = _try_to_load(pipeline)
    return None if reason is None else _set_aside(pipeline, connection, provider, reason)


def _try_to_load(pipeline: dlt.Pipeline) -> str | None:
    """Why every try failed; None once one has worked."""
    reason = None
    for _ in range(TRIES):
        try:
            pipeline.normalize()
            pipeline.load()
        except Exception as error:  # noqa: BLE001 - whatever keeps it from loading, the provider can be read again
            reason = explain(error)
            _refuse_if_unreachable(pipeline)
            if OUT_OF_MEMORY in reason:
                _take_more_memory(pipeline)
        else:
            return None
    return reason


def _take_more_memory(pipeline: dlt.Pipeline) -> None:
    """Lets DuckDB take twice as much for the next try, where its memory is ours to bound."""
    duckdb = pipeline.destination
    if isinstance(duckdb, WaitingDuckDb) and duckdb.memory_mb is not None:
        duckdb.memory_mb *= 2
        log.info("loading needs more memory; it is tried again with %d MB for DuckDB", duckdb.memory_mb)


def _refuse_if_unreachable(pipeline: dlt.Pipeline) -> None:
    try:
        with open_database(pipeline) as database:
            database.execute("select 1")
    except Exception as error:  # noqa: BLE001 - raised again as ours, without what it quotes
        raise WarehouseUnreachable(explain(error)) from None


def explain(error: BaseException) -> str:
    """What kept something from loading: kinds of errors, SQLSTATEs, and columns of ours.

    Nothing else of it is told. What a database says quotes the row that it refuses, and dlt the whole statement.
    """
    text = "\n".join(f"{type(one).__name__} {one}" for one in chain(error))
    known = {column for table in _tables() for column in table}
    columns = [f"column {name}" for name in _COLUMN.findall(text) if name in known]
    states = [f"SQLSTATE {state}" for state in _SQLSTATE.findall(text)]
    kinds = [kind for kind in _CLASS.findall(text) if kind not in _WRAPPERS]
    return ", ".join(dict.fromkeys([*kinds, *states, *columns])) or type(error).__name__


_WRAPPERS = ("LoadClientJobRetry", "PipelineStepFailed", "LoadClientJobException")


def _tables() -> Iterator[list[str]]:
    for table in (*map(snapshots, RESOURCES.values()), *LEDGERS):
        yield table.column_names


def _set_aside(pipeline: dlt.Pipeline, connection: str, provider: str, reason: str) -> LoadFailed:
    """Gives pending packages up, and keeps in `sync_runs` of what and why."""
    loads, resources = _pending(pipeline), _pending_resources(pipeline)
    _abort(pipeline)
    failed = LoadFailed(connection, ", ".join(resources) or "a load", reason)
    log.warning("%s", failed)
    rows = [
        {
            "run_id": f"load {loads[0]}",
            "connection_id": connection,
            "resource": resource,
            "provider": provider,
            "status": SET_ASIDE,
            "started_at": datetime.now(UTC),
            "message": str(failed),
        }
        for resource in resources
    ]
    if rows:
        record(pipeline, SYNC_RUNS, rows)
    return failed


def _pending(pipeline: dlt.Pipeline) -> list[str]:
    return [*pipeline.list_normalized_load_packages(), *pipeline.list_extracted_load_packages()]


def _pending_resources(pipeline: dlt.Pipeline) -> list[str]:
    """The resources whose versions or runs are in the pending packages."""
    found: set[str] = set()
    for load in pipeline.list_normalized_load_packages():
        jobs = pipeline.get_load_package_info(load).jobs
        found |= {job.job_file_info.table_name for each in jobs.values() for job in each}
    return [name for name in RESOURCES if snapshots(RESOURCES[name]).name in found]


def _abort(pipeline: dlt.Pipeline) -> None:
    """Gives pending packages up, and deletes what dlt keeps of them: it is learners' data."""
    loads = _pending(pipeline)
    pipeline.abort_packages()
    for load in loads:
        shutil.rmtree(Path(pipeline.working_dir, "load", "loaded", load), ignore_errors=True)


def _overtaken(pipeline: dlt.Pipeline, connection: str) -> bool:
    """Whether the warehouse has a run or an erasure of the connection that began after what is pending was extracted.

    Versions are computed against the warehouse as it was: loaded after somebody else's, they would open records twice,
    or bring back somebody who was erased. dlt's load ids are the seconds at which extraction began.
    """
    with open_database(pipeline) as database:
        rows = [
            row
            for table in (SYNC_RUNS, TOMBSTONES)
            for row in database.rows(
                f"select max({database.columns('_dlt_load_id')}) as latest from {database.table(table.name)} "
                f"where {database.columns('connection_id')} = %s",
                connection,
            )
        ]
    loads = [float(load) for load in _pending(pipeline)]
    return any(float(row["latest"]) > load for row in rows if row["latest"] for load in loads)
