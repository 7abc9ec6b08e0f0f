"""What processes may draw of a budget together, in time that the test says."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from pipelines.budget_state import LEASE, Asking, State, Windows

TEN_IN_TEN = ((10, 10.0),)


def ask(
    state: State,
    now: float,
    token: str,
    windows: Windows = TEN_IN_TEN,
    *,
    wanted: int = 100,
    ended: int = 0,
    in_flight: int = 0,
) -> tuple[int, int, float]:
    """What a process draws: requests, places and seconds to wait."""
    drawn = state.draw(now, Asking(token, ended, in_flight, wanted), windows, 4)
    return drawn.requests, drawn.slots, drawn.wait


def drain(state: State, now: float, token: str, windows: Windows = TEN_IN_TEN) -> int:
    """How many requests a process gets at one instant, each of which ends at once."""
    total, ended = 0, 0
    while ended := state.draw(now, Asking(token, ended, 0, 100), windows, 4).requests:
        total += ended
    state.draw(now, Asking(token, 0, 0), windows, 4)
    return total


def test_a_draw_is_a_small_part_of_the_window() -> None:
    """An eighth of a window at most, so that others who ask find some left."""
    assert ask(State(), 0, "a", windows=((800, 10.0),))[0] == 100


def test_all_draws_together_are_the_limit() -> None:
    """Two processes get ten requests between them, and then are told when the first of them has left the window."""
    state = State()
    assert drain(state, 0, "a") == 10
    number, _, wait = ask(state, 1, "b")
    assert (number, wait) == (0, 9)
    assert drain(state, 10, "b") == 10


def test_what_is_handed_back_is_free_at_once() -> None:
    """A process that ends without having used its share has taken nothing from the others."""
    state = State()
    assert ask(state, 0, "a")[0] == 1
    ask(state, 0, "a", wanted=0)
    assert drain(state, 0, "b") == 10
    assert list(state.holders) == []


def test_what_a_dead_process_held_is_spent_when_its_lease_is_over() -> None:
    """Nobody knows what it has used of it, so that all of it counts, from the last instant that it could be used at."""
    state, window = State(), ((8, 10.0),)
    assert ask(state, 0, "dead", windows=window)[0] == 1
    assert drain(state, LEASE - 0.1, "b", window) == 0
    assert drain(state, LEASE, "b", window) == 7
    assert drain(state, LEASE + 9.9, "b", window) == 0
    assert drain(state, LEASE + 10.2, "b", window) == 8


def test_a_request_counts_until_the_window_after_its_end() -> None:
    """The provider may have counted it at its end: until ten seconds after that it takes a place."""
    state = State()
    ask(state, 0, "a")
    ask(state, 5, "a", ended=1, wanted=0)
    assert drain(state, 10, "b") == 9
    assert drain(state, 15.2, "b") >= 1


def test_every_window_holds() -> None:
    """The short window lets three through at a time, and the long one five in all."""
    state, windows = State(), ((3, 1.0), (5, 100.0))
    assert [drain(state, now, "a", windows) for now in (0, 0.5, 1.1, 2.2, 101.9, 103)] == [3, 0, 2, 0, 3, 2]


def test_places_are_divided() -> None:
    """Of four requests in flight each of two processes gets two, as soon as the first has let go of its other two."""
    state, window = State(), ((1000, 1.0),)
    assert ask(state, 0, "a", windows=window)[1] == 4
    assert ask(state, 0, "b", windows=window)[1] == 0
    assert ask(state, 1, "a", windows=window, in_flight=1)[1] == 2
    assert ask(state, 1, "b", windows=window)[1] == 2


def test_more_processes_than_places_take_turns() -> None:
    """Six processes and four places: each gets its turn, and no more than four hold one at any time."""
    state, given = State(), Counter[str]()
    for now in range(60):
        for token in "abcdef":
            given[token] += ask(state, now, token, windows=((10**6, 1.0),), wanted=1)[0] > 0
            assert sum(one.slots for one in state.holders.values()) <= 4
    assert set(given) == set("abcdef")
    assert min(given.values()) > 20


def test_a_pause_holds_for_all() -> None:
    """What one process was told to wait the others wait as well; a shorter pause does not end a longer one."""
    state = State()
    state.pause(0, 30)
    state.pause(0, 5)
    assert ask(state, 10, "b")[0::2] == (0, 20)
    assert ask(state, 30, "b")[0] == 1


def test_the_providers_own_count_is_taken_over() -> None:
    """What strangers used counts until the provider's window begins anew, and then all of it is free."""
    state = State()
    drain(state, 0, "a")
    state.take_over(5, 10.0, used=7, resets_in=4)
    assert drain(state, 5, "b") == 3
    assert ask(state, 6, "b")[2] == pytest.approx(3)
    assert drain(state, 9, "b") == 10


def test_what_has_just_ended_counts_beside_the_providers_count() -> None:
    """The provider may have counted before it ended."""
    state = State()
    assert drain(state, 4, "a", ((16, 10.0),)) == 16
    state.take_over(5, 10.0, used=0, resets_in=4)
    assert drain(state, 5, "a", ((16, 10.0),)) == 0


@pytest.mark.parametrize("number", range(20))
def test_no_window_ever_has_more_than_the_limit(number: int) -> None:
    """Whatever processes do and whichever of them die: in no ten seconds do more than ten requests start."""
    chance = random.Random(number)  # noqa: S311
    state, now, started = State(), 0.0, list[float]()
    running: dict[str, int] = {}
    names = list("abcde")
    while now < 200:
        now += chance.random()
        who = chance.randrange(5)
        if chance.random() < 0.02:
            names[who] += "'"  # it died, and another one has begun
        token = names[who]
        drawn = state.draw(now, Asking(token, running.pop(token, 0), 0, 5), TEN_IN_TEN, 4)
        running[token] = drawn.requests
        started += [now] * drawn.requests
    started.sort()
    assert len(started) > 60
    assert all(later - first >= 10 for first, later in zip(started, started[10:], strict=False))


def test_the_state_survives_being_written_down() -> None:
    """What a document holds is the same budget."""
    state = State()
    ask(state, 0, "a")
    state.pause(0, 5)
    state.take_over(1, 10.0, used=2, resets_in=3)
    assert State.of(state.document()) == state
