"""The token endpoint of a Docebo portal: `POST /oauth2/token`, as a form or JSON (JSON is UNCONFIRMED)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

Json = dict[str, Any]
Fields = Mapping[str, Any]


class GrantError(Exception):
    """A token that is refused: an error's name (RFC 6749, 5.2) and its description."""

    def __init__(self, name: str, description: str) -> None:
        """Both stand in the body of the answer, whose status is 400."""
        super().__init__(description)
        self.body: Json = {"error": name, "error_description": description}


@dataclass(frozen=True)
class Account:
    """Who may have a token: the OAuth2 app, and the account behind it."""

    client_id: str
    client_secret: str
    username: str
    password: str


@dataclass
class TokenOffice:
    """Gives access tokens and knows which are good. For any thread."""

    account: Account
    clock: Callable[[], float]
    lifetime: int = 3600
    """Seconds that an access token is good for."""
    rotates: bool = False
    """Whether a refresh token is good for one use, and the answer brings the next one."""
    refresh_tokens: set[str] = field(default_factory=set)
    _ends: dict[str, float] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _given: int = 0

    def answer(self, fields: Fields) -> Json:
        """The body that answers a request for a token; GrantError if it is refused."""
        client = (fields.get("client_id"), fields.get("client_secret"))
        if client != (self.account.client_id, self.account.client_secret):
            raise GrantError("invalid_client", "The client credentials are invalid")
        grants = {
            "client_credentials": lambda _: {},
            "password": self._by_password,
            "refresh_token": self._by_refresh_token,
        }
        grant = grants.get(str(fields.get("grant_type")))
        if grant is None:
            raise GrantError("unsupported_grant_type", "The grant type is not supported")
        with self._lock:
            return grant(fields) | self._access_token()

    def is_good(self, token: str) -> bool:
        """Whether an access token was given here and has not ended."""
        with self._lock:
            return self.clock() < self._ends.get(token, 0.0)

    def _by_password(self, fields: Fields) -> Json:
        given = (fields.get("username"), fields.get("password"))
        if given != (self.account.username, self.account.password):
            raise GrantError("invalid_grant", "Invalid username and password combination")
        return self._refresh_token()

    def _by_refresh_token(self, fields: Fields) -> Json:
        """The answer repeats no refresh token that stays good."""
        used = str(fields.get("refresh_token"))
        if used not in self.refresh_tokens:
            raise GrantError("invalid_grant", "Invalid refresh token")
        if not self.rotates:
            return {}
        self.refresh_tokens.remove(used)
        return self._refresh_token()

    def _refresh_token(self) -> Json:
        token = self._new("refresh")
        self.refresh_tokens.add(token)
        return {"refresh_token": token}

    def _access_token(self) -> Json:
        token = self._new("access")
        self._ends[token] = self.clock() + self.lifetime
        return {
            "access_token": token,
            "expires_in": self.lifetime,
            "token_type": "Bearer",
            "scope": "api",
        }

    def _new(self, kind: str) -> str:
        self._given += 1
        return f"SECRET-{kind}-token-{self._given:06d}"
