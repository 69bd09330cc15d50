"""The console in a real browser, at a node that runs, with real agents: what a person sees there, and what a person does there."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from playwright.sync_api import expect

from postroom.core.message import Kind
from postroom.exchange import holding
from postroom.exchange.desk import open_desk_of_human
from tests.console.browser import PHONE
from tests.console.scene import Scene
from tests.programs import Program
from tests.waiting import tell, until

CONVERSATION = """
print("here")
for message in me.inbox(wait=60):
    message.confirm()
    message.reply(f"{message.body} indeed")
"""
SAYING = """
sys.stdin.readline()
me.send("bob", "is it raining?")
print(me.take(wait=60)[0].body)
"""
ASKING = """
answer = me.ask("human", "May I deploy to production?", subject="deploy?", timeout=60)
print(answer.subject, "/", answer.body)
"""
LOOPING = """
print("here")
other = sys.argv[1] == "ping" and "pong" or "ping"
if other == "pong":
    sys.stdin.readline()
    me.send("pong", "thanks!")
for message in me.inbox(wait=60):
    if message.kind == "message":
        message.reply("no, thank you!")
"""


def rows(page):
    return page.get_by_role("listbox", name="newest first").get_by_role("option")


def row(page, text):
    return rows(page).filter(has_text=text)


# Coming in


def test_a_link_opens_the_console_and_leaves_no_secret_in_the_address(node, open_screen):
    screen = open_screen()
    screen.page.goto(node.link())
    expect(screen.page.get_by_role("heading", name="Overview")).to_be_visible()
    assert "login" not in screen.page.url
    assert "login" not in str(screen.page.evaluate("history.length && location.href"))


def test_a_link_that_was_used_opens_nothing(node, open_screen):
    link = node.link()
    first, second = open_screen(), open_screen()
    first.page.goto(link)
    expect(first.page.get_by_role("heading", name="Overview")).to_be_visible()
    second.page.goto(link)
    expect(second.page.get_by_text("This link was used before, or is too old.")).to_be_visible()
    expect(second.page.get_by_text("postroom console")).to_be_visible()
    second.complaints.clear()  # the browser tells of the 401


def test_who_comes_without_a_link_is_told_how_to_come_in(node, open_screen):
    page = open_screen().page
    page.goto(node.url)
    expect(page.get_by_text("postroom console")).to_be_visible()
    expect(page.get_by_role("navigation")).to_have_count(0)


def test_one_stays_logged_in_in_another_tab_until_one_logs_out(node, screen):
    other = screen.context.new_page()
    other.goto(node.url)
    expect(other.get_by_role("heading", name="Overview")).to_be_visible()
    other.get_by_role("button", name="Log out").click()
    expect(other.get_by_text("postroom console")).to_be_visible()
    screen.page.reload()
    expect(screen.page.get_by_text("postroom console")).to_be_visible()
    screen.complaints.clear()  # its page may have asked for something meanwhile: the browser tells of the 401


# Watching


def test_a_conversation_of_two_programs_is_seen_as_it_happens(node, screen):
    page = screen.at("live")
    expect(page.get_by_role("heading", name="Live")).to_be_visible()
    with Program("bob", CONVERSATION) as bob, Program("alice", SAYING) as alice:
        assert bob.line() == "here"
        tell(alice)
        assert alice.line() == "is it raining? indeed"
        expect(row(page, "is it raining? indeed")).to_be_visible()
        expect(row(page, "alice").filter(has_text="answered")).to_have_count(1)
        row(page, "alice").filter(has_text="answered").click()
        expect(page.get_by_role("article")).to_have_count(2)
        tell(alice)
    page.get_by_role("tab", name="Sequence diagram").click()
    expect(page.get_by_role("group", name="2 messages").get_by_role("button")).to_have_count(2)


def test_a_state_changes_before_ones_eyes(post, screen):
    alice, bob = post.agents("alice", "bob")
    page = screen.at("live")
    expect(page.get_by_role("listbox", name="newest first")).to_be_visible()
    alice.send("bob", "look")
    expect(row(page, "look").filter(has_text="delivered")).to_be_visible()
    taken = bob.take()
    expect(row(page, "look").filter(has_text="handed")).to_be_visible()
    bob.confirm(taken)
    expect(row(page, "look").filter(has_text="read")).to_be_visible()


def test_the_overview_shows_who_is_here_and_what_waits_for_them(post, screen):
    alice, bob = post.agents("alice", "bob")
    bob.profile(harness="codex", description="builds", status="busy")
    alice.send("bob", "one")
    alice.send("bob", "two")
    line = screen.page.get_by_role("row").filter(has_text="bob")
    expect(line).to_contain_text("codex")
    expect(line).to_contain_text("busy")
    expect(line.get_by_label("2 waiting")).to_be_visible()
    bob.close()
    expect(line).to_contain_text("offline")


def test_the_human_is_here_while_a_page_is_open(post, node, come_in):
    alice = post.connect("alice")

    def human_is_here():
        return next(agent.online for agent in alice.agents() if agent.name == "human")

    assert not human_is_here()
    page = come_in().page
    expect(page.get_by_role("status").filter(has_text="Live")).to_be_visible()
    until(human_is_here)
    assert alice.send("human", "are you there?").deliveries[0].online


def test_the_feed_is_filtered(post, screen):
    alice, bob, carol = post.agents("alice", "bob", "carol")
    alice.send("bob", "about cats")
    bob.send("carol", "about dogs")
    carol.send("alice", "about cats too")
    page = screen.at("live")
    expect(rows(page)).to_have_count(3)
    page.keyboard.press("/")
    page.keyboard.type("cats")
    expect(rows(page)).to_have_count(2)
    page.get_by_label("Agent").select_option("bob")
    expect(rows(page)).to_have_count(1)
    alice.send("bob", "more cats")
    expect(rows(page)).to_have_count(2)
    bob.send("carol", "more dogs")
    page.get_by_label("Filter by words").fill("")
    expect(rows(page)).to_have_count(4)
    assert "agent=bob" in page.url


def test_what_agents_write_is_text_and_nothing_of_it_acts(post, screen):
    alice, _ = post.agents("alice", "bob")
    alice.profile(description="<img src=x onerror=document.title='owned'>")
    alice.send("bob", "<script>document.title='owned'</script> \u202ereversed\u202c \u0007bell <b>bold</b>", subject="<h1>big</h1>")
    for place in ("live", "thread/alice:1", "agent/alice", "search?words=script", "overview"):
        page = screen.at(place)
        expect(page.get_by_text("<").first).to_be_visible()
        assert page.locator("main script, main img, main h1 h1, main .body b").count() == 0
        assert "owned" not in page.title()
    page = screen.at("thread/alice:1")
    expect(page.get_by_role("article").get_by_text("U+202E")).to_be_visible()
    expect(page.get_by_role("article").get_by_text("U+0007")).to_be_visible()
    assert "\u202e" not in page.get_by_role("article").inner_text()


def test_a_message_shows_what_became_of_it_for_each_recipient(post, screen):
    alice, bob, carol = post.agents("alice", "bob", "carol")
    sent = alice.send(["bob", "carol"], "both of you")
    bob.confirm(bob.take())
    page = screen.at(f"thread/alice:{sent.id}")
    card = page.get_by_role("article")
    expect(card.locator(".delivery")).to_have_count(2)
    expect(card.locator(".delivery").filter(has_text="bob")).to_contain_text("read")
    expect(card.locator(".delivery").filter(has_text="carol")).to_contain_text("delivered")
    carol.take()[0].reply("yes")
    expect(card.first.locator(".delivery").filter(has_text="carol")).to_contain_text("answered")
    card.first.locator("summary").click()
    expect(card.first.get_by_role("row").filter(has_text="bob")).to_contain_text("1×")


def test_messages_are_found_by_their_words(post, screen):
    alice, _ = post.agents("alice", "bob")
    alice.send("bob", "the exit code was 3")
    alice.send("bob", "nothing of that kind")
    page = screen.page
    page.keyboard.press("/")
    page.get_by_label("Search").last.fill('"exit code"')
    expect(page.locator("a.hit")).to_have_count(1)
    expect(page.locator("mark").first).to_have_text("exit")
    page.keyboard.press("Enter")
    page.locator("a.hit").press("Enter")
    expect(page.get_by_role("article")).to_contain_text("the exit code was 3")


# Taking part


@pytest.mark.parametrize(
    "key, text, answer",
    [
        ("a", None, "accepted / Accepted."),
        ("e", "only to staging", "edited / only to staging"),
        ("r", "which version?", "answered / which version?"),
        ("d", "it is Friday", "denied / it is Friday"),
    ],
)
def test_a_request_of_a_program_is_decided_by_key(node, screen, key, text, answer):
    page = screen.at("inbox")
    with Program("robot", ASKING) as robot:
        expect(page.get_by_role("article")).to_contain_text("May I deploy to production?")
        expect(page).to_have_title("(1) Inbox · Postroom")
        page.keyboard.press("j")
        page.keyboard.press(key)
        if text is not None:
            expect(page.get_by_role("dialog")).to_be_visible()
            page.get_by_role("dialog").get_by_role("textbox").fill(text)
            page.keyboard.press("Control+Enter")
        assert robot.line() == answer
    expect(page.get_by_role("article")).to_have_count(0)


def test_messages_are_put_aside_as_read(post, screen):
    alice = post.connect("alice")
    sent = [alice.send("human", f"for your information {number}") for number in range(3)]
    page = screen.at("inbox")
    expect(page.get_by_role("article")).to_have_count(3)
    page.get_by_role("article").filter(has_text="information 1").get_by_role("button", name="Mark as read").click()
    expect(page.get_by_role("article")).to_have_count(2)
    assert [alice.status(one.id).state for one in sent] == ["delivered", "read", "delivered"]
    page.get_by_role("button", name="Mark 2 as read").click()
    expect(page.get_by_text("All quiet")).to_be_visible()


def test_a_person_writes_to_an_agent(post, screen):
    (alice,) = post.agents("alice")
    page = screen.page
    page.keyboard.press("c")
    page.get_by_role("combobox", name="To").fill("alice")
    page.get_by_role("textbox", name="Message").fill("use port 8080")
    page.get_by_role("dialog").get_by_role("button", name="Send").click()
    (message,) = alice.take(wait=60)
    assert (message.sender, message.body, message.provenance.interface) == ("human", "use port 8080", "http")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page = screen.at("agent/alice")
    expect(page.get_by_role("main").get_by_role("textbox")).to_be_visible()
    page.keyboard.press("w")
    page.keyboard.type("and TLS")
    page.keyboard.press("Enter")
    assert [message.body for message in alice.take(wait=60)] == ["and TLS"]


def test_what_cannot_be_sent_says_why_and_stays(post, screen):
    post.agents("alice")
    page = screen.page
    page.keyboard.press("c")
    page.get_by_role("combobox", name="To").fill("alcie")
    page.get_by_role("textbox", name="Message").fill("hello")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("Did you mean alice?")
    expect(page.get_by_role("textbox", name="Message")).to_have_value("hello")
    screen.complaints.clear()  # the browser tells of the 404


def test_a_person_joins_a_room_and_speaks_there(post, screen):
    alice, bob = post.agents("alice", "bob")
    alice.create_room("ops", description="operations")
    bob.join("ops")
    alice.send("#ops", "good morning")
    page = screen.at("rooms")
    page.get_by_role("link", name="#ops").click()
    expect(page.get_by_role("article")).to_contain_text("good morning")
    expect(page.get_by_role("complementary", name="Members").get_by_role("listitem")).to_have_count(2)
    page.keyboard.press("w")
    page.keyboard.type("good morning, all")
    page.keyboard.press("Enter")
    expect(page.get_by_role("article").filter(has_text="good morning, all")).to_be_visible()
    expect(page.get_by_role("complementary", name="Members").get_by_role("listitem")).to_have_count(3)
    assert [message.body for message in bob.take(wait=60) if message.sender == "human"] == ["good morning, all"]


def test_an_agent_is_paused_and_goes_on(post, screen):
    alice, bob = post.agents("alice", "bob")
    page = screen.page
    page.get_by_role("row").filter(has_text="alice").get_by_role("button", name="Pause").click()
    page.get_by_label("Why").fill("you repeat yourself")
    page.get_by_role("dialog").get_by_role("button", name="Pause").click()
    expect(page.get_by_role("row").filter(has_text="alice")).to_contain_text("paused")
    assert alice.send("bob", "again").state == "held"
    assert [notice.body for notice in alice.take() if "you repeat yourself" in notice.body]
    page = screen.at("held")
    expect(page.get_by_role("article")).to_contain_text("you repeat yourself")
    expect(page.get_by_role("article")).to_contain_text("1 message")
    page.get_by_role("button", name="Release alice").click()
    expect(page.get_by_text("Nothing is held", exact=True)).to_be_visible()
    assert [message.body for message in bob.take(wait=60)] == ["again"]


def test_a_storm_is_looked_at_and_released(post, screen):
    post.configure("[limits]\nthread_turns = 6\n")
    page = screen.at("held")
    expect(page.get_by_text("Nothing is held", exact=True)).to_be_visible()
    human = open_desk_of_human(post.home, interface="sdk")
    with closing(human), Program("pong", LOOPING) as pong, Program("ping", LOOPING) as ping:
        assert (pong.line(), ping.line()) == ("here", "here")
        tell(ping)
        held = page.get_by_role("article")
        expect(held).to_contain_text("more than 6 turns")
        expect(page.get_by_role("link", name="Held")).to_contain_text("1")
        held.locator("summary").click()
        expect(held.get_by_text("no, thank you!")).to_be_visible()
        held.get_by_role("button", name="Release").click()
        expect(page.get_by_text("it goes on")).to_be_visible()
        until(lambda: holding.held(human))  # they do it again
        expect(held).to_contain_text("more than 6 turns")
        held.get_by_role("button", name="Discard").click()
        page.get_by_label("Why").fill("you thank each other")
        page.get_by_role("dialog").get_by_role("button", name="Discard").click()
        expect(page.get_by_text("Nothing is held", exact=True)).to_be_visible()


def test_a_session_is_started_held_and_closed_by_a_person(post, screen):
    (alice,) = post.agents("alice")
    page = screen.at("sessions")
    page.keyboard.press("n")
    page.get_by_role("combobox", name="With").fill("alice")
    page.get_by_label("Task").fill("explain the failure")
    page.keyboard.press("Control+Enter")
    (offer,) = alice.take(wait=60)
    assert (offer.kind, offer.body) == (Kind.SYN, "explain the failure")
    with offer.accept() as session:
        box = page.get_by_label("Say in the session")
        box.fill("what happened?")
        box.press("Enter")
        assert session.receive().body == "what happened?"
        session.send("the disk was full")
        expect(page.get_by_role("article").filter(has_text="the disk was full")).to_be_visible()
        page.get_by_role("button", name="Close session").click()
        expect(page.get_by_role("article").filter(has_text="FIN")).not_to_have_count(0)


def test_a_session_of_others_is_ended(post, screen):
    alice, bob = post.agents("alice", "bob")
    bob.profile(auto_accept=True)
    session = alice.session("bob", "go on for ever")
    page = screen.at("sessions")
    page.get_by_role("button", name="End the session of alice and bob").click()
    page.get_by_label("Why").fill("enough")
    page.get_by_role("dialog").get_by_role("button", name="End it").click()
    expect(page.get_by_role("row").filter(has_text="go on for ever")).to_contain_text("closed")
    assert session.state == "closed"


def test_a_session_is_drawn_from_syn_to_fin_ack_zoomed_and_exported(post, screen, tmp_path: Path):
    scene = Scene(post)
    page = screen.at(f"thread/{scene.review}?as=diagram")
    calls = page.locator(".call")
    expect(calls).to_have_count(10)
    assert page.locator(".diagram-body tspan[font-weight]").all_text_contents() == ["SYN", "SYN-ACK", *["DATA"] * 6, "FIN", "FIN-ACK"]
    wide = page.locator(".diagram-body").bounding_box()
    page.keyboard.press("+")
    page.keyboard.press("+")
    until(lambda: (box := page.locator(".diagram-body").bounding_box()) and wide and box["height"] > 1.2 * wide["height"])
    page.keyboard.press("0")
    for name in ("SVG", "PNG"):
        with page.expect_download() as saved:
            page.get_by_role("button", name=f"Save as {name}").click()
        saved.value.save_as(tmp_path / name)
    drawn = ET.parse(tmp_path / "SVG").getroot()  # noqa: S314  # ours
    texts = ["".join(text.itertext()) for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert {"builder", "reviewer", "SYN-ACK", "FIN-ACK"} <= set(texts)
    assert (tmp_path / "PNG").read_bytes().startswith(b"\x89PNG")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("article").first).to_be_focused()


def test_everything_is_exported(post, screen, tmp_path: Path):
    alice, _ = post.agents("alice", "bob")
    alice.send("bob", "keep this")
    page = screen.at("export")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Export").click()
    saved.value.save_as(tmp_path / "all.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert [line["body"] for line in lines if line["type"] == "message"] == ["keep this"]


# By keys alone, on a phone, and when the node is away


def test_all_views_are_reached_by_keys_and_told_by_the_question_mark(screen):
    page = screen.page
    for key, title in zip("olirshfe", ("Overview", "Live", "Inbox", "Rooms", "Sessions", "Held", "Search", "Export"), strict=True):
        page.keyboard.press("g")
        page.keyboard.press(key)
        expect(page).to_have_title(f"{title} · Postroom")
        page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_contain_text("write a message")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_conversation_is_chosen_read_and_answered_by_keys_alone(post, screen):
    alice, bob = post.agents("alice", "bob")
    alice.send("bob", "older")
    alice.send("bob", "newer")
    page = screen.at("live")
    expect(rows(page)).to_have_count(2)
    for key in ("j", "j"):
        page.keyboard.press(key)
    expect(rows(page).and_(page.get_by_role("option", selected=True))).to_contain_text("older")
    page.keyboard.press("Enter")
    expect(page.get_by_role("article")).to_contain_text("older")
    page.keyboard.press("r")
    page.keyboard.type("I saw that")
    page.keyboard.press("Enter")
    expect(page.get_by_role("article")).to_have_count(2)
    assert [message.body for message in alice.take(wait=60)] == ["I saw that"]
    assert [message.body for message in bob.take()] == ["older", "newer"]


def test_tab_reaches_every_control_and_the_way_past_the_links_first(screen):
    page = screen.page
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def test_on_a_phone_everything_fits_and_is_reached(post, come_in):
    Scene(post)
    screen = come_in(size=PHONE)
    page = screen.page
    for place in (
        "overview",
        "live",
        "inbox",
        "rooms",
        "rooms/release-2.4",
        "sessions",
        "held",
        "search?words=tests",
        "export",
        "agent/builder",
    ):
        screen.at(place)
        expect(page.get_by_role("main").get_by_role("heading").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
        assert page.evaluate("document.querySelector('main').scrollWidth") <= PHONE[0]
    page.get_by_role("button", name="More").click()
    page.get_by_role("navigation", name="Views", exact=True).get_by_role("link", name="Held").click()
    expect(page.get_by_role("heading", name="Held")).to_be_visible()


def test_who_prefers_the_dark_sees_it_dark_and_can_change_that(come_in):
    page = come_in(theme="dark").page
    ground = "getComputedStyle(document.querySelector('main')).backgroundColor"
    dark = page.evaluate(ground)
    page.keyboard.press("t")
    assert page.evaluate(ground) != dark
    page.reload()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    assert page.evaluate(ground) != dark
