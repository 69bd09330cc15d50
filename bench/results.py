"""The figures of a run, round by round, with their medians and ratios. Knows no peer and prints nothing."""

from collections import defaultdict
from statistics import median
from typing import NamedTuple


class Key(NamedTuple):
    """Whose figure, under which load, and which one."""

    subject: str
    load: str
    figure: str


class Results:
    """All figures: one value for each key and round; a round without a value says so with None."""

    def __init__(self) -> None:
        self.rounds: defaultdict[Key, list[float | None]] = defaultdict(list)

    def add(self, subject: str, load: str, figures: dict[str, float]) -> None:
        for figure, value in figures.items():
            self.rounds[Key(subject, load, figure)].append(value)

    def end_round(self, number: int) -> None:
        """Fill what this round (from 1) did not measure, so that the same place is the same round for every key."""
        for values in self.rounds.values():
            values.extend([None] * (number - len(values)))

    def median(self, key: Key) -> float | None:
        """The median over the rounds; None if never measured."""
        return middle(self.rounds.get(key, []))

    def ratio(self, above: Key, below: Key) -> float | None:
        """The median of the quotients within each round: both were measured within seconds of each other."""
        pairs = zip(self.rounds.get(above, []), self.rounds.get(below, []), strict=False)
        return middle([one / other for one, other in pairs if one is not None and other])


def middle(values: list[float | None]) -> float | None:
    """The median of those that are there."""
    present = [value for value in values if value is not None]
    return median(present) if present else None
