"""The local page as HTML: plain, without a script and without anything from elsewhere.

Every field has a label; its help and what is wrong with it are tied to it by `aria-describedby`; errors are listed
first, each with a link to its field. A secret is never written into the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from pipelines.connect.questions import Question, Way

STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 38rem; margin: 2rem auto; padding: 0 1rem; }
label, legend { font-weight: 600; display: block; margin-top: 1.25rem; }
.choice label { display: inline; font-weight: 400; margin: 0; }
.help { margin: 0; opacity: 0.8; }
.error { margin: 0; color: #b00020; font-weight: 600; }
[role=alert] { border: 2px solid #b00020; padding: 0.5rem 1rem; }
input, select { font: inherit; padding: 0.4rem; }
input[type=text], input[type=password], select { width: 100%; box-sizing: border-box; }
fieldset { border: 0; padding: 0; margin: 0; }
button, .button { font: inherit; display: inline-block; padding: 0.5rem 1rem; margin: 1.5rem 0.5rem 0 0; }
.button { border: 1px solid; border-radius: 0.25rem; }
summary { margin-top: 1.5rem; }
@media (prefers-color-scheme: dark) { .error { color: #ff8a80; } }
"""


def document(title: str, content: str) -> str:
    """A whole page."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n"
        f"<body><main><h1>{escape(title)}</h1>\n{content}\n</main></body></html>\n"
    )


def simple(title: str, text: str) -> str:
    """A page with one sentence."""
    return document(title, f"<p>{escape(text)}</p>")


def alert(problems: Mapping[str, str], notice: str | None = None) -> str:
    """What is wrong, before everything else; problems by field, each with a link to it."""
    if not problems and not notice:
        return ""
    said = f"<p>{escape(notice)}</p>" if notice else ""
    links = "".join(f'<li><a href="#{_id(key)}">{escape(text)}</a></li>' for key, text in problems.items())
    items = f"<ul>{links}</ul>" if links else ""
    return f'<div role="alert" id="errors"><h2>Not yet connected</h2>{said}{items}</div>\n'


def form(step: str, csrf: str, content: str, action: str) -> str:
    """A form with one button, and one beside it that begins again or gives up."""
    hidden = f'<input type="hidden" name="csrf" value="{escape(csrf)}">'
    return (
        f'<form method="post" action="/" autocomplete="off" novalidate>{hidden}{content}'
        f'<button type="submit" name="step" value="{step}">{escape(action)}</button></form>\n{_leave(csrf)}'
    )


def _leave(csrf: str) -> str:
    return (
        f'<form method="post" action="/"><input type="hidden" name="csrf" value="{escape(csrf)}">'
        '<button type="submit" name="step" value="restart">Begin again</button>'
        '<button type="submit" name="step" value="cancel">Give up</button></form>'
    )


def grant(csrf: str, provider: str, address: str, redirect_uri: str) -> str:
    """The link to the provider's own page. A link: the policy lets no form lead elsewhere."""
    host = escape(address.split("?", maxsplit=1)[0])
    return (
        f"<p>Next, {escape(provider)} asks you at <code>{host}</code> whether this connection may read. The address "
        f"that it sends you back to has to be registered there: <code>{escape(redirect_uri)}</code></p>"
        f'<p><a class="button" id="grant" rel="noreferrer" href="{escape(address)}">Go on to {escape(provider)}</a></p>'
        f"{_leave(csrf)}"
    )


def choice(name: str, legend: str, options: Sequence[tuple[str, str]]) -> str:
    """One of several, as radio buttons; the first is chosen."""
    buttons = "".join(
        f'<p class="choice"><input type="radio" id="{name}-{index}" name="{name}" value="{escape(value)}"'
        f'{" checked" if index == 0 else ""}> <label for="{name}-{index}">{escape(title)}</label></p>'
        for index, (value, title) in enumerate(options)
    )
    return f"<fieldset><legend>{escape(legend)}</legend>{buttons}</fieldset>"


def ways(found: Iterable[Way]) -> str:
    """The ways to sign in, to choose from."""
    return choice("way", "How do you want to sign in?", [(way.key, way.title) for way in found])


def fields(
    asked: Iterable[Question], answers: Mapping[str, str], problems: Mapping[str, str], held: Iterable[str]
) -> str:
    """A field for each question; those that most do without in a part that can be opened.

    `held` are the keys of secrets that are known already, whose field may stay empty.
    """
    known, first = set(held), next(iter(problems), None)
    drawn: dict[bool, list[str]] = {False: [], True: []}
    for question in asked:
        answer = "" if question.secret else answers.get(question.key, "")
        text = field(
            question, answer, problems.get(question.key), question.key in known, question.key == first
        )
        drawn[question.advanced].append(text)
    if not drawn[True]:
        return "".join(drawn[False])
    is_open = " open" if any(question.advanced and question.key in problems for question in asked) else ""
    return "".join(drawn[False]) + (
        f"<details{is_open}><summary>More settings</summary>{''.join(drawn[True])}</details>"
    )


def field(question: Question, answer: str, problem: str | None, held: bool, focus: bool) -> str:
    """One field with its label, its help and what is wrong with it."""
    name = _id(question.key)
    notes = [question.help] if question.help else []
    notes += ["Leave it empty to keep what is known."] if held else []
    parts = {f"{name}-help": ("help", " ".join(notes)), f"{name}-error": ("error", problem or "")}
    said = {key: (kind, text) for key, (kind, text) in parts.items() if text}
    attributes = f' id="{name}" name="{escape(question.key)}"'
    attributes += f' aria-describedby="{" ".join(said)}"' if said else ""
    attributes += ' aria-invalid="true"' if problem else ""
    attributes += " autofocus" if focus else ""
    attributes += " required" if question.required and not held else ""
    paragraphs = "".join(
        f'<p class="{kind}" id="{key}">{escape(text)}</p>' for key, (kind, text) in said.items()
    )
    label = (
        f'<label for="{name}">{escape(question.title)}{"" if question.required else " (optional)"}</label>'
    )
    return f"{label}{paragraphs}{_control(question, attributes, answer)}\n"


def _control(question: Question, attributes: str, answer: str) -> str:
    if question.secret:
        return f'<input type="password" autocomplete="new-password"{attributes}>'
    if not question.choices:
        return (
            f'<input type="text" autocomplete="off" spellcheck="false" value="{escape(answer)}"{attributes}>'
        )
    options = "".join(
        f"<option{' selected' if value == answer else ''}>{escape(value)}</option>"
        for value in question.choices
    )
    return f'<select{attributes}><option value="">as by default</option>{options}</select>'


def _id(key: str) -> str:
    return escape(key.replace(".", "-"))
