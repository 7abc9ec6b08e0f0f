"""What a limiter says that may still be asked."""

from __future__ import annotations

from sources.unified_lms.limits import Headroom, Limiter, Timing
from tests.unit.sources.conftest import FakeTime


def _limiter(time: FakeTime, *windows: tuple[int, float]) -> Limiter:
    timing = Timing(wall=lambda: time.now, monotonic=lambda: time.now, sleep=time.sleep)
    return Limiter(windows, timing=timing)


def _ask(limiter: Limiter, times: int) -> None:
    for _ in range(times):
        with limiter.slot():
            pass


def test_every_request_leaves_one_less() -> None:
    """What was asked counts, and the first place comes back a window after it was taken."""
    time = FakeTime()
    limiter = _limiter(time, (5, 10.0))
    _ask(limiter, 2)
    time.now += 4
    assert limiter.headroom() == Headroom(5, 10.0, 3, 6.0)


def test_places_come_back() -> None:
    """After the window everything is left again."""
    time = FakeTime()
    limiter = _limiter(time, (5, 10.0))
    _ask(limiter, 5)
    time.now += 10
    assert limiter.headroom() == Headroom(5, 10.0, 5, 0.0)


def test_the_tightest_window_tells() -> None:
    """Of several windows the one with the least left is told."""
    limiter = _limiter(FakeTime(), (100, 3600.0), (5, 10.0))
    _ask(limiter, 1)
    assert limiter.headroom() == Headroom(5, 10.0, 4, 10.0)


def test_nothing_is_left_while_a_pause_lasts() -> None:
    """A provider that asks to wait leaves nothing until then."""
    limiter = _limiter(FakeTime(), (5, 10.0))
    limiter.pause(30)
    assert limiter.headroom() == Headroom(5, 10.0, 0, 30.0)


def test_the_providers_own_word_where_there_is_no_window() -> None:
    """Without a window the last header of the provider's is what is known."""
    time = FakeTime()
    limiter = _limiter(time)
    assert limiter.headroom() is None
    limiter.told(590.7, 20)
    time.now += 5
    assert limiter.headroom() == Headroom(None, None, 590, 15.0)
