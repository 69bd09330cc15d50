"""Faults that are planted into a copy of the sources, one at a time, and beside each the tests that must find it.

A fault is what somebody could write by mistake: a line forgotten, moved, or off by one. Run `python tests/planted_faults.py`.
"""

from __future__ import annotations

from typing import NamedTuple


class Edit(NamedTuple):
    """A text that occurs once in a file of the package, and what stands there instead."""

    file: str
    sound: str
    faulty: str


class Fault(NamedTuple):
    """A mistake, and the smallest selection of tests that finds it."""

    name: str
    tests: tuple[str, ...]
    edits: tuple[Edit, ...]


MAILBOX = "tests/properties/test_mailbox_machine.py"
SESSIONS = "tests/properties/test_session_machine.py"
POWER = tuple(f"tests/test_power_loss.py::test_a_power_cut_breaks_no_promise[{seed}]" for seed in range(2))
MESSAGES = "tests/test_messages.py::test_"
REQUESTS = "tests/test_requests.py::test_"
LIMITS = "tests/test_limits.py::test_"
DELIVERIES = "store/deliveries.py"
SENDING = "exchange/sending.py"
DESK = "exchange/desk.py"
WARDEN = "warden.py"
OTHER_TEXT = """    if (found.recipients, found.kind, found.subject, found.body) != (to, letter.kind, draft.subject, draft.body):
        raise IdTaken(id=draft.id)
"""
COMMIT = "            self.database.commit()\n"
FIN_ACK = "    (_S.CLOSING_BY_OPENER, Side.PEER, _K.FIN_ACK): _S.CLOSED,\n"

FAULTS = (
    Fault(
        "no dedupe: a message sent again with its id is a new one",
        (f"{MESSAGES}a_message_sent_twice_with_one_id_arrives_once",),
        (
            Edit(SENDING, "found = messages.by_sender_id(database, outbox.posting.desk.agent.id, draft.id)", "found = None"),
            Edit("store/schema/0001.sql", "CREATE UNIQUE INDEX message_id", "CREATE INDEX message_id"),
        ),
    ),
    Fault(
        "another message under a known id is taken for the first one",
        (f"{MESSAGES}an_id_cannot_be_used_for_another_message",),
        (Edit(SENDING, OTHER_TEXT, ""),),
    ),
    Fault(
        "confirmed before it is handed over",
        (MAILBOX,),
        (
            Edit(
                "exchange/reading.py",
                "            wake_followers(posting, handed)\n    causes.put_down(desk, confirm)",
                "            settle(posting, handed)\n    causes.put_down(desk, confirm)",
            ),
        ),
    ),
    Fault(
        "acknowledged without a commit",
        (f"{MESSAGES}a_message_arrives_with_everything_its_sender_said",),
        (Edit("store/database.py", 'self.execute("COMMIT")', 'self.execute("ROLLBACK")'),),
    ),
    Fault(
        "acknowledged before the commit is on the disk: the flush comes first",
        POWER,
        (
            Edit(DESK, COMMIT, f"            self.database.flush() if self.safe else None\n{COMMIT}"),
            Edit(DESK, "        if self.safe:\n            self.database.flush()\n", ""),
        ),
    ),
    Fault(
        "the flush is skipped",
        POWER,
        (Edit(DESK, "        if self.safe:\n            self.database.flush()\n", ""),),
    ),
    Fault(
        "a lost bell, and nobody looks all the same",
        ("tests/test_doorbell.py::test_a_message_whose_bell_cannot_be_found_is_found",),
        (Edit("waiting.py", "(yield min(left, ROUND_S)) or seat.look() or monotonic() - began >= INFO_S", "(yield min(left, ROUND_S))"),),
    ),
    Fault(
        "a batch may have one message less than its limit",
        (f"{LIMITS}a_batch_is_as_large_as_the_limit_says",),
        (Edit(SENDING, "if len(drafts) > limits.batch:", "if len(drafts) >= limits.batch:"),),
    ),
    Fault(
        "one message more is handed over than was asked for",
        (f"{MESSAGES}taking_hands_over_at_most_what_was_asked_for",),
        (Edit(DELIVERIES, "ORDER BY d.id LIMIT ?3", "ORDER BY d.id LIMIT ?3 + 1"),),
    ),
    Fault(
        "a full mailbox takes one more",
        (f"{LIMITS}a_full_mailbox_refuses_and_drops_nothing",),
        (
            Edit(
                "exchange/outbox.py",
                "return value >= limit and mailboxes.counted(value)[hidden] >= limit",
                "return mailboxes.counted(value)[hidden] > limit",
            ),
        ),
    ),
    Fault(
        "the counter of waiting messages is not decremented",
        (MAILBOX,),
        (Edit(DELIVERIES, "SET value = value - ? WHERE sender = 0", "SET value = value - 0 * ? WHERE sender = 0"),),
    ),
    Fault(
        "a lease never ends",
        (f"{MESSAGES}a_message_held_too_long_is_handed_to_another_reader", MAILBOX),
        (Edit(DELIVERIES, "d.state = 'handed' AND d.lease_ms <= ?2)", "d.state = 'handed' AND d.lease_ms <= 0)"),),
    ),
    Fault(
        "what a dead reader had in hands stays there",
        (f"{MESSAGES}an_agent_that_closes_gives_back_what_it_had_in_hand",),
        (Edit("exchange/presence.py", "    deliveries.give_back(database, row.agent, row.id)\n", ""),),
    ),
    Fault(
        "anybody may confirm",
        (f"{MESSAGES}a_message_held_too_long_is_handed_to_another_reader",),
        (Edit(DELIVERIES, "WHERE id = ? AND holder = ? AND state IN", "WHERE id = ? AND ? AND state IN"),),
    ),
    Fault(
        "a redelivery looks new",
        (MAILBOX,),
        (Edit(DELIVERIES, "redelivered=handovers > 0,", "redelivered=False,"),),
    ),
    Fault(
        "newest first",
        (f"{MESSAGES}the_messages_of_one_sender_come_in_their_order",),
        (Edit(DELIVERIES, "ORDER BY d.id LIMIT ?3", "ORDER BY d.id DESC LIMIT ?3"),),
    ),
    Fault(
        "claims are ignored: any reader gets the answer",
        (f"{REQUESTS}a_question_is_asked_and_claimed_in_one_step",),
        (Edit(DELIVERIES, "TAKE_UNCLAIMED = TAKE + UNCLAIMED + IN_ORDER", "TAKE_UNCLAIMED = TAKE + IN_ORDER"),),
    ),
    Fault(
        "a session is claimed after it was offered",
        ("tests/test_sessions.py::test_an_inbox_loop_in_another_process_does_not_get_what_belongs_to_the_session",),
        (Edit("exchange/sessions.py", "open_session(desk, draft, claim=True)", "open_session(desk, draft)"),),
    ),
    Fault(
        "FIN-ACK when the FIN is handed over, not when it is read",
        ("tests/test_sessions.py::test_fin_is_acknowledged_only_after_it_was_read", SESSIONS),
        (
            Edit(
                "exchange/reading.py",
                "            wake_followers(posting, handed)\n    causes.put_down(desk, confirm)",
                (
                    "            wake_followers(posting, handed)\n            sessions.acknowledge(posting, handed)\n"
                    "    causes.put_down(desk, confirm)"
                ),
            ),
        ),
    ),
    Fault(
        "DATA is taken in a session that is being closed",
        ("tests/test_sessions.py::test_data_after_fin_is_an_error_on_both_sides", SESSIONS),
        (Edit("core/session.py", FIN_ACK, f"{FIN_ACK}    (_S.CLOSING_BY_OPENER, Side.PEER, _K.DATA): _S.CLOSING_BY_OPENER,\n"),),
    ),
    Fault(
        "the idle limit forgets to look again",
        ("tests/test_sessions.py::test_a_forgotten_session_is_closed_by_the_idle_limit_and_both_are_told", SESSIONS),
        (Edit(WARDEN, '        waits.set_timer(posting.database, Timer(quiet_until, "idle", about.seq))\n', "        pass\n"),),
    ),
    Fault(
        "no budget for threads",
        (f"{LIMITS}a_loop_of_two_agents_is_held_and_all_are_told_once",),
        (Edit("core/pace.py", "if turns > turns_max:", "if turns > turns_max + 1_000_000:"),),
    ),
    Fault(
        "a thread is held one turn too late",
        ("tests/properties/test_limits_machine.py",),
        (Edit("core/pace.py", "if turns > turns_max:", "if turns > turns_max + 1:"),),
    ),
    Fault(
        "a batch counts as one message in the pace",
        ("tests/properties/test_limits_machine.py",),
        (Edit("core/pace.py", "count * MINUTE_US // per_minute", "MINUTE_US // per_minute"),),
    ),
    Fault(
        "a message expires without a notice",
        (MAILBOX, f"{MESSAGES}a_message_that_nobody_read_in_time_comes_back"),
        (Edit(WARDEN, "    if seen:\n", "    if None:\n"),),
    ),
    Fault(
        "an expired message is handed over",
        (f"{MESSAGES}an_expired_message_is_not_handed_over_although_nobody_has_done_the_chores", MAILBOX),
        (Edit(DELIVERIES, "(m.expires_ms IS NULL OR m.expires_ms > ?2)", "?2"),),
    ),
    Fault(
        "a message in hands at its time never comes back",
        (f"{MESSAGES}a_message_that_comes_back_unread_after_its_time_expires", MAILBOX),
        (Edit(WARDEN, '            waits.set_timer(posting.database, Timer(in_hands_ms, "expire", about.seq))\n', ""),),
    ),
    Fault(
        "an asker does not hear that the other one has gone",
        (f"{REQUESTS}a_target_that_goes_offline_brings_a_notice_once",),
        (Edit("exchange/presence.py", 'tell_askers(posting, row.agent, "offline", unread_too=True)', "pass"),),
    ),
    Fault(
        "a failed send leaves its provenance behind",
        ("tests/test_identity.py::test_the_provenance_stays_true_after_a_failed_send",),
        (Edit(DESK, "        if error is not None:\n            self.forget()\n", "        if error is not None:\n"),),
    ),
    Fault(
        "a reserved name is known by one spelling only",
        ("tests/test_names.py::test_a_reserved_name_is_never_claimed",),
        (
            Edit(
                "core/address.py",
                "    if name in RESERVED:\n        raise ReservedName",
                "    if text in RESERVED:\n        raise ReservedName",
            ),
        ),
    ),
)
