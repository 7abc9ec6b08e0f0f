from __future__ import annotations

import pytest

from pipelines.check import Budget, rotation, state_after
from sources.unified_lms.errors import (
    ConfigurationError,
    Failure,
    Forbidden,
    LmsError,
    NothingSent,
    RateLimited,
    Transient,
    Unauthorized,
)

FAILURE = Failure("users (GET https://acme.example.com/users)", "it failed", "Do something")


@pytest.mark.parametrize(
    ("requests", "fan_out", "limit", "runs"),
    [
        (2_000, 1_990, 2_000, 1),
        (10_001, 10_000, 2_000, 6),  # the list of users is asked for in every run: 1,999 users a run
        (10_500, 10_000, 2_000, 7),  # 500 calls for the rest leave 1,500: 6.7 runs
        (2_001, 2_000, 2_000, 2),
        (9_000, 2_000, 2_000, 5),  # the rest alone is more than the limit
    ],
)
def test_rotation(requests: int, fan_out: int, limit: int, runs: int) -> None:
    """Runs of one window each until everything is read: what is no fan-out is read in every one of them."""
    assert rotation(requests, fan_out, limit) == runs


def test_rotation_in_words() -> None:
    """10,000 users at 2,000 calls an hour are a rotation of 6 runs, the last of which begins after five hours."""
    sentence = Budget(10_001, 2_000, 3_600, 6).sentence()
    assert sentence == (
        "a full run takes about 10,001 requests; the limit is 2,000 an hour: everything is read in a rotation "
        "of 6 runs, about 5 hours"
    )


def test_limit_of_another_window_is_told_by_the_hour() -> None:
    """A limit of 100 in ten minutes is 600 an hour."""
    assert Budget(5, 100, 600, 1).sentence().endswith("the limit is 600 an hour: one run reads everything")


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (Unauthorized(FAILURE), "needs_reauth"),
        (Forbidden(FAILURE), "validation_error"),
        (NothingSent(FAILURE), "validation_error"),
        (ConfigurationError("wrong"), "validation_error"),
        (Transient(FAILURE), None),
        (RateLimited(FAILURE), None),
    ],
)
def test_state(error: LmsError, state: str | None) -> None:
    """A provider that is down for a moment says nothing about the connection; everything else does."""
    assert state_after(error) == state
