"""OAuth 2.0 by authorisation code: what is asked for, which answers are taken, and what is exchanged."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from sources.unified_lms.authorization_code import Authorization, challenge_of
from sources.unified_lms.connection import Connection, Secret
from sources.unified_lms.errors import (
    AnswerRefused,
    AuthorizationDenied,
    LmsError,
    NothingSent,
    Unauthorized,
    Unexpected,
)
from sources.unified_lms.manifest import Manifest
from tests.unit.sources.conftest import CUT, Provider, manifest_of

CREDENTIALS = {"client_id": Secret("the client"), "client_secret": Secret("planted-client-secret")}
BACK = "http://127.0.0.1:8400/callback"
AUTH = """
credentials:
  client_id: {title: Client, secret: false}
  client_secret: {title: Secret}
  refresh_token: {title: Refresh token}
auth:
  - type: oauth2
    grant: refresh_token
    token_url: "{connection.base_url}/oauth/token"
    authorize_url: "{connection.base_url}/oauth/authorize"
    scopes: [read, "url:GET|/x"]
    form:
      client_id: "{credentials.client_id}"
      client_secret: "{credentials.client_secret}"
      refresh_token: "{credentials.refresh_token}"
      audience: api
"""
BASIC = """
credentials:
  client_id: {title: Client, secret: false}
  client_secret: {title: Secret}
  refresh_token: {title: Refresh token}
auth:
  - type: oauth2
    grant: refresh_token
    token_url: "{connection.base_url}/oauth/token"
    authorize_url: "{connection.base_url}/oauth/authorize?prompt=login"
    basic: {username: "{credentials.client_id}", password: "{credentials.client_secret}"}
    json: {refresh_token: "{credentials.refresh_token}"}
"""
GRANTED = {"access_token": "planted-access", "refresh_token": "planted-refresh", "expires_in": 3600}


@pytest.fixture(autouse=True)
def grants(provider: Provider) -> None:
    """The provider grants."""
    provider.script((200, {}, GRANTED))


def attempt(provider: Provider, manifest: Manifest | None = None, **options: Any) -> Authorization:
    """An attempt to be granted access."""
    connection = Connection("acme", "example", provider.url, CREDENTIALS)
    return Authorization(manifest or manifest_of(AUTH), connection, BACK, **options)


def asked_with(authorization: Authorization) -> dict[str, str]:
    """The query of the provider's page."""
    return dict(parse_qsl(urlsplit(authorization.address).query))


def answer(authorization: Authorization, **parameters: str) -> dict[str, str]:
    """What comes back to the redirect address, with the attempt's state."""
    return {"state": asked_with(authorization)["state"], **parameters}


def test_the_challenge_is_that_of_the_standard() -> None:
    """The example of RFC 7636, appendix B."""
    assert (
        challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )


def test_the_address_asks_for_a_code(provider: Provider) -> None:
    """It names the client, the way back, the scopes, a state and a challenge by S256, and holds no secret."""
    authorization = attempt(provider)
    asked = asked_with(authorization)
    assert authorization.address.startswith(f"{provider.url}/oauth/authorize?")
    assert asked.pop("state")
    assert asked.pop("code_challenge")
    assert asked == {
        "client_id": "the client",
        "response_type": "code",
        "redirect_uri": BACK,
        "scope": "read url:GET|/x",
        "code_challenge_method": "S256",
    }
    assert "planted" not in authorization.address


def test_each_attempt_has_a_state_and_a_challenge_of_its_own(provider: Provider) -> None:
    """Two attempts share neither, and both are long."""
    one, other = (asked_with(attempt(provider)) for _ in range(2))
    assert one["state"] != other["state"]
    assert one["code_challenge"] != other["code_challenge"]
    assert min(len(one["state"]), len(one["code_challenge"])) == 43


def test_scopes_may_be_others(provider: Provider) -> None:
    """Those that are given take the place of the manifest's."""
    assert asked_with(attempt(provider, scopes=["write"]))["scope"] == "write"


def test_an_address_with_a_query_keeps_it(provider: Provider) -> None:
    """What the manifest says stands before what is added; the client comes from `basic`."""
    asked = asked_with(attempt(provider, manifest_of(BASIC)))
    assert (asked["prompt"], asked["client_id"], "scope" in asked) == ("login", "the client", False)


def test_a_code_is_exchanged(provider: Provider) -> None:
    """The manifest's form goes along without the refresh token, with the code, the way back and the verifier."""
    authorization = attempt(provider)
    challenge = asked_with(authorization)["code_challenge"]
    token = authorization.exchange(authorization.code(answer(authorization, code="planted-code")))
    [sent] = provider.asked
    form = {name: values[0] for name, values in parse_qs(sent.body).items()}
    assert (sent.method, sent.target) == ("POST", "/oauth/token")
    assert challenge_of(form.pop("code_verifier")) == challenge
    assert form == {
        "grant_type": "authorization_code",
        "client_id": "the client",
        "client_secret": "planted-client-secret",
        "audience": "api",
        "code": "planted-code",
        "redirect_uri": BACK,
    }
    assert (token.access_token, token.refresh_token) == ("planted-access", "planted-refresh")


def test_a_code_is_exchanged_as_json(provider: Provider) -> None:
    """Where the manifest says `json` and `basic`, so it is sent."""
    authorization = attempt(provider, manifest_of(BASIC))
    authorization.exchange("planted-code")
    [sent] = provider.asked
    assert sent.headers["authorization"].startswith("Basic ")
    assert '"grant_type":"authorization_code"' in sent.body
    assert "refresh_token" not in sent.body


@pytest.mark.parametrize("state", ["", "forged", "ä"])
def test_an_answer_with_another_state_is_refused(provider: Provider, state: str) -> None:
    """It does not use the attempt up: the real answer is taken after it."""
    authorization = attempt(provider)
    with pytest.raises(AnswerRefused, match="its state differs"):
        authorization.code({"state": state, "code": "planted"})
    assert authorization.code(answer(authorization, code="real")) == "real"


@pytest.mark.parametrize("second", [{"code": "planted-code"}, {"error": "access_denied"}])
def test_a_second_answer_is_refused(provider: Provider, second: dict[str, str]) -> None:
    """Whatever it says."""
    authorization = attempt(provider)
    authorization.code(answer(authorization, code="planted-code"))
    with pytest.raises(AnswerRefused, match="used already"):
        authorization.code(answer(authorization, **second))


def test_a_no_is_told_in_the_provider_s_words(provider: Provider) -> None:
    """`error` and `error_description` are in the sentence, on one line."""
    authorization = attempt(provider)
    said = answer(authorization, error="access_denied", error_description="The user\nsaid no")
    with pytest.raises(AuthorizationDenied, match=r"Access was denied; .*access_denied: The user said no"):
        authorization.code(said)


def test_an_answer_without_a_code_is_refused(provider: Provider) -> None:
    """A state alone brings nothing."""
    authorization = attempt(provider)
    with pytest.raises(AuthorizationDenied, match="without a code"):
        authorization.code(answer(authorization))


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        pytest.param((400, {}, {"error": "invalid_grant planted-code"}), Unauthorized, id="refused"),
        pytest.param((200, {}, {"access_token": "planted-access"}), Unexpected, id="no refresh token"),
        pytest.param((503, {}, {}), NothingSent, id="down"),
        pytest.param(CUT, LmsError, id="cut"),
    ],
)
def test_an_exchange_that_fails_tells_no_secret(provider: Provider, given: Any, kind: type[LmsError]) -> None:
    """The error says what came back, and neither code, verifier, secret nor token."""
    provider.script(given)
    authorization = attempt(provider)
    code = authorization.code(answer(authorization, code="planted-code"))
    with pytest.raises(kind) as caught:
        authorization.exchange(code)
    known = ("planted", authorization._verifier)
    assert not [secret for secret in known if secret in repr(caught.value) + str(caught.value)]
    assert caught.value.__context__ is None


def test_a_repr_shows_nothing(provider: Provider) -> None:
    """Neither the state nor the secret of an attempt."""
    authorization = attempt(provider)
    assert not [one for one in ("planted", asked_with(authorization)["state"]) if one in repr(authorization)]
