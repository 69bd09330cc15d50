"""Seats: what a client has in hand is at its seat; a call that is repeated is done once; a seat that is left gives everything back."""

from __future__ import annotations

import threading

import pytest

from tests.waiting import until

SEAT = "seat-of-a-test"


@pytest.fixture
def joe(bus):
    bus.client("jack")
    return bus.client("joe")


def test_what_is_taken_stays_in_hand_until_it_is_confirmed(bus, joe):
    jack = bus.client("jack").at(SEAT)
    joe.post("/api/send", {"to": "jack", "body": "hi"})
    (taken,) = jack.post("/api/take", {"wait": 5}).json
    assert joe.get("/api/status?id=1").json["state"] == "handed"
    other = bus.client("jack").at("another-seat")
    assert other.post("/api/take").json == []
    assert other.post("/api/confirm", {"messages": [taken["delivery"]]}).error == "no-such-handle"
    assert jack.post("/api/confirm", {"messages": [taken["delivery"]]}).json == {}
    assert joe.get("/api/status?id=1").json["state"] == "read"
    assert jack.post("/api/confirm", {"messages": [taken["delivery"]]}).error == "no-such-handle"


def test_what_is_given_back_comes_again_marked(bus, joe):
    jack = bus.client("jack").at(SEAT)
    joe.post("/api/send", {"to": "jack", "body": "hi"})
    (taken,) = jack.post("/api/take").json
    jack.post("/api/give-back", {"messages": [taken["delivery"]]})
    (again,) = jack.post("/api/take").json
    assert (again["id"], again["redelivered"]) == (taken["id"], True)


def test_who_names_no_seat_shares_one_with_all_that_name_none_as_the_same_agent(bus, joe):
    joe.post("/api/send", {"to": "jack", "body": "hi"})
    (taken,) = bus.client("jack").post("/api/take").json
    assert bus.client("jack").post("/api/take").json == []
    assert bus.client("jack").at(SEAT).post("/api/confirm", {"messages": [taken["delivery"]]}).error == "no-such-handle"
    assert bus.client("jack").post("/api/confirm", {"messages": [taken["delivery"]]}).status == 200
    assert joe.get("/api/status?id=1").json["state"] == "read"


def test_a_seat_that_is_closed_gives_everything_back(bus, joe):
    jack = bus.client("jack").at(SEAT)
    joe.post("/api/send", {"to": "jack", "body": "hi"})
    jack.post("/api/take")
    assert jack.post("/api/seat-close").status == 200
    assert joe.get("/api/status?id=1").json["state"] == "delivered"
    gone = jack.post("/api/take")
    assert (gone.status, gone.error) == (410, "seat-gone")


def test_a_seat_that_nobody_took_is_gone(bus):
    jack = bus.client("jack")
    assert jack.post("/api/take", X_Postroom_Seat="never-taken-seat").error == "seat-gone"
    assert jack.post("/api/take", X_Postroom_Seat="short").error == "bad-request"


def test_a_numbered_call_is_done_once_however_often_it_comes(bus, joe):
    seated = joe.at(SEAT)
    replies = [seated.post("/api/send", {"to": "jack", "body": "once"}, X_Postroom_Call="2").json for _ in range(3)]
    assert replies[0] == replies[1] == replies[2]
    assert len(bus.client("jack").get("/api/inbox/jack").json) == 1
    errors = [seated.post("/api/send", {"to": "nobody-here", "body": "x"}, X_Postroom_Call="3") for _ in range(2)]
    assert [one.status for one in errors] == [404, 404]
    assert seated.post("/api/send", {"to": "jack"}, X_Postroom_Call="zero").status == 400


def test_a_numbered_call_whose_connection_broke_goes_on_and_is_answered_the_next_time(bus, joe):
    jack = bus.client("jack").at(SEAT)
    with bus.raw() as breaking:
        body = b'{"wait": 60}'
        lines = [
            "POST /api/take HTTP/1.1",
            f"Host: 127.0.0.1:{bus.node.port}",
            *(f"{name}: {value}" for name, value in jack.headers.items()),
            "X-Postroom-Call: 5",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
        ]
        breaking.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        until(lambda: [one["online"] for one in joe.get("/api/agents").json if one["name"] == "jack"] == [True])
    joe.post("/api/send", {"to": "jack", "body": "hi"})
    until(lambda: joe.get("/api/status?id=1").json["state"] == "handed")
    (taken,) = jack.post("/api/take", {"wait": 60}, X_Postroom_Call="5").json
    assert (taken["body"], taken["redelivered"]) == ("hi", False)


def test_two_requests_with_one_number_get_one_answer(bus, joe):
    jack, found = bus.client("jack").at(SEAT), []
    calls = [
        threading.Thread(target=lambda: found.append(jack.post("/api/take", {"wait": 60}, X_Postroom_Call="9").body)) for _ in range(2)
    ]
    for call in calls:
        call.start()
    joe.post("/api/send", {"to": "jack", "body": "hi"})
    for call in calls:
        call.join(60)
    assert found[0] == found[1]


def test_an_answer_is_read_when_it_was_written_out(bus, joe):
    found = []
    asking = threading.Thread(target=lambda: found.append(joe.post("/api/ask", {"to": "jack", "body": "which port?", "timeout": 60}).json))
    asking.start()
    jack = bus.client("jack")
    (question,) = jack.post("/api/take", {"wait": 60}).json
    answer = jack.post("/api/answer", {"message": question["id"], "body": "8080"}).json
    asking.join(60)
    assert found[0]["body"] == "8080"
    until(lambda: jack.get(f"/api/status?id={answer['id']}").json["state"] == "read")


def test_an_ask_that_nobody_answers_ends(joe):
    reply = joe.post("/api/ask", {"to": "jack", "body": "hello?", "timeout": 0.1})
    assert (reply.status, reply.error) == (504, "no-answer")


def test_a_session_is_opened_talked_in_and_closed(bus, joe):
    jack, found = bus.client("jack"), []
    opening = threading.Thread(target=lambda: found.append(joe.post("/api/session", {"to": "jack", "task": "review", "timeout": 60}).json))
    opening.start()
    (offer,) = jack.post("/api/take", {"wait": 60}).json
    assert (offer["kind"], offer["body"]) == ("syn", "review")
    accepted = jack.post("/api/accept", {"id": offer["id"]}).json
    opening.join(60)
    session = found[0]["id"]
    assert (found[0]["peer"], accepted["peer"]) == ("jack", "joe")
    joe.post("/api/session-send", {"session": session, "body": "see auth/"})
    assert jack.post("/api/session-receive", {"session": accepted["id"], "timeout": 60}).json["body"] == "see auth/"
    assert joe.get(f"/api/session-state?session={session}").json == {"state": "open"}
    assert joe.post("/api/session-close", {"session": session, "timeout": 0}).json == {"closed": False}
    over = jack.post("/api/session-receive", {"session": accepted["id"], "timeout": 60})
    assert (over.status, over.error) == (409, "session-closed")


def test_the_house_says_when_it_is_full(post, monkeypatch):
    import asyncio

    from postroom.core.refusals import HouseFull
    from postroom.http import house
    from postroom.http.auth import Caller
    from postroom.http.counter import Counter

    monkeypatch.setattr(house, "SEATS_MAX", 1)

    async def fill() -> None:
        counter = Counter(post.home)
        full = house.House(post.home, counter.registered)
        await full.lodger(Caller(0, "joe", "agent", "test"), None)
        with pytest.raises(HouseFull):
            await full.lodger(Caller(0, "jack", "agent", "test"), None)
        await full.close()
        await counter.close()

    asyncio.run(fill())


def test_a_seat_that_nobody_uses_is_left(post, monkeypatch):
    import asyncio

    from postroom.http import house
    from postroom.http.auth import Caller
    from postroom.http.counter import Counter

    monkeypatch.setattr(house, "IDLE_S", 0.0)
    monkeypatch.setattr(house, "ROUND_S", 0.01)

    async def idle() -> None:
        counter = Counter(post.home)
        open_house = house.House(post.home, counter.registered)
        open_house.begin()
        await open_house.lodger(Caller(0, "joe", "agent", "test"), None)
        await asyncio.to_thread(until, lambda: not len(open_house))
        await open_house.close()
        await counter.close()

    asyncio.run(asyncio.wait_for(idle(), 60))
    (looker,) = post.agents("looker")
    assert [one.online for one in looker.agents() if one.name == "joe"] == [False]


@pytest.mark.parametrize("far", [True, False])
def test_who_is_renamed_keeps_its_seat_and_what_is_in_hand_there(bus, joe, far):
    jack = (bus.client("jack") if far else bus.near("jack")).at(SEAT)
    joe.post("/api/send", {"to": "jack", "body": "hi"})
    (taken,) = jack.post("/api/take", {"wait": 5}).json
    assert jack.post("/api/rename", {"name": "john"}).status == 200
    if not far:
        jack.headers["X-Postroom-Agent"] = "john"
    assert jack.post("/api/take").json == []
    assert jack.post("/api/confirm", {"messages": [taken["delivery"]]}).json == {}
    assert joe.get("/api/status?id=1").json["state"] == "read"
