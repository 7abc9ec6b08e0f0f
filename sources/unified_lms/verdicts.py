"""What a reply means: an answer, or an error of which kind, with what to say about it."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from mappings import engine
from sources.unified_lms.body import BodyReader, TornBody
from sources.unified_lms.errors import KINDS, Failure, ProviderError, RateLimited, Retriable, Transient
from sources.unified_lms.limits import Timing, retry_after
from sources.unified_lms.manifest import Endpoint, ErrorRule, Manifest
from sources.unified_lms.redaction import Redactor, shorten

if TYPE_CHECKING:
    from sources.unified_lms.transport import Reply

_TEXT_LIMIT = 10_000
"""Characters of an answer that is no JSON which rules may look at."""
_TEXT = re.compile(r"\btext\b")
_DEFAULT_KINDS = {
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    410: "not_found",
    429: "rate_limited",
}
_REMEDIES = {
    "rate_limited": "Run again later, or allow the connection fewer requests",
    "unauthorized": "The connection needs new credentials",
    "forbidden": "Give the connection's account the permission {permission}",
    "not_found": "Check the id, and that `base_url` leads to the right account",
    "no_data": "",
    "already": "",
    "invalid": "Check what was asked for; the manifest may be out of date",
    "transient": "Run again later",
    "fatal": "See the provider's documentation",
}


@dataclass(frozen=True)
class Attempt:
    """What was attempted, for messages: the endpoint's name, its manifest, and the redacted address."""

    name: str
    spec: Endpoint
    url: str

    @property
    def described(self) -> str:
        """The attempt in words."""
        return f"{self.name} ({self.spec.method} {shorten(self.url, 200)})"

    def failure(self, came_back: str, remedy: str, **known: Any) -> Failure:
        """What is known of a failure of this attempt; both texts are redacted already."""
        ended = remedy if not remedy or remedy.endswith(".") else f"{remedy}."
        return Failure(self.described, came_back, ended, endpoint=self.name, **known)


class Judge:
    """Applies a manifest's error rules, in their order, and what statuses mean by default."""

    def __init__(self, manifest: Manifest, redactor: Redactor, timing: Timing) -> None:
        self._rules = manifest.errors
        self._headers = manifest.limits.headers
        self._redactor = redactor
        self._timing = timing

    def verdict(self, reply: Reply, body: BodyReader, attempt: Attempt) -> str:
        """The JSON text of a reply that is no error; raises the `ProviderError` of one that is."""
        try:
            text: str | None = body.read(reply.content)
        except TornBody:
            text = None
        rule = self._rule(reply, text, attempt.spec)
        kind = rule.kind if rule else _default_kind(reply.status)
        if text is None and _begins_as_json(reply) and not _may_pass(kind):
            kind = None  # the rule that the whole body would have met may be another
        if kind is None and text is not None:
            return text
        raise self._error(kind, rule, reply, text, attempt)

    def _error(
        self, kind: str | None, rule: ErrorRule | None, reply: Reply, text: str | None, attempt: Attempt
    ) -> ProviderError:
        if kind is None:
            return Transient(self._torn(reply, attempt))
        said = self._message(rule, reply, text)
        came = f"the provider answered {reply.status}" + (f": {_unstopped(said)}" if said else "")
        failure = attempt.failure(
            came,
            _remedy(kind, attempt.spec, rule.remedy if rule else None),
            status=reply.status,
            provider_message=said,
            retry_after=self._wait(kind, reply.headers),
            raw=text if text is not None else self._redactor.text(_plain(reply)),
        )
        return KINDS[kind](failure)

    def _torn(self, reply: Reply, attempt: Attempt) -> Failure:
        sort = shorten(reply.headers.get("content-type", "no content type").split(";")[0], 60)
        came = f"the provider answered {reply.status} with {len(reply.content)} bytes that are no whole JSON ({sort})"
        return attempt.failure(
            came, "Check that `base_url` leads to the API, and run again later", status=reply.status
        )

    def _rule(self, reply: Reply, text: str | None, spec: Endpoint) -> ErrorRule | None:
        rules = (*spec.errors, *self._rules)
        return next((rule for rule in rules if self._holds(rule, reply, text)), None)

    def _holds(self, rule: ErrorRule, reply: Reply, text: str | None) -> bool:
        if rule.status and reply.status not in rule.status:
            return False
        if rule.contains and rule.contains not in (text if text is not None else _plain(reply)):
            return False
        return rule.when is None or _value(f"$boolean({rule.when})", reply, text) is True

    def _message(self, rule: ErrorRule | None, reply: Reply, text: str | None) -> str | None:
        """The provider's own words, where a rule finds any."""
        found = _value(rule.message, reply, text) if rule and rule.message else None
        if found is None or found == "":
            return None
        words = found if isinstance(found, str) else orjson.dumps(found).decode()
        return shorten(self._redactor.text(words))

    def _wait(self, kind: str, headers: Mapping[str, str]) -> float | None:
        if not issubclass(KINDS[kind], (RateLimited, Transient)):
            return None
        after = retry_after(headers.get("retry-after"), self._timing)
        return self.reset_in(headers) if after is None and issubclass(KINDS[kind], RateLimited) else after

    def reset_in(self, headers: Mapping[str, str]) -> float | None:
        """Seconds until the vendor's header says that its window begins anew; None where it does not."""
        found = headers.get((self._headers.reset or "").lower())
        try:
            seconds = None if found is None else float(found)
        except ValueError:
            return None
        if seconds is None:
            return None
        return max(0.0, seconds - self._timing.wall() if self._headers.reset_as == "unix" else seconds)


def _default_kind(status: int) -> str | None:
    if status < 300:
        return None
    if status == 408 or status >= 500:
        return "transient"
    return _DEFAULT_KINDS.get(status, "invalid" if status >= 400 else "fatal")


def _may_pass(kind: str | None) -> bool:
    """Whether it is asked for again in any case."""
    return kind is not None and issubclass(KINDS[kind], Retriable)


def _begins_as_json(reply: Reply) -> bool:
    """Whether a body that is no JSON was to be some, and is torn: others are pages or sentences, which are whole."""
    return reply.content.removeprefix(codecs.BOM_UTF8).lstrip().startswith((b"{", b"["))


def _remedy(kind: str, spec: Endpoint, told: str | None) -> str:
    """What the rule tells to do, else what the kind does; a missing permission is named in any case."""
    general = _REMEDIES[kind].format(permission=spec.permission or "that this call needs")
    if told is None or not (kind == "forbidden" and spec.permission):
        return told or general
    return f"{general}. {told}"


def _unstopped(said: str) -> str:
    """The words without a full stop at their end, since the sentence goes on; an ellipsis stays."""
    return said if said.endswith("...") else said.removesuffix(".")


def _plain(reply: Reply) -> str:
    return reply.content[: _TEXT_LIMIT * 4].decode("utf-8", "replace")[:_TEXT_LIMIT]


def _value(source: str, reply: Reply, text: str | None) -> Any:
    """An expression over `{status, headers, body, text}`; None where it fails, as it may on an odd answer."""
    plain = _plain(reply) if text is None or _TEXT.search(source) else ""
    seen = orjson.dumps({"status": reply.status, "headers": dict(reply.headers), "text": plain}).decode()
    try:
        found = engine.compile(source).evaluate_json(f'{seen[:-1]},"body":{text or "null"}}}')
    except engine.ExpressionError:
        return None
    return None if found is None else orjson.loads(found)
