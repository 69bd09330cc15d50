"""The errors that are met only at a node, at backups, and in files of harnesses. Worded and used as those in errors.py."""

from __future__ import annotations

from postroom.core.errors import NoIdentity
from postroom.core.fault import CallerError, WorldError


class NoSuchToken(CallerError):
    """There is no token {id} of yours. See: postroom token list."""

    code, exit_code, http_status = "no-such-token", 67, 404


class BadToken(CallerError):
    """This token lets nobody in: {why}. `postroom token create NAME` makes a new one, on the machine of the post room."""

    code, exit_code, http_status = "bad-token", 77, 401


class NoToken(BadToken):
    """No token for {url}: set POSTROOM_TOKEN or POSTROOM_TOKEN_FILE (token= in connect). There `postroom token create NAME` makes one."""


class NoName(NoIdentity):
    """Who are you? Say it with the header X-Postroom-Agent: NAME."""


class NoSuchWebhook(CallerError):
    """There is no webhook {id} of yours. See: postroom webhook list."""

    code, exit_code, http_status = "no-such-webhook", 67, 404


class NotReached(WorldError):
    """Webhook {id} was called, and that failed: {why}."""

    code, exit_code, http_status = "not-reached", 69, 502


class NotTold(WorldError):
    """{number} of {total} addresses of [node] alerts do not work."""

    code, exit_code, http_status = "not-told", 69, 502


class BadRequest(CallerError):
    """The request cannot be read: {why}."""


class NoSuchPath(CallerError):
    """There is nothing at {path}. See /docs for what there is."""

    code, exit_code, http_status = "no-such-path", 64, 404


class WrongMethod(CallerError):
    """{path} is not for {method}, but for {allowed}."""

    code, http_status = "wrong-method", 405


class WrongType(CallerError):
    """The body is {found}; it must come as {wanted}, with that Content-Type."""

    code, exit_code, http_status = "wrong-type", 65, 415


class WrongHost(CallerError):
    """This node is not {host}. Names other than those of this machine are allowed under [node] hosts in config.toml."""

    code, exit_code, http_status = "wrong-host", 77, 421


class WrongOrigin(CallerError):
    """No web page but the console of this node may call it: {why}."""

    code, exit_code, http_status = "wrong-origin", 77, 403


class NotYourName(CallerError):
    """You are {name!r} and cannot {act} as {other!r}."""

    code, exit_code, http_status = "not-your-name", 77, 403


class NotYourRight(CallerError):
    """This needs a token of the scope {wanted}; yours is {found}."""

    code, exit_code, http_status = "not-your-right", 77, 403


class SeatGone(WorldError):
    """The seat {seat!r} is not taken: it was left for too long, or the node started anew. What it had in hand is back in the mailbox."""

    code, http_status = "seat-gone", 410


class NoSuchHandle(CallerError):
    """Nothing is in hand as {handle!r} at this seat: it was confirmed, given back, or is of another seat."""

    code, exit_code, http_status = "no-such-handle", 75, 409


class NoSuchUpload(CallerError):
    """There is no upload {id!r} of yours: it was never begun, or a day is over."""

    code, exit_code, http_status = "no-such-upload", 67, 404


class WrongOffset(CallerError):
    """The upload {id!r} is at byte {offset}; send what follows from there."""

    code, exit_code, http_status = "wrong-offset", 65, 409


class NotSatisfiable(CallerError):
    """The file has {size} bytes; there are none as wanted ({wanted})."""

    code, exit_code, http_status = "not-satisfiable", 65, 416


class HouseFull(WorldError):
    """The node serves {limit} {things} already. Try again in a while."""

    code = "house-full"


class NodeRuns(WorldError):
    """A node runs already: process {pid}, since {since}, at {addresses}."""

    code, exit_code, retry = "node-runs", 75, False


class NodeStopped(WorldError):
    """The node is being stopped. Try again when it runs again."""

    code = "node-stopped"


class CannotListen(WorldError):
    """The node cannot listen at {address}: {why}. Another address: --listen HOST:PORT, or [node] listen in config.toml."""

    code, exit_code, retry = "cannot-listen", 73, False


class NeedsExtra(WorldError):
    """`{verb}` needs packages that are not installed beside this Postroom: {missing}. To install them: {command}"""

    code, exit_code, http_status, retry = "needs-extra", 69, 501, False


class BadUrl(CallerError):
    """The URL {url!r} names no node: {why}. Write http://HOST:8091, https://HOST:8091 or unix:///PATH."""

    code, exit_code = "bad-url", 64


class Unreachable(WorldError):
    """The node at {url} cannot be reached: {why}. Try again when it is back; `postroom up` starts one on its own machine."""

    code, exit_code, http_status = "unreachable", 75, 502


class NotThere(CallerError):
    """The node at {url} is no post room, or one of another version: {why}."""

    code, exit_code, http_status = "not-there", 69, 502


class OnlyHere(CallerError):
    """`{verb}` works on the machine of the post room only, not over {url}."""

    code, exit_code, http_status = "only-here", 69, 501


class NoAddress(WorldError):
    """No node serves an address here that a browser can open. Start one: postroom up."""

    code, exit_code, retry = "no-address", 69, False


class BadBackup(CallerError):
    """The backup {path} cannot be restored: {why}. Name a directory that `postroom backup` made."""

    code, exit_code = "bad-backup", 66


class NoBackup(WorldError):
    """The backup {path} cannot be made: {why}. Name a new directory, in one that you can write."""

    code, exit_code, http_status, retry = "no-backup", 73, 503, False


class ForeignFile(WorldError):
    """{path}{place}: {why} Nothing in it was changed."""

    code, exit_code, http_status, retry = "foreign-file", 78, 409, False
