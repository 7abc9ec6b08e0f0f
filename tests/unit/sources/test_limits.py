"""Windows, pauses and waits, in time that only sleeping moves."""

from __future__ import annotations

import threading

import pytest

from sources.unified_lms.errors import BudgetExhausted
from sources.unified_lms.limits import Limiter, backoff, retry_after, shared_limiter
from tests.unit.sources.conftest import FakeTime


def ask(limiter: Limiter, times: int, clock: FakeTime, *, takes: float = 0.0) -> list[float]:
    """When each of so many requests started, seconds after the first."""
    begin = clock.now
    started = []
    for _ in range(times):
        with limiter.slot(clock.sleep):
            started.append(clock.now - begin)
            clock.now += takes
    return started


def test_a_window_lets_so_many_through(fake_time: FakeTime) -> None:
    """Three in ten seconds: the fourth starts when the first has left the window."""
    limiter = Limiter([(3, 10)], timing=fake_time.timing)
    assert ask(limiter, 7, fake_time) == [0, 0, 0, 10, 10, 10, 20]


def test_a_request_counts_until_its_end_has_left(fake_time: FakeTime) -> None:
    """The provider counts a request when it arrives, at the latest when it answers: from then on the window runs."""
    limiter = Limiter([(2, 10)], timing=fake_time.timing)
    assert ask(limiter, 3, fake_time, takes=4) == [0, 4, 14]


def test_several_windows_hold_together(fake_time: FakeTime) -> None:
    """The short window spreads requests, the long one ends them."""
    limiter = Limiter([(2, 1), (5, 100)], timing=fake_time.timing)
    assert ask(limiter, 6, fake_time) == [0, 0, 1, 1, 2, 100]


def test_a_wait_that_is_too_long_is_refused(fake_time: FakeTime) -> None:
    """The error says how long and until when; nothing was slept."""
    limiter = Limiter([(1, 3600)], timing=fake_time.timing)
    ask(limiter, 1, fake_time)
    with pytest.raises(
        BudgetExhausted, match=r"asks to wait 3600 s, and at most 120 s are allowed"
    ) as raised:
        ask(limiter, 1, fake_time)
    assert raised.value.resume_at.isoformat() == "2020-09-13T13:26:40+00:00"
    assert fake_time.slept == []


def test_waits_add_up_to_no_more_than_allowed(fake_time: FakeTime) -> None:
    """Somebody else may take the place that was waited for: the whole wait is bounded, not each part of it."""
    limiter = Limiter([], timing=fake_time.timing, max_wait=100)

    def sleep(seconds: float) -> None:
        fake_time.sleep(seconds)
        limiter.pause(60)

    limiter.pause(60)
    with pytest.raises(BudgetExhausted), limiter.slot(sleep):
        pass
    assert fake_time.slept == [60]


def test_a_pause_holds_everything(fake_time: FakeTime) -> None:
    """A shorter pause does not end a longer one."""
    limiter = Limiter([], timing=fake_time.timing)
    limiter.pause(30)
    limiter.pause(5)
    assert ask(limiter, 2, fake_time) == [30, 30]


def test_the_providers_count_is_taken_over(fake_time: FakeTime) -> None:
    """What others used counts until the provider's window begins anew, and then all of it is free."""
    limiter = Limiter([(10, 3600)], timing=fake_time.timing)
    limiter.seed(remaining=2, resets_in=50, limit=10)
    assert ask(limiter, 4, fake_time) == [0, 0, 50, 50]


def test_own_requests_leave_with_the_providers_window(fake_time: FakeTime) -> None:
    """Requests before the boundary do not count for an hour beyond it."""
    limiter = Limiter([(3, 3600)], timing=fake_time.timing)
    limiter.seed(remaining=3, resets_in=50, limit=3)
    assert ask(limiter, 5, fake_time) == [0, 0, 0, 50, 50]


def test_a_larger_limit_of_the_provider_is_taken_over(fake_time: FakeTime) -> None:
    """The default of a setting does not hold back a plan that allows more."""
    limiter = Limiter([(1, 3600)], timing=fake_time.timing)
    limiter.seed(remaining=5, resets_in=50, limit=5)
    assert ask(limiter, 5, fake_time) == [0] * 5


def test_only_the_longest_window_is_seeded(fake_time: FakeTime) -> None:
    """The state that providers tell is that of the hour, not of the five seconds."""
    limiter = Limiter([(2, 5), (100, 3600)], timing=fake_time.timing)
    limiter.seed(remaining=100, resets_in=50, limit=100)
    assert ask(limiter, 3, fake_time) == [0, 0, 5]


def test_concurrency_is_bounded() -> None:
    """No more than so many are in flight, however many threads ask."""
    limiter = Limiter([], concurrency=2)
    inside, most, lock = 0, 0, threading.Lock()
    meet = threading.Barrier(2, timeout=10)

    def run() -> None:
        nonlocal inside, most
        with limiter.slot():
            with lock:
                inside += 1
                most = max(most, inside)
            meet.wait()  # both places are taken at once, or this never ends
            with lock:
                inside -= 1

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert most == 2


def test_a_failed_request_gives_its_place_back(fake_time: FakeTime) -> None:
    """An error inside a slot frees it, and the request counts as made."""
    limiter = Limiter([(1, 10)], concurrency=1, timing=fake_time.timing)
    with pytest.raises(ZeroDivisionError), limiter.slot(fake_time.sleep):
        _ = 1 / 0
    assert ask(limiter, 1, fake_time) == [10]


def test_a_connection_has_one_limiter() -> None:
    """Clients of one provider and connection share a limiter; other connections and other limits have their own."""
    first = shared_limiter(("talentlms", "one"), [(2, 5)], 4)
    assert shared_limiter(("talentlms", "one"), [(2, 5)], 4) is first
    assert shared_limiter(("talentlms", "two"), [(2, 5)], 4) is not first
    assert shared_limiter(("talentlms", "one"), [(9, 5)], 4) is not first


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        (" 3 ", 3.0),
        ("1.5", 1.5),
        ("Sun, 13 Sep 2020 12:26:50 GMT", 10.0),
        ("Sun, 13 Sep 2020 12:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("inf", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None, fake_time: FakeTime) -> None:
    """Seconds or an HTTP date (RFC 9110, 10.2.3), the past as now, nonsense as nothing; it is 12:26:40 here."""
    assert retry_after(value, fake_time.timing) == seconds


@pytest.mark.parametrize(("attempt", "most"), [(1, 1.0), (2, 2.0), (5, 16.0), (30, 60.0)])
def test_backoff_doubles_up_to_a_ceiling(attempt: int, most: float) -> None:
    """Full jitter: from nothing to a bound that doubles, at most a minute."""
    assert backoff(attempt, 0.0) == 0.0
    assert backoff(attempt, 1.0) == most
