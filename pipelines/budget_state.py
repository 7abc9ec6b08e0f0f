"""The arithmetic of a budget that several processes draw on: what each has, what is spent, what is left (ADR 0020).

The state of one account is a small document. Nothing here reads a clock or a file: instants are seconds of whatever
clock the place has that keeps the document. A request counts against every window from when it was drawn until the
window's seconds after its end; the provider counted it somewhere between the two, so that it can never see more than
the limit in a window of its own, wherever that begins.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

LEASE = 20.0
"""Seconds after which what a process holds counts as spent, unless it is heard of: then it may well be dead."""
SOON = 0.2
"""Seconds to wait for what depends on another process."""
_GRAINS = 64
"""What is spent is kept to so many parts of its window, rounded to the later side."""
_SHARES = 8
"""A process draws at most this part of a window at once."""
_SEEDING = 2.0
"""Seconds that the provider's own count may lie back: what was told of within them counts beside it."""

Windows = Sequence[tuple[int, float]]


@dataclass(frozen=True)
class Asking:
    """What a process has done since it was last heard of, and what it wants."""

    token: str
    ended: int
    """Requests that have ended since."""
    in_flight: int
    wanted: int = 0
    """How many requests it would like to start; 0 hands back what it does not use."""


@dataclass(frozen=True)
class Drawn:
    """A share: requests that may be started, how many may be in flight at once, or the seconds to wait for either."""

    requests: int
    slots: int
    wait: float = 0.0


@dataclass
class _Holder:
    slots: int
    held: int
    """Requests in flight and requests that it may still start."""
    until: float
    turn: float
    """When it was last given something: who was given nothing for longest comes first."""


@dataclass
class _Seed:
    """What the provider said of its longest window."""

    boundary: float
    """When its window begins anew."""
    used: int


@dataclass
class State:
    """One account's budget."""

    paused_until: float = 0.0
    holders: dict[str, _Holder] = field(default_factory=dict)
    spent: dict[str, list[list[float]]] = field(default_factory=dict)
    """For each window, by its seconds, instants and how many requests ended up to each."""
    recent: list[list[float]] = field(default_factory=list)
    """The same for the last two seconds, not rounded."""
    seed: _Seed | None = None

    @classmethod
    def of(cls, document: dict[str, Any]) -> State:
        """The state that a document holds; an empty document is a budget that nobody has drawn on."""
        holders = {token: _Holder(**one) for token, one in document.get("holders", {}).items()}
        seed = document.get("seed")
        return cls(
            document.get("paused_until", 0.0),
            holders,
            document.get("spent", {}),
            document.get("recent", []),
            _Seed(**seed) if seed else None,
        )

    def document(self) -> dict[str, Any]:
        """The state as JSON has it."""
        return {
            "paused_until": self.paused_until,
            "holders": {token: vars(one) for token, one in self.holders.items()},
            "spent": self.spent,
            "recent": self.recent,
            "seed": vars(self.seed) if self.seed else None,
        }

    def draw(self, now: float, asking: Asking, windows: Windows, concurrency: int) -> Drawn:
        """Takes note of what a process did, and gives it a share of what is left, or says how long to wait."""
        me = self._heard(now, asking, windows)
        if not asking.wanted:
            if not asking.in_flight:
                del self.holders[asking.token]
            return Drawn(0, me.slots)
        me.slots = max(asking.in_flight, self._slots(asking.token, concurrency))
        if self.paused_until > now:
            return Drawn(0, me.slots, self.paused_until - now)
        if me.slots <= asking.in_flight:
            return Drawn(0, me.slots, SOON)
        number = min([asking.wanted, *(self._share(now, *window, windows) for window in windows)])
        if number <= 0:
            return Drawn(0, me.slots, max(self._wait(now, *window, windows) for window in windows))
        me.held, me.turn = asking.in_flight + number, now
        return Drawn(number, me.slots)

    def pause(self, now: float, seconds: float) -> None:
        """Lets nobody start anything for so many seconds; a longer pause stays."""
        self.paused_until = max(self.paused_until, now + seconds)

    def bury(self, token: str, moment: float) -> None:
        """Takes what a dead process held for spent: nobody can tell what it has used of it."""
        self._spend(moment, self.holders.pop(token).held)

    def take_over(self, now: float, seconds: float, used: int, resets_in: float) -> None:
        """Takes over the provider's own count of a window, which knows of all that has ended but the very last."""
        self.seed = _Seed(now + resets_in, used)
        self._forget(now)
        self.spent[str(float(seconds))] = [list(entry) for entry in self.recent]

    # -- who holds what ----------------------------------------------------------------------------

    def _heard(self, now: float, asking: Asking, windows: Windows) -> _Holder:
        for window in windows:
            self.spent.setdefault(str(float(window[1])), [])
        for token, one in list(self.holders.items()):
            if one.until <= now and token != asking.token:
                self.bury(token, one.until)
        self._spend(now, asking.ended)
        self._forget(now)
        me = self.holders.setdefault(asking.token, _Holder(0, 0, 0.0, 0.0))
        me.held, me.until = asking.in_flight, now + LEASE
        me.slots = max(asking.in_flight, me.slots if asking.wanted else 0)
        return me

    def _slots(self, token: str, concurrency: int) -> int:
        """A process's part of the concurrency, as far as the others have let go of it.

        Where there are more processes than places, one that had a place leaves it to those that have waited for longer.
        """
        others = {name: one for name, one in self.holders.items() if name != token}
        free = concurrency - sum(one.slots for one in others.values())
        number = len(self.holders)
        if number <= concurrency:
            place = sorted(self.holders).index(token)
            return min(free, concurrency // number + (place < concurrency % number))
        mine = (self.holders[token].turn, token)
        before = sum(not one.slots and (one.turn, name) < mine for name, one in others.items())
        return 1 if free > before else 0

    # -- what is spent -----------------------------------------------------------------------------

    def _spend(self, moment: float, requests: int) -> None:
        if requests:
            self.recent.append([moment, requests])
        for name, entries in self.spent.items() if requests else ():
            grain = float(name) / _GRAINS
            rounded = math.ceil(moment / grain) * grain
            if entries and entries[-1][0] >= rounded:
                entries[-1][1] += requests
            else:
                entries.append([rounded, requests])

    def _forget(self, now: float) -> None:
        self.recent = [entry for entry in self.recent if entry[0] + _SEEDING > now]
        for name in self.spent:
            self.spent[name] = [entry for entry in self.spent[name] if entry[0] + float(name) > now]

    def _counting(self, seconds: float, windows: Windows) -> Iterator[tuple[float, int]]:
        """When what is spent leaves a window, and how much that is."""
        seed = self.seed if seconds == max(each for _, each in windows) else None
        for moment, requests in self.spent[str(float(seconds))]:
            within = seed is not None and moment < seed.boundary
            yield seed.boundary if seed and within else moment + seconds, int(requests)
        if seed is not None:
            yield seed.boundary, seed.used

    def _used(self, now: float, seconds: float, windows: Windows) -> int:
        spent = sum(number for leaves, number in self._counting(seconds, windows) if leaves > now)
        return spent + sum(one.held for one in self.holders.values())

    def _share(self, now: float, limit: int, seconds: float, windows: Windows) -> int:
        """How many requests of a window may be drawn at once: some are left for the others that ask."""
        left = limit - self._used(now, seconds, windows)
        return min(max(1, limit // _SHARES), math.ceil(left / len(self.holders)))

    def _wait(self, now: float, limit: int, seconds: float, windows: Windows) -> float:
        """Seconds until a window has room for one more, as far as that can be told."""
        excess = self._used(now, seconds, windows) - limit + 1
        if excess <= 0:
            return 0.0
        if any(one.held for one in self.holders.values()):  # they may hand back what they do not use
            return SOON
        for leaves, number in sorted(self._counting(seconds, windows)):
            excess -= number if leaves > now else 0
            if excess <= 0:
                return leaves - now
        return SOON
