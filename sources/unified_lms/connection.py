"""A connection: one account at one provider, as dlt's configuration has it.

Read leaf by leaf (`connections.acme.credentials.api_key`), so that environment variables, `.dlt/config.toml`,
`.dlt/secrets.toml` and dlt's vault providers all work, each value from wherever it is.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sources.unified_lms.auth import complete, ways
from sources.unified_lms.configured import (
    MAPPINGS,
    ROOT,
    Problem,
    configured_names,
    flag,
    leaf,
    listed,
    mappings_folder,
    section,
    setting_value,
    token_folder,
    where_to_put,
)
from sources.unified_lms.errors import ConnectionConfigError, ManifestError
from sources.unified_lms.manifest import Manifest, load_manifest, provider_names
from sources.unified_lms.manifest.sentences import suggestion
from sources.unified_lms.overlays import NO_OVERLAYS, Overlays, load_overlays
from sources.unified_lms.policy import READ_ONLY, WritePolicy, policy_problem
from sources.unified_lms.privacy import NO_PRIVACY, Privacy
from sources.unified_lms.privacy import problems as privacy_problems

_NAME = re.compile(r"(?!.*__)[a-z][a-z0-9_]*")
_KEYS = ("provider", "base_url", "keep_raw", "folders")
_SECTIONS = ("credentials", "settings", "network", "sync", "privacy", "retention", "writes", "mappings")
_NETWORK = ("proxy", "ca_bundle")
_SYNC = ("overlap_minutes", "full_every_days")
_MAPPINGS = ("folder",)
_PRIVACY = ("drop", "hash", "remote_data", "hash_key")
_WRITES = ("allow", "require_approval", "max_writes", "max_failures", "max_failure_share")
_RETENTION = ("history_days", "rejected_days")


def is_name(text: str) -> bool:
    """Whether a connection may be called so."""
    return _NAME.fullmatch(text) is not None


class Secret(str):
    """Text that does not show in a repr."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret('***')"


@dataclass(frozen=True)
class Network:
    """How the provider is reached: a proxy's address, and a file with certificates of a private authority."""

    proxy: Secret | None = None
    ca_bundle: Path | None = None


@dataclass(frozen=True)
class Rhythm:
    """How far an incremental run reaches back, and how often everything is read."""

    overlap: timedelta = timedelta(minutes=60)
    """Changes are asked for from so long before the last run: clocks differ, and some changes show late."""
    full_every: timedelta = timedelta(days=7)
    """When the last whole reading is so long ago, the next run is a whole one, which alone finds what has vanished."""


@dataclass(frozen=True)
class Retention:
    """How long the warehouse keeps what is no longer so; for ever by default."""

    history: timedelta | None = None
    """Versions that ended so long ago are deleted."""
    rejected: timedelta | None = None
    """Rejections that were last met so long ago are deleted."""


@dataclass(frozen=True)
class Connection:
    """One account at one provider. Credentials show in no repr."""

    name: str
    provider: str
    base_url: str
    """Scheme, host and perhaps a prefix of the path, without a slash at the end."""
    credentials: Mapping[str, Secret] = field(default_factory=dict, repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What is configured, checked against the manifest; without defaults and without what is discovered."""
    network: Network = Network()
    sync: Rhythm = Rhythm()
    privacy: Privacy = NO_PRIVACY
    retention: Retention = Retention()
    keep_raw: bool = False
    """Whether the warehouse keeps the provider's own records, in `remote_data`."""
    folders: tuple[Path, ...] = ()
    """Where manifests and mappings of the user's own are looked for."""
    token_folder: Path | None = None
    """Where tokens are kept that the provider issues; None: in memory, until the process ends."""
    overlays: Overlays = NO_OVERLAYS
    """What the environment and the connection change about mappings and manifest, as it was when this was read."""
    writes: WritePolicy = READ_ONLY
    """What may be written; nothing by default."""


def connection_names() -> list[str]:
    """The connections that are configured: sections of the files, and `CONNECTIONS__<NAME>__PROVIDER` variables."""
    return configured_names()


def load_connection(name: str, folders: Iterable[Path | str] = ()) -> Connection:
    """The connection called `name`; `ConnectionConfigError` lists everything that is wrong with it.

    `folders` hold manifests and mappings of the user's own, and go before those that the connection names itself.
    """
    return _Reading(name).connection(tuple(map(Path, folders)))


def manifest_of(connection: Connection) -> Manifest:
    """The manifest of a connection's provider, with what overlays change about it."""
    return load_manifest(connection.provider, connection.folders, connection.overlays.changes)


class _Reading:
    """Reads one connection, and collects what is wrong with it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._place = f"{ROOT}.{name}"
        self._problems: list[str] = []

    def connection(self, folders: tuple[Path, ...]) -> Connection:
        """The connection, whole and valid."""
        if not is_name(self._name):
            raise ConnectionConfigError([_wrong_name(self._name)])
        tree = section(self._name)
        provider = leaf(self._name, "provider")
        if provider is None:
            raise ConnectionConfigError([_no_provider(self._name)])
        folders += tuple(Path(item).expanduser() for item in self._try("folders", listed, ()))
        overlays = self._overlays(str(provider), folders)
        manifest = self._manifest(str(provider), folders, overlays)
        self._refuse_unknown(tree, manifest)
        connection = Connection(
            name=self._name,
            provider=manifest.provider,
            base_url=self._base_url(manifest),
            credentials=self._credentials(manifest),
            settings=self._settings(manifest),
            network=self._network(),
            sync=self._rhythm(),
            privacy=self._privacy(),
            retention=self._retention(),
            keep_raw=self._try("keep_raw", flag, False),
            folders=folders,
            token_folder=token_folder(),
            overlays=overlays,
            writes=self._writes(),
        )
        if self._problems:
            raise ConnectionConfigError(self._problems)
        return connection

    def _note(self, key: str, problem: str) -> None:
        self._problems.append(f"{self._place}.{key} {problem}")

    def _try(self, key: str, make: Any, default: Any) -> Any:
        """The value at a key made by `make`; the default where it is not set or does not fit, which is noted."""
        value = leaf(self._name, *key.split("."))
        if value is None:
            return default
        try:
            return make(value)
        except Problem as problem:
            self._note(key, str(problem))
            return default

    def _overlays(self, provider: str, folders: tuple[Path, ...]) -> Overlays:
        shared, unknown = mappings_folder()
        own = leaf(self._name, MAPPINGS, "folder")
        places = {"environment": shared, "connection": None if own is None else str(own)}
        found, problems = load_overlays(
            {level: place for level, place in places.items() if place}, provider, provider_names(folders)
        )
        self._problems += [
            f"{MAPPINGS}.{key} is not a known key; {suggestion(key, _MAPPINGS)}" for key in unknown
        ]
        self._problems += [f"{self._place}: {problem}" for problem in problems]
        return found

    def _manifest(self, provider: str, folders: tuple[Path, ...], overlays: Overlays) -> Manifest:
        try:
            return load_manifest(provider, folders, overlays.changes)
        except ManifestError as error:
            problems = [f"{self._place}.provider: {problem}" for problem in error.problems]
        raise ConnectionConfigError(problems)

    def _refuse_unknown(self, tree: Mapping[str, Any], manifest: Manifest) -> None:
        for key in tree.keys() - {*_KEYS, *_SECTIONS}:
            self._note(key, f"is not a known key; {suggestion(key, [*_KEYS, *_SECTIONS])}")
        for part, known in self._declared(manifest):
            for key in _as_section(tree.get(part)).keys() - set(known):
                self._note(f"{part}.{key}", f"is not known to {manifest.provider}; {suggestion(key, known)}")
            if tree.get(part) is not None and not isinstance(tree[part], Mapping):
                self._note(part, f"has to be a section: [{self._place}.{part}]")

    def _declared(self, manifest: Manifest) -> Iterator[tuple[str, Iterable[str]]]:
        yield "credentials", manifest.credentials
        yield "settings", manifest.settings
        yield "network", _NETWORK
        yield "sync", _SYNC
        yield "privacy", _PRIVACY
        yield "retention", _RETENTION
        yield "writes", _WRITES
        yield MAPPINGS, _MAPPINGS

    def _base_url(self, manifest: Manifest) -> str:
        if leaf(self._name, "base_url") is None:
            if manifest.api.base_url is None:
                self._note("base_url", f"is missing; {where_to_put(self._name, 'base_url')}")
            return manifest.api.base_url or ""
        return str(self._try("base_url", base_url, ""))

    def _credentials(self, manifest: Manifest) -> dict[str, Secret]:
        found = {}
        for key, declared in manifest.credentials.items():
            value = leaf(self._name, "credentials", key, secret=True)
            if value is not None:
                found[key] = Secret(value)
            elif declared.required:
                where = where_to_put(self._name, "credentials", key, secret=True)
                self._note(f"credentials.{key}", f"({declared.title}) is missing; {where}")
        if all(key in found for key, declared in manifest.credentials.items() if declared.required):
            self._refuse_no_way(manifest, found)
        return found

    def _refuse_no_way(self, manifest: Manifest, given: Mapping[str, Secret]) -> None:
        """Where none is required by itself (a token, or what one is asked for with), one way has to be whole."""
        if complete(manifest.auth, given) is None:
            where = where_to_put(self._name, "credentials", "<name>", secret=True)
            self._note("credentials", f"are incomplete; give {ways(manifest.auth)}; for each {where}")

    def _settings(self, manifest: Manifest) -> dict[str, Any]:
        found = {}
        for key, declared in manifest.settings.items():
            value = self._try(f"settings.{key}", lambda raw, one=declared: setting_value(one, raw), None)
            if value is not None:
                found[key] = value
        return found

    def _rhythm(self) -> Rhythm:
        default = Rhythm()
        overlap = self._try("sync.overlap_minutes", _amount, None)
        days = self._try("sync.full_every_days", _amount, None)
        return Rhythm(
            default.overlap if overlap is None else timedelta(minutes=overlap),
            default.full_every if days is None else timedelta(days=days),
        )

    def _privacy(self) -> Privacy:
        key = leaf(self._name, "privacy", "hash_key", secret=True)
        drop, hashed, cut = (self._try(f"privacy.{name}", listed, ()) for name in _PRIVACY[:3])
        found = Privacy(drop, hashed, cut, None if key is None else Secret(key))
        for problem in privacy_problems(found):
            self._problems.append(f"{self._place}.privacy: {problem}")
        return found

    def _retention(self) -> Retention:
        days = (self._try(f"retention.{name}", _amount, None) for name in _RETENTION)
        return Retention(*(None if number is None else timedelta(days=number) for number in days))

    def _writes(self) -> WritePolicy:
        makes = {"allow": _operations, "require_approval": flag, "max_failure_share": _share}
        found = {name: self._try(f"writes.{name}", makes.get(name, _whole), None) for name in _WRITES}
        return WritePolicy(**{name: value for name, value in found.items() if value is not None})

    def _network(self) -> Network:
        proxy = self._try("network.proxy", _proxy, None)
        return Network(proxy, self._try("network.ca_bundle", _certificates, None))


def _amount(value: Any) -> float:
    """A number that is not negative."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = -1.0
    if isinstance(value, bool) or not 0 <= found < 1_000_000:
        raise Problem(f"is {value!r}; it has to be a number, 0 or more")
    return found


def _whole(value: Any) -> int:
    """A whole number that is not negative."""
    found = _amount(value)
    if not found.is_integer():
        raise Problem(f"is {value!r}; it has to be a whole number")
    return int(found)


def _share(value: Any) -> float:
    """A share, from 0 to 1."""
    found = _amount(value)
    if found > 1:
        raise Problem(f"is {value!r}; it has to be a share such as 0.1")
    return found


def _operations(value: Any) -> tuple[str, ...]:
    """Patterns of operations, each of which allows something that there is."""
    found = listed(value)
    problems = [problem for problem in map(policy_problem, found) if problem]
    if problems:
        raise Problem(f"names operations that there are not: {'; '.join(problems)}")
    return found


def _as_section(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _wrong_name(name: str) -> str:
    return (
        f"{name!r} is no name for a connection; it has to be lower-case letters, digits and single underscores, "
        "a letter first"
    )


def _no_provider(name: str) -> str:
    known = suggestion(name, configured_names())
    return f"there is no connection {name!r} ({known}); to make one, {where_to_put(name, 'provider')}"


def base_url(value: Any) -> str:
    """A provider's address without a slash at the end; `Problem` unless it is https, or http on this machine.

    It may have a path before the API's, and neither user, query nor fragment.
    """
    text = str(value).strip().rstrip("/")
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise Problem("is no address; write it such as https://acme.example.com") from None
    if parts.username is not None or parts.password is not None:
        raise Problem("holds a user or a password; remove it, credentials have a section of their own")
    if parts.scheme not in ("https", "http") or not host or re.search(r"\s", text):
        raise Problem("is no address; write it such as https://acme.example.com")
    if parts.query or parts.fragment:
        raise Problem(
            "has a query or a fragment; write scheme and host only, such as https://acme.example.com"
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise Problem("begins with http://, over which credentials can be read; write https://")
    return text


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _proxy(value: Any) -> Secret:
    try:
        parts = urlsplit(str(value))
        valid = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        valid = False
    if not valid:
        raise Problem("is no HTTP proxy's address; write it such as http://proxy.example.com:3128")
    return Secret(value)


def _certificates(value: Any) -> Path:
    file = Path(str(value)).expanduser()
    if not file.is_file():
        raise Problem(f"names {str(value)!r}, which is no file; give a file of certificates in PEM form")
    return file
