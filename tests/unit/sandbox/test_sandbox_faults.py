"""Fault injection: which request a rule strikes, what each action does, and what the log keeps."""

from __future__ import annotations

import httpx
import pytest

from sources.unified_lms.sandbox import World
from sources.unified_lms.sandbox.faults import (
    CutConnection,
    Do,
    DropRecords,
    DuplicateRecords,
    ExpireCredentials,
    Faults,
    RepeatPrevious,
    Reply,
    Rule,
    SlowBody,
    TearBody,
)
from tests.unit.sandbox.conftest import MakePortal

BUSY = Reply(503)


def _statuses(make_portal: MakePortal, rule: Rule, path: str = "siteinfo", times: int = 6) -> list[int]:
    portal = make_portal(faults=Faults(rule))
    return [portal.get(path).status_code for _ in range(times)]


@pytest.mark.parametrize(
    ("rule", "statuses"),
    [
        (Rule(BUSY), [503, 503, 503, 503, 503, 503]),
        (Rule(BUSY, hits=(1, 4)), [503, 200, 200, 503, 200, 200]),
        (Rule(BUSY, every=3), [200, 200, 503, 200, 200, 503]),
        (Rule(BUSY, after=4), [200, 200, 200, 200, 503, 503]),
        (Rule(BUSY, after=1, every=2), [200, 200, 503, 200, 503, 200]),
        (Rule(BUSY, path="/users"), [200, 200, 200, 200, 200, 200]),
        (Rule(BUSY, path="/siteinfo", hits=(2,)), [200, 503, 200, 200, 200, 200]),
        (Rule(BUSY, pattern=r"/site\w+$", hits=(2,)), [200, 503, 200, 200, 200, 200]),
        (Rule(BUSY, pattern=r"^/site"), [200, 200, 200, 200, 200, 200]),
        (Rule(BUSY, method="POST"), [200, 200, 200, 200, 200, 200]),
        (Rule(BUSY, method="GET", hits=(1,)), [503, 200, 200, 200, 200, 200]),
    ],
)
def test_a_rule_strikes_at_the_hits_that_it_names(
    make_portal: MakePortal, rule: Rule, statuses: list[int]
) -> None:
    """Path, pattern and verb decide what is a hit; `hits`, `every` and `after` which hits are struck."""
    assert _statuses(make_portal, rule) == statuses


def test_the_same_requests_meet_the_same_faults(make_portal: MakePortal) -> None:
    """Nothing is random: a second run of the same rules gives the same answers."""
    rule = Rule(BUSY, every=2)
    assert _statuses(make_portal, rule) == _statuses(make_portal, rule)


def test_the_first_rule_that_strikes_decides_and_all_are_counted(make_portal: MakePortal) -> None:
    """A request that one rule struck still counts as a hit for the others."""
    portal = make_portal(faults=Faults(Rule(Reply(500), hits=(1,)), Rule(Reply(502), hits=(1, 2))))
    assert [portal.get("siteinfo").status_code for _ in range(3)] == [500, 502, 200]


def test_a_reply_has_status_headers_and_body(make_portal: MakePortal) -> None:
    """The reply goes out as it was written, and the portal never saw the request."""
    reply = Reply(429, {"wait": True}, {"Retry-After": "7"})
    portal = make_portal(faults=Faults(Rule(reply, hits=(1,))), calls_per_hour=5)
    answer = portal.get("users")
    assert (answer.status_code, answer.json(), answer.headers["retry-after"]) == (429, {"wait": True}, "7")
    assert portal.json("ratelimit")["remaining"] == 4


def test_a_reply_may_be_text_of_any_type(make_portal: MakePortal) -> None:
    """Text goes out as plain text unless the headers say otherwise."""
    rules = Rule(Reply(502, "<h1>Ä</h1>", {"Content-Type": "text/html"}), hits=(1,)), Rule(Reply(503, "no"))
    portal = make_portal(faults=Faults(*rules))
    first, second = portal.get("users"), portal.get("users")
    assert (first.text, first.headers["content-type"]) == ("<h1>Ä</h1>", "text/html")
    assert (second.text, second.headers["content-type"]) == ("no", "text/plain; charset=utf-8")


def test_a_cut_connection_breaks_off_in_mid_body(make_portal: MakePortal) -> None:
    """The client has a status, a length and a part of the body when the connection closes."""
    portal = make_portal(faults=Faults(Rule(CutConnection(sent=0.5), hits=(1,))))
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
        portal.get("users")
    assert len(portal.json("users")) == 26


def test_a_torn_body_has_a_length_that_looks_right(make_portal: MakePortal) -> None:
    """The answer is complete by its length, and its JSON breaks off."""
    portal = make_portal(faults=Faults(Rule(TearBody(sent=0.5), hits=(1,))))
    torn, whole = portal.get("users"), portal.get("users")
    assert torn.content == whole.content[: len(whole.content) // 2]
    assert int(torn.headers["content-length"]) == len(torn.content)
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        torn.json()


def test_a_slow_body_comes_in_pieces_and_whole(make_portal: MakePortal) -> None:
    """The body is sent piece by piece, with a wait before each, and nothing is lost."""
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    portal = make_portal(faults=Faults(Rule(SlowBody(2.5, pieces=4, sleep=wait), hits=(1,))))
    assert portal.get("users").json() == portal.json("users")
    assert waits == [2.5] * 4


def test_a_page_can_repeat(make_portal: MakePortal) -> None:
    """The third page is the second again, and the fourth is itself."""
    portal = make_portal(faults=Faults(Rule(RepeatPrevious(), path="page_number", hits=(3,))))
    pages = [portal.json(f"users/page_size:5,page_number:{number}") for number in (1, 2, 3, 4)]
    assert pages[2] == pages[1] != pages[0]
    assert pages[3][0]["id"] == "16"


def test_the_first_page_cannot_repeat_another(make_portal: MakePortal) -> None:
    """Without a page before it, a page is as it should be."""
    portal = make_portal(faults=Faults(Rule(RepeatPrevious(), path="page_number")))
    assert len(portal.json("users/page_size:5,page_number:1")) == 5


def test_records_can_come_twice(make_portal: MakePortal) -> None:
    """The first records of the list stand at its end once more."""
    portal = make_portal(faults=Faults(Rule(DuplicateRecords(2), path="/courses", hits=(1,))))
    assert [one["id"] for one in portal.json("courses")][-3:] == ["109", "101", "102"]


def test_a_list_within_an_answer_can_be_changed(make_portal: MakePortal) -> None:
    """The dotted path names a list inside of the body; the rest stays."""
    rules = (
        Rule(DropRecords(at="courses"), path="id:6", hits=(1,)),
        Rule(DropRecords(1, "courses"), path="id:6"),
    )
    portal = make_portal(faults=Faults(*rules))
    assert [[one["id"] for one in portal.json("users/id:6")["courses"]] for _ in range(2)] == [
        [],
        ["101", "103"],
    ]


def test_a_list_can_be_dropped_to_nothing(make_portal: MakePortal) -> None:
    """The answer is a good one, with an empty list."""
    portal = make_portal(faults=Faults(Rule(DropRecords(), path="/users", hits=(1,))))
    assert portal.json("users") == []


def test_a_rule_about_a_list_that_is_not_there_says_so(
    make_portal: MakePortal, caplog: pytest.LogCaptureFixture
) -> None:
    """A mistake in a rule does not look like a fault on purpose: the answer and the log tell of it."""
    portal = make_portal(faults=Faults(Rule(DropRecords(at="nowhere"), path="/users")))
    answer = portal.get("users/id:6")
    assert answer.status_code == 500
    assert "has no list at nowhere" in answer.text
    assert "the sandbox failed" in caplog.text


def test_credentials_expire_from_a_request_on(make_portal: MakePortal) -> None:
    """From the struck request on, the portal refuses the key in its own way, until the faults are cleared."""
    faults = Faults(Rule(ExpireCredentials(), path="/users", hits=(2,)))
    portal = make_portal(faults=faults)
    assert [portal.get(path).status_code for path in ("users", "users", "users", "siteinfo")] == [
        200,
        401,
        401,
        401,
    ]
    assert portal.error("users")[2] == "The API key is not valid"
    faults.clear()
    assert portal.get("users").status_code == 200


def test_the_world_can_change_under_the_reader(make_portal: MakePortal) -> None:
    """Somebody is deleted between two pages, so that the second page begins one further on."""
    world = World()
    portal = make_portal(
        world, Faults(Rule(Do(lambda: world.delete_person(1)), path="page_number", hits=(2,)))
    )
    pages = [portal.json(f"users/page_size:5,page_number:{number}") for number in (1, 2)]
    assert [page[0]["id"] for page in pages] == ["1", "7"]


def test_rules_can_be_added_while_the_server_runs(make_portal: MakePortal) -> None:
    """A rule counts from the moment it was added."""
    faults = Faults()
    portal = make_portal(faults=faults)
    portal.get("siteinfo")
    faults.add(Rule(BUSY, hits=(1,)))
    assert [portal.get("siteinfo").status_code for _ in range(2)] == [503, 200]


def test_the_log_has_what_came_in(make_portal: MakePortal) -> None:
    """Verb, path as sent and as read, query, headers with credentials, body, fault and status are kept."""
    portal = make_portal(faults=Faults(Rule(BUSY, path="nobody")))
    portal.http.post("users/email:no%2Bbody@example.org?a=b", content=b"c=d", headers={"X-Odd": "1"})
    (seen,) = portal.server.requests
    assert (seen.method, seen.query, seen.body, seen.status) == ("POST", "a=b", b"c=d", 404)
    assert seen.path == "/api/v1/users/email:no+body@example.org"
    assert seen.raw_path == "/api/v1/users/email:no%2Bbody@example.org"
    assert (seen.headers["x-odd"], seen.headers["authorization"]) == ("1", "Basic c2FuZGJveC1hcGkta2V5Og==")
    assert seen.fault is None


def test_the_log_names_the_fault(make_portal: MakePortal) -> None:
    """A request that a rule struck carries the name of the action."""
    portal = make_portal(faults=Faults(Rule(BUSY, hits=(1,))))
    portal.get("siteinfo")
    portal.get("siteinfo")
    assert [(one.fault, one.status) for one in portal.server.requests] == [("Reply", 503), (None, 200)]


def test_the_log_is_bounded_and_still_counts(make_portal: MakePortal) -> None:
    """Only the latest requests are kept; the total counts them all."""
    portal = make_portal(faults=Faults(log_size=3))
    for number in range(1, 6):
        portal.get(f"users/id:{number}")
    log = portal.server.requests
    assert [one.path[-1] for one in log] == ["3", "4", "5"]
    assert (len(log), log.total) == (3, 5)


def test_the_log_can_be_searched_and_cleared(make_portal: MakePortal) -> None:
    """Requests are found by a part of their path and by verb."""
    portal = make_portal()
    portal.get("users")
    portal.get("users/id:6")
    portal.http.post("users")
    log = portal.server.requests
    assert (len(log.matching("/users")), len(log.matching("/users", "POST")), len(log.matching("id:6"))) == (
        3,
        1,
        1,
    )
    log.clear()
    assert (len(log), log.total) == (0, 0)


def test_a_rule_may_ask_for_what_stands_in_the_body() -> None:
    """Where all requests have one address, what they are about is in their forms."""
    rule = Rule(Reply(503), body=r"\bcourseid=2(&|$)")
    bodies = ["wsfunction=a&courseid=2", "courseid=2&userid=1", "courseid=20", ""]
    assert [rule.matches("POST", "/server.php", body) for body in bodies] == [True, True, False, False]
