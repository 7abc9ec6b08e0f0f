"""What an account has not been granted: by name, with what it is needed for."""

from __future__ import annotations

import pytest

from pipelines.grants import lacking
from sources.unified_lms.policy import WritePolicy
from tests.unit.sources.conftest import manifest_of

MANIFEST = manifest_of(
    """
settings: {marks: {title: Marks, type: boolean, default: true}}
endpoints:
  users: {path: /users, needs: [users.read]}
  marks: {path: /marks, needs: [marks.read, marks.list]}
  free: {path: /free}
  change: {path: /users, method: PUT, needs: [users.write]}
  remove: {path: /users, method: DELETE, needs: [users.remove]}
check: {endpoint: free, grants: scopes}
resources:
  users:
    read: [{endpoint: users}]
    get: {endpoint: users}
    identify: record.id
    writes: {keys: [username], update: {fields: [first_name], calls: [change]}, delete: {calls: [remove]}}
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


def test_what_writing_lacks() -> None:
    """Only of what the connection allows: nobody needs to be granted the rest."""
    granted = ["users.read", "marks.read", "marks.list"]
    found = lacking(MANIFEST, {"marks": True}, granted, WritePolicy(allow=("users.update",)))
    assert found == ("users.write is not granted to the account; needed for update of users",)
