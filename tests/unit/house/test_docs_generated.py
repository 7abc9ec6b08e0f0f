"""What the documents take from the code is as the code has it."""

from __future__ import annotations

import pytest

from sources.unified_lms import errors
from sources.unified_lms.manifest import provider_names
from tests.unit.house.documents import DOCS, documents, generated, quoted
from tests.unit.house.generate_docs import RENEW, parts

MADE = parts()
PLACES = [
    (document, name, text)
    for document in documents()
    for name, text in generated(document.read_text("utf-8"))
]


@pytest.mark.parametrize(
    ("name", "text"),
    [(name, text) for _, name, text in PLACES],
    ids=[f"{document.stem}-{name}" for document, name, _ in PLACES],
)
def test_parts_made_from_the_code_are_up_to_date(name: str, text: str) -> None:
    """A table of the documents says what the code says."""
    assert name in MADE, f"nothing is called {name!r}; there are {', '.join(MADE)}"
    assert text == MADE[name], f"out of date; renew it with `{RENEW}` and look at what has changed"


def test_every_part_stands_somewhere() -> None:
    """No table, column, helper or provider is left out."""
    assert MADE.keys() - {name for _, name, _ in PLACES} == set()


@pytest.mark.parametrize("provider", provider_names())
def test_every_provider_has_a_page(provider: str) -> None:
    """A provider's page holds its own coverage, credentials and settings."""
    text = (DOCS / "providers" / f"{provider}.md").read_text("utf-8")
    assert {f"{what} of {provider}" for what in ("coverage", "credentials", "settings")} <= {
        name for name, _ in generated(text)
    }


def test_errors_that_are_named_exist() -> None:
    """The remedies are those of errors that there are."""
    named = {
        word
        for word in quoted((DOCS / "errors.md").read_text("utf-8"))
        if word.isidentifier() and word[0].isupper()
    }
    assert named
    assert not [name for name in named if not hasattr(errors, name)]
