"""The benchmark's mapping written in Python: what the JSONata mapping is measured against, and must agree with."""

from __future__ import annotations

from typing import Any

_WITHDRAWN = frozenset({"inactive", "rejected", "deleted"})
_ASSIGNED = frozenset({"invited", "creation_pending"})
_RUNNING = frozenset({"active", "completed"})

Record = dict[str, Any]


def unified(record: Record) -> Record:
    """What `canvas_shaped/course_enrollments.jsonata` makes of a record; what is missing is null here."""
    progress, state = record.get("course_progress") or {}, record["enrollment_state"]
    required = progress.get("requirement_count") or 0
    percent = round(100 * progress["requirement_completed_count"] / required, 2) if required else None
    finished, created = progress.get("completed_at"), record["created_at"]
    return {
        "id": record["id"],
        "user": _user(record),
        "course": {"id": record["course_id"], "title": record["sis_course_id"]},
        "status": _status(state, finished, percent, record["last_activity_at"]),
        "status_source": state,
        "assigned_at": created if state in _ASSIGNED else None,
        "enrolled_at": created,
        "started_at": record["start_at"],
        "last_activity_at": record["last_activity_at"],
        "completed_at": finished,
        "progress_percent": percent,
        "time_spent_seconds": record["total_activity_time"],
        "score": _score(record.get("grades") or {}, state),
        "urls": [{"url": record["html_url"], "type": "user_in_course"}],
        "created_at": created,
        "updated_at": record["updated_at"],
        "custom_fields": _custom(record),
    }


def _user(record: Record) -> Record:
    login = record["user"].get("login_id") or ""
    emails = [{"email": login, "type": "login", "is_primary": True}] if "@" in login else None
    return {"id": record["user_id"], "name": record["user"]["name"], "emails": emails}


def _status(state: str, finished: str | None, percent: float | None, last_activity: str | None) -> str:
    if state in _WITHDRAWN:
        return "withdrawn"
    if finished:
        return "completed"
    if state in _ASSIGNED:
        return "assigned"
    if state in _RUNNING:
        return "in_progress" if percent or last_activity else "enrolled"
    return "unknown"


def _score(grades: Record, state: str) -> float | None:
    override = grades.get("override_score")
    if isinstance(override, int | float):
        return override
    return grades.get("final_score" if state == "completed" else "current_score")


def _custom(record: Record) -> Record:
    found = {"section_id": record["course_section_id"], "role": record["role"]}
    return found | {"expires_at": record["end_at"]} if record["end_at"] else found
