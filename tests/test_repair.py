"""The loop that is handed out for repair has six faults: each matters by itself, and there is no seventh."""

import pytest

from kd_study import grade
from kd_study.exercises.faulty_loop import repair_the_loop
from kd_study.exercises.repair_the_loop import MENDS, loop_with


def test_there_are_six_faults():
    assert len(MENDS) == 6


def test_the_loop_as_handed_out_fails_and_is_not_to_do():
    assert grade(repair_the_loop).status == "failed"


def test_the_loop_with_all_six_mended_passes():
    report = grade(loop_with(name="repair_the_loop"))
    assert report.status == "passed", report


@pytest.mark.parametrize("fault", MENDS)
def test_each_fault_alone_fails(fault):
    assert grade(loop_with(fault, name="repair_the_loop")).status == "failed"
