"""The budgets, and whether a run has kept them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.bench.gauge import Measured

RATE = 20_000
"""Records a second from HTTP bytes to rows that can be queried."""
PEAK_MB = 400
"""Megabytes of resident memory that a run over a million records may take at most."""
FLAT = 1.25
"""How much more than a run over a tenth of the records that may be."""
UNCHANGED = 1.1
"""How long a run without changes may take, in times of what reading, mapping and comparing took in the first run.

A tenth is left for what does not depend on the records: opening the warehouse, dlt's own state, the row of the run.
"""

LINEAR = 1.25
"""How much more processor time a record may take in an account than in one of a tenth of its size, beyond a start."""
DESTINATIONS = ("duckdb", "postgres")
ACCOUNT_RUNS = {"first": 0, "nothing changed": 0, "1 % changed": 1, "everything changed": 101}
"""The runs over an account, in their order, and the revision that each reads: a hundred of them change every record."""

FIRST, UNCHANGED_RUN, MILLION, TENTH = (
    "bytes to rows",
    "the same again, nothing changed",
    "bytes to rows, a million",
    "bytes to rows, a tenth of a million",
)
SERVE = "lms serve: lists of a hundred"
SERVE_MEDIAN_MS, SERVE_P99_MS = 15, 40
"""Milliseconds that such a list may take longer than at the provider, at 70 % of the highest rate."""
SERVE_GROWN_MB = 20
"""Megabytes that the server may grow by meanwhile."""


@dataclass(frozen=True)
class Verdict:
    """Whether one budget was kept, and the numbers that say so."""

    budget: str
    met: bool
    figures: str

    def __str__(self) -> str:
        return f"{'met' if self.met else 'NOT MET'}: {self.budget}: {self.figures}"


def account(destination: str, run: str, enrolments: int) -> str:
    """The name of the measurement of one run over an account with so many enrolments, listed course by course."""
    return f"{destination}, {enrolments:,} enrolments by course: {run}"


def verdicts(results: Mapping[str, Measured], million: int = 1_000_000) -> Iterator[Verdict]:
    """A verdict for each budget that was measured; `million` is the size of the larger account."""
    if FIRST in results:
        yield _rate(results[FIRST])
        yield _unchanged(results[FIRST], results[UNCHANGED_RUN])
    if MILLION in results:
        yield _rate(results[MILLION])
        yield _memory(results[TENTH], results[MILLION])
    if SERVE in results:
        yield from _served(results[SERVE].extra)
    for destination in DESTINATIONS:
        for run in ACCOUNT_RUNS:
            tenth, whole = (account(destination, run, size) for size in (million // 10, million))
            if whole in results:
                yield _linear(destination, run, results[tenth], results[whole])
                yield _memory(results[tenth], results[whole], f" on {destination}, {run}")


def _linear(destination: str, run: str, tenth: Measured, whole: Measured) -> Verdict:
    """What a run takes however little it reads is in both alike, so that the records between the two are compared."""
    more, least = whole.cpu - tenth.cpu, tenth.cpu / tenth.records
    each = more / (whole.records - tenth.records)
    return Verdict(
        f"cost grows linearly on {destination}, {run}",
        each <= LINEAR * least,
        f"{least * 1e6:.0f} us of processor time a record over {tenth.records:,}, "
        f"{each * 1e6:.0f} for each further one up to {whole.records:,}",
    )


def _rate(run: Measured) -> Verdict:
    each, cores = run.cpu / run.records * 1e6, run.cpu / run.wall
    return Verdict(
        f"{RATE:,} records a second over {run.records:,} records",
        run.per_second >= RATE,
        f"{run.per_second:,.0f}, with {each:.0f} us of processor time a record on {cores:.1f} cores",
    )


def _served(figures: Mapping[str, float]) -> Iterator[Verdict]:
    yield Verdict(
        f"a list through lms serve costs {SERVE_MEDIAN_MS} ms more at the median and {SERVE_P99_MS} ms at p99",
        figures["median_ms"] <= SERVE_MEDIAN_MS and figures["p99_ms"] <= SERVE_P99_MS,
        f"{figures['median_ms']:.1f} and {figures['p99_ms']:.1f} ms more than {figures['direct_median_ms']:.1f} and "
        f"{figures['direct_p99_ms']:.1f} ms, at {figures['rate']:.0f} requests a second, "
        f"{figures['cpu_ms']:.1f} ms of processor time each",
    )
    yield Verdict(
        "the memory of lms serve is flat",
        figures["grown_mb"] <= SERVE_GROWN_MB,
        f"{figures['grown_mb']:+.1f} MB",
    )
    yield Verdict(
        "a thousand slow callers do not stop lms serve",
        figures["slow_p99_ms"] < 1000,
        f"beside them {figures['slow_median_ms']:.1f} ms at the median and {figures['slow_p99_ms']:.1f} ms at p99",
    )


def _unchanged(first: Measured, again: Measured) -> Verdict:
    reading = first.extra["duration_seconds"]
    return Verdict(
        "a second sync without changes costs what reading the pages does",
        again.wall <= UNCHANGED * reading and again.extra["rows_all"] == first.extra["rows_all"],
        f"{again.wall:.1f} s; the first run took {first.wall:.1f} s, {reading:.1f} s of them to read and compare",
    )


def _memory(tenth: Measured, million: Measured, what: str = "") -> Verdict:
    return Verdict(
        f"memory is flat, and under {PEAK_MB} MB at a million records{what}",
        million.peak_mb < PEAK_MB and million.peak_mb <= FLAT * tenth.peak_mb,
        f"{tenth.peak_mb:.0f} MB over {tenth.records:,} records, {million.peak_mb:.0f} MB over {million.records:,}",
    )
