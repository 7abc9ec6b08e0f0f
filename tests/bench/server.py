"""The benchmark's server, in a process of its own: HTTP/1.1 with keep-alive, pages of a hundred, Link headers.

A bare asyncio protocol, since the client is what is to be measured: on pages of 84 kB it took 0.16 ms of processor time
a page, http.server 0.28 and uvicorn 0.32. Under `/{records}/{revision}/api/v1` stand that many enrolments as of that
revision, in one list and in one for each course, a thousand a course, and a hundredth as many users; `/cpu` tells the
seconds of processor time that the server has taken.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.bench.wire import PER_COURSE, PER_PAGE, PER_USER, courses_body, page_body, users_body

_REQUEST = re.compile(rb"GET (/(\d+)/(\d+)/api/v1/([a-z0-9/]+))\?(\S*) HTTP/1.1\r\n")
_COURSE = re.compile(rb"courses/(\d+)/enrollments")
_PAGE = re.compile(rb"(?:^|&)page=bookmark(?::|%3[Aa])(\d+)")


class _Answering(asyncio.Protocol):
    def __init__(self, origin: bytes) -> None:
        self._origin = origin
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            request, self._received = self._received[: end + 2], self._received[end + 4 :]
            self._transport.write(self._answer(request))

    def _answer(self, request: bytes) -> bytes:
        if request.startswith(b"GET /cpu "):
            return _response(repr(time.process_time()).encode())
        found = _REQUEST.match(request)
        if not found:
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        address, total, revision, query = found[1], int(found[2]), int(found[3]), found[5]
        marked = _PAGE.search(query)
        page = int(marked[1]) if marked else 0
        body, listed = _list(found[4], total, revision, page)
        return _response(body, self._link(address, listed, page))

    def _link(self, address: bytes, listed: int, page: int) -> bytes:
        """The header that names this page and, unless it is the last of a list of so many, the next one."""
        places = [("current", page)] + ([("next", page + 1)] if (page + 1) * PER_PAGE < listed else [])
        link = '<%s%s?page=bookmark:%d&per_page=%d>; rel="%s"'
        origin, path = self._origin.decode(), address.decode()
        return (
            "Link: " + ",".join(link % (origin, path, at, PER_PAGE, rel) for rel, at in places) + "\r\n"
        ).encode()


def _list(path: bytes, total: int, revision: int, page: int) -> tuple[bytes, int]:
    """A page of a list, and how many records the list has."""
    if course := _COURSE.fullmatch(path):
        first = int(course[1]) * PER_COURSE
        listed = max(0, min(PER_COURSE, total - first))
        return page_body(first + listed, revision, first // PER_PAGE + page), listed
    if path == b"accounts/self/courses":
        return courses_body(total // PER_COURSE, page), total // PER_COURSE
    if path == b"accounts/self/users":
        return users_body(total // PER_USER, page), total // PER_USER
    return page_body(total, revision, page), total


def _response(body: bytes, header: bytes = b"") -> bytes:
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n"
        % len(body)
    )
    return head + header + b"\r\n" + body


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    origin = bytearray()
    server = await loop.create_server(lambda: _Answering(bytes(origin)), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    origin += b"http://127.0.0.1:%d" % port
    print(port, flush=True)  # noqa: T201 - the parent reads it
    await loop.run_in_executor(None, sys.stdin.read)  # until the parent goes


@dataclass(frozen=True)
class Server:
    """The running server."""

    origin: str

    def base_url(self, records: int, revision: int = 0) -> str:
        """The address under which a list of so many records stands, as of a revision."""
        return f"{self.origin}/{records}/{revision}"

    def list_url(self, records: int, revision: int = 0) -> str:
        """The address of the list itself."""
        return f"{self.base_url(records, revision)}/api/v1/accounts/self/enrollments?per_page={PER_PAGE}"

    def cpu_seconds(self) -> float:
        """The processor time that the server has taken so far."""
        with urllib.request.urlopen(f"{self.origin}/cpu") as answer:  # noqa: S310 - our own server
            return float(answer.read())


@contextmanager
def running_server() -> Iterator[Server]:
    """The server, until the block ends."""
    command = [sys.executable, "-m", "tests.bench.server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Server(f"http://127.0.0.1:{int(process.stdout.readline())}")
        finally:
            process.terminate()


if __name__ == "__main__":
    asyncio.run(_serve())
