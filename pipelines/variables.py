"""A connection as the environment variables that configure it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def connection_variables(name: str, connection: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each variable's name and value, of a connection with sections: `CONNECTIONS__ACME__CREDENTIALS__API_KEY`."""
    prefix = f"CONNECTIONS__{name.upper()}__"
    for key, value in connection.items():
        if isinstance(value, Mapping):
            yield from (
                (f"{prefix}{key.upper()}__{inner.upper()}", str(each)) for inner, each in value.items()
            )
        else:
            yield prefix + key.upper(), str(value)
