"""`lms serve` beside asking the provider directly: what a list of a hundred records costs more, and slow callers.

The server and the provider run in processes of their own; this one asks. First the rate that the server holds is found,
callers asking one after the other; then requests are sent at 70 % of it by the clock, each timed from when it was due,
so that waiting counts, and the provider is asked at the same rate in the same way. A thousand callers then send a head
and take nothing.

By itself: `python -m tests.bench.serving '{"seconds": 10}'`, in the benchmark's environment.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.gauge import Measured, child_main

_CALLERS = 8
"""Callers that ask one after the other while the highest rate is sought."""
_SHARE = 0.7
_SLOW = 1000
_RESOURCE = "course-enrollments"
Target = tuple[str, int, bytes]
"""Host, port, and the request."""


class _Caller:
    """One connection that is kept open, and speaks as much HTTP as is needed here."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._pair: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self) -> int:
        """Asks once; the bytes of the answer. Raises RuntimeError for any other status than 200."""
        host, port, request = self._target
        if self._pair is None:
            self._pair = await asyncio.open_connection(host, port)
        reader, writer = self._pair
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head.partition(b"\r\n")[0]:
            raise RuntimeError(head.decode())
        [length] = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        return len(await reader.readexactly(int(length.partition(b":")[2])))


def _target(origin: str, path: str, key: str = "") -> Target:
    host, _, port = origin.removeprefix("http://").partition(":")
    authorization = f"Authorization: Bearer {key}\r\n" if key else ""
    return host, int(port), f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{authorization}\r\n".encode()


async def _highest(target: Target, seconds: float) -> float:
    """Requests a second that are answered to callers who ask one after the other."""
    until, done = time.perf_counter() + seconds, 0

    async def ask_on() -> None:
        nonlocal done
        caller = _Caller(target)
        while time.perf_counter() < until:
            await caller.ask()
            done += 1

    await asyncio.gather(*(ask_on() for _ in range(_CALLERS)))
    return done / seconds


async def _at_rate(target: Target, rate: float, seconds: float) -> list[float]:
    """The seconds that each answer took from when its request was due, requests being due by the clock."""
    idle: list[_Caller] = []
    took: list[float] = []

    async def ask(due: float) -> None:
        caller = idle.pop() if idle else _Caller(target)
        await caller.ask()
        took.append(time.perf_counter() - due)
        idle.append(caller)

    begin, tasks = time.perf_counter(), []
    for number in range(int(rate * seconds)):
        due = begin + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(ask(due)))
    await asyncio.gather(*tasks)
    return sorted(took)


def _slow(target: Target) -> list[socket.socket]:
    """Callers half of whom never end their head, and half of whom never take their answer."""
    host, port, request = target
    found = []
    for number in range(_SLOW):
        one = socket.create_connection((host, port), timeout=10)
        one.sendall(request if number % 2 else request[:-2])
        found.append(one)
    return found


@contextmanager
def _server() -> Iterator[tuple[str, str, int]]:
    """`lms serve` in a process of its own: its origin, a key, and its process id."""
    made = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "keys", "create", "bench", "--all-connections"],
        capture_output=True,
        text=True,
        check=True,
    )
    command = [sys.executable, "-m", "pipelines.cli", "serve", "--port", "0"]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1], made.stdout.strip(), process.pid
        finally:
            process.terminate()


def _memory_mb(process: int) -> float:
    """The resident memory of a process."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmRSS"))


def _cpu_seconds(process: int) -> float:
    """The processor time that a process has taken so far."""
    words = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _measure(direct: str, connection: str, seconds: float) -> Measured:
    origin, _, path = direct.removeprefix("http://").partition("/")
    provider = _target(f"http://{origin}", f"/{path}")
    with _server() as (url, key, process):
        query = f"integrated_account_id={connection}&limit=100"
        served = _target(url, f"/unified/lms/{_RESOURCE}?{query}", key)
        asyncio.run(_highest(served, min(2.0, seconds)))  # what is compiled at first is no part of it
        rate = _SHARE * asyncio.run(_highest(served, seconds))
        alone = asyncio.run(_at_rate(provider, rate, seconds))
        before, used = _memory_mb(process), _cpu_seconds(process)
        through = asyncio.run(_at_rate(served, rate, seconds))
        grown, used = _memory_mb(process) - before, _cpu_seconds(process) - used
        slow = _slow(_target(url, "/openapi.json", key))
        beside = asyncio.run(_at_rate(served, rate / 2, min(5.0, seconds)))
        for one in slow:
            one.close()
    figures = {
        "rate": rate,
        "median_ms": 1000 * (_at(through, 0.5) - _at(alone, 0.5)),
        "p99_ms": 1000 * (_at(through, 0.99) - _at(alone, 0.99)),
        "direct_median_ms": 1000 * _at(alone, 0.5),
        "direct_p99_ms": 1000 * _at(alone, 0.99),
        "cpu_ms": 1000 * used / len(through),
        "grown_mb": grown,
        "slow_median_ms": 1000 * _at(beside, 0.5),
        "slow_p99_ms": 1000 * _at(beside, 0.99),
    }
    return Measured(
        100 * len(through), seconds, extra={name: round(value, 2) for name, value in figures.items()}
    )


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


if __name__ == "__main__":
    child_main(_measure)
