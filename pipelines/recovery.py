"""What an earlier run extracted and did not load: finished where that is still right, set aside where it is not."""

from __future__ import annotations

import logging

import dlt
from dlt.common.destination.exceptions import DestinationUndefinedEntity

from sources.unified_lms.tables import SYNC_RUNS

log = logging.getLogger(__name__)


def finish_pending(pipeline: dlt.Pipeline, connection: str) -> None:
    """Loads what an earlier run of the connection left behind, so that the next one starts from it.

    A package that cannot be loaded, or that a later run of another process has overtaken, is set aside: what it holds
    is read again.
    """
    if not pipeline.has_pending_data:
        return
    if _overtaken(pipeline, connection):
        log.warning("%s: an earlier load was overtaken by a later run and is set aside", connection)
        pipeline.abort_packages()
        return
    log.info("%s: finishing what an earlier run left", connection)
    try:
        pipeline.normalize()
        pipeline.load()
    except Exception as error:  # noqa: BLE001 - whatever keeps it from loading, the provider can be read again
        # What dlt says of a load quotes the statement that failed, and with it learners' data.
        kind = type(error).__name__
        log.warning("%s: an earlier load cannot be finished and is read again (%s)", connection, kind)
        pipeline.abort_packages()


def _overtaken(pipeline: dlt.Pipeline, connection: str) -> bool:
    """Whether the warehouse has a run of the connection that was extracted after what is pending.

    Versions are computed against the warehouse as it was: loaded after somebody else's, they would open records twice.
    dlt's load ids are the seconds at which extraction began.
    """
    pending = [*pipeline.list_extracted_load_packages(), *pipeline.list_normalized_load_packages()]
    latest = _latest_load(pipeline, connection)
    return latest is not None and any(float(latest) > float(load) for load in pending)


def _latest_load(pipeline: dlt.Pipeline, connection: str) -> str | None:
    with pipeline.sql_client() as client:
        runs = client.make_qualified_table_name(SYNC_RUNS.name)
        column, where = (client.escape_column_name(name) for name in ("_dlt_load_id", "connection_id"))
        try:
            sql = f"select max({column}) from {runs} where {where} = %s"
            [[found]] = client.execute_sql(sql, connection) or [[None]]
        except DestinationUndefinedEntity:
            return None
    return None if found is None else str(found)
