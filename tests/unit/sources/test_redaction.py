"""Secrets and addresses in no message, no traceback, no log, no repr."""

from __future__ import annotations

import base64
import logging
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from sources.unified_lms.client import Client
from sources.unified_lms.connection import Connection, Network, Secret
from sources.unified_lms.errors import LmsError
from sources.unified_lms.redaction import MASK, Redactor, quiet_http_loggers, shorten
from tests.unit.sources.conftest import CUT, SECRET, Provider

Connect = Callable[..., Client]
FORMS = [
    SECRET,
    "sk-7Q%2Fplanted%2Bsecret",
    "sk-7Q/planted%2Bsecret",
    base64.b64encode(f"{SECRET}:".encode()).decode(),
    "planted+secret",
]


@pytest.mark.parametrize("form", FORMS[:4])
def test_a_credential_is_masked_in_every_form(form: str) -> None:
    """As it stands, as addresses encode it, and as basic authentication encodes it."""
    assert form not in Redactor([SECRET]).text(f"before {form} after")


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer planted-value-1",
        "authorization=Basic planted-value-1",
        "{'X-Api-Key': 'planted-value-1'}",
        "https://a.example/x?access_token=planted-value-1&b=2",
        "https://a.example/x?wstoken=planted-value-1",
        "https://user:planted-value-1@a.example/x",
        "Set-Cookie: planted-value-1",
        "got Bearer planted-value-1 back",
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str) -> None:
    """Secrets that are not this connection's own are masked by where they stand."""
    assert "planted" not in Redactor().text(text)


@pytest.mark.parametrize(
    "text", ["jo.smith+x@example.org", "/users/email:jo%40example.org", "<jo@mail.example.org>"]
)
def test_addresses_are_masked(text: str) -> None:
    """E-mail addresses are learners' data."""
    assert "jo" not in Redactor().text(text)
    assert MASK in Redactor().text(text)


def test_ids_and_plain_words_stay() -> None:
    """An error without the record's id would help nobody."""
    text = "user (GET https://acme.example.com/api/v1/users/id:40457): the provider answered 404"
    assert Redactor([SECRET]).text(text) == text


def test_a_short_credential_masks_whole_words_only() -> None:
    """A password of one letter does not make every message unreadable."""
    assert Redactor(["a"]).text("a banana, a") == "*** banana, ***"


def test_shortening() -> None:
    """One line, and no longer than asked for."""
    assert shorten("a\n b" + "x" * 400, 20) == "a bxxxxxxxxxxxxxx..."


LEARNER = "jo@example.org"
FAILURES: list[Any] = [
    (400, {}, {"error": f"no {SECRET} for jo@example.org"}),
    (401, {}, {"error": f"no {SECRET} for jo@example.org"}),
    (403, {}, {"error": f"no {SECRET} for jo@example.org"}),
    (404, {}, {"error": SECRET}),
    (429, {"Retry-After": "9999"}, {"error": SECRET}),
    (500, {}, {"error": SECRET}),
    (200, {}, f"[{SECRET} jo@example.org".encode()),
    (302, {"Location": f"https://elsewhere.example/?token={SECRET}"}, b""),
    (200, {"Link": f'<https://elsewhere.example/{SECRET}>; rel="next"'}, []),
    CUT,
]
EVERYWHERE = """
auth: [{type: query, name: token, value: "{credentials.key}"}]
errors: [{contains: '"error"', status: [400, 401, 403], kind: invalid, message: body.error}]
endpoints:
  users: {path: "/users/{credentials.key}/email:{args.id}", query: {key: "{credentials.key}"}, paging: {type: link}}
resources: {users: {read: [{endpoint: users}], get: {endpoint: users}}}
"""


@pytest.mark.parametrize("given", FAILURES)
def test_tracebacks_hold_no_secret(given: Any, provider: Provider, connect: Connect) -> None:
    """A formatted traceback, its causes and contexts, the message and the repr hold neither credential nor address."""
    provider.script(given)
    client = connect(EVERYWHERE)
    with pytest.raises(LmsError) as raised:
        list(client.pages("users", {"args": {"id": LEARNER}}))
    error = raised.value
    text = "".join(traceback.format_exception(error)) + repr(error) + repr(error.args)
    assert not [form for form in FORMS if form in text]
    assert "jo@" not in text
    assert "jo%40" not in text


@pytest.mark.parametrize("given", FAILURES)
def test_no_request_hides_behind_an_error(given: Any, provider: Provider, connect: Connect) -> None:
    """No cause and no context of what is raised holds the request: tools that show them show nothing."""
    provider.script(given)
    with pytest.raises(LmsError) as raised:
        list(connect(EVERYWHERE).pages("users", {"args": {"id": "1"}}))
    hidden: BaseException | None = raised.value.__cause__ or raised.value.__context__
    while hidden is not None:
        assert not hasattr(hidden, "request")
        hidden = hidden.__cause__ or hidden.__context__


def test_nothing_is_logged(provider: Provider, connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    """With everything logged, the HTTP libraries log neither addresses nor headers."""
    with caplog.at_level(logging.DEBUG):
        client = connect(EVERYWHERE)
        client.call("users", {"args": {"id": "jo@example.org"}})
    assert not [form for form in FORMS if form in caplog.text]
    assert "jo" not in caplog.text


def test_loggers_that_were_opened_are_closed_again() -> None:
    """httpx logs addresses at INFO and hpack headers at DEBUG: both levels are raised when a client is made."""
    for name in ("httpx", "hpack"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    quiet_http_loggers()
    assert not logging.getLogger("httpx").isEnabledFor(logging.INFO)
    assert not logging.getLogger("hpack.hpack").isEnabledFor(logging.DEBUG)


def test_reprs_hold_no_credential() -> None:
    """A connection can be shown."""
    connection = Connection(
        "acme",
        "example",
        "https://a.example",
        {"key": Secret(SECRET)},
        network=Network(proxy=Secret(f"http://u:{SECRET}@proxy.example:1")),
    )
    assert SECRET not in f"{connection!r} {connection} {connection.credentials!r}"
