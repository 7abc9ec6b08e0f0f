"""The oracle: what a provider's API can tell of a world, as unified rows, without asking any mapping.

It is written from the facts about the provider and from the unified model, and shares no code with the
connector's mappings nor with the dialects, so that a mistake in one of the three shows as a difference.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sources.unified_lms.sandbox.oracles import canvas, docebo, moodle, talentlms
from sources.unified_lms.sandbox.oracles.rows import Row
from sources.unified_lms.sandbox.world import World

Oracle = Callable[..., list[Row]]

ORACLES: dict[str, dict[str, Oracle]] = {
    "canvas": canvas.ORACLES,
    "docebo": docebo.ORACLES,
    "moodle": moodle.ORACLES,
    "talentlms": talentlms.ORACLES,
}
"""By provider and resource. Adding a provider is a module in `oracles` and a line here."""


def expected(world: World, provider: str, resource: str, **options: Any) -> list[Row]:
    """The unified rows of one resource as nested plain values, every field present and null where unknown.

    `<enum>_source` stands beside every enum. Timestamps are RFC 3339 in UTC with `Z`. Rows come in the
    order in which the provider lists them. `options` are the dialect's, where they change what can be told
    (for TalentLMS: `timezone`, `domain`, `newer_fields`; for Canvas: `shard`, `domain`, `names_apart`), and settings
    that choose what is asked (for Docebo: `course_list`, `enrollment_list`). KeyError for a provider or resource
    without an oracle.
    """
    with world.lock:
        return ORACLES[provider][resource](world, **options)
