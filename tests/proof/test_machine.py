"""The tables are right after any sequence of edits, runs, faults and crashes, on either database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from pipelines.environment import Target, target
from tests.integration import postgres
from tests.proof.machine import Snapshots

# Shrinking runs a failed example hundreds of times, a second or more each: the steps that failed are shown instead.
PLAIN = settings(
    deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck)
)
FEW = settings(PLAIN, max_examples=1, stateful_step_count=20)
MANY = settings(PLAIN, max_examples=25, stateful_step_count=40)


@contextmanager
def duckdb(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Target]:
    """A DuckDB file of the example's own."""
    patch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(folder / "warehouse.duckdb"))
    yield target("duckdb")


@pytest.fixture(params=["duckdb", "postgres"])
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> type[Snapshots]:
    """The state machine for a destination."""

    @contextmanager
    def database(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Target]:
        with postgres.own_database(request.getfixturevalue("postgres_server")) as address:
            patch.setenv("DESTINATION__POSTGRES__CREDENTIALS", address)
            yield target("postgres")

    place = duckdb if request.param == "duckdb" else database
    monkeypatch.setattr(Snapshots, "place", staticmethod(place), raising=False)
    return Snapshots


def test_a_few_steps(machine: type[Snapshots]) -> None:
    """Twenty steps, the same ones in every run of the tests."""
    run_state_machine_as_test(machine, settings=FEW)


@pytest.mark.long
def test_a_thousand_steps(machine: type[Snapshots]) -> None:
    """A thousand steps in twenty-five worlds."""
    run_state_machine_as_test(machine, settings=MANY)
