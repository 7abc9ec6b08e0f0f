"""What all oracles need to write unified rows down."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from mappings.model import RESOURCES

Row = dict[str, Any]


def row(resource: str, **known: Any) -> Row:
    """A unified row: what is known, and null for every other field and `<enum>_source`.

    A field that the model does not have is a KeyError: a mistake of the oracle.
    """
    names = [field.name for field in RESOURCES[resource].fields]
    names += [f"{field.name}_source" for field in RESOURCES[resource].enums]
    if unknown := known.keys() - set(names):
        raise KeyError(f"{resource} has no {', '.join(sorted(unknown))}")
    return dict.fromkeys(names) | known


def instant(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC with `Z`, whole seconds."""
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def by_wall_clock(moment: datetime | None, zone: str) -> str | None:
    """The instant as it can be told from local time alone: of an hour shown twice, the first is assumed."""
    if moment is None:
        return None
    local = moment.astimezone(ZoneInfo(zone))
    return instant(local.replace(fold=0))


def composite_id(*parts: object) -> str:
    """`{course}:{user}`, with `%` and `:` inside a part percent-encoded."""
    return ":".join(str(part).replace("%", quote("%")).replace(":", quote(":")) for part in parts)


def text(value: str | None) -> str | None:
    """The text, null where it was left empty."""
    return value or None


def own_email(address: str) -> list[Row] | None:
    """The one address that a provider gives, without a word about its type."""
    return [{"email": address, "type": None, "is_primary": True}] if address else None


def link(url: str | None, kind: str | None = None) -> list[Row] | None:
    """The one link that a provider gives, and what its field's name says that it leads to."""
    return [{"url": url, "type": kind}] if url else None
