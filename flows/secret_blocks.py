"""Prefect's Secret blocks as a provider of dlt's configuration: a block is named like the key that it holds.

A block's name has lower-case letters, digits and hyphens only. `connections.acme.credentials.api_key`, as a variable
`CONNECTIONS__ACME__CREDENTIALS__API_KEY`, is `connections--acme--credentials--api-key`.
"""

from __future__ import annotations

from typing import Any

from prefect.client.orchestration import get_client

from pipelines.secret_provider import NamedSecrets, use_secrets

_ROOTS = ("connections--", "destination--", "limits--")
"""What the names of our blocks begin with: no other block is ever opened."""
_TYPE, _PAGE = "secret", 200


def block_name(key: str) -> str:
    """The name of the block for a key, such as `connections.acme.credentials.api_key`."""
    return key.replace(".", "__").lower().replace("_", "-")


def use_secret_blocks() -> NamedSecrets:
    """Lets dlt find what Prefect's Secret blocks hold, as of now. Blocks of other names are left alone."""
    with get_client(sync_client=True) as client:
        names, offset = set[str](), 0
        while found := client.read_block_documents(offset=offset, limit=_PAGE, include_secrets=False):
            offset += len(found)
            names |= {one.name or "" for one in found if one.block_type and one.block_type.slug == _TYPE}
    ours = {name for name in names if name.startswith(_ROOTS)}
    secrets = NamedSecrets("Prefect Secret blocks", ours, block_name, _open)
    use_secrets(secrets)
    return secrets


def _open(name: str) -> Any:
    with get_client(sync_client=True) as client:
        return client.read_block_document_by_name(name, _TYPE, include_secrets=True).data["value"]
