"""One self-contained page from the marts: what is completed, where learners stop, what is overdue, how fresh it is.

It holds counts by course, organisation and connection, and no learner. The charts are plotly.js's, which comes with the
Python package plotly, an extra of this project, and is written into the page: it needs no network.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pipelines.database import Database
from pipelines.environment import Target
from pipelines.reading import open_reading
from pipelines.report_page import page
from pipelines.transform import MissingExtra, marts_schema
from sources.unified_lms.errors import ConfigurationError

QUERIES = {
    "courses": """
        select course_title, connection_id, learners, completed_learners, completion_rate, median_days_to_complete,
               overdue_learners, drop_off_rate, as_of_date
        from {marts}.course_completion where learners > 0
        order by learners desc, course_title, connection_id""",
    "funnel": """
        select connection_id, stage_number, stage, learners, share_of_assigned
        from {marts}.enrollment_funnel order by connection_id, stage_number""",
    "organizations": """
        select organization_name, connection_id, enrollments, overdue_enrollments, completion_rate, mandatory,
               mandatory_overdue, compliance_rate
        from {marts}.organization_summary order by overdue_enrollments + mandatory_overdue desc, organization_key""",
    # A month in which nothing happened is a row of zeros, or a line would run on through it.
    "activity": """
        select days.month_starts_on, sum(coalesce(activity.enrolled, 0)) as enrolled,
               sum(coalesce(activity.started, 0)) as started, sum(coalesce(activity.completed, 0)) as completed
        from {marts}.dim_dates as days
        left join {marts}.daily_activity as activity on activity.activity_date = days.date_day
        where days.date_day between (select max(activity_date) from {marts}.daily_activity) - 730
                                and (select max(activity_date) from {marts}.daily_activity)
        group by days.month_starts_on order by days.month_starts_on""",
    "freshness": """
        select connection_id, provider, resource, records_present, last_run_status, last_read_whole_at,
               last_run_records_rejected
        from {marts}.connection_freshness order by connection_id, resource""",
    "coverage": """
        select connection_id, resource, sum(case when filled > 0 then 1 else 0 end) as fields_filled,
               count(*) as fields, avg(filled_share) as average_share
        from {marts}.field_coverage group by connection_id, resource order by connection_id, resource""",
    "whole": """
        select sum(learners) as learners, sum(completed_learners) as completed_learners,
               sum(overdue_learners) as overdue_learners,
               cast(sum(completed_learners) as double precision) / nullif(sum(learners), 0) as completion_rate,
               max(as_of_date) as as_of_date
        from {marts}.course_completion""",
}
"""What the page shows, from the marts alone: a rate is the marts' own, or their counts over their counts."""


@dataclass(frozen=True)
class Report:
    """The rows of each query, and when they were read."""

    rows: dict[str, list[dict[str, Any]]]
    made_at: datetime

    @property
    def whole(self) -> dict[str, Any]:
        """The counts over all courses."""
        return self.rows["whole"][0]


def write_report(target: Target, file: Path) -> Report:
    """Writes the page to `file`, and gives what it shows.

    Raises `ConfigurationError` where plotly is not installed, or the marts have not been built.
    """
    if find_spec("plotly") is None:
        raise MissingExtra("plotly", "report")
    report = read_report(target)
    file.write_text(page(report.rows, report.whole, report.made_at), "utf-8")
    return report


def read_report(target: Target) -> Report:
    """What the page shows."""
    schema = marts_schema(target)
    with open_reading(target) as reading:
        rows = {name: _rows(reading, sql, schema) for name, sql in QUERIES.items()} if reading else {}
    if not rows.get("whole") or not rows["freshness"]:
        raise ConfigurationError(f"the schema {schema} holds no marts yet; build them first: lms transform")
    return Report(rows, datetime.now(UTC))


def _rows(reading: Database, sql: str, schema: str) -> list[dict[str, Any]]:
    return reading.rows(sql.format(marts=f'"{schema}"'))
