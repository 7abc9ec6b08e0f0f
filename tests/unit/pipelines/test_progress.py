from __future__ import annotations

from pipelines.cli.progress import PlainProgress


class Watch:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """The time that was set."""
        return self.now


def progress() -> tuple[PlainProgress, Watch, list[str]]:
    """A progress with its clock and the lines that it wrote."""
    watch, lines = Watch(), list[str]()
    return PlainProgress(clock=watch, write=lines.append, every=5), watch, lines


def test_begin_and_end_of_each_resource() -> None:
    """Each resource has a line when it begins and one when the next one begins, or all is over."""
    shown, watch, lines = progress()
    with shown:
        shown.update("acme", "users", 0)
        watch.now += 2
        shown.update("acme", "users", 1_200)
        shown.update("acme", "courses", 0)
    assert lines == [
        "acme: reading users",
        "acme: users: 1,200 records in 2.0 s",
        "acme: reading courses",
        "acme: courses: 0 records in 0.0 s",
    ]


def test_at_most_one_line_every_few_seconds() -> None:
    """Forty updates in ten seconds make two lines."""
    shown, watch, lines = progress()
    shown.update("acme", "users", 0)
    for number in range(1, 41):
        watch.now += 0.25
        shown.update("acme", "users", number * 100)
    assert len(lines) == 1 + 2
    assert lines[1] == "acme: users: 2,000 records after 5 s"


def test_the_same_resource_of_another_connection() -> None:
    """Users of one connection and users of the next are told apart."""
    shown, _, lines = progress()
    shown.update("acme", "users", 5)
    shown.update("other", "users", 0)
    assert lines[-1] == "other: reading users"
