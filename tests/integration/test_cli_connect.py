"""`lms connect` in the terminal and from standard input: what is asked, stored, refused and left as it was."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import orjson
import pytest

from pipelines.check import CheckResult, check_connection
from pipelines.environment import Target
from sources.unified_lms.connection import Connection, load_connection
from sources.unified_lms.manifest import Manifest
from sources.unified_lms.sandbox import Rule, SandboxServer, World
from sources.unified_lms.sandbox.faults import Reply
from tests.integration.conftest import ON_BOTH
from tests.integration.connecting import CLIENT, KEY, canvas, connect, files, lms, person, states

__all__ = ["canvas", "person"]

pytestmark = pytest.mark.usefixtures("warehouse")


# -- a new connection ----------------------------------------------------------------------------------


def test_a_connection_is_stored_where_it_is_read_from(server: SandboxServer, tmp_path: Path) -> None:
    """What was asked and given is in the two files, and is the connection that a sync then reads."""
    result = connect(server, "--set", "timezone=Europe/London")
    config, secrets = files(tmp_path)
    assert result.exit_code == 0, result.output
    assert config == {
        "provider": "talentlms",
        "base_url": server.base_url,
        "settings": {"timezone": "Europe/London"},
    }
    assert secrets == {"credentials": {"api_key": KEY}}
    assert load_connection("acme").credentials["api_key"] == KEY
    assert lms("sync", "acme", "--resource", "users").exit_code == 0


def test_an_answer_for_each_question(server: SandboxServer, tmp_path: Path) -> None:
    """Without a terminal the questions come in order, one line for each, and an empty one leaves a setting out."""
    lms("connect", "acme", "--provider", "talentlms", answers=f"{server.base_url}\n{KEY}\n\n")
    config, secrets = files(tmp_path)
    assert (config["base_url"], secrets["credentials"]["api_key"]) == (server.base_url, KEY)
    assert "settings" not in config


def test_the_secret_is_nowhere_but_in_its_file(server: SandboxServer, tmp_path: Path) -> None:
    """It is in no output, in no other file, and its file is the owner's alone."""
    result = connect(server, answers=f"{KEY}\nEurope/London\n")
    holders = [file for file in tmp_path.rglob("*") if file.is_file() and KEY.encode() in file.read_bytes()]
    assert KEY not in result.output
    assert holders == [tmp_path / ".dlt" / "secrets.toml"]
    assert holders[0].stat().st_mode & 0o777 == 0o600


@ON_BOTH
def test_the_state_is_seen_in_status(server: SandboxServer) -> None:
    """A connection that was made is active before anything was read."""
    connect(server)
    assert states() == {"acme": ("active", None)}


def test_the_state_while_it_is_being_made(server: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it is checked it is `connecting`."""
    seen = []

    def check(connection: Connection, manifest: Manifest) -> CheckResult:
        seen.append(states())
        return check_connection(connection, manifest)

    monkeypatch.setattr("pipelines.connect.attempt.check_connection", check)
    connect(server)
    assert seen == [{"acme": ("connecting", None)}]


def test_refused_credentials_are_not_stored(server: SandboxServer, tmp_path: Path) -> None:
    """A wrong key ends with 1 and the provider's words; no file is made, and the state says what is wrong."""
    result = connect(server, answers="a-wrong-key\n\n")
    state, message = states()["acme"]
    assert (result.exit_code, state, files(tmp_path)) == (1, "validation_error", ({}, {}))
    assert "The API key is not valid" in str(message)
    assert "a-wrong-key" not in result.output


def test_a_provider_that_is_down(
    server: SandboxServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be checked is stored and stays `connecting`, with the reason, and the status is 3."""
    monkeypatch.setattr("sources.unified_lms.client.backoff", lambda *_, **__: 0.0)
    server.faults.add(Rule(Reply(503)))
    result = connect(server)
    state, message = states()["acme"]
    assert (result.exit_code, state, files(tmp_path)[0]["provider"]) == (3, "connecting", "talentlms")
    assert "was not checked" in str(message)


def test_a_connection_is_not_overwritten(server: SandboxServer, tmp_path: Path) -> None:
    """A name that is taken is refused by name, before anything is asked, and the files stay."""
    connect(server)
    before = files(tmp_path)
    result = connect(server, answers="another-key\n")
    assert (result.exit_code, files(tmp_path)) == (2, before)
    assert "there is a connection 'acme' already" in result.stderr
    assert "--reauthorize" in result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(("--set", "timezone=Nowhere"), "IANA time zone", id="wrong value"),
        pytest.param(("--set", "time_zone=UTC"), "did you mean 'timezone'", id="unknown setting"),
        pytest.param(("--set", "timezone"), "write it such as", id="no value"),
        pytest.param(("--way", "oauth"), "the ways are api_key", id="unknown way"),
        pytest.param(("--base-url", "http://example.org"), "write https://", id="plain http"),
    ],
)
def test_wrong_options(server: SandboxServer, tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    """What is wrong with an option is said in a sentence, with status 2, and nothing is asked of the provider."""
    result = connect(server, *words)
    assert (result.exit_code, files(tmp_path), len(server.requests)) == (2, ({}, {}), 0)
    assert said in " ".join(result.stderr.split())


def test_a_name_that_is_none() -> None:
    """A name with capitals is refused at once."""
    result = lms("connect", "Acme", "--provider", "talentlms")
    assert (result.exit_code, "is no name for a connection" in result.stderr) == (2, True)


def test_a_value_of_the_environment_is_not_stored_under(
    server: SandboxServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable would go before what is stored, so that it is named, and nothing is stored."""
    monkeypatch.setenv("CONNECTIONS__ACME__CREDENTIALS__API_KEY", "from-the-environment")
    result = connect(server)
    assert (result.exit_code, files(tmp_path)) == (2, ({}, {}))
    assert "CONNECTIONS__ACME__CREDENTIALS__API_KEY" in result.stderr
    assert "from-the-environment" not in result.output


def test_the_result_for_programs(server: SandboxServer, tmp_path: Path) -> None:
    """As JSON: the state, the files, what the check found; and no credential."""
    found = orjson.loads(connect(server, "--json").stdout)
    assert (found["connection"], found["state"], found["check"]["connected"]) == ("acme", "active", True)
    assert found["stored"] == [str(tmp_path / ".dlt" / name) for name in ("secrets.toml", "config.toml")]


# -- access granted in a browser -----------------------------------------------------------------------


def test_access_is_granted_from_the_terminal(
    canvas: SandboxServer, person: Callable[[str], None], tmp_path: Path
) -> None:
    """The browser is opened at the provider, and what comes back is a refresh token that works."""
    result = connect(canvas, answers=CLIENT)
    assert result.exit_code == 0, result.output
    credentials = files(tmp_path)[1]["credentials"]
    assert credentials.keys() == {"client_id", "client_secret", "refresh_token"}
    assert credentials["refresh_token"].startswith("sandbox-refresh-token-")
    assert lms("check", "acme").exit_code == 0


def test_the_first_check_uses_the_token_that_was_granted(
    canvas: SandboxServer, person: Callable[[str], None]
) -> None:
    """One token is asked for and no second one: a refresh token that is good once would be spent."""
    connect(canvas, answers=CLIENT)
    assert len([one for one in canvas.requests if one.path == "/login/oauth2/token"]) == 1


def test_a_no_in_the_browser(canvas: SandboxServer, person: Callable[[str], None], tmp_path: Path) -> None:
    """It ends with 1 and says so; nothing is stored."""
    person("no")
    result = connect(canvas, answers=CLIENT)
    assert (result.exit_code, files(tmp_path)) == (1, ({}, {}))
    assert "Access was denied" in result.stderr
    assert states()["acme"][0] == "validation_error"


def test_nobody_answers(canvas: SandboxServer, tmp_path: Path) -> None:
    """Without a browser the address is printed, and the wait ends."""
    result = connect(canvas, "--no-browser", "--wait", "1", answers=CLIENT)
    assert (result.exit_code, files(tmp_path)) == (1, ({}, {}))
    assert f"Grant access here: {canvas.base_url}/login/oauth2/auth?client_id=" in result.stderr
    assert "sandbox-client-secret" not in result.output


def test_other_scopes_are_asked_for(canvas: SandboxServer) -> None:
    """`--scope` takes the place of the manifest's."""
    said = connect(canvas, "--no-browser", "--wait", "1", "--scope", "own:scope", answers=CLIENT).stderr
    assert "&scope=own%3Ascope\n" in said


def test_a_warehouse_that_cannot_be_written_keeps_nobody_from_connecting(
    server: SandboxServer, warehouse: Target, tmp_path: Path
) -> None:
    """The state is not recorded, which is said, and the connection is stored."""
    Path(warehouse.location).write_text("no database")
    result = connect(server)
    assert (result.exit_code, files(tmp_path)[0]["provider"]) == (0, "talentlms")
    assert "was not recorded" in result.stderr


def test_what_is_set_elsewhere_is_told(
    tmp_path: Path, reload_dlt_configuration: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A credential of another way that stands in dlt's file for all projects would stay in force: it is named."""
    everywhere = tmp_path / "everywhere"
    everywhere.mkdir()
    monkeypatch.setattr("dlt.common.runtime.run_context.global_dir", lambda: str(everywhere))
    left = '[connections.acme.credentials]\nrefresh_token = "left-behind"\n'
    (everywhere / "secrets.toml").write_text(left)
    reload_dlt_configuration()
    with SandboxServer(World(), "canvas") as by_hand:
        result = connect(by_hand, "--way", "access_token", answers="sandbox-access-token\n")
    assert (result.exit_code, "credentials.refresh_token has another value" in result.stderr) == (2, True)
    assert "left-behind" not in result.output


def test_secrets_do_not_show_on_a_terminal(server: SandboxServer, tmp_path: Path) -> None:
    """Typed on a real terminal a secret is not echoed, and a wrong answer is asked for again."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "pipelines.cli", "connect", "acme", "--provider", "talentlms"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        shown = ""
        for question, answer in [
            ("Address of TalentLMS: ", "acme"),
            ("is no address; write it such as", server.base_url),
            ("API key: ", KEY),
            ("Time zone of the portal (optional): ", ""),
        ]:
            while question not in shown:
                shown += os.read(ours, 4096).decode()
            os.write(ours, f"{answer}\n".encode())
            shown = shown.partition(question)[2]
        with suppress(OSError):  # how Linux says that the other end was closed
            while text := os.read(ours, 4096).decode():
                shown += text
        assert process.wait(30) == 0, shown
    os.close(ours)
    assert "acme (talentlms): active" in shown
    assert KEY not in shown
