"""What an account has not been granted: by name, with what it is needed for."""

from __future__ import annotations

import pytest

from pipelines.grants import lacking
from tests.unit.sources.conftest import manifest_of

MANIFEST = manifest_of(
    """
settings: {marks: {title: Marks, type: boolean, default: true}}
endpoints:
  users: {path: /users, needs: [users.read]}
  marks: {path: /marks, needs: [marks.read, marks.list]}
  free: {path: /free}
check: {endpoint: free, grants: scopes}
resources:
  users:
    read: [{endpoint: users}]
    get: {endpoint: users}
    joins: {mark: {when: settings.marks, endpoint: marks, each: {endpoint: marks, id: id}, key: id, match: record.id}}
"""
)
USERS = "users.read is not granted to the account; needed for users, single records of users"
MARKS = "marks.read is not granted to the account; needed for mark of users"


@pytest.mark.parametrize(
    ("granted", "marks", "sentences"),
    [
        (["users.read", "marks.read", "marks.list"], True, ()),
        (["marks.read", "marks.list"], True, (USERS,)),
        (["marks.list", "something.else"], True, (USERS, MARKS)),
        (["users.read"], False, ()),
    ],
)
def test_what_is_lacking(granted: list[str], marks: bool, sentences: tuple[str, ...]) -> None:
    """Every name that something needs under the connection's settings, and nothing else."""
    assert lacking(MANIFEST, {"marks": marks}, granted) == sentences
