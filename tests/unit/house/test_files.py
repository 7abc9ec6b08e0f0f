"""What every file of the project must be, and what none may hold."""

from __future__ import annotations

import ast
import re
from pathlib import Path

MAX_LINES = 400

REGISTRY_HOST = re.compile(r"://[\w.-]*(?:pypi|pythonhosted|npmjs|deb\.debian)\b")
"""A package registry's host in an address."""

MACHINE_PATH = re.compile(r"(?<![\w.}\])-])/(?:home|Users|root|work)/\w")
"""An absolute path into somebody's home or work folder."""


def _lines(path: Path) -> list[tuple[int, str]]:
    try:
        return list(enumerate(path.read_text().splitlines(), 1))
    except UnicodeDecodeError:
        return []


def _hits(files: list[Path], pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path}:{number}: {line}" for path in files for number, line in _lines(path) if pattern.search(line)
    ]


def test_no_file_names_a_package_registry(files: list[Path]) -> None:
    """An installation works from whatever registry or mirror the machine is set up for."""
    assert not _hits(files, REGISTRY_HOST)


def test_no_file_holds_a_path_of_a_machine(files: list[Path]) -> None:
    """Nothing works only in the folder where it was written."""
    assert not _hits(files, MACHINE_PATH)


def test_the_patterns_find_what_they_are_for() -> None:
    """The two checks above are not blind."""
    assert REGISTRY_HOST.search("from https:" + "//files.pythonhosted.org/x")
    assert MACHINE_PATH.search("open('" + "/home" + "/ada/x')")
    assert not MACHINE_PATH.search("https://example.org" + "/home" + "/news")


def test_no_lock_that_records_hosts_is_in_the_project(files: list[Path], root: Path) -> None:
    """uv.lock writes down the registry's host; the pins are in requirements.lock."""
    assert root / "uv.lock" not in files


def test_every_module_says_what_it_is(modules: list[Path]) -> None:
    """Each module of the packages begins with a docstring."""
    assert not [path for path in modules if not ast.get_docstring(ast.parse(path.read_text()))]


def test_no_module_is_too_long_to_read(modules: list[Path]) -> None:
    """A module beyond the limit is two rooms."""
    lengths = {path: len(_lines(path)) for path in modules}
    assert not {path: length for path, length in lengths.items() if length > MAX_LINES}


def test_no_module_is_called_utils(modules: list[Path]) -> None:
    """A name says what is inside."""
    assert not [path for path in modules if re.search(r"util|helpers|misc", path.name)]
