"""docs/commands.md names every command, option and exit status, and commands in the documents can be typed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from pipelines.cli import main
from pipelines.cli.group import DONE, FAILED, INCOMPLETE, WRONG_USAGE
from tests.unit.house.documents import DOCS, all_blocks, quoted, sections

COMMANDS = DOCS / "commands.md"
SHARED = ("--destination", "--dataset", "--json", "--debug", "--help", "-h")
"""Options that are described once, for all commands that have them."""


def _options(command: click.Command) -> set[str]:
    """A command's options, with those of its own commands where it is a group."""
    options = [each for each in command.params if isinstance(each, click.Option)]
    found = {name for each in options for name in (*each.opts, *each.secondary_opts)}
    below = command.commands.values() if isinstance(command, click.Group) else ()
    return found.union(*(_options(one) for one in below))


def _typed() -> Iterator[tuple[str, list[str]]]:
    """Every `lms ...` line of the documents, taken apart as a shell does."""
    for block in all_blocks("sh"):
        for line in block.text.splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["lms"]:
                yield f"{block}: {line}", words[1:]


def test_every_command_has_a_section() -> None:
    """A command is found by its name."""
    assert main.commands.keys() <= sections(COMMANDS).keys()


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_option_of_a_command_is_in_its_section(name: str) -> None:
    """A command's own options are described where the command is, and no other is."""
    described = {word for word in quoted(sections(COMMANDS)[name]) if word.startswith("--")}
    known = _options(main.commands[name])
    assert known - set(SHARED) <= described
    assert described <= known | set(SHARED)


def test_shared_options_are_described_once() -> None:
    """What many commands have is described before them, and some command has it."""
    described = quoted(sections(COMMANDS)["Every command"])
    assert set(SHARED) <= described
    known = {"-h", "--help"}.union(*(_options(command) for command in main.commands.values()))
    assert set(SHARED) <= known
    assert "lms --version" in described


def test_exit_statuses_are_those_of_the_code() -> None:
    """The table of statuses has each of them, and no other."""
    rows = re.findall(r"^\| (\d) \|", sections(COMMANDS)["Exit statuses"], re.MULTILINE)
    assert [int(row) for row in rows] == [DONE, FAILED, WRONG_USAGE, INCOMPLETE]


@pytest.mark.parametrize(("line", "words"), [pytest.param(line, words, id=line) for line, words in _typed()])
def test_commands_in_the_documents_can_be_typed(
    line: str, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands in a document is accepted, in a folder that has the documents' `own`: command, options, values."""
    (tmp_path / "own").mkdir()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "payload.json").touch()
    (tmp_path / "draft.yaml").touch()
    name, *rest = words
    command = main.commands[name]
    if isinstance(command, click.Group):
        name, *rest = rest
        command = command.commands[name]
    command.make_context(name, rest).close()
