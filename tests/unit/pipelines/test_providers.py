"""What providers can do, side by side."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from mappings.model import RESOURCES
from pipelines.cli import main
from pipelines.providers import coverage_of, provider_abilities, shown_default
from sources.unified_lms.manifest import Setting

CAMPUS = Path(__file__).parents[2] / "integration" / "providers"
"""The folder of an invented provider that has all the ways to tell of changes."""
USERS_ALONE = """
provider: small
title: Small
credentials: {key: {title: Key}}
auth: [{type: bearer, token: "{credentials.key}"}]
endpoints: {users: {path: /users}}
resources: {users: {read: [{endpoint: users}]}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a provider of one resource and one field beside the id."""
    (tmp_path / "small.yaml").write_text(USERS_ALONE)
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "users.jsonata").write_text(
        '{"id": record.id, "username": record.login, "name": null}'
    )
    return tmp_path


def test_every_field_is_there_once() -> None:
    """Each field of the model has one line, in the model's order."""
    found = [(each.resource, each.field) for each in coverage_of(provider_abilities())]
    assert found == [(name, path) for name, resource in RESOURCES.items() for path, _ in resource.paths()]


def test_each_provider_by_field(folder: Path) -> None:
    """A field is filled or not for each provider that has the resource, and missing for one that has not."""
    found = {(each.resource, each.field): each.filled for each in coverage_of(provider_abilities([folder]))}
    assert found["users", "username"]["small"] is True
    assert found["users", "name"]["small"] is False
    assert "small" not in found["courses", "title"]


def test_the_command_gives_the_same() -> None:
    """`lms providers --coverage --json` holds what was computed."""
    result = CliRunner().invoke(main, ["providers", "talentlms", "--coverage", "--json"])
    found = {
        (each["resource"], each["field"]): each["filled"] for each in orjson.loads(result.stdout)["coverage"]
    }
    assert found["users", "emails"] == {"talentlms": True}
    assert found["users", "job_title"] == {"talentlms": False}


@pytest.mark.parametrize("words", [[], ["docebo"], ["docebo", "--coverage"]])
def test_a_provisional_provider_is_marked(words: list[str]) -> None:
    """Whoever looks at the providers sees whose facts are not confirmed, and no other is marked."""
    lines = CliRunner().invoke(main, ["providers", *words]).stdout.splitlines()
    marked = [line for line in lines if "provisional" in line]
    assert marked
    assert all("docebo" in line for line in marked)


def test_a_provisional_provider_is_marked_as_json() -> None:
    """A program sees it as well."""
    found = orjson.loads(CliRunner().invoke(main, ["providers", "--json"]).stdout)["providers"]
    assert [each["provider"] for each in found if each["provisional"]] == ["docebo"]


def test_changes_and_deletions_are_told() -> None:
    """A provider that can be asked for changes since, in a window or not at all, and what it says of deletions."""
    words = ["providers", "campus", "--folder", str(CAMPUS)]
    found = orjson.loads(CliRunner().invoke(main, [*words, "--json"]).stdout)["resources"]
    told = {
        name: (one["changed_since"], one["changed_until"], one["reports_deletions"])
        for name, one in found.items()
    }
    assert told == {
        "users": (True, True, True),
        "courses": (False, False, False),
        "course_items": (True, False, False),
        "course_enrollments": (True, False, True),
    }
    lines = CliRunner().invoke(main, words).stdout
    assert "changes that can be asked for: since, until; deletions: reported" in lines
    assert "changes that can be asked for: no; deletions: found by reading everything" in lines


def test_a_default_is_shown_as_it_would_be_configured() -> None:
    """Lists have commas and truth values small letters, as in a variable."""
    lists = Setting(title="L", type="list", default=("learner", "tutor"))
    flag = Setting(title="F", type="boolean", default=True)
    number = Setting(title="N", type="integer", default=200)
    assert [shown_default(each) for each in (lists, flag, number)] == ["learner, tutor", "true", "200"]
    assert shown_default(Setting(title="S", type="string")) is None
