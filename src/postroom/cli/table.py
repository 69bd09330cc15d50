"""The table of verbs: which module has it, and what it is for. A new verb is one new row; help and completion come from here."""

from __future__ import annotations

from postroom.core.types import NamedTuple

GLOBAL_VALUES = ("--as", "--home", "--url")
GLOBAL_OPTIONS = ("--json", "--help", "-h", "--version", "--")


class Verb(NamedTuple):
    """One row: what is typed, the module in this package, one line of help; and whether it is done on the machine of the post room only."""

    name: str
    module: str
    help: str
    only_here: bool = False


VERBS = [
    Verb("send", "send", "send a message to one agent or several"),
    Verb("inbox", "inbox", "show what waits for you, and mark it read"),
    Verb("ask", "ask", "send a question and wait for the answer"),
    Verb("status", "status", "what became of a message, for each recipient"),
    Verb("files", "files", "list the files of a message, or save them"),
    Verb("session open", "session", "offer a session with a task, and wait until it is accepted"),
    Verb("session accept", "session", "accept an offered session"),
    Verb("session decline", "session", "decline an offered session, with a reason"),
    Verb("session send", "session", "say something in an open session"),
    Verb("session close", "session", "close a session"),
    Verb("session list", "session", "list your sessions"),
    Verb("agents", "agents", "who there is, and who is online"),
    Verb("profile", "agents", "show or change what you say about yourself"),
    Verb("rename", "agents", "take another name, and keep everything else"),
    Verb("events", "events", "who came and went, who read what you sent"),
    Verb("rooms", "rooms", "which rooms there are, and what you are in them"),
    Verb("join", "rooms", "become a member of a room"),
    Verb("leave", "rooms", "leave a room"),
    Verb("invite", "rooms", "invite agents into a room"),
    Verb("kick", "rooms", "remove a member from your room"),
    Verb("room create", "rooms", "make a room"),
    Verb("room describe", "rooms", "say what your room is for, and how open it is"),
    Verb("room topic", "rooms", "say what a room is about just now"),
    Verb("room members", "rooms", "who is in a room"),
    Verb("room decline", "rooms", "decline an invitation, with a reason"),
    Verb("room transfer", "rooms", "make another member the owner of your room"),
    Verb("room destroy", "rooms", "end your room"),
    Verb("room mute", "rooms", "let a room not wake you, or wake you again"),
    Verb("history", "history", "the newest messages, of all or with one agent"),
    Verb("thread", "history", "one conversation from its beginning"),
    Verb("search", "history", "find messages by their words"),
    Verb("watch", "watch", "a live feed of what is sent and read"),
    Verb("held", "held", "threads that wait for a human to look at them"),
    Verb("pause", "held", "hold everything that an agent sends"),
    Verb("release", "held", "deliver what is held in a thread"),
    Verb("discard", "held", "refuse what is held in a thread"),
    Verb("install", "install", "connect Claude Code, Codex, OpenCode, Gemini CLI, pi and others", only_here=True),
    Verb("hook", "hook", "what harnesses call at the turns of a session"),
    Verb("remove", "install", "take Postroom out of the configuration of harnesses", only_here=True),
    Verb("mcp", "mcp", "serve the post room to a model (MCP)"),
    Verb("up", "up", "serve the post room over HTTP: a bus, a gateway, a console", only_here=True),
    Verb("console", "console", "open the page where people watch and take part", only_here=True),
    Verb("token create", "token", "make a token with which a program comes in over HTTP", only_here=True),
    Verb("token list", "token", "the tokens that are valid, and when each was used last", only_here=True),
    Verb("token revoke", "token", "let a token be valid no more", only_here=True),
    Verb("webhook add", "webhook", "let the node call an address when something happens", only_here=True),
    Verb("webhook list", "webhook", "the webhooks, and how they are doing", only_here=True),
    Verb("webhook remove", "webhook", "call an address no more", only_here=True),
    Verb("webhook test", "webhook", "call an address once, now", only_here=True),
    Verb("webhook retry", "webhook", "go on with a webhook that is paused", only_here=True),
    Verb("webhook forget", "webhook", "forget the calls that were given up", only_here=True),
    Verb("webhook calls", "webhook", "the calls that have not arrived", only_here=True),
    Verb("alert test", "alert", "try whether alerts reach people", only_here=True),
    Verb("doctor", "keeping", "examine the post room"),
    Verb("backup", "keeping", "copy the post room into a new directory, while it is in use", only_here=True),
    Verb("restore", "keeping", "bring the post room back to the state of a backup", only_here=True),
    Verb("export", "keeping", "write everything out as JSON lines"),
    Verb("prune", "keeping", "remove old threads in which everything is settled", only_here=True),
    Verb("limits", "limits", "the limits in force", only_here=True),
    Verb("completion", "completion", "print the completion script for a shell"),
    Verb("demo", "demo", "watch three agents work through a small project together"),
]
BY_NAME = {verb.name: verb for verb in VERBS}
FIRST_WORDS = {verb.name.partition(" ")[0]: " " in verb.name for verb in VERBS}
HELP = {"-h", "--help", "help"}
OTHERS = {
    "read": "postroom inbox",
    "reply": 'postroom send NAME "..." --reply-to ID',
    "version": "postroom --version",
}
"""What people type who know other programs, and what does it here."""


def find(arguments: list[str]) -> tuple[Verb | None, list[str]]:
    """The verb that arguments begin with, and the arguments without it. None, and the words so far, when help is asked for."""
    options, words = leading(arguments)
    if not words:
        check_options(options)
    if "--version" in options:
        return None, ["--version"]
    wants_help = not words or words[0] in HELP or not HELP.isdisjoint(options)
    if words and words[0] == "help":
        words = words[1:]
    if not words or words[0] in HELP:
        return None, []
    name = words.pop(0)
    if FIRST_WORDS.get(name):
        more, words = leading(words)
        options += more
        if not words:
            check_options(options)
        if not words or words[0] in HELP or not HELP.isdisjoint(more):
            return None, [name]
        name = f"{name} {words.pop(0)}"
    if name not in BY_NAME:
        raise unknown(name)
    return BY_NAME[name], [*options, *(["--help"] if wants_help else []), *words]


def check_options(options: list[str]) -> None:
    """Where no verb follows that could know them, options must be those of every verb. Raises BadUsage."""
    from postroom.core.errors import BadUsage

    rest = iter(options)
    for option in rest:
        name, equals, _ = option.partition("=")
        if name in GLOBAL_VALUES:
            if not equals and next(rest, None) is None:
                raise BadUsage(why=f"{name} needs a value.", see="postroom --help")
        elif option not in GLOBAL_OPTIONS:
            raise BadUsage(why=f"There is no option {option!r}.", see="postroom --help")


def leading(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The options before the first word, with their values, and the rest."""
    place = 0
    while place < len(arguments) and arguments[place].startswith("-"):
        place += 2 if arguments[place] in GLOBAL_VALUES else 1
    return arguments[:place], arguments[place:]


def unknown(name: str) -> Exception:
    """The error for a verb that does not exist."""
    from postroom.core.address import close_names
    from postroom.core.errors import BadUsage

    if name in OTHERS:
        return BadUsage(why=f"There is no {name!r}.", see=OTHERS[name])
    known = [verb.name for verb in VERBS if (" " in verb.name) == (" " in name)]
    return BadUsage(why=f"There is no {name!r}.{close_names(name, known)}", see="postroom --help")


def overview(words: list[str]) -> str:
    """The help of the whole program, of the verbs that begin with a word, or the version."""
    if words == ["--version"]:
        from postroom import __version__

        return f"postroom {__version__}\n"
    rows = [verb for verb in VERBS if verb.name.split(" ")[: len(words)] == words]
    lines = [f"  {verb.name:<17}{verb.help}" for verb in rows]
    usage = f"usage: postroom [--as NAME] [--home DIR] [--url URL] [--json] {' '.join([*words, 'VERB'])} ..."
    return "\n".join([usage, "", *lines, "", *(FOOT if not words else []), "postroom VERB --help says more, with an example.", ""])


FOOT = [
    "  --as NAME        the agent that you are; default: $POSTROOM_AGENT",
    "  --home DIR       the directory of the post room; default: $POSTROOM_HOME, or the one of this user",
    "  --url URL        the node of a post room elsewhere; default: $POSTROOM_URL; with the token in $POSTROOM_TOKEN",
    "  --json           output and errors as JSON, one object per line",
    "",
]
