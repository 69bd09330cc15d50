"""The storms that agents have made elsewhere. Each ends within its budget, is held where people see it, and slows nobody else down."""

from contextlib import suppress

import pytest

from postroom import Draft
from postroom.core import errors
from postroom.core.message import Kind, State
from postroom.exchange import holding
from tests.cli.shell import Shell


@pytest.fixture
def post(post):
    post.configure("[limits]\nhops = 20\nthread_turns = 15\n")
    return post


def turn(agent, say):
    """Let an agent read what is there, and say something about each message while it has it in hand. Returns how many those were."""
    number = 0
    for message in agent.inbox():
        if message.kind is Kind.MESSAGE:
            number += 1
            with suppress(errors.TooFast):
                say(message)
    return number


def storm(*speakers, rounds=200):
    """Let agents speak in turn until all are silent. Returns how often something was said; fails if they never fall silent."""
    said = 0
    for _ in range(rounds):
        if not (number := sum(turn(agent, say) for agent, say in speakers)):
            return said
        said += number
    pytest.fail("they go on for ever")


def human(post):
    """The person, as the one who looks at what is held."""
    from postroom.agent import Agent
    from postroom.exchange.desk import open_desk_of_human
    from postroom.seat import Seat

    post._agents.append(Agent(Seat(open_desk_of_human(post.home, interface="cli"))))
    return post._agents[-1]


def told(person):
    return [notice.subject for notice in person.take() if notice.kind is Kind.NOTICE]


def answering(message):
    message.reply("thank you!")


def writing_back(agent):
    return lambda message: agent.send(message.sender, "thank you!")


def speaking_up(agent):
    return lambda message: agent.send(f"#{message.room}", "me too")


@pytest.mark.parametrize("threaded", [True, False], ids=["answering", "writing anew each time"])
def test_two_polite_agents_are_stopped_and_go_on_after_a_release(post, threaded):
    (alice, bob), person = post.agents("alice", "bob"), human(post)
    speakers = [(agent, answering if threaded else writing_back(agent)) for agent in (alice, bob)]
    alice.send("bob", "thank you")
    assert 10 < storm(*speakers) <= 21
    assert told(person) == ["notice: held"]
    (held,) = holding.held(person._seat.desk)
    assert held.messages == 1
    assert holding.release(person._seat.desk, held.id) == 1
    assert 10 < storm(*speakers) <= 21
    assert told(person) == ["notice: held"], "a new storm is told anew, once"


@pytest.mark.parametrize("threaded", [True, False], ids=["answering", "writing anew each time"])
def test_a_triangle_is_stopped(post, threaded):
    (alice, bob, carol), person = post.agents("alice", "bob", "carol"), human(post)

    def passing_on(agent, to):
        return lambda message: agent.send(to, "your turn", reply_to=message if threaded else None)

    alice.send("bob", "your turn")
    assert 10 < storm((bob, passing_on(bob, "carol")), (carol, passing_on(carol, "alice")), (alice, passing_on(alice, "bob"))) <= 21
    assert told(person) == ["notice: held"]
    assert sum(one.messages for one in holding.held(person._seat.desk)) == 1


def lobby(timed, number):
    """A room with many in it, and the person."""
    agents = timed.agents(*[f"agent{place}" for place in range(number)])
    agents[0].create_room("lobby")
    for agent in agents[1:]:
        agent.join("lobby")
    return agents, timed.human()


def test_a_hundred_agents_that_reply_to_all_are_stopped_with_their_thread(timed):
    timed.post.configure("[limits]\nthread_turns = 15\n")
    agents, person = lobby(timed, 100)
    agents[0].send("#lobby", "hello everybody")
    for agent in agents[1:]:
        agent.take(limit=1000)[-1].reply("me too")
    states = [person.status(message.id).state for message in person.history(peer="#lobby", limit=1000)]
    assert [state is State.HELD for state in states] == [False] * 16 + [True] * 84
    assert told(person) == ["notice: held"]
    (held,) = holding.held(person._seat.desk)
    assert held.messages == 84
    assert holding.release(person._seat.desk, held.id) == 84
    assert [len(agent.take(limit=1000)) for agent in agents[-2:]] == [83, 83], "each but its own"


@pytest.mark.parametrize("threaded", [True, False], ids=["answering", "writing anew each time"])
def test_agents_that_reply_to_each_reply_are_stopped_by_the_pace_of_the_room(timed, threaded):
    timed.post.configure("[limits]\nroom_per_minute = 400\n")
    agents, person = lobby(timed, 30)
    agents[0].send("#lobby", "hello everybody")
    for agent in agents:
        turn(agent, lambda message, agent=agent: agent.send("#lobby", "me too", reply_to=message if threaded else None))
    assert len(person.history(peer="#lobby", limit=1000)) == 371, "the pace of the room, less those who joined"
    assert agents[0].send("agent1", "others are not slowed").state is State.DELIVERED


def test_the_human_is_told_once_of_a_room_in_which_too_much_is_said(timed):
    timed.post.configure("[limits]\nroom_per_minute = 40\n")
    agents, person = lobby(timed, 30)
    for agent in agents * 2:
        with suppress(errors.TooFast):
            agent.send("#lobby", "me too")
    with pytest.raises(errors.TooFast, match="All in #lobby together are sending faster than room_per_minute = 40 allows"):
        agents[0].send("#lobby", "me too")
    (notice,) = person.take()
    assert notice.subject == "notice: storm-in-room"
    assert "#lobby" in notice.body
    assert "pause agent" not in notice.body, "whoever was refused last may have said nothing before"
    timed.pass_s(3_600)
    for agent in agents * 2:
        with suppress(errors.TooFast):
            agent.send("#lobby", "me too")
    assert len(person.take()) == 1, "a new storm is told anew"


def test_an_agent_in_a_loop_leaves_its_room_to_the_others(timed):
    timed.post.configure("[limits]\nsender_in_room_per_minute = 20\nroom_per_minute = 60\n")
    (alice, bob, *_), person = lobby(timed, 3)
    for _ in range(100):
        with suppress(errors.TooFast):
            alice.send("#lobby", "again")
    assert bob.send("#lobby", "I still have a word here").state is State.DELIVERED
    assert alice.send("agent1", "and elsewhere I am not slowed").state is State.DELIVERED
    (notice,) = person.take()
    assert (notice.subject, "postroom pause agent0" in notice.body) == ("notice: storm", True)


@pytest.mark.parametrize("verb, what", [("set_topic", "topic"), ("describe_room", "description")])
def test_the_human_is_told_of_agents_that_answer_each_other_by_what_they_call_their_room(timed, verb, what):
    timed.post.configure("[limits]\nsender_in_room_per_minute = 20\nroom_per_minute = 60\n")
    (alice, *_), person = lobby(timed, 3)
    for number in range(100):
        with suppress(errors.TooFast):
            getattr(alice, verb)("lobby", **{what: f"about {number}"})
    (notice,) = person.take()
    assert (notice.subject, "postroom pause agent0" in notice.body) == ("notice: storm", True)


@pytest.mark.parametrize("policy", ["public", "secret"])
def test_a_loop_that_multiplies_in_a_room_is_held_as_one_and_told_once(post, policy):
    post.configure("[limits]\nhops = 4\n")
    (alice, bob, carol), person = post.agents("alice", "bob", "carol"), human(post)
    alice.create_room("lobby", policy=policy)
    alice.invite("lobby", "bob", "carol")
    for agent in (bob, carol):
        agent.join("lobby")
    speakers = [(agent, speaking_up(agent)) for agent in (alice, bob, carol)]
    alice.send("#lobby", "hello everybody")
    assert storm(*speakers) == 2 + 4 + 8 + 16 + 32
    assert told(person) == ["notice: held"]
    (held,) = holding.held(person._seat.desk)
    assert (held.messages, held.senders) == (32, ("alice", "bob", "carol"))
    assert holding.release(person._seat.desk, held.id) == 32
    assert storm(*speakers) > 32
    assert told(person) == ["notice: held"], "a new storm is told anew, once"


def test_loops_of_the_same_two_are_held_as_one_and_told_once(post):
    (alice, bob), person = post.agents("alice", "bob"), human(post)
    for _ in range(5):
        alice.send("bob", "thank you")
    storm((alice, writing_back(alice)), (bob, writing_back(bob)))
    assert told(person) == ["notice: held"]
    (held,) = holding.held(person._seat.desk)
    assert held.messages == 5


def test_a_batch_that_is_a_step_of_a_loop_is_held_as_one_and_told_once(post):
    post.configure("[limits]\nhops = 1\n")
    (alice, bob), person = post.agents("alice", "bob"), human(post)
    alice.send("bob", "thank you")
    bob.take()
    bob.send("alice", "thank you")
    alice.take()
    receipts = alice.send_many([Draft("bob", str(number)) for number in range(3)])
    assert {receipt.thread for receipt in receipts} == {receipts[0].id}
    assert told(person) == ["notice: held"]
    assert holding.release(person._seat.desk, receipts[2].id) == 3
    assert [message.body for message in bob.take() if message.kind is Kind.MESSAGE] == ["0", "1", "2"]


def test_nobody_else_is_slowed_or_held_by_a_storm(post):
    (alice, bob, carol, dave), person = post.agents("alice", "bob", "carol", "dave"), human(post)
    alice.send("bob", "thank you")
    storm((alice, answering), (bob, answering))
    assert carol.send("dave", "how is it going?").state is State.DELIVERED
    assert carol.send("alice", "and you?").state is State.DELIVERED
    assert alice.send("carol", "a new matter").state is State.DELIVERED
    assert bob.send("alice", "a new matter").state is State.DELIVERED
    assert told(person) == ["notice: held"]
    dave.confirm(dave.take())


def test_a_pause_stops_a_storm_and_a_release_of_the_agent_lets_it_go_on(post):
    (alice, bob), person = post.agents("alice", "bob"), human(post)
    alice.send("bob", "thank you")
    turn(bob, answering)
    holding.pause(person._seat.desk, "alice", "you two thank each other")
    assert storm((alice, answering), (bob, answering)) == 1
    assert holding.release(person._seat.desk, "alice") == 1
    assert storm((alice, answering), (bob, answering)) > 5


def test_who_confirms_before_it_writes_is_known_for_a_loop_too(post):
    (alice, bob), person = post.agents("alice", "bob"), human(post)

    def confirming(agent):
        def say(message):
            message.confirm()
            agent.send(message.sender, "thank you!")

        return say

    alice.send("bob", "thank you")
    assert 10 < storm((alice, confirming(alice)), (bob, confirming(bob))) <= 21
    assert told(person) == ["notice: held"]


def test_a_loop_on_the_command_line_is_stopped(post, home):
    post.configure("[limits]\nhops = 6\n")
    shell, person = Shell(home), human(post)

    def call(*arguments):
        return shell.ok("--home", post.home, *arguments)

    call("send", "bob", "thank you", "--create", "--as", "alice")
    said = 0
    for listener, other in [("bob", "alice"), ("alice", "bob")] * 6:
        if call("inbox", "--as", listener).count("thank you"):
            said += 1
            call("send", other, "thank you", "--as", listener)
    assert said == 7
    assert told(person) == ["notice: held"]


def test_a_program_that_asks_and_asks_again_is_no_loop(post):
    asker, worker = post.agents("asker", "worker")
    asker.send("worker", "job 0")
    for number in range(1, 100):
        for job in worker.inbox():
            job.reply(f"done: {job.body}")
        for answer in asker.inbox():
            assert asker.send("worker", f"job {number} after {answer.body}").state is State.DELIVERED


def test_an_agent_that_writes_faster_than_it_may_is_told_of_once(post):
    post.configure("[limits]\npair_per_minute = 5\n")
    (alice, _), person = post.agents("alice", "bob"), human(post)
    for _ in range(50):
        with suppress(errors.TooFast):
            alice.send("bob", "x")
    (notice,) = person.take()
    assert (notice.subject, "pair_per_minute = 5" in notice.body) == ("notice: storm", True)


def test_who_works_through_a_list_is_not_taken_for_a_loop(post):
    manager, worker = post.agents("manager", "worker")
    manager.send("worker", "go")
    for message in worker.inbox():
        for number in range(100):
            assert worker.send("manager", f"step {number} of {message.body}").state is State.DELIVERED
    assert len(manager.take(limit=200)) == 100
