"""Where things lie on this machine: the home of the store and what is in it. Nothing is created here."""

from __future__ import annotations

import os
import sys

NODE_SOCKET = "node.sock"
SOCKET_PATH_BYTES = 104  # sun_path on macOS and the BSDs; Linux has 108


def default_home() -> str:
    """The user's post room: $POSTROOM_HOME, or the platform's data directory."""
    home = os.environ.get("POSTROOM_HOME")
    if home:
        return os.path.abspath(os.path.expanduser(home))
    if sys.platform == "darwin":
        return os.path.expanduser("~/Library/Application Support/Postroom")
    if sys.platform == "win32":
        return os.path.join(os.environ.get("LOCALAPPDATA", os.path.expanduser("~")), "Postroom")
    data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return os.path.join(data, "postroom")


def socket_directory(home: str) -> str:
    """The directory of the doorbells: run/ in the home, or a short private one where that path is too long for a socket."""
    directory = os.path.join(home, "run")
    if len(os.fsencode(directory)) + 24 <= SOCKET_PATH_BYTES:
        return directory
    from hashlib import sha256

    digest = sha256(os.fsencode(home)).hexdigest()[:16]
    return f"/tmp/postroom-{os.getuid()}-{digest}"  # noqa: S108  # created 0700 and checked to be ours before use


def node_socket(home: str) -> str:
    """Where the node of the post room in `home` answers programs of the same user."""
    return os.path.join(socket_directory(home), NODE_SOCKET)
