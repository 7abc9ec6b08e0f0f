"""API keys: who may call, for which connections, resources and operations, and until when.

A key is 256 random bits and is shown once. The file holds its digest: with so much chance in a key a plain
SHA-256 cannot be searched, and no slow hash is needed for every request.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from sources.unified_lms.errors import ConfigurationError

OPERATIONS = ("read", "create", "update", "delete", "proxy")
_PREFIX = "lms"
_EVERY = 30.0
"""Seconds between two times that the times of last use are written."""


@dataclass(frozen=True)
class Key:
    """What is kept of a key. Times are Unix seconds; None for `connections` or `resources` is all of them."""

    id: str
    name: str
    digest: str = field(repr=False)
    operations: tuple[str, ...] = ("read",)
    connections: tuple[str, ...] | None = None
    resources: tuple[str, ...] | None = None
    created_at: float = 0.0
    expires_at: float | None = None
    revoked_at: float | None = None
    last_used_at: float | None = None

    def state(self, now: float) -> str:
        """`active`, `expired` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and now >= self.expires_at else "active"


@dataclass(frozen=True)
class Grant:
    """What a key is made for."""

    name: str
    operations: Sequence[str] = ("read",)
    connections: Sequence[str] | None = None
    resources: Sequence[str] | None = None
    expires_at: float | None = None


class KeyRefused(Exception):
    """A key that nobody has, or that is no longer valid. The message holds nothing of it."""


class KeyStore:
    """The keys in a file that only its owner can read; thread-safe, and safe beside other processes."""

    def __init__(self, folder: Path, *, wall: Callable[[], float] = time.time) -> None:
        self.path = folder / "keys.json"
        self._wall = wall
        self._lock = threading.Lock()
        self._seen: tuple[int, int] | None = None
        self._keys: dict[str, Key] = {}
        self._used: dict[str, float] = {}
        self._written = 0.0

    def create(self, grant: Grant) -> tuple[str, Key]:
        """A new key as its holder needs it, which nobody can tell again, and what is kept of it."""
        identifier, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
        text = f"{_PREFIX}_{identifier}_{secret}"
        made = Key(
            identifier,
            grant.name,
            _digest(text),
            tuple(grant.operations),
            None if grant.connections is None else tuple(grant.connections),
            None if grant.resources is None else tuple(grant.resources),
            self._wall(),
            grant.expires_at,
        )
        with self._changing() as keys:
            keys[identifier] = made
        return text, made

    def all(self) -> list[Key]:
        """Every key, the oldest first, also those that are no longer valid."""
        with self._lock:
            self._refresh()
            return sorted(self._keys.values(), key=lambda key: (key.created_at, key.id))

    def revoke(self, identifier: str) -> Key:
        """Ends a key at once, for running servers as well; raises `ConfigurationError` where there is none."""
        with self._changing() as keys:
            if identifier not in keys:
                raise ConfigurationError(f"there is no key {identifier!r}; lms keys list names them")
            if keys[identifier].revoked_at is None:
                keys[identifier] = replace(keys[identifier], revoked_at=self._wall())
            return keys[identifier]

    def find(self, text: str) -> Key:
        """The key that somebody shows; raises `KeyRefused`."""
        with self._lock:
            self._refresh()
            key = self._keys.get(text.partition("_")[2].partition("_")[0])
        if key is None or not hmac.compare_digest(key.digest, _digest(text)):
            raise KeyRefused("the key is not known")
        now = self._wall()
        if (state := key.state(now)) != "active":
            raise KeyRefused(f"the key is {state}")
        self._use(key.id, now)
        return key

    def _use(self, identifier: str, now: float) -> None:
        with self._lock:
            self._used[identifier] = now
            due = now - self._written >= _EVERY
        if due:
            self.flush()

    def flush(self) -> None:
        """Writes when keys were used last."""
        with self._lock:
            used, self._used, self._written = self._used, {}, self._wall()
        if used:
            with self._changing() as keys:
                for identifier in used.keys() & keys.keys():
                    keys[identifier] = replace(keys[identifier], last_used_at=used[identifier])

    def _refresh(self) -> None:
        """Reads the file where it has changed since it was read last."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            self._keys, self._seen = {}, None
            return
        seen = (found.st_mtime_ns, found.st_ino)
        if seen != self._seen:
            self._keys, self._seen = self._read(), seen

    def _read(self) -> dict[str, Key]:
        if self.path.stat().st_mode & 0o077:
            raise ConfigurationError(
                f"the file of keys {self.path} can be read by others; run chmod 600 on it"
            )
        try:
            found = orjson.loads(self.path.read_bytes())
            return {entry["id"]: _key(entry) for entry in found["keys"]}
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise ConfigurationError(
                f"the file of keys {self.path} holds no keys; put back a copy of it, or delete it and make new keys"
            ) from None

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Key]]:
        """The keys as they are in the file, which is written when the block ends well."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            keys = self._read() if self.path.exists() else {}
            yield keys
            write_private(self.path, orjson.dumps({"keys": [asdict(key) for key in keys.values()]}))
        finally:
            os.close(lock)


def write_private(path: Path, content: bytes) -> None:
    """Replaces a file, whole or not at all, readable by its owner only."""
    beside = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}.new")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _key(entry: Mapping[str, Any]) -> Key:
    lists = {
        name: None if entry[name] is None else tuple(entry[name])
        for name in ("operations", "connections", "resources")
    }
    return Key(**{**entry, **lists})
