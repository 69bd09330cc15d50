"""Files of users on the disk: read as text without changing a byte, and replaced in one step, with the mode and links that they have."""

from __future__ import annotations

import os
import stat

from postroom.core.refusals import ForeignFile


def read(path: str) -> str | None:
    """The text of a file with its line ends; None if there is none. Raises ForeignFile."""
    try:
        with open(path, "rb") as file:
            return file.read().decode()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise ForeignFile(path=path, place="", why=f"it is not UTF-8 (byte {error.start + 1}).") from error
    except OSError as error:
        raise ForeignFile(path=path, place="", why=f"it cannot be read ({error.strerror}).") from error


def has(path: str, word: str) -> bool:
    """Whether a word is, or may be, in a file that need not be readable otherwise."""
    try:
        with open(path, "rb") as file:
            return word.encode() in file.read()
    except FileNotFoundError:
        return False
    except OSError:  # `read` says why
        return True


def missing_directories(path: str) -> list[str]:
    """The directories that a new file needs and that are not there, the outermost first."""
    found: list[str] = []
    directory = os.path.dirname(os.path.realpath(path))
    while directory and not os.path.isdir(directory):
        found.insert(0, directory)
        directory = os.path.dirname(directory)
    return found


def replace(path: str, before: str | None, after: str | None) -> None:
    """Bring a file from one text to another; None is no file. Raises ForeignFile, also when it holds something else by now."""
    if read(path) != before:
        raise ForeignFile(path=path, place="", why="another program has just changed it; run this again.")
    try:
        if after is None:
            os.unlink(path)
        else:
            write(os.path.realpath(path), after)
    except OSError as error:
        raise ForeignFile(path=path, place="", why=f"it cannot be written ({error.strerror}).") from error


def write(target: str, text: str) -> None:
    """Put a new file in the place of the old one: whoever looks sees all of the one or all of the other."""
    directory, name = os.path.split(target)
    os.makedirs(directory, exist_ok=True)
    mode = stat.S_IMODE(os.stat(target).st_mode) if os.path.exists(target) else 0o600
    beside = os.path.join(directory, f".{name}.postroom-{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        os.replace(beside, target)
    except BaseException:
        os.unlink(beside)
        raise
    sync(directory)


def sync(directory: str) -> None:
    """Make the names in a directory safe against a power cut."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_directories(paths: list[str]) -> None:
    """Remove directories that were made here, as far as nothing is in them."""
    for path in sorted(paths, key=len, reverse=True):
        try:
            os.rmdir(path)
        except OSError:  # something is in it, or it is gone
            continue
