"""Places in a feed as clients get them: sealed, as the numbers inside would tell how much is said out of sight."""

from __future__ import annotations

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from struct import Struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from postroom.core.refusals import BadRequest
from postroom.exchange.ticker import Place

KEY_FILE = "node.key"
KEY_BYTES, NONCE_BYTES = 32, 12
NUMBERS = Struct("<5Q")
TEXT_MAX = 200


class Seal:
    """Seals places for one viewer each, and opens them again."""

    def __init__(self, home: str) -> None:
        self._cipher = ChaCha20Poly1305(key_of(home))

    def sealed(self, place: Place, viewer: int) -> str:
        """A place as text."""
        nonce = os.urandom(NONCE_BYTES)
        return urlsafe_b64encode(nonce + self._cipher.encrypt(nonce, NUMBERS.pack(*place), b"%d" % viewer)).decode()

    def opened(self, text: str, viewer: int) -> Place:
        """The place behind a text. Raises BadRequest for one that was not sealed here, for this viewer."""
        try:
            raw = urlsafe_b64decode(text.encode("ascii")) if len(text) <= TEXT_MAX else b""
            return Place(*NUMBERS.unpack(self._cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], b"%d" % viewer)))
        except (NotBase64, UnicodeEncodeError, ValueError, InvalidTag):
            raise BadRequest(why="Last-Event-ID is none that you were given here") from None


def key_of(home: str) -> bytes:
    """The key of a post room, made when it is needed first."""
    path = os.path.join(home, KEY_FILE)
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(os.urandom(KEY_BYTES))
    except FileExistsError:
        pass
    with open(path, "rb") as file:
        key = file.read()
    return key if len(key) == KEY_BYTES else os.urandom(KEY_BYTES)  # cut off: then no feed goes on where it was
