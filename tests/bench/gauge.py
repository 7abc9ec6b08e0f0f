"""What is measured, and how: processes of their own, their wall and processor time, their highest memory."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Measured:
    """One measurement: how many records, and what they took. Seconds, megabytes of 10^6 bytes."""

    records: int = 0
    wall: float = 0.0
    cpu: float = 0.0
    """Of the measured process, all threads."""
    server_cpu: float = 0.0
    peak_mb: float = 0.0
    """The highest resident memory of the measured process, its imports included."""
    imports_mb: float = 0.0
    """What of that was there before it began."""
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def per_second(self) -> float:
        """Records a second."""
        return self.records / self.wall if self.wall else 0.0

    @property
    def microseconds(self) -> float:
        """Microseconds a record."""
        return self.wall / self.records * 1e6 if self.records else 0.0

    def as_dict(self) -> dict[str, Any]:
        """The measurement as JSON has it."""
        rates = {
            "records_per_second": round(self.per_second, 1),
            "microseconds_a_record": round(self.microseconds, 3),
        }
        return {name: round(v, 3) if isinstance(v, float) else v for name, v in asdict(self).items()} | rates


def timed(records: int, action: Callable[[], Any]) -> Measured:
    """How long the action takes over so many records, in this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    action()
    return Measured(records, time.perf_counter() - wall, time.process_time() - cpu)


def peak_mb() -> float:
    """The highest resident memory of this process so far.

    From Linux' `VmHWM` where there is one: `ru_maxrss` also counts the parent that this process was forked from.
    """
    status = Path("/proc/self/status")
    if status.exists():
        [line] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


@contextmanager
def gauged(measured: Measured) -> Iterator[None]:
    """Adds wall time, processor time and memory of the block, in this process, to `measured`."""
    measured.imports_mb = peak_mb()
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    measured.wall += time.perf_counter() - wall
    measured.cpu += time.process_time() - cpu
    measured.peak_mb = peak_mb()


class ChildFailed(Exception):
    """A measured process ended with an error; the message is what it said."""


def in_child(module: str, environment: dict[str, str] | None = None, **arguments: Any) -> Measured:
    """What `tests.bench.<module>`, run as a process of its own with these arguments, measured."""
    command = [sys.executable, "-m", f"tests.bench.{module}", json.dumps(arguments)]
    done = subprocess.run(
        command, cwd=_ROOT, env=os.environ | (environment or {}), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ChildFailed(f"{module} {arguments}: {done.stderr[-2000:]}")
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def child_main(measure: Callable[..., Measured]) -> None:
    """The main program of a measured process: arguments from the command line, the result to standard output."""
    measured = measure(**json.loads(sys.argv[1]))
    print(json.dumps(asdict(measured)))  # noqa: T201 - the parent reads it
