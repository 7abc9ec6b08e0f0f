"""What the benchmark's server says: pages of a hundred Canvas-shaped enrolments, made at next to no cost.

A page is one of a few prerendered ones with the ids of its records put in, so that a million different records take
neither memory nor the cores that the client is measured on. Everything follows from the record's number and the
revision: the same address always gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

PER_PAGE = 100
PER_COURSE = 1_000
"""Enrolments in a course, where they are listed course by course."""
PER_USER = 100
"""Enrolments for each user of the account."""
_VARIANTS = 16
_STATES = (
    ("active",) * 12 + ("completed",) * 3 + ("invited", "creation_pending", "inactive", "rejected", "deleted")
)
_FIRST = (
    "Ada",
    "Bayo",
    "Chloé",
    "Dilnoza",
    "Emre",
    "Fatima",
    "Günther",
    "Hana",
    "Ines",
    "Jun",
    "李",
    "Małgorzata",
)
_LAST = (
    "Abara",
    "Björk",
    "Castro",
    "Demir",
    "Eze",
    "Fischer",
    "García",
    "Haddad",
    "Ito",
    "Jónsdóttir",
    "明",
    "O'Neil",
)
_USER, _ID = "{user}", "{id}"


def record_count(total: int, page: int) -> int:
    """How many records page `page`, counted from 0, of a list of `total` holds."""
    return max(0, min(PER_PAGE, total - page * PER_PAGE))


def page_body(total: int, revision: int, page: int) -> bytes:
    """The body of a page, counted from 0. In each revision one record of every page differs from the one before."""
    count = record_count(total, page)
    if count < PER_PAGE:
        return b"[" + b",".join(_record_bytes(revision, page, place) for place in range(count)) + b"]"
    first = page * PER_PAGE
    numbers = [n for place in range(PER_PAGE) for n in _numbers(first + place)]
    return _template(page % _VARIANTS, revision) % tuple(numbers)


def courses_body(total: int, page: int) -> bytes:
    """A page of the account's courses."""
    return _plain(total, page, lambda n: {"id": str(n), "name": f"Course {n}", "workflow_state": "available"})


def users_body(total: int, page: int) -> bytes:
    """A page of the account's users."""
    return _plain(
        total, page, lambda n: {"id": str(5_000_000 + n), "name": f"Learner {n}", "login_id": f"l{n}"}
    )


def _plain(total: int, page: int, make: Callable[[int], dict[str, Any]]) -> bytes:
    first = page * PER_PAGE
    return json.dumps([make(n) for n in range(first, first + record_count(total, page))]).encode()


def _record_bytes(revision: int, page: int, place: int) -> bytes:
    return _record_template(page % _VARIANTS, revision, place) % _numbers(page * PER_PAGE + place)


def _numbers(number: int) -> tuple[int, int, int, int, int]:
    """The ids in the order in which they stand in a record: its own, and its user's four times."""
    user = 5_000_000 + number // 4
    return 20_000_000 + number, user, user, user, user


@cache
def _template(variant: int, revision: int) -> bytes:
    return b"[" + b",".join(_record_template(variant, revision, place) for place in range(PER_PAGE)) + b"]"


@cache
def _record_template(variant: int, revision: int, place: int) -> bytes:
    record = _record(variant, place, revised=_revised(revision, place))
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":")).replace("%", "%%")
    return text.replace(_ID, "%d").replace(_USER, "%d").encode()


def _revised(revision: int, place: int) -> int:
    """How often the record at a place has changed up to a revision: revision 1 changes the first, 2 the second."""
    return sum((step - 1) % PER_PAGE == place for step in range(1, revision + 1))


def _record(variant: int, place: int, revised: int) -> dict[str, Any]:
    seed = variant * 37 + place * 7
    state = _STATES[seed % len(_STATES)]
    course, day = 1000 + variant, 1 + seed % 28
    begun = state in ("active", "completed") and seed % 5 > 0
    user_in_course = f"https://lms.example.org/courses/{course}/users/{_USER}"
    return {
        "id": _ID,
        "user_id": _USER,
        "course_id": str(course),
        "course_section_id": str(course * 10 + seed % 3),
        "type": "StudentEnrollment",
        "role": "StudentEnrollment",
        "enrollment_state": state,
        "created_at": f"2025-01-{day:02}T08:{seed % 60:02}:31Z",
        "updated_at": f"2025-06-{day:02}T17:{seed % 60:02}:{revised % 60:02}Z",
        "start_at": f"2025-02-{day:02}T00:00:00Z" if seed % 3 else None,
        "end_at": f"2026-02-{day:02}T00:00:00Z" if seed % 4 == 0 else None,
        "last_activity_at": f"2025-05-{day:02}T11:05:{seed % 60:02}Z" if begun else None,
        "total_activity_time": seed * 13 % 40_000 if begun else 0,
        "associated_user_id": None,
        "limit_privileges_to_course_section": False,
        "root_account_id": "1",
        "sis_course_id": f"COURSE-{course}",
        "html_url": user_in_course,
        "grades": _grades(seed, begun, revised),
        "course_progress": _progress(seed, day) if begun and seed % 6 else None,
        "user": _person(seed),
    }


def _grades(seed: int, begun: bool, revised: int) -> dict[str, Any]:
    current = (seed * 17 % 1000) / 10 + revised if begun else None
    return {
        "html_url": f"https://lms.example.org/grades/{_USER}",
        "current_score": current,
        "final_score": (seed * 11 % 1000) / 10 if begun else 0,
        "current_grade": None,
        "override_score": 88.5 if seed % 50 == 0 else None,
    }


def _progress(seed: int, day: int) -> dict[str, Any]:
    done = seed % 13
    finished = f"2025-06-{day:02}T10:00:00Z" if done == 12 else None
    return {"requirement_count": 12, "requirement_completed_count": done, "completed_at": finished}


def _person(seed: int) -> dict[str, Any]:
    first, last = _FIRST[seed % len(_FIRST)], _LAST[seed // 3 % len(_LAST)]
    login = f"learner{_USER}@example.org"
    return {"name": f"{first} {last}", "sortable_name": f"{last}, {first}", "login_id": login}
