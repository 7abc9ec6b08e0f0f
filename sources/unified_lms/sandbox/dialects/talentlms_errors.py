"""The errors of a TalentLMS portal, and the arguments of its calls.

Which HTTP status belongs to which message is UNCONFIRMED beyond the range (400, 401, 403, 404, 500), so that
a client must go by the message.
"""

from __future__ import annotations

from collections.abc import Mapping

from sources.unified_lms.sandbox.errors import ConflictError, NotFoundError

Arguments = Mapping[str, str]


class PortalError(Exception):
    """An answer that is an error: HTTP status and the message of the body."""

    def __init__(self, status: int, message: str) -> None:
        """The message is one that the provider is known to use, where it is known."""
        super().__init__(message)
        self.status = status
        self.message = message


INVALID = (400, "Invalid arguments provided")
UNKNOWN_ACTION = (404, "The requested API action does not exist")
# What v1 says to a wrong key, with its API switched off, and over the limit, is UNCONFIRMED.
UNAUTHORIZED = (401, "The API key is not valid")
DISABLED = (403, "The API is not enabled for this domain")
OVER_LIMIT = "API rate limit exceeded"
WEAK_PASSWORD = (
    400,
    (
        "Password is not strong enough (should have at least (1) upper case letter, at least (1) lower case letter, "
        "at least (1) number, at least (8) characters in length)"
    ),
)
_TAKEN = {
    "login": "A user with the same login already exists",
    "email": "A user with the same email address already exists",
    "enrolment": "The requested user is already enrolled in this course",
}


def whole_number(arguments: Arguments, key: str) -> int:
    """An argument that is an id or a count; `PortalError` if it is none or missing."""
    value = arguments.get(key, "")
    if not (value.isascii() and value.isdigit()):
        raise PortalError(*INVALID)
    return int(value)


def missing(error: NotFoundError) -> PortalError:
    """What the portal says of something that is not there."""
    if error.kind == "record":
        return PortalError(400, "The requested user is not enrolled in this course")
    if error.kind == "person" and error.gone:
        return PortalError(404, "The requested user is no longer available")
    word = {"person": "user", "item": "unit"}.get(error.kind, error.kind)
    return PortalError(404, f"The requested {word} does not exist")


def taken(error: ConflictError) -> PortalError:
    """What the portal says of something that is there already."""
    return PortalError(400, _TAKEN[error.what])
