from kd_study.exercises.debugging._shared import DebugExercise
from kd_study.exercises.loop.masked_kd import MaskedKD


class DebugInfinitePadding(DebugExercise, MaskedKD):
    contract = "masked_kd"


DebugInfinitePadding.wrong_answers += MaskedKD.wrong_answers

EXERCISE = DebugInfinitePadding()
