"""Overlay files: found in the folders that the configuration names, and read anew at each run.

A folder is a local one or any address that fsspec can open, with `<provider>/<resource>.yaml` in it and, for what a
connection may change about the provider's manifest, `<provider>/manifest.yaml`; `<provider>/write/<resource>.yaml`
is over what is written. What cannot be read ends the run: going
on without an overlay would write another history.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fsspec

from mappings.model import RESOURCES
from mappings.overlays import Overlay, OverlayError, nearest, parse_overlay
from sources.unified_lms.errors import ManifestError
from sources.unified_lms.manifest.changes import Change, parse_changes

LEVELS = ("environment", "connection")
"""The levels over the shipped mappings, the lowest first."""
MANIFEST = "manifest"
"""The name of the file that changes the manifest."""
WRITE = "write"
"""The folder below a provider's with the overlays of what is written."""
_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True)
class Overlays:
    """What lies over a provider's mappings and manifest, the lowest level first."""

    mappings: Mapping[str, tuple[Overlay, ...]] = field(default_factory=dict)
    """By resource."""
    writes: Mapping[str, tuple[Overlay, ...]] = field(default_factory=dict)
    """The same of what is written, which lie over the record before the provider's mapping sees it."""
    changes: tuple[Change, ...] = ()


NO_OVERLAYS = Overlays()


def load_overlays(
    folders: Mapping[str, str], provider: str, providers: Sequence[str]
) -> tuple[Overlays, list[str]]:
    """The overlays of a provider in the folders (by level), and a sentence for each thing that is wrong with them.

    `providers` are the known ones: a folder with nearly the name of this one is no overlay that nobody misses.
    """
    reading = _Reading(provider, providers)
    for level in LEVELS:
        if level in folders:
            reading.read(level, folders[level])
    mappings, writes = (
        {name: tuple(found) for name, found in part.items()} for part in (reading.overlays, reading.writes)
    )
    return Overlays(mappings, writes, tuple(reading.changes)), reading.problems


class _Reading:
    """Reads the levels one after the other, and collects what is wrong."""

    def __init__(self, provider: str, providers: Sequence[str]) -> None:
        self._provider = provider
        self._providers = providers
        self.overlays: dict[str, list[Overlay]] = {}
        self.writes: dict[str, list[Overlay]] = {}
        self.changes: list[Change] = []
        self.problems: list[str] = []

    def read(self, level: str, folder: str) -> None:
        """Reads one level."""
        shown = _shown(folder)
        try:
            files = list(self._files(folder, shown))
        except FileNotFoundError:
            self.problems.append(f"there is no folder {shown}; make it, or name another")
        except Exception as error:  # noqa: BLE001 - every file system of fsspec has errors of its own
            self.problems.append(f"{shown} cannot be read: {_reason(error)}")
        else:
            for name, text in files:
                self._take(level, name, f"{shown}/{self._provider}/{name}", text)

    def _files(self, folder: str, shown: str) -> Iterator[tuple[str, str]]:
        """Name and text of each YAML file that is the provider's."""
        # Neither the file system nor its listing from an earlier run: an overlay that has changed is wanted.
        system, root = fsspec.url_to_fs(_local(folder), skip_instance_cache=True)
        entries = system.ls(root, detail=True)
        self._refuse_astray(shown, [(_name(entry), entry["type"]) for entry in entries])
        for entry in entries:
            if entry["type"] == "directory" and _name(entry) == self._provider:
                own = system.ls(entry["name"], detail=True)
                yield from self._texts(system, own)
                for below in own:
                    if below["type"] == "directory" and _name(below) == WRITE:
                        found = self._texts(system, system.ls(below["name"], detail=True))
                        yield from ((f"{WRITE}/{name}", text) for name, text in found)

    def _texts(self, system: Any, entries: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
        for entry in sorted(entries, key=_name):
            if entry["type"] == "file" and _name(entry).endswith(_SUFFIXES):
                yield _name(entry), system.cat_file(entry["name"]).decode("utf-8")

    def _refuse_astray(self, shown: str, entries: Iterable[tuple[str, str]]) -> None:
        """Notes files that nobody would ever read, because they lie in the wrong place."""
        for name, kind in entries:
            if kind == "file" and name.endswith(_SUFFIXES):
                self.problems.append(
                    f"{shown}/{name}: belongs into the folder of a provider, {self._provider}/{name}"
                )
            elif kind == "directory" and name not in self._providers and nearest(name, [self._provider]):
                self.problems.append(
                    f"{shown}/{name}: is no provider's folder; did you mean {self._provider}?"
                )

    def _take(self, level: str, name: str, file: str, text: str) -> None:
        written = name.startswith(f"{WRITE}/")
        stem, _, suffix = name.removeprefix(f"{WRITE}/").rpartition(".")
        known = [*RESOURCES] if written else [*RESOURCES, MANIFEST]
        if stem not in known or suffix != "yaml":
            near = nearest(stem, known)
            hint = (
                f"did you mean {near}.yaml?"
                if near
                else f"there are {', '.join(f'{one}.yaml' for one in known)}"
            )
            self.problems.append(f"{file}: is no overlay; {hint}")
            return
        try:
            if stem == MANIFEST:
                self.changes += parse_changes(text, file)
            else:
                overlay = parse_overlay(text, file, level, RESOURCES[stem])
                (self.writes if written else self.overlays).setdefault(stem, []).append(overlay)
        except (OverlayError, ManifestError) as error:
            self.problems += error.problems


def _local(folder: str) -> str:
    return folder if "://" in folder else str(Path(folder).expanduser())


def _name(entry: Mapping[str, Any]) -> str:
    return str(entry["name"]).rstrip("/").rpartition("/")[2]


def _shown(folder: str) -> str:
    """The address without what could be a credential: a user, a password, a signature."""
    return re.sub(r"//[^/@]*@", "//", folder.partition("?")[0] if "://" in folder else folder).rstrip("/")


def _reason(error: Exception) -> str:
    """What can be said of an error without quoting an address that may hold a credential."""
    if isinstance(error, ImportError):
        return f"a package is missing that fsspec needs for it ({error})"
    if isinstance(error, UnicodeDecodeError):
        return "a file is no UTF-8 text; save it as UTF-8"
    if isinstance(error, ValueError):
        return "fsspec knows no such kind of address, or it is written wrongly"
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
