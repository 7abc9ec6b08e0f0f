"""What is there: a record by its id, or by what people know of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from mappings import engine
from mappings.model import RESOURCES
from sources.unified_lms.client import Client
from sources.unified_lms.connection import Connection
from sources.unified_lms.manifest import Manifest
from sources.unified_lms.passthrough import LiveRecord, NoSuchRecord, PassThrough, UnreadParent
from sources.unified_lms.writing.intents import ENROLLMENTS, Intent, Refused, enrolled, key_value, natural_key


class Presence:
    """The live records of a connection, as a write sees them."""

    def __init__(self, connection: Connection, manifest: Manifest, client: Client) -> None:
        self._connection = connection
        self._manifest = manifest
        self._client = client

    def of(self, intent: Intent) -> LiveRecord | None:
        """The record that an intent is about; None where there is none.

        Raises `Refused` where more than one fits, or what was found cannot be taken for a record.
        """
        if intent.record_id is not None:
            return self.by_id(intent.resource, intent.record_id)
        return self.by_key(intent.resource, intent.payload)

    def by_id(self, resource: str, record_id: str) -> LiveRecord | None:
        """The record with a unified id."""
        if self._manifest.resources[resource].get is None:
            return self._only(resource, self._matching(resource, {}, lambda one: one.get("id") == record_id))
        try:
            return self._mapped(resource, self._reading(resource).get(record_id))
        except NoSuchRecord:
            return None

    def by_key(self, resource: str, payload: Mapping[str, Any]) -> LiveRecord | None:
        """The record with the natural key of a payload; None also where the payload has none."""
        if resource == ENROLLMENTS:
            return self._enrolment(payload)
        key = natural_key(self._manifest, resource, payload)
        if key is None:
            return None
        name, value = key
        filters = {name: value} if name in self._manifest.resources[resource].filters else {}

        def fits(record: Mapping[str, Any]) -> bool:
            found = key_value(RESOURCES[resource], name, record)
            return found is not None and found.casefold() == value.casefold()

        return self._only(resource, self._matching(resource, filters, fits))

    def _enrolment(self, payload: Mapping[str, Any]) -> LiveRecord | None:
        ids = enrolled(payload)
        if ids is None:
            return None
        course, user = ids
        get = self._manifest.resources[ENROLLMENTS].get
        if get and set(re.findall(r"\{([a-z_]+)\}", get.id)) == {"course", "user"}:
            return self.by_id(
                ENROLLMENTS, get.id.format(course=quote(course, safe=""), user=quote(user, safe=""))
            )
        filters = self._narrowest({"course[id]": course, "user[id]": user})

        def fits(record: Mapping[str, Any]) -> bool:
            return bool(record["course"]["id"] == course and record["user"]["id"] == user)

        # An ended enrolment may be listed beside the one that took its place.
        found = self._matching(ENROLLMENTS, filters, fits)
        return self._only(ENROLLMENTS, [one for one in found if not self.ended(ENROLLMENTS, one)])

    def ended(self, resource: str, record: LiveRecord) -> bool:
        """Whether a record that can still be read was deleted or ended."""
        ended = self._manifest.resources[resource].writes.ended
        return (
            ended is not None
            and engine.compile(ended, name="writes.ended").evaluate(dict(record.seen)) is True
        )

    def _narrowest(self, wanted: Mapping[str, str]) -> dict[str, str]:
        """Those of the filters that the provider has and that can be combined."""
        rules = self._manifest.resources[ENROLLMENTS].filters
        known = {name: value for name, value in wanted.items() if name in rules}
        alone = [name for name in known if rules[name].endpoint]
        if alone:
            return {alone[0]: known[alone[0]]}
        parents = [name for name in known if rules[name].parent]
        return {name: value for name, value in known.items() if name not in parents[1:]}

    def _matching(self, resource: str, filters: Mapping[str, str], fits: Any) -> list[LiveRecord]:
        found = []
        try:
            for record in self._reading(resource).records(filters):
                if isinstance(record, UnreadParent):
                    raise record.error
                if record.unified is not None and fits(record.unified):
                    found.append(record)
        except NoSuchRecord as error:
            raise Refused(str(error)) from None
        return found

    def _only(self, resource: str, found: list[LiveRecord]) -> LiveRecord | None:
        if len(found) > 1:
            ids = ", ".join(str(one.record_id) for one in found[:5])
            raise Refused(
                f"{len(found)} {resource} have this key ({ids}); name the one that is meant by its id"
            )
        return found[0] if found else None

    def _mapped(self, resource: str, record: LiveRecord) -> LiveRecord:
        if record.unified is None:
            why = record.violations[0].reason if record.violations else "it is rejected"
            raise Refused(
                f"what is there of {resource} cannot be read ({why}), so that nothing is written over it"
            )
        return record

    def _reading(self, resource: str) -> PassThrough:
        """A new one each time: what is joined for the whole connection, such as a report, is read once by each."""
        return PassThrough(self._connection, self._manifest, resource, self._client)
