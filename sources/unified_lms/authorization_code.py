"""OAuth 2.0 by authorisation code (RFC 6749, 4.1) with PKCE (RFC 7636): a person grants access in a browser.

One `Authorization` is one attempt. Its state and its verifier are known to nobody else, and its answer is taken once.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx

from sources.unified_lms.connection import Connection, Secret
from sources.unified_lms.errors import AnswerRefused, AuthorizationDenied, Failure, LmsError, Unexpected
from sources.unified_lms.limits import Timing
from sources.unified_lms.manifest import Manifest
from sources.unified_lms.manifest.authorization import Auth, OAuth2
from sources.unified_lms.redaction import Redactor, quiet_http_loggers, shorten
from sources.unified_lms.templates import Variables, parse, texts
from sources.unified_lms.token_requests import Surroundings, TokenRequests
from sources.unified_lms.tokens import Token
from sources.unified_lms.transport import cut_off, open_client

REFRESH_TOKEN = "refresh_token"  # noqa: S105 - the name of the credential that a grant brings
_GRANT = "authorization_code"


def authorizable(auths: Sequence[Auth]) -> OAuth2 | None:
    """The entry of `auth` that a person can grant access for in a browser, if there is one."""
    found = (auth for auth in auths if isinstance(auth, OAuth2) and auth.authorize_url)
    return next(found, None)


def challenge_of(verifier: str) -> str:
    """The challenge of a verifier by the method S256 (RFC 7636, 4.2)."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


class Authorization:
    """One attempt to be granted access to an account. Thread-safe; its repr shows nothing.

    `connection` has the client's credentials and needs no refresh token; `redirect_uri` is where the browser is sent
    back to; `scopes` take the place of the manifest's.
    """

    def __init__(
        self,
        manifest: Manifest,
        connection: Connection,
        redirect_uri: str,
        *,
        scopes: Sequence[str] = (),
        timing: Timing | None = None,
    ) -> None:
        auth = authorizable(manifest.auth)
        if auth is None:
            raise ValueError(f"{manifest.provider} grants no access in a browser")
        self._auth = auth
        self._connection = connection
        self._redirect_uri = redirect_uri
        self._scopes = tuple(scopes) or auth.scopes
        self._timing = timing or Timing()
        self._state = secrets.token_urlsafe(32)
        self._verifier = secrets.token_urlsafe(64)
        self._redactor = Redactor([*connection.credentials.values(), self._verifier])
        self._lock = threading.Lock()
        self._answered = False

    @property
    def address(self) -> str:
        """Where a person grants access: the provider's page with the client, the state and the challenge."""
        page = parse(self._auth.authorize_url or "").text(self._variables)
        parameters = {
            "client_id": parse(self._auth.client_id or "").text(self._variables),
            "response_type": "code",
            "redirect_uri": self._redirect_uri,
            "state": self._state,
            "code_challenge": challenge_of(self._verifier),
            "code_challenge_method": "S256",
        }
        if self._scopes:
            parameters["scope"] = " ".join(self._scopes)
        return f"{page}{'&' if urlsplit(page).query else '?'}{urlencode(parameters)}"

    def code(self, answer: Mapping[str, str]) -> str:
        """The code in what came back to the redirect address; once only.

        Raises `AnswerRefused` for an answer without this attempt's state and for a second one, `AuthorizationDenied`
        for one that says no.
        """
        given = answer.get("state", "")
        if not secrets.compare_digest(given.encode(), self._state.encode()):
            raise AnswerRefused(
                "The answer does not belong to this attempt (its state differs), so that it was not used."
            )
        with self._lock:
            if self._answered:
                raise AnswerRefused("The answer was used already, so that it was not used again.")
            self._answered = True
        if "error" in answer:
            raise AuthorizationDenied(self._denied(answer))
        code = answer.get("code")
        if not code:
            raise AuthorizationDenied("The provider sent the browser back without a code. Begin again.")
        self._redactor.learn([code])
        return code

    def _denied(self, answer: Mapping[str, str]) -> str:
        """`error` and `error_description` (RFC 6749, 4.1.2.1) in a sentence."""
        said = ": ".join(filter(None, (answer.get("error"), answer.get("error_description"))))
        verdict = "Access was denied" if answer.get("error") == "access_denied" else "Access was not granted"
        return f"{verdict}; the provider says: {shorten(self._redactor.text(said))}."

    def exchange(self, code: str) -> Token:
        """The token that a code brings, with a refresh token in it. Raises `LmsError`."""
        quiet_http_loggers()
        requests = TokenRequests(
            self._auth, Surroundings(redactor=self._redactor, timing=self._timing), _GRANT
        )
        fields = _without_refresh_token(self._auth.fields) | {
            "code": "{args.code}",
            "redirect_uri": "{args.redirect_uri}",
            "code_verifier": "{args.code_verifier}",
        }
        own = {"code": code, "redirect_uri": self._redirect_uri, "code_verifier": self._verifier}
        response = self._send(requests.request({**self._variables, "args": own}, fields))
        token = requests.token(response)
        if token.refresh_token is None:
            raise Unexpected(
                Failure(
                    "exchanging the code for a token",
                    "the answer holds no refresh token",
                    "Let the provider's app issue one (often a setting of the app or a scope).",
                )
            )
        return token

    def _send(self, request: httpx.Request) -> httpx.Response:
        """The answer. What httpx raises holds the request, so that it ends here."""
        problem: LmsError
        with open_client(self._connection, None, at_once=1) as client:
            try:
                return client.send(request)
            except httpx.HTTPError as error:
                problem = cut_off(error, "exchanging the code for a token")
        raise problem

    @property
    def _variables(self) -> Variables:
        connection = self._connection
        return {
            "connection": {"name": connection.name, "base_url": connection.base_url},
            "credentials": dict(connection.credentials),
            "settings": dict(connection.settings),
        }


def with_refresh_token(credentials: Mapping[str, str], token: Token) -> dict[str, Secret]:
    """Credentials with what a grant brought."""
    kept = {name: Secret(value) for name, value in credentials.items()}
    return kept | {REFRESH_TOKEN: Secret(token.refresh_token or "")}


def _without_refresh_token(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What the manifest sends with a refresh token, but for that and the name of the grant."""
    return {
        name: value
        for name, value in fields.items()
        if name != "grant_type" and not _uses_refresh_token(value)
    }


def _uses_refresh_token(value: Any) -> bool:
    return any(
        ("credentials", REFRESH_TOKEN) in placeholder.names
        for text in texts(value)
        for placeholder in parse(text).placeholders
    )
