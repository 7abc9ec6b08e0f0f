"""The raw records in a provider's answers, as one way of reading a resource finds them.

Records are where the manifest looks for them (`records`), or are made of the whole answer (`rows`), which further calls
may complete first (`fetch`): a list of modules that leaves the items of large ones out, sections whose enrolments are
asked for one section at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

import orjson

from mappings import engine
from sources.unified_lms.client import Answer, Client, Page
from sources.unified_lms.errors import Failure, Unexpected
from sources.unified_lms.joins import as_list
from sources.unified_lms.manifest import Fetch, Read


class RecordFinder:
    """Finds the records in the answers of one reading. Thread-safe."""

    def __init__(self, client: Client, resource: str, read: Read) -> None:
        self._client = client
        self._resource = resource
        self._read = read
        self._records = _expression(read.records or client.manifest.endpoints[read.endpoint].records)
        self._rows = _expression(read.rows)

    def find(
        self, answer: Answer, parent: str, variables: Mapping[str, Any], *, calls: int | None = None
    ) -> tuple[str, list[dict[str, Any]]]:
        """The records of an answer as a JSON list, and what the answer itself joins to each of them, if it joins.

        `parent` is the parent's record as JSON text, `null` without one; `variables` are those that the answer was
        asked for with. No more than `calls` further calls are made for each `fetch`. Raises `Unexpected` where there
        are no records where the manifest looks for them: that is no empty list, such an answer tells nothing.
        """
        if self._rows is not None:
            seen = self._completed(answer, parent, variables, calls)
            rows = as_list(orjson.loads(self._found(self._rows.evaluate_json(_object(seen)), answer)))
            return _dump([row["record"] for row in rows]), [row.get("joined") or {} for row in rows]
        text = answer.text if self._records is None else self._records.evaluate_json(answer.text)
        return _listed(self._found(text, answer)), []

    def _completed(
        self, answer: Answer, parent: str, variables: Mapping[str, Any], calls: int | None
    ) -> dict[str, str]:
        """What `rows` sees, each as JSON text; a `fetch` sees the same, and what those before it have fetched."""
        seen = {"body": answer.text, "parent": parent, "settings": _dump(self._client.settings)}
        fetched: dict[str, Any] = {}
        for name, fetch in self._read.fetch.items():
            fetched[name] = self._fetched(fetch, {**seen, "fetched": _dump(fetched)}, variables, calls)
        return {**seen, "fetched": _dump(fetched)}

    def _fetched(
        self, fetch: Fetch, seen: Mapping[str, str], variables: Mapping[str, Any], calls: int | None
    ) -> dict[str, list[Any]]:
        """The records of each further call, by the id of the element that it was made for."""
        found = engine.compile(fetch.each, name="fetch each").evaluate_json(_object(seen))
        identify = engine.compile(fetch.id, name="fetch id")
        ids = dict.fromkeys(identify.evaluate(element) for element in as_list(orjson.loads(found or "null")))
        return {str(one): self._all(fetch.endpoint, one, variables) for one in islice(ids, calls)}

    def _all(self, endpoint: str, identifier: Any, variables: Mapping[str, Any]) -> list[Any]:
        args = {**variables.get("args", {}), "id": identifier}
        pages = self._client.pages(endpoint, {**variables, "args": args})
        return [record for page in pages for record in self._page(page, endpoint)]

    def _page(self, page: Page, endpoint: str) -> list[Any]:
        text = engine.compile(page.expression).evaluate_json(page.answer.text)
        return as_list(orjson.loads(self._found(text, page.answer, endpoint)))

    def _found(self, text: str | None, answer: Answer, endpoint: str | None = None) -> str:
        if text is not None:
            return text
        raise Unexpected(
            Failure(
                attempted=f"reading {self._resource} from {answer.url}",
                came_back="the answer has no records where the manifest looks for them",
                remedy=f"See what the account may read: lms check {self._client.connection.name}",
                endpoint=endpoint or self._read.endpoint,
                raw=answer.text,
            )
        )


def _expression(source: str | None) -> engine.Expression | None:
    return engine.compile(source) if source and source != "$" else None


def _listed(text: str) -> str:
    """A JSON text as a list: one value alone is a list of it, and null is none."""
    return text if text.lstrip().startswith("[") else _dump(as_list(orjson.loads(text)))


def _object(members: Mapping[str, str]) -> str:
    """The JSON object of members that are JSON text already."""
    return "{" + ",".join(f'"{name}":{text}' for name, text in members.items()) + "}"


def _dump(value: Any) -> str:
    return orjson.dumps(value).decode()
