"""Builds the dbt project over a warehouse: the marts, their tests and unit tests, in a process of its own.

dbt is an extra of this project. It runs as a child, so that its hold on a DuckDB file, its logging and its memory end
with it, and nothing that it writes (compiled SQL, logs) outlives the call.
"""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import dlt
import orjson

from pipelines.environment import Target
from pipelines.reading import warehouse_exists
from sources.unified_lms.errors import ConfigurationError, LmsError

PROJECT = Path(__file__).parents[1] / "dbt_project"
"""The dbt project, in a checkout and in an installed wheel alike."""

_GOOD = ("success", "pass")
_RUN_DBT = "from dbt.cli.main import cli; cli()"
_TAIL = 4_000
"""Characters of dbt's output that an error keeps for `--debug`."""

Progress = Callable[[int, int], None]


class MissingExtra(ConfigurationError):
    """An extra of this project is not installed, which only what was asked for needs."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"{package} is not installed, which only this needs: pip install 'unified-lms[{extra}]'"
        )


class TransformFailed(LmsError):
    """dbt ended without building anything. `output` is the end of what it said, which may quote data."""

    def __init__(self, message: str, output: str) -> None:
        super().__init__(message)
        self.output = output


@dataclass(frozen=True)
class Options:
    """How to build. What is None is as configured under `[transform]`, else as the project has it."""

    select: Sequence[str] = ()
    """dbt's selectors; empty for everything."""
    as_of: date | None = None
    """The day that overdue and expired are derived for; today in the zone by default."""
    time_zone: str | None = None
    """The IANA zone whose midnight parts the days."""
    seeds: Path | None = None
    """A folder with `compliance_rules.csv`, `person_identities.csv`, or both."""
    fresh_within_hours: float | None = None
    """Hours within which everything must have been read whole; not checked by default."""
    unit_tests: bool = False
    """Whether dbt's unit tests are run as well: they prove the rules on rows of their own, and not the data."""

    def configured(self) -> Options:
        """These options, with what `[transform]` of dlt's configuration says where they are None."""
        zone = self.time_zone or dlt.config.get("transform.time_zone", str)
        seeds = self.seeds or dlt.config.get("transform.seeds", str)
        hours = self.fresh_within_hours
        hours = dlt.config.get("transform.fresh_within_hours", float) if hours is None else hours
        return replace(self, time_zone=zone, seeds=Path(seeds) if seeds else None, fresh_within_hours=hours)


@dataclass(frozen=True)
class Node:
    """A model, seed or test, and what became of it. `message` is dbt's, and may quote data unless it is a test's."""

    name: str
    kind: str
    status: str
    seconds: float
    message: str = field(repr=False)

    @property
    def good(self) -> bool:
        """Whether it was built, or passed."""
        return self.status in _GOOD


@dataclass(frozen=True)
class TransformResult:
    """All nodes in the order in which they were run."""

    schema: str
    nodes: tuple[Node, ...]

    @property
    def failed(self) -> tuple[Node, ...]:
        """What was not built, or did not pass; what was skipped on account of it included."""
        return tuple(node for node in self.nodes if not node.good)

    @property
    def document(self) -> dict[str, Any]:
        """The result as JSON, without messages of the database."""
        nodes = [
            {"name": n.name, "kind": n.kind, "status": n.status, "seconds": n.seconds} for n in self.nodes
        ]
        return {"schema": self.schema, "failed": len(self.failed), "nodes": nodes}


def marts_schema(target: Target) -> str:
    """The schema of the marts; staging has it with `_staging` behind."""
    return f"{target.dataset}_marts"


def transform(
    target: Target, options: Options | None = None, *, progress: Progress = lambda done, total: None
) -> TransformResult:
    """Builds models and tests over the target's snapshot tables, and gives what became of each.

    Raises `ConfigurationError` where dbt is not installed, there is no warehouse or an option is wrong, and
    `TransformFailed` where dbt built nothing. A failed model or test is in the result, and no error.
    """
    options = (options or Options()).configured()
    _check(target, options)
    with _project(options.seeds) as project, tempfile.TemporaryDirectory(prefix="lms-dbt-") as work:
        said = _run(
            _command(options, target, project, Path(work)), os.environ | _environment(target), progress
        )
        results = Path(work) / "run_results.json"
        if not results.is_file():
            raise TransformFailed(_reason(said), said)
        nodes = tuple(_nodes(results))
    if not nodes:
        raise ConfigurationError(
            f"--select {' '.join(options.select)} names no model, seed or test of the project; "
            "docs/transform.md lists the models"
        )
    return TransformResult(marts_schema(target), nodes)


def _check(target: Target, options: Options) -> None:
    if find_spec("dbt") is None or find_spec(f"dbt.adapters.{target.destination}") is None:
        raise ConfigurationError(
            "dbt is not installed, which only this needs: pip install 'unified-lms[dbt]'"
        )
    if options.time_zone is not None and options.time_zone not in available_timezones():
        raise ConfigurationError(
            f"transform.time_zone: {options.time_zone!r} is no IANA time zone; write one such as Europe/London"
        )
    if not warehouse_exists(target):
        raise ConfigurationError(
            f"there is no dataset {target.dataset} in the warehouse yet; read something into it first: lms sync"
        )


def _command(options: Options, target: Target, project: Path, work: Path) -> list[str]:
    variables = {
        "dataset": target.dataset,
        "time_zone": options.time_zone,
        "as_of": options.as_of.isoformat() if options.as_of else None,
        "fresh_within_hours": options.fresh_within_hours,
    }
    given = orjson.dumps({name: value for name, value in variables.items() if value is not None}).decode()
    # A test runs where all that it looks at is built, and not over tables that a selection leaves as they were.
    selected = ["--indirect-selection", "buildable", "--select", *options.select] if options.select else []
    left_out = [] if options.unit_tests else ["--exclude-resource-type", "unit_test"]
    return [
        sys.executable, "-c", _RUN_DBT, "--log-format", "json", "--log-path", str(work),
        # A log of everything, which nobody reads before it is removed, is a quarter of dbt's processor time.
        "--log-level-file", "none", "build",
        "--project-dir", str(project), "--profiles-dir", str(project), "--target-path", str(work),
        "--vars", given, *selected, *left_out,
    ]  # fmt: skip


def _environment(target: Target) -> dict[str, str]:
    """What dbt's profile reads: the very place that `lms sync` writes to."""
    common = {
        "LMS_DBT_TARGET": target.destination,
        "LMS_DBT_SCHEMA": marts_schema(target),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }
    if target.destination == "duckdb":
        return common | {"DESTINATION__DUCKDB__CREDENTIALS": target.location}
    return common | _libpq(dlt.secrets.get("destination.postgres.credentials"))


def _libpq(credentials: Any) -> dict[str, str]:
    """libpq's own variables for dlt's credentials, be they an address or a section of the configuration."""
    from dlt.destinations.impl.postgres.configuration import PostgresCredentials
    from psycopg2.extensions import parse_dsn

    parsed = PostgresCredentials()
    parsed.parse_native_representation(credentials) if isinstance(credentials, str) else parsed.update(
        credentials
    )
    found = parse_dsn(str(parsed.to_native_representation()))
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE",
             "sslmode": "PGSSLMODE"}  # fmt: skip
    return {variable: str(found[name]) for name, variable in names.items() if name in found}


@contextmanager
def _project(seeds: Path | None) -> Iterator[Path]:
    """The dbt project; a copy of it where the user has seeds of their own, with these in place of the empty ones.

    dbt would take seeds from outside of the project as well, but it puts what it compiles of them under the target
    path with every `..` of theirs, which ends wherever so many folders up are from there.
    """
    if seeds is None:
        yield PROJECT
        return
    checked = _checked_seeds(seeds, PROJECT / "seeds")
    with tempfile.TemporaryDirectory(prefix="lms-dbt-project-") as place:
        shutil.copytree(PROJECT, place, dirs_exist_ok=True, ignore=shutil.ignore_patterns("target", "logs"))
        for file in checked:
            shutil.copy(file, Path(place) / "seeds")
        yield Path(place)


def _checked_seeds(folder: Path, own: Path) -> list[Path]:
    known = {file.name: _header(file) for file in own.glob("*.csv")}
    if not folder.is_dir():
        raise ConfigurationError(f"the folder of seeds, {folder}, does not exist")
    found = sorted(folder.glob("*.csv"))
    for file in found:
        if file.name not in known:
            raise ConfigurationError(
                f"{file}: there is no such seed; those that there are: {', '.join(sorted(known))}"
            )
        if _header(file) != known[file.name]:
            raise ConfigurationError(f"{file}: the first line has to be {','.join(known[file.name])}")
    if not found:
        raise ConfigurationError(f"{folder} holds no seed; those that there are: {', '.join(sorted(known))}")
    return found


def _header(file: Path) -> list[str]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return next(csv.reader(lines), [])


def _run(command: Sequence[str], environment: Mapping[str, str], progress: Progress) -> str:
    """Runs dbt to its end; the end of what it said. The child is ended with whoever waits for it."""
    said: list[str] = []
    with subprocess.Popen(  # noqa: S603 - our own interpreter and arguments, no shell
        command, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as child:
        try:
            said.extend(_follow(line, progress) for line in child.stdout or ())
        except BaseException:
            child.terminate()
            raise
    return "\n".join(said)[-_TAIL:]


def _follow(line: str, progress: Progress) -> str:
    """Tells of a node that has ended, and gives the line's message."""
    try:
        event = orjson.loads(line)
    except orjson.JSONDecodeError:
        return line.rstrip()
    data = event.get("data", {})
    if "index" in data and "total" in data and data.get("node_info", {}).get("node_status") != "started":
        progress(int(data["index"]), int(data["total"]))
    return str(event.get("info", {}).get("msg", ""))


def _reason(said: str) -> str:
    if "Could not set lock" in said or "Conflicting lock" in said:
        return "another process has the DuckDB file open; end it or wait for it, then run lms transform again"
    return "dbt ended before it built anything; --debug shows what it said"


def _nodes(results: Path) -> Iterator[Node]:
    for result in orjson.loads(results.read_bytes())["results"]:
        kind, _, name = str(result["unique_id"]).split(".", 2)
        if kind == "exposure":  # names who uses a mart; nothing is built
            continue
        yield Node(
            name.split(".")[-1] if kind == "unit_test" else name.split(".")[0],
            kind.replace("_", " "),
            str(result["status"]),
            round(float(result["execution_time"]), 3),
            str(result.get("message") or ""),
        )
