"""The loop, its batches, checkpoints and optimizers, whatever the loss."""

from kd_solutions.training.batches import Batch
from kd_solutions.training.checkpoint import Run
from kd_solutions.training.classic import distill_step, freeze, repair_the_loop, train_student_model
from kd_solutions.training.loop import DistillResult, distill
from kd_solutions.training.optimizers import RowAdam

__all__ = [
    "Batch",
    "DistillResult",
    "RowAdam",
    "Run",
    "distill",
    "distill_step",
    "freeze",
    "repair_the_loop",
    "train_student_model",
]
