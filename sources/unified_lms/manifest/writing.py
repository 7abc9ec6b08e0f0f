"""What a manifest says of writing: which operations there are, what they can set, and how a record is known."""

from __future__ import annotations

from pydantic import Field

from sources.unified_lms.manifest.parts import Jsonata, Part


class Write(Part):
    """One operation that writes. Its calls are made by a mapping, `<provider>/write/<resource>/<operation>.jsonata`.

    `fields` are those of the unified model that it can set, `required` those that it cannot do without, `clears` those
    that an explicit null empties. `calls` names the endpoints that the mapping may call. `id` gives the unified id of
    what a create has made: it sees `{body, record}`, the first call's answer and what was asked for; without it the
    record is found by its natural key.
    """

    fields: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    clears: tuple[str, ...] = ()
    calls: tuple[str, ...] = Field(min_length=1)
    id: Jsonata | None = None
    note: str | None = None


class Writes(Part):
    """What can be written of a resource, and the fields by which people know a record that has no id yet.

    Of `keys` the first counts that a record has: `username`, `emails` (the primary one), `code`. An enrolment is known
    by its user and course, and names none. `ended` sees a mapping's input, and says of a record that can still be read
    that it was deleted or ended.
    """

    keys: tuple[str, ...] = ()
    ended: Jsonata | None = None
    create: Write | None = None
    update: Write | None = None
    delete: Write | None = None

    @property
    def operations(self) -> dict[str, Write]:
        """The operations that there are, by name."""
        found = {"create": self.create, "update": self.update, "delete": self.delete}
        return {name: write for name, write in found.items() if write is not None}
