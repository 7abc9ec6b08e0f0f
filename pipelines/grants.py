"""What an account has not been granted: what endpoints need, held against what the provider says that it has."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from mappings import engine
from mappings.model import RESOURCES
from sources.unified_lms.manifest import Manifest
from sources.unified_lms.policy import READ_ONLY, WritePolicy
from sources.unified_lms.ways import choose_read


def lacking(
    manifest: Manifest,
    settings: Mapping[str, Any],
    granted: Collection[str],
    policy: WritePolicy = READ_ONLY,
) -> tuple[str, ...]:
    """A sentence for each name that something needs under these settings and that is not granted.

    Of what writes, only what the connection allows is looked at.
    """
    purposes: dict[str, list[str]] = {}
    for endpoint, purpose in (*_uses(manifest, settings), *_writes(manifest, policy)):
        for name in manifest.endpoints[endpoint].needs:
            if name not in granted:
                purposes.setdefault(name, []).append(purpose)
    return tuple(
        f"{name} is not granted to the account; needed for {', '.join(dict.fromkeys(found))}"
        for name, found in purposes.items()
    )


def _uses(manifest: Manifest, settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each endpoint that is used under these settings, and what for."""
    for name in (name for name in RESOURCES if name in manifest.resources):
        spec = manifest.resources[name]
        yield choose_read(manifest, name, settings).endpoint, name
        for joined, join in spec.joins.items():
            if join.when is None or engine.compile(join.when).evaluate({"settings": dict(settings)}):
                yield join.endpoint, f"{joined} of {name}"
                if join.each:
                    yield join.each.endpoint, f"{joined} of {name}"
        if spec.get:
            yield spec.get.endpoint, f"single records of {name}"


def _writes(manifest: Manifest, policy: WritePolicy) -> Iterator[tuple[str, str]]:
    """Each endpoint that may be called to write, and what for."""
    for name, spec in manifest.resources.items():
        for operation, write in spec.writes.operations.items():
            if policy.allows(name, operation):
                yield from ((call, f"{operation} of {name}") for call in write.calls)
