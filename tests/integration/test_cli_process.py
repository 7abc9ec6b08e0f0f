"""Commands as processes: what a shell and a scheduler see of them. Few, since each takes seconds to start."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import signal
import subprocess
import sys
import urllib.request
from base64 import b64encode
from importlib.util import find_spec
from pathlib import Path

import duckdb
import orjson
import pytest

from pipelines.environment import Target

ROOT = Path(__file__).parents[2]
LMS = (sys.executable, "-m", "pipelines.cli")


def lms(*words: str, cwd: Path, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """A command run to its end in a folder."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [*LMS, *words], cwd=cwd, env=environment, capture_output=True, text=True, timeout=timeout, check=False
    )


def test_sync(acme: str, warehouse: Target, tmp_path: Path) -> None:
    """A sync ends with 0; standard output is one JSON document, standard error the progress and no warning."""
    done = lms("sync", "--json", cwd=tmp_path)
    [connection] = orjson.loads(done.stdout)["connections"]
    assert done.returncode == 0
    assert [each["status"] for each in connection["resources"]] == ["done"] * 4
    assert all(line.startswith("acme: ") for line in done.stderr.splitlines())


def test_list(acme: str, warehouse: Target, tmp_path: Path) -> None:
    """A list is lines of JSON and nothing else on standard output; a mistake in it is one line and status 2."""
    done = lms("list", "acme", "courses", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert len([orjson.loads(line) for line in done.stdout.splitlines()]) == 9


def test_mistake(tmp_path: Path) -> None:
    """A sync without any connection is status 2 and a sentence, with nothing on standard output."""
    done = lms("sync", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("lms: no connection is configured")
    assert "Traceback" not in done.stderr


def test_demo(tmp_path: Path) -> None:
    """The demo ends with 0, removes an older one, leaves only its files, and shows versions and what has vanished."""
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "demo.duckdb").write_text("an older demo")
    done = lms("demo", cwd=tmp_path, timeout=300)  # two syncs, dbt with its tests, the page
    assert done.returncode == 0
    pictures = ["report.html"] if find_spec("plotly") and find_spec("dbt") else []
    assert sorted(file.name for file in folder.iterdir()) == ["demo.duckdb", *pictures, "rules"]
    assert re.search(r"enrolment +102:15 ", done.stdout)
    assert re.search(r"in_progress +40\.0", done.stdout)
    assert re.search(r"in_progress +70\.0", done.stdout)
    with duckdb.connect(str(folder / "demo.duckdb"), read_only=True) as connection:
        runs = connection.execute(
            "select count(*), count(*) filter (status = 'done') from lms.sync_runs"
        ).fetchone()
    assert runs == (8, 8)
    assert not (tmp_path / "warehouse.duckdb").exists()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_sandbox(end: signal.Signals, tmp_path: Path) -> None:
    """The sandbox prints where it is and answers there, until it is interrupted or told to end: status 0."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    # A shell that runs the tests in the background has its children ignore what Ctrl-C sends.
    command = ["env", "--default-signal=INT", *LMS, "sandbox", "--json", "--people", "60"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        text = ""
        for line in process.stdout:
            text += line
            if line == "}\n":
                break
        found = orjson.loads(text)
        users = _ask(f"{found['base_url']}/api/v1/users", found["credentials"]["api_key"])
        process.send_signal(end)
        try:
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, said) == (0, "the sandbox has ended\n")
    assert len(users) == 60
    assert found["environment"]["CONNECTIONS__SANDBOX__BASE_URL"] == found["base_url"]


def _ask(url: str, key: str) -> list[object]:
    token = b64encode(f"{key}:".encode()).decode()
    request = urllib.request.Request(url, headers={"Authorization": f"Basic {token}"})  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
        found: list[object] = orjson.loads(answer.read())
    return found


def test_bar_on_a_terminal(acme: str, warehouse: Target, tmp_path: Path) -> None:
    """Where standard error is a terminal the progress is a live line for each resource, and the results are as ever."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TERM": "xterm"}
    command = [*LMS, "sync", "--resource", "courses"]
    running = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=theirs, text=True
    )
    os.close(theirs)
    shown = read_terminal(ours)
    said, _ = running.communicate(timeout=60)
    assert running.returncode == 0
    assert "acme courses" in shown
    assert "9 records" in shown
    assert "reading courses" not in shown
    assert "\x1b" not in said


def read_terminal(handle: int) -> str:
    """All that is written to a terminal until the other end is closed; it holds back who writes if nobody reads."""
    found = b""
    with contextlib.suppress(OSError):  # how Linux says that the other end is closed
        while piece := os.read(handle, 65_536):
            found += piece
    os.close(handle)
    return found.decode()
