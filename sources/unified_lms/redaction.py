"""What must never be read in a message, a log or a repr: credentials, secrets in addresses, e-mail addresses."""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

MASK = "***"
"""Stands for whatever was masked."""

_EMAIL = re.compile(r"[A-Za-z0-9._%+'-]+(?:@|%40)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_HEADER = re.compile(
    r"(?i)\b((?:proxy-)?authorization|cookie|set-cookie|x-api-key|api-?key|wstoken)(['\"]?\s*[:=]\s*['\"]?)"
    r"((?:basic|bearer|jwt|token)\s+)?[^\s'\",;&}]+"
)
_SCHEME = re.compile(r"(?i)\b(basic|bearer)\s+[A-Za-z0-9._~+/=-]{8,}")
_PARAMETER = re.compile(
    r"(?i)([?&;](?:[a-z0-9_.-]*(?:token|secret|password|passwd|signature|sig|apikey|api_key|access_key))=)[^&#\s'\"]+"
)
_USER_INFO = re.compile(r"(?i)(\b[a-z][a-z0-9+.-]*://)[^/\s@?#]+@")
_SHORT = 4
_REMEMBERED = 8
"""Issued tokens that are masked: several of a kind may be in flight while one is renewed."""
_LOGGERS = ("httpx", "httpcore", "hpack", "h2")


def mask_emails(text: str) -> str:
    """`text` with every e-mail address masked, also where its `@` is percent-encoded."""
    return _EMAIL.sub(MASK, text)


def shorten(text: str, length: int = 300) -> str:
    """`text` on one line and at most `length` characters long."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 3] + "..."


class Redactor:
    """Masks the values of one connection's credentials, and what looks like a secret whoever it belongs to.

    Thread-safe; its repr holds none of the values.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._configured = frozenset(secret for secret in secrets if secret)
        self._issued: tuple[str, ...] = ()
        self._values = _pattern(self._configured)

    def learn(self, secrets: Iterable[str]) -> None:
        """Masks these as well, such as tokens that were issued meanwhile; the last few are remembered."""
        new = [secret for secret in secrets if secret not in self._issued]
        self._issued = (*self._issued, *new)[-_REMEMBERED:]
        self._values = _pattern({*self._configured, *self._issued})

    def text(self, text: str) -> str:
        """`text` without credentials, authorisation headers, secrets in addresses, and e-mail addresses."""
        return mask_emails(self.credentials(text))

    def credentials(self, text: str) -> str:
        """`text` without credentials, authorisation headers and secrets in addresses; e-mail addresses stay."""
        values = self._values
        if values is not None:
            text = values.sub(MASK, text)
        text = _USER_INFO.sub(rf"\g<1>{MASK}@", text)
        text = _HEADER.sub(rf"\g<1>\g<2>{MASK}", text)
        text = _SCHEME.sub(rf"\g<1> {MASK}", text)
        return _PARAMETER.sub(rf"\g<1>{MASK}", text)

    def __repr__(self) -> str:
        return "Redactor()"


def _pattern(secrets: Iterable[str]) -> re.Pattern[str] | None:
    given = sorted(secrets, key=len, reverse=True)
    forms = [form for secret in given for form in _forms(secret)] + _pairs(given)
    return re.compile("|".join(forms)) if forms else None


def _forms(secret: str) -> list[str]:
    """The patterns of a secret as it stands, as addresses encode it, and as JSON escapes it."""
    encoded = [quote(secret, safe=safe) for safe in ("", "@", "/")]
    forms = dict.fromkeys([secret, *encoded, quote_plus(secret), secret.replace("/", "\\/")])
    if len(secret) < _SHORT:  # as a part of other words it would mask half of every message
        return [rf"(?<!\w){re.escape(form)}(?!\w)" for form in forms]
    return [re.escape(form) for form in forms]


def _pairs(secrets: list[str]) -> list[str]:
    """What HTTP basic authentication makes of the secrets (RFC 7617): alone with an empty password, and in pairs."""
    users = [f"{user}:{password}" for user in secrets for password in ["", *secrets]]
    return [re.escape(base64.b64encode(user.encode()).decode()) for user in users]


def quiet_http_loggers() -> None:
    """Keeps the HTTP libraries from logging addresses (httpx, INFO) and headers (httpcore and hpack, DEBUG)."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        if logger.level < logging.WARNING:  # not set, INFO or DEBUG: each would log what must not be read
            logger.setLevel(logging.WARNING)
