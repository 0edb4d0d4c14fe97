"""The answer at a whiteboard: short, plain PyTorch, and right."""

import importlib

import pytest

from kd_study import grade
from kd_study.exercises.catalog import NAMES, exercise
from kd_study.exercises.stubs import solved_source, whiteboard_source
from kd_study.notebook.hints import solution_text

LINES = 20
WRITTEN = [name for name in NAMES if whiteboard_source(exercise(name))]


def test_a_reference_that_leans_on_the_library_has_a_short_twin():
    leaning = [name for name in NAMES if "from kd_solutions.losses" in solved_source(exercise(name))]
    assert len(leaning) > 30 and set(leaning) <= set(WRITTEN)


@pytest.mark.parametrize("name", WRITTEN)
def test_it_is_short_and_imports_nothing_of_ours(name):
    source = whiteboard_source(exercise(name))
    assert "kd_" not in source.replace(f"def {name}(", "")
    assert f"def {name}(" in source and len(source.splitlines()) <= LINES


@pytest.mark.parametrize("name", [name for name in WRITTEN if not name.startswith("debug_")])
def test_it_passes_every_check(name):
    task = exercise(name)
    report = grade(importlib.import_module(type(task).__module__).whiteboard, name)
    assert report.status == "passed", report


def test_the_solution_shows_it_first_and_says_what_the_library_adds():
    shown = solution_text("kd_loss")
    assert shown.startswith("**At the whiteboard**\n\n```python\nimport torch.nn.functional as F")
    assert "**In the library**, which also refuses shapes that don't pair, computes in float32" in shown
    assert solution_text("debug_ignored_mask").startswith("**At the whiteboard**")
    assert "**In the library**\n" in solution_text("layer_map")
    assert "whiteboard" not in solution_text("distill_step").split("```")[0]
