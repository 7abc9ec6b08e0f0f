"""The TalentLMS mapping of enrolments, on payloads written from the provider's notes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

MapRecord = Callable[..., dict[str, Any]]

USER: dict[str, Any] = {
    "id": "71",
    "first_name": "Ruth",
    "last_name": "Okafor",
    "email": "ruth@example.org",
    "login": "r.okafor",
}
ENTRY: dict[str, Any] = {
    "id": "378",
    "name": "Fire safety",
    "role": "learner",
    "enrolled_on": "15/05/2020, 04:25:35",
    "enrolled_on_timestamp": "1589513135",
    "completed_on": "",
    "completed_on_timestamp": None,
    "completion_status": "incomplete",
    "completion_percentage": "40",
    "expired_on": "",
    "expired_on_timestamp": None,
    "total_time": "3m 17s",
}


@pytest.fixture
def enrollment(map_talentlms: MapRecord) -> MapRecord:
    """The mapping of `ENTRY` with changes."""

    def run(*, parent: Any = None, settings: Any = None, **changes: Any) -> dict[str, Any]:
        options = {} if settings is None else {"settings": settings}
        user = USER if parent is None else USER | parent
        return map_talentlms("course_enrollments", ENTRY | changes, parent=user, **options)

    return run


def test_an_enrollment_under_way(enrollment: MapRecord) -> None:
    """An entry of a user's courses becomes the unified enrolment."""
    assert enrollment() == {
        "id": "378:71",
        "user": {
            "id": "71",
            "emails": [{"email": "ruth@example.org", "type": None, "is_primary": True}],
        },
        "course": {"id": "378", "title": "Fire safety"},
        "status": "in_progress",
        "status_source": "incomplete",
        "enrolled_at": "2020-05-15T03:25:35Z",
        "progress_percent": 40,
        "time_spent_seconds": 197,
    }


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("not_attempted", "enrolled"),
        ("incomplete", "in_progress"),
        ("completed", "completed"),
        ("failed", "failed"),
        ("passed", "passed"),
        ("Not attempted", "enrolled"),
        ("Incomplete", "in_progress"),
        ("Not completed", "in_progress"),
        ("Completed", "completed"),
        ("Passed", "passed"),
        ("Failed", "failed"),
        ("Terminé", "unknown"),
    ],
)
def test_status(enrollment: MapRecord, word: str, status: str) -> None:
    """Each word of the notes, in either spelling, has its status, and stays beside it as delivered."""
    found = enrollment(completion_status=word)
    assert (found["status"], found["status_source"]) == (status, word)


@pytest.mark.parametrize(
    ("percentage", "time", "status"),
    [
        ("0", "0s", "enrolled"),
        ("0", None, "enrolled"),
        (None, None, "enrolled"),
        ("", "", "enrolled"),
        ("10", "0s", "in_progress"),
        ("0.5", None, "in_progress"),
        ("0", "1s", "in_progress"),
        (None, "2h 3m 4s", "in_progress"),
    ],
)
def test_incomplete_means_begun_only_with_a_trace(
    enrollment: MapRecord, percentage: str | None, time: str | None, status: str
) -> None:
    """Incomplete is said of those who never began as well: progress or time decides."""
    assert enrollment(completion_percentage=percentage, total_time=time)["status"] == status


@pytest.mark.parametrize("nothing", [None, ""])
def test_no_status_is_null(enrollment: MapRecord, nothing: str | None) -> None:
    """courses/id gives members without a status: null, not unknown."""
    found = enrollment(completion_status=nothing)
    assert (found.get("status"), found.get("status_source")) == (None, None)


def test_an_expiry_is_a_date_and_no_status(enrollment: MapRecord) -> None:
    """Long past, the end of validity still is only kept: the mapping has no clock."""
    found = enrollment(expired_on="24/11/2019, 09:52:37", expired_on_timestamp="1574589157")
    assert found["custom_fields"] == {"expires_at": "2019-11-24T09:52:37Z"}
    assert found["status"] == "in_progress"


def test_timestamps_come_before_formatted_dates(enrollment: MapRecord) -> None:
    """The twins need neither format nor zone."""
    found = enrollment(completed_on="x", completed_on_timestamp="1574589157", settings={})
    assert (found["enrolled_at"], found["completed_at"]) == ("2020-05-15T03:25:35Z", "2019-11-24T09:52:37Z")


def test_formatted_dates_stand_in_for_timestamps(enrollment: MapRecord) -> None:
    """Without the twins, the portal's dates are read with its format and zone."""
    dates = {"enrolled_on": "15/05/2020, 04:25:35", "completed_on": "24/11/2020, 09:52:37"}
    found = enrollment(**dates, enrolled_on_timestamp=None, expired_on="16/05/2021, 00:00:00")
    assert (found["enrolled_at"], found["completed_at"]) == ("2020-05-15T03:25:35Z", "2020-11-24T09:52:37Z")
    assert found["custom_fields"] == {"expires_at": "2021-05-15T23:00:00Z"}


def test_no_dates_are_null(enrollment: MapRecord) -> None:
    """Empty text beside a null timestamp is no date, and without an expiry there are no custom fields."""
    found = enrollment(enrolled_on="", enrolled_on_timestamp=None)
    assert [found.get(name) for name in ("enrolled_at", "completed_at", "custom_fields")] == [None] * 3


@pytest.mark.parametrize(
    ("percentage", "expected"),
    [("0", 0), ("100", 100), ("33.5", 33.5), (40, 40), ("", None), (None, None), ("40%", None), ("-1", None)],
)
def test_progress_is_a_number(enrollment: MapRecord, percentage: Any, expected: float | None) -> None:
    """A percentage is text on the wire; "0" is zero and not nothing."""
    assert enrollment(completion_percentage=percentage).get("progress_percent") == expected


@pytest.mark.parametrize(
    ("total", "in_seconds", "expected"),
    [
        ("3m 17s", None, 197),
        ("3m 17s", 198, 198),
        ("3m 17s", "198", 198),
        ("3m 17s", 0, 0),
        ("0s", None, 0),
        ("2h 3m 4s", None, 7384),
        ("00:03:17", None, 197),
        (None, None, None),
        ("", "", None),
        ("soon", None, None),
    ],
)
def test_time_spent(enrollment: MapRecord, total: Any, in_seconds: Any, expected: int | None) -> None:
    """total_time_seconds where the portal has it, otherwise the text."""
    found = enrollment(total_time=total, total_time_seconds=in_seconds)
    assert found.get("time_spent_seconds") == expected


def test_name_is_not_composed(enrollment: MapRecord) -> None:
    """First and last name come apart, in an order that nobody states: the learner's name is not guessed from them."""
    assert enrollment(parent={"first_name": "Ruth", "last_name": "Okafor"})["user"].get("name") is None


def test_ids_are_text(enrollment: MapRecord) -> None:
    """Numbers for ids become text, in the refs and in the key."""
    found = enrollment(id=378, parent={"id": 71})
    assert (found["id"], found["user"]["id"], found["course"]["id"]) == ("378:71", "71", "378")


@pytest.mark.parametrize(
    "missing", [{"id": None}, {"parent": {"id": None}}, {"id": ""}, {"parent": {"id": ""}}]
)
def test_without_user_or_course_there_is_no_id(enrollment: MapRecord, missing: dict[str, Any]) -> None:
    """An enrolment of nobody or nothing gets no id that could be taken for another's."""
    assert enrollment(**missing).get("id") is None


def test_the_last_unit_is_linked(enrollment: MapRecord) -> None:
    """Newer portals give the address of the unit last opened."""
    link = "https://example.org/unit/3474"
    assert enrollment(last_accessed_unit_url=link)["urls"] == [{"url": link, "type": "last_unit"}]
    assert enrollment(last_accessed_unit_url="").get("urls") is None


def test_no_email_is_null(enrollment: MapRecord) -> None:
    """A user without an address has no list of one empty address."""
    assert enrollment(parent={"email": ""})["user"].get("emails") is None


@pytest.mark.parametrize(
    "field", ["score", "due_at", "started_at", "last_activity_at", "created_at", "is_mandatory"]
)
def test_what_the_provider_does_not_tell_is_absent(enrollment: MapRecord, field: str) -> None:
    """Neither answer gives a score or further dates; nothing stands in for them."""
    assert field not in enrollment(completed_on_timestamp="1574589157", completion_status="passed")
