"""A provider of dlt's configuration for secrets that somebody else keeps, such as a scheduler, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dlt.common.configuration.container import Container
from dlt.common.configuration.providers import ConfigProvider
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext


class NamedSecrets(ConfigProvider):
    """Secrets that are there under certain names. They go after environment and files."""

    def __init__(
        self, title: str, names: set[str], name_of: Callable[[str], str], open_one: Callable[[str], Any]
    ) -> None:
        self._title, self._names, self._name_of, self._open = title, names, name_of, open_one
        self._found: dict[str, Any] = {}

    def get_value(self, key: str, hint: Any, pipeline_name: str | None, *sections: str) -> tuple[Any, str]:
        """The value of a key, opened once, and the name that it has where it is kept."""
        path = ".".join(part for part in (pipeline_name, *sections, key) if part)
        name = self._name_of(path)
        if name in self._names and name not in self._found:
            self._found[name] = self._open(name)
        return self._found.get(name), name

    @property
    def name(self) -> str:
        """What dlt calls it."""
        return self._title

    @property
    def supports_secrets(self) -> bool:
        """Secrets are what it is for."""
        return True

    @property
    def supports_sections(self) -> bool:
        """A name holds sections and key."""
        return True

    @property
    def opened(self) -> set[str]:
        """The names of those that were asked for."""
        return set(self._found)


def use_secrets(secrets: NamedSecrets) -> None:
    """Lets dlt look there as well, from now on; what had the same title before is replaced."""
    Container()[PluggableRunContext].providers[secrets.name] = secrets
