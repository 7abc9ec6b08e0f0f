"""What dlt's configuration holds under `connections`, and a manifest's settings made of it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import dlt
import orjson
from dlt.common.configuration.container import Container
from dlt.common.configuration.providers import (
    ConfigProvider,
    DictionaryProvider,
    SettingsTomlProvider,
    StringTomlProvider,
)
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext

from sources.unified_lms.manifest import Setting

ROOT = "connections"
"""The section that holds a section for each connection."""
MAPPINGS = "mappings"
"""The section that names the folder of the environment's overlays, and in a connection's section that of its own."""
_FILES = (SettingsTomlProvider, StringTomlProvider, DictionaryProvider)
_VARIABLE = re.compile(rf"{ROOT.upper()}__([A-Z0-9_]+?)__([A-Z0-9_]+)")
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


class Problem(Exception):
    """A value that does not fit, as the end of a sentence that begins with its key."""


def token_folder() -> Path:
    """Where tokens are kept: `folder` in the section `tokens`, else beside the working folders of dlt's pipelines."""
    named = dlt.config.get("tokens.folder", str)
    if named:
        return Path(named).expanduser()
    return Path(Container()[PluggableRunContext].context.data_dir) / "unified_lms" / "tokens"


def mappings_folder() -> tuple[str | None, set[str]]:
    """`folder` in the section `mappings`, where the environment's overlays are, and what files have beside it."""
    keys = {key for tree in _trees(MAPPINGS) for key in tree}
    return dlt.config.get(f"{MAPPINGS}.folder", str) or None, keys - {"folder"}


def configured_names() -> list[str]:
    """The connections in files and environment, in the order of the alphabet.

    dlt looks a variable up by the name in capitals, so that a connection of the environment is in lower case here.
    """
    found = {name for tree in _trees() for name, value in tree.items() if isinstance(value, Mapping)}
    for variable in os.environ:
        match = _VARIABLE.fullmatch(variable)
        if match and match[2] == "PROVIDER":
            found.add(match[1].lower())
    return sorted(found)


def section(name: str) -> dict[str, Any]:
    """The whole section of a connection as files and environment have it, for its keys; it may hold secrets."""
    merged: dict[str, Any] = {}
    for tree in _trees():
        _merge(merged, tree.get(name) or {})
    _merge(merged, _from_environment(name))
    return merged


def _trees(root: str = ROOT) -> list[Mapping[str, Any]]:
    """A root section of every file, the one that matters most last."""
    providers = Container()[PluggableRunContext].providers.providers
    files = [each for each in reversed(providers) if isinstance(each, _FILES)]
    return [tree for each in files if isinstance(tree := _root_of(each, root), Mapping)]


@contextmanager
def drafted(name: str, tree: Mapping[str, Any]) -> Iterator[None]:
    """Lets a connection's section be read as it would be with these values, which nothing goes before."""
    draft, known = DictionaryProvider(), Container()[PluggableRunContext].providers.providers
    known.insert(0, draft)
    try:
        with draft.values({ROOT: {name: dict(tree)}}):
            yield
    finally:
        known.remove(draft)


def _root_of(provider: ConfigProvider, root: str) -> Any:
    value, _ = provider.get_value(root, dict, None)
    return value


def _from_environment(name: str) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    prefix = f"{ROOT}__{name}__".upper()
    for variable, value in os.environ.items():
        if variable.startswith(prefix):
            branch: Any = value
            for part in reversed(variable.removeprefix(prefix).lower().split("__")):
                branch = {part: branch}
            _merge(tree, branch)
    return tree


def _merge(into: dict[str, Any], tree: Any) -> None:
    """Adds a tree, whose values go before those that are there."""
    if not isinstance(tree, Mapping):
        return
    for key, value in tree.items():
        if isinstance(value, Mapping):
            inner = into.get(key)
            into[key] = dict(inner) if isinstance(inner, Mapping) else {}
            _merge(into[key], value)
        else:
            into[key] = value


def leaf(*path: str, secret: bool = False) -> Any:
    """One value, from wherever dlt finds it; None where it is not set or empty."""
    get: Callable[[str], Any] = dlt.secrets.get if secret else dlt.config.get
    value = get(".".join((ROOT, *path)))
    return None if value is None or value == "" else value


def variable(*path: str) -> str:
    """The environment variable that holds a value."""
    return "__".join((ROOT, *path)).upper()


def where_to_put(*path: str, secret: bool = False) -> str:
    """Where a value belongs: its key and section in the file, and its variable."""
    *sections, key = (ROOT, *path)
    file = "secrets.toml" if secret else "config.toml"
    return f"put `{key}` into [{'.'.join(sections)}] of .dlt/{file}, or set {variable(*path)}"


def flag(value: Any) -> bool:
    """A truth value, also as the text that a variable holds; raises `Problem`."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word not in _TRUE + _FALSE:
        raise Problem("has to be true or false")
    return word in _TRUE


def listed(value: Any) -> tuple[str, ...]:
    """A list of texts: of a file, as JSON, or separated by commas as a variable may hold it."""
    if isinstance(value, (list, tuple)):
        return tuple(map(str, value))
    text = str(value or "").strip()
    if text.startswith("["):
        try:
            return tuple(map(str, orjson.loads(text)))
        except orjson.JSONDecodeError:
            raise Problem("is no valid JSON list") from None
    return tuple(part.strip() for part in text.split(",") if part.strip())


def setting_value(setting: Setting, value: Any) -> Any:
    """A configured value in the setting's type; raises `Problem` for one that does not fit."""
    made = _typed(setting, value)
    if not setting.allows(made):
        wanted = "have no other entries than" if setting.type == "list" else "be one of"
        raise Problem(f"is {value!r}; it has to {wanted} {', '.join(map(str, setting.choices))}")
    if setting.minimum is not None and made < setting.minimum:
        raise Problem(f"is {value!r}; it has to be at least {setting.minimum:g}")
    if setting.maximum is not None and made > setting.maximum:
        raise Problem(f"is {value!r}; it has to be at most {setting.maximum:g}")
    if setting.format == "iana_timezone" and made not in _zones():
        raise Problem(f"is {value!r}; it has to be an IANA time zone such as Europe/London")
    return made


def _typed(setting: Setting, value: Any) -> Any:
    if setting.type == "boolean":
        return flag(value)
    if setting.type == "list":
        return listed(value)
    if setting.type == "string":
        if isinstance(value, (Mapping, list)):
            raise Problem("has to be text")
        return str(value)
    number = _number(value)
    whole = setting.type == "integer"
    if number is None or (whole and not number.is_integer()):
        raise Problem(f"is {value!r}; it has to be a {'whole ' if whole else ''}number")
    return int(number) if whole else number


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (ValueError, TypeError, OverflowError):
        return None


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
