"""Rows as the marts give them, with titles that try to break out of a page."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

HOSTILE = '</script><img src=x onerror="alert(1)"> & <b>bold</b>'

ROWS: dict[str, list[dict[str, Any]]] = {
    "courses": [
        {
            "course_title": HOSTILE, "connection_id": "acme", "learners": 40, "completed_learners": 10,
            "completion_rate": 0.25, "median_days_to_complete": 3.5, "overdue_learners": 4, "drop_off_rate": 0.125,
            "as_of_date": date(2026, 3, 2),
        },
        {
            "course_title": "First aid", "connection_id": "north", "learners": 3, "completed_learners": 0,
            "completion_rate": 0.0, "median_days_to_complete": None, "overdue_learners": 0, "drop_off_rate": None,
            "as_of_date": date(2026, 3, 2),
        },
    ],
    "funnel": [
        {"connection_id": name, "stage_number": number, "stage": stage, "learners": learners,
         "share_of_assigned": learners / 40}
        for name in ("acme", "north")
        for number, (stage, learners) in enumerate(
            [("assigned", 40), ("started", 20), ("halfway", 15), ("completed", 10)], start=1
        )
    ],
    "organizations": [
        {"organization_name": None, "connection_id": "acme", "enrollments": 43, "overdue_enrollments": 4,
         "completion_rate": 0.2, "mandatory": 7, "mandatory_overdue": 1, "compliance_rate": 0.5},
    ],
    "activity": [
        {"month_starts_on": date(2026, 1, 1), "enrolled": 5, "started": 0, "completed": 1},
        {"month_starts_on": date(2026, 2, 1), "enrolled": 2, "started": 1, "completed": 0},
    ],
    "freshness": [
        {"connection_id": name, "provider": "talentlms", "resource": "users", "records_present": 1234,
         "last_run_status": "done", "last_read_whole_at": at, "last_run_records_rejected": 0}
        for name, at in (("acme", datetime(2026, 3, 2, 9, 30, tzinfo=UTC)), ("north", None))
    ],
    "coverage": [
        {"connection_id": "acme", "resource": "course_enrollments", "fields_filled": 11, "fields": 25,
         "average_share": 0.4},
    ],
    "whole": [
        {"learners": 43, "completed_learners": 10, "overdue_learners": 4, "completion_rate": 10 / 43,
         "as_of_date": date(2026, 3, 2)},
    ],
}  # fmt: skip
MADE_AT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
CHARTS = ("completion", "funnel", "overdue", "activity", "coverage")
