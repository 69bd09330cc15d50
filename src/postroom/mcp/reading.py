"""The tools `inbox`, `history`, `agents` and `profile`: what came, what was said, who there is, and what this agent says about itself."""

from __future__ import annotations

from time import monotonic

from postroom.core.errors import BadValue
from postroom.core.fence import View, fenced, quoted, reference
from postroom.core.profile import STATUSES, Profile
from postroom.core.render import counted, went_back
from postroom.core.types import TYPE_CHECKING
from postroom.core.visibility import SIGHTS
from postroom.exchange import presence, tracing
from postroom.mcp.advice import told
from postroom.mcp.digest import BYTES_MAX, NATIVE, Style, beyond, size
from postroom.mcp.reply import Reply
from postroom.mcp.sending import WAIT_S_MAX
from postroom.waiting import taking

if TYPE_CHECKING:
    from postroom.core.message import Message
    from postroom.mcp.arguments import Arguments
    from postroom.mcp.guest import Guest
    from postroom.store.profiles import Listed
    from postroom.waiting import Steps

LISTED_MAX = 50
HISTORY_DEFAULT, HISTORY_MAX = 10, 50
SEARCHED_MAX = 500
BEFORE = "{id}"
"""Stands for the oldest message of a page in what says where earlier ones are."""


def inbox(guest: Guest, given: Arguments) -> Steps[Reply]:
    """What waits, or what comes within some seconds."""
    wait = given.number("wait", 0, WAIT_S_MAX)
    taken = yield from taking(guest.seat, 1, monotonic() + wait)
    return Reply("" if taken else "no new messages" + (f" within {wait:g} s" if wait else ""), taken)


# History


def history(guest: Guest, given: Arguments) -> Reply:
    """One message in full, or the newest ones: with an agent, in a room, that match words."""
    if "id" in given:
        return Reply(whole(guest, given, NATIVE))
    peer, words = given.optional("with"), given.text("query").strip()
    limit = max(int(given.number("limit", HISTORY_DEFAULT, HISTORY_MAX)), 1)
    if words:
        found = [one for one in guest.agent.search(words, limit=SEARCHED_MAX) if peer is None or concerns(one, peer)][:limit][::-1]
    else:
        found = guest.agent.history(peer=peer, before=given.id("before"), limit=limit)
    within = "" if peer is None else f"with={quoted(peer)}, "
    earlier = "more match: say more words" if words else f"earlier: history({within}before={BEFORE})"
    return Reply(page(guest, found, NATIVE, earlier=earlier, is_full=len(found) == limit))


def concerns(message: Message, peer: str) -> bool:
    """Whether a message was said by an agent, to it, or in a room."""
    name = peer.strip().lower()
    return name in {message.sender, *message.to}


def whole(guest: Guest, given: Arguments, style: Style) -> str:
    """One message, as much of it from a character on as fits into one result."""
    id, offset = given.needed_id("id", "the id of a message"), int(given.number("offset", 0, 1 << 40))
    with guest.seat.turn as desk:
        message = desk.do(tracing.message, id)
    if offset > len(message.body):
        raise BadValue(name="offset", value=offset, why=f"the message has {len(message.body):,} characters")
    shown = fenced(told(message, style.calls), View(desk.agent.name, desk.now_ms()), most=BYTES_MAX, start=offset)
    return "\n".join([shown.text, *beyond(desk, message, shown, style.calls)])


def page(guest: Guest, found: list[Message], style: Style, *, earlier: str, is_full: bool) -> str:
    """Messages, oldest first, the newest of them within one result; long ones cut. `earlier` says where the others are, if there are."""
    if not found:
        return "no messages found"
    desk = guest.seat.desk
    view = View(desk.agent.name, desk.now_ms())
    blocks, left = list[str](), BYTES_MAX
    for message in reversed(found):
        shown = fenced(told(message, style.calls), view, most=max(BYTES_MAX // len(found), 500))
        text = "\n".join(filter(None, [style.heading(message), shown.text, *beyond(desk, message, shown, style.calls)]))
        if blocks and left < size([text]):
            break
        blocks.append(text)
        left -= size([text])
    oldest = found[len(found) - len(blocks)]
    others = [earlier.replace(BEFORE, f'"{reference(oldest)}"')] if is_full or oldest is not found[0] else []
    return "\n".join([*others, *reversed(blocks)])


# Agents


def agents(guest: Guest, given: Arguments) -> Reply:
    """Who there is."""
    tag = given.optional("tag")
    found = [one for one in guest.agent.agents(tag=tag) if one.name != guest.agent.name]
    if not found:
        return Reply(f"you are {guest.agent.name}; nobody else is here" + (f" with the tag {tag}" if tag else ""))
    found.sort(key=lambda one: (not one.online, one.name))
    lines = [agent_line(one) for one in found[:LISTED_MAX]]
    more = [f"and {len(found) - LISTED_MAX} more: ask with a tag"] if len(found) > LISTED_MAX else []
    return Reply("\n".join([f"you are {guest.agent.name}; {counted(len(found), 'agent')} besides you:", *lines, *more]))


def agent_line(one: Listed) -> str:
    """An agent in one line. What it says about itself is quoted."""
    facts = [one.name, one.status]
    facts += ["a person"] if one.kind == "human" else []
    facts += [f"in {quoted(one.harness, 40)}"] if one.harness else []
    facts += [f"at {quoted(one.directory)}"] if one.directory else []
    facts += [quoted(one.description)] if one.description else []
    facts += [f"tags {', '.join(one.tags)}"] if one.tags else []
    facts += [f"can {', '.join(quoted(text, 60) for text in one.capabilities)}"] if one.capabilities else []
    return "  ".join(facts)


def profile(guest: Guest, given: Arguments) -> Reply:
    """What this agent says about itself, after changing what is given."""
    if "name" in given and given.text("name") != guest.agent.name:
        guest.rename(given.text("name"))
    mine = changed(guest, given)
    returned = f"\n{went_back(mine.returned)}" if mine.returned else ""
    return Reply(f"you are {agent_line(mine)}  {mine.visibility}{returned}")


def changed(guest: Guest, given: Arguments) -> Listed:
    """How this agent is listed after changing what is given, but the name."""
    changes = Profile(
        status=given.choice("status", STATUSES) or None, description=given.optional("description"),
        visibility=given.choice("visibility", tuple(SIGHTS)) or None, tags=given.several("tags") if "tags" in given else None,
    )  # fmt: skip
    with guest.seat.turn as desk:
        return desk.do(presence.change, changes)
