"""Connections kept open between requests: opening one compiles its mappings, which takes longer than an answer may.

What is open is closed, and opened anew when it is wanted, where a file of the configuration has changed, or a manifest,
mapping or overlay in a folder of the connection's own; requests under way end with what they began with.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pipelines.environment import configuration_files, reload_configuration
from pipelines.serve.errors import cannot_read, needs_reauth, no_connection
from sources.unified_lms.client import Client
from sources.unified_lms.connection import Connection, connection_names, load_connection, manifest_of
from sources.unified_lms.manifest import Manifest
from sources.unified_lms.passthrough import PassThrough

_LOOK_EVERY = 1.0
"""Seconds between two looks at the files."""
_AGE = 600.0
"""Seconds after which a connection is opened anew: settings that the provider tells may have changed."""

Result = TypeVar("Result")
Stamp = tuple[tuple[str, int], ...]


class Opened:
    """A connection, its one client, and the pass-through to each of its resources."""

    def __init__(self, connection: Connection, client: Client, at: float) -> None:
        self.connection = connection
        self.client = client
        self.at = at
        self.stamp = _stamp(_files_of(connection))
        self.users = 0
        self.retired = False
        self._resources: dict[str, PassThrough] = {}
        self._lock = threading.Lock()

    @property
    def manifest(self) -> Manifest:
        """The provider's manifest."""
        return self.client.manifest

    def reading(self, resource: str) -> PassThrough:
        """The pass-through to a resource; `ApiError` where the provider cannot read it."""
        with self._lock:
            if resource not in self._resources:
                if resource not in self.manifest.resources:
                    raise cannot_read(self.connection, resource, ", ".join(self.manifest.resources))
                self._resources[resource] = PassThrough(self.connection, self.manifest, resource, self.client)
            return self._resources[resource]


class Pool:
    """The open connections of a server; thread-safe."""

    def __init__(self, make_client: Callable[[Manifest, Connection], Client]) -> None:
        self._make_client = make_client
        self._lock = threading.Lock()
        self._opening = threading.Lock()
        self._open: dict[str, Opened] = {}
        self._states: dict[str, tuple[str, float]] = {}
        self._files: Stamp | None = None
        self._looked = 0.0

    @contextmanager
    def use(self, name: str) -> Iterator[Opened]:
        """A connection, open until the block ends; `ApiError` where there is none of that name."""
        opened = self._take(name)
        try:
            yield opened
        except Exception as error:
            if needs_reauth(error):
                self._states[name] = ("needs_reauth", time.time())
            raise
        else:
            self._states[name] = ("active", time.time())
        finally:
            self._give_back(opened)

    def look(self, name: str, at: Callable[[Opened], Result]) -> Result:
        """What there is to see in a connection, without asking its provider: its state stays as it was."""
        opened = self._take(name)
        try:
            return at(opened)
        finally:
            self._give_back(opened)

    def state(self, name: str) -> tuple[str | None, float | None]:
        """What requests of this server have last found of a connection, and when."""
        return self._states.get(name, (None, None))

    def close(self) -> None:
        """Closes every connection; requests that wait for a provider end with an error."""
        with self._lock:
            gone, self._open = list(self._open.values()), {}
        for opened in gone:
            opened.client.close()

    def names(self) -> list[str]:
        """The connections that are configured now."""
        with self._opening:
            self._reload_if_changed()
            return connection_names()

    def _take(self, name: str) -> Opened:
        found = self._fresh(name)
        if found is not None:
            return found
        with self._opening:
            self._reload_if_changed()
            found = self._fresh(name)
            if found is not None:
                return found
            if name not in connection_names():
                raise no_connection(name)
            connection = load_connection(name)
            opened = Opened(
                connection, self._make_client(manifest_of(connection), connection), time.monotonic()
            )
            opened.users = 1
            with self._lock:
                self._open[name] = opened
            return opened

    def _fresh(self, name: str) -> Opened | None:
        """The open connection, taken by one user more, unless something that it rests on has changed."""
        self._look()
        with self._lock:
            found = self._open.get(name)
            if found is not None:
                found.users += 1
            return found

    def _look(self) -> None:
        now = time.monotonic()
        with self._lock:
            if now - self._looked < _LOOK_EVERY:
                return
            self._looked = now
            opened = dict(self._open)
        changed = self._files is not None and self._files != _stamp(configuration_files())
        for name, one in opened.items():
            if changed or now - one.at > _AGE or one.stamp != _stamp(_files_of(one.connection)):
                self._retire(name, one)

    def _retire(self, name: str, one: Opened) -> None:
        with self._lock:
            if self._open.get(name) is one:
                del self._open[name]
            one.retired = True
            idle = one.users == 0
        if idle:
            one.client.close()

    def _give_back(self, opened: Opened) -> None:
        with self._lock:
            opened.users -= 1
            done = opened.retired and opened.users == 0
        if done:
            opened.client.close()

    def _reload_if_changed(self) -> None:
        found = _stamp(configuration_files())
        if found != self._files:
            reload_configuration()
            self._files = found


def _files_of(connection: Connection) -> list[Path]:
    """The files in the connection's own folders and in those of overlays."""
    return [file for folder in connection.folders if folder.is_dir() for file in sorted(folder.rglob("*"))]


def _stamp(files: list[Path]) -> Stamp:
    found: list[tuple[str, int]] = []
    for file in files:
        try:
            found.append((str(file), file.stat().st_mtime_ns))
        except OSError:
            continue
    return tuple(found)


def describe(opened: Opened) -> dict[str, Any]:
    """What a connection can do."""
    resources = opened.manifest.resources
    return {
        "title": opened.manifest.title,
        "provider": opened.manifest.provider,
        "resources": {
            name.replace("_", "-"): {"operations": list(can), "filters": list(resources[name].filters)}
            for name, can in opened.manifest.operations.items()
        },
    }
