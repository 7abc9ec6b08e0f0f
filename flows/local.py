"""A Prefect server and a worker on this machine, for the demo and the tests: children that end with the block.

Nothing here imports Prefect, which reads its settings from the environment when it is imported.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_READY_WITHIN, _END_WITHIN, _LOOK = 120.0, 40.0, 0.2
"""Seconds for the server to start, for a child to end before it is killed, and between two looks."""


def local_variables(folder: Path, port: int) -> dict[str, str]:
    """The environment of whatever speaks to a server of our own: nothing of another profile, and no telemetry."""
    return {
        "PREFECT_HOME": str(folder),
        "PREFECT_PROFILES_PATH": str(folder / "profiles.toml"),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PREFECT_CLI_COLORS": "false",
        "DO_NOT_TRACK": "1",
    }


def free_port() -> int:
    """A port that nobody listens at now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def running_server(variables: Mapping[str, str]) -> Iterator[None]:
    """A server at the port of `variables`. Raises `RuntimeError` with the end of its log where it does not start."""
    address = variables["PREFECT_API_URL"]
    port = address.rsplit(":", 1)[1].split("/")[0]
    command = ["server", "start", "--host", "127.0.0.1", "--port", port]
    with _child(command, variables, "server") as (process, log):
        _wait_until_ready(f"{address}/health", process, log)
        yield


@contextmanager
def running_worker(variables: Mapping[str, str], pool: str, *, limit: int = 2) -> Iterator[Path]:
    """A worker of a process work pool; yields its log."""
    command = ["worker", "start", "--pool", pool, "--limit", str(limit), "--name", "local"]
    with _child(command, variables, "worker") as (_, log):
        yield log


def run_prefect(variables: Mapping[str, str], *arguments: str, folder: Path | None = None) -> str:
    """What a command of Prefect prints. Raises `RuntimeError` with it where the command fails."""
    done = subprocess.run(  # noqa: S603 - our own interpreter and arguments, no shell
        _command(arguments),
        env={**os.environ, **variables, **({"PWD": str(folder)} if folder else {})},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"prefect {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def _command(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "prefect", *arguments]


@contextmanager
def _child(
    arguments: Sequence[str], variables: Mapping[str, str], name: str
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A command of Prefect in a process group of its own, which is ended with all that it has started."""
    log = Path(variables["PREFECT_HOME"]) / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and arguments, no shell
            _command(arguments),
            env={**os.environ, **variables},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process, log
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_END_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    try:
        os.killpg(process.pid, signal.SIGKILL)  # what the child has left in its group
    except ProcessLookupError:
        return


def _wait_until_ready(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _READY_WITHIN
    while process.poll() is None and time.monotonic() < end:
        try:
            with urllib.request.urlopen(address, timeout=2):  # noqa: S310 - our own server on this machine
                return
        except (urllib.error.URLError, OSError):
            time.sleep(_LOOK)
    raise RuntimeError(f"Prefect's server did not start; the end of its log:\n{log.read_text()[-2_000:]}")
