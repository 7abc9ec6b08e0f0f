"""The errors of the sandbox's world."""

from __future__ import annotations


class WorldError(Exception):
    """What cannot be done to the world. Dialects turn it into their provider's error."""


class NotFoundError(WorldError):
    """There is no such person, course, item or record; `gone` where there once was one."""

    def __init__(self, kind: str, key: object, *, gone: bool = False) -> None:
        """Says what was looked for."""
        super().__init__(f"no {kind} {key!r} in the sandbox's world")
        self.kind = kind
        self.gone = gone


class ConflictError(WorldError):
    """The login or e-mail address is taken, or the person is enrolled already; `what` says which."""

    def __init__(self, what: str) -> None:
        """`what` is "login", "email" or "enrolment"."""
        super().__init__(f"{what}: already so in the sandbox's world")
        self.what = what
