from kd_study.exercises.debugging._shared import DebugExercise
from kd_study.exercises.features.hint_loss import HintLoss


class DebugDetachedFeature(DebugExercise, HintLoss):
    contract = "hint_loss"


DebugDetachedFeature.wrong_answers += HintLoss.wrong_answers

EXERCISE = DebugDetachedFeature()
