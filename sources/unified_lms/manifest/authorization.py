"""How requests are authorised: one model for each way, told apart by `type`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from sources.unified_lms.manifest.parts import Jsonata, Part, Text, Tree

Grant = Literal["client_credentials", "password", "refresh_token"]
"""Grants of OAuth 2.0 (RFC 6749) that need nobody in front of a browser."""


class BasicAuth(Part):
    """User and password in the header `Authorization` (RFC 7617)."""

    type: Literal["basic"]
    username: Text
    password: Text = ""


class HeaderAuth(Part):
    """A header that holds a credential."""

    type: Literal["header"]
    name: str
    value: Text


class QueryAuth(Part):
    """A query parameter that holds a credential; masked wherever the address is shown."""

    type: Literal["query"]
    name: str
    value: Text


class FormAuth(Part):
    """A form field that holds a credential, beside those of the endpoint."""

    type: Literal["form"]
    name: str
    value: Text


class BearerAuth(Part):
    """A token in the header `Authorization` (RFC 6750), after `scheme`."""

    type: Literal["bearer"]
    token: Text
    scheme: str = "Bearer"


class BasicClient(Part):
    """The client's id and secret in the header `Authorization` of the token request (RFC 6749, 2.3.1)."""

    username: Text
    password: Text


class OAuth2(Part):
    """A token that is asked for (RFC 6749), kept until it expires, and asked for again.

    `token_url` is whole, and may lie on another host than the API. `grant_type` is added to `form` or `json` unless it
    stands there (null leaves it out). `token`, `expires_in` (seconds) and `refresh_token` are expressions over the
    answer. `renew_when` sees `{status, headers}` of an answer of the API and says that the token is no longer good.
    With `authorize_url` a person can grant the refresh token in a browser, by a code with PKCE (RFC 7636).
    """

    type: Literal["oauth2"]
    grant: Grant
    token_url: Text
    authorize_url: Text | None = None
    scopes: tuple[str, ...] = ()
    form: Tree = Field(default_factory=dict)
    json_: Tree = Field(default_factory=dict, alias="json")
    headers: dict[str, Text] = Field(default_factory=dict)
    basic: BasicClient | None = None
    token: Jsonata = "access_token"  # noqa: S105 - where it stands in the answer
    expires_in: Jsonata = "expires_in"
    refresh_token: Jsonata = "refresh_token"  # noqa: S105
    renew_when: Jsonata = "status = 401"
    scheme: str = "Bearer"

    @model_validator(mode="after")
    def _one_body(self) -> OAuth2:
        if self.form and self.json_:
            raise ValueError("has both `form` and `json`; a request has one body, so keep one of them")
        return self

    @model_validator(mode="after")
    def _authorisable(self) -> OAuth2:
        if self.authorize_url is not None and self.grant != "refresh_token":
            raise ValueError(
                "has `authorize_url`, whose code brings a refresh token; say `grant: refresh_token`"
            )
        if self.authorize_url is not None and self.client_id is None:
            raise ValueError(
                "has `authorize_url` and names no client; put `client_id` into `form`, or add `basic`"
            )
        if self.scopes and self.authorize_url is None:
            raise ValueError("has `scopes`, which only `authorize_url` asks for; put `scope` into `form`")
        return self

    @property
    def fields(self) -> dict[str, Any]:
        """What the token request sends beside its grant."""
        return self.form or self.json_

    @property
    def client_id(self) -> str | None:
        """The text that gives the client's id, from `form`, `json` or `basic`."""
        named = self.fields.get("client_id")
        return named if isinstance(named, str) else self.basic.username if self.basic else None


Auth = Annotated[
    BasicAuth | HeaderAuth | QueryAuth | FormAuth | BearerAuth | OAuth2, Field(discriminator="type")
]
"""How requests are authorised. A new way is one more model here and one more flow in `auth`."""

_PLAIN = {"type", "name", "scheme", "grant", "token", "scopes", "expires_in", "refresh_token", "renew_when"}


def templates(auth: Auth) -> dict[str, Any]:
    """The texts with placeholders of an entry, by key."""
    plain = _PLAIN - {"token"} if isinstance(auth, BearerAuth) else _PLAIN
    return auth.model_dump(exclude=plain, by_alias=True)
