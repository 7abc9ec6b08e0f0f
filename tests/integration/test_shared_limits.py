"""One budget for all processes: in PostgreSQL, or for those of one machine, with real processes that draw on it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest
from click.testing import CliRunner

from pipelines import environment
from pipelines.budget import shared_budget
from pipelines.cli import main
from pipelines.environment import Target
from sources.unified_lms import limits
from sources.unified_lms.errors import BudgetUnreachable, ConfigurationError
from tests.integration import postgres
from tests.integration.conftest import ON_BOTH

KEY = ("campus", "acme", "https://campus.example")
LIMIT, SECONDS = 30, 1.0

ASKER = """
import sys, threading, time
from pipelines import environment
environment.prepare()
from sources.unified_lms.limits import shared_limiter

limiter = shared_limiter(("campus", "acme", "https://campus.example"), [(30, 1.0)], 4)
print("ready", flush=True)
sys.stdin.readline()

def ask():
    for _ in range(int(sys.argv[1])):
        with limiter.slot():
            began = time.time()
            time.sleep(float(sys.argv[2]))
            sys.stdout.write(f"{began} {time.time()}\\n")

threads = [threading.Thread(target=ask) for _ in range(int(sys.argv[3]))]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
sys.stdout.flush()
"""


def asker(requests: int, seconds: float = 0.0, threads: int = 1) -> subprocess.Popen[str]:
    """Another process that is about to make so many requests on each of some threads."""
    words = [sys.executable, "-c", ASKER, str(requests), str(seconds), str(threads)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def spans(askers: list[subprocess.Popen[str]]) -> list[tuple[float, float]]:
    """When each request of all of them began and ended, in order; they begin together."""
    for each in askers:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    lines = [line for each in askers for line in each.communicate()[0].splitlines()]
    assert all(each.returncode == 0 for each in askers)
    return sorted((float(began), float(ended)) for began, ended in (line.split() for line in lines))


@pytest.fixture
def limiter(warehouse: Target) -> Iterator[limits.Limiter]:
    """This process's limiter of the account."""
    environment.prepare()
    yield limits.shared_limiter(KEY, [(LIMIT, SECONDS)], 4)
    shared_budget(KEY, ((LIMIT, SECONDS),), 4).hand_back()


@ON_BOTH
def test_processes_keep_to_one_limit_together(warehouse: Target) -> None:
    """Three processes at once: in no second do more than thirty requests begin, and all of them come to their end."""
    began = [begin for begin, _ in spans([asker(40) for _ in range(3)])]
    assert len(began) == 120
    assert min(later - first for first, later in zip(began, began[LIMIT:], strict=False)) >= SECONDS


@ON_BOTH
def test_processes_divide_the_places(warehouse: Target) -> None:
    """Two processes of four threads each: never more than four requests are in flight."""
    found = spans([asker(5, 0.1, threads=4) for _ in range(2)])
    changes = sorted([(begin, 1) for begin, _ in found] + [(end, -1) for _, end in found])
    most, running = 0, 0
    for _, change in changes:
        running += change
        most = max(most, running)
    assert len(found) == 40
    assert most <= 4


@ON_BOTH
def test_what_a_killed_process_held_is_free_for_the_next(limiter: limits.Limiter) -> None:
    """On its own machine it can be seen to be dead: nobody waits for its lease to run out."""
    with asker(10, 60) as other:
        assert other.stdin is not None
        other.stdin.write("go\n")
        other.stdin.flush()
        budget = shared_budget(KEY, ((LIMIT, SECONDS),), 4)
        _until_held(budget.account)
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
    with limiter.slot(max_wait=5):
        pass


def _until_held(account: str) -> None:
    """Waits until another process holds something of the budget."""
    from pipelines.budget import _PLACES

    place = list(_PLACES.values())[-1]
    end = time.monotonic() + 20
    while not place.change(account, lambda state, now: state.holders):
        assert time.monotonic() < end
        signal.sigtimedwait([], 0.05)


@ON_BOTH
def test_a_pause_is_told_to_the_others(limiter: limits.Limiter) -> None:
    """What the provider asked one process to wait, another one waits as well."""
    limiter.pause(1.5)
    paused = time.time()
    [(began, _)] = spans([asker(1)])
    assert began >= paused + 1.5


@ON_BOTH
def test_the_providers_count_is_told_to_the_others(limiter: limits.Limiter) -> None:
    """Where the provider says that two of its thirty are left, another process has two until its window begins anew."""
    limiter.seed(remaining=2, resets_in=1.0)
    seeded = time.time()
    began = [begin for begin, _ in spans([asker(4)])]
    assert sum(begin < seeded + 1.0 for begin in began) <= 2


@ON_BOTH
def test_shares_are_few(limiter: limits.Limiter, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that asks as fast as it can goes to the budget for a share at a time, and not for each request."""
    from pipelines.budget import SharedBudget

    drawn: list[float] = []
    draw = SharedBudget._draw
    monkeypatch.setattr(SharedBudget, "_draw", lambda self, now: drawn.append(now) or draw(self, now))  # type: ignore[func-returns-value]
    fast = limits.shared_limiter((*KEY, "fast"), [(100_000, 1.0)], 4)
    for _ in range(2_000):
        with fast.slot():
            pass
    assert len(drawn) <= 15
    assert all(first <= later for first, later in pairwise(drawn))


@pytest.mark.parametrize("destination", ["postgres"])
def test_without_the_budget_nothing_is_asked(limiter: limits.Limiter) -> None:
    """A PostgreSQL that lets nobody in is an error before the request, and never a process without a limit."""
    with limiter.slot():
        pass
    address = postgres.address()
    name = urlsplit(address).path.removeprefix("/")
    elsewhere = urlunsplit(urlsplit(address)._replace(path="/postgres"))
    postgres.execute(elsewhere, f"alter database {name} allow_connections false")
    postgres.execute(
        elsewhere, "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,)
    )
    with pytest.raises(BudgetUnreachable, match="nothing is asked of the provider"):
        _ask(limiter, LIMIT)  # more than what is left of the share that it has
    postgres.execute(elsewhere, f"alter database {name} allow_connections true")
    with limiter.slot():
        pass


def _ask(limiter: limits.Limiter, times: int) -> None:
    for _ in range(times):
        with limiter.slot():
            pass


def test_a_folder_that_cannot_be_written_is_an_error(
    warehouse: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a place for the budget the request fails, with the key that names another."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("LIMITS__FOLDER", str(tmp_path / "file" / "below"))
    environment.prepare()
    with pytest.raises(BudgetUnreachable, match="`folder` in"), limits.shared_limiter(KEY, [], 4).slot():
        pass


def test_places_that_are_none_are_refused(warehouse: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong word, and PostgreSQL without an address, are told before anything is asked."""
    environment.prepare()
    monkeypatch.setenv("LIMITS__SHARED", "redis")
    with pytest.raises(ConfigurationError, match="use one of postgres, machine"):
        limits.shared_limiter(KEY, [], 4)
    monkeypatch.setenv("LIMITS__SHARED", "postgres")
    with pytest.raises(ConfigurationError, match="PostgreSQL has no credentials"):
        limits.shared_limiter(KEY, [], 4)


@pytest.mark.parametrize("destination", ["postgres"])
def test_commands_without_a_warehouse_draw_on_it_as_well(acme: str, warehouse: Target) -> None:
    """`lms list` stores nothing, and its requests are in the account's budget all the same."""
    result = CliRunner().invoke(main, ["list", acme, "users", "--limit", "1"])
    assert result.exit_code == 0, result.stderr
    [(account,)] = postgres.execute(postgres.address(), "select account from unified_lms_limits.budgets")
    assert account.startswith("talentlms/acme/http://")


def test_no_password_is_in_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an address that leads nowhere the error has the reason, and not the credentials."""
    monkeypatch.setenv(
        "DESTINATION__POSTGRES__CREDENTIALS", "postgresql://me:hunter2@localhost:1/none?connect_timeout=2"
    )
    environment.prepare()
    with pytest.raises(BudgetUnreachable) as caught, limits.shared_limiter(KEY, [], 4).slot():
        pass
    assert "hunter2" not in str(caught.value)
    assert psycopg2.OperationalError.__name__ in str(caught.value)
