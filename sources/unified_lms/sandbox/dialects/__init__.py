"""The dialects: each tells the world in one provider's wire format.

Adding one is a module and a line below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from starlette.types import ASGIApp

from sources.unified_lms.sandbox.dialects.canvas import Canvas
from sources.unified_lms.sandbox.dialects.docebo import Docebo
from sources.unified_lms.sandbox.dialects.moodle import Moodle
from sources.unified_lms.sandbox.dialects.talentlms import TalentLms
from sources.unified_lms.sandbox.world import World


class Dialect(Protocol):
    """What the server needs of a dialect. It is made from a world and options of its own, as keywords."""

    @property
    def app(self) -> ASGIApp:
        """The provider's API as an ASGI app; its paths are those below the connection's `base_url`."""
        ...

    @property
    def credentials(self) -> Mapping[str, str]:
        """What a connection needs, under the keys that the provider's manifest declares."""
        ...

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings that a connection to this sandbox should have, beside the defaults."""
        ...


DIALECTS: dict[str, Callable[..., Dialect]] = {
    "canvas": Canvas,
    "docebo": Docebo,
    "moodle": Moodle,
    "talentlms": TalentLms,
}
"""Dialects by the provider's name. `DIALECTS[name](world, **options)`."""


def make_dialect(world: World, name: str, **options: Any) -> Dialect:
    """The dialect of that name over the world; ValueError names those there are."""
    if name not in DIALECTS:
        raise ValueError(f"the sandbox has no dialect {name!r}; it has {', '.join(sorted(DIALECTS))}")
    return DIALECTS[name](world, **options)
