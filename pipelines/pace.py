"""How long what is left will take, from how long the parts so far took."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from statistics import fmean, stdev

_FEWEST = 3
"""Parts before anything is said: fewer tell nothing of how much they differ."""


@dataclass
class Pace:
    """The seconds that the last parts took, waiting for rate limits included."""

    _seconds: deque[float] = field(default_factory=lambda: deque(maxlen=20))

    def took(self, seconds: float) -> None:
        """One more part is done."""
        self._seconds.append(seconds)

    def remaining(self, parts: int) -> tuple[float, float] | None:
        """Between how many seconds `parts` more will take if they are like the last ones; None while that is a guess.

        Two standard errors to each side of the mean: of the mean itself, and of the sum of so many parts.
        """
        count = len(self._seconds)
        if count < _FEWEST:
            return None
        mean, spread = fmean(self._seconds), stdev(self._seconds)
        error = 2 * spread * math.sqrt(parts + parts * parts / count)
        return max(0.0, parts * mean - error), parts * mean + error
