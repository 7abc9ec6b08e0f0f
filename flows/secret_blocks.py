"""Prefect's Secret blocks as a provider of dlt's configuration: a block is named like the key that it holds.

A block's name has lower-case letters, digits and hyphens only. `connections.acme.credentials.api_key`, as a variable
`CONNECTIONS__ACME__CREDENTIALS__API_KEY`, is `connections--acme--credentials--api-key`.
"""

from __future__ import annotations

from typing import Any

from dlt.common.configuration.container import Container
from dlt.common.configuration.providers import ConfigProvider
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext
from prefect.client.orchestration import get_client

_ROOTS = ("connections--", "destination--", "limits--")
"""What the names of our blocks begin with: no other block is ever opened."""
_TYPE, _PAGE = "secret", 200
NAME = "Prefect Secret blocks"


class SecretBlocks(ConfigProvider):
    """The Secret blocks that are there when a run begins. They go after environment and files."""

    def __init__(self, names: set[str]) -> None:
        self._names = names
        self._found: dict[str, Any] = {}

    def get_value(self, key: str, hint: Any, pipeline_name: str | None, *sections: str) -> tuple[Any, str]:
        """The value of a key, opened once, and the name of its block."""
        name = block_name(*(part for part in (pipeline_name, *sections, key) if part))
        if name in self._names and name not in self._found:
            with get_client(sync_client=True) as client:
                block = client.read_block_document_by_name(name, _TYPE, include_secrets=True)
            self._found[name] = block.data["value"]
        return self._found.get(name), name

    @property
    def name(self) -> str:
        """What dlt calls it."""
        return NAME

    @property
    def supports_secrets(self) -> bool:
        """Secrets are what it is for."""
        return True

    @property
    def supports_sections(self) -> bool:
        """A name holds sections and key."""
        return True

    @property
    def locations(self) -> list[str]:
        """Where to look for them."""
        return ["Prefect's page of blocks"]


def block_name(*path: str) -> str:
    """The name of the block for a key."""
    text = "__".join(part.replace(".", "__") for part in path)
    return text.lower().replace("_", "-")


def use_secret_blocks() -> None:
    """Lets dlt find what Prefect's Secret blocks hold, as of now. Blocks of other names are left alone."""
    with get_client(sync_client=True) as client:
        names, offset = set[str](), 0
        while found := client.read_block_documents(offset=offset, limit=_PAGE, include_secrets=False):
            offset += len(found)
            names |= {one.name or "" for one in found if one.block_type and one.block_type.slug == _TYPE}
    ours = {name for name in names if name.startswith(_ROOTS)}
    Container()[PluggableRunContext].providers[NAME] = SecretBlocks(ours)
