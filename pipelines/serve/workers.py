"""Threads for calls that wait for a provider, so many in all and so many for a connection."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pipelines.serve.errors import ApiError
from pipelines.serve.settings import ServeSettings

Result = TypeVar("Result")
_BUSY = {"retry-after": "1"}
_END = b""


class Workers:
    """Runs calls on threads. What cannot be taken on is refused at once, and not left to wait without end."""

    def __init__(self, settings: ServeSettings) -> None:
        self._settings = settings
        self._pool = ThreadPoolExecutor(settings.threads, thread_name_prefix="serving")
        self._places: dict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(settings.per_connection)
        )
        self._taken_on = 0
        self._streams = 0

    async def run(self, connection: str, call: Callable[[], Result]) -> Result:
        """What the call returns or raises; `ApiError` where the server is full, or it takes too long."""
        if self._taken_on >= self._settings.waiting:
            raise ApiError(503, "the server has as much to do as it may take on; ask again", headers=_BUSY)
        self._taken_on += 1
        try:
            async with asyncio.timeout(self._settings.seconds):
                return await self._on_a_thread(self._places[connection], call)
        except TimeoutError:
            raise ApiError(
                504, f"the provider took longer than {self._settings.seconds:g} s; ask for less at once"
            ) from None
        finally:
            self._taken_on -= 1

    async def _on_a_thread(self, place: asyncio.Semaphore, call: Callable[[], Result]) -> Result:
        """The place is given back when the thread has ended, which may be after nobody waits for it any longer."""
        await place.acquire()
        try:
            future = asyncio.get_running_loop().run_in_executor(self._pool, call)
        except BaseException:
            place.release()
            raise
        future.add_done_callback(lambda _: place.release())
        return await asyncio.shield(future)

    async def stream(
        self, connection: str, pieces: Iterator[bytes], close: Callable[[], None]
    ) -> AsyncIterator[bytes]:
        """The pieces, each made on a thread when the one before has been taken; the first is made before it returns.

        `close` is called on the loop when the stream ends, however it ends.
        """
        if self._streams >= self._settings.streams:
            close()
            raise ApiError(503, "as many answers are streamed as may be; ask again", headers=_BUSY)
        self._streams += 1
        try:
            first = await self.run(connection, lambda: next(pieces, _END))
        except BaseException:
            self._ended(close)
            raise
        return self._rest(connection, first, pieces, close)

    async def _rest(
        self, connection: str, piece: bytes, pieces: Iterator[bytes], close: Callable[[], None]
    ) -> AsyncIterator[bytes]:
        try:
            while piece:
                yield piece
                piece = await self.run(connection, lambda: next(pieces, _END))
        finally:
            self._ended(close)

    def _ended(self, close: Callable[[], None]) -> None:
        self._streams -= 1
        close()

    def close(self) -> None:
        """Takes nothing more on; what is under way ends by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)
