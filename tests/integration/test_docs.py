"""What the documents show is so: their queries and snippets run, and the tables are those that they name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mappings.model import RESOURCES
from pipelines import environment
from pipelines.environment import Target, target
from pipelines.sync import ConnectionResult, sync_connection
from sources.unified_lms.sandbox import SandboxServer, World
from sources.unified_lms.tables import LEDGERS, REJECTED_RECORDS, SYNC_RUNS, Table, snapshots
from tests.integration.conftest import configure
from tests.unit.house.documents import DOCS, ROOT, Block, all_blocks, quoted, sections

QUERIES = [
    pytest.param(block, id=str(block)) for block in all_blocks("sql") if "lms_marts." not in block.text
]
"""Those of the snapshot tables; what dbt builds is in test_dbt.py."""
SNIPPETS = [
    pytest.param(block, id=str(block)) for block in all_blocks("python") if "import dlt" in block.text
]
"""Pipelines of one's own; what is done to a Prefect server is in test_flows.py."""
Ask = Callable[[str], list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Read:
    """A sandbox that was read twice, a day apart, and the warehouse that holds it."""

    server: SandboxServer
    warehouse: Target
    runs: tuple[ConnectionResult, ConnectionResult]


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Read]:
    """Both runs, as in the demo."""
    folder = tmp_path_factory.mktemp("docs")
    with (
        SandboxServer(World(), calls_per_burst=10**6, calls_per_hour=10**6) as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in environment.DEFAULTS.items():
            patch.setenv(name, value)
        for name in ("DLT_DATA_DIR", "DLT_PROJECT_DIR", "DLT_LOCAL_DIR"):
            patch.setenv(name, str(folder))
        patch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(folder / "warehouse.duckdb"))
        configure(patch, "acme", server)
        warehouse = target("duckdb")
        first = sync_connection("acme", warehouse)
        server.world.advance(1)
        second = sync_connection("acme", warehouse)
        yield Read(server, warehouse, (first, second))


@pytest.fixture(scope="module")
def ask(read: Read) -> Iterator[Ask]:
    """Queries over that warehouse."""
    with duckdb.connect(read.warehouse.location, read_only=True) as connection:
        yield lambda sql: connection.execute(sql).fetchall()


@pytest.mark.parametrize("block", QUERIES)
def test_queries_of_the_documents_find_something(ask: Ask, block: Block) -> None:
    """Each query runs, and has rows but for what the sandbox has nothing of."""
    assert ask(block.text) or REJECTED_RECORDS.name in block.text


@pytest.mark.parametrize("block", SNIPPETS)
def test_snippets_of_the_documents_run(
    read: Read, block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each snippet runs in a folder of its own and leaves the tables that it names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DESTINATION__DUCKDB__CREDENTIALS")
    configure(monkeypatch, "acme", read.server)
    made: dict[str, Any] = {}
    exec(compile(block.text, str(block), "exec"), made)  # noqa: S102 - our own document
    with made["pipeline"].sql_client() as client:
        for name in ("users", "courses"):
            assert client.execute_sql(
                f"select count(*) > 5 from {name}_snapshots where valid_to is null"
            ) == [(True,)]


def test_tables_and_columns_are_those_of_the_code(ask: Ask) -> None:
    """The warehouse has the tables that tables.md describes, with these columns in this order, and views of them."""
    described: list[Table] = [snapshots(resource) for resource in RESOURCES.values()]
    described += LEDGERS
    for table in described:
        assert [row[0] for row in ask(f"describe lms.{table.name}")] == table.column_names
    for name, resource in RESOURCES.items():
        assert [row[0] for row in ask(f"describe lms.{name}")] == snapshots(resource).column_names


def test_every_table_is_named(ask: Ask) -> None:
    """Nothing is in the dataset that the page does not name."""
    named = quoted((DOCS / "tables.md").read_text("utf-8"))
    found = ask("select table_schema, table_name from information_schema.tables")
    assert {name for schema, name in found if schema == "lms"} <= named
    assert {schema for schema, _ in found} == {"lms", "lms_staging_acme"}
    staged = [name for schema, name in found if schema != "lms" and not name.startswith("_dlt")]
    assert [ask(f"select count(*) from lms_staging_acme.{name}") for name in staged] == [[(0,)]] * len(staged)


def test_types_are_those_of_the_page(ask: Ask) -> None:
    """Each type of the page is what DuckDB calls it."""
    head = sections(DOCS / "tables.md")["Rows and keys"]
    types = dict(re.findall(r"^\| (\w+) \| `([A-Z ]+)`", head, re.MULTILINE))
    for table in [*(snapshots(resource) for resource in RESOURCES.values()), SYNC_RUNS]:
        found = {row[0]: row[1] for row in ask(f"describe lms.{table.name}")}
        assert found == {column.name: types[column.hint["data_type"]] for column in table.columns}


def test_codes_of_rejections_are_those_of_the_code() -> None:
    """The page lists the codes that the check and the mapper give."""
    code = "".join((ROOT / "mappings" / f"{name}.py").read_text("utf-8") for name in ("rows", "mapper"))
    given = set(re.findall(r'(?:note\((?:path[^,]*|name), |Violation\(None, )"(\w+)"', code))
    listed = sections(DOCS / "tables.md")["What could not be taken over"].split("Codes:")[1]
    assert quoted(listed) == given


def test_the_demo_in_the_readme_is_true(read: Read, ask: Ask) -> None:
    """The figures of the second sync, and the history, are those of the sandbox."""
    readme = sections(ROOT / "README.md")["What the demo shows"]
    shown = re.findall(r"^demo +(\w+) +(\w+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+)$", readme, re.MULTILINE)
    names = (
        "resource",
        "status",
        "records_read",
        "records_new",
        "records_changed",
        "records_retired",
        "records_rejected",
    )
    assert shown == [tuple(str(one.report[name]) for name in names) for one in read.runs[1].results]
    history = ask(
        "select user__id, course__title, status, progress_percent from lms.course_enrollments_snapshots "
        "where user__id = '6' and course__id = '101' order by valid_from"
    )
    assert [re.split(" {3,}", line) for line in readme.splitlines() if line.startswith("6 ")] == [
        [str(cell) for cell in row] for row in history
    ]


def test_a_full_run_takes_as_many_calls_as_is_said(read: Read) -> None:
    """TalentLMS: users + courses + branches + 12, as docs/providers/talentlms.md reckons."""
    world = read.server.world
    calls = sum(one.report["requests"] for one in read.runs[1].results)
    assert calls == len(world.people) + len(world.courses) + len(world.organizations) + 12
