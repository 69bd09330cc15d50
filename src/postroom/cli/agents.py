"""`postroom agents` and `postroom profile`: who there is, and what an agent says about itself."""

from __future__ import annotations

from postroom.cli.call import Call
from postroom.cli.parsing import Command, Parser
from postroom.cli.showing import moment, name_of
from postroom.core.profile import STATUSES, Profile
from postroom.core.render import one_line
from postroom.exchange import presence
from postroom.store.profiles import Listed

STATUS_COLOURS = {"active": "green", "busy": "yellow", "idle": "cyan", "offline": "dim"}


def agents_arguments(parser: Parser) -> None:
    """The arguments of `agents`."""
    parser.add_argument("--online", action="store_true", help="only those with a process that can be woken")
    parser.add_argument("--names", action="store_true", help="only the names")


def profile_arguments(parser: Parser) -> None:
    """The arguments of `profile`."""
    parser.add_argument("--status", choices=STATUSES, help="what you are; going idle tells those whose questions you read")
    parser.add_argument("--description", metavar="TEXT", help="what you do, for the others")
    parser.add_argument("--auto-accept", choices=("yes", "no"), help="whether sessions that others offer are accepted at once")


def list_agents(call: Call) -> None:
    """All agents by name."""
    for agent in presence.list_agents(call.any_desk()):
        if agent.online or not call.args.online:
            show(call, agent, name_only=call.args.names)


def profile(call: Call) -> None:
    """Change what was given, then show all of it."""
    args, desk = call.args, call.desk_of_sender()
    if args.status is not None or args.description is not None or args.auto_accept is not None:
        accept = None if args.auto_accept is None else args.auto_accept == "yes"
        presence.set_profile(desk, Profile(args.status, args.description, accept))
    for agent in presence.list_agents(desk):
        if agent.name == desk.agent.name:
            show(call, agent)


def show(call: Call, agent: Listed, *, name_only: bool = False) -> None:
    """An agent on one line."""
    if call.json:
        call.emit(agent._asdict() | {"auto_accept": bool(agent.auto_accept)})
        return
    if name_only:
        call.output.write(f"{agent.name}\n")
        return
    name = name_of(call.output, f"{agent.name:<16}")
    status = call.output.paint(f"{agent.status:<8}", STATUS_COLOURS.get(agent.status, "bold"))
    notes = [f"{agent.waiting} waiting" if agent.waiting else "", f"seen {moment(agent.seen_ms)}" if agent.seen_ms else "never seen"]
    notes += ["accepts sessions" if agent.auto_accept else "", one_line(agent.description)]
    call.output.write(f"{name}  {status}  {'  '.join(note for note in notes if note)}\n")


COMMANDS = {
    "agents": Command(
        agents_arguments,
        list_agents,
        "All agents of this post room: their status, how much waits for each, when they were last seen.",
        "postroom agents --online",
    ),
    "profile": Command(
        profile_arguments,
        profile,
        "Show or change what you say about yourself.",
        'postroom profile --status busy --description "runs the tests" --as executor',
    ),
}
