"""Plant one fault after the other into a copy of the sources, and see that the tests named beside it fail.

Prints a table: the fault, and the test that found it. Exit code 1 if a fault survives or no longer fits into the sources.
`python tests/planted_faults.py lease` plants those with `lease` in their name.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from tests.faults.planted.table import FAULTS, Fault  # noqa: E402  # a script finds its neighbours by the root of the project
from tests.waiting import SOON_S  # noqa: E402

PACKAGE = ROOT / "src" / "postroom"
AT_ONCE = 2
SECONDS = 1_500  # for one run of a few tests, also where the machine has much else to do
HANGS = "--timeout=120"  # by its fault
SOON_WITH_FAULT_S = 15  # what does not come about after that is missing because of the fault
TESTS_FAILED = 1  # pytest's exit code; others mean that no test was run
FAILED = re.compile(r"^FAILED (\S+)", re.MULTILINE)
OURS = ("PYTEST", "COV", "HYPOTHESIS", "POSTROOM")


class Finding(NamedTuple):
    """What became of a fault. `found_by` is None if it survived; then `why` says how."""

    fault: str
    found_by: str | None
    why: str = ""


class DoesNotFit(Exception):
    """The sources have changed, so the fault cannot be planted any more."""


def plant(fault: Fault, package: Path) -> None:
    """Make the edits of a fault in a copy of the package."""
    for edit in fault.edits:
        path = package / edit.file
        text = path.read_text(encoding="utf-8")
        if text.count(edit.sound) != 1:
            message = f"{edit.file} has {text.count(edit.sound)} times {edit.sound!r}"
            raise DoesNotFit(message)
        path.write_text(text.replace(edit.sound, edit.faulty), encoding="utf-8")


def run_tests(tests: Iterable[str], sources: Path, *more: str, soon_s: float = SOON_S) -> tuple[int, str]:
    """Run tests against the package in `sources`, until the first fails. What comes about takes less than `soon_s`."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    environment = {
        **mine,
        "PYTHONPATH": str(sources),
        "PYTHONDONTWRITEBYTECODE": "1",
        "POSTROOM_TEST_SOON_S": str(soon_s),
        "HYPOTHESIS_PROFILE": "first-failure",
        "HYPOTHESIS_STORAGE_DIRECTORY": str(sources / "examples"),
    }
    options = ["-x", "-q", "-n0", "-p", "no:cacheprovider", "-p", "no:randomly", "--hypothesis-seed=1", "--tb=line"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *more, *tests],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


def sources_with(fault: Fault | None, directory: Path) -> Path:
    """A copy of the sources, with the fault."""
    shutil.copytree(PACKAGE, directory / "postroom", ignore=shutil.ignore_patterns("__pycache__"))
    if fault is not None:
        plant(fault, directory / "postroom")
    return directory


def look_for(fault: Fault) -> Finding:
    """Plant a fault and run its tests."""
    with tempfile.TemporaryDirectory(prefix="planted-") as directory:
        try:
            code, output = run_tests(fault.tests, sources_with(fault, Path(directory)), HANGS, soon_s=SOON_WITH_FAULT_S)
        except DoesNotFit as error:
            return Finding(fault.name, None, str(error))
    found = FAILED.search(output)
    if code == TESTS_FAILED and found:
        return Finding(fault.name, found[1])
    return Finding(fault.name, None, "its tests pass" if code == 0 else output)


def without_fault(faults: Iterable[Fault]) -> Finding:
    """Run the tests of all faults against a sound copy: a test that always fails finds nothing."""
    tests = sorted({test for fault in faults for test in fault.tests})
    with tempfile.TemporaryDirectory(prefix="planted-") as directory:
        code, output = run_tests(tests, sources_with(None, Path(directory)))
    return Finding("(none)", None, "") if code == 0 else Finding("(none)", "a test that fails without any fault", output)


def main(words: list[str]) -> int:
    """Print the table; 0 if every fault was found, and nothing where there is none."""
    faults = [fault for fault in FAULTS if all(word in fault.name for word in words)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        sound = pool.submit(without_fault, faults)
        findings = list(pool.map(look_for, faults))
    width = max(len(finding.fault) for finding in findings)
    for finding in findings:
        print(f"{finding.fault:{width}}  {finding.found_by or f'SURVIVED: {finding.why}'}")  # noqa: T201  # its work
    if sound.result().found_by:
        print(f"Without a fault:\n{sound.result().why}")  # noqa: T201
    survivors = [finding for finding in findings if finding.found_by is None]
    print(f"{len(findings) - len(survivors)} of {len(findings)} planted faults were found.")  # noqa: T201
    return 1 if survivors or sound.result().found_by else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
