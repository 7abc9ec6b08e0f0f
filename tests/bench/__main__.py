"""`python -m tests.bench`: every measurement in one run, side by side, as one table with ratios."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.gauge import Measured, in_child
from tests.bench.scaling import scaled, warehouse
from tests.bench.server import Server, running_server
from tests.bench.syncing import CONNECTION, environment, sync
from tests.bench.verdicts import (
    ACCOUNT_RUNS,
    DESTINATIONS,
    FIRST,
    MILLION,
    SERVE,
    TENTH,
    UNCHANGED_RUN,
    account,
    verdicts,
)

_MILLION = 1_000_000
_GROUPS = ("whole", "million", "scale", "alone", "peers", "mapper", "parts", "transform", "serve")
_MAPPERS = {
    "mapper: map and tabulate, 1 thread": "map and tabulate 1",
    "mapper: map and tabulate, 2 threads": "map and tabulate 2",
    "mapper: Canvas as shipped, 2 threads": "Canvas 2",
    "mapper: Canvas with an overlay, 2 threads": "Canvas with an overlay 2",
    "mapper: the engine alone": "engine",
    "mapper: Python by hand, text to text": "by hand, text to text",
    "mapper: Python by hand, objects": "by hand",
    "mapper: jsonata-python": "jsonata-python",
}

Result = tuple[str, Measured]


def _whole(server: Server, folder: Path, records: int) -> Iterator[Result]:
    """Bytes to rows, then the same again without changes and with one percent changed."""
    place = _made(folder / "whole")
    yield FIRST, sync(server, place, records)
    yield UNCHANGED_RUN, sync(server, place, records)
    yield "the same again, 1 % changed", sync(server, place, records, revision=1)


def _million(server: Server, folder: Path, records: int) -> Iterator[Result]:
    """Bytes to rows at two sizes, ten-fold apart: a tenth of so many records, then all of them."""
    yield TENTH, sync(server, _made(folder / "tenth"), records // 10)
    yield MILLION, sync(server, _made(folder / "million"), records)


def _scale(server: Server, folder: Path, records: int) -> Iterator[Result]:
    """An account at two sizes, ten-fold apart, on each destination: first, again, and with one percent changed."""
    for destination in DESTINATIONS:
        for size in (records // 10, records):
            folder_of = _made(folder / f"{destination}_{size}")
            with warehouse(destination, folder_of) as place:
                for what, revision in ACCOUNT_RUNS.items():
                    name = account(destination, what, size)
                    yield name, scaled(server, folder_of, place, destination, size, revision)


def _alone(server: Server, folder: Path, records: int) -> Iterator[Result]:
    """Reading alone."""
    variables = environment(server.base_url(records), folder)
    for name, how in (("reading alone: httpx and orjson", "plain"), ("reading alone: our client", "ours")):
        yield name, in_child("reading", variables, how=how, url=server.list_url(records))


def _peers(server: Server, folder: Path, records: int) -> Iterator[Result]:
    """dlt's rest_api source, on a tenth of the records."""
    few = max(records // 10, 100)
    for name, form in (("dlt rest_api, as it comes", None), ("dlt rest_api, parquet", "parquet")):
        place = _made(folder / f"peer_{form}")
        variables = environment(server.base_url(few), place)
        file = str(place / "peer.duckdb")
        yield (
            name,
            in_child("peers", variables, base_url=server.base_url(few), file=file, loader_file_format=form),
        )


def _mappers(records: int) -> Iterator[Result]:
    """The mapper, in memory."""
    for name, what in _MAPPERS.items():
        yield name, in_child("mapping", records=min(records, 50_000), name=what)


def _parts(server: Server, folder: Path, records: int) -> Iterator[Result]:
    """Each part on its own, one after the other on one thread."""
    few = min(records, 100_000)
    measured = in_child("parts", environment(server.base_url(few), _made(folder / "parts")))
    for part, took in measured.extra.items():
        yield f"part: {part}", Measured(measured.records, took["wall"], took["cpu"])


def _transform(records: int) -> Iterator[Result]:
    """dbt over so many enrolments: all of it with its tests, then model by model."""
    whole = in_child("transform", records=records)
    yield "dbt: models and tests", whole
    for name, seconds in whole.extra.items():
        yield f"dbt: {name}", Measured(records, seconds)


def _serve(server: Server, folder: Path, records: int, seconds: float) -> Iterator[Result]:
    """`lms serve` beside asking the provider directly."""
    variables = environment(server.base_url(records), _made(folder / "serve"))
    measured = in_child(
        "serving", variables, direct=server.list_url(records), connection=CONNECTION, seconds=seconds
    )
    yield SERVE, measured


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _table(results: list[Result]) -> Table:
    reference = next((m.per_second for name, m in results if name == FIRST), 0.0)
    heads = (
        "measurement",
        "records",
        "requests",
        "seconds",
        "records/s",
        "us/record",
        "ratio",
        "CPU s",
        "server s",
        "peak MB",
    )
    table = Table(*heads, title=f"{os.cpu_count()} cores; ratio to bytes to rows")
    for name, m in results:
        ratio = f"{m.per_second / reference:.2f}" if reference else "-"
        requests = f"{m.extra['requests']:,}" if "requests" in m.extra else "-"
        rates = (f"{m.wall:.2f}", f"{m.per_second:,.0f}", f"{m.microseconds:.1f}", ratio)
        figures = (f"{m.records:,}", requests, *rates)
        table.add_row(
            name, *figures, f"{m.cpu:.2f}", f"{m.server_cpu:.2f}", f"{m.peak_mb:.0f}" if m.peak_mb else "-"
        )
    return table


def measure(
    records: int, only: str = "", million: int = _MILLION, serve_seconds: float = 60.0
) -> list[Result]:
    """All measurements, or those of one group."""
    results: list[Result] = []
    with running_server() as server, tempfile.TemporaryDirectory(prefix="lms_bench_") as place:
        folder = Path(place)
        groups = {
            "whole": _whole(server, folder, records),
            "million": _million(server, folder, million),
            "scale": _scale(server, folder, million),
            "alone": _alone(server, folder, records),
            "peers": _peers(server, folder, records),
            "mapper": _mappers(records),
            "parts": _parts(server, folder, records),
            "transform": _transform(million),
            "serve": _serve(server, folder, records, serve_seconds),
        }
        for name, group in groups.items():
            for result in group if only in ("", name) else ():
                print(f"{result[0]}: {result[1].per_second:,.0f} records/s", file=sys.stderr)  # noqa: T201
                results.append(result)
    return results


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--records", type=int, default=300_000, help="records of the compared runs (default: 300,000)"
    )
    parser.add_argument(
        "--million",
        type=int,
        default=_MILLION,
        help="records of the runs for memory and scale (default: 1,000,000)",
    )
    parser.add_argument(
        "--serve-seconds", type=float, default=60.0, help="seconds of each run of lms serve (default: 60)"
    )
    parser.add_argument("--only", default="", choices=["", *_GROUPS], help="one group of measurements")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    chosen = parser.parse_args()
    results = measure(chosen.records, chosen.only, chosen.million, chosen.serve_seconds)
    if chosen.json:
        print(json.dumps({name: measured.as_dict() for name, measured in results}, indent=2))  # noqa: T201
    else:
        Console(width=150).print(_table(results))
    for verdict in verdicts(dict(results), chosen.million):
        print(verdict, file=sys.stderr if chosen.json else sys.stdout)


if __name__ == "__main__":
    main()
