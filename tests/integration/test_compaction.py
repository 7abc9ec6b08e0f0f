"""What stays in a DuckDB file of what was deleted from it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from pipelines.compaction import compact
from pipelines.environment import Target
from pipelines.erasure import erase_person
from pipelines.sync import sync_connection
from tests.integration.conftest import put_together

PLANTED = "Planted-Quartermaine-7731"


def test_deleted_value_is_gone_from_the_bytes(
    acme: str, warehouse: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person's name stands in the file before the erasure, and nowhere in it nor beside it afterwards."""
    folder = tmp_path / "own" / "talentlms"
    folder.mkdir(parents=True)
    name = f'record.id = "6" ? {put_together(PLANTED)} : "somebody else"'
    (folder / "users.jsonata").write_text(f'{{"id": $string(record.id), "job_title": {name}}}')
    monkeypatch.setenv("CONNECTIONS__ACME__FOLDERS", str(folder.parent))
    sync_connection(acme, warehouse, resources=["users"])
    file = Path(warehouse.location)
    assert PLANTED.encode() in file.read_bytes()
    erase_person(acme, warehouse, "6")
    beside = [path for path in tmp_path.rglob("*") if path.is_file() and "own" not in path.parts]
    assert file in beside
    assert not [path for path in beside if PLANTED.encode() in path.read_bytes()]


def test_compaction_keeps_everything_else(tmp_path: Path) -> None:
    """Schemas, tables, types, views and rows are there as before."""
    file = tmp_path / "some.duckdb"
    with duckdb.connect(file) as connection:
        connection.execute("create schema lms; create table lms.t (a varchar, b json, c timestamptz)")
        connection.execute("insert into lms.t values ('x', '[1]', now())")
        connection.execute("create view lms.v as select a from lms.t where b is not null")
        before = connection.execute("from lms.t").fetchall()
    compact(str(file))
    with duckdb.connect(file) as connection:
        assert connection.execute("from lms.t").fetchall() == before
        assert connection.execute("from lms.v").fetchall() == [("x",)]
        types = connection.execute("select data_type from duckdb_columns() where table_name = 't'").fetchall()
    assert types == [("VARCHAR",), ("JSON",), ("TIMESTAMP WITH TIME ZONE",)]
    assert [path.name for path in tmp_path.iterdir()] == ["some.duckdb"]


def test_log_of_a_killed_writer_is_not_lost(tmp_path: Path) -> None:
    """What a killed process has committed and not yet moved into the file is in the new file."""
    file = tmp_path / "some.duckdb"
    child = (
        "import duckdb, os, sys; c = duckdb.connect(sys.argv[1]); c.execute('create table t as select 42 as a'); "
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", child, str(file)], check=False)
    assert file.with_name("some.duckdb.wal").exists()
    compact(str(file))
    with duckdb.connect(file) as connection:
        assert connection.execute("from t").fetchall() == [(42,)]
