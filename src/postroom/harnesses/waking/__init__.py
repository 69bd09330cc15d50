"""Waking a session of a harness: a text is pushed into it so that a turn starts; what came of it is seen in what the harness writes down.

One file for each harness. When something is pushed, and what, is decided by who has the mail.
"""
