"""Measured process: reading alone, by plain httpx and orjson, one page at a time, and by the connector's client."""

from __future__ import annotations

import httpx
import orjson

from sources.unified_lms.client import Client
from sources.unified_lms.connection import load_connection
from sources.unified_lms.manifest import load_manifest
from tests.bench.gauge import Measured, child_main, gauged
from tests.bench.syncing import CONNECTION


def _plain(url: str) -> int:
    records = 0
    following: str | None = url
    with httpx.Client(headers={"Authorization": "Bearer benchmark-token"}) as client:
        while following:
            answer = client.get(following)
            records += len(orjson.loads(answer.content))
            following = answer.links.get("next", {}).get("url")
    return records


def _ours(_: str) -> int:
    connection = load_connection(CONNECTION)
    with Client(load_manifest(connection.provider, connection.folders), connection) as client:
        return sum(page.count for page in client.pages("enrollments", {"args": {}}))


def _measure(how: str, url: str) -> Measured:
    read = _plain if how == "plain" else _ours
    measured = Measured()
    with gauged(measured):
        measured.records = read(url)
    return measured


if __name__ == "__main__":
    child_main(_measure)
