"""`postroom agents`, `profile` and `rename`: who there is, and what an agent says about itself."""

from __future__ import annotations

from postroom.cli.call import Call
from postroom.cli.command import Command
from postroom.cli.parsing import Parser
from postroom.cli.showing import moment, name_of
from postroom.core.address import EVERYONE, TAGGED
from postroom.core.profile import STATUSES, Profile
from postroom.core.render import one_line, went_back
from postroom.core.visibility import SIGHTS, VISIBLE
from postroom.exchange import naming, presence
from postroom.store.profiles import Listed

STATUS_COLOURS = {"active": "green", "busy": "yellow", "idle": "cyan", "offline": "dim"}


def agents_arguments(parser: Parser) -> None:
    """The arguments of `agents`."""
    parser.add_argument("--online", action="store_true", help="only those with a process that can be woken")
    parser.add_argument("--tag", metavar="TAG", help="only those with this tag")
    parser.add_argument("--archived", action="store_true", help="also those that have been away for long")
    parser.add_argument("--names", action="store_true", help="only the names")
    parser.add_argument("--tags", action="store_true", help="only the tags that there are")
    parser.add_argument("--addresses", action="store_true", help="only what you can send to: the other agents, your rooms, @all, tags")


def profile_arguments(parser: Parser) -> None:
    """The arguments of `profile`."""
    parser.add_argument("--status", choices=STATUSES, help="what you are; going idle tells those whose questions you read")
    parser.add_argument("--description", metavar="TEXT", help="what you do, for the others")
    parser.add_argument("--auto-accept", choices=("yes", "no"), help="whether sessions that others offer are accepted at once")
    parser.add_argument(
        "--visibility",
        choices=[*SIGHTS],
        help="hidden: not listed, but written to by name; ghost: there for nobody; default: visible",
    )
    parser.add_argument("--tag", metavar="TAG", action="append", help="a name under which you are found, instead of those that you had")
    parser.add_argument("--capability", metavar="TEXT", action="append", help='something that you can do; "" for nothing, as with --tag')
    parser.add_argument("--harness", metavar="TEXT", help="the program in which you live")
    parser.add_argument("--directory", metavar="TEXT", help="where you work")


def rename_arguments(parser: Parser) -> None:
    """The argument of `rename`."""
    parser.add_argument("name", metavar="NEW", help="your new name")


def list_agents(call: Call) -> None:
    """Those that may be found, by name."""
    args = call.args
    found = call.viewing_desk().do(presence.list_agents, tag=args.tag, archived=args.archived)
    found = [agent for agent in found if agent.online or not args.online]
    tags = sorted({tag for agent in found for tag in agent.tags})
    if args.addresses:
        call.output.write("".join(f"{address}\n" for address in addresses(call, found, tags)))
    elif args.tags:
        call.output.write("".join(f"{tag}\n" for tag in tags))
    else:
        for agent in found:
            show(call, agent, name_only=args.names)


def addresses(call: Call, found: list[Listed], tags: list[str]) -> list[str]:
    """What can be sent to, for completion. Who did not say who it is may be anybody."""
    from postroom.exchange.rooms import list_rooms

    desk = call.viewing_desk()
    mine = [room.name for room in desk.do(list_rooms) if not call.named or room.role in ("member", "owner")]
    names = [agent.name for agent in found if not call.named or agent.name != desk.agent.name]
    return [*names, *(f"#{name}" for name in mine), EVERYONE, *(f"{TAGGED}{tag}" for tag in tags)]


def profile(call: Call) -> None:
    """Change what was given, then show all of it."""
    args, desk = call.args, call.desk_of_sender()
    accept = None if args.auto_accept is None else args.auto_accept == "yes"
    texts = (args.visibility, args.harness, args.directory)
    mine = desk.do(presence.change, Profile(args.status, args.description, accept, *texts, given(args.tag), given(args.capability)))
    show(call, mine)
    if not call.json:
        if mine.returned:
            call.output.write(f"  {went_back(mine.returned)}\n")
        for name, text in (("harness", mine.harness), ("directory", mine.directory), *(("can", text) for text in mine.capabilities)):
            if text:
                call.output.write(f"  {name}: {one_line(text)}\n")


def given(texts: list[str] | None) -> list[str] | None:
    """What was given with an option that may be given several times; an empty text is none."""
    return None if texts is None else [text for text in texts if text]


def rename(call: Call) -> None:
    """Take another name."""
    desk = call.desk()
    old = desk.agent.name
    desk.do(naming.rename, call.args.name)
    if call.json:
        call.emit({"name": desk.agent.name, "was": old})
    elif old == desk.agent.name:
        call.output.write(f"{name_of(call.output, old)} is your name already; nothing changed\n")
        return
    else:
        call.output.write(f"{name_of(call.output, old)} is {name_of(call.output, desk.agent.name)} now\n")
    if not call.args.agent:
        call.hint(f"say so to your shell: export POSTROOM_AGENT={desk.agent.name}")


def show(call: Call, agent: Listed, *, name_only: bool = False) -> None:
    """An agent on one line."""
    if call.json:
        call.emit(agent)
    elif name_only:
        call.output.write(f"{agent.name}\n")
    else:
        name = name_of(call.output, f"{agent.name:<16}")
        status = call.output.paint(f"{agent.status:<8}", STATUS_COLOURS.get(agent.status, "bold"))
        call.output.write(f"{name}  {status}  {'  '.join(note for note in notes(agent) if note)}\n")


def notes(agent: Listed) -> list[str]:
    """What there is to say about an agent."""
    return [
        agent.visibility if agent.visibility != VISIBLE else "",
        "archived" if agent.archived else "",
        f"{agent.declared} when here" if agent.declared and agent.declared not in (agent.status, STATUSES[0]) else "",
        f"paused: {one_line(agent.paused)}" if agent.paused is not None else "",
        f"{agent.waiting} waiting" if agent.waiting else "",
        f"seen {moment(agent.seen_ms)}" if agent.seen_ms else "",
        "accepts sessions" if agent.auto_accept else "",
        f"[{', '.join(agent.tags)}]" if agent.tags else "",
        one_line(agent.description),
    ]


COMMANDS = {
    "agents": Command(
        agents_arguments,
        list_agents,
        "The agents of this post room: their status, their tags, when a process of theirs was here last. Hidden ones are not shown.",
        "postroom agents --tag reviewer --online",
    ),
    "profile": Command(
        profile_arguments,
        profile,
        "Show or change what you say about yourself.",
        'postroom profile --status busy --description "runs the tests" --tag tests --as executor',
    ),
    "rename": Command(
        rename_arguments,
        rename,
        "Take another name. Your mailbox, rooms and history stay, and your rooms are told.",
        "postroom rename analyst-2 --as analyst",
    ),
}
