"""Tokens of the Canvas sandbox: the one made by hand, and those that a grant or a refresh token brings."""

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
        self._refresh_tokens = {options.refresh_token}
        self._granted: dict[str, str] = {}
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
        given = (form.get("client_id"), form.get("client_secret"))
        refresh = form.get("refresh_token", "")
        with self._lock:
            known = refresh in self._refresh_tokens and given == (options.client_id, options.client_secret)
            if form.get("grant_type") != "refresh_token" or not known:
                raise PermissionError("refresh_token not found")
            return self._access_token(refresh)

    def grant(self) -> dict[str, Any]:
        """The answer to a code: an access token, and a refresh token that stays good."""
        with self._lock:
            refresh = f"{self._options.refresh_token}-{next(self._numbers)}"
            self._refresh_tokens.add(refresh)
            return self._access_token(refresh) | {"refresh_token": refresh}

    def revoke(self, access_token: str) -> None:
        """Ends an access token, and the refresh token that it came of."""
        with self._lock:
            refresh = self._granted.pop(access_token, None)
            self._refresh_tokens.discard(refresh or "")
            ended = [token for token, of in self._granted.items() if of == refresh]
            for token in (access_token, *ended):
                self._left.pop(token, None)

    def _access_token(self, refresh: str) -> dict[str, Any]:
        token = f"{self._options.access_token}-{next(self._numbers)}"
        self._left[token] = self._options.token_calls
        self._granted[token] = refresh
        user = {"id": 1, "name": "Service Account"}
        return {"access_token": token, "token_type": "Bearer", "user": user, "expires_in": 3600}
