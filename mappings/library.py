"""Where mappings are kept: `<provider>/<resource>.jsonata`, in a folder of the user's own or among the shipped ones."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SHIPPED = Path(__file__).parent


@dataclass(frozen=True)
class Mapping:
    """A mapping's expression and where it comes from; `digest` changes when what a record becomes may change."""

    provider: str
    resource: str
    source: str
    digest: str
    path: Path


class MappingNotFound(Exception):
    """A provider lacks the mapping of a resource that its manifest reads."""


def mapping_path(provider: str, resource: str, folders: Sequence[Path] = ()) -> Path | None:
    """The file of a mapping: in the first of the folders that has it, else the shipped one; None if there is none."""
    for folder in (*folders, SHIPPED):
        path = folder / provider / f"{resource}.jsonata"
        if path.is_file():
            return path
    return None


def load_mapping(provider: str, resource: str, folders: Sequence[Path] = ()) -> Mapping:
    """The mapping of a provider's resource; raises `MappingNotFound`."""
    path = mapping_path(provider, resource, folders)
    if path is None:
        places = ", ".join(str(folder / provider) for folder in folders) or "the shipped mappings"
        raise MappingNotFound(
            f"{provider}: there is no {resource}.jsonata in {places}; add it, or drop the resource"
        )
    source = path.read_text(encoding="utf-8")
    digest = hashlib.blake2b(source.encode(), digest_size=16).hexdigest()
    return Mapping(provider, resource, source, digest, path)
