"""Measured process: a whole sync of an account, fan-out over its courses included, into DuckDB or PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.gauge import Measured, child_main, gauged, in_child
from tests.bench.server import Server
from tests.bench.syncing import CONNECTION, environment
from tests.integration import postgres


@contextmanager
def warehouse(destination: str, folder: Path) -> Iterator[dict[str, str]]:
    """The variables that name a new warehouse; PostgreSQL is one of its own, with the settings it comes with."""
    if destination == "duckdb":
        yield {"DESTINATION__DUCKDB__CREDENTIALS": str(folder / "warehouse.duckdb")}
        return
    with postgres.running_server() as server, postgres.own_database(server) as address:
        yield {"DESTINATION__POSTGRES__CREDENTIALS": address}


def scaled(
    server: Server, folder: Path, place: dict[str, str], destination: str, records: int, revision: int = 0
) -> Measured:
    """One sync of an account with so many enrolments as of a revision, in a process of its own."""
    variables = environment(server.base_url(records, revision), folder) | place
    variables["CONNECTIONS__BENCH__PROVIDER"] = "canvas_scaled"
    before = server.cpu_seconds()
    measured = in_child("scaling", variables, destination=destination)
    measured.server_cpu = server.cpu_seconds() - before
    return measured


def _measure(destination: str) -> Measured:
    from pipelines.environment import prepare, target

    prepare()
    from pipelines.sync import sync_connection

    measured, where = Measured(), target(destination)
    with gauged(measured):
        result = sync_connection(CONNECTION, where)
    reports = [one.report for one in result.results]
    names = ("requests", "records_read", "records_new", "records_changed", "records_retired")
    measured.extra = {name: sum(report[name] for report in reports) for name in names}
    measured.extra["statuses"] = sorted({one.status for one in result.results})
    measured.records = measured.extra["records_read"]
    return measured


if __name__ == "__main__":
    child_main(_measure)
