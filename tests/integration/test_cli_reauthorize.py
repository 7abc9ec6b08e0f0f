"""`lms connect --reauthorize`: new credentials for a connection, whose history, settings and state are kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from sources.unified_lms.sandbox import Rule, SandboxServer, World
from sources.unified_lms.sandbox.faults import ExpireCredentials
from tests.integration.connecting import CLIENT, KEY, canvas, connect, files, lms, person, states, tokens

__all__ = ["canvas", "person"]

pytestmark = pytest.mark.usefixtures("warehouse")


def revoke(canvas: SandboxServer, tmp_path: Path) -> None:
    """Takes back what was granted, as an administrator of the provider may."""
    [file] = tokens(tmp_path)
    token = orjson.loads(file.read_bytes())["access_token"]
    httpx.delete(
        f"{canvas.base_url}/login/oauth2/token",
        headers={"Authorization": f"Bearer {token}"},
        trust_env=False,
    )


def test_reauthorising_mends_a_connection_and_keeps_its_history(
    canvas: SandboxServer, person: Callable[[str], None], tmp_path: Path, tables: Any
) -> None:
    """After a revocation a new grant goes on under the same connection: no version is new, settings stay."""
    connect(canvas, "--set", "logins=false", answers=CLIENT)
    lms("sync", "acme", "--resource", "users")
    config, old = files(tmp_path)[0], tokens(tmp_path)
    revoke(canvas, tmp_path)
    assert lms("check", "acme").exit_code == 1
    assert states()["acme"][0] == "needs_reauth"
    # The client's id and secret are kept by empty answers.
    assert lms("connect", "acme", "--reauthorize", answers="\n\n").exit_code == 0
    assert (states()["acme"], files(tmp_path)[0]) == (("active", None), config)
    assert tokens(tmp_path).isdisjoint(old)
    before = tables.query("select * from lms.users_snapshots")
    assert lms("sync", "acme", "--resource", "users").exit_code == 0
    assert tables.query("select * from lms.users_snapshots") == before


def test_a_reauthorisation_that_fails_leaves_the_old_credentials(
    server: SandboxServer, tmp_path: Path
) -> None:
    """The connection goes on as it was: the same files, the same state, and it can be read."""
    connect(server)
    before = files(tmp_path)
    assert lms("connect", "acme", "--reauthorize", answers="a-wrong-key\n").exit_code == 1
    assert (files(tmp_path), states()["acme"]) == (before, ("active", None))
    assert lms("check", "acme").exit_code == 0


def test_a_no_leaves_an_expired_connection_expired(
    canvas: SandboxServer, person: Callable[[str], None], tmp_path: Path
) -> None:
    """Where the connection needed new credentials and got none, that is still its state."""
    connect(canvas, answers=CLIENT)
    revoke(canvas, tmp_path)
    lms("check", "acme")
    person("no")
    assert lms("connect", "acme", "--reauthorize", answers="\n\n").exit_code == 1
    assert states()["acme"][0] == "needs_reauth"


def test_what_a_refused_grant_brought_is_not_kept(
    canvas: SandboxServer, person: Callable[[str], None], tmp_path: Path
) -> None:
    """A grant that the check then refuses leaves no token behind."""
    canvas.faults.add(Rule(ExpireCredentials(), pattern="^/api/"))
    assert connect(canvas, answers=CLIENT).exit_code == 1
    assert tokens(tmp_path) == set()


def test_another_way_removes_the_credentials_of_the_old_one(
    canvas: SandboxServer, person: Callable[[str], None], tmp_path: Path
) -> None:
    """What the new way does not use would otherwise go before it."""
    with SandboxServer(World(), "canvas") as by_hand:
        connect(by_hand, "--way", "access_token", answers="sandbox-access-token\n")
        assert files(tmp_path)[1]["credentials"] == {"access_token": "sandbox-access-token"}
        answers = f"{CLIENT}sandbox-refresh-token\n"
        way = "client_id+client_secret+refresh_token"
        assert lms("connect", "acme", "--reauthorize", "--way", way, answers=answers).exit_code == 0
    assert files(tmp_path)[1]["credentials"].keys() == {"client_id", "client_secret", "refresh_token"}


def test_settings_are_not_changed_by_new_credentials(server: SandboxServer) -> None:
    """`--reauthorize` with a setting is refused, and says where settings are changed."""
    connect(server)
    result = lms("connect", "acme", "--reauthorize", "--set", "timezone=UTC", answers=f"{KEY}\n")
    assert (result.exit_code, "credentials alone" in result.stderr) == (2, True)


def test_there_has_to_be_a_connection_to_mend() -> None:
    """A misspelt name is told."""
    result = lms("connect", "acme", "--reauthorize", answers=f"{KEY}\n")
    assert (result.exit_code, "there is no connection 'acme'" in result.stderr) == (2, True)
