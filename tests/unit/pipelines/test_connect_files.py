"""Keeping a connection in dlt's files: what is added, what stays, who may read it, and what is refused."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.connect.files import Changes, refuse_overridden, store
from sources.unified_lms.connection import load_connection
from sources.unified_lms.errors import ConfigurationError

CONFIG: Changes = {
    ("provider",): "talentlms",
    ("base_url",): "https://acme.example.com",
    ("settings", "timezone"): "UTC",
}
SECRETS: Changes = {("credentials", "api_key"): "planted-secret"}
OTHERS = """# What this file is for
[runtime]
log_level = "INFO"  # loud

[connections.other]
provider = "moodle"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of dlt's files."""
    (tmp_path / ".dlt").mkdir()
    return tmp_path / ".dlt"


def tree(file: Path) -> dict[str, Any]:
    """What a file says."""
    return tomllib.loads(file.read_text())


def test_what_is_stored_is_read(folder: Path) -> None:
    """The connection is there at once, in this process as well."""
    store("acme", CONFIG, SECRETS)
    found = load_connection("acme")
    assert (found.provider, found.base_url, dict(found.settings)) == (
        "talentlms",
        "https://acme.example.com",
        {"timezone": "UTC"},
    )
    assert found.credentials["api_key"] == "planted-secret"


def test_what_else_stands_in_a_file_stays(folder: Path) -> None:
    """Other sections, their order and every comment are as they were."""
    (folder / "config.toml").write_text(OTHERS)
    store("acme", CONFIG, {})
    text = (folder / "config.toml").read_text()
    assert text.startswith(OTHERS)
    assert tree(folder / "config.toml")["connections"]["acme"]["provider"] == "talentlms"


@pytest.mark.parametrize(
    "before",
    [
        pytest.param("", id="empty"),
        pytest.param("[connections.acme.settings]\npage_size = 5\n[runtime]\na = 1\n", id="a part of it"),
        pytest.param("connections.acme.keep_raw = true\n", id="dotted"),
        pytest.param('[connections]\nother = {provider = "moodle"}\n', id="inline beside"),
        pytest.param('[connections]\nacme = {provider = "moodle", keep_raw = true}\n', id="inline"),
        pytest.param(
            "[connections.acme]\nkeep_raw = true\n[a]\nb = 1\n[connections.z]\nprovider = 'x'\n", id="apart"
        ),
    ],
)
def test_every_way_to_write_a_file(folder: Path, before: str) -> None:
    """However a file is written, it then says what it said and what was stored."""
    (folder / "config.toml").write_text(before)
    store("acme", CONFIG, {})
    wanted = tomllib.loads(before)
    acme = wanted.setdefault("connections", {}).setdefault("acme", {})
    acme |= {"provider": "talentlms", "base_url": "https://acme.example.com"}
    acme["settings"] = acme.get("settings", {}) | {"timezone": "UTC"}
    assert tree(folder / "config.toml") == wanted


def test_values_are_quoted(folder: Path) -> None:
    """Quotes, line ends and brackets in a value are text, and open no section."""
    odd = 'a"\n[connections.evil]\nprovider = "x"\\'
    store("acme", {}, {("credentials", "api_key"): odd})
    assert tree(folder / "secrets.toml") == {"connections": {"acme": {"credentials": {"api_key": odd}}}}


def test_a_value_is_removed(folder: Path) -> None:
    """None takes away what is there, and nothing where there is nothing."""
    store("acme", {}, {("credentials", "token"): "old", ("credentials", "key"): "kept"})
    store("acme", {}, {("credentials", "token"): None, ("credentials", "absent"): None})
    assert tree(folder / "secrets.toml")["connections"]["acme"]["credentials"] == {"key": "kept"}


@pytest.mark.parametrize("mask", [0o000, 0o077])
@pytest.mark.parametrize("there", [True, False])
def test_secrets_are_the_owner_s_alone(folder: Path, mask: int, there: bool) -> None:
    """Whatever the umask, and also where the file could be read by others before."""
    if there:
        (folder / "secrets.toml").write_text(OTHERS)
        (folder / "secrets.toml").chmod(0o644)
    before = os.umask(mask)
    try:
        store("acme", CONFIG, SECRETS)
    finally:
        os.umask(before)
    assert (folder / "secrets.toml").stat().st_mode & 0o777 == 0o600


def test_the_configuration_keeps_its_mode(folder: Path) -> None:
    """A file that the group may write stays so."""
    (folder / "config.toml").write_text(OTHERS)
    (folder / "config.toml").chmod(0o664)
    store("acme", CONFIG, {})
    assert (folder / "config.toml").stat().st_mode & 0o777 == 0o664


def test_a_link_stays_a_link(folder: Path, tmp_path: Path) -> None:
    """Where the file is kept elsewhere, it is changed there."""
    (tmp_path / "elsewhere.toml").write_text(OTHERS)
    (folder / "secrets.toml").symlink_to(tmp_path / "elsewhere.toml")
    store("acme", {}, SECRETS)
    assert (folder / "secrets.toml").is_symlink()
    assert "planted-secret" in (tmp_path / "elsewhere.toml").read_text()


def test_a_write_that_fails_leaves_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is replaced whole or not at all, and nothing with a secret lies beside it."""
    (folder / "secrets.toml").write_text(OTHERS)

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigurationError, match="No space left on device"):
        store("acme", CONFIG, SECRETS)
    assert (folder / "secrets.toml").read_text() == OTHERS
    assert [file.name for file in folder.iterdir()] == ["secrets.toml"]


def test_a_file_that_is_broken_is_not_quoted(folder: Path) -> None:
    """The error names the file and none of its lines, which may hold a secret; the file stays."""
    broken = 'api_key = "planted-secret\n'
    (folder / "secrets.toml").write_text(broken)
    with pytest.raises(ConfigurationError) as caught:
        store("acme", CONFIG, SECRETS)
    assert str(folder / "secrets.toml") in str(caught.value)
    assert "planted" not in str(caught.value)
    assert (folder / "secrets.toml").read_text() == broken
    assert not (folder / "config.toml").exists()


def test_a_variable_that_would_go_before_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the variable and not its value; an empty one goes before nothing."""
    monkeypatch.setenv("CONNECTIONS__ACME__CREDENTIALS__API_KEY", "planted-secret")
    monkeypatch.setenv("CONNECTIONS__ACME__PROVIDER", "")
    with pytest.raises(ConfigurationError) as caught:
        refuse_overridden("acme", iter([("provider",), ("credentials", "api_key")]))
    assert "sets CONNECTIONS__ACME__CREDENTIALS__API_KEY, which" in str(caught.value)
    assert "planted" not in str(caught.value)


def test_two_at_once_lose_nothing(folder: Path, reload_dlt_configuration: Callable[[], None]) -> None:
    """Connections that are stored at the same time are all there."""
    from concurrent.futures import ThreadPoolExecutor

    names = [f"c{number}" for number in range(8)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda name: store(name, CONFIG, SECRETS), names))
    assert tree(folder / "config.toml")["connections"].keys() == set(names)
    assert tree(folder / "secrets.toml")["connections"].keys() == set(names)
