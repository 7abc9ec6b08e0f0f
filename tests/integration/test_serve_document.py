"""The OpenAPI document is true: what is made up from it, rightly and wrongly, is answered as it says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from schemathesis.engine import events, from_schema
from starlette.routing import Route

from pipelines.serve.app import create_app
from pipelines.serve.document import document
from pipelines.serve.settings import ServeSettings
from sources.unified_lms.sandbox import SandboxServer, World
from tests.integration.conftest import configure
from tests.integration.serving import ALL, Api, served

ACCEPTED = ["2xx", "400", "403", "404", "422"]
"""Answers to what the document allows: which filters and writes there are depends on the connection."""
WRITES = "users.update,users.delete,courses.update"


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Api]:
    """A server whose connection allows every write."""
    with SandboxServer(World(), calls_per_burst=10**6, calls_per_hour=10**6) as sandbox:
        configure(monkeypatch, "acme", sandbox)
        monkeypatch.setenv("CONNECTIONS__ACME__WRITES__ALLOW", WRITES)
        with served(tmp_path) as running:
            yield running


def _schema(api: Api) -> Any:
    """The document as the server tells it, its connection that of the sandbox."""
    with api.caller() as caller:
        found = caller.get("/openapi.json").json()
    for operation in (one for path in found["paths"].values() for one in path.values()):
        for parameter in operation["parameters"]:
            if parameter["name"] == "integrated_account_id":
                parameter["schema"] = {"enum": ["acme"]}
    made = schemathesis.openapi.from_dict(found, config=schemathesis.config.SchemathesisConfig(seed=1))
    made.config.update(base_url=api.url, headers={"Authorization": f"Bearer {api.key(ALL)}"})
    made.config.generation.update(max_examples=5)
    made.config.checks.positive_data_acceptance.expected_statuses = ACCEPTED
    return made


def test_schemathesis_finds_nothing(free: Api) -> None:
    """Statuses, types, shapes, headers, refusals of what is wrong: thousands of checks, and no finding."""
    checks, findings = 0, []
    for event in from_schema(_schema(free)).execute():
        assert not isinstance(event, events.FatalError | events.NonFatalError), event
        if isinstance(event, events.ScenarioFinished):
            found = [check for one in event.recorder.checks.values() for check in one]
            checks += len(found)
            findings += [(event.recorder.label, c.name, c.failure_info) for c in found if c.failure_info]
    assert findings == []
    assert checks > 1_000


def test_every_route_is_in_the_document(tmp_path: Path) -> None:
    """No route and no method is left out of the document, and none is made up."""
    app: Any = create_app(ServeSettings(tmp_path))
    routes = [route for route in app.inner.routes if isinstance(route, Route)]
    served_ = {
        (route.path.replace(":path", ""), method.lower())
        for route in routes
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert served_ == {(path, verb) for path, verbs in document("0")["paths"].items() for verb in verbs}
