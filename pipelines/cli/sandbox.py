"""`lms sandbox`: the sandbox LMS as a server in the foreground."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from typing import Any

import click

from pipelines.cli.group import FAILED, common, finish
from pipelines.output import note, print_json, say


@click.command("sandbox", short_help="Run the sandbox LMS as a server.")
@click.option(
    "--dialect", default="talentlms", show_default=True, help="The provider whose wire format it speaks."
)
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=0, help="The port; without it a free one is taken."
)
@click.option("--people", type=click.IntRange(0), metavar="N", help="Grow the world to so many people.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed makes other people.")
@common
def sandbox(dialect: str, port: int, people: int | None, seed: int, as_json: bool) -> None:
    """Serves a small learning management system on this machine until Ctrl-C, in a provider's own wire format.

    Prints its address, its credentials, and the variables that make it the connection `sandbox`. Its people are made
    up; nothing leaves this machine.

    \b
    Examples:
      lms sandbox --port 8800
      lms sandbox --people 10000 --seed 7
    """
    from sources.unified_lms.sandbox import SandboxServer, World
    from sources.unified_lms.sandbox.dialects import DIALECTS

    if dialect not in DIALECTS:
        raise click.BadParameter(
            f"there is no {dialect!r}; there are {', '.join(DIALECTS)}", param_hint="--dialect"
        )
    world = World() if people is None else World.generate(seed, people)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with SandboxServer(world, dialect, port=port) as server:
            _announce(server.connection, as_json=as_json)
            server.wait()
        note("the sandbox ended by itself")
        finish(FAILED)
    except KeyboardInterrupt:
        note("the sandbox has ended")


def _announce(connection: Mapping[str, Any], *, as_json: bool) -> None:
    from pipelines.variables import connection_variables

    found = dict(connection_variables("sandbox", connection))
    if as_json:
        print_json({**connection, "environment": found})
        return
    say(f"The sandbox speaks {connection['provider']} at {connection['base_url']}")
    for key, value in connection["credentials"].items():
        say(f"  {key}: {value}")
    say("\nTo make it the connection `sandbox`, in another shell:")
    for name, value in found.items():
        say(f"export {name}={value}")
    say("lms check sandbox && lms sync sandbox")
    note("Ctrl-C ends it.")
