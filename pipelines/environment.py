"""Every choice that depends on the surroundings: which destination, which dataset, where pipelines keep their files.

All of it is dlt's own configuration (`DESTINATION__DUCKDB__CREDENTIALS`, `DESTINATION__POSTGRES__CREDENTIALS`, files in
`.dlt/`); there is no second mechanism.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dlt
from dlt.common.configuration.container import Container
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext
from dlt.common.destination.reference import Destination
from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials

from pipelines.budget import share
from pipelines.mended import StreamingPostgres, SturdyPipeline, WaitingDuckDb
from sources.unified_lms.configured import token_folder
from sources.unified_lms.errors import ConfigurationError
from sources.unified_lms.memory import share_arenas

DESTINATIONS = ("duckdb", "postgres")
DEFAULT_DATASET = "lms"
DEFAULT_FILE = "warehouse.duckdb"

DUCKDB_SETTINGS = {"threads": 2, "preserve_insertion_order": False}
DUCKDB_MEMORY_MB = 120
"""Bounds of the DuckDB that loads: by default it takes most of the machine's memory. Beyond them it uses the disk.

What does not fit is tried again with twice as much (`pipelines.recovery`), unless `memory_limit` is configured.
"""

DEFAULTS = {
    # Learners' data: nothing about it is sent to anybody.
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    # dlt leaves the loaded files and the staging tables full of learners' data unless it is told not to.
    "LOAD__DELETE_COMPLETED_JOBS": "true",
    "LOAD__TRUNCATE_STAGING_DATASET": "true",
    # Our own messages say what happens. What dlt logs of a load that fails quotes it, with a traceback.
    "RUNTIME__LOG_LEVEL": "CRITICAL",
    # A signal ends a run at a safe point of ours; a load that has begun is short, and is let come to its end.
    "RUNTIME__INTERCEPT_SIGNALS": "false",
}


def prepare() -> None:
    """Sets what dlt must know before its first call, unless the environment says otherwise; bounds memory and requests.

    From then on every client of this process draws on the budgets that are shared with others (`pipelines.budget`).
    """
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    share_arenas()
    share()


def serve_folder() -> Path:
    """Where a server keeps its keys: `folder` in the section `serve`, else beside the folder of tokens."""
    named = dlt.config.get("serve.folder", str)
    return Path(named).expanduser() if named else token_folder().with_name("serve")


def configuration_files() -> list[Path]:
    """The files that dlt reads its configuration and secrets from, whether they are there or not."""
    providers = Container()[PluggableRunContext].providers.providers
    return [Path(place) for each in providers for place in getattr(each, "locations", ())]


def reload_configuration() -> None:
    """Makes dlt read its files again."""
    Container()[PluggableRunContext].reload_providers()


@dataclass(frozen=True)
class Target:
    """Where tables go: a dlt destination, a dataset (schema) in it, and a text that tells it from others."""

    destination: str
    dataset: str
    location: str
    """The DuckDB file's path, or `postgres` with a digest of its address: never a credential."""

    def pipeline(self, connection: str, beside: str = "") -> dlt.Pipeline:
        """The connection's own pipeline: its working folder and staging dataset are shared with nobody.

        `beside` names work that may run beside the connection's syncs, and has a pipeline of its own for that.
        """
        return dlt.pipeline(
            self.pipeline_name(connection, beside),
            destination=self._destination(connection, beside),
            dataset_name=self.dataset,
            _impl_cls=SturdyPipeline,
        )

    def pipeline_name(self, connection: str, beside: str = "") -> str:
        """How the connection's pipeline is called.

        The name holds a digest of the location, so that work left behind for one warehouse never ends up in another.
        """
        return f"unified_lms_{connection}_{_digest(f'{self.location}/{self.dataset}{beside}')}"

    def _destination(self, connection: str, beside: str) -> Destination[Any, Any]:
        # A connection may be called whatever another one and its backfill would be called together: hence a digest.
        layout = f"%s_staging_{connection}" + (f"_{_digest(connection + beside)}" if beside else "")
        if self.destination == "postgres":
            return StreamingPostgres(staging_dataset_name_layout=layout)
        credentials = _duckdb_credentials()
        duckdb = WaitingDuckDb(credentials, staging_dataset_name_layout=layout)
        duckdb.memory_mb = None if "memory_limit" in (credentials.global_config or {}) else DUCKDB_MEMORY_MB
        return duckdb


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()


def target(destination: str | None = None, dataset: str | None = None) -> Target:
    """The target asked for, else the configured one: PostgreSQL where only that is configured, DuckDB otherwise."""
    name = destination or _configured_destination()
    if name not in DESTINATIONS:
        raise ConfigurationError(
            f"--destination: {name!r} is not supported; use one of {', '.join(DESTINATIONS)}"
        )
    dataset = dataset or dlt.config.get("dataset_name", str) or DEFAULT_DATASET
    if name == "postgres":
        return Target(name, dataset, _postgres_location())
    file = Path(_duckdb_file()).absolute()
    if file.stem == dataset:
        raise ConfigurationError(
            f"the DuckDB file {file.name} is named like its dataset {dataset}, which DuckDB cannot tell apart; "
            "rename the file, or name another dataset with --dataset"
        )
    return Target(name, dataset, str(file))


def _configured_destination() -> str:
    only_postgres = _credentials("postgres") is not None and _credentials("duckdb") is None
    return "postgres" if only_postgres else "duckdb"


def _credentials(destination: str) -> Any:
    return dlt.secrets.get(f"destination.{destination}.credentials")


def _duckdb_credentials() -> DuckDbCredentials:
    """The file, and how much of the machine writing it may take."""
    key = "destination.duckdb.credentials.global_config"
    configured = dlt.secrets.get(key, dict) or dlt.config.get(key, dict) or {}
    return DuckDbCredentials(_duckdb_file(), global_config={**DUCKDB_SETTINGS, **configured})


def _duckdb_file() -> str:
    found = _credentials("duckdb")
    if found is None:
        return DEFAULT_FILE
    text = str(found["database"] if isinstance(found, dict) else found)
    return text.removeprefix("duckdb:///")


def _postgres_location() -> str:
    found = _credentials("postgres")
    if found is None:
        raise ConfigurationError(
            "PostgreSQL has no credentials; set DESTINATION__POSTGRES__CREDENTIALS=postgresql://user:password@host/db, "
            "or [destination.postgres] credentials in .dlt/secrets.toml"
        )
    return "postgres:" + hashlib.blake2b(str(found).encode(), digest_size=8).hexdigest()
