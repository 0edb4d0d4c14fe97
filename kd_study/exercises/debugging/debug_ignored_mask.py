from kd_study.exercises.debugging._shared import DebugExercise
from kd_study.exercises.loop.masked_kd import MaskedKD


class DebugIgnoredMask(DebugExercise, MaskedKD):
    contract = "masked_kd"


DebugIgnoredMask.wrong_answers += MaskedKD.wrong_answers

EXERCISE = DebugIgnoredMask()
