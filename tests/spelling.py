"""Other ways to write the letters a to z, all of which mean the same name (NFKC)."""

from __future__ import annotations

ALPHABETS = {"plain": 0x61, "capital": 0x41, "full-width": 0xFF41, "circled": 0x24D0, "bold": 0x1D41A, "monospace": 0x1D68A}
"""Where the letter a stands."""


def spelled(name: str, alphabet: str) -> str:
    """A name in other letters."""
    return "".join(chr(ALPHABETS[alphabet] + ord(letter) - ord("a")) if letter.islower() else letter for letter in name)
