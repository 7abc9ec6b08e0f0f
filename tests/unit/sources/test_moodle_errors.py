"""How Moodle says that something is wrong, and what the manifest makes of it, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sources.unified_lms.client import Client
from sources.unified_lms.connection import Connection, Secret
from sources.unified_lms.errors import (
    Forbidden,
    Invalid,
    NoData,
    NotFound,
    ProviderError,
    Rejected,
    Transient,
    Unauthorized,
)
from sources.unified_lms.manifest import load_manifest
from tests.unit.sources.conftest import FakeTime, Provider

Connect = Callable[..., Client]
MANIFEST = load_manifest("moodle")
MOODLE = "core\\exception\\moodle_exception"
COURSE = {"parent": {"id": "2"}}


@pytest.fixture
def site(provider: Provider, fake_time: FakeTime) -> Iterator[Connect]:
    """Makes clients of the site."""
    made: list[Client] = []

    def make(**settings: Any) -> Client:
        connection = Connection("acme", "moodle", provider.url, {"token": Secret("planted-token")}, settings)
        made.append(Client(MANIFEST, connection, timing=fake_time.timing, tries=1))
        return made[-1]

    yield make
    for client in made:
        client.close()


def error(code: str | None, message: str, exception: str = MOODLE) -> dict[str, Any]:
    """An error's body; PHP's own have no code."""
    return {"exception": exception, **({"errorcode": code} if code else {}), "message": message}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (error("invalidtoken", "Invalid token - token not found"), Unauthorized),
        (
            error("wsaccessusersuspended", "Refused web service access for suspended username: x"),
            Unauthorized,
        ),
        (error("accessexception", "Access control exception", "webservice_access_exception"), Forbidden),
        (error("nopermissions", "Sorry, but you do not currently have permissions"), Forbidden),
        (error("requireloginerror", "Course or activity not accessible."), Forbidden),
        (
            error("errorcoursecontextnotvalid", "You cannot execute functions in the course context"),
            Forbidden,
        ),
        (error("usernotenroled", "User is not enrolled in this course"), NoData),
        (error("nocriteriaset", "No completion criteria set for this course"), NoData),
        (error("cannotviewreport", "You cannot view this report"), NoData),
        (error("usernotconfirmed", "User not confirmed"), NoData),
        (error("invaliduser", "Invalid user"), NoData),
        (error("invalidrecord", "Can't find data record in database table course."), NotFound),
        (error("invalidrecord", "Can't find data record in database table external_functions."), Invalid),
        (error("invalidparameter", "Invalid parameter value detected"), Invalid),
        (error(None, 'Attempt to assign property "contextvalidated" on null', "Error"), Invalid),
        (error("<div>Passwords must be at least 8 characters long.</div>", "error/..."), Invalid),
    ],
)
def test_errors_inside_of_a_200(
    body: dict[str, Any], kind: type[ProviderError], provider: Provider, site: Connect
) -> None:
    """The key `exception` makes an error, the code its kind; Moodle's words are passed on."""
    provider.script((200, {}, body))
    with pytest.raises(kind) as raised:
        site().call("completion", {**COURSE, "args": {"user": 1}})
    assert type(raised.value) is kind
    assert raised.value.provider_message == body["message"]


def test_an_exception_in_a_text_is_no_error(provider: Provider, site: Connect) -> None:
    """Only a body that is itself an error is one, not a record that speaks of it."""
    body = [{"id": 1, "name": 'How to read "exception"', "exception": "a record's own"}]
    provider.script((200, {}, body))
    assert json.loads(site().call("contents", COURSE).text) == body


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (403, Rejected, "Enable web services"),
        (503, Transient, "maintenance mode"),
    ],
)
def test_the_two_errors_that_have_a_status(
    status: int, kind: type[ProviderError], words: str, provider: Provider, site: Connect
) -> None:
    """403 without a word: web services are off. 503 with a page: maintenance."""
    content = b"" if status == 403 else b"<!DOCTYPE html><title>Under maintenance</title>"
    provider.script((status, {"Content-Type": "text/html"}, content))
    with pytest.raises(kind, match=words) as raised:
        site().call("site_info")
    assert type(raised.value) is kind


def test_a_missing_function_is_named(provider: Provider, site: Connect) -> None:
    """Whoever reads the error knows which function the service lacks and which capability belongs to it."""
    provider.script((200, {}, error("accessexception", "Access control exception")))
    with pytest.raises(Forbidden, match="call core_course_get_contents in the token's service, with moodle/"):
        site().call("contents", COURSE)


def test_an_ignored_search_is_an_error(provider: Provider, site: Connect) -> None:
    """A key that the site does not know finds everybody with a warning: that is no answer to what was asked."""
    message = "The search key 'email' is not supported"
    warning = {"item": "email", "warningcode": "invalidfieldparameter", "message": message}
    provider.script((200, {}, {"users": [{"id": 1}, {"id": 2}], "warnings": [warning]}))
    with pytest.raises(Invalid, match="has answered with all users") as raised:
        site().call("users")
    assert raised.value.provider_message == message


@pytest.mark.parametrize(
    ("headers", "fits"),
    [
        (["Username", "Completed", "Status", "Method", "Course short name"], True),
        (["Username", "Status", "Course short name"], False),
        (["Nombre de usuario", "Completado", "Estado", "Nombre corto del curso"], False),
    ],
)
def test_a_report_without_what_is_needed_is_refused(
    headers: list[str], fits: bool, provider: Provider, site: Connect
) -> None:
    """Without course, user, status and completion under their English headings nothing could be told from it."""
    data = {"headers": headers, "rows": [], "totalrowcount": 0}
    provider.script((200, {}, {"data": data, "warnings": []}))
    client = site(enrolment_report=7)
    if fits:
        assert list(client.pages("report"))
    else:
        with pytest.raises(
            Invalid, match="needs the columns Course short name, Username, Status and Completed"
        ):
            client.call("report")
