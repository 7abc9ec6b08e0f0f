"""How long dbt takes over so many enrolments, model by model.

By itself: `python -m tests.bench.transform '{"records": 1000000}'`.
"""

from __future__ import annotations

import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb

from mappings.model import RESOURCES
from pipelines.environment import Target
from pipelines.transform import Options, transform
from sources.unified_lms.tables import REJECTED_RECORDS, SYNC_RUNS, Table, snapshots
from tests.bench.gauge import Measured, child_main

_TYPES = {
    "text": "varchar",
    "bigint": "bigint",
    "double": "double",
    "bool": "boolean",
    "timestamp": "timestamptz",
    "json": "json",
}
_LEARNER_COURSES = 10
"""Enrolments that each learner has."""

_VERSION = """
    'acme' as connection_id, 'talentlms' as provider, '*' as scope, 'h' as row_hash, 'm' as mapping_digest,
    timestamptz '2026-01-01 00:00:00+00' as first_seen_at
"""
_PRESENT = "timestamptz '2026-01-01 00:00:00+00' as valid_from"

_ROWS = {
    "users_snapshots": f"""
        select {_VERSION}, {_PRESENT}, 'u' || i as id, 'Learner ' || i as name, 'active' as status, 'learner' as role,
            json_array(json_object('email', 'u' || i || '@example.org', 'is_primary', true)) as emails,
            'o' || i % 50 as organization__id, 'Organisation ' || i % 50 as organization__name
        from range($records // {_LEARNER_COURSES}) as t(i)""",
    "courses_snapshots": f"""
        select {_VERSION}, {_PRESENT}, 'c' || i as id, 'Course ' || i as title, 'C-' || i as code, 'course' as type,
            'published' as status
        from range(1000) as t(i)""",
    "course_items_snapshots": f"""
        select {_VERSION}, {_PRESENT}, 'i' || i as id, 'c' || i // 20 as course__id,
            case when i % 20 > 0 then 'i' || (i - i % 20 + (i % 20 - 1) // 3) end as parent__id, 'Item ' || i as title,
            i % 20 as position, 'page' as type
        from range(20000) as t(i)""",
    # A third has a version more: begun before, completed since.
    "course_enrollments_snapshots": f"""
        select {_VERSION}, 'e' || i as id, 'u' || i // {_LEARNER_COURSES} as user__id,
            'c' || (i * 7919) % 1000 as course__id, 'Course' as course__title,
            case when i % 3 = 0 and version = 1 then 'completed' when i % 3 = 1 then 'enrolled' else 'in_progress' end
                as status,
            case when i % 3 = 0 and version = 1 then 100 when i % 3 = 1 then 0 else i % 100 end as progress_percent,
            i % 4 = 0 as is_mandatory, i % 5000 as time_spent_seconds,
            begun as enrolled_at,
            case when i % 3 <> 1 then begun + interval 1 day end as started_at,
            case when i % 3 <> 1 then begun + interval 30 days end as last_activity_at,
            case when i % 3 = 0 and version = 1 then begun + interval 30 days end as completed_at,
            case when i % 2 = 0 then begun + interval 150 days end as due_at,
            timestamptz '2026-01-01 00:00:00+00' + to_days(version) as valid_from,
            case when i % 3 = 0 and version = 0 then timestamptz '2026-01-02 00:00:00+00' end as valid_to
        from (select i, timestamptz '2025-01-01 00:00:00+00' + to_days(cast(i % 365 as integer)) as begun
            from range($records) as t(i)) as numbered, (values (0), (1)) as v(version)
        where version = 0 or i % 3 = 0""",
    "sync_runs": """
        select 'r' as run_id, 'acme' as connection_id, 'talentlms' as provider, unnest(['users', 'courses',
            'course_items', 'course_enrollments']) as resource, 'full' as mode, 'done' as status, 'm' as mapping_digest,
            timestamptz '2026-01-01 00:00:00+00' as started_at""",
}


def warehouse(file: Path, records: int) -> Target:
    """A DuckDB warehouse with so many present enrolments, a third of them with a version before."""
    tables: list[Table] = [snapshots(one) for one in RESOURCES.values()]
    with duckdb.connect(str(file)) as connection:
        connection.execute("create schema lms")
        for table in [*tables, SYNC_RUNS, REJECTED_RECORDS]:
            declared = ", ".join(f'"{hint["name"]}" {_TYPES[hint["data_type"]]}' for hint in table.hints)
            connection.execute(f"create table lms.{table.name} ({declared})")
        for name, sql in _ROWS.items():
            values = {"records": records} if "$records" in sql else {}
            connection.execute(f"insert into lms.{name} by name {sql}", values)
    return Target("duckdb", "lms", str(file))


def measure(records: int) -> Measured:
    """All of it, tests included; `extra` has the seconds of each model, and of the tests together."""
    measured = Measured(records)
    with tempfile.TemporaryDirectory(prefix="lms_bench_dbt_") as folder:
        target = warehouse(Path(folder) / "warehouse.duckdb", records)
        began, before = time.perf_counter(), _children_cpu()
        result = transform(target, Options())
        measured.wall, measured.cpu = time.perf_counter() - began, _children_cpu() - before
    if result.failed:
        raise RuntimeError(f"not built: {', '.join(node.name for node in result.failed)}")
    seconds: dict[str, Any] = {node.name: node.seconds for node in result.nodes if node.kind == "model"}
    tests = sum(node.seconds for node in result.nodes if node.kind == "test")
    measured.extra = seconds | {"all tests": round(tests, 3)}
    return measured


def _children_cpu() -> float:
    """Processor seconds of the processes that this one has waited for: dbt is one."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    child_main(measure)
