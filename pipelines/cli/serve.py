"""`lms serve` and `lms keys`: the unified API over HTTP, and who may call it."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mappings.model import RESOURCES
from pipelines.cli.group import ResourceName, common, prepare_dlt
from pipelines.output import note, print_json, print_table, say

if TYPE_CHECKING:
    from pipelines.serve.keys import Key, KeyStore

_OPERATIONS = ("read", "create", "update", "delete", "proxy")


@click.command("serve", short_help="Serve the unified API over HTTP.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8080,
    show_default=True,
    help="The port; 0 is a free one.",
)
@click.option(
    "--certificate",
    type=click.Path(exists=True, dir_okay=False),
    help="A certificate in PEM form, for https.",
)
@click.option("--certificate-key", type=click.Path(exists=True, dir_okay=False), help="Its private key.")
@click.option(
    "--threads",
    type=click.IntRange(1, 1000),
    default=40,
    show_default=True,
    help="Calls of providers at once.",
)
@click.option(
    "--max-body", type=click.IntRange(1), default=1_000_000, show_default=True, help="Bytes of a body."
)
@click.option(
    "--timeout", type=click.FloatRange(1), default=60.0, show_default=True, help="Seconds of an answer."
)
@common
def serve(
    host: str,
    port: int,
    certificate: str | None,
    certificate_key: str | None,
    threads: int,
    max_body: int,
    timeout: float,
    as_json: bool,
) -> None:
    """Serves the unified API over HTTP until Ctrl-C, live, nothing stored.

    Every call needs a key: lms keys create. Without --host only this machine can call.

    \b
    Examples:
      lms serve
      lms serve --host 0.0.0.0 --port 8443 --certificate cert.pem --certificate-key key.pem
    """
    prepare_dlt()
    _needs_extra()
    from pipelines.environment import serve_folder
    from pipelines.serve.app import create_app
    from pipelines.serve.server import listen, make_server
    from pipelines.serve.settings import ServeSettings

    settings = ServeSettings(serve_folder(), body_bytes=max_body, threads=threads, seconds=timeout)
    app = create_app(settings)
    listener = listen(host, port, settings.stall_seconds)
    scheme, bound = "https" if certificate else "http", listener.getsockname()[1]
    if not certificate and not _loopback(host):
        note(
            "keys and learners' data go over the network unencrypted; give --certificate, or put a proxy before it"
        )
    address = f"{scheme}://{f'[{host}]' if ':' in host else host}:{bound}"
    if as_json:
        print_json({"url": address, "folder": settings.folder})
    else:
        say(f"The unified API is at {address}")
    note("Ctrl-C ends it.")
    with listener:
        make_server(app, certificate=certificate, key=certificate_key).run([listener])


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _needs_extra() -> None:
    from sources.unified_lms.errors import ConfigurationError

    try:
        import fastapi  # noqa: F401
    except ImportError:
        raise ConfigurationError("lms serve needs more packages: pip install 'unified-lms[serve]'") from None


@click.group("keys", short_help="Make, list and revoke the keys of lms serve.")
def keys() -> None:
    """Makes, lists and revokes the API keys of `lms serve`.

    \b
    Examples:
      lms keys create reports --connection acme
      lms keys list
    """


@keys.command("create")
@click.argument("name")
@click.option(
    "--connection", "connections", multiple=True, metavar="C", help="Only for this one; may be repeated."
)
@click.option("--all-connections", is_flag=True, help="For every connection, also those to come.")
@click.option(
    "--resource",
    "resources",
    multiple=True,
    type=ResourceName(),
    metavar="R",
    help="Only for this one; may be repeated.",
)
@click.option(
    "--operation",
    "operations",
    multiple=True,
    type=click.Choice(_OPERATIONS),
    help="What it allows, read by default; may be repeated.",
)
@click.option(
    "--days",
    type=click.FloatRange(0, min_open=True),
    default=90.0,
    show_default=True,
    help="How long it is valid.",
)
@common
def create(
    name: str,
    connections: tuple[str, ...],
    all_connections: bool,
    resources: tuple[str, ...],
    operations: tuple[str, ...],
    days: float,
    as_json: bool,
) -> None:
    """Makes a key called NAME, and shows it once.

    \b
    Examples:
      lms keys create reports --connection acme
      lms keys create portal --connection acme --operation read --operation update --resource users --days 30
    """
    if bool(connections) == all_connections:
        raise click.UsageError("say which connections it is for: --connection, or --all-connections")
    from pipelines.serve.keys import Grant

    expires = datetime.now(UTC) + timedelta(days=days)
    grant = Grant(
        name,
        tuple(dict.fromkeys(operations)) or ("read",),
        None if all_connections else tuple(dict.fromkeys(connections)),
        tuple(dict.fromkeys(resources)) or None,
        expires.timestamp(),
    )
    text, made = _store().create(grant)
    if as_json:
        print_json({"key": text, **_shown(made)})
        return
    say(text)
    note(
        f"Key {made.id}, valid until {expires:%Y-%m-%d}. It is shown this once; lms keys revoke {made.id} ends it."
    )


@keys.command("list")
@common
def list_keys(as_json: bool) -> None:
    """Lists the keys, what they allow, and when they were used last; never the keys themselves.

    \b
    Example:
      lms keys list
    """
    shown = [_shown(key) for key in _store().all()]
    if as_json:
        print_json(shown)
        return
    names = ("id", "name", "state", "operations", "connections", "resources", "expires_at", "last_used_at")
    print_table(names, [[_cell(one[name]) for name in names] for one in shown])


@keys.command("revoke")
@click.argument("key_id", metavar="ID")
@common
def revoke(key_id: str, as_json: bool) -> None:
    """Ends the key ID at once, for servers that run as well.

    \b
    Example:
      lms keys revoke 1f0c5a2e
    """
    ended = _shown(_store().revoke(key_id))
    if as_json:
        print_json(ended)
    else:
        say(f"Key {ended['id']} ({ended['name']}) is revoked.")


def _store() -> KeyStore:
    prepare_dlt()
    from pipelines.environment import serve_folder
    from pipelines.serve.keys import KeyStore

    return KeyStore(Path(serve_folder()))


def _shown(key: Key) -> dict[str, Any]:
    times = {
        name: _instant(getattr(key, name))
        for name in ("created_at", "expires_at", "revoked_at", "last_used_at")
    }
    return {
        "id": key.id,
        "name": key.name,
        "state": key.state(datetime.now(UTC).timestamp()),
        "operations": key.operations,
        "connections": key.connections,
        "resources": key.resources or tuple(RESOURCES),
        **times,
    }


def _instant(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(int(seconds), UTC)


def _cell(value: Any) -> Any:
    return ", ".join(value) if isinstance(value, tuple) else value
