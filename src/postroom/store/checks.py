"""The table of what must be true between the rows of a store, as SQL that counts what is not. The doctor and the tests go through it."""

from __future__ import annotations

from enum import StrEnum

from postroom.core.types import NamedTuple
from postroom.store.deliveries import BY_NAME
from postroom.store.events import PLACES
from postroom.store.mailboxes import UNITS


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"
    DAMAGE = "damage"


class Finding(NamedTuple):
    """One thing that was looked at: a note that passes by itself, a warning, an error that keeps everybody out, damage."""

    level: Level
    what: str
    next_step: str = ""


class Check(NamedTuple):
    """One rule: what is counted, how, and what it means when there is any."""

    what: str
    sql: str
    level: Level = Level.DAMAGE
    next_step: str = ""


RESTORE = "Copy the whole directory away, then run: postroom restore BACKUP"
HARMLESS = "Harmless: the warden or pruning removes them."
HAND_OVER = "As the person at a terminal hand them over, or end them: postroom room transfer, postroom room destroy."
IN_ROOMS = "SELECT room, agent FROM member UNION ALL SELECT room, agent FROM invitation"
DELIVERIES = "delivery d WHERE d.id BETWEEN m.delivery AND m.delivery + m.fan_out - 1 AND d.message = m.seq"

CHECKS = (
    Check(
        "deliveries belong to no message",
        "SELECT count(*) FROM delivery d WHERE NOT EXISTS"
        " (SELECT 1 FROM message m WHERE m.seq = d.message AND d.id BETWEEN m.delivery AND m.delivery + m.fan_out - 1)",
        next_step=RESTORE,
    ),
    Check(
        "messages lack deliveries",
        f"SELECT count(*) FROM message m WHERE m.fan_out < iif(m.room IS NULL, 1, 0) OR (SELECT count(*) FROM {DELIVERIES}) != m.fan_out",
        next_step=RESTORE,
    ),
    Check(
        "messages have an unknown sender or provenance and would never be shown",
        "SELECT count(*) FROM message WHERE sender NOT IN (SELECT id FROM agent) OR provenance NOT IN (SELECT id FROM provenance)",
        next_step=RESTORE,
    ),
    Check(
        "deliveries go to nobody",
        "SELECT count(*) FROM delivery WHERE recipient NOT IN (SELECT id FROM agent)",
        next_step=RESTORE,
    ),
    Check(
        "deliveries are in a mailbox and in a state that do not fit",
        "SELECT count(*) FROM delivery WHERE (state IN ('delivered', 'handed')) != (unread IS NOT NULL) OR unread != recipient",
        next_step=RESTORE,
    ),
    Check(
        "deliveries are in hands without a lease",
        "SELECT count(*) FROM delivery WHERE state = 'handed' AND (holder IS NULL OR lease_ms IS NULL)",
        next_step=RESTORE,
    ),
    Check(
        "messages have lost the beginning of their thread",
        "SELECT count(*) FROM message WHERE thread IS NOT NULL AND thread NOT IN (SELECT seq FROM message)",
        next_step=RESTORE,
    ),
    Check(
        "messages have another number of attachments than they say",
        "SELECT count(*) FROM message m WHERE m.files != (SELECT count(*) FROM attachment a WHERE a.message = m.seq)",
        next_step=RESTORE,
    ),
    Check(
        "attachments belong to no message",
        "SELECT count(*) FROM attachment WHERE message NOT IN (SELECT seq FROM message)",
        next_step=RESTORE,
    ),
    Check(
        "mailboxes hold another number of messages than is counted",
        "SELECT count(*) FROM agent a WHERE"
        f" (SELECT coalesce({UNITS}, 0) FROM delivery d JOIN message m ON m.seq = d.message WHERE d.unread = a.id)"
        " != coalesce((SELECT value FROM meter WHERE sender = 0 AND recipient = a.id), 0)",
        Level.WARNING,
        "The limit `waiting` is off by the difference. Please report how it came to this; restoring a backup counts anew.",
    ),
    Check(
        "open questions are about messages that are gone",
        "SELECT count(*) FROM request WHERE message NOT IN (SELECT seq FROM message)",
        next_step=RESTORE,
    ),
    Check(
        "threads are counted that are gone",
        "SELECT count(*) FROM thread_budget WHERE thread NOT IN (SELECT seq FROM message)",
        Level.WARNING,
        "Their numbers are never used again, so nothing follows from it.",
    ),
    Check(
        "entries of the search index are about messages that are gone",
        "SELECT count(*) FROM participant WHERE message NOT IN (SELECT seq FROM message)",
        Level.WARNING,
        "Nothing follows from it; restoring a backup writes the index anew.",
    ),
    Check(
        "claims are held by processes that are not attached: the answers that they claim reach no other reader",
        "SELECT count(*) FROM claim WHERE holder NOT IN (SELECT id FROM attached)",
        Level.WARNING,
        "Run: postroom prune. It gives up the claims of processes that have ended.",
    ),
    Check(
        "claims are about messages that are gone",
        "SELECT count(*) FROM claim WHERE message NOT IN (SELECT seq FROM message)",
        Level.NOTE,
        HARMLESS,
    ),
    Check(
        "timers are about messages that are gone",
        "SELECT count(*) FROM timer WHERE message NOT IN (SELECT seq FROM message)",
        Level.NOTE,
        HARMLESS,
    ),
    Check(
        "messages are numbered out of order",
        "SELECT count(*) FROM (SELECT number - lag(number, 1, 0) OVER (ORDER BY seq) AS step, hidden FROM message) WHERE step < 1 - hidden",
        next_step=RESTORE,
    ),
    Check(
        "messages that all may see are in threads that they may not",
        "SELECT count(*) FROM message m JOIN message r ON r.seq = m.thread WHERE r.hidden > m.hidden",
        next_step=RESTORE,
    ),
    Check(
        "rooms belong to somebody who is not in them",
        "SELECT count(*) FROM room r WHERE NOT EXISTS (SELECT 1 FROM member m WHERE m.room = r.id AND m.agent = r.owner)",
        next_step=HAND_OVER,
    ),
    Check(
        "rooms that all may see belong to a ghost",
        "SELECT count(*) FROM room r JOIN agent a ON a.id = r.owner WHERE r.policy != 'secret' AND a.visibility = 'ghost'",
        next_step=HAND_OVER,
    ),
    Check(
        "mail waits for a ghost from those who do not see it",
        "SELECT count(*) FROM delivery d JOIN message m ON m.seq = d.message JOIN agent a ON a.id = d.recipient"
        f" WHERE a.visibility = 'ghost' AND (d.unread IS NOT NULL OR d.state = 'held') AND {BY_NAME}",
        Level.WARNING,
        "It goes back when the ghost shows itself and hides again: postroom profile --visibility hidden, then ghost.",
    ),
    Check(
        "members and invitations are of rooms or agents that do not exist",
        f"SELECT count(*) FROM ({IN_ROOMS}) WHERE room NOT IN (SELECT id FROM room) OR agent NOT IN (SELECT id FROM agent)",
        next_step=RESTORE,
    ),
    Check(
        "members are invited besides",
        "SELECT count(*) FROM member m JOIN invitation i ON i.room = m.room AND i.agent = m.agent",
        Level.WARNING,
        "Nothing follows from it; to leave the room and join it again uses the invitation up.",
    ),
    Check(
        "members would miss messages or events, which are numbered lower than what they have seen",
        "SELECT count(*) FROM member WHERE after_seq > (SELECT coalesce(max(seq), 0) FROM message)"
        " OR after_event > (SELECT coalesce(max(id), 0) FROM event)",
        next_step=RESTORE,
    ),
    Check(
        "agents would miss events, which are numbered lower than what they have seen",
        f"SELECT count(*) FROM agent WHERE events > (SELECT coalesce(max(id), 0) + 1 FROM event) * {PLACES}",
        next_step=RESTORE,
    ),
    Check(
        "webhooks would miss messages or events, which are numbered lower than what they were told",
        "SELECT count(*) FROM webhook WHERE message > (SELECT coalesce(max(seq), 0) FROM message)"
        f" OR event > (SELECT coalesce(max(id), 0) + 1 FROM event) * {PLACES}",
        next_step=RESTORE,
    ),
    Check(
        "calls are to be made for webhooks that are gone",
        "SELECT count(*) FROM webhook_call WHERE webhook NOT IN (SELECT id FROM webhook)",
        Level.WARNING,
        "They are never made, and nothing follows from it.",
    ),
    Check(
        "webhooks are paused, or gave calls up",
        "SELECT count(*) FROM webhook w WHERE w.paused IS NOT NULL"
        " OR EXISTS (SELECT 1 FROM webhook_call c WHERE c.webhook = w.id AND c.next_ms IS NULL)",
        Level.WARNING,
        "See: postroom webhook list. To go on: postroom webhook retry ID",
    ),
)
