"""One attempt to connect an account: what it would be is checked before it is stored, and its state is on record."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipelines.check import CheckResult, check_connection
from pipelines.connect.files import Changes, refuse_overridden, store
from pipelines.connect.questions import (
    BASE_URL,
    Question,
    Way,
    credential_questions,
    questions,
    read_answers,
    way_called,
    ways_of,
)
from pipelines.connection_state import (
    ACTIVE,
    CONNECTING,
    VALIDATION_ERROR,
    ConnectionState,
    read_state,
    write_state,
)
from pipelines.environment import Target
from pipelines.reading import warehouse_exists
from sources.unified_lms.auth import complete, needed
from sources.unified_lms.authorization_code import REFRESH_TOKEN, Authorization, with_refresh_token
from sources.unified_lms.configured import drafted, leaf, listed
from sources.unified_lms.connection import Connection, is_name, load_connection, manifest_of
from sources.unified_lms.errors import ConfigurationError
from sources.unified_lms.manifest import Manifest, load_manifest
from sources.unified_lms.manifest.sentences import suggestion
from sources.unified_lms.tokens import FileTokens, MemoryTokens, Token, TokenStore, drop_tokens, token_store

GIVEN_UP = "Connecting was given up before it ended; run `lms connect` again."
NOT_CHECKED = "It is stored and was not checked, since the provider did not answer: {}"
_TO_COME = "still to be granted"
"""Stands for a credential that a connection has to have before it can be read from the configuration."""

Values = Mapping[str, Any]
"""Values by their key in the connection's section, such as `credentials.api_key`."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What became of an attempt. `stored` are the files that hold it, none where it was refused."""

    connection: str
    provider: str
    state: str
    message: str | None
    check: CheckResult
    stored: tuple[Path, ...] = ()

    @property
    def document(self) -> dict[str, Any]:
        """The outcome as JSON."""
        return {
            "connection": self.connection,
            "provider": self.provider,
            "state": self.state,
            "message": self.message,
            "stored": [str(file) for file in self.stored],
            "check": self.check.document,
        }


def configured_provider(name: str, *, reauthorize: bool) -> str | None:
    """The provider of the connection that is there; `ConfigurationError` where it may not be, or has to be."""
    there = leaf(name, "provider")
    if there is not None and not reauthorize:
        raise ConfigurationError(
            f"there is a connection {name!r} already; give it new credentials with "
            f"`lms connect {name} --reauthorize`, or choose another name"
        )
    if there is None and (reauthorize or not is_name(name)):
        load_connection(name)  # which says what is wrong with the name, or that nobody configured it
    return None if there is None else str(there)


class Attempt:
    """Connects an account of a provider as `name`, or gives a connection that is there new credentials.

    `given` are answers that are known already, by key; `scopes` take the place of the manifest's.
    """

    def __init__(
        self,
        name: str,
        provider: str,
        target: Target,
        *,
        reauthorize: bool = False,
        given: Mapping[str, str] | None = None,
        folders: Sequence[Path] = (),
        scopes: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.reauthorize = reauthorize
        self._target = target
        self._folders = tuple(folders)
        self._scopes = tuple(scopes)
        self.manifest = self._manifest(provider)
        self.given = dict(given or {})
        self._refuse_given()
        refuse_overridden(name, self._places())
        self._kept = self._credentials() if reauthorize else {}
        self._before: ConnectionState | None = None

    def _manifest(self, provider: str) -> Manifest:
        if not self.reauthorize:
            return load_manifest(provider, self._folders)
        folders = (*self._folders, *map(Path, listed(leaf(self.name, "folders"))))
        names = load_manifest(provider, [folder.expanduser() for folder in folders]).credentials
        with drafted(self.name, {"credentials": dict.fromkeys(names, _TO_COME)}):
            return manifest_of(load_connection(self.name, self._folders))

    def _refuse_given(self) -> None:
        known = {f"settings.{name}" for name in self.manifest.settings} | {BASE_URL}
        if self.reauthorize and self.given:
            raise ConfigurationError(
                f"--reauthorize changes credentials alone; change {', '.join(self.given)} in .dlt/config.toml"
            )
        for key in self.given.keys() - known:
            short = key.removeprefix("settings.")
            near = suggestion(short, self.manifest.settings)
            raise ConfigurationError(f"{short!r} is no setting of {self.manifest.provider}; {near}")

    def _places(self) -> Iterator[tuple[str, ...]]:
        if not self.reauthorize:
            yield from (("provider",), (BASE_URL,))
        yield from (("credentials", name) for name in self.manifest.credentials)

    def _credentials(self) -> dict[str, str]:
        """The credentials that the connection has, which need not be given again."""
        found = (
            (name, leaf(self.name, "credentials", name, secret=True)) for name in self.manifest.credentials
        )
        return {name: str(value) for name, value in found if value is not None}

    # -- what is asked -----------------------------------------------------------------------------

    @property
    def ways(self) -> tuple[Way, ...]:
        """The ways to sign in; first those that the connection which is there has credentials for."""
        used = complete(self.manifest.auth, self._kept)
        own = set(needed(used)) if used else set()

        def later(way: Way) -> bool:
            return not own or set(way.credentials) | ({REFRESH_TOKEN} if way.authorizes else set()) != own

        return tuple(sorted(ways_of(self.manifest), key=later))

    def way(self, key: str | None) -> Way:
        """The way with a key, without one the first; `ConfigurationError` names those there are."""
        found = self.ways
        return found[0] if key is None else way_called(self.manifest, key)

    def asked(self, way: Way) -> tuple[Question, ...]:
        """What has to be asked: for new credentials those alone, of which the present ones may be kept."""
        if not self.reauthorize:
            return questions(self.manifest, way)
        found = credential_questions(self.manifest, way)
        return tuple(replace(one, required=not self.is_kept(one)) for one in found)

    def is_kept(self, question: Question) -> bool:
        """Whether no answer means that the credential stays as it is."""
        return question.path[0] == "credentials" and question.path[-1] in self._kept

    def values(self, way: Way, answers: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
        """The values of answers, with what was given or is kept, and what is wrong, by key."""
        values, problems = read_answers(self.asked(way), {**self.given, **answers})
        kept = {f"credentials.{name}": self._kept[name] for name in way.credentials if name in self._kept}
        return kept | values, problems

    def connection(self, way: Way, values: Values) -> Connection:
        """The connection that the values make, which is nowhere stored yet. Raises `ConnectionConfigError`."""
        refuse_overridden(self.name, (tuple(key.split(".")) for key in values))
        credentials = {name: values.get(f"credentials.{name}", "") for name in self.manifest.credentials}
        if way.authorizes:
            credentials[REFRESH_TOKEN] = _TO_COME
        tree: dict[str, Any] = {"credentials": credentials}
        if not self.reauthorize:
            settings = {
                key.split(".")[1]: value for key, value in values.items() if key.startswith("settings.")
            }
            address = {BASE_URL: values[BASE_URL]} if BASE_URL in values else {}
            tree |= {"provider": self.manifest.provider, "settings": settings, **address}
        with drafted(self.name, tree):
            found = load_connection(self.name, self._folders)
        # Without what stands for the refresh token, which nobody is to be sent.
        own = {name: value for name, value in found.credentials.items() if value != _TO_COME}
        return replace(found, credentials=own)

    def authorization(self, connection: Connection, redirect_uri: str) -> Authorization:
        """An attempt to be granted access in a browser."""
        return Authorization(self.manifest, connection, redirect_uri, scopes=self._scopes)

    # -- what becomes of it ------------------------------------------------------------------------

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Puts on record that the connection is being made; where the block ends with an error, that as well."""
        self._before = self._state_before()
        self._record(CONNECTING, None)
        try:
            yield
        except BaseException as error:
            self._record_failure(str(error) if isinstance(error, Exception) and _is_ours(error) else GIVEN_UP)
            raise

    def finish(self, connection: Connection, values: Values, token: Token | None = None) -> Outcome:
        """Checks a connection, and stores it unless the check says that the connection itself is wrong."""
        if token is not None:
            connection = replace(connection, credentials=with_refresh_token(connection.credentials, token))
        tokens = _tokens_of(connection)
        with _kept_only_if_good(tokens) as keep:
            if token is not None:
                with tokens.locked():
                    tokens.write(token)
            result = check_connection(connection, self.manifest)
            if result.state not in (None, ACTIVE):
                return self._refused(result)
            stored = store(self.name, self._config(values), self._secrets(connection))
            keep()
        self._refuse_elsewhere(connection)
        drop_tokens(connection.token_folder, self.name, tokens)
        state, message = ACTIVE, None
        if result.state is None:
            state, message = CONNECTING, NOT_CHECKED.format(result.message)
        self._record(state, message)
        return Outcome(self.name, self.manifest.provider, state, message, result, stored)

    def _refuse_elsewhere(self, connection: Connection) -> None:
        """Raises for a credential that is set where nothing was stored, a vault for one, and that is not meant."""
        found = {
            name: leaf(self.name, "credentials", name, secret=True) for name in self.manifest.credentials
        }
        for name, value in found.items():
            if value != connection.credentials.get(name):
                raise ConfigurationError(
                    f"connections.{self.name}.credentials.{name} has another value elsewhere in the configuration, "
                    "which is in force; remove it there"
                )

    def _refused(self, result: CheckResult) -> Outcome:
        message = result.message or "the check failed"
        return Outcome(self.name, self.manifest.provider, self._record_failure(message), message, result)

    def _config(self, values: Values) -> Changes:
        if self.reauthorize:
            return {}
        found: dict[tuple[str, ...], Any] = {("provider",): self.manifest.provider}
        if self._folders:
            found["folders",] = [str(folder) for folder in self._folders]
        return found | {
            tuple(key.split(".")): value
            for key, value in values.items()
            if not key.startswith("credentials.")
        }

    def _secrets(self, connection: Connection) -> Changes:
        """Every credential that the manifest knows: what is not used any more is removed."""
        return {
            ("credentials", name): str(connection.credentials[name])
            if name in connection.credentials
            else None
            for name in self.manifest.credentials
        }

    def _record_failure(self, message: str) -> str:
        """What is on record after an attempt that failed: where a connection is in force, that one's state."""
        before = self._before
        in_force = self.reauthorize and before is not None and before.state != CONNECTING
        state = before.state if before and in_force else VALIDATION_ERROR
        self._record(state, before.message if before and state == ACTIVE else message)
        return state

    def _state_before(self) -> ConnectionState | None:
        try:
            return read_state(self._target, self.name) if warehouse_exists(self._target) else None
        except Exception as error:  # noqa: BLE001 - what a warehouse cannot tell keeps nobody from connecting
            _log.warning("%s: its state could not be read (%s)", self.name, type(error).__name__)
            return None

    def _record(self, state: str, message: str | None) -> None:
        try:
            write_state(self._target, self.name, self.manifest.provider, state, message)
        except Exception as error:  # noqa: BLE001 - nor what it cannot keep
            _log.warning("%s: the state %s was not recorded (%s)", self.name, state, type(error).__name__)


def _is_ours(error: Exception) -> bool:
    return type(error).__module__ == ConfigurationError.__module__


def _tokens_of(connection: Connection) -> TokenStore:
    return token_store(connection.token_folder, connection.name, connection.base_url, connection.credentials)


@contextmanager
def _kept_only_if_good(tokens: TokenStore) -> Iterator[Any]:
    """Deletes what the block puts into a store that was empty, unless the block calls what it is given."""
    good = isinstance(tokens, MemoryTokens) or tokens.read() is not None

    def keep() -> None:
        nonlocal good
        good = True

    try:
        yield keep
    finally:
        if not good and isinstance(tokens, FileTokens):
            with tokens.locked():
                tokens.delete()
