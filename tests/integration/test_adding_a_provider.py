"""CONTRIBUTING.md, "Add a provider in an hour", followed to the letter by somebody who has only that page."""

from __future__ import annotations

import json
import shlex
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pipelines.cli import main
from pipelines.environment import Target
from tests.integration.conftest import Tables
from tests.unit.house.documents import ROOT, blocks

PAGE = ROOT / "CONTRIBUTING.md"
TOKEN = "the token"


def answers() -> dict[str, bytes]:
    """The answers that the page shows, by address."""
    shown = [block.text.split("\n\n", 1) for block in blocks(PAGE, "http")]
    return {head.removeprefix("GET ").strip(): body.encode() for head, body in shown}


class Campusbox(BaseHTTPRequestHandler):
    """Answers as the page shows, to whoever has the token."""

    def do_GET(self) -> None:
        """What the page shows for the address."""
        known = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        body = answers().get(self.path) if known else b"{}"
        self.send_response(404 if body is None else 200 if known else 401)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def campusbox() -> Iterator[str]:
    """The address of the provider."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Campusbox)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def page_followed(
    campusbox: str, warehouse: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Result]:
    """Every command of the page, run in a folder that holds what the page says, and what came of it."""
    monkeypatch.chdir(tmp_path)
    for block in blocks(PAGE, "yaml", "jsonata"):
        named = Path(block.text.splitlines()[0].strip("#/* "))
        named.parent.mkdir(parents=True, exist_ok=True)
        named.write_text(block.text)
    results = {}
    for line in commands():
        words = shlex.split(line)
        if words[0] == "export":
            name, _, value = words[1].partition("=")
            monkeypatch.setenv(name, campusbox if name.endswith("BASE_URL") else value)
        else:
            results[line] = CliRunner().invoke(main, words[1:])
    return results


def commands() -> list[str]:
    """The lines of the page's last section that set variables or run `lms`."""
    lines = [line for block in blocks(PAGE, "sh") for line in block.text.splitlines()]
    return [line for line in lines if line.startswith(("export CONNECTIONS__BOX", "lms "))]


def test_every_command_of_the_page_works(page_followed: dict[str, Result]) -> None:
    """Each ends with status 0."""
    assert len(page_followed) == 5
    failed = {line: result.stderr for line, result in page_followed.items() if result.exit_code}
    assert failed == {}


def test_the_tables_hold_what_the_answers_say(page_followed: dict[str, Result], tables: Tables) -> None:
    """The one learner, course and enrolment of the page are there, field by field."""
    enrolment = tables.query(
        "select id, user__id, course__title, status, progress_percent, epoch(enrolled_at), completed_at "
        "from lms.course_enrollments"
    )
    assert enrolment == [("C-1:7", "7", "First aid", "in_progress", 40.0, 1767700800.0, None)]
    assert tables.query("select id, last_name, status from lms.users") == [("7", "Ruiz", "active")]
    assert tables.query("select id, type, type_source, position from lms.course_items order by id") == [
        ("1", "video", "film", 1),
        ("2", "quiz", "quiz", 2),
    ]
    assert tables.query("select title, status, duration_seconds from lms.courses") == [
        ("First aid", "published", 5400)
    ]


def test_the_door_stays_shut(page_followed: dict[str, Result], tables: Tables) -> None:
    """What the page calls secret is in no table and in nothing that was said."""
    said = "".join(result.output for result in page_followed.values())
    assert "opens-the-door" not in tables.everything() + said


def test_a_slip_in_the_manifest_is_told(page_followed: dict[str, Result]) -> None:
    """A newcomer who mistypes a key learns which, where, and what was meant."""
    manifest = Path("own/campusbox.yaml")
    manifest.write_text(manifest.read_text().replace("secrets:", "secert:"))
    result = CliRunner().invoke(main, ["providers", "campusbox", "--folder", "own"])
    assert result.exit_code == 2
    assert "campusbox.yaml: secert: is not a known key; did you mean 'secrets'?" in result.stderr


def test_the_answers_of_the_page_are_json() -> None:
    """What the page shows can be read by a program."""
    assert [json.loads(body) for body in answers().values()]
