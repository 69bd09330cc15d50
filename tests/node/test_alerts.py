"""Alerts: people are told what waits for them, together and not too often, and no address is ever said."""

from __future__ import annotations

import pytest

from postroom.cli.alert import TITLE
from postroom.exchange import alerts, ending, holding, reading
from tests.node.nodes import RunningNode
from tests.waiting import until

KEY = "key-that-nobody-sees"


def address(receiver, path=KEY):
    return f"json://127.0.0.1:{receiver.port}/{path}"


def configure(post, *urls, more="", alert_ms=20):
    listed = ", ".join(f'"{url}"' for url in urls)
    post.configure(f"[limits]\nalert_ms = {alert_ms}\n[node]\nalerts = [{listed}]\n{more}")


def test_a_question_to_the_human_reaches_people(post, human, receiver, home):
    configure(post, address(receiver))
    joe = post.connect("joe")
    with RunningNode(post.home, home) as node:
        joe.send("human", "which port?\nsoon", subject="webshop", reply_within=60)
        alert = receiver.next()
        assert alert.path == f"/{KEY}"
        assert alert.object["title"] == "Postroom: 1 request waits for you"
        assert "joe (message 1): webshop: which port?\\nsoon" in alert.object["message"]
        assert "postroom console" in alert.object["message"]
        until(lambda: "alert told" in node.said)
        assert KEY not in node.said


def test_what_is_held_reaches_people_and_small_talk_does_not(post, human, receiver, home):
    configure(post, address(receiver))
    joe, ann = post.agents("joe", "ann")
    with RunningNode(post.home, home):
        joe.send("human", "by the way")
        question = ann.send("joe", "0")
        for turn in range(1, 300):
            question = (joe, ann)[turn % 2].send((ann if turn % 2 == 0 else joe).name, str(turn), reply_to=question.id)
            if question.state == "held":
                break
        assert holding.held(human)
        alert = receiver.next().object
        assert alert["title"] == "Postroom: 1 held thing waits for you"
        assert "is held" in alert["message"]
        assert "by the way" not in alert["message"]


def test_what_is_configured_is_told(post, human, receiver, home):
    configure(post, address(receiver), more='alert_on = ["messages"]\n')
    with RunningNode(post.home, home):
        joe = post.connect("joe")
        joe.send("human", "a question", reply_within=60)
        joe.send("human", "by the way")
        alert = receiver.next().object
        assert (alert["title"], "a question" in alert["message"]) == ("Postroom: 1 message waits for you", False)


def test_much_that_comes_at_once_is_told_together_and_each_thing_once(post, human, receiver, home):
    configure(post, address(receiver))
    joe = post.connect("joe")
    for number in range(30):
        joe.send("human", f"question {number}", reply_within=600)
    with RunningNode(post.home, home) as node:
        alert = receiver.next().object
        assert alert["title"] == "Postroom: 30 requests wait for you"
        assert alert["message"].count("question") == 10
        assert "and 20 more" in alert["message"]
        until(lambda: "alert told" in node.said)
        node.kill()
    with RunningNode(post.home, home):
        joe.send("human", "one more", reply_within=600)
        assert receiver.next().object["title"] == "Postroom: 1 request waits for you", "the others were told before"


def test_what_was_read_meanwhile_is_not_told(post, human):
    joe = post.connect("joe")
    joe.send("human", "which port?", reply_within=60)
    kinds = frozenset({alerts.REQUESTS})
    alert = alerts.alert(human, kinds)
    assert alert is not None
    assert "which port?" in alert.body
    alerts.told(human, alert)
    assert alerts.alert(human, kinds) is None
    joe.send("human", "and which host?", reply_within=60)
    reading.confirm(human, reading.take(human, limit=10))
    assert alerts.alert(human, kinds) is None
    alerts.told(human, alerts.Alert("", "", ()))
    assert human.database.execute("SELECT count(*) FROM alerted").fetchall() == [(0,)]


def test_a_session_that_is_offered_to_the_human_is_a_request(post, human):
    ending.offer(post.connect("joe")._seat.desk, "human", "look at #42")
    alert = alerts.alert(human, frozenset({alerts.REQUESTS}))
    assert alert is not None
    assert "look at #42" in alert.body


def test_an_address_that_works_makes_up_for_one_that_does_not(post, human, receiver, home):
    receiver.answers("/broken", *[500] * 10)
    configure(post, address(receiver, "broken"), "nonsense://" + KEY, address(receiver))
    joe = post.connect("joe")
    with RunningNode(post.home, home) as node:
        joe.send("human", "which port?", reply_within=60)
        until(lambda: "alert told" in node.said)
        said = node.said
    assert {receiver.next().path, receiver.next().path} == {"/broken", f"/{KEY}"}
    assert '"alert": "1 (json)", "why": "it answered 500"' in said
    assert '"alert": "2 (nonsense)", "why": "it is no address that apprise knows"' in said
    assert KEY not in said


def test_an_alert_that_reached_nobody_is_tried_again(post, human, receiver, home):
    receiver.answers(f"/{KEY}", 500, 500)
    configure(post, address(receiver))
    joe = post.connect("joe")
    with RunningNode(post.home, home) as node:
        joe.send("human", "which port?", reply_within=600)
        assert [("which port?" in receiver.next().object["message"]) for _ in range(3)] == [True] * 3
        until(lambda: "alert told" in node.said)


def test_text_of_others_moves_no_cursor_in_an_alert(post, human):
    post.connect("joe").send("human", "a\x1b[2Jb\u202ec\nHuman: yes" + "x" * 500, reply_within=60)
    alert = alerts.alert(human, frozenset({alerts.REQUESTS}))
    assert alert is not None
    assert "a\\x1b[2Jb\\u202ec\\nHuman: yes" in alert.body
    assert alert.body.splitlines()[0].endswith("…")


def test_the_command_line_says_which_alerts_work(shell, receiver):
    shell.ok("profile", "--as", "joe")
    config = shell.home / "postroom" / "config.toml"
    done = shell("alert", "test")
    assert (done.code, done.out) == (0, "")
    assert done.err.startswith("postroom: no alerts are configured")
    assert "no alerts are configured" in shell("alert", "test", "--json").failure["note"]
    config.write_text(f'[node]\nalerts = ["{address(receiver)}"]\n', encoding="utf-8")
    assert shell.ok("alert", "test") == "alert 1 (json): works\n"
    assert receiver.next().object["title"] == TITLE
    receiver.answers("/broken", 403)
    dead = f"json://127.0.0.1:1/{KEY}"
    config.write_text(f'[node]\nalerts = ["{address(receiver)}", "{address(receiver, "broken")}", "{dead}"]\n', encoding="utf-8")
    tried = shell("alert", "test")
    assert tried.code == 69
    assert tried.out == "alert 1 (json): works\nalert 2 (json): it answered 403\nalert 3 (json): it cannot be reached\n"
    assert "2 of 3 addresses" in tried.err
    assert KEY not in tried.out + tried.err


@pytest.mark.parametrize(
    "text", [f'alerts = "json://x/{KEY}"', f'alerts = [1, "json://x/{KEY}"]', 'alert_on = ["everything"]', "alerts = 1"]
)
def test_a_config_that_cannot_be_meant_is_an_error_that_says_no_address(shell, text):
    shell.ok("profile", "--as", "joe")
    (shell.home / "postroom" / "config.toml").write_text(f"[node]\n{text}\n", encoding="utf-8")
    for words in (("alert", "test"), ("send", "joe", "hi", "--as", "joe"), ("doctor",)):
        done = shell(*words)
        assert done.code != 0
        assert KEY not in done.out + done.err
