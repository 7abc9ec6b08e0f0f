"""What `lms transform` refuses before dbt starts, and what it makes of dbt's answers."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from pipelines import transform as module
from pipelines.cli import main
from pipelines.environment import Target
from pipelines.transform import Node, Options, TransformFailed, TransformResult, transform
from sources.unified_lms.errors import ConfigurationError

HEADER = "rule_id,connection_id,course_id,course_code,organization_id,role,due_days,valid_days\n"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    """A target that passes for a warehouse; nothing is built over it."""
    monkeypatch.setattr(module, "warehouse_exists", lambda target: True)
    return Target("duckdb", "lms", str(tmp_path / "warehouse.duckdb"))


def test_without_dbt_it_says_how_to_install_it(place: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """dbt is an extra, and the sentence names it."""
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"pip install 'unified-lms\[dbt\]'"):
        transform(place)


def test_nothing_but_the_transformation_needs_dbt(monkeypatch: pytest.MonkeyPatch) -> None:
    """All commands load where there is no dbt."""
    assert importlib.util.find_spec("pipelines.cli.transform")
    loaded = Path(str(module.__file__)).read_text("utf-8")
    assert "import dbt" not in loaded
    assert CliRunner().invoke(main, ["transform", "--help"]).exit_code == 0


def test_without_a_warehouse_it_says_what_to_do_first(tmp_path: Path) -> None:
    """Nothing is built over nothing."""
    with pytest.raises(ConfigurationError, match="lms sync"):
        transform(Target("duckdb", "lms", str(tmp_path / "none.duckdb")))


def test_a_zone_that_is_none_is_refused(place: Target) -> None:
    """The zone goes into SQL: only what IANA names is let through."""
    with pytest.raises(ConfigurationError, match="'Mars/Olympus' is no IANA time zone"):
        transform(place, Options(time_zone="Mars/Olympus"))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("rules.csv", HEADER, "there is no such seed; those that there are: compliance_rules.csv"),
        ("compliance_rules.csv", "rule_id,course\n", "the first line has to be rule_id,connection_id"),
        ("notes.txt", "", "holds no seed"),
    ],
)
def test_seeds_that_would_not_be_read_are_refused(
    place: Target, tmp_path: Path, name: str, text: str, said: str
) -> None:
    """A misspelt file or column is named and not ignored."""
    folder = tmp_path / "seeds"
    folder.mkdir()
    (folder / name).write_text(text, "utf-8")
    with pytest.raises(ConfigurationError, match=said):
        transform(place, Options(seeds=folder))


def test_seeds_of_one_s_own_lie_within_the_project_that_dbt_gets(
    place: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outside of it dbt would compile them under a path with `..` in it, which leads elsewhere from another place."""
    seen: dict[str, str] = {}

    def look(command: list[str], *_: object) -> str:
        project = Path(command[command.index("--project-dir") + 1])
        assert yaml.safe_load((project / "dbt_project.yml").read_text("utf-8"))["seed-paths"] == ["seeds"]
        seen.update({file.name: file.read_text("utf-8") for file in (project / "seeds").glob("*.csv")})
        return ""

    monkeypatch.setattr(module, "_run", look)
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "compliance_rules.csv").write_text(HEADER + "safety,,acme,101,,,30,\n", "utf-8")
    with pytest.raises(TransformFailed):
        transform(place, Options(seeds=folder))
    own = module.PROJECT / "seeds" / "person_identities.csv"
    assert seen == {
        "compliance_rules.csv": HEADER + "safety,,acme,101,,,30,\n",
        "person_identities.csv": own.read_text("utf-8"),
    }


def test_a_selector_that_selects_nothing_is_refused(place: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """dbt calls building nothing a success; a misspelt model is none."""

    def build_nothing(command: list[str], *_: object) -> str:
        work = Path(command[command.index("--target-path") + 1])
        (work / "run_results.json").write_text('{"results": []}', "utf-8")
        return ""

    monkeypatch.setattr(module, "_run", build_nothing)
    with pytest.raises(ConfigurationError, match="--select dim_user names no model"):
        transform(place, Options(select=["dim_user"]))


def test_a_locked_file_is_named_as_such(place: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB takes one process that writes: the sentence says what to end."""
    monkeypatch.setattr(module, "_run", lambda *_: "IO Error: Could not set lock on file")
    with pytest.raises(TransformFailed, match="another process has the DuckDB file open"):
        transform(place)


def test_what_the_database_says_stays_behind_debug(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A database quotes the value that it could not take; a test's message holds no data."""
    nodes = (
        Node("dim_users", "model", "error", 0.1, "could not convert 'ana.ruiz@example.org'"),
        Node("unique_user_key", "test", "fail", 0.1, "Got 2 results, configured to fail if != 0"),
    )
    monkeypatch.setattr(module, "transform", lambda *_, **__: TransformResult("lms_marts", nodes))
    done = CliRunner().invoke(main, ["transform"])
    assert done.exit_code == 1
    assert "ana.ruiz" not in done.output
    assert done.output.count("model dim_users: error") == 1
    assert "Got 2 results" in done.output


def test_configuration_fills_what_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deployment sets zone, seeds and freshness once; an option goes before."""
    monkeypatch.setenv("TRANSFORM__TIME_ZONE", "Europe/London")
    monkeypatch.setenv("TRANSFORM__SEEDS", "rules")
    monkeypatch.setenv("TRANSFORM__FRESH_WITHIN_HOURS", "36")
    found = Options(time_zone="Asia/Tokyo").configured()
    assert (found.time_zone, found.seeds, found.fresh_within_hours) == ("Asia/Tokyo", Path("rules"), 36.0)


@pytest.mark.parametrize(
    "credentials",
    [
        "postgresql://ana:pass%40word@db.example:6543/learning",
        {
            "host": "db.example",
            "port": 6543,
            "username": "ana",
            "password": "pass@word",
            "database": "learning",
        },
    ],
    ids=["address", "section"],
)
def test_dbt_finds_the_database_that_sync_writes_to(credentials: object) -> None:
    """dlt's credentials, in either form, become libpq's variables for the child, the password as it is."""
    found = module._libpq(credentials)
    assert found["PGHOST"] == "db.example"
    assert (found["PGPORT"], found["PGDATABASE"]) == ("6543", "learning")
    assert (found["PGUSER"], found["PGPASSWORD"]) == ("ana", "pass@word")


def test_a_socket_s_folder_is_a_host(place: Target) -> None:
    """A server without a port on the network is named behind the question mark, and that goes before."""
    found = module._libpq("postgresql://postgres:none@localhost:5432/postgres?host=/tmp/socket")
    assert found["PGHOST"] == "/tmp/socket"
