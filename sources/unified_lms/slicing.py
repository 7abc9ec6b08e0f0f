"""Lists that are asked for piece by piece: by prefixes, by windows of time (`manifest.model.Slices`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mappings import engine
from sources.unified_lms.errors import ConfigurationError
from sources.unified_lms.joins import as_list
from sources.unified_lms.manifest import Read


def slices(read: Read, settings: Mapping[str, Any], now: float) -> list[dict[str, Any]]:
    """The `{args.*}` of each piece that a list is read in; one piece without any where it is read at once.

    `now` is in Unix seconds. Raises `ConfigurationError` where there is no piece: nothing would be read, and that is
    not the same as that there is nothing.
    """
    if read.slices is None:
        return [{}]
    seen = {"settings": dict(settings), "now": int(now)}
    entries = as_list(engine.compile(read.slices.of, name="slices").evaluate(seen))
    if not entries:
        raise ConfigurationError(
            f"{read.endpoint} is read in slices, and the connection's settings give none"
        )
    made = {name: engine.compile(source, name="slices") for name, source in read.slices.args.items()}
    return [{name: expression.evaluate(entry) for name, expression in made.items()} for entry in entries]


def covers_everything(read: Read) -> bool:
    """Whether what is not found in a list does not exist: unless it is read in slices that may leave something out."""
    return read.slices is None or read.slices.complete
