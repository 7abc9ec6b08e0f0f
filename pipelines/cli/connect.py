"""`lms connect`: a connection from a form, in the terminal or in the browser, checked before it is stored."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from pipelines.cli.group import (
    DONE,
    FAILED,
    INCOMPLETE,
    common,
    finish,
    interactive,
    prepare_dlt,
    warehouse_options,
)
from pipelines.output import note, print_json, say

if TYPE_CHECKING:
    from pipelines.connect.attempt import Attempt, Outcome
    from pipelines.connect.loopback import Loopback
    from pipelines.connect.questions import Question, Way
    from sources.unified_lms.authorization_code import Authorization
    from sources.unified_lms.tokens import Token


@click.command("connect", short_help="Make a connection, or give one new credentials.")
@click.argument("name")
@click.option("--provider", metavar="P", help="The provider; `lms providers` lists them.")
@click.option("--base-url", metavar="U", help="Scheme and host, such as https://acme.example.com.")
@click.option("--set", "settings", multiple=True, metavar="K=V", help="A setting; may be repeated.")
@click.option("--way", metavar="W", help="How to sign in, where there are several ways.")
@click.option(
    "--scope", "scopes", multiple=True, metavar="S", help="Ask for these instead of the usual scopes."
)
@click.option(
    "--browser/--no-browser",
    default=None,
    help="Ask on a local page instead of in the terminal, or open no browser at all.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="The page's port; a free one by default."
)
@click.option(
    "--wait", type=click.IntRange(1), default=900, help="Seconds to wait for the browser. [default: 900]"
)
@click.option("--folder", "folders", multiple=True, metavar="F", help="A folder with manifests of your own.")
@click.option("--reauthorize", is_flag=True, help="Give a connection that is there new credentials.")
@warehouse_options
@common
def connect(name: str, browser: bool | None, as_json: bool, reauthorize: bool, **options: Any) -> None:
    """Asks for what the provider of a new connection NAME needs, checks it, and stores it where it is read from.

    Address and settings go to .dlt/config.toml, credentials to .dlt/secrets.toml, which only you can read. Where the
    provider has people grant access in a browser, it is opened there. Without a terminal the answers are read from
    standard input, a line for each question. Exit status 1: nothing was stored; 3: not every resource can be read.

    \b
    Examples:
      lms connect acme --provider talentlms
      lms connect acme --browser
      lms connect acme --reauthorize
    """
    prepare_dlt()
    from pipelines.connect.loopback import Loopback

    with ExitStack() as stack:
        providers, begin = _beginning(stack, name, reauthorize, options)
        if browser:
            loopback = stack.enter_context(Loopback(options["port"]))
            outcome = _on_page(name, providers, begin, loopback, options)
        else:
            outcome = _in_terminal(providers, begin, browser, options)
    _show(outcome, as_json)
    readable = all(one.readable for one in outcome.check.resources)
    finish(FAILED if not outcome.stored else DONE if outcome.check.connected and readable else INCOMPLETE)


def _beginning(
    stack: ExitStack, name: str, reauthorize: bool, options: Mapping[str, Any]
) -> tuple[dict[str, str], Callable[[str], Attempt]]:
    """The providers to choose from, by name with their titles, and what begins an attempt with one of them."""
    from pathlib import Path

    from pipelines.connect.attempt import Attempt, configured_provider
    from pipelines.environment import target
    from sources.unified_lms.errors import ConfigurationError
    from sources.unified_lms.manifest import load_manifest, provider_names

    there = configured_provider(name, reauthorize=reauthorize)
    given, folders = _given(options), tuple(map(Path, options["folders"]))
    place = target(options["destination"], options["dataset"])
    if there and options["provider"] not in (None, there):
        raise ConfigurationError(
            f"{name} is a connection of {there}; leave --provider out, or choose another name"
        )
    chosen = there or options["provider"]

    def begin(provider: str) -> Attempt:
        attempt = Attempt(
            name,
            provider,
            place,
            reauthorize=reauthorize,
            given=given,
            folders=folders,
            scopes=options["scopes"],
        )
        attempt.way(options["way"])
        stack.enter_context(attempt.under_way())
        return attempt

    names = [chosen] if chosen else provider_names(folders)
    # A connection's own folders are known to its attempt alone, which says its title itself.
    return {each: each if chosen else load_manifest(each, folders).title for each in names}, begin


def _given(options: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for each in options["settings"]:
        key, sign, value = each.partition("=")
        if not sign or not key:
            raise click.BadParameter(f"{each!r} is no setting; write it such as 'timezone=Europe/London'")
        found[f"settings.{key}"] = value
    return found | ({"base_url": options["base_url"]} if options["base_url"] else {})


# -- on the page ---------------------------------------------------------------------------------------


def _on_page(
    name: str,
    providers: Mapping[str, str],
    begin: Callable[[str], Attempt],
    loopback: Loopback,
    options: Mapping[str, Any],
) -> Outcome:
    from pipelines.connect.loopback import shown_in_browser
    from pipelines.connect.site import Site
    from sources.unified_lms.errors import AuthorizationFailed

    site = Site(name, providers, begin, loopback, options["way"])
    with loopback.serve(site.app), shown_in_browser(site.address):
        note(f"Go on in the browser; if it does not open, this opens the page, once: {site.address}")
        ended = site.done.wait(options["wait"])
    if site.outcome is None:
        reason = (
            "It was given up on the page."
            if ended
            else f"Nothing came of it within {options['wait']} seconds."
        )
        raise AuthorizationFailed(f"{name} is not connected. {reason} Run the command again.")
    return site.outcome


# -- in the terminal -----------------------------------------------------------------------------------


def _in_terminal(
    providers: Mapping[str, str],
    begin: Callable[[str], Attempt],
    browser: bool | None,
    options: Mapping[str, Any],
) -> Outcome:
    names = list(providers)
    provider = names[0] if len(names) == 1 else _choose("Provider", names)
    attempt = begin(provider)
    way = _way(attempt, options["way"])
    answers: dict[str, str] = {}
    _refuse([text for key, text in attempt.values(way, answers)[1].items() if key in attempt.given])
    asked = [one for one in attempt.asked(way) if one.key not in attempt.given and not one.advanced]
    for question in asked:
        answers[question.key] = _ask(attempt, way, question, answers)
    values, problems = attempt.values(way, answers)
    _refuse(list(problems.values()))
    connection = attempt.connection(way, values)
    if not way.authorizes:
        return attempt.finish(connection, values)
    from pipelines.connect.loopback import Loopback

    with Loopback(options["port"]) as loopback:
        authorization = attempt.authorization(connection, loopback.redirect_uri)
        opens = browser is None and interactive()
        token = _granted(loopback, authorization, opens, options["wait"])
    return attempt.finish(connection, values, token)


def _refuse(problems: list[str]) -> None:
    if problems:
        raise click.UsageError("\n".join(problems))


def _granted(loopback: Loopback, authorization: Authorization, opens: bool, seconds: float) -> Token:
    from contextlib import nullcontext

    from pipelines.connect.loopback import shown_in_browser
    from pipelines.connect.waiting_page import wait_for_grant

    note(f"The provider sends the browser back to {loopback.redirect_uri}, which has to be registered there.")
    note(f"Grant access here: {authorization.address}")
    with shown_in_browser(authorization.address) if opens else nullcontext():
        return wait_for_grant(loopback, authorization, seconds)


def _way(attempt: Attempt, wanted: str | None) -> Way:
    ways = attempt.ways
    if wanted is not None or len(ways) == 1 or not sys.stdin.isatty():
        return attempt.way(wanted)
    for way in ways:
        note(f"  {way.key}: {way.title}")
    return attempt.way(_choose("How do you want to sign in?", [way.key for way in ways]))


def _choose(text: str, names: list[str]) -> str:
    if not sys.stdin.isatty():
        raise click.UsageError(f"--provider is missing; it is one of {', '.join(names)}")
    return str(click.prompt(text, type=click.Choice(names), default=names[0], err=True))


def _ask(attempt: Attempt, way: Way, question: Question, answers: Mapping[str, str]) -> str:
    """One answer: asked again on a terminal while it does not fit, a line of standard input elsewhere."""
    if question.help:
        note(f"  {question.help}")
    while True:
        answer = _answer(attempt, question)
        _, problems = attempt.values(way, {**answers, question.key: answer})
        if question.key not in problems or not sys.stdin.isatty():
            return answer
        note(problems[question.key])


def _answer(attempt: Attempt, question: Question) -> str:
    kept = " (empty: as it is)" if attempt.is_kept(question) else "" if question.required else " (optional)"
    text = f"{question.title}{kept}"
    if not sys.stdin.isatty():
        note(f"{text}:")
        return sys.stdin.readline().rstrip("\r\n")
    return str(click.prompt(text, default="", show_default=False, hide_input=question.secret, err=True))


def _show(outcome: Outcome, as_json: bool) -> None:
    if as_json:
        print_json(outcome.document)
        return
    if outcome.message:
        note(f"{outcome.connection} ({outcome.provider}): {outcome.message}")
    if not outcome.stored:
        say(f"{outcome.connection} ({outcome.provider}): nothing was stored; its state is {outcome.state}")
        return
    say(f"{outcome.connection} ({outcome.provider}): {outcome.state}")
    for file in outcome.stored:
        say(f"  stored in {file}")
    unreadable = [one for one in outcome.check.resources if not one.readable]
    for one in unreadable:
        say(f"  {one.resource} cannot be read: {one.message}")
    for line in (*outcome.check.lacking, *(line for one in outcome.check.resources for line in one.missing)):
        say(f"  Missing: {line}")
