"""What is asked of somebody who connects an account, as the provider's manifest declares it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sources.unified_lms.auth import needed
from sources.unified_lms.authorization_code import REFRESH_TOKEN
from sources.unified_lms.configured import Problem, setting_value
from sources.unified_lms.connection import base_url
from sources.unified_lms.errors import ConfigurationError
from sources.unified_lms.manifest import Manifest, Setting
from sources.unified_lms.manifest.authorization import Auth, OAuth2
from sources.unified_lms.manifest.sentences import suggestion

AUTHORIZE = "authorize"
"""The key of the way by which access is granted in a browser."""
BASE_URL = "base_url"


@dataclass(frozen=True)
class Way:
    """One way to sign in: the credentials that it takes, and whether the provider is asked for the last of them."""

    key: str
    title: str
    credentials: tuple[str, ...]
    authorizes: bool = False


@dataclass(frozen=True)
class Question:
    """One value that is asked for. `key` is its place in the connection's section, such as `settings.timezone`."""

    key: str
    title: str
    help: str = ""
    secret: bool = False
    required: bool = False
    setting: Setting | None = field(default=None, repr=False)
    advanced: bool = False
    """Whether most do without it, so that a terminal does not ask."""

    @property
    def path(self) -> tuple[str, ...]:
        """The key's parts."""
        return tuple(self.key.split("."))

    @property
    def choices(self) -> tuple[str, ...]:
        """The answers that there are; none where any text will do."""
        if self.setting is None or self.setting.type == "list":
            return ()
        return ("true", "false") if self.setting.type == "boolean" else tuple(map(str, self.setting.choices))

    def value(self, text: str) -> Any:
        """The answer as it is kept; None for no answer. Raises `Problem`, the end of a sentence."""
        given = text.strip()
        if not given:
            if self.required:
                raise Problem("is missing")
            return None
        if self.setting is not None:
            made = setting_value(self.setting, given)
            return list(made) if isinstance(made, tuple) else made
        return base_url(given) if self.key == BASE_URL else given


def ways_of(manifest: Manifest) -> tuple[Way, ...]:
    """The ways to sign in that a provider has, in the order of its manifest; one in a browser before its token."""
    return tuple(way for auth in manifest.auth for way in _ways(manifest, auth))


def _ways(manifest: Manifest, auth: Auth) -> Iterable[Way]:
    names = needed(auth)
    names += [name for name, one in manifest.credentials.items() if one.required and name not in names]
    if isinstance(auth, OAuth2) and auth.authorize_url:
        asked = tuple(name for name in names if name != REFRESH_TOKEN)
        yield Way(AUTHORIZE, "Grant access in a browser", asked, authorizes=True)
    titles = ", ".join(manifest.credentials[name].title for name in names)
    yield Way("+".join(names) or "none", titles or "Without credentials", tuple(names))


def way_called(manifest: Manifest, key: str) -> Way:
    """The way with a key; `ConfigurationError` names those there are."""
    ways = {way.key: way for way in ways_of(manifest)}
    if key not in ways:
        known = ", ".join(ways)
        raise ConfigurationError(
            f"{manifest.provider} has no way {key!r} to sign in; {suggestion(key, ways)}; the ways are {known}"
        )
    return ways[key]


def questions(manifest: Manifest, way: Way) -> tuple[Question, ...]:
    """Everything that may be asked for a new connection, in order: address, credentials, settings."""
    address = Question(
        BASE_URL,
        f"Address of {manifest.title}",
        "Scheme and host, such as https://acme.example.com.",
        required=manifest.api.base_url is None,
        advanced=manifest.api.base_url is not None,
    )
    return (address, *credential_questions(manifest, way), *setting_questions(manifest))


def credential_questions(manifest: Manifest, way: Way) -> tuple[Question, ...]:
    """The credentials that a way takes."""
    declared = ((name, manifest.credentials[name]) for name in way.credentials)
    return tuple(
        Question(f"credentials.{name}", one.title, one.help, secret=one.secret, required=True)
        for name, one in declared
    )


def setting_questions(manifest: Manifest) -> tuple[Question, ...]:
    """The settings; those without which something is missing, and that nobody else gives, before the others."""
    found = [
        Question(f"settings.{name}", one.title, one.help, setting=one, advanced=not _useful(one))
        for name, one in manifest.settings.items()
    ]
    return tuple(sorted(found, key=lambda question: question.advanced))


def _useful(setting: Setting) -> bool:
    return setting.default is None and setting.discover is None and setting.without is not None


def read_answers(
    asked: Iterable[Question], answers: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The values of the answers by key, without those that are not given, and what is wrong with the others."""
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for question in asked:
        try:
            value = question.value(answers.get(question.key, ""))
        except Problem as problem:
            problems[question.key] = f"{question.title} {problem}."
        else:
            if value is not None:
                values[question.key] = value
    return values, problems
