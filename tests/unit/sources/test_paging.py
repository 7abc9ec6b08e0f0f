"""Every way of paging, over real HTTP; and that no credential follows a page to another origin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sources.unified_lms.client import Client
from sources.unified_lms.errors import ForeignOrigin, Invalid, PagingError, Redirected
from sources.unified_lms.pagination import next_link
from tests.unit.sources.conftest import SECRET, Asked, Provider

Connect = Callable[..., Client]
ROWS = [{"id": str(number)} for number in range(5)]


def read(client: Client, endpoint: str = "users") -> list[str]:
    """The records of each page, as text."""
    return [page.records for page in client.pages(endpoint)]


def sliced(start: int, size: int) -> Any:
    """A page of the five records."""
    return 200, {}, ROWS[start : start + size]


def numbers(asked: Asked) -> dict[str, int]:
    """The query's numbers."""
    return {name: int(value) for name, value in asked.query}


def test_no_paging_asks_once(provider: Provider, connect: Connect) -> None:
    """A list that comes whole is one page."""
    provider.script((200, {}, ROWS))
    pages = list(connect("endpoints: {users: {path: /users}}").pages("users"))
    assert [(page.number, page.count) for page in pages] == [(1, 5)]
    assert len(provider.asked) == 1


@pytest.mark.parametrize(("stop", "requests"), [("empty", [1, 2, 3, 4]), ("short", [1, 2, 3])])
def test_page_numbers(stop: str, requests: list[int], provider: Provider, connect: Connect) -> None:
    """Numbers count up until a page is empty, or shorter than asked for."""
    provider.answer = lambda asked: sliced((numbers(asked)["page"] - 1) * 2, numbers(asked)["size"])
    client = connect(
        f"""
endpoints:
  users:
    path: /users
    query: {{page: "{{page.number}}", size: "{{page.size}}"}}
    paging: {{type: page, first: 1, size: 2, stop: {stop}}}
"""
    )
    assert sum(page.count for page in client.pages("users")) == 5
    assert [numbers(asked)["page"] for asked in provider.asked] == requests


def test_page_numbers_until_the_body_says_so(provider: Provider, connect: Connect) -> None:
    """A condition over body and headers ends the reading, also where the envelope names the list (Docebo)."""
    provider.answer = lambda asked: (
        200,
        {},
        {"data": {"items": [ROWS[numbers(asked)["page"]]], "has_more_data": numbers(asked)["page"] < 2}},
    )
    client = connect(
        """
endpoints:
  users:
    path: /users
    query: {page: "{page.number}"}
    records: data.items
    paging: {type: page, first: 0, stop: $not(body.data.has_more_data)}
"""
    )
    assert read(client) == ['[{"id":"0"}]', '[{"id":"1"}]', '[{"id":"2"}]']


def test_a_page_size_of_the_settings(provider: Provider, connect: Connect) -> None:
    """The size may be a setting, and stand in the path (TalentLMS)."""
    provider.answer = lambda asked: sliced((int(asked.path[-1]) - 1) * 3, 3)
    client = connect(
        """
settings: {size: {title: Size, type: integer}}
endpoints:
  users:
    path: /users/size:{page.size},number:{page.number}
    paging: {type: page, size: "{settings.size}", stop: short}
""",
        settings={"size": 3},
    )
    assert [page.count for page in client.pages("users")] == [3, 2]
    assert [asked.path for asked in provider.asked] == ["/users/size:3,number:1", "/users/size:3,number:2"]


@pytest.mark.parametrize(("unit", "offsets"), [("records", [0, 2, 4]), ("pages", [0, 1, 2])])
def test_offsets(unit: str, offsets: list[int], provider: Provider, connect: Connect) -> None:
    """Offsets count records (Litmos) or pages (Absorb)."""
    stride = 1 if unit == "records" else 2
    provider.answer = lambda asked: sliced(numbers(asked)["start"] * stride, 2)
    client = connect(
        f"""
endpoints:
  users:
    path: /users
    query: {{start: "{{page.offset}}", limit: "{{page.size}}"}}
    paging: {{type: offset, size: 2, unit: {unit}, stop: short}}
"""
    )
    assert sum(page.count for page in client.pages("users")) == 5
    assert [numbers(asked)["start"] for asked in provider.asked] == offsets


CURSOR = """
endpoints:
  users:
    path: /users
    query: {after: "{page.cursor}"}
    records: Items
    paging: {type: cursor, next: 'PagingInfo.HasMoreItems ? PagingInfo.Bookmark'}
"""


def test_cursors(provider: Provider, connect: Connect) -> None:
    """A cursor in the body leads on until the body says that it is the last; the first page sends none."""
    following = {None: ("a", True), "a": ("b", True), "b": ("b", False)}

    def answer(asked: Asked) -> Any:
        mark, more = following[dict(asked.query).get("after")]
        return 200, {}, {"PagingInfo": {"Bookmark": mark, "HasMoreItems": more}, "Items": [{"id": mark}]}

    provider.answer = answer
    assert len(read(connect(CURSOR))) == 3
    assert [asked.query for asked in provider.asked] == [[], [("after", "a")], [("after", "b")]]


def test_a_repeated_cursor_raises(provider: Provider, connect: Connect) -> None:
    """A provider that names the same page again would be read for ever."""
    provider.script((200, {}, {"PagingInfo": {"Bookmark": "a", "HasMoreItems": True}, "Items": []}))
    with pytest.raises(PagingError, match="page 2 came, but the same next page is named twice"):
        read(connect(CURSOR))


def test_an_empty_page_with_a_next_one_goes_on(provider: Provider, connect: Connect) -> None:
    """With cursors and links only the provider says which page is the last."""
    provider.script(
        (200, {}, {"PagingInfo": {"Bookmark": "a", "HasMoreItems": True}, "Items": []}),
        (200, {}, {"PagingInfo": {"HasMoreItems": False}, "Items": ROWS}),
    )
    assert [page.count for page in connect(CURSOR).pages("users")] == [0, 5]


LINK = 'endpoints: {users: {path: /users, query: {"include[]": email}, paging: {type: link}}}'


def test_link_headers(provider: Provider, connect: Connect) -> None:
    """The Link header's next address is used as it is (RFC 8288; Canvas), with the credential."""

    def answer(asked: Asked) -> Any:
        if dict(asked.query).get("page") == "bookmark:W10":
            return sliced(2, 3)
        link = f'<{provider.url}/users?page=bookmark:W10>; rel="next", <{provider.url}/users>; rel="first"'
        return 200, {"Link": link}, ROWS[:2]

    provider.answer = answer
    assert [page.count for page in connect(LINK).pages("users")] == [2, 3]
    assert provider.asked[1].query == [("page", "bookmark:W10")]
    assert provider.asked[1].headers["x-api-key"] == SECRET


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ('<https://a.example/x?a=1,2>; rel="next"', "https://a.example/x?a=1,2"),
        ("<https://a.example/1>; rel=prev, <https://a.example/3>; rel=next", "https://a.example/3"),
        ('<https://a.example/3>; title="a"; rel="last next"', "https://a.example/3"),
        ('<https://a.example/3>; rel="nextish"', None),
        ("", None),
        ("nonsense", None),
    ],
)
def test_reading_link_headers(header: str, found: str | None) -> None:
    """Relations may be several, quoted or not, after other parameters; addresses may hold commas."""
    assert next_link(header) == found


NEXT_URL = """
endpoints: {users: {path: /users, records: results, paging: {type: next_url, next: next}}}
"""


@pytest.mark.parametrize("relative", [True, False])
def test_next_addresses_in_the_body(relative: bool, provider: Provider, connect: Connect) -> None:
    """An address in the body, whole or relative, leads on (Open edX)."""
    following = ("" if relative else provider.url) + "/users?page=2"
    provider.script((200, {}, {"results": ROWS, "next": following}), (200, {}, {"results": [], "next": None}))
    assert [page.count for page in connect(NEXT_URL).pages("users")] == [5, 0]
    assert provider.asked[1].target == "/users?page=2"


COMPUTED = """
endpoints:
  users:
    path: /users
    query: {from: "{page.from}"}
    paging: {type: expression, first: {from: 0}, next: '$count(body) = 2 ? {"from": page.from + 2}'}
"""


def test_an_expression_for_the_rest(provider: Provider, connect: Connect) -> None:
    """What no other way can say is an expression over body, headers and the page's own variables."""
    provider.answer = lambda asked: sliced(numbers(asked)["from"], 2)
    assert [page.count for page in connect(COMPUTED).pages("users")] == [2, 2, 1]


def test_an_expression_that_stands_still_raises(provider: Provider, connect: Connect) -> None:
    """Variables that come twice would be read for ever."""
    provider.answer = lambda asked: sliced(0, 2)
    client = connect(COMPUTED.replace("page.from + 2", "0"))
    with pytest.raises(PagingError, match="named twice"):
        read(client)


def test_a_provider_that_ignores_page_numbers_raises(provider: Provider, connect: Connect) -> None:
    """The same records for every number: the provider does not page, and the reading would never end."""
    provider.script((200, {}, ROWS))
    client = connect(
        'endpoints: {users: {path: /users, query: {page: "{page.number}"}, paging: {type: page, size: 5}}}'
    )
    with pytest.raises(PagingError, match="page 2 is the same as the one before it"):
        read(client)
    assert len(provider.asked) == 2


def test_no_data_is_an_empty_reading(provider: Provider, connect: Connect) -> None:
    """An error that says that there is nothing ends the reading without one."""
    provider.script((404, {}, {}))
    client = connect("errors: [{status: [404], kind: no_data}]\nendpoints: {users: {path: /users}}")
    assert read(client) == []


def test_records_of_one_are_a_list(provider: Provider, connect: Connect) -> None:
    """JSONata collapses a list of one; a page's records are a list all the same."""
    provider.script((200, {}, {"users": [{"items": {"id": 1}}]}))
    client = connect("endpoints: {users: {path: /users, records: users.items}}")
    assert read(client) == ['[{"id":1}]']


def test_a_next_page_elsewhere_gets_no_credentials(
    provider: Provider, other_origin: Provider, connect: Connect
) -> None:
    """A Link header that points to another origin is refused, and nothing is sent there."""
    provider.script((200, {"Link": f'<{other_origin.url}/users?page=2>; rel="next"'}, ROWS))
    with pytest.raises(ForeignOrigin, match="which gets no credentials"):
        read(connect(LINK))
    assert other_origin.asked == []


def test_a_redirect_elsewhere_gets_no_credentials(
    provider: Provider, other_origin: Provider, connect: Connect
) -> None:
    """A redirect to another origin is an error that names it and asks for a correct base_url."""
    provider.script((302, {"Location": f"{other_origin.url}/users"}, b""))
    with pytest.raises(Redirected, match=f"set the connection's base_url to {other_origin.url}"):
        read(connect(LINK))
    assert other_origin.asked == []


def test_a_redirect_on_the_same_origin_is_followed(provider: Provider, connect: Connect) -> None:
    """A missing slash at the end is the provider's to correct, for requests that only read."""
    provider.answer = lambda asked: (
        (301, {"Location": "/users/"}, b"") if asked.path == "/users" else (200, {}, ROWS)
    )
    assert len(read(connect("endpoints: {users: {path: /users}}"))) == 1
    assert [asked.path for asked in provider.asked] == ["/users", "/users/"]


def test_redirects_are_bounded(provider: Provider, connect: Connect) -> None:
    """An address that leads to itself ends."""
    provider.script((302, {"Location": "/users"}, b""))
    with pytest.raises(Redirected, match="more than 3 times"):
        read(connect("endpoints: {users: {path: /users}}"))
    assert len(provider.asked) == 4


def test_a_write_is_not_redirected(provider: Provider, connect: Connect) -> None:
    """A redirected POST may have been carried out or not; it is not sent again."""
    provider.script((307, {"Location": "/elsewhere"}, b""))
    client = connect("endpoints: {users: {path: /users}, write: {method: POST, path: /write}}")
    with pytest.raises(Redirected):
        client.call("write")
    assert len(provider.asked) == 1


def test_an_error_in_the_middle_is_raised(provider: Provider, connect: Connect) -> None:
    """Pages that were given stay given, and the reading ends with the error."""
    provider.script(
        (200, {}, {"PagingInfo": {"Bookmark": "a", "HasMoreItems": True}, "Items": ROWS}), (400, {}, {})
    )
    pages = connect(CURSOR).pages("users")
    assert next(pages).count == 5
    with pytest.raises(Invalid):
        next(pages)
