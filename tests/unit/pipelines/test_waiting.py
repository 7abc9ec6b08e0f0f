"""Waiting for what another process has, on a clock of the test's own."""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from pipelines.waiting import Held, wait_for
from pipelines.work import working_folder
from sources.unified_lms.errors import FolderBusy, LmsError


class Clock:
    """A clock that goes on when somebody pauses."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """The seconds that have passed."""
        return self.now

    def pause(self, seconds: float) -> None:
        """Lets so much time pass."""
        self.now += seconds


def held_until(clock: Clock, end: float) -> Callable[[], str]:
    """What gives itself at an hour, and is somebody else's before."""

    def attempt() -> str:
        if clock() < end:
            raise Held("waiting for the lamp, which Aladdin has", lambda s: LmsError(f"had for {s:g} s"))
        return "the lamp"

    return attempt


def test_it_is_ours_once_it_is_free() -> None:
    """Trying again goes on until somebody else has let go."""
    clock = Clock()
    assert wait_for(held_until(clock, 7), limit=60, clock=clock, pause=clock.pause) == "the lamp"
    assert 7 <= clock() <= 7.5


def test_waiting_too_long_is_the_error_that_says_so() -> None:
    """The error is that of what is waited for, with the seconds."""
    clock = Clock()
    with pytest.raises(LmsError, match=r"^had for 60 s$"):
        wait_for(held_until(clock, 999), limit=60, clock=clock, pause=clock.pause)


def test_long_waits_are_told_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    """A line after a second and every fifteen says what we wait for; a short wait is nobody's business."""
    caplog.set_level(logging.INFO)
    clock = Clock()
    wait_for(held_until(clock, 0.9), limit=60, clock=clock, pause=clock.pause)
    assert caplog.messages == []
    clock = Clock()
    wait_for(held_until(clock, 40), limit=60, clock=clock, pause=clock.pause)
    assert caplog.messages == ["waiting for the lamp, which Aladdin has"] * 3


def test_folder_that_another_process_uses_is_refused_in_time(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """dlt has one run in a working folder at a time: the second one says who needs what."""
    monkeypatch.setenv("WAREHOUSE__WAIT_SECONDS", "0.05")
    pipeline: Any = SimpleNamespace(working_dir=str(tmp_path / "unified_lms_acme"))
    with (
        working_folder(pipeline, "acme"),
        pytest.raises(FolderBusy, match=r"acme: another process on this machine .* 0\.05 s"),
        working_folder(pipeline, "acme"),
    ):
        pass
    with working_folder(pipeline, "acme"):
        assert (tmp_path / "unified_lms_acme.lock").exists()
