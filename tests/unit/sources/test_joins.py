"""What is joined record by record: for which records it is asked for, and several at once."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from sources.unified_lms.client import Client
from sources.unified_lms.errors import Forbidden
from sources.unified_lms.joins import Joiner
from tests.unit.sources.conftest import Asked, Provider

Connect = Callable[..., Client]
JOINED = """
limits: {{concurrency: 3}}
endpoints:
  users: {{path: /users}}
  marks: {{path: "/marks/{{args.id}}"}}
resources:
  users:
    read: [{{endpoint: users}}]
    joins: {{mark: {{endpoint: marks, per: record, args: {{id: record.id}}{more}}}}}
"""


def joined(client: Client, records: list[dict[str, Any]], parent: Any = None) -> list[dict[str, Any]]:
    """What is joined to the records."""
    joiner = Joiner(client, client.manifest.resources["users"].joins)
    return joiner.joined(json.dumps(records), json.dumps(parent), joiner.tables(parent, {}), {})


def test_only_chosen_records_are_asked_for(provider: Provider, connect: Connect) -> None:
    """`where` sees record and parent, and spares the calls whose answer nobody needs."""
    provider.answer = lambda asked: (200, {}, {"mark": asked.path})
    client = connect(JOINED.format(more=", where: parent.open and record.learns"))
    records = [{"id": 1, "learns": True}, {"id": 2, "learns": False}, {"id": 3}]
    assert joined(client, records, {"open": True}) == [{"mark": {"mark": "/marks/1"}}, {}, {}]
    assert joined(client, records, {"open": False}) == [{}, {}, {}]
    assert [asked.path for asked in provider.asked] == ["/marks/1"]


def test_records_are_asked_for_at_once_and_keep_their_order(provider: Provider, connect: Connect) -> None:
    """As many calls are under way as the manifest allows, and each record gets its own answer."""
    together = threading.Barrier(3, timeout=20)

    def answer(asked: Asked) -> Any:
        together.wait()
        return 200, {}, {"of": asked.path}

    provider.answer = answer
    found = joined(connect(JOINED.format(more="")), [{"id": number} for number in range(6)])
    assert found == [{"mark": {"of": f"/marks/{number}"}} for number in range(6)]


def test_one_refusal_is_raised(provider: Provider, connect: Connect) -> None:
    """A join that is not optional and forbidden for one record fails, however many others went well."""
    provider.answer = lambda asked: (403 if asked.path.endswith("2") else 200, {}, {})
    with pytest.raises(Forbidden):
        joined(connect(JOINED.format(more="")), [{"id": number} for number in range(4)])


def test_no_records_ask_for_nothing(provider: Provider, connect: Connect) -> None:
    """An empty page costs no call."""
    assert joined(connect(JOINED.format(more="")), []) == []
    assert provider.asked == []
