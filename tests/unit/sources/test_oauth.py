"""OAuth 2.0: what is asked for a token, when it is renewed, where it is kept, and that it shows nowhere."""

from __future__ import annotations

import base64
import json
import logging
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any
from urllib.parse import parse_qsl

import pytest

from sources.unified_lms.client import Client
from sources.unified_lms.connection import Connection, Secret
from sources.unified_lms.errors import Forbidden, LmsError, NothingSent, Unauthorized, Unexpected
from tests.unit.sources.conftest import Asked, FakeTime, Provider, manifest_of

CREDENTIALS = {
    "client_id": Secret("the-client"),
    "client_secret": Secret("planted-client-secret"),
    "refresh_token": Secret("planted-refresh-1"),
}
_DECLARED = """
credentials:
  client_id: {title: Client, secret: false}
  client_secret: {title: Secret, required: false}
  refresh_token: {title: Refresh token, required: false}
"""
_CLIENT = 'client_id: "{credentials.client_id}", client_secret: "{credentials.client_secret}"'
REFRESH = f"""{_DECLARED}
auth:
  - type: oauth2
    grant: refresh_token
    token_url: "{{connection.base_url}}/oauth/token"
    form: {{{_CLIENT}, refresh_token: "{{credentials.refresh_token}}"}}
"""
CLIENT = f"""{_DECLARED}
auth:
  - type: oauth2
    grant: client_credentials
    token_url: "{{connection.base_url}}/oauth/token"
    form: {{{_CLIENT}, scope: api}}
"""
Make = Callable[..., Client]


class Authority:
    """Issues tokens at /oauth/token and takes only the last one that it issued elsewhere."""

    def __init__(self, provider: Provider, *, rotates: bool = False, **reply: Any) -> None:
        self.issued = 0
        self.refresh = "planted-refresh-1"
        self.rotates, self._reply = rotates, reply
        self.revoked = False
        self.provider = provider
        provider.answer = self.answer

    @property
    def access(self) -> str:
        """The token that is good now."""
        return f"planted-access-{self.issued}"

    def answer(self, asked: Asked) -> Any:
        """What the provider answers."""
        if asked.path == "/oauth/token":
            return self._token(dict(parse_qsl(asked.body)))
        good = not self.revoked and asked.headers.get("authorization") == f"Bearer {self.access}"
        return (
            (200, {}, [{"id": 1}]) if good else (401, {"WWW-Authenticate": "Bearer"}, {"message": "expired"})
        )

    def _token(self, form: dict[str, str]) -> Any:
        if form.get("grant_type") == "refresh_token" and form.get("refresh_token") != self.refresh:
            return (
                400,
                {},
                {"error": "invalid_grant", "error_description": "token planted-refresh-1 was used"},
            )
        self.issued += 1
        self.revoked = False
        body: dict[str, Any] = {"access_token": self.access, "token_type": "Bearer", "expires_in": 3600}
        if self.rotates:
            self.refresh = f"planted-refresh-{self.issued + 1}"
            body["refresh_token"] = self.refresh
        return 200, {}, body | self._reply

    @property
    def forms(self) -> list[dict[str, str]]:
        """What was sent for each token."""
        return [dict(parse_qsl(each.body)) for each in self.provider.asked if each.path == "/oauth/token"]


@pytest.fixture
def make(provider: Provider, fake_time: FakeTime) -> Iterator[Make]:
    """Makes clients with OAuth credentials for the provider, in fake time."""
    made: list[Client] = []

    def make_client(text: str, *, tokens: Path | None = None, **credentials: str) -> Client:
        manifest = manifest_of(text)
        given = {**CREDENTIALS, **{name: Secret(value) for name, value in credentials.items()}}
        connection = Connection("acme", "example", provider.url, given, token_folder=tokens)
        made.append(Client(manifest, connection, timing=fake_time.timing, tries=2))
        return made[-1]

    yield make_client
    for client in made:
        client.close()


def test_client_credentials(provider: Provider, make: Make) -> None:
    """Grant, client and scope are sent as a form (RFC 6749, 4.4.2), and the token with the request."""
    authority = Authority(provider)
    assert make(CLIENT).call("users").text == '[{"id": 1}]'
    assert authority.forms == [
        {
            "grant_type": "client_credentials",
            "client_id": "the-client",
            "client_secret": "planted-client-secret",
            "scope": "api",
        }
    ]


def test_one_token_serves_many_requests(provider: Provider, make: Make) -> None:
    """A token is asked for once, not for each request."""
    authority, client = Authority(provider), make(CLIENT)
    for _ in range(3):
        client.call("users")
    assert authority.issued == 1


def test_a_token_is_renewed_before_it_ends(provider: Provider, make: Make, fake_time: FakeTime) -> None:
    """A minute before `expires_in` is over a new one is asked for, so that no request meets the end."""
    authority, client = Authority(provider), make(CLIENT)
    client.call("users")
    fake_time.now += 3600 - 59
    client.call("users")
    assert authority.issued == 2
    assert [each.path for each in provider.asked] == ["/oauth/token", "/users"] * 2


def test_seconds_may_be_text(provider: Provider, make: Make, fake_time: FakeTime) -> None:
    """`expires_in` as text counts as well (360Learning's own example)."""
    authority, client = Authority(provider, expires_in="3600"), make(CLIENT)
    client.call("users")
    fake_time.now += 3590
    client.call("users")
    assert authority.issued == 2


def test_a_refused_token_is_renewed_once(provider: Provider, make: Make) -> None:
    """An answer that says that the token is no longer good costs one new token, and the request is repeated."""
    authority, client = Authority(provider), make(REFRESH)
    client.call("users")
    authority.revoked = True
    assert client.call("users").status == 200
    assert authority.issued == 2


def test_a_new_token_that_is_refused_ends_it(provider: Provider, make: Make) -> None:
    """Nobody asks for tokens for ever: refused twice, the connection needs new credentials."""
    provider.answer = lambda asked: (
        (200, {}, {"access_token": f"t{len(provider.asked)}"}) if "token" in asked.path else (401, {}, {})
    )
    with pytest.raises(Unauthorized, match="needs new credentials"):
        make(CLIENT).call("users")
    assert [each.path for each in provider.asked] == ["/oauth/token", "/users"] * 2


def test_only_what_the_manifest_says_renews(provider: Provider, make: Make) -> None:
    """Canvas: a 401 with WWW-Authenticate is an expired token, one without it a missing permission."""
    rule = REFRESH + "    renew_when: status = 401 and $exists(headers.`www-authenticate`)\n"
    provider.answer = lambda asked: (
        (200, {}, {"access_token": "t"}) if "token" in asked.path else (401, {}, {})
    )
    with pytest.raises(Unauthorized):
        make(rule).call("users")
    assert [each.path for each in provider.asked] == ["/oauth/token", "/users"]


def test_a_reply_without_refresh_token_keeps_the_old_one(provider: Provider, make: Make) -> None:
    """Canvas sends a refresh token once, with the authorisation code; it stays good."""
    authority, client = Authority(provider), make(REFRESH)
    client.call("users")
    authority.revoked = True
    client.call("users")
    assert [form["refresh_token"] for form in authority.forms] == ["planted-refresh-1"] * 2


def test_a_rotated_refresh_token_is_used_next(provider: Provider, make: Make) -> None:
    """A refresh token that is good once (Brightspace) is replaced by what came with the access token."""
    authority, client = Authority(provider, rotates=True), make(REFRESH)
    client.call("users")
    authority.revoked = True
    client.call("users")
    assert [form["refresh_token"] for form in authority.forms] == ["planted-refresh-1", "planted-refresh-2"]


def test_a_rotated_refresh_token_outlives_a_reply_without_one(provider: Provider, make: Make) -> None:
    """A reply that brings no refresh token leaves the rotated one, not the configured one, which was used up."""
    authority, client = Authority(provider, rotates=True), make(REFRESH)
    client.call("users")
    authority.rotates = False
    for _ in range(2):
        authority.revoked = True
        client.call("users")
    assert [form["refresh_token"] for form in authority.forms][1:] == ["planted-refresh-2"] * 2


def test_the_next_process_finds_the_token(provider: Provider, make: Make, tmp_path: Path) -> None:
    """A token is kept in the folder, and a second client asks for none."""
    authority = Authority(provider)
    make(REFRESH, tokens=tmp_path).call("users")
    make(REFRESH, tokens=tmp_path).call("users")
    assert authority.issued == 1


def test_the_next_process_finds_the_rotated_refresh_token(
    provider: Provider, make: Make, tmp_path: Path, fake_time: FakeTime
) -> None:
    """What is configured was used up by an earlier process; what it got for it is used."""
    authority = Authority(provider, rotates=True)
    make(REFRESH, tokens=tmp_path).call("users")
    fake_time.now += 7200
    make(REFRESH, tokens=tmp_path).call("users")
    assert authority.issued == 2


def test_new_credentials_begin_anew(provider: Provider, make: Make, tmp_path: Path) -> None:
    """A stored token belongs to the credentials that it was got with, not to those configured later."""
    authority = Authority(provider)
    make(REFRESH, tokens=tmp_path).call("users")
    authority.refresh = "planted-other"
    make(REFRESH, tokens=tmp_path, refresh_token="planted-other").call("users")
    assert authority.issued == 2


def test_two_that_are_refused_at_once_renew_once(provider: Provider, make: Make, tmp_path: Path) -> None:
    """Two clients whose token was revoked both go on with the one new token: the second would be refused."""
    authority = Authority(provider, rotates=True)
    clients = [make(REFRESH, tokens=tmp_path) for _ in range(2)]
    for client in clients:
        client.call("users")
    authority.revoked = True
    together = Barrier(2)

    def ask(client: Client) -> int:
        together.wait(10)
        return client.call("users").status

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(ask, clients)) == [200, 200]
    assert authority.issued == 2


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        ((400, {}, {"error": "invalid_grant"}), Unauthorized, "400: invalid_grant. The connection needs new"),
        (
            (401, {}, {"error": "invalid_client"}),
            Unauthorized,
            "401: invalid_client. The connection needs new",
        ),
        ((403, {}, b"no"), Forbidden, "answered 403. Give the client the right to use this grant"),
        ((200, {}, {"token": "x"}), Unexpected, "the answer holds no token. Correct `token` in the manifest"),
        ((503, {}, b"<html>"), NothingSent, "answered 503. Run again later"),
        ((200, {}, b"<html>"), NothingSent, "the answer is no JSON. Run again later"),
    ],
)
def test_what_the_token_endpoint_answers(
    answer: Any, error: type[LmsError], said: str, provider: Provider, make: Make
) -> None:
    """Refused credentials, a fault of the provider's and a wrong manifest are told apart, each with its remedy."""
    provider.answer = lambda asked: answer
    with pytest.raises(error) as caught:
        make(CLIENT).call("users")
    assert "getting a token by client_credentials (POST" in str(caught.value)
    assert said in str(caught.value)


def test_no_token_shows(
    provider: Provider, make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither errors nor their causes, logs and reprs hold a secret, an issued token or a refresh token."""
    caplog.set_level(logging.DEBUG)
    authority, client = Authority(provider, rotates=True), make(REFRESH, tokens=tmp_path)
    client.call("users")
    authority.revoked, authority.refresh = True, "planted-unknown"
    with pytest.raises(Unauthorized) as caught:
        client.call("users")
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(vars(client))
    assert "planted" not in shown


def test_an_issued_token_is_masked_where_the_provider_repeats_it(provider: Provider, make: Make) -> None:
    """The provider's own words go through the redactor, which knows what was issued since."""
    provider.answer = lambda asked: (
        (200, {}, {"access_token": "planted-issued"})
        if "token" in asked.path
        else (400, {}, {"message": "planted-issued is not allowed"})
    )
    rules = "errors: [{kind: invalid, status: [400], message: body.message}]\n"
    with pytest.raises(LmsError, match=r"\*\*\* is not allowed"):
        make(rules + CLIENT).call("users")


def test_json_bodies_and_own_names(provider: Provider, make: Make) -> None:
    """Cornerstone writes its names in camel case, as JSON."""
    provider.answer = lambda asked: (200, {}, {"tok": "t"} if "token" in asked.path else [])
    make(
        _DECLARED
        + """
auth:
  - type: oauth2
    grant: client_credentials
    token_url: "{connection.base_url}/oauth/token"
    json: {grant_type: null, grantType: client_credentials, clientId: "{credentials.client_id}"}
    token: tok
"""
    ).call("users")
    assert json.loads(provider.asked[0].body) == {
        "grantType": "client_credentials",
        "clientId": "the-client",
    }


def test_the_client_in_basic_authentication(provider: Provider, make: Make) -> None:
    """Blackboard takes key and secret in the header (RFC 6749, 2.3.1)."""
    Authority(provider)
    basic = 'basic: {username: "{credentials.client_id}", password: "{credentials.client_secret}"}'
    make(CLIENT.replace(f"form: {{{_CLIENT}, scope: api}}", basic)).call("users")
    wanted = base64.b64encode(b"the-client:planted-client-secret").decode()
    assert provider.asked[0].headers["authorization"] == f"Basic {wanted}"
    assert provider.asked[0].body == "grant_type=client_credentials"


def test_another_scheme(provider: Provider, make: Make) -> None:
    """Open edX wants its tokens after the word JWT."""
    provider.answer = lambda asked: (200, {}, {"access_token": "t"} if "token" in asked.path else [])
    make(CLIENT + "    scheme: JWT\n").call("users")
    assert provider.asked[-1].headers["authorization"] == "JWT t"
