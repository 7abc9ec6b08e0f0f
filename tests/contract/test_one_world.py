"""One world, told by every provider: the same unified rows, field by field, except where an API cannot tell.

What is expected is the world itself in unified terms (`one_world`), not another provider; what an API cannot tell is in
one list, with the reasons (`differences`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from mappings.model import RESOURCES
from sources.unified_lms.sandbox import SandboxServer, World
from tests.contract.differences import ABSENCES, ADDITIONS, DIFFERENCES
from tests.contract.harness import PROVIDERS, UNLIMITED, read
from tests.contract.one_world import FIELDS, TRUTH, Fact, Key, Neutral, rows_of, told

EVERY_RESOURCE = pytest.mark.parametrize("resource", RESOURCES)


@dataclass(frozen=True)
class Telling:
    """What is true, and what a provider tells, by resource and neutral key."""

    provider: str
    truth: dict[str, dict[Key, Fact]]
    told: dict[str, dict[Key, Neutral]]

    def others(self, resource: str) -> Iterator[tuple[Key, str, Any, Any]]:
        """Every value that is told otherwise than it is: key, field, the true one and the one that is told."""
        for key, fact in self.truth[resource].items():
            for field, true in fact.row.items():
                if key in self.told[resource] and self.told[resource][key][field] != true:
                    yield key, field, true, self.told[resource][key][field]


@pytest.fixture(scope="module", params=PROVIDERS)
def telling(request: pytest.FixtureRequest) -> Iterator[Telling]:
    """A provider's telling of the world, read whole after a day of changes: people and learners have left it."""
    provider, world = request.param, World()
    world.advance()
    with SandboxServer(world, provider, **UNLIMITED[provider]) as server:
        rows = rows_of({resource: read(server, resource) for resource in RESOURCES})
        yield Telling(
            provider,
            {resource: TRUTH[resource](world) for resource in RESOURCES},
            {resource: told(world, rows, resource) for resource in RESOURCES},
        )


@EVERY_RESOURCE
def test_the_same_things_are_told(telling: Telling, resource: str) -> None:
    """Each person, course, piece of content and enrolment has one row, but for those that are listed."""
    truth, found = telling.truth[resource], telling.told[resource]
    absence, addition = (
        ABSENCES.get((telling.provider, resource)),
        ADDITIONS.get((telling.provider, resource)),
    )
    missing = {key for key, fact in truth.items() if absence and absence.concerns(fact)}
    assert truth.keys() - found.keys() == missing
    added = found.keys() - truth.keys()
    assert not [key for key in added if addition is None or not addition.concerns(key, found[key])]
    assert bool(missing) is (absence is not None)
    assert bool(added) is (addition is not None)


@EVERY_RESOURCE
def test_every_field_is_true_or_listed(telling: Telling, resource: str) -> None:
    """A value that is told otherwise is told as the list says that this provider tells it."""
    listed = DIFFERENCES[telling.provider].get(resource, {})
    assert [
        (key, field, true, value)
        for key, field, true, value in telling.others(resource)
        if field not in listed or not listed[field].allows(true, value, telling.truth[resource][key])
    ] == []


@EVERY_RESOURCE
def test_what_is_said_to_be_untold_is_told_of_nothing(telling: Telling, resource: str) -> None:
    """A field that a provider cannot fill is null in every row, and not only where it would be wrong."""
    untold = [name for name, each in DIFFERENCES[telling.provider].get(resource, {}).items() if each.never]
    rows = telling.told[resource].values()
    assert [name for name in untold if any(row[name] is not None for row in rows)] == []


@EVERY_RESOURCE
def test_no_difference_is_listed_in_vain(telling: Telling, resource: str) -> None:
    """A field that is told truly is not in the list, and what is told of none is said of fields that there are."""
    listed = DIFFERENCES[telling.provider].get(resource, {})
    assert listed.keys() <= set(FIELDS[resource])
    assert listed.keys() - {field for _, field, _, _ in telling.others(resource)} == set()


def test_every_difference_has_a_reason() -> None:
    """Nobody has to guess why a provider's column is empty."""
    reasons = [
        each.reason for of in DIFFERENCES.values() for fields in of.values() for each in fields.values()
    ]
    assert all(reasons)
    assert DIFFERENCES.keys() == set(PROVIDERS)
