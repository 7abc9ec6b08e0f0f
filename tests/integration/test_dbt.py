"""The dbt project over a warehouse that the sandbox was synced into, on DuckDB and on PostgreSQL."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("dbt.adapters.duckdb", reason="dbt, which is an extra, is not installed")

from pipelines.demo import MART_QUERIES
from pipelines.environment import Target
from pipelines.reading import open_reading
from pipelines.report import write_report
from pipelines.transform import PROJECT, Options, TransformResult, marts_schema, transform
from tests.integration.marts import sync_another, synced_twice
from tests.unit.house.dbt_project import described_models
from tests.unit.house.documents import ROOT, Block, all_blocks, sections

RULES = """rule_id,connection_id,course_id,course_code,organization_id,role,due_days,valid_days
safety,,101,,,,30,
"""

PRESENT = {
    "users": "dim_users where not is_deleted",
    "courses": "dim_courses where not is_deleted",
    "course_items": "course_content",
    "course_enrollments": "fct_course_enrollments",
}
"""A view of what is present, and the mart that holds the same records."""


@dataclass(frozen=True)
class Built:
    """A warehouse, and what the transformation came to."""

    target: Target
    result: TransformResult

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """The rows of a query; `lms_marts` is the schema of the marts."""
        with open_reading(self.target) as reading:
            assert reading is not None
            return reading.rows(sql)

    def one(self, sql: str) -> Any:
        """The single value of a query."""
        [row] = self.rows(sql)
        [value] = row.values()
        return value


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """The sandbox read twice, a day apart, and built; once for each database."""
    folder = tmp_path_factory.mktemp("dbt")
    seeds = folder / "rules"
    seeds.mkdir()
    (seeds / "compliance_rules.csv").write_text(RULES.replace(",,101", ",acme,101"))
    server = request.getfixturevalue("postgres_server") if request.param == "postgres" else ""
    with synced_twice(folder, server) as target:
        yield Built(target, transform(target, Options(seeds=seeds, unit_tests=True)))


def test_every_model_is_built_and_every_test_passes(built: Built) -> None:
    """Models, keys, references, accepted values, reconciliation and unit tests: not one is tolerated."""
    assert [(node.name, node.status, node.message) for node in built.result.failed] == []
    kinds = {node.kind for node in built.result.nodes}
    assert kinds == {"model", "seed", "test", "unit test"}


def test_every_model_and_column_is_described(built: Built) -> None:
    """What is in the warehouse is what the YAML describes, column by column."""
    described = described_models()
    found: dict[str, set[str]] = {}
    for row in built.rows(
        "select table_name, column_name from information_schema.columns where table_schema like 'lms_marts%'"
    ):
        found.setdefault(row["table_name"], set()).add(row["column_name"])
    assert {name: set(columns) for name, columns in described.items()} == found
    assert [name for name, columns in described.items() for text in columns.values() if not text] == []


def test_the_sandbox_s_day_is_seen_as_changes(built: Built) -> None:
    """The second reading found one who completed and one who was unenrolled; progress alone is no change."""
    changes = built.rows(
        "select change_type, from_status, to_status, user_key, course_key "
        "from lms_marts.fct_enrollment_status_changes where not is_first_reading"
    )
    found = {(row["change_type"], row["from_status"], row["to_status"], row["user_key"]) for row in changes}
    assert ("changed", "in_progress", "completed", "acme/16") in found
    assert ("vanished", "in_progress", None, "acme/15") in found
    assert "acme/6" not in {row["user_key"] for row in changes if row["course_key"] == "acme/101"}


def test_a_completion_rate_is_the_same_everywhere(built: Built) -> None:
    """The rate of a course, from its enrolments by hand, is the mart's, and the funnel ends with as many learners."""
    rates = built.rows(
        "select course_key, completion_rate, learners from lms_marts.course_completion where learners > 0"
    )
    for row in rates:
        by_hand = built.one(
            "select avg(case when status in ('completed', 'passed') then 1.0 else 0.0 end) "
            f"from lms.course_enrollments where 'acme/' || course__id = '{row['course_key']}' "
            "and status <> 'withdrawn'"
        )
        assert float(by_hand) == pytest.approx(row["completion_rate"])
    assert built.one("select learners from lms_marts.enrollment_funnel where stage = 'assigned'") == sum(
        row["learners"] for row in rates
    )


def test_rules_of_one_s_own_bind_those_without_an_enrolment(built: Built) -> None:
    """A seed makes a course mandatory for every active user, also for those who are not in it."""
    duties = built.rows("select compliance_status, enrollment_key, is_by_rule from lms_marts.compliance")
    active = built.one(
        "select count(*) from lms.users where status not in ('inactive', 'suspended', 'deleted')"
    )
    assert len(duties) == active
    assert {row["is_by_rule"] for row in duties} == {True}
    assert any(row["enrollment_key"] is None and row["compliance_status"] == "overdue" for row in duties)
    assert any(row["compliance_status"] == "compliant" for row in duties)


@pytest.mark.parametrize(
    "block", [pytest.param(b, id=str(b)) for b in all_blocks("sql") if "lms_marts." in b.text]
)
def test_queries_of_the_documents_find_something(built: Built, block: Block) -> None:
    """What README and docs/transform.md show of the marts runs on both databases and has rows."""
    assert built.rows(block.text)


def test_the_changes_in_the_readme_are_true(built: Built) -> None:
    """What the demo finds that learners did is what the README shows."""
    readme = sections(ROOT / "README.md")["What the demo shows"].splitlines()
    start = next(number for number, line in enumerate(readme) if line.startswith("user_name"))
    shown = [re.split(" {2,}", line) for line in readme[start + 2 : readme.index("```", start)]]
    found = built.rows(MART_QUERIES["Who moved from what to what"])
    assert shown == [[value or "-" for value in row.values()] for row in found]


def test_the_report_is_made_of_the_marts(built: Built, tmp_path: Path) -> None:
    """Both databases give a page, with the overall rate that the enrolments give by hand, and no learner's name."""
    pytest.importorskip("plotly", reason="plotly, which is an extra, is not installed")
    report = write_report(built.target, tmp_path / "report.html")
    by_hand = built.one(
        "select avg(case when status in ('completed', 'passed') then 1.0 else 0.0 end) "
        "from lms.course_enrollments where status <> 'withdrawn'"
    )
    assert report.whole["completion_rate"] == pytest.approx(float(by_hand))
    text = (tmp_path / "report.html").read_text("utf-8")
    people = built.rows("select user_name, email from lms_marts.dim_users where user_name is not null")
    assert people
    assert [
        row for row in people if row["user_name"] in text or (row["email"] and row["email"] in text)
    ] == []


def test_nothing_of_a_run_is_left_behind(built: Built) -> None:
    """Compiled SQL and logs do not lie about: the project's folder is as it was."""
    assert not {"target", "logs", "dbt_packages", ".user.yml"} & {path.name for path in PROJECT.iterdir()}
    assert built.result.schema == marts_schema(built.target)


def test_the_project_builds_by_itself_over_users_of_two_providers(tmp_path: Path) -> None:
    """`dbt build` in the folder needs no `lms`, takes tables not made yet for empty, and tells people by address."""
    with synced_twice(tmp_path, resources=["users"]) as target:
        sync_another(tmp_path, "north", "canvas", target, ["users"])
        folders = ["--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path / "logs")]
        done = subprocess.run(
            [sys.executable, "-c", "from dbt.cli.main import cli; cli()", "build", *folders],
            cwd=PROJECT,
            env=os.environ | {"DESTINATION__DUCKDB__CREDENTIALS": target.location},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-2000:]
        assert re.search(r"WARN=0 ERROR=0 SKIP=0", done.stdout)
        built = Built(target, TransformResult("lms_marts", ()))
        present = built.one("select count(*) from lms_marts.dim_users where not is_deleted")
        assert present == built.one("select count(*) from lms.users")
        assert built.one("select count(*) from lms_marts.fct_course_enrollments") == 0
        [zoe] = built.rows("select * from lms_marts.people where email = 'zoe@example.org'")
        assert (zoe["accounts"], zoe["connections"], zoe["identified_by"]) == (2, 2, "email")


def test_connections_and_providers_in_one_warehouse_are_never_mixed(tmp_path: Path) -> None:
    """Each mart counts each connection apart and no join crosses over, though two portals have the same ids."""
    with synced_twice(tmp_path) as target:
        sync_another(tmp_path, "north", "canvas", target, None)
        sync_another(tmp_path, "west", "talentlms", target, None)
        assert transform(target).failed == ()
        built = Built(target, TransformResult("lms_marts", ()))
        assert built.one("select count(*) from lms.users where id = '1' and connection_id <> 'north'") == 2
        for view, mart in PRESENT.items():
            sql = "select connection_id, count(*) as records from {} group by 1 order by 1"
            counts = built.rows(sql.format(f"lms.{view}"))
            assert [row["connection_id"] for row in counts] == ["acme", "north", "west"]
            assert built.rows(sql.format(f"(select * from lms_marts.{mart}) as present")) == counts
        crossed = "user_key not like connection_id || '/%' or course_key not like connection_id || '/%'"
        assert built.one(f"select count(*) from lms_marts.fct_course_enrollments where {crossed}") == 0
