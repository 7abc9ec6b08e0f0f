"""The benchmark's verdicts: each budget against figures made up for the purpose."""

from __future__ import annotations

import pytest

from tests.bench.gauge import Measured
from tests.bench.verdicts import FIRST, MILLION, SERVE, TENTH, UNCHANGED_RUN, account, verdicts


def run(records: int = 1_000_000, wall: float = 40.0, peak: float = 300.0, rows: int = 0) -> Measured:
    """A run in which 30 seconds of the first sync went to reading, mapping and comparing."""
    return Measured(
        records, wall, cpu=60.0, peak_mb=peak, extra={"duration_seconds": 30.0, "rows_all": rows or records}
    )


@pytest.mark.parametrize(("seconds", "met"), [(49.0, True), (51.0, False)])
def test_rate(seconds: float, met: bool) -> None:
    """A million records in fifty seconds are 20,000 a second."""
    assert [v.met for v in verdicts({FIRST: run(wall=seconds), UNCHANGED_RUN: run(wall=30.0)})] == [met, True]


@pytest.mark.parametrize(
    ("again", "met"),
    [(run(wall=32.0), True), (run(wall=34.0), False), (run(wall=30.0, rows=1_000_001), False)],
)
def test_second_sync_without_changes(again: Measured, met: bool) -> None:
    """It may take what reading took and a tenth, and adds no row."""
    assert [v.met for v in verdicts({FIRST: run(), UNCHANGED_RUN: again})] == [True, met]


@pytest.mark.parametrize(
    ("tenth", "million", "met"), [(350.0, 390.0, True), (350.0, 401.0, False), (250.0, 390.0, False)]
)
def test_memory(tenth: float, million: float, met: bool) -> None:
    """Below 400 MB, and no more than a quarter above a run over a tenth."""
    found = list(verdicts({TENTH: run(100_000, 4.0, tenth), MILLION: run(peak=million)}))
    assert [v.met for v in found] == [True, met]
    assert str(found[1]).startswith("met: " if met else "NOT MET: ")


@pytest.mark.parametrize(("processor", "met"), [(64.0, True), (80.0, False)])
def test_linear_cost(processor: float, met: bool) -> None:
    """A further record may take a quarter more than one of a tenth of the account; here 60 us are what that takes."""
    sizes = {100_000: 6.0, 1_000_000: processor}
    results = {
        account("postgres", "first", size): Measured(size, 1.0, cpu=cpu, peak_mb=300.0)
        for size, cpu in sizes.items()
    }
    assert [v.met for v in verdicts(results)] == [met, True]


@pytest.mark.parametrize(("peak", "met"), [(399.0, True), (401.0, False)])
def test_memory_of_a_run_over_an_account(peak: float, met: bool) -> None:
    """Each run over the account keeps the memory's budget as well."""
    sizes = {100_000: 350.0, 1_000_000: peak}
    results = {
        account("duckdb", "everything changed", size): Measured(size, 1.0, cpu=size / 1e5, peak_mb=highest)
        for size, highest in sizes.items()
    }
    assert [v.met for v in verdicts(results)] == [True, met]


@pytest.mark.parametrize(
    ("figures", "met"),
    [
        ({}, [True, True, True]),
        ({"median_ms": 15.5}, [False, True, True]),
        ({"p99_ms": 41.0}, [False, True, True]),
        ({"grown_mb": 21.0}, [True, False, True]),
        ({"slow_p99_ms": 1001.0}, [True, True, False]),
    ],
)
def test_serving(figures: dict[str, float], met: list[bool]) -> None:
    """Latency, memory and slow callers are each judged by their own figure."""
    good = {"median_ms": 15.0, "p99_ms": 40.0, "grown_mb": 20.0, "slow_p99_ms": 999.0, "slow_median_ms": 5.0}
    told = {"rate": 70.0, "cpu_ms": 9.0, "direct_median_ms": 2.0, "direct_p99_ms": 5.0}
    assert [v.met for v in verdicts({SERVE: Measured(extra=good | told | figures)})] == met
