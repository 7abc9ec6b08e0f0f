"""Why a connection is left out of a run: it is paused, or its credentials were refused."""

from __future__ import annotations

from typing import Any

from prefect.variables import Variable

from flows.outcomes import remedy
from pipelines.connection_state import NEEDS_REAUTH, read_state
from pipelines.environment import Target
from sources.unified_lms.errors import ConfigurationError

PAUSED = "unified_lms_paused"
"""The Prefect variable with the names of paused connections, a JSON list: it takes effect with the next run."""


def reason_to_skip(connection: str, target: Target) -> str | None:
    """Why no run of the connection is to begin; None where one may."""
    if connection in paused_connections():
        return f"{connection} is paused; to go on, take it out of Prefect's variable {PAUSED}"
    found = read_state(target, connection)
    if found is None or found.state != NEEDS_REAUTH:
        return None
    since = f"{found.checked_at:%Y-%m-%d %H:%M}"
    return f"{connection} needs new credentials since {since}: {found.message or ''} {remedy(connection)}"


def paused_connections() -> tuple[str, ...]:
    """The names in the variable; raises `ConfigurationError` where it holds anything else."""
    value: Any = Variable.get(PAUSED, default=[])
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ConfigurationError(
            f'Prefect\'s variable {PAUSED} has to be a JSON list of connection names, such as ["acme"]'
        )
    return tuple(str(name) for name in value)
