"""Where a store may lie: a private directory of this user, on a local disk of this kernel. Created with the right modes, or refused."""

from __future__ import annotations

import errno
import os
import stat
import time

from postroom.core.errors import DiskFull, PostroomError, StoreReadOnly, StoreUnusable

NETWORK_FILE_SYSTEMS = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "9p",
        "virtiofs",
        "afs",
        "ceph",
        "glusterfs",
        "lustre",
        "fuse.sshfs",
        "fuse.glusterfs",
        "vboxsf",
    }
)
ELSEWHERE = "Choose another directory with POSTROOM_HOME."
KERNEL_QUIET_S = 300
"""A store that another kernel touched less than this many seconds ago is in use there."""


def check_place(home: str) -> str:
    """Make the directory and an empty store file if there are none; refuse a place where the store would not be private or not be safe.

    Returns what tells this run of this kernel from every other.
    """
    try:
        check_directory(home, created=make_private(home))
        check_file(home, os.path.join(home, "store.db"))
        return check_kernel(os.path.join(home, "kernel"), home)
    except OSError as error:
        raise refusal(error, home) from error


def try_place(home: str) -> None:
    """Refuse what `check_place` would refuse, and make nothing. The path is absolute."""
    try:
        if os.path.lexists(home):
            check_directory(home)
            check_writable(home)
            path = os.path.join(home, "store.db")
            if os.path.lexists(path):
                check_own_file(path)
            check_quiet(os.path.join(home, "kernel"), home)
            return
        parent = os.path.dirname(home)
        while not os.path.lexists(parent):
            parent = os.path.dirname(parent)
        if not stat.S_ISDIR(os.stat(parent).st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), parent)
        check_writable(parent)
        check_local(home)
    except OSError as error:
        raise refusal(error, home) from error


def check_writable(path: str) -> None:
    """Raise the OSError that writing a file, or making one in a directory, would end in."""
    mode = os.W_OK | os.X_OK if os.path.isdir(path) else os.R_OK | os.W_OK
    if not os.access(path, mode, effective_ids=os.access in os.supports_effective_ids):
        error = errno.EROFS if os.statvfs(path).f_flag & os.ST_RDONLY else errno.EACCES
        raise OSError(error, os.strerror(error), path)


def refusal(error: OSError, home: str) -> PostroomError:
    """Say an error of the file system in the words of the post room."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(path=home)
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return StoreReadOnly(path=home, why=error.strerror)
    why = os.strerror(errno.ENOTDIR if error.errno == errno.EEXIST else error.errno or 0)  # what exists there is a file in the way
    return StoreUnusable(path=home, why=f"{why}. {ELSEWHERE}")


def make_private(directory: str) -> bool:
    """Make a directory that only this user can enter. False if it was there."""
    if os.path.lexists(directory):
        return False
    parent = os.path.dirname(directory)
    if parent:
        os.makedirs(parent, exist_ok=True)
    try:
        os.mkdir(directory, 0o700)
    except FileExistsError:  # another process was faster
        return False
    return True


def check_directory(directory: str, *, created: bool = False) -> None:
    """Refuse a directory that is a link, not ours, open to others, or on a network."""
    found = os.lstat(directory)
    if stat.S_ISLNK(found.st_mode):
        raise StoreUnusable(path=directory, why="it is a symbolic link. Name the real directory.")
    if not stat.S_ISDIR(found.st_mode):
        raise StoreUnusable(path=directory, why=f"it is not a directory. {ELSEWHERE}")
    if found.st_uid != os.geteuid():
        raise StoreUnusable(path=directory, why=f"it belongs to another user. {ELSEWHERE}")
    if found.st_mode & 0o077 and not created:
        raise StoreUnusable(path=directory, why=f"others may enter it. {privately(directory)}")
    check_local(directory)


def privately(directory: str) -> str:
    """How a directory that others may enter is made private, or that it is not ours to be closed: who else uses it would be kept out."""
    names = {name for name in os.listdir(directory) if not name.endswith(".sock")}
    if "store.db" in names or names <= {"config.toml"}:
        from shlex import quote

        return f"Run: chmod 700 {quote(directory)}"
    return f"It holds other things: choose a directory of its own with POSTROOM_HOME, like {os.path.join(directory, 'postroom')}"


def check_local(directory: str) -> None:
    """Refuse a place on a network, whether or not the directory is there."""
    kind = file_system(directory)
    if kind in NETWORK_FILE_SYSTEMS:
        raise StoreUnusable(
            path=directory,
            why=f"it is on a network file system ({kind}), which would corrupt it. Choose a local directory with POSTROOM_HOME.",
        )


def check_file(home: str, path: str) -> None:
    """Make an empty store file, readable by us alone, or refuse the one that is there."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        check_own_file(path)
    else:
        os.close(descriptor)
        sync_directory(home)


def check_own_file(path: str) -> None:
    """Refuse a store file that is a link, not ours, or open to others."""
    found = os.lstat(path)
    if not stat.S_ISREG(found.st_mode):
        raise StoreUnusable(path=path, why=f"it is not a plain file. {ELSEWHERE}")
    if found.st_uid != os.geteuid():
        raise StoreUnusable(path=path, why=f"it belongs to another user. {ELSEWHERE}")
    if found.st_mode & 0o077:
        raise StoreUnusable(path=path, why=f"others may read it. Run: chmod 600 {path}")


def sync_directory(directory: str) -> None:
    """Make the names in a directory safe against a power cut."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_system(path: str) -> str:
    """The type of the file system that a path is on, or "" where the platform does not say."""
    best, kind = "", ""
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as mounts:
            for line in mounts:
                before, _, after = line.partition(" - ")
                point = before.split(" ")[4].replace("\\040", " ")
                inside = path == point or path.startswith(point.rstrip("/") + "/")
                if inside and len(point) >= len(best):
                    best, kind = point, after.split(" ", 1)[0]
    except FileNotFoundError:  # no /proc: macOS and others, where network homes are rare and SQLite's own checks remain
        return ""
    return kind


def check_kernel(path: str, home: str) -> str:
    """Refuse a store that a process under another kernel uses now (a home shared with a virtual machine): its locks would not reach us."""
    ours = boot_id()
    if not check_quiet(path, home):
        with open(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600), "w", encoding="ascii"
        ) as file:
            file.write(ours)
    return ours


def check_quiet(path: str, home: str) -> bool:
    """Whether the store is noted as used under this kernel. Raises StoreUnusable when another one uses it now."""
    try:
        with open(path, encoding="ascii") as file:
            theirs = file.read().strip()
        touched = os.stat(path).st_mtime
    except FileNotFoundError:
        return False
    if theirs == boot_id():
        return True
    now = time.time()
    booted = now - time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else now
    if theirs and touched > booted and now - touched < KERNEL_QUIET_S:
        raise StoreUnusable(
            path=home,
            why="it is in use under another kernel (a VM that shares this directory?). Use the HTTP API of `postroom up` from there.",
        )
    return False


def touch_kernel(home: str) -> None:
    """Say that this kernel still uses the store."""
    os.utime(os.path.join(home, "kernel"))


def boot_id() -> str:
    """What tells this run of this kernel from every other."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except FileNotFoundError:
        import platform

        return platform.node()


def note_down(path: str, text: str) -> None:
    """Write a private file whole, over what was there."""
    new = f"{path}.{os.getpid()}"
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(new, path)
