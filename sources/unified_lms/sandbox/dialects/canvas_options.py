"""What differs from one Canvas to the next, and from one token to the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import time

PERMISSIONS = frozenset(
    {
        "read_roster",
        "read_course_list",
        "read_course_content",
        "read_email_addresses",
        "read_sis",
        "view_user_logins",
        "view_all_grades",
        "manage_account_memberships",
        "manage_user_logins",
        "manage_courses_admin",
        "manage_students",
    }
)
"""What an administrator may be allowed. Without one of them, keys are absent or calls are refused."""


@dataclass(frozen=True)
class CanvasOptions:
    """One Canvas, and the token that a connection has."""

    access_token: str = "sandbox-access-token"  # noqa: S105 - an invented one
    client_id: str = "210700000000012345"
    client_secret: str = "sandbox-client-secret"  # noqa: S105
    refresh_token: str = "sandbox-refresh-token"  # noqa: S105
    oauth: bool = False
    """Whether a connection gets a developer key and a refresh token in the place of an access token."""
    token_calls: int | None = None
    """Calls after which an issued access token has expired."""
    permissions: frozenset[str] = PERMISSIONS
    scopes: frozenset[str] | None = None
    """The scopes of the developer key, such as `url:GET|/api/v1/users/:id`; None where they are not enforced."""
    domain: str = "academy.example.org"
    """Stands in the links to pages; the addresses of the API have the host that was asked."""
    shard: int = 2107
    """Ids are this many times 10^13, and more than 2^53."""
    names_apart: bool = True
    """Whether users have `first_name` and `last_name`, as in newer versions."""
    max_per_page: int = 100
    empty_pages: bool = False
    """Whether lists with bookmarks have an empty page in their midst, which is legal."""
    inline_items: int = 100
    """Modules with more items than this are listed without them."""
    progress_error_status: int = 400
    """With what status a course without requirements answers for progress is UNCONFIRMED."""
    throttle_status: int = 429
    """429 or 403; a host may choose."""
    bucket: float = 600
    outflow: float = 10
    request_cost: float = 0.05
    clock: Callable[[], float] = time
    """Unix seconds, for the bucket and for codes."""
    redirect_uris: tuple[str, ...] = ("http://127.0.0.1/callback",)
    """Where the developer key lets a browser be sent back to; on loopback, any port."""
    code_seconds: float = 600
    """How long an authorisation code is good for."""
