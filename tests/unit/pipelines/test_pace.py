"""What is said of the time that the rest of a backfill takes."""

from __future__ import annotations

import pytest

from pipelines.backfill import Progress
from pipelines.cli.backfill_progress import PlainProgress, in_words
from pipelines.pace import Pace


def paced(*seconds: float) -> Pace:
    """A pace after parts that took so long."""
    pace = Pace()
    for one in seconds:
        pace.took(one)
    return pace


def test_nothing_is_said_too_early() -> None:
    """Two parts tell nothing of how much parts differ."""
    assert paced(10, 10).remaining(5) is None


def test_equal_parts_make_a_certain_estimate() -> None:
    """Where every part took ten seconds, five more take fifty."""
    assert paced(10, 10, 10).remaining(5) == (50, 50)


def test_different_parts_make_a_wide_one() -> None:
    """Parts of 5, 10 and 15 s (mean 10, deviation 5): four more are 40 s, two standard errors of 15.3 to each side."""
    low, high = paced(5, 10, 15).remaining(4) or (0, 0)
    assert low == pytest.approx(9.45, abs=0.01)
    assert high == pytest.approx(70.55, abs=0.01)


def test_only_the_last_parts_count() -> None:
    """A provider that has become slower is soon believed."""
    assert paced(*[1] * 100, *[60] * 20).remaining(1) == (60, 60)


def test_estimate_in_words() -> None:
    """One figure where both ends round to the same, else both; nothing at the end or before anything is known."""
    assert in_words(Progress("users", 1, 5, (50, 50))) == ", about 50 s left"
    assert in_words(Progress("users", 1, 5, (50, 190))) == ", 50 s to 3 min left"
    assert in_words(Progress("users", 5, 5, (0, 0))) == ""
    assert in_words(Progress("users", 1, 5, None)) == ""


def test_lines_are_few() -> None:
    """A line at the beginning, at the end, and in between at most one every five seconds."""
    now = [0.0]
    lines: list[str] = []
    progress = PlainProgress("acme", clock=lambda: now[0], write=lines.append)
    for done in range(101):
        progress.update(Progress("users", done, 100, None))
        now[0] += 0.125
    assert lines == [f"acme: users: {done} of 100 parts" for done in (0, 40, 80, 100)]
