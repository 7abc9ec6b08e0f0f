"""Tokens that a provider issued, kept where the next process finds them: a file for each connection, the owner's only.

A provider may give a new refresh token with every access token and take back the old one, or end the old access token
when it issues a new one. Two processes must not renew at once, and the one that comes second must find what the first
one got: whoever renews holds the lock from reading the file to writing it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import orjson

from sources.unified_lms.errors import ConfigurationError

_REMEDY = "name another folder as `folder` in [tokens] of .dlt/config.toml, or set TOKENS__FOLDER"


@dataclass(frozen=True)
class Token:
    """What a provider issued. `expires_at` is in Unix seconds, None where it was not said."""

    access_token: str = field(repr=False)
    expires_at: float | None = None
    refresh_token: str | None = field(default=None, repr=False)


class TokenStore(Protocol):
    """Where the token of one connection is kept."""

    def locked(self) -> AbstractContextManager[None]:
        """A context in which nobody else reads or writes."""

    def read(self) -> Token | None:
        """The token that was written last, by whatever process; None if there is none."""

    def write(self, token: Token) -> None:
        """Keeps the token."""


class MemoryTokens:
    """Tokens that end with the process."""

    def __init__(self) -> None:
        self._token: Token | None = None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nothing to lock: the flow that holds the store is locked itself."""
        yield

    def read(self) -> Token | None:
        """The token that was written last."""
        return self._token

    def write(self, token: Token) -> None:
        """Keeps the token."""
        self._token = token


class FileTokens:
    """The token of one connection in a file that only its owner can read (mode 0600, in a folder of mode 0700)."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Waits for every other process and thread that holds it. Raises `ConfigurationError`."""
        with self._explained():
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)  # and with it the lock

    def read(self) -> Token | None:
        """The token in the file, None without one. Raises `ConfigurationError` for a file that others can read."""
        with self._explained():
            if not self.path.exists():
                return None
            self._refuse_if_shared()
            text = self.path.read_bytes()
        try:
            found = orjson.loads(text)
            return Token(found["access_token"], found["expires_at"], found["refresh_token"])
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise ConfigurationError(
                f"the token file {self.path} holds no token; delete it, and give the connection new credentials "
                "if the provider then refuses the ones that are configured"
            ) from None

    def _refuse_if_shared(self) -> None:
        if self.path.stat().st_mode & 0o077:
            raise ConfigurationError(
                f"the token file {self.path} can be read by others; run chmod 600 on it, and take the token for known"
            )

    def write(self, token: Token) -> None:
        """Replaces the file, whole or not at all. Raises `ConfigurationError`."""
        content = {
            "access_token": token.access_token,
            "expires_at": token.expires_at,
            "refresh_token": token.refresh_token,
        }
        beside = self.path.with_suffix(f".{os.getpid()}.new")
        with self._explained():
            beside.unlink(missing_ok=True)
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(orjson.dumps(content))
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.path)

    def delete(self) -> None:
        """Forgets the token. Raises `ConfigurationError`."""
        with self._explained():
            self.path.unlink(missing_ok=True)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ConfigurationError(
                f"tokens cannot be kept in {self.path.parent} ({error.strerror}); {_REMEDY}"
            ) from None


def drop_tokens(folder: Path | None, connection: str, keep: TokenStore | None = None) -> None:
    """Deletes the tokens of a connection's other credentials, which nothing asks for any more."""
    kept = keep.path if isinstance(keep, FileTokens) else None
    for path in sorted(folder.glob(f"{connection}-*.json")) if folder else ():
        store = FileTokens(path)
        if path != kept:
            with store.locked():
                store.delete()


def token_store(
    folder: Path | None, connection: str, base_url: str, credentials: Mapping[str, str]
) -> TokenStore:
    """The store of a connection in a folder, or in memory without one.

    The file's name holds a digest of what is configured: tokens of an account go with its credentials, and new
    credentials begin anew.
    """
    if folder is None:
        return MemoryTokens()
    parts = [base_url, *(f"{name}={value}" for name, value in sorted(credentials.items()))]
    digest = hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).hexdigest()
    return FileTokens(folder / f"{connection}-{digest}.json")
