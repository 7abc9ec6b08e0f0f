"""The main job end to end against the sandbox: read, let the world go on, read again, build the marts, look at them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

from dlt.common.configuration.container import Container
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext

from pipelines.database import Database
from pipelines.environment import Target, prepare, target
from pipelines.reading import open_reading
from pipelines.report import write_report
from pipelines.sync import ConnectionResult, sync_connection
from pipelines.transform import MissingExtra, Options, TransformResult, transform
from pipelines.variables import connection_variables
from sources.unified_lms.sandbox import SandboxServer

CONNECTION = "demo"
FILE = "demo.duckdb"
REPORT = "report.html"
_WORK = ".dlt-work"

QUERIES = {
    "Present enrolments by status": """
        select status, count(*) as enrolments, round(avg(progress_percent)) as average_progress
        from lms.course_enrollments group by status order by enrolments desc, status""",
    "The history of one enrolment": """
        select user__id, course__title, status, progress_percent, valid_from, valid_to
        from lms.course_enrollments_snapshots
        where id = (select min(id) from lms.course_enrollments_snapshots
                    where valid_to is not null and deleted_at is null)
        order by valid_from""",
    "What has vanished": """
        select 'user' as what, id, last_name as name, deleted_at
        from lms.users_snapshots where deleted_at is not null
        union all
        select 'enrolment', id, course__title, deleted_at
        from lms.course_enrollments_snapshots where deleted_at is not null
        order by 1, 2""",
    "The runs": """
        select started_at, resource, mode, status, records_read, records_new, records_changed, records_retired
        from lms.sync_runs order by started_at""",
}
"""What the demo asks of the tables it made: SQL under its title."""

MART_QUERIES = {
    "Completion by course": """
        select course_title, learners, completed_learners, completion_rate, median_days_to_complete
        from lms_marts.course_completion where learners > 2
        order by learners desc, course_title""",
    "Who moved from what to what": """
        select users.user_name, changes.from_status, changes.to_status, changes.change_type
        from lms_marts.fct_enrollment_status_changes as changes
        join lms_marts.dim_users as users on users.user_key = changes.user_key
        where not changes.is_first_reading
        order by changes.changed_at, changes.enrollment_key""",
}
"""The same of what dbt has built, where it is installed."""

RULES = """\
rule_id,connection_id,course_id,course_code,organization_id,role,due_days,valid_days
safety-for-all,demo,101,,,,30,
"""
"""What is mandatory in the demo: `rules/compliance_rules.csv` in its folder, to be changed and tried again."""


@dataclass(frozen=True)
class Query:
    """A question to the tables and its answer."""

    title: str
    sql: str
    columns: tuple[str, ...]
    rows: list[list[Any]]


@dataclass(frozen=True)
class DemoResult:
    """Both runs, what happened between them, and what the tables hold then."""

    file: Path
    runs: tuple[ConnectionResult, ...]
    happened: tuple[str, ...]
    queries: tuple[Query, ...]
    marts: TransformResult | None
    """What dbt built; None where it is not installed."""
    report: Path | None
    """The page with the charts; None where there are no marts, or plotly is not installed."""

    @property
    def complete(self) -> bool:
        """Whether everything was read, and what was built is right."""
        read = not any(run.failed or run.partial for run in self.runs)
        return read and not (self.marts and self.marts.failed)

    @property
    def document(self) -> dict[str, Any]:
        """The demo as JSON."""
        return {
            "file": str(self.file),
            "runs": [[one.report for one in run.results] for run in self.runs],
            "happened": self.happened,
            "marts": self.marts.document if self.marts else None,
            "report": str(self.report) if self.report else None,
            "queries": [
                {
                    "title": q.title,
                    "sql": q.sql,
                    "rows": [dict(zip(q.columns, row, strict=True)) for row in q.rows],
                }
                for q in self.queries
            ],
        }


def run_demo(
    folder: Path,
    *,
    progress: Callable[[str, str, int], None] = lambda connection, resource, records: None,
    say: Callable[[str], None] = lambda text: None,
) -> DemoResult:
    """Syncs the sandbox into `folder/demo.duckdb` twice, a scripted day apart, and builds the marts and the report.

    An older demo is removed.

    The environment's own connections and destinations are neither read nor touched meanwhile.
    """
    file = folder / FILE
    _remove_older(folder)
    with SandboxServer() as server, _configured(server.connection, folder.absolute()):
        place = target("duckdb", "lms")
        first = _sync(place, progress)
        happened = server.world.advance(1)
        say("Meanwhile in the sandbox: " + "; ".join(happened) + ".")
        second = _sync(place, progress)
        marts = _build(place, folder, say)
        report = _report(place, folder / REPORT, say) if marts and not marts.failed else None
        with open_reading(place) as reading:
            asked = QUERIES | (MART_QUERIES if marts else {})
            queries = tuple(_ask(reading, title, sql) for title, sql in asked.items() if reading)
    shutil.rmtree(folder / _WORK, ignore_errors=True)
    return DemoResult(file, (first, second), happened, queries, marts, report)


def _build(place: Target, folder: Path, say: Callable[[str], None]) -> TransformResult | None:
    """The marts; without dbt it is said how to get it, and the demo goes on."""
    rules = folder / "rules"
    rules.mkdir(exist_ok=True)
    (rules / "compliance_rules.csv").write_text(RULES, "utf-8")
    say("Building the tables for analysts with dbt, and testing them.")
    try:
        return transform(place, Options(seeds=rules))
    except MissingExtra as error:
        say(f"No tables for analysts: {error}.")
        return None


def _report(place: Target, file: Path, say: Callable[[str], None]) -> Path | None:
    try:
        write_report(place, file)
    except MissingExtra as error:
        say(f"No report: {error}.")
        return None
    return file


def _sync(place: Any, progress: Callable[[str, str, int], None]) -> ConnectionResult:
    return sync_connection(
        CONNECTION, place, progress=lambda resource, records: progress(CONNECTION, resource, records)
    )


def _ask(reading: Database, title: str, sql: str) -> Query:
    sql = dedent(sql).strip()
    rows = reading.rows(sql)
    columns = tuple(rows[0]) if rows else ()
    return Query(title, sql, columns, [list(row.values()) for row in rows])


def _remove_older(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in (FILE, f"{FILE}.wal", REPORT):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / _WORK, ignore_errors=True)


@contextmanager
def _configured(connection: Mapping[str, Any], folder: Path) -> Iterator[None]:
    """dlt's configuration for the demo alone: its own folders, its own file, one connection."""
    work = str(folder / _WORK)
    wanted = {
        "DLT_PROJECT_DIR": work,
        "DLT_DATA_DIR": work,
        "DESTINATION__DUCKDB__CREDENTIALS": str(folder / FILE),
        **dict(connection_variables(CONNECTION, connection)),
    }
    before = dict(os.environ)
    os.environ.update(wanted)
    prepare()
    _reload()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        _reload()


def _reload() -> None:
    """Makes dlt look at its folders and files again: it did when it was imported, or for whoever asked before."""
    Container()[PluggableRunContext].reload()
