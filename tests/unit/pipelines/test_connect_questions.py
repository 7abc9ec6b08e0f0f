"""What `lms connect` asks, and the page that it asks on."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from pipelines.connect import page
from pipelines.connect.questions import Question, questions, read_answers, way_called, ways_of
from sources.unified_lms.errors import ConfigurationError
from sources.unified_lms.manifest import load_manifest, provider_names

TALENTLMS, CANVAS = load_manifest("talentlms"), load_manifest("canvas")


def keys(provider: str) -> list[str]:
    """The ways of a provider."""
    return [way.key for way in ways_of(load_manifest(provider))]


def test_ways_are_those_of_the_manifest() -> None:
    """In its order; where access can be granted in a browser, that way stands before the token that comes of it."""
    assert keys("talentlms") == ["api_key"]
    assert keys("moodle") == ["token"]
    assert keys("canvas") == ["authorize", "client_id+client_secret+refresh_token", "access_token"]
    assert keys("docebo") == [
        "client_id+client_secret+username+password",
        "authorize",
        "client_id+client_secret+refresh_token",
        "client_id+client_secret",
    ]


def test_the_refresh_token_is_not_asked_for_where_it_is_granted() -> None:
    """Only the client's id and secret are."""
    asked = questions(CANVAS, way_called(CANVAS, "authorize"))
    assert [one.key for one in asked if one.key.startswith("credentials")] == [
        "credentials.client_id",
        "credentials.client_secret",
    ]


def test_an_unknown_way_is_told_the_others() -> None:
    """And the nearest one."""
    with pytest.raises(ConfigurationError, match=r"did you mean 'access_token'.*the ways are authorize, "):
        way_called(CANVAS, "acces_token")


def test_what_is_asked_first() -> None:
    """The address, the credential, and the one setting without which dates would be missing, before the others."""
    asked = questions(TALENTLMS, ways_of(TALENTLMS)[0])
    plain = [(one.key, one.required, one.secret) for one in asked if not one.advanced]
    assert plain == [
        ("base_url", True, False),
        ("credentials.api_key", True, True),
        ("settings.timezone", False, False),
    ]
    assert {one.key for one in asked if one.advanced} == {
        f"settings.{name}" for name in TALENTLMS.settings if name != "timezone"
    }


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("base_url", " https://acme.example.com/ ", "https://acme.example.com"),
        ("credentials.api_key", " key ", "key"),
        ("settings.timezone", "Europe/London", "Europe/London"),
        ("settings.page_size", "50", 50),
        ("settings.branches", "no", False),
    ],
)
def test_an_answer_becomes_a_value(key: str, text: str, value: object) -> None:
    """In its type, without the spaces that come along when it is pasted."""
    [asked] = [one for one in questions(TALENTLMS, ways_of(TALENTLMS)[0]) if one.key == key]
    assert read_answers([asked], {key: text}) == ({key: value}, {})


@pytest.mark.parametrize(
    ("key", "text", "problem"),
    [
        ("base_url", "", "is missing"),
        ("base_url", "http://acme.example.com", "write https://"),
        ("credentials.api_key", "  ", "is missing"),
        ("settings.timezone", "Nowhere", "IANA time zone"),
        ("settings.page_size", "0", "at least 1"),
        ("settings.branches", "perhaps", "true or false"),
    ],
)
def test_an_answer_that_does_not_fit(key: str, text: str, problem: str) -> None:
    """It is no value, and what is wrong begins with what was asked."""
    [asked] = [one for one in questions(TALENTLMS, ways_of(TALENTLMS)[0]) if one.key == key]
    values, problems = read_answers([asked], {key: text})
    assert values == {}
    assert problem in problems[key]
    assert problems[key].startswith(asked.title)


# -- the page ------------------------------------------------------------------------------------------


class Elements(HTMLParser):
    """The elements of a page with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keeps an element."""
        self.found.append((tag, dict(attrs)))

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        """The attributes of every element of a kind."""
        return [attributes for tag, attributes in self.found if tag in tags]


def drawn(provider: str, problems: dict[str, str] | None = None) -> Elements:
    """The form of a provider."""
    manifest = load_manifest(provider)
    asked = questions(manifest, ways_of(manifest)[0])
    problems = {one.key: "It is wrong." for one in asked} if problems is None else problems
    shown = page.alert(problems) + page.form("values", "csrf", page.fields(asked, {}, problems, ()), "Go on")
    return Elements(page.document("Connect", shown))


@pytest.mark.parametrize("provider", provider_names())
def test_every_field_has_its_label_its_help_and_its_error(provider: str) -> None:
    """What a field refers to is there, once, and an error is linked from the list before the form."""
    elements = drawn(provider)
    identifiers = [attributes["id"] for _, attributes in elements.found if "id" in attributes]
    labels = {label["for"] for label in elements.all("label")}
    links = {link["href"] for link in elements.all("a")}
    fields = [one for one in elements.all("input", "select") if one.get("type") != "hidden"]
    assert len(identifiers) == len(set(identifiers))
    assert fields
    for field in fields:
        assert field["id"] in labels
        assert f"#{field['id']}" in links
        assert field["aria-invalid"] == "true"
        assert set(str(field["aria-describedby"]).split()) <= set(identifiers)
    assert len([one for one in fields if "autofocus" in one]) == 1


def test_a_page_has_no_script_and_nothing_from_elsewhere() -> None:
    """No script, no handler, no address but its own."""
    elements = drawn("canvas")
    assert not elements.all("script", "img", "iframe", "object")
    assert not [one for _, one in elements.found if any(name.startswith("on") for name in one)]
    assert not [
        one for _, one in elements.found if re.match("https?:", str(one.get("src") or one.get("href") or ""))
    ]


def test_what_was_entered_is_text() -> None:
    """Neither an answer nor a manifest's title can become markup."""
    evil = '"><script>alert(1)</script>'
    question = Question("settings.x", evil, evil)
    html = page.field(question, evil, evil, held=False, focus=False)
    html += page.alert({"settings.x": evil}, evil) + page.document(evil, "")
    html += page.grant(evil, evil, evil, evil) + page.choice("way", evil, [(evil, evil)])
    assert not Elements(html).all("script")


def test_a_secret_is_not_drawn() -> None:
    """The field of a secret is empty whatever is known, and says that it may stay so."""
    secret = Question("credentials.key", "Key", secret=True, required=True)
    html = page.fields([secret], {"credentials.key": "planted"}, {}, ["credentials.key"])
    [field] = Elements(html).all("input")
    assert ("planted" in html, field["type"], "required" in field) == (False, "password", False)
    assert "Leave it empty" in html


def test_settings_that_most_do_without_are_folded_unless_wrong() -> None:
    """An error is never hidden in a part that is closed."""
    folded = drawn("talentlms", {}).all("details")
    opened = drawn("talentlms", {"settings.page_size": "It is wrong."}).all("details")
    assert ("open" in folded[0], "open" in opened[0]) == (False, True)
