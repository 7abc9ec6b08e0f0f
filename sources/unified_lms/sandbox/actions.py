"""What a fault does to an answer.

Each action is frozen and has two hooks: `change` the answer, `deliver` it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from starlette.types import Send

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True)
class Response:
    """A whole answer."""

    status: int
    headers: Headers
    body: bytes

    async def start(self, send: Send) -> None:
        """Sends status and headers."""
        await send({"type": "http.response.start", "status": self.status, "headers": list(self.headers)})

    async def deliver(self, send: Send) -> None:
        """Sends everything."""
        await self.start(send)
        await send({"type": "http.response.body", "body": self.body})

    def with_body(self, body: bytes) -> Response:
        """The same answer around another body, its length right."""
        kept = tuple((name, value) for name, value in self.headers if name.lower() != b"content-length")
        return replace(self, headers=(*kept, (b"content-length", str(len(body)).encode())), body=body)


class Action:
    """Does nothing: what the other actions have in common."""

    def change(self, response: Response) -> Response:
        """The answer to be given instead of the app's."""
        return response

    async def deliver(self, response: Response, send: Send) -> None:
        """Sends the answer."""
        await response.deliver(send)


@dataclass(frozen=True)
class Reply(Action):
    """Answers in the app's stead, which never sees the request.

    `body` is text, or anything else to be sent as JSON.
    """

    status: int
    body: Any = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """The answer as it goes out."""
        is_text = isinstance(self.body, str)
        content_type = "text/plain; charset=utf-8" if is_text else "application/json"
        given = {"content-type": content_type} | {name.lower(): value for name, value in self.headers.items()}
        headers = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in given.items())
        return Response(self.status, headers, b"").with_body(
            self.body.encode() if is_text else orjson.dumps(self.body)
        )


@dataclass(frozen=True)
class CutConnection(Action):
    """Announces the whole length, sends a part of the body and closes the connection.

    The app has seen the request.
    """

    sent: float = 0.5
    """Share of the body that goes out, 0 to 1 (exclusive)."""

    async def deliver(self, response: Response, send: Send) -> None:
        """Returns in mid-body, upon which the server closes the connection."""
        await response.start(send)
        part = response.body[: int(len(response.body) * self.sent)]
        await send({"type": "http.response.body", "body": part, "more_body": True})


@dataclass(frozen=True)
class TearBody(Action):
    """Sends a part of the body, its length announced as if that were all."""

    sent: float = 0.5

    def change(self, response: Response) -> Response:
        """The first part of the body."""
        return response.with_body(response.body[: int(len(response.body) * self.sent)])


@dataclass(frozen=True)
class SlowBody(Action):
    """Sends the body in pieces and waits before each; `sleep` (seconds) can be replaced."""

    seconds: float
    pieces: int = 4
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def deliver(self, response: Response, send: Send) -> None:
        """Sends piece after piece."""
        await response.start(send)
        size = max(1, -(-len(response.body) // self.pieces))
        for begin in range(0, len(response.body), size):
            await self.sleep(self.seconds)
            part = response.body[begin : begin + size]
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


@dataclass(frozen=True)
class RepeatPrevious(Action):
    """Gives the answer to the rule's previous request once more: a page that repeats.

    Without a previous request the answer is as it should be.
    """


@dataclass(frozen=True)
class DuplicateRecords(Action):
    """Repeats the first `count` records of a list at its end.

    `at` is the dotted path of the list in the body, "" the body itself.
    """

    count: int = 1
    at: str = ""

    def change(self, response: Response) -> Response:
        """The answer with more records."""
        return _with_list(response, self.at, lambda records: records + records[: self.count])


@dataclass(frozen=True)
class DropRecords(Action):
    """Empties a list, or takes its last `count` records away. `at` as for DuplicateRecords."""

    count: int | None = None
    at: str = ""

    def change(self, response: Response) -> Response:
        """The answer with fewer records."""
        return _with_list(response, self.at, self._fewer)

    def _fewer(self, records: list[Any]) -> list[Any]:
        return [] if self.count is None else records[: max(0, len(records) - self.count)]


@dataclass(frozen=True)
class ExpireCredentials(Action):
    """From this request on, credentials are refused in the provider's own way, until `Faults.clear()`."""


@dataclass(frozen=True)
class Do(Action):
    """Calls a function before the app answers: changes the world under the reader.

    It runs on the server's thread.
    """

    function: Callable[[], object]


def _with_list(response: Response, at: str, change: Callable[[list[Any]], list[Any]]) -> Response:
    """The answer with one of its lists changed; LookupError if the path leads to none."""
    body = orjson.loads(response.body)
    *way, last = ["body", *filter(None, at.split("."))]
    holder: Any = {"body": body}
    for key in way:
        holder = holder[key]
    records = holder.get(last)
    found = records if isinstance(records, list) else None
    if found is None:
        raise LookupError(f"the answer has no list at {at or 'its top'}; correct the fault rule")
    holder[last] = change(found)
    return response.with_body(orjson.dumps(body if at else holder["body"]))
