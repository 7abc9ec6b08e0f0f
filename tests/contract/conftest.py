"""The resources of a sandbox as what writes them; a module gives the `server`, and its own where settings differ."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sources.unified_lms.sandbox import SandboxServer
from tests.contract.writes import Writing, writing


@pytest.fixture
def users(server: SandboxServer) -> Iterator[Writing]:
    """Writes users."""
    yield from writing(server, "users")


@pytest.fixture
def courses(server: SandboxServer) -> Iterator[Writing]:
    """Writes courses."""
    yield from writing(server, "courses")


@pytest.fixture
def enrolments(server: SandboxServer) -> Iterator[Writing]:
    """Writes enrolments."""
    yield from writing(server, "course_enrollments")
