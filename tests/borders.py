"""Which limits are tested at their border, and how a test sets one."""

from __future__ import annotations

TESTED: set[str] = set()


def border(name):
    """Note that a test is about the border of a limit."""

    def note(test):
        TESTED.add(name)
        return test

    return note


def limited(post, **limits):
    """Set limits for the agents that connect from now on."""
    post.configure("[limits]\n" + "".join(f"{name} = {value}\n" for name, value in limits.items()))
