"""Who may call: every route with every kind of key that it must refuse, and what a key lets through."""

from __future__ import annotations

import stat
from pathlib import Path

import httpx
import pytest

from pipelines.serve.document import document
from pipelines.serve.guard import OPEN
from pipelines.serve.keys import Grant, KeyRefused, KeyStore
from sources.unified_lms.errors import ConfigurationError
from sources.unified_lms.sandbox import SandboxServer
from tests.integration.serving import ALL, Api

ROUTES = [
    (method.upper(), path.replace("{id}", "5").replace("{path}", "users"))
    for path, methods in document("0")["paths"].items()
    for method in methods
    if path not in OPEN
]
EVERY_ROUTE = pytest.mark.parametrize(("method", "path"), ROUTES)
OF_A_CONNECTION = pytest.mark.parametrize(
    ("method", "path"), [one for one in ROUTES if one[1].startswith(("/unified", "/proxy"))]
)
WRITING = pytest.mark.parametrize(("method", "path"), [one for one in ROUTES if one[0] != "GET"])


def _asked(client: httpx.Client, method: str, path: str) -> httpx.Response:
    with client:
        return client.request(method, path, params={"integrated_account_id": "acme"})


def _refused(answer: httpx.Response, status: int, server: SandboxServer) -> str:
    """The message of a refusal, of which the provider has heard nothing."""
    assert (answer.status_code, len(server.requests)) == (status, 0)
    assert answer.json()["statusCode"] == status
    return str(answer.json()["message"])


@EVERY_ROUTE
def test_without_a_key(api: Api, server: SandboxServer, method: str, path: str) -> None:
    """No route answers who shows no key."""
    answer = _asked(api.client(None), method, path)
    assert "a key is needed" in _refused(answer, 401, server)
    assert answer.headers["www-authenticate"].startswith("Bearer")


@EVERY_ROUTE
def test_with_a_made_up_key(api: Api, server: SandboxServer, method: str, path: str) -> None:
    """A key that begins like a real one and ends otherwise opens nothing."""
    made_up = api.key(ALL)[:-4] + "AAAA"
    assert "not known" in _refused(_asked(api.client(made_up), method, path), 401, server)


@EVERY_ROUTE
def test_with_an_expired_key(api: Api, server: SandboxServer, method: str, path: str) -> None:
    """A key ends at its time."""
    assert "expired" in _refused(_asked(api.caller(ALL, expires_at=1.0), method, path), 401, server)


@EVERY_ROUTE
def test_with_a_revoked_key(api: Api, server: SandboxServer, method: str, path: str) -> None:
    """A revoked key ends at once, in a server that runs and has seen it before."""
    text, key = api.keys.create(Grant("test", ALL))
    with api.client(text) as caller:
        assert caller.get("/connections").status_code == 200
    api.keys.revoke(key.id)
    assert "revoked" in _refused(_asked(api.client(text), method, path), 401, server)


@OF_A_CONNECTION
def test_with_another_connections_key(api: Api, server: SandboxServer, method: str, path: str) -> None:
    """A key for other connections does not even learn whether there is this one."""
    caller = api.caller(ALL, connections=("other",))
    assert _refused(_asked(caller, method, path), 403, server) == "the key is not for this connection"


@WRITING
def test_with_a_key_that_reads(api: Api, server: SandboxServer, method: str, path: str) -> None:
    """A key that reads writes nothing, by no route."""
    assert "does not allow the operation" in _refused(_asked(api.caller(), method, path), 403, server)


@WRITING
def test_with_a_key_that_reads_and_passes_through(
    api: Api, server: SandboxServer, method: str, path: str
) -> None:
    """The proxy is no way round: what writes needs its own operation there as well."""
    caller = api.caller(("read", "proxy"))
    assert "does not allow the operation" in _refused(_asked(caller, method, path), 403, server)


@pytest.mark.parametrize(
    "path", ["/unified/lms/users", "/unified/lms/users/5", "/proxy/users"], ids=["list", "get", "proxy"]
)
def test_with_another_resources_key(api: Api, server: SandboxServer, path: str) -> None:
    """A key for courses reads no users, and not through the proxy either."""
    caller = api.caller(ALL, resources=("courses",))
    assert "the key is " in _refused(_asked(caller, "GET", path), 403, server)


def test_a_key_that_only_writes_reads_nothing(api: Api, server: SandboxServer) -> None:
    """Reading is an operation like the others."""
    answer = _asked(api.caller(("create",)), "GET", "/unified/lms/users")
    assert "operation read" in _refused(answer, 403, server)


def test_connections_are_those_of_the_key(api: Api) -> None:
    """The list of connections names none that the key is not for."""
    with api.caller(connections=("other",)) as caller:
        assert caller.get("/connections").json() == {"result": []}
    with api.caller(connections=("acme",)) as caller:
        assert [one["id"] for one in caller.get("/connections").json()["result"]] == ["acme"]


@pytest.mark.parametrize("path", OPEN)
def test_health_needs_no_key_and_tells_nothing(api: Api, path: str) -> None:
    """Whoever looks after the process can see that it runs, and nothing else."""
    with api.client(None) as caller:
        answer = caller.get(path)
    assert answer.status_code == 200
    assert answer.json() in ({"status": "ok"}, {"status": "ready"})


# -- at rest -----------------------------------------------------------------------------------------


@pytest.fixture
def clock() -> list[float]:
    """The time of the store."""
    return [1_000_000.0]


@pytest.fixture
def store(tmp_path: Path, clock: list[float]) -> KeyStore:
    """A store of keys."""
    return KeyStore(tmp_path / "keys", wall=lambda: clock[0])


def test_the_file_holds_no_key(store: KeyStore) -> None:
    """Who reads the file can call nothing with it, and only its owner can read it."""
    text, _ = store.create(Grant("reports"))
    assert text not in store.path.read_text()
    assert text.split("_", 2)[2] not in store.path.read_text()
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700


def test_keys_differ(store: KeyStore) -> None:
    """Two keys have nothing in common, and each has 256 bits of chance."""
    first, second = (store.create(Grant("same"))[0] for _ in range(2))
    assert first.split("_", 2)[2] != second.split("_", 2)[2]
    assert len(first.split("_", 2)[2]) == 43


def test_a_file_that_others_can_read_is_refused(store: KeyStore) -> None:
    """What others could have read or written is not trusted."""
    text, _ = store.create(Grant("reports"))
    store.path.chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        KeyStore(store.path.parent).find(text)


def test_last_use_is_kept(store: KeyStore, clock: list[float]) -> None:
    """When a key was used last is in the file, at once for the first use and at the end for the last."""
    text, key = store.create(Grant("reports"))
    store.find(text)
    clock[0] += 5
    store.find(text)
    store.flush()
    [kept] = KeyStore(store.path.parent).all()
    assert (kept.id, kept.last_used_at) == (key.id, clock[0])


def test_use_does_not_bring_back_a_revoked_key(store: KeyStore) -> None:
    """Writing the time of last use keeps what another process has changed meanwhile."""
    text, key = store.create(Grant("reports"))
    store.find(text)
    KeyStore(store.path.parent).revoke(key.id)
    store._used[key.id] = 1.0
    store.flush()
    with pytest.raises(KeyRefused, match="revoked"):
        store.find(text)


@pytest.mark.parametrize("shown", ["", "lms", "lms_", "lms__", "lms_00000000_x", "x" * 5000])
def test_what_is_no_key(store: KeyStore, shown: str) -> None:
    """Anything else is not known, whatever it looks like."""
    store.create(Grant("reports"))
    with pytest.raises(KeyRefused, match="not known"):
        store.find(shown)


def test_no_secret_is_in_a_repr(store: KeyStore) -> None:
    """Not even the digest shows by accident."""
    _, key = store.create(Grant("reports"))
    assert key.digest not in repr(key)
