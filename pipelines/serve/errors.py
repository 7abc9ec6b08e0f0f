"""What becomes of an error: a status, and the one body that every refusal has. Nothing secret is in either."""

from __future__ import annotations

import logging
import math
import traceback
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson

from sources.unified_lms import errors
from sources.unified_lms.connection import Connection
from sources.unified_lms.passthrough import NoSuchRecord
from sources.unified_lms.writing import Refused

log = logging.getLogger(__name__)


class ApiError(Exception):
    """A refusal of this server's own."""

    def __init__(
        self, status: int, message: str, details: Any = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.details = status, message, details
        self.headers = dict(headers or {})


_REMOTE: tuple[tuple[type[errors.ProviderError], int], ...] = (
    (errors.Unauthorized, 401),
    (errors.Forbidden, 403),
    (errors.NotFound, 404),
    (errors.Invalid, 422),
    (errors.RateLimited, 429),
    (errors.ProviderError, 502),
)
"""By kind and not by the provider's status: some say 200 to everything."""

_OWN: tuple[tuple[type[Exception], int], ...] = (
    (NoSuchRecord, 404),
    (Refused, 422),
    (errors.ConfigurationError, 400),
    (errors.BudgetExhausted, 429),
    (errors.ClientClosed, 503),
)

Refusal = tuple[int, dict[str, Any], dict[str, str]]
"""Status, body, headers."""


def refusal(error: BaseException) -> Refusal:
    """The refusal that an error becomes. What was not foreseen is named and not quoted: it may hold data."""
    if isinstance(error, ApiError):
        return error.status, body(error.status, error.message, error.details), error.headers
    if isinstance(error, errors.ProviderError):
        return _remote(error)
    status = next((status for kind, status in _OWN if isinstance(error, kind)), None)
    if isinstance(error, errors.ConnectionConfigError | errors.ManifestError):
        log.warning("%s", error)
        return (
            503,
            body(503, "the connection is not configured as it has to be; the server's log says why"),
            {},
        )
    if status is None:
        log.error("unexpected error at %s", _where(error))
        kind = type(error).__name__
        return 500, body(500, f"unexpected error ({kind}); the server's log says where"), {}
    wait = error.wait if isinstance(error, errors.BudgetExhausted) else None
    headers = {} if wait is None else {"retry-after": str(math.ceil(wait))}
    return status, body(status, str(error)), headers


def _where(error: BaseException) -> str:
    """The kind of an error and the line that raised it; its text may hold data."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "no known line"
    return f"{place} ({type(error).__name__})"


def _remote(error: errors.ProviderError) -> Refusal:
    status = next(status for kind, status in _REMOTE if isinstance(error, kind))
    details = {"endpoint": error.endpoint, "status": error.status, "said": error.provider_message}
    found = body(status, str(error), {name: value for name, value in details.items() if value is not None})
    found |= {
        "is_remote_error": True,
        "truto_is_remote_error": True,
        "raw_response": _raw(error.raw_response),
    }
    headers = {} if error.retry_after is None else {"retry-after": str(math.ceil(error.retry_after))}
    return status, found, headers


def body(status: int, message: str, details: Any = None) -> dict[str, Any]:
    """The body of every refusal."""
    found = {"statusCode": status, "error": HTTPStatus(status).phrase, "message": message}
    return found if details is None else found | {"details": details}


def _raw(text: str | None) -> Any:
    """The provider's answer, secrets cut: as JSON where it is some, else its text."""
    try:
        return None if text is None else orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def needs_reauth(error: BaseException) -> bool:
    """Whether a connection needs new credentials."""
    return isinstance(error, errors.Unauthorized)


def no_connection(name: str) -> ApiError:
    """The refusal of a connection that is not configured."""
    return ApiError(404, f"there is no connection {name!r}")


def cannot_read(connection: Connection, resource: str, known: str) -> ApiError:
    """The refusal of a resource that the provider does not have."""
    return ApiError(400, f"{connection.provider} cannot read {resource}; it can read {known}")
