"""Writes one thing at a time: planned against the present, sent, and when an answer is lost, found out by reading."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import orjson

from mappings import engine
from mappings.model import RESOURCES
from sources.unified_lms.client import Answer, Client
from sources.unified_lms.connection import Connection, load_connection, manifest_of
from sources.unified_lms.errors import AlreadyDone, NotFound, NothingSent, Retriable
from sources.unified_lms.limits import backoff
from sources.unified_lms.manifest import Manifest
from sources.unified_lms.passthrough import LiveRecord
from sources.unified_lms.stopping import Stop
from sources.unified_lms.writing.calls import Call, make_calls
from sources.unified_lms.writing.comparison import Change, differences
from sources.unified_lms.writing.intents import (
    ENROLLMENTS,
    Intent,
    Refused,
    ability,
    checked,
    refuse_fields,
    refuse_unless_allowed,
)
from sources.unified_lms.writing.overlaying import overlaid
from sources.unified_lms.writing.presence import Presence
from sources.unified_lms.writing.steps import REFUSE, SKIP, Step

log = logging.getLogger(__name__)

_TRIES = 3
"""How often something is sent whose answer was lost, the reading in between having found nothing."""
_IDENTITY = {ENROLLMENTS: ("user", "course")}


@dataclass(frozen=True)
class Written:
    """What became of an intent: what was done, and the record as it was read afterwards; None of a deleted one."""

    step: Step
    record_id: str | None
    record: LiveRecord | None = field(default=None, repr=False)
    left: tuple[Change, ...] = ()
    """What the provider has otherwise than it was asked for."""
    sent: bool = True


class Writer:
    """Writes through one connection; a context manager. Not for several threads at once."""

    def __init__(self, connection: Connection, manifest: Manifest, client: Client) -> None:
        self.connection = connection
        self.manifest = manifest
        self._client = client
        self._presence = Presence(connection, manifest, client)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    # -- planning ----------------------------------------------------------------------------------

    def plan(self, intent: Intent, *, begun: bool = False) -> Step:
        """What is to be done, nothing sent; what cannot be done is a step that says why.

        `begun` says that the intent was sent before: a record that is there then is taken for its own doing, and what
        differs is asked for once more.
        """
        try:
            step = self._step(checked(self.manifest, intent), begun)
            if step.writes:
                refuse_unless_allowed(self.connection, step.intent.resource, step.action)
                make_calls(self.connection, self.manifest, self._client.settings, step, shown=True)
        except Refused as refusal:
            return Step(intent, REFUSE, str(refusal), refusal, intent.record_id)
        return step

    def _step(self, intent: Intent, begun: bool) -> Step:
        present = self._presence.of(intent)
        if intent.operation == "delete":
            return self._deletion(intent, present)
        if present is None:
            return self._creation(intent)
        if intent.operation == "create" and not begun:
            return self._existing(intent, present)
        return self._change(intent, present)

    def _deletion(self, intent: Intent, present: LiveRecord | None) -> Step:
        if present is None or self._presence.ended(intent.resource, present):
            return Step(intent, SKIP, "there is no such record (any more)", record_id=intent.record_id)
        return Step(intent, "delete", record_id=present.record_id, present=present)

    def _creation(self, intent: Intent) -> Step:
        if intent.operation == "update" or (intent.operation == "upsert" and intent.record_id is not None):
            raise Refused(
                f"there is no such record in {intent.resource}: {intent.record_id or 'its key is unknown'}"
            )
        record = {name: value for name, value in intent.payload.items() if value is not None}
        changes = tuple(Change(name, None, value) for name, value in record.items())
        record = self._overlaid(intent, record, None)
        refuse_fields(self.manifest, intent.resource, "create", record)
        return Step(intent, "create", changes=changes, record=record)

    def _existing(self, intent: Intent, present: LiveRecord) -> Step:
        """A create of what is there: already so, or not what was meant."""
        found = self._differences(intent, present)
        if found:
            names = ", ".join(change.field for change in found)
            raise Refused(
                f"there is such a record already, {present.record_id}, with another {names}; "
                "ask for an update or an upsert if that one is meant"
            )
        return Step(intent, SKIP, "it is there already", record_id=present.record_id, present=present)

    def _change(self, intent: Intent, present: LiveRecord) -> Step:
        found = self._differences(intent, present)
        if not found:
            return Step(intent, SKIP, "it is so already", record_id=present.record_id, present=present)
        record = self._overlaid(intent, {change.field: change.new for change in found}, present)
        refuse_fields(self.manifest, intent.resource, "update", record)
        return Step(
            intent, "update", record_id=present.record_id, changes=found, record=record, present=present
        )

    def _overlaid(self, intent: Intent, record: dict[str, Any], present: LiveRecord | None) -> dict[str, Any]:
        """What the provider's mapping is given: the record as environment and connection want it written."""
        overlays = self.connection.overlays.writes.get(intent.resource, ())
        if not overlays:
            return record
        seen = None if present is None else {"unified": present.unified, "record": present.raw}
        return overlaid(record, overlays, seen, self._client.settings)

    def _differences(self, intent: Intent, present: LiveRecord) -> tuple[Change, ...]:
        identity = _IDENTITY.get(intent.resource, ())
        payload = {name: value for name, value in intent.payload.items() if name not in identity}
        return differences(RESOURCES[intent.resource], payload, present.unified or {})

    # -- sending -----------------------------------------------------------------------------------

    def preview(self, step: Step) -> list[dict[str, Any]]:
        """The requests that would be sent, as method, address and body, with secrets masked."""
        calls = make_calls(self.connection, self.manifest, self._client.settings, step, shown=True)
        return [self._client.preview(call.endpoint, {"args": call.args}) for call in calls]

    def write(
        self, intent: Intent, *, begun: bool = False, before: Callable[[Step], None] = lambda step: None
    ) -> Written:
        """Does an intent, and gives the record as it is then. `before` is told of each step before it is sent.

        Raises `Refused`, and the `ProviderError` of a call. After one that is `Retriable` and no `NothingSent` nobody
        knows whether it was done; that is asked of the provider first when the intent is written again with `begun`.
        """
        step, tried = self.plan(intent, begun=begun), 1
        while step.writes:
            before(step)
            try:
                return self._verified(step, self._send(step))
            except NothingSent:
                raise
            except Retriable:
                if tried == _TRIES:
                    raise
            log.info("%s: looking whether it was done, since no answer says so", self.connection.name)
            tried += 1
            self._client.wait(backoff(tried, 0.75))
            step, begun = self.plan(intent, begun=True), True
        if step.refusal is not None:
            raise step.refusal
        return Written(step, step.record_id, step.present, sent=begun)

    def _send(self, step: Step) -> str | None:
        """Makes the calls of a step; the unified id of what they were about, where an answer tells it."""
        record_id, write = step.record_id, ability(self.manifest, step.intent.resource, step.action)
        for call in make_calls(self.connection, self.manifest, self._client.settings, step, shown=False):
            answer = self._call(step, call)
            if record_id is None and answer is not None and write.id is not None:
                record_id = self._made(write.id, answer, step)
        return record_id

    def _call(self, step: Step, call: Call) -> Answer | None:
        """One call; None where the provider says that it was done before."""
        try:
            return self._client.call(call.endpoint, {"args": call.args})
        except AlreadyDone:
            return None
        except NotFound:
            if step.action != "delete":
                raise
            return None

    def _made(self, expression: str, answer: Answer, step: Step) -> str | None:
        """The id of what was made; None where the answer does not tell it, and the record's key has to."""
        seen = {"body": orjson.loads(answer.text), "record": step.record}
        try:
            found = engine.compile(expression, name="writes.create.id").evaluate(seen)
        except engine.ExpressionError as error:
            log.warning("%s: the answer to a create has no id: %s", self.connection.name, error)
            return None
        return None if found is None else str(found)

    # -- what came of it ---------------------------------------------------------------------------

    def _verified(self, step: Step, record_id: str | None) -> Written:
        if step.action == "delete":
            return self._still_there(step)
        found = self._presence.by_id(step.intent.resource, record_id) if record_id is not None else None
        found = found or self._presence.by_key(step.intent.resource, step.intent.payload)
        if found is None:
            left = tuple(Change(name, None, value) for name, value in step.record.items())
            return Written(step, record_id, None, left)
        return Written(step, found.record_id, found, self._differences(step.intent, found))

    def _still_there(self, step: Step) -> Written:
        found = self._presence.of(step.intent)
        if found is None or self._presence.ended(step.intent.resource, found):
            return Written(step, step.record_id)
        return Written(step, step.record_id, found, (Change("id", found.record_id, None),))

    def differences(self, intent: Intent) -> tuple[Change, ...]:
        """What the provider has otherwise than an intent that was done asked for, read now."""
        return self._verified(
            Step(intent, _done_as(intent), record_id=intent.record_id), intent.record_id
        ).left


def _done_as(intent: Intent) -> str:
    return "delete" if intent.operation == "delete" else "update"


def open_writer(name: str, *, stop: Stop | None = None) -> Writer:
    """The writer of the connection called `name`; nothing has been asked of the provider yet."""
    connection = load_connection(name)
    manifest = manifest_of(connection)
    return Writer(connection, manifest, Client(manifest, connection, stop=stop))
