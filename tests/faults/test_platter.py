"""What the platter may and may not leave behind, by hand-made histories."""

from collections.abc import Iterator
from random import Random

from tests.faults.platter import SECTOR_BYTES, Cut, Event, Named, NamesSynced, Platter, Synced, Unnamed, Written

A, B = 0, 1  # two files
OLD, NEW, NEWEST = (bytes([letter]) * SECTOR_BYTES for letter in b"onN")


def losses_of(*events: Event, named: bool = True) -> Iterator[dict[str, bytes]]:
    """What many losses left. The file A is called `a`, surely so unless `named` is false."""
    platter = Platter()
    if named:
        platter.adopt("a", A, b"")
    for event in events:
        platter.apply(event)
    for seed in range(400):
        yield platter.after_loss(Random(seed))


def sectors(content: bytes) -> list[bytes]:
    return [content[at : at + SECTOR_BYTES] for at in range(0, len(content), SECTOR_BYTES)]


def test_what_was_synced_stays():
    assert all(left == {"a": OLD} for left in losses_of(Written(A, 0, OLD), Synced(A)))


def test_what_was_not_synced_may_stay_go_or_tear_but_only_between_sectors():
    seen = {left["a"] for left in losses_of(Written(A, 0, OLD * 3), Synced(A), Written(A, 0, NEW * 3))}
    assert {OLD * 3, NEW * 3} < seen
    assert all(sector in (OLD, NEW) for content in seen for sector in sectors(content))


def test_writes_reach_the_disk_in_any_order():
    first, second = Written(A, 0, NEW), Written(A, SECTOR_BYTES, NEW)
    seen = {left["a"] for left in losses_of(Written(A, 0, OLD * 2), Synced(A), first, second)}
    assert seen == {OLD + OLD, NEW + OLD, OLD + NEW, NEW + NEW}


def test_a_sector_holds_what_it_held_at_some_moment():
    half = SECTOR_BYTES // 2
    seen = {left["a"] for left in losses_of(Written(A, 0, OLD), Synced(A), Written(A, 0, NEW[:half]), Written(A, half, NEWEST[half:]))}
    assert seen == {OLD, NEW[:half] + OLD[half:], NEW[:half] + NEWEST[half:]}


def test_a_file_may_be_as_long_as_it_was_at_any_moment():
    seen = {len(left["a"]) for left in losses_of(Written(A, 0, OLD * 3), Synced(A), Cut(A, 0), Written(A, 0, NEW))}
    assert seen == {0, SECTOR_BYTES, 3 * SECTOR_BYTES}


def test_a_file_that_grew_may_hold_rubbish_where_its_data_never_arrived():
    seen = {sector for left in losses_of(Written(A, 0, NEW)) for sector in sectors(left["a"])}
    assert {NEW, bytes(SECTOR_BYTES)} < seen


def test_the_name_of_a_synced_file_may_vanish_until_its_directory_is_synced():
    born = (Named("a", A), Written(A, 0, OLD), Synced(A))
    assert {"a" in left for left in losses_of(*born, named=False)} == {True, False}
    assert all(left == {"a": OLD} for left in losses_of(*born, NamesSynced(), named=False))


def test_a_deleted_file_may_come_back_instead_of_its_successor():
    seen = [
        left["a"]
        for left in losses_of(Written(A, 0, OLD), Synced(A), Unnamed("a"), Named("a", B), Written(B, 0, NEW), Synced(B))
        if "a" in left
    ]
    assert set(seen) == {OLD, NEW}
