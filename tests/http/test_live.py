"""Live feeds: everything is told once, also to one who was away; nobody is told what it may not see."""

from __future__ import annotations

import pytest

from tests.http.asking import Bus
from tests.http.streams import Watch
from tests.node.nodes import RunningNode
from tests.waiting import until


def sent(client, number, to="jack"):
    assert client.post("/api/send", {"to": to, "body": str(number)}).status == 200


def test_messages_and_what_becomes_of_them_are_told(bus):
    joe, jack = bus.client("joe"), bus.client("jack")
    with Watch(joe) as watch:
        sent(joe, 1)
        assert watch.next().data["body"] == "1"
        jack.get("/api/inbox/jack?mark_read=true")
        seen = [watch.next(), watch.next()]
        states = [one.data["state"] for one in seen if one.kind == "state"]
        assert states[-1:] == ["read"]


def test_one_who_is_cut_off_again_and_again_misses_nothing_and_gets_nothing_twice(bus):
    joe = bus.client("joe")
    bus.client("jack")
    seen, last = [], None
    for number in range(12):
        with Watch(joe, last=last) as watch:
            sent(joe, 2 * number)
            seen.append(watch.next("message").data["body"])
            last = watch.last
        sent(joe, 2 * number + 1)  # while it is away
        with Watch(joe, last=last) as watch:
            seen.append(watch.next("message").data["body"])
            last = watch.last
    assert seen == [str(number) for number in range(24)]


def test_after_the_node_was_killed_the_feed_goes_on_from_the_log(post, home):
    with RunningNode(post.home, home) as node:
        bus = Bus(post, node)
        token = bus.token("joe")
        bus.token("jack")
        with Watch(bus.client("joe")) as watch:
            sent(bus.client("joe"), 1)
            assert watch.next("message").data["body"] == "1"
            last = watch.last
        node.kill()
    post.agents("joe")[0].send("jack", "2")
    with RunningNode(post.home, home) as node:
        bus = Bus(post, node)
        bus._tokens["joe", "agent"] = token
        with Watch(bus.client("joe"), last=last) as watch:
            sent(bus.client("joe"), 3)
            assert [watch.next("message").data["body"] for _ in range(2)] == ["2", "3"]


def test_a_feed_shows_what_the_viewer_may_see(bus):
    joe, jack, eve = bus.client("joe"), bus.client("jack"), bus.client("eve")
    jack.post("/api/create-room", {"name": "cellar", "policy": "secret"})
    with Watch(eve) as watch, Watch(bus.client("human", "admin")) as human:
        sent(joe, "between two")
        sent(jack, "in the cellar", to="#cellar")
        sent(joe, "for eve", to="eve")
        assert watch.next().data["body"] == "for eve"
        assert [human.next("message").data["body"] for _ in range(3)] == ["between two", "in the cellar", "for eve"]


def test_places_in_a_feed_say_nothing_and_are_good_for_their_viewer_only(bus):
    joe, jack = bus.client("joe"), bus.client("jack")
    with Watch(joe) as watch:
        places = []
        for number in range(3):
            sent(joe, number)
            watch.next("message")
            places.append(watch.last)
    assert len({place[:8] for place in places}) == 3
    assert len({len(place) for place in places}) == 1
    assert jack.get("/api/live", Last_Event_ID=places[0]).status == 400
    assert joe.get("/api/live", Last_Event_ID="7").status == 400
    assert joe.get("/api/live", Last_Event_ID=places[0][:-4] + "AAA=").status == 400


def test_a_sieve_lets_through_what_it_names(bus):
    joe, jack = bus.client("joe"), bus.client("jack")
    bus.client("ann")
    with Watch(joe, "?agent=ann") as watch:
        sent(joe, 1)
        sent(joe, 2, to="ann")
        jack.get("/api/inbox/jack?mark_read=true")
        assert watch.next().data["body"] == "2"
    assert joe.get("/api/live?agent=nobody").status == 404
    assert joe.get("/api/live?kind=nothing").status == 400


def test_events_of_a_room_are_told_and_stay_unseen(bus):
    joe, jack = bus.client("joe"), bus.client("jack")
    joe.post("/api/create-room", {"name": "hall"})
    with Watch(joe) as watch:
        jack.post("/api/join", {"room": "hall"})
        seen = watch.next("event")
        assert (seen.data["what"], seen.data["agent"], seen.data["room"]) == ("member_joined", "jack", "hall")
    assert [one["what"] for one in joe.post("/api/events").json if one["agent"] == "jack"][:1] == ["member_joined"]


def test_watching_consumes_nothing(bus):
    joe, jack = bus.client("joe"), bus.client("jack", "read")
    with Watch(jack) as watch:
        sent(joe, 1)
        watch.next("message")
    assert joe.get("/api/status?id=1").json["state"] == "delivered"
    assert [one["online"] for one in joe.get("/api/agents").json if one["name"] == "jack"] == [False]


def test_a_stream_ends_with_its_token(bus):
    joe, jack = bus.client("joe"), bus.client("jack")
    with Watch(jack) as watch:
        bus.revoke("jack")
        sent(joe, "secret")
        with pytest.raises(AssertionError, match="ended"):
            watch.next()


def test_who_goes_is_noticed(bus):
    with Watch(bus.client("joe")):
        until(lambda: streams(bus) == 1)
    until(lambda: streams(bus) == 0)


def streams(bus):
    text = bus.near("watcher").get("/metrics").body.decode()
    return int(float(next(line for line in text.splitlines() if line.startswith("postroom_streams ")).split()[1]))
