"""The token store: the owner's file only, whole or not there, and one at a time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sources.unified_lms.errors import ConfigurationError
from sources.unified_lms.tokens import FileTokens, MemoryTokens, Token, token_store

ROOT = Path(__file__).resolve().parents[3]
TOKEN = Token("planted-access", 1_700_000_000.0, "planted-refresh")
_COUNT_UP = """
import sys
from pathlib import Path
from sources.unified_lms.tokens import FileTokens, Token
store = FileTokens(Path(sys.argv[1]))
for _ in range(40):
    with store.locked():
        found = store.read()
        store.write(Token(str(int(found.access_token) + 1 if found else 1)))
"""


@pytest.fixture
def store(tmp_path: Path) -> FileTokens:
    """A store in a folder that does not exist yet."""
    return FileTokens(tmp_path / "deep" / "tokens" / "acme-1.json")


def test_what_was_written_is_read(store: FileTokens) -> None:
    """Access token, its end and the refresh token come back."""
    with store.locked():
        store.write(TOKEN)
        assert store.read() == TOKEN


def test_nothing_was_written(store: FileTokens) -> None:
    """Without a file there is no token."""
    with store.locked():
        assert store.read() is None


def test_only_the_owner_can_read(store: FileTokens) -> None:
    """The file has mode 0600 and its folder 0700, whatever the umask."""
    before = os.umask(0)
    try:
        with store.locked():
            store.write(TOKEN)
    finally:
        os.umask(before)
    modes = {path: path.stat().st_mode & 0o777 for path in (store.path, store.path.parent)}
    assert modes == {store.path: 0o600, store.path.parent: 0o700}


def test_a_file_that_others_can_read_is_refused(store: FileTokens) -> None:
    """A token that somebody may have read is not used without a word."""
    with store.locked():
        store.write(TOKEN)
        store.path.chmod(0o644)
        with pytest.raises(ConfigurationError, match="can be read by others; run chmod 600"):
            store.read()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"access_token": "planted'])
def test_a_damaged_file_is_told(content: str, store: FileTokens) -> None:
    """A file that holds no token is named, with what to do, and none of it is shown."""
    with store.locked():
        store.write(TOKEN)
        store.path.write_text(content)
        with pytest.raises(ConfigurationError, match="holds no token; delete it") as caught:
            store.read()
    assert "planted" not in str(caught.value)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """The error names the folder and where to say another."""
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(ConfigurationError, match="TOKENS__FOLDER"),
        FileTokens(tmp_path / "file" / "acme.json").locked(),
    ):
        pass


def test_processes_take_turns(store: FileTokens) -> None:
    """Three processes that read, change and write at once lose none of their changes."""
    command = [sys.executable, "-c", _COUNT_UP, str(store.path)]
    running = [subprocess.Popen(command, cwd=ROOT) for _ in range(3)]
    assert [each.wait(60) for each in running] == [0, 0, 0]
    found = store.read()
    assert found is not None
    assert found.access_token == "120"


def test_each_account_has_its_own_file(tmp_path: Path) -> None:
    """Address and credentials decide: a connection of the same name in another project is another account."""
    made = [
        token_store(tmp_path, "acme", url, {"client_secret": secret})
        for url, secret in (
            ("https://a.example", "x"),
            ("https://b.example", "x"),
            ("https://a.example", "y"),
        )
    ]
    assert len({each.path for each in made if isinstance(each, FileTokens)}) == 3


def test_no_file_name_holds_a_credential(tmp_path: Path) -> None:
    """What is configured is in the name only as a digest."""
    made = token_store(tmp_path, "acme", "https://a.example", {"client_secret": "planted"})
    assert isinstance(made, FileTokens)
    assert "planted" not in str(made.path)


def test_no_folder_keeps_tokens_in_memory() -> None:
    """Whoever makes a connection by hand need not have a folder."""
    assert isinstance(token_store(None, "acme", "https://a.example", {}), MemoryTokens)


def test_tokens_show_in_no_repr() -> None:
    """A token's repr holds neither of its texts."""
    assert "planted" not in repr(TOKEN)
