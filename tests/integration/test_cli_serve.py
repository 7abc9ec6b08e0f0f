"""`lms keys` and `lms serve` as a user types them."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import pytest
from click.testing import CliRunner, Result

from pipelines.cli import main
from pipelines.environment import serve_folder

pytestmark = pytest.mark.usefixtures("acme")


def _lms(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def _created(*words: str) -> Any:
    result = _lms("keys", "create", "reports", *words, "--json")
    assert result.exit_code == 0, result.output
    return orjson.loads(result.stdout)


def test_a_key_is_shown_once() -> None:
    """The key is the whole of standard output, and no list shows it again."""
    result = _lms("keys", "create", "reports", "--connection", "acme")
    key = result.stdout.strip()
    assert key.startswith("lms_")
    assert "shown this once" in result.stderr
    assert key not in _lms("keys", "list", "--json").output + _lms("keys", "list").output


def test_a_key_is_for_what_was_said() -> None:
    """What a key allows and until when is as it was asked for; by default it reads, for 90 days."""
    made = _created(
        "--connection", "acme", "--operation", "update", "--resource", "course-items", "--days", "1"
    )
    assert (made["operations"], made["connections"], made["resources"]) == (
        ["update"],
        ["acme"],
        ["course_items"],
    )
    default = _created("--all-connections")
    assert (default["operations"], default["connections"]) == (["read"], None)
    left = datetime.fromisoformat(default["expires_at"]) - datetime.now(UTC)
    assert 89 <= left.days <= 90


@pytest.mark.parametrize("words", [(), ("--connection", "acme", "--all-connections")])
def test_connections_have_to_be_said(words: tuple[str, ...]) -> None:
    """No key is for every connection because somebody forgot to say for which."""
    result = _lms("keys", "create", "reports", *words)
    assert (result.exit_code, "say which connections" in result.stderr) == (2, True)


def test_revoke() -> None:
    """A revoked key stays in the list, as such."""
    made = _created("--all-connections")
    assert "is revoked" in _lms("keys", "revoke", made["id"]).stdout
    [listed] = orjson.loads(_lms("keys", "list", "--json").stdout)
    assert (listed["id"], listed["state"]) == (made["id"], "revoked")


def test_revoke_what_is_not_there() -> None:
    """A key that nobody has is wrong usage."""
    result = _lms("keys", "revoke", "00000000")
    assert (result.exit_code, "there is no key '00000000'" in result.stderr) == (2, True)


def test_keys_are_beside_the_tokens() -> None:
    """The folder of keys is private, and one's own where the configuration names it."""
    _created("--all-connections")
    assert serve_folder().stat().st_mode & 0o077 == 0
    assert (serve_folder() / "keys.json").is_file()


def test_serve_listens_on_this_machine_and_ends_with_a_signal() -> None:
    """The server says where it is, which is loopback, answers who has a key, and ends when it is told to."""
    key = _created("--connection", "acme")["key"]
    command = [sys.executable, "-m", "pipelines.cli", "serve", "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        text = "".join(iter(process.stdout.readline, "}\n")) + "}"
        url = orjson.loads(text)["url"]
        asked = {"integrated_account_id": "acme", "limit": "1"}
        found = httpx.get(
            f"{url}/unified/lms/users",
            params=asked,
            headers={"Authorization": f"Bearer {key}"},
            trust_env=False,
        )
        process.terminate()
        _, said = process.communicate(timeout=30)
    assert url.startswith("http://127.0.0.1:")
    assert (found.status_code, found.json()["result_count"]) == (200, 1)
    assert process.returncode in (0, -15)
    assert key not in said
