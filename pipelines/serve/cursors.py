"""Cursors: where a list goes on, sealed, so that the server keeps nothing and the caller can neither read nor forge it.

A place may hold the address of the provider's next page, with whatever the provider writes into it; and who could make
one up would read what the key does not allow. Hence encrypted and signed (Fernet), and bound to the question.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import orjson
from cryptography.fernet import Fernet, InvalidToken

from pipelines.serve.errors import ApiError
from pipelines.serve.keys import write_private
from sources.unified_lms.resuming import Place, load_place


class Cursors:
    """Seals and opens cursors with a secret of the folder's, which every server of it shares."""

    def __init__(self, folder: Path) -> None:
        self._seal = Fernet(_secret(folder / "cursor.key"))

    def write(self, place: Place | None, question: str) -> str | None:
        """The cursor of a place in the answer to a question; None at the end."""
        if place is None:
            return None
        return self._seal.encrypt(orjson.dumps([_digest(question), place.dump()])).decode().rstrip("=")

    def read(self, cursor: str, question: str) -> Place:
        """The place; an `ApiError` for a cursor that is none, or belongs to another question."""
        try:
            padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
            asked, place = orjson.loads(self._seal.decrypt(padded))
            found = load_place(place)
        except (InvalidToken, ValueError, TypeError):
            raise ApiError(400, "next_cursor is no cursor of this server") from None
        if asked != _digest(question):
            raise ApiError(
                400,
                "next_cursor belongs to another list; connection, resource and filters have to stay the same",
            )
        return found


def _secret(path: Path) -> bytes:
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(path, Fernet.generate_key())
    return path.read_bytes()


def _digest(question: str) -> str:
    return hashlib.blake2b(question.encode(), digest_size=12).hexdigest()
