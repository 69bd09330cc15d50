"""Messages and receipts as people read them. A heading begins in the first column, what others wrote never does."""

from __future__ import annotations

from time import localtime, strftime, time

from postroom.cli.output import Output
from postroom.core.message import Attachment, Kind, Message, Progress, State
from postroom.core.render import indented, one_line

MARGIN = "  │ "
DAY_S = 86_400
HUES = ("cyan", "green", "magenta", "blue", "yellow")
KINDS = {
    Kind.NOTICE: "notice",
    Kind.SYN: "offers a session",
    Kind.SYN_ACK: "accepted the session",
    Kind.SYN_NACK: "declined the session",
    Kind.DATA: "in the session",
    Kind.FIN: "closed the session",
    Kind.FIN_ACK: "has read all of the session",
    Kind.LAPSE: "the session lapsed",
}
"""What a message is for, as people say it; nothing is said of the usual kind."""
STEPS = ("delivered", "handed", "read", "answered", "ended")
STATE_COLOURS = {State.READ: "green", State.ANSWERED: "green", State.EXPIRED: "red", State.REFUSED: "red", State.HELD: "yellow"}


def moment(ms: int) -> str:
    """A time of this place, with its date unless that is today's or the hours are enough to know it."""
    near = abs(time() - ms / 1000) < DAY_S / 2
    return strftime("%H:%M:%S" if near else "%Y-%m-%d %H:%M:%S", localtime(ms / 1000))


def name_of(output: Output, name: str) -> str:
    """A name in the colour that it always has."""
    return output.paint(name, HUES[sum(name.encode()) % len(HUES)])


def message_text(message: Message, output: Output) -> str:
    """A message: its heading, its subject, its body, its files."""
    to = ", ".join(name_of(output, name) for name in message.to)
    heading = (
        f"{output.paint(message.id, 'bold')}  {name_of(output, message.sender)} → {to}  {output.paint(moment(message.sent_ms), 'dim')}"
    )
    notes = "".join(f"  [{note}]" for note in marks(message))
    subject = f"  {output.paint(one_line(message.subject), 'bold')}\n" if message.subject else ""
    body = indented(message.body, MARGIN, width=output.width) if message.body else ""
    return f"{heading}{output.paint(notes, 'yellow') if notes else ''}\n{subject}{body}{''.join(map(file_text, message.attachments))}"


def marks(message: Message) -> list[str]:
    """What is special about a message."""
    found = [KINDS[message.kind]] if message.kind in KINDS else []
    if message.urgency != "next":
        found.append(str(message.urgency))
    if message.thread != message.id:
        found.append(f"thread {message.thread}")
    if message.reply_to is not None:
        found.append(f"answers {message.reply_to}")
    if message.reply_by_ms is not None:
        found.append(f"answer expected by {moment(message.reply_by_ms)}")
    if message.expires_ms is not None:
        found.append(f"expires {moment(message.expires_ms)}")
    return [*found, "redelivered"] if message.redelivered else found


def file_text(file: Attachment) -> str:
    """An attached file."""
    return f"  file {one_line(file.name)} ({file.bytes:,} bytes)\n"


def reason_of(progress: Progress) -> str:
    """Why a message went no further, without the state that it begins with."""
    return (progress.reason or str(progress.state)).removeprefix(f"{progress.state}: ")


def progress_text(progress: Progress, output: Output) -> str:
    """How far a message is for one recipient, with the time of each step."""
    state = output.paint(f"{progress.state:<9}", STATE_COLOURS.get(progress.state, "bold"))
    times = (progress.delivered_ms, progress.handed_ms, progress.read_ms, progress.answered_ms, progress.ended_ms)
    steps = [f"{step} {moment(ms)}" for step, ms in zip(STEPS, times, strict=True) if ms is not None]
    again = [f"handed over {progress.handovers} times"] if progress.handovers > 1 else []
    reason = [f"({one_line(reason_of(progress))})"] if progress.reason else []
    return "  ".join([f"  {progress.recipient:<16}", state, *steps, *again, *reason]).rstrip() + "\n"
