"""The configuration in the documents is accepted, in files and in the environment, and every key is documented."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomlkit

from pipelines import environment
from sources.unified_lms import connection
from sources.unified_lms.connection import Connection, connection_names, load_connection
from tests.unit.house.documents import DOCS, ROOT, blocks, documents, quoted, sections

PAGE = DOCS / "configuration.md"
WITH_FILES = [document for document in documents() if blocks(document, "toml")]
NOT_PRIVACY = ("RUNTIME__LOG_LEVEL", "RUNTIME__INTERCEPT_SIGNALS")
"""What `lms` tells dlt for other reasons."""
WITH_VARIABLES = [PAGE, ROOT / "README.md"]


def _exported(document: Path) -> dict[str, str]:
    """The variables that a document's shell lines set."""
    lines = [line for block in blocks(document, "sh") for line in block.text.splitlines()]
    pairs = [shlex.split(line)[1].partition("=") for line in lines if line.startswith("export ")]
    return {name: value for name, _, value in pairs}


def _documented(document: Path) -> Connection:
    [name] = connection_names()
    return load_connection(name)


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder with what the examples name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own-authority.pem").touch()
    (tmp_path / "overlays").mkdir()
    (tmp_path / "acme-overlays").mkdir()


@pytest.mark.parametrize("document", WITH_FILES, ids=lambda path: path.stem)
def test_files_of_a_document_make_a_connection(
    document: Path, tmp_path: Path, reload_dlt_configuration: Callable[[], None]
) -> None:
    """The TOML of a document, put into the files that it names, is a valid connection."""
    for block in blocks(document, "toml"):
        file = tmp_path / block.text.splitlines()[0].removeprefix("# ")
        file.parent.mkdir(exist_ok=True)
        file.write_text(block.text, "utf-8")
    reload_dlt_configuration()
    found = _documented(document)
    provider = document.stem if document.parent.name == "providers" else "talentlms"
    assert (found.name, found.provider) == ("acme", provider)
    assert found.credentials
    assert found.settings


@pytest.mark.parametrize("document", WITH_VARIABLES, ids=lambda path: path.stem)
def test_variables_of_a_document_make_the_same_connection(
    document: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variables of a document, without any file, are a valid connection."""
    for name, value in _exported(document).items():
        monkeypatch.setenv(name, value)
    found = _documented(document)
    assert (found.name, found.base_url) == ("acme", "https://acme.talentlms.com")
    assert found.settings == {"timezone": "Europe/London"}
    assert found.folders == ((Path("own"),) if document == PAGE else ())


def test_every_key_of_a_connection_is_documented() -> None:
    """The table has each key and section, the files show those that do something, and no other."""
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", sections(PAGE)["Connections"], re.MULTILINE)
    documented = {key for row in rows for key in quoted(row)}
    assert documented == {*connection._KEYS, *connection._SECTIONS}
    shown: dict[str, Any] = {}
    for block in blocks(PAGE, "toml"):
        shown |= tomlkit.parse(block.text)["connections"]["acme"]
    assert documented - shown.keys() == {"writes"}
    assert shown["network"].keys() == set(connection._NETWORK)
    assert shown["sync"].keys() == set(connection._SYNC)
    assert shown["mappings"].keys() == set(connection._MAPPINGS)


def test_what_is_set_for_privacy_is_documented() -> None:
    """What `lms` tells dlt is what a pipeline of one's own is advised to."""
    told = {name: value for name, value in environment.DEFAULTS.items() if name not in NOT_PRIVACY}
    assert told.items() <= _exported(PAGE).items()


def test_variables_of_destinations_are_heeded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each variable in the table decides where the tables go."""
    table = quoted(sections(PAGE)["Destinations"])
    monkeypatch.setenv("DATASET_NAME", "learning")
    monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", "postgresql://user:word@localhost:5432/database")
    assert {"DATASET_NAME", "DESTINATION__POSTGRES__CREDENTIALS", "DESTINATION__DUCKDB__CREDENTIALS"} <= table
    assert (environment.target().destination, environment.target().dataset) == ("postgres", "learning")
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(tmp_path / "other.duckdb"))
    assert environment.target().location == str(tmp_path / "other.duckdb")
    monkeypatch.delenv("DESTINATION__DUCKDB__CREDENTIALS")
    assert environment.target("duckdb").location == str(tmp_path / "warehouse.duckdb")
