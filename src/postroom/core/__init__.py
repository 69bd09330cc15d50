"""Values and pure decisions: no I/O, no SQL, no clock, no chance. Time and random bytes are arguments."""
