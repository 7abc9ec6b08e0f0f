"""The local page of `lms connect` over real HTTP: who may ask, what it refuses, what becomes of answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from pipelines.connect.attempt import Attempt
from pipelines.connect.loopback import Loopback
from pipelines.connect.site import BODY_LIMIT, Site
from pipelines.environment import Target
from sources.unified_lms.sandbox import Rule, SandboxServer, World
from sources.unified_lms.sandbox.faults import ExpireCredentials

SECRET = "sandbox-client-secret"
KEY = "210700000000012345"


class Page:
    """A browser of sorts, on the page of a site."""

    def __init__(self, site: Site, origin: str) -> None:
        self.site = site
        self.http = httpx.Client(base_url=origin, trust_env=False, follow_redirects=True)
        self.html = ""

    def open(self) -> httpx.Response:
        """Opens the page by its address."""
        return self._seen(self.http.get(self.site.address))

    def _seen(self, answer: httpx.Response) -> httpx.Response:
        self.html = answer.text
        return answer

    def post(self, step: str, headers: dict[str, str] | None = None, **fields: str) -> httpx.Response:
        """Sends the form of the page that was seen last; dots in names are written as two underscores."""
        csrf = re.search(r'name="csrf" value="([^"]+)"', self.html)
        form = {"csrf": csrf[1] if csrf else "", "step": step}
        form |= {name.replace("__", "."): value for name, value in fields.items()}
        return self._seen(self.http.post("/", data=form, headers=headers))

    def fill(self, canvas: SandboxServer) -> str:
        """Everything up to the link to the provider, which it returns."""
        self.open()
        self.post(
            "values",
            base_url=canvas.base_url,
            credentials__client_id=KEY,
            credentials__client_secret=SECRET,
        )
        return self.link

    @property
    def link(self) -> str:
        """The address of the provider's page."""
        found = re.search(r'id="grant" rel="noreferrer" href="([^"]+)"', self.html)
        assert found, self.html
        return found[1].replace("&amp;", "&")

    def grant(self, link: str, answer: str = "yes") -> str:
        """What the provider sends the browser back to."""
        page = httpx.get(link, trust_env=False).text
        found = re.search(r'name="request" value="([^"]+)"', page)
        assert found, page
        accept = f"{link.partition('/auth')[0]}/accept"
        said = httpx.post(accept, data={"request": found[1], "answer": answer}, trust_env=False)
        return said.headers["location"]

    def come_back(self, address: str) -> httpx.Response:
        """The browser comes back from the provider."""
        return self._seen(self.http.get(address))


@pytest.fixture
def canvas() -> Iterator[SandboxServer]:
    """A Canvas with a developer key."""
    with SandboxServer(World(), "canvas", oauth=True) as running:
        yield running


@pytest.fixture
def page(warehouse: Target) -> Iterator[Page]:
    """The page for a new connection to Canvas, by its developer key."""
    with Loopback() as loopback, ExitStack() as stack:

        def begin(provider: str) -> Attempt:
            attempt = Attempt("acme", provider, warehouse)
            stack.enter_context(attempt.under_way())
            return attempt

        site = Site("acme", {"canvas": "Canvas"}, begin, loopback, "authorize")
        stack.enter_context(loopback.serve(site.app))
        opened = Page(site, loopback.origin)
        stack.enter_context(opened.http)
        yield opened


def state(tables: Any) -> str:
    """The state of the connection in the warehouse."""
    return str(tables.one("select state from lms.connections"))


def secrets(tmp_path: Path) -> str:
    """What is stored of secrets."""
    file = tmp_path / ".dlt" / "secrets.toml"
    return file.read_text() if file.exists() else ""


def test_a_grant_is_stored(page: Page, canvas: SandboxServer, tmp_path: Path, tables: Any) -> None:
    """A person's yes becomes a refresh token on disk; before it the state is `connecting`, after it `active`."""
    back = page.grant(page.fill(canvas))
    assert state(tables) == "connecting"
    assert "Connected" in page.come_back(back).text
    assert page.site.done.wait(10)
    assert (state(tables), "sandbox-refresh-token-" in secrets(tmp_path)) == ("active", True)


def test_the_callback_is_taken_once(page: Page, canvas: SandboxServer) -> None:
    """A replay of the address that the browser came back to is refused, and asks the provider for nothing."""
    back = page.grant(page.fill(canvas))
    page.come_back(back)
    asked = len(canvas.requests)
    assert page.come_back(back).status_code == 404
    assert len(canvas.requests) == asked


def test_a_second_answer_to_an_attempt_is_refused(page: Page, canvas: SandboxServer) -> None:
    """While the first answer is being exchanged or after it failed, one with the same state is not used."""
    back = page.grant(page.fill(canvas))
    assert page.site._pending is not None
    page.site._pending[0].code(dict(parse_qsl(urlsplit(back).query)))
    answer = page.come_back(back)
    assert (answer.status_code, "used already" in answer.text) == (400, True)


def test_another_state_is_refused(page: Page, canvas: SandboxServer) -> None:
    """An answer with another state is refused, its code is not exchanged, and the real answer is still taken."""
    back = page.grant(page.fill(canvas))
    forged = re.sub(r"state=[^&]+", "state=forged", back)
    answer = page.come_back(forged)
    assert (answer.status_code, "its state differs" in answer.text) == (400, True)
    assert "Connected" in page.come_back(back).text


def test_another_verifier_is_refused(page: Page, canvas: SandboxServer, tmp_path: Path) -> None:
    """A code that is exchanged without the verifier of its challenge brings nothing, and the page says so."""
    back = page.grant(page.fill(canvas))
    assert page.site._pending is not None
    page.site._pending[0]._verifier = "not-the-verifier-of-the-challenge"
    said = page.come_back(back).text
    assert "code_verifier does not match the challenge" in said
    assert secrets(tmp_path) == ""


def test_a_no_is_shown(page: Page, canvas: SandboxServer) -> None:
    """Who says no reads that access was denied, and may begin again with what was entered forgotten or not."""
    back = page.grant(page.fill(canvas), answer="no")
    assert "Access was denied" in page.come_back(back).text
    assert SECRET not in page.html
    page.post("values", base_url=canvas.base_url, credentials__client_id=KEY)
    assert "Connected" in page.come_back(page.grant(page.link)).text


def test_giving_up_is_on_record(warehouse: Target, tables: Any) -> None:
    """An attempt that ends before its time leaves `validation_error` and what to do."""
    with pytest.raises(KeyboardInterrupt), Attempt("acme", "canvas", warehouse).under_way():
        raise KeyboardInterrupt
    [[found, message]] = tables.query("select state, message from lms.connections")
    assert (found, "given up" in message) == ("validation_error", True)


def test_credentials_that_the_check_refuses_are_not_stored(
    page: Page, canvas: SandboxServer, tmp_path: Path, tables: Any
) -> None:
    """Where the provider refuses what was granted, the page says why, and no file and no token is left."""
    canvas.faults.add(Rule(ExpireCredentials(), pattern="/api/v1/"))
    page.come_back(page.grant(page.fill(canvas)))
    assert "nothing was stored" in page.html
    assert (secrets(tmp_path), state(tables)) == ("", "validation_error")
    assert not list(tmp_path.rglob("tokens/*.json"))


# -- who may ask ---------------------------------------------------------------------------------------


def test_without_the_cookie_nothing_is_shown(page: Page) -> None:
    """Another program of this machine that finds the port sees nothing and changes nothing."""
    page.open()
    address = f"{page.http.base_url}/"
    assert httpx.get(address, trust_env=False).status_code == 403
    assert httpx.post(address, data={"step": "cancel"}, trust_env=False).status_code == 403
    assert not page.site.done.is_set()


def test_the_address_opens_the_page_once(page: Page) -> None:
    """The second time it is refused; a wrong one does not use it up."""
    assert page.http.get("/open/wrong").status_code == 403
    assert page.open().status_code == 200
    assert page.open().status_code == 403


def test_a_form_without_its_token_is_refused(page: Page) -> None:
    """A form that another site sends with the browser's cookie lacks the page's own token."""
    page.open()
    assert page.http.post("/", data={"step": "cancel", "csrf": "guessed"}).status_code == 403
    assert not page.site.done.is_set()


def test_a_form_of_another_site_is_refused(page: Page) -> None:
    """The header Origin says whose form it was."""
    page.open()
    assert page.post("cancel", headers={"Origin": "https://evil.example"}).status_code == 403
    assert not page.site.done.is_set()


def test_another_host_name_is_refused(page: Page) -> None:
    """A name that somebody lets lead to this machine (DNS rebinding) gets no page, whatever else is right."""
    page.open()
    assert page.http.get("/", headers={"Host": "evil.example"}).status_code == 421
    assert page.http.get("/").status_code == 200


def test_a_form_has_bounds(page: Page) -> None:
    """A body without end is not read."""
    page.open()
    assert page.post("values", base_url="x" * BODY_LIMIT).status_code == 413


def test_every_answer_has_the_policy(page: Page) -> None:
    """No script, no frame, nothing from elsewhere and nothing kept, on refusals as well."""
    for answer in (
        page.open(),
        page.http.get("/nowhere"),
        page.http.get("/", headers={"Host": "evil.example"}),
    ):
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "frame-ancestors 'none'" in policy
        assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == (
            "no-store",
            "same-origin",
        )


def test_the_cookie_is_out_of_reach_of_scripts(page: Page) -> None:
    """It is HttpOnly, and goes to no other site's form."""
    answer = httpx.get(page.site.address, trust_env=False)
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(re.split(r"; ", cookie))
