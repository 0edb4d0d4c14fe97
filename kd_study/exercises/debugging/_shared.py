"""Exercises in which a function is handed out with a fault, to be found by reading and mended."""

import inspect

import kd_solutions
from kd_study.exercises.base import Exercise
from kd_study.exercises.debugging import _faulty as faulty

_IMPORTS = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n\n"


class DebugExercise(Exercise):
    """The stub is the function of the exercise's name in `faulty`.

    `contract` names the function in `kd_solutions` that it should have been. An exercise on it stands behind
    this one in the bases and lends its checks.
    """

    contract: str

    @property
    def stub(self) -> str:
        return _IMPORTS + inspect.getsource(getattr(faulty, self.name))

    @property
    def reference(self):
        return getattr(kd_solutions, self.contract)
