"""Keeping a connection where dlt finds it: `.dlt/config.toml`, and `.dlt/secrets.toml`, which only its owner can read.

What stands in the files stays as it is, comments included; each file is replaced whole or not at all.
"""

from __future__ import annotations

import fcntl
import os
import stat
import tomllib
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tomlkit
from dlt.common.configuration.container import Container
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext
from tomlkit.exceptions import ParseError
from tomlkit.items import InlineTable

from sources.unified_lms.configured import ROOT, variable
from sources.unified_lms.errors import ConfigurationError

CONFIG, SECRETS = "config.toml", "secrets.toml"
_SECRET_MODE, _PLAIN_MODE = 0o600, 0o644

Changes = Mapping[tuple[str, ...], Any]
"""Values by their place in a connection's section; None removes what is there."""


def settings_folder() -> Path:
    """The folder with dlt's configuration files."""
    return Path(Container()[PluggableRunContext].context.settings_dir).absolute()


def refuse_overridden(name: str, places: Iterator[tuple[str, ...]]) -> None:
    """Raises `ConfigurationError` for a value that the environment sets, which would go before one in a file."""
    found = [variable(name, *path) for path in places if os.environ.get(variable(name, *path))]
    if found:
        raise ConfigurationError(
            f"the environment sets {', '.join(found)}, which goes before what would be stored; "
            "change it there, or unset it and connect again"
        )


def store(name: str, config: Changes, secrets: Changes) -> tuple[Path, ...]:
    """Writes a connection into both files, and lets dlt read them anew; returns the files that were changed."""
    folder = settings_folder()
    try:
        with _alone(folder):
            made = [
                (folder / file, _edited(folder / file, name, changes), mode)
                for file, changes, mode in ((SECRETS, secrets, _SECRET_MODE), (CONFIG, config, _PLAIN_MODE))
                if changes
            ]
            for file, text, mode in made:
                _replace(file.resolve(), text, mode)
    except OSError as error:
        raise ConfigurationError(f"the connection cannot be stored in {folder}: {error.strerror}") from None
    Container()[PluggableRunContext].reload_providers()
    return tuple(file for file, _, _ in made)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Waits for whoever else is writing into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)  # and with it the lock


def _edited(file: Path, name: str, changes: Changes) -> str:
    try:
        before = file.read_text("utf-8") if file.exists() else ""
        document, wanted = tomlkit.parse(before), tomllib.loads(before)
    except (
        ParseError,
        tomllib.TOMLDecodeError,
        UnicodeDecodeError,
    ):  # what it says may quote a line with a secret
        raise ConfigurationError(f"{file} is no valid TOML; correct it, then connect again") from None
    for path, value in changes.items():
        for tree in (document, wanted):
            _change(tree, (ROOT, name, *path), value)
    text = tomlkit.dumps(document)
    if tomllib.loads(text) != wanted:
        raise ConfigurationError(
            f"{file} cannot be changed safely as it is written; write a section for each table"
        )
    return text


def _change(tree: MutableMapping[str, Any], place: tuple[str, ...], value: Any) -> None:
    *sections, key = place
    if value is not None:
        _section(tree, sections)[key] = value
        return
    found: Any = tree
    for part in sections:
        found = found.get(part) if isinstance(found, MutableMapping) else None
    if isinstance(found, MutableMapping):
        found.pop(key, None)


def _section(tree: MutableMapping[str, Any], path: list[str]) -> MutableMapping[str, Any]:
    """The section at a path, made where it is missing."""
    found = tree
    for depth, part in enumerate(path):
        if not isinstance(found.get(part), MutableMapping):
            found[part] = _new_section(found, last=depth == len(path) - 1)
        found = found[part]
    return found


def _new_section(above: MutableMapping[str, Any], *, last: bool) -> MutableMapping[str, Any]:
    if isinstance(above, InlineTable):
        return tomlkit.inline_table()
    return tomlkit.table(is_super_table=not last) if hasattr(above, "unwrap") else {}


def _replace(file: Path, text: str, mode: int) -> None:
    """Replaces a file, whole or not at all. What others may not read, no one can read meanwhile."""
    exact = mode == _SECRET_MODE
    if not exact and file.exists():
        mode, exact = stat.S_IMODE(file.stat().st_mode), True
    beside = file.with_name(f".{file.name}.{os.getpid()}.new")
    beside.unlink(missing_ok=True)
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        if exact:  # whatever the umask
            beside.chmod(mode)
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
