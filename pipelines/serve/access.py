"""Whether a key allows what is asked."""

from __future__ import annotations

from pipelines.serve.errors import ApiError
from pipelines.serve.keys import Key


def allow(key: Key, operation: str, connection: str, resource: str | None = None) -> None:
    """Raises `ApiError` unless the key allows an operation of a connection, for a resource where one is named.

    Whether the connection exists is not told to who may not use it.
    """
    if key.connections is not None and connection not in key.connections:
        raise ApiError(403, "the key is not for this connection")
    if operation not in key.operations:
        raise ApiError(403, f"the key does not allow the operation {operation}")
    if resource is not None and key.resources is not None and resource not in key.resources:
        raise ApiError(403, f"the key is not for {resource}")


_VERBS = {"POST": "create", "PUT": "update", "PATCH": "update", "DELETE": "delete"}


def allow_proxy(key: Key, method: str, connection: str) -> None:
    """Raises `ApiError` unless the key allows a raw request: `proxy`, and for other verbs than GET their operation.

    A raw request can be about anything, so that a key for some resources does not allow it.
    """
    allow(key, "proxy", connection)
    if key.resources is not None:
        raise ApiError(403, "the key is for some resources only, and the proxy knows none")
    if method != "GET":
        allow(key, _VERBS[method], connection)
