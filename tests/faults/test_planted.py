"""The tests are tested: each planted fault is found, and one that is not would be noticed."""

from __future__ import annotations

import pytest

from tests import planted_faults
from tests.faults.planted.table import FAULTS, Edit, Fault

QUICK = ("tests/test_names.py::test_a_name_may_be",)


@pytest.mark.slow
@pytest.mark.timeout(1_600)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_every_planted_fault_is_found(fault):
    finding = planted_faults.look_for(fault)
    assert finding.found_by is not None, finding.why


@pytest.mark.slow
@pytest.mark.timeout(1_600)
def test_nothing_is_found_where_no_fault_was_planted():
    finding = planted_faults.without_fault(FAULTS)
    assert finding.found_by is None, finding.why


def test_the_script_says_what_found_a_fault(capsys):
    assert planted_faults.main(["full mailbox"]) == 0
    assert "1 of 1 planted faults were found." in capsys.readouterr().out


def test_there_are_many_different_faults():
    assert len(FAULTS) >= 10
    assert len({fault.name for fault in FAULTS}) == len({fault.edits for fault in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_fits_into_the_sources(fault, tmp_path):
    planted_faults.sources_with(fault, tmp_path)


def test_a_fault_that_changes_nothing_survives():
    finding = planted_faults.look_for(Fault("harmless", QUICK, (Edit("core/pace.py", "MINUTE_US = 60_000_000", "MINUTE_US = 60000000"),)))
    assert (finding.found_by, finding.why) == (None, "its tests pass")


def test_a_fault_that_no_longer_fits_is_reported():
    finding = planted_faults.look_for(Fault("outdated", QUICK, (Edit("core/pace.py", "no such line", ""),)))
    assert finding.found_by is None
    assert "no such line" in finding.why


def test_a_fault_whose_tests_do_not_exist_is_reported():
    fault = FAULTS[0]._replace(tests=("tests/test_names.py::test_that_nobody_wrote",))
    assert planted_faults.look_for(fault).found_by is None
