"""Every error that a user can meet. The docstring is the sentence shown, with the facts filled in; nothing else words errors."""

from __future__ import annotations

from postroom.core.fault import CallerError as CallerError  # noqa: PLC0414  # for users: postroom.errors.CallerError
from postroom.core.fault import PostroomError as PostroomError  # noqa: PLC0414  # for users: postroom.errors.PostroomError
from postroom.core.fault import WorldError as WorldError  # noqa: PLC0414  # for users: postroom.errors.WorldError

# The caller's fault: the same call will fail again.


class BadName(CallerError):
    """The name {name!r} cannot be used: names are 1 to 63 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit."""

    code = "bad-name"


class ReservedName(CallerError):
    """The name {name!r} is reserved and cannot be claimed. Choose another name."""

    code, exit_code, http_status = "reserved-name", 77, 403


class NameTaken(CallerError):
    """There is an agent {name!r} already. Choose another name."""

    code, exit_code, http_status = "name-taken", 64, 409


class BadAddress(CallerError):
    """The address {address!r} cannot be read: write NAME, #ROOM, @all or @tag:TAG, and NAME@NODE or #ROOM@NODE for another machine."""

    code = "bad-address"


class NoRecipient(CallerError):
    """A message needs at least one recipient."""

    code = "no-recipient"


class NothingSaid(CallerError):
    """There is nothing in this message. Say something: a text, a subject or a file."""

    code = "nothing-said"


class NoSuchAgent(CallerError):
    """There is no agent {name!r}.{close} See: postroom agents."""

    code, exit_code, http_status = "no-such-agent", 67, 404


class NotInRoom(NoSuchAgent):
    """There is no {name!r} in the room {room!r}. See: postroom room members {room}"""


class NoSuchRecipient(NoSuchAgent):
    """There is no agent {name!r}.{close} To make a mailbox for an agent that will come later, send with --create (create=True)."""


class NoSuchRoom(CallerError):
    """There is no room {name!r}.{close} See: postroom rooms."""

    code, exit_code, http_status = "no-such-room", 67, 404


class NotAMember(CallerError):
    """You are not in the room {room!r}.{advice}"""

    code, exit_code, http_status = "not-a-member", 77, 403


class NobodyThere(CallerError):
    """There is nobody for {address} but you. See: postroom agents."""

    code, exit_code, http_status = "nobody-there", 67, 404


class GhostSpeaks(CallerError):
    """A ghost cannot speak in {where}: everybody would see it. First: postroom profile --visibility hidden."""

    code, exit_code, http_status = "ghost-speaks", 77, 403


class NoSuchPeer(NoSuchAgent):
    """There is no agent {name!r}.{close} `postroom send {name} TEXT --create` makes its mailbox first."""


class NotRegistered(NoSuchAgent):
    """You say that you are {name!r}, but there is no such agent.{close} To register it: postroom profile --as {name}"""


class NoLinks(CallerError):
    """{address!r} is on another machine, and this version of Postroom has no links to other machines yet. Name an agent of this one."""

    code, exit_code, http_status = "no-links", 69, 501


class RoomTaken(CallerError):
    """There is already a room {room!r}. Choose another name."""

    code, http_status = "room-taken", 409


class NotInvited(CallerError):
    """You are not invited to the room {room!r}.{advice}"""

    code, exit_code, http_status = "not-invited", 77, 403


class NotTheOwner(CallerError):
    """Only the owner of the room {room!r} may {act}."""

    code, exit_code, http_status = "not-the-owner", 77, 403


class GhostsLeaveNoTrace(CallerError):
    """You are a ghost, so you cannot {act}: others would see that somebody is there."""

    code, exit_code, http_status = "ghost", 77, 403


class Paused(CallerError):
    """A human has paused you: {reason}. What you send is held, and nothing else of yours reaches others until you are released."""

    code, exit_code, http_status = "paused", 77, 403


class NoSuchMessage(CallerError):
    """There is no message {id!r}.{advice} See: postroom history."""

    code, exit_code, http_status = "no-such-message", 67, 404


class NotYourMessage(NoSuchMessage):
    """There is no message {id!r} that {agent!r} sent or received. See: postroom history."""


class NothingHeld(CallerError):
    """Nothing is held in thread {thread!r}. See: postroom held."""

    code, exit_code, http_status = "nothing-held", 67, 404


class NotPaused(NothingHeld):
    """The agent {name!r} is not paused, so nothing of it is held. See: postroom held."""


class AmbiguousId(CallerError):
    """The id {id!r} was used by several senders. Use one of these instead: {choices}."""

    code, http_status = "ambiguous-id", 409


class IdTaken(CallerError):
    """You already sent another message with the id {id!r}. A new message needs a new id."""

    code, http_status = "id-taken", 409


class BadId(CallerError):
    """The message id {id!r} cannot be used: an id is 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-', and not a plain number."""

    code = "bad-id"


class BadText(CallerError):
    """The {part} is not text: {why}. Send bytes as a file instead (--file, files=)."""

    code, exit_code = "bad-text", 65


class BadValue(CallerError):
    """{name} cannot be {value!r}: {why}."""

    code = "bad-value"


class TooLarge(CallerError):
    """The {part} has {size} {unit}; the limit {limit_name} is {limit}. {advice}"""

    code, exit_code, http_status = "too-large", 65, 413


class NotYourTurn(CallerError):
    """The session {session!r} is {standing}, so {impossible}.{advice}"""

    code, http_status = "session-state", 409


class NoSuchSession(CallerError):
    """There is no session {id!r} in which {agent!r} takes part. See: postroom session list."""

    code, exit_code, http_status = "no-such-session", 67, 404


class NoSuchFile(CallerError):
    """The file {path!r} cannot be attached: {why}."""

    code, exit_code = "no-such-file", 66


class NotSaved(NoSuchFile):
    """The file {path!r} cannot be saved: {why}. Name a directory that exists and has no file of that name; nothing is written over."""

    code = "not-saved"


class FileLost(NoSuchFile):
    """The bytes of an attached file cannot be read from {path!r}: {why}. See: postroom doctor --full."""

    code, http_status = "file-lost", 404


class NoIdentity(CallerError):
    """Who are you? Say --as NAME (connect("NAME") in Python), or set POSTROOM_AGENT=NAME."""

    code, exit_code, http_status = "no-identity", 64, 401


class BadQuery(CallerError):
    """The search {query!r} cannot be read: {why}. Words, "quoted phrases", prefix*, AND, OR and NOT are understood."""

    code = "bad-query"


class BadConfig(CallerError):
    """{path}: {why}. Correct the file; `postroom limits --markdown` shows what may be set under [limits]."""

    code, exit_code = "bad-config", 78


class BadUsage(CallerError):
    """{why} See: {see}"""

    code = "usage"


class NeedsTerminal(CallerError):
    """Only the person at this machine may {act}: from a terminal, with neither input nor output redirected."""

    code, exit_code, http_status = "needs-terminal", 77, 403


class Closed(CallerError):
    """This connection is closed. Connect again."""

    code = "closed"


class Forked(CallerError):
    """This connection belongs to the process that made it (pid {pid}). After a fork, connect again in the child."""

    code = "forked"


# Answers of the other side: the call was right, the outcome is not what was hoped for.


class NoAnswer(PostroomError):
    """No answer from {agent!r} to {id}: {why}."""

    code, exit_code, http_status = "no-answer", 75, 504


class SessionDeclined(PostroomError):
    """{peer!r} declined the session {session!r}: {reason}"""

    code, exit_code, http_status = "session-declined", 76, 409

    @property
    def reason(self) -> str:
        """The reason the other side gave, in its own words."""
        return str(self.facts["reason"])


class SessionTimeout(PostroomError):
    """{peer!r} did not answer in the session {session!r} within {seconds:g} s."""

    code, exit_code, http_status, retry = "session-timeout", 75, 504, True


class SessionClosed(PostroomError):
    """The session {session!r} with {peer!r} is over.{why}"""

    code, exit_code, http_status = "session-closed", 76, 409


class LeaseLost(PostroomError):
    """Message {ids} was in your hands for longer than lease_ms, or was put back, so your confirmation does not count."""

    code, exit_code, http_status = "lease-lost", 75, 409


class NotYet(PostroomError):
    """Message {id} is {state} after {seconds:g} s, not {wanted}. It goes on all the same; see: postroom status {id}"""

    code, exit_code, http_status, retry = "not-yet", 75, 504, True


class CameBack(PostroomError):
    """Message {id} is {state} and will not be {wanted}: {reason}."""

    code, exit_code, http_status = "came-back", 76, 409


# The world's fault: the same call may succeed later.


class TooFast(WorldError):
    """{who} sending faster than {limit_name} = {limit} allows. Nothing was sent: wait {seconds:.1f} s, then send it again."""

    code, http_status = "too-fast", 429


class MailboxFull(WorldError):
    """The mailbox of {name!r} is full ({limit} waiting). Nothing was sent; try again when it has read some."""

    code, http_status = "mailbox-full", 507


class TooMany(WorldError):
    """There are already {limit} {things} (limit {limit_name})."""

    code, http_status = "too-many", 507


class StoreBusy(WorldError):
    """The store was busy for more than {waited_ms} ms. Nothing was changed; try again, and see `postroom doctor` if it stays so."""

    code = "store-busy"


class DiskFull(WorldError):
    """The disk is full, so nothing was changed ({path}). Free some room, then try again."""

    code, exit_code, http_status = "disk-full", 74, 507


class StoreReadOnly(WorldError):
    """{path} cannot be written: {why}. Make it writable for you, or choose another directory with POSTROOM_HOME."""

    code, exit_code, http_status, retry = "store-read-only", 77, 503, False


class StoreUnusable(WorldError):
    """The store {path} cannot be used: {why}"""

    code, exit_code, http_status, retry = "store-unusable", 73, 503, False


class StoreFailed(WorldError):
    """Reading or writing the store {path} failed ({why}), so nothing was changed. Check the disk, then try again."""

    code, exit_code = "store-failed", 74


class NotFlushed(WorldError):
    """The message is stored, but not safe against a power cut: the disk refused ({why}). Send it again only if you gave it an id."""

    code, exit_code = "not-flushed", 74


class NotWritten(WorldError):
    """The output could not be written: {why}. What was not written out was not confirmed."""

    code, exit_code = "not-written", 74


class Outdated(WorldError):
    """The store has schema {found}, this program knows {known}. {advice}"""

    code, exit_code, retry = "outdated", 78, False


# Damage: nothing is repaired silently.


class StoreDamaged(PostroomError):
    """The store {path} is damaged ({why}). Nothing was changed. Run `postroom doctor`, then restore a backup."""

    code, exit_code, http_status = "store-damaged", 74, 500


# A bug is an assertion, and ends here.


class Bug(PostroomError):
    """Postroom has a bug ({what}). Nothing more was done. POSTROOM_DEBUG=1 shows the traceback; please report it."""

    code, exit_code = "bug", 70
