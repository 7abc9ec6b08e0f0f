"""What the contract suite needs of a provider: a sandbox that speaks its dialect, and readings of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from mappings.model import RESOURCES
from mappings.schemas import columns
from sources.unified_lms.client import Client
from sources.unified_lms.connection import Connection, Secret
from sources.unified_lms.limits import Timing
from sources.unified_lms.manifest import load_manifest
from sources.unified_lms.reader import Outcome, Reader
from sources.unified_lms.run import make_mapper, resource_mapping
from sources.unified_lms.sandbox import Rule, SandboxServer
from sources.unified_lms.sandbox.faults import Action
from sources.unified_lms.selection import Selection
from sources.unified_lms.spool import RejectedRow

PROVIDERS = ("talentlms", "canvas", "docebo", "moodle")
"""Every provider that the sandbox speaks; a new one is one more name here."""
UNLIMITED: dict[str, dict[str, Any]] = {
    "talentlms": {"calls_per_burst": 10**6, "calls_per_hour": 10**6},
    "canvas": {"request_cost": 0.0, "max_per_page": 5, "empty_pages": True, "inline_items": 2},
    "docebo": {"calls_per_hour": 10**6, "most_in_a_page": 5},
    "moodle": {},
}
"""Options of a dialect that lift its limits, since the tests' own clock does not pass for the server, and that make
its small world take several pages."""
UNDER: dict[str, dict[str, str]] = {
    "talentlms": {"pattern": r"[:/]{}$"},
    "canvas": {"pattern": r"/{}(?:$|[/?])"},
    "docebo": {"pattern": r"[:/]{}(?:$|[/?])"},
    "moodle": {"body": r"\bcourseid={}(?:$|&)"},
}
"""How a provider's requests for what lies under a parent are told apart: fields of a `Rule`, `{}` for the parent."""


@dataclass
class Reading:
    """What one reading of a resource gave."""

    rows: dict[str, dict[str, Any]]
    rejections: list[RejectedRow]
    outcome: Outcome
    requests: int
    scopes: dict[str, str] = field(default_factory=dict)


def connect(server: SandboxServer, **settings: Any) -> Connection:
    """A connection to the sandbox, as configuration would give it."""
    credentials = {name: Secret(value) for name, value in server.credentials.items()}
    return Connection(
        "acme",
        server.provider,
        server.base_url,
        credentials=credentials,
        settings={**server.settings, **settings},
    )


def impatient() -> Timing:
    """Time that passes by itself: waits cost nothing and are seen by the clock."""
    now = [1_000_000.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    return Timing(monotonic=lambda: now[0], sleep=sleep, wall=lambda: now[0], chance=lambda: 0.5)


def read(
    server: SandboxServer,
    resource: str,
    *,
    selection: Selection | None = None,
    make_client: Callable[..., Client] = Client,
    **settings: Any,
) -> Reading:
    """One reading of a resource, through the real client, manifest and mapping."""
    connection = connect(server, **settings)
    manifest = load_manifest(connection.provider)
    with make_client(manifest, connection, timing=impatient()) as client:
        mapper = make_mapper(
            resource_mapping(manifest, resource, connection), manifest, dict(client.settings)
        )
        reader = Reader(client, manifest, resource, mapper, selection)
        reading = Reading({}, [], reader.outcome, 0)
        for batch in reader.batches():
            rows = batch.table.drop_columns(["_page", "_index"]).to_pylist()
            reading.rows |= {row["id"]: row for row in rows}
            reading.scopes |= dict(zip([row["id"] for row in rows], batch.scopes.to_pylist(), strict=True))
            reading.rejections += batch.rejections
        reading.requests = client.requests_made
    return reading


def under(provider: str, parent: str, action: Action) -> Rule:
    """The rule that `action` strikes at requests for what lies under a parent."""
    patterns: dict[str, Any] = {name: text.format(parent) for name, text in UNDER[provider].items()}
    return Rule(action, **patterns)


def flat(resource: str, row: dict[str, Any]) -> dict[str, Any]:
    """An oracle's nested row in the columns of the warehouse, timestamps as RFC 3339 and JSON as values."""
    found: dict[str, Any] = {}
    for column in columns(RESOURCES[resource]):
        value: Any = row
        for part in column.path:
            value = value.get(part) if isinstance(value, dict) else None
        found[column.name] = value or None if column.field.is_json else value
    return found


def readable(resource: str, row: dict[str, Any]) -> dict[str, Any]:
    """A row of the reader's in the same form."""
    found: dict[str, Any] = {}
    for column in columns(RESOURCES[resource]):
        value = row[column.name]
        if column.field.is_json and value is not None:
            value = orjson.loads(value)
        elif hasattr(value, "isoformat"):
            value = value.isoformat().replace("+00:00", "Z")
        found[column.name] = value
    return found
