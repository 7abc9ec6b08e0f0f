"""The dbt project: what it takes from the code is up to date, and its joins never forget the connection."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.house.dbt_project import dbt_files, marts
from tests.unit.house.generate_docs import RENEW

FILES = dbt_files()
_JOIN = re.compile(r"\bjoin\b.*?(?=\bjoin\b|\bwhere\b|\bgroup by\b|\n\n|\Z)", re.DOTALL)
_ACROSS = ("person_key", "shared.email", "seeded.email", "days.date_day")
"""Joins of people, who have accounts in several connections, and of days, which belong to none."""


@pytest.mark.parametrize("file", FILES, ids=[file.name for file in FILES])
def test_sources_are_those_of_the_code(file: Path) -> None:
    """dbt knows the columns that the connector writes."""
    assert file.read_text("utf-8") == FILES[file], f"out of date; renew it with `{RENEW}`"


def test_every_join_names_the_connection(root: Path) -> None:
    """The same id in two connections is two records: but for people, no join leaves the connection out."""
    found = [
        f"{file.name}: {' '.join(join.split())}"
        for file in (root / "dbt_project" / "models").rglob("*.sql")
        for join in _JOIN.findall(re.sub(r"--.*", "", file.read_text("utf-8")))
        if "cross" not in join and "connection_id" not in join and not any(key in join for key in _ACROSS)
    ]
    assert [join for join in found if " on " in join] == []


def test_the_marts_that_are_promised_are_there() -> None:
    """The tables that people rely on by name."""
    wanted = {
        "dim_users", "dim_courses", "dim_dates", "fct_course_enrollments", "fct_enrollment_status_changes",
        "course_content", "course_completion", "learner_progress", "compliance", "daily_activity", "people",
        "enrollments_as_of",
    }  # fmt: skip
    assert wanted <= marts().keys()
