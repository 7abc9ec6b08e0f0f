"""What a connection holds under its manifest: settings with their defaults, and the values that must never be shown."""

from __future__ import annotations

from typing import Any

from sources.unified_lms.connection import Connection
from sources.unified_lms.manifest import Manifest


def with_defaults(manifest: Manifest, connection: Connection) -> dict[str, Any]:
    """Every setting that needs no discovery: as configured, else its default."""
    defaults = {name: setting.default for name, setting in manifest.settings.items()}
    return {**defaults, **connection.settings}


def secrets_of(manifest: Manifest, connection: Connection) -> list[str]:
    """The values that must never be shown."""
    declared = manifest.credentials
    hidden = [
        value for key, value in connection.credentials.items() if key not in declared or declared[key].secret
    ]
    return [str(value) for value in hidden] + (
        [str(connection.network.proxy)] if connection.network.proxy else []
    )
