from kd_study.exercises.debugging._shared import DebugExercise
from kd_study.exercises.response.distillation_kl import DistillationKL


class DebugShrinkingLoss(DebugExercise, DistillationKL):
    contract = "distillation_kl"


DebugShrinkingLoss.wrong_answers += DistillationKL.wrong_answers

EXERCISE = DebugShrinkingLoss()
