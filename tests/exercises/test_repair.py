"""What is handed out for repair runs, is faulty, and is named. The loop has six faults and no seventh."""

import inspect

import pytest

from kd_study import grade
from kd_study.exercises.catalog import TOPICS, exercise
from kd_study.exercises.debugging import _faulty as faulty
from kd_study.exercises.loop._faulty_loop import repair_the_loop
from kd_study.exercises.loop.repair_the_loop import MENDS, loop_with


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


def changed(name):
    """What the exercise hands out, after somebody has begun to work on it without finding the fault."""
    space = {}
    exec(exercise(name).stub + "    pass\n", space)
    return space[name]


@pytest.mark.parametrize("name", TOPICS["debugging"])
def test_what_a_debug_exercise_hands_out_fails_and_is_named_once_it_was_changed(name):
    handed_out, begun = grade(getattr(faulty, name)), grade(changed(name))
    assert handed_out.status == begun.status == "failed", begun
    assert handed_out.diagnosis is None and handed_out.untouched, handed_out
    assert begun.diagnosis is not None and not begun.untouched, begun


@pytest.mark.parametrize("name", TOPICS["debugging"])
def test_the_stub_of_a_debug_exercise_is_the_function_handed_out(name):
    space = {}
    exec(exercise(name).stub, space)
    assert list(inspect.signature(space[name]).parameters) == list(
        inspect.signature(exercise(name).reference).parameters
    )
