"""Every error that the connector raises, and what may be done about each.

    LmsError
    ├── ConfigurationError                wrong before anything was asked of a provider
    │   ├── ManifestError                 a provider's manifest
    │   └── ConnectionConfigError         a connection in config.toml, secrets.toml or the environment
    ├── BudgetExhausted                   the wait for a rate limit is longer than allowed: go on at `resume_at`
    ├── Stopped                           the run was asked to end (SIGTERM, Ctrl-C)
    ├── MappingFailed                     not one record of a resource could be mapped
    ├── MappingTooSlow                    an expression of the mapping never ends, or nearly so
    ├── DeletionsRefused                  more would be retired than can be believed
    ├── WarehouseError                    between runs and the warehouse
    │   ├── WorkTaken                     another run is at the same work
    │   ├── LeaseLost                     a lease was not renewed in time: another run may be at the work
    │   ├── FolderBusy                    another process of this machine uses the connection's working folder
    │   ├── WarehouseBusy                 another process has the DuckDB file open
    │   ├── WarehouseUnreachable          the warehouse does not answer; what was read waits
    │   ├── BudgetUnreachable             what others have asked of the account cannot be told
    │   ├── LoadFailed                    what was read could not be loaded and was set aside
    │   ├── DuplicateVersions             a record has more than one current version
    │   └── TombstonesUnreadable          erased persons cannot be told without the key of their erasure
    ├── AuthorizationFailed               nobody granted access in the browser
    │   ├── AuthorizationDenied           the provider says that it was denied, or why it could not be granted
    │   └── AnswerRefused                 what came back belongs to no attempt, or came twice: it is not used
    ├── ClientClosed                      the client was closed while a request waited
    └── ProviderError                     what a provider answered, or that it did not
        ├── Fatal                         asking again gives the same answer
        │   ├── Unauthorized              the connection needs new credentials
        │   ├── Forbidden                 a permission is missing
        │   ├── NotFound
        │   ├── Invalid                   the provider refused the request as wrong
        │   ├── Redirected                the answer points elsewhere: correct `base_url`
        │   ├── ForeignOrigin             a next page lies on another origin, which gets no credentials
        │   ├── PagingError               pages repeat, or there is no telling which is the next
        │   ├── Unexpected                an answer without what the manifest looks for in it
        │   └── Rejected                  any other refusal
        ├── Retriable                     may be over in a moment
        │   ├── RateLimited
        │   └── Transient                 server errors, cut connections, torn bodies
        │       └── NothingSent           no connection was made: may be repeated whatever the request does
        └── Skippable                     no harm in going on
            ├── NoData                    the provider says in an error that there is nothing
            └── AlreadyDone               what was to be done was done before

Messages say what was attempted, what came back and what to do. They hold no credential and no e-mail address.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime


class LmsError(Exception):
    """The base of every error here."""


def chain(error: BaseException) -> Iterator[BaseException]:
    """An error and what caused it or was under way, the outermost first, each once."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


class ConfigurationError(LmsError):
    """A manifest, a connection or a variable is wrong; nothing was sent."""


class ManifestError(ConfigurationError):
    """A manifest is wrong. `problems` has one sentence for each thing that is: file, key, what was found, remedy."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class ConnectionConfigError(ConfigurationError):
    """A connection's configuration is wrong. `problems` has one sentence for each thing that is."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class BudgetExhausted(LmsError):
    """The provider's rate limit asks for a longer wait than this run may take; go on at `resume_at` (UTC)."""

    def __init__(self, message: str, *, wait: float, resume_at: datetime) -> None:
        super().__init__(message)
        self.wait = wait
        self.resume_at = resume_at


class Stopped(LmsError):
    """The run was asked to end; `reason` says by what."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The run was stopped by {reason}.")
        self.reason = reason


class AuthorizationFailed(LmsError):
    """Access was not granted in the browser."""


class AuthorizationDenied(AuthorizationFailed):
    """The provider's authorisation page ended with an error, such as a person's no."""


class AnswerRefused(AuthorizationFailed):
    """An answer of the authorisation page that belongs to no attempt of ours, or was used before."""


class MappingFailed(LmsError):
    """Records came and not one of them could be mapped: the mapping is wrong, or the provider changed its answers."""

    def __init__(self, connection: str, resource: str, lost: int, reason: str) -> None:
        super().__init__(
            f"{connection}: none of the {lost} records of {resource} could be mapped, so that nothing was loaded; "
            f"the first one: {reason}. Correct the mapping, or see whether the provider changed its answers."
        )
        self.connection, self.resource, self.lost, self.reason = connection, resource, lost, reason


class MappingTooSlow(LmsError):
    """The mapping takes longer than a run may take: an expression in it never ends, or nearly so."""

    def __init__(self, connection: str, resource: str, mapped: int) -> None:
        super().__init__(
            f"{connection}: mapping {resource} took too long after {mapped} records, so that nothing was loaded; an "
            f"expression in it is ended by its bounds again and again. See which: lms mapping test {connection} "
            f"{resource}"
        )
        self.connection, self.resource, self.mapped = connection, resource, mapped


class DeletionsRefused(LmsError):
    """A reading would retire more than half of what it covered, which a lost permission looks like as well."""

    def __init__(self, connection: str, resource: str, vanished: int, covered: int) -> None:
        super().__init__(
            f"{connection}: {vanished} of {covered} current {resource} are gone from the provider's answers, so that "
            f"nothing was loaded; a lost permission looks the same. If they were deleted, allow it: --allow-deletions."
        )
        self.connection, self.resource, self.vanished, self.covered = connection, resource, vanished, covered


class WarehouseError(LmsError):
    """Something between a run and the warehouse, or between a run and another one."""


class WorkTaken(WarehouseError):
    """Another run, `holder`, is at the same work, such as `acme/users`; its lease runs out at `until` (UTC)."""

    def __init__(self, work: str, holder: str, until: datetime) -> None:
        super().__init__(
            f"{work} is being worked on by {holder}; let it end. If it has died, its lease runs out at "
            f"{until.isoformat(timespec='seconds')}"
        )
        self.work, self.holder, self.until = work, holder, until


class LeaseLost(WarehouseError):
    """A lease could not be renewed in time, and somebody else may be at the work."""

    def __init__(self, work: str, seconds: float) -> None:
        super().__init__(
            f"the lease of {work} could not be renewed for {seconds:g} s, so that another run may have taken it; "
            "nothing more is loaded. See that the warehouse can be reached, and run again"
        )
        self.work = work


class FolderBusy(WarehouseError):
    """Another process of this machine has used the connection's working folder for longer than we wait."""

    def __init__(self, connection: str, folder: str, seconds: float) -> None:
        super().__init__(
            f"{connection}: another process on this machine has been at other resources of it for {seconds:g} s, and "
            f"both need the working folder {folder}; let that run end, or wait longer with WAREHOUSE__WAIT_SECONDS"
        )


class WarehouseBusy(WarehouseError):
    """Another process has had the DuckDB file open for longer than we wait."""

    def __init__(self, file: str, holder: str, seconds: float) -> None:
        super().__init__(
            f"opening the DuckDB file {file}: {holder} has had it open for {seconds:g} s, and DuckDB lets one process "
            "in that writes; end that one, or wait longer with WAREHOUSE__WAIT_SECONDS"
        )


class WarehouseUnreachable(WarehouseError):
    """The warehouse does not answer; what was read waits to be loaded."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"loading: the warehouse cannot be reached ({reason}); what was read waits in the working folder, and the "
            "next run on this machine loads it"
        )


class BudgetUnreachable(WarehouseError):
    """What others have asked of the account cannot be told; nothing is asked of the provider without that."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"limits: the budget that all processes draw on cannot be reached ({reason}); nothing is asked of the "
            "provider without it. Run again when it can be reached"
        )


OUT_OF_MEMORY = "OutOfMemoryException"
"""What DuckDB's error is called where its memory limit does not do."""


class LoadFailed(WarehouseError):
    """What was read could not be loaded and was set aside; `reason` quotes no row."""

    def __init__(self, connection: str, resources: str, reason: str) -> None:
        remedy = (
            "Give DuckDB more memory: memory_limit in DESTINATION__DUCKDB__CREDENTIALS__GLOBAL_CONFIG"
            if OUT_OF_MEMORY in reason
            else "See whether somebody has changed the tables, or report it"
        )
        super().__init__(
            f"loading {resources} of {connection}: the warehouse refused it every time ({reason}); it is set aside, "
            f"and the next run reads it again. {remedy}"
        )
        self.reason = reason


class DuplicateVersions(WarehouseError):
    """Records, `ids`, have more than one current version."""

    def __init__(self, connection: str, resource: str, ids: Sequence[str]) -> None:
        super().__init__(
            f"loading {resource} of {connection}: {len(ids)} records have more than one current version (the first: "
            f"{', '.join(ids[:3])}), which must never be; do not use the table, and report it with the versions' rows"
        )
        self.ids = tuple(ids)


class TombstonesUnreadable(WarehouseError):
    """Persons were erased under another `hash_key`, without which they would come back."""

    def __init__(self, connection: str) -> None:
        super().__init__(
            f"{connection}: persons were erased under another hash_key than the one configured, and reading on would "
            f"bring them back; give [connections.{connection}.privacy] the hash_key of that time"
        )


class ClientClosed(LmsError):
    """The client was closed while a request waited for a limit or for its next try."""


@dataclass(frozen=True)
class Failure:
    """What is known of a request that failed; texts are redacted already.

    `raw` is the provider's answer with its secrets cut: learners' data may be in it, so it is in no message.
    """

    attempted: str
    came_back: str
    remedy: str
    status: int | None = None
    endpoint: str | None = None
    provider_message: str | None = None
    retry_after: float | None = None
    raw: str | None = None


class ProviderError(LmsError):
    """A request failed: the message is what was attempted, what came back and what to do."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.attempted}: {failure.came_back}. {failure.remedy}".strip())
        self.failure = failure

    @property
    def status(self) -> int | None:
        """The HTTP status of the answer; None where none came."""
        return self.failure.status

    @property
    def endpoint(self) -> str | None:
        """The manifest's name of the endpoint."""
        return self.failure.endpoint

    @property
    def provider_message(self) -> str | None:
        """The provider's own words, shortened and redacted; None where no rule of the manifest finds any."""
        return self.failure.provider_message

    @property
    def retry_after(self) -> float | None:
        """Seconds after which the provider says that it may be asked again; None where it does not say."""
        return self.failure.retry_after

    @property
    def raw_response(self) -> str | None:
        """The provider's answer with its secrets cut; may hold learners' data, so never log it."""
        return self.failure.raw


class Fatal(ProviderError):
    """Asking again gives the same answer."""


class Unauthorized(Fatal):
    """The credentials are wrong, expired or revoked: the connection needs new ones."""


class Forbidden(Fatal):
    """The credentials are known and lack a permission."""


class NotFound(Fatal):
    """The provider has no such record, or no such address."""


class Invalid(Fatal):
    """The provider refused the request as wrong."""


class Redirected(Fatal):
    """The answer points to another address, which is not followed."""


class ForeignOrigin(Fatal):
    """A next page lies on another origin than the connection; credentials are not sent there."""


class PagingError(Fatal):
    """Pages repeat, or the answer does not tell which page is next."""


class Unexpected(Fatal):
    """An answer that lacks what the manifest looks for in it: nothing can be told from it."""


class Rejected(Fatal):
    """Any other refusal."""


class Retriable(ProviderError):
    """May be over in a moment."""


class RateLimited(Retriable):
    """The provider asks to wait."""


class Transient(Retriable):
    """A server error, a cut connection, a torn body."""


class NothingSent(Transient):
    """No connection was made, so that nothing was sent: the request may be repeated whatever it does."""


class Skippable(ProviderError):
    """No harm in going on."""


class NoData(Skippable):
    """The provider says, by an error, that there is nothing to read."""


class AlreadyDone(Skippable):
    """What was to be done was done before."""


KINDS: dict[str, type[ProviderError]] = {
    "rate_limited": RateLimited,
    "unauthorized": Unauthorized,
    "forbidden": Forbidden,
    "not_found": NotFound,
    "no_data": NoData,
    "already": AlreadyDone,
    "invalid": Invalid,
    "transient": Transient,
    "fatal": Rejected,
}
"""The kinds that a manifest's error rules may name."""
