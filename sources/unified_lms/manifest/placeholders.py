"""Which placeholders have a value where they stand, and which ones an endpoint's paging cannot do without."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sources.unified_lms.manifest.model import Endpoint, Manifest
from sources.unified_lms.manifest.paging import (
    Computed,
    Cursor,
    LinkHeader,
    NextUrl,
    NoPaging,
    Offsets,
    PageNumbers,
    Paging,
)
from sources.unified_lms.manifest.sentences import Finding, suggestion
from sources.unified_lms.templates import Placeholder, parse, texts

_PAGE_NAMES: dict[type, tuple[str, ...]] = {
    NoPaging: (),
    PageNumbers: ("number", "size"),
    Offsets: ("offset", "size"),
    Cursor: ("cursor",),
    LinkHeader: (),
    NextUrl: (),
}
_NEEDED: dict[type, str] = {PageNumbers: "number", Offsets: "offset", Cursor: "cursor"}
_CONNECTION = ("name", "base_url")


@dataclass(frozen=True)
class Place:
    """A text or nested texts of a manifest, the namespaces that have values there, and the paging if there is one."""

    key: str
    tree: Any
    namespaces: frozenset[str]
    paging: Paging | None = None
    discovered: bool = True
    written: bool = False
    """Whether a write mapping gives the `{args.*}`, any of them."""


def in_path(endpoint: Endpoint) -> tuple[Placeholder, ...]:
    """The placeholders of an endpoint's path, none of which can be left out."""
    return parse(endpoint.path).placeholders


def check_places(manifest: Manifest, places: Iterator[Place]) -> Iterator[Finding]:
    """A finding for each placeholder that can never have a value, and for paging that would send no position."""
    arguments = _arguments(manifest)
    for place in places:
        used = [
            name for text in texts(place.tree) for each in parse(text).placeholders for name in each.names
        ]
        for namespace, name in dict.fromkeys(used):
            problem = _problem(manifest, place, namespace, name, arguments)
            if problem:
                yield place.key, f"{{{namespace}.{name}}} {problem}"
        needed = _NEEDED.get(type(place.paging))
        if needed and ("page", needed) not in used:
            yield (
                place.key,
                f"pages, but sends no {{page.{needed}}}; put it into its path, query, form or json",
            )
        if isinstance(place.paging, (PageNumbers, Offsets)):
            key, settings = f"{place.key}.paging.size", frozenset({"settings"})
            size = Place(key, place.paging.size, settings, discovered=place.discovered)
            yield from check_places(manifest, iter([size]))


def _problem(
    manifest: Manifest, place: Place, namespace: str, name: str, arguments: frozenset[str]
) -> str | None:
    """Why a placeholder has no value in its place; None if it may have one."""
    if namespace not in place.namespaces:
        return f"has no value there; placeholders there begin with {', '.join(sorted(place.namespaces))}"
    setting = manifest.settings.get(name)
    if namespace == "settings" and setting and setting.discover and not place.discovered:
        return "is discovered later than it is needed; use a setting without `discover`"
    known = _known(manifest, place, namespace, arguments)
    return None if known is None or name in known else f"is not declared; {suggestion(name, known)}"


def _known(
    manifest: Manifest, place: Place, namespace: str, arguments: frozenset[str]
) -> frozenset[str] | None:
    """The names of a namespace; None where any name will do."""
    if namespace == "page":
        if isinstance(place.paging, Computed):
            return None
        return frozenset(_PAGE_NAMES[type(place.paging)] if place.paging else ())
    names = {
        "connection": frozenset(_CONNECTION),
        "credentials": frozenset(manifest.credentials),
        "settings": frozenset(manifest.settings),
        "parent": frozenset({"id"}),
        "args": None if place.written else arguments,
    }
    return names[namespace]


def _arguments(manifest: Manifest) -> frozenset[str]:
    """The `{args.*}` that something in the manifest gives a value: ids taken apart, slices, filters, joins, fetches."""
    found: set[str] = set()
    for resource in manifest.resources.values():
        for read in resource.read:
            found.update(read.slices.args if read.slices else ())
        if resource.get:
            found.update(re.findall(r"\{([a-z_]+)\}", resource.get.id))
        for rule in resource.filters.values():
            found.update(rule.args)
        if resource.changed:
            found.update(resource.changed.since, resource.changed.until)
        for join in resource.joins.values():
            found.update(join.args)
            found.update({"id"} if join.each else ())
        found.update({"id"} if any(read.fetch for read in resource.read) else ())
    return frozenset(found)
