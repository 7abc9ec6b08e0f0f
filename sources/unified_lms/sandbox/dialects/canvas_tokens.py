"""Access tokens of the Canvas sandbox: the one made by hand, and those that a refresh token brings."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from threading import Lock
from typing import Any

from sources.unified_lms.sandbox.dialects.canvas_options import CanvasOptions


class CanvasTokens:
    """Which access tokens are good, and for how many calls more."""

    def __init__(self, options: CanvasOptions) -> None:
        """Starts with the one that was made by hand, unless the connection is to use a developer key."""
        self._options = options
        self._left: dict[str, int | None] = {} if options.oauth else {options.access_token: None}
        self._numbers = count(1)
        self._lock = Lock()

    @property
    def credentials(self) -> Mapping[str, str]:
        """What a connection needs."""
        options = self._options
        if not options.oauth:
            return {"access_token": options.access_token}
        return {
            "client_id": options.client_id,
            "client_secret": options.client_secret,
            "refresh_token": options.refresh_token,
        }

    def refusal(self, token: str) -> str | None:
        """What is said of a token that is not taken; None counts a call of one that is."""
        with self._lock:
            if token not in self._left:
                return "Invalid access token."
            left = self._left[token]
            if left == 0:
                return "Expired access token."
            self._left[token] = None if left is None else left - 1
            return None

    def issue(self, form: Mapping[str, str]) -> dict[str, Any]:
        """The answer to a refresh token, which brings no new one; `PermissionError` says what is wrong with it.

        The words of that are UNCONFIRMED.
        """
        options = self._options
        expected = (options.client_id, options.client_secret, options.refresh_token)
        given = (form.get("client_id"), form.get("client_secret"), form.get("refresh_token"))
        if form.get("grant_type") != "refresh_token" or given != expected:
            raise PermissionError("refresh_token not found")
        with self._lock:
            token = f"{options.access_token}-{next(self._numbers)}"
            self._left[token] = options.token_calls
        user = {"id": 1, "name": "Service Account"}
        return {"access_token": token, "token_type": "Bearer", "user": user, "expires_in": 3600}
