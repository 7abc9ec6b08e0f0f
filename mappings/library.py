"""Where mappings are kept: `<provider>/<resource>.jsonata`, in a folder of the user's own or among the shipped ones."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mappings.merging import Merged, merge
from mappings.overlays import Overlay, column_types

SHIPPED = Path(__file__).parent


@dataclass(frozen=True)
class Mapping:
    """A mapping with the overlays over it; `digest` changes when what a record becomes may change."""

    provider: str
    resource: str
    merged: Merged
    digest: str
    path: Path
    """The file of the mapping itself."""
    types: dict[str, str] = field(default_factory=dict)
    """The custom fields whose type overlays declare."""

    @property
    def source(self) -> str:
        """The expression, overlays included."""
        return self.merged.source


class MappingNotFound(Exception):
    """A provider lacks the mapping of a resource that its manifest reads."""


def mapping_path(provider: str, resource: str, folders: Sequence[Path] = ()) -> Path | None:
    """The file of a mapping: in the first of the folders that has it, else the shipped one; None if there is none."""
    for folder in (*folders, SHIPPED):
        path = folder / provider / f"{resource}.jsonata"
        if path.is_file():
            return path
    return None


def load_mapping(
    provider: str, resource: str, folders: Sequence[Path] = (), overlays: Sequence[Overlay] = ()
) -> Mapping:
    """The mapping of a provider's resource with overlays, the lowest level first; raises `MappingNotFound`."""
    path = mapping_path(provider, resource, folders)
    if path is None:
        places = ", ".join(str(folder / provider) for folder in folders) or "the shipped mappings"
        raise MappingNotFound(
            f"{provider}: there is no {resource}.jsonata in {places}; add it, or drop the resource"
        )
    merged = merge(path.read_text(encoding="utf-8"), f"{provider}/{resource}.jsonata", overlays)
    types = column_types(overlays)
    return Mapping(provider, resource, merged, _digest(merged.source, types), path, types)


@dataclass(frozen=True)
class WriteMapping:
    """The expression that makes a provider's calls of what is asked for; `name` says whose it is, for messages."""

    name: str
    source: str
    path: Path


def load_write_mapping(
    provider: str, resource: str, operation: str, folders: Sequence[Path] = ()
) -> WriteMapping:
    """The mapping of one operation: in the first of the folders that has it, else the shipped one.

    Raises `MappingNotFound`.
    """
    name = f"{provider}/write/{resource}/{operation}.jsonata"
    for folder in (*folders, SHIPPED):
        path = folder / provider / "write" / resource / f"{operation}.jsonata"
        if path.is_file():
            return WriteMapping(name, path.read_text(encoding="utf-8"), path)
    raise MappingNotFound(f"{provider}: there is no {name}; add it, or drop the operation from the manifest")


def _digest(source: str, types: dict[str, str]) -> str:
    declared = "".join(f"\x1f{name}:{kind}" for name, kind in sorted(types.items()))
    return hashlib.blake2b(f"{source}{declared}".encode(), digest_size=16).hexdigest()
