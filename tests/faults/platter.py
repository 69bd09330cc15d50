"""What a disk with a volatile cache may hold after the power went: everything synced, and parts of the rest.

Pure: events and chance in, file contents out. SQLite, the file system and the store are not known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from random import Random
from typing import assert_never

SECTOR_BYTES = 512  # the smallest unit that disks write whole, and SQLite's promise too ("powersafe overwrite" is per sector)


@dataclass(frozen=True, slots=True)
class Written:
    file: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Cut:
    """The file was given this size; what lay behind it is gone."""

    file: int
    size: int


@dataclass(frozen=True, slots=True)
class Synced:
    file: int


@dataclass(frozen=True, slots=True)
class Named:
    """A name was made to mean a file. Several names one after another may mean different files."""

    name: str
    file: int


@dataclass(frozen=True, slots=True)
class Unnamed:
    name: str


@dataclass(frozen=True, slots=True)
class NamesSynced:
    """The directory was synced. Syncing a file does not do this: POSIX does not promise it."""


Event = Written | Cut | Synced | Named | Unnamed | NamesSynced


class Mood(Enum):
    """How a disk behaved just before it lost power. Each loss is in one mood, so that the extremes are common."""

    LAZY = auto()  # nothing unsynced reached it
    EAGER = auto()  # everything did
    ORDERLY = auto()  # everything up to some moment did, and a part of the write of that moment
    SCATTERED = auto()  # each sector and each size is that of any moment since the last sync
    MOSTLY = auto()  # as scattered, but most sectors are the newest


class Survival:
    """How many of the unsynced changes to one thing (a sector, a size, the names) a loss leaves: the first so many."""

    def __init__(self, random: Random, moments: list[int]) -> None:
        self._random = random
        self._mood = random.choice(list(Mood))
        self._moment = random.choice(moments) if moments else 0
        self._garbage = random.random() < 0.25

    def of(self, moments: list[int]) -> int:
        """The number of changes that survive, of those made at these moments."""
        match self._mood:
            case Mood.LAZY:
                return 0
            case Mood.EAGER:
                return len(moments)
            case Mood.ORDERLY:
                torn = self._moment in moments and self._random.random() < 0.5
                return sum(moment < self._moment for moment in moments) + torn
            case Mood.SCATTERED:
                return self._random.randint(0, len(moments))
            case Mood.MOSTLY:
                return len(moments) if self._random.random() < 0.9 else self._random.randint(0, len(moments))
            case _:
                assert_never(self._mood)

    def hole(self, size: int) -> bytes:
        """What a part of a file that never reached the disk reads as, if the file's size covers it."""
        return self._random.randbytes(size) if self._garbage else bytes(size)


@dataclass(frozen=True, slots=True)
class Piece:
    """The part of one write that lies in one sector."""

    moment: int
    start: int
    data: bytes


class CachedFile:
    """One file: what is surely on the disk, and every change since."""

    def __init__(self, content: bytes = b"") -> None:
        self._durable = bytearray(content)
        self._size = len(content)
        self._sectors: dict[int, list[Piece]] = {}
        self._sizes: list[tuple[int, int]] = []

    def write(self, moment: int, offset: int, data: bytes) -> None:
        end = offset + len(data)
        if end > self._size:
            self._resize(moment, end)
        at = offset
        while at < end:
            sector, within = divmod(at, SECTOR_BYTES)
            part = data[at - offset : at - offset + SECTOR_BYTES - within]
            self._sectors.setdefault(sector, []).append(Piece(moment, at, part))
            at += len(part)

    def cut(self, moment: int, size: int) -> None:
        """What is cut off reads as zeros if the file grows again."""
        if size < self._size:
            self.write(moment, size, bytes(self._size - size))
        self._resize(moment, size)

    def _resize(self, moment: int, size: int) -> None:
        self._size = size
        self._sizes.append((moment, size))

    def sync(self) -> None:
        for pieces in self._sectors.values():
            for piece in pieces:
                _put(self._durable, piece)
        self._durable.extend(bytes(max(0, self._size - len(self._durable))))
        del self._durable[self._size :]
        self._sectors, self._sizes = {}, []

    def unsynced(self) -> list[int]:
        """The moments of all changes since the last sync."""
        return [piece.moment for pieces in self._sectors.values() for piece in pieces] + [moment for moment, _ in self._sizes]

    def after_loss(self, survival: Survival) -> bytes:
        """One content that the disk may hold. The file itself is not changed."""
        content = bytearray(self._durable)
        end = max([0, *((sector + 1) * SECTOR_BYTES for sector in self._sectors), *(size for _, size in self._sizes)])
        content.extend(survival.hole(max(0, end - len(content))))
        for pieces in self._sectors.values():
            for piece in pieces[: survival.of([piece.moment for piece in pieces])]:
                _put(content, piece)
        sizes = [len(self._durable), *(size for _, size in self._sizes)]
        return bytes(content[: sizes[survival.of([moment for moment, _ in self._sizes])]])


def _put(content: bytearray, piece: Piece) -> None:
    content.extend(bytes(max(0, piece.start - len(content))))
    content[piece.start : piece.start + len(piece.data)] = piece.data


class Platter:
    """All files and their names, as a row of events leaves them."""

    def __init__(self) -> None:
        self.moment = 0
        self._files: dict[int, CachedFile] = {}
        self._names: dict[str, int] = {}
        self._unsynced_names: list[tuple[int, Named | Unnamed]] = []

    def adopt(self, name: str, file: int, content: bytes) -> None:
        """A file that was on the disk before anything was recorded."""
        assert self.moment == 0, "what was there before is adopted before anything happens"
        self._files[file] = CachedFile(content)
        self._names[name] = file

    def apply(self, event: Event) -> None:
        match event:
            case Written(file, offset, data):
                self._file(file).write(self.moment, offset, data)
            case Cut(file, size):
                self._file(file).cut(self.moment, size)
            case Synced(file):
                self._file(file).sync()
            case Named() | Unnamed():
                self._unsynced_names.append((self.moment, event))
            case NamesSynced():
                self._names = self._named(len(self._unsynced_names))
                self._unsynced_names = []
            case _:
                assert_never(event)
        self.moment += 1

    def _file(self, file: int) -> CachedFile:
        return self._files.setdefault(file, CachedFile())

    def _named(self, changes: int) -> dict[str, int]:
        names = dict(self._names)
        for _, change in self._unsynced_names[:changes]:
            match change:
                case Named(name, file):
                    names[name] = file
                case Unnamed(name):
                    names.pop(name, None)
        return names

    def after_loss(self, random: Random) -> dict[str, bytes]:
        """Names and contents that the disk may hold if the power goes now.

        Names reach the disk in the order of their changes, as on a file system with a journal.
        """
        moments = [moment for moment, _ in self._unsynced_names]
        survival = Survival(random, moments + [moment for file in self._files.values() for moment in file.unsynced()])
        names = self._named(survival.of(moments))
        return {name: self._file(file).after_loss(survival) for name, file in names.items()}
