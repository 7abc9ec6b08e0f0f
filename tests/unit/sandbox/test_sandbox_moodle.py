"""The sandbox as a Moodle site: its protocol and its oddities."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from sources.unified_lms.sandbox import SandboxServer, World
from sources.unified_lms.sandbox.dialects.moodle_call import nested
from sources.unified_lms.sandbox.dialects.moodle_wire import KEY_MARKER


class Site:
    """A client of one site that knows its token."""

    def __init__(self, server: SandboxServer) -> None:
        """Asks the one address that there is."""
        self.server = server
        self.http = httpx.Client(trust_env=False)
        self.common = {"wstoken": server.credentials["token"], "moodlewsrestformat": "json"}

    def post(self, function: str, **arguments: Any) -> httpx.Response:
        """The answer, whatever it is; two underscores stand for brackets: `criteria__0__key`."""
        names = {_bracketed(name): str(value) for name, value in arguments.items()}
        form = self.common | {"wsfunction": function} | names
        return self.http.post(f"{self.server.base_url}/webservice/rest/server.php", data=form)

    def call(self, function: str, **arguments: Any) -> Any:
        """The body of an answer, which is a 200 even where it is an error."""
        answer = self.post(function, **arguments)
        assert answer.status_code == 200
        return answer.json()

    def error(self, function: str, **arguments: Any) -> str:
        """The code of an answer that must be an error."""
        body = self.call(function, **arguments)
        assert body.keys() == {"exception", "errorcode", "message"}
        return str(body["errorcode"])


def _bracketed(name: str) -> str:
    first, *inner = name.split("__")
    return first + "".join(f"[{part}]" for part in inner)


@contextmanager
def running(world: World | None = None, **options: Any) -> Iterator[Site]:
    """A site with its own options."""
    with SandboxServer(world or World(), "moodle", **options) as server:
        made = Site(server)
        with made.http:
            yield made


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """A site over the core world, for reading only."""
    with running() as made:
        yield made


MEMBERS = "core_enrol_get_enrolled_users"
USERS = "core_user_get_users"


def everybody(site: Site) -> list[dict[str, Any]]:
    """All users."""
    found: list[dict[str, Any]] = site.call(USERS, criteria__0__key="email", criteria__0__value="%")["users"]
    return found


# -- protocol --------------------------------------------------------------------------------------


def test_names_nest_as_in_php() -> None:
    """Brackets open a level each."""
    form = {"criteria[0][key]": "email", "criteria[0][value]": "%", "courseid": "2"}
    assert nested(form) == {"criteria": {"0": {"key": "email", "value": "%"}}, "courseid": "2"}


@pytest.mark.parametrize("token", ["wrong", ""])
def test_a_wrong_token_is_a_200_with_an_exception(site: Site, token: str) -> None:
    """Status 200, and an object that says what is wrong."""
    assert site.call("core_webservice_get_site_info", wstoken=token) == {
        "exception": "core\\exception\\moodle_exception",
        "errorcode": "invalidtoken",
        "message": "Invalid token - token not found",
    }


def test_arguments_may_stand_in_the_address_but_not_in_json(site: Site) -> None:
    """GET and POST are the same; a body of JSON is not read, and so the token is not there."""
    address = f"{site.server.base_url}/webservice/rest/server.php"
    query = site.common | {"wsfunction": "core_webservice_get_site_info"}
    assert site.http.get(address, params=query).json()["username"] == "etl_bot"
    answer = site.http.post(address, json=query)
    assert "xml" in answer.headers["content-type"]
    assert "<ERRORCODE>invalidtoken</ERRORCODE>" in answer.text


def test_without_its_format_an_answer_is_xml(site: Site) -> None:
    """JSON has to be asked for in every call."""
    answer = site.post("core_webservice_get_site_info", moodlewsrestformat="")
    assert answer.text.startswith("<?xml")


@pytest.mark.parametrize(
    ("function", "arguments", "code"),
    [
        ("core_nosuch_function", {}, "invalidrecord"),
        (MEMBERS, {}, "invalidparameter"),
        (MEMBERS, {"courseid": "abc"}, "invalidparameter"),
        (MEMBERS, {"courseid": "101", "bogus": "1"}, "invalidparameter"),
        (MEMBERS, {"courseid": "999"}, "invalidrecord"),
        ("core_course_get_contents", {"courseid": "999"}, "invalidrecord"),
        ("core_reportbuilder_retrieve_report", {"reportid": "99"}, "invalidrecord"),
        (USERS, {}, "invalidparameter"),
        (
            USERS,
            {
                "criteria__0__key": "email",
                "criteria__0__value": "a%",
                "criteria__1__key": "email",
                "criteria__1__value": "b%",
            },
            "keyalreadyset",
        ),
        (
            "core_completion_get_course_completion_status",
            {"courseid": "101", "userid": "1"},
            "usernotenroled",
        ),
        (
            "core_completion_get_course_completion_status",
            {"courseid": "101", "userid": "2"},
            "usernotenroled",
        ),
        (
            "core_completion_get_course_completion_status",
            {"courseid": "106", "userid": "6"},
            "usernotenroled",
        ),
        (
            "core_completion_get_course_completion_status",
            {"courseid": "103", "userid": "6"},
            "cannotviewreport",
        ),
        ("core_completion_get_course_completion_status", {"courseid": "101", "userid": "27"}, "invaliduser"),
    ],
)
def test_errors(site: Site, function: str, arguments: dict[str, Any], code: str) -> None:
    """Each in the words of the notes: not enrolled are teachers and those whose enrolment has ended, too."""
    assert site.error(function, **arguments) == code


def test_what_the_account_may_not_do() -> None:
    """A function outside of the service, and a course that is closed to it."""
    with running(functions=("core_webservice_get_site_info", MEMBERS), closed_courses=(101,)) as site:
        assert site.error(USERS) == "accessexception"
        assert site.error(MEMBERS, courseid=101) == "requireloginerror"
        names = [one["name"] for one in site.call("core_webservice_get_site_info")["functions"]]
    assert names == ["core_webservice_get_site_info", MEMBERS]


def test_switched_off_and_under_maintenance() -> None:
    """403 without a word, 503 with a page."""
    with running(enabled=False) as site:
        answer = site.post(USERS)
        assert (answer.status_code, answer.content) == (403, b"")
    with running(maintenance=True) as site:
        answer = site.post(USERS)
        assert answer.status_code == 503
        assert "html" in answer.headers["content-type"]


# -- users and courses -----------------------------------------------------------------------------


def test_everybody_and_the_guest(site: Site) -> None:
    """A search by % finds all accounts, and the guest's among them."""
    found = everybody(site)
    assert len(found) == 27
    assert [one["username"] for one in found].count("guest") == 1
    assert 27 not in [one["id"] for one in found]


def test_empty_values_have_no_key(site: Site) -> None:
    """Only `department` stays when it is empty; a checkbox always has a value."""
    plain = next(one for one in everybody(site) if one["id"] == 26)
    assert plain["department"] == ""
    assert not {"institution", "phone1", "description", "idnumber"} & plain.keys()
    assert [(one["shortname"], one["value"]) for one in plain["customfields"]] == [("newsletter", "0")]
    assert "" not in [value for name, value in plain.items() if name != "department"]


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("email", "ZOE%", ["zoe"]),
        ("lastname", "%lee", ["sam.lee", "sam.lee2"]),
        ("username", "zo%", []),
        ("username", "zoe", ["zoe"]),
        ("id", "6", ["zoe"]),
        ("id", "27", []),
        ("idnumber", "", []),
        ("auth", "nologin", ["hanna"]),
    ],
)
def test_searches(site: Site, key: str, value: str, found: list[str]) -> None:
    """Names and addresses are compared loosely, in any case of letters; everything else exactly."""
    body = site.call(USERS, criteria__0__key=key, criteria__0__value=value)
    assert [one["username"] for one in body["users"]] == found
    assert body["warnings"] == []


def test_a_key_that_is_not_known_finds_everybody(site: Site) -> None:
    """With no more than a warning."""
    body = site.call(USERS, criteria__0__key="department", criteria__0__value="Sales")
    assert len(body["users"]) == 27
    assert [one["warningcode"] for one in body["warnings"]] == ["invalidfieldparameter"]


def test_a_weak_account_sees_fewer_without_an_error() -> None:
    """Four of 27, and the answer is as good as any."""
    with running(sees_people=3) as site:
        assert len(everybody(site)) == 4


def test_names_are_escaped_unless_asked_for_raw(site: Site) -> None:
    """Tags gone and `&` escaped; raw they are as they were entered."""
    function = "core_course_get_courses_by_field"
    [shown] = site.call(function, field="id", value=101)["courses"]
    [raw] = site.call(function, field="id", value=101, moodlewssettingraw=1)["courses"]
    assert shown["fullname"] == "Safety &amp; Health  “für alle”"
    assert raw["fullname"] == "Safety & Health <2026> “für alle”"


def test_one_closed_course_fails_the_list_of_all() -> None:
    """The one function fails, the other leaves it out."""
    with running(closed_courses=(105,)) as site:
        assert site.error("core_course_get_courses") == "errorcoursecontextnotvalid"
        found = site.call("core_course_get_courses_by_field")["courses"]
    assert 105 not in [one["id"] for one in found]
    assert len(found) == 9


def test_the_front_page_is_the_first_course(site: Site) -> None:
    """Number 1, in the format of a site."""
    first, *others = site.call("core_course_get_courses")
    assert (first["id"], first["format"], first["categoryid"]) == (1, "site", 0)
    assert {one["format"] for one in others} == {"topics"}
    assert "timemodified" not in others[0]


def test_the_private_key_is_in_the_sites_information(site: Site) -> None:
    """What has to be cut out is there."""
    assert site.call("core_webservice_get_site_info")["userprivateaccesskey"] == KEY_MARKER


# -- contents and learning -------------------------------------------------------------------------


def test_contents_begin_with_general(site: Site) -> None:
    """What stands before the first section is in "General", which every course has."""
    sections = site.call("core_course_get_contents", courseid=102)
    told = [
        (one["section"], one["name"], [module["modname"] for module in one["modules"]]) for one in sections
    ]
    assert told == [
        (0, "General", ["page", "url"]),
        (1, "Part one", ["assign", "bigbluebuttonbn"]),
        (2, "Nothing here yet", []),
    ]


def test_members_in_pages(site: Site) -> None:
    """By number, from anywhere, so many; past the end there is an empty list."""
    whole = [one["id"] for one in site.call(MEMBERS, courseid=101)]
    pages = [
        site.call(
            MEMBERS,
            courseid=101,
            options__0__name="limitfrom",
            options__0__value=first,
            options__1__name="limitnumber",
            options__1__value=5,
        )
        for first in (0, 5, 10, 15)
    ]
    assert [one["id"] for page in pages for one in page] == whole == sorted(whole)
    assert [len(page) for page in pages] == [5, 5, 1, 0]


def test_active_and_suspended_are_a_partition(site: Site) -> None:
    """Whose time is over is not active; a suspended account is, as long as its enrolment is."""
    found = {
        option: {
            one["id"]
            for one in site.call(MEMBERS, courseid=106, options__0__name=option, options__0__value=1)
        }
        for option in ("onlyactive", "onlysuspended", "nosuch")
    }
    assert found == {"onlyactive": {20}, "onlysuspended": {6, 11}, "nosuch": {6, 11, 20}}


def test_only_the_fields_that_were_asked_for(site: Site) -> None:
    """And the name, which comes unasked."""
    [teacher, *_] = site.call(
        MEMBERS, courseid=101, options__0__name="userfields", options__0__value="id,roles"
    )
    assert teacher.keys() == {"id", "fullname", "roles"}
    assert teacher["roles"][0]["shortname"] == "editingteacher"


def test_completion_has_no_date_of_the_whole(site: Site) -> None:
    """A flag, and a criterion for each activity."""
    body = site.call("core_completion_get_course_completion_status", courseid=101, userid=13)
    status = body["completionstatus"]
    assert (status["completed"], len(status["completions"])) == (True, 4)
    assert "timecompleted" not in status


def test_activities_of_somebody_who_failed(site: Site) -> None:
    """Half of them done, the test failed."""
    body = site.call("core_completion_get_activities_completion_status", courseid=101, userid=12)
    assert [one["state"] for one in body["statuses"]] == [1, 1, 3, 0]


def test_zeros_for_who_is_not_enrolled(site: Site) -> None:
    """No error, but nobody who is tracked."""
    body = site.call("core_completion_get_activities_completion_status", courseid=101, userid=1)
    assert {(one["state"], one["istrackeduser"]) for one in body["statuses"]} == {(0, False)}


def test_grades_have_a_total(site: Site) -> None:
    """Of each learner, who has one or not."""
    body = site.call("gradereport_user_get_grade_items", courseid=101)
    totals = {one["userid"]: one["gradeitems"][-1]["graderaw"] for one in body["usergrades"]}
    assert (totals[13], totals[12], totals[9]) == (100.0, 41.25, None)
    assert 2 not in totals


def test_a_report_of_words_and_local_times(site: Site) -> None:
    """A row for each enrolment and one for each method without users; dates in London's summer and winter."""
    data = site.call("core_reportbuilder_retrieve_report", reportid=1, page=0, perpage=100)["data"]
    rows = [dict(zip(data["headers"], row["columns"], strict=True)) for row in data["rows"]]
    assert data["totalrowcount"] == len(rows) == 26 + 9
    passed = next(row for row in rows if row["Username"] == "formula")
    assert passed["Time created"] == "Wednesday, 1 October 2025, 10:00 AM"
    assert passed["Time completed"] == "Sunday, 26 October 2025, 1:30 AM"
    assert (passed["Status"], passed["Completed"], passed["Progress"]) == ("Active", "Yes", "100.0%")
    ended = next(row for row in rows if row["Username"] == "sukarmini")
    assert (ended["Status"], ended["Time ended"]) == ("Not current", "Tuesday, 1 April 2025, 9:00 AM")
    assert rows[-1]["Status"] is None


def test_a_report_has_pages(site: Site) -> None:
    """From 0, and past the end no rows."""
    report = "core_reportbuilder_retrieve_report"
    sizes = [len(site.call(report, reportid=1, page=page, perpage=20)["data"]["rows"]) for page in (0, 1, 2)]
    assert sizes == [20, 15, 0]
